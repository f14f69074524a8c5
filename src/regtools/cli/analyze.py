"""`regtools usage`, `growth`: the analyses as tables, JSON or CSV."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from regtools.cli import options
from regtools.cli.changes import GrowthBy, Show, print_over_time, print_shown
from regtools.cli.output import (
    Format,
    plain,
    print_document,
    print_rows,
    records,
    say,
    several_registries,
)
from regtools.errors import ConfigError
from regtools.units import parse_bytes

if TYPE_CHECKING:
    import pandas as pd

    from regtools.analyses.between import Between


class By(StrEnum):
    """What one row of `usage` stands for."""

    REGISTRY = "registry"
    NAMESPACE = "namespace"
    REPOSITORY = "repository"
    TAG = "tag"
    PLATFORM = "platform"
    LAYER = "layer"


_BYTES: Final = ("logical_bytes", "physical_bytes", "exclusive_bytes", "shared_bytes")
USAGE_COLUMNS: Final = {
    By.REGISTRY: ("registry", "repositories", "tags", *_BYTES, "dedup_scope", "complete"),
    By.NAMESPACE: ("namespace", "repositories", "tags", *_BYTES, "complete"),
    By.REPOSITORY: ("repository", "tags", *_BYTES, "dedup_scope", "complete"),
    By.TAG: ("repository", "tag", "digest", *_BYTES, "pull_bytes", "complete"),
    By.PLATFORM: ("platform", "images", "tags", *_BYTES, "pull_bytes", "complete"),
    By.LAYER: ("blob", "role", "size", "repositories", "tags", "found_in", "complete"),
}
_ROW: Final = ("registry", "repository", "tags", *_BYTES, "dedup_scope", "complete")
USAGE_KEYS: Final[dict[By, tuple[str, ...]]] = {
    By.REGISTRY: (),
    By.NAMESPACE: (),
    By.REPOSITORY: (*_ROW, "web_url"),
    By.TAG: (*_ROW, "tag", "digest", "pull_bytes", "web_url"),
    By.PLATFORM: (),
    By.LAYER: ("registry", "blob", "size", "repositories", "tags", "dedup_scope", "complete"),
}
"""The promised keys of a row in JSON and CSV; empty: all that the frame has."""
SERIES_COLUMNS: Final = (
    "registry",
    "taken_at",
    "basis",
    "repositories",
    "tags",
    "physical_bytes",
    "complete",
)
FORECAST_COLUMNS: Final = (
    "registry",
    "model",
    "points",
    "days_observed",
    "physical_bytes",
    "bytes_per_day",
    "forecast_days",
    "forecast_low_bytes",
    "forecast_bytes",
    "forecast_high_bytes",
)
LIMIT_COLUMNS: Final = (
    "registry",
    "kind",
    "name",
    "limit_bytes",
    "used_bytes",
    "days_until",
    "soonest_days_until",
    "latest_days_until",
)
STEP_COLUMNS: Final = ("registry", "until", "change_bytes", "repository")
TOTAL_COLUMNS: Final = ("before_bytes", "after_bytes", "came_bytes", "went_bytes", "grown_bytes")
BETWEEN_COLUMNS: Final = {
    "repositories": ("repository", "grown_bytes", "added_tags", "removed_tags", "moved_tags"),
    "tags": ("repository", "tag", "change", "grown_bytes"),
    "layers": ("digest", "role", "size", "repositories", "tags", "grown_bytes"),
    "bases": ("base", "platform", "images", "came_bytes", "went_bytes", "grown_bytes"),
}
BETWEEN_TITLES: Final = {
    "repositories": "By repository",
    "tags": "By tag",
    "layers": "By layer",
    "bases": "By base image",
}
MOST_POINTS: Final = 12
"""How much of a long past a terminal shows; JSON and CSV hold all of it."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("usage")(usage)
    app.command("growth")(growth)


def usage(
    by: Annotated[By, typer.Option("--by", help="What a row stands for.")] = By.REPOSITORY,
    top: Annotated[
        int | None, typer.Option("--top", min=1, metavar="N", help="Only the N largest.")
    ] = None,
    registry: options.Registry = None,
    at: options.At = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show bytes: logical, physical, exclusive and shared."""
    from regtools.analyses.usage import usage as analyze
    from regtools.context import open_history

    store = open_history(options.history_location(history, config))
    frame = analyze(store, by=by.value, registry=registry, at=options.moment(at))
    if by is By.TAG:
        frame = frame.assign(tags=1)
    rows = records(frame.head(top) if top else frame)
    several = several_registries(frame) if by is not By.REGISTRY else ()
    print_rows(
        rows,
        options.chosen_format(as_json=as_json, as_csv=as_csv),
        columns=(*several, *USAGE_COLUMNS[by]),
        json_columns=USAGE_KEYS[by] or tuple(frame.columns),
    )
    if not frame["complete"].all():
        say("Not everything could be read: these sizes are at least so large.")


def growth(
    forecast_days: Annotated[
        int, typer.Option("--forecast-days", min=1, metavar="N", help="How far to look ahead.")
    ] = 90,
    capacity: Annotated[
        str | None,
        typer.Option("--capacity", metavar="SIZE", help="What the storage holds: 500GB, 2TiB."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Say who brought the bytes since then."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="… until then [default: now].")
    ] = None,
    by: Annotated[
        GrowthBy | None,
        typer.Option("--by", help="Follow the bytes of these from scan to scan."),
    ] = None,
    show: Annotated[
        Show | None,
        typer.Option(
            "--show",
            help="What came and went on the way; tags that moved; how old what is stored is.",
        ),
    ] = None,
    registry: options.Registry = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show bytes over time, what grew, and when the storage is full."""
    from regtools.analyses.between import growth_between
    from regtools.analyses.growth import growth as analyze
    from regtools.context import open_history
    from regtools.settings import load_settings

    store = open_history(options.history_location(history, config))
    earlier, later = options.moment(since), options.moment(until)
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    if by is not None and show is not None:
        raise ConfigError("--by and --show are two questions.", remedy="Ask one of them.")
    if by is not None:
        print_over_time(store, by, fmt, registry=registry, since=earlier, until=later)
        return
    if show is not None:
        print_shown(store, show, fmt, registry=registry, since=earlier, until=later)
        return
    if earlier is not None:
        _print_between(growth_between(store, earlier, later, registry=registry), fmt)
        return
    if later is not None:
        raise ConfigError(
            "--until goes with --since, --by or --show.", remedy="Name the time to compare with."
        )
    result = analyze(
        store,
        registry=registry,
        forecast_days=forecast_days,
        capacity=parse_bytes(capacity)
        if capacity
        else load_settings(config).thresholds.capacity_bytes,
    )
    series = records(result.series)
    if fmt is Format.JSON:
        print_document(
            series=series,
            by_repository=records(result.by_repository),
            forecast=records(result.forecast),
            ahead=records(result.ahead),
            steps=records(result.steps),
            limits=records(result.limits),
            notes=plain(list(result.notes)),
        )
        return
    if fmt is Format.CSV:
        print_rows(series, fmt, columns=tuple(result.series.columns))
    else:
        print_rows(series[-MOST_POINTS:], fmt, columns=SERIES_COLUMNS, title="Lately")
        print_rows(
            records(result.by_repository.head(20)),
            fmt,
            columns=tuple(result.by_repository.columns),
            title="What grew",
        )
        print_rows(
            records(result.forecast),
            fmt,
            columns=FORECAST_COLUMNS,
            title="Forecast",
        )
        for frame, columns, title in (
            (result.limits, LIMIT_COLUMNS, "What is reached when"),
            (result.steps, STEP_COLUMNS, "Steps"),
        ):
            if not frame.empty:
                print_rows(records(frame), fmt, columns=columns, title=title)
        for note in result.notes:
            say(note)


def _print_between(found: Between, fmt: Format) -> None:
    """Print who brought what; CSV holds the repositories."""
    frames = {name: getattr(found, name) for name in BETWEEN_COLUMNS}
    if fmt is Format.JSON:
        print_document(
            totals=records(found.totals),
            **{name: records(frame) for name, frame in frames.items()},
            notes=plain(list(found.notes)),
        )
        return
    if fmt is Format.CSV:
        columns = tuple(found.repositories.columns)
        print_rows(records(found.repositories), fmt, columns=columns)
        return
    several = several_registries(found.totals)
    print_rows(records(found.totals), fmt, columns=(*several, *TOTAL_COLUMNS), title="In all")
    for name, columns in BETWEEN_COLUMNS.items():
        frame = frames[name]
        largest = frame[frame["grown_bytes"] != 0].head(MOST_POINTS)
        title = BETWEEN_TITLES[name]
        print_rows(records(_named(largest)), fmt, columns=(*several, *columns), title=title)
    for note in found.notes:
        say(note)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Put into words what belongs to no base image."""
    return frame.replace({"base": {"": "(none)"}}) if "base" in frame else frame
