"""What came and what went between two moments, and who brought it: to the byte.

A blob that is new in its dedup scope is shared out evenly to the tags that hold it there, and one
that is gone to the tags that held it; the bytes that do not divide go to the first of them by name.
So the shares of tags, repositories, layers and base images each add up to the difference of the
physical bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.reach import TIME, Reach, made, opened, typed
from regtools.analyses.sharing import find_bases
from regtools.analyses.states import State, states_between
from regtools.analyses.usage import sizes_of_registries, sizes_of_repositories
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
CHANGES: Final = ("added", "removed", "moved")
SHARES: Final = dict.fromkeys(("came_bytes", "went_bytes", "grown_bytes"), "int64")
REPOSITORIES: Final = {
    "registry": "str",
    "repository": "str",
    **SHARES,
    **dict.fromkeys(("added_tags", "removed_tags", "moved_tags"), "int64"),
}
TAGS: Final = {
    "registry": "str",
    "repository": "str",
    "tag": "str",
    "change": "str",
    "before": "str",
    "after": "str",
    **SHARES,
}
LAYERS: Final = {
    "registry": "str",
    "digest": "str",
    "role": "str",
    "size": "int64",
    "repositories": "int64",
    "tags": "int64",
    **SHARES,
}
BASES: Final = {
    **dict.fromkeys(("registry", "base", "platform"), "str"),
    **dict.fromkeys(("layers", "images"), "int64"),
    **SHARES,
}
_BEFORE: Final = 1
_AFTER: Final = 2


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
    bases: pd.DataFrame
    """What each base image brought with its own layers: registry, base (as repository:tag; where no
    tagged image is exactly it, the digest of its last layer; empty: what belongs to none),
    platform, layers (of its chain), images (that stand on it), came_bytes, went_bytes,
    grown_bytes. A layer belongs to the shortest base image that has it."""
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
    found = states_between(store, since, until, registry=registry)
    pairs = {name: (states[0], states[-1]) for name, states in found.items()}
    reach = Reach(
        store,
        {
            number: [row for pair in pairs.values() for row in pair[place].snapshots]
            for place, number in enumerate((_BEFORE, _AFTER))
        },
    )
    shares, moves = changes(reach, [(1, _BEFORE, _AFTER)])
    find_bases(reach)
    totals = _totals(reach, pairs, shares, moves)
    return Between(
        totals=totals,
        repositories=_repositories(shares, moves),
        tags=_tags(shares, moves),
        layers=_layers(shares),
        bases=_bases(shares, reach.ask("growth_bases")),
        notes=tuple(_notes(totals)),
    )


def changes(
    reach: Reach, steps: Iterable[tuple[int, int, int]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give what came and went in each step, a number and the states before and after it.

    Returns
    -------
    shares, moves
        The bytes of each blob that came or went, shared out to its holders; the tags that were
        added, removed or moved. Both have a column `step`.
    """
    frame = made(steps, dict.fromkeys(("step", "before_state", "after_state"), "int64"))
    shares, moves = (
        reach.ask(name, tables={"steps": frame}) for name in ("growth_between", "tags_between")
    )
    return _shares(shares), moves


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Share each blob out to its holders in whole bytes."""
    size, holders = rows["size"], rows["holders"]
    share = size // holders + (rows["place_in_line"] <= size % holders)
    came = share.where(rows["sign"] > 0, 0)
    went = share.where(rows["sign"] < 0, 0)
    return rows.assign(came_bytes=came, went_bytes=went, grown_bytes=came - went)


def counts(moves: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Count the tags that were added, removed and moved."""
    counted = moves.groupby([*by, "change"], as_index=False).size()
    wide = counted.pivot_table(index=by, columns="change", values="size", aggfunc="sum")
    names = {change: f"{change}_tags" for change in CHANGES}
    return wide.reindex(columns=list(names)).rename(columns=names).reset_index()


def _totals(
    reach: Reach,
    pairs: Mapping[str, tuple[State, State]],
    shares: pd.DataFrame,
    moves: pd.DataFrame,
) -> pd.DataFrame:
    sizes = sizes_of_registries(reach, sizes_of_repositories(reach))
    by_state = {(str(row["registry"]), int(row["state"])): row for row in sizes.to_dict("records")}
    sums = _by_registry(shares.groupby("registry", as_index=False)[list(SHARES)].sum())
    told = _by_registry(counts(moves, ["registry"]).fillna(0))
    rows = []
    for name, (first, last) in pairs.items():
        before, after = by_state[name, _BEFORE], by_state[name, _AFTER]
        own, tags = sums.get(name, {}), told.get(name, {})
        partial = first.is_partial or last.is_partial
        rows.append(
            (
                name,
                first.taken_at,
                last.taken_at,
                int(before["physical_bytes"]),
                int(after["physical_bytes"]),
                *(int(own.get(column, 0)) for column in SHARES),
                *(int(tags.get(f"{change}_tags", 0)) for change in CHANGES),
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
    sums = shares.groupby(by, as_index=False)[list(SHARES)].sum()
    frame = merged(sums, counts(moves, by), by)
    numbers = [name for name in REPOSITORIES if name not in by]
    frame[numbers] = frame[numbers].fillna(0)
    order = frame.sort_values(["grown_bytes", *by], ascending=[False, True, True], kind="stable")
    return typed(order, REPOSITORIES)


def _tags(shares: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    by = ["registry", "repository", "tag"]
    sums = shares.groupby(by, as_index=False)[list(SHARES)].sum()
    frame = merged(sums, moves, by)
    frame[list(SHARES)] = frame[list(SHARES)].fillna(0)
    frame[["change", "before", "after"]] = frame[["change", "before", "after"]].fillna("")
    order = frame.sort_values(
        ["grown_bytes", *by], ascending=[False, True, True, True], kind="stable"
    )
    return typed(order, TAGS)


def merged(left: pd.DataFrame, right: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Merge by names, and keep all rows of both."""
    return _plain(left, by).merge(_plain(right, by), on=by, how="outer")


def _matched(left: pd.DataFrame, right: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Merge by names, and keep all rows of the left."""
    return _plain(left, by).merge(_plain(right, by), on=by, how="left")


def _plain(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Make names objects, since pandas 3 cannot merge two empty columns of text.

    Whole numbers stay whole where a row has no match: as floats, bytes are not exact from 9 PB on.
    """
    numbers = frame.select_dtypes("int64").columns.difference(by)
    return frame.astype({**dict.fromkeys(by, "object"), **dict.fromkeys(numbers, "Int64")})


def _layers(shares: pd.DataFrame) -> pd.DataFrame:
    grouped = shares.groupby(["registry", "digest", "role"], as_index=False)
    frame = grouped.agg(
        size=("size", "max"),
        repositories=("repository", "nunique"),
        tags=("tag", "size"),
        **_added_up(),
    )
    order = frame.sort_values(["grown_bytes", "digest"], ascending=[False, True], kind="stable")
    return typed(order, LAYERS)


def _bases(shares: pd.DataFrame, homes: pd.DataFrame) -> pd.DataFrame:
    """Add up by base image; one that both states have is called as in the later one."""
    layer, chain = ["state", "registry", "digest"], ["registry", "chain"]
    told = homes.sort_values("state", ascending=False, kind="stable").drop_duplicates(chain)
    names = told[[*chain, "base", "platform", "layers", "images"]]
    found = _matched(
        shares.assign(state=shares["sign"].map({1: _AFTER, -1: _BEFORE})),
        homes[[*layer, "chain"]],
        layer,
    )
    frame = (
        _matched(found, names, chain)
        .fillna({"base": "", "platform": "", "layers": 0, "images": 0})
        .groupby(["registry", "base", "platform", "chain"], as_index=False, dropna=False)
        .agg(layers=("layers", "max"), images=("images", "max"), **_added_up())
        # Two chains without a name may end in the same layer.
        .groupby(["registry", "base", "platform"], as_index=False)
        .agg(layers=("layers", "max"), images=("images", "sum"), **_added_up())
    )
    order = frame.sort_values(
        ["grown_bytes", "registry", "base", "platform"],
        ascending=[False, True, True, True],
        kind="stable",
    )
    return typed(order, BASES)


def _added_up() -> dict[str, tuple[str, str]]:
    return {name: (name, "sum") for name in SHARES}


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
