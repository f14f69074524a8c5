"""Blob: does the registry have what the manifest names, and can its bytes be got?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from regtools.client import Distribution
from regtools.client.answer import host_of
from regtools.client.blob import BlobBegun, BlobReader
from regtools.collect.diagnosis import root_cause
from regtools.collect.probes.stage import clean, failed, row, skipped, stopwatch
from regtools.errors import NotFoundError, RegtoolsError
from regtools.manifest import Descriptor, Manifest
from regtools.reference import Target, parse_target
from regtools.schema import CheckRow

STAGE: Final = "blob"
Way = Callable[[Target], Awaitable[list[CheckRow]]]


async def blob(
    distribution: Distribution, repository: str, image: Manifest, *, way: Way
) -> CheckRow:
    """Ask for the image's smallest layer (or its config): its size, its ETag, and one byte of it.

    Parameters
    ----------
    way
        Looks at the way to another host, where the registry points to one: its name, its port,
        its certificate.
    """
    registry = distribution.registry
    wanted = smallest(image)
    if wanted is None:
        return skipped(registry, STAGE, "Not tried: the manifest names no blob stored here.")
    reader = BlobReader(distribution.exchange, repository)
    evidence: dict[str, object] = {"digest": wanted.digest, "expected": wanted.size}
    with stopwatch() as elapsed:
        try:
            head = await reader.head(wanted.digest)
            if head is not None and head.etag:
                evidence["etag_304"] = await reader.is_unchanged(wanted.digest, head.etag)
            begun = await reader.begin(wanted.digest, 1)
            if begun.is_redirect and host_of(begun.place) != host_of(distribution.exchange.origin):
                evidence["redirects_to"] = clean(host_of(begun.place))
                cause = await _way_there(begun, way)
                if cause is not None:
                    return _elsewhere(registry, begun, cause, evidence, elapsed())
            bytes_ = await reader.finish(begun)
        except NotFoundError as error:
            return _missing(registry, wanted, error, evidence, elapsed())
        except RegtoolsError as error:
            return failed(registry, STAGE, error, ms=elapsed(), evidence=evidence)
        ms = elapsed()
    told = [size for size in (head.size if head else None, bytes_.total) if size is not None]
    evidence |= {"size": told[0] if told else None, "range": bytes_.status == 206}
    if wanted.size is not None and any(size != wanted.size for size in told):
        wrong = next(size for size in told if size != wanted.size)
        return row(
            registry,
            STAGE,
            "BLOB_SIZE_WRONG",
            "fail",
            f"Blob {wanted.digest} has {wrong:,} bytes; the manifest says {wanted.size:,}.",
            ms=ms,
            evidence=evidence,
            remedy="The registry's storage is damaged: push the image again.",
        )
    said = "has the right size" if told else "is there"
    where = f", and comes from {clean(bytes_.host)}" if "redirects_to" in evidence else ""
    summary = f"A blob of it {said}{where}."
    return row(registry, STAGE, "BLOB_OK", "ok", summary, ms=ms, evidence=evidence)


async def _way_there(begun: BlobBegun, way: Way) -> CheckRow | None:
    """Find what is wrong on the way to where the bytes are; what points out of HTTPS says so later."""
    if begun.place.scheme not in ("http", "https") or begun.place.userinfo:
        return None
    if begun.response.request.url.scheme == "https" and begun.place.scheme == "http":
        return None
    return root_cause(await way(parse_target(f"{begun.place.scheme}://{host_of(begun.place)}")))


def _elsewhere(
    registry: str, begun: BlobBegun, cause: CheckRow, evidence: dict[str, object], ms: float
) -> CheckRow:
    host = clean(host_of(begun.place))
    return row(
        registry,
        STAGE,
        cause.code,
        "fail",
        f"Layers come from {host}, and that fails: {cause.summary}",
        ms=ms,
        evidence={**evidence, "stage": cause.stage},
        remedy=f"Let this machine reach {host} too, not only {registry}: an allow-list of a "
        f"firewall or proxy often names the registry alone. {cause.remedy}",
    )


def _missing(
    registry: str,
    wanted: Descriptor,
    error: NotFoundError,
    evidence: dict[str, object],
    ms: float,
) -> CheckRow:
    return row(
        registry,
        STAGE,
        "BLOB_MISSING",
        "fail",
        f"The manifest names {wanted.digest}, and the registry does not have it "
        f"(status {error.status}).",
        ms=ms,
        evidence=evidence,
        remedy="The registry's storage is damaged, or a garbage collection ran during a push: push "
        "the image again. `regtools audit` finds what else is broken.",
    )


def smallest(image: Manifest) -> Descriptor | None:
    stored = [layer for layer in image.layers if not layer.is_foreign]
    if image.config is not None:
        stored.append(image.config)
    return min(stored, key=lambda entry: entry.size or 0, default=None)
