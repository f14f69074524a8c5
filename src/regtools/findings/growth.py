"""What the storage report says first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.findings.retention import freed_numbers, freed_words, worth_words
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
        *_capacity(growth.forecast),
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
    return Findings(findings, numbers)


def _numbers(growth: Growth, usage: pd.DataFrame) -> list[KeyNumber]:
    physical, logical = _now(growth.series, "physical_bytes"), _now(growth.series, "logical_bytes")
    saved = 1 - physical / logical if logical else 0.0
    rate = _rate(growth.forecast)
    numbers = [
        KeyNumber(
            name="physical_bytes",
            value=physical,
            label="Stored",
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
    return [*numbers, *_days_until_full(growth.forecast)]


def _days_until_full(forecast: pd.DataFrame) -> list[KeyNumber]:
    rows = _with_capacity(forecast)
    if rows.empty:
        return []
    days = rows["days_until_full"].dropna()
    capacity = format_bytes(int(rows["capacity_bytes"].min()))
    return [
        KeyNumber(
            name="days_until_full",
            value=None if days.empty else round(days.min()),
            label="Days until full",
            note=f"capacity {capacity}",
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


def _with_capacity(forecast: pd.DataFrame) -> pd.DataFrame:
    return forecast[forecast["capacity_bytes"].notna()]


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


def _capacity(forecast: pd.DataFrame) -> list[Finding]:
    found = []
    for row in _with_capacity(forecast).sort_values("days_until_full").to_dict("records"):
        days, capacity = row["days_until_full"], format_bytes(int(row["capacity_bytes"]))
        if is_missing(days) or float(days) > _FAR:
            summary = f"{row['registry']} will not fill its {capacity} within two years."
            found.append(Finding(severity="ok", code="CAPACITY_FINE", summary=summary))
            continue
        found.append(_full(row, round(float(days)), capacity))
    return found


def _full(row: dict[Any, Any], days: int, capacity: str) -> Finding:
    registry = str(row["registry"])
    severity = "critical" if days < FULL_SOON else "warning" if days < FULL_LATER else "info"
    summary = (
        f"{registry} has reached its capacity of {capacity}."
        if days <= 0
        else f"{registry} reaches its capacity of {capacity} in about {days} days{_between(row)}."
    )
    return Finding(
        severity=severity,
        code="CAPACITY_SOON" if severity != "info" else "CAPACITY_FINE",
        subject=registry,
        summary=summary,
        remedy="Delete tags nobody pulls, or order storage." if severity != "info" else "",
    )


def _between(row: dict[Any, Any]) -> str:
    soonest, latest = row["soonest_days_until_full"], row["latest_days_until_full"]
    if is_missing(soonest) or (not is_missing(latest) and latest - soonest < 1):
        return ""
    return f" (at the soonest in {soonest:.0f}" + (
        ", perhaps never)" if is_missing(latest) else f", at the latest in {latest:.0f})"
    )


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
                    f"Likely between {format_bytes(month[1])} and {format_bytes(month[2])}, "
                    f"from {int(row['points'])} snapshots over {round(row['days_observed'])} days."
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
