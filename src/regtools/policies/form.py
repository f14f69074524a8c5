"""Reading a vendor's policy: JSON or YAML that was loaded already, checked place by place.

Whoever wrote the file learns where it goes wrong and what is allowed there:
``rules[2].selection.tagStatus``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from regtools.errors import ConfigError

_LONGEST: Final = 60


def shown(value: object) -> str:
    """Give a value as a message may show it: on one line, escaped, not too long.

    Examples
    --------
    >>> shown("tag\\n")
    "'tag\\\\n'"
    """
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def words(choices: Collection[str], link: str = "and") -> str:
    """Give choices as a list to read.

    Examples
    --------
    >>> words(["a", "b", "c"])
    "'a', 'b' and 'c'"
    """
    *others, last = (repr(str(choice)) for choice in choices)
    return f"{', '.join(others)} {link} {last}" if others else last


def invalid(place: str, problem: str, remedy: str = "") -> ConfigError:
    """Say that a policy cannot be meant; ``problem`` goes on from its place, without a full stop.

    The code is ``POLICY_INVALID``.
    """
    return ConfigError(
        f"{place} {problem}.",
        code="POLICY_INVALID",
        remedy=remedy or "Correct the policy; the vendor would not take it either.",
    )


class Fields:
    """One object of a policy, read key by key.

    Parameters
    ----------
    data
        What stands there; anything but an object is refused.
    place
        Where it stands: ``rules[2].selection``.
    known
        The keys that may be there. Any other is refused: a misspelt condition would select
        more than was meant.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``, here and from every method.
    """

    def __init__(self, data: object, place: str, *, known: Collection[str]) -> None:
        if not isinstance(data, Mapping):
            raise invalid(place, f"is {shown(data)}; an object is needed")
        self._data = data
        self._place = place
        for key in data:
            if key not in known:
                raise invalid(self.at(str(key)), f"is not known; allowed are {words(known)}")

    def at(self, key: str) -> str:
        """Give the place of one key, whatever somebody wrote as its name."""
        shown_key = key if key.isidentifier() else f"[{shown(key)}]"
        joint = "." if self._place and key.isidentifier() else ""
        return f"{self._place}{joint}{shown_key}"

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def raw(self, key: str, default: object = None) -> object:
        """Give what stands there, unchecked; without a default it has to be there."""
        if key not in self._data and default is not None:
            return default
        if key not in self._data:
            raise invalid(self.at(key), "is missing")
        return self._data[key]

    def text(self, key: str, default: str | None = None) -> str:
        """Give a text; one without a default has to be there."""
        if default is not None and key not in self._data:
            return default
        value = self.raw(key)
        if not isinstance(value, str):
            raise invalid(self.at(key), f"is {shown(value)}; a text is needed")
        return value

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> str:
        """Give one of some texts."""
        value = default if default is not None and key not in self._data else self.raw(key)
        if not isinstance(value, str) or value not in choices:
            raise invalid(self.at(key), f"is {shown(value)}; allowed: {words(choices, 'or')}")
        return value

    def optional_text(self, key: str) -> str | None:
        """Give a text; None where there is none, or null stands there."""
        return None if self._data.get(key) is None else self.text(key)

    def number(self, key: str, *, least: int, default: int | None = None) -> int:
        """Give a whole number of at least ``least``."""
        value = default if default is not None and key not in self._data else self.raw(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            needed = f"a whole number of at least {least} is needed"
            raise invalid(self.at(key), f"is {shown(value)}; {needed}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Give true or false."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise invalid(self.at(key), f"is {shown(value)}; true or false is needed")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts, none of them empty; empty where the key is not there."""
        value = self._data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid(self.at(key), f"is {shown(value)}; a list of texts is needed")
        if "" in value:
            raise invalid(self.at(key), "holds an empty text, which says nothing")
        return tuple(value)


def items(data: object, place: str) -> list[object]:
    """Give a list's items.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: it is no list.
    """
    if not isinstance(data, list):
        raise invalid(place, f"is {shown(data)}; a list is needed")
    return data
