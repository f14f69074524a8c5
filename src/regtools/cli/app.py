"""The commands, put together, and the one place where the program ends."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from regtools.cli import (
    analyze,
    audit,
    capabilities,
    cost,
    demo,
    diagnose,
    history,
    inspect,
    lint,
    migrate,
    prices,
    reconcile,
    report,
    retention,
    run,
    scan,
    sharing,
)
from regtools.cli.output import fail
from regtools.errors import RegtoolsError

app = typer.Typer(
    name="regtools",
    help="Storage, cost and health of container registries. It only reads.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    demo,
    scan,
    analyze,
    cost,
    sharing,
    retention,
    reconcile,
    audit,
    report,
    run,
    diagnose,
    inspect,
    capabilities,
    lint,
):
    module.register(app)
app.add_typer(history.app, name="history")
app.add_typer(migrate.app, name="migrate")
app.add_typer(prices.app, name="prices")


def show_version(value: bool) -> None:  # as Typer calls it
    """Print the version and end."""
    if value:
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


def main() -> None:
    """Run the command line: 0 fine, 1 a finding, 2 wrong usage, 3 could not finish, 130 Ctrl-C."""
    try:
        app()
    except RegtoolsError as error:
        fail(error)
        sys.exit(error.exit_code)
