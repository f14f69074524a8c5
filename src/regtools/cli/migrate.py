"""`regtools migrate`: what moving images would copy and cost, and whether all of it arrived."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, plain, print_document, print_rows, records, say
from regtools.errors import ConfigError
from regtools.units import format_bytes, format_usd, parse_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from regtools.analyses.migration.check import MigrationCheck
    from regtools.analyses.migration.plan import MigrationPlan

app = typer.Typer(
    help="Move images to another registry: what it takes, and whether all arrived. Copies nothing.",
    no_args_is_help=True,
)
REPOSITORY_COLUMNS: Final = ("destination", "tags", "copy_bytes", "there_bytes")
TROUBLE_COLUMNS: Final = ("status", "repository", "tags", "why")
DRIFT_COLUMNS: Final = ("status", "destination", "why")
MOST_ROWS: Final = 20
"""How many rows a terminal shows; JSON and CSV hold all."""


class Form(StrEnum):
    """For which program a plan is written."""

    SKOPEO_SYNC = "skopeo-sync"
    REGSYNC = "regsync"
    SCRIPT = "script"


Source = Annotated[
    str,
    typer.Argument(
        metavar="SRC", help="A name from regtools.toml, host[:port][/namespace] or http(s)://..."
    ),
]
Destination = Annotated[str, typer.Argument(metavar="DST", help="Where to, written likewise.")]
Renames = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FROM=TO",
        help="A repository or prefix, and what it becomes; may be repeated, the longest FROM wins.",
    ),
]
Repository = Annotated[
    str | None,
    typer.Option("--repository", metavar="REGEX", help="Only repositories with this in the name."),
]
Tag = Annotated[
    str | None, typer.Option("--tag", metavar="REGEX", help="Only tags with this in the name.")
]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.add_typer(app, name="migrate")


@app.command("plan")
def plan(
    source: Source,
    destination: Destination,
    rename: Renames = None,
    repository: Repository = None,
    tag: Tag = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Copy over tags that name something else there.")
    ] = False,
    scan: Annotated[bool, typer.Option("--scan", help="Scan both again.")] = False,
    throughput: Annotated[
        str | None,
        typer.Option(
            "--throughput", metavar="RATE", help="How fast it goes: 50MB/s [default: as measured]."
        ),
    ] = None,
    destination_kind: Annotated[
        str | None,
        typer.Option(
            "--destination-kind", metavar="NAME", help="What DST is; see `regtools registries`."
        ),
    ] = None,
    emit: Annotated[
        Form | None, typer.Option("--emit", help="Print a file for a program that copies.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", help="Write what --emit makes into this folder."),
    ] = None,
    ca_file: options.CaFile = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show what is to be copied, how much, for how much money, and what stands against it.

    Reads only. Ends with 1 if something would be refused or is in the way, with 3 if a side was not
    read whole.
    """
    from regtools import progress
    from regtools.access import Options
    from regtools.migrate import migrate_plan

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    _check(emit, output, fmt)
    found = migrate_plan(
        source,
        destination,
        rename=rename or (),
        repository=repository,
        tag=tag,
        overwrite=overwrite,
        scan=scan,
        bytes_per_second=_rate(throughput),
        destination_kind=destination_kind,
        options=Options(config=config, history=history, ca_file=ca_file),
        on_progress=progress.for_terminal(),
    )
    if emit is not None:
        _emit(found, emit, output)
    elif fmt is Format.JSON:
        print_document(
            **found.summary,
            repositories=records(found.repositories),
            refused=records(found.refused),
            conflicts=records(found.conflicts),
            rows=records(found.rows),
        )
    elif fmt is Format.CSV:
        print_rows(records(found.rows), fmt, columns=tuple(found.rows.columns))
    else:
        _print_plan(found)
    _say_plan(found)
    if not found.complete:
        raise typer.Exit(3)
    if len(_trouble(found)):
        raise typer.Exit(1)


@app.command("verify")
def verify(
    source: Source,
    destination: Destination,
    rename: Renames = None,
    repository: Repository = None,
    tag: Tag = None,
    allow_extra: Annotated[
        bool, typer.Option("--allow-extra", help="What only DST has is no difference.")
    ] = False,
    no_scan: Annotated[
        bool, typer.Option("--no-scan", help="Compare the newest scans in the history as they are.")
    ] = False,
    ca_file: options.CaFile = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Compare both after a move: digests, what is below them, and referrers.

    Scans both, and asks DST for every manifest and blob. Ends with 1 if anything differs, with 3 if a
    side was not read whole.
    """
    from regtools import progress
    from regtools.access import Options
    from regtools.migrate import migrate_verify

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    found = migrate_verify(
        source,
        destination,
        rename=rename or (),
        repository=repository,
        tag=tag,
        extra=not allow_extra,
        scan=not no_scan,
        options=Options(config=config, history=history, ca_file=ca_file),
        on_progress=progress.for_terminal(),
    )
    if fmt is Format.JSON:
        print_document(
            source=found.source,
            destination=found.destination,
            complete=found.complete,
            counts=found.counts,
            notes=list(found.notes),
            rows=records(found.rows),
        )
    elif fmt is Format.CSV:
        print_rows(records(found.rows), fmt, columns=tuple(found.rows.columns))
    else:
        _print_some(found.drift, DRIFT_COLUMNS, "Not equal")
    _say_check(found)
    if not found.complete:
        raise typer.Exit(3)
    if len(found.drift):
        raise typer.Exit(1)


def _check(emit: Form | None, output: Path | None, fmt: Format) -> None:
    if emit is not None and fmt is not Format.TABLE:
        raise ConfigError("--emit prints a file, not rows.", remedy="Leave --json or --csv out.")
    if output is not None and emit is None:
        raise ConfigError("--output is for what --emit makes.", remedy="Say what to --emit.")


def _rate(text: str | None) -> float | None:
    if text is None:
        return None
    size = parse_bytes(text.strip().removesuffix("/s"))
    if size <= 0:
        raise ConfigError("Nothing goes at no speed.", remedy="Write --throughput 50MB/s.")
    return float(size)


def _emit(found: MigrationPlan, form: Form, output: Path | None) -> None:
    from regtools.copying import emitted

    made = emitted(found.copies, form.value)
    if output is not None:
        _write(made.files, output)
    elif len(made.files) == 1:
        sys.stdout.write(next(iter(made.files.values())))
    elif made.files:
        raise ConfigError(
            f"skopeo sync copies into one folder a run; these images go to {len(made.files)}.",
            code="SYNC_FOLDERS",
            remedy="Give --output DIR for a file for each, or --emit script for all in one.",
        )
    for sentence in made.left_out:
        say(f"Not in there: {sentence}")


def _write(files: Mapping[str, str], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
            say(f"wrote {folder / name}")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}.") from error


def _trouble(found: MigrationPlan) -> pd.DataFrame:
    return found.rows[~found.rows["status"].isin(["copy", "equal"])]


def _print_plan(found: MigrationPlan) -> None:
    rows = found.repositories
    moving = rows[(rows["tags_to_copy"] > 0) | (rows["bytes_there"] > 0)]
    shown = moving.assign(
        tags=moving["tags_to_copy"],
        copy_bytes=moving["bytes_to_copy"],
        there_bytes=moving["bytes_there"],
    ).sort_values("copy_bytes", ascending=False, kind="stable")
    _print_some(shown, REPOSITORY_COLUMNS, f"{found.source} to {found.destination}")
    trouble = _trouble(found)
    names = [source.partition("/")[2].partition(":")[0] for source in trouble["source"]]
    grouped = trouble.assign(repository=names).groupby(["status", "repository", "why"])
    _print_some(grouped.size().reset_index(name="tags"), TROUBLE_COLUMNS, "Not copied")


def _print_some(frame: pd.DataFrame, columns: tuple[str, ...], title: str) -> None:
    if frame.empty:
        return
    print_rows(records(frame.head(MOST_ROWS)), Format.TABLE, columns=columns, title=title)
    if len(frame) > MOST_ROWS:
        say(f"… and {len(frame) - MOST_ROWS:,} more; --json lists everything.")


def _say_plan(found: MigrationPlan) -> None:
    low, high = found.low_bytes_to_copy, found.bytes_to_copy
    size = format_bytes(high) if low == high else f"{format_bytes(low)} to {format_bytes(high)}"
    say(
        f"To copy: {found.tags_to_copy:,} tags, {found.manifests_to_copy:,} manifests, "
        f"{found.blobs_to_copy:,} blobs, {size}; {format_bytes(found.bytes_there)} are there."
    )
    if found.seconds is None:
        time = "how long, nobody measured (--throughput 50MB/s)"
    else:
        rate = format_bytes(int(found.bytes_per_second or 0))
        time = f"{_duration(found.seconds)} at {rate}/s"
    say(f"About {found.requests:,} requests; {time}.")
    say(_egress(found))
    counts = _trouble(found)["status"].value_counts().to_dict()
    if counts:
        said = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
        say(f"Not copied: {said}.")
    for note in found.notes:
        say(note)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _egress(found: MigrationPlan) -> str:
    cost = found.egress
    if cost.low_usd is None and cost.high_usd is None:
        return f"To leave {found.source}: unknown. {cost.note}"
    low, high = format_usd(cost.low_usd), format_usd(cost.high_usd)
    money = low if cost.low_usd == cost.high_usd else f"{low} to {high}"
    return (
        f"To leave {found.source}: {money} [{cost.grade}] ({cost.source}, {cost.checked}). "
        f"{cost.note}"
    )


def _say_check(found: MigrationCheck) -> None:
    counts: dict[str, Any] = plain(found.counts)
    say(
        ", ".join(f"{number:,} {status}" for status, number in counts.items() if number)
        or "no tags"
    )
    for note in found.notes:
        say(note)
