"""Options that several commands share, and what they mean."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from regtools.cli.output import Format
from regtools.errors import ConfigError

History = Annotated[
    str | None,
    typer.Option(
        "--history",
        metavar="LOCATION",
        help="Folder or bucket of the history [default: history/ or the settings'].",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file [default: regtools.toml]."),
]
Edition = Annotated[
    str | None,
    typer.Option(
        "--edition", metavar="NAME", help="Prices as of a date, or guide-undated [default: newest]."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Registry = Annotated[
    str | None,
    typer.Option("--registry", metavar="HOST", help="Only this registry [default: all]."),
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As it was then: 2026-11-01 or 2026-11-01T02:15Z."),
]
Username = Annotated[
    str | None,
    typer.Option("--username", metavar="REFERENCE", help="A user name, env:NAME or file:PATH."),
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        metavar="REFERENCE",
        help="env:NAME, file:PATH, docker-config, kubernetes:PATH or google; never the secret itself.",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option("--ca-file", metavar="FILE", help="Certificates to trust beside the system's."),
]
Kind = Annotated[
    str | None,
    typer.Option("--kind", metavar="NAME", help="What the registry is; see `regtools registries`."),
]
Connections = Annotated[
    int | None,
    typer.Option("--connections", min=1, max=256, help="Connections at once [default: 32]."),
]


def chosen_format(*, as_json: bool, as_csv: bool) -> Format:
    """Give the one format asked for.

    Raises
    ------
    ConfigError
        Both were.
    """
    if as_json and as_csv:
        raise ConfigError("--json and --csv are two answers.", remedy="Choose one of them.")
    return Format.JSON if as_json else Format.CSV if as_csv else Format.TABLE


def for_kernels(config: Path | None) -> None:
    """Let the kernels of reports read the settings file that was named."""
    from regtools.settings import CONFIG_VARIABLE

    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())


def history_location(history: str | None, config: Path | None) -> str:
    """Give the location of the history: option, environment, settings file, default."""
    if history:
        return history
    from regtools.settings import load_settings

    return load_settings(config).history


def moment(text: str | None) -> datetime | None:
    """Read a date (its end counts) or a time; without a zone it is UTC.

    Raises
    ------
    ConfigError
        Neither.
    """
    if text is None:
        return None
    from regtools.context import moment as read

    return read(text)
