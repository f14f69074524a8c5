"""What every analysis of bytes stands on: which tag reaches which blob, in numbers.

A *state* is what was known of registries at one moment: the newest snapshot of each target by
then. `usage` asks about one state, `growth` about many at once. Four steps, each an SQL file,
turn states into facts that the last step adds up:

    states ─▶ places (a repository, and with whom it shares storage)
                 └─▶ roots (the manifest that a tag names)
                         └─▶ reach (root → item) ◀─ items (a digest, its size)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.engine import query
from regtools.history import History
from regtools.schema import SnapshotRow

EARLIEST_IMAGE: Final = datetime(2013, 3, 20, tzinfo=UTC)
"""Docker was first shown at PyCon in March 2013; an image cannot be older."""

_STEPS: Final = ("places", "roots", "items", "reach")


class Reach:
    """Facts about some states of a history, ready to be asked.

    Parameters
    ----------
    history
        Where the snapshots are.
    states
        A number for each state, and the snapshots that were the newest then.
    """

    def __init__(self, history: History, states: Mapping[int, Sequence[SnapshotRow]]) -> None:
        self._history = history
        self._snapshots = list(
            {row.snapshot: row for rows in states.values() for row in rows}.values()
        )
        self._tables: dict[str, pd.DataFrame] = {"states": _states_frame(states)}
        for step in _STEPS:
            self._tables[step] = self.ask(step)

    def ask(
        self,
        name: str,
        *,
        tables: Mapping[str, pd.DataFrame] | None = None,
        **parameters: object,
    ) -> pd.DataFrame:
        """Run an SQL file over the facts, with more tables if it needs them."""
        return query(
            self._history,
            name,
            snapshots=self._snapshots,
            parameters=parameters,
            tables={**self._tables, **(tables or {})},
        )

    def by_repository(self) -> pd.DataFrame:
        """Give the rows of ``usage_by_repository``, all states together."""
        return self.ask("usage_by_repository")

    def by_registry(self) -> pd.DataFrame:
        """Give the rows of ``usage_by_registry``, all states together."""
        return self.ask("usage_by_registry", tables={"usage_by_repository": self.by_repository()})

    def by_tag(self) -> pd.DataFrame:
        """Give the rows of ``usage_by_tag``, all states together."""
        return self.ask("usage_by_tag", tables={"created": self.created()})

    def by_layer(self) -> pd.DataFrame:
        """Give the rows of ``usage_by_layer``, all states together."""
        return self.ask("usage_by_layer")

    def created(self) -> pd.DataFrame:
        """Give when each root was made, where a date can be believed."""
        return self.ask("created", earliest=EARLIEST_IMAGE)


def opened(history: History | str | Path) -> History:
    """Take a history, or open the one at a location."""
    return history if isinstance(history, History) else History(history)


def typed(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Give these columns in this order and type, also where the frame is empty."""
    return frame[list(columns)].astype(dict(columns)).reset_index(drop=True)


def _states_frame(states: Mapping[int, Iterable[SnapshotRow]]) -> pd.DataFrame:
    rows = [(state, row.snapshot) for state, found in states.items() for row in found]
    frame = pd.DataFrame(rows, columns=["state", "snapshot"])
    return typed(frame, {"state": "int64", "snapshot": "str"})
