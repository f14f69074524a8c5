"""Who brought the bytes: every table adds up to the difference of what is stored, to the byte."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.command import Command
from tests.support.inventories import NOON, Shelf, fresh_history, inventories, layer, publish
from tests.support.oracle import Oracle
from tests.support.varied import varied_shelves

import regtools as rt
from regtools.errors import HistoryError
from regtools.history import History
from regtools.schema import Inventory

DAY = timedelta(days=1)
SCOPES = ("registry", "namespace", "repository", "unknown")


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=25)
@given(inventories(unknown_sizes=True), inventories(unknown_sizes=True), st.sampled_from(SCOPES))
def test_every_table_adds_up_to_the_growth(before: Inventory, after: Inventory, scope: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = History(folder)
        publish(store, before, taken_at=NOON - DAY, dedup_scope=scope)
        publish(store, after, taken_at=NOON, dedup_scope=scope)
        found = rt.growth_between(store, NOON - DAY)
    (total,) = found.totals.to_dict("records")
    sizes = [int(Oracle(one, scope).by_registry()["physical_bytes"]) for one in (before, after)]
    assert [total["before_bytes"], total["after_bytes"]] == sizes
    for frame in (found.repositories, found.tags, found.layers, found.bases):
        assert frame["grown_bytes"].sum() == sizes[1] - sizes[0]
        assert (frame["came_bytes"] - frame["went_bytes"] == frame["grown_bytes"]).all()
    tags = (
        {(row.repository, row.tag): row.digest for row in before.tags},
        {(row.repository, row.tag): row.digest for row in after.tags},
    )
    moves = found.tags[found.tags["change"] != ""].set_index(["repository", "tag"])["change"]
    for name, change in moves.items():
        assert change == (
            "added" if name not in tags[0] else "removed" if name not in tags[1] else "moved"
        )
    plain = {name for name in tags[0].keys() ^ tags[1].keys() if not name[1].startswith("sha256-")}
    assert plain <= set(moves.index)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=15)
@given(varied_shelves(), varied_shelves(), st.sampled_from(SCOPES))
def test_a_layer_belongs_to_the_smallest_base_image_that_has_it(
    before: Shelf, after: Shelf, scope: str
) -> None:
    """By base image stands what the list of bases, which has its own oracle, says of each layer."""
    with fresh_history() as store:
        publish(store, before.inventory(), taken_at=NOON - DAY, dedup_scope=scope)
        publish(store, after.inventory(), taken_at=NOON, dedup_scope=scope)
        found = rt.growth_between(store, NOON - DAY)
        known = [rt.bases(store, at=at).to_dict("records") for at in (NOON - DAY, NOON)]
    names = {tuple(row["chain"]): row["base"] or row["chain"][-1] for rows in known for row in rows}
    sums: Counter[tuple[str, str]] = Counter()
    for layer_row in found.layers.to_dict("records"):
        for column, rows in zip(("went_bytes", "came_bytes"), known, strict=True):
            having = [row for row in rows if layer_row["digest"] in row["chain"]]
            nearest = min(
                having, key=lambda row: (row["layers"], -row["images"], row["chain"]), default=None
            )
            base = names[tuple(nearest["chain"])] if nearest else ""
            sums[base, column] += layer_row[column]
    for row in found.bases.to_dict("records"):
        assert (row["layers"] == 0) is (row["base"] == "")
    for column in ("came_bytes", "went_bytes"):
        told = found.bases.groupby("base")[column].sum()
        assert {base: size for base, size in told.items() if size} == {
            base: size for (base, which), size in sums.items() if which == column and size
        }


def test_base_images_bring_their_layers_and_apps_the_rest(history: History) -> None:
    shelf = Shelf()
    shelf.tag("old", "1", shelf.image(layer("old", 5)))
    publish(history, shelf.inventory(), taken_at=NOON - DAY)
    base = layer("base", 1000)
    shelf.tag("base", "12", shelf.image(base, name="base"))
    for name in ("a", "b"):
        shelf.tag(name, "1", shelf.image(base, layer(name, 10), name=name))
    publish(history, shelf.inventory())
    rows = rt.growth_between(history, NOON - DAY).bases.to_dict("records")
    # Three images have a manifest and a config of 600 bytes together.
    assert [(row["base"], row["images"], row["grown_bytes"]) for row in rows] == [
        ("", 0, 3 * 600 + 2 * 10),
        ("base:12", 2, 1000),
    ]


def test_petabytes_are_exact_too(history: History) -> None:
    """As floats they would be rounded from 2**53 on."""
    huge, shelf = 2**53 + 1, Shelf()
    shelf.tag("a", "1", shelf.image(layer("a", 5), size=0, config_size=0))
    publish(history, shelf.inventory(), taken_at=NOON - DAY)
    shelf.tag("b", "1", shelf.image(layer("b", huge), size=0, config_size=0))
    shelf.tag("a", "same", shelf.repositories["a"]["1"].digest)
    publish(history, shelf.inventory())
    found = rt.growth_between(history, NOON - DAY)
    for frame in (found.totals, found.repositories, found.tags, found.layers, found.bases):
        assert frame["grown_bytes"].max() == huge
    passed = rt.churn(history, NOON - DAY)
    for frame in (passed.totals, passed.repositories, passed.intervals):
        assert frame["came_bytes"].max() == huge
    change = rt.first_and_last(rt.bytes_over_time(history, "repository"))
    assert change["grown_bytes"].max() == huge
    assert rt.age_profile(history)["physical_bytes"].max() == huge + 5


def test_a_time_without_a_zone_is_one_in_utc(history: History) -> None:
    shelf = Shelf()
    shelf.tag("a", "1", shelf.image(layer("a", 5)))
    publish(history, shelf.inventory())
    found = rt.growth_between(history, NOON.replace(tzinfo=None), NOON.replace(tzinfo=None))
    assert found.totals["since"].item() == NOON


def test_a_shared_layer_is_shared_out_in_whole_bytes(history: History) -> None:
    shelf = Shelf()
    shelf.tag("a", "1", shelf.image(layer("old", 5), size=0, config_size=0))
    publish(history, shelf.inventory(), taken_at=NOON - DAY)
    base = layer("base", 100)
    for name in ("a", "b", "c"):
        own = shelf.image(base, layer(name, 10), name=name, size=0, config_size=0)
        shelf.tag(name, "2", own)
    publish(history, shelf.inventory())
    found = rt.growth_between(history, NOON - DAY)
    # 100 bytes to three: 34, 33, 33.
    assert list(found.repositories["grown_bytes"]) == [44, 43, 43]
    shared = found.layers.set_index("size").loc[100]
    assert (shared["repositories"], shared["tags"], shared["grown_bytes"]) == (3, 3, 100)
    assert found.totals["grown_bytes"].item() == 130


def test_tags_that_moved_and_went_are_told(history: History) -> None:
    shelf = Shelf()
    for tag in ("latest", "old"):
        own = shelf.image(layer(tag, 7), name=tag, size=0, config_size=0)
        shelf.tag("app", tag, own)
    publish(history, shelf.inventory(), taken_at=NOON - DAY)
    later = Shelf()
    own = later.image(layer("new", 9), name="new", size=0, config_size=0)
    later.tag("app", "latest", own)
    publish(history, later.inventory())
    found = rt.growth_between(history, NOON - DAY)
    rows = found.tags.set_index("tag")
    assert rows.loc["latest", "change"] == "moved"
    assert rows.loc["latest", "grown_bytes"] == 2
    assert (rows.loc["old", "change"], rows.loc["old", "grown_bytes"]) == ("removed", -7)
    (repository,) = found.repositories.to_dict("records")
    assert [repository[f"{name}_tags"] for name in ("added", "removed", "moved")] == [0, 1, 1]


def test_one_scan_has_nothing_to_be_compared_with(history: History) -> None:
    with pytest.raises(HistoryError) as caught:
        rt.growth_between(history, NOON)
    assert caught.value.code == "HISTORY_EMPTY"
    shelf = Shelf()
    shelf.tag("a", "1", shelf.image(layer("a", 5)))
    publish(history, shelf.inventory())
    found = rt.growth_between(history, NOON - DAY)
    assert found.totals["grown_bytes"].item() == 0
    assert "only one scan" in found.notes[0]


def test_what_was_not_read_makes_it_uncertain(history: History) -> None:
    shelf = Shelf()
    shelf.tag("a", "1", shelf.image(layer("a", 5)))
    publish(history, shelf.inventory(), taken_at=NOON - DAY, complete=False)
    publish(history, shelf.inventory())
    found = rt.growth_between(history, NOON - DAY)
    assert not found.totals["complete"].item()
    assert "may have been unread" in found.notes[0]


def test_the_command_says_what_the_function_says(
    regtools: Command, history: History, tmp_path: Path
) -> None:
    shelf = Shelf()
    shelf.tag("team/a", "1", shelf.image(layer("a", 5 * 10**9)))
    publish(history, shelf.inventory(), taken_at=NOON - DAY)
    shelf.tag("team/b", "1", shelf.image(layer("b", 7 * 10**9)))
    publish(history, shelf.inventory())
    since = f"{NOON - DAY:%Y-%m-%dT%H:%M:%SZ}"
    place = ("--history", tmp_path / "history", "--since", since)
    document = regtools("growth", *place, "--json").document
    names = ["totals", "repositories", "tags", "layers", "bases", "notes"]
    assert list(document) == ["schema_version", *names]
    assert document["repositories"][0]["repository"] == "team/b"
    ran = regtools("growth", *place)
    assert "7.00 GB" in ran.out
    assert "(none)" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100
    assert regtools("growth", *place, "--csv").out.startswith("registry,repository,came_bytes")
    assert regtools("growth", "--history", tmp_path / "history", "--until", since).code == 2
