"""The price book: what each provider asks, where that was read, when, and how sure it is.

Data is in ``regtools/prices/*.toml``, one file a provider; this module turns it into frozen
values and refuses what it does not understand. Money and quantities are decimals throughout.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd

from regtools.analyses._price_file import Section
from regtools.analyses._price_overrides import laid_over
from regtools.analyses.book import (
    BYTE_MEASURES,
    COMPONENTS,
    GRADES,
    SCOPES,
    Measure,
    Plan,
    Price,
    PriceBook,
    Provider,
    Tier,
)
from regtools.analyses.editions import chosen_editions
from regtools.errors import ConfigError
from regtools.units import GB, GIB, parse_bytes

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_A_YEAR: Final = 12
A_YEAR: Final = timedelta(days=365)
"""Prices older than that come with a warning."""
RATES_FROM: Final = (
    "",
    "own_machine_usd",
    "own_disk_usd_per_gb",
    "backup_usd_per_gb",
    "labour_usd_per_hour",
)
"""Fields of a scenario that may hold a rate."""
PRICE_COLUMNS: Final = (
    "provider",
    "price",
    "component",
    "unit",
    "unit_size",
    "free",
    "rate",
    "region",
    "grade",
    "checked",
    "source",
    "note",
)
"""Columns of the frame that `prices` gives."""


def price_book(
    *folders: str | Path, edition: str = "", overrides: Mapping[str, object] = _NOTHING
) -> PriceBook:
    """Read the price book: the newest edition of this package, and yours over it.

    Parameters
    ----------
    folders
        Folders with files of the same form, or with editions: folders that have a date for a
        name. A file takes the place of the one with the same ``provider``; later ones win.
    edition
        A date: nothing newer counts. The name of an edition, such as ``guide-undated``: this
        one alone. Empty: the newest of everything.
    overrides
        Tables by provider, as in a price file, that are laid over it: ``[prices.ecr]`` of
        ``regtools.toml``.

    Raises
    ------
    ConfigError
        Code ``PRICE_BOOK_INVALID``: a file is not understood. It names the file and the entry.
        Code ``EDITION_UNKNOWN``: there is none of that name, or none so old.

    Examples
    --------
    >>> price_book().provider("ecr").prices["storage"].tiers[0].rate
    Decimal('0.10')
    >>> price_book(edition="guide-undated").provider("gcr").prices["storage"].tiers[0].rate
    Decimal('0.026')
    """
    chosen = chosen_editions([Path(folder) for folder in folders], edition)
    tables: dict[str, tuple[str, dict[str, object]]] = {}
    for name, text in (file for one in chosen for file in one.files):
        table = _toml(name, text)
        tables[Section(name, table).text("provider")] = (name, table)
    sections = {
        key: Section(name, table) for key, (name, table) in laid_over(tables, overrides).items()
    }
    prices = {key: _prices(key, section) for key, section in sections.items()}
    by_key = {price.key: price for own in prices.values() for price in own.values()}
    providers = {
        key: _provider(key, section, prices[key], by_key) for key, section in sections.items()
    }
    return PriceBook(
        edition=chosen[-1].name, providers=MappingProxyType(dict(sorted(providers.items())))
    )


def _toml(name: str, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"The price file {name} is not TOML: {error}.",
            code="PRICE_BOOK_INVALID",
            remedy="docs/prices.md shows an entry.",
        ) from error


def _prices(provider: str, section: Section) -> dict[str, Price]:
    defaults = section.raw("defaults")
    return {
        name: _price(f"{provider}/{name}", own)
        for name, own in section.sections("prices", defaults=defaults).items()
    }


def _price(key: str, section: Section) -> Price:
    measure = Measure(section.choice("measure", tuple(Measure)))
    is_bytes = measure in BYTE_MEASURES
    price = Price(
        key=key,
        component=section.choice("component", COMPONENTS),
        measure=measure,
        unit=section.text("unit"),
        unit_size=section.positive("unit_bytes") if is_bytes else section.positive("unit_count", 1),
        other_unit_size=section.optional("other_unit_bytes") if is_bytes else None,
        free=section.number("free", 0),
        introductory_free=section.number("introductory_free", 0),
        introductory_note=section.text("introductory_note", ""),
        introductory_months=section.count("introductory_months") or _A_YEAR,
        grade=(grade := section.choice("grade", GRADES)),
        tiers=_tiers(section, grade),
        low_rate=section.optional("low_rate"),
        high_rate=section.optional("high_rate"),
        whole_units=section.flag("whole_units"),
        round_to=section.positive("round_to") if section.has("round_to") else None,
        month_days=section.count("month_days"),
        minimum_days=section.count("minimum_days") or 0,
        per_region=section.flag("per_region"),
        rate_from=section.choice("rate_from", RATES_FROM, ""),
        region=section.text("region", ""),
        source=section.text("source"),
        checked=section.day("checked"),
        note=section.text("note", ""),
    )
    _require_bounds(section, price)
    section.finish()
    return price


def _tiers(section: Section, grade: str) -> tuple[Tier, ...]:
    if not section.has("tiers"):
        return (Tier(up_to=None, rate=section.optional("rate"), grade=grade),)
    tiers: list[Tier] = []
    start = Decimal(0)
    for part in section.parts("tiers"):
        end = part.optional("up_to")
        if tiers and tiers[-1].up_to is None:
            raise part.error("stands after a tier without end")
        if end is not None and end <= start:
            raise part.error("must reach further than the tier before")
        start = end if end is not None else start
        rate, own_grade = part.optional("rate"), part.choice("grade", GRADES, grade)
        tiers.append(Tier(up_to=end, rate=rate, grade=own_grade))
        part.finish()
    if not tiers or tiers[-1].up_to is not None:
        # Beyond the last tier nothing is known.
        tiers.append(Tier(up_to=None, rate=None, grade="U"))
    return tuple(tiers)


def _require_bounds(section: Section, price: Price) -> None:
    low, high = price.low_rate, price.high_rate
    if low is None and high is None:
        return
    rate = price.tiers[0].rate
    if len(price.tiers) > 1 or rate is None:
        raise section.error("low_rate and high_rate need one known rate")
    if (low is not None and low > rate) or (high is not None and high < rate):
        raise section.error("low_rate ≤ rate ≤ high_rate does not hold")


def _provider(
    key: str, section: Section, prices: Mapping[str, Price], by_key: Mapping[str, Price]
) -> Provider:
    provider = Provider(
        key=key,
        title=section.text("title"),
        dedup_scope=section.choice("dedup_scope", SCOPES, "unknown"),
        dedup_grade=section.choice("dedup_grade", GRADES, "U"),
        dedup_source=section.text("dedup_source", ""),
        hosts=section.texts("hosts"),
        best_for=section.text("best_for", ""),
        notes=section.texts("notes"),
        prices=MappingProxyType(dict(prices)),
        plans=tuple(_plan(key, part, by_key) for part in section.parts("plans")),
    )
    names = [plan.name for plan in provider.plans]
    if len(set(names)) < len(names):
        raise section.error("two plans have the same name")
    section.finish("provider", "defaults", "prices")
    return provider


def _plan(provider: str, section: Section, by_key: Mapping[str, Price]) -> Plan:
    names = section.texts("prices")
    if not names:
        raise section.error("has no prices")
    plan = Plan(
        name=section.text("name"),
        region=section.text("region", ""),
        prices=tuple(_named(section, provider, name, by_key) for name in names),
        private_repositories=section.count("private_repositories"),
        max_users=section.count("max_users"),
        max_private_users=section.count("max_private_users"),
        max_stored_bytes=_size(section, "max_stored"),
        max_disk_bytes=_size(section, "max_disk"),
        pulls_per_6_hours=section.count("pulls_per_6_hours"),
        limits_source=section.text("limits_source", ""),
        max_repositories=section.count("max_repositories"),
        max_regions=(section.count("max_regions") or None) if section.has("max_regions") else 1,
        archives=section.flag("archives"),
        needs=_needs(section),
        withdrawn=section.text("withdrawn", ""),
        notes=section.texts("notes"),
    )
    section.finish()
    return plan


def _needs(section: Section) -> tuple[str, ...]:
    names = section.texts("needs")
    unknown = [name for name in names if name not in RATES_FROM]
    if unknown:
        raise section.error(f"needs {unknown[0]!r}, which no scenario has")
    return names


def _named(section: Section, provider: str, name: str, by_key: Mapping[str, Price]) -> Price:
    key = name if "/" in name else f"{provider}/{name}"
    if key not in by_key:
        raise section.error(f"names a price {key!r} that does not exist")
    return by_key[key]


def _size(section: Section, key: str) -> int | None:
    text = section.text(key, "")
    return parse_bytes(text) if text else None


def prices(provider: str | None = None, *, book: PriceBook | None = None) -> pd.DataFrame:
    """List every price with its source, date and grade.

    Parameters
    ----------
    provider
        Only what this one's plans are made of, by its key (``ecr``) or title.
    book
        Another price book than the one of this package.

    Returns
    -------
    DataFrame
        `PRICE_COLUMNS`. `unit_size` says how many bytes a unit has (``2^30 or 10^9`` where the
        vendor does not say). `free` and `rate` are texts and exact; a rate with tiers names them all,
        one that is not known is empty.

    Raises
    ------
    ConfigError
        Code ``PROVIDER_UNKNOWN``.
    """
    whole = book or price_book()
    if provider is None:
        chosen = [price for one in whole.providers.values() for price in one.prices.values()]
    else:
        chosen = _with_borrowed(whole.provider(provider))
    rows = [_row(price) for price in chosen]
    return pd.DataFrame(rows, columns=list(PRICE_COLUMNS))


def _with_borrowed(provider: Provider) -> list[Price]:
    """Give a provider's own prices, and those of others that its plans refer to."""
    used = [price for plan in provider.plans for price in plan.prices]
    return list({price.key: price for price in (*provider.prices.values(), *used)}.values())


def _row(price: Price) -> dict[str, object]:
    return {
        "provider": price.provider,
        "price": price.name,
        "component": price.component,
        "unit": price.unit,
        "unit_size": _unit_size(price),
        "free": f"{price.free:f}" if price.free else "",
        "rate": rate_text(price),
        "region": price.region,
        "grade": price.grade,
        "checked": _day(price),
        "source": price.source,
        "note": " ".join(part for part in (price.introductory_note, price.note) if part),
    }


def stale(book: PriceBook, *, now: date | None = None) -> list[str]:
    """Name the providers with plans whose prices are older than a year, or have no date.

    Parameters
    ----------
    now
        The day from which to count; left out: today in UTC.
    """
    today = now or datetime.now(UTC).date()
    return [
        provider.title
        for provider in book.providers.values()
        if any(is_stale(plan.checked, today) for plan in provider.plans if not plan.withdrawn)
    ]


def is_stale(checked: date | None, today: date) -> bool:
    """Say whether a price of this day is too old to go without a warning."""
    return checked is None or today - checked > A_YEAR


def rate_text(price: Price) -> str:
    """Write a price's rates, with the quantity each reaches to.

    Examples
    --------
    >>> rate_text(price_book().provider("artifactregistry").prices["traffic"])
    '0.12 to 1024, 0.11 to 10240, then 0.08'
    >>> rate_text(price_book().provider("dockerhub").prices["seats-team"])
    '16 (15 to 16)'
    """
    texts = ["unknown" if tier.rate is None else f"{tier.rate:f}" for tier in price.tiers]
    if len(texts) > 1:
        reach = [
            f"{text} to {tier.up_to:f}"
            for text, tier in zip(texts, price.tiers, strict=True)
            if tier.up_to is not None
        ]
        return f"{', '.join(reach)}, then {texts[-1]}"
    if price.low_rate is None and price.high_rate is None:
        return texts[0] if price.tiers[0].rate is not None else ""
    rate = price.tiers[0].rate
    low = rate if price.low_rate is None else price.low_rate
    high = rate if price.high_rate is None else price.high_rate
    return f"{texts[0]} ({low:f} to {high:f})"


def markdown_table(book: PriceBook | None = None) -> str:
    """Write the price book as the table of ``docs/prices.md``."""
    whole = book or price_book()
    lines = ["| price | unit | free | US dollars a unit | region | grade | checked | source |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for provider in whole.providers.values():
        for price in provider.prices.values():
            cells = (
                f"`{price.key}`",
                f"{price.unit} ({size})" if (size := _unit_size(price)) else price.unit,
                f"{price.free:f}" if price.free else "–",
                rate_text(price) or "unknown",
                price.region or "–",
                price.grade,
                _day(price),
                price.source,
            )
            lines.append(f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _day(price: Price) -> str:
    return price.checked.isoformat() if price.checked else "undated"


def _unit_size(price: Price) -> str:
    """Say how many bytes the vendor's GB has, or may have."""
    if price.measure not in BYTE_MEASURES:
        return ""
    names = {Decimal(GB): "10^9", Decimal(GIB): "2^30"}
    sizes = [price.unit_size, *([price.other_unit_size] if price.other_unit_size else [])]
    return " or ".join(names.get(size, f"{size:f}") for size in sizes)
