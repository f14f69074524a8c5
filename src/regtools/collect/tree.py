"""Manifests and what they contain: each is fetched once, whichever repositories and tags name it.

Manifests and configs never change under their digest, so what the history knows is not fetched at
all. What a repository lacks is noted for that repository: another may have it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from regtools.client import Distribution
from regtools.collect.each import Failures
from regtools.collect.once import Once
from regtools.collect.rows import manifest_rows
from regtools.errors import MalformedAnswerError, NotFoundError, RegtoolsError
from regtools.manifest import Descriptor, ImageConfig, Manifest
from regtools.reference import Digest
from regtools.schema import Inventory

MAX_INDEX_DEPTH: Final = 10
"""Indexes may hold indexes; nobody means it deeper than two or three."""


class Tree:
    """All that one scan has read below tags.

    Parameters
    ----------
    known
        Manifest digests whose rows, and those of all they contain, the caller has already.
    """

    def __init__(
        self, distribution: Distribution, known: Collection[str], failures: Failures
    ) -> None:
        self._distribution = distribution
        self._known = known
        self._failures = failures
        self._contents: Once[Digest, tuple[Digest, ...]] = Once()
        self._configs: Once[Digest, ImageConfig] = Once()
        self._pending: dict[Digest, Inventory] = {}
        self._broken: dict[tuple[str, Digest], list[RegtoolsError]] = {}
        self._partial: dict[Digest, Manifest] = {}
        self._subject_of: dict[Digest, Digest] = {}

    def children(self, digest: Digest) -> Sequence[Digest] | None:
        """Give the children of a manifest that was read, None for one that was not."""
        return self._contents.peek(digest)

    def subjects(self, reached: Iterable[Digest]) -> list[Digest]:
        """Give what the referrers among these manifests are about."""
        return [self._subject_of[digest] for digest in reached if digest in self._subject_of]

    def faults(
        self, repository: str, reached: Iterable[Digest]
    ) -> list[tuple[Digest, RegtoolsError]]:
        """Give what is wrong with these manifests in a repository."""
        return [
            (digest, error)
            for digest in reached
            for error in self._broken.get((repository, digest), ())
        ]

    def collect(self, reached: Iterable[Digest], part: Inventory) -> None:
        """Add the rows of `reached` that no durable part holds yet."""
        for digest in reached:
            if rows := self._pending.get(digest):
                part.manifests.extend(rows.manifests)
                part.children.extend(rows.children)
                part.layers.extend(rows.layers)

    def let_go(self, part: Inventory) -> None:
        """Forget the rows of a part that is durable."""
        for row in part.manifests:
            self._pending.pop(Digest(row.digest), None)

    async def again(self, repository: str, reached: Iterable[Digest]) -> None:
        """Ask here for the blobs that manifests lacked in another repository."""
        for digest in reached:
            manifest = self._partial.get(digest)
            if manifest is not None and (repository, digest) not in self._broken:
                await self._keep(repository, manifest)

    async def tag(self, repository: str, tag: str) -> tuple[Digest, list[Digest]]:
        """Give the digest of a tag (or digest), and all it reaches that is not known yet."""
        may_be_known = tag in self._known if ":" in tag else bool(self._known)
        digest = await self._distribution.resolve(repository, tag) if may_be_known else None
        if digest is None:
            manifest = await self._distribution.manifest(repository, tag)
            digest = manifest.digest
            if digest not in self._known:
                await self._contents.get(digest, lambda: self._keep(repository, manifest))
        self._failures.answered()
        return digest, await self.reach(repository, digest)

    async def reach(self, repository: str, top: Digest) -> list[Digest]:
        """Fetch what is missing below `top`; give all unknown digests from there down."""
        reached: dict[Digest, None] = {}
        level: tuple[Digest, ...] = (top,)
        for _ in range(MAX_INDEX_DEPTH + 1):
            fresh = [d for d in dict.fromkeys(level) if d not in reached and d not in self._known]
            if not fresh:
                return list(reached)
            reached.update(dict.fromkeys(fresh))
            level = tuple(
                [
                    child
                    for digest in fresh
                    for child in await self._children(repository, digest, is_top=digest == top)
                ]
            )
        self._broken[repository, top] = [
            MalformedAnswerError(
                f"Index {top} holds indexes more than {MAX_INDEX_DEPTH} deep.",
                code="INDEX_TOO_DEEP",
            )
        ]
        return list(reached)

    async def _children(
        self, repository: str, digest: Digest, *, is_top: bool
    ) -> tuple[Digest, ...]:
        async def fetch() -> tuple[Digest, ...]:
            return await self._keep(
                repository, await self._distribution.manifest(repository, digest)
            )

        try:
            return await self._contents.get(digest, fetch)
        except RegtoolsError as error:
            if is_top:
                raise
            # The index itself is readable; that a platform of it is not, is its own problem.
            self._failures.count(error)
            self._broken[repository, digest] = [error]
            return ()

    async def _keep(self, repository: str, manifest: Manifest) -> tuple[Digest, ...]:
        """Turn a manifest, with its config and the sizes it does not tell, into rows."""
        self._broken.pop((repository, manifest.digest), None)
        config = await self._config(repository, manifest)
        layers = [await self._sized(repository, layer, manifest) for layer in manifest.layers]
        self._pending[manifest.digest] = manifest_rows(manifest, config, layers)
        if manifest.subject is not None:
            self._subject_of[manifest.digest] = manifest.subject
        if (repository, manifest.digest) in self._broken:
            self._partial[manifest.digest] = manifest
        else:
            self._partial.pop(manifest.digest, None)
        return tuple(child.digest for child in manifest.children)

    async def _config(self, repository: str, manifest: Manifest) -> ImageConfig:
        descriptor = manifest.config
        if descriptor is None or not manifest.has_image_config:
            return ImageConfig()

        async def fetch() -> ImageConfig:
            return await self._distribution.image_config(repository, descriptor)

        try:
            return await self._configs.get(descriptor.digest, fetch)
        except RegtoolsError as error:
            self._break(repository, manifest.digest, error, missing="CONFIG_MISSING")
            return ImageConfig()

    async def _sized(self, repository: str, layer: Descriptor, manifest: Manifest) -> Descriptor:
        if layer.size is not None:
            return layer
        try:
            size = await self._distribution.blob_size(repository, layer.digest)
        except RegtoolsError as error:
            self._break(repository, manifest.digest, error, missing="BLOB_MISSING")
            return layer
        return replace(layer, size=size)

    def _break(
        self, repository: str, manifest: Digest, error: RegtoolsError, *, missing: str
    ) -> None:
        self._failures.count(error)
        if isinstance(error, NotFoundError):
            error.code = missing
        self._broken.setdefault((repository, manifest), []).append(error)
