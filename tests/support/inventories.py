"""Inventories for tests: built by hand, or drawn by hypothesis; consistent in every case.

shelf = Shelf()
base, app = layer("base", 1000), layer("app", 10)
image = shelf.image(base, app)
shelf.tag("team/app", "1.0", image)
publish(history, shelf.inventory())
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st

from regtools.history import History
from regtools.history.files import read_table
from regtools.history.rows import DATA_TABLES, to_rows
from regtools.manifest import OCI_INDEX, OCI_MANIFEST
from regtools.reference import Digest
from regtools.schema import (
    ChildRow,
    DedupScope,
    Inventory,
    LayerRow,
    ManifestRow,
    ReportedRow,
    RepositoryRow,
    SnapshotRow,
    TagRow,
    UntaggedRow,
)

REGISTRY = "registry.example.com"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
FOREIGN_TYPE = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
IN_TOTO = "application/vnd.in-toto+json"


def digest(text: object) -> Digest:
    """Give the sha256 digest of a text: the same text, the same digest."""
    return Digest("sha256:" + hashlib.sha256(str(text).encode()).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A blob that manifests may share."""

    digest: Digest
    size: int | None
    media_type: str = LAYER_TYPE
    foreign: bool = False
    diff_id: str | None = None


def layer(name: str, size: int | None, *, foreign: bool = False) -> Layer:
    """Make a layer; its digest comes from its name and size."""
    return Layer(
        digest=digest(f"layer {name} {size}"),
        size=size,
        media_type=FOREIGN_TYPE if foreign else LAYER_TYPE,
        foreign=foreign,
    )


@dataclass(slots=True)
class Shelf:
    """Images under construction, and the tags that point to them."""

    registry: str = REGISTRY
    manifests: dict[str, ManifestRow] = field(default_factory=dict)
    children: dict[str, list[ChildRow]] = field(default_factory=dict)
    layers: dict[str, list[LayerRow]] = field(default_factory=dict)
    repositories: dict[str, dict[str, TagRow]] = field(default_factory=dict)
    tagless: dict[str, dict[str, UntaggedRow]] = field(default_factory=dict)
    reports: dict[str, ReportedRow] = field(default_factory=dict)

    def image(
        self,
        *layers: Layer,
        name: object = "",
        size: int = 500,
        config_size: int = 100,
        platform: str | None = "linux/amd64",
        created_at: datetime | None = None,
        subject: str | None = None,
        artifact_type: str | None = None,
    ) -> Digest:
        """Add an image of layers, in order; the same arguments give the same digest.

        Its config is a blob of its own, of `config_size` bytes.
        """
        listed = [one.digest for one in layers]
        own = digest(("image", name, listed, size, config_size, platform, created_at, subject))
        self.manifests[own] = ManifestRow(
            digest=own,
            media_type=OCI_MANIFEST,
            artifact_type=artifact_type,
            size=size,
            config_digest=digest(("config", own, config_size)),
            config_size=config_size,
            created_at=created_at,
            platform=platform,
            subject=subject,
        )
        self.layers[own] = [
            LayerRow(
                manifest=own,
                position=position,
                blob=one.digest,
                size=one.size,
                media_type=one.media_type,
                foreign=one.foreign,
                diff_id=one.diff_id,
            )
            for position, one in enumerate(layers)
        ]
        return own

    def artifact(
        self, *layers: Layer, subject: str | None = None, artifact_type: str = IN_TOTO
    ) -> Digest:
        """Add an artifact: a manifest that is no image, perhaps about another one."""
        return self.image(
            *layers,
            size=300,
            config_size=2,
            platform=None,
            subject=subject,
            artifact_type=artifact_type,
        )

    def index(self, *children: str, attests: Iterable[str] = (), size: int = 400) -> Digest:
        """Add an index of images or of other indexes, with an attestation for each of `attests`."""
        attestations = {
            about: self.image(layer(f"attestation {about}", 50), platform="unknown/unknown")
            for about in attests
        }
        own = digest(("index", children, sorted(attestations), size))
        self.manifests[own] = ManifestRow(digest=own, media_type=OCI_INDEX, size=size)
        self.children[own] = [
            ChildRow(parent=own, child=child, platform=self.manifests[child].platform)
            for child in dict.fromkeys(children)
        ] + [
            ChildRow(parent=own, child=child, platform="unknown/unknown", attests=about)
            for about, child in attestations.items()
        ]
        return own

    def repository(self, name: str) -> None:
        """Add a repository; it stays empty unless something is tagged in it."""
        self.repositories.setdefault(name, {})

    def tag(
        self,
        repository: str,
        tag: str,
        digest: str,
        *,
        pushed_at: datetime | None = None,
        locked: bool | None = None,
    ) -> None:
        """Point a tag to a manifest, away from the one it pointed to before."""
        self.repository(repository)
        self.repositories[repository][tag] = TagRow(
            registry=self.registry,
            repository=repository,
            tag=tag,
            digest=digest,
            pushed_at=pushed_at,
            locked=locked,
        )

    def refer(self, repository: str, subject: str, referrer: str, suffix: str = "") -> None:
        """Tag a referrer as OCI's fallback or cosign (with a suffix such as ``.sig``) does."""
        self.tag(repository, subject.replace(":", "-")[:71] + suffix, referrer)

    def hold(
        self,
        repository: str,
        digest: str,
        *,
        pushed_at: datetime | None = None,
        pulled_at: datetime | None = None,
        locked: bool | None = None,
    ) -> None:
        """Keep a manifest in a repository without a tag."""
        self.repository(repository)
        self.tagless.setdefault(repository, {})[digest] = UntaggedRow(
            registry=self.registry,
            repository=repository,
            digest=digest,
            pushed_at=pushed_at,
            pulled_at=pulled_at,
            locked=locked,
        )

    def report(self, repository: str, size: int, *, limit: int | None = None) -> None:
        """Let the vendor tell a size of a repository."""
        self.repository(repository)
        self.reports[repository] = ReportedRow(
            registry=self.registry,
            scope="repository",
            name=repository,
            kind="storage",
            bytes=size,
            limit_bytes=limit,
            source="GET /api/sizes",
        )

    def untag(self, repository: str, tag: str) -> None:
        """Remove a tag."""
        del self.repositories[repository][tag]

    def inventory(self) -> Inventory:
        """Give what a scan of everything would see: what tags reach, and what is held untagged."""
        return merged(self.parts())

    def parts(self) -> list[Inventory]:
        """Give an inventory for each repository, each manifest in the first that reaches it."""
        seen: set[str] = set()
        return [self._part(name, seen) for name in self.repositories]

    def _part(self, name: str, seen: set[str]) -> Inventory:
        tags = list(self.repositories[name].values())
        untagged = list(self.tagless.get(name, {}).values())
        part = Inventory(
            repositories=[RepositoryRow(registry=self.registry, repository=name)],
            tags=tags,
            untagged=untagged,
            reported=[self.reports[name]] if name in self.reports else [],
        )
        waiting = [row.digest for row in (*tags, *untagged)]
        while waiting:
            one = waiting.pop(0)
            if one in seen:
                continue
            seen.add(one)
            part.manifests.append(self.manifests[one])
            part.children.extend(self.children.get(one, ()))
            part.layers.extend(self.layers.get(one, ()))
            waiting.extend(row.child for row in self.children.get(one, ()))
        return part


def merged(parts: Iterable[Inventory]) -> Inventory:
    """Put parts together."""
    whole = Inventory()
    for part in parts:
        for table in Inventory.__dataclass_fields__:
            getattr(whole, table).extend(getattr(part, table))
    return whole


def sorted_rows(inventory: Inventory) -> dict[str, list[str]]:
    """Give the rows of each table in an order of their own, for comparisons."""
    tables = Inventory.__dataclass_fields__
    return {table: sorted(map(repr, getattr(inventory, table))) for table in tables}


@contextmanager
def fresh_history() -> Iterator[History]:
    """Give an empty history in a folder of its own, for each example of a property."""
    with tempfile.TemporaryDirectory() as folder:
        yield History(Path(folder, "history"))


def stored(history: History, snapshot: SnapshotRow) -> Inventory:
    """Read all the rows of a snapshot."""
    tables = {name: read_table(history.place, snapshot.snapshot, name) for name in DATA_TABLES}
    return Inventory(**{name: to_rows(name, data) for name, data in tables.items()})


def publish(
    history: History,
    inventory: Inventory,
    *,
    taken_at: datetime = NOON,
    registry: str = REGISTRY,
    namespace: str = "",
    kind: str = "distribution",
    complete: bool = True,
    dedup_scope: DedupScope = "registry",
) -> SnapshotRow:
    """Add a snapshot to a history, as a scan would."""
    with history.draft(registry, namespace, now=taken_at) as draft:
        return draft.publish(
            kind=kind,
            taken_at=taken_at,
            complete=complete,
            requests=7,
            seconds=1.5,
            dedup_scope=dedup_scope,
            rest=inventory,
        )


_SIZES = st.one_of(st.integers(0, 2**20), st.integers(2**40, 2**50))
_TIMES = st.none() | st.integers(0, 2**32 * 10**6).map(
    lambda us: EPOCH + timedelta(microseconds=us)
)
_NAMES = ("a", "team/a", "team/b", "team/b/deep", "z")


@st.composite
def shelves(draw: st.DrawFn, *, foreign: bool = True, unknown_sizes: bool = False) -> Shelf:
    """Draw images that share layers, list one twice, stand in nested indexes, under many tags.

    Some have referrers, by fallback or cosign tag or without a tag; some have no tag.

    Parameters
    ----------
    foreign
        Whether some layers may live elsewhere.
    unknown_sizes
        Whether some layers may tell no size.
    """
    sizes = _SIZES | st.none() if unknown_sizes else _SIZES
    elsewhere = st.booleans() if foreign else st.just(value=False)
    pool = [
        layer(f"l{number}", draw(sizes), foreign=draw(elsewhere))
        for number in range(draw(st.integers(1, 6)))
    ]
    shelf = Shelf()
    tops: list[Digest] = []
    for number in range(draw(st.integers(1, 6))):
        chosen = draw(st.lists(st.sampled_from(pool), max_size=5))
        tops.append(
            shelf.image(
                *chosen,
                name=number,
                size=draw(st.integers(100, 10_000)),
                config_size=draw(st.integers(2, 5_000)),
                created_at=draw(_TIMES),
            )
        )
    for _ in range(draw(st.integers(0, 3))):  # later ones may hold earlier ones
        inside = draw(st.lists(st.sampled_from(tops), min_size=1, max_size=4, unique=True))
        images = [one for one in inside if not shelf.children.get(one)]
        attested = draw(st.lists(st.sampled_from(images), unique=True)) if images else []
        tops.append(shelf.index(*inside, attests=attested))
    if draw(st.booleans()):
        tops.append(shelf.artifact(layer("signature", 77), subject=draw(st.sampled_from(tops))))
    for name in draw(st.lists(st.sampled_from(_NAMES), min_size=1, unique=True)):
        shelf.repository(name)
        for number in range(draw(st.integers(0, 5))):
            shelf.tag(name, f"v{number}", draw(st.sampled_from(tops)), pushed_at=draw(_TIMES))
        for _ in range(draw(st.integers(0, 2))):
            subject, referrer = draw(st.sampled_from(tops)), draw(st.sampled_from(tops))
            shelf.refer(name, subject, referrer, draw(st.sampled_from(("", ".sig", ".att"))))
        if draw(st.booleans()):
            shelf.hold(name, draw(st.sampled_from(tops)), pushed_at=draw(_TIMES))
        if draw(st.booleans()):
            shelf.report(name, draw(_SIZES), limit=draw(st.none() | _SIZES))
    return shelf


def inventories(
    *, foreign: bool = True, unknown_sizes: bool = False
) -> st.SearchStrategy[Inventory]:
    """Draw what a complete scan of a registry could have seen; see `shelves`."""
    return shelves(foreign=foreign, unknown_sizes=unknown_sizes).map(Shelf.inventory)
