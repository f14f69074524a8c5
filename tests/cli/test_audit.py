"""`regtools audit` says what its function says, and its exit code how bad it is."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.inventories import REGISTRY, Shelf, publish

from regtools.history import History
from regtools.schema import ProblemRow


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """One platform of an index is missing under six tags, with a name made to hurt."""
    folder = tmp_path / "made"
    shelf = Shelf()
    lost = shelf.image(platform="linux/\x1b[31marm64")
    top = shelf.index(shelf.image(), lost)
    for number in range(6):
        shelf.tag("app", f"v{number}", top)
    inventory = shelf.inventory()
    inventory.problems.append(
        ProblemRow(
            registry=REGISTRY, repository="app", reference=lost, code="NOT_FOUND", message="no"
        )
    )
    publish(History(folder), inventory, complete=False)
    return folder


def test_json_has_the_whole_of_it(regtools: Command, history: Path) -> None:
    ran = regtools("audit", "--history", history, "--json")
    document = ran.document
    assert ran.code == 0
    assert document["schema_version"] == 1
    assert document["complete"] is False  # nobody asked for the layers
    assert document["counts"] == {"critical": 0, "warning": 1, "info": 1}
    row = document["rows"][0]
    assert list(row) == [
        "registry",
        "repository",
        "tag",
        "digest",
        "code",
        "severity",
        "what",
        "affected",
        "bytes",
        "remedy",
        "complete",
    ]
    assert (row["code"], row["bytes"], len(row["affected"])) == ("INDEX_CHILD_MISSING", None, 6)


def test_a_terminal_shows_groups_and_obeys_no_name(regtools: Command, history: Path) -> None:
    ran = regtools("audit", "--history", history)
    assert ran.out.index("Warning") < ran.out.index("INDEX_CHILD_MISSING") < ran.out.index("Info")
    assert "and 1 more" in ran.out
    assert "\x1b[31m" not in ran.out
    assert "0 critical, 1 warning, 1 info" in ran.err


def test_csv_has_a_row_for_each_cause(regtools: Command, history: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(regtools("audit", "--history", history, "--csv").out)))
    assert [row["code"] for row in rows] == ["INDEX_CHILD_MISSING", "BLOBS_UNCHECKED"]


@pytest.mark.parametrize(
    ("threshold", "code"), [("critical", 0), ("warning", 1), ("info", 1), ("never", 0)]
)
def test_the_exit_code_is_chosen(
    regtools: Command, history: Path, threshold: str, code: int
) -> None:
    assert regtools("audit", "--history", history, "--fail-on", threshold).code == code


def test_another_registry_or_time_has_nothing(regtools: Command, history: Path) -> None:
    for option in (["--registry", "other.example.com"], ["--at", "2020-01-01"]):
        document = regtools("audit", "--history", history, "--json", *option).document
        assert document["rows"] == []
