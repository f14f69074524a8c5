"""Will the credential last, and is it a machine's?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from regtools.analyses.examinations.checked import end_of, facts
from regtools.analyses.examinations.connection import is_shut
from regtools.analyses.examinations.found import DAY, Found, Seen, records, severity_below
from regtools.thresholds import OK, WARNING

_SUBJECT: Final = "credentials"


def credential(seen: Seen) -> Iterator[Found]:
    """Judge the end of the credential that was accepted, and whose it is; as far as it tells."""
    for row in records(seen.checks):
        # One that is refused is told as that; one that nobody asks for holds nobody up.
        if row["stage"] != _SUBJECT or row["status"] == "skipped" or _is_idle(seen, row):
            continue
        yield from _lasting(seen, row)
        yield from _owner(row)


def _is_idle(seen: Seen, row: Mapping[str, Any]) -> bool:
    codes = set(seen.checks.loc[seen.checks["registry"] == row["registry"], "code"])
    return is_shut(codes) or "AUTH_ANONYMOUS" in codes


def _lasting(seen: Seen, row: Mapping[str, Any]) -> Iterator[Found]:
    ends, told, limits = end_of(row), facts(row), seen.thresholds
    # Who hands out a token for hours hands out the next one, too; that it did not is a refusal.
    is_handed_out = row["status"] == "ok" and bool(told.get("renewed") or told.get("lives"))
    if ends is None and not is_handed_out:
        return
    days = (ends - seen.now) / DAY if ends is not None else 0.0
    severity = (
        OK
        if is_handed_out
        else severity_below(days, limits.credential_warning_days, limits.credential_critical_days)
    )
    expired = ends is not None and ends <= seen.now
    source = told.get("source", "the check")
    if is_handed_out:
        summary = f"The credential from {source} is a token for hours, handed out again and again."
    else:
        summary = (
            f"The credential from {source} ended on {ends:%Y-%m-%d}."
            if expired
            else f"The credential from {source} ends in {days:.0f} days, on {ends:%Y-%m-%d}."
        )
    yield Found(
        severity=severity,
        finding="CREDENTIAL_LASTS"
        if severity == OK
        else ("CREDENTIAL_EXPIRED" if expired else "CREDENTIAL_EXPIRES_SOON"),
        registry=row["registry"],
        subject=_SUBJECT,
        summary=summary,
        evidence={
            "source": source,
            "sort": told.get("sort", ""),
            "ends_at": ends.isoformat() if ends is not None else None,
        },
        remedy=""
        if severity == OK
        else "Make a new one and put it in its place, before this one stops every pull.",
        threshold=f"{limits.credential_warning_days:g} days",
    )


def _owner(row: Mapping[str, Any]) -> Iterator[Found]:
    told = facts(row)
    personal = told.get("personal")
    if not isinstance(personal, bool):
        return
    sort, source = told.get("sort") or "credential", told.get("source", "the check")
    yield Found(
        severity=WARNING if personal else OK,
        finding="CREDENTIAL_PERSONAL" if personal else "CREDENTIAL_OF_MACHINE",
        registry=row["registry"],
        subject=_SUBJECT,
        summary=f"The credential from {source} is a person's ({sort}): when that person goes, "
        "nothing is pulled any more."
        if personal
        else f"The credential from {source} is a machine's ({sort}).",
        evidence={"source": source, "sort": sort, "personal": personal},
        remedy="Use a robot account, a deploy token or the like, that may only pull."
        if personal
        else "",
        threshold="any",
    )
