"""Durations as Go writes them: ``24h``, ``1h15m``, ``90s``. There is no ``d`` for days."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final

_UNITS: Final = {
    "ns": Decimal("0.001"),
    "us": Decimal(1),
    "µs": Decimal(1),
    "μs": Decimal(1),
    "ms": Decimal(1_000),
    "s": Decimal(1_000_000),
    "m": Decimal(60_000_000),
    "h": Decimal(3_600_000_000),
}
"""In microseconds; the micro sign and the Greek letter are both allowed."""
_STEP: Final = re.compile(r"(\d{1,19}\.?\d{0,9}|\.\d{1,9})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST: Final = 64
_MOST: Final = timedelta(microseconds=2**63 // 1000)
"""What fits into 64 bits of nanoseconds: some 292 years."""


def go_duration(text: str) -> timedelta | None:
    """Read a duration of Go's ``time.ParseDuration`` that is not negative; None: it is none.

    Examples
    --------
    >>> go_duration("1h15m"), go_duration("7d")
    (datetime.timedelta(seconds=4500), None)
    """
    body = text.removeprefix("+")
    if body == "0":
        return timedelta()
    steps = _STEP.findall(body)
    if not steps or len(text) > _LONGEST or "".join(map("".join, steps)) != body:
        return None
    total = sum((Decimal(number) * _UNITS[unit] for number, unit in steps), Decimal())
    most = _MOST // timedelta(microseconds=1)
    return timedelta(microseconds=int(total)) if total <= most else None


def written(duration: timedelta) -> str:
    """Give a duration in few words.

    Examples
    --------
    >>> written(timedelta(days=30)), written(timedelta(minutes=90))
    ('30d', '1h30m')
    """
    seconds = int(duration.total_seconds())
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
