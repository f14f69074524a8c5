"""A snapshot in the making: takes the parts of a scan, and publishes them as one."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from regtools.errors import HistoryError
from regtools.history.closure import CONTENT, copy_rows
from regtools.history.parts import Parts
from regtools.history.place import MARKER, Place, reason
from regtools.history.resume import stamp, suffix_of, usable
from regtools.history.rows import DATA_TABLES, Tables, row_schema, to_table, unique, with_snapshot
from regtools.schema import Inventory, ProblemRow, SnapshotRow


class Draft:
    """A scan of one target on its way into the history; made by `History.draft`.

    Nothing is on the disk before the first `add`. Left without `publish`, the parts wait for the
    next draft of the same target.
    """

    finished: frozenset[str]
    """Repositories that an interrupted scan had read."""
    known: frozenset[str]
    """Manifest digests that need not be fetched: the history's, and those of the parts."""

    def __init__(
        self,
        place: Place,
        registry: str,
        namespace: str,
        *,
        file: Path,
        resumed: Parts | None,
        known: Collection[str],
        snapshots: Iterable[SnapshotRow],
    ) -> None:
        self._place = place
        self._registry = registry
        self._namespace = namespace
        self._file = file
        self._parts = resumed
        self._lock = threading.Lock()
        self._snapshots = snapshots
        left = usable(resumed, known)
        self._left_out = left.left_out
        self.finished = left.finished
        self.known = left.digests.union(known)
