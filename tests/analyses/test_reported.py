"""Numbers that others tell, beside those that we compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.inventories import REGISTRY, Shelf, layer, publish

from regtools.analyses.reconcile import reconcile
from regtools.analyses.reported import parse_reported
from regtools.errors import ConfigError, HistoryError
from regtools.history import History
from regtools.schema import ReportedRow

IMAGE = 600
"""Bytes of an image's manifest and config on the shelf."""


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def shelf() -> Shelf:
    """Give two repositories of one team over a shared base, and one with an untagged image."""
    shelf = Shelf()
    base, windows = layer("base", 10_000), layer("windows", 70_000, foreign=True)
    shelf.tag("team/a", "1", shelf.image(base, layer("a", 11), windows, name="a"))
    shelf.tag("team/b", "1", shelf.image(base, layer("b", 13), name="b"))
    shelf.tag("team/b", "2", shelf.image(base, layer("b2", 17), name="b2"))
    shelf.hold("team/b", shelf.image(layer("loose", 5_000), name="loose"))
    shelf.tag("other", "1", shelf.image(base, name="other"))
    return shelf


TEAM = 10_000 + 11 + 13 + 17 + 3 * IMAGE
LOOSE = 5_000 + IMAGE


def row_for(history: History, *reported: str) -> dict[str, Any]:
    (row,) = reconcile(history=history, reported=reported).reported.to_dict("records")
    assert row["reported_bytes"] == row["computed_bytes"] + row["difference_bytes"]
    named = ("untagged_bytes", "shared_bytes", "foreign_bytes", "uncollected_bytes")
    assert row["difference_bytes"] == sum(row[name] for name in named) + row["unknown_bytes"]
    return row


@pytest.mark.parametrize(
    ("size", "column", "difference", "words"),
    [
        (TEAM + LOOSE, "unknown_bytes", 0, "each blob once: the same"),
        (TEAM, "untagged_bytes", -LOOSE, "without manifests that have no tag"),
        (TEAM + LOOSE + 70_000, "foreign_bytes", 70_000, "with layers that are stored elsewhere"),
        (
            TEAM + LOOSE + 10_000,
            "shared_bytes",
            10_000,
            "with shared layers counted in each repository",
        ),
        (
            TEAM + LOOSE + 20_000,
            "shared_bytes",
            20_000,
            "with every image counted by itself",
        ),
        (
            TEAM + 20_000,
            "untagged_bytes",
            -LOOSE,
            "without manifests that have no tag, with every image counted by itself",
        ),
        (TEAM + LOOSE - 10_000, "shared_bytes", -10_000, "without what others have too"),
        (
            TEAM + LOOSE + 123,
            "unknown_bytes",
            123,
            "more than anything here explains: what no scan sees, such as untagged manifests",
        ),
    ],
    ids=[
        "equal",
        "tagged",
        "foreign",
        "repositories",
        "images",
        "images of tags",
        "alone",
        "unknown",
    ],
)
def test_a_difference_is_named_where_it_is_exactly_one(
    history: History, size: int, column: str, difference: int, words: str
) -> None:
    publish(history, shelf().inventory())
    row = row_for(history, f"team={size}")
    assert row["computed_bytes"] == TEAM + LOOSE
    assert (row[column], row["explanation"]) == (difference, words)


def test_a_rounded_number_is_taken_as_one(history: History) -> None:
    publish(history, shelf().inventory())
    assert row_for(history, "team=17.4kB")["explanation"] == "each blob once: the same"
    assert row_for(history, "team=17.3kB")["explanation"].startswith("less than")


def test_a_vendors_own_numbers_come_from_the_history(history: History) -> None:
    full = shelf()
    full.report("team/b", 10_000 + 13 + 17 + 2 * IMAGE, limit=50_000)
    inventory = full.inventory()
    inventory.reported.append(
        ReportedRow(
            registry=REGISTRY,
            scope="project",
            name="team",
            kind="quota_used",
            bytes=TEAM + LOOSE,
            source="GET /api/v2.0/quotas",
        )
    )
    publish(history, inventory, dedup_scope="project")
    found = reconcile(history=history)
    rows = {row["name"]: row for row in found.reported.to_dict("records")}
    assert rows["team/b"]["limit_bytes"] == 50_000
    assert rows["team/b"]["untagged_bytes"] == -LOOSE
    assert rows["team"]["difference_bytes"] == 0
    assert rows["team"]["source"] == "GET /api/v2.0/quotas"
    assert found.complete
    assert not found.is_damaged


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("193GB", ("", 193 * 10**9, 500_000_000)),
        ("team=12GiB", ("team", 12 * 2**30, 2**29)),
        ("team/app=1.25 kB", ("team/app", 1250, 5)),
        ("1024", ("", 1024, 0)),
        ("0", ("", 0, 0)),
    ],
)
def test_what_is_typed_is_as_exact_as_its_last_digit(
    text: str, expected: tuple[str, int, int]
) -> None:
    assert parse_reported(text) == expected


@pytest.mark.parametrize("text", ["", "team=", "much", "team=much"])
def test_what_is_no_size_is_refused(history: History, text: str) -> None:
    publish(history, shelf().inventory())
    with pytest.raises(ConfigError):
        reconcile(history=history, reported=[text])


def test_there_must_be_something_to_compare(history: History) -> None:
    with pytest.raises(ConfigError) as caught:
        reconcile()
    assert caught.value.code == "RECONCILE_NOTHING"
    with pytest.raises(HistoryError) as empty:
        reconcile(history=history, reported=["1GB"])
    assert empty.value.code == "HISTORY_EMPTY"


def test_one_registry_is_meant(history: History) -> None:
    publish(history, shelf().inventory())
    publish(history, Shelf(registry="b.example.com").inventory(), registry="b.example.com")
    with pytest.raises(ConfigError) as caught:
        reconcile(history=history, reported=["1GB"])
    assert caught.value.code == "REGISTRY_AMBIGUOUS"
    assert len(reconcile(history=history, registry=REGISTRY, reported=["1GB"]).reported) == 1
