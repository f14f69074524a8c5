"""What the newest scans saw beside bytes: problems, checks, certificates.

Which questions this answers: What could not be read? How far did each check come? When does a
certificate end?
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from regtools.analyses.reach import opened

if TYPE_CHECKING:
    from regtools.history import History


def problems(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """List what the newest snapshots could not read, and why.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        registry, repository, reference, code, message.

    Raises
    ------
    HistoryError
        The history cannot be read.
    """
    from regtools.engine import query

    store = opened(history)
    return query(store, "problems", snapshots=store.latest(registry=registry, at=at))


def checks(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """List the newest checks of each registry: those of scans, and of kept diagnoses.

    Of a stage counts what saw it last, the newest scan or the newest diagnosis of the registry
    itself; a diagnosis of an image says little of the registry, and is left out.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; what was seen not after this time.

    Returns
    -------
    DataFrame
        registry, stage, code, status, ms, summary, evidence, remedy.

    Raises
    ------
    HistoryError
        The history cannot be read.
    """
    from regtools.engine import Workspace

    store = opened(history)
    with Workspace(store, store.latest(registry=registry, at=at)) as workspace:
        workspace.add("diagnosed", store.diagnoses.read(registry=registry, until=at))
        return workspace.ask("checks")


def certificates(checks: pd.DataFrame, *, now: datetime | None = None) -> pd.DataFrame:
    """Tell how long the certificates last that the checks have seen.

    Parameters
    ----------
    checks
        What `checks` gives.
    now
        The time to count from; left out: the present. A check may be older than this report.

    Returns
    -------
    DataFrame
        registry, not_after, days_left, issuer; the one that ends first comes first. A registry
        that was not reached over TLS has no row.
    """
    since = now or datetime.now(UTC)
    rows = [
        _certificate(row["registry"], facts, since)
        for row in checks[checks["stage"] == "tls"].to_dict("records")
        if "not_after" in (facts := _facts(row["evidence"]))
    ]
    frame = pd.DataFrame(rows, columns=["registry", "not_after", "days_left", "issuer"])
    return frame.sort_values("days_left", ignore_index=True)


def _facts(evidence: object) -> dict[str, Any]:
    try:
        facts = json.loads(str(evidence))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _certificate(registry: object, facts: dict[str, Any], now: datetime) -> dict[str, Any]:
    not_after = datetime.fromisoformat(str(facts["not_after"]))
    if not_after.tzinfo is None:
        not_after = not_after.replace(tzinfo=UTC)
    return {
        "registry": registry,
        "not_after": not_after,
        "days_left": (not_after - now) // timedelta(days=1),
        "issuer": facts.get("issuer", ""),
    }
