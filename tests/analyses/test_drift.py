"""Tags that moved are those whose digest changed from one scan to the next that has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.command import Command
from tests.support.inventories import NOON, Shelf, digest, fresh_history, layer, publish

import regtools as rt
from regtools.errors import HistoryError
from regtools.history import History

DAY = timedelta(days=1)
NAMES = ("latest", "1.2.3", "main")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def scans(history: History, states: list[dict[tuple[str, str], str]]) -> dict[str, str]:
    """Publish a scan a day, the last at `NOON`: repository and tag → image; give their digests."""
    digests: dict[str, str] = {}
    for days, tags in enumerate(reversed(states)):
        shelf = Shelf()
        for (repository, tag), image in tags.items():
            digests[image] = shelf.image(layer(image, 10), name=image)
            shelf.tag(repository, tag, digests[image])
        publish(history, shelf.inventory(), taken_at=NOON - days * DAY)
    return digests


STATES = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from(("a", "team/b")), st.sampled_from(NAMES)),
        st.sampled_from(("one", "two", "three")),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(states=STATES)
def test_moves_are_counted_as_lists_say(states: list[dict[tuple[str, str], str]]) -> None:
    with fresh_history() as history:
        digests = scans(history, states)
        found = rt.tag_drift(history, NOON - 99 * DAY).set_index(["repository", "tag"])
    expected = {}
    for name in {name for state in states for name in state}:
        days = [(day, state[name]) for day, state in enumerate(states) if name in state]
        moved = [later for before, later in pairwise(days) if later[1] != before[1]]
        if moved:
            expected[name] = days, moved
    assert set(found.index) == set(expected)
    assert list(found["moves"]) == sorted(found["moves"], reverse=True)
    for name, (days, moved) in expected.items():
        row = found.loc[name]
        assert row["moves"] == len(moved)
        assert row["digests"] == len({image for _, image in days})
        assert row["returns"] == sum(
            image in {other for before, other in days if before < day} for day, image in moved
        )
        ends = digests[days[0][1]], digests[days[-1][1]]
        assert (row["first_digest"], row["last_digest"]) == ends
        times = [NOON - (len(states) - 1 - day) * DAY for day, _ in moved]
        assert (row["first_moved_at"], row["last_moved_at"]) == (times[0], times[-1])
        apart = [(later - before) / DAY for before, later in pairwise(times)]
        assert row["days_between"] == pytest.approx(mean(apart)) if apart else True
        assert pd.isna(row["days_between"]) is (not apart)


def test_only_the_time_asked_for_is_looked_at(history: History) -> None:
    scans(history, [{("a", "latest"): image} for image in ("one", "two", "three", "two")])
    assert rt.tag_drift(history, NOON - 9 * DAY)["moves"].tolist() == [3]
    assert rt.tag_drift(history, NOON - DAY)["moves"].tolist() == [1]
    assert rt.tag_drift(history, NOON - 9 * DAY, NOON - 2 * DAY)["moves"].tolist() == [1]
    assert rt.tag_drift(history, NOON).empty


def test_a_referrers_tag_follows_its_image_and_does_not_drift(history: History) -> None:
    for days in (0, 1):
        shelf = Shelf()
        image = shelf.image(layer("app", 10))
        shelf.tag("a", "1", image)
        shelf.refer("a", image, shelf.artifact(layer(f"signature {days}", 7)), ".sig")
        publish(history, shelf.inventory(), taken_at=NOON - days * DAY)
    assert rt.tag_drift(history, NOON - 9 * DAY).empty


def test_a_tag_whose_image_could_not_be_read_moves_all_the_same(history: History) -> None:
    for days in (0, 1):
        shelf = Shelf()
        shelf.tag("a", "1", shelf.image(layer("app", 10)))
        inventory = shelf.inventory()
        if not days:
            inventory.tags[0] = replace(inventory.tags[0], digest=digest("else"))
        publish(history, inventory, taken_at=NOON - days * DAY)
    (row,) = rt.tag_drift(history, NOON - 9 * DAY).to_dict("records")
    assert (row["kind"], row["last_digest"]) == ("version", digest("else"))


def test_nothing_scanned_is_an_error(history: History) -> None:
    with pytest.raises(HistoryError) as caught:
        rt.tag_drift(history, NOON)
    assert caught.value.code == "HISTORY_EMPTY"


def test_the_command_says_what_the_function_says(
    regtools: Command, history: History, tmp_path: Path
) -> None:
    scans(history, [{("a", "latest"): image} for image in ("one", "two")])
    place = ("growth", "--show", "drift", "--history", tmp_path / "history")
    (row,) = regtools(*place, "--json").document["rows"]
    assert (row["tag"], row["moves"], row["days_between"]) == ("latest", 1, None)
    ran = regtools(*place)
    assert "1 tag moved since 2026-10-24" in ran.err
    assert regtools(*place, "--csv").out.startswith("registry,repository,tag,kind,moves")
