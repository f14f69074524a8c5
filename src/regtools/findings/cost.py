"""What the cost report says first."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.tables import is_missing
from regtools.units import format_usd

_SURE: Final = ("A", "B")
"""Grades of a price that was read on the vendor's page, or dated at a third party."""
_WIDE: Final = 0.3  # of the estimate: a range that decides


def cost_findings(cost: pd.DataFrame) -> Findings:
    """Say which plan is cheapest, how sure that is, and what cheaper ones lack.

    Parameters
    ----------
    cost
        What `regtools.cost` gives.
    """
    possible = cost[cost["feasible"].astype(bool) & cost["monthly_usd"].notna()]
    if possible.empty:
        summary = "No plan of the price book can hold this workload."
        remedy = "The table of plans says what each lacks."
        found = [Finding(severity="critical", code="NO_PLAN", summary=summary, remedy=remedy)]
        return Findings(found, _numbers(possible, cost))
    ordered = possible.sort_values("monthly_usd", kind="stable")
    best = _record(ordered, 0)
    found = [
        _cheapest(best),
        *_uncertain(best),
        *_runner_up(ordered),
        *_impossible(cost, float(best["monthly_usd"])),
        *_unpriced(cost),
    ]
    return Findings(found, _numbers(ordered, cost))


def _record(frame: pd.DataFrame, place: int) -> dict[str, Any]:
    return {str(name): value for name, value in frame.iloc[place].items()}


def _name(row: dict[str, Any]) -> str:
    return f"{row['provider']} ({row['plan']})"


def _range(row: dict[str, Any]) -> tuple[float, float]:
    monthly = float(row["monthly_usd"])
    return (
        monthly if is_missing(row["low_usd"]) else float(row["low_usd"]),
        monthly if is_missing(row["high_usd"]) else float(row["high_usd"]),
    )


def _cheapest(best: dict[str, Any]) -> Finding:
    low, high = _range(best)
    between = f" (between {format_usd(low)} and {format_usd(high)})" if high > low else ""
    free = float(best["monthly_usd"]) == 0
    return Finding(
        severity="ok",
        code="CHEAPEST",
        subject=str(best["provider"]),
        summary=(
            f"{_name(best)} is the cheapest plan that can hold this workload: "
            f"{format_usd(best['monthly_usd'])} a month{between}."
        ),
        remedy="Free today is no promise: read the vendor's notice period below." if free else "",
    )


def _uncertain(best: dict[str, Any]) -> list[Finding]:
    low, high = _range(best)
    monthly = float(best["monthly_usd"])
    if str(best["grade"]) in _SURE and (monthly == 0 or high - low <= _WIDE * monthly):
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


def _runner_up(ordered: pd.DataFrame) -> list[Finding]:
    others = ordered[ordered["provider"] != ordered.iloc[0]["provider"]]
    if others.empty:
        return []
    second, last = _record(others, 0), _record(others, -1)
    more = float(second["monthly_usd"]) - float(ordered.iloc[0]["monthly_usd"])
    return [
        Finding(
            severity="info",
            code="NEXT",
            subject=str(second["provider"]),
            summary=(
                f"Next is {_name(second)} at {format_usd(second['monthly_usd'])} a month, "
                f"{format_usd(more * 12)} a year more."
            ),
            remedy=f"Dearest is {_name(last)} at {format_usd(last['monthly_usd'])} a month.",
        )
    ]


def _impossible(cost: pd.DataFrame, best: float) -> list[Finding]:
    prices = cost["monthly_usd"].astype(float)
    cheaper = cost[~cost["feasible"].astype(bool) & (prices <= best)]
    if cheaper.empty:
        return []
    first = _record(cheaper, 0)
    count = "One plan costs" if len(cheaper) == 1 else f"{len(cheaper)} plans cost"
    return [
        Finding(
            severity="info",
            code="CHEAPER_BUT_NOT_POSSIBLE",
            summary=f"{count} no more but cannot hold this workload.",
            remedy=f"Such as {_name(first)}: {first['why_not']}",
        )
    ]


def _unpriced(cost: pd.DataFrame) -> list[Finding]:
    missing = sorted(set(cost.loc[cost["monthly_usd"].isna(), "provider"]))
    if not missing:
        return []
    return [
        Finding(
            severity="info",
            code="UNPRICED",
            summary=f"No price is published by {', '.join(missing)}.",
            remedy="They are in the table, not in the pictures.",
        )
    ]


def _numbers(ordered: pd.DataFrame, cost: pd.DataFrame) -> list[KeyNumber]:
    first = None if ordered.empty else float(ordered.iloc[0]["monthly_usd"])
    last = None if ordered.empty else float(ordered.iloc[-1]["monthly_usd"])
    return [
        KeyNumber(name="cheapest_usd", value=first, label="Cheapest", note="a month"),
        KeyNumber(name="dearest_usd", value=last, label="Dearest", note="a month"),
        KeyNumber(
            name="possible_plans",
            value=len(ordered),
            label="Possible plans",
            note=f"of {len(cost)} in the price book",
        ),
    ]
