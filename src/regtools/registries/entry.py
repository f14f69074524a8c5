"""A vendor's answer, read field by field: what is odd is told by vendor and field.

Vendors write the same things in many ways: Google gives whole numbers as text, Quay dates as mail
does, Harbor Go's zero time for "never". Null and a missing field are the same here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, TypeVar

from regtools.errors import InvalidReferenceError, MalformedAnswerError, RegistryError
from regtools.reference import Digest, parse_digest, parse_repository, parse_tag

T = TypeVar("T")
ODD: Final = "VENDOR_ANSWER_ODD"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 60
# RFC 3339, with as many digits of a second as Azure (7) or Go (9) give.
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)


class Entry:
    """One JSON object of an answer.

    Parameters
    ----------
    data
        What stands there; anything but an object is refused.
    vendor
        Whose answer it is, as people call it: ``Harbor``.
    place
        Where it stands: ``artifacts[3]``.

    Raises
    ------
    MalformedAnswerError
        Code ``VENDOR_ANSWER_ODD``, here and from every method: the vendor and the field.
    """

    def __init__(self, data: object, *, vendor: str, place: str) -> None:
        self._vendor = vendor
        self._place = place
        if not isinstance(data, Mapping):
            raise odd(vendor, place, f"is {_shown(data)}, not an object")
        self._data: Mapping[str, Any] = data

    def __contains__(self, key: str) -> bool:
        return self._data.get(key) is not None

    def text(self, key: str) -> str:
        """Give a text that has to be there."""
        value = self._data.get(key)
        if not isinstance(value, str) or not value:
            raise self._odd(key, value, "a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """Give a text, None where there is none or an empty one."""
        value = self._data.get(key)
        if value is not None and not isinstance(value, str):
            raise self._odd(key, value, "a text")
        return value or None

    def number(self, key: str) -> int | None:
        """Give a whole number, also one that is written as text or with a point."""
        value = self._data.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            return int(value)
        if isinstance(value, float) and math.isfinite(value) and value.is_integer():
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._odd(key, value, "a whole number")
        return value

    def size(self, key: str) -> int | None:
        """Give a number of bytes; a negative one, as some vendors write "unlimited", is None."""
        value = self.number(key)
        return value if value is not None and value >= 0 else None

    def flag(self, key: str) -> bool | None:
        """Give true or false, None where neither is there."""
        value = self._data.get(key)
        if isinstance(value, str) and value.lower() in ("true", "false"):  # Harbor's metadata
            return value.lower() == "true"
        if value is not None and not isinstance(value, bool):
            raise self._odd(key, value, "true or false")
        return value

    def time(self, key: str) -> datetime | None:
        """Give a moment in RFC 3339's form, UTC where no zone is told; Go's zero is none."""
        value = self._data.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, datetime):  # a client library has read it
            return value.astimezone(UTC)
        match = _TIME.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self._odd(key, value, "a time")
        day, clock, fraction, zone = match.groups()
        zone = "+00:00" if zone in (None, "Z", "z") else zone
        try:
            found = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{zone}")
            return found.astimezone(UTC) if found.year > 1 else None
        except (ValueError, OverflowError) as error:
            raise self._odd(key, value, "a time") from error

    def day(self, key: str) -> datetime | None:
        """Give the beginning, in UTC, of a day that is told without a time: ``2026-12-01``."""
        value = self._data.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            raise self._odd(key, value, "a day")
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError as error:
            raise self._odd(key, value, "a day") from error

    def mail_time(self, key: str) -> datetime | None:
        """Give a moment in RFC 2822's form: ``Wed, 04 Nov 2020 16:13:26 -0000`` (Quay)."""
        value = self._data.get(key)
        if value is None or value == "":
            return None
        try:
            found = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError) as error:
            raise self._odd(key, value, "a time") from error
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)

    def seconds(self, key: str) -> datetime | None:
        """Give a moment told in seconds since 1970."""
        return self._since(key, 1)

    def milliseconds(self, key: str) -> datetime | None:
        """Give a moment told in milliseconds since 1970 (Google)."""
        return self._since(key, 1000)

    def digest(self, key: str) -> Digest:
        """Give a digest that has to be there."""
        value = self._data.get(key)
        try:
            return parse_digest(value)
        except InvalidReferenceError as error:
            raise self._odd(key, value, "a digest") from error

    def tag(self, key: str) -> str:
        """Give a tag's name that the grammar allows."""
        return self._named(key, self.text(key), parse_tag, "a tag")

    def repository(self, key: str) -> str:
        """Give a repository's name that the grammar allows."""
        return self._named(key, self.text(key), parse_repository, "a repository")

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts; empty where it is missing."""
        value = self._data.get(key)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise self._odd(key, value, "a list of texts")
        return tuple(value)

    def tags(self, key: str) -> tuple[str, ...]:
        """Give a list of tags' names that the grammar allows."""
        return tuple(self._named(key, one, parse_tag, "a tag") for one in self.texts(key))

    def entry(self, key: str) -> Entry | None:
        """Give the object inside, None where there is none."""
        value = self._data.get(key)
        return None if value is None else Entry(value, vendor=self._vendor, place=self._at(key))

    def entries(self, key: str) -> list[Entry]:
        """Give the objects of a list; empty where it is missing."""
        return self._inside(key) if key in self else []

    def odd(self, key: str, wanted: str) -> MalformedAnswerError:
        """Make the error of a field that is not what is needed."""
        return self._odd(key, self._data.get(key), wanted)

    def raw(self, key: str) -> object:
        """Give what stands there, unread."""
        return self._data.get(key)

    def keys(self) -> Iterable[str]:
        """Give the names of all fields."""
        return self._data.keys()

    def _inside(self, key: str) -> list[Entry]:
        value = self._data[key]
        if not isinstance(value, list | tuple):
            raise self._odd(key, value, "a list")
        return [
            Entry(one, vendor=self._vendor, place=f"{self._at(key)}[{at}]")
            for at, one in enumerate(value)
        ]

    def _since(self, key: str, unit: int) -> datetime | None:
        value = self._data.get(key)
        if value is None or value == "":
            return None
        try:
            number = float(value)
            found = _EPOCH + timedelta(seconds=number / unit)
        except (ValueError, TypeError, OverflowError) as error:
            raise self._odd(key, value, "a time") from error
        return found if number > 0 else None

    def _named(self, key: str, value: str, parse: Callable[[str], str], what: str) -> str:
        try:
            return parse(value)
        except InvalidReferenceError as error:
            raise self._odd(key, value, what) from error

    def _at(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _odd(self, key: str, value: object, wanted: str) -> MalformedAnswerError:
        there = "is missing" if value is None else f"is {_shown(value)}"
        return odd(self._vendor, self._at(key), f"{there}; {wanted} is needed")


@dataclass(slots=True)
class Read(Generic[T]):
    """What a page of an answer holds, and what of it could not be read."""

    items: list[T] = field(default_factory=list)
    problems: list[RegistryError] = field(default_factory=list)


def read_all(listed: object, parse: Callable[[Entry], T], *, vendor: str, place: str) -> Read[T]:
    """Read the objects of a list; one that is odd does not spoil the others.

    Raises
    ------
    MalformedAnswerError
        Code ``VENDOR_ANSWER_ODD``: it is no list.
    """
    read: Read[T] = Read()
    if listed is None:
        return read
    if not isinstance(listed, list | tuple):
        raise odd(vendor, place, f"is {_shown(listed)}, not a list")
    for at, one in enumerate(listed):
        try:
            read.items.append(parse(Entry(one, vendor=vendor, place=f"{place}[{at}]")))
        except MalformedAnswerError as error:
            read.problems.append(error)
    return read


def odd(vendor: str, place: str, what: str) -> MalformedAnswerError:
    """Make the error of an answer that is not what the vendor's description promises."""
    return MalformedAnswerError(
        f"{vendor}'s answer is odd: {place or 'all of it'} {what}.",
        code=ODD,
        remedy="If it stays, record it (`regtools scan --record DIR`) and report it.",
    )


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
