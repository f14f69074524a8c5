"""`regtools run`: everything nightly, unattended."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from regtools.cli import options
from regtools.cli.output import print_document, say

if TYPE_CHECKING:
    from regtools.nightly import Step

TERMINATED = 143


class LogFormat(StrEnum):
    """How steps are written down."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(command)


def command(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing where everything is fine.")
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", help="A line a step: for people, or JSON.")
    ] = LogFormat.TEXT,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Scan, diagnose, report, publish and tell, for every registry in the settings.

    Ends with 0 where all is fine, 1 for a finding at run.fail_on or above, 2 for a setting that
    cannot be used, 3 where something could not be finished.
    """
    from regtools.nightly import run
    from regtools.nightly.deadline import Terminated

    def log(step: Step) -> None:
        if log_format is LogFormat.JSON:
            _log_json(step)
        elif not quiet:
            words = f" [{step.code}] {step.summary}" if step.code else ""
            say(f"{step.step} {step.subject}: {step.outcome} ({step.seconds:.1f} s){words}")

    options.for_kernels(config)
    try:
        night = run(config=config, log=log)
    except Terminated:
        say("Stopped: what was read and reported is kept.")
        raise typer.Exit(TERMINATED) from None
    if as_json:
        print_document(**night.to_dict())
    elif not quiet or night.exit_code:
        say(night.line)
        if night.sheet and not quiet:
            say(f"All registries on one sheet: {night.sheet}")
    if night.exit_code:
        raise typer.Exit(night.exit_code)


def _log_json(step: Step) -> None:
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "error" if step.outcome == "failed" else "info",
        "step": step.step,
        "subject": step.subject,
        "outcome": step.outcome,
        "seconds": round(step.seconds, 3),
        "code": step.code,
        "message": step.summary,
    }
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()
