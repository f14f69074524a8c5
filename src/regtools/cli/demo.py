"""`regtools demo`: everything at once, on a registry that comes along."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from regtools.cli import options
from regtools.cli.output import print_document, say
from regtools.errors import ConfigError

_MARK = ".made-by-regtools-demo"


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
    from regtools.demo import live_snapshot, sample_history
    from regtools.progress import for_terminal
    from regtools.reports import report

    now = datetime.now(UTC)
    _make_anew(output)
    say("A sample registry, its past 18 months, and a scan of it as it is now ...")
    with for_terminal().steps("snapshots") as step:
        history = sample_history(output / "history", now=now, scan=live_snapshot, progress=step)
    newest = history.latest()
    say(f"{len(history.snapshots())} snapshots of {len(newest)} registries. Three reports ...")
    report("all", history=output / "history", output=output / "reports", progress=say)
    page = output / "reports" / "index.html"
    say(f"Go on with: regtools usage --history {output / 'history'}\nOpen this page:")
    if as_json:
        print_document(page=str(page))
    else:
        sys.stdout.write(f"{page.absolute()}\n")


def _make_anew(folder: Path) -> None:
    """Empty the demo's own folder; refuse one that holds something else.

    Raises
    ------
    ConfigError
        Codes ``OUTPUT_IN_USE`` and ``OUTPUT_UNWRITABLE``.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if not (folder / _MARK).is_file():
                raise ConfigError(
                    f"{folder} holds something that is not the demo's.",
                    code="OUTPUT_IN_USE",
                    remedy="Name another folder with --output.",
                )
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}.",
            code="OUTPUT_UNWRITABLE",
            remedy="Name another folder with --output.",
        ) from error
