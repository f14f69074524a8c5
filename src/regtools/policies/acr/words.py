"""Finding ``acr purge`` in what people keep: a command, a script, a task's YAML. Nothing is run.

A shell's words are cut and unquoted; nothing is expanded. A command given as one word, as in
``az acr run --cmd "acr purge …"`` and ``PURGE_CMD="acr purge …"``, is cut in turn.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from regtools.policies.form import invalid, shown

_DEEPEST: Final = 4
_MENTION: Final = re.compile(
    r"(?:^|[\s\"'=/\\])acr(?:-cli)?(?:\.exe)?(?:[:@]\S{1,200})?[\"']?[\s\\]{1,200}purge(?![\w-])"
)
_PROGRAM: Final = re.compile(r"(?:.*[/\\])?acr(?:-cli)?(?:\.exe)?(?:[:@].*)?", re.DOTALL)
_TEMPLATE: Final = re.compile(r"\{\{[^{}\n]{0,200}\}\}")
_TOKEN: Final = re.compile(
    r"""
      (?P<gap> [ \t\r\f\v]+ | \\\r?\n | \#[^\n]* )
    | (?P<end> [\n;&|()<>]+ )
    | (?P<word> (?: \\. | '[^']*' | "(?:\\.|[^"\\])*" | [^\s;&|()<>'"\\] )+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def mentions_purge(data: object) -> bool:
    """Say whether a text, or one somewhere in loaded data, speaks of ``acr purge``."""
    return any(_MENTION.search(text) is not None for _, _, text in _texts(data))


def purges(data: object) -> Iterator[tuple[str, list[str]]]:
    """Give every ``acr purge`` as its place and its arguments, in the order of the file.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: a quote is not closed.
    """
    for place, key, text in _texts(data):
        if _MENTION.search(text) is None:
            continue
        # The command of a task is no shell's: it has no comments, and no | between commands.
        for words in [_split(text, place)] if key == "cmd" else _commands(text, place):
            yield from _purges(words, place, 0)


def _texts(data: object) -> Iterator[tuple[str, str, str]]:
    """Give each text as its place, the key it stands under, and itself; first things first."""
    waiting: list[tuple[str, str, object]] = [("", "", data)]
    while waiting:
        place, key, one = waiting.pop()
        if isinstance(one, str):
            yield place or "the command", key, one
        elif isinstance(one, Mapping):
            inside = [(f"{place}.{name}".lstrip("."), str(name), one[name]) for name in one]
            waiting += reversed(inside)
        elif isinstance(one, list):
            waiting += reversed([(f"{place}[{at}]", key, item) for at, item in enumerate(one)])


def _purges(words: list[str], place: str, depth: int) -> Iterator[tuple[str, list[str]]]:
    for at in range(1, len(words)):
        if words[at] == "purge" and _PROGRAM.fullmatch(words[at - 1]):
            yield place, words[at + 1 :]
            return
    if depth < _DEEPEST:
        for word in words:
            if _MENTION.search(word) is not None:
                inner = re.sub(r"\A[-\w]*=", "", word)
                yield from _purges(_split(inner, place), place, depth + 1)


def _commands(text: str, place: str) -> Iterator[list[str]]:
    """Cut a script into commands, and those into words."""
    text = _without_templates(text)
    words: list[str] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            problem = f"has a quote or a backslash without an end: {shown(text[at : at + 40])}"
            raise invalid(place, problem, "Check the quotes.")
        at = found.end()
        if found["word"] is not None:
            words += _split(found["word"], place)
        elif found["end"] is not None:
            yield words
            words = []
    yield words


def _split(text: str, place: str) -> list[str]:
    try:
        return shlex.split(_without_templates(text).replace("\\\n", " "))
    except ValueError as error:
        problem = f"cannot be cut into words: {str(error).lower()} in {shown(text)}"
        raise invalid(place, problem, "Check the quotes.") from error


def _without_templates(text: str) -> str:
    """Make one word of what a task fills in, such as ``{{ .Run.Registry }}``."""
    return _TEMPLATE.sub(lambda found: re.sub(r"\s", "", found[0]), text)
