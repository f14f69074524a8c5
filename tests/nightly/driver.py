"""Runs `regtools run` with a folder of small notebooks, in a process of its own that may be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from regtools import cli
from regtools.reports import notebooks

if __name__ == "__main__":
    notebooks._FOLDERS = (Path(sys.argv[1]),)
    sys.argv = ["regtools", "run", *sys.argv[2:]]
    cli.main()
