"""How many bytes are there, and whose are they?

Logical bytes are what tags reach, added up tag by tag; physical bytes are what is stored, each
blob and manifest once in the registry's dedup scope; exclusive bytes are what would go away with
this tag or repository alone; shared bytes are the rest of the physical ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.reach import Reach, opened, typed
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import SnapshotRow

TIME: Final = "datetime64[us, UTC]"
_BYTES: Final = {
    name: "int64" for name in ("logical_bytes", "physical_bytes", "exclusive_bytes", "shared_bytes")
}
_BOUNDS: Final = {"physical_low_bytes": "int64", "physical_high_bytes": "int64"}
_BASIS: Final = {"dedup_scope": "str", "complete": "bool"}

COLUMNS: Final = {
    "registry": {
        "registry": "str",
        **dict.fromkeys(("repositories", "tags", "manifests", "blobs"), "int64"),
        **_BYTES,
        **_BASIS,
        "taken_at": TIME,
        **_BOUNDS,
    },
    "repository": {
        "registry": "str",
        "repository": "str",
        "tags": "int64",
        **_BYTES,
        **_BASIS,
        **_BOUNDS,
    },
    "tag": {
        **dict.fromkeys(("registry", "repository", "tag", "digest"), "str"),
        **_BYTES,
        "pull_bytes": "int64",
        **_BASIS,
        "created_at": TIME,
        "pushed_at": TIME,
    },
    "layer": {
        "registry": "str",
        "blob": "str",
        **dict.fromkeys(("size", "repositories", "tags"), "int64"),
        **_BASIS,
        **dict.fromkeys(("role", "media_type", "found_in"), "str"),
    },
}
"""Columns of each frame that `usage` gives, with their types."""


def usage(
    history: History | str | Path,
    *,
    by: str = "repository",
    registry: str | None = None,
    at: datetime | None = None,
    snapshots: Sequence[SnapshotRow] | None = None,
) -> pd.DataFrame:
    """Count bytes, the largest first.

    Parameters
    ----------
    history
        The history, or where it is.
    by
        What a row stands for: ``registry``, ``repository``, ``tag`` or ``layer``.
    registry
        Only this registry.
    at
        The newest snapshots not after this time; left out: the newest of all.
    snapshots
        These snapshots instead of the newest ones.

    Returns
    -------
    DataFrame
        - registry: registry, repositories, tags, manifests, blobs, logical_bytes,
          physical_bytes, exclusive_bytes, shared_bytes, dedup_scope, complete, taken_at,
          physical_low_bytes, physical_high_bytes. Exclusive is what one repository alone reaches.
        - repository: registry, repository, tags, the four sizes, dedup_scope, complete,
          physical_low_bytes, physical_high_bytes.
        - tag: registry, repository, tag, digest, the four sizes, pull_bytes, dedup_scope,
          complete, created_at, pushed_at. A date that cannot be right is left empty.
        - layer: registry, blob, size, repositories, tags, dedup_scope, complete, role (layer or
          config), media_type, found_in (one of the repositories). Only what is stored: no
          foreign layers.

        Where the dedup scope is unknown, physical bytes are the upper bound (no repository
        shares) and exclusive bytes the lower one (all may share). Rows that are not complete
        are lower bounds.

    Raises
    ------
    ConfigError
        Code ``USAGE_BY_UNKNOWN``.
    HistoryError
        A snapshot cannot be read.
    """
    if by not in COLUMNS:
        raise ConfigError(
            f"Usage cannot be counted by {by!r}.",
            code="USAGE_BY_UNKNOWN",
            remedy=f"Choose one of {', '.join(COLUMNS)}.",
        )
    store = opened(history)
    rows = store.latest(registry=registry, at=at) if snapshots is None else snapshots
    reach = Reach(store, {0: rows})
    match by:
        case "registry":
            frame = with_bounds(reach.by_registry())
        case "repository":
            frame = with_bounds(reach.by_repository())
        case "tag":
            frame = reach.by_tag()
        case _:
            return typed(reach.by_layer(), COLUMNS[by])
    frame["shared_bytes"] = frame["physical_bytes"] - frame["exclusive_bytes"]
    return typed(frame, COLUMNS[by])


def with_bounds(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the bounds of what is stored, or take the upper one as the size.

    What one repository reaches is the same whether or not others share it.
    """
    if "physical_bytes" in frame:
        size = frame["physical_bytes"]
        return frame.assign(physical_low_bytes=size, physical_high_bytes=size)
    return frame.assign(physical_bytes=frame["physical_high_bytes"])
