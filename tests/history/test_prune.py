"""Pruning removes old snapshots, and never the newest complete one of a target."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.inventories import NOON, fresh_history, publish

from regtools.errors import HistoryError
from regtools.history import History
from regtools.schema import Inventory, SnapshotRow

DAY = timedelta(days=1)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def fill(
    history: History, ages: list[int], *, complete: bool = True, registry: str = "one.example.com"
) -> list[SnapshotRow]:
    """Publish a snapshot for each age in days, oldest first."""
    return [
        publish(
            history, Inventory(), taken_at=NOON - age * DAY, complete=complete, registry=registry
        )
        for age in sorted(ages, reverse=True)
    ]


def test_without_a_limit_no_snapshot_goes(history: History) -> None:
    rows = fill(history, [0, 100, 1000])
    assert history.prune(now=NOON) == []
    assert history.snapshots() == rows


def test_the_last_of_each_target_stay(history: History) -> None:
    one = fill(history, [0, 1, 2])
    other = fill(history, [3, 4], registry="other.example.com")
    assert history.prune(keep_last=2, now=NOON) == one[:1]
    assert history.snapshots() == [*other, *one[1:]]


def test_only_those_older_than_the_limit_go(history: History) -> None:
    rows = fill(history, [0, 29, 30, 31])
    assert history.prune(older_than=30 * DAY, now=NOON) == rows[:1]


def test_with_two_limits_a_snapshot_must_be_beyond_both(history: History) -> None:
    rows = fill(history, [0, 1, 50, 60, 70])
    assert history.prune(keep_last=3, older_than=55 * DAY, now=NOON) == rows[:2]


def test_the_newest_complete_snapshot_stays_however_old(history: History) -> None:
    old, newest = fill(history, [800, 700])
    incomplete = fill(history, [600, 500], complete=False)
    assert history.prune(older_than=DAY, now=NOON) == [old, *incomplete]
    assert history.snapshots() == [newest]


def test_where_none_is_complete_the_newest_stays(history: History) -> None:
    rows = fill(history, [600, 500], complete=False)
    assert history.prune(older_than=DAY, now=NOON) == rows[:1]


def test_a_dry_run_only_tells(history: History) -> None:
    rows = fill(history, [0, 1, 2])
    assert history.prune(keep_last=1, dry_run=True, now=NOON) == rows[:2]
    assert history.snapshots() == rows


def test_what_is_pruned_is_gone_from_the_disk(history: History) -> None:
    old, new = fill(history, [1, 0])
    history.prune(keep_last=1, now=NOON)
    assert [path.name for path in Path(history.location).iterdir()] == [new.snapshot]
    assert old.snapshot not in {row.snapshot for row in history.snapshots()}


def test_a_snapshot_that_cannot_be_read_is_left_to_a_person(history: History) -> None:
    old, _ = fill(history, [1, 0])
    marker = Path(history.location, old.snapshot, "snapshots.parquet")
    marker.write_bytes(b"PAR1")
    assert History(history.location).prune(keep_last=1, now=NOON) == []
    assert marker.exists()


def test_a_reader_that_listed_a_snapshot_before_it_was_pruned_passes_over_it(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, new = fill(history, [1, 0])
    reader = History(history.location)
    names = reader.place.published()
    history.prune(keep_last=1, now=NOON)
    monkeypatch.setattr(reader.place, "published", lambda: names)
    assert reader.snapshots() == [new]


def test_what_somebody_else_has_just_pruned_is_no_error(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = fill(history, [1, 0])
    mine = History(history.location)
    assert mine.snapshots() == [old, new]
    history.prune(keep_last=1, now=NOON)
    monkeypatch.setattr(mine.place, "published", lambda: [old.snapshot, new.snapshot])
    assert mine.prune(keep_last=1, now=NOON) == [old]


def test_what_cannot_be_removed_is_a_clear_error(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = fill(history, [1, 0])
    denied = PermissionError(13, "Permission denied")

    def refuse(path: object) -> None:
        raise denied

    monkeypatch.setattr("shutil.rmtree", refuse)
    with pytest.raises(HistoryError, match=f"{old.snapshot} cannot be removed") as caught:
        history.prune(keep_last=1, now=NOON)
    assert caught.value.code == "HISTORY_WRITE_FAILED"


@settings(deadline=None, max_examples=15)
@given(
    snapshots=st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=6),
    keep_last=st.none() | st.integers(1, 4),
    older_than=st.none() | st.integers(0, 60).map(timedelta),
)
def test_pruning_twice_is_pruning_once_and_the_newest_complete_stays(
    snapshots: list[tuple[int, bool]], keep_last: int | None, older_than: timedelta | None
) -> None:
    with fresh_history() as history:
        for age, complete in snapshots:
            fill(history, [age], complete=complete)
        before = history.snapshots()
        gone = history.prune(keep_last=keep_last, older_than=older_than, now=NOON)
        left = history.snapshots()
        assert sorted([*gone, *left], key=str) == sorted(before, key=str)
        newest = [row for row in before if row.complete][-1:]
        assert newest == [row for row in left if row.complete][-1:]
        assert history.prune(keep_last=keep_last, older_than=older_than, now=NOON) == []
