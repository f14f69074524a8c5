"""`regtools audit`: images that cannot be pulled whole, and what is left of those that are gone."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, print_document, print_rows, records, say

SEVERITIES: Final = ("critical", "warning", "info")
COLUMNS: Final = ("code", "repository", "what", "affected", "remedy")
_NAMED: Final = 5
"""How many tags a terminal names; JSON and CSV hold all."""


class Threshold(StrEnum):
    """From which severity on a row turns the exit code to 1."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(audit)


def audit(
    fail_on: Annotated[
        Threshold, typer.Option("--fail-on", help="From which severity on to end with 1.")
    ] = Threshold.CRITICAL,
    registry: options.Registry = None,
    at: options.At = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show what is broken: missing children, tags, layers, and signatures of images gone.

    Layers are asked for by `regtools scan --check-blobs` only.
    """
    from regtools.analyses.audit import COLUMNS as KEYS
    from regtools.analyses.audit import audit as analyze
    from regtools.context import open_history

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    store = open_history(options.history_location(history, config))
    frame = analyze(store, registry=registry, at=options.moment(at))
    rows = records(frame)
    counts = {severity: int((frame["severity"] == severity).sum()) for severity in SEVERITIES}
    if fmt is Format.JSON:
        print_document(complete=bool(frame["complete"].all()), counts=counts, rows=rows)
    elif fmt is Format.CSV:
        print_rows(rows, fmt, columns=tuple(KEYS))
    else:
        _print_groups(rows, several=frame["registry"].nunique() > 1)
    say(", ".join(f"{counts[severity]:,} {severity}" for severity in SEVERITIES))
    if any(counts[severity] for severity in _at_or_above(fail_on)):
        raise typer.Exit(1)


def _print_groups(rows: list[dict[str, Any]], *, several: bool) -> None:
    columns = ("registry", *COLUMNS) if several else COLUMNS
    for severity in SEVERITIES:
        chosen = [
            {**row, "affected": _shown(row["affected"])}
            for row in rows
            if row["severity"] == severity
        ]
        if chosen:
            print_rows(chosen, Format.TABLE, columns=columns, title=severity.capitalize())


def _shown(tags: list[str]) -> str:
    named = ", ".join(tags[:_NAMED])
    return named if len(tags) <= _NAMED else f"{named} and {len(tags) - _NAMED:,} more"


def _at_or_above(threshold: Threshold) -> tuple[str, ...]:
    if threshold is Threshold.NEVER:
        return ()
    return SEVERITIES[: SEVERITIES.index(threshold.value) + 1]
