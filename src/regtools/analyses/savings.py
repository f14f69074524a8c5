"""What are freed bytes worth? The bill of the registry's own provider before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pandas as pd

from regtools.analyses.bill import make_bill
from regtools.analyses.book import PriceBook, provider_of
from regtools.analyses.prices import price_book
from regtools.analyses.reach import made
from regtools.analyses.scenario import BillInputs, Scenario
from regtools.analyses.workload import SCOPES
from regtools.schema import SnapshotRow

COLUMNS: Final = {
    "registry": "str",
    "provider": "str",
    "plan": "str",
    "bytes_freed": "int64",
    "monthly_usd_before": "object",
    "monthly_usd_after": "object",
    "monthly_usd_freed": "object",
}
_NO_TRAFFIC: Final = replace(Scenario(), pulls=0, egress_gb=0)


def savings(sizes: pd.DataFrame, snapshots: Sequence[SnapshotRow]) -> pd.DataFrame:
    """Bill each registry's storage before and after.

    Parameters
    ----------
    sizes
        registry, bytes_freed, bytes_kept.
    snapshots
        They say which kind each registry is. What people run themselves is billed as a disk in
        the cloud: the plan of the price book in which bytes cost most.

    Returns
    -------
    DataFrame
        registry, provider, plan (of the provider's plans for which this storage is possible, the
        one where the bytes freed are worth most), bytes_freed, monthly_usd_before,
        monthly_usd_after, monthly_usd_freed (Decimal; without traffic). A registry whose
        provider has no price for storage gets nothing back: 0.
    """
    kinds = {row.registry: row.kind for row in snapshots}
    book = price_book()
    rows = [
        _row(
            str(row["registry"]),
            kinds.get(str(row["registry"]), ""),
            int(row["bytes_freed"]),
            int(row["bytes_kept"]),
            book,
        )
        for row in sizes.to_dict("records")
    ]
    return made(rows, COLUMNS)


def _row(registry: str, kind: str, freed: int, kept: int, book: PriceBook) -> tuple[object, ...]:
    provider = provider_of(kind, registry, book)
    if provider is None:
        return registry, "", "", freed, None, None, None
    before, after = _inputs(freed + kept), _inputs(kept)
    best: tuple[str, Decimal, Decimal] | None = None
    for plan in provider.plans:
        now = make_bill(provider, plan, before, _NO_TRAFFIC)
        then = make_bill(provider, plan, after, _NO_TRAFFIC)
        if now.why_not or now.monthly_usd is None or then.monthly_usd is None:
            continue
        if best is None or now.monthly_usd - then.monthly_usd > best[1] - best[2]:
            best = (plan.name, now.monthly_usd, then.monthly_usd)
    if best is None:
        return registry, provider.title, "", freed, None, None, None
    return registry, provider.title, *best[:1], freed, best[1], best[2], best[1] - best[2]


def _inputs(stored: int) -> BillInputs:
    # The bytes are those of the registry's own dedup scope, whichever the provider counts by.
    return BillInputs(
        stored_bytes=dict.fromkeys(SCOPES, stored),
        repositories=1,
        mean_pull_bytes=Decimal(0),
        mean_pull_objects=Decimal(0),
        complete=True,
    )
