"""Bytes by namespace and by platform are what sets say, and explain the registry's bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.inventories import Shelf, fresh_history, layer, publish
from tests.support.oracle import Row
from tests.support.oracle_sharing import SharingOracle
from tests.support.varied import varied_shelves

from regtools.analyses.usage import usage
from regtools.history import History
from regtools.schema import DedupScope

SCOPES: tuple[DedupScope, ...] = ("registry", "namespace", "project", "repository", "unknown")


def agree(frame: pd.DataFrame, key: str, expected: Mapping[str, Row]) -> None:
    """Hold each row of a frame to the oracle's."""
    found = {row[key]: row for row in frame.to_dict("records")}
    assert found.keys() == expected.keys()
    for name, row in expected.items():
        assert {column: found[name][column] for column in row} == row, name


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(shelf=varied_shelves(), scope=st.sampled_from(SCOPES))
def test_every_byte_is_somebodys_as_sets_say(shelf: Shelf, scope: DedupScope) -> None:
    inventory = shelf.inventory()
    oracle = SharingOracle(inventory, scope)
    with fresh_history() as history:
        publish(history, inventory, dedup_scope=scope)
        whole = usage(history, by="registry").iloc[0]
        namespaces, platforms = usage(history, by="namespace"), usage(history, by="platform")
    agree(namespaces, "namespace", oracle.by_namespace())
    agree(platforms, "platform", oracle.by_platform())
    for frame in (namespaces, platforms):
        assert frame["exclusive_bytes"].sum() <= whole["physical_low_bytes"]
        assert frame["physical_low_bytes"].sum() >= whole["physical_low_bytes"]
        assert (frame["physical_low_bytes"] <= frame["physical_high_bytes"]).all()
    assert namespaces["logical_bytes"].sum() == whole["logical_bytes"]
    assert namespaces["tags"].sum() == whole["tags"]
    # What is nobody's alone, each once, is all that is left of the registry.
    shared = oracle.shared_by_platforms()
    assert platforms["exclusive_bytes"].sum() + shared == whole["physical_low_bytes"]


@pytest.fixture
def history(tmp_path: Any) -> History:
    return History(tmp_path / "history")


def rows(history: History, by: str) -> dict[str, dict[str, Any]]:
    return {str(row[by]): row for row in usage(history, by=by).to_dict("records")}


def two_platforms() -> Shelf:
    """Give an index of two images over one layer, with an attestation and two signatures."""
    shelf = Shelf()
    base = layer("base", 1000)
    amd = shelf.image(base, layer("amd", 10), name="amd")
    arm = shelf.image(base, layer("arm", 20), name="arm", platform="linux/arm64")
    index = shelf.index(amd, arm, attests=[amd])
    shelf.tag("team/app", "1", index)
    shelf.refer("team/app", amd, shelf.artifact(layer("sig", 7), subject=amd), ".sig")
    shelf.refer("team/app", index, shelf.artifact(layer("sig of index", 9)), ".sig")
    return shelf


def test_what_is_about_an_image_counts_with_its_platform(history: History) -> None:
    publish(history, two_platforms().inventory())
    found = rows(history, "platform")
    attestation, signature = 500 + 100 + 50, 300 + 2 + 7
    assert found["linux/amd64"]["exclusive_bytes"] == 610 + attestation + signature
    assert found["linux/arm64"]["exclusive_bytes"] == 620
    assert found["linux/arm64"]["shared_bytes"] == 1000
    assert found["index"]["physical_bytes"] == 400
    assert found["artifact"]["physical_bytes"] == 300 + 2 + 9
    assert {name: row["images"] for name, row in found.items()} == dict.fromkeys(found, 1)


def test_a_pull_moves_an_image_and_nothing_about_it(history: History) -> None:
    publish(history, two_platforms().inventory())
    found = rows(history, "platform")
    assert found["linux/amd64"]["pull_bytes"] == 1610
    assert found["linux/arm64"]["pull_bytes"] == 1620
    assert found["index"]["pull_bytes"] == 400


def test_an_image_under_two_tags_is_pulled_once(history: History) -> None:
    shelf = Shelf()
    image = shelf.image(layer("windows", 5000, foreign=True), layer("app", 10))
    shelf.tag("a", "1", image)
    shelf.tag("b", "latest", image)
    publish(history, shelf.inventory())
    row = rows(history, "platform")["linux/amd64"]
    assert (row["images"], row["tags"], row["pull_bytes"]) == (1, 2, 5610)
    assert (row["logical_bytes"], row["physical_bytes"], row["foreign_bytes"]) == (11220, 610, 5000)


def test_one_part_names_have_no_namespace(history: History) -> None:
    shelf = Shelf()
    base = layer("base", 1000)
    shelf.tag("solo", "1", shelf.image(base, name="solo"))
    shelf.tag("team/a", "1", shelf.image(base, layer("a", 5), name="a"))
    shelf.tag("team/b/deep", "1", shelf.image(layer("b", 6), name="b"))
    publish(history, shelf.inventory())
    found = rows(history, "namespace")
    assert set(found) == {"", "team"}
    assert (found["team"]["repositories"], found["team"]["exclusive_bytes"]) == (2, 1211)
    assert (found[""]["physical_bytes"], found[""]["shared_bytes"]) == (1600, 1000)


def test_with_an_unknown_scope_a_namespace_has_bounds(history: History) -> None:
    shelf = Shelf()
    for name in ("team/a", "team/b"):
        shelf.tag(name, "1", shelf.image(layer("base", 1000), name=name))
    publish(history, shelf.inventory(), dedup_scope="unknown")
    row = rows(history, "namespace")["team"]
    assert (row["physical_low_bytes"], row["physical_high_bytes"]) == (2200, 3200)
    assert (row["physical_bytes"], row["exclusive_bytes"]) == (3200, 2200)
