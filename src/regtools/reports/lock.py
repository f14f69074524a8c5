"""A lock that falls with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def take(file: Path) -> int:
    """Take the lock of a file, and make the file where it is missing; closing lets go of it.

    Returns
    -------
    int
        The open file.

    Raises
    ------
    BlockingIOError
        Another process holds it.
    OSError
        The file cannot be made.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
