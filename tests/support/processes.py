"""Programs that tests start, and that never outlive them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

START_SECONDS = 20.0
STOP_SECONDS = 5.0


def find_program(name: str) -> str:
    """Give the path of a program, or fail the test with a sentence on how to install it.

    A missing program fails rather than skips: a test that did not run has proven nothing.
    """
    path = shutil.which(name)
    if path is None:
        pytest.fail(
            f"{name} is not installed. These tests run against the real one: "
            f"`apt-get install docker-registry skopeo` (Debian, Ubuntu), as .ci/run does.",
            pytrace=False,
        )
    return path


class Program:
    """A program running in the background, its output in two files.

    The kernel kills it when the thread that started it ends, however that ends (``prctl(2)``,
    PR_SET_PDEATHSIG): start it in the main thread.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, *, environ: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.command = list(command)
        self.stdout = folder / "stdout.log"
        self.stderr = folder / "stderr.log"
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self._process = subprocess.Popen(
                [find_program("setpriv"), "--pdeathsig", "KILL", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=dict(os.environ if environ is None else environ),
                # Ctrl-C goes to pytest alone, whose fixtures then stop this in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def log(self, *, last: int = 4000) -> str:
        """Give the end of what it wrote, for a failure message."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-last:]}"
            for path in (self.stdout, self.stderr)
        )

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = START_SECONDS) -> None:
        """Ask again until it is ready; fail with its log if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running:
                pytest.fail(f"{self.command[0]} ended at once.\n{self.log()}", pytrace=False)
            if time.monotonic() > deadline:
                pytest.fail(
                    f"{self.command[0]} was not ready after {seconds:g} s.\n{self.log()}",
                    pytrace=False,
                )
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, by force if it does not end when asked."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Let it answer nothing, with its sockets open: a registry that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running(program: Program) -> Iterator[Program]:
    """Stop the program at the end, whatever happened."""
    try:
        yield program
    finally:
        program.thaw()
        program.stop()
