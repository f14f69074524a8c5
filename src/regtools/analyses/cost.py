"""What would these images cost elsewhere?

Every plan of the price book is billed for what its provider would really store: the same images
are stored once on a self-hosted registry and once a repository on Amazon ECR. What the history
cannot tell (traffic, people) comes from a `Scenario`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.bill import Bill, make_bill
from regtools.analyses.book import Plan, PriceBook, Provider, provider_of
from regtools.analyses.horizon import Outlook, outlook
from regtools.analyses.prices import is_stale, price_book
from regtools.analyses.scenario import BillInputs, Scenario, decimal
from regtools.analyses.workload import Workload, workload
from regtools.errors import ConfigError
from regtools.history import History
from regtools.units import GB, cents

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
    "first_month_usd": "float64",
    "year_usd": "float64",
    "three_years_usd": "float64",
    "fits_months": "int64",
    "storage_gb": "float64",
    "components": "object",
    "notes": "str",
    "assumptions": "object",
    "complete": "bool",
    "cheapest_of_provider": "bool",
    "is_today": "bool",
}
"""Columns of the frame that `cost` gives, with their types."""
COMPONENT_COLUMNS: Final = (
    "provider",
    "plan",
    "component",
    "quantity",
    "unit",
    "unit_price_usd",
    "monthly_usd",
    "exact_usd",
    "grade",
    "checked",
    "source",
    "note",
)
_DEFAULTS: Final = Scenario()


def cost(
    history: History | str | Path | Workload,
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
        The history, or where it is; or a workload, which has its own scenario.
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
        checked), monthly_usd (a steady month as things are now; empty where a price is missing),
        low_usd and high_usd (the range that is left; high is empty where nobody can say), grade
        (the worst of the prices counted), feasible, why_not, first_month_usd (with what a new
        account has free), year_usd and three_years_usd (12 and 36 months with growth; empty where
        the plan does not hold so much), fits_months (how many of 36 the plan holds), storage_gb
        (what this provider would store, in 10⁹ bytes), components, notes, assumptions (list of
        sentences, the same for every plan), complete, cheapest_of_provider (the cheapest feasible
        plan), is_today (the provider of the registry that was scanned).

        `components` is a list of dicts (name, quantity, unit, unit_price_usd, usd, source,
        checked, grade, note, price, exact_usd): `usd` is in whole cents that add up to
        `monthly_usd`, `exact_usd` is a text and not rounded. Plans that are feasible come first.
        Where the inventory is not complete, bills that depend on it are lower bounds: their
        high_usd is empty.

    Raises
    ------
    HistoryError
        A snapshot cannot be read, or there is none (code ``HISTORY_EMPTY``).
    """
    found = (
        history
        if isinstance(history, Workload)
        else workload(history, scenario, registry=registry, at=at)
    )
    whole = book or price_book()
    made = every_bill(found.inputs, found.scenario, whole)
    best = {id(bill) for bill in cheapest_bills(made)}
    today = {
        provider.key
        for part in found.parts
        if (provider := provider_of(part.kind, part.registry, whole)) is not None
    }
    sentences = found.assumptions()
    now = (found.taken_at or datetime.now(UTC)).date()
    rows = [
        {
            **_row(bill, outlook(bill, found), sentences, now),
            "cheapest_of_provider": id(bill) in best,
            "is_today": bill.provider.key in today,
        }
        for bill in made
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    order = ["feasible", "monthly_usd"]
    return frame.sort_values(order, ascending=[False, True], kind="stable", ignore_index=True)


def every_bill(inputs: BillInputs, scenario: Scenario, book: PriceBook) -> list[Bill]:
    """Make a bill with each plan; where a provider has prices for the region, with these only."""
    return [
        make_bill(provider, plan, inputs, scenario)
        for provider in book.providers.values()
        for plan in provider.plans
        if plan.region == scenario.region or not _has_region(provider, scenario.region)
        if _is_offered(plan, scenario)
    ]


def _is_offered(plan: Plan, scenario: Scenario) -> bool:
    """Say whether a plan is one at all: with your own prices, or with something to archive."""
    has_rates = all(getattr(scenario, name) is not None for name in plan.needs)
    return has_rates and (not plan.archives or decimal(scenario.archived_share) > 0)


def _has_region(provider: Provider, region: str) -> bool:
    return bool(region) and any(plan.region == region for plan in provider.plans)


def cheapest_bills(made: Iterable[Bill]) -> list[Bill]:
    """Choose each provider's cheapest plan that holds the workload; the first of equals."""
    chosen: dict[str, Bill] = {}
    for bill in made:
        price, best = bill.monthly_usd, chosen.get(bill.provider.key)
        if bill.why_not or price is None:
            continue
        if best is None or price < (best.monthly_usd or 0):
            chosen[bill.provider.key] = bill
    return list(chosen.values())


def best_bills(workload: Workload, book: PriceBook) -> list[Bill]:
    """Make each provider's bill: its cheapest plan that holds the workload."""
    return cheapest_bills(every_bill(workload.inputs, workload.scenario, book))


def cheapest_bill(best: Iterable[Bill]) -> Bill | None:
    """Choose the cheapest of providers' bills; None where there is none."""
    return min(best, key=lambda bill: bill.monthly_usd or Decimal(0), default=None)


def _row(bill: Bill, ahead: Outlook, sentences: Sequence[str], now: date) -> dict[str, Any]:
    checked = bill.plan.checked
    old = [f"Its prices are of {checked or 'no known date'}: check them."]
    notes = [*(old if is_stale(checked, now) else []), *bill.notes]
    return {
        "provider": bill.provider.title,
        "plan": bill.plan.name,
        "edition": f"{bill.plan.region or 'worldwide'}, {bill.plan.checked or 'undated'}",
        "monthly_usd": as_float(bill.monthly_usd),
        "low_usd": as_float(bill.low_usd),
        "high_usd": as_float(bill.high_usd),
        "grade": bill.grade,
        "feasible": not bill.why_not,
        "why_not": "; ".join(bill.why_not),
        "first_month_usd": as_float(ahead.first_month_usd),
        "year_usd": as_float(ahead.year_usd),
        "three_years_usd": as_float(ahead.three_years_usd),
        "fits_months": ahead.fits_months,
        "storage_gb": bill.stored_bytes / GB,
        "components": bill.lines(),
        "notes": " ".join(notes),
        "assumptions": list(sentences),
        "complete": bill.complete,
    }


def as_float(amount: Decimal | None) -> float | None:
    """Give an amount as frames hold it; None stays None."""
    return None if amount is None else float(amount)


def in_currency(cost: pd.DataFrame, currency: str, rate: Decimal | float) -> pd.DataFrame:
    """Add what bills come to in another currency, by a rate you know; prices stay in dollars.

    Parameters
    ----------
    cost
        What `cost` gives.
    currency
        Its code, such as ``EUR``.
    rate
        How much of it one US dollar is.

    Returns
    -------
    DataFrame
        With the columns currency, monthly, low, high, year and three_years added, to the cent.

    Raises
    ------
    ConfigError
        Code ``SCENARIO_INVALID``: no code of three letters, or a rate that is not above zero.
    """
    factor = decimal(rate)
    if not (currency.isascii() and currency.isalpha() and len(currency) == 3):
        raise ConfigError(
            f"{currency!r} is no currency.",
            code="SCENARIO_INVALID",
            remedy="Give its code of three letters: EUR.",
        )
    if not factor.is_finite() or factor <= 0:
        raise ConfigError(
            f"A dollar cannot be {rate} {currency}.",
            code="SCENARIO_INVALID",
            remedy="Give how much of the currency one US dollar is: 0.92.",
        )
    amounts = {
        name.removesuffix("_usd"): [
            None if pd.isna(usd) else float(cents(decimal(float(usd)) * factor))
            for usd in cost[name]
        ]
        for name in ("monthly_usd", "low_usd", "high_usd", "year_usd", "three_years_usd")
    }
    added = pd.DataFrame(amounts, index=cost.index, dtype="float64")
    return cost.assign(currency=currency.upper()).join(added)


def component_table(cost: pd.DataFrame) -> pd.DataFrame:
    """List every line of every bill.

    Parameters
    ----------
    cost
        What `cost` gives, or some of its rows, such as those that are `cheapest_of_provider`.

    Returns
    -------
    DataFrame
        provider, plan, component, quantity, unit, unit_price_usd, monthly_usd, exact_usd, grade,
        checked, source, note. A tier is a line of its own. `monthly_usd` is in whole cents that
        add up to the bill; `exact_usd` is a text and not rounded. Both are empty where a price is
        missing.
    """
    rows = [
        {
            **line,
            "provider": row["provider"],
            "plan": row["plan"],
            "component": line["name"],
            "monthly_usd": line["usd"],
        }
        for row in cost.to_dict("records")
        for line in row["components"]
    ]
    frame = pd.DataFrame(rows, columns=list(COMPONENT_COLUMNS))
    return frame.astype(dict.fromkeys(("quantity", "unit_price_usd", "monthly_usd"), "float64"))


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
