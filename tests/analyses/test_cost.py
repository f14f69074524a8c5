"""The inventory is priced by what each provider would store, and says what it does not know."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.inventories import NOON, Shelf, inventories, layer, publish
from tests.support.oracle import Oracle

from regtools.analyses.cost import (
    COLUMNS,
    COMPONENT_COLUMNS,
    assumptions,
    component_table,
    cost,
    in_currency,
)
from regtools.analyses.prices import price_book
from regtools.analyses.scenario import DAYS_A_MONTH, BillInputs, Scenario
from regtools.analyses.workload import Workload, bill_inputs, workload
from regtools.errors import ConfigError, HistoryError
from regtools.history import History
from regtools.schema import Inventory, ProblemRow
from regtools.units import GIB

LARGE = BillInputs(
    stored_bytes={
        "registry": 300 * GIB,
        "namespace": 350 * GIB,
        "repository": 500 * GIB,
        "version": 900 * GIB,
    },
    repositories=40,
    mean_pull_bytes=Decimal(200 * 10**6),
    mean_pull_objects=Decimal(10),
    complete=True,
)


def bills(inputs: BillInputs, scenario: Scenario | None = None) -> pd.DataFrame:
    return cost(Workload(inputs=inputs, scenario=scenario or Scenario(), trend=None))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


@pytest.fixture
def shelf() -> Shelf:
    """Give a base layer that two namespaces with three repositories share."""
    made = Shelf()
    base = layer("base", 10 * GIB)
    for place, name in enumerate(("web/app", "web/api", "ops/app")):
        made.tag(name, "1.0", made.image(base, layer(name, place + 1), size=400, config_size=100))
    return made


def plan(frame: pd.DataFrame, provider: str, name: str) -> dict[str, object]:
    (row,) = frame[(frame["provider"] == provider) & (frame["plan"] == name)].to_dict("records")
    return {str(key): value for key, value in row.items()}


class TestBillInputs:
    def test_a_shared_layer_counts_once_in_each_scope(self, history: History, shelf: Shelf) -> None:
        publish(history, shelf.inventory())
        own = 1 + 2 + 3 + 3 * (400 + 100)
        assert bill_inputs(history) == BillInputs(
            stored_bytes={
                "registry": 10 * GIB + own,
                "namespace": 2 * 10 * GIB + own,
                "repository": 3 * 10 * GIB + own,
                "version": 3 * 10 * GIB + own,
            },
            repositories=3,
            gzip_bytes=10 * GIB + 1 + 2 + 3,
            mean_pull_bytes=Decimal(3 * 10 * GIB + own) / 3,
            mean_pull_objects=Decimal(4),
            complete=True,
        )

    def test_the_registrys_own_scope_does_not_matter(self, history: History, shelf: Shelf) -> None:
        publish(history, shelf.inventory(), dedup_scope="repository")
        repository = bill_inputs(history)
        publish(history, shelf.inventory(), taken_at=NOON + timedelta(days=1))
        assert bill_inputs(history) == repository

    @settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=12)
    @given(inventories(unknown_sizes=True))
    def test_they_are_what_the_definitions_say(self, inventory: Inventory) -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = History(folder)
            publish(store, inventory)
            found = bill_inputs(store)
        for scope in ("registry", "namespace", "repository"):
            size = found.stored_bytes[scope]
            assert size == Oracle(inventory, scope).by_registry()["physical_bytes"], scope
        oracle = Oracle(inventory, "registry")
        pulls = [
            oracle.pulled(row.digest) & oracle.reach(row.digest).stored
            for row in inventory.tags
            if not oracle.follows(row.repository, row.tag)
        ]
        count = max(len(pulls), 1)
        assert found.mean_pull_bytes == Decimal(sum(map(oracle.size, pulls))) / count
        assert found.mean_pull_objects == Decimal(sum(map(len, pulls))) / count
        held = [*inventory.tags, *inventory.untagged]
        assert found.repositories == len({row.repository for row in held})
        assert found.stored_bytes["version"] == oracle.version_bytes()

    def test_a_repository_without_tags_needs_no_plan(self, history: History, shelf: Shelf) -> None:
        shelf.repository("empty")
        publish(history, shelf.inventory())
        assert bill_inputs(history).repositories == 3

    def test_a_foreign_layer_is_neither_stored_nor_sent(self, history: History) -> None:
        shelf = Shelf()
        windows = layer("windows", 10**9, foreign=True)
        shelf.tag("app", "1", shelf.image(layer("app", 10), windows, size=400, config_size=100))
        publish(history, shelf.inventory())
        found = bill_inputs(history)
        assert (found.stored_bytes["registry"], found.mean_pull_bytes) == (510, 510)

    def test_two_registries_become_one_but_share_nothing_by_name(
        self, history: History, shelf: Shelf
    ) -> None:
        other = Shelf(registry="other.example.com")
        other.tag("web/app", "1.0", other.image(layer("base", 10 * GIB), size=400))
        publish(history, shelf.inventory())
        publish(history, other.inventory(), registry=other.registry)
        sizes = {scope: size // GIB for scope, size in bill_inputs(history).stored_bytes.items()}
        assert sizes == {"registry": 10, "namespace": 30, "repository": 40, "version": 40}
        only = bill_inputs(history, registry=other.registry)
        assert only.stored_bytes["repository"] // GIB == 10

    def test_each_part_is_what_its_registry_has_alone(self, history: History, shelf: Shelf) -> None:
        publish(history, shelf.inventory(), complete=False)
        other = Shelf(registry="other.example.com")
        other.tag("web/app", "1.0", other.image(layer("base", 10 * GIB), size=400))
        for days, pulls in ((10, 30), (0, 90)):
            counted = other.inventory()
            counted.repositories = [
                replace(row, visibility="public", pulls=pulls) for row in counted.repositories
            ]
            when = NOON - timedelta(days=days)
            publish(history, counted, registry=other.registry, taken_at=when)
        whole = workload(history)
        found = {part.registry: part.inputs for part in whole.parts}
        assert found == {name: bill_inputs(history, registry=name) for name in found}
        assert whole.inputs == bill_inputs(history)
        open_to_all, own = found[other.registry], found[shelf.registry]
        assert open_to_all.complete and open_to_all.public_repositories == 1
        assert open_to_all.counted_pulls == 6 * DAYS_A_MONTH
        for not_counted in (own, whole.inputs):
            assert not not_counted.complete and not_counted.counted_pulls is None

    def test_an_earlier_time_has_its_own_numbers(self, history: History, shelf: Shelf) -> None:
        publish(history, shelf.inventory(), taken_at=NOON - timedelta(days=9))
        shelf.tag("web/app", "2.0", shelf.image(layer("more", 5 * GIB)))
        publish(history, shelf.inventory())
        before = bill_inputs(history, at=NOON - timedelta(days=1))
        assert before.stored_bytes["registry"] < 11 * GIB
        assert bill_inputs(history).stored_bytes["registry"] > 15 * GIB

    def test_a_history_without_a_snapshot_is_no_free_registry(self, history: History) -> None:
        with pytest.raises(HistoryError, match="has no snapshot of nobody") as caught:
            cost(history, registry="nobody")
        assert caught.value.code == "HISTORY_EMPTY"
        assert "regtools scan" in caught.value.remedy

    @pytest.mark.parametrize("missing", ["scan", "problem", "size"])
    def test_what_was_not_read_makes_them_incomplete(
        self, history: History, shelf: Shelf, missing: str
    ) -> None:
        if missing == "size":
            shelf.tag("old", "1", shelf.image(layer("schema 1", None)))
        inventory = shelf.inventory()
        if missing == "problem":
            inventory.problems.append(
                ProblemRow(
                    registry=shelf.registry,
                    repository="web/app",
                    reference="",
                    code="DENIED",
                    message="no",
                )
            )
        publish(history, inventory, complete=missing != "scan")
        assert not bill_inputs(history).complete
        frame = cost(history)
        assert not frame["complete"].any()
        ecr = plan(frame, "Amazon ECR", "private")
        assert pd.isna(ecr["high_usd"])
        assert str(ecr["notes"]).startswith("Not everything could be read: this bill is at least")


class TestCost:
    def test_the_frame_has_its_columns_and_types(self, history: History, shelf: Shelf) -> None:
        publish(history, shelf.inventory())
        frame = cost(history)
        assert list(frame.columns) == list(COLUMNS)
        offered = [
            plan
            for one in price_book().providers.values()
            for plan in one.plans
            if not plan.needs and not plan.archives
        ]
        assert len(frame) == len(offered)
        for column in ("monthly_usd", "low_usd", "high_usd", "storage_gb"):
            assert frame[column].dtype == "float64"
        assert (frame["feasible"].dtype, frame["cheapest_of_provider"].dtype) == (bool, bool)

    def test_the_same_images_cost_what_each_provider_stores(
        self, history: History, shelf: Shelf
    ) -> None:
        publish(history, shelf.inventory())
        frame = cost(history, Scenario(egress_gb=0))
        # 30 GiB at 0.10 where each repository stores the base again, 10 GiB where it is once:
        # all that the Basic plan includes, but for the 1,506 bytes beside it.
        ecr = plan(frame, "Amazon ECR", "private")
        assert ecr["monthly_usd"] == 3.0
        assert round(float(str(ecr["storage_gb"])), 2) == round(30 * GIB / 10**9, 2)
        acr = plan(frame, "Azure Container Registry", "Basic")
        assert acr["monthly_usd"] == round(0.1666 * 365 / 12, 2)

    def test_a_history_may_be_named_by_its_place(self, history: History, shelf: Shelf) -> None:
        publish(history, shelf.inventory())
        pd.testing.assert_frame_equal(cost(history.location), cost(history))

    def test_what_is_possible_comes_first_and_the_cheapest_at_the_top(self) -> None:
        frame = bills(LARGE, Scenario(users=25))
        possible = frame[frame["feasible"]]
        assert possible.index.tolist() == list(range(len(possible)))
        prices = possible["monthly_usd"].dropna()
        assert prices.is_monotonic_increasing
        assert prices.index.tolist() == list(range(len(prices)))

    def test_each_provider_has_one_cheapest_plan(self) -> None:
        frame = bills(LARGE, Scenario(users=25))
        chosen = frame[frame["cheapest_of_provider"]]
        assert dict(zip(chosen["provider"], chosen["plan"], strict=True)) == {
            "GitHub Container Registry": "Free",
            "Self-hosted": "EC2 t4g.nano, S3",
            "Azure Container Registry": "Basic",
            "Amazon ECR": "private",
            "Google Artifact Registry": "standard",
            "Quay.io": "Medium",
            "Docker Hub": "Team",
            "GitLab.com": "Premium",
            "GitHub Packages": "Free",
            "JFrog Artifactory": "Pro",
        }
        assert chosen["feasible"].all()
        for _, row in chosen.iterrows():
            same = frame[(frame["provider"] == row["provider"]) & frame["feasible"]]
            assert row["monthly_usd"] == same["monthly_usd"].min()

    def test_a_plan_without_a_price_is_not_the_cheapest(self) -> None:
        ultimate = plan(bills(LARGE, Scenario(users=25)), "GitLab.com", "Ultimate")
        assert pd.isna(ultimate["monthly_usd"])
        assert not ultimate["cheapest_of_provider"]

    def test_a_plan_says_why_it_is_not_possible(self) -> None:
        free = plan(bills(LARGE, Scenario(users=25)), "Docker Hub", "Personal")
        assert free["why_not"] == (
            "private repositories: at most 1, here 40; users: at most 1, here 25"
        )
        assert not free["feasible"]

    def test_an_edition_has_the_region_and_the_date_of_its_prices(self) -> None:
        frame = bills(LARGE)
        assert plan(frame, "Amazon ECR", "private")["edition"] == "us-east-1, 2026-09-25"
        assert plan(frame, "GitLab.com", "Free")["edition"] == "worldwide, 2026-09-20"
        machine = plan(frame, "Self-hosted", "Hetzner CX33")
        assert machine["edition"] == "Germany, Finland, 2026-09-04"


class TestComponentTable:
    def test_the_lines_of_a_bill_add_up_to_it(self) -> None:
        frame = bills(LARGE, Scenario(users=25))
        lines = component_table(frame)
        assert list(lines.columns) == list(COMPONENT_COLUMNS)
        sums = lines.groupby(["provider", "plan"])["monthly_usd"].sum(min_count=1)
        for _, row in frame.dropna(subset=["monthly_usd"]).iterrows():
            assert round(sums[row["provider"], row["plan"]], 2) == row["monthly_usd"]

    def test_every_line_has_a_source_a_date_and_a_grade(self) -> None:
        lines = component_table(bills(LARGE))
        assert (lines["source"].str.len() > 10).all()
        assert lines["checked"].str.fullmatch(r"20\d\d-\d\d-\d\d").all()
        assert set(lines["grade"]) <= {"A", "B", "C", "U"}

    def test_a_missing_price_is_missing_and_not_zero(self) -> None:
        lines = component_table(bills(LARGE))
        (seats,) = lines[lines["plan"].eq("Ultimate") & lines["component"].eq("seats")].to_dict(
            "records"
        )
        assert pd.isna(seats["unit_price_usd"])
        assert pd.isna(seats["monthly_usd"])
        assert "publishes no price" in seats["note"]

    def test_no_bill_has_no_lines(self) -> None:
        lines = component_table(bills(LARGE).head(0))
        assert (list(lines.columns), len(lines)) == (list(COMPONENT_COLUMNS), 0)


def test_assumptions_are_listed_once_and_then_by_provider() -> None:
    frame = assumptions(bills(LARGE, Scenario(users=25)))
    assert not frame.duplicated().any()
    shared = frame[frame["about"] == "every bill"]["assumption"]
    assert "25 people need an account." in list(shared)
    own = frame[frame["about"] == "Self-hosted"]["assumption"].item()
    assert "hours of those who run it" in own


class TestCurrency:
    def test_amounts_are_to_the_cent(self) -> None:
        frame = in_currency(bills(LARGE), "eur", 0.92)
        dollars, euros = frame["monthly_usd"], frame["monthly"]
        assert set(frame["currency"]) == {"EUR"}
        assert (euros - dollars * 0.92).abs().max() <= 0.005 + 1e-9
        assert euros.isna().equals(dollars.isna())

    @pytest.mark.parametrize(
        ("code", "rate"), [("euro", 1), ("E1R", 1), ("EUR", 0), ("EUR", -1), ("EUR", float("nan"))]
    )
    def test_a_mistake_is_explained(self, code: str, rate: float) -> None:
        with pytest.raises(ConfigError) as caught:
            in_currency(bills(LARGE), code, rate)
        assert caught.value.code == "SCENARIO_INVALID"
