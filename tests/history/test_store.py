"""A history holds snapshots that are whole and stand by themselves."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.inventories import (
    EPOCH,
    NOON,
    REGISTRY,
    Shelf,
    digest,
    fresh_history,
    inventories,
    layer,
    publish,
    sorted_rows,
    stored,
)

from regtools.errors import ConfigError, HistoryError
from regtools.history import History
from regtools.history.resume import stamp
from regtools.schema import Inventory, ProblemRow, RepositoryRow, TagRow

HOUR = timedelta(hours=1)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def problem(reference: str) -> ProblemRow:
    return ProblemRow(
        registry=REGISTRY, repository="a", reference=reference, code="X", message="cannot"
    )


def one_image() -> Shelf:
    shelf = Shelf()
    shelf.tag("a", "1", shelf.image(layer("base", 100), layer("app", 10)))
    return shelf


def tags_only(inventory: Inventory) -> Inventory:
    """What a later scan hands in, when all digests are known."""
    return Inventory(
        repositories=inventory.repositories,
        tags=inventory.tags,
        untagged=inventory.untagged,
        reported=inventory.reported,
    )


@settings(deadline=None, max_examples=40)
@given(inventory=inventories(unknown_sizes=True))
def test_what_was_published_can_be_read_again(inventory: Inventory) -> None:
    with fresh_history() as history:
        snapshot = publish(history, inventory)
        assert sorted_rows(stored(history, snapshot)) == sorted_rows(inventory)
        assert history.snapshots() == [snapshot]
        assert history.check() == []


@settings(deadline=None, max_examples=40)
@given(inventory=inventories())
def test_a_later_scan_without_known_rows_gives_the_same_snapshot(inventory: Inventory) -> None:
    with fresh_history() as history:
        publish(history, inventory)
        assert history.known(REGISTRY) == {row.digest for row in inventory.manifests}
        later = publish(history, tags_only(inventory), taken_at=NOON + HOUR)
        assert later.complete
        assert sorted_rows(stored(history, later)) == sorted_rows(inventory)


def test_a_history_that_does_not_exist_is_empty(history: History) -> None:
    assert history.snapshots() == []
    assert history.latest() == []
    assert history.known(REGISTRY) == frozenset()
    assert history.check() == []
    assert not Path(history.location).exists()


def test_snapshots_are_listed_oldest_first_and_named_by_their_time(history: History) -> None:
    later = publish(history, one_image().inventory(), taken_at=NOON + HOUR)
    earlier = publish(history, one_image().inventory(), taken_at=NOON)
    assert history.snapshots() == [earlier, later]
    assert earlier.snapshot.startswith("20261123T120000.000000Z-")


def test_another_process_sees_the_same_rows(history: History) -> None:
    written = publish(history, one_image().inventory())
    assert History(history.location).snapshots() == [written]


def test_the_latest_is_the_newest_of_each_target(history: History) -> None:
    inventory = one_image().inventory()
    publish(history, inventory, taken_at=NOON)
    newest = publish(history, inventory, taken_at=NOON + HOUR)
    part = publish(history, inventory, taken_at=NOON, namespace="team")
    other = publish(history, inventory, taken_at=NOON, registry="other.example.com")
    assert history.latest() == [other, newest, part]
    assert history.latest(registry="other.example.com") == [other]


def test_the_latest_at_a_time_is_not_after_it(history: History) -> None:
    first = publish(history, one_image().inventory(), taken_at=NOON)
    publish(history, one_image().inventory(), taken_at=NOON + HOUR)
    assert history.latest(at=NOON) == [first]
    assert history.latest(at=NOON.replace(tzinfo=None)) == [first]
    assert history.latest(at=NOON - HOUR) == []


def test_files_are_named_for_other_programs(history: History) -> None:
    snapshot = publish(history, one_image().inventory())
    (name,) = history.files("tags", [snapshot])
    assert name == f"{history.location}/{snapshot.snapshot}/tags.parquet"
    assert Path(name).is_file()


@pytest.mark.parametrize("form", ["{}", "file://{}", "{}/../h"])
def test_a_folder_may_be_written_as_path_or_address(tmp_path: Path, form: str) -> None:
    publish(History(tmp_path / "h"), one_image().inventory())
    assert len(History(form.format(tmp_path / "h")).snapshots()) == 1


def test_the_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert History("~/h").location == str(tmp_path / "h")


def test_a_folder_with_odd_signs_is_a_folder(tmp_path: Path) -> None:
    history = History(tmp_path / "it's [a] *? %20 ~ folder")
    publish(history, one_image().inventory())
    assert len(history.snapshots()) == 1


def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        History("s3://key:canary@bucket/prefix")
    assert caught.value.code == "SECRET_INLINE"
    assert "canary" not in str(caught.value)


def test_an_unknown_kind_of_address_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        History("ftp://host/history")
    assert caught.value.code == "HISTORY_LOCATION"


def test_an_unread_config_makes_a_manifest_unknown_until_a_scan_reads_it(history: History) -> None:
    inventory = one_image().inventory()
    (image,) = inventory.manifests
    broken = dataclasses.replace(inventory, problems=[problem(image.digest)])
    publish(history, broken, complete=False)
    assert history.known(REGISTRY) == frozenset()
    publish(history, inventory, taken_at=NOON + HOUR)
    assert history.known(REGISTRY) == {image.digest}


def test_an_index_with_a_missing_child_is_not_known_but_its_other_children_are(
    history: History,
) -> None:
    shelf = Shelf()
    good, bad = shelf.image(layer("good", 1)), shelf.image(layer("bad", 1))
    shelf.tag("a", "1", shelf.index(shelf.index(good, bad), good))
    inventory = shelf.inventory()
    inventory.manifests = [row for row in inventory.manifests if row.digest != bad]
    inventory.problems = [problem(bad)]
    publish(history, inventory, complete=False)
    assert history.known(REGISTRY) == {good}


def test_what_another_registry_holds_is_not_known_here(history: History) -> None:
    publish(history, one_image().inventory(), registry="other.example.com")
    assert history.known(REGISTRY) == frozenset()


def test_a_manifest_that_vanished_and_came_back_is_copied_from_the_old_snapshot(
    history: History,
) -> None:
    inventory = one_image().inventory()
    publish(history, inventory)
    publish(history, Inventory(), taken_at=NOON + HOUR)
    back = publish(history, tags_only(inventory), taken_at=NOON + 2 * HOUR)
    assert sorted_rows(stored(history, back)) == sorted_rows(inventory)


def test_rows_handed_in_twice_are_kept_once(history: History) -> None:
    shelf = Shelf()
    image = shelf.image(layer("a", 1), layer("a", 1))
    shelf.tag("a", "1", shelf.index(image, attests=[image]))
    inventory = shelf.inventory()
    with history.draft(REGISTRY, "", now=NOON) as draft:
        draft.add(inventory)
        snapshot = draft.publish(
            kind="distribution",
            taken_at=NOON,
            complete=True,
            requests=1,
            seconds=0,
            dedup_scope="registry",
            rest=inventory,
        )
    assert sorted_rows(stored(history, snapshot)) == sorted_rows(inventory)


def test_a_digest_found_nowhere_becomes_a_problem_and_the_snapshot_incomplete(
    history: History,
) -> None:
    tag = TagRow(registry=REGISTRY, repository="a", tag="1", digest=digest("lost"))
    inventory = Inventory(
        repositories=[RepositoryRow(registry=REGISTRY, repository="a")], tags=[tag]
    )
    snapshot = publish(history, inventory)
    assert not snapshot.complete
    (found,) = stored(history, snapshot).problems
    assert (found.code, found.repository, found.reference) == ("MANIFEST_MISSING", "a", tag.digest)
    assert history.check() == []


def test_a_snapshot_with_a_problem_is_not_complete(history: History) -> None:
    inventory = Inventory(problems=[problem("")])
    assert not publish(history, inventory, complete=True).complete


def test_a_cut_marker_is_an_error_that_names_file_and_remedy(history: History) -> None:
    snapshot = publish(history, one_image().inventory())
    marker = Path(history.location, snapshot.snapshot, "snapshots.parquet")
    marker.write_bytes(marker.read_bytes()[:-20])
    with pytest.raises(HistoryError) as caught:
        History(history.location).snapshots()
    assert caught.value.code == "HISTORY_UNREADABLE"
    assert str(marker) in caught.value.summary
    assert "regtools history check" in caught.value.remedy


def test_a_snapshot_folder_that_was_renamed_is_an_error(history: History) -> None:
    snapshot = publish(history, one_image().inventory())
    folder = Path(history.location, snapshot.snapshot)
    folder.rename(folder.with_name("20250101T000000.000000Z-00000000"))
    with pytest.raises(HistoryError, match="another snapshot"):
        History(history.location).snapshots()


@pytest.mark.parametrize("table", ["manifests", "children", "layers"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_what_a_damaged_snapshot_held_is_fetched_again(
    history: History, table: str, damage: str
) -> None:
    inventory = one_image().inventory()
    snapshot = publish(history, inventory)
    (name,) = history.files(table, [snapshot])
    if damage == "cut":
        Path(name).write_bytes(Path(name).read_bytes()[:-20])
    else:
        Path(name).unlink()
    assert history.known(REGISTRY) == frozenset()
    assert publish(history, inventory, taken_at=NOON + HOUR).complete


def test_folders_of_others_in_the_history_are_left_alone(history: History) -> None:
    publish(history, one_image().inventory())
    stranger = Path(history.location, "notes")
    stranger.mkdir()
    assert len(history.snapshots()) == 1
    assert history.check() == []
    history.prune(keep_last=1, now=NOON + 1000 * HOUR)
    assert stranger.is_dir()


def test_a_writable_history_leaves_no_trace_of_the_test(history: History) -> None:
    history.require_writable()
    assert not Path(history.location).exists()
    publish(history, one_image().inventory())
    before = sorted(Path(history.location).rglob("*"))
    history.require_writable()
    assert sorted(Path(history.location).rglob("*")) == before


def test_a_file_in_the_place_of_the_history_is_told_before_the_scan(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for location in (tmp_path / "file", tmp_path / "file" / "history"):
        with pytest.raises(ConfigError) as caught:
            History(location).require_writable()
        assert caught.value.code == "HISTORY_UNWRITABLE"
        assert "--history" in caught.value.remedy


def test_a_file_in_the_place_of_the_history_cannot_be_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(HistoryError, match="cannot be listed: not a directory"):
        History(tmp_path / "file").snapshots()


def test_a_disk_that_does_not_take_the_snapshot_leaves_nothing_of_it(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = publish(history, one_image().inventory())
    before = sorted(Path(history.location).rglob("*"))
    full = OSError(28, "No space left on device")

    def fail(descriptor: int) -> None:
        raise full

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(HistoryError, match="no space left") as caught:
        publish(history, one_image().inventory(), taken_at=NOON + HOUR)
    assert caught.value.code == "HISTORY_WRITE_FAILED"
    assert sorted(Path(history.location).rglob("*")) == before
    assert history.snapshots() == [kept]


MOMENTS = st.integers(0, 10**17).map(lambda us: EPOCH + timedelta(microseconds=us))


@given(MOMENTS, MOMENTS)
def test_names_sort_by_time(one: datetime, other: datetime) -> None:
    assert (stamp(one) < stamp(other)) == (one < other)
