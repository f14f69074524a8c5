"""How much is pushed for what stays: what came and went from scan to scan, not only at the ends.

Two scans a month apart may differ little though a lot was pushed: what was pushed and deleted in
between is in neither. Here every scan of the time is compared with the one before it, blob by blob
in the dedup scope. What is pushed and gone between two scans nobody sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.between import CHANGES, SHARES, changes, counts, merged
from regtools.analyses.reach import TIME, Reach, made, opened, typed
from regtools.analyses.states import State, states_between
from regtools.history import History

_BYTES: Final = dict.fromkeys((*SHARES, "stayed_bytes", "passing_bytes"), "int64")
_TAGS: Final = dict.fromkeys(("added_tags", "removed_tags", "moved_tags", "passing_tags"), "int64")
TOTALS: Final = {
    "registry": "str",
    "since": TIME,
    "until": TIME,
    "scans": "int64",
    "longest_gap_days": "float64",
    **_BYTES,
    **_TAGS,
    "complete": "bool",
}
REPOSITORIES: Final = {"registry": "str", "repository": "str", **_BYTES, **_TAGS}
INTERVALS: Final = {
    "registry": "str",
    "since": TIME,
    "until": TIME,
    **dict.fromkeys(SHARES, "int64"),
    **dict.fromkeys((f"{change}_tags" for change in CHANGES), "int64"),
}
TAGS: Final = {
    **dict.fromkeys(("registry", "repository", "tag"), "str"),
    "passing": "bool",
    "first_seen_at": TIME,
    "gone_at": TIME,
    "passing_bytes": "int64",
}
_TAG: Final = ["registry", "repository", "tag"]
_BLOB: Final = ["registry", "storage", "digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Churn:
    """What `churn` found."""

    totals: pd.DataFrame
    """Each registry: registry, since and until (the first and the last scan compared), scans,
    longest_gap_days (between two of them: what came and went within is not seen), came_bytes and
    went_bytes (added up over all intervals: what goes and comes back counts each time),
    grown_bytes (their difference), stayed_bytes (what came and is there at the end, though not at
    the beginning), passing_bytes (what was pushed and is gone again: in some scan between, but at
    neither end), added_tags, removed_tags, moved_tags (over all intervals), passing_tags (at
    neither end), complete (no scan had to be left out, and each was read whole)."""
    repositories: pd.DataFrame
    """The same by repository, what passed most first; a blob is shared out to the tags that held
    it, as in `growth_between`, so that each column adds up to the totals'."""
    tags: pd.DataFrame
    """The tags that came and went, and those that held what did: registry, repository, tag (empty:
    manifests without one), passing (it is itself at neither end), first_seen_at and gone_at (the
    scans that saw it come and missed it, where it is passing), passing_bytes."""
    intervals: pd.DataFrame
    """From scan to scan: registry, since, until, came_bytes, went_bytes, grown_bytes, added_tags,
    removed_tags, moved_tags."""
    notes: tuple[str, ...]
    """What a reader must know to read the numbers right."""


def churn(
    history: History | str | Path,
    since: datetime,
    until: datetime | None = None,
    *,
    registry: str | None = None,
) -> Churn:
    """Say how much was pushed and deleted between two moments, beside what the ends tell.

    Only scans that read everything are compared, where there are two: what another one could not
    read would come and go though nobody pushed it.

    Parameters
    ----------
    history
        The history, or where it is.
    since, until
        From the newest scan not after `since` to the newest not after `until`; left out: to the
        newest of all. Where a registry was first scanned later than `since`, from its first scan.
    registry
        Only this registry.

    Raises
    ------
    HistoryError
        A snapshot cannot be read; code ``HISTORY_EMPTY``: there is none until then.
    """
    store = opened(history)
    every = states_between(store, since, until, registry=registry)
    compared = {name: _comparable(states) for name, states in every.items()}
    states = {state.number: state for found in compared.values() for state in found}
    reach = Reach(store, {number: state.snapshots for number, state in states.items()})
    steps = [
        (later.number, earlier.number, later.number)
        for found in compared.values()
        for earlier, later in pairwise(found)
    ]
    before = {after: states[first].taken_at for _, first, after in steps}
    times = {number: state.taken_at for number, state in states.items()}
    shares, moves = changes(reach, steps)
    shares, moves = _with_fates(shares), _with_passing(moves)
    totals = _totals(every, compared, shares, moves)
    return Churn(
        totals=totals,
        repositories=_repositories(shares, moves),
        tags=_tags(shares, moves, times),
        intervals=_intervals(shares, moves, before, times),
        notes=tuple(_notes(totals, every)),
    )


def _comparable(states: Sequence[State]) -> list[State]:
    """Give the states that saw everything; all, where fewer than two did."""
    whole = [state for state in states if state.is_whole]
    return whole if len(whole) > 1 else list(states)


def _with_fates(shares: pd.DataFrame) -> pd.DataFrame:
    """Add to the last coming of each blob whether it stayed or is gone again."""
    rows = shares.sort_values("step", kind="stable")
    blobs = rows.groupby(_BLOB)
    # What came first was not there at the beginning, what came last is there at the end.
    was_absent, is_there = (blobs["sign"].transform(end) > 0 for end in ("first", "last"))
    came = rows["sign"] > 0
    last_coming = rows["step"].where(came).groupby([rows[name] for name in _BLOB]).transform("max")
    told = came & was_absent & (rows["step"] == last_coming)
    return rows.assign(
        stayed_bytes=rows["came_bytes"].where(told & is_there, 0),
        passing_bytes=rows["came_bytes"].where(told & ~is_there, 0),
    )


def _with_passing(moves: pd.DataFrame) -> pd.DataFrame:
    """Add whether the tag is at neither end, and whether a row is the first of its tag."""
    rows = moves.sort_values("step", kind="stable")
    first, last = (rows.groupby(_TAG)["change"].transform(end) for end in ("first", "last"))
    return rows.assign(
        passing=(first == "added") & (last == "removed"), is_first=~rows.duplicated(_TAG)
    )


def _summed(shares: pd.DataFrame, moves: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Add up bytes and tags, whole numbers in every column."""
    sums = shares.groupby(by, as_index=False)[list(_BYTES)].sum()
    passing = moves[moves["passing"] & moves["is_first"]].groupby(by, as_index=False).size()
    tags = merged(counts(moves, by), passing.rename(columns={"size": "passing_tags"}), by)
    frame = merged(sums, tags, by)
    numbers = [*_BYTES, *_TAGS]
    return frame.assign(**{name: frame[name].fillna(0).astype("int64") for name in numbers})


def _totals(
    every: Mapping[str, Sequence[State]],
    compared: Mapping[str, Sequence[State]],
    shares: pd.DataFrame,
    moves: pd.DataFrame,
) -> pd.DataFrame:
    found = _summed(shares, moves, ["registry"]).set_index("registry")
    numbers = found.reindex(list(compared), fill_value=0)
    rows = [
        (
            name,
            states[0].taken_at,
            states[-1].taken_at,
            len(states),
            max((_days(a, b) for a, b in pairwise(states)), default=0.0),
            *numbers.loc[name, [*_BYTES, *_TAGS]],
            all(state.is_whole for state in every[name]),
        )
        for name, states in compared.items()
    ]
    return made(rows, TOTALS)


def _days(earlier: State, later: State) -> float:
    return (later.taken_at - earlier.taken_at) / timedelta(days=1)


def _repositories(shares: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    by = ["registry", "repository"]
    frame = _summed(shares, moves, by)
    order = frame.sort_values(
        ["passing_bytes", "came_bytes", *by], ascending=[False, False, True, True], kind="stable"
    )
    return typed(order, REPOSITORIES)


def _tags(shares: pd.DataFrame, moves: pd.DataFrame, times: Mapping[int, datetime]) -> pd.DataFrame:
    passing = moves[moves["passing"]]
    seen = passing.assign(taken_at=passing["step"].map(times)).groupby(_TAG, as_index=False)
    tags = seen.agg(first_seen_at=("taken_at", "min"), gone_at=("taken_at", "max"))
    sums = shares.groupby(_TAG, as_index=False)["passing_bytes"].sum()
    frame = merged(sums[sums["passing_bytes"] > 0], tags.assign(passing=True), _TAG)
    frame["passing"] = frame["passing"].eq(True)
    frame["passing_bytes"] = frame["passing_bytes"].fillna(0)
    order = frame.sort_values(
        ["passing_bytes", *_TAG], ascending=[False, True, True, True], kind="stable"
    )
    return typed(order, TAGS)


def _intervals(
    shares: pd.DataFrame,
    moves: pd.DataFrame,
    before: Mapping[int, datetime],
    times: Mapping[int, datetime],
) -> pd.DataFrame:
    by = ["registry", "step"]
    frame = _summed(shares, moves, by)
    frame = frame.assign(since=frame["step"].map(before), until=frame["step"].map(times))
    return typed(frame.sort_values(["registry", "since"]), INTERVALS)


def _notes(totals: pd.DataFrame, every: Mapping[str, Sequence[State]]) -> list[str]:
    notes = []
    for row in totals.to_dict("records"):
        name, scans = row["registry"], int(row["scans"])
        left_out = len(every[name]) - scans
        if scans == 1:
            notes.append(f"{name}: there is only one scan in this time.")
            continue
        if left_out:
            notes.append(
                f"{name}: {left_out} of {len(every[name])} scans did not see everything, and are left out."
            )
        elif not row["complete"]:
            notes.append(
                f"{name}: not everything could be read each time: what is told as come or gone may "
                "have been unread before or after."
            )
        notes.append(
            f"{name}: {scans} scans, at most {row['longest_gap_days']:.1f} days apart. What was "
            "pushed and gone again between two of them is not seen."
        )
    return notes
