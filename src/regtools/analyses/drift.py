"""Which tags name another image than they did, how often that happened, and was it taken back?"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.reach import TIME, facts, made, opened, typed
from regtools.analyses.states import states_between
from regtools.engine import Workspace
from regtools.history import History
from regtools.reference import classify_tag

_DAY: Final = 24 * 3600
DRIFT: Final = {
    **dict.fromkeys(("registry", "repository", "tag", "kind"), "str"),
    **dict.fromkeys(("moves", "returns", "digests"), "int64"),
    "first_digest": "str",
    "last_digest": "str",
    "first_moved_at": TIME,
    "last_moved_at": TIME,
    "days_between": "float64",
}


def tag_drift(
    history: History | str | Path,
    since: datetime,
    until: datetime | None = None,
    *,
    registry: str | None = None,
) -> pd.DataFrame:
    """Find the tags that moved from one image to another.

    Every scan of the time is looked at. A move is seen by the first scan after it, and two moves
    between two scans are one, or none where the second takes the first back. A tag that was
    deleted and pushed again with another image has moved, too.

    Parameters
    ----------
    history
        The history, or where it is.
    since, until
        From the newest scan not after `since` to the newest not after `until`; left out: to the
        newest of all.
    registry
        Only this registry.

    Returns
    -------
    DataFrame
        What moved most first: registry, repository, tag, kind (what its form says: version,
        latest, commit, branch, date, other), moves, returns (moves back to an image that it had
        named before), digests (how many images it named), first_digest, last_digest,
        first_moved_at, last_moved_at (the scans that saw it), days_between (from move to move on
        average; missing: it moved once). Tags of referrers (``sha256-…``) are left out: they
        follow their image.

    Raises
    ------
    HistoryError
        A snapshot cannot be read; code ``HISTORY_EMPTY``: there is none until then.
    """
    store = opened(history)
    found = states_between(store, since, until, registry=registry)
    states = [state for every in found.values() for state in every]
    snapshots = {row.snapshot: row for state in states for row in state.snapshots}
    with Workspace(store, list(snapshots.values())) as workspace:
        facts(workspace, {state.number: state.snapshots for state in states}, ["places"])
        moments = made(
            [(state.number, state.taken_at) for state in states],
            {"state": "int64", "taken_at": TIME},
        )
        frame = workspace.ask("drift", tables={"moments": moments})
    apart = (frame["last_moved_at"] - frame["first_moved_at"]).dt.total_seconds()
    frame["days_between"] = apart / _DAY / (frame["moves"] - 1).where(frame["moves"] > 1)
    frame["kind"] = [str(classify_tag(tag)) for tag in frame["tag"]]
    return typed(frame, DRIFT)
