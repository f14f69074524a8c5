"""One run at a time: a lock that says who holds it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from regtools.errors import ConfigError, RunError
from regtools.reports.lock import take

NAME: Final = ".regtools-run.lock"
_MOST_BYTES: Final = 4096


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder until the block, or the process, ends.

    Raises
    ------
    RunError
        Code ``RUN_LOCKED``: another run holds it; says which, and since when.
    ConfigError
        Code ``RUN_UNWRITABLE``: the folder cannot be written.
    """
    try:
        handle = take(folder / NAME)
    except BlockingIOError:
        raise _held(folder / NAME) from None
    except OSError as error:
        raise ConfigError(
            f"The run's lock cannot be written into {folder}: {error.strerror or error}.",
            code="RUN_UNWRITABLE",
            remedy="Name a folder you may write to as reports in the settings.",
        ) from error
    try:
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(handle)


def _held(file: Path) -> RunError:
    try:
        with file.open("rb") as stream:
            holder = json.loads(stream.read(_MOST_BYTES))
        who = f"process {int(holder['pid'])} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return RunError(
        f"Another run is under way: {who}.",
        code="RUN_LOCKED",
        remedy="Wait for it, or end it: the lock falls with the process.",
    )
