from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
from tests.support.command import Command

from regtools.cli.output import Format, fail, plain, print_rows, printable, records
from regtools.errors import ConfigError

ROWS = [
    {"repository": "a/b", "physical_bytes": 1_500_000, "complete": True, "at": None},
    {"repository": "=cmd()", "physical_bytes": None, "complete": False, "at": None},
]


def test_json_is_one_document_with_a_version(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, Format.JSON, columns=("repository",))
    document = json.loads(capsys.readouterr().out)
    assert document == {"schema_version": 1, "rows": ROWS}


def test_csv_holds_every_column_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, Format.CSV, columns=("repository",))
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == {
        "repository": "a/b",
        "physical_bytes": "1500000",
        "complete": "true",
        "at": "",
    }
    assert rows[1]["repository"] == "'=cmd()"


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 400
    print_rows([{"repository": long}], Format.TABLE, columns=("repository",))
    assert long in capsys.readouterr().out


def test_a_name_cannot_style_or_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"repository": "[red]x[/]\x1b[2J"}], Format.TABLE, columns=("repository",))
    out = capsys.readouterr().out
    assert "[red]x[/]�[2J" in out
    assert "\x1b" not in out


def test_an_error_shows_its_code_and_its_remedy_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(ConfigError("Bad \x1b[31mthing.", code="SOME_CODE", remedy="Do [this]."))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: Bad �[31mthing. [SOME_CODE]\n  → Do [this].\n"


def test_missing_values_of_every_kind_are_null() -> None:
    frame = pd.DataFrame(
        {
            "a": pd.array([1, None], dtype="Int64"),
            "b": [1.5, float("nan")],
            "c": [pd.Timestamp("2026-11-23T01:02:03Z"), pd.NaT],
            "d": ["x", None],
            "e": [Decimal("1.25"), None],
            "f": [np.bool_(True), None],
        }
    )
    first, second = records(frame)
    assert first == {
        "a": 1,
        "b": 1.5,
        "c": "2026-11-23T01:02:03Z",
        "d": "x",
        "e": 1.25,
        "f": True,
    }
    assert set(second.values()) == {None}


def test_plain_goes_into_lists_and_mappings() -> None:
    value = {"when": [datetime(2026, 1, 2, tzinfo=UTC)], "n": (np.int64(3),)}
    assert plain(value) == {"when": ["2026-01-02T00:00:00Z"], "n": [3]}


def test_printable_keeps_letters_of_every_script() -> None:
    assert printable("Größe 倉庫\n\t\x07") == "Größe 倉庫\n\t�"


def test_the_version_is_told(regtools: Command) -> None:
    ran = regtools("--version")
    assert (ran.code, ran.out) == (0, f"regtools {version('regtools')}\n")


@pytest.mark.parametrize("module", ["regtools.walk", "regtools.cli.app", "regtools.cli.diagnose"])
def test_what_takes_long_to_load_is_loaded_by_who_needs_it(module: str) -> None:
    slow = "{'pandas', 'pyarrow', 'duckdb', 'matplotlib', 'scipy'}"
    code = f"import sys, {module}; found = {slow} & set(sys.modules); assert not found, found"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
