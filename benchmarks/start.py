"""How much processor time `regtools` takes before it does anything, beside Python's own start.

    .venv/bin/python benchmarks/start.py --rounds 10

Prints a Markdown table of CPU seconds (of the user and of the system); fails where `--help` or
`--version` takes 0.3 of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

LIMIT_SECONDS = 0.3
PROGRAM = str(Path(sys.executable).with_name("regtools"))
WITHIN_LIMIT = {
    "`regtools --help`": [PROGRAM, "--help"],
    "`regtools --version`": [PROGRAM, "--version"],
}
BESIDE = {
    "`regtools scan --help`": [PROGRAM, "scan", "--help"],
    "`python -c pass`": [sys.executable, "-c", "pass"],
    "`python -c 'import typer'`": [sys.executable, "-c", "import typer"],
    "`python -c 'import pandas'`": [sys.executable, "-c", "import pandas"],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    print("| | median CPU s | worst CPU s |\n|---|--:|--:|")
    too_slow = False
    for what, command in {**WITHIN_LIMIT, **BESIDE}.items():
        cpu_seconds(command)  # the first one reads the disk
        times = [cpu_seconds(command) for _ in range(rounds)]
        print(f"| {what} | {median(times):.2f} | {max(times):.2f} |")
        too_slow = too_slow or (what in WITHIN_LIMIT and median(times) >= LIMIT_SECONDS)
    if too_slow:
        sys.exit("Too slow.")


def cpu_seconds(command: list[str]) -> float:
    """Run it and give the processor time it took."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )


if __name__ == "__main__":
    main()
