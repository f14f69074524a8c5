"""Repositories for tests of vendors' policies, and a plain reading of the house's rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from regtools.policies import Policy, RepositoryVersions, Rule, Version

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TAGS = ("v1", "v2", "v1-rc", "rc", "latest", "release-1", "release-2", "x-v1", "pr-1", "pr.1")


def image(
    digest: str,
    *tags: str,
    days: float | None = 0,
    pulled: float | None = None,
    tells_pulls: bool = False,
    parents: Sequence[str] = (),
    subject: str | None = None,
) -> Version:
    """Make a version that was pushed so many days ago; None: nobody knows when."""
    return Version(
        digest=digest,
        tags=tuple(sorted(tags)),
        pushed_at=None if days is None else NOW - days * DAY,
        pulled_at=None if pulled is None else NOW - pulled * DAY,
        tells_pulls=tells_pulls,
        parents=tuple(parents),
        subject=subject,
    )


def view(
    *versions: Version, repository: str = "project/repo/web", registry: str = "test"
) -> RepositoryVersions:
    return RepositoryVersions(registry=registry, repository=repository, versions=versions)


def gone(policy: Policy, *versions: Version) -> list[str]:
    """Give the digests that go, sorted."""
    return sorted(verdict.digest for verdict in policy.decide(view(*versions), now=NOW))


def codes(policy: Policy, *repositories: RepositoryVersions) -> list[str]:
    return [remark.code for remark in policy.lint(repositories)]


def read_plainly(rule: Rule, versions: Iterable[Version]) -> list[str]:
    """Say which whole versions a rule deletes: those of which no tag stays.

    The words of `Rule`, read one by one; every version has a date.
    """
    listed = list(versions)
    tagged = sorted((one for one in listed if one.tags), key=_age)
    newest = {one.digest for one in tagged[: rule.keep_last or 0]}

    def is_old(version: Version) -> bool:
        return rule.older_than is None or _age(version) > rule.older_than

    def leaves(tag: str) -> bool:
        is_chosen = not rule.delete_tags or any(re.search(one, tag) for one in rule.delete_tags)
        return is_chosen and not any(re.search(one, tag) for one in rule.keep_tags)

    if rule.untagged:
        return sorted(one.digest for one in listed if not one.tags and is_old(one))
    return sorted(
        one.digest
        for one in tagged
        if one.digest not in newest and is_old(one) and all(map(leaves, one.tags))
    )


def _age(version: Version) -> timedelta:
    assert version.pushed_at is not None
    return NOW - version.pushed_at


@st.composite
def plain_images(draw: st.DrawFn) -> list[Version]:
    """Draw images, each tag on one of them at most, no two of one age."""
    ages = draw(st.lists(st.integers(0, 60 * 24), max_size=8, unique=True))
    holders = draw(st.lists(st.integers(0, 9), min_size=len(TAGS), max_size=len(TAGS)))
    return [
        image(
            f"sha256:{at}",
            *(tag for tag, holder in zip(TAGS, holders, strict=True) if holder == at),
            days=hours / 24,
        )
        for at, hours in enumerate(ages)
    ]


@st.composite
def shaped_images(draw: st.DrawFn) -> list[Version]:
    """Draw images of any shape: parts of indexes, referrers, without a date, equally old."""
    count = draw(st.integers(0, 9))
    names = [f"sha256:{at}" for at in range(count)]
    tags = [[tag for tag in TAGS if draw(st.integers(0, 12)) == 0] for _ in names]
    earlier = [st.sampled_from(names[:at]) if at else st.nothing() for at in range(count)]
    return [
        image(
            name,
            *tags[at],
            days=draw(st.none() | st.integers(0, 60)),
            pulled=draw(st.none() | st.integers(0, 60)),
            tells_pulls=draw(st.booleans()),
            parents=draw(st.lists(earlier[at], max_size=2, unique=True)) if at else (),
            subject=draw(st.none() | earlier[at]) if at else None,
        )
        for at, name in enumerate(names)
    ]
