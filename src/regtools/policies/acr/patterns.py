"""The regular expressions of ``acr purge``: RE2's, and look-around besides.

``acr purge`` uses a backtracking engine (dlclark/regexp2 in its RE2 mode; acr-cli's source,
looked up 2026-11), and its users write ``v1(?!-a)``. What RE2 reads is given to RE2, which takes
time in proportion to the text. The rest is given to Python's engine, but only where it cannot
take for ever on the 128 characters of a tag.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from regtools.policies import re2

_MOST_REPEATS: Final = 4
_REPEAT: Final = frozenset("*+{")
_LOOK: Final = re.compile(r"\(\?<?[=!]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that is found anywhere in a text."""

    text: str
    looks_around: bool = False
    """Whether it is beyond RE2."""

    def matching(self, texts: Collection[str]) -> set[str]:
        """Give those of the texts in which it is found."""
        if not self.looks_around:
            return re2.matching(self.text, texts)
        compiled = re.compile(self.text, re.ASCII)
        return {text for text in texts if compiled.search(text)}


def compiled(text: str) -> Pattern | str:
    """Read a regular expression; a text says why it is none, or none that is tried here."""
    why = re2.problem(text)
    if not why:
        return Pattern(text)
    if _LOOK.search(text) is None:
        return why
    try:
        re.compile(text, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    if not _is_quick(text):
        return "with look-around, it repeats too much to be tried in good time"
    return Pattern(text, looks_around=True)


def _is_quick(text: str) -> bool:
    """Say whether nothing is repeated within a repetition, and few things are at all.

    A repeated group may hold look-around and single characters: ``((?!rc).)*``.
    """
    repeats = 0
    groups: list[bool] = []
    """For each open group: whether it holds a repetition or a choice."""
    at = 0
    while at < len(text):
        sign = text[at]
        closed = False
        if sign == "\\":
            if text[at + 1 : at + 2].isdigit():
                return False
            at += 1
        elif sign == "[":
            at = _class_end(text, at)
        elif sign == "(":
            groups.append(False)
            at += 1 if text.startswith("(?", at) else 0
        elif sign == ")" and groups:
            closed = groups.pop()
        elif sign == "|" and groups:
            groups[-1] = True
        is_repeated = text[at + 1 : at + 2] in _REPEAT if at + 1 < len(text) else False
        if is_repeated:
            repeats += 1
            if closed:
                return False
        if groups and (is_repeated or closed):
            groups[-1] = True
        at += 1
    return repeats <= _MOST_REPEATS


def _class_end(text: str, at: int) -> int:
    at += 1
    at += text[at : at + 1] == "^"
    at += text[at : at + 1] == "]"
    while at < len(text) and text[at] != "]":
        at += 2 if text[at] == "\\" else 1
    return at
