"""Notebooks run in kernels of this interpreter; what goes wrong names the cell and the cause."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from tests.support.notebooks import write_notebook

from regtools.errors import ReportError
from regtools.reports.kernels import Kernels
from regtools.reports.notebooks import Job, Limits
from regtools.reports.run import (
    Executed,
    clean_cause,
    execute,
    failed_cell,
)
from regtools.reports.source import Source, kernel_environment

SHOW = """
import os, sys
print(x, sys.executable, os.environ.get("REGTOOLS_PASSWORD"), os.environ.get("TQDM_DISABLE"))
print("noise", file=sys.stderr)
"""
CONTROLS = """
import ipywidgets
class Spoken(ipywidgets.IntSlider):
    def _repr_mimebundle_(self, **options):
        return {**super()._repr_mimebundle_(**options), "text/html": "<p>In words.</p>"}
display(ipywidgets.IntSlider(), Spoken())
"""
NOTEBOOKS = {
    "controls": [("controls", CONTROLS)],
    "shows": [("show", SHOW)],
    "fails": [("fine", "1"), ("boom", "raise ValueError('at https://u:CANARY@h/x?sig=CANARY')")],
    "dies": [("fine", "1"), ("death", "import os; os._exit(9)"), ("after", "2")],
    "hangs": [("hang", "import time; time.sleep(600)")],
}


def run_one(folder: Path, name: str, kernels: Kernels) -> Executed | ReportError:
    source = write_notebook(folder / f"{name}.ipynb", *NOTEBOOKS[name], parameters="x = 1")
    output = folder / name
    output.mkdir()
    job = Job(name=name, notebook=source, parameters={"x": 5}, defaults={"x": 1})
    try:
        return execute(job, output, kernels, Limits(cell_seconds=4))
    except ReportError as error:
        return error


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Executed | ReportError]:
    """Run all at once: a kernel's start is the dear part."""
    folder = tmp_path_factory.mktemp("run")
    patch = pytest.MonkeyPatch()
    patch.setenv("REGTOOLS_PASSWORD", "CANARY")
    with (
        patch.context(),
        Source() as source,
        Kernels(source) as kernels,
        ThreadPoolExecutor(len(NOTEBOOKS)) as pool,
    ):
        futures = {name: pool.submit(run_one, folder, name, kernels) for name in NOTEBOOKS}
        done = {name: future.result() for name, future in futures.items()}
    patch.undo()
    return done


def test_a_notebook_runs_in_this_interpreter_with_its_parameters_and_no_secret(
    outcomes: dict[str, Executed | ReportError],
) -> None:
    executed = outcomes["shows"]
    assert isinstance(executed, Executed)
    (output,) = executed.notebook.cells[-1].outputs
    assert output.text.split() == ["5", sys.executable, "None", "1"]


def test_the_executed_notebook_holds_no_path_no_stderr_and_stable_ids(
    outcomes: dict[str, Executed | ReportError], tmp_path_factory: pytest.TempPathFactory
) -> None:
    executed = outcomes["shows"]
    assert isinstance(executed, Executed)
    text = nbformat.writes(executed.notebook)
    assert str(tmp_path_factory.getbasetemp()) not in text
    assert "noise" not in str(executed.notebook.cells[-1].outputs)
    ids = [cell.id for cell in executed.notebook.cells]
    assert ids == ["title", "parameters", "injected-parameters", "show"]


def test_a_widget_leaves_words_and_no_view_that_cannot_work(
    outcomes: dict[str, Executed | ReportError],
) -> None:
    executed = outcomes["controls"]
    assert isinstance(executed, Executed)
    assert "widgets" not in executed.notebook.metadata
    silent, spoken = executed.notebook.cells[-1].outputs
    assert list(silent.data) == ["text/plain"]
    assert "Controls" in silent.data["text/plain"]
    assert spoken.data["text/html"] == "<p>In words.</p>"
    assert "application/vnd.jupyter.widget-view+json" not in spoken.data


@pytest.mark.parametrize(
    ("name", "cell", "code", "words"),
    [
        ("fails", "boom", "CELL_FAILED", "ValueError: at https://h/x"),
        ("dies", "death", "KERNEL_DIED", "process died"),
        ("hangs", "hang", "CELL_TIMEOUT", "longer than 4 s"),
    ],
)
def test_a_failure_names_the_cell_and_the_cause(
    outcomes: dict[str, Executed | ReportError], name: str, cell: str, code: str, words: str
) -> None:
    error = outcomes[name]
    assert isinstance(error, ReportError)
    assert (error.notebook, error.cell, error.code) == (name, cell, code)
    assert words in error.summary
    assert "CANARY" not in error.summary
    assert error.remedy


def test_killed_kernels_end_a_run_at_once(tmp_path: Path) -> None:
    with Source() as source, Kernels(source) as kernels, ThreadPoolExecutor(1) as pool:
        future = pool.submit(run_one, tmp_path, "hangs", kernels)
        started = threading.Event()
        original = kernels.add

        def note(pid: int) -> None:
            original(pid)
            started.set()

        kernels.add = note  # type: ignore[method-assign]
        assert started.wait(30)
        begun = time.monotonic()
        kernels.kill()
        error = future.result(timeout=30)
    assert isinstance(error, ReportError)
    assert time.monotonic() - begun < 10


def test_a_kernel_keeps_what_it_needs_of_the_environment_and_no_credential() -> None:
    environ = {
        "PATH": "/bin",
        "AWS_SECRET_ACCESS_KEY": "storage",
        "REGTOOLS_PASSWORD": "CANARY",
        "REGTOOLS_USERNAME": "CANARY",
        "GITHUB_TOKEN": "CANARY",
        "DOCKER_AUTH_CONFIG": "CANARY",
        "MY_SECRET": "CANARY",
    }
    kept = kernel_environment(environ)
    assert "CANARY" not in kept.values()
    assert kept["PATH"] == "/bin"
    assert kept["AWS_SECRET_ACCESS_KEY"] == "storage"


def test_a_cause_is_one_short_line_without_escapes() -> None:
    cause = clean_cause("\x1b[31mred\x1b[0m\n" + "x" * 1000)
    assert cause.startswith("red x")
    assert len(cause) < 500
    assert "\n" not in cause


def test_no_cell_is_named_where_nothing_was_written(tmp_path: Path) -> None:
    assert failed_cell(tmp_path / "none.ipynb") == ""


def test_the_environment_of_this_process_is_left_alone() -> None:
    before = dict(os.environ)
    kernel_environment(os.environ)
    assert dict(os.environ) == before
