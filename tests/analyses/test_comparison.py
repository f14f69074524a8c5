"""Providers beside each other: curves, tipping points, months, moves; each against plain bills."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.inventories import Shelf, layer, publish

from regtools.analyses.comparison.answer import cost_answer
from regtools.analyses.comparison.break_even import break_even, changed, tipping_points
from regtools.analyses.comparison.recommendation import bills_today, recommendation, switching
from regtools.analyses.comparison.sensitivity import cost_sensitivity
from regtools.analyses.comparison.shrinking import cost_savings
from regtools.analyses.cost import cost
from regtools.analyses.egress import egress
from regtools.analyses.horizon import cost_over_time
from regtools.analyses.prices import price_book
from regtools.analyses.scenario import Scenario
from regtools.analyses.workload import Part, Workload, typed_workload, workload
from regtools.errors import ConfigError
from regtools.history import History
from regtools.policies import Rule
from regtools.units import GIB

OVER = ("storage_gb", "egress_gb", "users")
TEAM = Scenario(egress_gb=200, users=10, private_repositories=20)


def plain(storage_gb: float = 50, scenario: Scenario = TEAM) -> Workload:
    return typed_workload(storage_gb, scenario)


def cheapest(frame: pd.DataFrame) -> dict[str, float]:
    rows = frame[frame["cheapest_of_provider"]]
    return dict(zip(rows["provider"], rows["monthly_usd"], strict=True))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


class TestBreakEven:
    @pytest.mark.parametrize("over", OVER)
    def test_each_point_is_the_bill_of_that_amount(self, over: str) -> None:
        frame = break_even(plain(), over, amounts=(7, 300))
        for amount in (7, 300):
            expected = cheapest(cost(changed(plain(), over, Decimal(amount))))
            rows = frame[frame["amount"] == amount]
            assert dict(zip(rows["provider"], rows["monthly_usd"], strict=True)) == expected

    @pytest.mark.parametrize("over", OVER)
    def test_more_never_makes_a_provider_cheaper(self, over: str) -> None:
        frame = break_even(plain(), over)
        assert frame["amount"].max() >= {"storage_gb": 500, "egress_gb": 2000, "users": 50}[over]
        for _, rows in frame.groupby("provider"):
            assert rows["monthly_usd"].is_monotonic_increasing
            assert not rows["amount"].duplicated().any()

    def test_it_reaches_four_times_as_far_as_now(self) -> None:
        frame = break_even(plain(5000), "storage_gb")
        assert frame["amount"].max() >= 20_000
        assert set(frame["now"]) == {5000}

    def test_shared_layers_stay_shared(self) -> None:
        shared = plain()
        stored = {"registry": 10, "namespace": 20, "repository": 40, "version": 80}
        inputs = replace(shared.inputs, stored_bytes={k: v * GIB for k, v in stored.items()})
        twice = changed(replace(shared, inputs=inputs), "storage_gb", Decimal(20 * GIB) / 10**9)
        assert {k: round(v / GIB) for k, v in twice.inputs.stored_bytes.items()} == {
            k: 2 * v for k, v in stored.items()
        }

    def test_there_are_three_curves(self) -> None:
        with pytest.raises(ConfigError) as caught:
            break_even(plain(), "colour")
        assert caught.value.code == "SCENARIO_INVALID"


class TestTippingPoints:
    @pytest.mark.parametrize("over", OVER)
    @pytest.mark.parametrize("paid", [False, True])
    def test_on_both_sides_of_each_the_cheapest_is_who_is_named(
        self, over: str, paid: bool
    ) -> None:
        points = tipping_points(plain(), over, paid=paid)
        free = {
            name
            for name, usd in cheapest(cost(changed(plain(), over, Decimal(4000)))).items()
            if usd == 0
        }
        for row in points.to_dict("records"):
            for step, side in ((-1, "from"), (0, "to")):
                there = changed(plain(), over, Decimal(int(row["amount"]) + step))
                bills = {
                    name: usd
                    for name, usd in cheapest(cost(there)).items()
                    if not (paid and name in free)
                }
                assert bills[row[f"{side}_provider"]] == min(bills.values())

    def test_among_those_that_charge_there_is_one(self) -> None:
        found = pd.concat([tipping_points(plain(), over, paid=True) for over in OVER])
        assert len(found) > 0

    @settings(max_examples=15, deadline=None)
    @given(st.floats(0, 10**5), st.floats(0, 10**5), st.integers(1, 500))
    def test_they_come_in_order_and_differ(self, stored: float, out: float, people: int) -> None:
        there = plain(stored, replace(TEAM, egress_gb=out, users=people))
        for over in OVER:
            found = tipping_points(there, over, paid=True)
            assert found["amount"].is_monotonic_increasing
            assert (found["from_provider"] != found["to_provider"]).all()


class TestMonths:
    def test_a_registry_that_does_not_grow_costs_the_same(self) -> None:
        frame = cost(plain())
        known = frame[frame["feasible"]].dropna(subset=["monthly_usd"])
        assert (known["year_usd"] - 12 * known["monthly_usd"]).abs().max() < 0.005
        assert (known["three_years_usd"] - 36 * known["monthly_usd"]).abs().max() < 0.005
        assert set(known["fits_months"]) == {36}

    def test_a_month_is_billed_for_its_middle(self) -> None:
        there = plain(100, Scenario(egress_gb=0, growth_gb=10))
        frame = cost(there)
        months = cost_over_time(there, frame[frame["provider"] == "Amazon ECR"], months=3)
        assert list(months["storage_gb"]) == [105.0, 115.0, 125.0]
        for row in months.to_dict("records"):
            once = cheapest(cost(typed_workload(row["storage_gb"], Scenario(egress_gb=0))))
            assert row["monthly_usd"] == once["Amazon ECR"]
            assert row["low_usd"] <= row["monthly_usd"] <= row["high_usd"]

    def test_months_add_up_to_the_year(self) -> None:
        there = plain(100, Scenario(egress_gb=0, growth_gb=10))
        frame = cost(there)
        months = cost_over_time(there, frame)
        sums = months[months["month"] <= 12].groupby(["provider", "plan"])["monthly_usd"].sum()
        for row in frame.dropna(subset=["year_usd"]).to_dict("records"):
            assert round(sums[row["provider"], row["plan"]], 2) == row["year_usd"]

    def test_a_plan_that_gets_too_small_has_no_sum(self) -> None:
        (row,) = [
            row
            for row in cost(plain(18, Scenario(egress_gb=0, growth_gb=1))).to_dict("records")
            if row["plan"] == "Hetzner CX23"
        ]
        # 32 GB of disk hold 21.3 GB and half as much room: 18.5, 19.5 and 20.5 fit.
        assert (row["feasible"], row["fits_months"]) == (True, 3)
        assert pd.isna(row["year_usd"])

    def test_an_offer_for_new_accounts_ends_after_a_year(self) -> None:
        there = plain(50, Scenario(egress_gb=0, new_account=True))
        ecr = cost(there).query("provider == 'Amazon ECR'")
        months = cost_over_time(there, ecr, months=13)
        first, last = months["monthly_usd"].iloc[11], months["monthly_usd"].iloc[12]
        # 0.5 GB at $0.10.
        assert round(last - first, 2) == 0.05
        assert ecr["first_month_usd"].iloc[0] == first

    def test_a_registry_that_shrinks_ends_at_nothing(self) -> None:
        there = plain(10, Scenario(egress_gb=0, growth_gb=-5))
        ecr = cost(there).query("provider == 'Amazon ECR'")
        assert cost_over_time(there, ecr, months=6)["storage_gb"].iloc[-1] == 0


class TestSensitivity:
    def test_each_row_is_the_bill_of_that_change(self) -> None:
        found = cost_sensitivity(plain())
        doubled = found[(found["assumption"] == "people") & (found["instead"] == "20")].iloc[0]
        expected = cheapest(cost(plain(50, replace(TEAM, users=20))))
        assert doubled["monthly_usd"] == min(expected.values())

    def test_without_the_cheapest_the_next_one_is_named(self) -> None:
        found = cost_sensitivity(plain())
        terms = found[found["assumption"] == "the cheapest provider's terms"].iloc[0]
        bills = sorted(cheapest(cost(plain())).items(), key=lambda one: one[1])
        assert (terms["instead"], terms["now"]) == ("all others", bills[0][0])
        assert terms["monthly_usd"] == bills[1][1]
        assert terms["changes_answer"]

    def test_what_changes_the_answer_comes_first(self) -> None:
        found = cost_sensitivity(plain())["changes_answer"]
        assert list(found) == sorted(found, reverse=True)


def at_home(kind: str, storage_gb: float = 100) -> Workload:
    made = plain(storage_gb)
    part = Part(registry=f"{kind}.example.com", kind=kind, inputs=made.inputs)
    return replace(made, parts=(part,))


class TestToday:
    def test_it_is_the_bill_of_the_registrys_own_provider(self) -> None:
        (row,) = bills_today(at_home("ecr")).to_dict("records")
        assert row["monthly_usd"] == cheapest(cost(plain(100)))["Amazon ECR"]
        assert cost(at_home("ecr")).query("is_today")["provider"].unique() == ["Amazon ECR"]

    def test_what_people_run_themselves_is_a_machine(self) -> None:
        (row,) = bills_today(at_home("harbor")).to_dict("records")
        assert row["provider"] in {"Self-hosted", "Harbor"}
        assert row["monthly_usd"] > 0

    def test_several_registries_share_the_traffic(self) -> None:
        one = at_home("ecr", 50)
        both = replace(
            changed(one, "storage_gb", Decimal(100)),
            parts=(*one.parts, Part(registry="b", kind="acr", inputs=one.inputs)),
        )
        rows = bills_today(both).set_index("kind")["monthly_usd"]
        half = cheapest(cost(plain(50, replace(TEAM, egress_gb=100))))
        assert rows["ecr"] == half["Amazon ECR"]
        assert rows["acr"] == half["Azure Container Registry"]

    def test_a_typed_workload_has_none(self) -> None:
        assert bills_today(plain()).empty
        assert cost_answer(plain()).today_usd is None


class TestRecommendation:
    def test_it_is_ranked_by_three_years_with_the_move(self) -> None:
        there = at_home("ecr")
        found = recommendation(there)
        known = found["three_years_usd"].dropna()
        assert known.is_monotonic_increasing
        assert list(found["rank"]) == list(range(1, len(found) + 1))
        frame = cost(there)
        move = switching(there, "acr")
        acr = found[found["provider"] == "Azure Container Registry"].iloc[0]
        years = frame[frame["cheapest_of_provider"]].set_index("provider")["three_years_usd"]
        assert acr["three_years_usd"] == round(
            years["Azure Container Registry"] + float(move.high_usd or 0), 2
        )

    def test_who_stays_pays_no_move(self) -> None:
        found = recommendation(at_home("ecr"))
        stays = found[found["is_today"]].iloc[0]
        assert (stays["switch_hours"], stays["switch_high_usd"], stays["saves_usd"]) == (0, 0, 0)

    def test_leaving_carries_every_byte_out_once(self) -> None:
        move = switching(at_home("ecr"), "acr")
        way = egress("ecr", 100 * 10**9, 100 * 10**9)
        assert (move.low_usd, move.high_usd) == (way.low_usd, way.high_usd)
        assert move.hours == Decimal("8.25") + Decimal("0.25") * 19

    def test_hours_are_money_where_an_hour_has_a_price(self) -> None:
        there = at_home("ecr")
        paid = replace(there, scenario=replace(there.scenario, labour_usd_per_hour=100))
        free, dear = switching(there, "acr"), switching(paid, "acr")
        assert free.high_usd is not None
        assert dear.high_usd == free.high_usd + 100 * free.hours

    def test_a_move_that_saves_pays_back(self) -> None:
        found = recommendation(at_home("artifactregistry", 1000))
        first = found.iloc[0]
        assert first["pays_back_months"] == round(first["switch_high_usd"] / first["saves_usd"], 1)

    def test_each_provider_says_whom_it_suits(self) -> None:
        assert recommendation(plain())["best_for"].str.len().min() > 10


class TestAnswer:
    def test_it_says_all_in_one_sentence(self) -> None:
        said = cost_answer(at_home("ecr"))
        bills = cheapest(cost(at_home("ecr")))
        assert said.sentence.startswith("You store 100 GB and move 200 GB a month; the cheapest is")
        assert said.monthly_usd == Decimal(str(min(bills.values())))
        assert said.today_usd == Decimal(str(bills["Amazon ECR"]))
        assert said.changes

    def test_it_names_every_tipping_point(self) -> None:
        said = " ".join(cost_answer(plain()).changes)
        for over in OVER:
            for row in tipping_points(plain(), over).to_dict("records"):
                assert f"{row['amount']:,.0f}" in said

    def test_it_prices_no_amount_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        priced: list[tuple[str, Decimal]] = []

        def watched(there: Workload, over: str, amount: Decimal) -> Workload:
            priced.append((over, amount))
            return changed(there, over, amount)

        monkeypatch.setattr("regtools.analyses.comparison.break_even.changed", watched)
        said = " ".join(cost_answer(plain()).changes)
        assert "Of those that charge" in said
        assert len(priced) == len(set(priced)) > 0

    def test_where_nothing_holds_it_it_says_so(self, tmp_path: Path) -> None:
        book = price_book()
        only = {"gitlab": book.providers["gitlab"]}
        small = replace(book, providers=only)
        there = plain(10, replace(TEAM, users=10))
        plans = tuple(p for p in only["gitlab"].plans if p.name == "Free")
        small = replace(book, providers={"gitlab": replace(only["gitlab"], plans=plans)})
        assert "no plan of the price book holds that" in cost_answer(there, book=small).sentence


class TestSavings:
    def test_a_clean_up_is_billed_before_and_after(self, history: History) -> None:
        shelf = Shelf()
        for number in range(10):
            own = layer(f"own {number}", 10 * GIB)
            shelf.tag("app", str(number), shelf.image(own, size=0, config_size=0))
        publish(history, shelf.inventory())
        there = workload(history, Scenario(egress_gb=0))
        found = cost_savings(there, history, rule=Rule(delete_tags=("^[0-4]$",)))
        ecr = found[(found["measure"] == "clean up") & (found["provider"] == "Amazon ECR")]
        # 50 of 100 GiB at $0.10.
        assert list(ecr["low_saved_usd"]) == [5.0]
        assert list(ecr["high_saved_usd"]) == [5.0]
        assert list(ecr["low_saved_bytes"]) == [50 * GIB]

    def test_zstd_is_a_range_of_what_is_gzip(self, history: History) -> None:
        shelf = Shelf()
        shelf.tag("app", "1", shelf.image(layer("own", 100 * GIB), size=0, config_size=0))
        publish(history, shelf.inventory())
        there = workload(history, Scenario(egress_gb=0))
        found = cost_savings(there, history)
        ecr = found[(found["measure"] != "clean up") & (found["provider"] == "Amazon ECR")]
        assert list(ecr["low_saved_usd"]) == [0.8]
        assert list(ecr["high_saved_usd"]) == [2.9]
        plainly = replace(there, inputs=replace(there.inputs, gzip_bytes=0))
        none = cost_savings(plainly, history)
        assert none[none["measure"] != "clean up"]["high_saved_usd"].max() == 0


def test_a_region_leaves_out_the_providers_other_prices() -> None:
    plans = cost(plain(50, replace(TEAM, region="us-east-1")))
    assert set(plans[plans["provider"] == "Self-hosted"]["edition"].str.slice(0, 9)) == {
        "us-east-1"
    }
    elsewhere = cost(plain(50, replace(TEAM, region="eu-west-9")))
    assert len(elsewhere) == len(cost(plain()))
