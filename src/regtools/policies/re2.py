"""Regular expressions of vendors that are written in Go: RE2, found anywhere in the text.

The engine is the one in DuckDB. It takes time in proportion to the text, whatever the pattern.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb


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
        return str(error).splitlines()[0]
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
