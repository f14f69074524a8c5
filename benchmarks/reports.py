"""How long `regtools report all` takes on the demo's history, beside bare papermill.

    .venv/bin/python benchmarks/reports.py --rounds 3

By turns: our command, and three bare papermill runs side by side of notebooks that only import
what ours import. Prints a Markdown table; fails where ours takes more than 1.3 times as long.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import nbformat

from regtools.demo import sample_history
from regtools.reports import EVERY_NIGHT
from regtools.reports.notebooks import notebook_path

LIMIT = 1.3
TOOLS = Path(sys.executable).parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="regtools-benchmark-") as name:
        folder = Path(name)
        history = folder / "history"
        sample_history(history, now=datetime.now(UTC))
        bare = [_bare(folder, report, history) for report in EVERY_NIGHT]
        ours = [str(TOOLS / "regtools"), "report", "all"]
        ours += ["--history", str(history), "--output", str(folder / "reports")]
        times = [(measured([ours]), measured(bare)) for _ in range(rounds)]
    print("| | best s | CPU s | all rounds, s |\n|---|--:|--:|---|")
    best, least = [], []
    for what, own in zip(
        ("`regtools report all`", "bare papermill, three at once"),
        zip(*times, strict=True),
        strict=True,
    ):
        seconds = [wall for wall, _ in own]
        best.append(min(seconds))
        least.append(min(cpu for _, cpu in own))
        rest = ", ".join(f"{wall:.1f}" for wall in seconds)
        print(f"| {what} | {best[-1]:.1f} | {least[-1]:.1f} | {rest} |")
    ratio, cpu = best[0] / best[1], least[0] / least[1]
    print(f"| ratio | {ratio:.2f} | {cpu:.2f} | |")
    if ratio > LIMIT:
        sys.exit(f"More than {LIMIT} times.")


def measured(commands: list[list[str]]) -> tuple[float, float]:
    """Run commands side by side; give their wall time and processor time."""
    before, clock = os.times(), time.perf_counter()
    running = [
        subprocess.Popen(one, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for one in commands
    ]
    errors = [one.communicate()[1].decode() for one in running]
    wall, after = time.perf_counter() - clock, os.times()
    if any(one.returncode for one in running):
        sys.exit("\n".join(errors))
    cpu = after.children_user - before.children_user
    return wall, cpu + after.children_system - before.children_system


def _bare(folder: Path, report: str, history: Path) -> list[str]:
    """Write the notebook that only imports what the report's imports; give papermill's command."""
    names = folder / f"{report}.json"
    whole = nbformat.read(notebook_path(report), as_version=4)
    told = f"import json, sys; json.dump(list(sys.modules), open({str(names)!r}, 'w'))"
    whole.cells.append(nbformat.v4.new_code_cell(told))
    nbformat.write(whole, folder / "whole.ipynb")
    command = [str(TOOLS / "papermill"), "--no-progress-bar", "--kernel", "python3"]
    given = ["-p", "history", str(history)]
    subprocess.run(
        [*command, str(folder / "whole.ipynb"), str(folder / "out.ipynb"), *given],
        check=True,
        capture_output=True,
    )
    modules = [name for name in json.loads(names.read_text()) if name != "__main__"]
    cell = (
        "import importlib, warnings\nwarnings.simplefilter('ignore')\n"
        f"for name in {modules!r}:\n    try:\n        importlib.import_module(name)\n"
        "    except Exception:\n        pass  # made by another module, not a file of its own"
    )
    bare = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    bare.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": ""}
    nbformat.write(bare, folder / f"{report}.ipynb")
    return [*command, str(folder / f"{report}.ipynb"), str(folder / f"{report}-out.ipynb")]


if __name__ == "__main__":
    main()
