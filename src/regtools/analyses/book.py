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
COMPONENTS: Final = (
    "plan",
    "seats",
    "storage",
    "traffic",
    "machine",
    "address",
    "requests",
    "backup",
    "labour",
)
"""The kinds of lines a bill has."""
SCOPES: Final = ("registry", "namespace", "repository", "version", "unknown")
"""Within what a blob is billed once; ``version``: every image is billed in full."""
SELF_HOSTED: Final = "selfhosted"
"""The provider of every kind of registry that people run themselves."""


class Measure(StrEnum):
    """What of a workload a price is multiplied with."""

    STORED = "stored"
    """Bytes, each blob once in the provider's dedup scope; but for those in the archive."""
    ARCHIVED = "archived"
    """Bytes in a class that is cheaper to keep and slow to read."""
    DISK = "disk"
    """The same with room to spare: a disk that is bought before it is full."""
    TRAFFIC = "traffic"
    """Bytes that leave to the internet in a month."""
    CONSUMPTION = "consumption"
    """Bytes stored and bytes that leave, added up."""
    READS = "reads"
    """Objects that pulls read in a month."""
    USERS = "users"
    HOURS = "hours"
    DAYS = "days"
    MONTHS = "months"
    LABOUR = "labour"
    """Hours of people in a month."""


BYTE_MEASURES: Final = (
    Measure.STORED,
    Measure.ARCHIVED,
    Measure.DISK,
    Measure.TRAFFIC,
    Measure.CONSUMPTION,
)


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
    introductory_months: int
    """How long that lasts."""
    tiers: tuple[Tier, ...]
    low_rate: Decimal | None
    high_rate: Decimal | None
    """Bounds of a rate that is not certain, or has a choice."""
    whole_units: bool
    """A part of a unit is billed as a whole one."""
    round_to: Decimal | None
    """Units are rounded to a multiple of this, halves up, at the end of a month."""
    month_days: int | None
    """Of how many days a whole month is, where a part of one is billed; None: as the calendar."""
    minimum_days: int
    """What is deleted earlier is billed for so long."""
    per_region: bool
    """Whether every region with a copy costs as much again."""
    rate_from: str
    """The field of the scenario that holds the rate: your own price; empty: the book's."""
    region: str
    source: str
    checked: date | None
    """The day on which the source said so, or was read; None: nobody knows."""
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
    max_repositories: int | None
    max_regions: int | None
    """In how many regions images can lie; None: in as many as one likes."""
    archives: bool
    """Whether a share of the images may lie in an archive class."""
    needs: tuple[str, ...]
    """Fields of the scenario without which this plan is not offered."""
    withdrawn: str
    """Why nobody can buy it any more; empty: one can."""
    notes: tuple[str, ...]

    @property
    def checked(self) -> date | None:
        """The day on which the oldest of its prices was checked; None: nobody knows."""
        days = [price.checked for price in self.prices if not price.rate_from]
        known = [day for day in days if day is not None]
        return min(known) if known and len(known) == len(days) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who asks these prices."""

    key: str
    title: str
    dedup_scope: str
    """Within which bounds a blob is stored, and billed, once."""
    dedup_grade: str
    dedup_source: str
    hosts: tuple[str, ...]
    """Registries that it runs itself, where others run the same software; empty: all of its kind."""
    best_for: str
    """Whom it suits, beside money."""
    notes: tuple[str, ...]
    prices: Mapping[str, Price]
    plans: tuple[Plan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """All providers by their key."""

    edition: str
    """The newest folder that its prices are from: a date, or a name."""
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


def provider_of(kind: str, registry: str, book: PriceBook) -> Provider | None:
    """Give who sends the bill for a registry: the provider of its kind, or of a machine where
    people run it themselves; None where the book has neither."""
    own = book.providers.get(kind)
    if own is None or (own.hosts and registry not in own.hosts):
        return book.providers.get(SELF_HOSTED)
    return own
