"""Copies published reports to another folder or a bucket; there, too, the newest is a good one.

The files of a report go first, then ``<name>/latest/`` is a copy of it, and the pages over all of them
last: whoever opens one finds what it links to.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.fs as pafs

from regtools.errors import RunError
from regtools.reports import pages


def copy_reports(output: Path, reports: list[Path], place: str) -> int:
    """Copy these reports and the pages over all of them.

    Parameters
    ----------
    output
        The folder of all reports.
    reports
        Folders of single reports below it.
    place
        A folder, or ``s3://bucket/prefix``, ``gs://…``, ``abfss://…``.

    Returns
    -------
    int
        How many files went there.

    Raises
    ------
    RunError
        Code ``PUBLISH_FAILED``.
    """
    try:
        filesystem, root = _opened(place)
        count = 0
        for report in reports:
            for file in sorted(report.iterdir()):
                relative = file.relative_to(output).as_posix()
                _put(filesystem, f"{root}/{relative}", file.read_bytes())
                count += 1
        for report in reports:
            for file in sorted(report.iterdir()):
                latest = f"{root}/{report.parent.name}/latest/{file.name}"
                _put(filesystem, latest, file.read_bytes())
                count += 1
        for page in pages(output):
            _put(filesystem, f"{root}/{page.name}", page.read_bytes())
            count += 1
        return count
    except (OSError, ValueError) as error:
        raise RunError(
            f"The reports could not be published to {shown(place)}: {_reason(error)}.",
            code="PUBLISH_FAILED",
            remedy="They are whole in the reports' own folder. Check the place and the rights to "
            "write there.",
        ) from error


def shown(place: str) -> str:
    """Give an address as messages may show it: without user, password and query.

    Examples
    --------
    >>> shown("s3://key:secret@bucket/pages?region=eu-west-1")
    's3://bucket/pages'
    """
    if "://" not in place:
        return place
    parts = urlsplit(place)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _opened(place: str) -> tuple[pafs.FileSystem, str]:
    if "://" not in place:
        return pafs.LocalFileSystem(), str(Path(place).expanduser().absolute())
    if urlsplit(place).password is not None:
        raise ValueError("its address holds a secret")
    filesystem, root = pafs.FileSystem.from_uri(place)
    return filesystem, root.rstrip("/")


def _put(filesystem: pafs.FileSystem, path: str, data: bytes) -> None:
    """Write a file; in a folder it appears whole, as every object of a bucket does."""
    if not isinstance(filesystem, pafs.LocalFileSystem):
        with filesystem.open_output_stream(path) as stream:
            stream.write(data)
        return
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = final.with_name(f".{final.name}.partial")
    aside.write_bytes(data)
    aside.replace(final)


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error).splitlines()[0][:300]
