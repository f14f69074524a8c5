"""Files for the programs that copy: skopeo by a script or a list, regsync by its configuration.

None holds a credential: each program finds its own. Names come from strangers: each is checked and
quoted, so that none of them can be more than a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from regtools.copying.move import Copies, Copy
from regtools.copying.regsync import regsync
from regtools.copying.script import script
from regtools.copying.skopeo_sync import has_other_name, skopeo_sync
from regtools.errors import ConfigError, InvalidReferenceError
from regtools.reference import parse_digest, parse_repository, parse_tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """What was written, and what is not in it."""

    files: Mapping[str, str]
    """Name → text; usually one."""
    left_out: tuple[str, ...] = field(default=())
    """In sentences."""


def _script(copies: Copies) -> Emitted:
    return Emitted(files={"copy.sh": script(copies)})


def _regsync(copies: Copies) -> Emitted:
    return Emitted(files={"regsync.yml": regsync(copies)})


def _skopeo_sync(copies: Copies) -> Emitted:
    renamed = [one for one in copies.tagged if has_other_name(one)]
    odd = [one for one in copies.copies if one.is_list_only and one.tag]
    untagged = [one for one in copies.copies if not one.tag and not one.is_part]
    told = (
        (renamed, "tags change the last part of their name, which skopeo sync cannot"),
        (odd, "tags are lists that skopeo sync refuses or changes: referrers, or indexes in one"),
        (untagged, "referrers have no tag"),
    )
    return Emitted(
        files=skopeo_sync(copies),
        left_out=tuple(f"{len(found):,} {why}: use the script." for found, why in told if found),
    )


EMITTERS: Final[Mapping[str, Callable[[Copies], Emitted]]] = MappingProxyType(
    {"skopeo-sync": _skopeo_sync, "regsync": _regsync, "script": _script}
)
"""In whose form a plan can be written."""


def emitted(copies: Copies, form: str) -> Emitted:
    """Write a plan for a program.

    Parameters
    ----------
    form
        One of `EMITTERS`.

    Raises
    ------
    ConfigError
        Code ``NAME_UNSAFE``: a name that no registry would take. Nothing is written.
    """
    for one in copies.copies:
        _require_names(one)
    return EMITTERS[form](copies)


def _require_names(one: Copy) -> None:
    try:
        parse_repository(one.repository)
        parse_repository(one.destination)
        parse_digest(one.digest)
        if one.tag:
            parse_tag(one.tag)
    except InvalidReferenceError as error:
        raise ConfigError(
            f"{one.repository!r} to {one.place!r} are no names of images.",
            code="NAME_UNSAFE",
            remedy="Look at where the scan found them; nothing was written.",
        ) from error
