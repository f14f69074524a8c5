"""Editions of the price book: folders of price files, with a date or a name.

The package has some, and `regtools prices refresh` writes more into a folder of the user's own;
none is ever written over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.reach import made
from regtools.errors import ConfigError

PACKAGE: Final = "regtools"
COLUMNS: Final = {"edition": "str", "from": "str", "files": "int64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Price files that were put together at one time."""

    name: str
    """A date, or a word."""
    place: str
    """Where it is: a folder, or this package."""
    files: tuple[tuple[str, str], ...]
    """Names and texts."""

    @property
    def day(self) -> date | None:
        """Its date, None where its name is a word."""
        return _day(self.name)

    @property
    def number(self) -> int:
        """Which one of its day it is."""
        number = self.name.partition(".")[2]
        return int(number) if self.day and number else 1


def editions(*folders: str | Path) -> pd.DataFrame:
    """List the editions of the package and of these folders, the oldest first.

    Returns
    -------
    DataFrame
        edition, from (a folder, or the package's name), files.
    """
    every = [*_shipped(), *(one for folder in folders for one in _own(Path(folder)))]
    return made(((one.name, one.place, len(one.files)) for one in _ordered(every)), COLUMNS)


def chosen_editions(folders: Sequence[Path], edition: str = "") -> list[Edition]:
    """Give what makes a book, each over the ones before it.

    Parameters
    ----------
    folders
        The user's own, with editions or with files.
    edition
        As for `regtools.analyses.prices.price_book`.

    Raises
    ------
    ConfigError
        Code ``EDITION_UNKNOWN``, or ``PRICE_BOOK_INVALID`` where a file cannot be read.
    """
    own = [one for folder in folders for one in _own(folder)]
    loose = [one for folder in folders for one in _loose(folder)]
    until = _day(edition)
    if edition and until is None:
        named = [one for one in (*_shipped(), *own) if one.name == edition]
        if not named:
            raise _unknown(edition, [*_shipped(), *own])
        return named
    dated = [
        one
        for one in (*_shipped(), *own)
        if one.day is not None and (until is None or one.day <= until)
    ]
    if not dated:
        raise _unknown(edition, [*_shipped(), *own])
    return [*_ordered(dated), *loose]


def _ordered(every: Iterable[Edition]) -> list[Edition]:
    return sorted(every, key=lambda one: (one.day or date.min, one.number, one.name))


def _unknown(edition: str, every: Iterable[Edition]) -> ConfigError:
    names = sorted({one.name for one in every})
    return ConfigError(
        f"The price book has no edition {edition!r}.",
        code="EDITION_UNKNOWN",
        remedy=f"It has: {', '.join(names)}. A date means the newest until then.",
    )


def _day(name: str) -> date | None:
    """Read the date of ``2026-11-23``, or of that day's second edition, ``2026-11-23.2``."""
    head, _, number = name.partition(".")
    try:
        whole = len(head) == len("2026-11-23") and (number == "" or number.isdecimal())
        return date.fromisoformat(head) if whole else None
    except ValueError:
        return None


@cache
def _shipped() -> tuple[Edition, ...]:
    return tuple(
        Edition(
            name=folder.name,
            place=PACKAGE,
            files=tuple(
                sorted(
                    (f"{folder.name}/{file.name}", file.read_text(encoding="utf-8"))
                    for file in folder.iterdir()
                    if file.name.endswith(".toml")
                )
            ),
        )
        for folder in (files("regtools") / "prices").iterdir()
        if folder.is_dir() and not folder.name.startswith("_")
    )


def _own(folder: Path) -> list[Edition]:
    """Give the editions in a folder of the user's; what is being written yet has no date."""
    if not folder.is_dir():
        return []
    return [
        Edition(name=inner.name, place=str(folder), files=_files(inner))
        for inner in sorted(folder.iterdir())
        if inner.is_dir() and _day(inner.name) is not None
    ]


def _loose(folder: Path) -> list[Edition]:
    found = _files(folder)
    return [Edition(name=str(folder), place=str(folder), files=found)] if found else []


def _files(folder: Path) -> tuple[tuple[str, str], ...]:
    return tuple((str(path), _text(path)) for path in sorted(folder.glob("*.toml")))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The price file {path} cannot be read: {error}.", code="PRICE_BOOK_INVALID"
        ) from error
