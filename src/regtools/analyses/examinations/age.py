"""Is anything new in it, and is `latest` the latest?"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from regtools.analyses.examinations.found import DAY, Found, Seen, or_ok
from regtools.thresholds import INFO


def ages(seen: Seen) -> Iterator[Found]:
    """Name repositories in which nothing is new, and tags `latest` that are not the latest."""
    tags = seen.tags.assign(dated_at=seen.tags["pushed_at"].fillna(seen.tags["created_at"]))
    tags = tags[["registry", "repository", "tag", "dated_at"]].dropna(subset=["dated_at"])
    newest_first = tags.sort_values(["dated_at", "tag"], ascending=[False, True])
    found = [
        one
        for (registry, repository), rows in newest_first.groupby(["registry", "repository"])
        for judge in (_unused, _behind)
        for one in judge(seen, str(registry), str(repository), rows)
    ]
    return or_ok(
        seen, found, finding="AGES_OK", summary="Every repository with dates has a recent image."
    )


def _unused(seen: Seen, registry: str, repository: str, rows: pd.DataFrame) -> Iterator[Found]:
    newest = rows["dated_at"].iloc[0]
    if (seen.now - newest) / DAY > seen.thresholds.unused_days:
        yield Found(
            severity=INFO,
            finding="REPOSITORY_UNUSED",
            registry=registry,
            subject=repository,
            summary=f"{repository} has had no new image since {newest:%Y-%m-%d}.",
            evidence={"newest_at": newest.isoformat(), "tags": len(rows)},
            remedy="Ask whether anybody still pulls it; if not, archive or delete it.",
            threshold=f"{seen.thresholds.unused_days:g} days",
        )


def _behind(seen: Seen, registry: str, repository: str, rows: pd.DataFrame) -> Iterator[Found]:
    latest = rows[rows["tag"] == "latest"]
    if latest.empty:
        return
    newest = rows.iloc[0]
    days = (newest["dated_at"] - latest["dated_at"].iloc[0]) / DAY
    if days > seen.thresholds.latest_behind_days:
        yield Found(
            severity=INFO,
            finding="LATEST_BEHIND",
            registry=registry,
            subject=f"{repository}:latest",
            summary=f"{repository}:latest is {days:.0f} days older than {newest['tag']}.",
            evidence={"newest_tag": newest["tag"], "days_behind": round(days, 1)},
            remedy="Move the tag, or delete it: who pulls it gets an old image.",
            threshold=f"{seen.thresholds.latest_behind_days:g} days",
        )
