"""`regtools reconcile`: a registry's own disk, byte by byte, against what others say of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from regtools.cli import options
from regtools.cli.output import Format, plain, print_document, print_rows, records, say
from regtools.errors import ConfigError
from regtools.units import format_bytes

if TYPE_CHECKING:
    import pandas as pd

    from regtools.analyses.reconcile import Reconciliation

CATEGORY_COLUMNS: Final = ("category", "files", "bytes", "disk_bytes", "meaning")
GARBAGE_COLUMNS: Final = (
    "version",
    "delete_untagged",
    "blobs_freed",
    "bytes_freed",
    "manifests_removed",
    "tags_broken",
    "links_left",
)
API_BYTES_COLUMNS: Final = ("what", "category", "blobs", "scan_bytes", "disk_bytes")
API_COLUMNS: Final = ("what", "repository", "tag", "digest", "bytes", "since_scan")
REPORTED_COLUMNS: Final = (
    "name",
    "kind",
    "reported_bytes",
    "limit_bytes",
    "computed_bytes",
    "difference_bytes",
    "unknown_bytes",
    "explanation",
)
BROKEN_COLUMNS: Final = ("repository", "tag", "platform", "child")
PROBLEM_COLUMNS: Final = ("effect", "code", "repository", "path", "message")
MOST_ROWS: Final = 8
"""How much of a list a terminal shows; JSON holds all of it."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reconcile")(reconcile)


def reconcile(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[TARGET]",
            help="The registry that the folder belongs to: a name from regtools.toml, or its host.",
            show_default=False,
        ),
    ] = None,
    storage: Annotated[
        Path | None,
        typer.Option(
            "--storage",
            metavar="DIR",
            help="The registry's storage folder, or an OCI image layout.",
        ),
    ] = None,
    reported: Annotated[
        list[str] | None,
        typer.Option(
            "--reported",
            metavar="[NAME=]SIZE",
            help="What somebody else counts: 193GB, team=12GiB; may be repeated.",
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every blob and compare it with its digest.")
    ] = False,
    registry: options.Registry = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Explain what lies on a registry's disk, and what others count.

    Reads the folder directly, without the registry. Ends with 1 if something there is damaged or
    does not belong there.
    """
    from regtools import progress
    from regtools.analyses.reconcile import reconcile as analyze
    from regtools.history import History

    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    of = _registry(target, registry, config)
    with progress.for_terminal().steps("Comparing blobs with their digests") as on_progress:
        found = analyze(
            storage,
            History(options.history_location(history, config)),
            registry=of,
            reported=reported or (),
            verify=verify,
            on_progress=on_progress,
        )
    if fmt is Format.JSON:
        _print_json(found)
    elif fmt is Format.CSV:
        print_rows(records(found.categories), fmt, columns=CATEGORY_COLUMNS)
    else:
        _print_tables(found)
    for note in found.notes:
        say(note)
    if found.is_damaged:
        raise typer.Exit(1)


def _registry(target: str | None, registry: str | None, config: Path | None) -> str | None:
    if target is None:
        return registry
    if registry is not None:
        raise ConfigError("TARGET and --registry say the same.", remedy="Give one of them.")
    from regtools.settings import load_settings, resolve_target

    return resolve_target(target, load_settings(config))[0].registry


def _print_json(found: Reconciliation) -> None:
    print_document(
        storage=_storage(found),
        registry=found.registry or None,
        categories=records(found.categories),
        roles=records(found.roles),
        untagged=records(found.untagged),
        uploads=records(found.uploads),
        api={"bytes": records(found.api_bytes), "rows": records(_empty_as_null(found.api))},
        garbage_collection={
            "runs": records(_empty_as_null(found.garbage_collection)),
            "broken": records(_empty_as_null(found.broken)),
        },
        capacity=_first(found.capacity),
        reported=records(found.reported),
        problems=records(_empty_as_null(found.problems)),
        notes=list(found.notes),
        complete=found.complete,
    )


def _storage(found: Reconciliation) -> dict[str, Any] | None:
    if not found.storage:
        return None
    return {
        "path": found.storage,
        "kind": found.kind,
        "bytes": found.bytes,
        "disk_bytes": int(found.categories["disk_bytes"].sum()),
        "unexplained_bytes": found.unexplained_bytes,
        "damaged": found.is_damaged,
    }


def _first(frame: pd.DataFrame) -> dict[str, Any] | None:
    return plain(frame.to_dict("records")[0]) if len(frame) else None


def _empty_as_null(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(object).where(frame != "", None)


def _print_tables(found: Reconciliation) -> None:
    if found.storage:
        _print_disk(found)
    if not found.api_bytes.empty:
        print_rows(
            records(found.api_bytes),
            Format.TABLE,
            columns=API_BYTES_COLUMNS,
            title=f"Against the newest scan of {found.registry}",
        )
        _print_some(found.api, API_COLUMNS, "What the scan and the disk say differently")
    if not found.reported.empty:
        rows = found.reported.assign(name=found.reported["name"].replace("", "(all)"))
        print_rows(records(rows), Format.TABLE, columns=REPORTED_COLUMNS, title="What others count")
    _print_some(found.problems, PROBLEM_COLUMNS, "Problems")


def _print_disk(found: Reconciliation) -> None:
    print_rows(
        records(found.categories),
        Format.TABLE,
        columns=CATEGORY_COLUMNS,
        title=f"{format_bytes(found.bytes)} in {found.storage}",
    )
    collections = found.garbage_collection
    if not collections.empty:
        print_rows(
            records(collections),
            Format.TABLE,
            columns=GARBAGE_COLUMNS,
            title="What a garbage collection would do",
        )
        for text in collections["stopped_by"].drop_duplicates():
            if text:
                say(f"The registry's garbage collection would end with an error: {text}")
        _print_some(found.broken, BROKEN_COLUMNS, "What 2.8's --delete-untagged would break")
    for row in found.uploads.head(1).to_dict("records"):
        say(
            f"{len(found.uploads):,} unfinished uploads, the oldest {row['age_days']:.0f} days old; "
            "a running registry removes them after a week."
        )
    for row in found.capacity.to_dict("records"):
        say(
            f"{row['mount']}: {format_bytes(row['used_bytes'])} of "
            f"{format_bytes(row['total_bytes'])} used ({row['used_share']:.0%}), "
            f"{format_bytes(row['free_bytes'])} free; {format_bytes(row['other_bytes'])} of it "
            "are not this registry's."
        )


def _print_some(frame: pd.DataFrame, columns: tuple[str, ...], title: str) -> None:
    if frame.empty:
        return
    print_rows(records(frame.head(MOST_ROWS)), Format.TABLE, columns=columns, title=title)
    if len(frame) > MOST_ROWS:
        say(f"… and {len(frame) - MOST_ROWS:,} more; --json lists everything.")
