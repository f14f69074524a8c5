"""The price book says where each number comes from, and refuses what it does not understand."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from regtools.analyses.book import GRADES, Price
from regtools.analyses.prices import (
    PRICE_COLUMNS,
    markdown_table,
    price_book,
    prices,
)
from regtools.errors import ConfigError
from regtools.units import GB, GIB

DOCS = Path(__file__).resolve().parents[2] / "docs" / "prices.md"
BOOK = price_book()
PRICES = [price for provider in BOOK.providers.values() for price in provider.prices.values()]

ENTRY = """
provider = "mine"
title = "My registry"

[prices.storage]
component = "storage"
measure = "stored"
unit = "GB-month"
unit_bytes = 1000000000
rate = 0.5
source = "our contract"
checked = 2026-11-23
grade = "A"

[[plans]]
name = "only"
prices = ["storage"]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        price_book(written(folder, text))
    assert caught.value.code == "PRICE_BOOK_INVALID"
    assert "mine.toml" in caught.value.summary
    return caught.value.summary


def ident(price: Price) -> str:
    return price.key


def test_every_provider_that_is_compared_has_a_plan() -> None:
    with_plans = [key for key, provider in BOOK.providers.items() if provider.plans]
    assert with_plans == [
        "acr",
        "artifactregistry",
        "digitalocean",
        "dockerhub",
        "ecr",
        "ecr-public",
        "gcr",
        "ghcr",
        "github-packages",
        "gitlab",
        "jfrog",
        "quay",
        "selfhosted",
    ]


@pytest.mark.parametrize("price", PRICES, ids=ident)
def test_every_price_has_a_source_a_date_and_a_grade(price: Price) -> None:
    assert len(price.source) > 10
    assert date(2024, 1, 1) < price.checked <= date(2026, 11, 23)
    assert price.grade in GRADES


@pytest.mark.parametrize("price", PRICES, ids=ident)
def test_a_price_of_bytes_says_which_unit_is_meant(price: Price) -> None:
    if "G" not in price.unit or "volume" in price.unit or "pack" in price.unit:
        assert price.other_unit_size is None
        return
    assert price.unit_size in (GB, GIB)
    if "GiB" in price.unit:
        assert (price.unit_size, price.other_unit_size) == (GIB, None)


@pytest.mark.parametrize("price", PRICES, ids=ident)
def test_money_is_decimal_and_as_written(price: Price) -> None:
    for tier in price.tiers:
        assert tier.rate is None or isinstance(tier.rate, Decimal)
    assert BOOK.provider("acr").prices["unit-basic"].tiers[0].rate == Decimal("0.1666")


def test_a_price_without_a_rate_says_why() -> None:
    unknown = [
        price
        for price in PRICES
        if not price.rate_from and any(tier.rate is None for tier in price.tiers)
    ]
    assert [price.key for price in unknown if not price.note] == []
    assert "gitlab/seats-ultimate" in [price.key for price in unknown]


def test_the_plans_of_quay_are_those_of_its_source_code() -> None:
    # quay/quay data/billing.py ffba0c70, 2026-08-21: title, dollars, private repositories.
    expected = [
        ("Open Source", 0, 0),
        ("Developer", 15, 5),
        ("Micro", 30, 10),
        ("Small", 60, 20),
        ("Medium", 125, 50),
        ("Large", 250, 125),
        ("Extra Large", 450, 250),
        ("XXL", 850, 500),
        ("XXXL", 1600, 1000),
        ("XXXXL", 3100, 2000),
        ("XXXXXL", 21700, 15000),
    ]
    plans = BOOK.provider("quay").plans
    assert [(p.name, p.prices[0].tiers[0].rate, p.private_repositories) for p in plans] == expected


def test_a_provider_is_found_by_its_key_or_title() -> None:
    assert BOOK.provider("ECR") is BOOK.provider("amazon ecr")


def test_an_unknown_provider_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no provider 'guay'") as caught:
        prices("guay")
    assert caught.value.code == "PROVIDER_UNKNOWN"
    assert "Did you mean 'quay'?" in caught.value.remedy


def test_the_frame_has_a_row_for_each_price() -> None:
    frame = prices()
    assert list(frame.columns) == list(PRICE_COLUMNS)
    assert len(frame) == len(PRICES)
    assert not frame.duplicated(["provider", "price"]).any()


def test_a_providers_frame_has_the_prices_it_borrows() -> None:
    frame = prices("ecr")
    assert list(frame["provider"] + "/" + frame["price"]) == [
        "ecr/storage",
        "ecr/archive",
        "aws/traffic",
    ]
    assert frame["rate"][2] == "0.09 to 10240, 0.085 to 51200, 0.07 to 153600, then 0.05"
    assert (frame["free"][2], frame["unit_size"][2]) == ("100", "2^30 or 10^9")


def test_a_price_that_nobody_publishes_is_empty_and_not_zero() -> None:
    frame = prices("gitlab").set_index("price")
    assert frame["rate"]["seats-ultimate"] == ""
    assert frame["rate"]["seats-free"] == "0"


def test_the_documented_table_is_the_book() -> None:
    text = DOCS.read_text(encoding="utf-8")
    begin, end = "<!-- prices: begin -->\n", "<!-- prices: end -->"
    assert text.split(begin)[1].split(end)[0] == markdown_table()


def test_the_documented_entry_is_understood(tmp_path: Path) -> None:
    laid, entry = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    own = price_book(written(tmp_path, entry)).provider("artifactory")
    assert [plan.name for plan in own.plans] == ["team"]
    book = price_book(overrides=tomllib.loads(laid)["prices"])
    assert book.provider("ecr").prices["storage"].tiers[0].rate == Decimal("0.08")
    assert book.provider("gitlab").plans[0].max_private_users == 50


class TestAFileOfMyOwn:
    def test_adds_a_provider(self, tmp_path: Path) -> None:
        own = price_book(written(tmp_path, ENTRY)).provider("mine")
        assert own.plans[0].prices[0].tiers[0].rate == Decimal("0.5")
        assert own.dedup_scope == "unknown"

    def test_takes_the_place_of_one_that_is_there(self, tmp_path: Path) -> None:
        text = ENTRY.replace('"mine"', '"ecr"')
        book = price_book(written(tmp_path, text))
        assert [plan.name for plan in book.provider("ecr").plans] == ["only"]
        shipped = [plan.name for plan in price_book().provider("ecr").plans]
        assert shipped == ["private", "private with archive"]

    def test_may_refer_to_a_price_of_another_provider(self, tmp_path: Path) -> None:
        text = ENTRY.replace('["storage"]', '["storage", "aws/traffic"]')
        own = price_book(written(tmp_path, text)).provider("mine")
        assert [price.key for price in own.plans[0].prices] == ["mine/storage", "aws/traffic"]

    def test_has_defaults_for_all_its_prices(self, tmp_path: Path) -> None:
        text = ENTRY.replace('grade = "A"', "").replace(
            "[prices.storage]", '[defaults]\ngrade = "C"\n\n[prices.storage]'
        )
        own = price_book(written(tmp_path, text)).provider("mine")
        assert own.prices["storage"].grade == "C"

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("rate = 0.5", "rat = 0.5", "keys that are not known: rat"),
            ("rate = 0.5", "rate = -1", "'rate' to be zero or more"),
            ("rate = 0.5", 'rate = "0.5"', "a number for 'rate'"),
            ("rate = 0.5", "rate = true", "a number for 'rate'"),
            ("rate = 0.5", "rate = nan", "'rate'"),
            ("rate = 0.5", "rate = inf", "'rate'"),
            ("rate = 0.5", "rate = 0.5\nlow_rate = 0.6", "low_rate ≤ rate ≤ high_rate"),
            ("rate = 0.5", "rate = 0.5\nhigh_rate = 0.4", "low_rate ≤ rate ≤ high_rate"),
            ("rate = 0.5", "low_rate = 0.4", "need one known rate"),
            ("rate = 0.5", "tiers = 3", "a list of tables for 'tiers'"),
            ("rate = 0.5", "tiers = [{rate = 1}, {rate = 2}]", "after a tier without end"),
            (
                "rate = 0.5",
                "tiers = [{up_to = 9, rate = 1}, {up_to = 9, rate = 2}]",
                "must reach further",
            ),
            ("rate = 0.5", "tiers = [{up_to = 9, rats = 1}]", "not known: rats"),
            ('grade = "A"', 'grade = "S"', "'grade' to be one of A, B, C, U"),
            ('grade = "A"', "", "'grade' to be one of"),
            ('source = "our contract"', "", "a text for 'source'"),
            ('source = "our contract"', 'source = " "', "a text for 'source'"),
            ("checked = 2026-11-23", 'checked = "today"', "a date for 'checked'"),
            ("unit_bytes = 1000000000", "", "a number for 'unit_bytes'"),
            ("unit_bytes = 1000000000", "unit_bytes = 0", "above zero"),
            ('measure = "stored"', 'measure = "weight"', "'measure' to be one of"),
            ('component = "storage"', 'component = "fee"', "'component' to be one of"),
            ('["storage"]', '["storag"]', "a price 'mine/storag' that does not exist"),
            ('["storage"]', "[]", "has no prices"),
            ('["storage"]', "[1]", "a list of texts for 'prices'"),
            ('name = "only"', 'name = "only"\nmax_users = 1.5', "a whole number for 'max_users'"),
            ('name = "only"', 'name = "only"\nmax_user = 1', "not known: max_user"),
            ('title = "My registry"', 'titel = "My registry"', "a text for 'title'"),
            ('title = "My registry"', 'title = "Mine"\ntidy = 1', "not known: tidy"),
            ("[prices.storage]", "[prices.storage.more]", "mine.toml"),
            ("[[plans]]", "[plans]", "a list of tables for 'plans'"),
        ],
    )
    def test_is_refused_with_the_place_of_the_mistake(
        self, tmp_path: Path, old: str, new: str, said: str
    ) -> None:
        assert old in ENTRY
        assert said in refused(tmp_path, ENTRY.replace(old, new))

    def test_with_two_plans_of_one_name_is_refused(self, tmp_path: Path) -> None:
        plan = '[[plans]]\nname = "only"\nprices = ["storage"]\n'
        assert "two plans have the same name" in refused(tmp_path, ENTRY + plan)

    def test_that_is_no_toml_is_refused(self, tmp_path: Path) -> None:
        assert "is not TOML" in refused(tmp_path, "provider = ")

    def test_that_is_no_text_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "mine.toml").write_bytes(b"\xff\xfe")
        with pytest.raises(ConfigError, match="cannot be read"):
            price_book(tmp_path)

    def test_knows_nothing_beyond_its_last_tier(self, tmp_path: Path) -> None:
        text = ENTRY.replace("rate = 0.5", "tiers = [{up_to = 9, rate = 1}]")
        tiers = price_book(written(tmp_path, text)).provider("mine").prices["storage"].tiers
        assert [(tier.up_to, tier.rate) for tier in tiers] == [(Decimal(9), 1), (None, None)]
