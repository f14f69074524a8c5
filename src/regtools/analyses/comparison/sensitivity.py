"""Which assumption moves the answer?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import pandas as pd

from regtools.analyses.bill import Bill
from regtools.analyses.book import PriceBook
from regtools.analyses.comparison.break_even import amount_now, changed
from regtools.analyses.cost import (
    as_float,
    best_bills,
    cheapest_bill,
    cheapest_bills,
    every_bill,
)
from regtools.analyses.prices import price_book
from regtools.analyses.reach import made
from regtools.analyses.scenario import decimal
from regtools.analyses.workload import Workload
from regtools.units import GB, format_bytes

COLUMNS: Final = {
    "assumption": "str",
    "now": "str",
    "instead": "str",
    "provider": "str",
    "plan": "str",
    "monthly_usd": "float64",
    "change_usd": "float64",
    "same_plan_usd": "float64",
    "changes_answer": "bool",
}
_HALF: Final = Decimal("0.5")
_INSIDE: Final = Decimal("0.8")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    assumption: str
    now: str
    instead: str
    workload: Workload
    without: str = ""
    """A provider that is left out."""


def cost_sensitivity(workload: Workload, *, book: PriceBook | None = None) -> pd.DataFrame:
    """Change one assumption at a time, and see who is the cheapest then.

    Parameters
    ----------
    workload
        What `regtools.workload` gives.
    book
        Another price book than the one of this package.

    Returns
    -------
    DataFrame
        assumption, now, instead, provider and plan (the cheapest then), monthly_usd, change_usd
        (against the cheapest now), same_plan_usd (what the plan that is cheapest now would cost;
        empty where it could not hold that), changes_answer (another provider is the cheapest).
        What moves most comes first. Empty, where no plan holds the workload.
    """
    whole = book or price_book()
    now = cheapest_bill(best_bills(workload, whole))
    if now is None:
        return made([], COLUMNS)
    rows = [
        _row(change, now, whole)
        for change in _changes(workload, now)
        if change.now != change.instead
    ]
    frame = made(rows, COLUMNS)
    size = frame["change_usd"].abs().fillna(0.0)
    order = frame.assign(size=size).sort_values(
        ["changes_answer", "size"], ascending=False, kind="stable"
    )
    return order.drop(columns="size").reset_index(drop=True)


def _row(change: _Change, now: Bill, book: PriceBook) -> tuple[object, ...]:
    bills = [
        bill
        for bill in every_bill(change.workload.inputs, change.workload.scenario, book)
        if bill.provider.key != change.without
    ]
    then = cheapest_bill(cheapest_bills(bills))
    same = next(
        (bill for bill in bills if (bill.provider, bill.plan) == (now.provider, now.plan)), None
    )
    monthly = as_float(then.monthly_usd) if then else None
    before = as_float(now.monthly_usd) or 0.0
    return (
        change.assumption,
        change.now,
        change.instead,
        then.provider.title if then else "",
        then.plan.name if then else "",
        monthly,
        None if monthly is None else round(monthly - before, 2),
        as_float(same.monthly_usd) if same and not same.why_not else None,
        then is None or then.provider.key != now.provider.key,
    )


def _changes(workload: Workload, now: Bill) -> Iterable[_Change]:
    yield from _amounts(workload)
    scenario = workload.scenario
    flipped = "public" if scenario.private else "private"
    yield _Change(
        assumption="visibility",
        now="private" if scenario.private else "public",
        instead=f"all {flipped}",
        workload=replace(workload, scenario=replace(scenario, private=not scenario.private)),
    )
    if scenario.egress_gb is None and decimal(scenario.same_region_share) < _INSIDE:
        inside = replace(scenario, same_region_share=_INSIDE)
        yield _Change(
            assumption="pulls from inside the provider's region",
            now=f"{decimal(scenario.same_region_share):.0%}",
            instead=f"{_INSIDE:.0%}",
            workload=replace(workload, scenario=inside),
        )
    roomier = replace(scenario, disk_headroom=decimal(scenario.disk_headroom) + 1)
    yield _Change(
        assumption="room on a self-hosted disk",
        now=f"{decimal(scenario.disk_headroom):.0%}",
        instead=f"{decimal(roomier.disk_headroom):.0%}",
        workload=replace(workload, scenario=roomier),
    )
    yield _Change(
        assumption="the cheapest provider's terms",
        now=now.provider.title,
        instead="all others",
        workload=workload,
        without=now.provider.key,
    )


def _amounts(workload: Workload) -> Iterable[_Change]:
    for over, name in (
        ("storage_gb", "storage"),
        ("egress_gb", "traffic to the internet"),
        ("users", "people"),
    ):
        amount = amount_now(workload, over)
        for factor in (_HALF, Decimal(2)):
            other = amount * factor
            yield _Change(
                assumption=name,
                now=_amount(over, amount),
                instead=_amount(over, other),
                workload=changed(workload, over, other),
            )


def _amount(over: str, amount: Decimal) -> str:
    return f"{max(1, int(amount)):,}" if over == "users" else format_bytes(int(amount * GB))
