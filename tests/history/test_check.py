"""`History.check` finds what is broken or left over, and `prune` removes what is left over."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.inventories import NOON, REGISTRY, Shelf, layer, publish

from regtools.history import History
from regtools.schema import SnapshotRow

HOUR = timedelta(hours=1)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


@pytest.fixture
def snapshot(history: History) -> SnapshotRow:
    shelf = Shelf()
    image = shelf.image(*(layer(f"l{number}", number) for number in range(50)))
    shelf.tag("a", "1", shelf.index(image))
    return publish(history, shelf.inventory())


def file(history: History, snapshot: SnapshotRow, table: str) -> Path:
    (name,) = history.files(table, [snapshot])
    return Path(name)


def codes(history: History, now: datetime | None = None) -> list[tuple[str, str]]:
    return [(finding.snapshot, finding.code) for finding in history.check(now=now)]


def test_a_sound_history_has_no_findings(history: History, snapshot: SnapshotRow) -> None:
    assert codes(history) == []


@pytest.mark.parametrize("table", ["snapshots", "layers"])
def test_a_cut_file_is_found(history: History, snapshot: SnapshotRow, table: str) -> None:
    path = file(history, snapshot, table)
    path.write_bytes(path.read_bytes()[:-9])
    (finding,) = history.check()
    assert (finding.snapshot, finding.code) == (snapshot.snapshot, "UNREADABLE")
    assert str(path) in finding.message


def test_a_flipped_bit_in_a_digest_is_found(history: History, snapshot: SnapshotRow) -> None:
    path = file(history, snapshot, "layers")
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 1
    path.write_bytes(content)
    assert codes(history) == [(snapshot.snapshot, "UNREADABLE")]


def test_a_missing_file_is_found(history: History, snapshot: SnapshotRow) -> None:
    file(history, snapshot, "tags").unlink()
    assert codes(history) == [(snapshot.snapshot, "FILE_MISSING")]


def test_a_file_with_other_columns_is_found(history: History, snapshot: SnapshotRow) -> None:
    pq.write_table(pa.table({"snapshot": ["x"], "tag": [1]}), file(history, snapshot, "tags"))
    (finding,) = history.check()
    assert finding.code == "WRONG_SCHEMA"
    assert "repository" in finding.message


def test_rows_of_another_snapshot_are_found(history: History, snapshot: SnapshotRow) -> None:
    other = publish(history, Shelf().inventory(), taken_at=NOON + HOUR)
    shutil.copy(file(history, snapshot, "tags"), file(history, other, "tags"))
    assert codes(history) == [(other.snapshot, "FOREIGN_ROWS")]


def test_digests_without_manifest_or_problem_are_found(
    history: History, snapshot: SnapshotRow
) -> None:
    path = file(history, snapshot, "manifests")
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 0), path)
    found = history.check()
    assert {finding.code for finding in found} == {"DANGLING"}
    assert "tags.digest" in found[0].message


def leave_torn(history: History, snapshot: SnapshotRow) -> list[Path]:
    """What two writers leave that die before, and right after, they rename their folder."""
    whole = file(history, snapshot, "snapshots").parent
    hidden = whole.with_name(".incoming-20261123T130000.000000Z-00000000")
    torn = whole.with_name("20261123T130000.000000Z-00000001")
    for folder in (hidden, torn):
        shutil.copytree(whole, folder)
        (folder / "snapshots.parquet").unlink()
    return [hidden, torn]


def test_what_a_dead_writer_left_is_found_after_an_hour_and_pruned(
    history: History, snapshot: SnapshotRow
) -> None:
    left = leave_torn(history, snapshot)
    now = datetime.now(UTC)
    assert codes(history) == []
    history.prune(now=now)
    assert all(folder.exists() for folder in left)
    assert sorted(codes(history, now + 2 * HOUR)) == [(folder.name, "LEFTOVER") for folder in left]
    history.prune(now=now + 2 * HOUR, dry_run=True)
    assert all(folder.exists() for folder in left)
    history.prune(now=now + 2 * HOUR)
    assert not any(folder.exists() for folder in left)
    assert history.snapshots() == [snapshot]


def test_readers_pass_over_what_a_dead_writer_left(history: History, snapshot: SnapshotRow) -> None:
    leave_torn(history, snapshot)
    assert history.snapshots() == [snapshot]


def test_an_interrupted_scan_is_found_after_a_day_and_pruned(
    history: History, snapshot: SnapshotRow
) -> None:
    shelf = Shelf()
    shelf.repository("empty")
    with history.draft(REGISTRY, "", now=NOON) as draft:
        draft.add(shelf.inventory())
        assert codes(history, NOON + 25 * HOUR) == []  # its writer lives
    assert codes(history, NOON + 23 * HOUR) == []
    ((name, code),) = codes(history, NOON + 25 * HOUR)
    assert code == "DRAFT_LEFTOVER"
    history.prune(now=NOON + 23 * HOUR)
    assert len(list(Path(history.location).glob(f".drafts/*/{name}"))) == 1
    history.prune(now=NOON + 25 * HOUR)
    assert list(Path(history.location).glob(".drafts/*/*")) == []


def test_looking_changes_nothing(history: History, snapshot: SnapshotRow) -> None:
    leave_torn(history, snapshot)

    def state() -> list[tuple[str, int]]:
        found = sorted(Path(history.location).rglob("*"))
        return [(str(path), path.stat().st_mtime_ns) for path in found]

    before = state()
    history.check(now=datetime.now(UTC) + 100 * HOUR)
    assert state() == before
