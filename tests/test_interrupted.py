"""A scan that is stopped, by a person or a dying machine, goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.fake_registry import Answer, FakeRegistry, Seen, fake_registry

NAMES = [f"r{number:02}" for number in range(12)]


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as running:
        running.repositories = {name: ["1", "2"] for name in NAMES}
        yield running


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def wait_until_settled(folder: Path) -> None:
    """Wait until something lies below a folder, and has not grown for half a second."""
    size, since = 0, time.monotonic()

    def settled() -> bool:
        nonlocal size, since
        now = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        if now != size:
            size, since = now, time.monotonic()
        return size > 0 and time.monotonic() - since > 0.5

    wait_until(settled)


@contextmanager
def stuck_scan(fake: FakeRegistry, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a scan that cannot get past its last repository, until all others are on the disk."""
    release = threading.Event()

    def hold(seen: Seen) -> Answer | None:
        if seen.path.startswith(f"/v2/{NAMES[-1]}/tags/list"):
            release.wait(60)
        return None

    fake.hook = hold
    code = "from regtools.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "scan", fake.url],
        cwd=folder,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(lambda: sum("/manifests/" in path for path in fake.paths) >= 22)
            wait_until_settled(folder / "history" / ".drafts")
            yield process
        finally:
            release.set()
            process.kill()
    fake.hook = lambda _: None
    fake.seen.clear()


def goes_on(fake: FakeRegistry, regtools: Command) -> None:
    ran = regtools("scan", fake.url, "--json")
    assert ran.code == 0, ran.err
    (snapshot,) = ran.document["snapshots"]
    assert (snapshot["repositories"], snapshot["tags"]) == (12, 24)
    assert snapshot["complete"] is True
    read = {path.split("/")[2] for path in fake.paths if "/tags/list" in path}
    assert read == {NAMES[-1]}


def test_after_a_kill_the_next_scan_reads_only_what_was_not_finished(
    fake: FakeRegistry, regtools: Command
) -> None:
    with stuck_scan(fake, Path.cwd()) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert regtools("history", "list", "--json").document["rows"] == []
    goes_on(fake, regtools)


def test_ctrl_c_says_that_nothing_is_lost_and_ends_with_130(
    fake: FakeRegistry, regtools: Command
) -> None:
    with stuck_scan(fake, Path.cwd()) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert process.returncode == 130
    assert out == ""
    assert "goes on from there" in err
    assert "Traceback" not in err
    goes_on(fake, regtools)
