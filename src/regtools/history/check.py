"""What is wrong with a history: every file read, every digest looked up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from regtools.errors import HistoryError
from regtools.history.diagnoses import Diagnoses
from regtools.history.files import MARKER, read_table
from regtools.history.place import Place
from regtools.history.resume import RESUME_WITHIN, forgotten
from regtools.history.rows import DATA_TABLES, Tables, file_schema
from regtools.schema import LATER_COLUMNS, TABLES

LEFT_OVER_AFTER: Final = timedelta(hours=1)
"""A writer needs seconds from the first file to the marker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFinding:
    """Something in a history that should not be so."""

    snapshot: str
    """The folder's or file's name."""
    code: str
    """``LEFTOVER``, ``DRAFT_LEFTOVER``, ``FILE_MISSING``, ``UNREADABLE``, ``WRONG_SCHEMA``,
    ``FOREIGN_ROWS`` or ``DANGLING``."""
    message: str


def findings(place: Place, drafts: Path, *, now: datetime) -> Iterator[HistoryFinding]:
    """Look through everything that lies in a history; changes nothing."""
    for snapshot in place.published():
        yield from _snapshot_findings(place, snapshot)
    for name in leftovers(place, now=now):
        message = "A writer died before it finished; `regtools history prune` removes it."
        yield HistoryFinding(snapshot=name, code="LEFTOVER", message=message)
    for file in forgotten(drafts, before=now - RESUME_WITHIN, remove=False):
        message = "Parts of a scan that nobody continued; `regtools history prune` removes them."
        yield HistoryFinding(snapshot=file.name, code="DRAFT_LEFTOVER", message=message)


def diagnosis_findings(diagnoses: Diagnoses, *, now: datetime) -> Iterator[HistoryFinding]:
    """Look through the diagnoses of a history; changes nothing."""
    for name, message in diagnoses.faults():
        yield _finding(name, "UNREADABLE", message)
    for name in diagnoses.leftovers(before=now - LEFT_OVER_AFTER):
        message = "A writer died before it finished; `regtools history prune` removes it."
        yield _finding(name, "LEFTOVER", message)


def leftovers(place: Place, *, now: datetime) -> list[str]:
    """List folders without a marker that no writer can still be working on."""
    unfinished = place.unfinished()
    return [name for name, changed in unfinished.items() if now - changed > LEFT_OVER_AFTER]


def _snapshot_findings(place: Place, snapshot: str) -> Iterator[HistoryFinding]:
    tables: Tables = {}
    for name in TABLES:
        try:
            tables[name] = read_table(place, snapshot, name)
        except FileNotFoundError:
            if snapshot not in place.published():  # pruned meanwhile
                return
            yield _finding(snapshot, "FILE_MISSING", f"{name}.parquet is missing.")
        except HistoryError as error:
            yield _finding(snapshot, "UNREADABLE", error.summary)
    sound = {}
    for name, data in tables.items():
        problem = _fault(snapshot, name, tables)
        if problem is None:
            sound[name] = data
        else:
            yield problem
    if sound.keys() >= set(DATA_TABLES):
        yield from _dangling(snapshot, sound)


def _fault(snapshot: str, name: str, tables: Tables) -> HistoryFinding | None:
    data = tables[name]
    later = LATER_COLUMNS.get(name, frozenset())
    wrong = {
        field
        for field in set(data.schema).symmetric_difference(file_schema(name))
        if field.name not in later or field.name in data.schema.names
    }
    if (
        wrong
        or [one for one in file_schema(name).names if one in data.schema.names] != data.schema.names
    ):
        columns = ", ".join(sorted({field.name for field in wrong}))
        message = f"{name}.parquet has other columns than expected: {columns}."
        return _finding(snapshot, "WRONG_SCHEMA", message)
    strangers = set(data["snapshot"].unique().to_pylist()) - {snapshot}
    if strangers or (name == MARKER and data.num_rows != 1):
        message = f"{name}.parquet holds rows of other snapshots, or not its own."
        return _finding(snapshot, "FOREIGN_ROWS", message)
    return None


def _dangling(snapshot: str, tables: Tables) -> Iterator[HistoryFinding]:
    there = _values(tables, ("manifests", "digest"), ("problems", "reference"))
    references = (
        ("tags", "digest"),
        ("untagged", "digest"),
        ("children", "parent"),
        ("children", "child"),
        ("layers", "manifest"),
    )
    for table, column in references:
        lost = _values(tables, (table, column)) - there
        if lost:
            message = (
                f"{len(lost)} digests in {table}.{column} have neither a manifest nor a problem, "
                f"such as {min(lost)}."
            )
            yield _finding(snapshot, "DANGLING", message)


def _values(tables: Tables, *columns: tuple[str, str]) -> set[str]:
    return {value for table, column in columns for value in tables[table][column].to_pylist()}


def _finding(snapshot: str, code: str, message: str) -> HistoryFinding:
    return HistoryFinding(snapshot=snapshot, code=code, message=message)
