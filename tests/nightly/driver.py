"""Runs `regtools run` with a folder of small notebooks, in a process of its own that may be killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from regtools import cli
from regtools.reports import notebooks


def night(shelf: Path, folder: Path, said: Path) -> None:
    """Run in a folder, with what is said in a file: what a process forked for it does."""
    os.chdir(folder)
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    notebooks._FOLDERS = (shelf,)
    cli.main(["run", "--quiet"])


if __name__ == "__main__":
    notebooks._FOLDERS = (Path(sys.argv[1]),)
    sys.argv = ["regtools", "run", *sys.argv[2:]]
    cli.main()
