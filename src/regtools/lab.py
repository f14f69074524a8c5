"""A working copy of the notebooks: a person's own, which nothing here overwrites."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from regtools.errors import ConfigError
from regtools.reports.notebooks import notebook_path

NOTEBOOKS: Final = (
    "start",
    "storage-growth",
    "retention",
    "cost-comparison",
    "health",
    "diagnose",
)
"""In the order in which the start page explains them."""
START: Final = "start.ipynb"
_RECORD: Final = ".regtools.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCopy:
    """What became of each notebook."""

    folder: Path
    written: tuple[str, ...] = field(default=())
    """New, or brought up to date because nobody had changed them."""
    kept: tuple[str, ...] = field(default=())
    """Changed by their owner; left as they are."""
    outdated: tuple[str, ...] = field(default=())
    """Of those, the ones of which this regtools has a newer version."""


def working_copy(folder: Path) -> WorkingCopy:
    """Copy the notebooks into a folder; what somebody changed there stays.

    A record in the folder (``.regtools.json``) holds the SHA-256 of what was written: a file that
    still has it is unchanged, and gets this version's. A run in JupyterLab changes a file too.

    Raises
    ------
    ConfigError
        The folder cannot be written, or its record cannot be read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        record = _read_record(folder / _RECORD)
        written, kept, outdated = [], [], []
        for name in NOTEBOOKS:
            source = notebook_path(name)
            content = source.read_bytes()
            ours, file = _digest(content), folder / source.name
            theirs = _digest(file.read_bytes()) if file.exists() else None
            before = record.get(source.name)
            if theirs is not None and theirs not in (ours, before):
                kept.append(source.name)
                if before != ours:
                    outdated.append(source.name)
                continue
            if theirs != ours:
                _replace(file, content)
                written.append(source.name)
            record[source.name] = ours
        _replace(folder / _RECORD, (json.dumps(record, indent=1) + "\n").encode())
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}.",
            remedy="Name another folder with --output.",
        ) from error
    return WorkingCopy(
        folder=folder, written=tuple(written), kept=tuple(kept), outdated=tuple(outdated)
    )


def _read_record(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        # Without it every copy that differs counts as changed: nothing is lost.
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _replace(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    new = file.with_name(f".{file.name}.new")
    new.write_bytes(content)
    os.replace(new, file)  # noqa: PTH105 - the file as it is named, not where a link leads


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
