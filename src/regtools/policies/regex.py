"""Regular expressions of RE2, which vendors and the house use: DuckDB brings it along."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

import duckdb

_GROUPS: Final = {"(": 1, ")": -1}


@lru_cache(maxsize=256)
def regex_problem(pattern: str) -> str:
    """Say what is wrong with an expression; empty: nothing.

    Examples
    --------
    >>> regex_problem("v.*"), regex_problem("(v")
    ('', 'missing ): (v')
    """
    try:
        duckdb.execute("SELECT regexp_matches('', $pattern)", {"pattern": pattern}).fetchall()
    except duckdb.Error as error:
        return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
    return ""


def found_in(pattern: str, texts: Collection[str]) -> set[str]:
    """Give the texts in which an expression is found, anywhere unless it has anchors itself.

    Examples
    --------
    >>> sorted(found_in(r"v|\\Arc", ["v1", "rc", "x-rc"]))
    ['rc', 'v1']
    """
    sql = "SELECT list_filter($texts::VARCHAR[], lambda text: regexp_matches(text, $pattern))"
    parameters = {"texts": list(texts), "pattern": pattern}
    ((found,),) = duckdb.execute(sql, parameters).fetchall()
    return set(found)


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
