"""`regtools capabilities`: what a registry can do of the protocol, measured, without writing."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, print_document, print_rows, say

COLUMNS: Final = ("capability", "answer", "value", "matters")
EVERY: Final = ("capability", "answer", "value", "evidence", "matters")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("capabilities")(capabilities)


def capabilities(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET[/REPOSITORY[:TAG]]",
            help="A registry, or an image to see it by.",
            show_default=False,
        ),
    ],
    config: options.Config = None,
    username: options.Username = None,
    password: options.Password = None,
    ca_file: options.CaFile = None,
    kind: options.Kind = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Measure what a registry can do of the protocol: at most thirty requests that only read."""
    from regtools.abilities import capabilities as measure
    from regtools.access import Options

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    found = measure(
        target,
        options=Options(
            config=config, username=username, password=password, ca_file=ca_file, kind=kind
        ),
    )
    document = found.document()
    if fmt is Format.JSON:
        print_document(**document)
        return
    columns = EVERY if fmt is Format.CSV else COLUMNS
    print_rows(document["capabilities"], fmt, columns=columns, json_columns=EVERY)
    seen = f", seen by {found.repository}" if found.repository else ""
    say(f"{found.registry}{seen}: {found.requests} requests.")
