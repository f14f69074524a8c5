"""What the test registry holds: one of everything that makes counting bytes hard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import push
from tests.support.docker_registry import DockerRegistry, garbage_collect
from tests.support.push import Blob, Pusher
from tests.support.schema1 import signed_manifest

FIRST_DAY = datetime(2025, 5, 1, 12, tzinfo=UTC)
ODD_TAGS = ("_", "A", "0", "_Az09.-", "v1.2.3-rc.1_build", "x" * 128)
"""The grammar's corners: every class of character it allows, one sign, and the longest."""
FOREIGN_URL = "https://mcr.example.com/windows-base.tar.gz"
MANY = 120
"""Repositories added by ``many=True``: more than a catalog's page of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A manifest or index as it was pushed."""

    digest: str
    media_type: str
    size: int
    stored: tuple[str, ...]
    """Digests of its blobs that the registry stores, each once: config and layers."""
    layers: tuple[str, ...] = ()
    """Digests in order, foreign ones and repetitions as listed."""
    children: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What was pushed, and the numbers that follow from it."""

    registry: str
    """``host:port``."""
    repositories: Mapping[str, Mapping[str, str]]
    """Repository → tag → digest. A repository that was emptied has no tags."""
    manifests: Mapping[str, Pushed]
    """Every manifest and index by digest, tagged or inside an index."""
    blob_sizes: Mapping[str, int]
    """Every stored config and layer by digest."""
    inspectable: Sequence[tuple[str, str]]
    """(repository, tag) of all that `skopeo inspect` can read."""
    foreign_sizes: Mapping[str, int] = field(default_factory=dict)
    """Layers whose bytes live elsewhere."""

    @property
    def tags(self) -> list[tuple[str, str, str]]:
        """Every (repository, tag, digest)."""
        return [
            (repository, tag, digest)
            for repository, tags in self.repositories.items()
            for tag, digest in tags.items()
        ]

    @property
    def sizes(self) -> dict[str, int]:
        """Every stored digest, blobs and manifests, with its bytes."""
        return {**self.blob_sizes, **{d: pushed.size for d, pushed in self.manifests.items()}}

    def manifests_below(self, digest: str) -> frozenset[str]:
        """Give this manifest and all it reaches through indexes."""
        children = (self.manifests_below(child) for child in self.manifests[digest].children)
        return frozenset({digest}).union(*children)

    def reach(self, *digests: str) -> frozenset[str]:
        """Give every stored digest, manifests and blobs, that these manifests reach."""
        below = frozenset[str]().union(*(self.manifests_below(digest) for digest in digests))
        return below.union(*(self.manifests[digest].stored for digest in below))

    def bytes_of(self, digests: Iterable[str]) -> int:
        """Add up stored digests, each once."""
        sizes = self.sizes
        return sum(sizes[digest] for digest in set(digests))

    def logical_bytes(self, repository: str | None = None, tag: str | None = None) -> int:
        """Give the sum over tags of what each reaches, foreign layers too: a pull needs them."""
        return sum(
            self.bytes_of(self.reach(digest)) + self.foreign_bytes(digest)
            for its_repository, its_tag, digest in self.tags
            if repository in (None, its_repository) and tag in (None, its_tag)
        )

    def foreign_bytes(self, digest: str) -> int:
        """Give the bytes of the layers below a manifest that are stored elsewhere."""
        below = self.manifests_below(digest)
        foreign = {layer for manifest in below for layer in self.manifests[manifest].foreign}
        return sum(self.foreign_sizes[layer] for layer in foreign)

    def physical_bytes(self, repository: str | None = None) -> int:
        """Give the bytes of everything reached, each digest once."""
        return self.bytes_of(self._reach_of(repository))

    def exclusive_bytes(self, repository: str) -> int:
        """Give the bytes of what no other repository reaches."""
        others = (self._reach_of(name) for name in self.repositories if name != repository)
        return self.bytes_of(self._reach_of(repository).difference(*others))

    def _reach_of(self, repository: str | None) -> frozenset[str]:
        names = self.repositories if repository is None else (repository,)
        return self.reach(*(d for name in names for d in self.repositories[name].values()))


def push_corpus(registry: DockerRegistry, *, many: bool = False) -> Corpus:
    """Fill an empty registry, then collect its garbage: what only deleted tags named is gone."""
    with Pusher(registry.url) as pusher:
        build = _Build(pusher)
        _bases(build)
        _applications(build)
        _indexes(build)
        _referrers(build)
        _oddities(build)
        _emptied(build)
        if many:
            _many(build)
    garbage_collect(registry)
    return build.corpus(registry.host)


def push_schema1(
    registry: DockerRegistry, repository: str = "legacy/app", tag: str = "1"
) -> tuple[str, list[Blob]]:
    """Push a signed schema 1 image; give its digest and its layers, oldest first.

    Apart from the corpus, since the bytes stored (without signatures) are not those served.
    """
    layers = [push.layer(f"legacy-{n}", 500 * n, push.DOCKER_LAYER) for n in (1, 2)]
    content, digest = signed_manifest(repository, tag, layers, FIRST_DAY)
    with Pusher(registry.url) as pusher:
        for entry in layers:
            pusher.blob(repository, entry.data)
        assert pusher.manifest(repository, tag, content) == digest
    return digest, layers


class _Build:
    """Pushes, and keeps the books of what was pushed."""

    def __init__(self, pusher: Pusher) -> None:
        self._pusher = pusher
        self._tags: dict[str, dict[str, str]] = {}
        self._manifests: dict[str, Pushed] = {}
        self._blob_sizes: dict[str, int] = {}
        self._foreign_sizes: dict[str, int] = {}
        self._inspectable: dict[tuple[str, str], None] = {}
        self._homes: dict[str, str] = {}
        self._held: set[tuple[str, str]] = set()

    def blob(self, repository: str, blob: Blob) -> None:
        """Bring a blob into a repository: uploaded the first time, then mounted."""
        if (repository, blob.digest) in self._held:
            return
        home = self._homes.setdefault(blob.digest, repository)
        if home == repository:
            self._pusher.blob(repository, blob.data)
        else:
            self._pusher.mount(repository, blob.digest, home)
        self._held.add((repository, blob.digest))
        self._blob_sizes[blob.digest] = len(blob.data)

    def image(
        self,
        repository: str,
        layers: Sequence[Blob],
        *tags: str,
        day: int = 0,
        platform: str = "linux/amd64",
        docker: bool = False,
        foreign: Sequence[Blob] = (),
    ) -> Blob:
        """Push an image; `foreign` layers come first, as Windows' do, and are not uploaded."""
        config = push.image_config(
            (*foreign, *layers),
            created=FIRST_DAY + timedelta(days=day),
            platform=platform,
            media_type=push.DOCKER_CONFIG if docker else push.OCI_CONFIG,
        )
        listed = [
            *(entry.descriptor(urls=[FOREIGN_URL]) for entry in foreign),
            *(entry.descriptor() for entry in layers),
        ]
        kind = push.DOCKER_MANIFEST if docker else push.OCI_MANIFEST
        content = push.manifest(config, listed, kind)
        return self.manifest(repository, content, config, layers, *tags, foreign=foreign)

    def artifact(
        self, repository: str, config: Blob, layers: Sequence[Blob], *tags: str, **more: Any
    ) -> Blob:
        """Push a manifest that is no image."""
        listed = [entry.descriptor() for entry in layers]
        content = push.manifest(config, listed, **more)
        return self.manifest(repository, content, config, layers, *tags, inspectable=False)

    def manifest(
        self,
        repository: str,
        content: Blob,
        config: Blob,
        layers: Sequence[Blob],
        *tags: str,
        foreign: Sequence[Blob] = (),
        inspectable: bool = True,
    ) -> Blob:
        """Push a manifest with its blobs, under its tags or by digest."""
        for entry in (config, *layers):
            self.blob(repository, entry)
        self._foreign_sizes.update({entry.digest: len(entry.data) for entry in foreign})
        foreign_digests = tuple(entry.digest for entry in foreign)
        pushed = Pushed(
            digest=content.digest,
            media_type=content.media_type,
            size=len(content.data),
            stored=tuple(dict.fromkeys(entry.digest for entry in (config, *layers))),
            layers=(*foreign_digests, *(entry.digest for entry in layers)),
            foreign=foreign_digests,
        )
        self._put(repository, content, pushed, tags, inspectable=inspectable)
        return content

    def index(
        self,
        repository: str,
        children: Sequence[Mapping[str, Any]],
        *tags: str,
        docker: bool = False,
        inspectable: bool = True,
        **more: Any,
    ) -> Blob:
        """Push an index of manifests that the repository has."""
        content = push.index(children, push.DOCKER_LIST if docker else push.OCI_INDEX, **more)
        pushed = Pushed(
            digest=content.digest,
            media_type=content.media_type,
            size=len(content.data),
            stored=(),
            children=tuple(child["digest"] for child in children),
        )
        self._put(repository, content, pushed, tags, inspectable=inspectable)
        return content

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest from a repository, and forget what only it reached."""
        self._pusher.delete_manifest(repository, digest)
        tags = self._tags[repository]
        self._tags[repository] = {tag: d for tag, d in tags.items() if d != digest}
        for tag in tags:
            self._inspectable.pop((repository, tag), None)

    def each(self, repositories: Sequence[str], layers: Sequence[Blob], tag: str) -> None:
        """Push the same image to many repositories at once."""

        def one(repository: str) -> None:
            self.image(repository, layers, tag)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, repositories))

    def corpus(self, registry: str) -> Corpus:
        """Give what the registry holds once its garbage is collected."""
        whole = Corpus(
            registry=registry,
            repositories=self._tags,
            manifests=self._manifests,
            blob_sizes=self._blob_sizes,
            inspectable=list(self._inspectable),
            foreign_sizes=self._foreign_sizes,
        )
        reached = whole.reach(*(digest for _, _, digest in whole.tags))
        return replace(
            whole,
            manifests={d: m for d, m in self._manifests.items() if d in reached},
            blob_sizes={d: size for d, size in self._blob_sizes.items() if d in reached},
        )

    def _put(
        self,
        repository: str,
        content: Blob,
        pushed: Pushed,
        tags: Sequence[str],
        *,
        inspectable: bool,
    ) -> None:
        self._manifests[content.digest] = pushed
        for reference in tags or (content.digest,):
            assert self._pusher.manifest(repository, reference, content) == content.digest
        for tag in tags:
            self._tags.setdefault(repository, {})[tag] = content.digest
            if inspectable:
                self._inspectable[repository, tag] = None


DEBIAN = (push.layer("debian-root", 90_000), push.layer("debian-etc", 3_000))
ALPINE = (push.layer("alpine", 20_000, push.DOCKER_LAYER),)
EMPTY_LAYER = push.layer("empty", 0)


def _bases(build: _Build) -> None:
    """Images that others stand on; one digest under several tags."""
    build.image("base/debian", DEBIAN, "12", "12.9", "latest")
    build.image("base/alpine", ALPINE, "3.20", day=5, docker=True)
    newer = (*ALPINE, push.layer("alpine-fix", 700, push.DOCKER_LAYER))
    build.image("base/alpine", newer, "3.21", "latest", day=200, docker=True)


def _applications(build: _Build) -> None:
    """Releases on a shared base; `latest` moves from one to the next."""
    for minor in range(4):
        own = push.layer(f"api-{minor}", 10_000 + 4_000 * minor)
        tags = (f"v1.{minor}.0", "latest", push.sha256(own.data)[7:47])
        build.image("team/api", (*DEBIAN, own), *tags, day=120 * minor)
    build.image("a/b/c/d", (*DEBIAN, push.layer("deep", 1_234)), "main", "2026-11-01", day=300)


def _indexes(build: _Build) -> None:
    """Several platforms: OCI with attestations, a Docker list, and an index in an index."""
    _attested(build)
    children = [
        _child(
            build.image(
                "team/worker",
                (*ALPINE, push.layer(f"worker-{platform}", 6_000, push.DOCKER_LAYER)),
                platform=platform,
                docker=True,
                day=60,
            ),
            platform,
        )
        for platform in ("linux/amd64", "linux/arm64", "linux/arm/v7")
    ]
    build.index("team/worker", children, "1.0", "main", docker=True)
    build.index("team/worker", children[:2], "slim", docker=True)

    name = "team/nested"
    images = [
        _child(build.image(name, (push.layer(f"nested-{p}", 2_000),), platform=p, day=90), p)
        for p in ("linux/amd64", "linux/s390x")
    ]
    inner = build.index(name, images)
    build.index(name, [inner.descriptor(), images[0]], "1", inspectable=False)


def _attested(build: _Build) -> None:
    """What BuildKit pushes: each platform, and beside it a manifest of in-toto statements."""
    name = "team/web"
    images, attestations = [], []
    for platform in ("linux/amd64", "linux/arm64"):
        layers = (push.layer(f"web-{platform}", 30_000), push.layer("web-assets", 12_000))
        image = build.image(name, layers, platform=platform, day=30)
        images.append(_child(image, platform))
        statement = push.json_blob(
            "application/vnd.in-toto+json",
            {"_type": "https://in-toto.io/Statement/v0.1", "subject": [{"name": platform}]},
        )
        config = push.image_config((statement,), created=FIRST_DAY, platform="unknown/unknown")
        attestation = build.artifact(name, config, (statement,))
        attestations.append(
            attestation.descriptor(
                platform=push.platform_of("unknown/unknown"),
                annotations={
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": image.digest,
                },
            )
        )
    build.index(name, [*images, *attestations], "2.0.0", "latest")


def _referrers(build: _Build) -> None:
    """A signed image: cosign's tag, and an SBOM under the referrers fallback tag."""
    name = "signed/app"
    image = build.image(name, (*DEBIAN, push.layer("signed", 5_000)), "1.0.0", day=100)
    stem = image.digest.replace(":", "-")
    signature = push.json_blob(
        "application/vnd.dev.cosign.simplesigning.v1+json",
        {"critical": {"image": {"docker-manifest-digest": image.digest}}},
    )
    config = push.image_config((signature,), created=FIRST_DAY)
    build.artifact(name, config, (signature,), f"{stem}.sig")

    empty = push.json_blob(push.OCI_EMPTY, {})
    sbom = push.json_blob("application/spdx+json", {"spdxVersion": "SPDX-2.3", "name": "x" * 800})
    artifact = build.artifact(
        name, empty, (sbom,), artifactType="application/spdx+json", subject=image.descriptor()
    )
    entry = artifact.descriptor(artifactType="application/spdx+json")
    build.index(name, [entry], stem, inspectable=False)


def _oddities(build: _Build) -> None:
    """Legal things that trip a reader."""
    build.image("odd/twice", (*DEBIAN, EMPTY_LAYER, EMPTY_LAYER), "1", day=10)
    build.image("odd/tags", (EMPTY_LAYER,), *ODD_TAGS, day=11)
    build.image("odd/zstd", (push.layer("zstd", 8_000, push.OCI_ZSTD_LAYER),), "1", day=12)
    windows = push.layer("windows-base", 70_000, push.DOCKER_FOREIGN_LAYER)
    build.image(
        "odd/windows",
        (push.layer("windows-app", 4_000, push.DOCKER_LAYER),),
        "ltsc2022",
        day=13,
        platform="windows/amd64",
        docker=True,
        foreign=(windows,),
    )
    chart = push.json_blob("application/vnd.cncf.helm.config.v1+json", {"name": "frontend"})
    content = push.layer("chart", 900, "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
    build.artifact("charts/frontend", chart, (content,), "0.3.1")


def _emptied(build: _Build) -> None:
    """A repository whose tags were all deleted: in the catalog, with nothing in it."""
    image = build.image("emptied/app", (*DEBIAN, push.layer("emptied", 50_000)), "1", "latest")
    build.delete("emptied/app", image.digest)


def _many(build: _Build) -> None:
    """More repositories than a page of the catalog, all of the same image."""
    build.each([f"many/r{number:03}" for number in range(MANY)], DEBIAN, "latest")


def _child(image: Blob, platform: str) -> dict[str, Any]:
    return image.descriptor(platform=push.platform_of(platform))
