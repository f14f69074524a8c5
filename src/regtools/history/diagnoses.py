"""Diagnoses in a history: a Parquet file for each run, in the folder ``diagnoses``.

A file appears whole or not at all, and never changes. What a scan checks on its way is a table of
its snapshot; a diagnosis has no snapshot, and so a place of its own.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from regtools.errors import HistoryError
from regtools.history.files import reason, unreadable
from regtools.history.place import Place
from regtools.history.resume import STAMP, stamp
from regtools.history.rows import class_schema, class_table
from regtools.schema import DiagnosedRow

FOLDER: Final = "diagnoses"
SCHEMA: Final = class_schema(DiagnosedRow)
_FILE: Final = re.compile(r"(?P<stamp>\d{8}T\d{6}\.\d{6}Z)-[0-9a-f]{8}\.parquet")
_LEFT: Final = re.compile(r"\.incoming-.+\.parquet")


class Diagnoses:
    """The diagnoses of a history; any number of writers and readers may use them at once."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def add(self, rows: Sequence[DiagnosedRow], *, now: datetime) -> str:
        """Keep the checks of one run: of a diagnosis, or of one that was repeated.

        Returns
        -------
        str
            The file's name.

        Raises
        ------
        HistoryError
            Code ``HISTORY_WRITE_FAILED``.
        """
        name = f"{stamp(now)}-{secrets.token_hex(4)}.parquet"
        try:
            self._place.put(f"{FOLDER}/{name}", class_table(DiagnosedRow, rows))
        except OSError as error:
            raise HistoryError(
                f"The diagnosis cannot be written to {self._place.address}: {reason(error)}.",
                code="HISTORY_WRITE_FAILED",
                remedy="Free some space or check the permissions.",
            ) from error
        return name

    def names(self) -> list[str]:
        """List the files, oldest first."""
        return sorted(name for name in self._files() if _FILE.fullmatch(name))

    def leftovers(self, *, before: datetime) -> list[str]:
        """List what writers left that died before this time."""
        return [
            name
            for name, changed in self._files().items()
            if _LEFT.fullmatch(name) and changed < before
        ]

    def read(
        self,
        *,
        registry: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> pa.Table:
        """Give the rows of `DiagnosedRow`, oldest run first.

        Parameters
        ----------
        registry
            Only of this registry.
        since, until
            Only of runs kept in this time.

        Raises
        ------
        HistoryError
            Code ``HISTORY_UNREADABLE``: a file is broken.
        """
        names = [name for name in self.names() if _is_between(name, since, until)]
        with ThreadPoolExecutor(max_workers=16) as pool:
            tables = [table for table in pool.map(self._read, names) if table is not None]
        found = pa.concat_tables([SCHEMA.empty_table(), *tables])
        if registry is None:
            return found
        return found.filter(pa.compute.equal(found["registry"], registry))

    def faults(self) -> Iterator[tuple[str, str]]:
        """Give the files that cannot be read, and why."""
        for name in self.names():
            try:
                self._read(name)
            except HistoryError as error:
                yield name, error.summary

    def prune(
        self,
        *,
        keep_last: int | None = None,
        older_than: timedelta | None = None,
        dry_run: bool = False,
        now: datetime,
    ) -> int:
        """Remove old runs, and what dead writers left.

        As for snapshots: a run goes if it is beyond both limits that are given, and the newest of
        each registry always stays.

        Returns
        -------
        int
            How many went, or would.

        Raises
        ------
        HistoryError
            Codes ``HISTORY_WRITE_FAILED`` and ``HISTORY_UNREADABLE``.
        """
        if keep_last is None and older_than is None:
            return 0
        gone = self._expendable(keep_last, now - older_than if older_than is not None else None)
        if not dry_run:
            for name in [*gone, *self.leftovers(before=now - timedelta(hours=1))]:
                self._remove(name)
        return len(gone)

    def _expendable(self, keep_last: int | None, before: datetime | None) -> list[str]:
        runs: dict[str, list[str]] = defaultdict(list)
        for name in reversed(self.names()):
            try:
                table = self._read(name)
            except HistoryError:  # `check` tells of it.
                continue
            for registry in table["registry"].unique().to_pylist() if table is not None else ():
                runs[registry].append(name)
        kept = {name for names in runs.values() for name in names[: max(1, keep_last or 0)]}
        listed = {name for names in runs.values() for name in names}
        return sorted(name for name in listed - kept if before is None or _when(name) < before)

    def _remove(self, name: str) -> None:
        try:
            self._place.filesystem.delete_file(self._path(name))
        except FileNotFoundError:  # Somebody else is pruning as well.
            return
        except OSError as error:
            raise HistoryError(
                f"{FOLDER}/{name} cannot be removed from {self._place.address}: {reason(error)}.",
                code="HISTORY_WRITE_FAILED",
                remedy="Check the permissions.",
            ) from error

    def _read(self, name: str) -> pa.Table | None:
        """Read a file; None if it was pruned since it was listed."""
        path = self._path(name)
        try:
            with self._place.filesystem.open_input_file(path) as source:
                table = pq.ParquetFile(source, page_checksum_verification=True).read()
            return table.select(SCHEMA.names).cast(SCHEMA)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise unreadable(self._place.url(path), reason(error)) from error

    def _path(self, name: str) -> str:
        return f"{self._place.root}/{FOLDER}/{name}"

    def _files(self) -> dict[str, datetime]:
        wanted = pafs.FileSelector(f"{self._place.root}/{FOLDER}", allow_not_found=True)
        try:
            found = self._place.filesystem.get_file_info(wanted)
        except OSError as error:
            raise unreadable(self._place.url(wanted.base_dir), reason(error)) from error
        return {one.base_name: one.mtime for one in found if one.type == pafs.FileType.File}


def _when(name: str) -> datetime:
    return datetime.strptime(name.partition("-")[0], STAMP).replace(tzinfo=UTC)


def _is_between(name: str, since: datetime | None, until: datetime | None) -> bool:
    when = _when(name)
    return (since is None or when >= since) and (until is None or when <= until)
