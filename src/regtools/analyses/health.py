"""What needs a hand: is each registry reachable, fresh, readable, and of a sane size and age?

Nothing is measured here: it is judged what the newest scans saw, against thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute

from regtools.analyses.audit import audit, is_content
from regtools.analyses.baseline import COLUMNS as LATENCY
from regtools.analyses.baseline import baseline
from regtools.analyses.drift import DRIFT, tag_drift
from regtools.analyses.examinations import AREAS, Found, Seen
from regtools.analyses.observations import checks, problems
from regtools.analyses.reach import Reach, made, opened
from regtools.analyses.states import states_of
from regtools.analyses.usage import (
    sizes_of_layers,
    sizes_of_registries,
    sizes_of_repositories,
    sizes_of_tags,
)
from regtools.engine import Workspace, query
from regtools.history import History
from regtools.schema import SnapshotRow
from regtools.thresholds import OK, SEVERITIES, Thresholds

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
        The limits to judge by; left out: the defaults. What ``regtools.toml`` says,
        `regtools.open_thresholds` gives.
    now
        The time from which ages are counted; left out: `at`, or the present.

    Returns
    -------
    DataFrame
        severity (critical, warning, info, ok), finding (a stable code), registry, subject (a
        stage, repository or image; empty: the registry), summary, evidence (a JSON object),
        remedy, threshold (in words; ``any``: one is enough). What was examined and is fine has rows too, with severity ok.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    store = opened(history)
    at, now = (when and when.replace(tzinfo=when.tzinfo or UTC) for when in (at, now))
    moment = now or at or datetime.now(UTC)
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
    seen_checks = checks(store, registry=registry, at=at)
    diagnosed = store.diagnoses.read(registry=registry, until=at)
    since = now - timedelta(days=thresholds.error_days)
    lately = [
        row
        for row in store.snapshots()
        if registry in (None, row.registry) and since <= row.taken_at <= (at or now)
    ]
    return Seen(
        thresholds=thresholds,
        now=now,
        snapshots=newest,
        checks=seen_checks,
        problems=unread[~is_content(unread)],
        audit=audit(store, registry=registry, at=at),
        registries=_in_state(registries, _NOW),
        repositories=_in_state(repositories, _NOW),
        tags=sizes_of_tags(reach, _NOW),
        layers=sizes_of_layers(reach, _NOW),
        earlier_registries=_in_state(registries, _BEFORE),
        earlier_repositories=_in_state(repositories, _BEFORE),
        reported=query(store, "reported_rows", snapshots=newest),
        untagged=reach.ask("untagged_bytes", state=_NOW),
        pulls=reach.ask("tag_pulls", state=_NOW),
        transfers=reach.ask("pulls_beside", state=_NOW, layer_bytes=thresholds.layer_bytes),
        moved=_moved(store, newest, now - timedelta(days=thresholds.moved_days), at, registry),
        latency=_latency(store, seen_checks, newest, diagnosed.to_pandas()),
        looks=_looks(store, lately, diagnosed, since),
    )


def _moved(
    store: History,
    newest: Sequence[SnapshotRow],
    since: datetime,
    until: datetime | None,
    registry: str | None,
) -> pd.DataFrame:
    if not newest:
        return made([], DRIFT)
    return tag_drift(store, since, until, registry=registry)


def _latency(
    store: History, seen: pd.DataFrame, newest: Sequence[SnapshotRow], diagnosed: pd.DataFrame
) -> pd.DataFrame:
    """Put the stages of each registry's newest look beside those of earlier ones."""
    frames = [made([], {"registry": "str", **LATENCY})]
    for registry, own in seen.groupby("registry"):
        walked = diagnosed[(diagnosed["registry"] == registry) & (diagnosed["repository"] == "")]
        looks = [row.taken_at for row in newest if row.registry == registry]
        last = max([*looks, *walked["taken_at"]])
        beside = baseline(store, own, registry=str(registry), before=last)
        frames.append(beside.assign(registry=registry))
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def _looks(
    store: History, rows: Sequence[SnapshotRow], diagnosed: pa.Table, since: datetime
) -> pd.DataFrame:
    """Give what failed in each of these scans, and in the diagnoses of the same time."""
    start = pa.scalar(since, diagnosed.schema.field("taken_at").type)
    with Workspace(store, rows) as workspace:
        workspace.add(
            "diagnosed", diagnosed.filter(pa.compute.greater_equal(diagnosed["taken_at"], start))
        )
        return workspace.ask("looks")


def _in_state(frame: pd.DataFrame, state: int) -> pd.DataFrame:
    return frame[frame["state"] == state]


def _earlier(store: History, registry: str | None, at: datetime | None) -> list[SnapshotRow]:
    """Give the snapshots of the state before the last, where it saw as much of the registry."""
    states = states_of(store.snapshots(), registry=registry, at=at)
    histories = [list(own) for _, own in groupby(states, key=lambda state: state.registry)]
    before = [own[-2] for own in histories if len(own) > 1 and not own[-2].is_partial]
    return [row for state in before for row in state.snapshots]
