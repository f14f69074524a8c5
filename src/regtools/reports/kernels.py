"""The kernels of a run, as papermill asks for them: they know no secrets, and end together."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any, Final, Self

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from regtools.reports.source import CAN_FORK, Forked, Source, kernel_environment

_STARTED_ANEW: Final = [sys.executable, "-m", "ipykernel_launcher"]
_ARGUMENTS: Final = ["-f", "{connection_file}"]
_SOON: Final = 0.5
"""Seconds."""


class _Forking(LocalProvisioner):
    """Has a kernel forked in place of starting a Python."""

    source: Source
    forked: Forked

    async def launch_kernel(self, cmd: list[str], **_: Any) -> KernelConnectionInfo:
        self.forked = self.source.fork(cmd)
        self.process = self.forked  # type: ignore[assignment]  # has all that is asked of a Popen
        self.pid = self.pgid = self.forked.pid
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        await super().kill(restart)
        # jupyter_client looks but ten times a second.
        self.forked.poll(_SOON)
        # Where a cell took too long, nbclient still waits for what it says, and asyncio would complain
        # of that at our end.
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


class _Kernel(AsyncKernelManager):
    """A kernel of the running interpreter.

    Not looked up by name: outside a virtual environment a stale ``python3`` of the user would
    win, and another interpreter may not have regtools.
    """

    started: Kernels
    niceness: int

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=_ARGUMENTS if CAN_FORK else [*_STARTED_ANEW, *_ARGUMENTS],
            display_name="Python 3",
            language="python",
            metadata={"supported_encryption": "curve"},
        )

    async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
        if CAN_FORK:
            self.provisioner = _Forking(parent=self, kernel_spec=self.kernel_spec)
            self.provisioner.source = self.started.source
        else:
            options["env"] = kernel_environment(os.environ)
            # What a dying kernel prints would mix with the output of the command line.
            options["stdout"] = options["stderr"] = subprocess.DEVNULL
        await super().start_kernel(**options)
        # Only a local kernel has a process id; ours are.
        if isinstance(self.provisioner, LocalProvisioner) and self.provisioner.pid is not None:
            self.started.add(self.provisioner.pid)
            _give_way(self.provisioner.pid, self.niceness)


class Kernels:
    """The kernels of one run, so that they can be ended together.

    Parameters
    ----------
    source
        Where they come from.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._pids: set[int] = set()
        self._killed = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        # papermill reports what we report better; without a handler it would print.
        logging.getLogger("papermill").addHandler(_SILENT)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("papermill").removeHandler(_SILENT)

    def add(self, pid: int) -> None:
        """Remember a kernel; one that starts after `kill` is ended at once."""
        with self._lock:
            self._pids.add(pid)
            if self._killed:
                _kill(pid)

    def kill(self) -> None:
        """End all of them, now."""
        with self._lock:
            self._killed = True
            for pid in self._pids:
                _kill(pid)

    def manager(self, niceness: int) -> type[AsyncKernelManager]:
        """Give the class of kernel manager that reports to this object."""
        return type("RunKernel", (_Kernel,), {"started": self, "niceness": niceness})

    def for_one(self) -> Kernels:
        """Give what one notebook's kernel can be ended by, without the others."""
        return _OneKernel(self)

    @property
    def killed(self) -> bool:
        """Whether they were ended."""
        return self._killed


class _OneKernel(Kernels):
    """The kernel of one notebook, which belongs to those of a run too."""

    def __init__(self, run: Kernels) -> None:
        super().__init__(run.source)
        self._run = run

    def add(self, pid: int) -> None:
        self._run.add(pid)
        super().add(pid)


_SILENT: Final = logging.NullHandler()


def _give_way(pid: int, niceness: int) -> None:
    if niceness:
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, pid, niceness)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
