"""Kernels are forked from one Python that has loaded what notebooks import."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.notebooks import write_notebook

import regtools
from regtools.errors import ReportError
from regtools.reports import kernels as kernels_module
from regtools.reports import source as source_module
from regtools.reports.kernels import Kernels
from regtools.reports.notebooks import EVERY_NIGHT, Job, Limits, names_in, notebook_path
from regtools.reports.run import execute
from regtools.reports.source import Source

linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

TELLS = """
import os, sys
before = "regtools.analyses.growth" in sys.modules
import regtools
words = open(f"/proc/{os.getppid()}/environ").read() + open("/proc/self/environ").read()
print(os.getppid(), os.getpid() == os.getpgrp(), before, "CANARY" in words, "CANARY" in str(os.environ))
"""
SECOND = """
import os
print(os.getppid(), os.getsid(0) == os.getppid(), len(os.listdir(f"/proc/{os.getppid()}/task")))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """Give a source that was started among secrets, in a folder with a file named as a module."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "pandas.py").write_text("raise SystemExit('the wrong one')")
    patch = pytest.MonkeyPatch()
    patch.setenv("REGTOOLS_PASSWORD", "CANARY")
    patch.chdir(folder)
    with patch.context():
        source = Source(["growth", "no_such_name", "no.such.module"])
        source.__enter__()
    patch.undo()
    yield source
    source.end()


def run(source: Source, folder: Path, code: str) -> list[str]:
    """Run code in a notebook; give the words that it printed."""
    notebook = write_notebook(folder / "told.ipynb", ("tell", code), parameters="x = 1")
    output = folder / "output"
    output.mkdir()
    job = Job(name="told", notebook=notebook, parameters={}, defaults={"x": 1})
    with Kernels(source) as kernels:
        executed = execute(job, output, kernels, Limits())
    return str(executed.notebook.cells[-1].outputs[0].text).split()


@linux
def test_a_kernel_is_a_process_of_its_own_with_all_loaded_and_no_secret(
    source: Source, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    parent, leads, loaded, *secrets = run(source, tmp_path / "first", TELLS)
    assert (leads, loaded, secrets) == ("True", "True", ["False", "False"])
    assert run(source, tmp_path / "second", SECOND) == [parent, "True", "1"]


LEAVES = """
import os, subprocess, tempfile
sleeps = subprocess.Popen(["sleep", "600"])
print(os.environ["TMPDIR"], tempfile.mkdtemp(), sleeps.pid)
"""


@linux
def test_what_a_kernel_leaves_behind_goes_with_it(tmp_path: Path) -> None:
    with Source() as source:
        folder, left, sleeps = run(source, tmp_path, LEAVES)
        assert Path(left).parent == Path(folder)
        assert Path(left).is_dir()
    assert not Path(folder).exists()
    wait_until_gone(int(sleeps))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_gone(*pids: int) -> None:
    until = time.monotonic() + 20
    while not all(map(gone, pids)):
        assert time.monotonic() < until, "still there"
        time.sleep(0.05)


HANGS = """
import sys
from pathlib import Path
from regtools.reports import notebooks, report
notebooks._FOLDERS = (Path(sys.argv[1]),)
report("health", output=sys.argv[2])
"""


@linux
@pytest.mark.parametrize("victim", ["report", "source"])
def test_nothing_is_left_when_one_is_killed(tmp_path: Path, victim: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    listening = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    told = "f'{os.getppid()} {os.getpid()}'"
    hang = f"import os, time; open({str(pipe)!r}, 'w').write({told}); time.sleep(600)"
    write_notebook(tmp_path / "health.ipynb", ("hang", hang))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    environ["TMPDIR"] = str(tmp_path)  # a source that is killed leaves its folder there
    arguments = [sys.executable, "-c", HANGS, str(tmp_path), str(tmp_path / "reports")]
    with subprocess.Popen(arguments, env=environ, stderr=subprocess.PIPE, text=True) as running:
        assert select.select([listening], [], [], 60)[0]
        source, kernel = map(int, os.read(listening, 40).split())
        os.kill(running.pid if victim == "report" else source, signal.SIGKILL)
        said = running.communicate(timeout=30)[1]
    os.close(listening)
    wait_until_gone(source, kernel)
    assert victim == "report" or "Python process died" in said


@linux
def test_a_source_that_is_gone_is_a_kernel_that_died(tmp_path: Path) -> None:
    with Source() as source:
        source.end()
        with pytest.raises(ReportError) as caught:
            run(source, tmp_path, "1")
    assert caught.value.code == "KERNEL_DIED"


@linux
def test_a_source_that_never_ends_to_load_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "module.py").write_text("import time\ntime.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(source_module, "_LONGEST_LOAD", 2.0)
    monkeypatch.setattr(source_module, "_PATIENCE", 0.1)
    with Source(["slow.module"]) as source, pytest.raises(ReportError) as caught:
        run(source, tmp_path, "1")
    assert caught.value.code == "KERNEL_DIED"


def test_a_source_that_was_never_asked_ends_at_once() -> None:
    begun = time.monotonic()
    with Source(["growth", "plot_growth", "cost"]):
        pass
    assert time.monotonic() - begun < 1


def test_where_nothing_can_be_forked_a_kernel_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "CAN_FORK", False)
    monkeypatch.setattr(kernels_module, "CAN_FORK", False)
    with Source(["growth"]) as source:
        parent, leads, loaded, *_ = run(source, tmp_path, TELLS)
    assert (int(parent), leads, loaded) == (os.getpid(), "True", "False")


def test_the_names_in_notebooks_are_those_of_the_package() -> None:
    names = names_in(map(notebook_path, EVERY_NIGHT))
    assert {"open_history", "growth", "cost", "health"} <= set(names)
    assert set(names) <= set(regtools.__all__)


def test_a_name_counts_where_code_uses_it(tmp_path: Path) -> None:
    code = "rt.growth(rt.History('x'), other.rt_thing, start.cost, rt.growth)"
    notebook = write_notebook(tmp_path / "one.ipynb", ("one", code), parameters="x = 1")
    assert names_in([notebook]) == ["History", "growth"]


def test_what_takes_long_to_load_is_not_loaded_before_the_source_starts() -> None:
    code = "import sys, regtools.reports; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pandas", "pyarrow", "duckdb", "nbformat", "nbconvert", "papermill", "jupyter_client"}
    assert not heavy & set(told.stdout.split())
