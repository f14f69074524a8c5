"""Folders and files below one root: entered once, counted once, never left by a link.

Whatever cannot be read becomes a problem, and so does whatever is in the wrong place. A registry
may go on working meanwhile: a file that is listed and then gone is no reason to stop.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from regtools.storage.contents import Capacity, Effect, Problem, Size

_BLOCK: Final = 512
"""st_blocks counts in this unit, whatever the file system's own is (stat(2))."""


class Disk:
    """One folder under examination."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.metadata = Size()
        self.unexplained = Size()
        self._several_names: set[tuple[int, int]] = set()

    def entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """Give the files and folders in a folder, one by one.

        What is neither, links above all, is counted as unexplained here and not given.
        """
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    if entry.is_dir(follow_symlinks=False):
                        self._count_folder(entry)
                        yield entry
                    elif entry.is_file(follow_symlinks=False):
                        yield entry
                    else:
                        self._odd(entry)
        except OSError as error:
            self.unreadable(folder, error)

    def size(self, entry: os.DirEntry[str]) -> Size | None:
        """Give the size of a file; None if it is gone."""
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError as error:
            self.unreadable(entry.path, error)
            return None
        return Size(files=1, bytes=found.st_size, disk_bytes=self._allocated(found))

    def below(self, folder: str) -> Size:
        """Add up all files in a folder, however deep."""
        total = Size()
        waiting = [folder]
        while waiting:
            for entry in self.entries(waiting.pop()):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif size := self.size(entry):
                    total += size
        return total

    def keep(self, entry: os.DirEntry[str]) -> None:
        """Count a file as metadata."""
        if size := self.size(entry):
            self.metadata += size

    def stray(self, entry: os.DirEntry[str]) -> None:
        """Count a file or folder as unexplained; an empty folder is nothing."""
        is_folder = entry.is_dir(follow_symlinks=False)
        size = self.below(entry.path) if is_folder else self.size(entry)
        if size is None or not size.files:
            return
        self.unexplained += size
        what = f"{size.files:,} files" if is_folder else "A file"
        self.note(
            "FILE_FOREIGN",
            entry.path,
            f"{what} of {size.bytes:,} bytes that no registry would put there.",
            effect=Effect.DAMAGE,
        )

    def read(self, path: str, *, at_most: int) -> bytes | None:
        """Read a file; None if it cannot be read. One byte too many tells that it is larger."""
        # Between listing and reading, a file may have become a link or a pipe.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with open(os.open(path, flags), "rb") as file:  # noqa: PTH123  # needs the flags
                return file.read(at_most + 1)
        except OSError as error:
            self.unreadable(path, error)
            return None

    def unreadable(self, path: str, error: OSError) -> None:
        """Note that something could not be read, or went away before it was."""
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            message = "It was there and is gone: the registry is at work."
            self.note("STORAGE_CHANGING", path, message, effect=Effect.UNREAD)
        else:
            reason = os.strerror(error.errno) if error.errno else str(error)
            self.note("STORAGE_UNREADABLE", path, f"{reason}.", effect=Effect.UNREAD)

    def note(
        self,
        code: str,
        path: str,
        message: str,
        *,
        effect: Effect,
        repository: str = "",
        reference: str = "",
    ) -> None:
        """Keep a problem."""
        self.problems.append(
            Problem(
                code=code,
                effect=effect,
                path=readable(os.path.relpath(path, self.root)),
                repository=repository,
                reference=reference,
                message=message,
            )
        )

    def _count_folder(self, entry: os.DirEntry[str]) -> None:
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError as error:
            self.unreadable(entry.path, error)
            return
        self.metadata += Size(disk_bytes=found.st_blocks * _BLOCK)

    def _odd(self, entry: os.DirEntry[str]) -> None:
        size = self.size(entry)
        if size is None:
            return
        self.unexplained += size
        if entry.is_symlink():
            message = "A symbolic link, which is not followed. Give the folder that it leads to."
            self.note("SYMLINK_SKIPPED", entry.path, message, effect=Effect.UNREAD)
        else:
            message = "Neither a file nor a folder."
            self.note("FILE_FOREIGN", entry.path, message, effect=Effect.DAMAGE)

    def _allocated(self, found: os.stat_result) -> int:
        if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
            own = (found.st_dev, found.st_ino)
            if own in self._several_names:
                return 0
            self._several_names.add(own)
        return found.st_blocks * _BLOCK


def readable(text: str) -> str:
    """Give a name from the disk as text that can be written; a file name may be any bytes.

    Examples
    --------
    >>> readable("a" + chr(0xDCFF))
    'a�'
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def capacity(folder: Path) -> Capacity:
    """Ask how full the file system of a folder is."""
    usage = shutil.disk_usage(folder)
    mount = folder.resolve()
    while not mount.is_mount():
        mount = mount.parent
    return Capacity(
        mount=readable(str(mount)),
        filesystem=_filesystem(str(mount)),
        total_bytes=usage.total,
        used_bytes=usage.used,
        free_bytes=usage.free,
    )


def _filesystem(mount: str) -> str:
    """Look the type up where Linux keeps it; the last mount on a point is the one in view."""
    try:
        lines = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    # Spaces and the like stand there as octal escapes (proc_mounts(5)).
    written = mount.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    types = [parts[2] for line in lines if (parts := line.split(" "))[1] == written]
    return types[-1] if types else ""
