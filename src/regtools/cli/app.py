"""The command line as a whole, and the one place where the program ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup

from regtools.cli.lazy import Commands, Later
from regtools.errors import RegtoolsError

app = typer.Typer(
    name="regtools",
    cls=Commands,
    help="Storage, cost and health of container registries. It only reads.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(value: bool) -> None:  # as Typer calls it
    """Print the version and end."""
    if value:
        from importlib.metadata import version

        sys.stdout.write(f"regtools {version('regtools')}\n")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=show_version),
    ] = False,
) -> None:
    """Take what belongs to no command."""


def takes_option(arguments: Sequence[str], option: str) -> bool:
    """Say whether the command that these arguments name takes an option."""
    command: object = typer.main.get_command(app)
    for word in arguments:
        if not isinstance(command, TyperGroup):
            break
        command = command.commands.get(word)
        if isinstance(command, Later):
            command = command.load()
    return isinstance(command, TyperCommand) and any(option in one.opts for one in command.params)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: 0 fine, 1 a finding, 2 wrong usage, 3 could not finish, 130 Ctrl-C.

    Parameters
    ----------
    arguments
        Left out: those of the process.
    """
    try:
        if arguments is None:
            app()
        else:
            app(list(arguments), prog_name="regtools")
    except RegtoolsError as error:
        from regtools.cli.output import fail

        fail(error)
        sys.exit(error.exit_code)
