"""What came and went from scan to scan is what sets say, to the byte, and adds up everywhere."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.command import Command
from tests.support.inventories import NOON, REGISTRY, Shelf, fresh_history, layer, publish
from tests.support.oracle_sharing import SharingOracle
from tests.support.varied import varied_shelves

import regtools as rt
from regtools.errors import HistoryError
from regtools.history import History
from regtools.schema import DedupScope

DAY = timedelta(days=1)
SCOPES: tuple[DedupScope, ...] = ("registry", "namespace", "project", "repository", "unknown")
SUMS = ("came_bytes", "went_bytes", "grown_bytes", "stayed_bytes", "passing_bytes")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def nightly(history: History, shelves: list[Shelf], scope: DedupScope = "registry") -> None:
    """Publish a scan of each a day, the last at `NOON`."""
    for days, shelf in enumerate(reversed(shelves)):
        publish(history, shelf.inventory(), taken_at=NOON - days * DAY, dedup_scope=scope)


def shares(oracle: SharingOracle, place: tuple[str, str]) -> Counter[tuple[str, str]]:
    """Share a blob out to those that hold it, in whole bytes."""
    holders = oracle.holders()[place]
    size = oracle.size([place[1]])
    each, left = divmod(size, len(holders))
    return Counter({name: each + (number < left) for number, name in enumerate(holders)})


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.lists(varied_shelves(), min_size=3, max_size=5),
    again=st.booleans(),
    scope=st.sampled_from(SCOPES),
)
def test_every_byte_that_came_or_went_is_told(
    drawn: list[Shelf], again: bool, scope: DedupScope
) -> None:
    shelves = [*drawn, drawn[0]] if again else drawn
    with fresh_history() as history:
        nightly(history, shelves, scope)
        found = rt.churn(history, NOON - len(shelves) * DAY)
        ends = rt.growth_between(history, NOON - len(shelves) * DAY)
    oracles = [SharingOracle(shelf.inventory(), scope) for shelf in shelves]
    stored = [set(oracle.holders()) for oracle in oracles]
    sizes = {
        place: oracle.size([place[1]])
        for oracle, places in zip(oracles, stored, strict=True)
        for place in places
    }

    def size(places: set[tuple[str, str]]) -> int:
        return sum(sizes[place] for place in places)

    between = set().union(*stored[1:-1]) - stored[0] - stored[-1]
    (total,) = found.totals.to_dict("records")
    assert {name: total[name] for name in SUMS} == {
        "came_bytes": sum(size(after - before) for before, after in pairwise(stored)),
        "went_bytes": sum(size(before - after) for before, after in pairwise(stored)),
        "grown_bytes": size(stored[-1]) - size(stored[0]),
        "stayed_bytes": size(stored[-1] - stored[0]),
        "passing_bytes": size(between),
    }
    assert (total["scans"], total["longest_gap_days"]) == (len(shelves), 1.0)
    assert total["grown_bytes"] == ends.totals["grown_bytes"].item()
    assert total["stayed_bytes"] == ends.totals["came_bytes"].item()
    for name in SUMS:
        assert found.repositories[name].sum() == total[name]
    for name in SUMS[:3]:
        assert found.intervals[name].sum() == total[name]

    brought: Counter[tuple[str, str]] = Counter()
    for place in between:
        last = max(number for number, places in enumerate(stored) if place in places)
        came = max(
            n for n in range(1, last + 1) if place in stored[n] and place not in stored[n - 1]
        )
        brought += shares(oracles[came], place)
    told = found.tags.set_index(["repository", "tag"])["passing_bytes"]
    assert +brought == +Counter({(str(r), str(t)): int(size) for (r, t), size in told.items()})

    tags = [
        {(row.repository, row.tag) for row in oracle.inventory.tags if row.tag.startswith("v")}
        for oracle in oracles
    ]
    passing = found.tags[found.tags["passing"]]
    seen = set().union(*tags[1:-1]) - tags[0] - tags[-1]
    assert set(zip(passing["repository"], passing["tag"], strict=True)) == seen
    assert total["passing_tags"] == len(seen) == found.repositories["passing_tags"].sum()


def shelf_of(*tags: str, size: int = 1000) -> Shelf:
    shelf = Shelf()
    for tag in tags:
        shelf.tag("ci/app", tag, shelf.image(layer(tag, size - 600), name=tag))
    return shelf


def test_what_was_pushed_and_deleted_between_the_ends_is_seen(history: History) -> None:
    nightly(history, [shelf_of("a"), shelf_of("a", "b"), shelf_of("a"), shelf_of("a", "c")])
    found = rt.churn(history, NOON - 9 * DAY)
    (total,) = found.totals.to_dict("records")
    assert [total[name] for name in SUMS] == [2000, 1000, 1000, 1000, 1000]
    (tag,) = found.tags.to_dict("records")
    assert (tag["tag"], tag["passing"], tag["passing_bytes"]) == ("b", True, 1000)
    assert (tag["first_seen_at"], tag["gone_at"]) == (NOON - 2 * DAY, NOON - DAY)
    assert list(found.intervals["came_bytes"]) == [1000, 0, 1000]
    assert "at most 1.0 days apart" in found.notes[0]


def test_a_moving_tag_lets_go_of_what_it_held(history: History) -> None:
    shelves = []
    for build in ("one", "two", "three"):
        shelf = Shelf()
        shelf.tag("app", "latest", shelf.image(layer(build, 400), name=build))
        shelves.append(shelf)
    nightly(history, shelves)
    (tag,) = rt.churn(history, NOON - 9 * DAY).tags.to_dict("records")
    # The tag is at both ends, and what it held in between at neither.
    assert (tag["tag"], tag["passing"], tag["passing_bytes"]) == ("latest", False, 1000)


def test_what_goes_and_comes_back_is_pushed_each_time_but_passes_nobody(history: History) -> None:
    nightly(history, [shelf_of("a", "b"), shelf_of("a"), shelf_of("a", "b"), shelf_of("a", "b")])
    (total,) = rt.churn(history, NOON - 9 * DAY).totals.to_dict("records")
    assert [total[name] for name in SUMS] == [1000, 1000, 0, 0, 0]


def test_a_scan_that_could_not_read_everything_is_no_churn(history: History) -> None:
    for days, (shelf, complete) in enumerate(
        [(shelf_of("a", "b"), True), (shelf_of("a"), False), (shelf_of("a", "b"), True)]
    ):
        publish(history, shelf.inventory(), taken_at=NOON - days * DAY, complete=complete)
    found = rt.churn(history, NOON - 9 * DAY)
    (total,) = found.totals.to_dict("records")
    assert (total["came_bytes"], total["went_bytes"], total["complete"]) == (0, 0, False)
    assert (total["scans"], total["longest_gap_days"]) == (2, 2.0)
    assert "1 of 3 scans did not see everything" in found.notes[0]


def test_incomplete_scans_are_better_than_none(history: History) -> None:
    for days, tags in enumerate((("a", "b"), ("a",))):
        taken_at = NOON - days * DAY
        publish(history, shelf_of(*tags).inventory(), taken_at=taken_at, complete=False)
    found = rt.churn(history, NOON - 9 * DAY)
    assert found.totals["came_bytes"].item() == 1000
    assert "may have been unread" in found.notes[0]


def test_one_scan_tells_nothing_and_none_is_an_error(history: History) -> None:
    with pytest.raises(HistoryError) as caught:
        rt.churn(history, NOON)
    assert caught.value.code == "HISTORY_EMPTY"
    nightly(history, [shelf_of("a")])
    found = rt.churn(history, NOON - DAY, registry=REGISTRY)
    assert found.totals[list(SUMS)].sum(axis=None) == 0
    assert found.repositories.empty
    assert "only one scan" in found.notes[0]


def test_registries_are_counted_apart(history: History) -> None:
    for days in (0, 1):
        for registry in ("a.example", "b.example"):
            shelf = shelf_of("a") if days or registry == "b.example" else shelf_of("a", "b")
            inventory = shelf.inventory()
            publish(history, inventory, registry=registry, taken_at=NOON - days * DAY)
    totals = rt.churn(history, NOON - 9 * DAY).totals.set_index("registry")
    assert totals["came_bytes"].to_dict() == {"a.example": 1000, "b.example": 0}


def test_the_command_says_what_the_function_says(
    regtools: Command, history: History, tmp_path: Path
) -> None:
    nightly(history, [shelf_of("a"), shelf_of("a", "b"), shelf_of("a")])
    place = ("growth", "--show", "churn", "--history", tmp_path / "history")
    document = regtools(*place, "--json").document
    names = ["schema_version", "totals", "repositories", "tags", "intervals", "notes"]
    assert list(document) == names
    assert document["totals"][0]["passing_bytes"] == 1000
    ran = regtools(*place)
    assert "Pushed and gone again" in ran.out
    assert "is not seen" in ran.err
    assert regtools(*place, "--csv").out.startswith("registry,repository,came_bytes")
    since = f"{NOON:%Y-%m-%dT%H:%M:%SZ}"
    assert "Pushed and gone" not in regtools(*place, "--since", since).out
