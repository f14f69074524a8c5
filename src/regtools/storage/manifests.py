"""The manifests among the blobs: read, proven by their digest, and taken apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from regtools.errors import MalformedAnswerError
from regtools.manifest import Descriptor, Manifest, parse_manifest
from regtools.reference import Digest
from regtools.storage.contents import SCHEMAS, Effect, Rows
from regtools.storage.disk import Disk

MAX_MANIFEST: Final = 4 * 2**20
"""What a registry accepts at most (distribution's maxManifestBodySize, read 2026-11)."""
ALGORITHMS: Final = frozenset({"sha256", "sha384", "sha512"})
"""Those of the OCI image specification 1.1 (descriptor.md), and one between."""


class Manifests:
    """Reads manifests, and the manifests below them.

    Parameters
    ----------
    path_of
        Where the blob of a digest lies.
    blobs
        All digests that are on the disk: what is not is left to the analysis.
    """

    def __init__(self, disk: Disk, blobs: set[str], path_of: Callable[[str], str]) -> None:
        self._disk = disk
        self._blobs = blobs
        self._path_of = path_of
        self._seen: set[str] = set()
        self.manifests = Rows(SCHEMAS["manifests"])
        self.references = Rows(SCHEMAS["references"])

    def read(self, digests: Iterable[str]) -> None:
        """Read these, and all that their indexes list."""
        waiting = list(digests)
        while waiting:
            digest = waiting.pop()
            if digest in self._seen or digest not in self._blobs:
                continue
            self._seen.add(digest)
            if manifest := self._manifest(digest):
                self._add(manifest)
                waiting.extend(child.digest for child in manifest.children)

    def _manifest(self, digest: str) -> Manifest | None:
        path = self._path_of(digest)
        body = self._disk.read(path, at_most=MAX_MANIFEST)
        if body is None:
            return None
        if len(body) > MAX_MANIFEST:
            message = f"Manifest {digest} is larger than {MAX_MANIFEST:,} bytes."
            self._broken("MANIFEST_TOO_LARGE", digest, message)
            return None
        algorithm, _, encoded = digest.partition(":")
        if algorithm in ALGORITHMS and hashlib.new(algorithm, body).hexdigest() != encoded:
            message = f"What lies under {digest} has another digest: it was damaged."
            self._broken("DIGEST_MISMATCH", digest, message)
        try:
            return parse_manifest(body, "", Digest(digest))
        except MalformedAnswerError as error:
            self._broken(error.code, digest, error.summary)
            return None

    def _broken(self, code: str, digest: str, message: str) -> None:
        path = self._path_of(digest)
        self._disk.note(code, path, message, effect=Effect.DAMAGE, reference=digest)

    def _add(self, manifest: Manifest) -> None:
        self.manifests.add(
            manifest.digest, manifest.media_type, manifest.is_index, manifest.subject
        )
        for child in manifest.children:
            self._name(manifest, child, "child")
        if manifest.config:
            self._name(manifest, manifest.config, "config")
        for layer in manifest.layers:
            self._name(manifest, layer, "layer")

    def _name(self, manifest: Manifest, what: Descriptor, role: str) -> None:
        self.references.add(
            manifest.digest, what.digest, role, what.size, what.is_foreign, what.platform
        )
