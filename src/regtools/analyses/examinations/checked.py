"""What checks noticed in numbers: it is judged by its number, and not by what the check said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]


def facts(row: Row) -> dict[str, Any]:
    """Read a check's evidence."""
    try:
        found = json.loads(str(row["evidence"]))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def has_numbers(row: Row) -> bool:
    """Whether another examination judges what this check saw."""
    return (
        has_certificate(row)
        or pulls_of(row) is not None
        or quota_of(row) is not None
        or disk_of(row) is not None
        or (row["code"] == "CREDENTIAL_EXPIRED" and end_of(row) is not None)
    )


def has_certificate(row: Row) -> bool:
    """Whether a check saw a certificate that it trusted: then only its end is left to judge."""
    passed = row["status"] in ("ok", "warn") and row["stage"] == "tls"
    return passed and "not_after" in facts(row)


def end_of(row: Row) -> datetime | None:
    """Give when the credential of a check ends; None: nobody tells."""
    told = facts(row).get("ends_at") if row["stage"] == "credentials" else None
    try:
        when = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def pulls_of(row: Row) -> tuple[int, int] | None:
    """Give how many pulls are left, and of how many; None: the check tells none."""
    return _pair(row, "limits", "remaining", "limit")


def quota_of(row: Row) -> tuple[int, int] | None:
    """Give how many bytes of a vendor's quota are used, and of how many."""
    return _pair(row, "storage", "used", "limit")


def disk_of(row: Row) -> tuple[int, int] | None:
    """Give how many bytes of the registry's disk are free, and of how many."""
    return _pair(row, "storage", "free", "size")


def _pair(row: Row, stage: str, part: str, whole: str) -> tuple[int, int] | None:
    if row["stage"] != stage:
        return None
    told = facts(row)
    some, all_ = told.get(part), told.get(whole)
    if isinstance(some, int) and isinstance(all_, int) and all_ > 0:
        return some, all_
    return None
