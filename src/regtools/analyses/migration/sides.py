"""What planning a migration and looking at it afterwards have in common: two sides, and who is who."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd

from regtools.analyses.reach import facts, made
from regtools.engine import Workspace
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import SnapshotRow

SOURCE: Final = 0
DESTINATION: Final = 1
"""Numbers of the two states."""
LIST_TAG: Final = 71
"""Length of ``sha256-<64 digits>``, a list of referrers (OCI distribution specification 1.1); what
is longer names one referrer itself (cosign)."""
_STEPS: Final = (
    "places",
    "nodes",
    "tagged",
    "referrer_tags",
    "untagged_here",
    "links",
    "items",
    "audit_gaps",
    "migration_bad",
    "migration_there",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two registries, and what the history knows of it."""

    registry: str
    path: str
    """Where in it; empty: all."""
    kind: str
    dedup_scope: str
    snapshots: Sequence[SnapshotRow]

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}" if self.path else self.registry

    def has(self, repository: str) -> bool:
        """Whether a repository is meant."""
        return not self.path or repository == self.path or repository.startswith(f"{self.path}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the source is meant, and what each repository is called at the destination."""

    named: Callable[[str], str]
    repository: re.Pattern[str] | None = None
    tag: re.Pattern[str] | None = None


def pattern(text: str | None) -> re.Pattern[str] | None:
    """Read a regular expression that must be found somewhere in a name.

    Raises
    ------
    ConfigError
        Code ``PATTERN_INVALID``.
    """
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigError(
            f"{text!r} is no regular expression: {error}.", code="PATTERN_INVALID"
        ) from error


class Moves:
    """Facts about both sides, ready to be asked."""

    def __init__(self, history: History, source: Side, destination: Side, wanted: Wanted) -> None:
        self._source = source
        self._sides = (source, destination)
        self._wanted = wanted
        states = {SOURCE: source.snapshots, DESTINATION: destination.snapshots}
        rows = {row.snapshot: row for rows in states.values() for row in rows}
        self.workspace = Workspace(history, list(rows.values()))
        facts(self.workspace, states, _STEPS)
        self.workspace.add("diagnosed", history.diagnoses.read(registry=source.registry))
        self.places = self.workspace.ask("migration_places")
        self.pairs = self._pairs()
        self.workspace.add("migration_pairs", self.pairs[["place", "destination"]])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.workspace.__exit__(kind, error, trace)

    def _pairs(self) -> pd.DataFrame:
        chosen = self._wanted.repository
        rows = [
            (row["place"], row["repository"], self._wanted.named(row["repository"]))
            for row in self.places.to_dict("records")
            if row["state"] == SOURCE
            and self._source.has(row["repository"])
            and (chosen is None or chosen.search(row["repository"]))
        ]
        return made(rows, {"place": "int64", "repository": "str", "destination": "str"})

    def tags(self) -> pd.DataFrame:
        """Give the tags that are meant; a referrer's goes with its image."""
        frame = self.workspace.ask("migration_tags")
        chosen = self._wanted.tag
        if chosen is None:
            return frame
        named = ~frame["refers"] & frame["tag"].map(lambda tag: bool(chosen.search(tag))).astype(
            bool
        )
        self.reach(frame[named])
        ask = self.workspace.ask("migration_reached")
        reached = set(zip(ask["place"], ask["node"], strict=True))
        follows = [
            bool(refers) and (place, node) in reached
            for refers, place, node in zip(
                frame["refers"], frame["place"], frame["node"], strict=True
            )
        ]
        return frame[named | pd.Series(follows, index=frame.index, dtype=bool)]

    def reach(self, tags: pd.DataFrame) -> None:
        """Follow what these tags name, for what is asked from now on."""
        tops = tags.loc[tags["node"].notna(), ["place", "node"]].astype("int64")
        self.workspace.add("migration_tops", tops)
        self.workspace.make("migration_reach")

    def unread(self) -> list[dict[str, Any]]:
        """Give what could not be read; not what a registry said is missing."""
        rows = self.workspace.ask("migration_unread").to_dict("records")
        return [
            {str(key): value for key, value in row.items()}
            for row in rows
            if not row["repository"] or self._sides[row["state"]].has(row["repository"])
        ]
