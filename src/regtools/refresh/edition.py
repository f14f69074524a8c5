"""A new edition of price files: the newest ones with what the vendors say now, written whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomlkit

from regtools.analyses.editions import chosen_editions
from regtools.errors import ConfigError
from regtools.refresh.quote import Quote


def new_files(folders: Iterable[Path], quotes: Iterable[Quote]) -> dict[str, str]:
    """Give the texts of the price files that change, by the names of the files.

    Parameters
    ----------
    folders
        Where editions of the user's are; the newest files of these and the package change.
    quotes
        What the vendors say.
    """
    newest = {
        Path(name).name: text
        for edition in chosen_editions(list(folders))
        for name, text in edition.files
    }
    by_provider: dict[str, list[Quote]] = {}
    for quote in quotes:
        by_provider.setdefault(quote.key.partition("/")[0], []).append(quote)
    changed = {}
    for name, text in newest.items():
        document: Any = tomlkit.parse(text)
        own = by_provider.get(str(document["provider"]), [])
        for quote in own:
            _write(document, quote)
        if own:
            changed[name] = tomlkit.dumps(document)
    return changed


def _write(document: Any, quote: Quote) -> None:
    """Put a quote into its price; a plan moves to its region with the prices it is made of."""
    price = document["prices"][quote.key.partition("/")[2]]
    for name in ("rate", "tiers", "low_rate", "high_rate"):
        price.pop(name, None)
    if len(quote.tiers) == 1:
        price["rate"] = _number(quote.tiers[0][1])
    else:
        tiers = tomlkit.array()
        for end, rate in quote.tiers:
            tier = tomlkit.inline_table()
            if end is not None:
                tier["up_to"] = _number(end)
            tier["rate"] = _number(rate)
            tiers.append(tier)
        price["tiers"] = tiers.multiline(True)
    if quote.free is not None:
        price["free"] = _number(quote.free)
    if quote.unit_bytes is not None:
        price["unit_bytes"] = quote.unit_bytes
        price.pop("other_unit_bytes", None)
    price["source"] = quote.source
    price["checked"] = quote.checked
    price["grade"] = "A"
    before = str(price.get("region", document.get("defaults", {}).get("region", "")))
    price["region"] = quote.region
    for plan in document.get("plans", []):
        if plan.get("region") == before and quote.key.partition("/")[2] in plan["prices"]:
            plan["region"] = quote.region


def _number(value: Decimal) -> Any:
    """Write a number as it is, without an exponent or zeros at its end."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return tomlkit.value(text)


def write_edition(folder: Path, files: Mapping[str, str], today: date) -> Path:
    """Write files as a new edition; it appears whole or not at all, and replaces nothing.

    Returns
    -------
    Path
        The new folder: the date, with a number behind it where there is one of today already.

    Raises
    ------
    ConfigError
        Code ``EDITION_NOT_WRITTEN``.
    """
    partial = folder / f".partial-{secrets.token_hex(8)}"
    try:
        partial.mkdir(parents=True)
        for name, text in files.items():
            with (partial / name).open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        return _published(partial, folder, today)
    except OSError as error:
        raise ConfigError(
            f"The edition cannot be written into {folder}: {error.strerror or error}.",
            code="EDITION_NOT_WRITTEN",
            remedy="Name another folder with --output, or price_folder in the settings.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _published(partial: Path, folder: Path, today: date) -> Path:
    number = 1
    while True:
        target = folder / (today.isoformat() if number == 1 else f"{today.isoformat()}.{number}")
        if not target.exists():
            partial.rename(target)
            return target
        number += 1
