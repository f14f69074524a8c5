"""Does it answer as fast and as surely as it used to, and how often may one still ask?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from regtools.analyses.baseline import FEWEST_RUNS
from regtools.analyses.examinations.checked import pulls_of
from regtools.analyses.examinations.found import (
    Found,
    Seen,
    records,
    severity_above,
    severity_below,
)
from regtools.thresholds import OK, WARNING

PASSING: Final = frozenset(
    {
        "DNS_FAILED",
        "CONNECT_REFUSED",
        "CONNECT_TIMEOUT",
        "CONNECT_FAILED",
        "PROXY_FAILED",
        "TLS_FAILED",
        "READ_TIMEOUT",
        "CONNECTION_CUT",
        "UNREACHABLE",
        "SERVER_ERROR",
        "REGISTRY_ERROR",
        "RATE_LIMITED",
        "QUOTA_USED_UP",
    }
)
"""Codes of errors that come and go; a refusal stays, and is told once by itself."""
_NAMED: Final = 5
"""How many examples the evidence names."""


def latency(seen: Seen) -> Iterator[Found]:
    """Judge how long the stages took beside earlier looks; of all that is slow, one finding."""
    limits = seen.thresholds
    threshold = f"{limits.latency_times:g} times the usual, and {limits.latency_ms:g} ms over it"
    told = seen.latency[seen.latency["runs"] >= FEWEST_RUNS]
    for registry, rows in told.groupby("registry"):
        beside = rows.assign(over=rows["ms"] - rows["p50_ms"])
        slow = beside[
            (beside["ms"] > beside["p95_ms"])
            & (beside["ms"] >= limits.latency_times * beside["p50_ms"])
            & (beside["over"] >= limits.latency_ms)
        ].sort_values("over", ascending=False, kind="stable")
        shown = slow if not slow.empty else rows
        first = shown.iloc[0]
        others = len(slow) - 1
        more = f" So did {others} other stage{'s' if others > 1 else ''}." if others > 0 else ""
        yield Found(
            severity=OK if slow.empty else WARNING,
            finding="LATENCY_USUAL" if slow.empty else "LATENCY_HIGH",
            registry=str(registry),
            subject="" if slow.empty else str(first["stage"]),
            summary="Every stage took about as long as usual."
            if slow.empty
            else f"The stage {first['stage']} took {first['ms']:,.0f} ms, where "
            f"{first['p50_ms']:,.0f} ms are usual.{more}",
            evidence={
                "stages": [
                    {
                        "stage": row["stage"],
                        "ms": row["ms"],
                        "usual_ms": row["p50_ms"],
                        "p95_ms": row["p95_ms"],
                        "looks": int(row["runs"]),
                    }
                    for row in records(shown)
                ]
            },
            remedy=""
            if slow.empty
            else "Look at the way to it and at its storage; `regtools diagnose --watch` shows "
            "whether it stays.",
            threshold=threshold,
        )


def errors(seen: Seen) -> Iterator[Found]:
    """Judge how often a registry failed of late that answers now.

    One that fails now has its finding from the check or the problem that says so.
    """
    limits = seen.thresholds
    for registry, rows in seen.looks.groupby("registry"):
        looks = rows.groupby(["taken_at", "look"])["code"].agg(
            lambda codes: sorted(set(codes.dropna()) & PASSING)
        )
        if len(looks) < FEWEST_RUNS or looks.iloc[-1]:
            continue
        failed = looks[looks.map(bool)]
        share = len(failed) / len(looks)
        severity = severity_above(share, limits.error_warning_share, limits.error_critical_share)
        yield Found(
            severity=severity,
            finding="ERRORS_FEW" if severity == OK else "ERRORS_MANY",
            registry=str(registry),
            summary=f"{len(failed)} of {len(looks)} looks in {limits.error_days:g} days met an error "
            "that came and went.",
            evidence={
                "looks": len(looks),
                "failed": len(failed),
                "codes": sorted({code for codes in failed for code in codes}),
                "last_at": [when.isoformat() for when, _ in failed.index[-_NAMED:]],
            },
            remedy=""
            if severity == OK
            else "See in the registry's log what happened then: load, restarts, a proxy's limits.",
            threshold=f"{limits.error_warning_share:.0%} of the looks",
        )


def pulls(seen: Seen) -> Iterator[Found]:
    """Judge how many pulls are left of those that the registry grants."""
    limits = seen.thresholds
    for row in records(seen.checks):
        told = pulls_of(row)
        if told is None:
            continue
        left, granted = told
        severity = severity_below(
            left / granted, limits.pulls_left_warning_share, limits.pulls_left_critical_share
        )
        yield Found(
            severity=severity,
            finding="PULLS_LEFT" if severity == OK else "PULLS_NEARLY_USED",
            registry=row["registry"],
            subject="limits",
            summary=f"{left:,} of {granted:,} pulls were left at the last look.",
            evidence={"remaining": left, "limit": granted},
            remedy=""
            if severity == OK
            else "Log in, which raises the quota, put a mirror before it, or scan with --min-pulls N.",
            threshold=f"{limits.pulls_left_warning_share:.0%} left",
        )
