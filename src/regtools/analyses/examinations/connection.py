"""Can it be reached, and has it been: stages, certificates, scans, and what they left unread."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import pandas as pd

from regtools.analyses.audit import MISSING
from regtools.analyses.examinations.checked import facts, has_certificate, has_numbers
from regtools.analyses.examinations.found import (
    DAY,
    Found,
    Seen,
    records,
    severity_above,
    severity_below,
)
from regtools.analyses.observations import certificates
from regtools.schema import SnapshotRow
from regtools.thresholds import CRITICAL, INFO, OK, WARNING

_SHUT: Final = frozenset({"AUTH_REFUSED", "AUTH_REQUIRED"})
"""Codes of checks that say: not you."""
_NAMED: Final = 5
"""How many examples the evidence names."""


def is_shut(codes: Collection[str]) -> bool:
    """Whether these codes of a registry's checks say that it did not let us in."""
    return not _SHUT.isdisjoint(codes)


def reachability(seen: Seen) -> Iterator[Found]:
    """Judge each stage of the last look at a registry: name, connection, TLS, sign-in, listing."""
    rows = records(seen.checks)
    for registry, own in groupby(rows, key=lambda row: row["registry"]):
        yield from _stages(str(registry), list(own))
    checked = {row["registry"] for row in rows}
    for snapshot in seen.snapshots:
        if snapshot.registry not in checked:
            checked.add(snapshot.registry)
            yield Found(
                severity=INFO,
                finding="CHECKS_MISSING",
                registry=snapshot.registry,
                summary="The newest scan made no checks of the connection.",
                evidence={"snapshot": snapshot.snapshot, "checks": 0},
                remedy=f"Run `regtools diagnose {snapshot.registry}`.",
                threshold="any",
            )


def _stages(registry: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Found]:
    codes = {row["code"] for row in rows}
    odd = [row for row in rows if row["stage"] == "credentials" and row["status"] == "warn"]
    for row in rows:
        is_cause = is_shut(codes) and row in odd
        is_same = row["code"] == "TOKEN_CLOCK_SKEW" and "CLOCK_SKEW" in codes
        if row["status"] == "skipped" or has_numbers(row) or is_cause or is_same:
            continue
        yield _stage(registry, row, odd if row["code"] in _SHUT else ())


def _stage(registry: str, row: Mapping[str, Any], causes: Sequence[Mapping[str, Any]]) -> Found:
    """Tell a stage, and with a refusal what is odd about the credential: that is why."""
    severity = {"fail": CRITICAL, "warn": WARNING}.get(row["status"], OK)
    summary = row["summary"] or f"The check of {row['stage']} said {row['code']}."
    remedy = row["remedy"]
    if row["code"] == "AUTH_ANONYMOUS":
        severity = INFO
        remedy = remedy or "Nothing, where everybody is meant to pull; else ask for a credential."
    for cause in causes:
        said = "" if cause["code"] == "CREDENTIALS_NONE" else cause["summary"]
        summary, remedy = f"{summary} {said}".rstrip(), cause["remedy"] or remedy
    if severity != OK:
        remedy = remedy or f"Run `regtools diagnose {registry}`."
    return Found(
        severity=severity,
        finding=row["code"],
        registry=registry,
        subject=row["stage"],
        summary=summary,
        evidence=facts(row) or {"status": row["status"]},
        remedy=remedy,
        threshold="any",
    )


def expiry(seen: Seen) -> Iterator[Found]:
    """Judge how long certificates last, from now and not from the day of the check."""
    limits = seen.thresholds
    presented = [row for row in records(seen.checks) if has_certificate(row)]
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
            threshold=f"{limits.certificate_warning_days:g} days",
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
        # What could not be read is told by itself, with its reason.
        if not complete and not _problems_of(seen, row).empty:
            continue
        yield Found(
            severity=OK if complete else WARNING,
            finding="SNAPSHOT_COMPLETE" if complete else "SNAPSHOT_INCOMPLETE",
            registry=row.registry,
            subject=row.namespace,
            summary="The newest scan read everything that is there."
            if complete
            else "The newest scan did not read everything: sizes and counts are lower bounds.",
            evidence={"snapshot": row.snapshot, "complete": row.complete},
            remedy="" if complete else "Scan again.",
            threshold="any",
        )


def unread(seen: Seen) -> Iterator[Found]:
    """Tell what the newest scans could not read: of one reason in one repository, one finding."""
    told = {
        (row["registry"], row["code"])
        for row in records(seen.checks)
        if row["status"] in ("fail", "warn")
    }
    for key, rows in seen.problems.groupby(["registry", "repository", "code"]):
        registry, repository, code = map(str, key)
        if not repository and (registry, code) in told:
            continue
        first, number = rows.iloc[0], len(rows)
        subject = repository if number > 1 else _place(repository, first["reference"])
        place = f" in {repository}" if repository else ""
        more = f" So it is with {number - 1:,} more{place}." if number > 1 else ""
        yield Found(
            severity=WARNING,
            finding=code,
            registry=registry,
            subject=subject,
            summary=f"{first['message']}{more}",
            evidence={"problems": number, "references": rows["reference"].head(_NAMED).tolist()},
            remedy="Scan again; if it stays, ask the owner of the repository or of the registry. "
            "Until then sizes and counts are lower bounds.",
            threshold="any",
        )


def _place(repository: str, reference: str) -> str:
    sign = "@" if ":" in reference else ":"
    return sign.join(part for part in (repository, reference) if part)


def _problems_of(seen: Seen, row: SnapshotRow) -> pd.DataFrame:
    """Give what a scan of this registry and namespace could not read."""
    own = seen.problems[seen.problems["registry"] == row.registry]
    names = own["repository"]
    inside = (names == row.namespace) | names.str.startswith(f"{row.namespace}/") | (names == "")
    return own[inside] if row.namespace else own


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


def _like(frame: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=frame.columns)
