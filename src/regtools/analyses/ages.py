"""How old is what is stored, by the dates inside the images?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.reach import EARLIEST_IMAGE, ONLY_STATE, TIME, Reach, made, opened, typed
from regtools.analyses.states import in_utc
from regtools.history import History

AGES: Final = (
    ("under a week", 7),
    ("1 week to 1 month", 30),
    ("1 to 3 months", 91),
    ("3 months to 1 year", 365),
    ("over a year", None),
)
"""Words for the ages of images, and the days below which each ends."""
UNDATED: Final = "no date"
"""The age of what tells no date, or one that nobody can believe."""
_NAMES: Final = made(
    [*enumerate((word for word, _ in AGES), 1), (0, UNDATED)], {"number": "int64", "age": "str"}
)
"""The ages in their order, and their numbers."""

PROFILE: Final = {
    "registry": "str",
    "age": "str",
    **dict.fromkeys(("tags", "logical_bytes", "physical_bytes"), "int64"),
    "complete": "bool",
}


def age_profile(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """Count tags and bytes by age: of the image behind each, by the date inside it.

    An index is as old as the newest image in it. A date before Docker or after the scan (1970 and
    1980 come from reproducible builds) is none.

    Parameters
    ----------
    history
        The history, or where it is.
    registry
        Only this registry.
    at
        The newest snapshots not after this time, and the time to count from; left out: now.

    Returns
    -------
    DataFrame
        A row for each registry and age, the youngest first, the last without a date: registry,
        age (words), tags (those of signatures and other referrers count with their subject),
        logical_bytes, physical_bytes, complete. The bytes add up to what `regtools.usage` says of
        the registry.

        A blob that several images hold counts as young as the youngest of them, so the bytes of
        the oldest ages are those that would be freed without them. An image without a date may be
        young: what it holds stands there.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    store = opened(history)
    snapshots = store.latest(registry=registry, at=at)
    now = in_utc(at) if at is not None else datetime.now(UTC)
    reach = Reach(store, {ONLY_STATE: snapshots})
    found = reach.ask("age_profile", tables={"ages": _limits(now)})
    counted = ["tags", "logical_bytes", "physical_bytes"]
    names = sorted({row.registry for row in snapshots})
    missing = {row.registry for row in snapshots if not row.complete}
    missing |= set(found.loc[~found["known"], "registry"])
    frame = (
        made(
            [(name, name not in missing) for name in names], {"registry": "str", "complete": "bool"}
        )
        .merge(_NAMES, how="cross")
        # Whole numbers stay whole where an age has no row.
        .merge(found.astype(dict.fromkeys(counted, "Int64")), on=["registry", "number"], how="left")
        .fillna(dict.fromkeys(counted, 0))
    )
    return typed(frame, PROFILE)


def _limits(now: datetime) -> pd.DataFrame:
    """Give each age the times between which its images were made."""
    ends = [now - timedelta(days=days) for _, days in AGES if days]
    since = [*ends, EARLIEST_IMAGE - timedelta(days=1)]
    # Nothing is younger than its scan, but the clock of whoever asks may be slow.
    until = [datetime.max.replace(tzinfo=UTC), *ends]
    return made(
        zip(range(1, len(AGES) + 1), since, until, strict=True),
        {"number": "int64", "since": TIME, "until": TIME},
    )
