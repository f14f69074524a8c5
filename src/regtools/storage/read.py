"""From a folder to what is in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from regtools.errors import StorageError
from regtools.storage.contents import Contents, Effect, Kind
from regtools.storage.disk import Disk
from regtools.storage.distribution import content_folder, read_distribution
from regtools.storage.layout import MARKER, read_layout
from regtools.storage.manifests import ALGORITHMS

Count = Callable[[int, int], None]
_CHUNK: Final = 2**20


def read_storage(
    folder: str | Path,
    *,
    verify: bool = False,
    on_progress: Count = lambda _done, _total: None,
) -> Contents:
    """Read a registry's storage folder, or an OCI image layout. Nothing is changed.

    Parameters
    ----------
    folder
        The registry's ``rootdirectory``, ``docker`` or ``docker/registry/v2`` in it, or a layout.
    verify
        Also read every blob and compare it with its digest: that reads the whole disk.
    on_progress
        Takes bytes verified, and bytes to verify.

    Raises
    ------
    StorageError
        Codes ``STORAGE_MISSING``, ``STORAGE_UNREADABLE`` and ``STORAGE_UNKNOWN``: there is no
        such folder, it cannot be opened, or it is neither of these.
    """
    # The folder itself may be a link; from there on none is followed.
    root = _opened(Path(folder))
    content = content_folder(root)
    if (root / MARKER).is_file():
        contents = read_layout(root)
    elif content is not None:
        contents = read_distribution(root, content)
    else:
        raise StorageError(
            f"{folder} is neither a registry's storage nor an OCI image layout.",
            code="STORAGE_UNKNOWN",
            remedy="Give the registry's rootdirectory, which holds docker/registry/v2; in the "
            "official image that is /var/lib/registry.",
        )
    return _verified(contents, content or root, on_progress) if verify else contents


def _opened(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
        with os.scandir(root):
            return root
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StorageError(
            f"{folder} is not a folder.", code="STORAGE_MISSING", remedy="Check the path."
        ) from error
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError before 3.13
        reason = error.strerror if isinstance(error, OSError) else "it leads in circles"
        raise StorageError(f"{folder} cannot be read: {reason}.") from error


def _verified(contents: Contents, content: Path, on_progress: Count) -> Contents:
    disk = Disk(contents.root)
    known = {problem.reference for problem in contents.problems}
    total = sum(contents.blobs["bytes"].to_pylist())
    done = 0
    for row in contents.blobs.to_pylist():
        algorithm, _, encoded = row["digest"].partition(":")
        shard = f"{encoded[:2]}/{encoded}/data" if contents.kind is Kind.DISTRIBUTION else encoded
        path = f"{content}/blobs/{algorithm}/{shard}"
        found = _hash(disk, path, algorithm) if algorithm in ALGORITHMS else encoded
        if found not in (None, encoded) and row["digest"] not in known:
            message = f"What lies under {row['digest']} has the digest {algorithm}:{found}."
            disk.note(
                "DIGEST_MISMATCH", path, message, effect=Effect.DAMAGE, reference=row["digest"]
            )
        done += row["bytes"]
        on_progress(done, total)
    return replace(contents, problems=(*contents.problems, *disk.problems))


def _hash(disk: Disk, path: str, algorithm: str) -> str | None:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123
            hasher = hashlib.new(algorithm)
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except OSError as error:
        disk.unreadable(path, error)
        return None
    return hasher.hexdigest()
