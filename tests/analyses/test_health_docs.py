"""docs/health.md has every finding and every threshold, as the code has them."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from regtools.analyses import examinations
from regtools.thresholds import Thresholds
from regtools.units import parse_bytes

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "health.md").read_text()
LIMITS = {field.name: getattr(Thresholds(), field.name) for field in dataclasses.fields(Thresholds)}


def cells(title: str) -> list[list[str]]:
    """Give the rows of the table under a title."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def said() -> Iterator[str]:
    """Give each code that an examination may say by itself."""
    folder = Path(str(examinations.__file__)).parent
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "finding":
                for leaf in ast.walk(node.value):
                    if isinstance(leaf, ast.Constant) and str(leaf.value).isupper():
                        yield str(leaf.value)


def test_every_finding_is_explained_and_none_that_is_not_there() -> None:
    rows = cells("Findings")
    listed = [code for row in rows for cell in (row[0], row[4]) for code in quoted(cell)]
    assert set(listed) == set(said())
    assert len(set(listed)) > 40


def test_every_finding_names_thresholds_that_there_are() -> None:
    named = [key for row in cells("Findings") for key in quoted(row[3])]
    assert set(named) == set(LIMITS)


def test_every_threshold_stands_there_with_its_default() -> None:
    rows = {quoted(row[0])[0]: row[1] for row in cells("Thresholds")}
    assert list(rows) == list(LIMITS)
    for name, text in rows.items():
        default = LIMITS[name]
        if isinstance(default, tuple):
            assert tuple(quoted(text)) == default
        elif default is None:
            assert text == ""
        elif name.endswith("_bytes"):
            assert parse_bytes(text) == default
        else:
            assert float(text) == default
