"""Bytes are counted as the definitions say, whatever shape the images have."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.inventories import (
    NOON,
    REGISTRY,
    Shelf,
    inventories,
    layer,
    publish,
)
from tests.support.oracle import Oracle, Row

from regtools.analyses.reach import ONLY_STATE, Reach
from regtools.analyses.usage import COLUMNS, counted, usage
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import DedupScope, Inventory, ProblemRow

SCOPES: tuple[DedupScope, ...] = ("registry", "namespace", "project", "repository", "unknown")
KEYS = {
    "registry": [],
    "repository": ["repository"],
    "tag": ["repository", "tag"],
    "layer": ["blob"],
}


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def only(frame: pd.DataFrame, **where: str) -> dict[str, object]:
    """Give the one row that has these values."""
    for column, value in where.items():
        frame = frame[frame[column] == value]
    (row,) = frame.to_dict("records")
    return {str(key): value for key, value in row.items()}


def agree(frame: pd.DataFrame, keys: list[str], expected: Mapping[Any, Row]) -> None:
    """Hold each row of a frame to the oracle's."""
    found = {
        tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: row
        for row in frame.to_dict("records")
    }
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert {name: found[key][name] for name in row} == row, key


REGISTRIES = st.lists(
    st.tuples(inventories(unknown_sizes=True), st.sampled_from(SCOPES)), min_size=3, max_size=6
)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=REGISTRIES)
def test_every_frame_says_what_sets_say(drawn: list[tuple[Inventory, DedupScope]]) -> None:
    """Several registries in one history: each is counted as if it were alone."""
    oracles = {}
    with tempfile.TemporaryDirectory() as folder:
        history = History(folder)
        for number, (inventory, scope) in enumerate(drawn):
            name = f"r{number}.example.com"
            publish(history, inventory, registry=name, dedup_scope=scope)
            oracles[name] = Oracle(inventory, scope)
        reach = Reach(history, {ONLY_STATE: history.latest()})
        frames = {by: counted(reach, by) for by in COLUMNS}
    for by, frame in frames.items():
        assert dict(frame.dtypes.astype(str)) == COLUMNS[by]
    for name, oracle in oracles.items():
        own = {by: frame[frame["registry"] == name] for by, frame in frames.items()}
        agree(own["repository"], ["repository"], oracle.by_repository())
        agree(own["tag"], ["repository", "tag"], oracle.by_tag())
        agree(own["layer"], ["blob"], oracle.by_layer())
        agree(own["registry"], ["registry"], {name: oracle.by_registry()})
        check_laws(own)


def check_laws(frames: dict[str, pd.DataFrame]) -> None:
    (registry,) = frames["registry"].to_dict("records")
    for by in ("registry", "repository", "tag"):
        frame = frames[by]
        assert (frame["physical_bytes"] >= 0).all()
        assert (frame["exclusive_bytes"] + frame["shared_bytes"] == frame["physical_bytes"]).all()
        assert frame["exclusive_bytes"].sum() <= registry["physical_bytes"]
    tags = frames["tag"]
    assert (tags["physical_bytes"] <= tags["logical_bytes"]).all()
    own = tags[tags["subject"] == ""]
    assert (own["pull_bytes"] <= own["logical_bytes"]).all()
    assert registry["physical_low_bytes"] <= registry["physical_high_bytes"]


def base_and_two_apps() -> Shelf:
    """Give two repositories of different teams over one base of 1,000 bytes."""
    shelf = Shelf()
    base = layer("base", 1000)
    shelf.tag("web/app", "1", shelf.image(base, layer("web", 10), name="web"))
    shelf.tag("ops/app", "1", shelf.image(base, layer("ops", 20), name="ops"))
    return shelf


def test_a_shared_base_is_stored_once_and_belongs_to_nobody_alone(history: History) -> None:
    publish(history, base_and_two_apps().inventory())
    web = only(usage(history), repository="web/app")
    assert (web["logical_bytes"], web["exclusive_bytes"], web["shared_bytes"]) == (1610, 610, 1000)
    whole = only(usage(history, by="registry"))
    assert (whole["logical_bytes"], whole["physical_bytes"]) == (1610 + 1620, 2230)
    assert (whole["exclusive_bytes"], whole["shared_bytes"]) == (1230, 1000)


@pytest.mark.parametrize(
    ("scope", "low", "high"),
    [
        ("registry", 2230, 2230),
        ("namespace", 3230, 3230),
        ("project", 3230, 3230),
        ("repository", 3230, 3230),
        ("unknown", 2230, 3230),
    ],
)
def test_the_scope_decides_how_often_a_base_is_stored(
    history: History, scope: DedupScope, low: int, high: int
) -> None:
    publish(history, base_and_two_apps().inventory(), dedup_scope=scope)
    whole = only(usage(history, by="registry"))
    assert whole["physical_low_bytes"] == low
    assert whole["physical_bytes"] == whole["physical_high_bytes"] == high
    assert whole["dedup_scope"] == scope


def test_with_an_unknown_scope_only_what_nobody_could_share_is_exclusive(history: History) -> None:
    publish(history, base_and_two_apps().inventory(), dedup_scope="unknown")
    web = only(usage(history), repository="web/app")
    assert (web["physical_bytes"], web["exclusive_bytes"]) == (1610, 610)


def test_a_second_tag_on_an_image_costs_nothing_and_takes_its_exclusiveness(
    history: History,
) -> None:
    shelf = Shelf()
    image = shelf.image(layer("app", 10))
    shelf.tag("app", "1", image)
    shelf.tag("app", "latest", image)
    publish(history, shelf.inventory())
    assert list(usage(history, by="tag")["exclusive_bytes"]) == [0, 0]
    row = only(usage(history))
    assert (row["logical_bytes"], row["physical_bytes"], row["exclusive_bytes"]) == (1220, 610, 610)


def test_a_foreign_layer_is_pulled_but_not_stored(history: History) -> None:
    shelf = Shelf()
    shelf.tag("win", "1", shelf.image(layer("windows", 5000, foreign=True), layer("app", 10)))
    publish(history, shelf.inventory())
    row = only(usage(history, by="tag"))
    assert (row["logical_bytes"], row["physical_bytes"], row["pull_bytes"]) == (5610, 610, 5610)
    assert 5000 not in set(usage(history, by="layer")["size"])


def test_a_pull_takes_linux_amd64_and_no_attestation(history: History) -> None:
    shelf = Shelf()
    arm = shelf.image(layer("arm", 7), name="arm", platform="linux/arm64")
    amd = shelf.image(layer("amd", 9), name="amd", platform="linux/amd64")
    shelf.tag("app", "both", shelf.index(arm, amd, attests=[amd]))
    shelf.tag("app", "nested", shelf.index(shelf.index(arm, amd, size=30), size=20))
    shelf.tag("app", "arm", shelf.index(arm, attests=[arm]))
    # By its name, unknown/unknown would come before windows.
    windows = shelf.image(layer("windows", 11), name="windows", platform="windows/amd64")
    shelf.tag("app", "windows", shelf.index(windows, attests=[windows]))
    publish(history, shelf.inventory())
    pulls = usage(history, by="tag").set_index("tag")["pull_bytes"].to_dict()
    assert pulls == {
        "both": 400 + 609,
        "nested": 20 + 30 + 609,
        "arm": 400 + 607,
        "windows": 400 + 611,
    }


def test_a_layer_without_a_size_makes_its_rows_incomplete(history: History) -> None:
    shelf = Shelf()
    shelf.tag("old", "1", shelf.image(layer("schema 1", None)))
    shelf.tag("new", "1", shelf.image(layer("app", 10)))
    publish(history, shelf.inventory())
    complete = usage(history).set_index("repository")["complete"].to_dict()
    assert complete == {"old": False, "new": True}
    assert not only(usage(history, by="registry"))["complete"]
    assert only(usage(history), repository="old")["physical_bytes"] == 600


def test_two_that_refer_to_each_other_both_follow_what_leads_to_them(history: History) -> None:
    shelf = Shelf()
    image = shelf.image(layer("app", 10))
    around = shelf.index(image, size=20)
    shelf.tag("app", "1", shelf.index(image))
    shelf.refer("app", image, around)
    shelf.refer("app", around, image)
    publish(history, shelf.inventory())
    frame = usage(history, by="tag").set_index("tag")
    assert list(frame["logical_bytes"]) == [400 + 610 + 20, 0, 0]
    assert set(frame["subject"].iloc[1:]) == {image, around}


def test_an_incomplete_snapshot_makes_every_row_incomplete(history: History) -> None:
    inventory = base_and_two_apps().inventory()
    inventory.problems.append(
        ProblemRow(registry=REGISTRY, repository="web/app", reference="2", code="X", message="no")
    )
    publish(history, inventory)
    for by in COLUMNS:
        assert not usage(history, by=by)["complete"].any()


def test_an_emptied_repository_is_a_row_of_zeros(history: History) -> None:
    shelf = base_and_two_apps()
    shelf.repository("empty")
    publish(history, shelf.inventory())
    row = only(usage(history), repository="empty")
    assert (row["tags"], row["physical_bytes"], row["complete"]) == (0, 0, True)
    assert only(usage(history, by="registry"))["repositories"] == 3


def test_the_newest_scan_that_covers_a_repository_speaks_for_it(history: History) -> None:
    """The whole registry, then one namespace, in which a repository is gone and one grew."""
    whole = base_and_two_apps()
    whole.tag("web/gone", "1", whole.image(layer("gone", 99), name="gone"))
    publish(history, whole.inventory(), taken_at=NOON)
    later = Shelf()
    later.tag("web/app", "2", later.image(layer("web 2", 30)))
    publish(history, later.inventory(), namespace="web", taken_at=NOON + timedelta(hours=1))
    frame = usage(history, by="tag")
    assert sorted(zip(frame["repository"], frame["tag"], strict=True)) == [
        ("ops/app", "1"),
        ("web/app", "2"),
    ]


def test_a_later_scan_of_everything_replaces_an_older_one_of_a_namespace(history: History) -> None:
    old = Shelf()
    old.tag("web/app", "0", old.image(layer("old", 1)))
    publish(history, old.inventory(), namespace="web", taken_at=NOON)
    publish(history, base_and_two_apps().inventory(), taken_at=NOON + timedelta(hours=1))
    assert set(usage(history, by="tag")["tag"]) == {"1"}
    assert only(usage(history, by="registry"))["taken_at"] == NOON + timedelta(hours=1)


def test_a_namespace_is_no_prefix_of_a_name(history: History) -> None:
    whole = Shelf()
    whole.tag("website/app", "1", whole.image(layer("site", 1)))
    publish(history, whole.inventory(), taken_at=NOON)
    part = Shelf()
    part.tag("web", "1", part.image(layer("web", 2)))
    publish(history, part.inventory(), namespace="web", taken_at=NOON + timedelta(hours=1))
    assert set(usage(history)["repository"]) == {"website/app", "web"}


def test_registries_do_not_share(history: History) -> None:
    other = "other.example.com"
    publish(history, base_and_two_apps().inventory())
    twin = base_and_two_apps()
    shelf = Shelf(registry=other, manifests=twin.manifests, layers=twin.layers)
    for name, tags in twin.repositories.items():
        for tag in tags.values():
            shelf.tag(name, tag.tag, tag.digest)
    publish(history, shelf.inventory(), registry=other)
    frame = usage(history, by="registry")
    assert list(frame["registry"]) == [other, REGISTRY]
    assert list(frame["physical_bytes"]) == [2230, 2230]
    assert list(usage(history, by="registry", registry=other)["registry"]) == [other]


def test_at_looks_back(history: History) -> None:
    publish(history, base_and_two_apps().inventory(), taken_at=NOON)
    publish(history, Shelf().inventory(), taken_at=NOON + timedelta(days=1))
    assert len(usage(history)) == 0
    assert len(usage(history, at=NOON + timedelta(hours=1))) == 2
    assert only(usage(history, by="registry"))["physical_bytes"] == 0


def test_given_snapshots_are_taken_instead_of_the_newest(history: History) -> None:
    first = publish(history, base_and_two_apps().inventory(), taken_at=NOON)
    publish(history, Shelf().inventory(), taken_at=NOON + timedelta(days=1))
    assert len(usage(history, snapshots=[first])) == 2


def test_an_image_dated_when_none_could_be_made_has_no_date(history: History) -> None:
    shelf = Shelf()
    for name, made in (("epoch", NOON.replace(year=1970)), ("future", NOON.replace(year=2030))):
        shelf.tag("app", name, shelf.image(name=name, created_at=made))
    shelf.tag("app", "fine", shelf.image(name="fine", created_at=NOON - timedelta(days=1)))
    publish(history, shelf.inventory())
    dates = usage(history, by="tag").set_index("tag")["created_at"]
    assert dates["fine"] == NOON - timedelta(days=1)
    assert pd.isna(dates["epoch"])
    assert pd.isna(dates["future"])


@pytest.mark.parametrize("by", COLUMNS)
def test_an_empty_history_gives_a_typed_empty_frame(history: History, by: str) -> None:
    frame = usage(history, by=by)
    assert frame.empty
    assert dict(frame.dtypes.astype(str)) == COLUMNS[by]


def test_the_largest_comes_first_then_names(history: History) -> None:
    shelf = Shelf()
    for name, size in (("b", 5), ("a", 5), ("c", 50)):
        shelf.tag(name, "1", shelf.image(layer(name, size), name=name))
    publish(history, shelf.inventory())
    assert list(usage(history)["repository"]) == ["c", "a", "b"]


def test_a_layer_says_where_it_is_found(history: History) -> None:
    publish(history, base_and_two_apps().inventory())
    row = only(usage(history, by="layer").head(1))
    assert (row["size"], row["repositories"], row["tags"], row["found_in"]) == (
        1000,
        2,
        2,
        "ops/app",
    )


def test_a_location_will_do_for_a_history(tmp_path: Path) -> None:
    publish(History(tmp_path), base_and_two_apps().inventory())
    assert len(usage(str(tmp_path))) == 2


def test_an_unknown_kind_of_row_is_refused(history: History) -> None:
    with pytest.raises(ConfigError, match="by 'team'") as caught:
        usage(history, by="team")
    assert caught.value.code == "USAGE_BY_UNKNOWN"
