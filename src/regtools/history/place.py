"""Where a history lies: a folder, or a bucket. The order of writes that makes a snapshot whole.

A snapshot is a folder of Parquet files; it counts once its marker ``snapshots.parquet`` is there,
which is written last. Nothing that is there is ever changed, only added and, by `remove`, taken
away marker first. So no reader waits for a writer, and a writer that dies leaves nothing that a
reader would take for a snapshot.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from regtools.errors import ConfigError, HistoryError
from regtools.history.files import MARKER, file_path, reason, sync_folder, to_parquet, write_file

_SNAPSHOT: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}")
_PREFIX: Final = ".incoming-"
_HIDDEN: Final = re.compile(re.escape(_PREFIX) + ".+")


class Place(Protocol):
    """What a history needs of the place it lies in."""

    address: str
    """For people; holds no secret."""
    filesystem: Any
    root: str
    """The history's folder as `filesystem` names it."""

    def published(self) -> list[str]:
        """List the snapshots that have a marker, oldest first."""

    def unfinished(self) -> dict[str, datetime]:
        """List folders of snapshots without a marker, with the time of their last change."""

    def write(self, snapshot: str, tables: Mapping[str, pa.Table], marker: pa.Table) -> None:
        """Add a snapshot: all of it, or nothing that counts."""

    def put(self, path: str, table: pa.Table) -> None:
        """Add a file below a folder of the history: whole, or not at all."""

    def remove(self, name: str) -> None:
        """Remove a snapshot, or what is left of one."""

    def require_writable(self) -> None:
        """Raise OSError unless snapshots can be added."""

    def url(self, path: str) -> str:
        """Give the address of a file, for other programs."""


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self.address = str(root)
        self.root = str(root)
        self.filesystem = pafs.LocalFileSystem()
        self._root = root

    def published(self) -> list[str]:
        return [name for name in self._folders(_SNAPSHOT) if self._marker(name).exists()]

    def unfinished(self) -> dict[str, datetime]:
        names = [n for n in self._folders(_SNAPSHOT) if not self._marker(n).exists()]
        found: dict[str, datetime] = {}
        for name in (*names, *self._folders(_HIDDEN)):
            try:
                changed = (self._root / name).stat().st_mtime
            except FileNotFoundError:  # its writer has just finished
                continue
            found[name] = datetime.fromtimestamp(changed, UTC)
        return found

    def write(self, snapshot: str, tables: Mapping[str, pa.Table], marker: pa.Table) -> None:
        if not self._root.is_dir():
            self._root.mkdir(parents=True, exist_ok=True)
            sync_folder(self._root.parent)
        hidden, final = self._root / f"{_PREFIX}{snapshot}", self._root / snapshot
        try:
            hidden.mkdir()
            for name, table in tables.items():
                write_file(hidden / f"{name}.parquet", table)
            sync_folder(hidden)
            hidden.rename(final)
            sync_folder(self._root)
            partial = final / f".{MARKER}.partial"
            write_file(partial, marker)
            partial.rename(self._marker(snapshot))
            sync_folder(final)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            if not self._marker(snapshot).exists():
                shutil.rmtree(final, ignore_errors=True)
            raise

    def put(self, path: str, table: pa.Table) -> None:
        final = self._root / path
        if not final.parent.is_dir():
            final.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(final.parent.parent)
        hidden = final.parent / f"{_PREFIX}{final.name}"
        try:
            write_file(hidden, table)
            hidden.rename(final)
            sync_folder(final.parent)
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise

    def remove(self, name: str) -> None:
        # Somebody else may be pruning as well.
        with contextlib.suppress(FileNotFoundError):
            self._marker(name).unlink(missing_ok=True)
            sync_folder(self._root / name)
            shutil.rmtree(self._root / name)

    def require_writable(self) -> None:
        # The folder may not be there yet; a failed scan should not leave an empty one behind.
        nearest = next(path for path in (self._root, *self._root.parents) if path.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass

    def url(self, path: str) -> str:
        return path

    def _marker(self, snapshot: str) -> Path:
        return self._root / snapshot / f"{MARKER}.parquet"

    def _folders(self, pattern: re.Pattern[str]) -> list[str]:
        try:
            with os.scandir(self._root) as entries:
                return sorted(e.name for e in entries if pattern.fullmatch(e.name) and e.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unlistable(self, error) from error


class Bucket:
    """A prefix in object storage, where an object appears whole or not at all."""

    def __init__(self, location: str) -> None:
        self.filesystem, root = pafs.FileSystem.from_uri(location)
        self.root = root.rstrip("/")
        parts = urlsplit(location)
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")

    def published(self) -> list[str]:
        return sorted(
            name for name, files in self._folders().items() if f"{MARKER}.parquet" in files
        )

    def unfinished(self) -> dict[str, datetime]:
        return {
            name: max(files.values())
            for name, files in self._folders().items()
            if f"{MARKER}.parquet" not in files
        }

    def write(self, snapshot: str, tables: Mapping[str, pa.Table], marker: pa.Table) -> None:
        try:
            for name, table in {**tables, MARKER: marker}.items():
                self._upload(file_path(self, snapshot, name), to_parquet(table))
        except BaseException:
            with contextlib.suppress(OSError):
                self.remove(snapshot)
            raise

    def put(self, path: str, table: pa.Table) -> None:
        self._upload(f"{self.root}/{path}", to_parquet(table))

    def remove(self, name: str) -> None:
        marker = file_path(self, name, MARKER)
        if self.filesystem.get_file_info(marker).type == pafs.FileType.File:
            self.filesystem.delete_file(marker)
        if self.filesystem.get_file_info(f"{self.root}/{name}").type == pafs.FileType.Directory:
            self.filesystem.delete_dir(f"{self.root}/{name}")

    def require_writable(self) -> None:
        probe = f"{self.root}/.writable-{secrets.token_hex(4)}"
        self._upload(probe, pa.py_buffer(b"regtools"))
        self.filesystem.delete_file(probe)

    def url(self, path: str) -> str:
        return self.address + path.removeprefix(self.root)

    def _upload(self, path: str, data: pa.Buffer) -> None:
        with self.filesystem.open_output_stream(path) as stream:
            stream.write(data)

    def _folders(self) -> dict[str, dict[str, datetime]]:
        # One listing of everything costs a request per thousand files.
        wanted = pafs.FileSelector(self.root, recursive=True, allow_not_found=True)
        folders: dict[str, dict[str, datetime]] = {}
        try:
            listed = self.filesystem.get_file_info(wanted)
        except OSError as error:
            raise _unlistable(self, error) from error
        for info in listed:
            name, _, file = info.path.removeprefix(f"{self.root}/").partition("/")
            if _SNAPSHOT.fullmatch(name) and file and info.type == pafs.FileType.File:
                folders.setdefault(name, {})[file] = info.mtime
        return folders


def open_place(location: str | Path) -> Place:
    """Find the place that an address names.

    Raises
    ------
    ConfigError
        Codes ``HISTORY_LOCATION`` and ``SECRET_INLINE``.
    """
    text = str(location)
    if "://" not in text:
        return Folder(_absolute(text))
    parts = urlsplit(text)
    if parts.scheme == "file":
        return Folder(_absolute(unquote(parts.path)))
    if parts.password is not None:
        raise ConfigError(
            f"The history's address {parts.scheme}://… holds a secret.",
            code="SECRET_INLINE",
            remedy="Leave it out: the cloud's own environment variables and files are used.",
        )
    try:
        return Bucket(text)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{parts.scheme}://{parts.netloc}{parts.path} cannot be a history: {reason(error)}.",
            code="HISTORY_LOCATION",
            remedy="Name a folder, or a bucket as s3://…, gs://… or abfss://….",
        ) from error


def _unlistable(place: Place, error: OSError) -> HistoryError:
    return HistoryError(
        f"The history {place.address} cannot be listed: {reason(error)}.",
        code="HISTORY_UNREADABLE",
        remedy="Check its address, the network and the permissions.",
    )


def _absolute(text: str) -> Path:
    return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100  # keeps symbolic links
