"""`regtools usage`, `growth`, `cost`: the analyses as tables, JSON or CSV."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Final

import typer

from regtools.cli import options
from regtools.cli.output import (
    Format,
    plain,
    print_document,
    print_rows,
    records,
    say,
    several_registries,
)
from regtools.units import parse_bytes


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
    "points",
    "days_observed",
    "physical_bytes",
    "bytes_per_day",
    "forecast_days",
    "forecast_bytes",
    "capacity_bytes",
    "days_until_full",
)
MOST_POINTS: Final = 12
"""How much of a long past a terminal shows; JSON and CSV hold all of it."""
COST_COLUMNS: Final = (
    "provider",
    "plan",
    "edition",
    "monthly_usd",
    "low_usd",
    "high_usd",
    "grade",
    "feasible",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("usage")(usage)
    app.command("growth")(growth)
    app.command("cost")(cost)


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
    registry: options.Registry = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Show bytes over time, what grew, and when the storage is full."""
    from regtools.analyses.growth import growth as analyze
    from regtools.context import open_history

    store = open_history(options.history_location(history, config))
    result = analyze(
        store,
        registry=registry,
        forecast_days=forecast_days,
        capacity=parse_bytes(capacity) if capacity else None,
    )
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    series = records(result.series)
    if fmt is Format.JSON:
        print_document(
            series=series,
            by_repository=records(result.by_repository),
            forecast=records(result.forecast),
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
        for note in result.notes:
            say(note)


def cost(
    egress_gb: Annotated[
        float | None,
        typer.Option("--egress-gb", min=0, help="GB pulled over the internet in a month."),
    ] = None,
    users: Annotated[
        int | None, typer.Option("--users", min=1, help="People, for plans billed by head.")
    ] = None,
    pulls: Annotated[
        int | None, typer.Option("--pulls", min=0, help="Pulls in a month, of an average image.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="As public images, which some host for nothing.")
    ] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Every line of every bill, with its source.")
    ] = False,
    registry: options.Registry = None,
    at: options.At = None,
    history: options.History = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
) -> None:
    """Price this inventory at every provider: a month's bill, cheapest first."""
    from regtools.analyses.cost import Scenario, component_table
    from regtools.analyses.cost import cost as analyze
    from regtools.context import open_history

    store = open_history(options.history_location(history, config))
    scenario = Scenario(private=not public)
    if pulls is not None:
        scenario = replace(scenario, pulls=pulls)
    if egress_gb is not None:
        scenario = replace(scenario, egress_gb=egress_gb)
    if users is not None:
        scenario = replace(scenario, users=users)
    frame = analyze(store, registry=registry, at=options.moment(at), scenario=scenario)
    fmt = options.chosen_format(as_json=as_json, as_csv=as_csv)
    if details:
        lines = component_table(frame)
        print_rows(records(lines), fmt, columns=tuple(lines.columns))
        return
    print_rows(records(frame), fmt, columns=COST_COLUMNS)
