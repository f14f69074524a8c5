"""Bytes, money and durations, for people and from people.

GB is 10^9 bytes, GiB is 2^30; vendors mean either, so both are named wherever a size is priced.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from regtools.errors import ConfigError

GB: Final = 10**9
GIB: Final = 2**30

_DECIMAL_STEPS: Final = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_FACTORS: Final = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000 ** (i + 1) for i, letter in enumerate("kmgtp")},
    **{f"{letter}ib": 1024 ** (i + 1) for i, letter in enumerate("kmgtp")},
}
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_AGE: Final = re.compile(r"\s*(\d+)\s*(h|d|w|m|y)\s*", re.IGNORECASE)
_SECONDS: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|d)\s*", re.IGNORECASE)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGE_DAYS: Final = {"d": 1, "w": 7, "m": 30, "y": 365}


def format_bytes(size: int | None) -> str:
    """Give a size in decimal units with three significant digits, ``–`` for an unknown one.

    Examples
    --------
    >>> format_bytes(1_234_567_890)
    '1.23 GB'
    >>> format_bytes(999)
    '999 B'
    """
    if size is None:
        return "–"
    for unit, factor in _DECIMAL_STEPS:
        # The next unit starts where three digits would round up to 1000 of the smaller one.
        if abs(size) >= factor * 0.9995:
            value = size / factor
            digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
            return f"{value:.{digits}f} {unit}"
    return f"{size} B"


def parse_bytes(text: str) -> int:
    """Read ``500GB``, ``1.5 TiB`` or ``1024`` as bytes; letters in any case.

    Raises
    ------
    ConfigError
        The text is no number with a known unit.

    Examples
    --------
    >>> parse_bytes("2 GiB"), parse_bytes("2GB")
    (2147483648, 2000000000)
    """
    match = _SIZE.fullmatch(text)
    factor = _FACTORS.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise ConfigError(
            f"{text!r} is not a size.", remedy="Write a number and a unit: 500GB, 1.5TiB."
        )
    return int(Decimal(match[1]) * factor)


def parse_age(text: str) -> timedelta:
    """Read ``12h``, ``30d``, ``8w``, ``6m`` (30 days each) or ``1y`` (365 days).

    Raises
    ------
    ConfigError
        The text is no whole number with one of these letters.

    Examples
    --------
    >>> parse_age("8w").days
    56
    """
    match = _AGE.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"{text!r} is not an age.", remedy="Write a whole number and h, d, w, m or y: 30d."
        )
    letter = match[2].lower()
    count = int(match[1])
    try:
        if letter == "h":
            return timedelta(hours=count)
        return timedelta(days=count * _AGE_DAYS[letter])
    except OverflowError:
        raise ConfigError(
            f"{text!r} is older than anything.", remedy="Write a smaller number."
        ) from None


def parse_seconds(text: str) -> float:
    """Read ``90s``, ``30m``, ``4h`` or ``1d`` as seconds; here m is a minute.

    Raises
    ------
    ConfigError
        The text is no number above zero with one of these letters.

    Examples
    --------
    >>> parse_seconds("1.5h"), parse_seconds("90s")
    (5400.0, 90.0)
    """
    match = _SECONDS.fullmatch(text)
    found = float(match[1]) * _UNIT_SECONDS[match[2].lower()] if match else 0.0
    if found <= 0:
        raise ConfigError(
            f"{text!r} is no length of time.", remedy="Write a number and s, m, h or d: 90s, 4h."
        )
    return found


def format_age(age: timedelta) -> str:
    """Give an age as `parse_age` reads it, in days where it is whole days.

    Examples
    --------
    >>> format_age(timedelta(weeks=2)), format_age(timedelta(hours=36))
    ('14d', '36h')
    """
    hours = age // timedelta(hours=1)
    return f"{hours}h" if hours % 24 else f"{hours // 24}d"


def cents(amount: Decimal) -> Decimal:
    """Round money to the cent, halves away from zero, as an invoice does.

    Examples
    --------
    >>> cents(Decimal("1.005"))
    Decimal('1.01')
    """
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def format_usd(amount: Decimal | float | None) -> str:
    """Give an amount as ``$1,234.56``, ``–`` for an unknown one.

    Examples
    --------
    >>> format_usd(Decimal("1234.5"))
    '$1,234.50'
    """
    if amount is None:
        return "–"
    value = cents(Decimal(str(amount)))
    return f"-${-value:,.2f}" if value < 0 else f"${value:,.2f}"
