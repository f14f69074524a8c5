"""How fast does it grow, what grows, and when is it full?

Measured points come from the snapshots. The time before the first one is reconstructed from the
dates of the images that were still there: what had been deleted by then is missing, so these
points are lower bounds, and no forecast uses them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pandas as pd
from scipy.stats import theilslopes

from regtools.analyses.reach import EARLIEST_IMAGE, TIME, Reach, made, opened, typed
from regtools.analyses.states import State, states_of
from regtools.analyses.usage import sizes_of_registries, sizes_of_repositories
from regtools.history import History
from regtools.units import parse_bytes

MIN_POINTS: Final = 3
MIN_DAYS: Final = 7
"""A week holds a weekend: less would take a quiet Sunday for a trend."""
MIN_LOOK_BACK_DAYS: Final = 90
"""The trend is that of the last quarter at least; what was before a clean-up or a new team is past."""
CONFIDENCE: Final = 0.95

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
    """The trend of each registry with enough points: registry, points, days_observed,
    bytes_per_day with the bounds low_ and high_ (95 %), measured_at and physical_bytes of the
    point it starts from, forecast_days, forecast_bytes with its bounds, capacity_bytes,
    days_until_full with the bounds soonest_ and latest_; empty where it is never reached."""
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
    limit = parse_bytes(capacity) if isinstance(capacity, str) and capacity else capacity or None
    states = states_of(store.snapshots(), registry=registry, at=at)
    reach = Reach(store, {state.number: state.snapshots for state in states})
    repositories = sizes_of_repositories(reach)
    measured = _measured(sizes_of_registries(reach, repositories), states)
    spans = _spans(measured)
    forecast = _forecasts(measured, forecast_days, int(limit) if limit is not None else None)
    reconstructed = _reconstructed(reach, measured)
    return Growth(
        series=_joined(reconstructed, measured),
        by_repository=typed(
            reach.ask(
                "growth_by_repository",
                tables={"usage_by_repository": repositories, "spans": spans},
            ),
            BY_REPOSITORY,
        ),
        forecast=forecast,
        notes=tuple(_notes(measured, reconstructed, forecast)),
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
        (_usable(rows)["state"].iloc[0], month)
        for _, rows in measured.groupby("registry")
        for month in pd.date_range(
            EARLIEST_IMAGE, rows["taken_at"].iloc[0], freq="MS", normalize=True
        )
        if month < rows["taken_at"].iloc[0]
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


def _forecasts(measured: pd.DataFrame, days: int, capacity: int | None) -> pd.DataFrame:
    rows = [
        _forecast(str(registry), points, days, capacity)
        for registry, every in measured.groupby("registry")
        if _is_enough(points := _recent(every[every["complete"]], days))
    ]
    return made(([row[name] for name in FORECAST] for row in rows), FORECAST)


def _recent(points: pd.DataFrame, forecast_days: int) -> pd.DataFrame:
    """Give the points of the time looked back on; all, where these are too few for a trend."""
    look_back = timedelta(days=max(MIN_LOOK_BACK_DAYS, forecast_days))
    recent = points[points["taken_at"] >= points["taken_at"].max() - look_back]
    return recent if _is_enough(recent) else points


def _days(points: pd.DataFrame) -> list[float]:
    """Give the days from the first point to each."""
    times = list(points["taken_at"])
    return [(time - times[0]) / timedelta(days=1) for time in times]


def _is_enough(points: pd.DataFrame) -> bool:
    return len(points) >= MIN_POINTS and _days(points)[-1] >= MIN_DAYS


def _forecast(
    registry: str, points: pd.DataFrame, days: int, capacity: int | None
) -> Mapping[str, object]:
    """Lay a Theil–Sen line through the points: one clean-up or spike does not bend it."""
    observed = _days(points)
    line = theilslopes(points["physical_bytes"], observed, alpha=CONFIDENCE)
    slope, low, high = float(line.slope), float(line.low_slope), float(line.high_slope)
    last = points.iloc[-1]
    size = int(last["physical_bytes"])
    return {
        "registry": registry,
        "points": len(points),
        "days_observed": observed[-1],
        "bytes_per_day": slope,
        "low_bytes_per_day": low,
        "high_bytes_per_day": high,
        "measured_at": last["taken_at"],
        "physical_bytes": size,
        "forecast_days": days,
        "forecast_bytes": _ahead(size, slope, days),
        "forecast_low_bytes": _ahead(size, low, days),
        "forecast_high_bytes": _ahead(size, high, days),
        "capacity_bytes": math.nan if capacity is None else float(capacity),
        "days_until_full": _until_full(size, slope, capacity),
        "soonest_days_until_full": _until_full(size, high, capacity),
        "latest_days_until_full": _until_full(size, low, capacity),
    }


def _ahead(size: int, slope: float, days: int) -> int:
    return max(0, size + round(slope * days))


def _until_full(size: int, slope: float, capacity: int | None) -> float:
    """Give days from the last point on; NaN where the capacity is unknown or never reached."""
    if capacity is None:
        return math.nan
    if size >= capacity:
        return 0.0
    return (capacity - size) / slope if slope > 0 else math.nan


def _notes(
    measured: pd.DataFrame, reconstructed: pd.DataFrame, forecast: pd.DataFrame
) -> Iterable[str]:
    for registry, rows in measured.groupby("registry"):
        left_out = int((~rows["complete"]).sum())
        if left_out:
            yield (
                f"{registry}: {left_out} of {len(rows)} points are not complete. They are shown, "
                "but the trend does not use them."
            )
        if registry not in set(forecast["registry"]):
            yield (
                f"{registry}: no forecast. It takes {MIN_POINTS} complete snapshots over at least "
                f"{MIN_DAYS} days; there are {len(rows) - left_out} over {_span(rows)} days."
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


def _span(rows: pd.DataFrame) -> int:
    points = rows[rows["complete"]]
    return 0 if points.empty else int(_days(points)[-1])
