"""The parts of an interrupted scan, kept so that the next one need not repeat them.

One file a scan, each part a frame at its end: length, checksum, Arrow record batch. A part is on
the disk when `Parts.add` returns. A writer killed in the middle leaves a torn last frame, which
the reader leaves out. The writer holds a lock on its file, so that nobody else continues it; the
system lets go of the lock when the process dies.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Container, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa

from regtools.errors import HistoryError
from regtools.history.files import reason, sync_folder
from regtools.history.rows import DATA_TABLES, Tables, from_structs, row_schema, to_structs
from regtools.schema import Inventory

_AT_ONCE: Final = 1000
_HEAD: Final = struct.Struct("<QI")
_SCHEMA: Final = pa.schema(
    [(name, pa.list_(pa.struct(list(row_schema(name))))) for name in DATA_TABLES]
)
"""A part is one row: for each table, the list of its rows."""


class Parts:
    """A file of parts that this process may add to."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._written = os.fstat(descriptor).st_size
        self._synced = self._written
        self._write_lock = threading.Lock()
        self._sync_lock = threading.Lock()

    @classmethod
    def create(cls, path: Path) -> Parts:
        """Begin a file.

        Raises
        ------
        HistoryError
            Code ``HISTORY_WRITE_FAILED``.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            _lock(descriptor)
            sync_folder(path.parent)
        except OSError as error:
            raise _write_failed(path, error) from error
        parts = cls(path, descriptor)
        parts._append(_SCHEMA.serialize())
        return parts

    @classmethod
    def take_over(cls, path: Path) -> Parts | None:
        """Continue the file of a dead writer; None if its writer lives, or it is not ours."""
        try:
            descriptor = os.open(path, os.O_RDWR)
        except (FileNotFoundError, PermissionError):
            return None
        if not _lock(descriptor) or not _is_at(path, descriptor):
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, sum(_HEAD.size + len(frame) for frame in _frames(path)))
        return cls(path, descriptor)

    def add(self, part: Inventory) -> None:
        """Put a part on the disk.

        Raises
        ------
        HistoryError
            Code ``HISTORY_WRITE_FAILED``; the parts before stay whole.
        """
        columns = [
            pa.ListArray.from_arrays([0, len(rows)], to_structs(name, rows))
            for name, rows in ((name, getattr(part, name)) for name in DATA_TABLES)
        ]
        self._append(pa.record_batch(columns, schema=_SCHEMA).serialize())

    @property
    def is_readable(self) -> bool:
        """Whether this version of regtools began the file, and got as far as its first frame."""
        return bool(next(_frames(self.path), b"") == _SCHEMA.serialize().to_pybytes())

    def read(self) -> Iterator[Tables]:
        """Give the parts in the order they came."""
        for batch in self._batches():
            yield {name: from_structs(batch.column(name).flatten()) for name in DATA_TABLES}

    def read_together(self, *, without: Container[int]) -> Tables:
        """Give the rows of all parts but those with these numbers."""
        batches = [batch for n, batch in enumerate(self._batches()) if n not in without]
        found = {name: [row_schema(name).empty_table()] for name in DATA_TABLES}
        # Taking ten thousand parts apart one by one would take seconds.
        for start in range(0, len(batches), _AT_ONCE):
            some = pa.Table.from_batches(batches[start : start + _AT_ONCE]).combine_chunks()
            for name, tables in found.items():
                tables.extend(from_structs(lists.flatten()) for lists in some[name].chunks)
        return {name: pa.concat_tables(tables) for name, tables in found.items()}

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the file, so that another may continue it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for frame in islice(_frames(self.path), 1, None):
            yield pa.ipc.read_record_batch(pa.py_buffer(frame), _SCHEMA)

    def _append(self, payload: pa.Buffer) -> None:
        frame = _HEAD.pack(payload.size, zlib.crc32(payload)) + payload.to_pybytes()
        try:
            with self._write_lock:
                end = self._write(frame)
            with self._sync_lock:
                # One fsync serves all the threads that wrote before it began.
                if self._synced < end:
                    reached = self._written
                    os.fsync(self._descriptor)
                    self._synced = reached
        except OSError as error:
            raise _write_failed(self.path, error) from error

    def _write(self, frame: bytes) -> int:
        start, rest = self._written, memoryview(frame)
        try:
            while rest:
                done = os.pwrite(self._descriptor, rest, start + len(frame) - len(rest))
                rest = rest[done:]
        except OSError:
            # What comes after a torn frame would be lost.
            os.ftruncate(self._descriptor, start)
            raise
        self._written = start + len(frame)
        return self._written


def _frames(path: Path) -> Iterator[bytes]:
    """Read the whole frames from the start; stop at the first that is torn."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            length, checksum = _HEAD.unpack(head)
            if length > size:
                return
            payload = file.read(length)
            if len(payload) != length or zlib.crc32(payload) != checksum:
                return
            yield payload


def _lock(descriptor: int) -> bool:
    """Lock the file if nobody has; a file system without locks counts as locked by somebody."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Tell whether the file is still there: its last writer may have removed it, then let go."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write_failed(path: Path, error: OSError) -> HistoryError:
    return HistoryError(
        f"{path} cannot be written: {reason(error)}.",
        code="HISTORY_WRITE_FAILED",
        remedy="Free some space or choose another history; what was scanned before is kept.",
    )
