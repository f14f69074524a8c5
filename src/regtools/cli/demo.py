"""`regtools demo`: everything at once, on a registry that comes along."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from regtools.cli import options
from regtools.cli.output import print_document, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(command)


def command(
    output: Annotated[
        Path,
        typer.Option("--output", metavar="DIR", help="Where history and reports go; made anew."),
    ] = Path("demo"),
    as_json: options.Json = False,
) -> None:
    """Show what regtools does: a sample registry, 18 months of history, three reports."""
    from regtools.demo import run

    page = run(output, now=datetime.now(UTC), say=say)
    say("Open this page:")
    if as_json:
        print_document(page=str(page))
    else:
        sys.stdout.write(f"{page}\n")
