"""A refresh asks three vendors, writes a whole new edition or none, and tells its key to one only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.command import Command
from tests.support.fake_registry import Answer, Seen, fake_registry
from tests.support.price_apis import KEY, AwsPrices, AzurePrices, GooglePrices

from regtools.analyses.editions import editions
from regtools.analyses.price_diff import price_diff
from regtools.analyses.prices import price_book
from regtools.errors import ConfigError, RegtoolsError
from regtools.refresh import SOURCES, Refreshed, refresh_prices
from regtools.refresh.quote import in_tiers

TODAY = date(2026, 11, 26)
EVERY = ("aws", "azure", "google")


@dataclass
class Vendors:
    aws: AwsPrices
    azure: AzurePrices
    google: GooglePrices
    folder: Path

    @property
    def bases(self) -> dict[str, str]:
        return {name: getattr(self, name).url for name in EVERY}

    def refresh(self, *sources: str, **changes: Any) -> Refreshed:
        given = {"google_key": KEY, "bases": self.bases, "today": TODAY, **changes}
        return refresh_prices(self.folder, sources=sources or EVERY, **given)

    def rate(self, key: str) -> list[tuple[Decimal | None, Decimal | None]]:
        provider, _, name = key.partition("/")
        price = price_book(self.folder).provider(provider).prices[name]
        return [(tier.up_to, tier.rate) for tier in price.tiers]


@pytest.fixture
def vendors(tmp_path: Path) -> Iterator[Vendors]:
    made = Vendors(AwsPrices(), AzurePrices(), GooglePrices(), tmp_path / "prices")
    with ExitStack() as stack:
        for name in EVERY:
            stack.enter_context(fake_registry(fake=getattr(made, name)))
        made.azure.address = made.azure.url
        yield made


def test_every_price_that_is_told_is_in_the_new_edition(vendors: Vendors) -> None:
    found = vendors.refresh()
    assert (found.edition, found.notes) == ("2026-11-26", ())
    assert vendors.rate("ecr/storage") == [(None, Decimal("0.11"))]
    assert vendors.rate("ecr/archive") == [(153600, Decimal("0.09")), (None, Decimal("0.06"))]
    assert vendors.rate("aws/s3")[1] == (512000, Decimal("0.022"))
    assert vendors.rate("aws/s3-get") == [(None, Decimal("0.0004"))]
    assert len(vendors.rate("aws/traffic")) == 4
    assert vendors.rate("acr/unit-premium") == [(None, Decimal("1.7"))]
    assert vendors.rate("acr/storage-standard") == [(None, Decimal("0.1"))]
    storage = price_book(vendors.folder).provider("artifactregistry").prices["storage"]
    assert (storage.free, storage.tiers[0].rate) == (Decimal("0.5"), Decimal("0.1"))
    assert (storage.unit_size, storage.other_unit_size) == (2**30, None)


def test_each_says_where_and_when(vendors: Vendors) -> None:
    vendors.refresh()
    book = price_book(vendors.folder)
    assert book.edition == "2026-11-26"
    storage = book.provider("ecr").prices["storage"]
    assert (storage.grade, storage.checked) == ("A", date(2026, 11, 20))
    assert storage.source == "AWS Price List, AmazonECR, published 2026-11-20"
    assert "Azure Retail Prices API" in book.provider("acr").prices["unit-basic"].source


def test_what_was_not_asked_for_stays(vendors: Vendors) -> None:
    before = price_book()
    vendors.refresh("azure")
    after = price_book(vendors.folder)
    assert after.provider("ecr") == before.provider("ecr")
    assert after.provider("acr").prices["traffic"] == before.provider("acr").prices["traffic"]
    assert (vendors.aws.seen, vendors.google.seen) == ([], [])


def test_it_says_what_changed(vendors: Vendors) -> None:
    changes = vendors.refresh().changes.set_index(["price", "what"])
    assert changes.loc[("ecr/storage", "rate"), "before"] == "0.10"
    assert changes.loc[("ecr/storage", "rate"), "change_percent"] == 10.0
    assert changes.loc[("acr/unit-premium", "rate"), "after"] == "1.7"
    assert ("acr/unit-basic", "rate") not in changes.index


def test_a_meter_that_is_gone_keeps_its_old_price_and_is_told(vendors: Vendors) -> None:
    vendors.aws.offers["AmazonECR"] = vendors.aws.offers["AmazonECR"][:1]
    vendors.azure.meters = vendors.azure.meters[:3]
    found = vendors.refresh("aws", "azure")
    assert found.notes == (
        "Nothing was told of ecr/archive: the old price stays.",
        "Nothing was told of acr/unit-premium: the old price stays.",
        "Nothing was told of acr/storage-basic: the old price stays.",
        "Nothing was told of acr/storage-standard: the old price stays.",
        "Nothing was told of acr/storage-premium: the old price stays.",
    )
    assert vendors.rate("ecr/archive") == [
        (153600, Decimal("0.10")),
        (None, Decimal("0.07")),
    ]


def test_another_region_is_named(vendors: Vendors) -> None:
    vendors.refresh("aws", regions={"aws": "eu-central-1"})
    book = price_book(vendors.folder)
    assert "/eu-central-1/" in vendors.aws.seen[0].path
    assert book.provider("ecr").plans[0].region == "eu-central-1"
    assert book.provider("ecr").prices["storage"].tiers[0].rate == Decimal("0.11")


def test_no_edition_is_ever_written_over(vendors: Vendors) -> None:
    first = vendors.refresh("aws")
    assert first.folder is not None
    before = (first.folder / "ecr.toml").read_bytes()
    vendors.aws.offers["AmazonECR"][0] = ("TimedStorage-ByteHrs", [("0", "Inf", "0.12")])
    second = vendors.refresh("aws")
    third = vendors.refresh("azure")
    assert [second.edition, third.edition] == ["2026-11-26.2", "2026-11-26.3"]
    assert (first.folder / "ecr.toml").read_bytes() == before
    assert vendors.rate("ecr/storage") == [(None, Decimal("0.12"))]
    old, new = (price_book(vendors.folder, edition=day) for day in ("2026-11-25", "2026-11-26"))
    assert old.edition == "2026-11-23"
    assert not price_diff(old, new).empty
    listed = list(editions(vendors.folder)["edition"])
    assert listed[-4:] == ["2026-11-23", "2026-11-26", "2026-11-26.2", "2026-11-26.3"]


def test_what_people_wrote_into_a_price_file_stays(vendors: Vendors) -> None:
    found = vendors.refresh("aws")
    assert found.folder is not None
    text = (found.folder / "aws.toml").read_text()
    assert "# Building blocks of Amazon Web Services" in text


@pytest.mark.parametrize("place", range(3))
def test_a_vendor_that_fails_leaves_everything_as_it_was(vendors: Vendors, place: int) -> None:
    broken = getattr(vendors, EVERY[place])

    def fails(seen: Seen) -> Answer | None:
        return Answer(500, b"<h1>Oops</h1>") if len(broken.seen) > 1 else None

    broken.hook = fails
    with pytest.raises(RegtoolsError):
        vendors.refresh()
    assert not vendors.folder.exists()


@pytest.mark.parametrize(
    ("vendor", "body"),
    [
        ("aws", b"[]"),
        ("aws", b'{"publicationDate":"soon","products":{},"terms":{"OnDemand":{}}}'),
        ("aws", b'{"publicationDate":"2026-11-20","products":{"A":{}},"terms":{"OnDemand":{}}}'),
        ("azure", b'{"Items":{}}'),
        ("azure", b'{"Items":[{"meterName":"Data Stored","retailPrice":"NaN"}]}'),
        ("azure", b'{"Items":[{"meterName":"Data Stored","retailPrice":-1}]}'),
        ("google", b'{"services":[{"name":1}]}'),
        ("google", b'{"services":"none"}'),
        ("google", b"{"),
    ],
)
def test_an_odd_answer_is_an_error_with_a_code(vendors: Vendors, vendor: str, body: bytes) -> None:
    getattr(vendors, vendor).hook = lambda _: Answer(200, body)
    with pytest.raises(RegtoolsError) as caught:
        vendors.refresh()
    assert caught.value.code in {"PRICES_NOT_UNDERSTOOD", "ANSWER_NOT_JSON"}
    assert not vendors.folder.exists()


def test_two_prices_for_one_are_not_guessed_at(vendors: Vendors) -> None:
    vendors.aws.offers["AmazonECR"].append(("TimedStorage-ByteHrs", [("0", "Inf", "0.5")]))
    with pytest.raises(RegtoolsError) as caught:
        vendors.refresh("aws")
    assert "several" in caught.value.summary


def test_a_page_elsewhere_is_not_followed(vendors: Vendors) -> None:
    vendors.azure.address = "http://127.0.0.1:1"
    with pytest.raises(RegtoolsError) as caught:
        vendors.refresh("azure")
    assert caught.value.code == "PAGE_FOREIGN_HOST"


class TestTheKey:
    def test_only_google_sees_it(self, vendors: Vendors) -> None:
        vendors.refresh()
        for name in ("aws", "azure"):
            for seen in getattr(vendors, name).seen:
                assert KEY not in json.dumps([seen.path, dict(seen.headers)])
        assert all(seen.headers["x-goog-api-key"] == KEY for seen in vendors.google.seen)
        assert not any(KEY in seen.path for seen in vendors.google.seen)

    def test_a_refusal_does_not_show_it(self, vendors: Vendors) -> None:
        vendors.google.hook = lambda seen: Answer(
            403, json.dumps({"error": {"message": f"key {KEY} is no good"}}).encode()
        )
        with pytest.raises(RegtoolsError) as caught:
            vendors.refresh("google")
        assert KEY not in f"{caught.value!r} {caught.value.summary} {caught.value.remedy}"

    def test_without_one_nobody_is_asked(self, vendors: Vendors) -> None:
        with pytest.raises(ConfigError) as caught:
            vendors.refresh(google_key="")
        assert caught.value.code == "GOOGLE_KEY_MISSING"
        assert vendors.aws.seen == []


def test_an_unknown_source_is_named(vendors: Vendors) -> None:
    with pytest.raises(ConfigError) as caught:
        vendors.refresh("oracle")
    assert caught.value.code == "PRICE_SOURCE_UNKNOWN"


def test_every_price_that_is_asked_for_is_in_the_book() -> None:
    book = price_book()
    for source in SOURCES.values():
        for key in source.keys:
            provider, _, name = key.partition("/")
            assert name in book.provider(provider).prices


def test_a_folder_that_cannot_be_written_is_told(vendors: Vendors) -> None:
    vendors.folder.write_text("a file")
    with pytest.raises(ConfigError) as caught:
        vendors.refresh("aws")
    assert caught.value.code == "EDITION_NOT_WRITTEN"


@given(st.dictionaries(st.decimals(0, 10**6, places=3), st.decimals(0, 10, places=4), min_size=1))
def test_tiers_meet_and_have_no_end(steps: dict[Decimal, Decimal]) -> None:
    free, tiers = in_tiers(
        [(Decimal(0), Decimal(1)), *steps.items()] if 0 not in steps else list(steps.items())
    )
    ends = [end for end, _ in tiers]
    assert ends[-1] is None
    assert ends[:-1] == sorted(end for end in ends[:-1] if end is not None)
    assert free is None or free > 0


class TestTheCommand:
    def write(self, vendors: Vendors) -> None:
        lines = [f'{name} = "{base}"' for name, base in vendors.bases.items()]
        Path("regtools.toml").write_text(
            f'price_folder = "{vendors.folder}"\n[price_apis]\n' + "\n".join(lines) + "\n"
        )

    def test_it_writes_an_edition_that_bills_use(
        self,
        regtools: Command,
        vendors: Vendors,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        self.write(vendors)
        monkeypatch.setenv("MY_KEY", KEY)
        before = regtools("cost", "--storage-gb", 100, "--egress-gb", 0, "--json").document["rows"]
        ran = regtools("prices", "refresh", "--google-key", "env:MY_KEY", "--json")
        assert ran.code == 0
        assert ran.document["edition"]
        assert KEY not in ran.out + ran.err
        after = regtools("cost", "--storage-gb", 100, "--egress-gb", 0, "--json").document["rows"]
        bills = [
            next(row["monthly_usd"] for row in rows if row["provider"] == "Amazon ECR")
            for rows in (before, after)
        ]
        # 93.13 GiB at $0.10, and at $0.11.
        assert bills == [9.31, 10.24]
        old = regtools(
            "cost", "--storage-gb", 100, "--egress-gb", 0, "--edition", "2026-11-23", "--json"
        )
        assert old.document["rows"] == before
        diff = regtools("prices", "diff", "2026-11-23", "--json").document["rows"]
        assert "ecr/storage" in {row["price"] for row in diff}
        assert len(regtools("prices", "editions", "--json").document["rows"]) == 3

    def test_a_key_itself_is_refused(self, regtools: Command) -> None:
        ran = regtools("prices", "refresh", "--google-key", KEY)
        assert ran.code == 2
        assert "[SECRET_INLINE]" in ran.err
        assert KEY not in ran.err
