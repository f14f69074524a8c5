"""Prices as the vendors tell them today, as a new edition of the price book.

The bulk files of the AWS Price List and the Azure Retail Prices API want no account; Google's
catalog wants an API key, which goes to Google only, in a header.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd
from anyio.from_thread import start_blocking_portal

from regtools.analyses.price_diff import price_diff
from regtools.analyses.prices import price_book
from regtools.client import Budget, ConnectionOptions, VendorSession, open_client
from regtools.credentials import ANONYMOUS, Credential
from regtools.errors import ConfigError
from regtools.refresh import aws, azure, google
from regtools.refresh.edition import new_files, write_edition
from regtools.refresh.quote import Quote
from regtools.registries.listing import Api, Login

__all__ = ["SOURCES", "Refreshed", "Source", "refresh_prices"]

MOST_REQUESTS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A vendor's price API."""

    base: str
    region: str
    """Asked for where the caller names none."""
    quotes: Callable[[Api, str], Awaitable[list[Quote]]]
    keys: tuple[str, ...]
    """The prices of the book that it may tell."""
    needs_key: bool = False


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "aws": Source(
            base=aws.BASE,
            region="us-east-1",
            quotes=aws.quotes,
            keys=tuple(one.key for wanted in aws.OFFERS.values() for one in wanted),
        ),
        "azure": Source(
            base=azure.BASE,
            region="eastus",
            quotes=azure.quotes,
            keys=tuple(key for keys in azure.METERS.values() for key in keys),
        ),
        "google": Source(
            base=google.BASE,
            region="us-central1",
            quotes=google.quotes,
            keys=tuple(google.SKUS.values()),
            needs_key=True,
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh found."""

    edition: str
    """The new edition's name; empty: the vendors told nothing of what is wanted."""
    folder: Path | None
    changes: pd.DataFrame
    """What `regtools.price_diff` says of the book before and after."""
    notes: tuple[str, ...]
    """Prices that a vendor did not tell: the old ones stay."""
    requests: int


def refresh_prices(
    folder: Path,
    *,
    sources: Sequence[str] = ("aws", "azure"),
    regions: Mapping[str, str] = MappingProxyType({}),
    google_key: str = "",
    bases: Mapping[str, str] = MappingProxyType({}),
    connection: ConnectionOptions | None = None,
    today: date | None = None,
) -> Refreshed:
    """Ask the vendors for their prices and write what they say as a new edition.

    Every vendor is asked before anything is written: if one fails, there is no new edition. None
    is ever written over.

    Parameters
    ----------
    folder
        Where your editions are.
    sources
        Names of `SOURCES`.
    regions
        The region to ask each for, as the vendor calls it.
    google_key
        An API key for Google's catalog.
    bases
        Other addresses of these APIs: a mirror.
    connection
        How to connect.
    today
        Names the edition; left out: today in UTC.

    Raises
    ------
    ConfigError
        Codes ``PRICE_SOURCE_UNKNOWN``, ``GOOGLE_KEY_MISSING``, ``EDITION_NOT_WRITTEN``.
    RegistryError, UnreachableError
        A vendor did not answer, or not as it promises (``PRICES_NOT_UNDERSTOOD``).
    """
    chosen = [_source(name) for name in sources]
    if any(source.needs_key for source in chosen) and not google_key:
        raise ConfigError(
            "Google's price catalog wants an API key.",
            code="GOOGLE_KEY_MISSING",
            remedy="Make one in Google Cloud's console (APIs & Services, Credentials), restricted "
            "to the Cloud Billing API, and give --google-key env:NAME or file:PATH.",
        )
    budget = Budget(MOST_REQUESTS)

    async def work() -> list[Quote]:
        found: list[Quote] = []
        async with open_client(connection or ConnectionOptions()) as client:
            for name, source in zip(sources, chosen, strict=True):
                secret = google_key if source.needs_key else ""
                session = VendorSession(
                    bases.get(name, source.base),
                    Credential(password=secret) if secret else ANONYMOUS,
                    client,
                    sign_in=_headers,
                    login=Login(secret=secret),
                    budget=budget,
                )
                found += await source.quotes(session, regions.get(name, source.region))
        return found

    with start_blocking_portal() as portal:
        quotes = portal.start_task_soon(work).result()
    before = price_book(folder)
    told = {quote.key for quote in quotes}
    missing = [key for source in chosen for key in source.keys if key not in told]
    notes = tuple(f"Nothing was told of {key}: the old price stays." for key in missing)
    files = new_files([folder], quotes)
    if not files:
        changes = price_diff(before, before)
        return Refreshed(
            edition="", folder=None, changes=changes, notes=notes, requests=budget.spent
        )
    written = write_edition(folder, files, today or datetime.now(UTC).date())
    return Refreshed(
        edition=written.name,
        folder=written,
        changes=price_diff(before, price_book(folder)),
        notes=notes,
        requests=budget.spent,
    )


def _source(name: str) -> Source:
    if name not in SOURCES:
        raise ConfigError(
            f"There is no price API {name!r}.",
            code="PRICE_SOURCE_UNKNOWN",
            remedy=f"Known are: {', '.join(SOURCES)}.",
        )
    return SOURCES[name]


async def _headers(_: Api, login: Login) -> Mapping[str, str]:
    return {"X-Goog-Api-Key": login.secret} if login.secret else {}
