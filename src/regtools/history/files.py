"""The Parquet files of a snapshot: how they are named, written and read, and blamed if broken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from regtools.errors import HistoryError
from regtools.schema import LATER_COLUMNS

if TYPE_CHECKING:
    from regtools.history.place import Place

MARKER: Final = "snapshots"
"""The table whose file makes a snapshot count."""


def file_path(place: Place, snapshot: str, table: str) -> str:
    """Give the path of a snapshot's table, as the place's file system names it."""
    return f"{place.root}/{snapshot}/{table}.parquet"


def read_table(
    place: Place, snapshot: str, table: str, *, columns: list[str] | None = None
) -> pa.Table:
    """Read a table of a snapshot.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    HistoryError
        Code ``HISTORY_UNREADABLE``: it is broken, or lacks a column.
    """
    path = file_path(place, snapshot, table)
    try:
        with place.filesystem.open_input_file(path) as source:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            own = file.schema_arrow.names
            later = LATER_COLUMNS.get(table, frozenset())
            wanted = [name for name in columns or own if name in own or name not in later]
            _require_columns(file.schema_arrow, wanted)
            return file.read(columns=wanted)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise unreadable(place.url(path), reason(error)) from error


def unreadable(path: str, why: str) -> HistoryError:
    """Make the error for a file that cannot be read."""
    return HistoryError(
        f"{path} cannot be read: {why}.",
        code="HISTORY_UNREADABLE",
        remedy="Run `regtools history check`; remove the snapshot's folder or restore it.",
    )


def reason(error: Exception) -> str:
    """Say in a few words what went wrong with a file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.rstrip(".").lower()
    lines = str(error).splitlines()
    return lines[0].rstrip(".")[:300] if lines else type(error).__name__


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_columns(schema: pa.Schema, columns: list[str]) -> None:
    lost = set(columns) - set(schema.names)
    if lost:
        raise ValueError(f"column {min(lost)} is missing")


def write_file(path: Path, table: pa.Table) -> None:
    """Write a table to a new file, on the disk when this returns."""
    with path.open("xb") as file:
        file.write(to_parquet(table))
        file.flush()
        os.fsync(file.fileno())


def to_parquet(table: pa.Table) -> pa.Buffer:
    """Give a table as the content of a file."""
    sink = pa.BufferOutputStream()
    # Checksums let `check` find a flipped bit that would else be just another digest.
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()
