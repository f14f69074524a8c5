"""What each code of a diagnosis means, and what to do: one entry a code, in ``causes.toml``.

The documentation's page is made of it, and tests hold both to what the probes say.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from regtools.schema import Status

ANY: Final = "any"
_SIGNS: Final = {"ok": "good", "warn": "look", "fail": "failed", "skipped": "–"}
_HEAD: Final = """# The codes of a diagnosis

Written by `make codes` from `src/regtools/collect/causes.toml`; do not edit. `regtools explain CODE`
prints an entry. [How a diagnosis goes](diagnose.md) says what the stages do.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A code, and what it says to a person."""

    code: str
    stage: str
    """Where it is met first; `ANY`: at whatever stage was asking."""
    status: Status
    means: str
    do: str = ""
    """Empty: nothing is to be done."""


@cache
def causes() -> Mapping[str, Cause]:
    """Read all entries, by their code, in the order of the stages."""
    text = (files("regtools") / "collect" / "causes.toml").read_text(encoding="utf-8")
    return {code: Cause(code=code, **entry) for code, entry in tomllib.loads(text).items()}


def page() -> str:
    """Write the documentation's page: a table for each stage."""
    parts = [_HEAD]
    for stage in dict.fromkeys(cause.stage for cause in causes().values()):
        title = "At any stage" if stage == ANY else stage.capitalize()
        rows = [
            f"| `{one.code}` | {_SIGNS[one.status]} | {one.means} | {one.do} |"
            for one in causes().values()
            if one.stage == stage
        ]
        table = "\n".join(["| code | | means | do |", "|---|---|---|---|", *rows])
        parts.append(f"## {title}\n{table}\n")
    return "\n".join(parts)
