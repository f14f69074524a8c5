"""`%regtools` in a shell of IPython, the one that a kernel has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from tests.support.docker_registry import DockerRegistry


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    made = InteractiveShell()
    made.run_line_magic("load_ext", "regtools")
    yield made
    made.history_manager.end_session() if made.history_manager else None
    made.restore_sys_module_state()


def test_rows_come_as_a_frame_that_a_name_can_keep(
    shell: InteractiveShell, registry: DockerRegistry
) -> None:
    scanned = shell.run_line_magic("regtools", f"scan {registry.url}")
    assert list(scanned["complete"]) == [True]
    ran = shell.run_cell("found = %regtools usage --by repository --top 2\nfound")
    assert isinstance(ran.result, pd.DataFrame)
    assert len(ran.result) == 2
    assert ran.result["logical_bytes"].min() > 0
    assert ran.result.attrs["schema_version"] == 1


def test_a_diagnosis_comes_with_its_lights(
    shell: InteractiveShell, registry: DockerRegistry
) -> None:
    found = shell.run_line_magic("regtools", f"diagnose {registry.url}")
    assert "rt-light" in found._repr_html_()
    assert "<style>" in found._repr_html_()


def test_text_that_was_asked_for_is_printed(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run_line_magic("regtools", "registries --csv") is None
    assert "," in capsys.readouterr().out
    assert shell.run_line_magic("regtools", "usage --help") is None
    assert "Usage: regtools usage" in capsys.readouterr().out
    assert shell.run_line_magic("regtools", "--version") is None
    assert capsys.readouterr().out.startswith("regtools ")


def test_an_error_is_told_and_the_notebook_goes_on(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run_line_magic("regtools", "lint-secret nothing.json") is None
    assert shell.run_line_magic("regtools", "usgae") is None
    assert shell.run_line_magic("regtools", "usage 'open") is None
    said = capsys.readouterr()
    assert "nothing.json" in said.out + said.err
    assert "Did you mean 'usage'?" in said.err
    assert "cannot be read" in said.err
