"""A Python that has loaded what notebooks import, and forks a kernel whenever it is asked.

To load pandas, DuckDB, matplotlib and our own modules takes longer than most notebooks then need.
Here it is done once for all notebooks of a run. Each kernel is a process of its own all the same:
one that dies or hangs takes no other with it.

Run as ``python -P -m regtools.forking SOCKET NAME…``: the number of an open Unix socket that keeps
messages apart, and what to load. A name is one of `regtools`' own (such as ``growth``, which loads
what that needs) or a module with a dot. A request is the arguments of ipykernel as JSON and the
writing end of a pipe; the answer is the number of the kernel's process, eight bytes. The kernel
holds the pipe for as long as it lives. Closing the socket ends every kernel, and takes away the
folder that they had for temporary files: one that is killed takes nothing away itself.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

PID_BYTES: Final = 8
_LONGEST_REQUEST: Final = 65_536


def main() -> None:
    """Load, then fork; in each fork, be a kernel."""
    # A kernel ends itself when this process is gone. ipykernel reads whom it is to watch as it loads.
    os.environ["JPY_PARENT_PID"] = str(os.getpid())
    # What is loaded stays: the collector need not look at it, now or in a kernel, where to look at
    # it is to copy it.
    gc.disable()
    from ipykernel import kernelapp

    _load(sys.argv[2:])
    gc.freeze()
    gc.enable()
    arguments = _serve(socket.socket(fileno=int(sys.argv[1])))
    if arguments:
        kernelapp.launch_new_instance(arguments)


def _load(names: Iterable[str]) -> None:
    """Load what notebooks name; what is broken is found, and said, where a notebook uses it."""
    regtools = importlib.import_module("regtools")
    for name in names:
        with suppress(Exception):
            if "." in name:
                importlib.import_module(name)
            else:
                getattr(regtools, name)


def _serve(asked: socket.socket) -> list[str]:
    """Fork for each request, and give its arguments in the fork; none when nobody can ask."""
    started: list[int] = []
    scratch = ""
    with asked:
        while True:
            request, pipes, _, _ = socket.recv_fds(asked, _LONGEST_REQUEST, 1)
            if not request:
                break
            scratch = scratch or tempfile.mkdtemp(prefix="regtools-kernels-")
            pid = os.fork()
            if pid == 0:
                os.environ["TMPDIR"] = tempfile.tempdir = scratch
                _lead(0)
                os.set_inheritable(pipes[0], False)
                arguments: list[str] = json.loads(request)
                return arguments
            _lead(pid)
            os.close(pipes[0])
            # Nobody waits for it before the end, so that its number stays its own.
            started.append(pid)
            asked.sendall(pid.to_bytes(PID_BYTES, "big"))
    for pid in started:
        os.killpg(pid, signal.SIGKILL)
    for pid in started:
        os.waitpid(pid, 0)
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    return []


def _lead(pid: int) -> None:
    """Give a kernel a group of its own, to be ended with what it starts; who comes first does it.

    Not a session: Linux shares processors out between sessions first (sched(7), autogroup), whatever
    the niceness.
    """
    os.setpgid(pid, pid)


if __name__ == "__main__":
    main()
