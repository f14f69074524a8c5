"""A snapshot in the making: takes the parts of a scan, and publishes them as one."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from regtools.errors import HistoryError
from regtools.history.closure import CONTENT, copy_rows
from regtools.history.files import MARKER, reason
from regtools.history.named import named_content
from regtools.history.parts import Parts
from regtools.history.resume import stamp, suffix_of, usable
from regtools.history.rows import DATA_TABLES, Tables, to_table, unique, with_snapshot
from regtools.manifest import Descriptor
from regtools.schema import Inventory, ProblemRow, SnapshotRow

if TYPE_CHECKING:
    from regtools.history.store import History


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
        self, history: History, registry: str, namespace: str, *, file: Path, resumed: Parts | None
    ) -> None:
        self._history = history
        self._registry = registry
        self._namespace = namespace
        self._file = file
        self._parts = resumed
        self._lock = threading.Lock()
        known = history.known(registry)
        left = usable(resumed, known)
        self._left_out = left.left_out
        self.finished = left.finished
        self.known = known | left.digests

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._parts is not None:
            self._parts.close()

    def add(self, part: Inventory) -> None:
        """Keep what was read of one or more repositories; it is safe when this returns.

        May be called from several threads at once.

        Raises
        ------
        HistoryError
            Code ``HISTORY_WRITE_FAILED``.
        """
        with self._lock:
            if self._parts is None:
                self._parts = Parts.create(self._file)
        self._parts.add(part)

    def content(self, rest: Inventory) -> dict[str, list[Descriptor]]:
        """Give what the manifests of each repository name, in the snapshot that would be made now.

        Parameters
        ----------
        rest
            As for `publish`; what its problems name is left out.

        Raises
        ------
        HistoryError
            Code ``HISTORY_UNREADABLE``.
        """
        tables = self._gather(rest)
        self._copy_known(tables)
        return named_content(tables)

    def publish(
        self,
        *,
        kind: str,
        taken_at: datetime,
        complete: bool,
        requests: int,
        seconds: float,
        dedup_scope: str,
        rest: Inventory | None = None,
    ) -> SnapshotRow:
        """Make a snapshot of all parts and `rest`; it is whole on the disk when this returns.

        Rows of manifests that the history knows already are copied, so that the snapshot stands
        by itself. A digest that is named but found nowhere becomes a problem, and a snapshot with
        a problem is not complete.

        Raises
        ------
        HistoryError
            Codes ``HISTORY_WRITE_FAILED``, and ``HISTORY_UNREADABLE`` for an older snapshot.
        """
        tables = self._gather(rest or Inventory())
        self._copy_known(tables)
        lost = to_table("problems", _unexplained(self._registry, tables))
        tables["problems"] = pa.concat_tables([tables["problems"], lost])
        row = SnapshotRow(
            # Parts that are published already are known by the end of the snapshot's name.
            snapshot=f"{stamp(taken_at)}-{suffix_of(self._file.name)}",
            registry=self._registry,
            namespace=self._namespace,
            kind=kind,
            taken_at=taken_at.astimezone(UTC),
            complete=complete and tables["problems"].num_rows == 0,
            requests=requests,
            seconds=seconds,
            dedup_scope=dedup_scope,
        )
        self._write(row, tables)
        if self._parts is not None:
            self._parts.discard()
        return row

    def _gather(self, rest: Inventory) -> Tables:
        tables = {name: to_table(name, getattr(rest, name)) for name in DATA_TABLES}
        if self._parts is not None:
            parts = self._parts.read_together(without=self._left_out)
            tables = {name: pa.concat_tables([parts[name], tables[name]]) for name in DATA_TABLES}
        return {name: unique(name, data) for name, data in tables.items()}

    def _copy_known(self, tables: Tables) -> None:
        named = {
            *tables["tags"]["digest"].to_pylist(),
            *tables["untagged"]["digest"].to_pylist(),
            *tables["children"]["child"].to_pylist(),
        }
        missing = named.difference(tables["manifests"]["digest"].to_pylist())
        newest_first = reversed(self._history.readable_snapshots(self._registry))
        copies = copy_rows(self._history.place, newest_first, missing)
        for name in CONTENT:
            tables[name] = unique(name, pa.concat_tables([tables[name], copies[name]]))

    def _write(self, row: SnapshotRow, tables: Tables) -> None:
        place = self._history.place
        marked = {n: with_snapshot(n, data, row.snapshot) for n, data in tables.items()}
        try:
            place.write(row.snapshot, marked, to_table(MARKER, [row]))
        except OSError as error:
            raise HistoryError(
                f"Snapshot {row.snapshot} cannot be written to {place.address}: {reason(error)}.",
                code="HISTORY_WRITE_FAILED",
                remedy="Free some space or check the permissions; the next scan continues this one.",
            ) from error


def _unexplained(registry: str, tables: Tables) -> Iterable[ProblemRow]:
    """Name the manifests that something refers to, and that neither are there nor have a problem."""
    there = {
        *tables["manifests"]["digest"].to_pylist(),
        *tables["problems"]["reference"].to_pylist(),
    }
    tags = [
        row
        for name in ("tags", "untagged")
        for row in tables[name].select(["repository", "digest"]).to_pylist()
    ]
    children = [
        {"repository": "", "digest": child} for child in tables["children"]["child"].to_pylist()
    ]
    for missing in [*tags, *children]:
        if missing["digest"] not in there:
            there.add(missing["digest"])
            yield ProblemRow(
                registry=registry,
                repository=missing["repository"],
                reference=missing["digest"],
                code="MANIFEST_MISSING",
                message=f"Manifest {missing['digest']} was not read and is not in the history.",
            )
