"""Editions lie over each other by date, your settings over all of them, and old prices are told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from regtools.analyses.cost import cost
from regtools.analyses.editions import editions
from regtools.analyses.price_diff import price_diff
from regtools.analyses.prices import price_book, stale
from regtools.analyses.scenario import Scenario
from regtools.analyses.workload import typed_workload
from regtools.context import open_prices
from regtools.errors import ConfigError

ENTRY = """
provider = "mine"
title = "My registry"

[prices.storage]
component = "storage"
measure = "stored"
unit = "GB-month"
unit_bytes = 1000000000
rate = {rate}
source = "our contract"
checked = {day}
grade = "A"

[[plans]]
name = "only"
prices = ["storage"]
"""


def edition(folder: Path, day: str, rate: str) -> None:
    (folder / day).mkdir(parents=True)
    text = ENTRY.format(rate=rate, day=day.partition(".")[0])
    (folder / day / "mine.toml").write_text(text, encoding="utf-8")


def rate(book: Any) -> Decimal:
    found = book.provider("mine").prices["storage"].tiers[0].rate
    assert isinstance(found, Decimal)
    return found


class TestEditions:
    def test_the_newest_counts_and_older_ones_stay(self, tmp_path: Path) -> None:
        edition(tmp_path, "2026-12-01", "2")
        edition(tmp_path, "2026-11-24", "1")
        edition(tmp_path, "2026-12-01.2", "3")
        edition(tmp_path, "2026-12-01.10", "4")
        assert rate(price_book(tmp_path)) == 4
        assert rate(price_book(tmp_path, edition="2026-11-30")) == 1
        assert price_book(tmp_path, edition="2026-11-30").edition == "2026-11-24"
        assert "mine" not in price_book(tmp_path, edition="2026-11-23").providers
        assert list(editions(tmp_path)["edition"]) == [
            "guide-undated",
            "2026-11-23",
            "2026-11-24",
            "2026-12-01",
            "2026-12-01.2",
            "2026-12-01.10",
        ]

    @pytest.mark.parametrize("name", ["2020-01-01", "nothing", "guide"])
    def test_one_that_is_not_there_is_named(self, name: str) -> None:
        with pytest.raises(ConfigError) as caught:
            price_book(edition=name)
        assert caught.value.code == "EDITION_UNKNOWN"
        assert "guide-undated" in caught.value.remedy

    def test_a_folder_under_way_does_not_count(self, tmp_path: Path) -> None:
        edition(tmp_path, ".partial-0123", "1")
        edition(tmp_path, "drafts", "1")
        assert "mine" not in price_book(tmp_path).providers

    def test_the_guide_stands_alone(self) -> None:
        book = price_book(edition="guide-undated")
        assert list(book.providers) == ["dockerhub", "ecr", "gcr", "ghcr", "gitlab"]
        frame = cost(typed_workload(10, Scenario(users=1, private_repositories=1)), book=book)
        assert frame["feasible"].all()
        assert frame["edition"].str.endswith("undated").all()
        assert frame["notes"].str.contains("Its prices are of no known date").all()


OWN = {"rate": 0.07, "source": "Contract 4711", "checked": date(2026, 11, 1)}


class TestOverrides:
    def test_one_price_is_changed_and_the_rest_stays(self) -> None:
        book = price_book(overrides={"ecr": {"prices": {"storage": OWN}}})
        price = book.provider("ecr").prices["storage"]
        assert (price.tiers[0].rate, price.source, price.grade) == (
            Decimal("0.07"),
            "Contract 4711",
            "A",
        )
        assert price.unit_size == 2**30
        assert book.provider("ecr").plans[0].prices == (
            price,
            book.provider("aws").prices["traffic"],
        )

    def test_a_rate_takes_the_place_of_tiers(self) -> None:
        book = price_book(overrides={"aws": {"prices": {"s3": OWN}}})
        assert [tier.rate for tier in book.provider("aws").prices["s3"].tiers] == [Decimal("0.07")]

    def test_a_plan_is_changed_by_its_name_or_added(self) -> None:
        plans = [{"name": "Free", "max_private_users": 50}, {"name": "Ours", "prices": ["storage"]}]
        book = price_book(overrides={"gitlab": {"plans": plans}})
        limits = {plan.name: plan.max_private_users for plan in book.provider("gitlab").plans}
        assert limits == {"Free": 50, "Premium": None, "Ultimate": None, "Ours": None}

    def test_a_provider_may_be_new(self) -> None:
        own = {
            "prices": {
                "flat": {
                    "component": "plan",
                    "measure": "months",
                    "unit": "month",
                    "rate": 12.5,
                    "source": "Contract",
                    "checked": date(2026, 11, 1),
                }
            },
            "plans": [{"name": "flat", "prices": ["flat"]}],
        }
        book = price_book(overrides={"ours": own})
        frame = cost(typed_workload(10), book=book)
        assert frame.set_index("provider").loc["ours", "monthly_usd"] == 12.5

    @pytest.mark.parametrize(
        ("overrides", "said"),
        [
            ({"ecr": 3}, "must be a table"),
            ({"ecr": {"prices": 3}}, "needs a table for 'prices'"),
            ({"ecr": {"prices": {"storage": 3}}}, "must be a table"),
            ({"ecr": {"prices": {"storage": {"rate": 1}}}}, "needs its own checked and source"),
            ({"ecr": {"prices": {"storage": {"ratte": 1}}}}, "not known: ratte"),
            ({"ecr": {"prices": {"storage": {**OWN, "rate": -1}}}}, "zero or more"),
            ({"ecr": {"plans": "x"}}, "needs a list of tables for 'plans'"),
            ({"ecr": {"plans": [{"name": "Ours", "prices": ["x"]}]}}, "does not exist"),
            ({"ecr": {"colour": "red"}}, "not known: colour"),
            ({"ours": {"plans": [{"name": "x", "needs": ["gold"], "prices": ["x"]}]}}, "ours"),
        ],
        ids=str,
    )
    def test_a_mistake_is_explained(self, overrides: dict[str, object], said: str) -> None:
        with pytest.raises(ConfigError) as caught:
            price_book(overrides=overrides)
        assert caught.value.code == "PRICE_BOOK_INVALID"
        assert said in caught.value.summary
        assert "of the settings" in caught.value.summary

    def test_they_come_from_the_settings(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("regtools.toml").write_text(
            'price_folder = "mine"\n[prices.ecr.prices.storage]\nrate = 0.07\n'
            'source = "Contract 4711"\nchecked = 2026-11-01\n'
        )
        edition(tmp_path / "mine", "2026-12-01", "2")
        book = open_prices()
        assert book.provider("ecr").prices["storage"].tiers[0].rate == Decimal("0.07")
        assert rate(book) == 2


class TestOldPrices:
    def test_they_are_told_in_the_bill(self) -> None:
        frame = cost(typed_workload(1))
        old = frame[frame["notes"].str.contains("Its prices are of")]
        assert set(old["provider"]) == {"DigitalOcean"}
        assert "2025-06-11: check them." in old["notes"].iloc[0]

    def test_they_are_named(self) -> None:
        book = price_book()
        assert stale(book, now=date(2026, 11, 26)) == ["DigitalOcean"]
        assert stale(book, now=date(2025, 7, 1)) == []
        assert len(stale(book, now=date(2028, 1, 1))) > 8


def test_a_difference_has_every_kind() -> None:
    before = price_book(edition="guide-undated")
    changes = price_diff(before, price_book()).set_index(["price", "what"])
    assert changes.loc[("ecr/archive", "new"), "after"].startswith("0.10")
    assert changes.loc[("dockerhub/paid", "gone"), "before"] == "5"
    assert changes.loc[("ecr/storage", "unit"), "after"] == str(2**30)
    assert ("ecr/storage", "rate") not in changes.index
    assert price_diff(before, before).empty
