"""How many bytes are there, and whose are they?

Logical bytes are what tags reach, added up tag by tag; physical bytes are what is stored, each
blob and manifest once in the registry's dedup scope; exclusive bytes are what would go away with
this tag or repository alone; shared bytes are the rest of the physical ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.reach import ONLY_STATE, TIME, Reach, opened, typed
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import SnapshotRow

_BYTES: Final = dict.fromkeys(
    ("logical_bytes", "physical_bytes", "exclusive_bytes", "shared_bytes"), "int64"
)
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
        "foreign_bytes": "int64",
    },
    "repository": {
        "registry": "str",
        "repository": "str",
        "tags": "int64",
        **_BYTES,
        **_BASIS,
        **_BOUNDS,
        "foreign_bytes": "int64",
        "web_url": "str",
    },
    "namespace": {
        "registry": "str",
        "namespace": "str",
        "repositories": "int64",
        "tags": "int64",
        **_BYTES,
        **_BASIS,
        **_BOUNDS,
        "foreign_bytes": "int64",
    },
    "tag": {
        **dict.fromkeys(("registry", "repository", "tag", "digest"), "str"),
        **_BYTES,
        "pull_bytes": "int64",
        **_BASIS,
        "created_at": TIME,
        "pushed_at": TIME,
        "foreign_bytes": "int64",
        "subject": "str",
        "web_url": "str",
    },
    "platform": {
        "registry": "str",
        "platform": "str",
        "images": "int64",
        "tags": "int64",
        **_BYTES,
        "pull_bytes": "int64",
        **_BASIS,
        **_BOUNDS,
        "foreign_bytes": "int64",
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
        What a row stands for: ``registry``, ``namespace``, ``repository``, ``tag``, ``platform``
        or ``layer``.
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
          physical_low_bytes, physical_high_bytes, foreign_bytes (layers that are stored
          elsewhere). Exclusive is what one repository alone reaches.
        - repository: registry, repository, tags, the four sizes, dedup_scope, complete,
          physical_low_bytes, physical_high_bytes, foreign_bytes, web_url (empty: none).
        - namespace: registry, namespace (the first part of the repository's name; empty: all
          repositories whose name has one part only), repositories, tags, the four sizes,
          dedup_scope, complete, physical_low_bytes, physical_high_bytes, foreign_bytes.
        - platform: registry, platform, images (distinct manifests), tags (that lead to one),
          the four sizes, pull_bytes (of one pull of each of these images: its manifest, config
          and layers, foreign ones too), dedup_scope, complete, physical_low_bytes,
          physical_high_bytes, foreign_bytes. An attestation counts with the image that it is
          about, a referrer with its subject where that is an image. Indexes themselves are the
          row ``index``; what has no platform is the row ``artifact``. A tag of several platforms
          is in several rows, and so are bytes that platforms share: those in `exclusive_bytes`
          are in one row only.
        - tag: registry, repository, tag, digest, the four sizes, pull_bytes, dedup_scope,
          complete, created_at, pushed_at, foreign_bytes, subject, web_url (of the tag, else of its
          repository). A date that cannot be right is
          left empty. A signature or another referrer counts with the manifest it is about: the
          row of its own tag (``sha256-…``) has no bytes, but names that `subject`.
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
    return counted(Reach(store, {ONLY_STATE: rows}), by)


def counted(reach: Reach, by: str) -> pd.DataFrame:
    """Give the frame of `usage` from facts about one state, `ONLY_STATE`."""
    frame = _COUNTS[by](reach)
    if by != "layer":
        frame["shared_bytes"] = frame["physical_bytes"] - frame["exclusive_bytes"]
    return typed(frame, COLUMNS[by])


def sizes_of_repositories(reach: Reach) -> pd.DataFrame:
    """Give the sizes of each repository in each state."""
    frame = reach.ask("usage_by_repository")
    # What one repository reaches is the same whether or not others share it.
    size = frame["physical_bytes"]
    return frame.assign(physical_low_bytes=size, physical_high_bytes=size)


def sizes_of_registries(reach: Reach, repositories: pd.DataFrame) -> pd.DataFrame:
    """Give the sizes of each registry in each state, from those of its repositories."""
    frame = reach.ask("usage_by_registry", tables={"usage_by_repository": repositories})
    return frame.assign(physical_bytes=frame["physical_high_bytes"])


def sizes_of_namespaces(reach: Reach) -> pd.DataFrame:
    """Give the sizes of each namespace in each state."""
    own = sizes_of_repositories(reach)
    frame = reach.ask("usage_by_namespace", tables={"usage_by_repository": own})
    return frame.assign(physical_bytes=frame["physical_high_bytes"])


def sizes_of_platforms(reach: Reach) -> pd.DataFrame:
    """Give the sizes of each platform in the one state."""
    frame = reach.ask("usage_by_platform")
    return frame.assign(physical_bytes=frame["physical_high_bytes"])


def sizes_of_tags(reach: Reach, state: int) -> pd.DataFrame:
    """Give the sizes and dates of each tag in one state."""
    return reach.ask("usage_by_tag", state=state)


def sizes_of_layers(reach: Reach, state: int) -> pd.DataFrame:
    """Give the size of each stored blob in one state, and who uses it."""
    return reach.ask("usage_by_layer", state=state)


_COUNTS: Final[Mapping[str, Callable[[Reach], pd.DataFrame]]] = {
    "registry": lambda reach: sizes_of_registries(reach, sizes_of_repositories(reach)),
    "repository": sizes_of_repositories,
    "namespace": sizes_of_namespaces,
    "tag": lambda reach: sizes_of_tags(reach, ONLY_STATE),
    "platform": sizes_of_platforms,
    "layer": lambda reach: sizes_of_layers(reach, ONLY_STATE),
}
