"""The definitions of bytes in plain sets, slow and obvious: what the SQL must agree with.

An item is a digest: of a manifest, a config or a layer. One inventory is one complete scan of
one registry.
"""

from __future__ import annotations

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
        self._repositories = {row.repository for row in inventory.repositories}

    def by_tag(self) -> dict[tuple[str, str], Row]:
        """Give the sizes of each tag."""
        held = {key: self.reach(digest) for key, digest in self._tags.items()}
        users = Counter(
            (self._scope(repository), item)
            for (repository, _), reached in held.items()
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
                "complete": self._all_known(reached.every),
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
            digests = [digest for (owner, _), digest in self._tags.items() if owner == name]
            rows[name] = {
                "tags": len(digests),
                "logical_bytes": sum(self.size(self.reach(digest).every) for digest in digests),
                **self._alone(
                    reached, {i for i in reached.stored if users[self._scope(name), i] == 1}
                ),
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
            "complete": all(row["complete"] for row in rows),
        }

    def by_layer(self) -> dict[str, Row]:
        """Give who uses each stored blob."""
        held = {key: self.reach(digest).stored for key, digest in self._tags.items()}
        blobs = {item for items in held.values() for item in items} - set(self._manifests)
        return {
            blob: {
                "size": self.size([blob]),
                "repositories": len({owner for (owner, _), items in held.items() if blob in items}),
                "tags": sum(blob in items for items in held.values()),
                "complete": self._sizes[blob] is not None,
            }
            for blob in blobs
        }

    def reach(self, top: str) -> Held:
        """Give everything below a manifest, and itself."""
        manifests, waiting = set(), [top]
        while waiting:
            digest = waiting.pop()
            if digest not in manifests and digest in self._manifests:
                manifests.add(digest)
                waiting.extend(row.child for row in self._children[digest])
        stored = set(manifests)
        foreign = set()
        for digest in manifests:
            here, elsewhere = self._blobs(self._manifests[digest])
            stored |= here
            foreign |= elsewhere
        return Held(frozenset(stored | foreign), frozenset(stored))

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
                held |= self.reach(digest)
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
