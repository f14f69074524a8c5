"""A snapshot is whole or invisible: after `kill -9` at any moment, and with two writers at once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from tests.history.writer import REPOSITORIES
from tests.support.inventories import stored

import regtools
from regtools.history import History

WRITER = Path(__file__).with_name("writer.py")
KILLS = 21


def start_writer(location: Path, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, WRITER, location, str(times)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(regtools.__file__).parents[1])},
    )


def require_whole(history: History) -> set[str]:
    """Check that every snapshot in sight has all its rows, and that their digests fit together."""
    rows = history.snapshots()
    for row in rows:
        inventory = stored(history, row)
        assert row.complete
        assert len(inventory.repositories) == len(inventory.tags) == REPOSITORIES
        assert len(inventory.manifests) == len(inventory.layers) == 2 * REPOSITORIES
        assert len(inventory.children) == REPOSITORIES
    return {row.snapshot for row in rows}


def test_kill_9_at_any_moment_loses_no_acknowledged_snapshot_and_shows_no_torn_one(
    tmp_path: Path,
) -> None:
    location = tmp_path / "history"
    moments = random.Random(20261123)
    acknowledged: set[str] = set()
    for _ in range(KILLS):
        writer = start_writer(location, 1_000_000)
        assert writer.stdout is not None
        # Past the start of Python: until the first snapshot is there, then for some random time.
        acknowledged.add(writer.stdout.readline().strip())
        killer = threading.Timer(moments.uniform(0, 0.12), writer.kill)
        killer.start()
        acknowledged.update(writer.stdout.read().split())
        assert writer.wait() == -9
        killer.join()
    visible = require_whole(History(location))
    assert len(acknowledged) >= KILLS
    assert acknowledged <= visible
    # A snapshot may have become whole just before its writer could say so.
    assert len(visible - acknowledged) <= KILLS
    assert {finding.code for finding in History(location).check()} <= {"LEFTOVER"}


def test_two_writers_at_once_and_a_reader_that_never_waits(tmp_path: Path) -> None:
    location = tmp_path / "history"
    times = 15
    writers = [start_writer(location, times) for _ in range(2)]
    polls = 0
    seen: set[str] = set()
    while any(writer.poll() is None for writer in writers):
        history = History(location)
        before, seen = seen, {row.snapshot for row in history.snapshots()}
        assert before <= seen
        for row in history.latest():
            assert len(stored(history, row).tags) == REPOSITORIES
        polls += 1
    said = {line for writer in writers for line in writer.communicate()[0].split()}
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(said) == 2 * times
    assert require_whole(History(location)) == said
    assert polls > 1
