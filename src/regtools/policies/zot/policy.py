"""zot's retention, decided as its garbage collection decides it.

Source: the source of project-zot/zot of August 2026, looked up 2026-11: ``pkg/retention`` (which
tags are kept) and ``pkg/storage/gc`` (what then goes). Where the documentation says otherwise, the
source is followed:

* A tag belongs to the first entry of ``keepTags`` that matches it, and to no other one.
* Tags go at once; manifests without a tag, and referrers whose subject is not there, go once they
  are older than ``delay``, round after round until nothing more goes.
* A repository that no policy speaks of keeps its tags; its untagged manifests go all the same.

What the source leaves open is settled so: of two that were never pulled, the one pushed later is
the more recent; what has no date is kept; the age of a manifest is that of its push.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from regtools.policies._base import Action, Remark, RepositoryVersions, Verdict, Version
from regtools.policies.durations import written
from regtools.policies.zot.lint import lint_zot
from regtools.policies.zot.rules import (
    Candidate,
    KeepRule,
    RepositoryPolicy,
    Store,
    parse_stores,
)

_SPARED: Final = re.compile(r"sha256-.+\.sig|sha256-[A-Za-z0-9]*\Z", re.ASCII)
"""Tags that are no images to zot, and so are never judged: cosign's and OCI's fallback."""
_COSIGN: Final = re.compile(r"(sha256)-([^-]+)\.(?:sig|sbom)\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZotPolicy:
    """The retention of one zot, with its subpaths."""

    stores: tuple[Store, ...]
    """First the one of all that has no store of its own."""

    @property
    def vendor(self) -> str:
        """The kind of registry."""
        return "zot"

    @property
    def cascades(self) -> bool:
        """Never by itself: the verdicts name also the images of an index that goes."""
        return False

    def store_of(self, repository: str) -> Store:
        """Give where a repository is stored: the first part of a longer name may choose."""
        first, _, more = repository.partition("/")
        found = (one for one in self.stores[1:] if more and one.prefix == first)
        return next(found, self.stores[0])

    @property
    def unlocks(self) -> bool:
        """Never."""
        return False

    def decide(self, repository: RepositoryVersions, *, now: datetime) -> list[Verdict]:
        """Say what one run of the garbage collection takes from a repository."""
        store = self.store_of(repository.repository)
        if not store.collects:
            return []
        run = _Run(store, store.policy_of(repository.repository), repository.versions, now)
        return run.verdicts()

    def lint(self, repositories: Sequence[RepositoryVersions] = ()) -> list[Remark]:
        """Say what is odd about the rules; the codes are those of `lint_zot`."""
        views: dict[str, list[RepositoryVersions]] = {one.prefix: [] for one in self.stores}
        for view in repositories:
            views[self.store_of(view.repository).prefix].append(view)
        return [
            remark
            for store in self.stores
            for remark in lint_zot(store, views[store.prefix] if repositories else None)
        ]


def parse_zot(data: object) -> ZotPolicy:
    """Read zot's retention, from its whole configuration or the block alone.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: zot would not start with it. The message has the place, such as
        ``storage.retention.policies[0].keepTags[1].pulledWithin``, and what is allowed there.
    """
    return ZotPolicy(stores=parse_stores(data))


class _Run:
    """One run over one repository: what is still there, and why the rest went."""

    def __init__(
        self,
        store: Store,
        policy: RepositoryPolicy,
        versions: Sequence[Version],
        now: datetime,
    ) -> None:
        self._store = store
        self._policy = policy
        self._now = now
        self._versions = {version.digest: version for version in versions}
        self._tags = {version.digest: set(version.tags) for version in versions}
        self._present = set(self._versions)
        self._reasons: dict[str, str] = {}

    def verdicts(self) -> list[Verdict]:
        """Run, and say what went and what is left behind."""
        self._take_tags()
        while self._take_referrers() | self._take_untagged():
            pass
        return [verdict for version in self._versions.values() for verdict in self._of(version)]

    def _of(self, version: Version) -> list[Verdict]:
        whole = version.digest not in self._present
        lost = tuple(tag for tag in version.tags if whole or tag not in self._tags[version.digest])
        rule = f"{self._policy}: {self._reasons.get(version.digest, '')}"
        if whole or lost:
            return [Verdict(digest=version.digest, tags=lost, whole=whole, rule=rule)]
        if version.subject in self._versions and version.subject not in self._present:
            why = (
                f"younger than {written(self._store.delay)}"
                if self._policy.delete_referrers
                else "deleteReferrers is false"
            )
            rule = f"{self._policy}: {why}"
            return [
                Verdict(digest=version.digest, tags=(), whole=False, rule=rule, action=Action.KEEP)
            ]
        return []

    def _take_tags(self) -> None:
        rules = self._policy.keep_tags
        if not rules:
            return
        holders = {
            tag: version
            for version in self._versions.values()
            for tag in version.tags
            if _SPARED.search(tag) is None
        }
        left = set(holders)
        for rule in rules:
            named = rule.named(left)
            left -= named
            kept = rule.kept([_candidate(tag, holders[tag]) for tag in sorted(named)], self._now)
            for tag in named - kept:
                self._untag(holders[tag], tag, f"{_short(rule)} does not keep it")
        for tag in left:
            self._untag(holders[tag], tag, "no pattern of keepTags matches")

    def _untag(self, version: Version, tag: str, why: str) -> None:
        self._tags[version.digest].discard(tag)
        self._reasons[version.digest] = why

    def _take_referrers(self) -> bool:
        """Take what is about something that is not there, by its subject or by cosign's tag."""
        if not self._policy.delete_referrers:
            return False
        gone = False
        for digest in sorted(self._present):
            version = self._versions[digest]
            why = "what it is about is not there"
            is_orphan = version.subject is not None and version.subject not in self._present
            if is_orphan and self._is_old(version, self._store.delay):
                gone = self._remove(version, why)
                continue
            for tag in sorted(self._tags[digest]):
                about = _COSIGN.search(tag)
                is_orphan = about is not None and ":".join(about.groups()) not in self._present
                if is_orphan and self._is_old(version, self._store.gc_delay):
                    self._untag(version, tag, why)
                    gone = True
        return gone

    def _take_untagged(self) -> bool:
        """Take what has no tag, is part of no index that is there, and is about nothing."""
        if not self._policy.delete_untagged:
            return False
        bare = [self._versions[one] for one in sorted(self._present) if not self._tags[one]]
        rule = self._policy.keep_untagged
        kept: set[str] = set()
        if rule is not None:
            kept = rule.kept([_candidate(one.digest, one) for one in bare], self._now)
        # As one list: what goes in this round still holds on to its parts.
        leaving = [
            version
            for version in bare
            if version.digest not in kept
            and version.subject is None
            and not any(parent in self._present for parent in version.parents)
            and self._is_old(version, self._store.delay)
        ]
        for version in leaving:
            self._remove(version, "")
        return bool(leaving)

    def _remove(self, version: Version, why: str) -> bool:
        self._present.discard(version.digest)
        untagged = f"untagged, older than {written(self._store.delay)}"
        self._reasons.setdefault(version.digest, why or untagged)
        return True

    def _is_old(self, version: Version, delay: timedelta) -> bool:
        return version.pushed_at is not None and version.pushed_at + delay <= self._now


def _candidate(name: str, version: Version) -> Candidate:
    return Candidate(
        name=name,
        pushed_at=version.pushed_at,
        pulled_at=version.pulled_at,
        tells_pulls=version.tells_pulls,
    )


def _short(rule: KeepRule) -> str:
    """Give a rule's place in its policy: ``keepTags[1]``."""
    return rule.place.partition(".")[2]
