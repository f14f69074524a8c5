"""Numbers that others tell (a vendor's quota, a page's total) beside those that we compute.

The difference is named only where it is one: if leaving out untagged manifests, or counting shared
layers again, gives the told number exactly, that is what was done. Else it stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any, Final

import pandas as pd

from regtools.analyses.reach import ONLY_STATE, Reach, made
from regtools.engine import query
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import SnapshotRow
from regtools.units import parse_bytes

COLUMNS: Final = {
    **dict.fromkeys(("registry", "scope", "name", "kind", "source"), "str"),
    "reported_bytes": "int64",
    "limit_bytes": "Int64",
    **dict.fromkeys(
        (
            "computed_bytes",
            "difference_bytes",
            "untagged_bytes",
            "shared_bytes",
            "foreign_bytes",
            "uncollected_bytes",
            "unknown_bytes",
        ),
        "int64",
    ),
    "explanation": "str",
}
SCOPES: Final = {
    "registry": "registry",
    "namespace": "namespace",
    "project": "namespace",
    "repository": "repository",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A number that somebody tells."""

    registry: str
    scope: str
    name: str
    kind: str
    source: str
    bytes: int
    limit_bytes: int | None = None
    precision: int = 0
    """How far the true number may be from this one, since it was rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that a vendor may count, or not, other than we do."""

    column: str
    words: str
    bytes: int
    """What it changes in our number."""


def parse_reported(text: str) -> tuple[str, int, int]:
    """Read ``[NAME=]SIZE``: name, bytes, and how far the true number may be from these.

    Raises
    ------
    ConfigError
        The text is no size.

    Examples
    --------
    >>> parse_reported("team=1.5GB")
    ('team', 1500000000, 50000000)
    """
    name, _, size = text.rpartition("=")
    number = size.strip().rstrip("BIKMGTPbikmgtp ")
    total = parse_bytes(size)
    if not total or not size.strip()[len(number) :].strip():
        return name, total, 0
    # Half of the last digit that was written.
    unit = Decimal(total) / Decimal(number)
    digits = len(number.partition(".")[2])
    return name, total, int(unit / (2 * 10**digits))


def told_by_user(
    texts: Iterable[str], registry: str, repositories: Iterable[str]
) -> list[Reported]:
    """Take what a person typed as numbers of the registry or of parts of it.

    Raises
    ------
    ConfigError
        No size, or code ``REPORTED_UNKNOWN``: there is no repository of this name or below it.
    """
    known = set(repositories)
    rows = []
    for text in texts:
        name, size, precision = parse_reported(text)
        below = any(one.startswith(f"{name}/") for one in known)
        if name and name not in known and not below:
            raise ConfigError(
                f"There is no repository {name!r}, and none below it.",
                code="REPORTED_UNKNOWN",
                remedy="Name a repository or the first parts of one, or leave the name out.",
            )
        rows.append(
            Reported(
                registry=registry,
                scope="namespace" if below and name else "repository" if name else "registry",
                name=name,
                kind="told",
                source="--reported",
                bytes=size,
                precision=precision,
            )
        )
    return rows


def told_by_vendor(history: History, snapshots: Sequence[SnapshotRow]) -> list[Reported]:
    """Take the numbers that scans brought along."""
    frame = query(history, "reported_rows", snapshots=snapshots)
    return [
        Reported(
            registry=row["registry"],
            scope=row["scope"],
            name=row["name"],
            kind=row["kind"],
            source=row["source"],
            bytes=int(row["bytes"]),
            limit_bytes=None if pd.isna(row["limit_bytes"]) else int(row["limit_bytes"]),
        )
        for row in frame.to_dict("records")
    ]


def compare(
    history: History | None,
    snapshots: Sequence[SnapshotRow],
    rows: Sequence[Reported],
    *,
    on_disk: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Put what was told beside what was computed.

    Parameters
    ----------
    on_disk
        Bytes of each category on the registry's own disk; better than a scan for all of it.

    Returns
    -------
    DataFrame
        registry, scope, name, kind, source, reported_bytes, limit_bytes, computed_bytes (each
        blob once), difference_bytes (reported − computed), and what that consists of:
        untagged_bytes, shared_bytes (counted again, or left to others), foreign_bytes,
        uncollected_bytes (orphans, uploads and links on the disk), unknown_bytes; explanation.
    """
    sizes = _sizes(history, snapshots, rows) if history is not None and snapshots else {}
    found = []
    for number, row in enumerate(rows):
        if row.scope == "registry" and on_disk is not None:
            computed, parts = on_disk["reachable"], _parts_on_disk(on_disk)
        elif number in sizes:
            computed, parts = sizes[number]["physical_bytes"], _parts(row, sizes[number])
        else:
            continue
        found.append(_line(row, computed, parts))
    return made(found, COLUMNS)


def _sizes(
    history: History, snapshots: Sequence[SnapshotRow], rows: Sequence[Reported]
) -> dict[int, dict[Any, Any]]:
    asked = made(
        ((n, r.registry, SCOPES.get(r.scope, "namespace"), r.name) for n, r in enumerate(rows)),
        {"asked": "int64", "registry": "str", "scope": "str", "name": "str"},
    )
    reach = Reach(history, {ONLY_STATE: snapshots})
    frame = reach.ask("reported_sizes", tables={"asked": asked})
    return {int(row["asked"]): row for row in frame.to_dict("records") if row["repositories"]}


def _parts(row: Reported, sizes: Mapping[str, int]) -> list[Part]:
    physical = sizes["physical_bytes"]
    parts = [
        Part(
            column="untagged_bytes",
            words="without manifests that have no tag",
            bytes=sizes["tagged_bytes"] - physical,
        ),
        Part(
            column="foreign_bytes",
            words="with layers that are stored elsewhere",
            bytes=sizes["foreign_bytes"],
        ),
        Part(
            column="shared_bytes",
            words="with every image counted by itself",
            bytes=sizes["logical_bytes"] - sizes["tagged_bytes"],
        ),
        Part(
            column="shared_bytes",
            words="with shared layers counted in each repository",
            bytes=sizes["repositories_bytes"] - physical,
        ),
    ]
    if SCOPES.get(row.scope) != "registry":
        without = "without what others have too"
        parts.append(Part(column="shared_bytes", words=without, bytes=-sizes["shared_bytes"]))
    return parts


def _parts_on_disk(categories: Mapping[str, int]) -> list[Part]:
    words = {
        "untagged_manifests": "with manifests that have no tag",
        "orphan_blobs": "with orphan blobs",
        "uploads": "with unfinished uploads",
        "metadata": "with links and other metadata",
        "unexplained": "with files that do not belong there",
    }
    return [
        Part(
            column="untagged_bytes" if name == "untagged_manifests" else "uncollected_bytes",
            words=text,
            bytes=categories[name],
        )
        for name, text in words.items()
    ]


def _line(row: Reported, computed: int, parts: Sequence[Part]) -> list[Any]:
    difference = row.bytes - int(computed)
    chosen = _explaining(difference, row.precision, [part for part in parts if part.bytes])
    named = dict.fromkeys(
        ("untagged_bytes", "shared_bytes", "foreign_bytes", "uncollected_bytes"), 0
    )
    for part in chosen or ():
        named[part.column] += int(part.bytes)
    unknown = difference - sum(named.values())
    return [
        row.registry,
        row.scope,
        row.name,
        row.kind,
        row.source,
        row.bytes,
        row.limit_bytes,
        int(computed),
        difference,
        *named.values(),
        unknown,
        _words(chosen, difference),
    ]


def _explaining(difference: int, precision: int, parts: Sequence[Part]) -> Sequence[Part] | None:
    """Find the fewest parts that give the difference; None if none do."""
    for count in range(len(parts) + 1):
        fitting = [
            chosen
            for chosen in combinations(parts, count)
            if abs(difference - sum(part.bytes for part in chosen)) <= precision
            # Sharing can be counted in one way only.
            and sum(part.column == "shared_bytes" for part in chosen) <= 1
        ]
        if fitting:
            return min(fitting, key=lambda them: abs(difference - sum(p.bytes for p in them)))
    return None


def _words(chosen: Sequence[Part] | None, difference: int) -> str:
    if chosen is None:
        if difference > 0:
            return "more than anything here explains: what no scan sees, such as untagged manifests"
        return "less than the images need: it may be old, or count something else"
    return ", ".join(part.words for part in chosen) if chosen else "each blob once: the same"
