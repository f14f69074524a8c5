"""An OCI image layout: what `skopeo copy … oci:DIR` and `docker save` write.

    oci-layout                     says so
    index.json                     the images, perhaps with names
    blobs/<algorithm>/<digits>     everything else

Source: OCI image specification 1.1, image-layout.md. There are no repositories: all tables say
``""``. An entry without a name is as good a root as one with a name.
"""

from __future__ import annotations

import hashlib
import json
from os import DirEntry
from pathlib import Path
from typing import Any, Final

from regtools.errors import InvalidReferenceError, MalformedAnswerError
from regtools.manifest import OCI_INDEX, parse_manifest
from regtools.reference import Digest, parse_digest
from regtools.storage.contents import SCHEMAS, Contents, Effect, Kind, Rows
from regtools.storage.disk import Disk, capacity
from regtools.storage.manifests import Manifests

MARKER: Final = "oci-layout"
_INDEX: Final = "index.json"
_MAX_INDEX: Final = 256 * 2**20
_FILES: Final = frozenset({MARKER, _INDEX, "manifest.json", "repositories"})
"""The last two: `docker save` writes them too, for older readers."""
_NAME: Final = "org.opencontainers.image.ref.name"


def read_layout(folder: Path) -> Contents:
    """Read an image layout."""
    disk = Disk(folder)
    rows = {name: Rows(schema) for name, schema in SCHEMAS.items()}
    blobs: set[str] = set()
    has_index = False
    for entry in disk.entries(str(folder)):
        if entry.name == "blobs" and entry.is_dir(follow_symlinks=False):
            _read_blobs(disk, entry.path, rows["blobs"], blobs)
        elif entry.name in _FILES and entry.is_file(follow_symlinks=False):
            disk.keep(entry)
            has_index |= entry.name == _INDEX
        else:
            disk.stray(entry)
    named = _read_index(disk, rows) if has_index else _no_index(disk)
    manifests = Manifests(disk, blobs, lambda digest: _path_of(folder, digest))
    manifests.read(named)
    tables = {name: one.table() for name, one in rows.items()}
    tables["manifests"] = manifests.manifests.table()
    tables["references"] = manifests.references.table()
    return Contents(
        kind=Kind.OCI_LAYOUT,
        root=folder,
        **tables,
        metadata=disk.metadata,
        unexplained=disk.unexplained,
        problems=tuple(disk.problems),
        capacity=capacity(folder),
    )


def _path_of(folder: Path, digest: str) -> str:
    algorithm, _, encoded = digest.partition(":")
    return f"{folder}/blobs/{algorithm}/{encoded}"


def _read_blobs(disk: Disk, folder: str, rows: Rows, blobs: set[str]) -> None:
    for algorithm in disk.entries(folder):
        if not algorithm.is_dir(follow_symlinks=False):
            disk.stray(algorithm)
            continue
        for entry in disk.entries(algorithm.path):
            digest = _digest(algorithm.name, entry)
            if digest is None:
                disk.stray(entry)
            elif size := disk.size(entry):
                blobs.add(digest)
                rows.add(digest, size.bytes, size.disk_bytes)


def _digest(algorithm: str, entry: DirEntry[str]) -> str | None:
    if not entry.is_file(follow_symlinks=False):
        return None
    try:
        return parse_digest(f"{algorithm}:{entry.name}")
    except InvalidReferenceError:
        return None


def _no_index(disk: Disk) -> list[str]:
    path = str(disk.root / _INDEX)
    disk.note("LAYOUT_BROKEN", path, "The layout has no index.json.", effect=Effect.DAMAGE)
    return []


def _read_index(disk: Disk, rows: dict[str, Rows]) -> list[str]:
    path = str(disk.root / _INDEX)
    body = disk.read(path, at_most=_MAX_INDEX)
    if body is None:
        return []
    try:
        parse_manifest(body, OCI_INDEX, Digest(f"sha256:{hashlib.sha256(body).hexdigest()}"))
    except MalformedAnswerError as error:
        disk.note("LAYOUT_BROKEN", path, error.summary, effect=Effect.DAMAGE)
        return []
    data = json.loads(body)
    if "manifests" not in data:
        disk.note("LAYOUT_BROKEN", path, "It lists no manifests.", effect=Effect.DAMAGE)
    named = []
    for entry in data.get("manifests") or ():
        digest = parse_digest(entry["digest"])
        rows["tags"].add("", _name_of(entry), digest, None)
        rows["revisions"].add("", digest)
        named.append(str(digest))
    return named


def _name_of(entry: dict[str, Any]) -> str:
    annotations = entry.get("annotations")
    name = annotations.get(_NAME) if isinstance(annotations, dict) else None
    return name.encode("utf-8", "replace").decode() if isinstance(name, str) else ""
