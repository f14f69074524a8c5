"""Publish a report whole or not at all, and point `latest` at it.

    <output>/<name>/latest                    → the newest <UTC stamp>
    <output>/<name>/<UTC stamp>/index.html    the page
    <output>/<name>/<UTC stamp>/<name>.ipynb  the executed notebook
    <output>/<name>/<UTC stamp>/report.json   the same for programs

A report is written in a hidden folder beside them and renamed into place.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from regtools.errors import ConfigError
from regtools.reports.lock import take
from regtools.reports.notebooks import Job
from regtools.reports.pdf import print_pdf
from regtools.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from regtools.reports.html import Page
    from regtools.reports.run import Executed

LATEST: Final = "latest"
_LOCK: Final = ".lock"
_STAGING: Final = ".staging-"
_PAGE: Final = "index.html"
_STAMP: Final = re.compile(r"\d{8}T\d{6}Z(?:-\d+)?")
SIDECAR: Final = "report.json"
_SCHEMA: Final = Path(__file__).resolve().parent / "report.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A published report."""

    name: str
    title: str
    worst: str
    """The worst severity of its findings: ``critical``, ``warning``, ``info`` or ``ok``."""
    folder: Path
    page: Path
    """The page to open."""
    notebook: Path
    """The executed notebook."""
    sidecar: Path
    """The same for programs."""
    seconds: float
    key_numbers: Mapping[str, float | int | None]
    findings: Sequence[Mapping[str, str]]
    pdf: Path | None = None
    """The page as PDF, where one was asked for."""


def regtools_version() -> str:
    """Give the installed version; a source tree that is on the path only has none."""
    try:
        return metadata.version("regtools")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def stamp_of(when: datetime) -> str:
    """Name the folder of a report by its time.

    Examples
    --------
    >>> stamp_of(datetime(2026, 11, 23, 10, 20, 30, tzinfo=UTC))
    '20261123T102030Z'
    """
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def is_stamp(name: str) -> bool:
    """Say whether a folder is a published report's."""
    return _STAMP.fullmatch(name) is not None


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Hold the folder for one run; the lock falls with the process, however that ends.

    Raises
    ------
    ConfigError
        Another run holds it, or the folder cannot be written.
    """
    try:
        handle = take(output / _LOCK)
    except BlockingIOError as error:
        raise ConfigError(
            f"Another run is writing reports to {output}.",
            code="REPORTS_LOCKED",
            remedy="Wait for it to finish, or name another folder with --output.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"Reports cannot be written to {output}: {error.strerror or error}.",
            code="REPORTS_UNWRITABLE",
            remedy="Name a folder you may write to with --output.",
        ) from error
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def staging(output: Path, stamp: str) -> Iterator[Path]:
    """Give a hidden folder to build reports in; it is gone afterwards, whatever happened."""
    for left_over in output.glob(f"{_STAGING}*"):
        # We hold the lock: this belongs to a run that was killed.
        shutil.rmtree(left_over, ignore_errors=True)
    folder = output / f"{_STAGING}{stamp}-{secrets.token_hex(4)}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(
    staged: Path,
    output: Path,
    *,
    job: Job,
    page: Page,
    executed: Executed,
    created_at: datetime,
    browser: str = "",
) -> Report:
    """Put a finished report in its place and point ``latest`` at it.

    Parameters
    ----------
    staged
        The folder that holds the executed notebook; it is renamed into place.
    output
        The folder of all reports.
    job, page, executed
        What was asked for, what it looks like, how it ran.
    created_at
        The report's time.
    browser
        Prints the page as PDF, too; empty: none.
    """
    sidecar = sidecar_of(job, page, created_at)
    (staged / _PAGE).write_text(page.html, encoding="utf-8")
    if browser:
        print_pdf(browser, staged / _PAGE, staged / f"{job.name}.pdf", name=job.name)
        sidecar["files"]["pdf"] = f"{job.name}.pdf"
    (staged / SIDECAR).write_text(_to_json(sidecar), encoding="utf-8")
    sync(*staged.iterdir(), staged)
    folder = _free_name(output / job.name, stamp_of(created_at))
    staged.rename(folder)
    _point_latest(folder)
    sync(folder.parent)
    return Report(
        name=job.name,
        title=page.title,
        worst=str(sidecar["status"]),
        folder=folder,
        page=folder / _PAGE,
        notebook=folder / f"{job.name}.ipynb",
        sidecar=folder / SIDECAR,
        pdf=folder / f"{job.name}.pdf" if browser else None,
        seconds=executed.seconds,
        key_numbers=sidecar["key_numbers"],
        findings=sidecar["findings"],
    )


def report_schema() -> dict[str, Any]:
    """Give the JSON Schema of ``report.json``."""
    document: dict[str, Any] = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return document


def sidecar_of(job: Job, page: Page, created_at: datetime) -> dict[str, Any]:
    """Say what a report says, for programs."""
    return {
        "schema_version": SCHEMA_VERSION,
        "report": job.name,
        "title": page.title,
        "status": page.findings.get("status", "ok"),
        "created_at": created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "regtools": regtools_version(),
        "parameters": job.values(),
        "snapshots": page.provenance.get("snapshots", []),
        "complete": bool(page.provenance.get("complete", False)),
        "key_numbers": page.findings.get("key_numbers", {}),
        "tiles": page.findings.get("tiles", []),
        "findings": page.findings.get("findings", []),
        "registries": page.findings.get("registries", []),
        "files": {"html": _PAGE, "notebook": f"{job.name}.ipynb"},
    }


def _to_json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _free_name(parent: Path, stamp: str) -> Path:
    """Two runs within a second: the second gets a number, so that nothing is overwritten."""
    parent.mkdir(exist_ok=True)
    names = (stamp, *(f"{stamp}-{number}" for number in range(2, 1000)))
    return next(parent / name for name in names if not (parent / name).exists())


def _point_latest(folder: Path) -> None:
    """Replace the link in one step; where links are impossible, a file holds the name."""
    aside = folder.parent / f".{LATEST}-{secrets.token_hex(4)}"
    try:
        aside.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        aside.write_text(f"{folder.name}\n", encoding="utf-8")
    aside.replace(folder.parent / LATEST)


def sync(*paths: Path) -> None:
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
