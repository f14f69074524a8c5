"""`regtools lab`: the notebooks, open to be changed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from regtools.cli import options
from regtools.cli.output import say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lab")(lab)


def lab(
    jupyter: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION...]", help="What JupyterLab itself is to be told."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Where your copy of the notebooks lies.")
    ] = Path("regtools-notebooks"),
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Whether to open a browser.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            help="Where it listens [default: 8888, or the next free one].",
        ),
    ] = None,
    history: options.History = None,
    config: options.Config = None,
) -> None:
    """Open JupyterLab on your own copy of the notebooks, with a page to start from."""
    from regtools.lab import START, working_copy

    location = options.history_location(history, config)
    copy = working_copy(output)
    say(f"Your notebooks lie in {copy.folder}; what you change there stays.")
    for name in copy.outdated:
        say(
            f"{name} is yours, and there is a newer one: rename yours to get it with the next start."
        )
    # A notebook has another working folder, and %regtools in it still means this history.
    place = location if "://" in location else str(Path(location).absolute())
    arguments = [
        sys.executable,
        "-P",  # this folder holds notebooks, no modules of JupyterLab
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={copy.folder.absolute()}",
    ]
    if not browser:
        arguments.append("--no-browser")
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    arguments += [f"--LabApp.default_url=/lab/tree/{START}", *(jupyter or ())]
    sys.stdout.flush()
    # JupyterLab takes this process over: Ctrl-C and signals are its own.
    os.execve(sys.executable, arguments, {**os.environ, "REGTOOLS_HISTORY": place})  # noqa: S606
