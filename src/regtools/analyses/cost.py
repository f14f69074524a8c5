"""What would these images cost elsewhere?

Every plan of the price book is billed for what its provider would really store: the same images
are stored once on a self-hosted registry and once a repository on Amazon ECR. What the history
cannot tell (traffic, people) comes from a `Scenario`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.bill import Bill, make_bill
from regtools.analyses.book import PriceBook
from regtools.analyses.prices import price_book
from regtools.analyses.reach import Reach, opened
from regtools.analyses.scenario import BillInputs, Scenario, assumed, decimal
from regtools.errors import HistoryError
from regtools.history import History
from regtools.units import GB

__all__ = [
    "BillInputs",
    "Scenario",
    "assumptions",
    "bill_inputs",
    "bills",
    "component_table",
    "cost",
    "egress_sensitivity",
]

COLUMNS: Final = {
    "provider": "str",
    "plan": "str",
    "edition": "str",
    "monthly_usd": "float64",
    "low_usd": "float64",
    "high_usd": "float64",
    "grade": "str",
    "feasible": "bool",
    "why_not": "str",
    "storage_gb": "float64",
    "components": "object",
    "notes": "str",
    "assumptions": "object",
    "complete": "bool",
    "cheapest_of_provider": "bool",
}
"""Columns of the frame that `cost` gives, with their types."""
COMPONENT_COLUMNS: Final = (
    "provider",
    "plan",
    "component",
    "quantity",
    "unit",
    "rate",
    "monthly_usd",
    "usd",
    "grade",
    "checked",
    "source",
    "note",
)
_DEFAULTS: Final = Scenario()
_EGRESS_GB: Final = (0, 50, 100, 200, 300, 500, 750, 1000, 1500, 2000)


def cost(
    history: History | str | Path,
    scenario: Scenario = _DEFAULTS,
    *,
    registry: str | None = None,
    at: datetime | None = None,
    book: PriceBook | None = None,
) -> pd.DataFrame:
    """Price this inventory with every plan: a month's bill, cheapest first.

    Parameters
    ----------
    history
        The history, or where it is.
    scenario
        Traffic, people, and what else the history does not tell.
    registry
        Only this registry; left out: all registries of the history moved into one.
    at
        The newest snapshots not after this time.
    book
        Another price book than the one of this package.

    Returns
    -------
    DataFrame
        provider, plan, edition (region, and the day on which the oldest of the prices was
        checked), monthly_usd (empty where a price is missing), low_usd and high_usd (the range
        that is left; high is empty where nobody can say), grade (the worst of the prices
        counted), feasible, why_not, storage_gb (what this provider would store, in 10⁹ bytes),
        components, notes, assumptions (list of sentences, the same for every plan), complete,
        cheapest_of_provider (the cheapest feasible plan).

        Dollars are rounded to the cent once, at the sum, and are floats here; `components` is a
        list of dicts (name, unit, quantity, rate, usd, source, checked, grade, note, price) in
        which amounts are exact, as texts. Plans that are feasible come first. Where the inventory
        is not complete, bills that depend on it are lower bounds: their high_usd is empty.

    Raises
    ------
    HistoryError
        A snapshot cannot be read, or there is none (code ``HISTORY_EMPTY``).
    """
    return bills(bill_inputs(history, registry=registry, at=at), scenario, book=book)


def bill_inputs(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> BillInputs:
    """Count what bills need from the newest snapshots.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Raises
    ------
    HistoryError
        A snapshot cannot be read, or there is none (code ``HISTORY_EMPTY``).
    """
    store = opened(history)
    snapshots = store.latest(registry=registry, at=at)
    if not snapshots:
        raise HistoryError(
            f"There is nothing to price: {store.location} has no snapshot"
            f"{f' of {registry}' if registry else ''}{f' until {at:%Y-%m-%d %H:%M}' if at else ''}.",
            code="HISTORY_EMPTY",
            remedy="Scan a registry first: regtools scan TARGET.",
        )
    row = Reach(store, {0: snapshots}).ask("cost_inputs").iloc[0]
    tags = max(int(row["tags"]), 1)
    return BillInputs(
        stored_bytes={
            scope: int(row[f"{scope}_bytes"]) for scope in ("registry", "namespace", "repository")
        },
        repositories=int(row["repositories"]),
        mean_pull_bytes=Decimal(int(row["pull_bytes"])) / tags,
        mean_pull_objects=Decimal(int(row["pull_objects"])) / tags,
        complete=bool(row["complete"]),
    )


def bills(
    inputs: BillInputs, scenario: Scenario = _DEFAULTS, *, book: PriceBook | None = None
) -> pd.DataFrame:
    """Price numbers that are already there, with every plan; the frame is that of `cost`."""
    made = _made(inputs, scenario, book)
    best = {id(bill) for bill in _cheapest(made)}
    sentences = assumed(inputs, scenario)
    rows = [{**_row(bill, sentences), "cheapest_of_provider": id(bill) in best} for bill in made]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    order = ["feasible", "monthly_usd"]
    return frame.sort_values(order, ascending=[False, True], kind="stable", ignore_index=True)


def _made(inputs: BillInputs, scenario: Scenario, book: PriceBook | None) -> list[Bill]:
    providers = (book or price_book()).providers.values()
    return [
        make_bill(provider, plan, inputs, scenario)
        for provider in providers
        for plan in provider.plans
    ]


def _cheapest(made: Iterable[Bill]) -> list[Bill]:
    """Choose each provider's cheapest plan that holds the workload; the first of equals."""
    chosen: dict[str, Bill] = {}
    for bill in made:
        price, best = bill.monthly_usd, chosen.get(bill.provider.key)
        if bill.why_not or price is None:
            continue
        if best is None or price < (best.monthly_usd or 0):
            chosen[bill.provider.key] = bill
    return list(chosen.values())


def _row(bill: Bill, sentences: Sequence[str]) -> dict[str, Any]:
    return {
        "provider": bill.provider.title,
        "plan": bill.plan.name,
        "edition": f"{bill.plan.region or 'worldwide'}, {bill.plan.checked}",
        "monthly_usd": _float(bill.monthly_usd),
        "low_usd": _float(bill.low_usd),
        "high_usd": _float(bill.high_usd),
        "grade": bill.grade,
        "feasible": not bill.why_not,
        "why_not": "; ".join(bill.why_not),
        "storage_gb": bill.stored_bytes / GB,
        "components": [line.to_dict() for line in bill.components],
        "notes": " ".join(bill.notes),
        "assumptions": list(sentences),
        "complete": bill.complete,
    }


def _float(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def component_table(cost: pd.DataFrame) -> pd.DataFrame:
    """List every line of every bill.

    Parameters
    ----------
    cost
        What `cost` gives, or some of its rows, such as those that are `cheapest_of_provider`.

    Returns
    -------
    DataFrame
        provider, plan, component, quantity, unit, rate, monthly_usd, usd, grade, checked, source,
        note. A tier is a line of its own. `rate` and `usd` are exact, as texts, and empty where a
        price is missing; `monthly_usd` is `usd` as a float, for pictures.
    """
    rows = [
        {
            **line,
            "provider": row["provider"],
            "plan": row["plan"],
            "component": line["name"],
            "quantity": float(line["quantity"]),
            "monthly_usd": None if line["usd"] is None else float(line["usd"]),
        }
        for row in cost.to_dict("records")
        for line in row["components"]
    ]
    frame = pd.DataFrame(rows, columns=list(COMPONENT_COLUMNS))
    return frame.astype({"quantity": "float64", "monthly_usd": "float64"})


def assumptions(cost: pd.DataFrame) -> pd.DataFrame:
    """List what these bills take for granted, each sentence once, and what each provider adds.

    Returns
    -------
    DataFrame
        about (every bill, or a provider's name), assumption.
    """
    rows: dict[tuple[str, str], None] = {}
    for sentences in cost["assumptions"]:
        rows.update({("every bill", sentence): None for sentence in sentences})
    chosen = cost[cost["cheapest_of_provider"]]
    for provider, note in zip(chosen["provider"], chosen["notes"], strict=True):
        rows.update({(provider, note): None} if note else {})
    return pd.DataFrame(list(rows), columns=["about", "assumption"])


def egress_sensitivity(
    history: History | str | Path,
    scenario: Scenario = _DEFAULTS,
    *,
    registry: str | None = None,
    at: datetime | None = None,
    book: PriceBook | None = None,
    egress_gb: Sequence[float] = (),
) -> pd.DataFrame:
    """Price the inventory with more and more traffic to the internet, all else as it is.

    Parameters
    ----------
    history, scenario, registry, at, book
        As for `cost`.
    egress_gb
        The points, in GB a month; left out: up to 2,000, or four times the scenario's.

    Returns
    -------
    DataFrame
        provider, plan, egress_gb, monthly_usd: at each point each provider's cheapest plan that
        holds the workload.
    """
    inputs = bill_inputs(history, registry=registry, at=at)
    whole = book or price_book()
    given = scenario.egress_gb
    top = max(_EGRESS_GB[-1], 0 if given is None else float(decimal(given)) * 4)
    points = egress_gb or [point * top / _EGRESS_GB[-1] for point in _EGRESS_GB]
    rows = [
        {
            "provider": bill.provider.title,
            "plan": bill.plan.name,
            "egress_gb": float(point),
            "monthly_usd": _float(bill.monthly_usd),
        }
        for point in points
        for bill in _cheapest(_made(inputs, replace(scenario, egress_gb=point), whole))
    ]
    return pd.DataFrame(rows, columns=["provider", "plan", "egress_gb", "monthly_usd"])
