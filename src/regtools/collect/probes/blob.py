"""Blob: does the registry have what the manifest names?"""

from __future__ import annotations

from typing import Final

from regtools.client import Distribution
from regtools.collect.probes.stage import failed, row, skipped, stopwatch
from regtools.errors import RegtoolsError
from regtools.manifest import Descriptor, Manifest
from regtools.schema import CheckRow

STAGE: Final = "blob"


async def blob(distribution: Distribution, repository: str, image: Manifest) -> CheckRow:
    """Ask for the size of the image's smallest layer (or its config), and compare."""
    registry = distribution.registry
    wanted = _smallest(image)
    if wanted is None:
        return skipped(registry, STAGE, "Not tried: the manifest names no blob stored here.")
    with stopwatch() as elapsed:
        try:
            size = await distribution.blob_size(repository, wanted.digest)
        except RegtoolsError as error:
            return failed(registry, STAGE, error, ms=elapsed())
        ms = elapsed()
    evidence = {"digest": wanted.digest, "size": size, "expected": wanted.size}
    if size is not None and wanted.size is not None and size != wanted.size:
        return row(
            registry,
            STAGE,
            "BLOB_SIZE_WRONG",
            "fail",
            f"Blob {wanted.digest} has {size:,} bytes; the manifest says {wanted.size:,}.",
            ms=ms,
            evidence=evidence,
            remedy="The registry's storage is damaged: push the image again.",
        )
    said = "has the right size" if size is not None else "is there"
    return row(registry, STAGE, "BLOB_OK", "ok", f"A blob of it {said}.", ms=ms, evidence=evidence)


def _smallest(image: Manifest) -> Descriptor | None:
    stored = [layer for layer in image.layers if not layer.is_foreign]
    if image.config is not None:
        stored.append(image.config)
    return min(stored, key=lambda entry: entry.size or 0, default=None)
