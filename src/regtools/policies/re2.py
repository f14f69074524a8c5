"""Regular expressions of vendors that are written in Go: RE2, found anywhere in the text.

The engine is the one in DuckDB. It takes time in proportion to the text, whatever the pattern.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

import duckdb

_GROUPS: Final = {"(": 1, ")": -1}


@lru_cache(maxsize=256)
def problem(pattern: str) -> str:
    """Say why a pattern is none; empty: it is one.

    Examples
    --------
    >>> problem("^v[0-9]"), bool(problem("v(?!1)"))
    ('', True)
    """
    try:
        duckdb.execute("SELECT regexp_matches('', $pattern)", {"pattern": pattern}).fetchall()
    except duckdb.Error as error:
        return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
    except UnicodeEncodeError:
        return "it holds half a character"
    return ""


def matching(pattern: str, texts: Collection[str]) -> set[str]:
    """Give those of the texts in which the pattern is found.

    Examples
    --------
    >>> sorted(matching("^v", ["v1", "v2", "dev"]))
    ['v1', 'v2']
    """
    if not texts:
        return set()
    found = duckdb.execute(
        "SELECT text FROM unnest($texts) AS given(text) WHERE regexp_matches(text, $pattern)",
        {"texts": list(texts), "pattern": pattern},
    ).fetchall()
    return {text for (text,) in found}


def has_loose_choice(pattern: str) -> bool:
    """Say whether an expression has a ``|`` outside of all brackets.

    Examples
    --------
    >>> has_loose_choice("main|v.+"), has_loose_choice("(?:main|v.+)"), has_loose_choice(r"a\\|[|]")
    (True, False, False)
    """
    depth, at = 0, 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "|" and not depth:
            return True
        if pattern.startswith("\\Q", at):
            end = pattern.find("\\E", at)
            at = len(pattern) if end < 0 else end + 2
        elif sign == "\\":
            at += 2
        elif sign == "[":
            at = _class_end(pattern, at)
        else:
            depth += _GROUPS.get(sign, 0)
            at += 1
    return False


def _class_end(pattern: str, at: int) -> int:
    """Give where a class of characters ends; a ] that comes first is one of them."""
    at += 2 if pattern.startswith("[^", at) else 1
    at += pattern.startswith("]", at)
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == "\\":
            at += 2
        elif pattern.startswith("[:", at) and ":]" in pattern[at:]:
            at = pattern.index(":]", at) + 2
        else:
            at += 1
    return at + 1
