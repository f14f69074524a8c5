"""`regtools report`: executed notebooks as pages."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from regtools.cli import options
from regtools.cli.output import plain, print_document, say
from regtools.errors import ConfigError


class Name(StrEnum):
    """A report."""

    STORAGE_GROWTH = "storage-growth"
    COST_COMPARISON = "cost-comparison"
    HEALTH = "health"
    RETENTION = "retention"
    ALL = "all"


class Threshold(StrEnum):
    """From which severity on a finding turns the exit code to 1."""

    WARNING = "warning"
    CRITICAL = "critical"
    NEVER = "never"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(command)


def command(
    names: Annotated[
        list[Name], typer.Argument(metavar="REPORT...", help="Which; `all` makes the first three.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", help="Where to publish [default: reports/]."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="NAME=VALUE", help="A parameter of the notebooks."
        ),
    ] = None,
    fail_on: Annotated[
        Threshold, typer.Option("--fail-on", help="From which finding on to end with 1.")
    ] = Threshold.NEVER,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Also as PDF, printed by Chromium or Chrome.")
    ] = False,
    registry: options.Registry = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Make reports from the history and publish them, whole or not at all."""
    from regtools.reports import SUMMARY, report
    from regtools.settings import load_settings

    settings = load_settings(config)
    options.for_kernels(config)
    folder = output or Path(settings.reports)
    made = report(
        [name.value for name in names],
        history=history or settings.history,
        output=folder,
        parameters=_parameters(parameter or []),
        registry=registry or "",
        pdf=pdf,
    )
    if as_json:
        print_document(reports=[plain(dataclasses.asdict(one)) for one in made])
    for one in made:
        say(f"{one.name}: {one.page}")
    say(f"All registries on one sheet: {folder / SUMMARY}")
    if fail_on is not Threshold.NEVER and any(one.worst in _at_or_above(fail_on) for one in made):
        raise typer.Exit(1)


def _at_or_above(threshold: Threshold) -> tuple[str, ...]:
    return ("critical",) if threshold is Threshold.CRITICAL else ("critical", "warning")


def _parameters(pairs: list[str]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    for name, equals, _ in split:
        if not (name and equals):
            raise ConfigError(f"{name!r} is no parameter.", remedy="Write --parameter NAME=VALUE.")
    return {name: value for name, _, value in split}
