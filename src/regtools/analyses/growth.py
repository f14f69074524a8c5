"""How fast does it grow, what grows, and when is it full?

Measured points come from the snapshots. The time before the first one is reconstructed from the
dates of the images that were still there: what had been deleted by then is missing, so these
points are lower bounds, and no forecast uses them. How a trend is found is in `trend`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.limits import LIMITS, limits_ahead, limits_known
from regtools.analyses.reach import (
    EARLIEST_IMAGE,
    TIME,
    TREE_STEPS,
    Reach,
    facts,
    made,
    opened,
    typed,
)
from regtools.analyses.states import State, states_of
from regtools.analyses.trend import MIN_DAYS, MIN_POINTS, Trend, daily, in_days, trend_of
from regtools.analyses.usage import sizes_of_registries, sizes_of_repositories
from regtools.engine import Workspace
from regtools.history import History
from regtools.units import parse_bytes

MIN_LOOK_BACK_DAYS: Final = 90
"""The trend is that of the last quarter at least; what was before a clean-up or a new team is past."""
_SIZE_STEPS: Final = (
    *(step for step in TREE_STEPS if step != "dates"),
    "roots",
    "items",
    "observed",
)

SERIES: Final = {
    "registry": "str",
    "taken_at": TIME,
    "basis": "str",
    **dict.fromkeys(("logical_bytes", "physical_bytes", "tags", "repositories"), "int64"),
    "complete": "bool",
}
BY_REPOSITORY: Final = {
    "registry": "str",
    "repository": "str",
    **dict.fromkeys(
        ("first_bytes", "last_bytes", "grown_bytes", "added_tags", "removed_tags"), "int64"
    ),
}
FORECAST: Final = {
    "registry": "str",
    "model": "str",
    "points": "int64",
    "days_observed": "float64",
    "bytes_per_day": "float64",
    "low_bytes_per_day": "float64",
    "high_bytes_per_day": "float64",
    "measured_at": TIME,
    "physical_bytes": "int64",
    "forecast_days": "int64",
    "forecast_bytes": "int64",
    "forecast_low_bytes": "int64",
    "forecast_high_bytes": "int64",
    "capacity_bytes": "float64",
    "days_until_full": "float64",
    "soonest_days_until_full": "float64",
    "latest_days_until_full": "float64",
}
AHEAD: Final = {
    "registry": "str",
    "day": "int64",
    "at": TIME,
    **dict.fromkeys(("likely_bytes", "low_bytes", "high_bytes"), "int64"),
}
STEPS: Final = {
    "registry": "str",
    "since": TIME,
    "until": TIME,
    "change_bytes": "int64",
    "repository": "str",
    "repository_change_bytes": "int64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What `growth` found."""

    series: pd.DataFrame
    """Bytes over time: registry, taken_at, basis (measured or reconstructed), logical_bytes,
    physical_bytes, tags, repositories, complete. Points that are not complete are lower bounds."""
    by_repository: pd.DataFrame
    """What came between the first and the last complete point: registry, repository, first_bytes,
    last_bytes, grown_bytes, added_tags, removed_tags; what grew most first."""
    forecast: pd.DataFrame
    """The trend of each registry with enough points: registry, model (``line``: what is stored
    swings about a line; ``walk``: what came stays), points, days_observed, bytes_per_day with the
    bounds low_ and high_ (80 %), measured_at and physical_bytes of the point it starts from,
    forecast_days, forecast_bytes with its bounds, capacity_bytes, days_until_full with the bounds
    soonest_ and latest_; empty where it is not reached in ten years."""
    ahead: pd.DataFrame
    """The forecast day by day: registry, day (after the last complete point), at, likely_bytes,
    low_bytes and high_bytes (80 %)."""
    steps: pd.DataFrame
    """Changes that dwarf all others of the time looked back on, such as a deletion or a move:
    registry, since and until (the scans it came between), change_bytes, and which repository
    changed most: repository, repository_change_bytes. The trend is that of the other days."""
    limits: pd.DataFrame
    """What is reached when: registry, kind (``capacity``: what you gave; ``quota``: the vendor's
    own; ``price``: from there on each byte costs otherwise), name (a namespace, project or price;
    empty: the registry), limit_bytes, used_bytes, measured_at, days_until with the bounds
    soonest_ and latest_ (empty: not in ten years, or too few points to say), source; what is
    reached soonest first."""
    notes: tuple[str, ...]
    """What a reader must know to read the numbers right."""


def growth(
    history: History | str | Path,
    *,
    registry: str | None = None,
    at: datetime | None = None,
    forecast_days: int = 90,
    capacity: int | str | None = None,
) -> Growth:
    """Follow each registry's bytes over time and say where they lead.

    Parameters
    ----------
    history
        The history, or where it is.
    registry
        Only this registry.
    at
        As if it were then: no later snapshot counts.
    forecast_days
        How far to look ahead; the trend is that of as long a time back, 90 days at least.
    capacity
        Bytes that each registry's storage holds, or a text such as ``2TB``; empty: unknown.

    Raises
    ------
    ConfigError
        `capacity` is no size.
    HistoryError
        A snapshot cannot be read.
    """
    store = opened(history)
    seen = _look(store, states_of(store.snapshots(), registry=registry, at=at))
    trends = trends_of(seen.measured, forecast_days)
    held = _bytes(capacity)
    reconstructed = _reconstructed(seen.reach, seen.measured)
    by_repository = seen.reach.ask(
        "growth_by_repository",
        tables={"usage_by_repository": seen.repositories, "spans": _spans(seen.measured)},
    )
    return Growth(
        series=_joined(reconstructed, seen.measured),
        by_repository=typed(by_repository, BY_REPOSITORY),
        forecast=_forecasts(trends, forecast_days, held),
        ahead=_ahead(trends, forecast_days),
        steps=_steps(trends, seen.repositories),
        limits=_limits(seen, trends, held),
        notes=tuple(_notes(seen.measured, reconstructed, trends, forecast_days)),
    )


def forecast(
    history: History | str | Path,
    *,
    registry: str | None = None,
    at: datetime | None = None,
    forecast_days: int = 90,
    capacity: int | str | None = None,
) -> pd.DataFrame:
    """Give only the frame `Growth.forecast`, for less work; all else is as for `growth`."""
    store = opened(history)
    states = states_of(store.snapshots(), registry=registry, at=at)
    trends = _trends_lately(store, states, forecast_days)
    return _forecasts(trends, forecast_days, _bytes(capacity))


def _trends_lately(store: History, states: Sequence[State], forecast_days: int) -> list[Led]:
    """Find the trend of each registry from no more of its states than it takes."""
    whole: dict[str, list[State]] = defaultdict(list)
    for state in states:
        if state.is_whole:  # no other one can be a complete point
            whole[state.registry].append(state)
    near = {name: _lately(own, _look_back(forecast_days)) for name, own in whole.items()}
    found = _trends_in(store, near, forecast_days)
    further = {
        name: own
        for name, own in whole.items()
        if 0 < len(near[name]) < len(own) and not _reaches(found.get(name), own[-1])
    }
    found |= _trends_in(store, further, forecast_days)
    return [found[name] for name in sorted(found)]


def _lately(whole: Sequence[State], look_back: timedelta) -> Sequence[State]:
    """Give the states of a registry that a trend looks back on; all, where these are too few."""
    lately = [one for one in whole if one.taken_at >= whole[-1].taken_at - look_back]
    return next((some for some in (lately, whole) if _may_be_enough(some)), ())


def _may_be_enough(whole: Sequence[State]) -> bool:
    """Say whether a trend takes no more points than these states make at most, one a day."""
    days = {one.taken_at.astimezone(UTC).date() for one in whole}
    span = whole[-1].taken_at - whole[0].taken_at
    return len(days) >= MIN_POINTS and span >= timedelta(days=MIN_DAYS)


def _trends_in(
    store: History, states: Mapping[str, Sequence[State]], forecast_days: int
) -> dict[str, Led]:
    chosen = [state for own in states.values() for state in own]
    if not chosen:
        return {}
    trends = trends_of(_measured(sizes_of_states(store, chosen), chosen), forecast_days)
    return {led.registry: led for led in trends}


def sizes_of_states(store: History, states: Sequence[State]) -> pd.DataFrame:
    """Give the bytes of each state, and whether they are all."""
    snapshots = {row.snapshot: row for state in states for row in state.snapshots}
    with Workspace(store, list(snapshots.values())) as workspace:
        facts(workspace, {state.number: state.snapshots for state in states}, _SIZE_STEPS)
        return workspace.ask("registry_sizes")


def _reaches(led: Led | None, newest: State) -> bool:
    """Say whether a trend ends with the newest state: one that ends before looks further back."""
    return led is not None and bool(led.last["taken_at"] == newest.taken_at)


def _bytes(capacity: int | str | None) -> int | None:
    if isinstance(capacity, str):
        return int(parse_bytes(capacity)) if capacity else None
    return int(capacity) if capacity else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the snapshots say of each moment."""

    states: Sequence[State]
    reach: Reach
    repositories: pd.DataFrame
    measured: pd.DataFrame


def _look(store: History, states: Sequence[State]) -> _Seen:
    reach = Reach(store, {state.number: state.snapshots for state in states})
    repositories = sizes_of_repositories(reach)
    return _Seen(
        states=states,
        reach=reach,
        repositories=repositories,
        measured=_measured(sizes_of_registries(reach, repositories), states),
    )


def _measured(sizes: pd.DataFrame, states: Sequence[State]) -> pd.DataFrame:
    """Give a row for each state; one that saw less than the last state does is not complete."""
    partial = {state.number for state in states if state.is_partial}
    return sizes.assign(
        basis="measured", complete=sizes["complete"] & ~sizes["state"].isin(partial)
    ).sort_values(["registry", "taken_at", "state"], ignore_index=True)


def _usable(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the complete points of a registry; all, where none is."""
    complete = rows[rows["complete"]]
    return rows if complete.empty else complete


def _spans(measured: pd.DataFrame) -> pd.DataFrame:
    ends = (
        (registry, usable["state"].iloc[0], usable["state"].iloc[-1])
        for registry, rows in measured.groupby("registry")
        if not (usable := _usable(rows)).empty
    )
    return made(ends, {"registry": "str", "first_state": "int64", "last_state": "int64"})


def _reconstructed(reach: Reach, measured: pd.DataFrame) -> pd.DataFrame:
    """Give what the first complete point holds of what was there before the first point."""
    months = (
        (state, month)
        for _, rows in measured.groupby("registry")
        for state, start in [(_usable(rows)["state"].iloc[0], rows["taken_at"].iloc[0])]
        for month in pd.date_range(EARLIEST_IMAGE, start, freq="MS", normalize=True)
        if month < start
    )
    frame = reach.ask(
        "growth_reconstructed",
        tables={
            "months": made(months, {"state": "int64", "month": TIME}),
        },
        earliest=EARLIEST_IMAGE,
    )
    return frame.assign(basis="reconstructed", complete=False)


def _joined(reconstructed: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    both = [typed(reconstructed, SERIES), typed(measured, SERIES)]
    # The two never meet: a reconstructed point lies before the first measured one.
    return typed(pd.concat(both).sort_values(["registry", "taken_at"], kind="stable"), SERIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Led:
    """Where a registry's points lead, and the points that said so."""

    registry: str
    trend: Trend
    points: pd.DataFrame

    @property
    def last(self) -> pd.Series:
        """The point it starts from."""
        return self.points.iloc[-1]

    def at(self, day: int) -> datetime:
        """Give the time so many days after the last point."""
        when: datetime = self.last["taken_at"] + timedelta(days=day)
        return when


def trends_of(measured: pd.DataFrame, forecast_days: int) -> list[Led]:
    """Find the trend of each registry with enough complete points."""
    found = []
    for registry, every in measured.groupby("registry"):
        points = _recent(daily(every[every["complete"]]), forecast_days)
        trend = trend_of(in_days(points), list(points["physical_bytes"]))
        if trend is not None:
            found.append(Led(registry=str(registry), trend=trend, points=points))
    return found


def _recent(points: pd.DataFrame, forecast_days: int) -> pd.DataFrame:
    """Give the points of the time looked back on; all, where these are too few for a trend."""
    recent = points[points["taken_at"] >= points["taken_at"].max() - _look_back(forecast_days)]
    return recent if _is_enough(recent) else points


def _look_back(forecast_days: int) -> timedelta:
    return timedelta(days=max(MIN_LOOK_BACK_DAYS, forecast_days))


def _is_enough(points: pd.DataFrame) -> bool:
    return len(points) >= MIN_POINTS and _days_of(points) >= MIN_DAYS


def _days_of(points: pd.DataFrame) -> float:
    days = in_days(points)
    return days[-1] - days[0] if days else 0.0


def _forecasts(trends: Sequence[Led], days: int, capacity: int | None) -> pd.DataFrame:
    return made((_forecast(led, days, capacity) for led in trends), FORECAST)


def _forecast(led: Led, days: int, capacity: int | None) -> Sequence[object]:
    trend, size = led.trend, int(led.last["physical_bytes"])
    likely, low, high = (int(path[-1]) for path in whole_bytes(trend, days))
    until = (math.nan,) * 3 if capacity is None else limits_ahead(trend, size, capacity)
    return (
        led.registry,
        trend.model,
        trend.points,
        trend.days_observed,
        trend.per_day,
        trend.low_per_day,
        trend.high_per_day,
        led.last["taken_at"],
        size,
        days,
        likely,
        low,
        high,
        math.nan if capacity is None else float(capacity),
        *until,
    )


def whole_bytes(trend: Trend, days: int) -> Sequence[Sequence[int]]:
    """Give the likely, the low and the high path in whole bytes, of which there are never less
    than none."""
    return [[max(0, round(size)) for size in path.tolist()] for path in trend.ahead(days)]


def _ahead(trends: Sequence[Led], days: int) -> pd.DataFrame:
    return made(
        (
            (led.registry, day, led.at(day), *sizes)
            for led in trends
            for day, sizes in enumerate(zip(*whole_bytes(led.trend, days), strict=True), start=1)
        ),
        AHEAD,
    )


def _steps(trends: Sequence[Led], repositories: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for led in trends:
        for step in led.trend.steps:
            before, after = (led.points.iloc[place] for place in (step.place - 1, step.place))
            rows.append(
                (
                    led.registry,
                    before["taken_at"],
                    after["taken_at"],
                    int(after["physical_bytes"] - before["physical_bytes"]),
                    *_most_changed(repositories, before["state"], after["state"]),
                )
            )
    return made(rows, STEPS)


def _most_changed(repositories: pd.DataFrame, before: int, after: int) -> tuple[str, int]:
    """Name the repository that changed most from one state to the other, the first of equals."""
    first, last = (
        repositories[repositories["state"] == state].set_index("repository")["physical_bytes"]
        for state in (before, after)
    )
    change = last.sub(first, fill_value=0).sort_index()
    place = int(change.abs().argmax())
    return str(change.index[place]), int(change.iloc[place])


def _limits(seen: _Seen, trends: Sequence[Led], capacity: int | None) -> pd.DataFrame:
    stored = seen.measured[seen.measured["complete"]].groupby("registry").tail(1)
    by_registry = {led.registry: led.trend for led in trends}
    frame = made(limits_known(seen.reach, seen.states, by_registry, stored, capacity), LIMITS)
    order = ["days_until", "soonest_days_until", "registry", "kind", "name"]
    return frame.sort_values(order, kind="stable", ignore_index=True)


def _notes(
    measured: pd.DataFrame,
    reconstructed: pd.DataFrame,
    trends: Sequence[Led],
    forecast_days: int,
) -> Iterable[str]:
    found = {led.registry: led.trend for led in trends}
    for registry, rows in measured.groupby("registry"):
        complete = rows[rows["complete"]]
        left_out = len(rows) - len(complete)
        if left_out:
            yield (
                f"{registry}: {left_out} of {len(rows)} points are not complete. They are shown, "
                "but the trend does not use them."
            )
        trend = found.get(str(registry))
        if trend is None:
            yield (
                f"{registry}: no forecast. It takes {MIN_POINTS} complete snapshots on as many "
                f"days, over at least {MIN_DAYS} days; there are {len(daily(complete))} over "
                f"{int(_days_of(complete))} days."
            )
        elif trend.days_observed < forecast_days:
            yield (
                f"{registry}: the forecast looks {forecast_days} days ahead from "
                f"{trend.days_observed:.0f} days that were measured: trust its range, "
                "not its middle."
            )
        if (rows["dedup_scope"] == "unknown").any():
            yield (
                f"{registry} does not tell where it stores a layer once: the sizes count each "
                "layer once in each repository, which is the most it can be."
            )
    if not reconstructed.empty:
        yield (
            "The time before the first snapshot is reconstructed from the dates of images that "
            "were still there; what had been deleted is missing."
        )
