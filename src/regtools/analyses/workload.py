"""What has to be stored and moved: from a history, or as somebody typed it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.growth import forecast
from regtools.analyses.reach import ONLY_STATE, Reach, made, opened
from regtools.analyses.scenario import (
    DAYS_A_MONTH,
    BillInputs,
    Scenario,
    assumed,
    decimal,
    egress_bytes,
    private_repositories,
    pull_bytes,
    pulls_a_month,
    pulls_source,
)
from regtools.engine import query
from regtools.errors import HistoryError
from regtools.history import History
from regtools.schema import SnapshotRow
from regtools.units import GB

SCOPES: Final = ("registry", "namespace", "repository", "version")
LOOK_BACK: Final = timedelta(days=90)
"""How far back counters of pulls are compared."""
LEAST_DAYS: Final = 1.0
"""Counters that are closer together say nothing of a month."""
TYPED_PULL_GB: Final = Decimal("0.3")
"""A guess at an image's size for somebody who has none yet: 300 MB."""
TYPED_PULL_OBJECTS: Final = 10
_NO_TREND: Final = (
    "The history is too short for a trend: later months are priced as this one. "
    "Scenario.growth_gb (--growth-gb) says what comes in a month."
)
_WHOLE: Final = ""
"""The part that all registries make, moved into one."""
_DEFAULTS: Final = Scenario()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What comes in an average month, as a share of what is stored now."""

    low: Decimal
    estimate: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one registry of the history has, and which kind it is: today's place."""

    registry: str
    kind: str
    inputs: BillInputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What every provider is asked to hold; see `workload` and `typed_workload`."""

    inputs: BillInputs
    scenario: Scenario
    trend: Trend | None
    """None: nobody knows whether it grows."""
    parts: tuple[Part, ...] = ()
    """The registries it lies on today; none where the workload was typed."""
    taken_at: datetime | None = None
    """When the oldest of the newest snapshots was taken."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside `regtools.assumptions`."""

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain data; bytes are whole numbers, per month where they move."""
        inputs, scenario = self.inputs, self.scenario
        return {
            "source": "history" if self.parts else "typed",
            "registries": [part.registry for part in self.parts],
            "taken_at": self.taken_at,
            "stored_bytes": dict(inputs.stored_bytes),
            "growth_bytes": self._growth(),
            "repositories": inputs.repositories,
            "private_repositories": private_repositories(inputs, scenario),
            "users": scenario.users,
            "pulls": float(pulls_a_month(inputs, scenario)),
            "pulls_source": pulls_source(inputs, scenario),
            "pull_bytes": int(pull_bytes(inputs, scenario)),
            "egress_bytes": int(egress_bytes(inputs, scenario)),
            "same_region_share": float(decimal(scenario.same_region_share)),
            "disk_headroom": float(decimal(scenario.disk_headroom)),
            "region": scenario.region,
            "days": float(decimal(scenario.days)),
            "complete": inputs.complete,
            "assumptions": self.assumptions(),
        }

    def _growth(self) -> dict[str, int] | None:
        if self.trend is None:
            return None
        stored = self.inputs.stored_bytes["registry"]
        names = ("low", "estimate", "high")
        return {name: int(stored * getattr(self.trend, name)) for name in names}

    def assumptions(self) -> list[str]:
        """Say in sentences what every bill of this workload takes for granted."""
        return [*assumed(self.inputs, self.scenario), *self.notes]


def workload(
    history: History | str | Path,
    scenario: Scenario = _DEFAULTS,
    *,
    registry: str | None = None,
    at: datetime | None = None,
) -> Workload:
    """Count what the newest snapshots hold, and how it moves and grows.

    Parameters
    ----------
    history
        The history, or where it is.
    scenario
        What the history does not tell, or what you know better.
    registry
        Only this registry; left out: all registries of the history moved into one.
    at
        The newest snapshots not after this time.

    Raises
    ------
    HistoryError
        A snapshot cannot be read, or there is none (code ``HISTORY_EMPTY``).
    """
    store = opened(history)
    snapshots = _newest(store, registry, at)
    kinds: dict[str, str] = {}
    for row in snapshots:
        kinds.setdefault(row.registry, row.kind)
    alone = {name: {name} for name in kinds} if len(kinds) > 1 else {}
    inputs = _inputs(store, snapshots, {_WHOLE: set(kinds), **alone})
    whole = inputs[_WHOLE]
    parts = tuple(
        Part(registry=name, kind=kinds[name], inputs=inputs.get(name, whole))
        for name in sorted(kinds)
    )
    trend, notes = _trend(store, scenario, whole, registry, at)
    return Workload(
        inputs=whole,
        scenario=scenario,
        trend=trend,
        parts=parts,
        taken_at=min(row.taken_at for row in snapshots),
        notes=notes,
    )


def typed_workload(
    storage_gb: Decimal | float, scenario: Scenario = _DEFAULTS, *, repositories: int = 1
) -> Workload:
    """Take the numbers of somebody who has no registry yet.

    Parameters
    ----------
    storage_gb
        GB (10⁹ bytes) to be stored, each layer once: every provider is billed for as much.
    scenario
        Traffic, people, and whatever else is known.
    repositories
        How many there will be, at least `Scenario.private_repositories`.

    Examples
    --------
    >>> typed_workload(50).inputs.stored_bytes["repository"]
    50000000000
    """
    stored = int(decimal(storage_gb) * GB)
    notes = ["Every provider stores as much: what images share was not measured."]
    if scenario.pull_gb is None and scenario.egress_gb is None:
        notes.append("A pull of 300 MB is a guess: there is no image to measure.")
    inputs = BillInputs(
        stored_bytes=dict.fromkeys(SCOPES, stored),
        repositories=max(repositories, scenario.private_repositories or 0),
        mean_pull_bytes=TYPED_PULL_GB * GB,
        mean_pull_objects=Decimal(TYPED_PULL_OBJECTS),
        complete=True,
    )
    trend = _given_trend(scenario, stored)
    if trend is None:
        notes.append("Nothing is known of its growth: later months are priced as this one.")
    return Workload(inputs=inputs, scenario=scenario, trend=trend, notes=tuple(notes))


def bill_inputs(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> BillInputs:
    """Count what bills need from the newest snapshots.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Raises
    ------
    HistoryError
        A snapshot cannot be read, or there is none (code ``HISTORY_EMPTY``).
    """
    store = opened(history)
    snapshots = _newest(store, registry, at)
    return _inputs(store, snapshots, {_WHOLE: {row.registry for row in snapshots}})[_WHOLE]


def _newest(store: History, registry: str | None, at: datetime | None) -> list[SnapshotRow]:
    snapshots = store.latest(registry=registry, at=at)
    if not snapshots:
        raise HistoryError(
            f"There is nothing to price: {store.location} has no snapshot"
            f"{f' of {registry}' if registry else ''}{f' until {at:%Y-%m-%d %H:%M}' if at else ''}.",
            code="HISTORY_EMPTY",
            remedy="Scan a registry first: regtools scan TARGET. Without one, type what there will "
            "be: regtools cost --storage-gb 50.",
        )
    return snapshots


def _inputs(
    store: History, snapshots: Sequence[SnapshotRow], parts: Mapping[str, Collection[str]]
) -> dict[str, BillInputs]:
    """Count for each part what its registries hold, moved into one."""
    reach = Reach(store, {ONLY_STATE: snapshots})
    members = ((part, registry) for part, registries in parts.items() for registry in registries)
    rows = reach.ask(
        "cost_inputs", tables={"parts": made(members, {"part": "str", "registry": "str"})}
    )
    sizes, counters = reach.ask("cost_pulls"), _counters(store, snapshots)
    found = {}
    for row in rows.to_dict("records"):
        part = str(row["part"])
        own = [frame[frame["registry"].isin(parts[part])] for frame in (sizes, counters)]
        found[part] = _inputs_of(row, _counted(*own))
    return found


def _inputs_of(
    row: Mapping[Hashable, Any], counted: tuple[Decimal, Decimal, Decimal] | None
) -> BillInputs:
    tags = max(int(row["tags"]), 1)
    size, objects = Decimal(int(row["pull_bytes"])) / tags, Decimal(int(row["pull_objects"])) / tags
    if counted is not None and counted[0]:
        size, objects = counted[1] / counted[0], counted[2] / counted[0]
    return BillInputs(
        stored_bytes={scope: int(row[f"{scope}_bytes"]) for scope in SCOPES},
        repositories=int(row["repositories"]),
        public_repositories=int(row["public_repositories"]),
        gzip_bytes=int(row["gzip_bytes"]),
        mean_pull_bytes=size,
        mean_pull_objects=objects,
        counted_pulls=None if counted is None else counted[0],
        complete=bool(row["complete"]),
    )


def _counters(store: History, snapshots: Sequence[SnapshotRow]) -> pd.DataFrame:
    """Give each repository's counter of pulls, as far back as is looked."""
    until = {row.registry: row.taken_at for row in snapshots}
    looked_at = [
        row
        for name, last in until.items()
        for row in store.readable_snapshots(name)
        if last - LOOK_BACK <= row.taken_at <= last
    ]
    return query(store, "pull_counters", snapshots=looked_at)


def _counted(
    of_a_pull: pd.DataFrame, counters: pd.DataFrame
) -> tuple[Decimal, Decimal, Decimal] | None:
    """Give pulls, their bytes and objects in an average month, where every repository is counted."""
    if counters.empty or counters["days"].max() < LEAST_DAYS:
        return None
    sizes = of_a_pull.merge(counters, on=["registry", "repository"], how="left")
    if sizes["pulls"].isna().any() or not sizes["counted"].all():
        return None
    sums = [Decimal(0)] * 3
    for one in sizes.to_dict("records"):
        if one["days"] < LEAST_DAYS:
            continue
        pulls = Decimal(int(one["pulls"])) * DAYS_A_MONTH / decimal(float(one["days"]))
        weights = (
            Decimal(1),
            decimal(float(one["pull_bytes"])),
            decimal(float(one["pull_objects"])),
        )
        sums = [total + pulls * weight for total, weight in zip(sums, weights, strict=True)]
    return sums[0], sums[1], sums[2]


def _trend(
    store: History,
    scenario: Scenario,
    inputs: BillInputs,
    registry: str | None,
    at: datetime | None,
) -> tuple[Trend | None, tuple[str, ...]]:
    stored = inputs.stored_bytes["registry"]
    given = _given_trend(scenario, stored)
    if given is not None or not stored:
        return given, ()
    rows = forecast(store, registry=registry, at=at)
    if rows.empty:
        return None, (_NO_TREND,)
    stored_then = Decimal(int(rows["physical_bytes"].sum()))
    if not stored_then:
        return None, ()
    shares: Mapping[str, Decimal] = {
        name: decimal(float(rows[column].sum())) * DAYS_A_MONTH / stored_then
        for name, column in (
            ("low", "low_bytes_per_day"),
            ("estimate", "bytes_per_day"),
            ("high", "high_bytes_per_day"),
        )
    }
    return Trend(**shares), ()


def _given_trend(scenario: Scenario, stored: int) -> Trend | None:
    if scenario.growth_gb is None or not stored:
        return None
    share = decimal(scenario.growth_gb) * GB / stored
    return Trend(low=share, estimate=share, high=share)
