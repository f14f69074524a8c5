"""Everything that was found on a registry's disk, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

_BATCH: Final = 50_000
_TIME: Final = pa.timestamp("us", tz="UTC")


class Kind(StrEnum):
    """In which form a registry's content lies on a disk."""

    DISTRIBUTION = "distribution"
    OCI_LAYOUT = "oci-layout"


class Effect(StrEnum):
    """What a problem means for the content, or for this look at it."""

    DAMAGE = "damage"
    """Something cannot be pulled as it should, or lies where nothing belongs."""
    UNREAD = "unread"
    """Something could not be looked at: the numbers are not whole."""
    NOTE = "note"
    """Harmless by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something on the disk that should not be so."""

    code: str
    effect: Effect
    path: str = ""
    """Below the folder that was given."""
    repository: str = ""
    reference: str = ""
    """The tag or digest that it is about."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large files are."""

    files: int = 0
    bytes: int = 0
    """Apparent: what the files hold."""
    disk_bytes: int = 0
    """Allocated, in whole blocks; a second name of one file (hard link) adds nothing."""

    def __add__(self, other: Size) -> Size:
        return Size(
            files=self.files + other.files,
            bytes=self.bytes + other.bytes,
            disk_bytes=self.disk_bytes + other.disk_bytes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The file system that a folder is on, as ``df`` tells it."""

    mount: str
    filesystem: str
    """Its type, such as ``ext4``; empty where the system does not tell."""
    total_bytes: int
    used_bytes: int
    free_bytes: int
    """What an ordinary user may still write; a part of the total may be reserved."""


class Rows:
    """Rows of one table, gathered without keeping a Python object for each."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._waiting: list[tuple[Any, ...]] = []
        self._batches: list[pa.RecordBatch] = []

    def add(self, *values: Any) -> None:
        """Add a row: a value for each column, in their order."""
        self._waiting.append(values)
        if len(self._waiting) >= _BATCH:
            self._pack()

    def table(self) -> pa.Table:
        """Give all rows."""
        self._pack()
        return pa.Table.from_batches(self._batches, schema=self._schema)

    def _pack(self) -> None:
        columns = zip(*self._waiting, strict=True) if self._waiting else ([] for _ in self._schema)
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._waiting = []


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


SCHEMAS: Final = {
    "blobs": _schema(digest=pa.string(), bytes=pa.int64(), disk_bytes=pa.int64()),
    "repositories": _schema(repository=pa.string(), has_layers=pa.bool_(), has_tags=pa.bool_()),
    "tags": _schema(repository=pa.string(), tag=pa.string(), digest=pa.string(), changed_at=_TIME),
    "earlier": _schema(repository=pa.string(), tag=pa.string(), digest=pa.string()),
    "revisions": _schema(repository=pa.string(), digest=pa.string()),
    "layer_links": _schema(repository=pa.string(), digest=pa.string()),
    "uploads": _schema(
        repository=pa.string(),
        upload=pa.string(),
        files=pa.int64(),
        bytes=pa.int64(),
        disk_bytes=pa.int64(),
        started_at=_TIME,
    ),
    "manifests": _schema(
        digest=pa.string(), media_type=pa.string(), is_index=pa.bool_(), subject=pa.string()
    ),
    "references": _schema(
        manifest=pa.string(),
        digest=pa.string(),
        role=pa.string(),
        size=pa.int64(),
        foreign=pa.bool_(),
        platform=pa.string(),
    ),
}
"""The columns of each table of `Contents`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What lies on the disk. Tables are Arrow's, with the columns of `SCHEMAS`."""

    kind: Kind
    root: Path
    blobs: pa.Table
    """Each blob once: its digest and size."""
    repositories: pa.Table
    """Each repository, and whether it has the folders of layers and of tags."""
    tags: pa.Table
    """What each tag names now. In a layout: each entry of ``index.json``, perhaps with no name."""
    earlier: pa.Table
    """What each tag names or has named."""
    revisions: pa.Table
    """The manifests that each repository holds, with a tag or without."""
    layer_links: pa.Table
    """The blobs that may be pulled from each repository."""
    uploads: pa.Table
    """Uploads that were begun and not finished; their bytes are no blob yet."""
    manifests: pa.Table
    """Each manifest that a repository holds or that an index lists, if it could be read."""
    references: pa.Table
    """Manifest → what it names; role: ``child``, ``config`` or ``layer``."""
    metadata: Size
    """Files that say where things are, and folders."""
    unexplained: Size
    """Files that no registry would put there."""
    problems: Sequence[Problem]
    capacity: Capacity

    @property
    def complete(self) -> bool:
        """Whether everything could be looked at."""
        return all(problem.effect is not Effect.UNREAD for problem in self.problems)

    def tables(self) -> dict[str, pa.Table]:
        """Give the tables by their name."""
        return {
            field.name: getattr(self, field.name) for field in fields(self) if field.name in SCHEMAS
        }
