"""What is stored, moved and grows: measured where it can be, said where it cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.inventories import NOON, Shelf, layer, publish

from regtools.analyses.scenario import (
    BillInputs,
    Scenario,
    egress_bytes,
    private_repositories,
    pulls_a_month,
)
from regtools.analyses.workload import typed_workload, workload
from regtools.errors import HistoryError
from regtools.history import History
from regtools.schema import Inventory

MONTH = Decimal(365) / 12


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def shop(*, extra: int = 0) -> Shelf:
    """Give two repositories: a large image that is pulled seldom and a small one pulled often."""
    made = Shelf()
    made.tag("shop/large", "1", made.image(layer("large", 10**9), size=0, config_size=0))
    made.tag("shop/small", "1", made.image(layer("small", 10**7), size=0, config_size=0))
    for number in range(extra):
        own = layer(f"extra {number}", 10**8)
        made.tag("shop/large", f"2.{number}", made.image(own, size=0, config_size=0))
    return made


def told(inventory: Inventory, **rows: dict[str, object]) -> Inventory:
    """Give an inventory in which repositories tell more."""
    told_rows = [
        replace(row, **rows.get(row.repository.removeprefix("shop/"), {}))  # type: ignore[arg-type]
        for row in inventory.repositories
    ]
    inventory.repositories[:] = told_rows
    return inventory


class TestPulls:
    def test_counters_of_two_scans_make_a_month(self, history: History) -> None:
        first = told(shop().inventory(), large={"pulls": 100}, small={"pulls": 5000})
        last = told(shop().inventory(), large={"pulls": 110}, small={"pulls": 5990})
        publish(history, first, taken_at=NOON - timedelta(days=10))
        publish(history, last)
        found = workload(history).inputs
        # 1,000 pulls in 10 days, of which one in a hundred is of the large image.
        assert found.counted_pulls is not None
        assert round(found.counted_pulls, 3) == round(1000 * MONTH / 10, 3)
        assert round(found.mean_pull_bytes) == (10 * 10**9 + 990 * 10**7) // 1000
        assert "counted by the registry" in " ".join(workload(history).assumptions())

    def test_a_counter_that_was_read_once_says_nothing(self, history: History) -> None:
        publish(history, told(shop().inventory(), large={"pulls": 9}, small={"pulls": 9}))
        assert workload(history).inputs.counted_pulls is None

    def test_a_repository_without_a_counter_makes_it_a_guess(self, history: History) -> None:
        for days, pulls in ((10, 1), (0, 1000)):
            inventory = told(shop().inventory(), large={"pulls": pulls})
            publish(history, inventory, taken_at=NOON - timedelta(days=days))
        found = workload(history)
        assert found.inputs.counted_pulls is None
        assert found.to_dict()["pulls_source"] == "a guess"

    def test_a_repository_made_anew_counts_from_zero(self, history: History) -> None:
        for days, small in ((10, 5000), (0, 3)):
            inventory = told(shop().inventory(), large={"pulls": 7}, small={"pulls": small})
            publish(history, inventory, taken_at=NOON - timedelta(days=days))
        assert workload(history).inputs.counted_pulls == 0

    def test_what_is_given_wins_over_jobs_and_these_over_counters(self) -> None:
        known = BillInputs(
            stored_bytes={},
            repositories=0,
            mean_pull_bytes=Decimal(10**8),
            mean_pull_objects=Decimal(1),
            complete=True,
            counted_pulls=Decimal(77),
        )
        fleet = Scenario(ci_jobs_a_day=200, cold_share=0.5, nodes=10, deploys_a_day=3, days=30)
        assert pulls_a_month(known, Scenario()) == 77
        assert pulls_a_month(known, fleet) == 30 * (100 + 30)
        assert pulls_a_month(known, replace(fleet, pulls=5)) == 5
        assert pulls_a_month(replace(known, counted_pulls=None), Scenario()) == 1000
        assert egress_bytes(known, replace(fleet, same_region_share=0.9)) == 390 * 10**8
        assert egress_bytes(known, replace(fleet, pull_gb=1)) == 3900 * 10**9


def test_what_the_registry_says_is_public_need_not_be_private(history: History) -> None:
    publish(history, told(shop().inventory(), large={"visibility": "public"}))
    found = workload(history).inputs
    assert (found.repositories, found.public_repositories) == (2, 1)
    assert private_repositories(found, Scenario()) == 1
    assert private_repositories(found, Scenario(private_repositories=9)) == 9
    assert private_repositories(found, Scenario(private=False)) == 0


class TestTrend:
    def test_it_is_that_of_the_history(self, history: History) -> None:
        # 100 MB a day on top of 1,010 MB, four weeks long.
        for day in range(29):
            publish(history, shop(extra=day).inventory(), taken_at=NOON - timedelta(days=28 - day))
        found = workload(history)
        assert found.trend is not None
        assert found.inputs.stored_bytes["registry"] == 1010 * 10**6 + 28 * 10**8
        growth = found.to_dict()["growth_bytes"]
        assert isinstance(growth, dict)
        assert growth["estimate"] == pytest.approx(float(MONTH) * 10**8, rel=0.001)
        assert growth["low"] <= growth["estimate"] <= growth["high"]

    def test_a_short_history_has_none_and_says_so(self, history: History) -> None:
        publish(history, shop().inventory())
        found = workload(history)
        assert found.trend is None
        assert found.to_dict()["growth_bytes"] is None
        assert "too short for a trend" in " ".join(found.assumptions())

    def test_one_that_is_given_wins(self, history: History) -> None:
        publish(history, shop().inventory())
        found = workload(history, Scenario(growth_gb=-0.505))
        assert found.trend is not None
        assert round(found.trend.estimate, 6) == Decimal("-0.5")


class TestTyped:
    def test_every_provider_stores_as_much(self) -> None:
        found = typed_workload(50, Scenario(private_repositories=20))
        assert set(found.inputs.stored_bytes.values()) == {50 * 10**9}
        assert (found.inputs.repositories, found.parts) == (20, ())
        assert found.to_dict()["source"] == "typed"

    def test_guesses_are_said(self) -> None:
        said = " ".join(typed_workload(50).assumptions())
        assert "A pull of 300 MB is a guess" in said
        assert "Nothing is known of its growth" in said
        known = typed_workload(50, Scenario(egress_gb=1, growth_gb=1)).assumptions()
        assert not [line for line in known if "guess" in line or "growth" in line]


def test_a_workload_names_where_it_lies(history: History) -> None:
    publish(history, shop().inventory())
    other = Shelf(registry="other.example.com")
    other.tag("a", "1", other.image(layer("a", 10)))
    publish(history, other.inventory(), registry=other.registry)
    found = workload(history)
    assert [part.registry for part in found.parts] == ["other.example.com", shop().registry]
    sizes = [part.inputs.stored_bytes["registry"] for part in found.parts]
    assert sum(sizes) == found.inputs.stored_bytes["registry"]


def test_an_empty_history_tells_both_ways_on(history: History) -> None:
    with pytest.raises(HistoryError) as caught:
        workload(history)
    assert caught.value.code == "HISTORY_EMPTY"
    assert "regtools scan" in caught.value.remedy
    assert "--storage-gb" in caught.value.remedy
