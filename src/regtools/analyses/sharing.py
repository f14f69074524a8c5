"""Which layers do images share, and where is content stored that need not be?

`usage` tells how many bytes are shared; these tell which, by whom, and what that saves or wastes.
Where the dedup scope is unknown, what is saved or wasted has two bounds: the bytes that surely
are, and with `high` those that may be. Rows that are not complete are lower bounds.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd

from regtools.analyses.reach import ONLY_STATE, TIME, Reach, opened, typed
from regtools.errors import ConfigError, InvalidReferenceError
from regtools.history import History
from regtools.units import parse_bytes

_BASIS: Final = {"dedup_scope": "str", "complete": "bool"}
_WASTED: Final = dict.fromkeys(("wasted_bytes", "wasted_high_bytes", "repositories"), "int64")

SHARERS: Final = {
    **dict.fromkeys(("registry", "repository", "tag", "digest", "role", "platform"), "str"),
    "position": "Int64",
    "size": "int64",
    "foreign": "bool",
    **_BASIS,
}
BASES: Final = {
    **dict.fromkeys(("registry", "base", "platform"), "str"),
    **dict.fromkeys(
        ("layers", "size", "images", "repositories", "saved_bytes", "saved_high_bytes"), "int64"
    ),
    "verdict": "str",
    "oldest": "str",
    "oldest_at": TIME,
    "newest": "str",
    "newest_at": TIME,
    "chain": "object",
    **_BASIS,
}
RECOMPRESSED: Final = {
    "registry": "str",
    "diff_id": "str",
    "copies": "int64",
    "digests": "object",
    "sizes": "object",
    **_WASTED,
    "found_in": "str",
    **_BASIS,
}
REPEATED: Final = {
    **dict.fromkeys(("registry", "digest", "role"), "str"),
    **dict.fromkeys(("size", "copies"), "int64"),
    **_WASTED,
    "found_in": "str",
    **_BASIS,
}
OVERSIZED: Final = {
    **dict.fromkeys(("registry", "digest", "media_type"), "str"),
    "size": "int64",
    "share": "float64",
    **dict.fromkeys(("manifests", "repositories", "tags"), "int64"),
    "found_in": "str",
    **_BASIS,
}

_BEGINNING: Final = re.compile(r"(?:([a-z0-9]+):)?([0-9a-f]{6,128})")
_MOST_NAMED: Final = 3
"""How many digests an error names."""


def sharers(
    history: History | str | Path,
    digest: str,
    *,
    registry: str | None = None,
    at: datetime | None = None,
) -> pd.DataFrame:
    """Say who has this layer, config or manifest.

    Parameters
    ----------
    history
        The history, or where it is.
    digest
        A digest, or the beginning of one, with or without ``sha256:``: six hex digits or more.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        A row for each place where it is: registry, repository, tag (empty: a manifest without
        one), digest (of the manifest that lists it, or of itself), role (layer, config or
        manifest), platform, position (among the manifest's layers; missing: no layer), size,
        foreign (it is stored elsewhere), dedup_scope, complete. What a referrer or an attestation
        lists stands under the tag that leads to its subject.

    Raises
    ------
    InvalidReferenceError
        Code ``DIGEST_INVALID``: too short, or no hex digits.
    ConfigError
        Code ``DIGEST_UNKNOWN`` or ``DIGEST_AMBIGUOUS``: none or several begin so.
    HistoryError
        A snapshot cannot be read.
    """
    found = _BEGINNING.fullmatch(digest.strip().lower())
    if found is None:
        raise InvalidReferenceError(
            f"{digest!r} is no beginning of a digest.",
            code="DIGEST_INVALID",
            remedy="Give at least six hex digits: sha256:3f1a9c or 3f1a9c.",
        )
    reach = _reach(history, registry, at)
    whole = _whole_digest(reach, algorithm=found[1] or "", digits=found[2])
    return typed(reach.ask("sharers", digest=whole), SHARERS)


def bases(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """Find the base images: leading layers that several images have in common.

    A base is as long as it can be: what all its images go on with alike belongs to it. One base
    may stand on another, and what both save is then in both rows: do not add them up. An image on
    which nothing stands is no base.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        What saves most first: registry, base (the newest image that is exactly these layers, as
        repository:tag; empty: no tagged one is), platform, layers (their number), size (of the
        layers that are stored here), images (that stand on it), repositories (with such an
        image), saved_bytes (which these images and the base itself would take more, had each its
        own copy), saved_high_bytes, verdict, oldest, oldest_at, newest, newest_at (of the images
        that stand on it, where they have a date), chain (the layers' digests, in order),
        dedup_scope, complete.

        `verdict` is ``pays off``; ``nearly unused``: one image stands on it, though there are
        more of that platform; or ``saves nothing``: those that stand on it are stored apart.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    reach = _reach(history, registry, at)
    find_bases(reach)
    return typed(_plain_lists(reach.ask("bases"), "chain"), BASES)


def find_bases(reach: Reach) -> None:
    """Add the tables `images`, `standing` and `base_chains` to facts about some states."""
    for step in ("images", "standing", "base_chains"):
        reach.make(step)


def recompressed(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """Find layers that are stored several times because they were compressed differently.

    Such layers have the same uncompressed content (diff-id, told by the image's config), but
    another digest, so that no registry can share them: two builders, two versions of gzip, zstd.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        What wastes most first: registry, diff_id, copies (distinct digests), digests and sizes
        (the smallest first), wasted_bytes (what goes when all use the smallest copy that is
        stored with theirs), wasted_high_bytes, repositories, found_in (one of them), dedup_scope,
        complete.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    frame = _reach(history, registry, at).ask("recompressed")
    return typed(_plain_lists(frame, "digests", "sizes"), RECOMPRESSED)


def repeated(
    history: History | str | Path, *, registry: str | None = None, at: datetime | None = None
) -> pd.DataFrame:
    """Find content that is stored several times because repositories do not share it.

    Nothing, where the dedup scope is the registry.

    Parameters
    ----------
    history
        The history, or where it is.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        What wastes most first: registry, digest, role (layer, config or manifest), size, copies
        (at most, where the scope is unknown), wasted_bytes (all copies but one),
        wasted_high_bytes, repositories, found_in (one of them), dedup_scope, complete.

    Raises
    ------
    HistoryError
        A snapshot cannot be read.
    """
    return typed(_reach(history, registry, at).ask("repeated"), REPEATED)


def oversized(
    history: History | str | Path,
    at_least: int | str = "500MB",
    *,
    registry: str | None = None,
    at: datetime | None = None,
) -> pd.DataFrame:
    """Find the stored layers that are at least so large.

    Parameters
    ----------
    history
        The history, or where it is.
    at_least
        In bytes, or as a text such as ``500MB`` or ``2GiB``.
    registry, at
        Only this registry; the newest snapshots not after this time.

    Returns
    -------
    DataFrame
        The largest first: registry, digest, media_type, size, share (of all that a pull of an
        image or artifact with it moves, the largest such part, from 0 to 1), manifests,
        repositories and tags that have it, found_in (one of the repositories), dedup_scope,
        complete.

    Raises
    ------
    ConfigError
        `at_least` is not a size.
    HistoryError
        A snapshot cannot be read.
    """
    least = parse_bytes(at_least) if isinstance(at_least, str) else at_least
    return typed(_reach(history, registry, at).ask("oversized", at_least=least), OVERSIZED)


def _reach(history: History | str | Path, registry: str | None, at: datetime | None) -> Reach:
    store = opened(history)
    return Reach(store, {ONLY_STATE: store.latest(registry=registry, at=at)})


def _plain_lists(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Turn arrays into lists, which compare and print as one expects."""
    for name in columns:
        frame[name] = frame[name].map(lambda cell: cell.tolist())
    return frame


def _whole_digest(reach: Reach, *, algorithm: str, digits: str) -> str:
    matches = _beginning_with(reach, algorithm, digits)
    if len(matches) == 1:
        return matches[0]
    shown = f"{algorithm}:{digits}" if algorithm else digits
    if matches:
        raise ConfigError(
            f"Several digests begin with {shown}: {_named(matches)}.",
            code="DIGEST_AMBIGUOUS",
            remedy="Give more of its digits.",
        )
    near = _beginning_with(reach, "", digits[:6])
    raise ConfigError(
        f"Nothing in these snapshots has a digest that begins with {shown}.",
        code="DIGEST_UNKNOWN",
        remedy=f"Did you mean {_named(near)}?"
        if near
        else "`regtools usage --by layer` lists the layers, `--by tag` the manifests.",
    )


def _beginning_with(reach: Reach, algorithm: str, digits: str) -> list[str]:
    """Give the digests that begin so, at most one more than an error names."""
    most = _MOST_NAMED + 1
    frame = reach.ask("sharers_digests", algorithm=algorithm, digits=digits, most=most)
    return list(frame["digest"])


def _named(digests: list[str]) -> str:
    more = ", …" if len(digests) > _MOST_NAMED else ""
    return ", ".join(digests[:_MOST_NAMED]) + more
