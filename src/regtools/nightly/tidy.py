"""Takes old reports away: the newest stay, and always the one that `latest` means."""

from __future__ import annotations

import shutil
from pathlib import Path

from regtools.reports.publish import LATEST, is_stamp


def tidy(output: Path, keep: int) -> list[Path]:
    """Remove all but the newest reports of each name.

    Parameters
    ----------
    output
        The folder of all reports.
    keep
        How many of each stay, at least one.

    Returns
    -------
    list
        What was removed.
    """
    removed = []
    for folder in sorted(path for path in output.iterdir() if path.is_dir()):
        stamped = sorted(
            path for path in folder.iterdir() if is_stamp(path.name) and not path.is_symlink()
        )
        latest = _latest(folder)
        for old in stamped[: -max(keep, 1)]:
            if old.name != latest:
                shutil.rmtree(old)
                removed.append(old)
    return removed


def _latest(folder: Path) -> str:
    link = folder / LATEST
    if link.is_symlink():
        return link.readlink().name
    return link.read_text(encoding="utf-8").strip() if link.is_file() else ""
