from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Command


@pytest.fixture
def regtools(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """The command line, in an empty folder."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Command(monkeypatch, capsys)
