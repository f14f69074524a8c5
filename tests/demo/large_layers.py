"""Computes `regtools/demo/large_layers.json`. Run it after the story's large layers changed.

Hashing them one by one, as a demo without that file would have to, takes minutes; in order of
size, one pass over the longest does for all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import regtools.demo.content as content
from regtools.demo.company import Company
from regtools.demo.story import HARBOURLINE, OPEN_SOURCE


def needed() -> set[tuple[str, int]]:
    """Name the layers of all stories that are too large to hash in passing."""
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    return {
        (blob.name, blob.size)
        for story in (HARBOURLINE, OPEN_SOURCE)
        for blob in Company(now, story=story).blobs()
        if isinstance(blob, content.Layer) and blob.size > content.HASHED_IN_PASSING
    }


def compute(layers: Collection[tuple[str, int]]) -> dict[str, str]:
    """Hash layers from all of their bytes."""
    state, hashed = hashlib.sha256(), 0
    padding = b"".join(content.layer("any", 1 << 21).read(0, 1 << 20))
    digests = {}
    for name, size in sorted(layers, key=lambda layer: layer[1]):
        made = content.Layer(name, size, content.digest_of(b""), content.digest_of(b""))
        start = (size - content.smallest_layer(name)) // (1 << 16) * (1 << 16)
        while hashed < start:
            step = min(len(padding), start - hashed)
            state.update(padding[:step])
            hashed += step
        own = state.copy()
        own.update(b"".join(made.read(start)))
        digests[f"{name} {size}"] = f"sha256:{own.hexdigest()}"
    return dict(sorted(digests.items()))


if __name__ == "__main__":
    # No digest is needed to know which layers there are.
    content.hash_layer = lambda name, size: content.digest_of(f"{name} {size}".encode())
    file = Path(content.__file__).with_name("large_layers.json")
    file.write_text(json.dumps(compute(needed()), indent=1) + "\n")
