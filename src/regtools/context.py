"""What a report speaks of: which registry, as of when, from which snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pandas as pd

from regtools.analyses.reach import EARLIEST_IMAGE, opened
from regtools.analyses.states import in_utc
from regtools.errors import ConfigError
from regtools.markup import PROVENANCE_MIME, Html
from regtools.tables import table

if TYPE_CHECKING:
    from regtools.analyses.book import PriceBook
    from regtools.history import History
    from regtools.schema import SnapshotRow
    from regtools.thresholds import Thresholds


def open_history(location: str | Path = "") -> History:
    """Open the history at a folder or bucket; empty: a sample history, so that notebooks run.

    Raises
    ------
    ConfigError
        The location cannot be a history.
    """
    from regtools.history import History

    if location:
        return History(location)
    from regtools.demo import default_history

    return default_history()


def open_prices(edition: str = "", *, config: Path | None = None) -> PriceBook:
    """Read the price book with your own editions and the ``[prices.…]`` of the settings over it.

    Parameters
    ----------
    edition
        A date or a name, as for `regtools.analyses.prices.price_book`.
    config
        The settings file; left out: looked for.

    Raises
    ------
    ConfigError
        The settings or a price cannot be used, or there is no such edition.
    """
    from regtools.analyses.prices import price_book
    from regtools.settings import load_settings

    settings = load_settings(config)
    return price_book(settings.price_folder, edition=edition, overrides=settings.prices)


def open_thresholds(*, config: Path | None = None, **instead: float | str | None) -> Thresholds:
    """Read the limits that health is judged by: ``[thresholds]`` of the settings.

    Parameters
    ----------
    config
        The settings file; left out: looked for.
    **instead
        Numbers in place of those of the settings, by the names of `Thresholds`; None or an empty
        text means: as the settings say. Where a warning moves beyond what is critical, that goes
        along.

    Raises
    ------
    ConfigError
        The settings or a number cannot be used, or (code ``THRESHOLD_INVALID``) there is no such
        threshold.
    """
    from regtools.settings import load_settings

    limits = load_settings(config).thresholds
    given = {name: value for name, value in instead.items() if value not in (None, "")}
    return limits.instead(**given)


def only_registry(history: History, registry: str | None) -> str | None:
    """Give the one registry that is meant: the one named, or the only one of the history.

    Raises
    ------
    ConfigError
        Code ``REGISTRY_AMBIGUOUS``: the history has several, and none is named.
    """
    if registry is not None:
        return registry
    known = sorted({row.registry for row in history.latest()})
    if len(known) > 1:
        raise ConfigError(
            f"The history has {len(known)} registries: {', '.join(known)}.",
            code="REGISTRY_AMBIGUOUS",
            remedy="Name one with --registry.",
        )
    return known[0] if known else None


class Selection(TypedDict):
    """Keywords that every analysis takes: ``usage(history, **selection)``."""

    registry: str | None
    at: datetime | None


class Period(TypedDict):
    """Keywords that every comparison of two moments takes."""

    registry: str | None
    since: datetime
    until: datetime | None


def period(
    history: History, days: int, *, registry: str | None = None, at: datetime | None = None
) -> Period:
    """Give the last days as what compares two moments: ``growth_between(history, **period)``.

    Parameters
    ----------
    history
        The history that is asked.
    days
        How many, counted from `at`, or else from the newest scan.
    registry, at
        As `selection` gives them.
    """
    newest = max((row.taken_at for row in history.latest(registry=registry, at=at)), default=None)
    end = in_utc(at or newest or datetime.now(UTC))
    back = min(timedelta(days=days), end - EARLIEST_IMAGE)
    return {"registry": registry, "since": end - back, "until": at}


def selection(
    history: History, *, location: str | None = None, registry: str = "", at: str = ""
) -> Selection:
    """Read a notebook's parameters as what an analysis takes.

    Parameters
    ----------
    history
        The history that the notebook reads.
    location
        Where it is, as the notebook was told. Empty: this is the sample history, which ended
        some days ago; without a time of its own the report then speaks of its last scan, not
        of today, when everything in it would be stale.
    registry
        Only this registry; empty: all.
    at
        A date or time in ISO form, UTC unless it says otherwise: the newest snapshots not
        after it; a date means the end of that day. Empty: now.

    Raises
    ------
    ConfigError
        The time cannot be read.

    """
    when = moment(at) if at else None
    if when is None and location == "":
        when = max((row.taken_at for row in history.latest()), default=None)
    return {"registry": registry or None, "at": when}


def moment(text: str) -> datetime:
    """Read a date or time in ISO form as UTC.

    Raises
    ------
    ConfigError
        The text is neither.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no date or time.",
            code="TIME_INVALID",
            remedy="Write it as 2026-11-23 or 2026-11-23T10:00.",
        ) from None
    if len(text) <= len("2026-11-23"):
        when = when.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The snapshots behind a report, shown as a table and carried as data."""

    snapshots: Sequence[SnapshotRow]

    @property
    def complete(self) -> bool:
        """Whether every registry was read whole."""
        return bool(self.snapshots) and all(row.complete for row in self.snapshots)

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain data."""
        return {"complete": self.complete, "snapshots": [_plain(row) for row in self.snapshots]}

    def to_table(self) -> Html:
        """Give the snapshots as a table."""
        frame = pd.DataFrame(
            {
                "registry": row.registry,
                "namespace": row.namespace or "all",
                "kind": row.kind,
                "taken_at": row.taken_at,
                "complete": row.complete,
                "dedup_scope": row.dedup_scope,
                "snapshot": row.snapshot,
            }
            for row in self.snapshots
        )
        return table(frame, empty="No snapshot.")

    def _repr_mimebundle_(self, **_: object) -> Mapping[str, Any]:
        shown = self.to_table()
        return {
            "text/html": shown.markup,
            "text/plain": shown.text,
            PROVENANCE_MIME: self.to_dict(),
        }


def _plain(row: SnapshotRow) -> dict[str, object]:
    return {
        "snapshot": row.snapshot,
        "registry": row.registry,
        "namespace": row.namespace,
        "kind": row.kind,
        "taken_at": row.taken_at.astimezone(UTC).isoformat(timespec="seconds"),
        "complete": row.complete,
        "dedup_scope": row.dedup_scope,
    }


def provenance(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> Provenance:
    """Name the snapshots that a report is made of.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.
    """
    return Provenance(opened(history).latest(registry=registry, at=at))
