"""Which manifests a snapshot holds whole, and the rows of those that a new snapshot needs.

A manifest is whole in a snapshot if its row is there, no problem of that snapshot names it, and
the same holds for all its children. Content never changes under a digest, so the rows of a whole
manifest are as good as a fresh look at the registry.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from regtools.errors import HistoryError
from regtools.history.files import file_path, read_table, unreadable
from regtools.history.place import Place
from regtools.history.rows import row_schema
from regtools.schema import SnapshotRow

CONTENT: Final = {"manifests": "digest", "children": "parent", "layers": "manifest"}
"""The tables that describe content, and their column with the manifest's digest."""

Edges = Mapping[str, Sequence[str]]


def whole_manifests(place: Place, snapshots: Iterable[SnapshotRow]) -> frozenset[str]:
    """Give the digests that at least one of the snapshots holds whole and readable."""
    found: set[str] = set()
    # Reading a file waits for the disk or the network and leaves Python alone meanwhile.
    with ThreadPoolExecutor(max_workers=8) as pool:
        for digests in pool.map(lambda row: _readable(place, row), snapshots):
            found.update(digests)
    return frozenset(found)


def broken_manifests(place: Place, snapshots: Iterable[SnapshotRow]) -> frozenset[str]:
    """Give the manifests that one of the snapshots holds, but not whole; unreadable ones hold none."""
    found: set[str] = set()
    for row in snapshots:
        if not row.complete:
            with suppress(HistoryError):
                found |= _strings(place, row, "manifests", "digest") - _whole(place, row)
    return frozenset(found)


def copy_rows(
    place: Place, snapshots: Iterable[SnapshotRow], wanted: Iterable[str]
) -> dict[str, pa.Table]:
    """Collect the rows of manifests, and of all below them, from the newest snapshots.

    Parameters
    ----------
    snapshots
        Newest first.
    wanted
        Digests; those that no snapshot holds whole are left out.

    Raises
    ------
    HistoryError
        A file that should hold some of the rows cannot be read.
    """
    missing = set(wanted)
    found: dict[str, list[pa.Table]] = {table: [] for table in CONTENT}
    taken: set[str] = set()
    for row in snapshots:
        if not missing:
            break
        here = missing & _whole(place, row)
        if not here:
            continue
        missing -= here
        edges = edges_of(_read(place, row, "children"))
        reached = reach(here, edges) - taken
        taken |= reached
        digests = pa.array(reached, pa.string())
        for table, key in CONTENT.items():
            data = _read(place, row, table).select(row_schema(table).names)
            found[table].append(data.filter(pc.is_in(data[key], digests)))
    return {
        table: pa.concat_tables([row_schema(table).empty_table(), *tables])
        for table, tables in found.items()
    }


def known_edges(place: Place, snapshots: Iterable[SnapshotRow]) -> Edges:
    """Give the children of every index that one of the snapshots holds.

    Raises
    ------
    HistoryError
        A file cannot be read.
    """
    edges: dict[str, Sequence[str]] = {}
    for row in snapshots:
        edges.update(edges_of(_read(place, row, "children")))
    return edges


def known_subjects(place: Place, snapshots: Iterable[SnapshotRow]) -> Mapping[str, str]:
    """Give what each manifest is about, of those that one of the snapshots holds and that say so.

    Raises
    ------
    HistoryError
        A file cannot be read.
    """
    subjects: dict[str, str] = {}
    for row in snapshots:
        told = _read(place, row, "manifests", columns=["digest", "subject"])
        told = told.filter(pc.is_valid(told["subject"]))
        pairs = zip(told["digest"].to_pylist(), told["subject"].to_pylist(), strict=True)
        subjects.update(pairs)
    return subjects


def reach(roots: Iterable[str], edges: Edges) -> set[str]:
    """Give the roots and everything below them."""
    reached: set[str] = set()
    level = set(roots)
    while level:
        reached |= level
        level = {child for digest in level for child in edges.get(digest, ())} - reached
    return reached


def edges_of(children: pa.Table) -> Edges:
    """Give the children of each parent."""
    edges: dict[str, list[str]] = defaultdict(list)
    pairs = zip(children["parent"].to_pylist(), children["child"].to_pylist(), strict=True)
    for parent, child in pairs:
        edges[parent].append(child)
    return edges


def without_broken(digests: set[str], edges: Edges, problems: set[str]) -> set[str]:
    """Leave out the manifests that a problem names or that lack a child, and those above them."""
    parents: dict[str, list[str]] = defaultdict(list)
    for parent, children in edges.items():
        for child in children:
            parents[child].append(parent)
    broken = problems | {child for child in parents if child not in digests}
    return digests - reach(broken, parents)


def _whole(place: Place, row: SnapshotRow) -> set[str]:
    """Give the digests that a snapshot holds whole; none if it was pruned meanwhile."""
    digests = _strings(place, row, "manifests", "digest")
    if row.complete:
        # `Draft.publish` calls a snapshot complete only if every manifest in it is whole.
        return digests
    problems = _strings(place, row, "problems", "reference")
    return without_broken(digests, edges_of(_read(place, row, "children")), problems)


def _readable(place: Place, row: SnapshotRow) -> set[str]:
    try:
        digests = _whole(place, row)
        # Reads little more than the files' ends, which a cut file lacks.
        for table in ("children", "layers"):
            _read(place, row, table, columns=[])
    except HistoryError:
        return set()
    return digests


def _strings(place: Place, row: SnapshotRow, table: str, column: str) -> set[str]:
    return set(_read(place, row, table, columns=[column])[column].to_pylist())


def _read(
    place: Place, row: SnapshotRow, table: str, *, columns: list[str] | None = None
) -> pa.Table:
    try:
        return read_table(place, row.snapshot, table, columns=columns)
    except FileNotFoundError:
        if row.snapshot not in place.published():
            return row_schema(table).empty_table()
        path = place.url(file_path(place, row.snapshot, table))
        raise unreadable(path, "it is missing") from None
