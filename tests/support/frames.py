"""Frames as the analyses give them, small and made by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd

NOW = datetime(2026, 11, 23, tzinfo=UTC)
REGISTRY = "registry.acme.example"
HOSTILE = "<script>$x$\x1b[31m</script>"


def growth_frames(*, capacity: float | None = None, days_until_full: float | None = None) -> Any:
    """Give growth from 100 GB to 190 GB in 9 months, the first 4 reconstructed."""
    series = pd.DataFrame(
        {
            "registry": REGISTRY,
            "taken_at": NOW - timedelta(days=30 * (9 - month)),
            "basis": "reconstructed" if month < 4 else "measured",
            "logical_bytes": (100 + 10 * month) * 3 * 10**9,
            "physical_bytes": (100 + 10 * month) * 10**9,
            "tags": 10 * month,
            "repositories": 3,
            "complete": month != 6,
        }
        for month in range(10)
    )
    by_repository = pd.DataFrame(
        {
            "registry": REGISTRY,
            "repository": name,
            "first_bytes": 10**9,
            "last_bytes": grown + 10**9,
            "grown_bytes": grown,
            "added_tags": 7,
            "removed_tags": 1,
        }
        for name, grown in (("web", 60 * 10**9), (HOSTILE, 20 * 10**9), ("ops", 10**9), ("old", -5))
    )
    forecast = pd.DataFrame(
        [
            {
                "registry": REGISTRY,
                "model": "walk",
                "points": 6,
                "days_observed": 150.0,
                "bytes_per_day": 1e9,
                "low_bytes_per_day": 0.5e9,
                "high_bytes_per_day": 1.5e9,
                "measured_at": NOW,
                "physical_bytes": 190 * 10**9,
                "forecast_days": 90,
                "forecast_bytes": 280 * 10**9,
                "forecast_low_bytes": 235 * 10**9,
                "forecast_high_bytes": 325 * 10**9,
                "capacity_bytes": math.nan if capacity is None else capacity,
                "days_until_full": math.nan if days_until_full is None else days_until_full,
                "soonest_days_until_full": math.nan
                if days_until_full is None
                else days_until_full / 2,
                "latest_days_until_full": math.nan,
            }
        ]
    )
    ahead = pd.DataFrame(
        {
            "registry": REGISTRY,
            "day": day,
            "at": NOW + timedelta(days=day),
            "likely_bytes": (190 + day) * 10**9,
            "low_bytes": (380 + day) * 10**9 // 2,
            "high_bytes": (380 + 3 * day) * 10**9 // 2,
        }
        for day in range(1, 91)
    )
    steps = pd.DataFrame(
        [
            {
                "registry": REGISTRY,
                "since": NOW - timedelta(days=60),
                "until": NOW - timedelta(days=30),
                "change_bytes": -(10**10),
                "repository": HOSTILE,
                "repository_change_bytes": -(10**10),
            }
        ]
    )
    limits = pd.DataFrame(
        {
            "registry": REGISTRY,
            "kind": "capacity",
            "name": "",
            "limit_bytes": 0 if capacity is None else int(capacity),
            "used_bytes": 190 * 10**9,
            "measured_at": NOW,
            "days_until": row["days_until_full"],
            "soonest_days_until": row["soonest_days_until_full"],
            "latest_days_until": row["latest_days_until_full"],
            "source": "as given",
        }
        for row in forecast.to_dict("records")
    )
    return SimpleNamespace(
        series=series,
        by_repository=by_repository,
        forecast=forecast,
        ahead=ahead,
        steps=steps,
        limits=limits if capacity is not None else limits.head(0),
        notes=("A note on the past.",),
    )


def between_frames() -> Any:
    """Give a month in which web brought 60 GB and one with a hostile name 20, half on a base."""
    changes = pd.DataFrame(
        {
            "registry": REGISTRY,
            "repository": name,
            "came_bytes": came * 10**9,
            "went_bytes": went * 10**9,
            "grown_bytes": (came - went) * 10**9,
        }
        for name, came, went in (("web", 60, 0), (HOSTILE, 20, 5), ("old", 0, 10), ("same", 0, 0))
    )
    totals = changes.groupby("registry", as_index=False)[["came_bytes", "went_bytes"]].sum()
    bases = pd.DataFrame(
        {
            "registry": REGISTRY,
            "base": base,
            "platform": platform,
            "layers": layers,
            "images": images,
            "came_bytes": 40 * 10**9,
            "went_bytes": 0,
            "grown_bytes": 40 * 10**9,
        }
        for base, platform, layers, images in (("", "", 0, 0), ("base:12", "linux/amd64", 2, 7))
    )
    return SimpleNamespace(
        totals=totals.assign(since=NOW - timedelta(days=30), until=NOW, complete=True),
        repositories=changes,
        bases=bases,
    )


def churn_frames(*, passing: int = 15) -> Any:
    """Give two registries, one of which pushed 60 GB in two nights, and so much is gone again."""
    intervals = pd.DataFrame(
        {
            "registry": registry,
            "since": NOW - timedelta(days=since),
            "until": NOW - timedelta(days=until),
            "came_bytes": came * 10**9,
            "went_bytes": went * 10**9,
        }
        for registry, since, until, came, went in (
            (REGISTRY, 2, 1, 40, 0),
            (REGISTRY, 1, 0, 20, passing),
            ("other.example", 2, 0, 20, 0),
        )
    )
    repositories = pd.DataFrame(
        {"registry": REGISTRY, "repository": name, "passing_bytes": size * 10**9}
        for name, size in ((HOSTILE, passing), ("web", 0))
    )
    totals = pd.DataFrame(
        {
            "registry": [REGISTRY, "other.example"],
            "scans": [3, 2],
            "came_bytes": [60 * 10**9, 20 * 10**9],
            "went_bytes": [passing * 10**9, 0],
            "passing_bytes": [passing * 10**9, 0],
            "complete": [True, True],
        }
    )
    return SimpleNamespace(totals=totals, repositories=repositories, intervals=intervals)


def drift_frame() -> pd.DataFrame:
    """Give tags that moved: one made for it, one that names a build, and one taken back."""
    return pd.DataFrame(
        {
            "registry": REGISTRY,
            "repository": HOSTILE,
            "tag": tag,
            "kind": kind,
            "moves": moves,
            "returns": returns,
            "last_moved_at": NOW,
            "days_between": 2.5,
        }
        for tag, kind, moves, returns in (
            ("latest", "latest", 9, 0),
            ("1.4", "version", 5, 0),
            ("1.4.2", "version", 2, 0),
            ("main", "branch", 2, 1),
        )
    )


def what_if(*, keep_last: int | None = 2, complete: bool = True) -> Any:
    """Give a rule that frees 60 of 100 GB in two registries, and its curve in four steps."""
    repositories = pd.DataFrame(
        {
            "registry": REGISTRY,
            "repository": name,
            "tags": 9,
            "versions_kept": kept,
            "physical_bytes": sum(parts) * 10**9,
            "freed_bytes": parts[0] * 10**9,
            "freed_with_others_bytes": parts[1] * 10**9,
            "kept_bytes": parts[2] * 10**9,
            "kept_with_others_bytes": parts[3] * 10**9,
        }
        for name, kept, parts in (
            ("web", 2, (40, 5, 10, 5)),
            (HOSTILE, 2, (10, 10, 5, 5)),
            ("empty", 0, (0, 0, 0, 0)),
        )
    )
    curve = pd.DataFrame(
        [
            (REGISTRY, 0, 0, 90 * 10**9, 0),
            (REGISTRY, 1, 2, 70 * 10**9, 20 * 10**9),
            (REGISTRY, 4, 6, 30 * 10**9, 60 * 10**9),
            ("other.example", 1, 1, 9 * 10**9, 10**9),
            ("other.example", 3, 3, 0, 10 * 10**9),
        ],
        columns=["registry", "keep_last", "versions_kept", "bytes_freed", "bytes_kept"],
    )
    return SimpleNamespace(
        repositories=repositories,
        curve=lambda: curve,
        complete=complete,
        bytes_freed=60 * 10**9,
        bytes_kept=40 * 10**9,
        rule=SimpleNamespace(keep_last=keep_last),
        savings=pd.DataFrame(
            {"registry": [REGISTRY, "other.example"], "bytes_freed": [51 * 10**9, 9 * 10**9]}
        ),
    )


def usage_frame() -> pd.DataFrame:
    """Give three repositories: one large, one with a hostile name, one without a tag."""
    return pd.DataFrame(
        {
            "registry": REGISTRY,
            "repository": name,
            "tags": tags,
            "logical_bytes": size * 3,
            "physical_bytes": size,
            "exclusive_bytes": own,
            "shared_bytes": size - own,
            "dedup_scope": "registry",
            "complete": True,
        }
        for name, tags, size, own in (
            ("web", 400, 90 * 10**9, 80 * 10**9),
            (HOSTILE, 5, 60 * 10**9, 10 * 10**9),
            ("empty", 0, 0, 0),
        )
    )


def health_frame() -> pd.DataFrame:
    """Give one finding of each severity."""
    return pd.DataFrame(
        {
            "severity": severity,
            "finding": code,
            "registry": REGISTRY,
            "subject": subject,
            "summary": summary,
            "evidence": "{}",
            "remedy": remedy,
            "threshold": threshold,
        }
        for severity, code, subject, summary, remedy, threshold in (
            ("ok", "AUTH_OK", "", "Signing in works.", "", ""),
            ("warning", "STALE", HOSTILE, f"{HOSTILE} is old.", "Delete it.", "365 days"),
            ("info", "NOTE", "", "A note.", None, None),
            (
                "critical",
                "TLS_EXPIRES_SOON",
                "",
                "The certificate ends in 3 days.",
                "Renew it.",
                "7",
            ),
        )
    )


def checks_frame() -> pd.DataFrame:
    """Give two registries: one good with a short certificate, one that does not answer."""
    return pd.DataFrame(
        [
            check(REGISTRY, "resolve", "RESOLVED", "ok"),
            check(REGISTRY, "tls", "TLS_EXPIRES_SOON", "warn", '{"days_left": 12}'),
            check(REGISTRY, "listing", "LISTING_OK", "ok"),
            check(HOSTILE, "resolve", "DNS_FAILED", "fail"),
            check(HOSTILE, "tls", "SKIPPED", "skipped"),
        ]
    )


def check(registry: str, stage: str, code: str, status: str, evidence: str = "") -> dict[str, Any]:
    """Give one row of the table of checks."""
    facts = {"registry": registry, "stage": stage, "code": code, "status": status}
    return {**facts, "ms": 1.0, "summary": "", "evidence": evidence, "remedy": ""}


def cost_frame() -> pd.DataFrame:
    """Give four plans of three providers: two possible, one not, one without a price."""
    return pd.DataFrame(
        {
            "provider": provider,
            "plan": plan,
            "edition": "",
            "monthly_usd": monthly,
            "low_usd": low,
            "high_usd": high,
            "grade": grade,
            "feasible": feasible,
            "why_not": why_not,
            "first_month_usd": monthly,
            "year_usd": monthly and monthly * 12,
            "three_years_usd": monthly and monthly * 36,
            "fits_months": 36 if feasible else 0,
            "components": [
                {"name": "storage", "usd": monthly and monthly * 0.75},
                {"name": "traffic", "usd": monthly and monthly * 0.25},
            ],
            "storage_gb": 200.0 if provider == "Dear" else 100.0,
            "notes": f"A note on {plan}.",
            "complete": True,
            "cheapest_of_provider": plan in ("only", "large"),
        }
        for provider, plan, monthly, low, high, grade, feasible, why_not in (
            ("Dear", "only", 400.0, 300.0, 500.0, "B", True, ""),
            (HOSTILE, "small", 5.0, 5.0, 5.0, "A", False, "private repositories"),
            (HOSTILE, "large", 120.0, 120.0, 120.0, "A", True, ""),
            ("Unknown", "ask", None, None, None, "U", True, ""),
        )
    )
