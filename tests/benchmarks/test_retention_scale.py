"""The benchmark of scale measures two ways to the same answer; that needs no scale to be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.large_history import Size, write_large_history
from benchmarks.retention_scale import ASKED, RULE, TAKEN_AT, measure, report

from regtools.analyses.retention import retention
from regtools.history import History

TAGS = 10_000


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large") / "history"


@pytest.fixture(scope="module")
def size(location: Path) -> Size:
    return write_large_history(location, TAGS)


def test_what_is_made_is_a_whole_history_of_the_asked_size(location: Path, size: Size) -> None:
    history = History(location)
    (snapshot,) = history.snapshots()
    assert snapshot.complete
    assert history.check() == []
    assert size.tags == pytest.approx(TAGS, rel=0.1)
    assert size.layers == pytest.approx(0.8 * TAGS, rel=0.1)
    assert size.repositories == 20


def test_it_holds_all_that_makes_the_question_hard(location: Path, size: Size) -> None:
    found = retention(History(location), RULE, now=TAKEN_AT)
    assert found.complete
    assert set(found.tags["rule"]) == {
        "beyond the 10 newest, older than 30d",
        "what it is about goes",
    }
    assert set(found.kept["reason"]) == {
        "too young",
        "its tag is kept",
        "one of the 10 newest",
        "what it is about stays",
        "has no tag",
    }
    assert found.repositories["freed_with_others_bytes"].gt(0).all()


def test_the_query_by_hand_gives_the_same_numbers(location: Path, size: Size) -> None:
    runs = [measure(what, location) for what in ASKED]
    ours, theirs = (run.numbers for run in runs)
    assert ours == theirs
    assert all(number > 0 for number in ours)
    assert f"{size.tags:,} tags" in report(runs, size)
