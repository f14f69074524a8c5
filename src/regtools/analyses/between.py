"""What came and what went between two moments, and who brought it: to the byte.

A blob that is new in its dedup scope is shared out evenly to the tags that hold it there, and one
that is gone to the tags that held it; the bytes that do not divide go to the first of them by name.
So the shares of tags, repositories and layers each add up to the difference of the physical bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.reach import TIME, Reach, made, opened, typed
from regtools.analyses.states import State, states_of
from regtools.analyses.usage import sizes_of_registries, sizes_of_repositories
from regtools.errors import HistoryError
from regtools.history import History

TOTALS: Final = {
    "registry": "str",
    "since": TIME,
    "until": TIME,
    **dict.fromkeys(
        ("before_bytes", "after_bytes", "came_bytes", "went_bytes", "grown_bytes"), "int64"
    ),
    **dict.fromkeys(("added_tags", "removed_tags", "moved_tags"), "int64"),
    "complete": "bool",
}
_CHANGES: Final = ("added", "removed", "moved")
_SHARES: Final = dict.fromkeys(("came_bytes", "went_bytes", "grown_bytes"), "int64")
REPOSITORIES: Final = {
    "registry": "str",
    "repository": "str",
    **_SHARES,
    **dict.fromkeys(("added_tags", "removed_tags", "moved_tags"), "int64"),
}
TAGS: Final = {
    "registry": "str",
    "repository": "str",
    "tag": "str",
    "change": "str",
    "before": "str",
    "after": "str",
    **_SHARES,
}
LAYERS: Final = {
    "registry": "str",
    "digest": "str",
    "role": "str",
    "size": "int64",
    "repositories": "int64",
    "tags": "int64",
    **_SHARES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """What `growth_between` found; every frame's grown_bytes add up to the totals'."""

    totals: pd.DataFrame
    """Each registry: registry, since and until (the scans compared), before_bytes and after_bytes
    (physical), came_bytes, went_bytes, grown_bytes, added_tags, removed_tags, moved_tags,
    complete (both scans were)."""
    repositories: pd.DataFrame
    """What each repository brought: registry, repository, came_bytes, went_bytes, grown_bytes,
    added_tags, removed_tags, moved_tags; what grew most first."""
    tags: pd.DataFrame
    """What each tag brought: registry, repository, tag (empty: manifests without one), change
    (added, removed, moved; empty: it stayed), before, after (digests), came_bytes, went_bytes,
    grown_bytes."""
    layers: pd.DataFrame
    """Each layer, config and manifest that came or went: registry, digest, role, size,
    repositories and tags (that hold or held it), came_bytes, went_bytes, grown_bytes."""
    notes: tuple[str, ...]


def growth_between(
    history: History | str | Path,
    since: datetime,
    until: datetime | None = None,
    *,
    registry: str | None = None,
) -> Between:
    """Say who brought the bytes between two moments.

    Parameters
    ----------
    history
        The history, or where it is.
    since, until
        Compared are the newest scans not after these times; `until` left out: the newest.
        Where a registry was first scanned later than `since`, its first scan is taken.
    registry
        Only this registry.

    Raises
    ------
    HistoryError
        A snapshot cannot be read; code ``HISTORY_EMPTY``: there is none until then.
    """
    store = opened(history)
    states = states_of(store.snapshots(), registry=registry, at=until)
    if not states:
        raise HistoryError(
            f"There is nothing to compare: {store.location} has no snapshot"
            f"{f' of {registry}' if registry else ''}.",
            code="HISTORY_EMPTY",
            remedy="Scan a registry first: regtools scan TARGET.",
        )
    pairs = _pairs(states, since)
    reach = Reach(
        store,
        {
            number: [row for pair in pairs.values() for row in pair[number - 1].snapshots]
            for number in (1, 2)
        },
    )
    shares, moves = _shares(reach.ask("growth_between")), reach.ask("tags_between")
    totals = _totals(reach, pairs, shares, moves)
    return Between(
        totals=totals,
        repositories=_repositories(shares, moves),
        tags=_tags(shares, moves),
        layers=_layers(shares),
        notes=tuple(_notes(totals)),
    )


def _pairs(states: Sequence[State], since: datetime) -> dict[str, tuple[State, State]]:
    """Give the state before and after of each registry."""
    pairs: dict[str, tuple[State, State]] = {}
    for state in states:
        name = state.snapshots[0].registry
        first, _ = pairs.get(name, (state, state))
        taken_at = max(row.taken_at for row in state.snapshots)
        pairs[name] = (state if taken_at <= since else first, state)
    return pairs


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Share each blob out to its holders in whole bytes."""
    size, holders = rows["size"], rows["holders"]
    share = size // holders + (rows["place_in_line"] <= size % holders)
    came = share.where(rows["sign"] > 0, 0)
    went = share.where(rows["sign"] < 0, 0)
    return rows.assign(came_bytes=came, went_bytes=went, grown_bytes=came - went)


def _counts(moves: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    counted = moves.groupby([*by, "change"], as_index=False).size()
    wide = counted.pivot_table(index=by, columns="change", values="size", aggfunc="sum")
    names = {change: f"{change}_tags" for change in _CHANGES}
    return wide.reindex(columns=list(names)).rename(columns=names).reset_index()


def _totals(
    reach: Reach,
    pairs: Mapping[str, tuple[State, State]],
    shares: pd.DataFrame,
    moves: pd.DataFrame,
) -> pd.DataFrame:
    sizes = sizes_of_registries(reach, sizes_of_repositories(reach))
    by_state = {(str(row["registry"]), int(row["state"])): row for row in sizes.to_dict("records")}
    sums = _by_registry(shares.groupby("registry", as_index=False)[list(_SHARES)].sum())
    counts = _by_registry(_counts(moves, ["registry"]).fillna(0))
    rows = []
    for name, (first, last) in pairs.items():
        before, after = by_state[name, 1], by_state[name, 2]
        own, tags = sums.get(name, {}), counts.get(name, {})
        partial = first.is_partial or last.is_partial
        rows.append(
            (
                name,
                max(row.taken_at for row in first.snapshots),
                max(row.taken_at for row in last.snapshots),
                int(before["physical_bytes"]),
                int(after["physical_bytes"]),
                *(int(own.get(column, 0)) for column in _SHARES),
                *(int(tags.get(f"{change}_tags", 0)) for change in _CHANGES),
                bool(before["complete"] and after["complete"] and not partial),
            )
        )
    return made(rows, TOTALS)


def _by_registry(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(row["registry"]): {str(name): value for name, value in row.items()}
        for row in frame.to_dict("records")
    }


def _repositories(shares: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    by = ["registry", "repository"]
    sums = shares.groupby(by, as_index=False)[list(_SHARES)].sum()
    frame = _merged(sums, _counts(moves, by), by)
    numbers = [name for name in REPOSITORIES if name not in by]
    frame[numbers] = frame[numbers].fillna(0)
    order = frame.sort_values(["grown_bytes", *by], ascending=[False, True, True], kind="stable")
    return typed(order, REPOSITORIES)


def _tags(shares: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    by = ["registry", "repository", "tag"]
    sums = shares.groupby(by, as_index=False)[list(_SHARES)].sum()
    frame = _merged(sums, moves, by)
    frame[list(_SHARES)] = frame[list(_SHARES)].fillna(0)
    frame[["change", "before", "after"]] = frame[["change", "before", "after"]].fillna("")
    order = frame.sort_values(
        ["grown_bytes", *by], ascending=[False, True, True, True], kind="stable"
    )
    return typed(order, TAGS)


def _merged(left: pd.DataFrame, right: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Merge by names; pandas 3 cannot merge two empty columns of text, so they become objects."""
    plain = dict.fromkeys(by, "object")
    return left.astype(plain).merge(right.astype(plain), on=by, how="outer")


def _layers(shares: pd.DataFrame) -> pd.DataFrame:
    grouped = shares.groupby(["registry", "digest", "role"], as_index=False)
    frame = grouped.agg(
        size=("size", "max"),
        repositories=("repository", "nunique"),
        tags=("tag", "size"),
        **{name: (name, "sum") for name in _SHARES},
    )
    order = frame.sort_values(["grown_bytes", "digest"], ascending=[False, True], kind="stable")
    return typed(order, LAYERS)


def _notes(totals: pd.DataFrame) -> list[str]:
    notes = []
    for row in totals.to_dict("records"):
        if row["since"] == row["until"]:
            notes.append(f"{row['registry']}: there is only one scan until then.")
        if not row["complete"]:
            notes.append(
                f"{row['registry']}: not everything could be read both times: what is told as come "
                "or gone may have been unread before or after."
            )
    return notes
