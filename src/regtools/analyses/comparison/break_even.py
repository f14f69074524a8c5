"""Where does another provider become the cheapest?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Final

import pandas as pd

from regtools.analyses.bill import Bill
from regtools.analyses.book import PriceBook
from regtools.analyses.cost import as_float, best_bills, cheapest_bill
from regtools.analyses.prices import price_book
from regtools.analyses.reach import made
from regtools.analyses.scenario import decimal, egress_bytes
from regtools.analyses.workload import Workload
from regtools.errors import ConfigError
from regtools.units import GB

POINTS: Final = 24
"""Steps of a curve."""
LEAST_REACH: Final[Mapping[str, Decimal]] = {
    "storage_gb": Decimal(500),
    "egress_gb": Decimal(2000),
    "users": Decimal(50),
}
"""How far a curve reaches at least."""
REACH: Final = 4
"""And how many times what there is now."""
_CURVE: Final = {
    "over": "str",
    "amount": "float64",
    "provider": "str",
    "plan": "str",
    "monthly_usd": "float64",
    "grade": "str",
    "now": "float64",
}
_TIPPING: Final = {
    "over": "str",
    "amount": "float64",
    "from_provider": "str",
    "from_plan": "str",
    "to_provider": "str",
    "to_plan": "str",
    "monthly_usd": "float64",
    "now": "float64",
}


class Axis:
    """A workload with more and more of one thing: each amount of it is priced once.

    Parameters
    ----------
    workload, over, book
        As for `break_even`.
    """

    def __init__(self, workload: Workload, over: str, book: PriceBook) -> None:
        self.over = over
        self.now = amount_now(workload, over)
        self.points = _grid(workload, over)
        self._workload = workload
        self._book = book
        self._bills: dict[Decimal, list[Bill]] = {}

    def bills(self, amount: Decimal) -> list[Bill]:
        """Give each provider's cheapest bill at an amount."""
        if amount not in self._bills:
            there = changed(self._workload, self.over, amount)
            self._bills[amount] = best_bills(there, self._book)
        return self._bills[amount]


def break_even(
    workload: Workload,
    over: str,
    *,
    amounts: Sequence[Decimal | float] = (),
    book: PriceBook | None = None,
) -> pd.DataFrame:
    """Price the workload with more and more of one thing, all else as it is.

    Parameters
    ----------
    workload
        What `regtools.workload` gives.
    over
        ``storage_gb``, ``egress_gb`` (10⁹ bytes; storage as if each layer were stored once) or
        ``users``.
    amounts
        The points; left out: from nothing to four times what there is, at least to 500 GB,
        2,000 GB or 50 people.
    book
        Another price book than the one of this package.

    Returns
    -------
    DataFrame
        over, amount, provider, plan, monthly_usd, grade: at each point each provider's cheapest
        plan that holds the workload; and now, what there is today.

    Raises
    ------
    ConfigError
        Code ``SCENARIO_INVALID``: `over` is none of the three.
    """
    axis = Axis(workload, over, book or price_book())
    points = [decimal(amount) for amount in amounts] or axis.points
    rows = (
        (
            over,
            float(amount),
            bill.provider.title,
            bill.plan.name,
            as_float(bill.monthly_usd),
            bill.grade,
            float(axis.now),
        )
        for amount in points
        for bill in axis.bills(amount)
    )
    return made(rows, _CURVE)


def tipping_points(
    workload: Workload, over: str, *, paid: bool = False, book: PriceBook | None = None
) -> pd.DataFrame:
    """Find the amounts at which another provider becomes the cheapest.

    Parameters
    ----------
    workload, over, book
        As for `break_even`; the search reaches as far as its curves.
    paid
        Look only at providers that ask for something: some are free whatever one stores, and
        hide where the others cross.

    Returns
    -------
    DataFrame
        over, amount (the first whole GB or person at which it is so), from_provider, from_plan,
        to_provider, to_plan, monthly_usd (at that amount), now (what there is today).
    """
    return tipping_along(Axis(workload, over, book or price_book()), paid=paid)


def tipping_along(axis: Axis, *, paid: bool) -> pd.DataFrame:
    """Give the frame of `tipping_points`, for an axis that may have been asked before."""
    free = _always_free(axis) if paid else frozenset()

    def best(amount: Decimal) -> Bill | None:
        return cheapest_bill(bill for bill in axis.bills(amount) if bill.provider.key not in free)

    rows = (
        (
            axis.over,
            float(amount),
            before.provider.title,
            before.plan.name,
            after.provider.title,
            after.plan.name,
            as_float(after.monthly_usd),
            float(axis.now),
        )
        for amount, before, after in _changes(best, axis.points)
    )
    return made(rows, _TIPPING)


def changed(workload: Workload, over: str, amount: Decimal) -> Workload:
    """Give the workload with another amount of one thing."""
    scenario = workload.scenario
    match over:
        case "storage_gb":
            stored = workload.inputs.stored_bytes
            now = stored["registry"]
            sizes = {
                scope: int(amount * GB * size / now) if now else int(amount * GB)
                for scope, size in stored.items()
            }
            return replace(workload, inputs=replace(workload.inputs, stored_bytes=sizes))
        case "egress_gb":
            return replace(workload, scenario=replace(scenario, egress_gb=amount))
        case "users":
            return replace(workload, scenario=replace(scenario, users=max(1, int(amount))))
        case _:
            raise _unknown(over)


def amount_now(workload: Workload, over: str) -> Decimal:
    """Give how much of one thing there is."""
    match over:
        case "storage_gb":
            return Decimal(workload.inputs.stored_bytes["registry"]) / GB
        case "egress_gb":
            return egress_bytes(workload.inputs, workload.scenario) / GB
        case "users":
            return Decimal(workload.scenario.users)
        case _:
            raise _unknown(over)


def reach_of(workload: Workload, over: str) -> Decimal:
    """Give how far a curve reaches at least."""
    return max(REACH * amount_now(workload, over), LEAST_REACH[over])


def _unknown(over: str) -> ConfigError:
    return ConfigError(
        f"There is no curve over {over!r}.",
        code="SCENARIO_INVALID",
        remedy=f"Give one of: {', '.join(LEAST_REACH)}.",
    )


def _grid(workload: Workload, over: str) -> list[Decimal]:
    """Give points from nothing, or one person, to the end of the curve."""
    now = amount_now(workload, over)
    step = (reach_of(workload, over) / POINTS).to_integral_value(ROUND_CEILING)
    points = {step * place for place in range(POINTS + 1)} | {now}
    return sorted(max(point, Decimal(1)) if over == "users" else point for point in points)


def _always_free(axis: Axis) -> frozenset[str]:
    """Give who asks for nothing at either end of the curve."""
    free = [
        {bill.provider.key for bill in axis.bills(end) if not bill.monthly_usd}
        for end in (axis.points[0], axis.points[-1])
    ]
    return frozenset(free[0] & free[1])


def _changes(
    best: Callable[[Decimal], Bill | None], points: Sequence[Decimal]
) -> Iterable[tuple[Decimal, Bill, Bill]]:
    """Walk along the points, and halve each step on which the cheapest provider changes."""
    start, before = points[0], best(points[0])
    for end in points[1:]:
        after = best(end)
        while before is not None and after is not None and _differ(before, after):
            low, high, found = start, end, after
            while high - low > 1:
                middle = ((low + high) / 2).to_integral_value()
                if middle in (low, high):
                    break
                here = best(middle)
                if here is not None and _differ(before, here):
                    high, found = middle, here
                else:
                    low = middle
            yield high, before, found
            start, before = high, found
        start, before = end, after


def _differ(one: Bill, other: Bill) -> bool:
    return one.provider.key != other.provider.key
