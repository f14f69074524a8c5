"""What changed between two price books?"""

from __future__ import annotations

from typing import Final

import pandas as pd

from regtools.analyses.book import Price, PriceBook
from regtools.analyses.prices import rate_text
from regtools.analyses.reach import made

COLUMNS: Final = {
    "price": "str",
    "what": "str",
    "before": "str",
    "after": "str",
    "change_percent": "float64",
    "source": "str",
}


def price_diff(before: PriceBook, after: PriceBook) -> pd.DataFrame:
    """List the prices that are new, gone or another.

    Returns
    -------
    DataFrame
        price, what (``new``, ``gone``, ``rate``, ``free``, ``unit`` or ``region``), before and
        after (exact, as texts), change_percent (of a rate without tiers), source (of the newer).
    """
    old, new = _prices(before), _prices(after)
    rows: list[tuple[object, ...]] = []
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            rows.append((key, "new", "", rate_text(new[key]), None, new[key].source))
        elif key not in new:
            rows.append((key, "gone", rate_text(old[key]), "", None, old[key].source))
        else:
            rows += _changes(key, old[key], new[key])
    return made(rows, COLUMNS)


def _prices(book: PriceBook) -> dict[str, Price]:
    return {
        price.key: price
        for provider in book.providers.values()
        for price in provider.prices.values()
    }


def _changes(key: str, old: Price, new: Price) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    if [(tier.up_to, tier.rate) for tier in old.tiers] != [
        (tier.up_to, tier.rate) for tier in new.tiers
    ]:
        found.append((key, "rate", rate_text(old), rate_text(new), _percent(old, new), new.source))
    for what, one, other in (
        ("free", f"{old.free:f}", f"{new.free:f}"),
        ("unit", f"{old.unit_size:f}", f"{new.unit_size:f}"),
        ("region", old.region, new.region),
    ):
        if one != other:
            found.append((key, what, one, other, None, new.source))
    return found


def _percent(old: Price, new: Price) -> float | None:
    """Give the change of a rate in percent; None where there are tiers, or nothing to compare."""
    before, after = old.tiers[0].rate, new.tiers[0].rate
    if len(old.tiers) > 1 or len(new.tiers) > 1 or not before or after is None:
        return None
    return round(float((after / before - 1) * 100), 2)
