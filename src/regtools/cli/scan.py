"""`regtools scan`: inventory into the history."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regtools.cli import options
from regtools.cli.output import Format, fail, plain, print_document, print_rows, say

if TYPE_CHECKING:
    from regtools.session import Scanned, ScanResult

COLUMNS = (
    "registry",
    "complete",
    "repositories",
    "tags",
    "logical_bytes",
    "physical_bytes",
    "requests",
    "seconds",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan")(command)


def command(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="A name from regtools.toml, host[:port][/namespace] or http(s)://...",
            show_default=False,
        ),
    ],
    check_blobs: Annotated[
        bool,
        typer.Option(
            "--check-blobs", help="Also ask for every layer and child manifest; a request each."
        ),
    ] = False,
    history: options.History = None,
    config: options.Config = None,
    username: options.Username = None,
    password: options.Password = None,
    ca_file: options.CaFile = None,
    kind: options.Kind = None,
    connections: options.Connections = None,
    max_requests: Annotated[
        int | None,
        typer.Option(
            "--max-requests", min=1, metavar="N", help="Stop after N; the next scan goes on there."
        ),
    ] = None,
    min_pulls: Annotated[
        int,
        typer.Option(
            "--min-pulls",
            min=0,
            metavar="N",
            help="Leave N pulls to others, where the registry counts them (Docker Hub).",
        ),
    ] = 0,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            metavar="DIR",
            help="Write down what is asked and answered, without secrets; read it as replay:DIR.",
        ),
    ] = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Read the inventory of registries into the history.

    Interrupted, it goes on where it stopped. Ends with 3 if something could not be read.
    """
    from regtools import progress
    from regtools.access import Options
    from regtools.session import scan

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    try:
        result = scan(
            *targets,
            options=Options(
                config=config,
                history=history,
                username=username,
                password=password,
                ca_file=ca_file,
                kind=kind,
                connections=connections,
                max_requests=max_requests,
                min_pulls=min_pulls,
                record=record,
            ),
            check_blobs=check_blobs,
            on_progress=progress.for_terminal(),
        )
    except KeyboardInterrupt:
        say("Stopped. Repositories read whole are kept: the same command goes on from there.")
        raise
    _print(result, fmt)
    for target, error in result.failed:
        if len(targets) > 1:
            say(f"{target}:")
        fail(error)
    if not result.complete:
        raise typer.Exit(3)


def _print(result: ScanResult, fmt: Format) -> None:
    rows = [row_of(one) for one in result.scanned]
    if fmt is Format.JSON:
        print_document(snapshots=[plain(row) for row in rows])
    elif rows:
        print_rows(rows, fmt, columns=COLUMNS)
    for one in result.scanned:
        if one.limits:
            say(f"{one.snapshot.registry}: {one.limits}")
        for problem in one.problems:
            place = "/".join(part for part in (problem.registry, problem.repository) if part)
            reference = f" {problem.reference}" if problem.reference else ""
            say(f"could not read {place}{reference}: {problem.message} [{problem.code}]")
        if one.closer_look:
            say(f"  To look closer: {one.closer_look}")


def row_of(one: Scanned) -> dict[str, Any]:
    """Give one scan in the shape of the JSON document."""
    snapshot = one.snapshot
    return {
        "snapshot": snapshot.snapshot,
        "registry": snapshot.registry,
        "kind": snapshot.kind,
        "taken_at": snapshot.taken_at,
        "complete": snapshot.complete,
        "problems": [
            {
                name: value
                for name, value in dataclasses.asdict(problem).items()
                if name != "registry"
            }
            for problem in one.problems
        ],
        "repositories": one.repositories,
        "tags": one.tags,
        "manifests": one.manifests,
        "blobs": one.blobs,
        "logical_bytes": one.logical_bytes,
        "physical_bytes": one.physical_bytes,
        "requests": snapshot.requests,
        "seconds": snapshot.seconds,
        "limits": one.limits,
    }
