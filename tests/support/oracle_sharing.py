"""Namespaces, platforms and shared layers in plain sets, slow and obvious.

What `oracle` is for repositories and tags, this is for what cuts across them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime

from tests.support.oracle import NOTHING, Held, Oracle, Row

from regtools.manifest import OCI_INDEX
from regtools.schema import LayerRow

Prefix = tuple[str, ...]


class SharingOracle(Oracle):
    """More answers about one inventory under one dedup scope."""

    def holders(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """Give who holds each stored blob, by storage and digest: repository and tag, by name."""
        found: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for repository, tag, digest in self._tops():
            for item in self.reach(digest, repository).stored:
                found[self._storage(repository), item].add((repository, tag))
        return {place: sorted(names) for place, names in found.items()}

    def by_age(
        self, earliest: datetime, latest: datetime, age: Callable[[datetime | None], int]
    ) -> dict[int, Row]:
        """Give tags and bytes by age, a number that grows with it: each blob's is its smallest."""
        rows: dict[int, Counter[str]] = defaultdict(Counter)
        held: dict[tuple[str, str], int] = {}
        for repository, tag, top in self._tops():
            dates = [self._manifests[one].created_at for one in self._below(top, None)]
            own = age(
                max((one for one in dates if one and earliest <= one <= latest), default=None)
            )
            reached = self.reach(top, repository)
            if tag:
                rows[own]["tags"] += 1
                rows[own]["logical_bytes"] += self.size(reached.every)
            for item in reached.stored:
                place = self._storage(repository), item
                held[place] = min(own, held.get(place, own))
        for (_, item), number in held.items():
            rows[number]["physical_bytes"] += self.size([item])
        return {number: dict(row) for number, row in rows.items()}

    def by_namespace(self) -> dict[str, Row]:
        """Give the sizes of each first part of a name."""
        members: dict[str, set[str]] = defaultdict(set)
        for name in self._repositories:
            members[name.rpartition("/")[0].partition("/")[0]].add(name)
        rows = self.by_repository()
        held = {
            namespace: {name: self._held_by(name) for name in names}
            for namespace, names in members.items()
        }
        sizes = self._sizes_of_groups(held)
        return {
            namespace: {
                "repositories": len(names),
                "tags": sum(int(rows[name]["tags"]) for name in names),
                "logical_bytes": sum(int(rows[name]["logical_bytes"]) for name in names),
                **sizes[namespace],
                "complete": all(rows[name]["complete"] for name in names),
            }
            for namespace, names in members.items()
        }

    def by_platform(self) -> dict[str, Row]:
        """Give the sizes of each platform, of indexes and of artifacts."""
        held = self._held_by_platform()
        images: dict[str, set[str]] = defaultdict(set)
        tags: Counter[str] = Counter()
        logical: Counter[str] = Counter()
        for repository, tag, digest in self._tops():
            counted = self._counted_as(digest, repository)
            for label, manifests in counted.items():
                reached = NOTHING
                for manifest in manifests:
                    reached |= self._alone_in(manifest)
                logical[label] += self.size(reached.every) if tag else 0
                own = {one for one, bound in manifests.items() if not bound}
                images[label] |= own
                tags[label] += bool(own and tag)
        sizes = self._sizes_of_groups(held)
        return {
            label: {
                "images": len(images[label]),
                "tags": tags[label],
                "logical_bytes": logical[label],
                **sizes[label],
                "pull_bytes": sum(self.size(self._alone_in(one).every) for one in images[label]),
                "complete": all(self._all_known(one.every) for one in places.values()),
            }
            for label, places in held.items()
        }

    def shared_by_platforms(self) -> int:
        """Give the bytes that several platforms hold, each once: what is no platform's alone."""
        counts = Counter(
            place
            for held in self._held_by_platform().values()
            for place in self._once(held, self._scope)
        )
        return self.size(item for (_, item), count in counts.items() if count > 1)

    def sharers(self, digest: str) -> set[tuple[str, str, str, str, int | None]]:
        """Give repository, tag, manifest, role and position of each place of a digest."""
        found: set[tuple[str, str, str, str, int | None]] = set()
        for repository, tag, top in self._tops():
            for manifest in self._below(top, repository):
                where = repository, tag, manifest
                if digest == manifest:
                    found.add((*where, "manifest", None))
                if digest == self._manifests[manifest].config_digest:
                    found.add((*where, "config", None))
                found |= {
                    (*where, "layer", row.position)
                    for row in self._layers_of(manifest)
                    if row.blob == digest
                }
        return found

    def bases(self) -> dict[Prefix, Row]:
        """Give each chain of layers that images stand on, and what sharing it saves."""
        chains = {
            image: tuple(row.blob for row in self._layers_of(image)) for image in self._images()
        }
        platforms = Counter(self._manifests[image].platform for image in self._images())
        prefixes = {
            chain[:length] for chain in chains.values() for length in range(1, len(chain) + 1)
        }
        rows: dict[Prefix, Row] = {}
        for prefix in prefixes:
            group = {i for i, chain in chains.items() if chain[: len(prefix)] == prefix}
            above = {i for i in group if len(chains[i]) > len(prefix)}
            following = {chains[i][len(prefix)] for i in above}
            goes_on_alone = len(following) == 1 and above == group
            if len(group) < 2 or not above or goes_on_alone:
                continue
            stored = {
                row.blob for row in self._layers_of(min(group))[: len(prefix)] if not row.foreign
            }
            size = self.size(stored)
            platform = min(str(self._manifests[image].platform) for image in group)
            most = size * self._spared(group, self._scope)
            lonely = len(above) == 1 and platforms[platform] - len(group - above) > 1
            rows[prefix] = {
                "layers": len(prefix),
                "size": size,
                "platform": platform,
                "images": len(above),
                "repositories": len(
                    {name for name, _, top in self._tops() if self._below(top, name) & above}
                ),
                "saved_bytes": size * self._spared(group, self._storage),
                "saved_high_bytes": most,
                "verdict": "nearly unused" if lonely else "pays off" if most else "saves nothing",
                "complete": self._all_known(prefix),
            }
        return rows

    def repeated(self) -> dict[str, Row]:
        """Give what is stored more than once, with what that wastes at least and at most."""
        rows: dict[str, Row] = {}
        for item, users in self._users().items():
            copies = len({self._storage(name) for name in users})
            if copies > 1:
                size = self.size([item])
                rows[item] = {
                    "copies": copies,
                    "size": size,
                    "wasted_bytes": size * (len({self._scope(name) for name in users}) - 1),
                    "wasted_high_bytes": size * (copies - 1),
                    "repositories": len(users),
                    "found_in": min(users),
                    "complete": self._all_known([item]),
                }
        return rows

    def recompressed(self) -> dict[str, Row]:
        """Give each uncompressed content that several stored layers have, and what that wastes."""
        users = self._users()
        twins: dict[str, set[str]] = defaultdict(set)
        for row in self._inventory.layers:
            if row.diff_id is not None and not row.foreign and row.blob in users:
                twins[row.diff_id].add(row.blob)
        rows: dict[str, Row] = {}
        for diff_id, blobs in twins.items():
            if len(blobs) > 1:
                waste = sorted(
                    self._wasted({blob: users[blob] for blob in blobs}, bound)
                    for bound in (self._storage, self._scope)
                )
                homes = {name for blob in blobs for name in users[blob]}
                rows[diff_id] = {
                    "copies": len(blobs),
                    "wasted_bytes": waste[0],
                    "wasted_high_bytes": waste[1],
                    "repositories": len(homes),
                    "found_in": min(homes),
                    "complete": self._all_known(blobs),
                }
        return rows

    def oversized(self, at_least: int) -> dict[str, Row]:
        """Give each stored layer of so many bytes, and who has it."""
        here = {one for name, _, top in self._tops() for one in self._below(top, name)}
        rows: dict[str, Row] = {}
        for blob, row in self.by_layer().items():
            listing = {
                one
                for one in here
                for layer in self._layers_of(one)
                if layer.blob == blob and not layer.foreign
            }
            if listing and row["complete"] and int(row["size"]) >= at_least:
                pulls = [self.size(self._alone_in(one).every) for one in listing]
                rows[blob] = {
                    **row,
                    "manifests": len(listing),
                    "share": int(row["size"]) / min(pulls),
                }
        return rows

    def _users(self) -> dict[str, set[str]]:
        """Give each stored item, and the repositories that hold it."""
        users: dict[str, set[str]] = defaultdict(set)
        for name in self._repositories:
            for item in self._held_by(name).stored:
                users[item].add(name)
        return users

    def _wasted(self, users: Mapping[str, set[str]], bound: object) -> int:
        """Give the bytes that go, if those who share one bound all use the smallest copy there."""
        assert callable(bound)
        stored: dict[object, set[str]] = defaultdict(set)
        for item, names in users.items():
            for name in names:
                stored[bound(name)].add(item)
        return sum(
            self.size(items) - min(self.size([item]) for item in items) for items in stored.values()
        )

    def _spared(self, images: set[str], bound: object) -> int:
        """Count the copies that images need not have, since those in one bound share."""
        assert callable(bound)
        stored: dict[object, set[str]] = defaultdict(set)
        for repository, _, top in self._tops():
            stored[bound(repository)] |= self._below(top, repository) & images
        return sum(len(group) - 1 for group in stored.values() if group)

    def _images(self) -> set[str]:
        """Give every image that a tag or an untagged manifest holds: no attestation, no artifact."""
        attesting = {
            row.child for row in self._inventory.children if row.platform == "unknown/unknown"
        }
        return {
            one
            for repository, _, top in self._tops()
            for one in self._below(top, repository)
            if self._layers_of(one)
            and one not in attesting
            and self._manifests[one].subject is None
            and self._manifests[one].artifact_type is None
            and self._manifests[one].platform not in (None, "unknown/unknown")
        }

    def _layers_of(self, manifest: str) -> list[LayerRow]:
        rows = [row for row in self._inventory.layers if row.manifest == manifest]
        return sorted(rows, key=lambda row: row.position)

    def _tops(self) -> list[tuple[str, str, str]]:
        """Give repository, tag and digest of all that is counted; no tag: an untagged manifest."""
        named = [
            (repository, tag, digest)
            for (repository, tag), digest in self._tags.items()
            if (repository, tag) not in self._following and digest in self._manifests
        ]
        return named + [(repository, "", digest) for repository, digest in self._loose()]

    def _held_by_platform(self) -> dict[str, dict[str, Held]]:
        """Give label → repository → what it holds."""
        held: dict[str, dict[str, Held]] = defaultdict(lambda: defaultdict(lambda: NOTHING))
        for repository, _, digest in self._tops():
            for label, manifests in self._counted_as(digest, repository).items():
                for manifest in manifests:
                    held[label][repository] |= self._alone_in(manifest)
        return held

    def _counted_as(self, top: str, repository: str) -> dict[str, dict[str, bool]]:
        """Give label → manifest → whether it is only there for another one."""
        found: dict[str, dict[str, bool]] = defaultdict(dict)
        seen: set[tuple[str, str, bool]] = set()
        waiting = [(top, self._label(top) or "artifact", False)]
        while waiting:
            step = digest, label, bound = waiting.pop()
            if step in seen or digest not in self._manifests:
                continue
            seen.add(step)
            found[label][digest] = bound and found[label].get(digest, True)
            told = {
                row.child: self._label(row.child, row.platform) for row in self._children[digest]
            }
            for row in self._children[digest]:
                about = told.get(row.attests) if row.attests else None
                if bound:
                    waiting.append((row.child, label, True))
                elif about not in (None, "index"):
                    waiting.append((row.child, str(about), True))
                else:
                    waiting.append((row.child, told[row.child] or "artifact", False))
            for referrer in self._referrers[repository, digest]:
                if bound or label not in ("index", "artifact"):
                    waiting.append((referrer, label, True))
                else:
                    waiting.append((referrer, self._label(referrer) or "artifact", False))
        return found

    def _label(self, digest: str, told: str | None = None) -> str | None:
        manifest = self._manifests.get(digest)
        if manifest is not None and manifest.media_type == OCI_INDEX:
            return "index"
        own = manifest.platform if manifest is not None else None
        real = [one for one in (own, told) if one and not one.startswith("unknown")]
        return real[0] if real else None

    def _alone_in(self, manifest: str) -> Held:
        here, elsewhere = self._blobs(self._manifests[manifest])
        stored = here | {manifest}
        return Held(frozenset(stored | elsewhere), frozenset(stored))

    def _sizes_of_groups(self, groups: Mapping[str, Mapping[str, Held]]) -> dict[str, Row]:
        """Give sizes of groups, each told as repository → what the group holds there."""
        low = {name: self._once(held, self._scope) for name, held in groups.items()}
        high = {name: self._once(held, self._storage) for name, held in groups.items()}
        users = Counter(place for places in low.values() for place in places)
        rows: dict[str, Row] = {}
        for name, held in groups.items():
            everything = NOTHING
            for one in held.values():
                everything |= one
            physical = self.size(item for _, item in high[name])
            alone = self.size(item for place, item in low[name] if users[place, item] == 1)
            rows[name] = {
                "physical_bytes": physical,
                "exclusive_bytes": alone,
                "shared_bytes": physical - alone,
                "physical_low_bytes": self.size(item for _, item in low[name]),
                "physical_high_bytes": physical,
                "foreign_bytes": self.size(everything.every - everything.stored),
            }
        return rows

    def _once(self, held: Mapping[str, Held], bound: object) -> set[tuple[str, str]]:
        assert callable(bound)
        return {(bound(name), item) for name, one in held.items() for item in one.stored}
