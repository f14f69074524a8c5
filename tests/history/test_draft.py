"""An interrupted scan loses no finished repository."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.inventories import (
    NOON,
    REGISTRY,
    Shelf,
    fresh_history,
    layer,
    merged,
    publish,
    shelves,
    sorted_rows,
    stored,
)

from regtools.errors import HistoryError
from regtools.history import Draft, History
from regtools.schema import Inventory, SnapshotRow

HOUR = timedelta(hours=1)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


@pytest.fixture
def shelf() -> Shelf:
    """Three repositories with an image each; the second also has the first's."""
    shelf = Shelf()
    images = [shelf.image(layer("base", 100), layer(name, 10)) for name in "abc"]
    for name, image in zip("abc", images, strict=True):
        shelf.tag(name, "1", image)
    shelf.tag("b", "borrowed", images[0])
    return shelf


def begin(history: History, now: datetime = NOON, namespace: str = "") -> Draft:
    return history.draft(REGISTRY, namespace, now=now)


def finish(draft: Draft, rest: Inventory | None = None, taken_at: datetime = NOON) -> SnapshotRow:
    return draft.publish(
        kind="distribution",
        taken_at=taken_at,
        complete=True,
        requests=1,
        seconds=0.5,
        dedup_scope="registry",
        rest=rest,
    )


def drafts(history: History) -> list[Path]:
    return sorted(Path(history.location).glob(".drafts/*/*"))


@settings(deadline=None, max_examples=30)
@given(shelf=shelves(), data=st.data())
def test_a_scan_may_be_interrupted_anywhere(shelf: Shelf, data: st.DataObject) -> None:
    parts = shelf.parts()
    done = data.draw(st.integers(0, len(parts)))
    with fresh_history() as history:
        with begin(history) as draft:
            for part in parts[:done]:
                draft.add(part)
        with begin(history, NOON + HOUR) as draft:
            assert draft.finished == set(list(shelf.repositories)[:done])
            assert draft.known == {row.digest for part in parts[:done] for row in part.manifests}
            for part in parts[done:]:
                draft.add(part)
            snapshot = finish(draft)
        assert snapshot.complete
        assert sorted_rows(stored(history, snapshot)) == sorted_rows(shelf.inventory())
        assert drafts(history) == []


def test_nothing_is_on_the_disk_before_a_repository_is_finished(history: History) -> None:
    with begin(history) as draft:
        assert draft.finished == frozenset()
    assert not Path(history.location).exists()


def test_readers_do_not_see_a_draft(history: History, shelf: Shelf) -> None:
    with begin(history) as draft:
        draft.add(shelf.parts()[0])
        assert history.snapshots() == []
        assert history.known(REGISTRY) == frozenset()
        assert history.check() == []


def test_a_part_whose_writing_was_cut_is_scanned_again(history: History, shelf: Shelf) -> None:
    first, second, third = shelf.parts()
    with begin(history) as draft:
        draft.add(first)
        draft.add(second)
    (file,) = drafts(history)
    file.write_bytes(file.read_bytes()[:-7])
    with begin(history) as draft:
        assert draft.finished == {"a"}
        draft.add(second)
        draft.add(third)
        snapshot = finish(draft)
    assert sorted_rows(stored(history, snapshot)) == sorted_rows(shelf.inventory())


@pytest.mark.parametrize("length", [0, 5, 100])
def test_a_draft_cut_at_its_beginning_is_thrown_away(
    history: History, shelf: Shelf, length: int
) -> None:
    with begin(history) as draft:
        draft.add(shelf.parts()[0])
    (file,) = drafts(history)
    file.write_bytes(file.read_bytes()[:length])
    with begin(history) as draft:
        assert draft.finished == frozenset()
    assert drafts(history) == []


def test_a_flipped_bit_ends_the_draft_there(history: History, shelf: Shelf) -> None:
    with begin(history) as draft:
        for part in shelf.parts():
            draft.add(part)
    (file,) = drafts(history)
    content = bytearray(file.read_bytes())
    content[-40] ^= 1
    file.write_bytes(content)
    with begin(history) as draft:
        assert draft.finished == {"a", "b"}


def test_an_interrupted_scan_older_than_a_day_is_thrown_away(
    history: History, shelf: Shelf
) -> None:
    with begin(history) as draft:
        draft.add(shelf.parts()[0])
    with begin(history, NOON + timedelta(hours=24)) as draft:
        assert draft.finished == {"a"}
    with begin(history, NOON + timedelta(hours=24, seconds=1)) as draft:
        assert draft.finished == frozenset()
    assert drafts(history) == []


def test_a_draft_is_continued_by_a_scan_of_the_same_target_only(
    history: History, shelf: Shelf
) -> None:
    with begin(history) as draft:
        draft.add(shelf.parts()[0])
    with begin(history, namespace="team") as draft:
        assert draft.finished == frozenset()
    with history.draft("other.example.com", "", now=NOON) as draft:
        assert draft.finished == frozenset()


def test_a_draft_in_the_hands_of_a_living_writer_is_not_continued(
    history: History, shelf: Shelf
) -> None:
    first, second, third = shelf.parts()
    with begin(history) as one, begin(history) as early:
        one.add(first)
        with begin(history) as other:
            assert other.finished == frozenset()
            other.add(merged([first, second, third]))
            whole = finish(other)
        one.add(second)
        one.add(third)
        again = finish(one, taken_at=NOON + HOUR)
        early.add(merged([first, second, third]))
    assert sorted_rows(stored(history, whole)) == sorted_rows(stored(history, again))
    assert history.snapshots() == [whole, again]


def test_the_newest_of_several_interrupted_scans_is_continued_and_the_others_go(
    history: History, shelf: Shelf
) -> None:
    first, second, _ = shelf.parts()
    with begin(history) as one, begin(history, NOON + HOUR) as other:
        one.add(first)
        other.add(second)
    assert len(drafts(history)) == 2
    with begin(history, NOON + HOUR) as draft:
        assert len(drafts(history)) == 1
        # The second part leans on the image that the first had.
        assert draft.finished == frozenset()


def test_a_writer_that_died_right_after_its_snapshot_was_whole_does_not_stop_the_next_scan(
    history: History, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next scan would take everything for finished and see nothing new."""
    with begin(history) as draft:
        draft.add(merged(shelf.parts()))
        monkeypatch.setattr("regtools.history.parts.Parts.discard", lambda self: None)
        finish(draft)
        monkeypatch.undo()
    assert len(drafts(history)) == 1
    with begin(history, NOON + HOUR) as draft:
        assert draft.finished == frozenset()
    assert drafts(history) == []


def test_a_part_is_scanned_again_if_the_rows_it_leans_on_were_pruned(
    history: History, shelf: Shelf
) -> None:
    old = publish(history, shelf.inventory(), taken_at=NOON - HOUR)
    tags = [Inventory(repositories=p.repositories, tags=p.tags) for p in shelf.parts()]
    with begin(history) as draft:
        for part in tags:
            draft.add(part)
    history.place.remove(old.snapshot)
    first, second, third = shelf.parts()
    with begin(history) as draft:
        assert draft.finished == frozenset()
        assert draft.known == frozenset()
        draft.add(first)
        draft.add(merged([second, third]))
        snapshot = finish(draft)
    assert snapshot.complete
    assert sorted_rows(stored(history, snapshot)) == sorted_rows(shelf.inventory())


def test_rows_pruned_while_a_scan_runs_make_its_snapshot_incomplete_and_the_next_one_whole(
    history: History, shelf: Shelf
) -> None:
    old = publish(history, shelf.inventory(), taken_at=NOON - HOUR)
    tags = Inventory(tags=shelf.inventory().tags)
    with begin(history) as draft:
        history.place.remove(old.snapshot)
        snapshot = finish(draft, tags)
    assert not snapshot.complete
    assert len(stored(history, snapshot).problems) == 3
    assert history.known(REGISTRY) == frozenset()


def test_an_older_snapshot_with_broken_rows_ends_the_scan_with_an_error_and_keeps_the_parts(
    history: History, shelf: Shelf
) -> None:
    old = publish(history, shelf.inventory(), taken_at=NOON - HOUR)
    (layers,) = history.files("layers", [old])
    content = bytearray(Path(layers).read_bytes())
    content[60:70] = b"0123456789"
    Path(layers).write_bytes(content)
    tags = Inventory(repositories=shelf.inventory().repositories, tags=shelf.inventory().tags)
    with begin(history) as draft:
        draft.add(tags)
        with pytest.raises(HistoryError, match=r"layers\.parquet cannot be read"):
            finish(draft)
    assert len(drafts(history)) == 1
    assert history.snapshots() == [old]


def test_parts_may_come_from_several_threads(history: History) -> None:
    shelf = Shelf()
    for number in range(60):
        shelf.tag(f"r{number}", "1", shelf.image(layer(f"l{number}", number)))
    start = threading.Barrier(8)

    def add(parts: list[Inventory]) -> None:
        start.wait()
        for part in parts:
            draft.add(part)

    parts = shelf.parts()
    with begin(history) as draft, ThreadPoolExecutor(8) as pool:
        list(pool.map(add, [parts[number::8] for number in range(8)]))
    with begin(history) as draft:
        assert len(draft.finished) == 60
        assert sorted_rows(stored(history, finish(draft))) == sorted_rows(shelf.inventory())


def test_a_full_disk_tears_no_part(
    history: History, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = shelf.parts()
    full = OSError(28, "No space left on device")
    from os import pwrite

    def short(descriptor: int, data: bytes, offset: int) -> int:
        if len(data) < 20:
            raise full
        return pwrite(descriptor, data[: len(data) // 2], offset)

    with begin(history) as draft:
        draft.add(first)
        with monkeypatch.context() as patch:
            patch.setattr("os.pwrite", short)
            with pytest.raises(HistoryError, match="no space left") as caught:
                draft.add(second)
        assert caught.value.code == "HISTORY_WRITE_FAILED"
        draft.add(second)
    with begin(history) as draft:
        assert draft.finished == {"a", "b"}
