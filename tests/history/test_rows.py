"""Rows as Arrow tables: types come from the classes, nothing is lost on the way."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.inventories import NOON, REGISTRY, digest

from regtools.history.rows import (
    file_schema,
    row_schema,
    to_rows,
    to_table,
    unique,
    with_snapshot,
)
from regtools.schema import TABLES, LayerRow, ManifestRow, ProblemRow, TagRow


def test_times_are_microseconds_in_utc() -> None:
    assert row_schema("snapshots").field("taken_at").type == pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize(
    ("table", "column", "kind", "may_be_empty"),
    [
        ("layers", "size", pa.int64(), True),
        ("layers", "foreign", pa.bool_(), False),
        ("manifests", "size", pa.int64(), False),
        ("manifests", "platform", pa.string(), True),
        ("checks", "ms", pa.float64(), True),
        ("tags", "pushed_at", pa.timestamp("us", tz="UTC"), True),
    ],
)
def test_a_column_has_the_type_its_class_gives_it(
    table: str, column: str, kind: pa.DataType, may_be_empty: bool
) -> None:
    assert row_schema(table).field(column) == pa.field(column, kind, nullable=may_be_empty)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_on_disk_begins_with_its_snapshot(table: str) -> None:
    assert file_schema(table).names[0] == "snapshot"
    assert file_schema(table).names.count("snapshot") == 1


def test_a_column_of_nothing_but_empty_values_keeps_its_type() -> None:
    row = TagRow(registry=REGISTRY, repository="a", tag="1", digest=digest("x"))
    assert to_table("tags", [row]).schema == row_schema("tags")


@given(st.text(), st.integers(0, 2**63 - 1), st.none() | st.text())
def test_what_goes_in_comes_out(text: str, size: int, platform: str | None) -> None:
    row = ManifestRow(
        digest="sha256:x", media_type=text, size=size, platform=platform, created_at=NOON
    )
    assert to_rows("manifests", to_table("manifests", [row])) == [row]


def test_half_a_surrogate_pair_does_not_lose_the_scan() -> None:
    row = ProblemRow(registry=REGISTRY, repository="a", reference="", code="X", message="\ud800!")
    assert to_rows("problems", to_table("problems", [row, row])) == [replace(row, message="?!")] * 2


def test_the_snapshot_can_be_put_in_front_and_changed() -> None:
    table = to_table("tags", [TagRow(registry=REGISTRY, repository="a", tag="1", digest="d")])
    first = with_snapshot("tags", table, "one")
    assert first.schema == file_schema("tags")
    assert with_snapshot("tags", first, "two")["snapshot"].to_pylist() == ["two"]


def test_a_layer_listed_twice_in_a_manifest_has_two_rows_and_a_repeated_row_has_one() -> None:
    rows = [
        LayerRow(manifest="m", position=position, blob="b", size=1, media_type="t", foreign=False)
        for position in (0, 1, 0)
    ]
    assert to_rows("layers", unique("layers", to_table("layers", rows))) == rows[:2]


def test_of_two_rows_about_the_same_manifest_the_first_stays() -> None:
    rows = [
        ManifestRow(digest=d, media_type=t, size=1) for d, t in (("b", "1"), ("a", "2"), ("b", "3"))
    ]
    assert to_rows("manifests", unique("manifests", to_table("manifests", rows))) == rows[:2]
