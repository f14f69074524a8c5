"""The history of registries: snapshots, each whole and by itself."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import platformdirs

from regtools.errors import ConfigError, HistoryError
from regtools.history import check
from regtools.history.closure import broken_manifests, known_edges, known_subjects, whole_manifests
from regtools.history.diagnoses import Diagnoses
from regtools.history.draft import Draft
from regtools.history.files import MARKER, file_path, read_table, reason, unreadable
from regtools.history.place import Folder, open_place
from regtools.history.resume import (
    RESUME_WITHIN,
    forgotten,
    new_file,
    take_over,
    target_folder,
)
from regtools.history.rows import row_schema, to_rows
from regtools.schema import SnapshotRow


class History:
    """Snapshots of registries in a folder or bucket.

    Any number of writers and readers may use it at once; none waits for another.

    Parameters
    ----------
    location
        A folder, or ``s3://…``, ``gs://…``, ``abfss://…``. It need not exist yet.

    Raises
    ------
    ConfigError
        Codes ``HISTORY_LOCATION`` and ``SECRET_INLINE``: the location cannot be a history.

    Examples
    --------
    >>> History("no/such/folder").snapshots()
    []
    """

    def __init__(self, location: str | Path) -> None:
        self.place = open_place(location)
        self.diagnoses = Diagnoses(self.place)
        self._rows: dict[str, SnapshotRow] = {}

    @property
    def location(self) -> str:
        """Where the history lies."""
        return self.place.address

    def __repr__(self) -> str:
        return f"History({self.location!r})"

    def snapshots(self) -> list[SnapshotRow]:
        """List the snapshots, oldest first. Reads their markers only.

        Raises
        ------
        HistoryError
            A marker cannot be read.
        """
        return self._snapshots(broken="raise")

    def readable_snapshots(self, registry: str) -> list[SnapshotRow]:
        """List the snapshots of a registry whose markers can be read, oldest first."""
        return [row for row in self._snapshots(broken="skip") if row.registry == registry]

    def latest(
        self, *, registry: str | None = None, at: datetime | None = None
    ) -> list[SnapshotRow]:
        """Give the newest snapshot of each target: registry and namespace.

        Parameters
        ----------
        registry
            Only of this registry.
        at
            Only snapshots not after this time; UTC unless it says otherwise.

        Raises
        ------
        HistoryError
            A marker cannot be read.
        """
        newest: dict[tuple[str, str], SnapshotRow] = {}
        limit = at.replace(tzinfo=at.tzinfo or UTC) if at is not None else None
        for row in self.snapshots():
            if registry in (None, row.registry) and (limit is None or row.taken_at <= limit):
                newest[row.registry, row.namespace] = row
        return [newest[target] for target in sorted(newest)]

    def files(self, table: str, snapshots: Sequence[SnapshotRow]) -> list[str]:
        """Give the addresses of a table's files, for a program that reads Parquet."""
        return [self.place.url(file_path(self.place, row.snapshot, table)) for row in snapshots]

    def known(self, registry: str) -> frozenset[str]:
        """Give the manifests that need not be fetched again from this registry.

        Those whose rows, and those of all they contain, some readable snapshot holds without a
        problem; but not those of which the newest snapshot of a target missed something, so that
        a later scan looks whether it is still missing.
        """
        rows = self.readable_snapshots(registry)
        newest = {row.namespace: row for row in rows}
        return whole_manifests(self.place, rows) - broken_manifests(self.place, newest.values())

    def known_children(self, registry: str) -> Mapping[str, Sequence[str]]:
        """Give the children of the indexes that readable snapshots of this registry hold.

        Raises
        ------
        HistoryError
            A file cannot be read.
        """
        return known_edges(self.place, self.readable_snapshots(registry))

    def known_subjects(self, registry: str) -> Mapping[str, str]:
        """Give what the referrers that readable snapshots of this registry hold are about.

        Raises
        ------
        HistoryError
            A file cannot be read.
        """
        return known_subjects(self.place, self.readable_snapshots(registry))

    def draft(
        self,
        registry: str,
        namespace: str,
        *,
        now: datetime,
        resume_within: timedelta = RESUME_WITHIN,
    ) -> Draft:
        """Begin a snapshot, with what an interrupted scan of the same target has left.

        Parameters
        ----------
        registry, namespace
            The target: ``host[:port]``, and a prefix of repositories or nothing.
        resume_within
            How old the interrupted scan may be; an older one is thrown away.

        Raises
        ------
        HistoryError
            The history cannot be read.
        """
        folder = target_folder(self._drafts, registry, namespace)
        resumed = take_over(folder, self.place, now=now, resume_within=resume_within)
        file = resumed.path if resumed else new_file(folder, now)
        return Draft(self, registry, namespace, file=file, resumed=resumed)

    def require_writable(self) -> None:
        """Make sure that a snapshot could be added, before a long scan finds out. Leaves nothing.

        Raises
        ------
        ConfigError
            Code ``HISTORY_UNWRITABLE``.
        """
        try:
            self.place.require_writable()
        except OSError as error:
            raise ConfigError(
                f"The history {self.location} cannot be written: {reason(error)}.",
                code="HISTORY_UNWRITABLE",
                remedy="Choose another folder with --history, or change its permissions.",
            ) from error

    def check(self, *, now: datetime | None = None) -> list[check.HistoryFinding]:
        """Read everything and list what is broken or left over; changes nothing."""
        moment = now or datetime.now(UTC)
        return [
            *check.findings(self.place, self._drafts, now=moment),
            *check.diagnosis_findings(self.diagnoses, now=moment),
        ]

    def prune(
        self,
        *,
        keep_last: int | None = None,
        older_than: timedelta | None = None,
        dry_run: bool = False,
        now: datetime,
    ) -> list[SnapshotRow]:
        """Remove old snapshots, and what dead writers left.

        A snapshot goes if it is beyond both limits that are given; with none given, no snapshot
        goes. The newest complete one of each target always stays (the newest, where none is
        complete), and so does one that cannot be read.

        Parameters
        ----------
        keep_last
            How many of each target stay.
        older_than
            Only those older than this.
        dry_run
            Only tell.

        Returns
        -------
        list of SnapshotRow
            Those removed, oldest first.

        Raises
        ------
        HistoryError
            Code ``HISTORY_WRITE_FAILED``: something could not be removed.
        """
        rows = self._snapshots(broken="skip")
        gone = _expendable(rows, keep_last, now - older_than if older_than is not None else None)
        if not dry_run:
            self._remove([row.snapshot for row in gone] + check.leftovers(self.place, now=now))
            forgotten(self._drafts, before=now - RESUME_WITHIN, remove=True)
        return gone

    @property
    def _drafts(self) -> Path:
        """Where interrupted scans lie: always on a local disk, since a part is a few bytes."""
        if isinstance(self.place, Folder):
            return Path(self.place.root) / ".drafts"
        name = hashlib.sha256(self.place.address.encode()).hexdigest()[:16]
        return platformdirs.user_state_path("regtools", appauthor=False) / "drafts" / name

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            try:
                self.place.remove(name)
            except OSError as error:
                raise HistoryError(
                    f"{name} cannot be removed from {self.location}: {reason(error)}.",
                    code="HISTORY_WRITE_FAILED",
                    remedy="Check the permissions.",
                ) from error
            self._rows.pop(name, None)

    def _snapshots(self, *, broken: Literal["raise", "skip"]) -> list[SnapshotRow]:
        names = self.place.published()
        # A marker never changes: each is read once.
        unread = [name for name in names if name not in self._rows]
        with ThreadPoolExecutor(max_workers=16) as pool:
            for name, row in zip(unread, pool.map(self._read_marker, unread), strict=True):
                if isinstance(row, SnapshotRow):
                    self._rows[name] = row
                elif row is not None and broken == "raise":
                    raise row
        return [self._rows[name] for name in names if name in self._rows]

    def _read_marker(self, snapshot: str) -> SnapshotRow | HistoryError | None:
        """Read a marker; None if the snapshot was pruned since it was listed."""
        columns = row_schema(MARKER).names
        try:
            rows: list[SnapshotRow] = to_rows(
                MARKER, read_table(self.place, snapshot, MARKER, columns=columns)
            )
        except FileNotFoundError:
            return None
        except HistoryError as error:
            return error
        if [row.snapshot for row in rows] != [snapshot]:
            path = self.place.url(file_path(self.place, snapshot, MARKER))
            return unreadable(path, "it belongs to another snapshot")
        return rows[0]


def _expendable(
    rows: Iterable[SnapshotRow], keep_last: int | None, before: datetime | None
) -> list[SnapshotRow]:
    if keep_last is None and before is None:
        return []
    targets: dict[tuple[str, str], list[SnapshotRow]] = defaultdict(list)
    for row in rows:
        targets[row.registry, row.namespace].append(row)
    gone = []
    for target in targets.values():
        complete = [row for row in target if row.complete]
        kept = {(complete or target)[-1].snapshot}
        kept.update(
            row.snapshot for row in target[len(target) - min(keep_last or 0, len(target)) :]
        )
        gone += [
            row
            for row in target
            if row.snapshot not in kept and (before is None or row.taken_at < before)
        ]
    return sorted(gone, key=lambda row: row.snapshot)
