"""Where kernels come from: one Python that has loaded what the notebooks import, and forks."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, Self

from regtools.forking import PID_BYTES

# Elsewhere, libraries of the system do not stand a fork that no exec follows.
CAN_FORK: Final = sys.platform == "linux"
_PATIENCE: Final = 5.0
"""Seconds for it to end its kernels."""
_LONGEST_LOAD: Final = 180.0
"""Seconds until nothing more is hoped for from one that loads."""

# A notebook reads the history and nothing else, so a kernel gets no credential of a registry.
# Those of a cloud's storage stay: the history itself may live there.
_SECRET_NAME: Final = re.compile(
    r"PASSWORD|PASSWD|TOKEN|WEBHOOK|SLACK|SECRET|CREDENTIAL|API_?KEY|PRIVATE_?KEY|AUTH_CONFIG|REGTOOLS_USERNAME",
    re.IGNORECASE,
)
_CLOUD_STORAGE: Final = ("AWS_", "AZURE_", "GOOGLE_", "GCS_", "CLOUDSDK_")


def kernel_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a kernel: this one's without credentials.

    Examples
    --------
    >>> kernel_environment({"HOME": "/h", "REGTOOLS_PASSWORD": "x"})["HOME"]
    '/h'
    """
    kept = {
        name: value
        for name, value in environ.items()
        if name.startswith(_CLOUD_STORAGE) or not _SECRET_NAME.search(name)
    }
    # A progress bar would write one output a refresh into the executed notebook.
    return {**kept, "TQDM_DISABLE": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


class Forked:
    """A kernel that was forked, with what jupyter_client asks of a `subprocess.Popen`.

    Its process id stays its own until the source has ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, alive: int) -> None:
        self.pid = pid
        self._alive: int | None = alive

    def poll(self, patience: float = 0) -> int | None:
        """Give None while it runs, after so many seconds. How it ended only the source could tell."""
        if self._alive is not None:
            end = select.poll()
            end.register(self._alive)
            if not end.poll(patience * 1000):
                return None
        return self.wait()

    def wait(self) -> int:
        """Wait for its end: then nobody holds the other end of the pipe."""
        if self._alive is not None:
            os.read(self._alive, 1)
            os.close(self._alive)
            self._alive = None
        return 0

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Source:
    """One process that loads what notebooks import and forks a kernel for each.

    It begins to load when it is entered, beside whatever else is done; when it is left, its
    kernels end.

    Parameters
    ----------
    names
        What to load: names of `regtools`, and modules with a dot in their name.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = list(names)
        self._turn = threading.Lock()
        self._has_forked = False

    def __enter__(self) -> Self:
        if CAN_FORK:
            self._ask, answer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._ask.settimeout(_LONGEST_LOAD)
            with answer:
                # -P: what lies in the working folder is no module of ours.
                command = [sys.executable, "-P", "-m", "regtools.forking"]
                self._process = subprocess.Popen(
                    [*command, str(answer.fileno()), *self._names],
                    pass_fds=[answer.fileno()],
                    env=_alone(kernel_environment(os.environ)),
                    stdin=subprocess.DEVNULL,
                    # What a dying kernel prints would mix with the output of the command line.
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    # Ctrl-C in a terminal is for us alone.
                    start_new_session=True,
                )
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def fork(self, arguments: list[str]) -> Forked:
        """Start a kernel with these arguments; waits until all is loaded.

        Raises
        ------
        RuntimeError
            There is no source any more, or it does not answer in time.
        """
        reading, writing = os.pipe()
        with self._turn:
            try:
                socket.send_fds(self._ask, [json.dumps(arguments).encode()], [writing])
                answer = self._ask.recv(PID_BYTES)
            except OSError:
                answer = b""
            finally:
                os.close(writing)
            if answer:
                self._has_forked = True
            else:
                self.end()  # an answer that comes late is for nobody else
        if not answer:
            os.close(reading)
            raise RuntimeError("The process that starts kernels is gone, or takes too long.")
        return Forked(int.from_bytes(answer, "big"), reading)

    def end(self) -> None:
        """End it and its kernels, now; whoever waits in `fork` is told."""
        if not CAN_FORK:
            return
        with suppress(OSError):
            self._ask.shutdown(socket.SHUT_RDWR)
        if not self._has_forked:  # it has nothing to clear away
            self._process.kill()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ask.close()


def _alone(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave a process with one thread after loading: a fork takes no others with it, and no lock
    that they hold. NumPy's would gain nothing here, and Arrow's only gives back memory."""
    own = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    return {**own, **environment}
