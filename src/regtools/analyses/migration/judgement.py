"""What becomes of each tag: is it copied, is it there, or does something stand against it?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from regtools.analyses.migration.sides import Moves
from regtools.analyses.reach import made
from regtools.units import format_bytes

COPY, EQUAL, CONFLICT, REFUSED, UNREAD = "copy", "equal", "conflict", "refused", "unread"
KEPT: Final = (COPY, EQUAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the destination takes, as far as is known; a limit with what is said of it."""

    refuses: Callable[[str], str]
    """Says why a repository's name is refused; empty: it is not."""
    max_layer: int | None = None
    max_manifest: int | None = None
    max_images: int | None = None
    says: Mapping[str, str] = field(default_factory=dict)
    """By ``layer``, ``manifest``, ``images``."""


def judged(moves: Moves, room: Room, *, overwrite: bool) -> pd.DataFrame:
    """Say of each tag what becomes of it, and why; follow those that stay."""
    tags = moves.tags().reset_index(drop=True)
    homes: dict[str, list[str]] = {}
    for row in moves.pairs.to_dict("records"):
        homes.setdefault(row["destination"], []).append(row["repository"])
    refused = {name: room.refuses(name) for name in homes}
    judged = [
        _status(row, homes[row["destination"]], refused[row["destination"]], overwrite=overwrite)
        for row in tags.to_dict("records")
    ]
    tags["status"] = pd.Series([status for status, _ in judged], index=tags.index, dtype="object")
    tags["why"] = pd.Series([why for _, why in judged], index=tags.index, dtype="object")
    moves.reach(tags[tags["status"].isin(KEPT)])
    limits = {"max_layer": room.max_layer, "max_manifest": room.max_manifest}
    large = moves.workspace.ask("migration_large", parameters=limits).to_dict("records")
    reasons = [
        f"Its {row['role']} {row['digest']} has {format_bytes(row['size'])}. "
        f"{room.says[row['role']]}"
        for row in large
    ]
    _mark(tags, large, reasons, REFUSED, of=KEPT)
    partial = moves.workspace.ask("migration_partial").to_dict("records")
    reasons = [
        f"The tag is there, but {row['number']:,} of its manifests and blobs are missing there."
        for row in partial
    ]
    _mark(tags, partial, reasons, COPY, of=(EQUAL,))
    moves.reach(tags[tags["status"].isin(KEPT)])
    return tags


def _status(
    row: Mapping[Any, Any], homes: Sequence[str], refused: str, *, overwrite: bool
) -> tuple[str, str]:
    there = row["digest_there"]
    if refused:
        return REFUSED, refused
    if len(homes) > 1:
        others = ", ".join(name for name in sorted(homes) if name != row["repository"])
        return CONFLICT, f"This repository would also take what is in {others}."
    if pd.isna(row["node"]):
        return UNREAD, "The scan could not read it."
    if pd.isna(there):
        return COPY, ""
    if there == row["digest"]:
        return EQUAL, ""
    if overwrite:
        return COPY, f"It takes the place of {there}."
    return CONFLICT, f"The tag is there, and names {there}."


def _mark(
    tags: pd.DataFrame,
    found: Sequence[Mapping[Any, Any]],
    reasons: Sequence[str],
    status: str,
    *,
    of: Iterable[str],
) -> None:
    """Give those of these statuses that were found another status, and say why."""
    why = {(row["place"], row["node"]): why for row, why in zip(found, reasons, strict=True)}
    places = zip(tags["place"], tags["node"], strict=True)
    named = tags["status"].isin(list(of)) & pd.Series(
        [key in why for key in places], index=tags.index, dtype="bool"
    )
    chosen = tags[named]
    tags.loc[named, "why"] = [why[key] for key in zip(chosen["place"], chosen["node"], strict=True)]
    tags.loc[named, "status"] = status


def dropped(tags: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Give referrers' tags that are left out: their subjects lead to them all the same."""
    left = tags[tags["refers"] & tags["node"].notna() & ~tags["status"].isin(KEPT)]
    stays = set(zip(kept["place"], kept["node"], strict=True))
    rows = [
        (int(place), int(node))
        for place, node in zip(left["place"], left["node"], strict=True)
        if (place, node) not in stays
    ]
    return made(rows, {"place": "int64", "node": "int64"})
