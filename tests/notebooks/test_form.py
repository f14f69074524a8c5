"""The form of the notebooks: one rule a test."""

from __future__ import annotations

import ast
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

import regtools
from regtools.reports import REPORTS
from regtools.reports.notebooks import notebook_path

NAMES = sorted(REPORTS)
LINES = 6
CODE_CELLS = 19


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(notebook_path(request.param).read_text())
    return document


def code_of(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (cell["id"], "".join(cell["source"]))
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def work_of(notebook: dict[str, Any]) -> list[tuple[str, str]]:
    """Every code cell but the parameters."""
    return [(name, source) for name, source in code_of(notebook) if name != "parameters"]


def test_the_title_asks_the_question_and_the_second_cell_says_how_to_read(
    notebook: dict[str, Any],
) -> None:
    title, how = notebook["cells"][:2]
    assert [title["id"], how["id"]] == ["title", "how-to-read"]
    assert re.fullmatch(r"# .+\?", "".join(title["source"]))
    assert 1 <= len(how["source"]) <= 3


def test_there_is_one_first_heading(notebook: dict[str, Any]) -> None:
    prose = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown"]
    assert sum(len(re.findall(r"^# ", text, re.MULTILINE)) for text in prose) == 1


def test_the_third_cell_is_the_only_one_with_parameters(notebook: dict[str, Any]) -> None:
    tagged = [
        cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])
    ]
    assert tagged == [notebook["cells"][2]]
    assert tagged[0]["id"] == "parameters"


def test_parameters_are_plain_assignments(notebook: dict[str, Any]) -> None:
    source = dict(code_of(notebook))["parameters"]
    for statement in ast.parse(source).body:
        assert isinstance(statement, ast.Assign)
        assert isinstance(statement.value, ast.Constant)
    # papermill reads these lines with a pattern that a second "=" or a "#" in a text breaks.
    assert all(line.count("=") == 1 for line in source.splitlines())


def test_every_notebook_takes_the_same_three_places(notebook: dict[str, Any]) -> None:
    lines = dict(code_of(notebook))["parameters"].splitlines()
    assert [line.split(" = ")[0] for line in lines[:3]] == ["history", "registry", "at"]


def test_cells_are_few_and_short(notebook: dict[str, Any]) -> None:
    code = work_of(notebook)
    assert len(code) <= CODE_CELLS
    assert all(len(source.strip().splitlines()) <= LINES for _, source in code)


def test_cells_only_call(notebook: dict[str, Any]) -> None:
    allowed = (ast.Import, ast.Assign, ast.Expr)
    for name, source in work_of(notebook):
        body = ast.parse(source).body
        assert all(isinstance(statement, allowed) for statement in body), name
        logic = (ast.IfExp, ast.BoolOp, ast.Compare, ast.BinOp, ast.Lambda, ast.ListComp)
        assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, logic)], name


def test_only_regtools_is_imported_and_only_once(notebook: dict[str, Any]) -> None:
    source = "\n".join(text for _, text in code_of(notebook))
    imports = [line for line in source.splitlines() if "import" in line]
    assert imports == ["import regtools as rt"]


def test_every_name_called_is_public(notebook: dict[str, Any]) -> None:
    source = "\n".join(text for _, text in code_of(notebook))
    assert set(re.findall(r"\brt\.(\w+)", source)) <= set(regtools.__all__)


def test_findings_come_first_and_provenance_last(notebook: dict[str, Any]) -> None:
    names = [name for name, _ in work_of(notebook)]
    assert names[:2] == ["load", "findings"]
    assert names[-2:] == ["problems", "provenance"]


def test_prose_stands_before_each_picture(notebook: dict[str, Any]) -> None:
    cells = notebook["cells"]
    for before, cell in itertools.pairwise(cells):
        if cell["id"].endswith("-plot"):
            assert before["cell_type"] == "markdown"
            assert "".join(before["source"]).startswith("## ")


def test_ids_are_unique_short_words(notebook: dict[str, Any]) -> None:
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]{1,30}", name) for name in ids)


def test_a_notebook_is_stored_without_results(notebook: dict[str, Any]) -> None:
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_the_wheel_takes_every_notebook() -> None:
    project = (Path(regtools.__file__).parents[2] / "pyproject.toml").read_text()
    for name in NAMES:
        assert f'"notebooks/{notebook_path(name).name}" = "regtools/_notebooks/' in project
