"""What a vendor's price API says of one price of the book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from regtools.errors import MalformedAnswerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price as a vendor's API tells it."""

    key: str
    """``provider/price`` of the book."""
    tiers: tuple[tuple[Decimal | None, Decimal], ...]
    """Up to which quantity, counted from zero (None: without end), and the rate."""
    free: Decimal | None
    """Units that cost nothing; None: the API does not say."""
    source: str
    checked: date
    region: str
    unit_bytes: int | None = None
    """What the vendor's unit means, where the API says so."""


def odd(vendor: str, what: str, field: str) -> MalformedAnswerError:
    """Make the error for an answer without what is promised."""
    return MalformedAnswerError(
        f"{vendor} answered for {what} without a usable {field}.",
        code="PRICES_NOT_UNDERSTOOD",
        remedy="Nothing was changed. Try again later, or leave this vendor out with --from.",
    )


def number(value: object, *, vendor: str, what: str, field: str) -> Decimal:
    """Read a number that may come as a text; never less than zero."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise odd(vendor, what, field) from None
    if isinstance(value, bool) or not found.is_finite() or found < 0:
        raise odd(vendor, what, field)
    return found


def day(value: object, *, vendor: str, what: str, field: str) -> date:
    """Read the date of a time in ISO form."""
    try:
        return date.fromisoformat(str(value)[: len("2026-11-23")])
    except ValueError:
        raise odd(vendor, what, field) from None


def table(value: object, *, vendor: str, what: str, field: str) -> dict[str, object]:
    """Take an object of an answer."""
    if not isinstance(value, dict):
        raise odd(vendor, what, field)
    return value


def rows(value: object, *, vendor: str, what: str, field: str) -> list[dict[str, object]]:
    """Take a list of objects of an answer."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise odd(vendor, what, field)
    return value


def in_tiers(
    steps: list[tuple[Decimal, Decimal]],
) -> tuple[Decimal | None, tuple[tuple[Decimal | None, Decimal], ...]]:
    """Turn where each rate begins into where it ends; what costs nothing at first is free.

    Examples
    --------
    >>> free, tiers = in_tiers([(Decimal(0), Decimal(0)), (Decimal("0.5"), Decimal("0.1"))])
    >>> print(free, tiers[0][1])
    0.5 0.1
    """
    ordered = sorted(steps)
    ends = [*(start for start, _ in ordered[1:]), None]
    tiers = [(end, rate) for (_, rate), end in zip(ordered, ends, strict=True)]
    if len(tiers) > 1 and tiers[0][1] == 0:
        return tiers[0][0], tuple(tiers[1:])
    return None, tuple(tiers)
