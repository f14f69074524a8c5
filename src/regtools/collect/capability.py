"""What a registry's own API really tells to whoever asks: a few questions, measured, not assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from regtools.client import Distribution
from regtools.errors import BudgetError, RegistryError, RegtoolsError, UnreachableError
from regtools.registries.listing import TELLS, Inventory, ListedRepository, ListedVersion

MAX_REQUESTS: Final = 30
"""Requests that measuring one registry may cost."""
_OF_REPOSITORY: Final[Mapping[str, Callable[[ListedRepository], object]]] = {
    "visibility": lambda one: one.visibility,
    "size": lambda one: one.size,
    "pulls": lambda one: one.pulls,
    "immutable": lambda one: one.immutable,
    "cleanup": lambda one: one.cleanup_policy,
}
_OF_VERSION: Final[Mapping[str, Callable[[ListedVersion], object]]] = {
    "untagged": lambda one: not one.tags,
    "pushed": lambda one: one.pushed_at or any(tag.pushed_at for tag in one.tags),
    "pulled": lambda one: one.pulled_at or any(tag.pulled_at for tag in one.tags),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One thing that a registry may tell, and whether it did."""

    capability: str
    """One of `TELLS`."""
    answer: str
    """``yes``, ``no`` (the API answered, and did not tell it), ``refused``, or ``unknown`` (there
    was nothing to see it by)."""
    seen: str = ""
    """By what."""


async def measure(
    distribution: Distribution,
    inventory: Inventory | None,
    *,
    missing: RegtoolsError | None = None,
    path: str = "",
) -> list[Measured]:
    """Ask for a first page of repositories, the first repository's versions, and the sums.

    Parameters
    ----------
    inventory
        The vendor's API; None: there is none, or it is not asked, as `missing` says.
    path
        A repository or a prefix of repositories; empty: everything.
    """
    if inventory is None:
        listed = await _catalog(distribution)
        rest, why = ("refused", missing.summary) if missing else ("no", "there is no such API")
        return [listed, *(Measured(capability=n, answer=rest, seen=why) for n in TELLS[1:])]
    try:
        repositories = await _repositories(inventory, path)
    except (RegistryError, UnreachableError, BudgetError) as error:
        return [_refused(name, error) for name in TELLS]
    versions = await _versions(inventory, repositories)
    found = {
        "repositories": Measured(
            capability="repositories",
            answer="yes" if repositories else "unknown",
            seen=f"{len(repositories):,} on the first page",
        ),
        "quota": await _quota(inventory),
    }
    for name, tell in _OF_REPOSITORY.items():
        found[name] = _told(name, [tell(one) is not None for one in repositories], "repositories")
    for name, look in _OF_VERSION.items():
        if isinstance(versions, RegtoolsError):
            found[name] = _refused(name, versions)
        else:
            found[name] = _told(name, [bool(look(one)) for one in versions], "versions")
    return [found[name] for name in TELLS]


async def _catalog(distribution: Distribution) -> Measured:
    try:
        async for page in distribution.repositories():
            seen = f"the catalog, {len(page):,} on the first page"
            return Measured(capability=TELLS[0], answer="yes" if page else "unknown", seen=seen)
    except (RegistryError, UnreachableError, BudgetError) as error:
        return _refused(TELLS[0], error)
    return Measured(capability=TELLS[0], answer="unknown", seen="the catalog is empty")


async def _repositories(inventory: Inventory, path: str) -> list[ListedRepository]:
    """Give the first page that holds something of what was asked for."""
    async for read in inventory.repositories():
        for problem in read.problems:
            raise problem
        wanted = [
            one
            for one in read.items
            if not path or one.name == path or one.name.startswith(f"{path}/")
        ]
        if wanted:
            return wanted
    return []


async def _versions(
    inventory: Inventory, repositories: list[ListedRepository]
) -> list[ListedVersion] | RegtoolsError:
    """Give the first page of the first repository, or why it did not come."""
    try:
        for repository in repositories[:1]:
            async for read in inventory.versions(repository):
                for problem in read.problems:
                    raise problem
                return read.items
    except (RegistryError, UnreachableError, BudgetError) as error:
        return error
    return []


async def _quota(inventory: Inventory) -> Measured:
    try:
        sums = (await inventory.reported()).items
    except (RegistryError, UnreachableError, BudgetError) as error:
        return _refused("quota", error)
    kinds = sorted({f"{one.kind} of a {one.scope}" for one in sums})
    return Measured(
        capability="quota",
        answer="yes" if sums else "no",
        seen=", ".join(kinds) or "none is told to this credential",
    )


def _told(name: str, told: list[bool], what: str) -> Measured:
    if not told:
        return Measured(capability=name, answer="unknown", seen=f"no {what} to see it by")
    return Measured(
        capability=name,
        answer="yes" if any(told) else "no",
        seen=f"{sum(told):,} of {len(told):,} {what}",
    )


def _refused(name: str, error: RegtoolsError) -> Measured:
    return Measured(capability=name, answer="refused", seen=f"{error.summary} [{error.code}]")
