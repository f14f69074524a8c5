"""A table of a price file, read key by key; what nobody asked for is an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from regtools.errors import ConfigError


class Section:
    """One table of the file, and where it stands.

    Parameters
    ----------
    where
        File and entry, for messages.
    content
        As TOML was read, with fractions as decimals.
    """

    def __init__(self, where: str, content: Mapping[str, object]) -> None:
        self._where = where
        self._content = content
        self._asked: set[str] = set()

    def error(self, what: str) -> ConfigError:
        """Make the error that says what is wrong here."""
        return ConfigError(
            f"The price book is not understood: {self._where} {what}.",
            code="PRICE_BOOK_INVALID",
            remedy="docs/prices.md shows an entry with every key.",
        )

    def has(self, key: str) -> bool:
        """Say whether the key is there."""
        return key in self._content

    def raw(self, key: str) -> Mapping[str, object]:
        """Give a table as it is, empty where there is none."""
        return _table(self, key, self._take(key, {}))

    def text(self, key: str, default: str | None = None) -> str:
        """Give a text, which must not be empty where it is required."""
        value = self._take(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.error(f"needs a text for {key!r}, not {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts, empty where there is none."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(f"needs a list of texts for {key!r}, not {value!r}")
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """Give one of some words."""
        value = self._take(key, default)
        if value not in choices:
            raise self.error(f"needs {key!r} to be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    def optional(self, key: str) -> Decimal | None:
        """Give a number that is not negative, None where there is none."""
        return self.number(key, 0) if self.has(key) else None

    def number(self, key: str, default: int | None = None) -> Decimal:
        """Give a number that is not negative."""
        value = self._take(key, default)
        # bool is an int to Python, not to a reader of a price list.
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.error(f"needs a number for {key!r}, not {value!r}")
        number = Decimal(value)
        if not number.is_finite() or number < 0:
            raise self.error(f"needs {key!r} to be zero or more, not {value!r}")
        return number

    def positive(self, key: str, default: int | None = None) -> Decimal:
        """Give a number above zero."""
        number = self.number(key, default)
        if number == 0:
            raise self.error(f"needs {key!r} to be above zero")
        return number

    def count(self, key: str) -> int | None:
        """Give a whole number, None where there is none."""
        number = self.optional(key)
        if number is not None and number != number.to_integral_value():
            raise self.error(f"needs a whole number for {key!r}, not {number}")
        return None if number is None else int(number)

    def flag(self, key: str) -> bool:
        """Give true or false, false where there is none."""
        value = self._take(key, False)
        if not isinstance(value, bool):
            raise self.error(f"needs true or false for {key!r}, not {value!r}")
        return value

    def day(self, key: str) -> date | None:
        """Give a date; None for the word ``undated``."""
        value = self._take(key, None)
        if value == "undated":
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.error(f"needs a date for {key!r}, such as 2026-11-23, not {value!r}")
        return value

    def sections(self, key: str, *, defaults: Mapping[str, object]) -> dict[str, Section]:
        """Give the tables below a key, each over what holds for all of them."""
        return {
            name: Section(f"{self._where}, {key}.{name}", {**defaults, **_table(self, name, table)})
            for name, table in self.raw(key).items()
        }

    def parts(self, key: str) -> list[Section]:
        """Give the tables of a list, none where there is none."""
        value = self._take(key, [])
        if not isinstance(value, list):
            raise self.error(f"needs a list of tables for {key!r}, not {value!r}")
        return [
            Section(f"{self._where}, {key}[{place}]", _table(self, key, table))
            for place, table in enumerate(value, 1)
        ]

    def finish(self, *known: str) -> None:
        """Refuse keys that nobody asked for: a misspelt one would be a price that is missed."""
        unknown = sorted(set(self._content) - self._asked - set(known))
        if unknown:
            raise self.error(f"has keys that are not known: {', '.join(unknown)}")

    def _take(self, key: str, default: object) -> object:
        self._asked.add(key)
        return self._content.get(key, default)


def _table(section: Section, key: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise section.error(f"needs a table for {key!r}, not {value!r}")
    return value
