"""The storage folder of `registry:2`, `registry:3` and relatives.

    docker/registry/v2/
    ├── blobs/<algorithm>/<first two digits>/<digits>/data
    └── repositories/<name>/
        ├── _layers/<algorithm>/<digits>/link             what may be pulled from here
        ├── _manifests/revisions/<algorithm>/<digits>/link
        ├── _manifests/tags/<tag>/current/link            what the tag names
        ├── _manifests/tags/<tag>/index/<algorithm>/<digits>/link   and has named
        └── _uploads/<id>/{data,startedat,hashstates/…}

A link is a file that holds a digest. Source: distribution's registry/storage/paths.go, read
2026-11; versions 2.8 and 3 lay it out alike.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from os import DirEntry
from pathlib import Path
from typing import Final

from regtools.errors import InvalidReferenceError
from regtools.manifest import parse_time
from regtools.reference import parse_digest, parse_repository
from regtools.storage.contents import SCHEMAS, Contents, Effect, Kind, Rows, Size
from regtools.storage.disk import Disk, capacity, readable
from regtools.storage.manifests import Manifests

INSIDE: Final = ("docker/registry/v2", "registry/v2", "v2", "")
"""Where the content may lie below the folder that is given."""
_KNOWN_FILES: Final = frozenset({"scheduler-state.json"})
"""A pull-through cache notes there what it will forget, and when."""
_PARTS: Final = frozenset({"_layers", "_manifests", "_uploads"})
_LINK_BYTES: Final = 1024
_SMALL: Final = 64


def content_folder(folder: Path) -> Path | None:
    """Find blobs and repositories in a folder or the ones below it; None: it is no registry's."""
    for inside in INSIDE:
        content = folder / inside
        if any((content / name).is_dir() for name in ("blobs", "repositories")):
            return content
    return None


def read_distribution(folder: Path, content: Path) -> Contents:
    """Read a storage folder; everything below `folder` is counted, in `content` or not."""
    reading = _Reading(Disk(folder), str(content))
    reading.outside(str(folder))
    return reading.contents()


class _Reading:
    """One storage folder under examination."""

    def __init__(self, disk: Disk, content: str) -> None:
        self._disk = disk
        self._content = content
        self._rows = {name: Rows(schema) for name, schema in SCHEMAS.items()}
        self._blobs: set[str] = set()
        self._named: set[str] = set()

    def outside(self, folder: str) -> None:
        """Go down to the content, and count what lies beside the way."""
        if folder == self._content:
            self._inside()
            return
        for entry in self._disk.entries(folder):
            if self._content == entry.path or self._content.startswith(entry.path + os.sep):
                self.outside(entry.path)
            else:
                self._beside(entry)

    def contents(self) -> Contents:
        """Read the manifests; give all that was found."""
        manifests = Manifests(self._disk, self._blobs, self._path_of)
        manifests.read(self._named)
        tables = {name: rows.table() for name, rows in self._rows.items()}
        tables["manifests"] = manifests.manifests.table()
        tables["references"] = manifests.references.table()
        return Contents(
            kind=Kind.DISTRIBUTION,
            root=self._disk.root,
            **tables,
            metadata=self._disk.metadata,
            unexplained=self._disk.unexplained,
            problems=tuple(self._disk.problems),
            capacity=capacity(self._disk.root),
        )

    def _path_of(self, digest: str) -> str:
        algorithm, _, encoded = digest.partition(":")
        return f"{self._content}/blobs/{algorithm}/{encoded[:2]}/{encoded}/data"

    def _inside(self) -> None:
        for entry in self._disk.entries(self._content):
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and entry.name == "blobs":
                self._all_blobs(entry.path)
            elif is_folder and entry.name == "repositories":
                self._all_repositories(entry.path)
            else:
                self._beside(entry)

    def _beside(self, entry: DirEntry[str]) -> None:
        if entry.name in _KNOWN_FILES and entry.is_file(follow_symlinks=False):
            self._disk.keep(entry)
        else:
            self._disk.stray(entry)

    # Blobs

    def _all_blobs(self, folder: str) -> None:
        for algorithm in self._folders(folder):
            for shard in self._folders(algorithm.path):
                for encoded in self._folders(shard.path):
                    self._blob(algorithm.name, shard.name, encoded)

    def _blob(self, algorithm: str, shard: str, folder: DirEntry[str]) -> None:
        digest = _digest(algorithm, folder.name)
        if digest is None or not folder.name.startswith(shard) or len(shard) != 2:
            self._disk.stray(folder)
            return
        for entry in self._disk.entries(folder.path):
            if entry.name != "data" or entry.is_dir(follow_symlinks=False):
                self._disk.stray(entry)
            elif size := self._disk.size(entry):
                self._blobs.add(digest)
                self._rows["blobs"].add(digest, size.bytes, size.disk_bytes)

    # Repositories

    def _all_repositories(self, folder: str) -> None:
        waiting = [(folder, "")]
        while waiting:
            path, name = waiting.pop()
            own: set[str] = set()
            for entry in self._disk.entries(path):
                part = readable(entry.name)
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder and name and part in _PARTS:
                    own.add(part)
                    own |= self._part(part, entry.path, name)
                elif is_folder and not part.startswith("_"):
                    waiting.append((entry.path, f"{name}/{part}" if name else part))
                else:
                    self._disk.stray(entry)
            if own:
                self._repository(path, name, own)

    def _repository(self, path: str, name: str, own: set[str]) -> None:
        self._rows["repositories"].add(name, "_layers" in own, "tags" in own)
        try:
            parse_repository(name)
        except InvalidReferenceError as error:
            self._disk.note(
                "NAME_REFUSED", path, error.summary, effect=Effect.DAMAGE, repository=name
            )

    def _part(self, part: str, folder: str, repository: str) -> set[str]:
        """Read one of a repository's own folders; give the folders found in it that matter."""
        if part == "_manifests":
            return self._manifests(folder, repository)
        if part == "_layers":
            self._links(folder, repository, "layer_links")
        else:
            self._uploads(folder, repository)
        return set()

    def _manifests(self, folder: str, repository: str) -> set[str]:
        found = set()
        for entry in self._disk.entries(folder):
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder and entry.name == "revisions":
                self._links(entry.path, repository, "revisions")
            elif is_folder and entry.name == "tags":
                found.add("tags")
                for tag in self._folders(entry.path):
                    self._tag(tag, repository)
            else:
                self._disk.stray(entry)
        return found

    def _tag(self, folder: DirEntry[str], repository: str) -> None:
        tag = readable(folder.name)
        names_something = False
        for entry in self._folders(folder.path):
            if entry.name == "current":
                names_something = self._current(entry.path, repository, tag)
            elif entry.name == "index":
                self._links(entry.path, repository, "earlier", tag)
            else:
                self._disk.stray(entry)
        if not names_something:
            self._disk.note(
                "TAG_EMPTY",
                folder.path,
                f"Tag {tag} is listed, and names nothing.",
                effect=Effect.DAMAGE,
                repository=repository,
                reference=tag,
            )

    def _current(self, folder: str, repository: str, tag: str) -> bool:
        """Read what a tag names now; false if there is nothing to read."""
        there = False
        for entry in self._disk.entries(folder):
            if entry.name != "link" or entry.is_dir(follow_symlinks=False):
                self._disk.stray(entry)
                continue
            there = True
            if digest := self._link(entry, repository, tag):
                self._named.add(digest)
                self._rows["tags"].add(repository, tag, digest, _changed_at(entry))
        return there

    def _links(self, folder: str, repository: str, table: str, *more: str) -> None:
        for algorithm in self._folders(folder):
            for encoded in self._folders(algorithm.path):
                digest = _digest(algorithm.name, encoded.name)
                if digest is None:
                    self._disk.stray(encoded)
                    continue
                for entry in self._disk.entries(encoded.path):
                    if entry.name == "link" and entry.is_file(follow_symlinks=False):
                        self._listed(entry, repository, table, digest, *more)
                    elif entry.name == "signatures" and table == "revisions":
                        # Of schema 1, kept so by registries before 2.6.
                        self._disk.metadata += self._disk.below(entry.path)
                    else:
                        self._disk.stray(entry)

    def _listed(
        self, entry: DirEntry[str], repository: str, table: str, digest: str, *more: str
    ) -> None:
        target = self._link(entry, repository, *(more or (digest,)))
        if target is None:
            return
        if target != digest:
            message = f"The link stands under {digest} and leads to {target}."
            self._wrong(entry, "LINK_WRONG", repository, digest, message)
            return
        self._rows[table].add(repository, *more, digest)
        if table == "revisions":
            self._named.add(digest)

    def _link(self, entry: DirEntry[str], repository: str, reference: str) -> str | None:
        self._disk.keep(entry)
        body = self._disk.read(entry.path, at_most=_LINK_BYTES)
        if body is None:
            return None
        try:
            return parse_digest(body.decode("ascii", "replace"))
        except InvalidReferenceError:
            message = f"A link should hold a digest; this holds {body[:_SMALL]!r}."
            self._wrong(entry, "LINK_BROKEN", repository, reference, message)
            return None

    def _wrong(
        self, entry: DirEntry[str], code: str, repository: str, reference: str, message: str
    ) -> None:
        self._disk.note(
            code,
            entry.path,
            message,
            effect=Effect.DAMAGE,
            repository=repository,
            reference=reference,
        )

    # Uploads

    def _uploads(self, folder: str, repository: str) -> None:
        for upload in self._folders(folder):
            size, started_at = Size(), None
            for entry in self._disk.entries(upload.path):
                if entry.is_dir(follow_symlinks=False):
                    size += self._disk.below(entry.path)
                elif found := self._disk.size(entry):
                    size += found
                    if entry.name == "startedat":
                        body = self._disk.read(entry.path, at_most=_SMALL)
                        started_at = parse_time((body or b"").decode("ascii", "replace"))
            self._rows["uploads"].add(
                repository,
                readable(upload.name),
                size.files,
                size.bytes,
                size.disk_bytes,
                started_at or _changed_at(upload),
            )

    def _folders(self, folder: str) -> list[DirEntry[str]]:
        found = []
        for entry in self._disk.entries(folder):
            if entry.is_dir(follow_symlinks=False):
                found.append(entry)
            else:
                self._disk.stray(entry)
        return found


def _digest(algorithm: str, encoded: str) -> str | None:
    try:
        return parse_digest(f"{algorithm}:{encoded}")
    except InvalidReferenceError:
        return None


def _changed_at(entry: DirEntry[str]) -> datetime | None:
    try:
        return datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None
