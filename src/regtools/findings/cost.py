"""What the cost report says first."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from regtools.analyses.comparison.answer import Answer
from regtools.analyses.horizon import MONTHS
from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.tables import is_missing
from regtools.units import GB, format_bytes, format_usd

_SURE: Final = ("A", "B")
"""Grades of a price that was read on the vendor's page, or dated at a third party."""
_WIDE: Final = 0.3  # of the estimate: a range that decides
_MORE_STORED: Final = 1.1
_ENOUGH_PROVIDERS: Final = 3  # to speak of the dearest of them


def cost_findings(
    cost: pd.DataFrame, answer: Answer, today: pd.DataFrame | None = None
) -> Findings:
    """Say which plan is cheapest and when that changes, how sure it is, and what cheaper ones lack.

    Parameters
    ----------
    cost
        What `regtools.cost` gives.
    answer
        What `regtools.cost_answer` gives of the same workload.
    today
        What `regtools.bills_today` gives of it: adds each registry's own bill.
    """
    possible = cost[cost["feasible"].astype(bool) & cost["monthly_usd"].notna()]
    if possible.empty:
        summary = "No plan of the price book can hold this workload."
        remedy = "The table of plans says what each lacks."
        found = [Finding(severity="critical", code="NO_PLAN", summary=summary, remedy=remedy)]
        return Findings(found, _numbers(possible, cost, answer), _registries(today))
    ordered = possible.sort_values("monthly_usd", kind="stable")
    best = _record(ordered, 0)
    found = [
        *_incomplete(cost),
        _cheapest(best, answer),
        *_uncertain(best),
        *_cheapest_paid(ordered, best),
        *_dearest(ordered),
        *_too_small(ordered, best),
        *_stored(ordered),
        *_impossible(cost, best),
        *_unpriced(cost),
    ]
    return Findings(found, _numbers(ordered, cost, answer), _registries(today))


def _registries(today: pd.DataFrame | None) -> list[dict[str, Any]]:
    rows = [] if today is None else today.to_dict("records")
    return [
        {"registry": row["registry"], "monthly_usd": float(row["monthly_usd"])}
        for row in rows
        if not is_missing(row["monthly_usd"])
    ]


def _record(frame: pd.DataFrame, place: int) -> dict[str, Any]:
    return {str(name): value for name, value in frame.iloc[place].items()}


def _name(row: dict[str, Any]) -> str:
    return f"{row['provider']} ({row['plan']})"


def _incomplete(cost: pd.DataFrame) -> list[Finding]:
    if cost["complete"].all():
        return []
    return [
        Finding(
            severity="warning",
            code="INCOMPLETE",
            summary="The newest scan is not complete: bills for storage and traffic are lower bounds.",
            remedy="The last section names what could not be read and why.",
        )
    ]


def _cheapest(best: dict[str, Any], answer: Answer) -> Finding:
    free = float(best["monthly_usd"]) == 0
    notes = [str(best["notes"])] if free else []
    return Finding(
        severity="info",
        code="CHEAPEST",
        subject=str(best["provider"]),
        summary=f"{answer.sentence}{_between(best)}",
        remedy=" ".join([*answer.changes, *notes]),
    )


def _between(row: dict[str, Any]) -> str:
    low, high = row["low_usd"], row["high_usd"]
    if is_missing(high):
        return " It may be more."
    if high <= low:
        return ""
    return f" What is not certain leaves a range from {format_usd(low)} to {format_usd(high)}."


def _uncertain(best: dict[str, Any]) -> list[Finding]:
    low, high, monthly = best["low_usd"], best["high_usd"], float(best["monthly_usd"])
    narrow = not is_missing(high) and high - low <= _WIDE * monthly
    if str(best["grade"]) in _SURE and narrow:
        return []
    return [
        Finding(
            severity="warning",
            code="PRICE_UNCERTAIN",
            subject=str(best["provider"]),
            summary=f"The price of {_name(best)} is not certain (grade {best['grade']}).",
            remedy="Ask the vendor for a quote before deciding.",
        )
    ]


def _cheapest_paid(ordered: pd.DataFrame, best: dict[str, Any]) -> list[Finding]:
    """Name the next provider, or behind a free plan the first that is paid for."""
    others = ordered[(ordered["provider"] != best["provider"]) & (ordered["monthly_usd"] > 0)]
    if others.empty:
        return []
    second = _record(others, 0)
    more = float(second["monthly_usd"]) - float(best["monthly_usd"])
    return [
        Finding(
            severity="info",
            code="NEXT",
            subject=str(second["provider"]),
            summary=(
                f"Next is {_name(second)} at {format_usd(second['monthly_usd'])} a month, "
                f"{format_usd(more * 12)} a year more.{_between(second)}"
            ),
            remedy=str(second["notes"]),
        )
    ]


def _dearest(ordered: pd.DataFrame) -> list[Finding]:
    """Name the provider whose cheapest plan costs most."""
    plans = ordered[ordered["cheapest_of_provider"]]
    if len(plans) < _ENOUGH_PROVIDERS:
        return []
    last = _record(plans, -1)
    return [
        Finding(
            severity="info",
            code="DEAREST",
            subject=str(last["provider"]),
            summary=(
                f"{_name(last)} costs most of the {len(plans)} providers' cheapest plans: "
                f"{format_usd(last['monthly_usd'])} a month."
            ),
        )
    ]


def _too_small(ordered: pd.DataFrame, best: dict[str, Any]) -> list[Finding]:
    """Say when growth makes the cheapest plan too small."""
    months = int(best["fits_months"])
    if months >= MONTHS:
        return []
    later = ordered[ordered["fits_months"] >= MONTHS]
    then = f"{_name(_record(later, 0))} holds 36 months of it." if len(later) else ""
    return [
        Finding(
            severity="warning",
            code="PLAN_GETS_TOO_SMALL",
            subject=str(best["provider"]),
            summary=f"With its growth, {_name(best)} holds this registry for {months} more months.",
            remedy=then,
        )
    ]


def _stored(ordered: pd.DataFrame) -> list[Finding]:
    """Say that providers bill the same images for different bytes."""
    plans = ordered[ordered["cheapest_of_provider"]].sort_values("storage_gb")
    if plans.empty or plans["storage_gb"].iloc[-1] < _MORE_STORED * plans["storage_gb"].iloc[0]:
        return []
    least, most = _record(plans, 0), _record(plans, -1)
    return [
        Finding(
            severity="info",
            code="STORED_DIFFERENTLY",
            summary=(
                f"The same images take {_gb(least)} at {least['provider']} and "
                f"{_gb(most)} at {most['provider']}."
            ),
            remedy="Layers are shared by the whole registry at one, by less at the other.",
        )
    ]


def _gb(row: dict[str, Any]) -> str:
    return format_bytes(round(row["storage_gb"] * GB))


def _impossible(cost: pd.DataFrame, best: dict[str, Any]) -> list[Finding]:
    possible = cost["feasible"].astype(bool)
    cheaper = cost[~possible & (cost["monthly_usd"] <= float(best["monthly_usd"]))]
    if cheaper.empty:
        return []
    first = _record(cheaper, 0)
    count = "One plan costs" if len(cheaper) == 1 else f"{len(cheaper)} plans cost"
    return [
        Finding(
            severity="info",
            code="CHEAPER_BUT_NOT_POSSIBLE",
            summary=f"{count} no more but cannot hold this workload.",
            remedy=f"Such as {_name(first)}: {first['why_not']}.",
        )
    ]


def _unpriced(cost: pd.DataFrame) -> list[Finding]:
    missing = cost[cost["monthly_usd"].isna()]
    if missing.empty:
        return []
    names = ", ".join(_name(_record(missing, place)) for place in range(len(missing)))
    return [
        Finding(
            severity="info",
            code="UNPRICED",
            summary=f"No price is published for {names}.",
            remedy="Ask for a quote; it stands in the table, not in the pictures.",
        )
    ]


def _numbers(ordered: pd.DataFrame, cost: pd.DataFrame, answer: Answer) -> list[KeyNumber]:
    paid = ordered[ordered["monthly_usd"] > 0]
    plans = ordered[ordered["cheapest_of_provider"]]
    return [
        _today(answer),
        _tile("cheapest_usd", "Cheapest", ordered, 0),
        _tile("cheapest_paid_usd", "Cheapest paid plan", paid, 0),
        _tile("dearest_provider_usd", "Dearest provider", plans, -1),
        KeyNumber(
            name="possible_plans",
            value=len(ordered),
            label="Possible plans",
            note=f"of {len(cost)} in the price book",
        ),
    ]


def _today(answer: Answer) -> KeyNumber:
    usd = answer.today_usd
    return KeyNumber(
        name="today_usd",
        value=None if usd is None else float(usd),
        label="Today",
        note="not known" if usd is None else "a month, where it is now",
    )


def _tile(name: str, label: str, plans: pd.DataFrame, place: int) -> KeyNumber:
    if plans.empty:
        return KeyNumber(name=name, value=None, label=label, note="none")
    row = _record(plans, place)
    note = f"a month, {_name(row)}"
    return KeyNumber(name=name, value=float(row["monthly_usd"]), label=label, note=note)
