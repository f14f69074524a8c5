"""`report` from the names to the pages; the good ones stay when another fails."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.notebooks import write_good_notebook, write_notebook

from regtools.errors import ConfigError, ReportError
from regtools.reports import REPORTS, notebooks, report
from regtools.reports.publish import locked

NOW = datetime(2026, 11, 23, 10, 20, 30, tzinfo=UTC)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of notebooks in place of the real ones: one good, two bad."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    write_good_notebook(folder / "health.ipynb")
    write_notebook(folder / "storage_growth.ipynb", ("boom", "1 / 0"), parameters='history = ""')
    write_notebook(folder / "cost_comparison.ipynb", ("bang", "import os; os._exit(1)"))
    monkeypatch.setattr(notebooks, "_FOLDERS", (folder,))
    return folder


def files_of(output: Path) -> list[str]:
    return sorted(path.relative_to(output).as_posix() for path in output.rglob("*"))


def test_the_good_report_is_published_and_the_failed_ones_are_named(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGTOOLS_PASSWORD", "CANARY-4711")
    output = tmp_path / "reports"
    lines: list[str] = []
    with pytest.raises(ReportError) as caught:
        report("all", output=output, parameters={"size": "4200"}, now=NOW, progress=lines.append)
    assert caught.value.notebook == "storage-growth, cost-comparison"
    assert caught.value.cell == "boom, bang"
    assert "ZeroDivisionError: division by zero" in caught.value.summary
    assert lines[:2] == ["storage-growth: failed", "cost-comparison: failed"]
    assert lines[2].startswith("health: ")
    said = json.loads((output / "health" / "latest" / "report.json").read_text())
    assert said["key_numbers"] == {"physical_bytes": 4200}
    assert said["findings"][0]["summary"].startswith("<script>")
    assert "health/20261123T102030Z/index.html" in (output / "index.html").read_text()
    assert not (output / "storage-growth").exists()
    assert not list(output.glob(".staging*"))
    written = b"".join(path.read_bytes() for path in output.rglob("*") if path.is_file())
    assert b"CANARY-4711" not in written
    assert b"<script>alert" not in (output / "health" / "latest" / "index.html").read_bytes()
    assert str(tmp_path).encode() not in written


def test_a_failure_leaves_the_newest_good_report_as_it_was(shelf: Path, tmp_path: Path) -> None:
    output = tmp_path / "reports"
    good = output / "storage-growth" / "20261101T000000Z"
    good.mkdir(parents=True)
    (output / "storage-growth" / "latest").symlink_to(good.name)
    with pytest.raises(ReportError):
        report("storage-growth", output=output, now=NOW)
    assert str((output / "storage-growth" / "latest").readlink()) == good.name
    assert sorted(path.name for path in (output / "storage-growth").iterdir()) == [
        good.name,
        "latest",
    ]


def test_an_unknown_report_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        report(["helth"], output=tmp_path / "reports")
    assert caught.value.code == "UNKNOWN_REPORT"
    assert all(name in caught.value.remedy for name in REPORTS)


def test_an_unknown_parameter_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        report("all", output=tmp_path / "reports", parameters={"sizze": 1})
    assert not (tmp_path / "reports").exists()


def test_a_run_beside_another_is_refused_before_kernels_start(shelf: Path, tmp_path: Path) -> None:
    output = tmp_path / "reports"
    with locked(output), pytest.raises(ConfigError) as caught:
        report("health", output=output)
    assert caught.value.code == "REPORTS_LOCKED"
    assert files_of(output) == [".lock"]


TOO_LONG = """
import sys
from pathlib import Path
from regtools.errors import ReportError
from regtools.reports import Limits, notebooks, report
notebooks._FOLDERS = (Path(sys.argv[1]),)
try:
    report("health", output=sys.argv[2], limits=Limits(cell_seconds=1))
except ReportError as error:
    print(error.code)
"""


def test_a_cell_that_takes_too_long_is_told_and_nothing_else(tmp_path: Path) -> None:
    write_notebook(tmp_path / "health.ipynb", ("hang", "import time; time.sleep(600)"))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    arguments = [sys.executable, "-c", TOO_LONG, str(tmp_path), str(tmp_path / "reports")]
    said = subprocess.run(arguments, env=environ, capture_output=True, text=True, check=True)
    assert (said.stdout, said.stderr) == ("CELL_TIMEOUT\n", "")


INTERRUPTED = """
import sys
from pathlib import Path
from regtools.reports import notebooks, report
notebooks._FOLDERS = (Path(sys.argv[1]),)
report("health", output=sys.argv[2])
"""


def test_an_interrupted_run_ends_at_once_with_its_kernel_and_leaves_nothing(tmp_path: Path) -> None:
    pipe, output = tmp_path / "pipe", tmp_path / "reports"
    os.mkfifo(pipe)
    listening = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    hang = f"import os, time; open({str(pipe)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    write_notebook(tmp_path / "health.ipynb", ("hang", hang))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    arguments = [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(output)]
    with subprocess.Popen(arguments, env=environ, stderr=subprocess.DEVNULL) as running:
        assert select.select([listening], [], [], 60)[0]
        kernel = int(os.read(listening, 20))
        running.send_signal(signal.SIGINT)
        running.wait(timeout=20)
    os.close(listening)
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
    assert files_of(output) == [".lock"]
