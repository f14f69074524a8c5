"""The comparison in two sentences: who is the cheapest, and when that changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pandas as pd

from regtools.analyses.bill import Bill
from regtools.analyses.book import PriceBook
from regtools.analyses.comparison.break_even import Axis, reach_of, tipping_along
from regtools.analyses.comparison.recommendation import sum_today
from regtools.analyses.cost import best_bills
from regtools.analyses.prices import price_book
from regtools.analyses.scenario import egress_bytes
from regtools.analyses.workload import Workload
from regtools.units import format_bytes, format_usd

_WORDS: Final = {
    "storage_gb": "{:,.0f} GB stored",
    "egress_gb": "{:,.0f} GB of traffic a month",
    "users": "{:,.0f} people",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the cost report says first."""

    stored_bytes: int
    """As stored now; or as typed."""
    egress_bytes: int
    """A month."""
    provider: str
    """The cheapest that holds the workload; empty: none does."""
    plan: str
    monthly_usd: Decimal | None
    today_usd: Decimal | None
    """None: not known, or there is no registry yet."""
    changes: tuple[str, ...]
    """Sentences: when another one becomes the cheapest."""

    @property
    def sentence(self) -> str:
        """Everything in one sentence but the changes."""
        have = (
            f"You store {format_bytes(self.stored_bytes)} and move "
            f"{format_bytes(self.egress_bytes)} a month"
        )
        if not self.provider:
            return f"{have}; no plan of the price book holds that."
        today = "" if self.today_usd is None else f"; today's is {format_usd(self.today_usd)}"
        return (
            f"{have}; the cheapest is {self.provider} ({self.plan}) at "
            f"{format_usd(self.monthly_usd)} a month{today}."
        )


def cost_answer(workload: Workload, *, book: PriceBook | None = None) -> Answer:
    """Say who is the cheapest, what today's bill is, and what would change the answer.

    Parameters
    ----------
    workload
        What `regtools.workload` gives.
    book
        Another price book than the one of this package.
    """
    whole = book or price_book()
    bills = best_bills(workload, whole)
    ordered = sorted(bills, key=lambda bill: bill.monthly_usd or Decimal(0))
    best = ordered[0] if ordered else None
    return Answer(
        stored_bytes=_stored(workload),
        egress_bytes=int(egress_bytes(workload.inputs, workload.scenario)),
        provider=best.provider.title if best else "",
        plan=best.plan.name if best else "",
        monthly_usd=best.monthly_usd if best else None,
        today_usd=sum_today(workload, whole),
        changes=tuple(_changes(workload, ordered, whole)) if best else (),
    )


def _stored(workload: Workload) -> int:
    parts = workload.parts or ()
    if not parts:
        return workload.inputs.stored_bytes["registry"]
    return sum(part.inputs.stored_bytes["registry"] for part in parts)


def _changes(workload: Workload, ordered: list[Bill], book: PriceBook) -> list[str]:
    best = ordered[0]
    axes = [Axis(workload, over, book) for over in _WORDS]
    found = _tipping(axes, paid=False)
    sentences = [_sentence(row) for row in found.to_dict("records")]
    if found.empty:
        reach = ", ".join(_WORDS[over].format(float(reach_of(workload, over))) for over in _WORDS)
        sentences.append(
            f"It stays {best.provider.title} up to {reach}: only its terms would change that."
        )
    paying = next((bill for bill in ordered if bill.monthly_usd), None)
    if not best.monthly_usd and paying is not None:
        sentences.append(
            f"Of those that charge, {paying.provider.title} ({paying.plan.name}) asks least: "
            f"{format_usd(paying.monthly_usd)} a month."
        )
        paid = _tipping(axes, paid=True)
        sentences += [_sentence(row) for row in paid.to_dict("records")]
    return sentences


def _tipping(axes: Iterable[Axis], *, paid: bool) -> pd.DataFrame:
    return pd.concat([tipping_along(axis, paid=paid) for axis in axes], ignore_index=True)


def _sentence(row: dict[object, object]) -> str:
    """Say from where on another one is the cheapest; what is behind us already is told from there."""
    over = str(row["over"])
    where, now = (_WORDS[over].format(row[name]) for name in ("amount", "now"))
    if float(str(row["amount"])) > float(str(row["now"])):
        return (
            f"From {where} on (now {now}), {row['to_provider']} ({row['to_plan']}) is cheaper "
            f"than {row['from_provider']}."
        )
    return (
        f"Below {where} (now {now}), {row['from_provider']} ({row['from_plan']}) would be cheaper "
        f"than {row['to_provider']}."
    )
