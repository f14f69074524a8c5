"""Bills are right to the cent: against sums done by hand, vendors' examples, and laws."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regtools.analyses.bill import Bill, Bound, in_cents, make_bill, price_lines, unit_months
from regtools.analyses.book import Plan, Price, Provider
from regtools.analyses.prices import price_book
from regtools.analyses.scenario import BillInputs, Scenario, assumed, egress_bytes
from regtools.errors import ConfigError
from regtools.units import GB, GIB, cents, parse_bytes

BOOK = price_book()
PLANS = [(one, plan) for one in BOOK.providers.values() for plan in one.plans]


def inputs(stored: int = 0, *, complete: bool = True, **changes: object) -> BillInputs:
    """Give the same size in every scope, 40 repositories, and pulls of 200 MB in 10 objects."""
    made = BillInputs(
        stored_bytes=dict.fromkeys(("registry", "namespace", "repository", "version"), stored),
        repositories=40,
        mean_pull_bytes=Decimal(200 * 10**6),
        mean_pull_objects=Decimal(10),
        complete=complete,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def bill(
    provider: str,
    plan: str,
    given: BillInputs,
    *,
    folder: Path | None = None,
    **scenario: object,
) -> Bill:
    book = price_book(folder) if folder else BOOK
    owner = book.provider(provider)
    (chosen,) = (one for one in owner.plans if one.name == plan)
    return make_bill(owner, chosen, given, Scenario(**{"egress_gb": 0, **scenario}))  # type: ignore[arg-type]


def ident(value: object) -> str:
    return value.key if isinstance(value, Provider) else getattr(value, "name", "")


class TestSumsDoneByHand:
    def test_ecr(self) -> None:
        # 500 GiB at 0.10 = 50.00; 1,100 GiB out: 100 free, 1,000 at 0.09 = 90.00.
        made = bill("ecr", "private", inputs(500 * GIB), egress_gb=Decimal(1100 * GIB) / GB)
        assert made.monthly_usd == Decimal("140.00")
        assert made.grade == "B"

    def test_ecr_public(self) -> None:
        # 150 GiB: 50 free, 100 at 0.10 = 10.00; 5,220 GiB out: 5,120 free, 100 at 0.09 = 9.00.
        made = bill("ecr-public", "public", inputs(150 * GIB), egress_gb=Decimal(5220 * GIB) / GB)
        assert made.monthly_usd == Decimal("19.00")
        assert made.grade == "U"

    def test_ecr_with_traffic_in_every_tier(self) -> None:
        # 200,000 GiB: 100 free; to 10,240: 10,140 at 0.09 = 912.60; to 51,200: 40,960 at 0.085
        # = 3,481.60; to 153,600: 102,400 at 0.07 = 7,168.00; 46,400 at 0.05 = 2,320.00.
        made = bill("ecr", "private", inputs(), egress_gb=Decimal(200_000 * GIB) / GB)
        assert made.monthly_usd == Decimal("13882.20")

    def test_artifact_registry(self) -> None:
        # 100.5 GiB: 0.5 free, 100 at 0.10 = 10.00; 1,024 at 0.12 = 122.88, 976 at 0.11 = 107.36.
        made = bill(
            "artifactregistry",
            "standard",
            inputs(int(100.5 * GIB)),
            egress_gb=Decimal(2000 * GIB) / GB,
        )
        assert made.monthly_usd == Decimal("240.24")
        assert made.grade == "C"

    def test_acr_standard(self) -> None:
        # 30 days at 0.6666 = 19.998; 150 GiB, 100 included: 50 at 0.10 = 5.00.
        made = bill("acr", "Standard", inputs(150 * GIB), days=30)
        assert made.monthly_usd == Decimal("25.00")

    def test_docker_hub_team(self) -> None:
        # 25 people at 16, or at 15 by the year; bytes are not billed.
        made = bill("dockerhub", "Team", inputs(10**15), users=25, egress_gb=10**6)
        assert (made.low_usd, made.monthly_usd, made.high_usd) == (375, 400, 400)

    def test_gitlab_premium(self) -> None:
        assert bill("gitlab", "Premium", inputs(10**15), users=10).monthly_usd == 290

    def test_ghcr_is_free_but_the_seats_are_not(self) -> None:
        assert bill("ghcr", "Free", inputs(10**15), users=25).monthly_usd == 0
        assert bill("ghcr", "Team", inputs(10**15), users=25).monthly_usd == 100

    def test_quay_asks_by_plan(self) -> None:
        assert bill("quay", "Medium", inputs(10**15), egress_gb=10**6).monthly_usd == 125

    def test_a_machine_with_a_disk(self) -> None:
        # 730 h at 0.0042 = 3.066; 8 GB system 0.64; 100 GiB and half again: 150 at 0.08 = 12.00;
        # 730 h of an address at 0.005 = 3.65.
        made = bill("selfhosted", "EC2 t4g.nano, EBS", inputs(100 * GIB))
        assert made.monthly_usd == Decimal("19.36")

    def test_a_disk_is_bought_in_whole_gigabytes(self) -> None:
        whole = bill("selfhosted", "EC2 t4g.nano, EBS", inputs(100 * GIB), disk_headroom=0)
        more = bill("selfhosted", "EC2 t4g.nano, EBS", inputs(100 * GIB + 1), disk_headroom=0)
        assert (more.monthly_usd or 0) - (whole.monthly_usd or 0) == Decimal("0.08")

    def test_a_machine_with_a_bucket(self) -> None:
        # 3.066 + 0.64 + 3.65; 100 GiB at 0.023 = 2.30; 1,000 pulls of 10 objects: 10 thousand
        # requests at 0.0004 = 0.004. Together 9.660.
        made = bill("selfhosted", "EC2 t4g.nano, S3", inputs(100 * GIB))
        assert made.monthly_usd == Decimal("9.66")

    def test_a_rented_machine_with_its_disk(self) -> None:
        assert bill("selfhosted", "Hetzner CX23", inputs(GB)).monthly_usd == Decimal("7.09")


class TestVendorsExamples:
    def test_basic_acr_with_25_gb(self, tmp_path: Path) -> None:
        # learn.microsoft.com container-registry-skus, read 2026-11-23: "$0.167 per day";
        # 25 GB: 15 more at $0.003 a day = $0.045; together $0.212 a day. 30 days: $6.36.
        source = (
            Path(__file__).parents[2] / "src" / "regtools" / "prices" / "2026-11-23" / "acr.toml"
        )
        text = source.read_text(encoding="utf-8")
        rounded = text.replace("rate = 0.1666", "rate = 0.167").replace(
            "rate = 0.10\n", "rate = 0.09\n"
        )
        (tmp_path / "acr.toml").write_text(rounded, encoding="utf-8")
        made = bill("acr", "Basic", inputs(25 * GIB), folder=tmp_path, days=30)
        assert made.monthly_usd == Decimal("6.36") == 30 * Decimal("0.212")

    def test_the_book_is_within_half_a_cent_a_day_of_the_page(self) -> None:
        made = bill("acr", "Basic", inputs(25 * GIB), days=30)
        assert abs((made.monthly_usd or 0) / 30 - Decimal("0.212")) < Decimal("0.005")

    @pytest.mark.parametrize(("plan", "usd"), [("Basic", "5.00"), ("Premium", "50.00")])
    def test_30_days_of_acr_as_infracost_prints_them(self, plan: str, usd: str) -> None:
        # infracost, container_registry_test.golden, read 2026-11-23.
        assert bill("acr", plan, inputs(), days=30).monthly_usd == Decimal(usd)

    def test_githubs_march(self) -> None:
        # github/docs github-packages.md (051718f2): 3 GB for 10 days and 12 GB for 21 days are
        # 6,768 GB-hours, in 744 hours 9.0967 GB-months, to the nearest MB 9.097.
        spans = [(Decimal(3), Decimal(10)), (Decimal(12), Decimal(21))]
        assert unit_months(spans, month_days=31, step=Decimal("0.001")) == Decimal("9.097")

    def test_githubs_estimate(self) -> None:
        # The same page: 0.5 GB for 10 days and 3 GB for 15 are 1,200 GB-hours, 1.6 GB-months.
        spans = [(Decimal(0), Decimal(5)), (Decimal("0.5"), Decimal(10)), (Decimal(3), Decimal(15))]
        assert round(unit_months(spans, month_days=31), 1) == Decimal("1.6")

    def test_a_version_published_again_is_stored_again(self) -> None:
        # The same page: a package of 500 MB, published again without deleting, makes 1 GB.
        stored = {"registry": GB // 2, "namespace": GB // 2, "repository": GB // 2, "version": GB}
        made = bill("github-packages", "Free", inputs(stored_bytes=stored), users=1)
        # 1 GB less 0.5 GB free at $0.25.
        assert (made.stored_bytes, made.monthly_usd) == (GB, Decimal("0.13"))

    def test_githubs_traffic_is_rounded_to_the_nearest_gb(self) -> None:
        usd = [
            bill("github-packages", "Free", inputs(), users=1, egress_gb=gb).monthly_usd
            for gb in (Decimal("2.49"), Decimal("2.5"))
        ]
        # The first GB is free.
        assert usd == [Decimal("0.50"), Decimal("1.00")]

    @pytest.mark.parametrize(("gb", "usd"), [("0.5", "0.00"), ("10.5", "1.00"), ("100.5", "10.00")])
    def test_artifact_registrys_own_table(self, gb: str, usd: str) -> None:
        # cloud.google.com/artifact-registry/pricing (archived copies, 2026-11-23): up to 0.5 GB
        # free, over 0.5 GB $0.10 per GB and month.
        made = bill("artifactregistry", "standard", inputs(int(Decimal(gb) * GIB)))
        assert made.monthly_usd == Decimal(usd)

    def test_digitaloceans_allowance_for_16_days(self) -> None:
        # docs.digitalocean.com, container registry pricing (2025-06-11): 16 days of 500 MiB are
        # about 285 MiB, of a month of 28 days.
        free = unit_months([(Decimal(500), Decimal(16))], month_days=28)
        assert int(free) == 285

    @pytest.mark.parametrize(("gib", "usd"), [(5, "5.00"), (6, "5.02"), (105, "7.00")])
    def test_digitaloceans_basic_plan(self, gib: int, usd: str) -> None:
        # The same page: $5 with 5 GiB, $0.02 a GiB more.
        made = bill("digitalocean", "Basic", inputs(gib * GIB, repositories=5))
        assert made.monthly_usd == Decimal(usd)

    @pytest.mark.parametrize(("stored", "usd"), [(10, "1.00"), (250, "25.00"), (2500, "250.00")])
    def test_ecr_as_a_guide_counts_it(self, stored: int, usd: str) -> None:
        # wring.co, "AWS ECR Pricing", 2026-03-15: small team, active CI/CD, large organisation.
        assert bill("ecr", "private", inputs(stored * GIB)).monthly_usd == Decimal(usd)

    def test_a_replica_of_acr_stores_everything_again(self) -> None:
        # container-registry-geo-replication: 1 GiB in 5 replicas are 5 GiB, each another unit.
        one, five = (
            bill("acr", "Premium", inputs(600 * GIB), days=30, regions=regions)
            for regions in (1, 5)
        )
        assert one.monthly_usd == Decimal("60.00")  # 30 × 1.6666, 100 GiB over the 500 at 0.10
        assert five.monthly_usd == Decimal("499.99")  # 5 × 30 × 1.6666, 2,500 over the 500

    def test_jfrogs_consumption_is_storage_and_traffic(self) -> None:
        # jfrog.com/pricing (2026-09-20): Pro $150 with 25 GB, then $1.25 a GB.
        made = bill("jfrog", "Pro", inputs(20 * GB), egress_gb=15)
        assert made.monthly_usd == Decimal("162.50")

    def test_an_archive_saves_only_above_150_tb(self) -> None:
        small = bill("ecr", "private with archive", inputs(1000 * GIB), archived_share=1)
        assert small.monthly_usd == Decimal("100.00")
        large = bill("ecr", "private with archive", inputs(163_600 * GIB), archived_share=1)
        assert large.monthly_usd == Decimal("15360.00") + 10_000 * Decimal("0.07")

    @pytest.mark.parametrize(
        ("provider", "plan", "usd"),
        [
            ("ghcr", "GHCR", "0.00"),
            ("gitlab", "GitLab", "0.00"),
            ("dockerhub", "Paid", "5.00"),
            ("ecr", "ECR", "10.00"),
            ("gcr", "GCR", "2.60"),
        ],
    )
    def test_the_guides_own_table(self, provider: str, plan: str, usd: str) -> None:
        owner = price_book(edition="guide-undated").provider(provider)
        (chosen,) = (one for one in owner.plans if one.name == plan)
        stored = inputs(100 * GB + GB // 2 if provider in ("ecr", "gcr") else 100 * GB)
        assert make_bill(owner, chosen, stored, Scenario()).monthly_usd == Decimal(usd)
        assert all(price.checked is None for price in chosen.prices)


PRICES_OF_BYTES = [
    price
    for one in BOOK.providers.values()
    for price in one.prices.values()
    if all(tier.rate is not None for tier in price.tiers)
]


@pytest.mark.parametrize("price", PRICES_OF_BYTES, ids=lambda price: price.key)
@given(st.decimals(0, 10**6, places=3), st.decimals(0, 1, places=3))
def test_tiers_are_continuous(price: Price, quantity: Decimal, more: Decimal) -> None:
    before, after = (
        sum((line.usd or Decimal(0) for line in price_lines(price, amount)), Decimal(0))
        for amount in (quantity, quantity + more)
    )
    dearest = max(tier.rate or Decimal(0) for tier in price.tiers)
    assert 0 <= after - before <= more * dearest


@given(st.integers(0, 10**15), st.sampled_from([GB, GIB]))
def test_bytes_come_back_from_units(size: int, unit: int) -> None:
    units = Decimal(size) / unit
    assert int((units * unit).to_integral_value()) == size
    assert parse_bytes(f"{units:f}{'GB' if unit == GB else 'GiB'}") in (size, size - 1)


class TestYourOwnPrices:
    own = MappingProxyType({"own_machine_usd": 40, "own_disk_usd_per_gb": Decimal("0.10")})

    def test_a_machine_with_its_disk(self) -> None:
        made = bill(
            "selfhosted", "Your own machine and disk", inputs(100 * GB), disk_headroom=0, **self.own
        )
        assert made.monthly_usd == Decimal("50.00")
        assert made.plan.checked == date(2026, 11, 23)

    def test_hours_and_backups_are_lines_where_they_have_a_price(self) -> None:
        made = bill(
            "selfhosted",
            "Your own machine and disk",
            inputs(100 * GB),
            disk_headroom=0,
            labour_hours=3,
            labour_usd_per_hour=80,
            backup_usd_per_gb=Decimal("0.02"),
            **self.own,
        )
        lines = {line.price.component: line.usd for line in made.components}
        assert (lines["labour"], lines["backup"]) == (240, 2)
        assert made.monthly_usd == Decimal("292.00")
        without = bill("selfhosted", "Hetzner CX33", inputs(GB), labour_hours=3)
        assert "labour" not in {line.price.component for line in without.components}

    def test_they_are_in_every_plan_that_people_run(self) -> None:
        for plan in BOOK.provider("selfhosted").plans:
            assert {"labour", "backup"} <= {price.component for price in plan.prices}


@given(
    st.lists(st.tuples(st.decimals(0, 10**5, places=3), st.integers(1, 31)), max_size=6),
    st.integers(28, 31),
)
def test_a_part_of_a_month_is_never_more_than_the_whole(
    spans: list[tuple[Decimal, int]], month_days: int
) -> None:
    parts = [(units, Decimal(days)) for units, days in spans]
    total = unit_months(parts, month_days=month_days)
    tiny = Decimal("1e-18")
    each = sum((unit_months([one], month_days=month_days) for one in parts), Decimal(0))
    assert abs(total - each) < tiny
    for units, _ in parts:
        whole = unit_months([(units, Decimal(month_days))], month_days=month_days)
        assert abs(whole - units) < tiny
        most = max((units for units, _ in parts), default=Decimal(0))
        days = sum(days for _, days in spans)
        assert total * month_days <= most * days + tiny
    rounded = unit_months(parts, month_days=month_days, step=Decimal("0.001"))
    assert abs(rounded - total) <= Decimal("0.0005")


class TestTiers:
    traffic = BOOK.provider("aws").prices["traffic"]

    def lines(self, quantity: str) -> list[tuple[Decimal, Decimal | None]]:
        return [(line.quantity, line.rate) for line in price_lines(self.traffic, Decimal(quantity))]

    def test_nothing_is_one_line_of_nothing(self) -> None:
        assert self.lines("0") == [(0, 0)]

    def test_the_free_amount_ends_on_its_last_unit(self) -> None:
        assert self.lines("100") == [(100, 0)]
        assert self.lines("100.01") == [(100, 0), (Decimal("0.01"), Decimal("0.09"))]

    def test_a_tier_ends_on_its_last_unit(self) -> None:
        assert self.lines("10240")[-1] == (10140, Decimal("0.09"))
        assert self.lines("10241")[-2:] == [(10140, Decimal("0.09")), (1, Decimal("0.085"))]

    def test_the_last_tier_has_no_end(self) -> None:
        assert self.lines("1000000")[-1] == (1000000 - 153600, Decimal("0.05"))

    @given(st.decimals(0, 10**7, places=3))
    def test_no_unit_is_lost_or_counted_twice(self, quantity: Decimal) -> None:
        assert sum(line.quantity for line in price_lines(self.traffic, quantity)) == quantity

    @given(st.decimals(0, 10**6, places=3))
    def test_a_bill_does_not_jump_at_a_boundary(self, quantity: Decimal) -> None:
        def usd(units: Decimal) -> Decimal:
            return sum(
                (line.usd or Decimal(0) for line in price_lines(self.traffic, units)), Decimal(0)
            )

        step = Decimal("0.001")
        assert 0 <= usd(quantity + step) - usd(quantity) <= step * Decimal("0.09")

    def test_a_tier_may_be_less_sure_than_its_price(self) -> None:
        lines = price_lines(BOOK.provider("aws").prices["s3"], Decimal(60_000))
        assert [line.grade for line in lines] == ["B", "C"]

    def test_beyond_what_is_known_a_line_has_no_rate(self) -> None:
        lines = price_lines(BOOK.provider("hetzner").prices["traffic"], Decimal(20_001))
        assert [(line.quantity, line.usd, line.grade) for line in lines] == [
            (20_000, 0, "B"),
            (1, None, "U"),
        ]


amounts = st.integers(0, 10**15)


@pytest.mark.parametrize(("provider", "plan"), PLANS, ids=ident)
class TestLaws:
    @settings(max_examples=40)
    @given(st.data())
    def test_more_of_anything_never_costs_less(
        self, provider: Provider, plan: Plan, data: st.DataObject
    ) -> None:
        few = {name: data.draw(amounts) for name in ("stored", "egress", "users", "pulls")}
        many = {name: value + data.draw(amounts) for name, value in few.items()}
        less, more = (
            make_bill(
                provider,
                plan,
                inputs(size["stored"]),
                Scenario(
                    egress_gb=Decimal(size["egress"]) / GB,
                    users=size["users"] + 1,
                    pulls=size["pulls"],
                ),
            )
            for size in (few, many)
        )
        assert less.low_usd <= more.low_usd
        if less.monthly_usd is None or less.high_usd is None:
            assert (more.monthly_usd, more.high_usd) == (None, None)
        elif more.monthly_usd is not None and more.high_usd is not None:
            assert less.monthly_usd <= more.monthly_usd
            assert less.high_usd <= more.high_usd
        # More people may pull more; no other limit is lifted by growing.
        assert set(limits(less)) - {"pulls a month"} <= set(limits(more))

    @settings(max_examples=40)
    @given(st.data())
    def test_the_estimate_is_within_its_range_and_is_the_sum_of_its_lines(
        self, provider: Provider, plan: Plan, data: st.DataObject
    ) -> None:
        sizes = sorted(data.draw(st.lists(amounts, min_size=3, max_size=3)))
        scopes = ("registry", "namespace", "repository", "version")
        stored = dict(zip(scopes, [*sizes, sizes[-1]], strict=True))
        scenario = Scenario(
            egress_gb=data.draw(st.none() | st.floats(0, 10**6)),
            pulls=data.draw(st.integers(0, 10**6)),
        )
        made = make_bill(provider, plan, inputs(stored_bytes=stored), scenario)
        lines = made.lines()
        exact = [line["exact_usd"] for line in lines]
        if made.monthly_usd is None:
            assert made.high_usd is None
            assert None in exact
            return
        assert made.monthly_usd == cents(sum((Decimal(str(usd)) for usd in exact), Decimal(0)))
        in_whole_cents = [Decimal(str(line["usd"])) for line in lines]
        assert sum(in_whole_cents, Decimal(0)) == made.monthly_usd
        assert made.high_usd is not None
        assert made.low_usd <= made.monthly_usd <= made.high_usd


def limits(made: Bill) -> list[str]:
    return [reason.partition(":")[0] for reason in made.why_not]


class TestTheRange:
    def test_shows_what_a_gigabyte_may_mean(self) -> None:
        made = bill("ecr", "private", inputs(1000 * GIB))
        # 1,000 GiB are 1,073.741824 GB; half a GB may be free in the first year.
        assert (made.monthly_usd, made.high_usd) == (Decimal("100.00"), Decimal("107.37"))
        assert made.low_usd == Decimal("99.95")

    def test_goes_down_to_full_sharing_where_the_vendor_does_not_tell(self) -> None:
        stored = {"registry": 10 * GIB, "namespace": 20 * GIB, "repository": 100 * GIB}
        google = bill("artifactregistry", "standard", inputs(stored_bytes=stored))
        assert (google.low_usd, google.monthly_usd) == (Decimal("0.95"), Decimal("9.95"))

    def test_each_provider_is_billed_by_its_own_scope(self) -> None:
        stored = {
            "registry": 10 * GIB,
            "namespace": 20 * GIB,
            "repository": 100 * GIB,
            "version": 300 * GIB,
        }
        sizes = {
            key: make_bill(one, one.plans[0], inputs(stored_bytes=stored), Scenario()).stored_bytes
            for key, one in BOOK.providers.items()
            if one.plans
        }
        assert {key: size // GIB for key, size in sizes.items()} == {
            "acr": 10,
            "artifactregistry": 100,
            "digitalocean": 10,
            "dockerhub": 100,
            "ecr": 100,
            "ecr-public": 100,
            "gcr": 10,
            "ghcr": 100,
            "github-packages": 300,
            "gitlab": 20,
            "jfrog": 10,
            "quay": 20,
            "selfhosted": 10,
        }

    def test_has_no_upper_end_where_a_price_is_missing(self) -> None:
        made = bill("gitlab", "Ultimate", inputs())
        assert (made.low_usd, made.monthly_usd, made.high_usd) == (0, None, None)
        assert made.grade == "U"
        assert made.notes[0] == "No price is known for: seats."

    def test_has_no_upper_end_where_the_inventory_is_not_complete(self) -> None:
        made = bill("ecr", "private", inputs(100 * GIB, complete=False))
        assert (made.monthly_usd, made.high_usd) == (Decimal("10.00"), None)
        assert made.notes[0] == "Not everything could be read: this bill is at least so high."

    def test_of_an_incomplete_inventory_stands_where_bytes_do_not_matter(self) -> None:
        made = bill("dockerhub", "Team", inputs(100 * GIB, complete=False), users=2)
        assert made.high_usd == 32
        assert "may not hold what is missing" in made.notes[0]

    def test_of_an_incomplete_inventory_is_open_where_traffic_follows_from_it(
        self,
    ) -> None:
        missing = inputs(GB, complete=False)
        assert bill("selfhosted", "Hetzner CX23", missing, egress_gb=1).high_usd is not None
        assert bill("selfhosted", "Hetzner CX23", missing, egress_gb=None).high_usd is None

    def test_an_uncertain_source_is_told(self, tmp_path: Path) -> None:
        source = (
            Path(__file__).parents[2] / "src" / "regtools" / "prices" / "2026-11-23" / "ecr.toml"
        )
        text = source.read_text(encoding="utf-8").replace('grade = "B"', 'grade = "U"')
        (tmp_path / "ecr.toml").write_text(text, encoding="utf-8")
        made = bill("ecr", "private", inputs(GIB), folder=tmp_path)
        assert made.grade == "U"
        assert made.notes[0] == "Priced from an uncertain source: storage."


class TestWhatAPlanDoesNotHold:
    def test_private_repositories(self) -> None:
        assert bill("quay", "Small", inputs()).why_not == (
            "private repositories: at most 20, here 40",
        )
        assert bill("quay", "Medium", inputs()).why_not == ()
        assert bill("quay", "Small", inputs(), private=False).why_not == ()

    def test_people(self) -> None:
        assert bill("dockerhub", "Pro", inputs(), users=2).why_not == ("users: at most 1, here 2",)
        assert bill("gitlab", "Free", inputs(), users=5).why_not == ()
        assert limits(bill("gitlab", "Free", inputs(), users=6)) == [
            "users of private repositories"
        ]
        assert bill("gitlab", "Free", inputs(), users=6, private=False).why_not == ()

    def test_bytes(self) -> None:
        assert limits(bill("acr", "Basic", inputs(40 * 1024 * GIB))) == []
        assert limits(bill("acr", "Basic", inputs(40 * 1024 * GIB + 1))) == ["storage"]
        assert limits(bill("acr", "Premium", inputs(40 * 1024 * GIB + 1))) == []

    def test_a_disk_with_its_headroom(self) -> None:
        room = bill("selfhosted", "Hetzner CX23", inputs(30 * GB), disk_headroom=0)
        assert room.why_not == ()
        full = bill("selfhosted", "Hetzner CX23", inputs(30 * GB))
        assert full.why_not == ("disk: at most 32.0 GB, here 45.0 GB",)

    def test_pulls(self) -> None:
        # 200 in 6 hours, 4 times a day, 30 days: 24,000.
        one = inputs(repositories=1)
        enough = bill("dockerhub", "Personal", one, users=1, pulls=24_000, days=30)
        assert enough.why_not == ()
        more = bill("dockerhub", "Personal", one, users=1, pulls=24_001, days=30)
        assert more.why_not == ("pulls a month: at most 24,000, here 24,001",)


class TestScenario:
    def test_traffic_follows_from_pulls_unless_it_is_given(self) -> None:
        known = inputs()
        assert egress_bytes(known, Scenario()) == 1000 * 200 * 10**6
        assert egress_bytes(known, Scenario(pulls=10, same_region_share=0.75)) == 5 * 10**8
        assert egress_bytes(known, Scenario(egress_gb=0.1, same_region_share=1)) == 10**8

    def test_every_assumption_is_said(self) -> None:
        said = " ".join(assumed(inputs(), Scenario(users=25)))
        for part in (
            "30.42 days",
            "200 GB a month leave to the internet: 1,000 pulls (a guess) of 200 MB",
            "0% of them from inside",
            "25 people",
            "40 of 40 repositories must be private",
            "50% larger",
            "One region",
        ):
            assert part in said
        assert "500 GB a month leave to the internet, as given" in " ".join(
            assumed(inputs(), Scenario(egress_gb=500))
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"egress_gb": -1},
            {"egress_gb": float("nan")},
            {"egress_gb": float("inf")},
            {"egress_gb": "500"},
            {"users": 0},
            {"users": True},
            {"pulls": -1},
            {"pull_gb": -0.1},
            {"cold_share": 2},
            {"ci_jobs_a_day": -1},
            {"nodes": -1},
            {"private_repositories": -1},
            {"growth_gb": float("inf")},
            {"labour_usd_per_hour": -5},
            {"same_region_share": 1.01},
            {"disk_headroom": -0.1},
            {"days": Decimal(-1)},
        ],
        ids=str,
    )
    def test_nonsense_is_refused(self, changes: dict[str, object]) -> None:
        with pytest.raises(ConfigError) as caught:
            Scenario(**changes)  # type: ignore[arg-type]
        assert caught.value.code == "SCENARIO_INVALID"
        assert next(iter(changes)) in caught.value.summary


def test_a_line_carries_its_source_and_exact_amounts() -> None:
    made = bill("ecr", "private", inputs(GIB // 3))
    (facts,) = (line for line in made.lines() if line["name"] == "storage")
    assert list(facts) == [
        "name",
        "quantity",
        "unit",
        "unit_price_usd",
        "usd",
        "source",
        "checked",
        "grade",
        "note",
        "price",
        "exact_usd",
    ]
    assert facts["exact_usd"] == "0.03333333330228924751281738281"
    assert (facts["usd"], facts["unit_price_usd"]) == (0.03, 0.1)
    assert facts["checked"] == "2026-09-25"
    assert "AWS Price List" in str(facts["source"])


@given(st.lists(st.decimals(0, 10**6, places=6), max_size=12))
def test_cents_are_shared_out_to_the_last_one(amounts: list[Decimal]) -> None:
    shares = in_cents(amounts)
    assert sum(filter(None, shares), Decimal(0)) == cents(sum(amounts, Decimal(0)))
    for share, amount in zip(shares, amounts, strict=True):
        assert share is not None
        assert abs(share - amount) < Decimal("0.01")


def test_the_low_end_takes_the_lower_rate() -> None:
    price = BOOK.provider("dockerhub").prices["seats-pro"]
    rates = {bound: price_lines(price, Decimal(1), bound)[0].rate for bound in Bound}
    assert rates == {Bound.LOW: 9, Bound.ESTIMATE: 11, Bound.HIGH: 11}
