"""What does a plan cost month by month, while the registry grows and offers for new accounts end?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import pandas as pd

from regtools.analyses.bill import Bill, make_bill
from regtools.analyses.book import Plan, Price, PriceBook, Provider
from regtools.analyses.prices import price_book
from regtools.analyses.reach import made
from regtools.analyses.scenario import BillInputs
from regtools.analyses.workload import Workload
from regtools.units import GB

MONTHS: Final = 36
YEAR: Final = 12
COLUMNS: Final = {
    "provider": "str",
    "plan": "str",
    "month": "int64",
    "storage_gb": "float64",
    "monthly_usd": "float64",
    "low_usd": "float64",
    "high_usd": "float64",
    "grade": "str",
    "feasible": "bool",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One month's bill: as the trend says, and with its bounds."""

    month: int
    """1 is the first."""
    bill: Bill
    low_usd: Decimal
    high_usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a plan comes to; amounts are None where a price is missing or the plan too small."""

    first_month_usd: Decimal | None
    year_usd: Decimal | None
    three_years_usd: Decimal | None
    fits_months: int
    """How many of the 36 months the plan holds the workload."""


def outlook(bill: Bill, workload: Workload) -> Outlook:
    """Follow a plan for 36 months, in the middle of the trend."""
    bills = [
        _bill(bill.provider, bill.plan, workload, month, "estimate")
        for month in range(1, MONTHS + 1)
    ]
    fits = next((place for place, one in enumerate(bills) if one.why_not), MONTHS)
    return Outlook(
        first_month_usd=bills[0].monthly_usd,
        year_usd=_sum(bills, YEAR, fits),
        three_years_usd=_sum(bills, MONTHS, fits),
        fits_months=fits,
    )


def _sum(bills: list[Bill], months: int, fits: int) -> Decimal | None:
    amounts = [bill.monthly_usd for bill in bills[:months]]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == months and fits >= months else None


def cost_over_time(
    workload: Workload,
    plans: pd.DataFrame,
    *,
    months: int = MONTHS,
    book: PriceBook | None = None,
) -> pd.DataFrame:
    """Price some plans month by month.

    The storage grows by the same amount each month, and a month is billed for what it holds in
    its middle; traffic and people stay as they are. An offer for new accounts counts for its
    time where `Scenario.new_account` says so, and in the low end of the range otherwise.

    Parameters
    ----------
    workload
        What `regtools.workload` gives.
    plans
        Rows of what `regtools.cost` gives, such as those that are `cheapest_of_provider`.
    months
        How far to look.
    book
        The price book that the plans are of.

    Returns
    -------
    DataFrame
        provider, plan, month (from 1), storage_gb (10⁹ bytes), monthly_usd, low_usd and high_usd
        (with the bounds of the trend and of the prices; high is empty where nobody can say),
        grade, feasible.
    """
    whole = book or price_book()
    wanted = set(zip(plans["provider"], plans["plan"], strict=True))
    rows = (
        (
            provider.title,
            plan.name,
            one.month,
            one.bill.stored_bytes / GB,
            *(
                None if amount is None else float(amount)
                for amount in (one.bill.monthly_usd, one.low_usd, one.high_usd)
            ),
            one.bill.grade,
            not one.bill.why_not,
        )
        for provider in whole.providers.values()
        for plan in provider.plans
        if (provider.title, plan.name) in wanted
        for one in _months(provider, plan, workload, months)
    )
    return made(rows, COLUMNS)


def _months(provider: Provider, plan: Plan, workload: Workload, months: int) -> list[Month]:
    found = []
    for month in range(1, months + 1):
        low, bill, high = (
            _bill(provider, plan, workload, month, bound) for bound in ("low", "estimate", "high")
        )
        found.append(Month(month=month, bill=bill, low_usd=low.low_usd, high_usd=high.high_usd))
    return found


def _bill(provider: Provider, plan: Plan, workload: Workload, month: int, bound: str) -> Bill:
    new = workload.scenario.new_account
    return make_bill(
        provider, plan_in(plan, month, new), inputs_in(workload, month, bound), workload.scenario
    )


def inputs_in(workload: Workload, month: int, bound: str = "estimate") -> BillInputs:
    """Give what is stored in the middle of a month, in every scope alike.

    Parameters
    ----------
    month
        1 is the first; half of its growth has come by its middle.
    bound
        ``low``, ``estimate`` or ``high``.
    """
    inputs = workload.inputs
    if workload.trend is None:
        return inputs
    share: Decimal = getattr(workload.trend, bound)
    factor = max(Decimal(0), 1 + share * (Decimal(month) - Decimal("0.5")))
    stored = {scope: int(size * factor) for scope, size in inputs.stored_bytes.items()}
    return replace(inputs, stored_bytes=stored)


def plan_in(plan: Plan, month: int, new_account: bool) -> Plan:
    """Give the plan as it is in a month: offers for new accounts counted, or past."""
    if not any(price.introductory_free for price in plan.prices):
        return plan
    return replace(
        plan, prices=tuple(_price_in(price, month, new_account) for price in plan.prices)
    )


def _price_in(price: Price, month: int, new_account: bool) -> Price:
    if month > price.introductory_months:
        return replace(price, introductory_free=Decimal(0))
    if not new_account:
        return price
    free = price.free + price.introductory_free
    return replace(price, free=free, introductory_free=Decimal(0))
