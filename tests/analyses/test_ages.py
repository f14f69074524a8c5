"""How old tags and bytes are is what sets say, and every byte has one age."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.command import Command
from tests.support.inventories import NOON, Layer, Shelf, fresh_history, layer, publish
from tests.support.oracle_sharing import SharingOracle
from tests.support.varied import varied_shelves

import regtools as rt
from regtools.analyses.ages import AGES, UNDATED
from regtools.analyses.reach import EARLIEST_IMAGE
from regtools.history import History
from regtools.schema import DedupScope

SCOPES: tuple[DedupScope, ...] = ("registry", "namespace", "repository", "unknown")
COUNTED = ("tags", "logical_bytes", "physical_bytes")
WORDS = [*(word for word, _ in AGES), UNDATED]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def age(made_at: datetime | None) -> int:
    """Number the ages; whose date nobody knows may be the youngest."""
    if made_at is None:
        return -1
    days = (NOON - made_at).days
    limits = [limit for _, limit in AGES]
    return next(number for number, limit in enumerate(limits) if limit is None or days < limit)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(shelf=varied_shelves(), scope=st.sampled_from(SCOPES), days=st.integers(0, 4000))
def test_tags_and_bytes_are_as_old_as_sets_say(shelf: Shelf, scope: DedupScope, days: int) -> None:
    younger = dict(zip(shelf.manifests, count(days, 29), strict=False))
    for name, row in shelf.manifests.items():
        if row.created_at is not None and row.created_at.second % 2:
            made_at = NOON - timedelta(days=younger[name] % 800)
            shelf.manifests[name] = replace(row, created_at=made_at)
    oracle = SharingOracle(shelf.inventory(), scope)
    with fresh_history() as history:
        publish(history, shelf.inventory(), dedup_scope=scope)
        found = rt.age_profile(history, at=NOON)
        whole = rt.usage(history, by="registry").iloc[0]
    expected = oracle.by_age(EARLIEST_IMAGE, NOON, age)
    assert list(found["age"]) == WORDS
    for number, row in zip([*range(len(AGES)), -1], found.to_dict("records"), strict=True):
        wanted = {name: expected.get(number, {}).get(name, 0) for name in COUNTED}
        assert {name: row[name] for name in COUNTED} == wanted
    for column in ("logical_bytes", "physical_bytes"):
        assert found[column].sum() == whole[column]
    assert (found["complete"] == whole["complete"]).all()


def test_an_index_is_as_old_as_its_newest_image(history: History) -> None:
    shelf = Shelf()
    both = [
        shelf.image(layer(name, 1), created_at=NOON - timedelta(days=days))
        for name, days in (("arm", 400), ("amd", 3))
    ]
    shelf.tag("app", "index", shelf.index(*both))
    publish(history, shelf.inventory())
    assert list(rt.age_profile(history, at=NOON)["tags"]) == [1, 0, 0, 0, 0, 0]


def test_a_layer_is_as_young_as_the_youngest_image_that_uses_it(history: History) -> None:
    base, shelf = layer("base", 1000), Shelf()
    for name, days in (("old", 500), ("older", 900), ("new", 1)):
        layers: tuple[Layer, ...] = (
            (base, layer(name, 10)) if name != "older" else (layer(name, 10),)
        )
        made_at = NOON - timedelta(days=days)
        shelf.tag("app", name, shelf.image(*layers, size=0, config_size=0, created_at=made_at))
    publish(history, shelf.inventory())
    found = rt.age_profile(history, at=NOON).set_index("age")["physical_bytes"]
    assert (found["under a week"], found["over a year"]) == (1010, 20)


@pytest.mark.parametrize(
    "date", [None, datetime(1970, 1, 1, tzinfo=UTC), datetime(1980, 1, 1, tzinfo=UTC)]
)
def test_a_date_that_nobody_can_believe_stands_apart(
    history: History, date: datetime | None
) -> None:
    base, shelf = layer("base", 1000), Shelf()
    for name, made_at in (("undated", date), ("old", NOON - timedelta(days=500))):
        image = shelf.image(base, name=name, size=0, config_size=0, created_at=made_at)
        shelf.tag("app", name, image)
    publish(history, shelf.inventory())
    found = rt.age_profile(history, at=NOON).set_index("age")
    assert (found.loc[UNDATED, "tags"], found.loc["over a year", "tags"]) == (1, 1)
    # It may be young: without the old image nothing would go.
    assert found.loc[UNDATED, "physical_bytes"] == 1000


def test_nothing_scanned_has_no_age(history: History) -> None:
    assert rt.age_profile(history).empty
    publish(history, Shelf().inventory())
    assert rt.age_profile(history)["tags"].sum() == 0


def test_ages_count_from_now_unless_told_otherwise(history: History) -> None:
    shelf = Shelf()
    shelf.tag("app", "1", shelf.image(layer("a", 1), created_at=datetime(2015, 1, 1, tzinfo=UTC)))
    publish(history, shelf.inventory(), taken_at=datetime(2015, 1, 2, tzinfo=UTC))
    then = datetime(2015, 1, 2, 12)  # noqa: DTZ001 - without a zone it is UTC
    assert rt.age_profile(history, at=then)["tags"].tolist() == [1, 0, 0, 0, 0, 0]
    assert rt.age_profile(history)["tags"].tolist() == [0, 0, 0, 0, 1, 0]


def test_the_command_says_what_the_function_says(
    regtools: Command, history: History, tmp_path: Path
) -> None:
    shelf = Shelf()
    shelf.tag("app", "1", shelf.image(layer("a", 5 * 10**9), created_at=NOON - timedelta(days=2)))
    publish(history, shelf.inventory())
    place = ("growth", "--show", "ages", "--history", tmp_path / "history")
    rows = regtools(*place, "--until", "2026-11-23", "--json").document["rows"]
    assert [row["tags"] for row in rows] == [1, 0, 0, 0, 0, 0]
    assert "5.00 GB" in regtools(*place).out
    assert regtools(*place, "--since", "2026-11-01").code == 2
