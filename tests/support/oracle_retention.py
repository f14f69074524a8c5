"""A rule decided and counted in plain sets and loops, slow and obvious: what the SQL must agree with.

A *place* is a repository as the newest scan that covers it saw it. Bytes are counted twice over:
by what is kept and what is not, and by a garbage collection acted out on a list of deletions.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property

from tests.support.oracle import REFERRER_TAG

from regtools.analyses.reach import EARLIEST_IMAGE
from regtools.policies import Rule
from regtools.schema import Inventory, TagRow, UntaggedRow

Holder = tuple[str, str]
"""A digest and a tag on it; without a tag: an empty one."""
Blobs = dict[str, int]
"""Digest → bytes of what is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A scan: of a whole registry, or of a namespace in it."""

    inventory: Inventory
    taken_at: datetime
    namespace: str = ""

    def covers(self, repository: str) -> bool:
        """Say whether it would have seen a repository."""
        return (
            not self.namespace
            or repository == self.namespace
            or repository.startswith(self.namespace + "/")
        )

    def repositories(self) -> set[str]:
        """Give all it saw."""
        rows = (*self.inventory.repositories, *self.inventory.tags, *self.inventory.untagged)
        return {row.repository for row in rows}


class Place:
    """What one repository holds, and what a rule makes of it."""

    def __init__(
        self, repository: str, source: Source, rule: Rule, in_use: Collection[Holder], now: datetime
    ) -> None:
        self.repository = repository
        self._rule = rule
        self._in_use = in_use
        self._now = now
        self._taken_at = source.taken_at
        inventory = source.inventory
        self.manifests = {row.digest: row for row in inventory.manifests}
        self._children: dict[str, list[str]] = defaultdict(list)
        for child in inventory.children:
            if {child.parent, child.child} <= self.manifests.keys():
                self._children[child.parent].append(child.child)
        self._layers: dict[str, Blobs] = defaultdict(dict)
        for layer in inventory.layers:
            if not layer.foreign:
                self._layers[layer.manifest][layer.blob] = layer.size or 0
        tells = any(row.pulled_at for row in (*inventory.tags, *inventory.untagged))
        self._tells_pulls = tells
        tags = [row for row in inventory.tags if row.repository == repository]
        self._unread = {(row.digest, row.tag) for row in tags if row.digest not in self.manifests}
        read = [row for row in tags if row.digest in self.manifests]
        self._version_tags = [row for row in read if not REFERRER_TAG.fullmatch(row.tag)]
        self._referrer_tags = [row for row in read if REFERRER_TAG.fullmatch(row.tag)]
        self._untagged = {
            row.digest: row
            for row in inventory.untagged
            if row.repository == repository and row.digest in self.manifests
        }

    # What leads where.

    @cached_property
    def _referrers(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for row, subject in itertools.product(self._referrer_tags, self.manifests):
            if row.tag[:71] == subject.replace(":", "-")[:71]:
                found[subject].add(row.digest)
        for digest in (*(row.digest for row in self._all_tags), *self._untagged):
            if (subject := self.manifests[digest].subject) in self.manifests:
                found[str(subject)].add(digest)
        return {subject: about - {subject} for subject, about in found.items()}

    @property
    def _all_tags(self) -> Iterator[TagRow]:
        yield from self._version_tags
        yield from self._referrer_tags

    def below(self, *tops: str) -> set[str]:
        """Give these and all they lead to: children of indexes, referrers."""
        found: set[str] = set()
        waiting = list(tops)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._children[one]
                waiting += self._referrers.get(one, ())
        return found

    @cached_property
    def _loose(self) -> set[str]:
        """Untagged, and part of nothing that is held."""
        tagged = self.below(*(row.digest for row in self._all_tags))
        parts: set[str] = set()
        for digest in self._untagged:
            parts |= self.below(digest) - {digest}
        return self._untagged.keys() - tagged - parts

    @cached_property
    def _following(self) -> set[str]:
        """Tags of referrers whose subject is here."""
        here = self.below(*self.holders)
        about: set[str] = set()
        for subject in here:
            about |= self._referrers.get(subject, set())
        return {row.tag for row in self._referrer_tags if row.digest in about}

    # Who goes.

    @cached_property
    def holders(self) -> dict[str, list[TagRow | UntaggedRow]]:
        """Each version: its tags, or that it has none."""
        found: dict[str, list[TagRow | UntaggedRow]] = defaultdict(list)
        for row in self._version_tags:
            found[row.digest].append(row)
        for digest in self._loose:
            found[digest].append(self._untagged[digest])
        return found

    @cached_property
    def protected(self) -> set[str]:
        """Give what something that runs needs, and the indexes it stands in."""
        named = {digest for digest, tag in self._in_use if digest in self.manifests}
        wanted = {tag for _, tag in self._in_use if tag}
        named |= {row.digest for row in self._all_tags if row.tag in wanted}
        above = set(named)
        while True:
            parents = {
                parent for parent, children in self._children.items() if above & set(children)
            }
            if parents <= above:
                return above | self.below(*named)
            above |= parents

    def leaving(self, digest: str) -> list[TagRow | UntaggedRow]:
        """Give the tags of a version that go, or itself without one."""
        rows = self.holders[digest]
        tagged = isinstance(rows[0], TagRow)
        last = self._rule.keep_last
        if tagged and last is not None and not (digest in self.ranks and self.ranks[digest] > last):
            return []
        return [row for row in rows if self._selects(row)]

    def _selects(self, row: TagRow | UntaggedRow) -> bool:
        rule = self._rule
        tag = row.tag if isinstance(row, TagRow) else None
        if row.digest in self.protected or row.locked or not rule.has_condition:
            return False
        if (tag is None) != rule.untagged:
            return False
        if rule.delete_tags and (tag is None or not _matches(rule.delete_tags, tag)):
            return False
        if tag is not None and _matches(rule.keep_tags, tag):
            return False
        dated = self._dated(row)
        if rule.older_than is not None and (
            dated is None or not dated < self._now - rule.older_than
        ):
            return False
        return not rule.never_pulled or (self._tells_pulls and row.pulled_at is None)

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Number the tagged versions whose age can be told, from the newest on."""
        aged = []
        for digest, rows in self.holders.items():
            dates = [date for row in rows if (date := self._dated(row)) is not None]
            names = [row.tag for row in rows if isinstance(row, TagRow)]
            if names and dates:
                aged.append((max(dates), max(names), digest))
        return {digest: rank for rank, (*_, digest) in enumerate(sorted(aged, reverse=True), 1)}

    def _dated(self, row: TagRow | UntaggedRow) -> datetime | None:
        if row.pushed_at is not None:
            return self._believed(row.pushed_at)
        inside, waiting = set(), [row.digest]
        while waiting:  # The images of an index; not its referrers.
            one = waiting.pop()
            if one not in inside:
                inside.add(one)
                waiting += self._children[one]
        dates = [self._believed(self.manifests[one].created_at) for one in inside]
        return max((date for date in dates if date is not None), default=None)

    def _believed(self, date: datetime | None) -> datetime | None:
        is_likely = date is not None and EARLIEST_IMAGE <= date <= self._taken_at
        return date if is_likely else None

    # What that means.

    @cached_property
    def fixed(self) -> set[str]:
        """Tops that no rule speaks of: referrers whose subject is not here, that run, or are locked."""
        lost = {row.digest for row in self._referrer_tags if row.tag not in self._following}
        referrers = {row.digest for row in self._referrer_tags} | self._untagged.keys()
        beside = (*self._referrer_tags, *self._untagged.values())
        locked = {row.digest for row in beside if row.locked}
        return lost | locked | (referrers & self.protected)

    @cached_property
    def going(self) -> set[str]:
        """Versions of which no tag stays."""
        return {
            digest
            for digest, rows in self.holders.items()
            if len(self.leaving(digest)) == len(rows)
        }

    @cached_property
    def held(self) -> set[str]:
        """All manifests here."""
        return self.below(*self.holders, *self.fixed)

    def kept(self, going: Collection[str] | None = None) -> set[str]:
        """Give the manifests that stay when these versions go; left out: those of the rule."""
        staying = self.holders.keys() - (self.going if going is None else set(going))
        return self.below(*staying, *self.fixed)

    def tags_going(self) -> set[Holder]:
        """Give what goes, as (digest, tag)."""
        rows = [row for digest in self.holders for row in self.leaving(digest)]
        found = {(row.digest, row.tag if isinstance(row, TagRow) else "") for row in rows}
        kept = self.kept()
        return found | {
            (row.digest, row.tag)
            for row in self._referrer_tags
            if row.tag in self._following and row.digest not in kept
        }

    def all_tags(self) -> set[Holder]:
        """Give all tags, and what stands without one, as (digest, tag)."""
        loose = {(digest, "") for digest in self._loose}
        return {(row.digest, row.tag) for row in self._all_tags} | loose | self._unread

    def blobs(self, digests: Iterable[str]) -> Blobs:
        """Give what these manifests store, each by itself, without what they lead to."""
        found: Blobs = {}
        for digest in digests:
            row = self.manifests[digest]
            found[digest] = row.size
            if row.config_digest is not None:
                found[row.config_digest] = row.config_size or 0
            for blob, size in self._layers[digest].items():
                found[blob] = max(size, found.get(blob, 0))
        return found

    def marked(self, digests: Iterable[str]) -> Blobs:
        """Give what a garbage collection keeps for these manifests: also the named children."""
        found = self.blobs(digests)
        for digest in digests:
            found |= {child: self.manifests[child].size for child in self._children[digest]}
        return found


class Oracle:
    """Answers about one registry."""

    def __init__(
        self,
        sources: Iterable[Source],
        rule: Rule,
        *,
        dedup_scope: str,
        now: datetime,
        in_use: Iterable[tuple[str, str, str, str]] = (),
        registry: str,
    ) -> None:
        self._dedup_scope = dedup_scope
        guarded: dict[str, set[Holder]] = defaultdict(set)
        for host, repository, tag, digest in in_use:
            if host in ("", registry):
                guarded[repository].add((digest, tag))
        self.places: dict[str, Place] = {}
        by_age = sorted(sources, key=lambda source: source.taken_at)
        for name in sorted(set().union(*(source.repositories() for source in by_age))):
            newest = [source for source in by_age if source.covers(name)][-1]
            if name in newest.repositories():
                self.places[name] = Place(name, newest, rule, guarded[name], now)

    def scope(self, repository: str, *, apart: bool = False) -> str:
        """Give what shares storage with a repository; `apart`: nothing, if nobody knows."""
        if self._dedup_scope == "repository" or (self._dedup_scope == "unknown" and apart):
            return repository
        if self._dedup_scope in ("namespace", "project"):
            return repository.partition("/")[0]
        return ""

    def stored(
        self, manifests: Mapping[str, Iterable[str]], *, apart: bool = False
    ) -> dict[tuple[str, str], int]:
        """Give (scope, digest) → bytes of what manifests of repositories store."""
        found: dict[tuple[str, str], int] = {}
        for name, digests in manifests.items():
            scope = self.scope(name, apart=apart)
            for blob, size in self.places[name].blobs(digests).items():
                found[scope, blob] = max(size, found.get((scope, blob), 0))
        return found

    def bytes(self, *, apart: bool = False) -> tuple[int, int]:
        """Give the bytes freed and kept."""
        held = self.stored({name: place.held for name, place in self.places.items()}, apart=apart)
        kept = self.stored({name: place.kept() for name, place in self.places.items()}, apart=apart)
        return sum(held.values()) - sum(kept.values()), sum(kept.values())

    def freed_by(self, versions: Collection[tuple[str, str]]) -> int:
        """Give the bytes that go when only these versions (repository, digest) do."""
        held = self.stored({name: place.held for name, place in self.places.items()})
        kept = self.stored(
            {
                name: place.kept([digest for owner, digest in versions if owner == name])
                for name, place in self.places.items()
            }
        )
        return sum(held.values()) - sum(kept.values())

    def collected(self, deleted: Collection[tuple[str, str]]) -> int:
        """Act out a garbage collection after deletions (repository, digest): the bytes it frees."""
        held = self.stored({name: place.held for name, place in self.places.items()})
        marked: set[tuple[str, str]] = set()
        for name, place in self.places.items():
            left = [digest for digest in place.held if (name, digest) not in deleted]
            marked |= {(self.scope(name), blob) for blob in place.marked(left)}
        return sum(size for key, size in held.items() if key not in marked)


@cache
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _matches(patterns: tuple[str, ...], tag: str) -> bool:
    return bool(patterns) and _compiled(patterns).search(tag) is not None
