"""`regtools prices`: the price book."""

from __future__ import annotations

from typing import Annotated

import typer

from regtools.cli import options
from regtools.cli.output import print_rows, records

app = typer.Typer(help="The price book.", no_args_is_help=True)


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.add_typer(app, name="prices")


@app.command("list")
def list_providers(as_json: options.Json = False, as_csv: options.Csv = False) -> None:
    """List every price with its source, date and grade."""
    _print(None, as_json=as_json, as_csv=as_csv)


@app.command("show")
def show(
    provider: Annotated[str, typer.Argument(help="As `regtools prices list` names it.")],
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show the prices of one provider."""
    _print(provider, as_json=as_json, as_csv=as_csv)


def _print(provider: str | None, *, as_json: bool, as_csv: bool) -> None:
    from regtools.analyses.prices import prices

    frame = prices(provider)
    print_rows(
        records(frame),
        options.chosen_format(as_json=as_json, as_csv=as_csv),
        columns=tuple(frame.columns),
    )
