"""Does anybody pull what is there, and does production get what it names?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import pandas as pd

from regtools.analyses.examinations.found import Found, Seen, counted, or_ok
from regtools.thresholds import INFO, OK, WARNING

_NAMED: Final = 5
"""How many examples the evidence names."""


def never_pulled(seen: Seen) -> Iterator[Found]:
    """Judge how many tags nobody ever pulled, where the registry tells who was.

    It tells where any tag has a time of its last pull; and a repository that counts no pull at all has
    only such tags.
    """
    limits = seen.thresholds
    tags = seen.pulls.assign(made_at=seen.pulls["pushed_at"].fillna(seen.pulls["created_at"]))
    tells = tags.groupby("registry")["pulled_at"].transform("count") > 0
    tags = tags[tells | (tags["pulls"] == 0)]
    tags = tags[tags["made_at"] < seen.now - timedelta(days=limits.never_pulled_days)]
    for registry, old in tags.groupby("registry"):
        never = old[old["pulled_at"].isna()]
        share = len(never) / len(old)
        many = share > limits.never_pulled_share
        where = never.groupby("repository").size().sort_values(ascending=False, kind="stable")
        yield Found(
            severity=INFO if many else OK,
            finding="TAGS_NEVER_PULLED" if many else "TAGS_PULLED",
            registry=str(registry),
            summary=f"{len(never):,} of {counted(len(old), 'tag')} older than {limits.never_pulled_days:g} days "
            "never pulled, as far as the registry knows.",
            evidence={
                "tags": len(old),
                "never_pulled": len(never),
                "most_in": {str(name): int(count) for name, count in where.head(_NAMED).items()},
            },
            remedy="Ask their owners, and let a retention rule take such tags." if many else "",
            threshold=f"{limits.never_pulled_share:.0%} of the old tags",
        )


def moved(seen: Seen) -> Iterator[Found]:
    """Name tags that production pulls by and that named several images in turn."""
    limits = seen.thresholds
    window = f"moved within {limits.moved_days:g} days"
    here = seen.moved.merge(seen.pulls[["registry", "repository", "tag"]])
    is_version = _like(here["tag"], limits.version_tags)
    versions = here[is_version]
    names = here[~is_version & _like(here["tag"], limits.production_tags)]
    found = [
        Found(
            severity=WARNING,
            finding="VERSION_MOVED",
            registry=str(registry),
            subject=str(repository),
            summary=f"{repository}:{_tags(rows)} moved to another image, though the tag names a "
            "version: who pulls it again gets something else.",
            evidence=_evidence(rows),
            remedy="Make such tags immutable at the registry; give each build a version of its own.",
            threshold=window,
        )
        for (registry, repository), rows in versions.groupby(["registry", "repository"])
    ]
    found += [
        Found(
            severity=INFO,
            finding="PRODUCTION_TAG_MOVES",
            registry=str(registry),
            summary=f"In {counted(rows['repository'].nunique(), 'repository', 'repositories')} tags "
            f"such as {rows['tag'].value_counts().index[0]} moved: what runs by such a name differs "
            "from machine to machine.",
            evidence={"repositories": int(rows["repository"].nunique()), **_evidence(rows)},
            remedy="Deploy by digest or by version; keep such names for people.",
            threshold=window,
        )
        for registry, rows in names.groupby("registry")
    ]
    return or_ok(
        seen,
        found,
        finding="TAGS_STAY",
        summary=f"No tag of a version, or one that production pulls by, {window}.",
    )


def _like(tags: pd.Series, patterns: Sequence[str]) -> pd.Series:
    whole = [re.compile(pattern) for pattern in patterns]
    matches = [any(one.fullmatch(str(tag)) for one in whole) for tag in tags]
    return pd.Series(matches, index=tags.index, dtype=bool)


def _tags(rows: pd.DataFrame) -> str:
    first, others = rows["tag"].iloc[0], len(rows) - 1
    return f"{first} and {others:,} more" if others else str(first)


def _evidence(rows: pd.DataFrame) -> dict[str, object]:
    often = rows.sort_values("moves", ascending=False, kind="stable").head(_NAMED)
    return {
        "tags": len(rows),
        "moved": [
            {
                "tag": f"{row['repository']}:{row['tag']}",
                "moves": int(row["moves"]),
                "last_at": row["last_moved_at"].isoformat(),
            }
            for row in often.to_dict("records")
        ],
    }
