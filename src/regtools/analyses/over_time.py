"""How many bytes were there at each scan, and whose were they then?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.reach import TIME, Reach, made, opened, typed
from regtools.analyses.states import from_then_on, states_of
from regtools.analyses.usage import (
    sizes_of_namespaces,
    sizes_of_registries,
    sizes_of_repositories,
)
from regtools.errors import ConfigError
from regtools.history import History

_SIZES: Final[Mapping[str, Callable[[Reach], pd.DataFrame]]] = {
    "registry": lambda reach: sizes_of_registries(reach, sizes_of_repositories(reach)),
    "namespace": sizes_of_namespaces,
    "repository": sizes_of_repositories,
}
_BYTES: Final = ("logical_bytes", "physical_bytes", "exclusive_bytes")
_CHANGE: Final = {
    "first_bytes": "int64",
    "last_bytes": "int64",
    "grown_bytes": "int64",
    "tags": "int64",
}


def bytes_over_time(
    history: History | str | Path,
    by: str = "registry",
    *,
    registry: str | None = None,
    since: datetime | None = None,
    at: datetime | None = None,
) -> pd.DataFrame:
    """Follow the bytes of registries, namespaces or repositories from scan to scan.

    Parameters
    ----------
    history
        The history, or where it is.
    by
        What a row stands for at each time: ``registry``, ``namespace`` or ``repository``.
    registry
        Only this registry.
    since, at
        From the newest scan not after `since` to the newest not after `at`.

    Returns
    -------
    DataFrame
        registry, namespace or repository (unless by registry), taken_at, tags, logical_bytes,
        physical_bytes, exclusive_bytes, complete: what `regtools.usage` says as of each
        `taken_at`. What was not there then has no row. By namespace a layer counts once in it,
        by repository once in that: the rows of one time add up to more than the registry's.
        Rows that are not complete, or of a time when less was scanned than today, are lower
        bounds.

    Raises
    ------
    ConfigError
        Code ``USAGE_BY_UNKNOWN``.
    HistoryError
        A snapshot cannot be read.
    """
    if by not in _SIZES:
        raise ConfigError(
            f"Bytes over time cannot be counted by {by!r}.",
            code="USAGE_BY_UNKNOWN",
            remedy=f"Choose one of {', '.join(_SIZES)}.",
        )
    store = opened(history)
    states = states_of(store.snapshots(), registry=registry, at=at)
    if since is not None:
        states = [state for every in from_then_on(states, since).values() for state in every]
    reach = Reach(store, {state.number: state.snapshots for state in states})
    moments = made(
        [(state.number, state.taken_at, state.is_partial) for state in states],
        {"state": "int64", "taken_at": TIME, "is_partial": "bool"},
    )
    sizes = _SIZES[by](reach).drop(columns="taken_at", errors="ignore").merge(moments, on="state")
    names = list(dict.fromkeys(("registry", by)))
    columns = {
        **dict.fromkeys(names, "str"),
        "taken_at": TIME,
        **dict.fromkeys(("tags", *_BYTES), "int64"),
        "complete": "bool",
    }
    frame = sizes.assign(complete=sizes["complete"] & ~sizes["is_partial"])
    return typed(frame.sort_values([*names, "taken_at", "state"]), columns)


def first_and_last(over_time: pd.DataFrame) -> pd.DataFrame:
    """Compare the first time of each registry with its last.

    Parameters
    ----------
    over_time
        What `bytes_over_time` gives.

    Returns
    -------
    DataFrame
        What grew most first: registry, namespace or repository (unless by registry), first_bytes,
        last_bytes (physical; 0: it was not there), grown_bytes, tags (at last).
    """
    names = [name for name in ("registry", "namespace", "repository") if name in over_time]
    times = over_time.groupby("registry")["taken_at"]
    # Whole numbers stay whole where a row is missing.
    exact = over_time.astype({"physical_bytes": "Int64", "tags": "Int64"})
    first = exact[exact["taken_at"] == times.transform("min")]
    last = exact[exact["taken_at"] == times.transform("max")]
    frame = (
        over_time[names]
        .drop_duplicates()
        .set_index(names)
        .assign(
            first_bytes=first.set_index(names)["physical_bytes"],
            last_bytes=last.set_index(names)["physical_bytes"],
            tags=last.set_index(names)["tags"],
        )
        .fillna(0)
        .reset_index()
    )
    frame["grown_bytes"] = frame["last_bytes"] - frame["first_bytes"]
    order = frame.sort_values(["grown_bytes", *names], ascending=[False, *(True for _ in names)])
    return typed(order, {**dict.fromkeys(names, "str"), **_CHANGE})
