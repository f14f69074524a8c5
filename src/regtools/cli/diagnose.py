"""`regtools diagnose`: what is wrong between here and an image, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regtools.cli import options
from regtools.cli.output import (
    STATUS_STYLES,
    Format,
    print_document,
    print_rows,
    records,
    say,
)
from regtools.errors import ConfigError, RegtoolsError

if TYPE_CHECKING:
    import pandas as pd

    from regtools.collect.diagnosis import Diagnosis

USUAL = ("stage", "ms", "p50_ms", "p95_ms", "runs", "slower")
WIDTH = 100
"""Columns of what goes into a file or a pipe."""


class Threshold(StrEnum):
    """From which status on a diagnosis ends with 1."""

    FAIL = "fail"
    WARN = "warn"
    NEVER = "never"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("diagnose")(diagnose)
    app.command("explain")(explain)


def diagnose(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET[/REPOSITORY[:TAG]]",
            help="A registry, or an image in it.",
            show_default=False,
        ),
    ],
    platform: Annotated[
        str | None,
        typer.Option(
            "--platform",
            metavar="OS/ARCH",
            help="Platform that the image must have [default: this machine's is looked for].",
        ),
    ] = None,
    push: Annotated[
        bool, typer.Option("--push", help="A push is to work: the right to it is needed.")
    ] = False,
    storage: Annotated[
        Path | None,
        typer.Option("--storage", metavar="DIR", help="The registry's own folder: is there room?"),
    ] = None,
    fail_on: Annotated[
        Threshold, typer.Option("--fail-on", help="From which status on to end with 1.")
    ] = Threshold.FAIL,
    watch: Annotated[
        float | None,
        typer.Option("--watch", min=0.1, metavar="SECONDS", help="Again and again, until Ctrl-C."),
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="With --watch: so many times.")
    ] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--baseline", help="Say which stages became slower than the history has them."
        ),
    ] = False,
    history: options.History = None,
    config: options.Config = None,
    username: options.Username = None,
    password: options.Password = None,
    ca_file: options.CaFile = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Walk from the name to the bytes, stage by stage, to one root cause and its remedy."""
    from regtools.access import Options
    from regtools.walk import diagnose as walk

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    chosen = Options(config=config, username=username, password=password, ca_file=ca_file)

    def once() -> Diagnosis:
        try:
            return walk(target, platform=platform, push=push, storage=storage, options=chosen)
        except RegtoolsError as error:
            error.closer_look = ""  # This is it.
            raise

    if count is not None and watch is None:
        raise ConfigError("--count belongs to --watch.", remedy="Give both, or neither.")
    if compare and watch is not None:
        raise ConfigError(
            "--baseline compares one diagnosis, and --watch makes many.", remedy="Give one of them."
        )
    place = _kept_in(history, config)
    usual: pd.DataFrame | None = None
    if watch is not None:
        found = _watched(once, watch, count, fmt)
    else:
        found = [once()]
        usual = _compared(found[0], place or "") if compare else None
        _show(found[0], fmt, usual)
    if place is not None:
        _keep(place, found)
    statuses = {one.status for one in found}
    if usual is not None and usual["slower"].any():
        statuses.add("warn")
    if statuses.intersection(_at_or_above(fail_on)):
        raise typer.Exit(1)


def explain(
    code: Annotated[str, typer.Argument(help="A code of a diagnosis.", show_default=False)],
    as_json: options.Json = False,
) -> None:
    """Say what a code of a diagnosis means, and what to do about it."""
    from regtools.collect.causes import causes

    entry = causes().get(code.upper())
    if entry is None:
        near = get_close_matches(code.upper(), causes(), n=3)
        raise ConfigError(
            f"No diagnosis says {code!r}.",
            code="CODE_UNKNOWN",
            remedy=f"Did you mean {', '.join(near)}?" if near else "See the page of all codes.",
        )
    if as_json:
        print_document(**asdict(entry))
        return
    row = {"code": entry.code, "stage": entry.stage, "means": entry.means, "do": entry.do}
    print_rows([row], Format.TABLE, columns=tuple(row))


def _kept_in(history: str | None, config: Path | None) -> str | None:
    """Give the history that the result is added to: one that is named, or that is there already."""
    place = options.history_location(history, config)
    return place if history or "://" in place or Path(place).is_dir() else None


def _keep(place: str, found: list[Diagnosis]) -> None:
    """Add what was found to the history; that this fails is not what was asked about."""
    from regtools.walk import keep_diagnoses

    try:
        keep_diagnoses(place, found)
    except RegtoolsError as error:
        say(f"This is not kept in the history: {error.summary} [{error.code}]")


def _compared(found: Diagnosis, place: str) -> pd.DataFrame:
    from regtools.analyses.baseline import baseline
    from regtools.context import open_history

    if not place:
        raise ConfigError(
            "There is no history to compare with.",
            code="HISTORY_MISSING",
            remedy="Name one with --history; scans and earlier diagnoses are in it.",
        )
    return baseline(
        open_history(place),
        found.frame,
        registry=found.registry,
        repository=found.repository,
        before=found.taken_at,
    )


def _show(found: Diagnosis, fmt: Format, usual: pd.DataFrame | None) -> None:
    if fmt is Format.JSON:
        compared = {} if usual is None else {"baseline": records(usual)}
        print_document(**found.document(), **compared)
    elif fmt is Format.CSV and usual is not None:
        both = found.frame.merge(usual.drop(columns="ms"), how="left").astype({"runs": "Int64"})
        print_rows(records(both), fmt, columns=tuple(both.columns))
    elif fmt is Format.CSV:
        print_rows(records(found.frame), fmt, columns=tuple(found.frame.columns))
    else:
        _show_tree(found)
    cause = found.root_cause
    if cause is not None:
        said = "" if fmt is Format.TABLE else f": {cause.summary}"
        say(f"root cause: {cause.stage}{said} [{cause.code}]")
    if cause is not None and fmt is not Format.TABLE:
        say(f"  → {cause.remedy}")
    if usual is not None and fmt is Format.TABLE:
        _show_usual(usual)


def _show_tree(found: Diagnosis) -> None:
    from rich.console import Console
    from rich.text import Text

    from regtools.cli.tree import diagnosis_lines

    out = Console(highlight=False)
    for line in diagnosis_lines(found, width=out.width if out.is_terminal else WIDTH):
        text = Text(line.text)
        text.stylize(STATUS_STYLES.get(line.status, ""), 0, 1)
        out.print(text, soft_wrap=True)


def _show_usual(usual: pd.DataFrame) -> None:
    from regtools.analyses.baseline import FEWEST_RUNS

    print_rows(records(usual), Format.TABLE, columns=USUAL, title="Beside earlier looks")
    slower = list(usual.loc[usual["slower"], "stage"])
    if slower:
        say(f"Slower than usual: {', '.join(slower)}.")
    elif (usual["runs"] >= FEWEST_RUNS).any():
        say("Nothing became slower.")
    else:
        say(f"Fewer than {FEWEST_RUNS} earlier looks are in the history: nobody can tell yet.")


def _watched(
    once: Callable[[], Diagnosis], seconds: float, count: int | None, fmt: Format
) -> list[Diagnosis]:
    """Repeat until it is enough, then give what it came to."""
    from regtools.collect.latency import COLUMNS as COUNTED
    from regtools.collect.latency import latency

    found: list[Diagnosis] = []
    try:
        while count is None or len(found) < count:
            if found:
                time.sleep(seconds)
            found.append(once())
            say(_line(found[-1]))
    except KeyboardInterrupt:
        say("Stopped.")
    rows = records(latency(found))
    if fmt is Format.JSON:
        document = found[-1].document() if found else {}
        print_document(runs=len(found), stages=rows, last=document)
    else:
        print_rows(rows, fmt, columns=COUNTED)
    return found


def _line(found: Diagnosis) -> str:
    took = sum(check.ms or 0 for check in found.checks)
    cause = found.root_cause
    said = f"{cause.stage}: {cause.summary} [{cause.code}]" if cause else found.status
    return f"{took:,.0f} ms  {said}"


def _at_or_above(threshold: Threshold) -> tuple[str, ...]:
    return {
        Threshold.FAIL: ("fail",),
        Threshold.WARN: ("fail", "warn"),
        Threshold.NEVER: (),
    }[threshold]
