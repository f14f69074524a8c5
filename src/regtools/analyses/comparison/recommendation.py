"""Who is the best choice for three years, what a move there takes, and whom it suits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import pandas as pd

from regtools.analyses.bill import Bill
from regtools.analyses.book import PriceBook, provider_of
from regtools.analyses.cost import as_float, best_bills, cheapest_bills, every_bill
from regtools.analyses.egress import Egress, egress
from regtools.analyses.horizon import outlook
from regtools.analyses.prices import price_book
from regtools.analyses.reach import made
from regtools.analyses.scenario import Scenario, decimal, egress_bytes, pulls_a_month
from regtools.analyses.workload import Part, Workload
from regtools.units import GB, cents

Today = list[tuple[Part, Bill | None]]
"""Each registry, and its bill where it is; None where nobody can say."""
HOURS_TO_SWITCH: Final = Decimal(8)
"""A guess: accounts, secrets, a pipeline tried out."""
HOURS_A_REPOSITORY: Final = Decimal("0.25")
"""A guess: names changed in one pipeline and one deployment."""
TODAY: Final = {
    "registry": "str",
    "kind": "str",
    "provider": "str",
    "plan": "str",
    "monthly_usd": "float64",
    "low_usd": "float64",
    "high_usd": "float64",
    "grade": "str",
}
COLUMNS: Final = {
    "rank": "int64",
    "provider": "str",
    "plan": "str",
    "monthly_usd": "float64",
    "low_usd": "float64",
    "high_usd": "float64",
    "three_years_usd": "float64",
    "saves_usd": "float64",
    "switch_hours": "float64",
    "switch_low_usd": "float64",
    "switch_high_usd": "float64",
    "pays_back_months": "float64",
    "grade": "str",
    "best_for": "str",
    "is_today": "bool",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """What leaving today's registries takes, once."""

    hours: Decimal
    low_usd: Decimal | None
    high_usd: Decimal | None
    """Egress, and the hours where somebody gave their price. None: not known."""


def bills_today(workload: Workload, *, book: PriceBook | None = None) -> pd.DataFrame:
    """Bill each registry of the history at its own provider, as it is used now.

    Traffic and pulls are shared out by what each registry stores; people need an account at each.
    What people run themselves is billed as the cheapest machine of the book that holds it.

    Returns
    -------
    DataFrame
        registry, kind, provider, plan, monthly_usd, low_usd, high_usd, grade; amounts are empty
        where a price is missing or no plan holds it. Empty, where the workload was typed.
    """
    whole = book or price_book()
    rows = []
    for part, bill in _bills_today(workload, whole):
        provider = provider_of(part.kind, part.registry, whole)
        rows.append(
            (
                part.registry,
                part.kind,
                provider.title if provider else "",
                bill.plan.name if bill else "",
                as_float(bill.monthly_usd) if bill else None,
                as_float(bill.low_usd) if bill else None,
                as_float(bill.high_usd) if bill else None,
                bill.grade if bill else "U",
            )
        )
    return made(rows, TODAY)


def _bills_today(workload: Workload, book: PriceBook) -> Today:
    found = []
    for part in workload.parts:
        key = _home(part, book)
        bills = every_bill(part.inputs, _share(part, workload), book)
        own = [bill for bill in bills if bill.provider.key == key]
        found.append((part, next(iter(cheapest_bills(own)), None)))
    return found


def _home(part: Part, book: PriceBook) -> str:
    """Give the key of who bills a registry today; empty where the book does not know."""
    provider = provider_of(part.kind, part.registry, book)
    return provider.key if provider else ""


def _share(part: Part, workload: Workload) -> Scenario:
    """Give a registry its share of the pulls and of the traffic."""
    if len(workload.parts) == 1:
        return workload.scenario
    stored = sum(other.inputs.stored_bytes["registry"] for other in workload.parts)
    share = Decimal(part.inputs.stored_bytes["registry"]) / stored if stored else Decimal(0)
    traffic = egress_bytes(workload.inputs, workload.scenario) * share / GB
    pulls = int(pulls_a_month(workload.inputs, workload.scenario) * share)
    own = None if workload.scenario.private_repositories is None else part.inputs.repositories
    return replace(workload.scenario, egress_gb=traffic, pulls=pulls, private_repositories=own)


def switching(workload: Workload, provider: str, *, book: PriceBook | None = None) -> Switch:
    """Price moving to a provider once: every byte of the registries that are elsewhere, and hours.

    Hours are a guess: 8, and a quarter for each repository. They are money only where
    `Scenario.labour_usd_per_hour` says what one costs.

    Parameters
    ----------
    workload
        What `regtools.workload` gives.
    provider
        A key of the price book.
    book
        Another price book than the one of this package.
    """
    whole = book or price_book()
    return _switch(_bills_today(workload, whole), workload.scenario, provider, whole)


def _switch(today: Today, scenario: Scenario, provider: str, book: PriceBook) -> Switch:
    leaving = [(part, bill) for part, bill in today if _home(part, book) != provider]
    if not leaving:
        return Switch(hours=Decimal(0), low_usd=Decimal(0), high_usd=Decimal(0))
    repositories = sum(part.inputs.repositories for part, _ in leaving)
    hours = HOURS_TO_SWITCH + HOURS_A_REPOSITORY * repositories
    rate = scenario.labour_usd_per_hour
    labour = Decimal(0) if rate is None else hours * decimal(rate)
    ways = [_way_out(part, bill, book) for part, bill in leaving]
    return Switch(
        hours=hours,
        low_usd=_added(labour, [way.low_usd for way in ways]),
        high_usd=_added(labour, [way.high_usd for way in ways]),
    )


def _way_out(part: Part, bill: Bill | None, book: PriceBook) -> Egress:
    size = part.inputs.stored_bytes["registry"]
    plan = bill.plan.name if bill else None
    return egress(_home(part, book), size, size, plan=plan, book=book)


def _added(labour: Decimal, amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return cents(sum(known, labour)) if len(known) == len(amounts) else None


def recommendation(workload: Workload, *, book: PriceBook | None = None) -> pd.DataFrame:
    """Rank the providers by what three years with them cost, the move there included.

    Parameters
    ----------
    workload
        What `regtools.workload` gives.
    book
        Another price book than the one of this package.

    Returns
    -------
    DataFrame
        rank (from 1), provider, plan (the provider's cheapest that holds the workload now),
        monthly_usd, low_usd, high_usd, three_years_usd (36 months with growth, and what the move
        costs at most; empty where the plan gets too small on the way: these come last), saves_usd
        (a month, against today; empty where today's bill is not known), switch_hours,
        switch_low_usd, switch_high_usd, pays_back_months (empty: never, or not known), grade,
        best_for (whom the provider suits, beside money), is_today.
    """
    whole = book or price_book()
    # Asked once: every provider below is compared with the same place.
    today = _bills_today(workload, whole)
    before = _sum(today)
    own = {_home(part, whole) for part in workload.parts}
    ranked = []
    for bill in best_bills(workload, whole):
        takes = _switch(today, workload.scenario, bill.provider.key, whole)
        ahead = outlook(bill, workload).three_years_usd
        whole_cost = None if ahead is None else ahead + (takes.high_usd or Decimal(0))
        ranked.append((whole_cost, bill, takes, bill.provider.key in own))
    ranked.sort(key=lambda row: (row[0] is None, row[0] or 0, row[1].monthly_usd or 0))
    return made((_row(rank, *row, before) for rank, row in enumerate(ranked, start=1)), COLUMNS)


def _row(
    rank: int,
    whole_cost: Decimal | None,
    bill: Bill,
    takes: Switch,
    is_today: bool,
    before: Decimal | None,
) -> tuple[object, ...]:
    monthly = bill.monthly_usd or Decimal(0)
    saves = None if before is None else before - monthly
    paid = takes.high_usd
    back = paid / saves if saves is not None and saves > 0 and paid is not None else None
    return (
        rank,
        bill.provider.title,
        bill.plan.name,
        float(monthly),
        as_float(bill.low_usd),
        as_float(bill.high_usd),
        as_float(whole_cost),
        as_float(saves),
        float(takes.hours),
        as_float(takes.low_usd),
        as_float(takes.high_usd),
        None if back is None else round(float(back), 1),
        bill.grade,
        bill.provider.best_for,
        is_today,
    )


def sum_today(workload: Workload, book: PriceBook) -> Decimal | None:
    """Add up today's bills; None: one of them is not known, or the workload was typed."""
    return _sum(_bills_today(workload, book))


def _sum(today: Today) -> Decimal | None:
    amounts = [bill.monthly_usd if bill else None for _, bill in today]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if today and len(known) == len(today) else None
