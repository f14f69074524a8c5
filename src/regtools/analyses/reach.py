"""What every analysis of bytes stands on: which tag reaches which blob, in numbers.

A *state* is what was known of registries at one moment: the newest snapshot of each target by
then. `usage` asks about one state, `growth` about many at once. Steps, each an SQL file, turn
states into facts that the last step adds up:

    states ─▶ places (a repository, and with whom it shares storage)
                 └─▶ nodes (a manifest in a scan)
                        ├─▶ tagged (a tag, and the node it names)
                        ├─▶ links (index → child, and subject → referrer)
                        └─▶ roots (what a tag names, and `others`: what has no tag, or a referrer's)
                               └─▶ reach (root → item) ◀─ items (a digest, its size)
                                      └─▶ holdings (repository → item)

and `observed` (when each registry was looked at, and whether all of it was read).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.shelves import shelf_of
from regtools.engine import Workspace
from regtools.history import History
from regtools.schema import SnapshotRow

ONLY_STATE: Final = 0
"""Number of the state where there is but one."""
TIME: Final = "datetime64[us, UTC]"
"""How pandas names the type of every time here."""
EARLIEST_IMAGE: Final = datetime(2013, 3, 20, tzinfo=UTC)
"""Docker was first shown at PyCon in March 2013; an image cannot be older."""

TREE_STEPS: Final = (
    "places",
    "nodes",
    "tagged",
    "referrer_tags",
    "untagged_here",
    "links",
    "dates",
    "above",
    "others",
)
"""The steps up to what a repository holds beside its versions, in their order."""
_STEPS: Final = (*TREE_STEPS, "roots", "items", "reach", "holdings", "observed")
_PARAMETERS: Final = {"dates": {"earliest": EARLIEST_IMAGE}}


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
        snapshots = {row.snapshot: row for rows in states.values() for row in rows}
        self._workspace = Workspace(history, list(snapshots.values()))
        facts(self._workspace, states, _STEPS)

    def ask(
        self,
        name: str,
        *,
        tables: Mapping[str, pd.DataFrame] | None = None,
        **parameters: object,
    ) -> pd.DataFrame:
        """Run an SQL file over the facts, with more tables if it needs them."""
        return self._workspace.ask(name, parameters=parameters, tables=tables or {})

    def make(self, name: str) -> None:
        """Keep what an SQL file answers as one more table, for what is asked later."""
        self._workspace.make(name)


def facts(
    workspace: Workspace,
    states: Mapping[int, Sequence[SnapshotRow]],
    steps: Iterable[str],
    *,
    referrer_tags: str = "all",
) -> None:
    """Take these steps, in order, from states of which the workspace has the snapshots in view.

    Parameters
    ----------
    referrer_tags
        Which tags are known as those of referrers: ``all``, ``signatures`` or ``none``.
    """
    frame = _states_frame(states)
    workspace.add("states", frame)
    workspace.set("referrer_tags", referrer_tags)
    of = referrer_tags, workspace.in_view, tuple(frame.itertuples(index=False, name=None))
    shelf = shelf_of(workspace.history, of)
    for step in steps:
        workspace.keep(step, shelf, _PARAMETERS.get(step, {}))


def opened(history: History | str | Path) -> History:
    """Take a history, or open the one at a location."""
    return history if isinstance(history, History) else History(history)


def typed(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Give these columns in this order and type, also where the frame is empty."""
    kinds = {name: _kind(text) for name, text in columns.items()}
    return frame[list(columns)].astype(kinds).reset_index(drop=True)


@cache
def _kind(text: str) -> Any:
    """Give the type of that name; pandas takes its time to find it."""
    return pd.api.types.pandas_dtype(text)


def made(rows: Iterable[Sequence[Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Make a frame of rows with these columns and types, also of no rows."""
    return typed(pd.DataFrame(list(rows), columns=list(columns)), columns)


def _states_frame(states: Mapping[int, Iterable[SnapshotRow]]) -> pd.DataFrame:
    rows = [(state, row.snapshot) for state, found in states.items() for row in found]
    return made(rows, {"state": "int64", "snapshot": "str"})
