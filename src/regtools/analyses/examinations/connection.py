"""Can it be reached, and has it been: stages, certificates, scans, and what they left unread."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from regtools.analyses.audit import MISSING
from regtools.analyses.examinations.found import (
    DAY,
    Found,
    Seen,
    records,
    severity_above,
    severity_below,
)
from regtools.analyses.observations import certificates
from regtools.analyses.thresholds import CRITICAL, INFO, OK, WARNING
from regtools.schema import SnapshotRow


def reachability(seen: Seen) -> Iterator[Found]:
    """Judge each stage of the last look at a registry: name, connection, TLS, sign-in, listing."""
    for row in records(seen.checks):
        if row["status"] == "skipped" or _has_certificate(row):
            continue
        severity = {"fail": CRITICAL, "warn": WARNING}.get(row["status"], OK)
        if row["code"] == "AUTH_ANONYMOUS":
            severity = INFO
        yield Found(
            severity=severity,
            finding=row["code"],
            registry=row["registry"],
            subject=row["stage"],
            summary=row["summary"] or f"The check of {row['stage']} said {row['code']}.",
            evidence=_facts(row["evidence"]),
            remedy=row["remedy"],
        )
    checked = set(seen.checks["registry"])
    for registry in seen.registry_names():
        if registry not in checked:
            yield Found(
                severity=INFO,
                finding="CHECKS_MISSING",
                registry=registry,
                summary="The newest scan made no checks of the connection.",
                remedy=f"Run `regtools diagnose {registry}`.",
            )


def expiry(seen: Seen) -> Iterator[Found]:
    """Judge how long certificates last, from now and not from the day of the check."""
    limits = seen.thresholds
    presented = [row for row in records(seen.checks) if _has_certificate(row)]
    for row in records(certificates(_like(seen.checks, presented), now=seen.now)):
        days = int(row["days_left"])
        severity = severity_below(
            days, limits.certificate_warning_days, limits.certificate_critical_days
        )
        expired = row["not_after"] <= seen.now
        until = f"{row['not_after']:%Y-%m-%d}"
        yield Found(
            severity=severity,
            finding="TLS_CERT_EXPIRED"
            if expired
            else ("TLS_OK" if severity == OK else "TLS_EXPIRES_SOON"),
            registry=row["registry"],
            subject="tls",
            summary=f"The certificate expired on {until}."
            if expired
            else f"The certificate expires in {days} days, on {until}.",
            evidence={
                "not_after": row["not_after"].isoformat(),
                "days_left": days,
                "issuer": row["issuer"],
            },
            remedy="" if severity == OK else "Renew it, and find out why it was not renewed.",
            threshold=f"{limits.certificate_warning_days} days",
        )


def freshness(seen: Seen) -> Iterator[Found]:
    """Judge the age of the newest scan of each target, and whether it read everything."""
    limits = seen.thresholds
    for row in seen.snapshots:
        if _is_superseded(row, seen.snapshots):
            continue
        days = (seen.now - row.taken_at) / DAY
        severity = severity_above(days, limits.snapshot_warning_days, limits.snapshot_critical_days)
        yield Found(
            severity=severity,
            finding="SNAPSHOT_FRESH" if severity == OK else "SNAPSHOT_STALE",
            registry=row.registry,
            subject=row.namespace,
            summary=f"The newest scan is {days:.1f} days old.",
            evidence={"taken_at": row.taken_at.isoformat(), "snapshot": row.snapshot},
            remedy="" if severity == OK else "See why the regular scan did not run, and run it.",
            threshold=f"{limits.snapshot_warning_days:g} days",
        )
        complete = row.complete or _lacks_only_what_is_missing(seen, row)
        yield Found(
            severity=OK if complete else WARNING,
            finding="SNAPSHOT_COMPLETE" if complete else "SNAPSHOT_INCOMPLETE",
            registry=row.registry,
            subject=row.namespace,
            summary="The newest scan read everything that is there."
            if complete
            else "The newest scan did not read everything: sizes and counts are lower bounds.",
            remedy="" if complete else "Mend what the problems name, and scan again.",
        )


def unread(seen: Seen) -> Iterator[Found]:
    """Repeat each problem of the newest scans."""
    for row in records(seen.problems):
        sign = "@" if ":" in row["reference"] else ":"
        yield Found(
            severity=WARNING,
            finding=row["code"],
            registry=row["registry"],
            subject=sign.join(part for part in (row["repository"], row["reference"]) if part),
            summary=row["message"],
            remedy="Scan again; if it stays, ask the owner of the repository or of the registry.",
        )


def _lacks_only_what_is_missing(seen: Seen, row: SnapshotRow) -> bool:
    """Whether a scan is incomplete for what the registry lost, which the audit tells."""
    codes = set(seen.audit.loc[seen.audit["registry"] == row.registry, "code"])
    unread = (seen.problems["registry"] == row.registry).any()
    return bool(codes & MISSING) and "AUDIT_INCOMPLETE" not in codes and not unread


def _is_superseded(row: SnapshotRow, rows: Iterable[SnapshotRow]) -> bool:
    """Whether a newer scan covered all that this one did."""
    return any(
        other.registry == row.registry
        and other.namespace != row.namespace
        and other.taken_at >= row.taken_at
        and (not other.namespace or row.namespace.startswith(f"{other.namespace}/"))
        for other in rows
    )


def _has_certificate(row: Mapping[str, Any]) -> bool:
    """Whether a check saw a certificate that it trusted: then only its end is left to judge."""
    passed = row["status"] in ("ok", "warn") and row["stage"] == "tls"
    return passed and "not_after" in _facts(row["evidence"])


def _facts(evidence: object) -> dict[str, Any]:
    try:
        facts = json.loads(str(evidence))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _like(frame: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=frame.columns)
