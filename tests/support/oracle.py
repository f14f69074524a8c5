"""The definitions of bytes in plain sets, slow and obvious: what the SQL must agree with.

An item is a digest: of a manifest, a config or a layer. One inventory is one complete scan of
one registry. A referrer is reached through its subject, in the repository that holds both.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from regtools.schema import ChildRow, Inventory, ManifestRow

Row = dict[str, int | str | bool]


@dataclass(frozen=True, slots=True)
class Held:
    """What something reaches, and which of that the registry stores."""

    every: frozenset[str]
    stored: frozenset[str]

    def __or__(self, other: Held) -> Held:
        return Held(self.every | other.every, self.stored | other.stored)


REFERRER_TAG = re.compile(r"sha(256|512)-[0-9a-f]{64}(\.[A-Za-z0-9_.-]+)?")
NOTHING = Held(frozenset(), frozenset())


class Oracle:
    """Answers about one inventory under one dedup scope."""

    def __init__(self, inventory: Inventory, dedup_scope: str) -> None:
        self._inventory = inventory
        self._dedup_scope = dedup_scope
        self._manifests = {row.digest: row for row in inventory.manifests}
        self._children: dict[str, list[ChildRow]] = defaultdict(list)
        for child in inventory.children:
            self._children[child.parent].append(child)
        self._sizes: dict[str, int | None] = {}
        for manifest in inventory.manifests:
            self._note_size(manifest.digest, manifest.size)
            if manifest.config_digest is not None:
                self._note_size(manifest.config_digest, manifest.config_size)
        for layer in inventory.layers:
            self._note_size(layer.blob, layer.size)
        self._tags = {(row.repository, row.tag): row.digest for row in inventory.tags}
        self._untagged = {(row.repository, row.digest) for row in inventory.untagged}
        self._repositories = {row.repository for row in inventory.repositories} | {
            repository for repository, _ in self._tags.keys() | self._untagged
        }
        self._referrers: dict[tuple[str, str], set[str]] = defaultdict(set)
        for (repository, tag), digest in self._tags.items():
            if REFERRER_TAG.fullmatch(tag):
                for subject in self._manifests:
                    if subject.replace(":", "-")[:71] == tag[:71] and subject != digest:
                        self._referrers[repository, subject].add(digest)
        for repository, digest in {(r, d) for (r, _), d in self._tags.items()} | self._untagged:
            manifest = self._manifests.get(digest)
            if manifest is not None and manifest.subject in self._manifests:
                self._referrers[repository, manifest.subject].add(digest)
        anchored: dict[str, set[str]] = defaultdict(set)
        for (repository, tag), digest in self._tags.items():
            if not REFERRER_TAG.fullmatch(tag):
                anchored[repository] |= self._below(digest, repository)
        self._following = {
            (repository, tag)
            for (repository, tag), digest in self._tags.items()
            if REFERRER_TAG.fullmatch(tag)
            and any(digest in self._referrers[repository, one] for one in anchored[repository])
        }

    @property
    def inventory(self) -> Inventory:
        """What this is about."""
        return self._inventory

    def follows(self, repository: str, tag: str) -> bool:
        """Say whether a tag is a referrer's whose subject is in the same repository."""
        return (repository, tag) in self._following

    def by_tag(self) -> dict[tuple[str, str], Row]:
        """Give the sizes of each tag."""
        held = {
            (repository, tag): NOTHING
            if (repository, tag) in self._following
            else self.reach(digest, repository)
            for (repository, tag), digest in self._tags.items()
        }
        loose = [(name, self.reach(digest, name)) for name, digest in self._loose()]
        users = Counter(
            (self._scope(repository), item)
            for repository, reached in [
                *((repository, reached) for (repository, _), reached in held.items()),
                *loose,
            ]
            for item in reached.stored
        )
        return {
            (repository, tag): {
                "digest": self._tags[repository, tag],
                "logical_bytes": self.size(reached.every),
                **self._alone(
                    reached, {i for i in reached.stored if users[self._scope(repository), i] == 1}
                ),
                "pull_bytes": self.size(self.pulled(self._tags[repository, tag])),
                "foreign_bytes": self.size(reached.every - reached.stored),
                "complete": self._all_known(
                    self.reach(self._tags[repository, tag], repository).every
                ),
            }
            for (repository, tag), reached in held.items()
        }

    def by_repository(self) -> dict[str, Row]:
        """Give the sizes of each repository."""
        held = {name: self._held_by(name) for name in self._repositories}
        users = Counter(
            (self._scope(name), item) for name, reached in held.items() for item in reached.stored
        )
        rows = {}
        for name, reached in held.items():
            tags = {tag: digest for (owner, tag), digest in self._tags.items() if owner == name}
            rows[name] = {
                "tags": len(tags),
                "logical_bytes": sum(
                    self.size(self.reach(digest, name).every)
                    for tag, digest in tags.items()
                    if (name, tag) not in self._following
                ),
                **self._alone(
                    reached, {i for i in reached.stored if users[self._scope(name), i] == 1}
                ),
                "foreign_bytes": self.size(reached.every - reached.stored),
                "complete": self._all_known(reached.every),
            }
        return rows

    def by_registry(self) -> Row:
        """Give the sizes of the whole."""
        rows = self.by_repository().values()
        high, low = self._stored_once(self._storage), self._stored_once(self._scope)
        items = {item for _, item in high}
        exclusive = sum(int(row["exclusive_bytes"]) for row in rows)
        physical = self.size(item for _, item in high)
        everything = NOTHING
        for name in self._repositories:
            everything |= self._held_by(name)
        return {
            "repositories": len(self._repositories),
            "tags": len(self._tags),
            "manifests": len(items & set(self._manifests)),
            "blobs": len(items - set(self._manifests)),
            "logical_bytes": sum(int(row["logical_bytes"]) for row in rows),
            "physical_bytes": physical,
            "physical_low_bytes": self.size(item for _, item in low),
            "physical_high_bytes": physical,
            "exclusive_bytes": exclusive,
            "shared_bytes": physical - exclusive,
            "foreign_bytes": self.size(everything.every - everything.stored),
            "complete": all(row["complete"] for row in rows),
        }

    def version_bytes(self) -> int:
        """Give what it would take to keep each version in full."""
        tagged = {
            (repository, digest)
            for (repository, tag), digest in self._tags.items()
            if (repository, tag) not in self._following
        }
        return sum(
            self.size(self.reach(digest, repository).stored)
            for repository, digest in tagged | set(self._loose())
        )

    def by_layer(self) -> dict[str, Row]:
        """Give who uses each stored blob."""
        held = {
            (repository, tag): self.reach(digest, repository).stored
            for (repository, tag), digest in self._tags.items()
            if (repository, tag) not in self._following
        }
        alone = {(name, d): self.reach(d, name).stored for name, d in self._loose()}
        every = [*held.items(), *alone.items()]
        blobs = {item for _, items in every for item in items} - set(self._manifests)
        return {
            blob: {
                "size": self.size([blob]),
                "repositories": len({owner for (owner, _), items in every if blob in items}),
                "tags": sum(blob in items for items in held.values()),
                "complete": self._sizes[blob] is not None,
            }
            for blob in blobs
        }

    def reach(self, top: str, repository: str | None = None) -> Held:
        """Give everything below a manifest, and itself; in a repository, with its referrers."""
        manifests = self._below(top, repository)
        stored = set(manifests)
        foreign = set()
        for digest in manifests:
            here, elsewhere = self._blobs(self._manifests[digest])
            stored |= here
            foreign |= elsewhere
        return Held(frozenset(stored | foreign), frozenset(stored))

    def _below(self, top: str, repository: str | None) -> set[str]:
        manifests: set[str] = set()
        waiting = [top]
        while waiting:
            digest = waiting.pop()
            if digest not in manifests and digest in self._manifests:
                manifests.add(digest)
                waiting.extend(row.child for row in self._children[digest])
                if repository is not None:
                    waiting.extend(self._referrers[repository, digest])
        return manifests

    def _loose(self) -> set[tuple[str, str]]:
        """Give the untagged manifests that no tag leads to."""
        reached = {
            (repository, digest)
            for (repository, _), top in self._tags.items()
            for digest in self._below(top, repository)
        }
        return self._untagged - reached

    def pulled(self, top: str) -> set[str]:
        """Give what a linux/amd64 client fetches."""
        path = [top]
        while (chosen := self._choice(path[-1])) and chosen not in path:
            path.append(chosen)
        items = set()
        for digest in path:
            if digest in self._manifests:
                here, elsewhere = self._blobs(self._manifests[digest])
                items |= {digest} | here | elsewhere
        return items

    def size(self, items: Iterable[str]) -> int:
        """Add up sizes; what nobody tells counts nothing."""
        return sum(self._sizes[item] or 0 for item in items)

    def _note_size(self, digest: str, size: int | None) -> None:
        known = self._sizes.get(digest)
        self._sizes[digest] = known if size is None else max(size, known or 0)

    def _choice(self, index: str) -> str | None:
        images = [
            (self._preference(row), row.child)
            for row in self._children[index]
            if row.attests is None and row.platform != "unknown/unknown"
        ]
        return min(images)[1] if images else None

    def _preference(self, row: ChildRow) -> tuple[int, bool, str]:
        manifest = self._manifests.get(row.child)
        platform = row.platform or (manifest.platform if manifest else None)
        if platform == "linux/amd64":
            rank = 0
        elif platform is not None and platform.startswith("linux/amd64/"):
            rank = 1
        else:
            rank = 2 if self._children[row.child] else 3
        return rank, platform is None, platform or ""

    def _blobs(self, manifest: ManifestRow) -> tuple[set[str], set[str]]:
        layers = [row for row in self._inventory.layers if row.manifest == manifest.digest]
        here = {row.blob for row in layers if not row.foreign}
        if manifest.config_digest is not None:
            here.add(manifest.config_digest)
        return here, {row.blob for row in layers if row.foreign}

    def _held_by(self, repository: str) -> Held:
        held = NOTHING
        for (owner, _), digest in self._tags.items():
            if owner == repository:
                held |= self.reach(digest, repository)
        for owner, digest in self._loose():
            if owner == repository:
                held |= self.reach(digest, repository)
        return held

    def _stored_once(self, place: object) -> set[tuple[str, str]]:
        assert callable(place)
        return {(place(name), i) for name in self._repositories for i in self._held_by(name).stored}

    def _alone(self, reached: Held, exclusive: set[str]) -> Row:
        physical, alone = self.size(reached.stored), self.size(exclusive)
        return {
            "physical_bytes": physical,
            "exclusive_bytes": alone,
            "shared_bytes": physical - alone,
        }

    def _all_known(self, items: Iterable[str]) -> bool:
        return all(self._sizes[item] is not None for item in items)

    def _scope(self, repository: str) -> str:
        """Name those who may share with a repository; unknown: perhaps all."""
        return "" if self._dedup_scope == "unknown" else self._storage(repository)

    def _storage(self, repository: str) -> str:
        """Name those who surely share with a repository; unknown: perhaps none."""
        match self._dedup_scope:
            case "registry":
                return ""
            case "namespace" | "project":
                return repository.partition("/")[0]
            case _:
                return repository
