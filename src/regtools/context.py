"""What a report speaks of: which snapshots, what they could not read, how it was checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict

import pandas as pd

from regtools.errors import ConfigError
from regtools.tables import Html, table

if TYPE_CHECKING:
    from regtools.history import History
    from regtools.schema import SnapshotRow

PROVENANCE_MIME: Final = "application/vnd.regtools.provenance+json"
"""Under this type a cell's output says which snapshots a report used."""


class Selection(TypedDict):
    """Keywords that every analysis takes: ``usage(history, **selection)``."""

    registry: str | None
    at: datetime | None


def selection(*, registry: str = "", at: str = "") -> Selection:
    """Read a notebook's parameters as what an analysis takes.

    Parameters
    ----------
    registry
        Only this registry; empty: all.
    at
        A date or time in ISO form, UTC unless it says otherwise: the newest snapshots not
        after it; a date means the end of that day. Empty: now.

    Raises
    ------
    ConfigError
        The time cannot be read.

    Examples
    --------
    >>> selection(at="2026-11-23T10:00")["at"].isoformat()
    '2026-11-23T10:00:00+00:00'
    """
    return {"registry": registry or None, "at": moment(at) if at else None}


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


def problems(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """List what the newest snapshots could not read, and why.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        registry, repository, reference, code, message.
    """
    return _rows("problems", history, registry, at)


def checks(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """List the checks that were made with the newest snapshots.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        registry, stage, code, status, ms, summary, evidence, remedy.
    """
    return _rows("checks", history, registry, at)


def _rows(
    name: str, history: History | str | Path, registry: str | None, at: datetime | None
) -> pd.DataFrame:
    from regtools.engine import query

    opened = _opened(history)
    return query(opened, name, snapshots=opened.latest(registry=registry, at=at))


def _opened(history: History | str | Path) -> History:
    from regtools.history import History

    return history if isinstance(history, History) else History(history)


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
        headings = {"taken_at": "Scanned", "dedup_scope": "Blobs stored once per"}
        names = {str(name): headings.get(str(name), "") for name in frame.columns}
        words = {name: text or name.capitalize() for name, text in names.items()}
        return table(frame, columns=words, empty="No snapshot.")

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
    return Provenance(_opened(history).latest(registry=registry, at=at))
