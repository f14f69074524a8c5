"""What the storage report says first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.findings.retention import freed_numbers, freed_words, worth_words
from regtools.markup import format_date
from regtools.tables import is_missing
from regtools.units import format_bytes

if TYPE_CHECKING:
    from regtools.analyses.growth import Growth
    from regtools.analyses.retention import Retention

FULL_SOON: Final = 30
FULL_LATER: Final = 90
_MONTH: Final = 30
_FAR: Final = 730  # no trend holds for longer
_HARDLY: Final = 0.02  # shared: not worth a sentence
_MODELS: Final = {
    "line": "what is stored swings about a line",
    "walk": "what came has stayed so far",
}
_ONE_REPOSITORY: Final = 0.4  # of the growth: worth naming its owner


def growth_findings(
    growth: Growth, usage: pd.DataFrame, found: Retention | None = None
) -> Findings:
    """Say how much is stored, how fast it grows, what makes it grow and how sure that is.

    Parameters
    ----------
    growth
        What `regtools.growth` gives.
    usage
        What ``regtools.usage(by="repository")`` gives for the same registries.
    found
        What `regtools.retention` gives for them: adds what a rule would free.
    """
    findings = [
        *_incomplete(usage),
        *_limits(growth.limits),
        *_steps(growth.steps),
        *_trend(growth.forecast),
        *_growers(growth.by_repository),
        *_freed(found),
        *_sharing(usage),
        *_notes(growth.notes),
    ]
    if not findings:
        nothing = "Nothing is stored yet."
        findings = [Finding(severity="info", code="NOTHING_STORED", summary=nothing)]
    numbers = [*_numbers(growth, usage), *(freed_numbers(found) if found is not None else [])]
    return Findings(findings, numbers, _registries(growth))


def _registries(growth: Growth) -> list[dict[str, Any]]:
    """Give each registry's own numbers; what is not known is left out."""
    measured = growth.series[growth.series["basis"] == "measured"]
    rates = growth.forecast.set_index("registry")["bytes_per_day"]
    hard = growth.limits[growth.limits["kind"] != "price"].dropna(subset="days_until")
    until = hard.groupby("registry")["days_until"].min()
    found = []
    for registry, rows in measured.groupby("registry"):
        last = rows.sort_values("taken_at").iloc[-1]
        row = {
            "registry": registry,
            "physical_bytes": int(last["physical_bytes"]),
            "complete": bool(last["complete"]),
        }
        if registry in rates.index:
            row["growth_month_bytes"] = round(float(rates[registry]) * _MONTH)
        if registry in until.index:
            row["days_until_full"] = round(float(until[registry]))
        found.append(row)
    return found


def _numbers(growth: Growth, usage: pd.DataFrame) -> list[KeyNumber]:
    physical, logical = _now(growth.series, "physical_bytes"), _now(growth.series, "logical_bytes")
    saved = 1 - physical / logical if logical else 0.0
    rate = _rate(growth.forecast)
    whole = usage.empty or bool(usage["complete"].all())
    numbers = [
        KeyNumber(
            name="physical_bytes",
            value=physical,
            label="Stored" if whole else "Stored at least",
            note=f"{len(usage):,} repositories, {_sum(usage, 'tags'):,} tags",
        ),
        KeyNumber(
            name="growth_month_bytes",
            value=None if rate is None else round(rate * _MONTH),
            label="Growth a month",
            note="measured trend, 30 days",
        ),
        KeyNumber(
            name="saved_share",
            value=saved,
            label="Saved by sharing",
            note=f"tags added up: {format_bytes(logical)}",
        ),
    ]
    return [*numbers, *_days_until_full(growth.limits)]


def _days_until_full(limits: pd.DataFrame) -> list[KeyNumber]:
    """Give the soonest of what cannot be passed."""
    rows = limits[limits["kind"] != "price"].sort_values(["days_until", "limit_bytes"])
    if rows.empty:
        return []
    first = rows.iloc[0]
    return [
        KeyNumber(
            name="days_until_full",
            value=None if is_missing(first["days_until"]) else round(float(first["days_until"])),
            label="Days until full",
            note=f"{first['kind']} {format_bytes(int(first['limit_bytes']))}",
        )
    ]


def _now(series: pd.DataFrame, column: str) -> int:
    """Add up the newest point of each registry."""
    if series.empty:
        return 0
    return int(series.sort_values("taken_at").groupby("registry")[column].last().sum())


def _sum(frame: pd.DataFrame, column: str) -> int:
    return int(frame[column].fillna(0).sum()) if not frame.empty else 0


def _rate(forecast: pd.DataFrame) -> float | None:
    rates = forecast["bytes_per_day"].dropna() if not forecast.empty else pd.Series(dtype=float)
    return None if rates.empty else float(rates.sum())


def _incomplete(usage: pd.DataFrame) -> list[Finding]:
    if usage.empty:
        return []
    partly = sorted(set(usage.loc[~usage["complete"].astype(bool), "registry"]))
    return [
        Finding(
            severity="warning",
            code="INCOMPLETE",
            subject=registry,
            summary=f"The newest scan of {registry} is not complete: its bytes are a lower bound.",
            remedy="The last section names what could not be read and why.",
        )
        for registry in partly
    ]


def _limits(limits: pd.DataFrame) -> list[Finding]:
    found = []
    for row in limits.to_dict("records"):
        days = row["days_until"]
        if row["kind"] == "price":
            found += _price(row)
        elif is_missing(days) or float(days) > _FAR:
            found.append(_far(row))
        else:
            found.append(_full(row, round(float(days))))
    return found


def _limit_words(row: dict[Any, Any]) -> str:
    size = format_bytes(int(row["limit_bytes"]))
    named = f" for {row['name']}" if row["name"] else ""
    return f"its {row['kind']} of {size}{named}"


def _far(row: dict[Any, Any]) -> Finding:
    if is_missing(row["soonest_days_until"]):
        used = int(row["used_bytes"]) / int(row["limit_bytes"])
        summary = f"{row['registry']} uses {used:.0%} of {_limit_words(row)}."
    else:
        summary = f"{row['registry']} will hardly reach {_limit_words(row)} within two years."
    soonest = row["soonest_days_until"]
    return Finding(
        severity="ok",
        code="CAPACITY_FINE",
        subject=str(row["registry"]),
        summary=summary,
        remedy=""
        if is_missing(soonest) or float(soonest) > _FAR
        else f"At the soonest in {float(soonest):.0f} days.",
    )


def _full(row: dict[Any, Any], days: int) -> Finding:
    registry = str(row["registry"])
    severity = "critical" if days < FULL_SOON else "warning" if days < FULL_LATER else "info"
    summary = (
        f"{registry} has reached {_limit_words(row)}."
        if days <= 0
        else f"{registry} reaches {_limit_words(row)} in about {days} days{_between(row)}."
    )
    return Finding(
        severity=severity,
        code="CAPACITY_SOON" if severity != "info" else "CAPACITY_FINE",
        subject=registry,
        summary=summary,
        remedy="Delete tags nobody pulls, or order storage." if severity != "info" else "",
    )


def _price(row: dict[Any, Any]) -> list[Finding]:
    """Say when the next byte costs otherwise, where that is near."""
    days = row["days_until"]
    if is_missing(days) or float(days) > FULL_LATER:
        return []
    size = format_bytes(int(row["limit_bytes"]))
    return [
        Finding(
            severity="info",
            code="PRICE_STEP",
            subject=str(row["registry"]),
            summary=(
                f"{row['registry']} passes {size} in about {float(days):.0f} days{_between(row)}: "
                f"from there on storage has another price ({row['name']})."
            ),
            remedy="The cost comparison says what that comes to.",
        )
    ]


def _between(row: dict[Any, Any]) -> str:
    soonest, latest = row["soonest_days_until"], row["latest_days_until"]
    if is_missing(soonest) or (not is_missing(latest) and latest - soonest < 1):
        return ""
    return f" (at the soonest in {soonest:.0f}" + (
        ", perhaps never)" if is_missing(latest) else f", at the latest in {latest:.0f})"
    )


def _steps(steps: pd.DataFrame) -> list[Finding]:
    return [
        Finding(
            severity="info",
            code="STEP",
            subject=str(row["registry"]),
            summary=(
                f"{row['registry']} {'rose' if row['change_bytes'] > 0 else 'fell'} by "
                f"{format_bytes(abs(int(row['change_bytes'])))} at once, seen on "
                f"{format_date(row['until'])}; {row['repository']} changed most."
            ),
            remedy="The trend is that of the days before and after it.",
        )
        for row in steps.to_dict("records")
    ]


def _trend(forecast: pd.DataFrame) -> list[Finding]:
    found = []
    for row in forecast.sort_values("bytes_per_day", ascending=False).to_dict("records"):
        month = [
            round(float(row[name]) * _MONTH)
            for name in ("bytes_per_day", "low_bytes_per_day", "high_bytes_per_day")
        ]
        verb = "grows" if month[0] >= 0 else "shrinks"
        found.append(
            Finding(
                severity="info",
                code="TREND",
                subject=str(row["registry"]),
                summary=f"{row['registry']} {verb} by about {format_bytes(abs(month[0]))} a month.",
                remedy=(
                    f"Likely between {format_bytes(month[1])} and {format_bytes(month[2])} "
                    f"(80 %), from {int(row['points'])} snapshots over "
                    f"{round(row['days_observed'])} days; {_MODELS[row['model']]}."
                ),
            )
        )
    return found


def _growers(by_repository: pd.DataFrame) -> list[Finding]:
    grown = by_repository[by_repository["grown_bytes"] > 0]
    if grown.empty:
        return []
    top = grown.sort_values("grown_bytes", ascending=False).iloc[0]
    share = float(top["grown_bytes"]) / float(grown["grown_bytes"].sum())
    if share < _ONE_REPOSITORY and len(grown) > 1:
        return []
    return [
        Finding(
            severity="warning" if share > _ONE_REPOSITORY and len(grown) > 2 else "info",
            code="ONE_GROWER",
            subject=str(top["repository"]),
            summary=(
                f"{top['repository']} alone makes {share:.0%} of the growth: "
                f"{format_bytes(int(top['grown_bytes']))} with {int(top['added_tags']):,} new tags."
            ),
            remedy="Ask its owners how many of its builds must stay.",
        )
    ]


def _freed(found: Retention | None) -> list[Finding]:
    if found is None or not found.manifests_deleted:
        return []
    return [
        Finding(
            severity="info",
            code="COULD_FREE",
            summary=f"A clean-up could free {freed_words(found)}{worth_words(found)}.",
            remedy=(
                f"By the rule “{found.rule_words}” {found.tags_deleted:,} tags would go. Nothing "
                "was deleted; what you could free has a section of its own."
            ),
        )
    ]


def _sharing(usage: pd.DataFrame) -> list[Finding]:
    physical, own = _sum(usage, "physical_bytes"), _sum(usage, "exclusive_bytes")
    if physical == 0 or 1 - own / physical < _HARDLY or (usage["dedup_scope"] == "unknown").any():
        return []
    return [
        Finding(
            severity="info",
            code="SHARED",
            summary=(
                f"{1 - own / physical:.0%} of what the repositories reach is shared between them: "
                "deleting one frees only the rest."
            ),
            remedy="The table of repositories says what deleting each would free.",
        )
    ]


def _notes(notes: Sequence[str]) -> list[Finding]:
    if not notes:
        return []
    summary = "What to know to read these numbers right"
    return [Finding(severity="info", code="NOTES", summary=summary, remedy=" ".join(notes))]
