"""Patterns of Harbor: ``*``, ``**``, ``?``, ``[a-z]`` and ``{a,b}``, matched as Harbor matches them.

Harbor uses bmatcuk/doublestar 1.3.4 (its go.mod and that version's source, looked up 2026-11). What
is odd there is so here, because it decides what is deleted:

* ``**`` crosses ``/`` only where it is a whole part and the pattern or a ``/`` comes before it;
  else it is ``*``. In ``{**,x}`` it is ``*`` too.
* ``{app,app/**}`` does not match ``app``: an alternative that goes on after a ``/`` takes the place
  of one that ends.
* ``*`` with more behind it needs something left for that, so that ``a*{,x}`` matches no ``a``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

_STAR: Final = "*"
_ONE: Final = "?"
_SLASH: Final = "/"


@dataclass(frozen=True, slots=True)
class _Letter:
    """A character that stands for itself."""

    sign: str


@dataclass(frozen=True, slots=True)
class _Class:
    """One character of these ranges, or of none of them."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool

    def holds(self, sign: str) -> bool:
        return any(low <= sign <= high for low, high in self.ranges) is not self.is_negated


@dataclass(frozen=True, slots=True)
class _Choice:
    """One of several patterns."""

    options: tuple[_Tokens, ...]


_Tokens = tuple["str | _Letter | _Class | _Choice", ...]


@dataclass(frozen=True, slots=True)
class Doublestar:
    """A pattern.

    Examples
    --------
    >>> Doublestar.of("{v*,release-[0-9]}").matches("release-7")
    True
    >>> (
    ...     Doublestar.of("team/*").matches("team/web/api"),
    ...     Doublestar.of("team/**").matches("team/web/api"),
    ... )
    (False, True)
    """

    text: str
    tokens: _Tokens

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a pattern.

        Raises
        ------
        ValueError
            It is none; the message says why. (Harbor finds out only when it runs, and then deletes
            nothing.)
        """
        tokens, _ = _read(text, 0, depth=0)
        return cls(text, tokens)

    def __str__(self) -> str:
        """Give the pattern as it is written, escaped where it would not be readable."""
        return repr(self.text)[1:-1]

    @property
    def is_everything(self) -> bool:
        """Whether it matches all that there is, with slashes or without."""
        return self.text == "**"

    def matches(self, name: str) -> bool:
        """Say whether it matches a whole name; capital letters are not small ones."""
        return _matches(self.tokens, tuple(name.split(_SLASH)))


def _read(text: str, at: int, *, depth: int) -> tuple[_Tokens, int]:
    """Read up to the end, or up to the comma or brace that ends an alternative."""
    tokens: list[str | _Letter | _Class | _Choice] = []
    while at < len(text):
        sign = text[at]
        if depth and sign in ",}":
            break
        if sign == "\\":
            letter, at = _escaped(text, at)
            tokens.append(_Letter(letter))
        elif sign == "[":
            found, at = _read_class(text, at + 1)
            tokens.append(found)
        elif sign == "{":
            choice, at = _read_choice(text, at + 1, depth=depth + 1)
            if _crosses(choice) and tokens and tokens[-1] != _SLASH:
                raise ValueError("has a / in {} that does not follow on a /, at which Harbor fails")
            tokens.append(choice)
        else:
            tokens.append(sign if sign in (_STAR, _ONE, _SLASH) else _Letter(sign))
            at += 1
    return tuple(tokens), at


def _read_choice(text: str, at: int, *, depth: int) -> tuple[_Choice, int]:
    if depth > 20:
        raise ValueError("has braces that go too deep")
    options = []
    while True:
        option, at = _read(text, at, depth=depth)
        options.append(option)
        if at == len(text):
            raise ValueError("has a { without its }")
        at += 1
        if text[at - 1] == "}":
            return _Choice(tuple(options)), at


def _crosses(choice: _Choice) -> bool:
    return any(
        token == _SLASH or (isinstance(token, _Choice) and _crosses(token))
        for option in choice.options
        for token in option
    )


def _read_class(text: str, at: int) -> tuple[_Class, int]:
    is_negated = text.startswith("^", at)
    at += is_negated
    ranges = []
    while not text.startswith("]", at):
        low, at = _bound(text, at)
        high = low
        if text.startswith("-", at):
            high, at = _bound(text, at + 1)
        ranges.append((low, high))
    if not ranges:
        raise ValueError("has an empty []")
    return _Class(tuple(ranges), is_negated), at + 1


def _bound(text: str, at: int) -> tuple[str, int]:
    if at >= len(text):
        raise ValueError("has a [ without its ]")
    if text[at] == "\\":
        return _escaped(text, at)
    if text[at] in "-]":
        raise ValueError("has a - in [] that joins nothing; escape it")
    return text[at], at + 1


def _escaped(text: str, at: int) -> tuple[str, int]:
    if at + 1 == len(text):
        raise ValueError("ends with a \\ that escapes nothing")
    if text[at + 1] == "\\":
        raise ValueError("holds a \\, which no name does")
    return text[at + 1], at + 2


def _matches(tokens: _Tokens, parts: tuple[str, ...]) -> bool:
    """Match a pattern with the parts of a name between its slashes."""
    if not tokens:
        return parts == ("",)
    if tokens[:2] == (_STAR, _STAR) and tokens[2:3] in ((), (_SLASH,)):
        rest = tokens[3:]
        return len(tokens) == 2 or any(_matches(rest, parts[at:]) for at in range(len(parts)))
    left = _after(tokens, parts[0])
    if left is None:
        return False
    if len(parts) == 1:
        return not left
    return any(_matches(rest, parts[1:]) for rest in left)


@lru_cache(maxsize=65_536)
def _after(tokens: _Tokens, part: str) -> tuple[_Tokens, ...] | None:
    """Match the pattern up to its next slash with one part of a name.

    Returns
    -------
    tuple or None
        What may follow that slash; empty: the pattern is at its end; None: it does not match.
    """
    for at, token in enumerate(tokens):
        if not part:
            return _after_nothing(tokens[at:])
        if token == _STAR:
            return _after_star(tokens[at + 1 :], part)
        if isinstance(token, _Choice):
            found = [_after(option + tokens[at + 1 :], part) for option in token.options]
            matching = [one for one in found if one is not None]
            return tuple(rest for one in matching for rest in one) if matching else None
        if not _takes(token, part[0]):
            return None
        part = part[1:]
    return None if part else ()


def _takes(token: str | _Letter | _Class | _Choice, sign: str) -> bool:
    if isinstance(token, _Letter):
        return token.sign == sign
    return token.holds(sign) if isinstance(token, _Class) else token == _ONE


def _after_star(rest: _Tokens, part: str) -> tuple[_Tokens, ...] | None:
    if not rest:
        return ()
    if rest[0] == _SLASH:
        return (rest[1:],)
    tried = (_after(rest, part[at:]) for at in range(len(part)))
    return next((found for found in tried if found is not None), None)


def _after_nothing(tokens: _Tokens) -> tuple[_Tokens, ...] | None:
    end = tokens.index(_SLASH) if _SLASH in tokens else len(tokens)
    if not _may_be_empty(tokens[:end]):
        return None
    return (tokens[end + 1 :],) if end < len(tokens) else ()


def _may_be_empty(tokens: _Tokens) -> bool:
    if tokens in ((), (_STAR,), (_STAR, _STAR)):
        return True
    first, *rest = tokens
    return (
        isinstance(first, _Choice)
        and _may_be_empty(tuple(rest))
        and any(_may_be_empty(option) for option in first.options)
    )


_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
"""What a tag is made of; none of it has a meaning in a pattern outside of []."""
_REPEATS: Final = ("?", "+", "*", "{")
_DIGIT: Final = "[0-9]"


def from_regex(regex: str) -> tuple[str, ...] | None:
    """Write a regular expression (RE2, found anywhere in a tag) as patterns, one for each ``|``.

    Returns
    -------
    tuple of str, or None
        Patterns of which one matches a tag exactly where the expression does; None where it says
        more than patterns can, such as a repeated choice of characters.

    Examples
    --------
    >>> from_regex(r"^v[0-9]|-rc$"), from_regex(r"^v\\d+$")
    (('v[0-9]*', '*-rc'), None)
    """
    if r"\\" in regex:  # no tag holds a backslash
        return None
    found = [_from_branch(branch) for branch in _branches(regex)]
    patterns = tuple(one for one in found if one is not None)
    return patterns if len(patterns) == len(found) else None


def in_braces(patterns: Iterable[str]) -> str:
    """Join patterns into one that matches where any of them does."""
    unique = list(dict.fromkeys(patterns))
    if _STAR in unique:
        return "**"
    return unique[0] if len(unique) == 1 else f"{{{','.join(unique)}}}"


def _branches(regex: str) -> list[str]:
    return re.split(r"(?<!\\)\|", regex)


def _from_branch(branch: str) -> str | None:
    is_ended = branch.endswith("$") and not branch.endswith("\\$")
    body = branch.removeprefix("^")
    body = body[:-1] if is_ended and body else body
    pieces = [] if branch.startswith("^") else [_STAR]
    at = 0
    while at < len(body):
        piece, at = _piece(body, at)
        if piece is None:
            return None
        pieces.append(piece)
    if not is_ended:
        pieces.append(_STAR)
    text = re.sub(r"\*{2,}", _STAR, "".join(pieces))
    return text or None


def _piece(body: str, at: int) -> tuple[str | None, int]:
    """Read one sign, or a class of them, with what repeats it."""
    if body[at] == "[":
        found = re.compile(r"\[\^?(?:[A-Za-z0-9_.](?:-[A-Za-z0-9])?)+\]").match(body, at)
        piece = found.group() if found else None
        at = found.end() if found else at + 1
    elif body[at] == "\\":
        sign = body[at + 1 : at + 2]
        piece = _DIGIT if sign == "d" else sign if sign in (".", "-") else None
        at += 2
    elif body[at] == ".":
        piece, at = _ONE, at + 1
    else:
        piece = body[at] if body[at] in _PLAIN else None
        at += 1
    if piece is None or not body.startswith(_REPEATS, at):
        return piece, at
    if piece == _ONE and body[at] in "*+" and not body.startswith(_REPEATS, at + 1):
        return (_STAR if body[at] == "*" else _ONE + _STAR), at + 1
    return None, at
