"""`regtools prices`: the price book, its editions, and what the vendors ask today."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regtools.cli import options
from regtools.cli.output import Format, print_document, print_rows, records, say
from regtools.errors import ConfigError

if TYPE_CHECKING:
    from regtools.analyses.book import PriceBook

app = typer.Typer(help="The price book.", no_args_is_help=True)


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.add_typer(app, name="prices")


@app.command("list")
def list_prices(
    edition: options.Edition = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """List every price with its source, date and grade."""
    _print(None, edition, config, options.chosen_format(as_json=as_json, as_csv=as_csv))


@app.command("show")
def show(
    provider: Annotated[str, typer.Argument(help="As `regtools prices list` names it.")],
    edition: options.Edition = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show the prices of one provider."""
    _print(provider, edition, config, options.chosen_format(as_json=as_json, as_csv=as_csv))


def _print(provider: str | None, edition: str | None, config: Path | None, fmt: Format) -> None:
    from regtools.analyses.prices import prices
    from regtools.context import open_prices

    book = open_prices(edition or "", config=config)
    frame = prices(provider, book=book)
    print_rows(records(frame), fmt, columns=tuple(frame.columns))
    _warn(book)


def _warn(book: PriceBook) -> None:
    from regtools.analyses.prices import stale

    old = stale(book)
    if old:
        say(f"Read more than a year ago, or undated: {', '.join(old)}. Check before you decide.")


@app.command("editions")
def show_editions(
    config: options.Config = None, as_json: options.Json = False, as_csv: options.Csv = False
) -> None:
    """List the editions of the price book, the oldest first."""
    from regtools.analyses.editions import editions
    from regtools.settings import load_settings

    frame = editions(load_settings(config).price_folder)
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    print_rows(records(frame), fmt, columns=tuple(frame.columns))


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(help="An edition: a date, or a name.")],
    after: Annotated[
        str | None, typer.Argument(help="Another one [default: the newest of everything].")
    ] = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show which prices changed between two editions."""
    from regtools.analyses.price_diff import price_diff
    from regtools.context import open_prices

    old, new = open_prices(before, config=config), open_prices(after or "", config=config)
    frame = price_diff(old, new)
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    print_rows(records(frame), fmt, columns=tuple(frame.columns))
    if frame.empty:
        say(f"{old.edition} and {new.edition} ask the same.")


@app.command("refresh")
def refresh(
    sources: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="NAME", help="aws, azure or google; may be repeated."),
    ] = None,
    aws_region: Annotated[
        str | None, typer.Option("--aws-region", metavar="NAME", help="[default: us-east-1]")
    ] = None,
    azure_region: Annotated[
        str | None, typer.Option("--azure-region", metavar="NAME", help="[default: eastus]")
    ] = None,
    google_region: Annotated[
        str | None, typer.Option("--google-region", metavar="NAME", help="[default: us-central1]")
    ] = None,
    google_key: Annotated[
        str | None,
        typer.Option("--google-key", metavar="REFERENCE", help="env:NAME or file:PATH."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR", help="Where your editions are.")
    ] = None,
    ca_file: options.CaFile = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Ask the vendors for their prices and keep them as a new edition; nothing is overwritten."""
    from regtools.client import ConnectionOptions
    from regtools.credentials import check_reference, resolve
    from regtools.refresh import refresh_prices
    from regtools.settings import load_settings

    settings = load_settings(config)
    given = {"aws": aws_region, "azure": azure_region, "google": google_region}
    key = ""
    if google_key:
        check_reference(google_key, where="--google-key", is_secret=True)
        key = resolve(google_key, where="--google-key", environ=os.environ)
    chosen = sources or (["aws", "azure", "google"] if key else ["aws", "azure"])
    found = refresh_prices(
        output or settings.price_folder,
        sources=chosen,
        regions={name: region for name, region in given.items() if region},
        google_key=key,
        bases=settings.price_apis,
        connection=ConnectionOptions(ca_file=ca_file, timeout_seconds=settings.timeout_seconds),
    )
    rows = records(found.changes)
    if as_json:
        print_document(
            edition=found.edition or None,
            folder=str(found.folder) if found.folder else None,
            requests=found.requests,
            rows=rows,
            notes=list(found.notes),
        )
        return
    print_rows(rows, Format.TABLE, columns=tuple(found.changes.columns))
    for note in found.notes:
        say(note)
    if found.folder is None:
        raise ConfigError("The vendors told none of the wanted prices.", code="PRICES_NOT_TOLD")
    say(f"The new edition is {found.folder}. It counts from now on.")
