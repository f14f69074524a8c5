"""What does it cost to carry bytes out of a registry, once?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from regtools.analyses.bill import Bound, price_lines
from regtools.analyses.book import GRADES, Measure, Price, PriceBook
from regtools.analyses.prices import price_book
from regtools.units import cents

_UNKNOWN: Final = (
    "The price book does not tell what this registry's way out costs: it is your own network's, or "
    "your provider's."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """The price of bytes that leave to the internet, once; in US dollars."""

    low_usd: Decimal | None
    """With all of the month's free allowance left, where there is one. None: not known."""
    high_usd: Decimal | None
    """With none of it left, and whatever is not certain at its dearest."""
    provider: str = ""
    price: str = ""
    """As in the price book."""
    grade: str = "U"
    source: str = ""
    checked: str = ""
    note: str = _UNKNOWN


def egress(
    provider: str,
    low_bytes: int,
    high_bytes: int,
    *,
    plan: str | None = None,
    book: PriceBook | None = None,
) -> Egress:
    """Price a transfer by the book.

    Parameters
    ----------
    provider
        A key of the price book; one it does not have, or empty: not known.
    low_bytes, high_bytes
        At least and at most so many.
    plan
        Only what this plan of the provider asks; left out: any of them.
    book
        Another price book than the one of this package.
    """
    found = (book or price_book()).providers.get(provider)
    prices = (
        {
            price.key: price
            for one in found.plans
            if plan in (None, one.name)
            for price in one.prices
            if price.measure is Measure.TRAFFIC
        }
        if found
        else {}
    )
    if found is None or not prices:
        return Egress(low_usd=None, high_usd=None)
    lows = [_usd(price, low_bytes, Bound.LOW) for price in prices.values()]
    highs = [_usd(price, high_bytes, Bound.HIGH) for price in prices.values()]
    worst = max(prices.values(), key=lambda price: GRADES.index(price.grade))
    known = [amount for amount in lows if amount is not None]
    return Egress(
        low_usd=cents(min(known)) if len(known) == len(lows) else None,
        high_usd=cents(max(amount for amount in highs if amount is not None))
        if None not in highs
        else None,
        provider=found.key,
        price=worst.key,
        grade=worst.grade,
        source=worst.source,
        checked=worst.checked.isoformat() if worst.checked else "undated",
        note=f"To the internet. {worst.note}".strip(),
    )


def _usd(price: Price, size: int, bound: Bound) -> Decimal | None:
    sizes = (price.unit_size, price.other_unit_size or price.unit_size)
    units = Decimal(size) / (max(sizes) if bound is Bound.LOW else min(sizes))
    # What the month's other pulls have used of the allowance, nobody knows: all of it, at worst.
    used = price.free if bound is Bound.HIGH else Decimal(0)
    amounts = [line.usd for line in price_lines(price, units + used, bound)]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
