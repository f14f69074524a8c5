"""What each repository must hold for its tags to be whole, beside what the tags themselves name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pyarrow as pa

from regtools.history.closure import edges_of, reach
from regtools.history.rows import Tables
from regtools.manifest import OCI_MANIFEST, Descriptor
from regtools.reference import Digest


def named_content(tables: Tables) -> dict[str, list[Descriptor]]:
    """Give the children, configs and stored layers of each repository, each digest once in it.

    Left out are foreign layers, which no registry stores, and what a problem names already.
    """
    edges = edges_of(tables["children"])
    types = dict(_pairs(tables["manifests"], "digest", "media_type"))
    blobs = _blobs(tables)
    told = set(_pairs(tables["problems"], "repository", "reference"))
    content = {}
    for repository, tops in _tops(tables).items():
        below = reach(tops, edges)
        named = {
            digest: Descriptor(
                media_type=types.get(digest, OCI_MANIFEST), digest=Digest(digest), size=None
            )
            for digest in sorted(below - tops)
        }
        for manifest in sorted(below):
            # Its config, or a layer without a size, was asked for and is missed already.
            if (repository, manifest) not in told:
                named |= {blob.digest: blob for blob in blobs.get(manifest, ())}
        content[repository] = [
            one for digest, one in named.items() if (repository, digest) not in told
        ]
    return content


def _tops(tables: Tables) -> dict[str, set[str]]:
    tops: dict[str, set[str]] = defaultdict(set)
    for table in ("tags", "untagged"):
        for repository, digest in _pairs(tables[table], "repository", "digest"):
            tops[repository].add(digest)
    return tops


def _blobs(tables: Tables) -> dict[str, list[Descriptor]]:
    blobs: dict[str, list[Descriptor]] = defaultdict(list)
    configs = tables["manifests"].select(["digest", "config_digest", "config_size"]).to_pylist()
    for row in configs:
        if row["config_digest"] is not None:
            blobs[row["digest"]].append(_blob(row["config_digest"], row["config_size"]))
    for row in tables["layers"].select(["manifest", "blob", "size", "foreign"]).to_pylist():
        if not row["foreign"]:
            blobs[row["manifest"]].append(_blob(row["blob"], row["size"]))
    return blobs


def _blob(digest: str, size: int | None) -> Descriptor:
    return Descriptor(media_type="", digest=Digest(digest), size=size)


def _pairs(data: pa.Table, first: str, second: str) -> Iterable[tuple[str, str]]:
    return zip(data[first].to_pylist(), data[second].to_pylist(), strict=True)
