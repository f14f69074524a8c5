"""What needs a hand: is each registry reachable, fresh, readable, and of a sane size and age?

Nothing is measured here: it is judged what the newest scans saw, against thresholds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.audit import audit, is_content
from regtools.analyses.examinations import AREAS, Found, Seen
from regtools.analyses.observations import checks, problems
from regtools.analyses.reach import Reach, made, opened
from regtools.analyses.states import states_of
from regtools.analyses.thresholds import OK, SEVERITIES, Thresholds
from regtools.analyses.usage import (
    sizes_of_layers,
    sizes_of_registries,
    sizes_of_repositories,
    sizes_of_tags,
)
from regtools.history import History
from regtools.schema import SnapshotRow

__all__ = ["COLUMNS", "Thresholds", "health", "judge", "look", "worst"]

_NOW: Final = 0
_BEFORE: Final = 1

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
    seen = look(store, registry=registry, at=at, now=moment, thresholds=thresholds or Thresholds())
    return judge(seen)


def judge(seen: Seen) -> pd.DataFrame:
    """Give the findings of all areas, in the frame of `health`."""
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


def look(
    store: History,
    *,
    registry: str | None,
    at: datetime | None,
    now: datetime,
    thresholds: Thresholds,
) -> Seen:
    """Read what there is to judge."""
    newest = store.latest(registry=registry, at=at)
    states = {_NOW: newest, _BEFORE: _earlier(store, registry, at)}
    reach = Reach(store, states)
    repositories = sizes_of_repositories(reach)
    registries = sizes_of_registries(reach, repositories)
    unread = problems(store, registry=registry, at=at)
    return Seen(
        thresholds=thresholds,
        now=now,
        snapshots=newest,
        checks=checks(store, registry=registry, at=at),
        problems=unread[~is_content(unread)],
        audit=audit(store, registry=registry, at=at),
        registries=_in_state(registries, _NOW),
        repositories=_in_state(repositories, _NOW),
        tags=sizes_of_tags(reach, _NOW),
        layers=sizes_of_layers(reach, _NOW),
        earlier_registries=_in_state(registries, _BEFORE),
        earlier_repositories=_in_state(repositories, _BEFORE),
    )


def _in_state(frame: pd.DataFrame, state: int) -> pd.DataFrame:
    return frame[frame["state"] == state]


def _earlier(store: History, registry: str | None, at: datetime | None) -> list[SnapshotRow]:
    """Give the snapshots of the state before the last, where it saw as much of the registry."""
    states = states_of(store.snapshots(), registry=registry, at=at)
    histories = [
        list(own) for _, own in groupby(states, key=lambda state: state.snapshots[0].registry)
    ]
    before = [own[-2] for own in histories if len(own) > 1 and not own[-2].is_partial]
    return [row for state in before for row in state.snapshots]
