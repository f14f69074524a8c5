"""What would a clean-up, or a better compression, save in money?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.book import PriceBook
from regtools.analyses.cost import as_float, best_bills
from regtools.analyses.prices import price_book
from regtools.analyses.reach import made
from regtools.analyses.retention import retention
from regtools.analyses.scenario import BillInputs
from regtools.analyses.workload import Workload
from regtools.history import History
from regtools.policies import Rule

ZSTD_SAVES: Final = (Decimal("0.08"), Decimal("0.29"))
"""Share of the bytes of gzip layers that zstd saved, at least and at most, where people measured
whole images both ways: CopilotKit/OpenBot pull request 369 (2026-09-04: 8 %), home-assistant/core
160665 (2026-02-04: 22 %), openvinotoolkit/openvino 34333 (2026-02-25: 14 to 29 %, 16 images)."""
_DEFAULT_RULE: Final = Rule(keep_last=10, older_than=timedelta(days=90))
COLUMNS: Final = {
    "measure": "str",
    "provider": "str",
    "plan": "str",
    "monthly_usd": "float64",
    "low_saved_bytes": "int64",
    "high_saved_bytes": "int64",
    "low_saved_usd": "float64",
    "high_saved_usd": "float64",
    "note": "str",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    name: str
    low: Decimal
    """Share of the stored bytes that it saves at least."""
    high: Decimal
    pulls_too: bool
    """Whether a pull gets as much smaller."""
    note: str


def cost_savings(
    workload: Workload,
    history: History | str | Path,
    *,
    rule: Rule = _DEFAULT_RULE,
    registry: str | None = None,
    at: datetime | None = None,
    book: PriceBook | None = None,
) -> pd.DataFrame:
    """Bill each provider's cheapest plan before and after a clean-up, and with zstd for gzip.

    What the clean-up frees is exact in the registry's own dedup scope; at other providers the same
    share of the bytes is taken to go. zstd is a range that others measured, not these images.

    Parameters
    ----------
    workload
        What `regtools.workload` gives.
    history, registry, at
        As for `regtools.workload`.
    rule
        What to delete; left out: what is older than 90 days, but for the 10 newest versions of
        each repository.
    book
        Another price book than the one of this package.

    Returns
    -------
    DataFrame
        measure, provider, plan, monthly_usd (now), low_saved_bytes and high_saved_bytes (of what
        this provider would store), low_saved_usd and high_saved_usd (a month, with the provider's
        cheapest plan then), note. Only providers that ask for something now.
    """
    whole = book or price_book()
    measures = [_clean_up(history, rule, registry, at), _zstd(workload.inputs)]
    rows = (row for measure in measures for row in _rows(measure, workload, whole))
    return made(rows, COLUMNS)


def _clean_up(
    history: History | str | Path, rule: Rule, registry: str | None, at: datetime | None
) -> _Measure:
    found = retention(history, rule, registry=registry, at=at)
    whole = Decimal(found.bytes_freed + found.bytes_kept)
    low, high = (
        min(Decimal(1), freed / whole) if whole else Decimal(0)
        for freed in (found.bytes_freed_low, found.bytes_freed_high)
    )
    return _Measure(
        name="clean up",
        low=low,
        high=high,
        pulls_too=False,
        note=f"{found.tags_deleted:,} tags go: {_words(rule)}. regtools retention lists them.",
    )


def _words(rule: Rule) -> str:
    parts = []
    if rule.older_than is not None:
        parts.append(f"older than {rule.older_than.days} days")
    if rule.keep_last is not None:
        parts.append(f"not among the {rule.keep_last} newest of their repository")
    return ", ".join(parts) or "by your rule"


def _zstd(inputs: BillInputs) -> _Measure:
    stored = inputs.stored_bytes["registry"]
    share = Decimal(inputs.gzip_bytes) / stored if stored else Decimal(0)
    low, high = (share * saved for saved in ZSTD_SAVES)
    return _Measure(
        name="zstd instead of gzip",
        low=low,
        high=high,
        pulls_too=True,
        note=(
            f"{share:.0%} of the bytes are gzip layers, and others saw 8 % to 29 % of them go. "
            "Images must be built anew; clients older than 2021 cannot read zstd."
        ),
    )


def _rows(measure: _Measure, workload: Workload, book: PriceBook) -> Iterable[tuple[object, ...]]:
    after_low, after_high = (
        {
            bill.provider.key: bill.monthly_usd or Decimal(0)
            for bill in best_bills(_smaller(workload, share, measure.pulls_too), book)
        }
        for share in (measure.low, measure.high)
    )
    for bill in best_bills(workload, book):
        now, key = bill.monthly_usd or Decimal(0), bill.provider.key
        if now == 0 or key not in after_low or key not in after_high:
            continue
        yield (
            measure.name,
            bill.provider.title,
            bill.plan.name,
            as_float(now),
            int(bill.stored_bytes * measure.low),
            int(bill.stored_bytes * measure.high),
            as_float(now - after_low[key]),
            as_float(now - after_high[key]),
            measure.note,
        )


def _smaller(workload: Workload, share: Decimal, pulls_too: bool) -> Workload:
    inputs = workload.inputs
    stored = {scope: int(size * (1 - share)) for scope, size in inputs.stored_bytes.items()}
    pulled = inputs.mean_pull_bytes * (1 - share) if pulls_too else inputs.mean_pull_bytes
    less = replace(inputs, stored_bytes=stored, mean_pull_bytes=pulled)
    return replace(workload, inputs=less)
