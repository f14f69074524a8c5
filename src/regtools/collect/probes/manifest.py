"""Manifest: can this image be read, and if not, is it missing, misspelt or not ours to see?"""

from __future__ import annotations

import platform as machine
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from regtools.client import Distribution
from regtools.collect.probes.stage import clean, failed, row, stopwatch
from regtools.errors import NotFoundError, RegistryError, RegtoolsError
from regtools.manifest import Descriptor, Manifest
from regtools.schema import CheckRow

STAGE: Final = "manifest"
MISSING: Final = ("TAG_NOT_FOUND", "MANIFEST_NOT_FOUND", "MANIFEST_MISSING")
"""Codes of an image that is not there, in a repository that is."""
PREFERRED_TAG: Final = "latest"
MAX_DEPTH: Final = 3
"""Indexes followed to find an image to look into."""
MAX_NEAR: Final = 3
"""Names that are shown in place of one that is not there."""
_MACHINES: Final = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv7l": "arm/v7",
    "i686": "386",
}
"""From what the kernel says to what images say (`runtime.GOARCH` of Go)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An image to look at."""

    repository: str
    reference: str | None
    """Tag or digest; None: any tag."""
    platform: str | None
    """``os/architecture[/variant]``; None: this machine's, and that it is missing is no fault."""


class _NoPlatformError(Exception):
    """An index has images, but none for the platform."""

    def __init__(self, platforms: Sequence[str]) -> None:
        super().__init__()
        self.platforms = platforms


async def manifest(distribution: Distribution, wanted: Wanted) -> tuple[CheckRow, Manifest | None]:
    """Read a manifest, and of an index the image for a platform, which is given too.

    Without a reference, `latest` or the first tag on the first page stands for the repository.
    """
    registry, repository = distribution.registry, wanted.repository
    top: Manifest | None = None
    with stopwatch() as elapsed:
        try:
            reference = wanted.reference or await _some_tag(distribution, repository)
            if reference is None:
                return _empty(registry, repository, elapsed()), None
            top = await distribution.manifest(repository, reference)
            image, is_other = await _image(distribution, wanted, top)
        except _NoPlatformError as error:
            return _no_platform(registry, wanted, error, elapsed()), None
        except NotFoundError as error:
            if top is not None:
                return _no_child(registry, wanted, error, elapsed()), None
            return await _not_found(distribution, wanted, error, elapsed()), None
        except RegtoolsError as error:
            return failed(registry, STAGE, error, ms=elapsed()), None
        return _found(registry, wanted, reference, top, elapsed(), is_other=is_other), image


def archived(missing: CheckRow, wanted: Wanted) -> CheckRow:
    """Say of an image that looks missing that it is only put away."""
    return replace(
        missing,
        code="IMAGE_ARCHIVED",
        summary=f"{wanted.repository} has {wanted.reference} in its archive, whence nothing can be "
        "pulled.",
        remedy="Restore it: `aws ecr update-image-storage-class` with the target STANDARD; or push "
        "it again.",
    )


def this_platform() -> str:
    """Give the platform whose images run on this machine: containers are Linux's nearly always."""
    return f"linux/{_MACHINES.get(machine.machine().lower(), machine.machine().lower())}"


async def _some_tag(distribution: Distribution, repository: str) -> str | None:
    tags = await _tags(distribution, repository)
    return PREFERRED_TAG if PREFERRED_TAG in tags else next(iter(tags), None)


async def _tags(distribution: Distribution, repository: str) -> list[str]:
    async with aclosing(distribution.tags(repository)) as pages:
        return await anext(pages, [])


async def _image(
    distribution: Distribution, wanted: Wanted, top: Manifest
) -> tuple[Manifest, bool]:
    """Give the image for the platform, and whether it is for another one than this machine's."""
    platform = wanted.platform or this_platform()
    found, is_other = top, False
    for _ in range(MAX_DEPTH):
        images = [child for child in found.children if child.attests is None]
        if not images:
            break
        child = _chosen(images, platform)
        if child is None:
            if wanted.platform:
                raise _NoPlatformError([one.platform or "unknown" for one in images])
            child, is_other = images[0], True
        found = await distribution.manifest(wanted.repository, child.digest)
    if found is top and wanted.platform and top.config and top.has_image_config:
        config = await distribution.image_config(wanted.repository, top.config)
        if config.platform and not _fits(config.platform, platform):
            raise _NoPlatformError([config.platform])
    return found, is_other


def _chosen(images: Sequence[Descriptor], platform: str) -> Descriptor | None:
    fitting = [one for one in images if one.platform and _fits(one.platform, platform)]
    # An index in an index, or a child of which nothing is told, may hold it.
    unknown = [one for one in images if not one.platform]
    return next(iter([*fitting, *unknown]), None)


def _fits(platform: str, wanted: str) -> bool:
    """Whether an image runs there; a variant that is not asked for is no matter."""
    return platform == wanted or platform.startswith(f"{wanted}/")


def _found(
    registry: str, wanted: Wanted, reference: str, top: Manifest, ms: float, *, is_other: bool
) -> CheckRow:
    kind = f"an index of {len(top.children)}" if top.is_index else "a manifest"
    evidence = {
        "digest": top.digest,
        "media_type": clean(top.media_type),
        "size": top.size,
        "reference": reference,
    }
    if is_other:
        platforms = [clean(child.platform or "unknown") for child in top.children]
        return row(
            registry,
            STAGE,
            "PLATFORM_OTHER",
            "warn",
            f"{wanted.repository}:{reference} has no image for this machine ({this_platform()}).",
            ms=ms,
            evidence={**evidence, "platforms": platforms},
            remedy="Ask with --platform for the one that is to run it; clients here say "
            '"no matching manifest".',
        )
    return row(
        registry,
        STAGE,
        "MANIFEST_OK",
        "ok",
        f"{wanted.repository} has {kind} under {reference}, and its digest is right.",
        ms=ms,
        evidence=evidence,
    )


async def _not_found(
    distribution: Distribution, wanted: Wanted, error: NotFoundError, ms: float
) -> CheckRow:
    """Tell a tag that is not there from a repository that is not, and name what is like it."""
    registry, repository = distribution.registry, wanted.repository
    name = wanted.reference or ""
    try:
        tags = await _tags(distribution, repository)
    except RegistryError:
        return await _no_repository(distribution, repository, ms)
    evidence: dict[str, object] = {"status": error.status, "tags": len(tags)}
    if ":" in name:
        return row(
            registry,
            STAGE,
            "MANIFEST_NOT_FOUND",
            "fail",
            f"{repository} does not hold {name}.",
            ms=ms,
            evidence=evidence,
            remedy="It was deleted, or was never pushed here: a digest is of one repository. On ECR "
            "an archived image looks the same.",
        )
    if name in tags:
        return row(
            registry,
            STAGE,
            "MANIFEST_MISSING",
            "fail",
            f"{repository} lists the tag {name}, and has no manifest for it.",
            ms=ms,
            evidence=evidence,
            remedy="The registry's storage is damaged: push the image again. On ECR an archived "
            "image looks the same.",
        )
    near = get_close_matches(name, tags, n=MAX_NEAR, cutoff=0.5)
    return row(
        registry,
        STAGE,
        "TAG_NOT_FOUND",
        "fail",
        f"{repository} has no tag {name}.",
        ms=ms,
        evidence={**evidence, "near": near},
        remedy=f"{_did_you_mean(near)}Check the spelling (capital letters, a leading v), and that "
        "the build that pushes it came to its end.",
    )


async def _no_repository(distribution: Distribution, repository: str, ms: float) -> CheckRow:
    names: list[str] = []
    with suppress(RegistryError):
        async with aclosing(distribution.repositories()) as pages:
            names = await anext(pages, [])
    near = get_close_matches(repository, names, n=MAX_NEAR, cutoff=0.5)
    return row(
        distribution.registry,
        STAGE,
        "REPOSITORY_NOT_FOUND",
        "fail",
        f"There is no repository {repository}, or not for this caller.",
        ms=ms,
        evidence={"near": near},
        remedy=f"{_did_you_mean(near)}Check the spelling and the namespace before it; a private "
        "repository looks the same to whoever may not read it.",
    )


def _did_you_mean(near: Sequence[str]) -> str:
    return f"Did you mean {' or '.join(near)}? " if near else ""


def _no_child(registry: str, wanted: Wanted, error: NotFoundError, ms: float) -> CheckRow:
    return row(
        registry,
        STAGE,
        "INDEX_CHILD_MISSING",
        "fail",
        f"The index {wanted.repository}:{wanted.reference} names an image that is not there.",
        ms=ms,
        evidence={"status": error.status},
        remedy="Something deleted it as untagged (registry:2.8 with --delete-untagged, or a "
        "clean-up that knows no indexes): push the image again. `regtools audit` finds the others.",
    )


def _no_platform(registry: str, wanted: Wanted, error: _NoPlatformError, ms: float) -> CheckRow:
    platforms = [clean(one) for one in error.platforms]
    return row(
        registry,
        STAGE,
        "PLATFORM_MISSING",
        "fail",
        f"{wanted.repository} has no image for {wanted.platform}, only for {', '.join(platforms)}.",
        ms=ms,
        evidence={"platforms": platforms},
        remedy="Build it for that platform too (docker buildx build --platform), or run it on one "
        "that it has.",
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
