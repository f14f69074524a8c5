"""`regtools lint-secret`: mistakes in pull secrets and in Docker's configuration, without a network."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, plain, print_document, print_rows, say
from regtools.errors import ConfigError

COLUMNS: Final = ("status", "code", "where", "summary", "remedy")


class Threshold(StrEnum):
    """From which status on a finding ends the command with 1."""

    FAIL = "fail"
    WARN = "warn"
    NEVER = "never"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint-secret")(lint_secret)


def lint_secret(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON or YAML; - reads it from stdin.")
    ],
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="IMAGE", help="It is to be pulled with it; repeatable."),
    ] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", metavar="NAME", help="Where the pods are.")
    ] = "",
    fail_on: Annotated[
        Threshold, typer.Option("--fail-on", help="From which status on to end with 1.")
    ] = Threshold.FAIL,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Find mistakes in a Kubernetes pull secret, or in Docker's or podman's configuration.

    Nothing is asked of anybody, and no secret is printed.
    """
    from regtools.lint import Question
    from regtools.lint import lint_secret as lint
    from regtools.reference import parse_reference

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    images = [parse_reference(one) for one in image or ()]
    found = lint(_content(file), Question(images=images, namespace=namespace))
    statuses = {one.status for one in found}
    worst = "fail" if "fail" in statuses else "warn" if "warn" in statuses else "ok"
    rows = [plain(asdict(one)) for one in found]
    if fmt is Format.JSON:
        print_document(file=file, status=worst, findings=rows)
    elif found or fmt is Format.CSV:
        print_rows(rows, fmt, columns=COLUMNS)
    else:
        say("Nothing is wrong with it, as far as can be seen without a network.")
    order = ("fail", "warn")
    if fail_on is not Threshold.NEVER and worst in order[: order.index(fail_on.value) + 1]:
        raise typer.Exit(1)


def _content(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {(error.strerror or 'it fails').lower()}.",
            remedy="Give a file, or - for what comes in.",
        ) from error
    except UnicodeDecodeError:
        # What was decoded stays out of the message.
        raise ConfigError(f"{file} is no UTF-8 text.", remedy="Give JSON or YAML.") from None
