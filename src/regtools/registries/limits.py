"""What each registry refuses to take, or wants done first: one entry a rule, in ``limits.toml``.

A rule is one of: ``parts``, how many parts a path has; ``length``, how many characters; ``last``,
a regular expression for the last part; ``layer`` and ``manifest``, bytes of one; ``images`` in one
repository; ``first``, which can only be told, not checked.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final, Literal

ANY: Final = "any"
Rule = Literal["parts", "length", "last", "layer", "manifest", "images", "first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One thing that a kind of registry refuses, or wants done first."""

    kind: str
    """As in `regtools.registries.KINDS`, or `ANY`."""
    rule: Rule
    says: str
    source: str
    checked: date
    grade: str
    """A: read at the vendor; B: told by others, or from what is known of it."""
    least: int | None = None
    most: int | None = None
    pattern: str = ""

    def refuses_name(self, repository: str) -> bool:
        """Whether the repository's name breaks this; a rule that is not of names breaks never."""
        match self.rule:
            case "parts":
                return self._is_outside(repository.count("/") + 1)
            case "length":
                return self._is_outside(len(repository))
            case "last":
                return not re.fullmatch(self.pattern, repository.rpartition("/")[2])
            case _:
                return False

    def _is_outside(self, number: int) -> bool:
        return (self.least is not None and number < self.least) or (
            self.most is not None and number > self.most
        )


def limits(kind: str) -> tuple[Limit, ...]:
    """Give what registries of this kind, and all, refuse.

    Examples
    --------
    >>> [limit.says for limit in limits("dockerhub") if limit.refuses_name("acme/team/app")]
    ['Docker Hub has a namespace and a name, and nothing below.']
    """
    return tuple(limit for limit in _all() if limit.kind in (kind, ANY))


@cache
def _all() -> tuple[Limit, ...]:
    text = (files("regtools") / "registries" / "limits.toml").read_text(encoding="utf-8")
    return tuple(Limit(**entry) for entry in tomllib.loads(text)["limits"])
