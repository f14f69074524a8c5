"""What is broken: which images cannot be pulled whole, and what is left of images that are gone.

Only what the registry itself said is missing counts as missing: a 404 for a child, a tag, a config
or a blob. What was refused or timed out is not known, and is told as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.reach import ONLY_STATE, facts, made, opened
from regtools.engine import Workspace
from regtools.history import History
from regtools.thresholds import CRITICAL, INFO, SEVERITIES, WARNING
from regtools.units import format_bytes

COLUMNS: Final = {
    **dict.fromkeys(("registry", "repository", "tag", "digest", "code", "severity", "what"), "str"),
    "affected": "object",
    "bytes": "Int64",
    "remedy": "str",
    "complete": "bool",
}
MISSING: Final = frozenset(
    {"INDEX_CHILD_MISSING", "TAG_DANGLING", "CONFIG_MISSING", "BLOB_MISSING", "BLOB_SIZE_WRONG"}
)
"""Codes of what the registry lost: of an image that has such a row, not everything can be pulled."""
_STEPS: Final = ("places", "audit_gaps", "audit_about", "audit_above", "audit_held")
_NAMED: Final = 3
"""How many tags a sentence names."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """One cause; `place` and these fields make a row."""

    code: str
    severity: str
    what: str
    digest: str = ""
    affected: Sequence[str] = field(default=())
    tags: Sequence[str] = field(default=())
    size: int | None = None
    remedy: str
    is_sure: bool = True


def audit(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """List what is broken, the worst first; one cause is one row.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        registry, repository, tag (where it is one only), digest (of what is missing), code,
        severity (critical, warning, info), what (a sentence), affected (a list of tags that
        cannot be pulled whole or hang loose, with the platform in brackets where others can be
        pulled), bytes (of what is missing, or of what is left over; empty: unknown), remedy,
        complete (whether everything in this repository that could matter was read).

        Layers are asked for only by a scan with ``check_blobs``: without one, a row
        ``BLOBS_UNCHECKED`` says so. A row ``AUDIT_INCOMPLETE`` says where something could not be
        read: that is not missing, but nobody knows.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    store = opened(history)
    rows = store.latest(registry=registry, at=at)
    with Workspace(store, rows) as workspace:
        facts(workspace, {ONLY_STATE: rows}, _STEPS)
        places = {int(row["place"]): row for row in _records(workspace.ask("audit_places"))}
        unread = list(_records(workspace.ask("audit_unread")))
        unchecked = list(_records(workspace.ask("audit_unchecked")))
        found = [
            (places[int(row["place"])], make(row, places[int(row["place"])]))
            for question, make in _QUESTIONS
            for row in _records(workspace.ask(question))
        ]
    troubled = {(row["registry"], row["repository"]) for row in unread}
    listed: list[tuple[Any, ...]] = [
        (
            place["registry"],
            place["repository"],
            *_cells(one),
            one.is_sure
            and (place["registry"], place["repository"]) not in troubled
            and (place["registry"], "") not in troubled,
        )
        for place, one in found
    ]
    listed += [(row["registry"], row["repository"], *_cells(_unread(row)), False) for row in unread]
    listed += [(row["registry"], "", *_cells(_UNCHECKED), False) for row in unchecked]
    listed.sort(key=_urgency)
    return made(listed, COLUMNS)


def is_content(problems: pd.DataFrame) -> pd.Series:
    """Say which problems of a scan are something missing, which `audit` tells.

    Parameters
    ----------
    problems
        What `regtools.problems` gives.
    """
    absent = (problems["code"] == "NOT_FOUND") & (problems["reference"] != "")
    return absent | problems["code"].isin(["CONFIG_MISSING", "BLOB_MISSING", "BLOB_SIZE_WRONG"])


def _broken(row: Row, place: Row) -> _Fault:
    """Judge a child, config or layer that is missing or damaged."""
    code, tags, affected = row["code"], row["tags"], row["affected"]
    size = _whole(row["bytes"])
    if code == "INDEX_CHILD_MISSING":
        severity, what, remedy = _child(row, place)
    else:
        whom = _images(place["repository"], tags)
        thing, state = _BLOBS[code]
        many = f" ({format_bytes(size)})" if size is not None else ""
        severity = CRITICAL if row["is_image"] else WARNING
        what = f"{thing}{many} of {whom} {state}: it cannot be pulled whole."
        remedy = "Push the image again from where it was built, or delete its tags."
    return _Fault(
        code=code,
        severity=severity,
        what=what,
        digest=row["digest"],
        affected=affected,
        tags=tags,
        size=size,
        remedy=remedy,
    )


_BLOBS: Final = {
    "BLOB_MISSING": ("A layer", "is not in the repository"),
    "BLOB_SIZE_WRONG": ("A layer", "has another size in the storage than its manifest says"),
    "CONFIG_MISSING": ("The config", "is not in the repository"),
}


def _child(row: Row, place: Row) -> tuple[str, str, str]:
    whom = _images(place["repository"], row["tags"])
    platforms = " and ".join(row["platforms"]) or "An image"
    if row["nothing_left"]:
        what = f"Nothing of {whom} can be pulled: the index is there, its images are not."
        remedy = "Push it again, or delete its tags. Was there a cleanup of untagged manifests?"
        return CRITICAL, what, remedy
    if row["is_image"]:
        what = f"{platforms} of {whom} cannot be pulled: the index lists it, and it is not there."
        remedy = (
            "Nothing, where only some platforms are mirrored; else push or copy it again whole."
        )
        return WARNING, f"{what} Others can.", remedy
    what = f"An attestation or artifact that {whom} lists is not there."
    remedy = "Push or copy it again whole: until then a copy of everything fails."
    return WARNING, what, remedy


def _tag(row: Row, place: Row) -> _Fault:
    """Judge a tag that names nothing, or the tags of schema 1."""
    tags = row["tags"]
    if row["code"] == "SCHEMA1":
        return _Fault(
            code="SCHEMA1",
            severity=INFO,
            what=f"{_images(place['repository'], tags)} has a manifest of schema 1, which today's "
            "clients refuse.",
            affected=tags,
            tags=tags,
            remedy="Build it again with a client of today.",
        )
    return _Fault(
        code="TAG_DANGLING",
        severity=WARNING if row["is_referrer"] else CRITICAL,
        what=f"{_images(place['repository'], tags)} is listed, but the manifest that it names is "
        "not there.",
        affected=tags,
        tags=tags,
        remedy="Push it again, or delete the tag.",
    )


def _referrers(row: Row, place: Row) -> _Fault:
    """Judge signatures and SBOMs of what is not in their repository."""
    what_is_it = "A signature" if row["signed"] else "An artifact"
    repository = place["repository"]
    severity, sure, remedy = WARNING, True, "Delete it: it is about an image that nobody can pull."
    what = f"{what_is_it} in {repository} is about an image that is gone."
    if isinstance(row["elsewhere"], str):
        severity = INFO
        what = f"{what_is_it} in {repository} is about an image that is in {row['elsewhere']} only."
        remedy = "Nothing, where signatures are kept apart on purpose; else delete it."
    elif isinstance(row["unread"], str):
        severity, sure = INFO, False
        what = f"{what_is_it} in {repository} is about an image that could not be read ({row['unread']})."
        remedy = "Scan again; whether the image is gone is not known."
    elif not row["digest"].startswith("sha256:"):
        # Such a tag holds half of the digest, by which nobody can ask.
        severity, sure = INFO, False
        what = f"{what_is_it} in {repository} is about an image that no tag leads to."
        remedy = "Look whether the image is there without a tag; if not, delete it."
    return _Fault(
        code="SIGNATURE_WITHOUT_IMAGE" if row["signed"] else "REFERRER_WITHOUT_SUBJECT",
        severity=severity,
        what=what,
        digest=row["digest"],
        affected=row["tags"],
        tags=row["tags"],
        size=_whole(row["bytes"]),
        remedy=remedy,
        is_sure=sure,
    )


def _attestation(row: Row, place: Row) -> _Fault:
    whom = _images(place["repository"], row["tags"])
    return _Fault(
        code="ATTESTATION_WITHOUT_IMAGE",
        severity=WARNING,
        what=f"{whom} lists an attestation about an image that it does not list.",
        digest=row["digest"],
        affected=row["tags"],
        tags=row["tags"],
        remedy="Make the index again, with the image or without its attestation.",
    )


def _signatures(row: Row, place: Row) -> _Fault:
    return _Fault(
        code="SIGNATURE_REPEATED",
        severity=INFO,
        what=f"An image in {place['repository']} is signed {row['signatures']} times.",
        digest=row["digest"],
        affected=row["tags"],
        tags=row["tags"],
        remedy="Nothing, where several keys sign; else look why each build signs again.",
    )


_QUESTIONS: Final[Sequence[tuple[str, Callable[[Row, Row], _Fault]]]] = (
    ("audit_broken", _broken),
    ("audit_tags", _tag),
    ("audit_referrers", _referrers),
    ("audit_attestations", _attestation),
    ("audit_signatures", _signatures),
)
"""What is asked, and who puts an answer into words."""


def _unread(row: Row) -> _Fault:
    what = f"{row['problems']:,} of what was asked for" if row["problems"] > 1 else "Something"
    return _Fault(
        code="AUDIT_INCOMPLETE",
        severity=INFO,
        what=f"{what} could not be read ({', '.join(row['codes'])}): whether it is broken is not "
        "known.",
        remedy="Mend what the problems name, and scan again.",
    )


_UNCHECKED: Final = _Fault(
    code="BLOBS_UNCHECKED",
    severity=INFO,
    what="Nobody asked whether all layers are there, nor about what an earlier scan had read.",
    remedy="Run `regtools scan TARGET --check-blobs`.",
)


def _images(repository: str, tags: Sequence[str]) -> str:
    """Name images: ``team/app:1.0, team/app:latest and 3 more``."""
    if not tags:
        return f"a manifest without a tag in {repository}"
    named = ", ".join(f"{repository}:{tag}" for tag in tags[:_NAMED])
    return named if len(tags) <= _NAMED else f"{named} and {len(tags) - _NAMED:,} more"


def _cells(one: _Fault) -> tuple[Any, ...]:
    what = one.what[:1].upper() + one.what[1:] if one.what.startswith("a manifest") else one.what
    return (
        one.tags[0] if len(one.tags) == 1 else "",
        one.digest,
        one.code,
        one.severity,
        what,
        list(one.affected),
        one.size,
        one.remedy,
    )


def _urgency(row: tuple[Any, ...]) -> tuple[Any, ...]:
    registry, repository, _, digest, code, severity, _, affected, *_ = row
    return SEVERITIES.index(severity), registry, repository, code, digest, affected


def _whole(number: Any) -> int | None:
    return None if pd.isna(number) else int(number)


def _records(frame: pd.DataFrame) -> Iterator[Row]:
    """Give rows with plain lists."""
    for row in frame.to_dict("records"):
        yield {
            str(name): value.tolist() if hasattr(value, "tolist") else value
            for name, value in row.items()
        }
