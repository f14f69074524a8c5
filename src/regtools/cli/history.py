"""`regtools history`: the store itself."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Annotated

import typer

from regtools.cli import options
from regtools.cli.output import Format, print_rows, say
from regtools.units import parse_age

app = typer.Typer(help="The store of snapshots.", no_args_is_help=True)
COLUMNS = ("snapshot", "registry", "namespace", "taken_at", "complete", "requests", "seconds")


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.add_typer(app, name="history")


@app.command("list")
def list_snapshots(
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """List the snapshots, oldest first."""
    from regtools.context import open_history

    store = open_history(options.history_location(history, config))
    rows = [dataclasses.asdict(row) for row in store.snapshots()]
    print_rows(rows, options.chosen_format(as_json=as_json, as_csv=as_csv), columns=COLUMNS)


@app.command("check")
def check(
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Look for broken or left-over parts. Ends with 1 if there are any."""
    from regtools.context import open_history

    store = open_history(options.history_location(history, config))
    rows = [dataclasses.asdict(finding) for finding in store.check()]
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    if rows or fmt is not Format.TABLE:
        print_rows(rows, fmt, columns=("snapshot", "code", "message"))
    if rows:
        raise typer.Exit(1)
    say(f"{len(store.snapshots())} snapshots, all whole.")


@app.command("prune")
def prune(
    keep_last: Annotated[
        int | None,
        typer.Option("--keep-last", min=1, metavar="N", help="Keep the newest N of each target."),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Only those older than 30d, 8w, 1y."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Remove old snapshots, never the newest complete one of a target, and left-over parts."""
    from regtools.context import open_history

    store = open_history(options.history_location(history, config))
    gone = store.prune(
        keep_last=keep_last,
        older_than=parse_age(older_than) if older_than else None,
        dry_run=dry_run,
        now=datetime.now(UTC),
    )
    rows = [dataclasses.asdict(row) for row in gone]
    print_rows(rows, options.chosen_format(as_json=as_json, as_csv=as_csv), columns=COLUMNS)
    walks = store.diagnoses.prune(
        keep_last=keep_last,
        older_than=parse_age(older_than) if older_than else None,
        dry_run=dry_run,
        now=datetime.now(UTC),
    )
    done = "would go" if dry_run else "removed"
    say(f"{len(gone)} snapshots {done}, and {walks} kept diagnoses.")
