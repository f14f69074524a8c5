"""Globs in which ``**`` crosses slashes, as Go's library doublestar (version 4) reads them.

Source: the documentation and the source of ``github.com/bmatcuk/doublestar``, ``Match`` and
``ValidatePattern``, looked up 2026-11. Also where it surprises: ``**`` that does not stand alone
between slashes is a ``*``; ``a/**`` matches ``a``; a class in brackets may match a slash; an
alternative in braces starts as if a slash stood before it.

The library tries one possibility after the other; here all are followed at once, so that no
pattern takes long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

_ENDS: Final = frozenset({"", "*", "**", "/**", "**/", "/**/"})
"""What may be left of a pattern when the text is at its end."""


def matches(pattern: str, text: str) -> bool:
    """Say whether a pattern matches a whole text; one that is none matches nothing.

    Examples
    --------
    >>> matches("infra/*", "infra/web"), matches("infra/*", "infra/web/api")
    (True, False)
    >>> matches("infra/**", "infra/web/api"), matches("{a,b}/?", "b/c")
    (True, True)
    """
    if not is_valid(pattern):
        return False
    states = {_State(pattern, is_start=True)}
    for sign in text:
        states = {after for state in _spread(states) for after in _after(state, sign)}
        if not states:
            return False
    return any(state.loop is not _Loop.INSIDE and _can_end(state.rest) for state in states)


def is_valid(pattern: str) -> bool:
    """Say whether every bracket and brace is closed, and no class is empty."""
    depth = at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 1
            if at >= len(pattern):
                return False
        elif sign == "[":
            end = _class_end(pattern, at)
            if end is None:
                return False
            at = end
        elif sign == "{":
            depth += 1
        elif sign == "}":
            if not depth:
                return False
            depth -= 1
        at += 1
    return not depth


class _Loop(Enum):
    """What may be skipped before the rest of the pattern."""

    NONE = "nothing"
    STAR = "characters but the slash"
    FOLDERS = "whole folders"
    INSIDE = "whole folders, in the midst of one"
    ALL = "everything"


@dataclass(frozen=True, slots=True)
class _State:
    """What is left of the pattern at some place of the text."""

    rest: str
    is_start: bool = False
    """Whether a ``**`` here stands after a slash, or at the start."""
    loop: _Loop = _Loop.NONE


def _spread(states: Iterable[_State]) -> set[_State]:
    """Add all that is reached without reading a character."""
    found: set[_State] = set()
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += _beside(state)
    return found


def _beside(state: _State) -> Iterator[_State]:
    rest = state.rest
    if state.loop is _Loop.STAR:
        yield _State(rest)
    elif state.loop is _Loop.FOLDERS:
        yield _State(rest, is_start=True)
    elif state.loop is _Loop.NONE and rest.startswith("{"):
        yield from (_State(one, is_start=True) for one in _alternatives(rest))
    elif state.loop is _Loop.NONE and rest.startswith("*"):
        is_double = rest.startswith("**")
        rest = rest[2:] if is_double else rest[1:]
        if is_double and state.is_start and not rest:
            yield _State(rest, loop=_Loop.ALL)
        elif is_double and state.is_start and rest.startswith("/"):
            yield _State(rest[1:], loop=_Loop.FOLDERS)
        else:
            yield _State(rest, loop=_Loop.STAR)


def _after(state: _State, sign: str) -> Iterator[_State]:
    """Give what is left after one character of the text."""
    rest = state.rest
    if state.loop is _Loop.ALL:
        yield state
    elif state.loop is _Loop.STAR:
        if sign != "/":
            yield state
    elif state.loop in (_Loop.FOLDERS, _Loop.INSIDE):
        yield replace(state, loop=_Loop.FOLDERS if sign == "/" else _Loop.INSIDE)
    elif not rest or rest[0] in "*{":
        return
    elif rest[0] == "?":
        if sign != "/":
            yield _State(rest[1:])
    elif rest[0] == "[":
        end = _class_end(rest, 0)
        if end is not None and _in_class(rest[1:end], sign):
            yield _State(rest[end + 1 :])
    else:
        literal = 1 if rest[0] == "\\" else 0
        if rest[literal : literal + 1] == sign:
            yield _State(rest[literal + 1 :], is_start=sign == "/")


def _can_end(rest: str) -> bool:
    if rest in _ENDS:
        return True
    return rest.startswith("{") and any(map(_can_end, _alternatives(rest)))


def _alternatives(rest: str) -> list[str]:
    """Give what a pattern that starts with braces becomes with each of the choices in them."""
    choices: list[str] = []
    depth, start, at = 1, 1, 1
    while at < len(rest):
        sign = rest[at]
        if sign == "\\":
            at += 1
        elif sign == "{":
            depth += 1
        elif sign == "," and depth == 1:
            choices.append(rest[start:at])
            start = at + 1
        elif sign == "}":
            depth -= 1
            if not depth:
                choices.append(rest[start:at])
                return [choice + rest[at + 1 :] for choice in choices]
        at += 1
    return []


def _class_end(pattern: str, at: int) -> int | None:
    """Find the bracket that closes a class; None: it is empty, or none does."""
    at += 1
    if pattern[at : at + 1] in ("^", "!"):
        at += 1
    first = at
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "]":
            return at if at > first else None
        at += 1
    return None


def _in_class(body: str, sign: str) -> bool:
    is_negated = body[0] in "^!"
    at = 1 if is_negated else 0
    low: str | None = None
    while at < len(body):
        is_range = body[at] == "-" and low is not None and at + 1 < len(body)
        at += is_range
        at += body[at] == "\\" and at + 1 < len(body)
        if body[at] == sign or (is_range and low is not None and low <= sign <= body[at]):
            return not is_negated
        low = None if is_range else body[at]
        at += 1
    return is_negated
