"""Whether a migration is whole: each tag, what is below it, and its referrers, at both sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import pandas as pd

from regtools.analyses.migration.sides import LIST_TAG, SOURCE, Moves, Side, Wanted
from regtools.analyses.reach import made
from regtools.history import History

ROWS: Final = {
    **dict.fromkeys(("source", "destination", "digest", "digest_there", "status", "why"), "str")
}
STATUSES: Final = (
    "equal",
    "missing",
    "different",
    "children_missing",
    "referrers_missing",
    "extra",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationCheck:
    """What two registries have in common, and what not."""

    source: str
    destination: str
    complete: bool
    """Whether both sides were read whole; if not, `notes` says what is missing."""
    rows: pd.DataFrame
    """`ROWS`: a row for each tag, and for each referrer that only the destination has. status is
    one of `STATUSES`."""
    notes: tuple[str, ...]

    @property
    def drift(self) -> pd.DataFrame:
        """The rows that are not equal."""
        return self.rows[self.rows["status"] != "equal"].reset_index(drop=True)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each status."""
        return {status: int((self.rows["status"] == status).sum()) for status in STATUSES}

    def _repr_html_(self) -> str:
        """Show in a notebook what differs."""
        said = ", ".join(f"{number:,} {status}" for status, number in self.counts.items() if number)
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<p>{escape(said)}</p><ul>{notes}</ul>{self.drift.to_html(index=False)}"


def compare_sides(
    history: History, source: Side, destination: Side, wanted: Wanted, *, extra: bool = True
) -> MigrationCheck:
    """Compare two sides of a history.

    Parameters
    ----------
    wanted
        What of the source, and its names at the destination.
    extra
        Whether tags and referrers that only the destination has are differences.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    with Moves(history, source, destination, wanted) as moves:
        tags = moves.tags().reset_index(drop=True)
        moves.reach(tags)
        ask = moves.workspace.ask
        partial = {(row["place"], row["node"]): row for row in _rows(ask("migration_partial"))}
        referrers = ask("migration_referrers")
        lists = _lists(moves, tags)
        differing = tags[tags["digest_there"].notna() & (tags["digest_there"] != tags["digest"])]
        like = _alike(moves, differing)
        lost = _only_at(referrers, "source")
        found = [
            (row, *_judged(row, partial, lost, like))
            for row in _rows(tags)
            if (row["place"], row["tag"]) not in lists
        ]
        more = _rows(ask("migration_extra")) if extra else []
        unread = moves.unread()
    rows: list[Sequence[str]] = [
        (
            f"{source.registry}/{row['repository']}:{row['tag']}",
            f"{destination.registry}/{row['destination']}:{row['tag']}",
            row["digest"],
            "" if pd.isna(row["digest_there"]) else row["digest_there"],
            status,
            why,
        )
        for row, status, why in found
    ]
    if extra:
        rows += _extra(more, referrers, destination, wanted)
    return MigrationCheck(
        source=str(source),
        destination=str(destination),
        complete=not unread,
        rows=made(rows, ROWS),
        notes=tuple(_notes(unread, source, destination)),
    )


def _rows(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def _lists(moves: Moves, tags: pd.DataFrame) -> set[tuple[int, str]]:
    """Give the tags that only list the referrers of a subject that is here.

    How a registry keeps that list is its own affair: what it lists is compared.
    """
    told = moves.workspace.ask("migration_lists")
    here = set(zip(told["place"], told["node"], strict=True))
    return {
        (row["place"], row["tag"])
        for row in _rows(tags)
        if row["refers"] and len(row["tag"]) == LIST_TAG and (row["place"], row["node"]) in here
    }


def _alike(moves: Moves, differing: pd.DataFrame) -> set[tuple[int, str]]:
    columns = {"place": "int64", "tag": "str", "digest": "str", "repository": "str"}
    rows = [
        (row["place"], row["tag"], row["digest_there"], row["destination"])
        for row in _rows(differing)
        if not pd.isna(row["node"])
    ]
    moves.workspace.add("migration_differing", made(rows, columns))
    alike = moves.workspace.ask("migration_likeness")
    return set(zip(alike["place"], alike["tag"], strict=True))


def _only_at(referrers: pd.DataFrame, side: str) -> Mapping[tuple[int, int], list[str]]:
    found: dict[tuple[int, int], list[str]] = {}
    for row in _rows(referrers[referrers["side"] == side]):
        found.setdefault((row["place"], row["node"]), []).append(row["digest"])
    return found


def _judged(
    row: Mapping[Any, Any],
    partial: Mapping[tuple[int, int], Mapping[Any, Any]],
    referrers: Mapping[tuple[int, int], list[str]],
    like: set[tuple[int, str]],
) -> tuple[str, str]:
    if pd.isna(row["digest_there"]):
        return "missing", ""
    if row["digest_there"] != row["digest"]:
        is_like = (row["place"], row["tag"]) in like
        return "different", "The same files, packed or listed another way." if is_like else ""
    if pd.isna(row["node"]):
        return "equal", "The source's manifest could not be read: only the digest was compared."
    key = (row["place"], row["node"])
    if key in partial:
        below = partial[key]
        return "children_missing", _named(list(below["missing"]), below["number"])
    if key in referrers:
        lost = sorted(set(referrers[key]))
        return "referrers_missing", _named(lost[:3], len(lost))
    return "equal", ""


def _named(digests: Sequence[str], number: int) -> str:
    more = f" and {number - len(digests):,} more" if number > len(digests) else ""
    return f"Not there: {', '.join(digests)}{more}."


def _extra(
    tags: Sequence[Mapping[Any, Any]],
    referrers: pd.DataFrame,
    destination: Side,
    wanted: Wanted,
) -> Iterator[Sequence[str]]:
    for row in tags:
        is_list = row["refers"] and len(row["tag"]) == LIST_TAG
        is_wanted = wanted.tag is None or (not row["refers"] and wanted.tag.search(row["tag"]))
        if is_wanted and not is_list:
            name = f"{destination.registry}/{row['destination']}:{row['tag']}"
            yield "", name, "", row["digest"], "extra", "The source has no such tag."
    own = referrers[referrers["side"] == "destination"].drop_duplicates(["destination", "digest"])
    for row in _rows(own):
        name = f"{destination.registry}/{row['destination']}@{row['digest']}"
        why = f"A referrer of {row['subject']} that the source does not have."
        yield "", name, "", row["digest"], "extra", why


def _notes(unread: Sequence[Mapping[str, Any]], source: Side, destination: Side) -> Iterator[str]:
    for state, side in enumerate((source, destination)):
        codes = sorted({row["code"] for row in unread if row["state"] == state})
        if codes:
            which = "source" if state == SOURCE else "destination"
            yield f"Not all of the {which} {side} was read ({', '.join(codes)}): nothing is sure."
