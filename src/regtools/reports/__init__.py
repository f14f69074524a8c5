"""Run notebooks side by side and publish each as a page, an executed notebook and a sidecar.

A report appears whole or not at all; one that fails leaves the newest good one in its place.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from regtools.errors import ConfigError, HistoryError, ReportError
from regtools.reports import quick as quick  # before anything that loads nbformat
from regtools.reports.notebooks import (
    EVERY_NIGHT,
    REPORTS,
    Job,
    Limits,
    Value,
    names_in,
    prepare,
)
from regtools.reports.pages import SUMMARY, pages, write_pages
from regtools.reports.pdf import find_browser
from regtools.reports.publish import (
    Report,
    locked,
    publish,
    report_schema,
    staging,
    stamp_of,
)
from regtools.reports.source import Source

if TYPE_CHECKING:
    from regtools.reports.kernels import Kernels

ALL: Final = "all"
_LONGEST: Final = "storage-growth"
_NOT_NAMED: Final = ("regtools.settings",)
"""What notebooks load though they do not name it."""
_GIVES_WAY: Final = 10
"""Niceness of the others where all have to share too few processors."""

__all__ = [
    "ALL",
    "EVERY_NIGHT",
    "REPORTS",
    "SUMMARY",
    "Limits",
    "Report",
    "pages",
    "report",
    "report_schema",
]


def report(
    names: str | Sequence[str],
    *,
    history: str | Path = "",
    output: str | Path,
    parameters: Mapping[str, Value] | None = None,
    registry: str = "",
    now: datetime | None = None,
    progress: Callable[[str], None] = lambda _: None,
    on_done: Callable[[Report], None] = lambda _: None,
    limits: Limits | None = None,
    pdf: bool = False,
) -> list[Report]:
    """Run notebooks and publish their reports.

    Parameters
    ----------
    names
        Names of `REPORTS`, or ``all`` for those of `EVERY_NIGHT`.
    history
        The history's folder or bucket, as the reports will name it; empty: the sample history.
    output
        Where reports are published: ``<output>/<name>/<UTC stamp>/``, ``<output>/<name>/latest``
        and, over all of them, ``<output>/index.html`` and ``<output>/summary.html``.
    parameters
        Values for the notebooks' parameters; each notebook takes those it knows. Text is read
        as the type of the parameter's default.
    registry
        Only this registry of the history.
    now
        The time that stands on the reports; left out: the present.
    progress
        Called with a line for a person when something was finished.
    on_done
        Called with each report as it is published, from its own thread; though another fails.
    limits
        How long a kernel may take to start and a cell to run.
    pdf
        Also print each page and the summary as PDF, by Chromium or Chrome.

    Returns
    -------
    list
        A `Report` for each name, in the order asked for.

    Raises
    ------
    ConfigError
        A name or a parameter is unknown or of the wrong type (nothing ran), the folder cannot
        be written, or another run is at work in it (code ``REPORTS_LOCKED``).
    HistoryError
        The history has no snapshot.
    ReportError
        At least one notebook did not finish, or a PDF could not be printed. The others are
        published all the same.
    """
    jobs = prepare(_chosen(names), {**(parameters or {}), **_places(history, registry)})
    browser = find_browser() if pdf else ""
    folder = Path(output)
    created_at = now or datetime.now(UTC)
    names = [*names_in(job.notebook for job in jobs), *_NOT_NAMED]
    with Source(names) as source:
        _require_snapshots(str(history), registry)
        with locked(folder), staging(folder, stamp_of(created_at)) as staged:
            done, failed = _run_all(
                jobs,
                source,
                staged,
                folder,
                created_at,
                progress,
                limits or Limits(),
                browser,
                on_done,
            )
            try:
                write_pages(folder, browser)
            except ReportError as error:
                failed.append(error)
    if failed:
        raise _joined(failed)
    return done


def _chosen(names: str | Sequence[str]) -> list[str]:
    wanted = [names] if isinstance(names, str) else list(names)
    several = (EVERY_NIGHT if name == ALL else (name,) for name in wanted)
    chosen = list(dict.fromkeys(name for names in several for name in names))
    unknown = [name for name in chosen if name not in REPORTS]
    if unknown or not chosen:
        raise ConfigError(
            f"There is no report named {', '.join(unknown) or 'nothing'}.",
            code="UNKNOWN_REPORT",
            remedy=f"Choose from {', '.join(REPORTS)} or {ALL}.",
        )
    return chosen


def _places(history: str | Path, registry: str) -> dict[str, Value]:
    given: dict[str, Value] = {"history": str(history)} if history else {}
    return {**given, "registry": registry} if registry else given


def _require_snapshots(location: str, registry: str) -> None:
    """Say that a history is empty before kernels are started to find it out."""
    if not location:
        return
    from regtools.history import History

    snapshots = History(location).snapshots()
    if not snapshots:
        raise HistoryError(
            f"There is no snapshot in {location}.",
            code="HISTORY_EMPTY",
            remedy="Run `regtools scan TARGET` first, or name another folder with --history.",
        )
    known = sorted({row.registry for row in snapshots})
    if registry and registry not in known:
        raise ConfigError(
            f"There is no snapshot of {registry} in {location}.",
            code="UNKNOWN_REGISTRY",
            remedy=f"The history knows {', '.join(known)}.",
        )


def _run_all(
    jobs: Sequence[Job],
    source: Source,
    staged: Path,
    folder: Path,
    created_at: datetime,
    progress: Callable[[str], None],
    limits: Limits,
    browser: str,
    on_done: Callable[[Report], None],
) -> tuple[list[Report], list[ReportError]]:
    """Run all notebooks at once, a kernel each.

    With fewer processors than kernels the longest would end long after the others; they give way,
    and all end together.
    """
    # These take long to load; the source does meanwhile.
    from regtools.reports.kernels import Kernels

    is_crowded = len(jobs) > (os.cpu_count() or 1)
    gives_way = is_crowded and any(job.name == _LONGEST for job in jobs)
    niceness = {job.name: _GIVES_WAY * (gives_way and job.name != _LONGEST) for job in jobs}
    one = partial(
        _run_one,
        staged=staged,
        folder=folder,
        created_at=created_at,
        limits=limits,
        browser=browser,
        on_done=on_done,
    )
    with Kernels(source) as kernels, ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        futures = {
            job.name: pool.submit(one, job, kernels=kernels, niceness=niceness[job.name])
            for job in jobs
        }
        try:
            return _collect(futures, progress)
        except BaseException:
            # Ctrl-C: without their kernels the threads end at once instead of in minutes.
            kernels.kill()
            source.end()
            raise


def _collect(
    futures: Mapping[str, Future[Report]], progress: Callable[[str], None]
) -> tuple[list[Report], list[ReportError]]:
    done: list[Report] = []
    failed: list[ReportError] = []
    for name, future in futures.items():
        try:
            finished = future.result()
        except ReportError as error:
            progress(f"{name}: failed")
            failed.append(error)
        else:
            progress(f"{name}: {finished.page} ({finished.seconds:.0f} s)")
            done.append(finished)
    return done, failed


def _run_one(
    job: Job,
    *,
    kernels: Kernels,
    niceness: int,
    staged: Path,
    folder: Path,
    created_at: datetime,
    limits: Limits,
    browser: str,
    on_done: Callable[[Report], None],
) -> Report:
    from regtools.reports.html import render
    from regtools.reports.run import execute

    own = staged / job.name
    own.mkdir()
    executed = execute(job, own, kernels, limits, niceness=niceness)
    page = render(executed.notebook, job=job, created_at=created_at)
    made = publish(
        own,
        folder,
        job=job,
        page=page,
        executed=executed,
        created_at=created_at,
        browser=browser,
    )
    on_done(made)
    return made


def _joined(failed: Sequence[ReportError]) -> ReportError:
    if len(failed) == 1:
        return failed[0]
    return ReportError(
        " ".join(error.summary for error in failed),
        notebook=", ".join(error.notebook for error in failed),
        cell=", ".join(error.cell for error in failed if error.cell),
        remedy=failed[0].remedy,
    )
