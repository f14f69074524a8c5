"""Tag patterns with ``*`` for any characters, as cloud vendors write them.

They match, are compared with one another, and are made from those regular expressions that say
no more than they can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_UNSEEN: Final = "\0"
"""A character that no tag and no pattern holds: it stands for whatever a ``*`` may match."""
_TAG_PART: Final = re.compile(r"[A-Za-z0-9_.-]*")
_LONGEST_TAG: Final = 128
_SPECIAL: Final = frozenset("[](){}?+*|^$.")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A pattern as the literal parts between its ``*``; one part alone is the whole tag.

    Examples
    --------
    >>> Wildcard.of("prod*").matches("prod-1"), Wildcard.of("prod").matches("prod-1")
    (True, False)
    """

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a pattern in which every ``*`` stands for any characters, also none."""
        return cls(tuple(text.split("*")))

    @classmethod
    def prefix(cls, text: str) -> Self:
        """Make the pattern of everything that starts with a text, in which ``*`` is itself."""
        return cls((text, ""))

    def __str__(self) -> str:
        """Give the pattern as it is written, escaped where it would not be readable."""
        return repr("*".join(self.parts))[1:-1]

    def matches(self, tag: str) -> bool:
        """Say whether it matches a whole tag; capital letters are not small ones."""
        first, *middle = self.parts
        if not middle:
            return tag == first
        *middle, last = middle
        if not tag.startswith(first):
            return False
        at = len(first)
        for part in middle:
            found = tag.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return len(tag) - at >= len(last) and tag.endswith(last)

    def covers(self, other: Wildcard) -> bool:
        """Say whether it matches every tag that the other one matches.

        Examples
        --------
        >>> Wildcard.of("p*").covers(Wildcard.of("prod*"))
        True
        """
        knows_unseen = any(_UNSEEN in part for part in self.parts)
        return not knows_unseen and self.matches(_UNSEEN.join(other.parts))

    @property
    def is_possible(self) -> bool:
        """Whether a tag can look like that: letters, digits, ``_.-``, 128 at most, no ``.-``
        first (OCI distribution specification 1.1)."""
        return (
            all(_TAG_PART.fullmatch(part) for part in self.parts)
            and not self.parts[0].startswith((".", "-"))
            and sum(map(len, self.parts)) <= _LONGEST_TAG
            and self.parts != ("",)
        )


EVERYTHING: Final = Wildcard(("", ""))


def from_regex(pattern: str) -> tuple[Wildcard, ...] | None:
    """Write a regular expression (RE2, found anywhere in the tag) as patterns, one for each ``|``.

    Returns
    -------
    tuple of Wildcard, or None
        Patterns of which one matches exactly where the expression does; None where it says more
        than patterns can, such as a choice of characters.

    Examples
    --------
    >>> [str(found) for found in from_regex(r"^v1\\.|-rc$") or ()]
    ['v1.*', '*-rc']
    """
    if r"\\" in pattern:  # no tag holds a backslash
        return None
    found = [_from_branch(branch) for branch in re.split(r"(?<!\\)\|", pattern)]
    patterns = tuple(one for one in found if one is not None)
    return patterns if len(patterns) == len(found) else None


def _from_branch(branch: str) -> Wildcard | None:
    body = branch.removeprefix("^")
    is_ended = body.endswith("$") and not body.endswith("\\$")
    body = body[:-1] if is_ended else body
    parts = [""] if branch.startswith("^") else ["", ""]
    at = 0
    while at < len(body):
        if body.startswith(".*", at):
            if body[at + 2 : at + 3] in ("?", "+", "*"):
                return None
            parts.append("")
            at += 2
            continue
        is_escaped = body[at] == "\\" and at + 1 < len(body)
        sign = body[at + 1] if is_escaped else body[at]
        # An escaped letter is a class of characters; what follows may repeat the sign.
        if (is_escaped and sign.isalnum()) or (not is_escaped and sign in _SPECIAL | {"\\"}):
            return None
        at += 2 if is_escaped else 1
        if body[at : at + 1] in ("?", "+", "*", "{"):
            return None
        parts[-1] += sign
    if not is_ended:
        parts.append("")
    return _simplest(parts)


def _simplest(parts: list[str]) -> Wildcard | None:
    """Drop the empty parts between two ``*`` that stand side by side."""
    first, *rest = parts
    if not rest:
        return Wildcard((first,)) if first else None
    *middle, last = rest
    return Wildcard((first, *(part for part in middle if part), last))
