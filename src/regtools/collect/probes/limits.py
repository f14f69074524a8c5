"""Limits: how many pulls does the registry grant, and how many of them are left?"""

from __future__ import annotations

from typing import Final

from regtools.client.limit import RateLimit
from regtools.collect.probes.stage import row
from regtools.schema import CheckRow

STAGE: Final = "limits"
NEARLY_USED: Final = 0.1
"""Share of the quota below which it is worth a look."""


def limits(registry: str, limit: RateLimit | None) -> CheckRow | None:
    """Tell what a scan left of the quota of pulls; None where the registry told of none.

    Docker Hub tells none to accounts whose pulls it does not limit.
    """
    if limit is None or limit.remaining is None:
        return None
    nearly = limit.remaining < limit.limit * NEARLY_USED
    hours = f" in {limit.window_seconds / 3600:g} hours" if limit.window_seconds else ""
    evidence = {
        "limit": limit.limit,
        "remaining": limit.remaining,
        "window_seconds": limit.window_seconds,
        "source": limit.source,
    }
    return row(
        registry,
        STAGE,
        "PULLS_NEARLY_USED" if nearly else "PULLS_LEFT",
        "warn" if nearly else "ok",
        f"{limit.remaining:,} of {limit.limit:,} pulls{hours} are left.",
        evidence=evidence,
        remedy="Log in, which raises the quota, or scan with --min-pulls N: N are left to others."
        if nearly
        else "",
    )
