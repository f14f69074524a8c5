from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

import pytest
from tests.support.docker_registry import DockerRegistry

from regtools import progress
from regtools.access import Options
from regtools.collect.scan import Progress
from regtools.session import ScanResult, scan

STEPS = [
    Progress(listed=1, listing=True, finished=0, tags=0, requests=2),
    Progress(listed=3, listing=False, finished=3, tags=7, requests=20, repository="[red]x"),
]


class Screen(io.StringIO):
    """A terminal that keeps what was drawn on it."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.for_terminal().scan("registry.example.com") as show:
        for step in STEPS:
            show(step)
    drawn = screen.getvalue()
    assert "registry.example.com" in drawn
    assert "3/3" in drawn
    assert "7 tags" in drawn


def test_after_the_repositories_the_blobs_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = Progress(unit="blobs", listed=90, listing=False, finished=60, tags=0, requests=80)
    screen = Screen()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "120")
        with progress.for_terminal().scan("registry.example.com") as show:
            for step in (*STEPS, blobs):
                show(step)
    assert "60/90\x1b[0m blobs" in screen.getvalue()
    with progress.Notebook().scan("registry.example.com") as show:
        for step in (*STEPS, blobs):
            show(step)
    assert "60/90" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.for_terminal().scan("registry.example.com") as show:
        for step in STEPS:
            show(step)
    with progress.for_terminal().steps("snapshots") as count:
        count(1, 2)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_a_notebook_shows_a_bar_under_the_cell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with progress.for_notebook().scan("registry.example.com") as show:
        for step in STEPS:
            show(step)
    with progress.for_notebook().steps("snapshots") as count:
        count(2, 2)
    drawn = capsys.readouterr().err
    assert "registry.example.com" in drawn
    assert "3/3" in drawn
    assert "tags=7" in drawn


def test_a_scan_runs_under_a_running_loop_as_in_a_notebook(
    registry: DockerRegistry, tmp_path: Path
) -> None:
    async def cell() -> ScanResult:
        return scan(registry.url, options=Options(history=str(tmp_path / "history")))

    result = asyncio.run(cell())
    assert result.complete
