"""`regtools cost`: the functions' own answer, measured or typed, in the shape that is promised."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.inventories import NOON, Shelf, layer, publish

import regtools as rt
from regtools.history import History

TYPED = ("--storage-gb", 50, "--egress-gb", 200, "--users", 10, "--private-repositories", 20)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Nine weekly snapshots of two repositories that share a base."""
    folder = tmp_path / "made"
    for week in range(9):
        shelf = Shelf()
        base = layer("base", 5_000_000_000)
        for number in range(week + 1):
            own = layer(f"own-{number}", 1_000_000_000)
            shelf.tag("team/app", f"v{number}", shelf.image(base, own, name=f"app-{number}"))
        shelf.tag("team/web", "1", shelf.image(base, name="web"))
        publish(History(folder), shelf.inventory(), taken_at=NOON - timedelta(weeks=8 - week))
    return folder


def test_cost_follows_the_scenario(regtools: Command, history: Path) -> None:
    def bills(*arguments: object) -> dict[tuple[str, str, str], float]:
        rows = regtools("cost", "--history", history, *arguments, "--json").document["rows"]
        return {(r["provider"], r["plan"], r["edition"]): r["monthly_usd"] for r in rows}

    few, many = bills("--users", 1), bills("--users", 50)
    assert few.keys() == many.keys()
    assert any(many[key] > few[key] for key in few if few[key] is not None)
    assert bills("--egress-gb", 0) != bills("--egress-gb", 5000)


def test_every_line_of_every_bill_has_a_source_and_a_grade(
    regtools: Command, history: Path
) -> None:
    ran = regtools("cost", "--history", history, "--details", "--csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert len(rows) > 20
    assert all(row["grade"] in ("A", "B", "C", "U") for row in rows)
    assert all(row["source"] and row["checked"] for row in rows)


def test_the_document_has_its_promised_shape(regtools: Command, history: Path) -> None:
    document = regtools("cost", "--history", history, "--json").document
    assert list(document) == ["schema_version", "workload", "rows"]
    row = document["rows"][0]
    assert list(row)[:9] == [
        "provider",
        "plan",
        "edition",
        "monthly_usd",
        "low_usd",
        "high_usd",
        "grade",
        "feasible",
        "why_not",
    ]
    for row in document["rows"]:
        if row["monthly_usd"] is not None:
            whole = sum(round(100 * line["usd"]) for line in row["components"])
            assert whole == round(100 * row["monthly_usd"])
        for line in row["components"]:
            assert list(line)[:6] == [
                "name",
                "quantity",
                "unit",
                "unit_price_usd",
                "usd",
                "source",
            ]
    workload = document["workload"]
    assert workload["stored_bytes"]["registry"] > 8 * 10**9
    assert workload["growth_bytes"]["estimate"] > 0
    assert workload["registries"] == ["registry.example.com"]


def test_it_is_the_functions_own_answer(regtools: Command, history: Path) -> None:
    rows = regtools("cost", "--history", history, "--json").document["rows"]
    frame = rt.cost(history)
    assert [row["monthly_usd"] for row in rows] == [
        None if usd != usd else usd for usd in frame["monthly_usd"]
    ]
    assert [row["three_years_usd"] for row in rows] == [
        None if usd != usd else usd for usd in frame["three_years_usd"]
    ]


def test_someone_without_a_registry_types_what_there_will_be(regtools: Command) -> None:
    document = regtools("cost", *TYPED, "--json").document
    assert document["workload"]["source"] == "typed"
    assert document["workload"]["egress_bytes"] == 200 * 10**9
    assert document["workload"]["private_repositories"] == 20
    rows = {(row["provider"], row["plan"]): row for row in document["rows"]}
    assert rows["Docker Hub", "Personal"]["why_not"].startswith("private repositories: at most 1")
    # 50 × 10⁹ bytes are 46.57 GiB at $0.10; 186.26 GiB of traffic, the first 100 of them free.
    assert rows["Amazon ECR", "private"]["monthly_usd"] == 12.42


def test_a_terminal_gets_one_plan_a_provider_and_the_answer(regtools: Command) -> None:
    ran = regtools("cost", *TYPED)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "You store 50.0 GB and move 200 GB a month; the cheapest is" in ran.err
    assert ran.out.count("Docker Hub") == 1
    assert regtools("cost", *TYPED, "--all").out.count("Docker Hub") == 4


def test_another_currency_comes_by_a_rate(regtools: Command) -> None:
    rows = regtools("cost", *TYPED, "--currency", "EUR", "--rate", 0.5, "--json").document["rows"]
    for row in rows:
        assert row["currency"] == "EUR"
        if row["monthly_usd"] is not None:
            assert abs(row["monthly"] - row["monthly_usd"] / 2) <= 0.005 + 1e-9
    assert "monthly eur" in regtools("cost", *TYPED, "--currency", "EUR", "--rate", 0.5).out
    assert regtools("cost", *TYPED, "--currency", "EUR").code == 2


def test_a_scenario_that_cannot_be_is_wrong_usage(regtools: Command) -> None:
    ran = regtools("cost", *TYPED, "--growth-gb", "nan")
    assert ran.code == 2
    assert "[SCENARIO_INVALID]" in ran.err


def test_without_a_history_the_other_way_is_named(regtools: Command) -> None:
    ran = regtools("cost", "--history", "nothing")
    assert ran.code != 0
    assert "--storage-gb" in ran.err
