"""What stops a registry from growing, or makes it dearer: quotas, and where a price changes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from regtools.analyses.book import Measure, Price, provider_of
from regtools.analyses.prices import price_book
from regtools.analyses.reach import TIME, Reach
from regtools.analyses.states import State
from regtools.analyses.trend import Trend, daily, days_until, in_days, trend_of

LIMITS: Final = {
    "registry": "str",
    "kind": "str",
    "name": "str",
    "limit_bytes": "int64",
    "used_bytes": "int64",
    "measured_at": TIME,
    "days_until": "float64",
    "soonest_days_until": "float64",
    "latest_days_until": "float64",
    "source": "str",
}
_FARTHEST_DAYS: Final = 3650
_NOBODY_KNOWS: Final = (math.nan, math.nan, math.nan)


def limits_ahead(trend: Trend, now: int, limit: int) -> tuple[float, float, float]:
    """Give the days until a limit is likely reached, at the soonest and at the latest; NaN where
    that is not within ten years."""
    likely, low, high = trend.ahead(_FARTHEST_DAYS)
    return (
        days_until(limit, now, likely),
        days_until(limit, now, high),
        days_until(limit, now, low),
    )


def limits_known(
    reach: Reach,
    states: Sequence[State],
    trends: Mapping[str, Trend],
    stored: pd.DataFrame,
    capacity: int | None,
) -> list[tuple[Any, ...]]:
    """Give the capacity beside the limits that vendors tell and price lists hold, as rows of
    `LIMITS`.

    Parameters
    ----------
    reach
        Facts about the states.
    states
        The states looked at.
    trends
        The trend of each registry that has one.
    stored
        The newest complete point of each registry: registry, taken_at, physical_bytes.
    capacity
        What each registry's storage holds; None: unknown.
    """
    if not states:
        return []
    return [
        *_capacities(trends, stored, capacity),
        *_quotas(reach, states),
        *_price_steps(states, trends, stored),
    ]


def _capacities(
    trends: Mapping[str, Trend], stored: pd.DataFrame, capacity: int | None
) -> Iterator[tuple[Any, ...]]:
    for row in stored.to_dict("records") if capacity is not None else ():
        registry, size = str(row["registry"]), int(row["physical_bytes"])
        ahead = _reached(trends.get(registry), size, capacity or 0)
        yield (registry, "capacity", "", capacity, size, row["taken_at"], *ahead, "as given")


def _quotas(reach: Reach, states: Sequence[State]) -> Iterator[tuple[Any, ...]]:
    """Follow the vendor's own number, which is what it holds against the quota."""
    told = reach.ask("reported_over_time")
    newest = {state.registry: state for state in states}
    told_now = {row.snapshot for state in newest.values() for row in state.snapshots}
    for (registry, _, name, kind), rows in told.groupby(["registry", "scope", "name", "kind"]):
        last = rows.iloc[-1]
        if last["snapshot"] not in told_now:  # a quota that was lifted
            continue
        size, limit = int(last["bytes"]), int(last["limit_bytes"])
        ahead = _reached(_followed(rows), size, limit)
        source = f"{kind}, {last['source']}"
        yield (registry, "quota", name, limit, size, last["taken_at"], *ahead, source)


def _followed(rows: pd.DataFrame) -> Trend | None:
    points = daily(rows)
    return trend_of(in_days(points), list(points["bytes"].astype(np.float64)))


def _reached(trend: Trend | None, size: int, limit: int) -> tuple[float, float, float]:
    """Look ahead, where there is a trend; that a limit is reached already takes none."""
    if trend is not None:
        return limits_ahead(trend, size, limit)
    return (0.0, 0.0, 0.0) if size >= limit else _NOBODY_KNOWS


def _price_steps(
    states: Sequence[State], trends: Mapping[str, Trend], stored: pd.DataFrame
) -> Iterator[tuple[Any, ...]]:
    """Name the next size from which a byte costs otherwise, at each registry's own provider."""
    book = price_book()
    kinds = {row.registry: row.kind for state in states for row in state.snapshots}
    for row in stored.to_dict("records"):
        registry, size = str(row["registry"]), int(row["physical_bytes"])
        provider = provider_of(kinds[registry], registry, book)
        prices = provider.prices.values() if provider is not None else ()
        for price in prices:
            limit = next((step for step in _steps_of(price) if step > size), None)
            if limit is None:
                continue
            ahead = _reached(trends.get(registry), size, limit)
            yield (
                registry,
                "price",
                price.key,
                limit,
                size,
                row["taken_at"],
                *ahead,
                price.source,
            )


def _steps_of(price: Price) -> list[int]:
    """Give the sizes where what is free ends, or the next tier begins, smallest first."""
    if price.measure is not Measure.STORED or all(not tier.rate for tier in price.tiers):
        return []
    ends = [price.free, *(tier.up_to for tier in price.tiers if tier.up_to is not None)]
    return sorted(int(end * price.unit_size) for end in ends if end > 0)
