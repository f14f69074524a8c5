"""One night: every step in its order, each able to fail without the next ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from regtools.access import Options
from regtools.client import trust
from regtools.errors import ConfigError, RegtoolsError, ReportError
from regtools.nightly.deadline import deadline, terminable
from regtools.nightly.lock import only_run
from regtools.nightly.metrics import write_metrics
from regtools.nightly.night import Night, Step
from regtools.nightly.notify import is_wanted, notify
from regtools.nightly.outside import copy_reports, shown
from regtools.nightly.tidy import tidy
from regtools.progress import Silent
from regtools.reports import SUMMARY, Limits, report
from regtools.session import Scanned, scan
from regtools.settings import Settings, load_settings
from regtools.units import parse_seconds
from regtools.walk import diagnose, keep_diagnoses

Log = Callable[[Step], None]


@dataclass(slots=True, kw_only=True)
class _Work:
    settings: Settings
    options: Options
    night: Night
    log: Log
    scanned: list[Scanned] = field(default_factory=list)

    @property
    def output(self) -> Path:
        return Path(self.settings.reports)

    @contextmanager
    def step(self, name: str, subject: str) -> Iterator[None]:
        """Take a step; that it fails is written down, and the night goes on."""
        clock = time.monotonic()
        try:
            yield
        except RegtoolsError as error:
            self.done(name, subject, clock, error.code, error.summary)
        except OSError as error:
            self.done(name, subject, clock, "RUN_STEP_FAILED", error.strerror or str(error))
        else:
            self.done(name, subject, clock)

    def done(
        self, name: str, subject: str, clock: float, code: str = "", summary: str = ""
    ) -> None:
        step = Step(
            step=name,
            subject=subject,
            outcome="failed" if code else "ok",
            seconds=time.monotonic() - clock,
            code=code,
            summary=summary,
        )
        self.night.steps.append(step)
        self.log(step)


def run(
    *,
    config: Path | None = None,
    now: datetime | None = None,
    log: Log = lambda _: None,
    notify_pause: float = 2.0,
) -> Night:
    """Do everything that ``[run]`` of the settings says, for all registries in it.

    Parameters
    ----------
    config
        The settings file; left out: looked for.
    now
        When it began; left out: the present.
    log
        Called with each step as it ends.
    notify_pause
        Seconds before a receiver is tried again.

    Returns
    -------
    Night
        What was done; `Night.exit_code` says what a scheduler must know.

    Raises
    ------
    ConfigError
        A setting cannot be used; nothing was done.
    RunError
        Codes ``RUN_LOCKED`` (another run is under way) and ``RUN_TIMEOUT``.
    """
    settings = load_settings(config)
    names = _names(settings)
    total, each = (
        parse_seconds(text) for text in (settings.run.time_limit, settings.run.notebook_limit)
    )
    night = Night(started_at=now or datetime.now(UTC), fail_on=settings.run.fail_on)
    work = _Work(settings=settings, options=Options(config=config), night=night, log=log)
    clock = time.monotonic()
    with only_run(work.output), terminable():
        try:
            with deadline(total):
                for name in names:
                    _read(work, name)
                _report(work, Limits(notebook_seconds=each))
                _publish(work)
                with work.step("tidy", str(work.output)):
                    tidy(work.output, settings.run.keep_reports)
        except RegtoolsError as error:
            work.done("run", "time limit", clock, error.code, error.summary)
        finally:
            night.seconds = time.monotonic() - clock
        _tell(work, notify_pause)
    return night


def _names(settings: Settings) -> list[str]:
    known = settings.registries
    names = list(settings.run.registries or known)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            f"run.registries names {unknown[0]!r}, which is no registry of the settings.",
            remedy=f"Known are: {', '.join(known) or 'none'}.",
        )
    if not names:
        raise ConfigError(
            "There is no registry in the settings.",
            remedy="Add [registries.NAME] with a url to regtools.toml.",
        )
    return names


def _read(work: _Work, name: str) -> None:
    """Scan a registry, and look at it stage by stage."""
    clock = time.monotonic()
    try:
        result = scan(
            name,
            options=work.options,
            check_blobs=work.settings.run.check_blobs,
            on_progress=Silent(),
        )
    except RegtoolsError as error:
        work.done("scan", name, clock, error.code, error.summary)
    else:
        work.scanned += result.scanned
        errors = [error for _, error in result.failed]
        problems = [problem for one in result.scanned for problem in one.problems]
        if errors:
            work.done("scan", name, clock, errors[0].code, errors[0].summary)
        elif problems:
            first = problems[0]
            summary = f"{len(problems)} things could not be read, the first: {first.message}"
            work.done("scan", name, clock, first.code, summary)
        else:
            work.done("scan", name, clock)
    if work.settings.run.diagnose:
        with work.step("diagnose", name):
            keep_diagnoses(work.settings.history, [diagnose(name, options=work.options)])


def _report(work: _Work, limits: Limits) -> None:
    """Make the reports; those that were made count, though another failed."""
    started = time.monotonic()
    try:
        report(
            work.settings.run.reports,
            history=work.settings.history,
            output=work.output,
            now=work.night.started_at,
            on_done=work.night.reports.append,
            limits=limits,
            pdf=work.settings.run.pdf,
        )
    except ReportError as error:
        work.done("report", error.notebook, started, error.code, error.summary)
    except (RegtoolsError, OSError) as error:
        code = error.code if isinstance(error, RegtoolsError) else "REPORTS_UNWRITABLE"
        work.done("report", "all", started, code, str(error).splitlines()[0])
    else:
        work.done("report", ", ".join(work.settings.run.reports), started)
    # They end in any order.
    work.night.reports.sort(key=lambda made: made.name)
    sheet = work.output / SUMMARY
    if work.night.reports and sheet.is_file():
        work.night.sheet = str(sheet.resolve())


def _publish(work: _Work) -> None:
    place = work.settings.run.publish
    if place and work.night.reports:
        with work.step("publish", shown(place)):
            folders = [one.folder.resolve() for one in work.night.reports]
            copy_reports(work.output.resolve(), folders, place)
            work.night.sheet = f"{shown(place).rstrip('/')}/{SUMMARY}"


def _tell(work: _Work, pause: float) -> None:
    """Tell people, then the metrics, which count who could not be told."""
    settings, night = work.settings.run, work.night
    for name, receiver in settings.notify.items():
        if is_wanted(receiver, night):
            with work.step("notify", name):
                notify(receiver, night, trust=lambda: trust(None), pause=pause)
    if settings.metrics is not None:
        with work.step("metrics", str(settings.metrics)):
            write_metrics(settings.metrics, night, work.scanned)
