"""What needs a hand: is each registry reachable, fresh, readable, and of a sane size and age?

Nothing is measured here: it is judged what the newest scans saw, against thresholds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.examinations import AREAS, Found, Seen
from regtools.analyses.observations import checks, problems
from regtools.analyses.reach import Reach, made, opened
from regtools.analyses.states import states_of
from regtools.analyses.thresholds import OK, SEVERITIES, Thresholds
from regtools.analyses.usage import counted, sizes_of_registries, sizes_of_repositories
from regtools.history import History

__all__ = ["COLUMNS", "Thresholds", "health", "worst"]

COLUMNS: Final = dict.fromkeys(
    (
        "severity",
        "finding",
        "registry",
        "subject",
        "summary",
        "evidence",
        "remedy",
        "threshold",
    ),
    "str",
)


def health(
    history: History | str | Path,
    *,
    registry: str | None = None,
    at: datetime | None = None,
    thresholds: Thresholds | None = None,
    now: datetime | None = None,
) -> pd.DataFrame:
    """Examine each registry, the worst first.

    Parameters
    ----------
    history
        The history, or where it is.
    registry
        Only this registry.
    at
        The newest snapshots not after this time.
    thresholds
        The limits to judge by.
    now
        The time from which ages are counted; left out: `at`, or the present.

    Returns
    -------
    DataFrame
        severity (critical, warning, info, ok), finding (a stable code), registry, subject (a
        stage, repository or image; empty: the registry), summary, evidence (a JSON object),
        remedy, threshold. What was examined and is fine has rows too, with severity ok.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    store = opened(history)
    moment = now or at or datetime.now(UTC)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seen = _look(store, registry, at, moment, thresholds or Thresholds())
    found = [(place, one) for place, area in enumerate(AREAS) for one in area(seen)]
    return made((one.row() for _, one in sorted(found, key=_urgency)), COLUMNS)


def worst(findings: pd.DataFrame) -> str:
    """Give the worst severity of what `health` found; ``ok`` where there is nothing.

    Examples
    --------
    >>> worst(pd.DataFrame({"severity": ["ok", "warning", "info"]}))
    'warning'
    """
    present = set(findings["severity"])
    return next((severity for severity in SEVERITIES if severity in present), OK)


def _urgency(place_and_found: tuple[int, Found]) -> tuple[int, str, int, str, str]:
    place, one = place_and_found
    return SEVERITIES.index(one.severity), one.registry, place, one.finding, one.subject


def _look(
    store: History,
    registry: str | None,
    at: datetime | None,
    now: datetime,
    thresholds: Thresholds,
) -> Seen:
    """Read what there is to judge."""
    newest = store.latest(registry=registry, at=at)
    today = Reach(store, {0: newest})
    earlier = _earlier(store, registry, at)
    earlier_repositories = sizes_of_repositories(earlier)
    return Seen(
        thresholds=thresholds,
        now=now,
        snapshots=newest,
        checks=checks(store, registry=registry, at=at),
        problems=problems(store, registry=registry, at=at),
        registries=counted(today, "registry"),
        repositories=counted(today, "repository"),
        tags=counted(today, "tag"),
        layers=counted(today, "layer"),
        earlier_registries=sizes_of_registries(earlier, earlier_repositories),
        earlier_repositories=earlier_repositories,
    )


def _earlier(store: History, registry: str | None, at: datetime | None) -> Reach:
    """Give the facts of the state before the last one, where both saw the same namespaces."""
    states = states_of(store.snapshots(), registry=registry, at=at)
    histories = [
        list(own) for _, own in groupby(states, key=lambda state: state.snapshots[0].registry)
    ]
    before = [own[-2] for own in histories if len(own) > 1 and not own[-2].is_partial]
    return Reach(store, {state.number: state.snapshots for state in before})
