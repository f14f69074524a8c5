"""Throughput: how fast do layers come, and do they come to their end?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import anyio

from regtools.client import Distribution
from regtools.client.blob import BlobBytes, BlobReader
from regtools.collect.probes.stage import clean, failed, row, skipped
from regtools.errors import RegtoolsError
from regtools.manifest import Descriptor, Manifest
from regtools.schema import CheckRow

STAGE: Final = "throughput"
SAMPLES: Final = 3
"""Layers that are read from, the largest first: they may come from several hosts."""
SAMPLE_BYTES: Final = 4 * 2**20
"""Read of one layer at most."""
SECONDS: Final = 15.0
"""For all samples together."""
SLOW_BYTES_PER_SECOND: Final = 1_000_000
"""Below it an image of a gigabyte takes more than a quarter of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    layer: Descriptor
    wanted: int
    bytes: BlobBytes

    @property
    def is_cut(self) -> bool:
        """Whether fewer bytes came than there are."""
        return self.bytes.received < self.wanted


async def throughput(distribution: Distribution, repository: str, image: Manifest) -> CheckRow:
    """Read the beginning of the image's largest layers, one after the other."""
    registry = distribution.registry
    stored = [layer for layer in image.layers if not layer.is_foreign and layer.size]
    largest = sorted(
        {layer.digest: layer for layer in stored}.values(), key=lambda layer: -(layer.size or 0)
    )
    if not largest:
        return skipped(registry, STAGE, "Not tried: the image has no layer stored here.")
    reader = BlobReader(distribution.exchange, repository)
    samples: list[_Sample] = []
    with anyio.move_on_after(SECONDS) as clock:
        for layer in largest[:SAMPLES]:
            wanted = min(layer.size or 0, SAMPLE_BYTES)
            try:
                came = await reader.finish(await reader.begin(layer.digest, wanted))
            except RegtoolsError as error:
                evidence = {"digest": layer.digest, "samples": _shown(samples)}
                return failed(registry, STAGE, error, evidence=evidence)
            samples.append(_Sample(layer=layer, wanted=wanted, bytes=came))
            if samples[-1].is_cut:
                return _cut(registry, samples)
    return _judged(registry, samples, is_late=clock.cancelled_caught)


def _judged(registry: str, samples: list[_Sample], *, is_late: bool) -> CheckRow:
    received = sum(one.bytes.received for one in samples)
    # What was under way when time was up is not counted, its time is.
    seconds = SECONDS if is_late else sum(one.bytes.seconds for one in samples)
    speed = received / seconds if seconds else 0.0
    evidence = {"bytes_per_second": round(speed), "samples": _shown(samples)}
    hosts = ", ".join(sorted({clean(one.bytes.host) for one in samples})) or registry
    said = f"{received / 1e6:,.1f} MB from {hosts} came with {speed / 1e6:,.1f} MB/s"
    ms = round(seconds * 1000, 1)
    # A few kilobytes tell of latency and not of speed.
    is_telling = is_late or received >= SLOW_BYTES_PER_SECOND / 4
    if is_telling and speed < SLOW_BYTES_PER_SECOND:
        return row(
            registry,
            STAGE,
            "THROUGHPUT_SLOW",
            "warn",
            f"{said}.",
            ms=ms,
            evidence=evidence,
            remedy="Compare with another machine in another network: a proxy that scans, a VPN, a "
            "far region or slow storage behind the registry are the usual causes.",
        )
    return row(registry, STAGE, "THROUGHPUT_OK", "ok", f"{said}.", ms=ms, evidence=evidence)


def _cut(registry: str, samples: list[_Sample]) -> CheckRow:
    last = samples[-1]
    return row(
        registry,
        STAGE,
        "BLOB_CUT",
        "fail",
        f"{clean(last.bytes.host)} gave {last.bytes.received:,} of {last.wanted:,} bytes of a layer "
        "and ended there.",
        evidence={"digest": last.layer.digest, "samples": _shown(samples)},
        remedy="Look for a limit of size or time in a proxy on the way, and at the registry's "
        "storage: a file there may be cut.",
    )


def _shown(samples: list[_Sample]) -> list[dict[str, object]]:
    return [
        {
            "digest": one.layer.digest,
            "host": clean(one.bytes.host),
            "bytes": one.bytes.received,
            "seconds": round(one.bytes.seconds, 4),
        }
        for one in samples
    ]
