"""What a price book holds: providers, their prices and their plans, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from regtools.errors import ConfigError

GRADES: Final = ("A", "B", "C", "U")
"""A: read at the vendor; B: a dated third party; C: third party or old; U: uncertain."""
COMPONENTS: Final = ("plan", "seats", "storage", "traffic", "machine", "address", "requests")
"""The kinds of lines a bill has."""
SCOPES: Final = ("registry", "namespace", "repository", "unknown")


class Measure(StrEnum):
    """What of a workload a price is multiplied with."""

    STORED = "stored"
    """Bytes, each blob once in the provider's dedup scope."""
    DISK = "disk"
    """The same with room to spare: a disk that is bought before it is full."""
    TRAFFIC = "traffic"
    """Bytes that leave to the internet in a month."""
    READS = "reads"
    """Objects that pulls read in a month."""
    USERS = "users"
    HOURS = "hours"
    DAYS = "days"
    MONTHS = "months"


BYTE_MEASURES: Final = (Measure.STORED, Measure.DISK, Measure.TRAFFIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A rate, and the quantity up to which it holds, counted from zero."""

    up_to: Decimal | None
    """None: without end."""
    rate: Decimal | None
    """US dollars a unit; None: not known, which is not free."""
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One line of a price list."""

    key: str
    """``provider/name``."""
    component: str
    """One of `COMPONENTS`."""
    measure: Measure
    unit: str
    """As the vendor writes it; `unit_size` says what is meant."""
    unit_size: Decimal
    """Bytes, requests, … in one unit."""
    other_unit_size: Decimal | None
    """What the unit may mean instead, where the vendor does not say."""
    free: Decimal
    """Units a month that cost nothing, the first of all."""
    introductory_free: Decimal
    """Units that some cost nothing for some time: only the low end of a bill counts on them."""
    introductory_note: str
    tiers: tuple[Tier, ...]
    low_rate: Decimal | None
    high_rate: Decimal | None
    """Bounds of a rate that is not certain, or has a choice."""
    whole_units: bool
    """A part of a unit is billed as a whole one."""
    region: str
    source: str
    checked: date
    """The day on which the source said so, or was read."""
    grade: str
    note: str

    @property
    def provider(self) -> str:
        """The file that this price stands in."""
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        """The price's name in its file."""
        return self.key.partition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one can buy: prices that make a bill together, and what it does not hold."""

    name: str
    region: str
    prices: tuple[Price, ...]
    private_repositories: int | None
    max_users: int | None
    max_private_users: int | None
    max_stored_bytes: int | None
    max_disk_bytes: int | None
    pulls_per_6_hours: int | None
    limits_source: str
    notes: tuple[str, ...]

    @property
    def checked(self) -> date:
        """The day on which the oldest of its prices was checked."""
        return min(price.checked for price in self.prices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who asks these prices."""

    key: str
    title: str
    dedup_scope: str
    """Within which bounds a blob is stored, and billed, once."""
    dedup_grade: str
    dedup_source: str
    best_for: str
    """Whom it suits, beside money."""
    notes: tuple[str, ...]
    prices: Mapping[str, Price]
    plans: tuple[Plan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """All providers by their key."""

    providers: Mapping[str, Provider]

    def provider(self, name: str) -> Provider:
        """Find a provider by its key or title.

        Raises
        ------
        ConfigError
            Code ``PROVIDER_UNKNOWN``.
        """
        for provider in self.providers.values():
            if name.casefold() in (provider.key, provider.title.casefold()):
                return provider
        near = get_close_matches(name.casefold(), self.providers, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"The price book has no provider {name!r}.",
            code="PROVIDER_UNKNOWN",
            remedy=f"{hint}It has: {', '.join(self.providers)}.",
        )
