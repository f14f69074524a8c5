"""How `regtools retention` scales, beside a query written by hand for the same answer, in one run.

    .venv/bin/python benchmarks/retention_scale.py --tags 10000000 --rounds 3

Makes a history of so many tags, then asks it by turns: regtools, and `retention_by_hand.sql` in a
bare DuckDB with the same memory and threads; each in a process of its own. Both must give the
same four numbers. Prints a Markdown table of the best of each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import duckdb  # noqa: E402 - the root must be on the path
from benchmarks.large_history import TAKEN_AT, Size, write_large_history  # noqa: E402

from regtools.analyses.retention import retention  # noqa: E402
from regtools.engine import MEMORY_LIMIT  # noqa: E402
from regtools.history import History  # noqa: E402
from regtools.policies import Rule  # noqa: E402

RULE: Final = Rule(keep_last=10, older_than=timedelta(days=30), keep_tags=(r"^v\d+$",))
BY_HAND: Final = Path(__file__).with_name("retention_by_hand.sql")

Numbers = tuple[int, int, int, int]
"""Tags deleted, manifests deleted, bytes freed, bytes kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One process."""

    what: str
    numbers: Numbers
    seconds: float
    """Of the answer; Python's start and imports are not in it."""
    cpu_seconds: float
    peak_bytes: int
    """Of the whole process, resident."""


def by_regtools(location: Path) -> Numbers:
    """Ask as a program would."""
    found = retention(History(location), RULE, now=TAKEN_AT)
    return found.tags_deleted, found.manifests_deleted, found.bytes_freed, found.bytes_kept


def by_hand(location: Path) -> Numbers:
    """Ask DuckDB alone, as somebody who knows it would."""
    (snapshot,) = location.glob("2*")
    connection = duckdb.connect()
    for statement in (
        f"SET memory_limit = '{MEMORY_LIMIT}B'",
        f"SET temp_directory = '{location.parent}/spilled'",
        "SET TimeZone = 'UTC'",
        "SET preserve_insertion_order = false",
        "SET enable_progress_bar = false",
        f"SET VARIABLE now = '{TAKEN_AT.isoformat()}'",
    ):
        connection.execute(statement).fetchall()
    for file in snapshot.glob("*.parquet"):
        more = ", file_row_number = true" if file.stem == "manifests" else ""
        view = f"CREATE VIEW {file.stem} AS FROM read_parquet('{file}'{more})"
        connection.execute(view).fetchall()
    ((tags, manifests, freed, kept),) = connection.execute(BY_HAND.read_text()).fetchall()
    return int(tags), int(manifests), int(freed), int(kept)


ASKED: Final[dict[str, Callable[[Path], Numbers]]] = {"regtools": by_regtools, "by hand": by_hand}


def main() -> None:
    """Measure and print; or, as a child of that, do one thing."""
    options = _options()
    if options.only:
        print(json.dumps(asdict(measure(options.only, options.history))))
    elif options.make:
        print(json.dumps(asdict(write_large_history(options.history, options.tags))))
    elif options.history:
        _compare(options.history, options)
    else:
        with tempfile.TemporaryDirectory(prefix="regtools-benchmark-") as folder:
            _compare(Path(folder) / "history", options)


def measure(what: str, location: Path) -> Measured:
    """Ask one of the two in this process."""
    import resource

    before, started = time.process_time(), time.perf_counter()
    numbers = ASKED[what](location)
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Measured(
        what=what,
        numbers=numbers,
        seconds=seconds,
        cpu_seconds=cpu,
        # Linux counts in KiB, macOS in bytes.
        peak_bytes=peak if sys.platform == "darwin" else peak * 1024,
    )


def _compare(history: Path, options: argparse.Namespace) -> None:
    size = Size(**_child("--make", "--tags", str(options.tags), "--history", str(history)))
    _say(f"made {size.tags:,} tags")
    runs: list[Measured] = []
    for _ in range(options.rounds):
        for what in ASKED:
            answer = _child("--only", what, "--history", str(history))
            run = Measured(**{**answer, "numbers": tuple(answer["numbers"])})
            _say(f"{what}: {run.seconds:.1f} s, {run.cpu_seconds:.1f} s of processor time")
            runs.append(run)
    if len({run.numbers for run in runs}) != 1:
        raise SystemExit(f"The answers differ: {[(run.what, run.numbers) for run in runs]}")
    print(report(runs, size))


def report(runs: Sequence[Measured], size: Size) -> str:
    """Give the table of the best runs, with what was asked of what."""
    best = {
        what: Measured(
            what=what,
            numbers=runs[0].numbers,
            seconds=min(run.seconds for run in runs if run.what == what),
            cpu_seconds=min(run.cpu_seconds for run in runs if run.what == what),
            peak_bytes=max(run.peak_bytes for run in runs if run.what == what),
        )
        for what in ASKED
    }
    ours, theirs = best["regtools"], best["by hand"]
    tags, manifests, freed, kept = ours.numbers
    title = (
        f"{size.tags:,} tags, {size.layers:,} layer rows ({size.blobs:,} distinct), "
        f"{size.manifests:,} manifests, {size.repositories:,} repositories; {machine()}; "
        f"best of {len(runs) // len(ASKED)}; {datetime.now(UTC):%Y-%m-%d}."
    )
    seconds, cpu = ours.seconds / theirs.seconds, ours.cpu_seconds / theirs.cpu_seconds
    lines = [
        title,
        f"Both: {tags:,} tags and {manifests:,} manifests go, {freed:,} bytes freed, {kept:,} kept.",
        "",
        "| | seconds | CPU s | peak memory, GB |",
        "|---|--:|--:|--:|",
        *(
            f"| {row.what} | {row.seconds:.1f} | {row.cpu_seconds:.1f} | {row.peak_bytes / 1e9:.2f} |"
            for row in best.values()
        ),
        f"| ratio | {seconds:.2f} | {cpu:.2f} | |",
    ]
    return "\n".join(lines)


def machine() -> str:
    """Name the machine: processor, memory, programs."""
    model = re.search(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _read("/proc/meminfo"))
    return ", ".join(
        [
            f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}",
            f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "memory unknown",
            f"Python {platform.python_version()}",
            f"DuckDB {duckdb.__version__} with {MEMORY_LIMIT / 1e9:.1f} GB",
        ]
    )


def _child(*arguments: str) -> dict[str, object]:
    """Do one thing in a process of its own, whose memory is its own too."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tags", type=int, default=10_000_000, help="about so many [10000000]")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each [3]")
    parser.add_argument("--history", type=Path, help="make it there and leave it")
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=ASKED, help=argparse.SUPPRESS)
    return parser.parse_args()


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
