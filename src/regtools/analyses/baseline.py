"""What became slower: a diagnosis beside earlier looks at the same registry."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from regtools.analyses.reach import opened, typed

if TYPE_CHECKING:
    from regtools.history import History

LOOK_BACK: Final = timedelta(days=90)
MOST_RUNS: Final = 50
"""Earlier looks that count, the newest first."""
FEWEST_RUNS: Final = 5
"""Below that nobody can tell what is usual."""
TIMES_SLOWER: Final = 1.5
LEAST_MS: Final = 20.0
"""Milliseconds over the usual that nobody would notice."""
COLUMNS: Final = {
    "stage": "str",
    "ms": "float64",
    "runs": "int64",
    "since": "datetime64[us, UTC]",
    "p50_ms": "float64",
    "p95_ms": "float64",
    "slower": "bool",
}


def baseline(
    history: History | str | Path,
    checks: pd.DataFrame,
    *,
    registry: str,
    repository: str = "",
    before: datetime,
) -> pd.DataFrame:
    """Compare how long the stages of a diagnosis took with what is usual.

    Usual is what scans and kept diagnoses of the same registry measured where a stage went well:
    the newest 50 of the 90 days before; for manifest, layer and throughput those of the same
    repository only. A stage became slower if it took longer than 95 of 100 of them, and 1.5 times
    and 20 ms longer than half of them. With fewer than 5 of them nothing is called slower.

    Parameters
    ----------
    history
        The history, or where it is.
    checks
        A diagnosis' frame, or any with stage, status and ms.
    registry, repository
        Whose they are; repository empty: the registry itself.
    before
        When the diagnosis was made.

    Returns
    -------
    DataFrame
        A row for each stage that was measured now, in their order: stage, ms, runs (earlier ones
        that count), since (the oldest of them; NaT: none), p50_ms and p95_ms (nearest rank), slower.

    Raises
    ------
    HistoryError
        The history cannot be read.
    """
    from regtools.engine import Workspace

    store = opened(history)
    since = before - LOOK_BACK
    rows = [row for row in store.readable_snapshots(registry) if since <= row.taken_at < before]
    with Workspace(store, rows) as workspace:
        workspace.add("diagnosed", store.diagnoses.read(registry=registry, since=since))
        usual = workspace.ask(
            "stage_times",
            parameters={
                "registry": registry,
                "repository": repository,
                "before": before.isoformat(),
                "most": MOST_RUNS,
            },
        )
    now = checks[checks["status"].isin(["ok", "warn"]) & checks["ms"].notna()]
    frame = now[["stage", "ms"]].merge(usual, on="stage", how="left")
    frame["runs"] = frame["runs"].fillna(0)
    frame["slower"] = (
        (frame["runs"] >= FEWEST_RUNS)
        & (frame["ms"] > frame["p95_ms"])
        & (frame["ms"] >= TIMES_SLOWER * frame["p50_ms"])
        & (frame["ms"] - frame["p50_ms"] >= LEAST_MS)
    )
    return typed(frame, COLUMNS)
