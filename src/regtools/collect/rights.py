"""What the credential may do, as far as somebody tells: a token, the vendor's API, or an answer.

Nothing is ever tried by writing. Where the answer is not told, it is unknown, and stays so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from regtools.client import Distribution
from regtools.errors import (
    DeniedError,
    NotFoundError,
    RegistryError,
    UnauthorizedError,
)
from regtools.registries.listing import ACTIONS, Rights

NEEDED_FOR: Final = {
    "list": "scans of everything; without it repositories have to be named",
    "pull": "scans, sizes, and every pull",
    "push": "pushes; regtools needs it for nothing",
    "delete": "clean-up by others; regtools deletes nothing",
}
"""Why somebody would want it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One thing that the credential may or may not do."""

    action: str
    """``list``, ``pull``, ``push`` or ``delete``."""
    granted: bool | None
    """None: nobody tells."""
    told_by: str
    """A token, the vendor's API, or an answer of the registry."""
    needed_for: str


async def rights(
    distribution: Distribution, *, repository: str, told: Rights | None
) -> list[Right]:
    """Find out what the credential may do.

    Parameters
    ----------
    repository
        To which rights are meant; empty: the first that the catalog lists.
    told
        What the vendor's API says, which counts most.

    Raises
    ------
    UnreachableError
        The registry stopped answering.
    """
    found: dict[str, tuple[bool | None, str]] = {}
    listed, first = await _listing(distribution)
    found["list"] = listed, "the catalog's answer"
    repository = repository or first
    if repository:
        for action, allowed in (await _by_token(distribution, repository)).items():
            found[action] = allowed, f"the token for {repository}"
        if "pull" not in found:
            found["pull"] = await _pull(distribution, repository), "the registry's answer"
    for action, allowed in (told.granted if told else {}).items():
        found[action] = allowed, told.source if told else ""
    return [
        Right(
            action=action,
            granted=found.get(action, (None, ""))[0],
            told_by=found.get(action, (None, "nobody"))[1],
            needed_for=NEEDED_FOR[action],
        )
        for action in ACTIONS
    ]


async def _listing(distribution: Distribution) -> tuple[bool | None, str]:
    """Say whether the catalog is open, and name a repository of it."""
    try:
        async for page in distribution.repositories():
            return True, page[0] if page else ""
    except (UnauthorizedError, DeniedError):
        return False, ""
    except RegistryError:
        return None, ""
    return True, ""


async def _by_token(distribution: Distribution, repository: str) -> dict[str, bool]:
    try:
        given = await distribution.granted(repository)
    except RegistryError:
        return {}
    return (
        {} if given is None else {action: action in given for action in ("pull", "push", "delete")}
    )


async def _pull(distribution: Distribution, repository: str) -> bool | None:
    try:
        async for _ in distribution.tags(repository):
            return True
    except (UnauthorizedError, DeniedError):
        return False
    except (NotFoundError, RegistryError):
        return None
    return True


def missing(found: Sequence[Right]) -> list[str]:
    """Name what regtools would need and is refused."""
    return [one.action for one in found if one.action in ("list", "pull") and one.granted is False]
