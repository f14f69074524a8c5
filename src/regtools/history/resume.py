"""The files of interrupted scans: where they lie, which one to continue, which to forget."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from regtools.history.parts import Parts
from regtools.history.place import Place
from regtools.history.rows import Tables

RESUME_WITHIN: Final = timedelta(hours=24)
"""What an interrupted scan saw longer ago is looked at again."""

STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_FILE: Final = re.compile(r"(?P<started>\d{8}T\d{6}\.\d{6}Z)-(?P<suffix>[0-9a-f]{8})\.parts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """What of an interrupted scan still holds."""

    finished: frozenset[str]
    digests: frozenset[str]
    left_out: frozenset[int]
    """Numbers of the parts that lean on rows which are gone."""


def stamp(moment: datetime) -> str:
    """Give a time as names hold it, so that they sort by it."""
    return moment.astimezone(UTC).strftime(STAMP)


def target_folder(drafts: Path, registry: str, namespace: str) -> Path:
    """Give the folder for the interrupted scans of one target."""
    target = f"{registry}/{namespace}"
    readable = re.sub(r"[^A-Za-z0-9.]+", "_", target)[:60]
    return drafts / f"{readable}-{hashlib.sha256(target.encode()).hexdigest()[:12]}"


def new_file(folder: Path, now: datetime) -> Path:
    """Name a file for a scan that begins now."""
    return folder / f"{stamp(now)}-{secrets.token_hex(4)}.parts"


def suffix_of(name: str) -> str:
    """Give the random part of the name of a file of parts, or of the snapshot made of it."""
    return name.removesuffix(".parts").rpartition("-")[2]


def take_over(
    folder: Path, place: Place, *, now: datetime, resume_within: timedelta
) -> Parts | None:
    """Continue the newest interrupted scan in a folder, and remove those that are of no use.

    Those in the hands of a living writer are left alone.
    """
    files = sorted(_files(folder), reverse=True)
    published = {suffix_of(name) for name in place.published()} if files else set()
    chosen: Parts | None = None
    for file, started in files:
        parts = Parts.take_over(file)
        if parts is None:
            continue
        is_published = suffix_of(file.name) in published
        is_old = now - started > resume_within
        if chosen is not None or is_published or is_old or not parts.is_readable:
            parts.discard()
        else:
            chosen = parts
    return chosen


def forgotten(drafts: Path, *, before: datetime, remove: bool) -> list[Path]:
    """List files of scans that began before a time and that nobody works on any more."""
    found: list[Path] = []
    for folder in sorted(drafts.glob("*/")):
        for file, started in sorted(_files(folder)):
            if started < before and (parts := Parts.take_over(file)) is not None:
                found.append(file)
                if remove:
                    parts.discard()
                parts.close()
    return found


def usable(parts: Parts | None, known: Collection[str]) -> Usable:
    """Find the parts whose manifests are all still there, in other parts or in the history.

    A part does not repeat what was known when it was made; a snapshot pruned since then may have
    taken that along.
    """
    seen = dict(enumerate(map(_Part.of, parts.read()))) if parts else {}
    lost: set[int] = set()
    while True:
        digests = {d for i, part in seen.items() if i not in lost for d in part.manifests}
        fresh = {
            i
            for i, part in seen.items()
            if i not in lost and not all(d in digests or d in known for d in part.named)
        }
        if not fresh:
            break
        lost |= fresh
    return Usable(
        finished=frozenset(n for i, p in seen.items() if i not in lost for n in p.repositories),
        digests=frozenset(digests),
        left_out=frozenset(lost),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    repositories: list[str]
    manifests: list[str]
    named: set[str]

    @classmethod
    def of(cls, part: Tables) -> Self:
        return cls(
            repositories=part["repositories"]["repository"].to_pylist(),
            manifests=part["manifests"]["digest"].to_pylist(),
            named={
                *part["tags"]["digest"].to_pylist(),
                *part["untagged"]["digest"].to_pylist(),
                *part["children"]["child"].to_pylist(),
            },
        )


def _files(folder: Path) -> Iterator[tuple[Path, datetime]]:
    if not folder.is_dir():
        return
    for file in folder.iterdir():
        if match := _FILE.fullmatch(file.name):
            yield file, datetime.strptime(match["started"], STAMP).replace(tzinfo=UTC)
