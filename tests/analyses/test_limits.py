"""Quotas and price steps: found in the history and the price book, reached by the trend."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.inventories import NOON, Shelf, layer, publish

from regtools.analyses.growth import growth
from regtools.history import History
from regtools.units import GIB

IMAGE = 600
"""Bytes of a test image beside its layer."""


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def daily(
    history: History,
    sizes: list[int],
    *,
    limits: dict[int, int | None] | None = None,
    kind: str = "distribution",
    registry: str = "registry.example.com",
) -> None:
    """Publish a snapshot a day; from each day of `limits` on the vendor tells that limit."""
    limit: int | None = None
    for day, size in enumerate(sizes):
        shelf = Shelf(registry=registry)
        shelf.tag("team/app", "v1", shelf.image(layer("v1", size - IMAGE)))
        limit = (limits or {}).get(day, limit)
        if limits:
            shelf.report("team/app", 2 * size, limit=limit)
        when = NOON - timedelta(days=len(sizes) - 1 - day)
        publish(history, shelf.inventory(), taken_at=when, kind=kind, registry=registry)


def rows(history: History, **options: Any) -> list[dict[str, Any]]:
    return [
        {str(name): value for name, value in row.items()}
        for row in growth(history, **options).limits.to_dict("records")
    ]


def test_a_quota_is_followed_by_the_vendors_own_number(history: History) -> None:
    daily(history, [1000 + 100 * day for day in range(40)], limits={0: 20_000, 9: 10_800})
    (row,) = rows(history)
    assert (row["kind"], row["name"], row["limit_bytes"]) == ("quota", "team/app", 10_800)
    assert (row["used_bytes"], row["measured_at"]) == (9800, NOON)
    # Twice our number: what the vendor counts grows by 200 a day.
    assert row["days_until"] == pytest.approx(5)
    assert row["soonest_days_until"] == pytest.approx(5)
    assert row["source"] == "storage, GET /api/sizes"


def test_a_quota_that_is_told_no_more_is_none(history: History) -> None:
    daily(history, [1000 + 100 * day for day in range(40)], limits={0: 20_000, 30: None})
    assert rows(history) == []


@pytest.mark.parametrize(("limit", "days"), [(1000, 0.0), (9000, math.nan)])
def test_without_a_trend_only_what_is_reached_is_known(
    history: History, limit: int, days: float
) -> None:
    daily(history, [1000, 1100], limits={0: limit})
    quota, capacity = rows(history, capacity=limit // 2)[::-1]
    assert quota["days_until"] == pytest.approx(days, nan_ok=True)
    assert (capacity["kind"], capacity["limit_bytes"]) == ("capacity", limit // 2)
    assert capacity["days_until"] == pytest.approx(days, nan_ok=True)


def test_the_next_price_of_the_registrys_own_provider_is_a_limit(history: History) -> None:
    sizes = [5 * GIB + day * GIB // 10 for day in range(40)]
    daily(history, sizes, kind="acr", registry="acme.azurecr.io")
    found = {row["name"]: row for row in rows(history)}
    assert {name: row["limit_bytes"] for name, row in found.items()} == {
        "acr/storage-basic": 10 * GIB,
        "acr/storage-standard": 100 * GIB,
        "acr/storage-premium": 500 * GIB,
    }
    basic = found["acr/storage-basic"]
    assert basic["kind"] == "price"
    assert basic["days_until"] == pytest.approx((10 * GIB - sizes[-1]) / (GIB / 10), abs=0.01)
    assert "azure" in basic["source"].casefold()


def test_a_registry_that_nobody_bills_by_the_byte_has_no_price_step(history: History) -> None:
    daily(history, [5 * GIB] * 40)
    assert rows(history) == []


def test_what_is_reached_first_stands_first(history: History) -> None:
    sizes = [1000 + 100 * day for day in range(40)]
    daily(history, sizes, limits={0: 10**6})
    kinds = [row["kind"] for row in rows(history, capacity=6000)]
    assert kinds == ["capacity", "quota"]
