"""Bytes over time are what usage says as of each scan."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.command import Command
from tests.support.inventories import NOON, Shelf, fresh_history, layer, publish
from tests.support.varied import varied_shelves

import regtools as rt
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import DedupScope

DAY = timedelta(days=1)
SCOPES: tuple[DedupScope, ...] = ("registry", "namespace", "project", "repository", "unknown")
BY = ("registry", "namespace", "repository")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shelves=st.lists(varied_shelves(), min_size=1, max_size=4),
    scope=st.sampled_from(SCOPES),
    by=st.sampled_from(BY),
)
def test_each_row_is_what_usage_said_then(shelves: list[Shelf], scope: DedupScope, by: str) -> None:
    with fresh_history() as history:
        for days, shelf in enumerate(shelves):
            for registry in ("a.example", "b.example"):
                taken_at = NOON - days * DAY
                publish(
                    history,
                    shelf.inventory(),
                    taken_at=taken_at,
                    registry=registry,
                    dedup_scope=scope,
                )
        found = rt.bytes_over_time(history, by)
        names = list(dict.fromkeys(("registry", by)))
        columns = [c for c in found.columns if c != "taken_at"]
        for days in range(len(shelves)):
            then = NOON - days * DAY
            rows = found.loc[found["taken_at"] == then, columns]
            said = rt.usage(history, by=by, at=then)[columns]
            pd.testing.assert_frame_equal(
                rows.sort_values(names, ignore_index=True),
                said.sort_values(names, ignore_index=True),
            )


def growing() -> list[Shelf]:
    """Give three days: a repository that stays, one that goes, and one that comes."""
    shelves = []
    for tags in ({"team/a": 1, "old": 1}, {"team/a": 2, "old": 1}, {"team/a": 3, "new/b": 1}):
        shelf = Shelf()
        for repository, count in tags.items():
            for number in range(count):
                own = layer(f"{repository}{number}", 1000)
                image = shelf.image(own, name=(repository, number), size=0, config_size=0)
                shelf.tag(repository, str(number), image)
        shelves.append(shelf)
    return shelves


def published(history: History) -> History:
    for days, shelf in enumerate(reversed(growing())):
        publish(history, shelf.inventory(), taken_at=NOON - days * DAY)
    return history


def test_the_first_time_is_compared_with_the_last(history: History) -> None:
    found = rt.first_and_last(rt.bytes_over_time(published(history), "repository"))
    rows = found[["repository", "first_bytes", "last_bytes", "grown_bytes", "tags"]]
    assert rows.to_numpy().tolist() == [
        ["team/a", 1000, 3000, 2000, 3],
        ["new/b", 0, 1000, 1000, 1],
        ["old", 1000, 0, -1000, 0],
    ]


def test_a_namespace_is_the_first_part_of_a_name(history: History) -> None:
    found = rt.bytes_over_time(published(history), "namespace", at=NOON - DAY)
    assert found["namespace"].tolist() == ["", "", "team", "team"]
    assert found["physical_bytes"].tolist() == [1000, 1000, 1000, 2000]


def test_time_begins_with_the_scan_before(history: History) -> None:
    published(history)
    found = rt.bytes_over_time(history, since=NOON - DAY / 2)
    assert found["taken_at"].tolist() == [NOON - DAY, NOON]


def test_of_a_time_when_less_was_scanned_the_bytes_are_a_lower_bound(history: History) -> None:
    shelf = growing()[0]
    publish(history, shelf.inventory(), namespace="team", taken_at=NOON - DAY)
    publish(history, shelf.inventory())
    assert rt.bytes_over_time(history)["complete"].tolist() == [False, True]


def test_nothing_scanned_has_no_rows(history: History) -> None:
    for by in BY:
        found = rt.bytes_over_time(history, by)
        assert found.empty
        assert rt.first_and_last(found).empty


def test_another_word_is_refused(history: History) -> None:
    with pytest.raises(ConfigError) as caught:
        rt.bytes_over_time(history, "layer")
    assert caught.value.code == "USAGE_BY_UNKNOWN"


def test_the_command_says_what_the_function_says(
    regtools: Command, history: History, tmp_path: Path
) -> None:
    published(history)
    place = ("growth", "--by", "repository", "--history", tmp_path / "history")
    rows = regtools(*place, "--json").document["rows"]
    assert len(rows) == 6
    assert (rows[1]["repository"], rows[1]["taken_at"]) == ("old", "2026-11-21T12:00:00Z")
    out = regtools(*place).out
    assert out.index("team/a") < out.index("new/b") < out.index("old")
    assert regtools(*place, "--csv").out.startswith("registry,repository,taken_at,tags,")
    assert regtools(*place, "--show", "churn").code == 2
    assert regtools("growth", "--history", tmp_path / "history", "--until", "2026-11-22").code == 2
