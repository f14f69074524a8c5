"""The command line, run in this process, as a person or a scheduler sees it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from regtools import cli


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.out)


class Command:
    """Runs `regtools` with arguments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        # A command that names its settings tells the kernels it starts; the next test must not hear.
        monkeypatch.setenv("REGTOOLS_CONFIG", "")
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Ran:
        """Run it to its end."""
        self._monkeypatch.setattr(sys, "argv", ["regtools", *map(str, arguments)])
        self._capsys.readouterr()
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        else:
            code = 0
        printed = self._capsys.readouterr()
        return Ran(code=code, out=printed.out, err=printed.err)
