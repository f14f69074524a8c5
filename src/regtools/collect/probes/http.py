"""HTTP: does a registry answer at ``/v2/``?"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from regtools.client import Ping
from regtools.collect.probes.stage import clean, row
from regtools.errors import DeniedError, RegistryError, UnauthorizedError
from regtools.schema import CheckRow

STAGE: Final = "http"
MAX_SKEW_SECONDS: Final = 300.0
"""Kerberos' and AWS' bound; a token of a registry lives about as long."""

Answer = Ping | UnauthorizedError | DeniedError
"""What a registry says at ``/v2/``: welcome, or a refusal that the next stage looks into."""


def answered(registry: str, ping: Ping, *, now: datetime) -> CheckRow:
    """Make the row of a ping that came back.

    Parameters
    ----------
    now
        This machine's time, to hold the registry's against.
    """
    skew = _skew(ping, now)
    is_skewed = abs(skew) > MAX_SKEW_SECONDS
    side = "behind" if skew > 0 else "ahead of"
    return row(
        registry,
        STAGE,
        "CLOCK_SKEW" if is_skewed else "HTTP_OK",
        "warn" if is_skewed else "ok",
        f"A registry answers at /v2/ with {ping.status}"
        f"{f'; this clock is {abs(skew):,.0f} s {side} its own' if is_skewed else ''}.",
        ms=ping.ms,
        evidence={
            "status": ping.status,
            "api_version": clean(ping.api_version or ""),
            "server": clean(ping.server or ""),
            "via": clean(ping.headers.get("via", "")),
            "skew_seconds": round(skew),
        },
        remedy="Set this machine's clock, or the registry's (`timedatectl`): tokens and "
        "certificates hold only where the clocks agree."
        if is_skewed
        else "",
    )


def _skew(ping: Ping, now: datetime) -> float:
    """Seconds that the registry's clock is ahead of ours (RFC 9110, 6.6.1); 0 where it is silent."""
    try:
        told = parsedate_to_datetime(ping.headers.get("date", ""))
    except (ValueError, IndexError, TypeError, OverflowError):
        return 0.0
    return ((told if told.tzinfo else told.replace(tzinfo=UTC)) - now).total_seconds()


def refused(registry: str, refusal: RegistryError, ms: float | None) -> CheckRow:
    """Make the row of a registry that answers, if only to refuse."""
    return row(
        registry,
        STAGE,
        "HTTP_OK",
        "ok",
        f"A registry answers at /v2/ with {refusal.status}.",
        ms=ms,
        evidence={"status": refusal.status},
    )
