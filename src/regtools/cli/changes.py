"""What `regtools growth` shows beside the trend: bytes over time, churn, tags that moved, ages."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from regtools.context import Period
    from regtools.history import History


class GrowthBy(StrEnum):
    """What is followed over time."""

    REGISTRY = "registry"
    NAMESPACE = "namespace"
    REPOSITORY = "repository"


class Show(StrEnum):
    """Which question about the past is answered."""

    CHURN = "churn"
    DRIFT = "drift"
    AGES = "ages"


LATELY: Final = 30
"""Days looked back on, where nobody says since when."""
MOST_ROWS: Final = 12
"""How much a terminal shows; JSON and CSV hold all of it."""
FIRST_AND_LAST: Final = ("first_bytes", "last_bytes", "grown_bytes", "tags")
CHURN_TOTALS: Final = ("came_bytes", "went_bytes", "grown_bytes", "stayed_bytes", "passing_bytes")
CHURN_REPOSITORIES: Final = ("repository", *CHURN_TOTALS, "passing_tags")
CHURN_TAGS: Final = ("repository", "tag", "passing_bytes", "first_seen_at", "gone_at")
DRIFT: Final = (
    "repository",
    "tag",
    "kind",
    "moves",
    "returns",
    "last_moved_at",
    "days_between",
)
AGES: Final = ("registry", "age", "tags", "logical_bytes", "physical_bytes", "complete")


def print_over_time(
    store: History,
    by: GrowthBy,
    fmt: Format,
    *,
    registry: str | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Print the bytes of each scan; a table compares the first scan with the last."""
    from regtools.analyses.over_time import bytes_over_time, first_and_last

    frame = bytes_over_time(store, by.value, registry=registry, since=since, at=until)
    if fmt is not Format.TABLE:
        print_rows(records(frame), fmt, columns=tuple(frame.columns))
        return
    several = several_registries(frame) if by is not GrowthBy.REGISTRY else ()
    columns = (*several, by.value, *FIRST_AND_LAST)
    print_rows(records(first_and_last(frame)), fmt, columns=columns)
    if not frame["complete"].all():
        say("Not everything could be read each time: sizes of such scans are at least so large.")


def print_shown(
    store: History,
    show: Show,
    fmt: Format,
    *,
    registry: str | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Print churn, tags that moved, or ages.

    Raises
    ------
    ConfigError
        Ages are those of one moment.
    """
    from regtools.context import period

    if show is Show.AGES:
        if since is not None:
            raise ConfigError(
                "--show ages is about one moment.",
                remedy="Leave --since out; --until names the moment.",
            )
        _print_ages(store, fmt, registry, until)
        return
    wanted = period(store, LATELY, registry=registry, at=until)
    if since is not None:
        wanted["since"] = since
    (_print_churn if show is Show.CHURN else _print_drift)(store, fmt, wanted)


def _print_churn(store: History, fmt: Format, wanted: Period) -> None:
    """Print what came and went on the way; CSV holds the repositories."""
    from regtools.analyses.churn import churn

    found = churn(store, **wanted)
    if fmt is Format.JSON:
        print_document(
            totals=records(found.totals),
            repositories=records(found.repositories),
            tags=records(found.tags),
            intervals=records(found.intervals),
            notes=plain(list(found.notes)),
        )
        return
    if fmt is Format.CSV:
        columns = tuple(found.repositories.columns)
        print_rows(records(found.repositories), fmt, columns=columns)
        return
    several = several_registries(found.totals)
    print_rows(records(found.totals), fmt, columns=(*several, *CHURN_TOTALS), title="In all")
    _print_first(found.repositories, (*several, *CHURN_REPOSITORIES), "By repository")
    gone = found.tags[found.tags["passing"]]
    if not gone.empty:
        _print_first(gone, (*several, *CHURN_TAGS), "Pushed and gone again")
    for note in found.notes:
        say(note)


def _print_drift(store: History, fmt: Format, wanted: Period) -> None:
    from regtools.analyses.drift import tag_drift

    frame = tag_drift(store, **wanted)
    if fmt is not Format.TABLE:
        print_rows(records(frame), fmt, columns=tuple(frame.columns))
        return
    _print_first(frame, (*several_registries(frame), *DRIFT))
    tags = "1 tag" if len(frame) == 1 else f"{len(frame):,} tags"
    say(f"{tags} moved since {wanted['since']:%Y-%m-%d}.")


def _print_ages(store: History, fmt: Format, registry: str | None, at: datetime | None) -> None:
    from regtools.analyses.ages import age_profile

    frame = age_profile(store, registry=registry, at=at)
    print_rows(records(frame), fmt, columns=AGES)


def _print_first(frame: pd.DataFrame, columns: tuple[str, ...], title: str = "") -> None:
    print_rows(records(frame.head(MOST_ROWS)), Format.TABLE, columns=columns, title=title)
