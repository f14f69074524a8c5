"""Can everything that is listed be pulled whole?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd

from regtools.analyses.examinations.found import Found, Seen, counted, or_ok
from regtools.thresholds import CRITICAL, OK, WARNING

_NAMED: Final = 5
"""How many examples the evidence names."""


def content(seen: Seen) -> Iterator[Found]:
    """Judge what the audit found broken, as one finding for each registry."""
    for registry in seen.registry_names():
        rows = seen.audit[seen.audit["registry"] == registry]
        broken = rows[rows["severity"].isin([CRITICAL, WARNING])]
        yield _sound(registry, rows) if broken.empty else _broken(registry, broken)


def _sound(registry: str, rows: pd.DataFrame) -> Found:
    was_asked = "BLOBS_UNCHECKED" not in set(rows["code"])
    return Found(
        severity=OK,
        finding="CONTENT_OK",
        registry=registry,
        summary="Every tag, and every layer that it needs, is there."
        if was_asked
        else "Every tag leads to what it names; whether the layers are there was not asked.",
    )


def _broken(registry: str, rows: pd.DataFrame) -> Found:
    """Say how much is broken; the worst comes first in `rows`."""
    first = rows.iloc[0]
    others = f" {len(rows) - 1:,} more such findings." if len(rows) > 1 else ""
    return Found(
        severity=str(first["severity"]),
        finding="CONTENT_BROKEN",
        registry=registry,
        subject=str(first["repository"]),
        summary=f"{first['what']}{others}",
        evidence={
            "codes": {str(code): int(n) for code, n in rows["code"].value_counts().items()},
            "examples": rows.head(_NAMED)[["code", "repository", "what"]].to_dict("records"),
        },
        remedy=f"{first['remedy']} `regtools audit` lists everything.",
        threshold="any",
    )


def schema1(seen: Seen) -> Iterator[Found]:
    """Name images of schema 1, as one finding for each registry; the audit lists them."""
    old = seen.audit[seen.audit["code"] == "SCHEMA1"]
    found = [
        Found(
            severity=str(rows["severity"].iloc[0]),
            finding="SCHEMA1",
            registry=str(registry),
            summary=f"{counted(int(rows['affected'].map(len).sum()), 'tag')} in "
            f"{counted(rows['repository'].nunique(), 'repository', 'repositories')} lead to images of "
            "schema 1, which today's clients refuse.",
            evidence={
                "tags": int(rows["affected"].map(len).sum()),
                "examples": [
                    f"{row['repository']}:{tag}"
                    for row in rows.to_dict("records")
                    for tag in row["affected"]
                ][:_NAMED],
            },
            remedy=str(rows["remedy"].iloc[0]),
            threshold="any",
        )
        for registry, rows in old.groupby("registry")
    ]
    return or_ok(seen, found, finding="SCHEMA_OK", summary="No image is of schema 1.")
