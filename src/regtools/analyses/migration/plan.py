"""What is to be copied from one registry to another, how much of it, and what stands against it.

Everything comes from the newest scans of both. What the destination holds already, within the
bounds in which it stores a blob once, is not counted again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Final

import pandas as pd

from regtools.analyses.egress import Egress, egress
from regtools.analyses.migration.judgement import (
    CONFLICT,
    COPY,
    EQUAL,
    KEPT,
    REFUSED,
    Room,
    dropped,
    judged,
)
from regtools.analyses.migration.order import copies as in_order
from regtools.analyses.migration.sides import SOURCE, Moves, Side, Wanted
from regtools.analyses.reach import made
from regtools.copying import Copies
from regtools.history import History
from regtools.reference import Target
from regtools.units import format_bytes

ROWS: Final = dict.fromkeys(("source", "destination", "digest", "status", "why"), "str")
REPOSITORIES: Final = {
    "source": "str",
    "destination": "str",
    "tags": "int64",
    "tags_to_copy": "int64",
    "manifests_to_copy": "int64",
    "blobs_to_copy": "int64",
    "bytes_to_copy": "int64",
    "bytes_there": "int64",
}
REQUESTS: Final = (
    "A blob that is sent: 1 request to the source, 4 to the destination (is it there, begin, send, "
    "end). One that another repository there has: 2 (is it there, mount). A manifest: 1 and 1. A "
    "tag: 1 and 1 more. Logins are not counted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """What moving images would copy, cost and meet."""

    source: str
    destination: str
    complete: bool
    """Whether both sides were read whole; if not, `notes` says what is missing."""
    repositories: pd.DataFrame
    """`REPOSITORIES`; bytes that several need are counted with the first of them."""
    rows: pd.DataFrame
    """`ROWS`: a row for each tag, and for each referrer without one. status: copy, equal (it is
    there), conflict (the name is taken there by something else), refused, unread."""
    tags_to_copy: int
    manifests_to_copy: int
    """In each repository that does not hold them yet."""
    blobs_to_copy: int
    bytes_to_copy: int
    """Manifests, configs and layers that are not yet at the destination. At most, where nobody
    knows within which bounds it stores a blob once."""
    low_bytes_to_copy: int
    """At least."""
    bytes_there: int
    """What is wanted, and there already."""
    requests: int
    """`REQUESTS` says how that is counted."""
    seconds: float | None
    """At `bytes_per_second`; None: nobody measured how fast it goes."""
    bytes_per_second: float | None
    egress: Egress
    """Of leaving the source."""
    notes: tuple[str, ...]
    copies: Copies
    limits: tuple[Mapping[str, object], ...] = ()
    """What this kind of destination refuses, or wants done first: each with its source and date."""

    @property
    def refused(self) -> pd.DataFrame:
        """What the destination would not take, and why."""
        return self.rows[self.rows["status"] == REFUSED].reset_index(drop=True)

    @property
    def conflicts(self) -> pd.DataFrame:
        """Names that are taken at the destination, and by what."""
        return self.rows[self.rows["status"] == CONFLICT].reset_index(drop=True)

    @property
    def summary(self) -> dict[str, Any]:
        """The numbers, as the JSON document has them."""
        names = (
            "source",
            "destination",
            "complete",
            "tags_to_copy",
            "manifests_to_copy",
            "blobs_to_copy",
            "bytes_to_copy",
            "low_bytes_to_copy",
            "bytes_there",
            "requests",
            "seconds",
            "bytes_per_second",
        )
        return {
            **{name: getattr(self, name) for name in names},
            "egress_usd": asdict(self.egress),
            "notes": list(self.notes),
            "limits": [
                {name: str(value) if name == "checked" else value for name, value in one.items()}
                for one in self.limits
            ],
        }

    def _repr_html_(self) -> str:
        """Show in a notebook how much goes where."""
        said = escape(
            f"{self.source} to {self.destination}: {self.tags_to_copy:,} tags, "
            f"{format_bytes(self.bytes_to_copy)} to copy, {format_bytes(self.bytes_there)} there."
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<p>{said}</p><ul>{notes}</ul>{self.repositories.to_html(index=False)}"


def plan(
    history: History,
    source: Side,
    destination: Side,
    wanted: Wanted,
    room: Room,
    *,
    targets: tuple[Target, Target],
    overwrite: bool = False,
    bytes_per_second: float | None = None,
    provider: str = "",
) -> MigrationPlan:
    """Compare two sides of a history and say what is to be copied.

    Parameters
    ----------
    wanted
        What of the source, and its names at the destination.
    room
        What the destination takes.
    targets
        The two, as they are spoken to.
    overwrite
        Copy tags that name something else at the destination, too.
    bytes_per_second
        How fast it goes; None: as the history's last diagnosis of the source measured it.
    provider
        Who bills what leaves the source, by the price book's key.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    with Moves(history, source, destination, wanted) as moves:
        tags = judged(moves, room, overwrite=overwrite)
        kept = tags[tags["status"].isin(KEPT)]
        moves.workspace.add("migration_dropped", dropped(tags, kept))
        moves.workspace.make("migration_wanted")
        low, high = _sums(moves, destination.dedup_scope)
        referrers = moves.workspace.ask("migration_untagged")
        copies = list(in_order(moves, tags, referrers))
        unread = moves.unread()
        speed = bytes_per_second or _measured(moves, source)
        places = moves.pairs
    rows = [*_tag_rows(tags, source, destination)]
    rows += _referrer_rows(referrers, places, source, destination)
    frame = made(rows, ROWS)
    repositories = _repositories(places, tags, high)
    to_copy = int((tags["status"] == COPY).sum())
    sums = high.sum(numeric_only=True).astype("int64")
    low_bytes = int(low["bytes_to_copy"].sum())
    about = (
        f"{to_copy:,} tags, {format_bytes(int(sums['bytes_to_copy']))}, from {source} to "
        f"{destination}, scanned "
        + ", ".join(sorted(f"{row.taken_at:%Y-%m-%d %H:%M}" for row in source.snapshots))
        + " UTC"
    )
    sent = int(sums["blobs_to_copy"])
    manifests = int(sums["manifests"])
    return MigrationPlan(
        source=str(source),
        destination=str(destination),
        complete=not unread,
        repositories=repositories,
        rows=frame,
        tags_to_copy=to_copy,
        manifests_to_copy=manifests,
        blobs_to_copy=sent,
        bytes_to_copy=int(sums["bytes_to_copy"]),
        low_bytes_to_copy=low_bytes,
        bytes_there=int(sums["bytes_there"]),
        requests=5 * sent + 2 * int(sums["mounts"]) + 2 * manifests + 2 * to_copy,
        seconds=round(int(sums["bytes_to_copy"]) / speed, 1) if speed else None,
        bytes_per_second=speed,
        egress=egress(provider, low_bytes, int(sums["bytes_to_copy"])),
        notes=tuple(_notes(source, destination, unread, repositories, int(sums["unsized"]), room)),
        copies=Copies(source=targets[0], destination=targets[1], copies=tuple(copies), about=about),
    )


def _sums(moves: Moves, scope: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add up, at least and at most: the same where the bounds of storage are known."""
    scopes = ("registry", "repository") if scope == "unknown" else (scope,)
    found = []
    for one in scopes:
        moves.workspace.set("scope", one)
        moves.workspace.make("migration_contents")
        found.append(moves.workspace.ask("migration_sums"))
    return found[0], found[-1]


def _measured(moves: Moves, source: Side) -> float | None:
    """Give how fast layers came from the source, when somebody last looked."""
    for row in moves.workspace.ask(
        "migration_throughput", parameters={"registry": source.registry}
    ).to_dict("records"):
        try:
            speed = float(json.loads(row["evidence"])["bytes_per_second"])
        except (ValueError, KeyError, TypeError):
            return None
        return speed if speed > 0 else None
    return None


def _tag_rows(tags: pd.DataFrame, source: Side, destination: Side) -> Iterator[Sequence[str]]:
    for row in tags.to_dict("records"):
        yield (
            f"{source.registry}/{row['repository']}:{row['tag']}",
            f"{destination.registry}/{row['destination']}:{row['tag']}",
            row["digest"],
            row["status"],
            row["why"],
        )


def _referrer_rows(
    referrers: pd.DataFrame, pairs: pd.DataFrame, source: Side, destination: Side
) -> Iterator[Sequence[str]]:
    homes = dict(zip(pairs["place"], pairs["repository"], strict=True))
    for row in referrers.to_dict("records"):
        yield (
            f"{source.registry}/{homes[row['place']]}@{row['digest']}",
            f"{destination.registry}/{row['destination']}@{row['digest']}",
            row["digest"],
            EQUAL if row["held"] else COPY,
            "A referrer without a tag.",
        )


def _repositories(pairs: pd.DataFrame, tags: pd.DataFrame, sums: pd.DataFrame) -> pd.DataFrame:
    counts = tags.groupby("place").agg(
        tags=("tag", "size"), tags_to_copy=("status", lambda found: int((found == COPY).sum()))
    )
    by_name = sums.set_index("destination")
    rows = []
    for row in pairs.to_dict("records"):
        count = counts.loc[row["place"]] if row["place"] in counts.index else None
        size = by_name.loc[row["destination"]] if row["destination"] in by_name.index else None
        rows.append(
            (
                row["repository"],
                row["destination"],
                *((0, 0) if count is None else (count["tags"], count["tags_to_copy"])),
                *(
                    (0, 0, 0, 0)
                    if size is None
                    else tuple(
                        int(size[name])
                        for name in ("manifests", "blobs_to_copy", "bytes_to_copy", "bytes_there")
                    )
                ),
            )
        )
    return made(rows, REPOSITORIES)


def _notes(
    source: Side,
    destination: Side,
    unread: Sequence[Mapping[str, Any]],
    repositories: pd.DataFrame,
    unsized: int,
    room: Room,
) -> Iterator[str]:
    for state, side in ((SOURCE, source), (1, destination)):
        own = [row for row in unread if row["state"] == state]
        if own:
            codes = ", ".join(sorted({row["code"] for row in own}))
            yield (
                f"Not all of {side} was read ({codes}): "
                + ("there is more to copy." if state == SOURCE else "less may be to copy.")
            )
    if destination.dedup_scope == "unknown":
        yield (
            f"Nobody says within which bounds {destination.registry} stores a blob once: bytes are "
            "counted as if no repository shared any, which is the most it can be."
        )
    known = {row.namespace for row in destination.snapshots}
    if known and "" not in known and destination.dedup_scope != "repository":
        yield (
            f"Only {', '.join(sorted(known))} of {destination.registry} was scanned: what it stores "
            "elsewhere counts as not there, though it may not have to be sent."
        )
    if unsized:
        yield f"Of {unsized:,} blobs nobody tells the size: the bytes are a lower bound."
    if room.max_images is not None:
        crowded = repositories[repositories["manifests_to_copy"] > room.max_images]
        for name in crowded["destination"]:
            yield f"{name}: more images than it has room for. {room.says['images']}"
