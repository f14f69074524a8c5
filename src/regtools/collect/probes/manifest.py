"""Manifest: can this image be read?"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from regtools.client import Distribution
from regtools.collect.probes.stage import clean, failed, row, stopwatch
from regtools.errors import RegtoolsError
from regtools.manifest import Manifest
from regtools.schema import CheckRow

STAGE: Final = "manifest"
PREFERRED_TAG: Final = "latest"
MAX_DEPTH: Final = 3
"""Indexes followed to find an image to look into."""


async def manifest(
    distribution: Distribution, repository: str, reference: str | None
) -> tuple[CheckRow, Manifest | None]:
    """Read a manifest, and of an index the first image in it, which is given too.

    Without a reference, `latest` or the first tag on the first page stands for the repository.
    """
    registry = distribution.registry
    with stopwatch() as elapsed:
        try:
            wanted = reference or await _some_tag(distribution, repository)
            if wanted is None:
                return _empty(registry, repository, elapsed()), None
            top = await distribution.manifest(repository, wanted)
            image = await _first_image(distribution, repository, top)
        except RegtoolsError as error:
            return failed(registry, STAGE, error, ms=elapsed()), None
        return _found(registry, repository, wanted, top, elapsed()), image


async def _some_tag(distribution: Distribution, repository: str) -> str | None:
    async with aclosing(distribution.tags(repository)) as pages:
        tags: list[str] = await anext(pages, [])
    return PREFERRED_TAG if PREFERRED_TAG in tags else next(iter(tags), None)


async def _first_image(distribution: Distribution, repository: str, top: Manifest) -> Manifest:
    found = top
    for _ in range(MAX_DEPTH):
        child = next((child for child in found.children if child.attests is None), None)
        if child is None:
            break
        found = await distribution.manifest(repository, child.digest)
    return found


def _found(registry: str, repository: str, reference: str, top: Manifest, ms: float) -> CheckRow:
    kind = f"an index of {len(top.children)}" if top.is_index else "a manifest"
    return row(
        registry,
        STAGE,
        "MANIFEST_OK",
        "ok",
        f"{repository} has {kind} under {reference}, and its digest is right.",
        ms=ms,
        evidence={
            "digest": top.digest,
            "media_type": clean(top.media_type),
            "size": top.size,
            "reference": reference,
        },
    )


def _empty(registry: str, repository: str, ms: float) -> CheckRow:
    return row(
        registry,
        STAGE,
        "REPOSITORY_EMPTY",
        "fail",
        f"{repository} has no tags.",
        ms=ms,
        remedy="Name a digest, or push a tag.",
    )
