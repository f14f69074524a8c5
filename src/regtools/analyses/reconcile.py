"""Why is the disk fuller than the registry says? Its own folder, byte by byte.

Every byte below the folder is in one of six categories:

    reachable            a tag leads there: through indexes, and to referrers by their subject
    untagged_manifests   a repository holds it, but none of its tags leads there
    orphan_blobs         nothing that a repository holds leads there
    uploads              begun and not finished
    metadata             links, and the other small files that say where things are
    unexplained          no registry would put it there: nothing, on a healthy disk

Beside them: what a garbage collection would free and what it would break, what the newest scan
says otherwise, how full the file system is, and what a vendor counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from regtools.analyses.reach import ONLY_STATE, TIME, facts, made, opened, typed
from regtools.analyses.reported import compare, told_by_user, told_by_vendor
from regtools.engine import Workspace
from regtools.errors import ConfigError, HistoryError
from regtools.history import History
from regtools.schema import SnapshotRow
from regtools.storage import Contents, Effect, Kind, Problem, Size, read_storage
from regtools.storage.read import Count

MEANINGS: Final = {
    "reachable": "a tag leads there",
    "untagged_manifests": "held by a repository, without a tag that leads there",
    "orphan_blobs": "nothing that a repository holds leads there",
    "uploads": "begun and not finished",
    "metadata": "links and other small files; on the disk also folders",
    "unexplained": "no registry would put it there",
}
"""The categories, in the order in which they are shown."""
CATEGORIES: Final = {
    "category": "str",
    **dict.fromkeys(("files", "bytes", "disk_bytes"), "int64"),
    "meaning": "str",
}
ROLES: Final = {"category": "str", "role": "str", "blobs": "int64", "bytes": "int64"}
BLOBS: Final = {
    "digest": "str",
    "bytes": "int64",
    "disk_bytes": "int64",
    "role": "str",
    "category": "str",
    **dict.fromkeys(("freed", "freed_untagged", "freed_untagged_v3"), "bool"),
}
UPLOADS: Final = {
    "repository": "str",
    "upload": "str",
    "files": "int64",
    "bytes": "int64",
    "disk_bytes": "int64",
    "started_at": TIME,
    "age_days": "float64",
}
UNTAGGED: Final = {"repository": "str", "digest": "str", "tags": "object", "bytes": "int64"}
GARBAGE: Final = {
    "version": "str",
    "delete_untagged": "bool",
    **dict.fromkeys(
        (
            "blobs_freed",
            "bytes_freed",
            "disk_bytes_freed",
            "manifests_removed",
            "tags_broken",
            "links_left",
        ),
        "int64",
    ),
    "stopped_by": "str",
}
BROKEN: Final = dict.fromkeys(("repository", "tag", "digest", "child", "platform"), "str")
API: Final = {
    **dict.fromkeys(("what", "repository", "tag", "digest", "digest_on_disk"), "str"),
    "bytes": "Int64",
    "since_scan": "bool",
}
API_BYTES: Final = {
    "what": "str",
    "category": "str",
    **dict.fromkeys(("blobs", "scan_bytes", "disk_bytes"), "int64"),
}
CAPACITY: Final = {
    "mount": "str",
    "filesystem": "str",
    **dict.fromkeys(("total_bytes", "used_bytes", "free_bytes", "other_bytes"), "int64"),
    "used_share": "float64",
}
PROBLEMS: Final = dict.fromkeys(
    ("source", "code", "effect", "repository", "reference", "path", "message"), "str"
)

_FREED: Final = {
    "plain": ("2.8 and 3", False, "freed"),
    "2.8": ("2.8", True, "freed_untagged"),
    "3": ("3", True, "freed_untagged_v3"),
}
_STEPS: Final = (
    "disk_reached",
    "disk_marked",
    "disk_unlinked",
    "disk_categories",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What is on a disk, and what others say is; made by `reconcile`."""

    storage: str
    """The folder; empty: only numbers were compared."""
    kind: str
    """``distribution``, ``oci-layout`` or empty."""
    registry: str
    """The registry that the scan and the told numbers are of; empty: none was looked at."""
    complete: bool
    """Whether all of the disk could be read, and all that the scan should have."""
    categories: pd.DataFrame
    """category, files, bytes (what the files hold), disk_bytes (whole blocks, hard links once,
    and folders), meaning."""
    roles: pd.DataFrame
    """category, role (manifest, config, layer or empty), blobs, bytes."""
    blobs: pd.DataFrame
    """Each blob: digest, bytes, disk_bytes, role, category, and whether a garbage collection
    frees it: freed, freed_untagged (2.8's with --delete-untagged), freed_untagged_v3."""
    untagged: pd.DataFrame
    """Manifests without a tag: repository, digest, tags (that have named it), bytes (which it and
    others like it hold)."""
    uploads: pd.DataFrame
    """Unfinished uploads, oldest first: repository, upload, files, bytes, disk_bytes, started_at,
    age_days."""
    garbage_collection: pd.DataFrame
    """version (of distribution), delete_untagged, blobs_freed, bytes_freed, disk_bytes_freed,
    manifests_removed (from repositories), tags_broken, links_left (of layers, to nothing),
    stopped_by (why it would end before it frees anything, as things are)."""
    broken: pd.DataFrame
    """What 2.8's --delete-untagged would break: repository, tag, digest, child, platform."""
    api: pd.DataFrame
    """What the newest scan says otherwise: what (tag_only_in_scan, tag_only_on_disk,
    tag_names_another, blob_only_in_scan, blob_of_other_size), repository, tag, digest,
    digest_on_disk, bytes (in the scan − on the disk), since_scan (moved after it)."""
    api_bytes: pd.DataFrame
    """The bytes of both: what (in_both, only_in_scan, only_on_disk), category, blobs, scan_bytes,
    disk_bytes."""
    capacity: pd.DataFrame
    """The file system: mount, filesystem, total_bytes, used_bytes, free_bytes, other_bytes (used
    by what lies elsewhere), used_share."""
    reported: pd.DataFrame
    """What others count; see `regtools.analyses.reported.compare`."""
    problems: pd.DataFrame
    """source (disk or scan), code, effect (damage, unread or note), repository, reference, path,
    message."""
    notes: tuple[str, ...] = ()
    """What a reader must know to read the numbers right."""

    @property
    def bytes(self) -> int:
        """All bytes below the folder."""
        return int(self.categories["bytes"].sum())

    @property
    def unexplained_bytes(self) -> int:
        """Bytes that do not belong there."""
        return self._category("unexplained")

    @property
    def is_damaged(self) -> bool:
        """Whether something on the disk is missing, wrong, or does not belong there."""
        own = self.problems[self.problems["source"] == "disk"]
        return bool(self.unexplained_bytes) or bool((own["effect"] == Effect.DAMAGE).any())

    def _category(self, name: str) -> int:
        return int(self.categories.loc[self.categories["category"] == name, "bytes"].sum())

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{row['bytes']} {row['category']}" for row in self.categories.to_dict("records")
        )
        return f"<Reconciliation of {self.storage or self.registry!r}: {shown or 'numbers only'}>"


def reconcile(
    storage: str | Path | Contents | None = None,
    history: History | str | Path | None = None,
    *,
    registry: str | None = None,
    reported: Sequence[str] = (),
    verify: bool = False,
    now: datetime | None = None,
    on_progress: Count = lambda _done, _total: None,
) -> Reconciliation:
    """Explain what lies on a registry's disk, and what others say lies there.

    Parameters
    ----------
    storage
        The registry's storage folder, an OCI image layout, or what `read_storage` gave. None:
        only told numbers are compared with the newest scan.
    history
        Where scans are; None: no scan is looked at.
    registry
        Which registry the folder belongs to; may be left out where the history has but one.
    reported
        Numbers that somebody tells, as ``[NAME=]SIZE``: ``193GB``, ``team=12GiB``.
    verify
        Compare every blob with its digest.
    now
        From when the age of uploads counts.
    on_progress
        Takes bytes verified, and bytes to verify.

    Raises
    ------
    StorageError
        The folder cannot be read, or is no registry's.
    ConfigError
        Codes ``RECONCILE_NOTHING`` (neither a folder nor a number), ``REGISTRY_AMBIGUOUS`` and
        ``REPORTED_UNKNOWN``.
    HistoryError
        A snapshot cannot be read, or there is none to compare with (code ``HISTORY_EMPTY``).
    """
    store = opened(history) if history is not None else None
    snapshots = _snapshots(store, registry)
    of = snapshots[0].registry if snapshots else registry or ""
    told = told_by_vendor(store, snapshots) if store is not None else []
    contents = (
        storage
        if isinstance(storage, Contents) or storage is None
        else read_storage(storage, verify=verify, on_progress=on_progress)
    )
    if contents is None and not reported and not told:
        raise ConfigError(
            "There is nothing to compare: no folder, and no number that anybody told.",
            code="RECONCILE_NOTHING",
            remedy="Give --storage DIR, or --reported SIZE.",
        )
    if contents is None and not snapshots:
        raise HistoryError(
            "There is no scan to compare the numbers with.",
            code="HISTORY_EMPTY",
            remedy="Scan the registry first: regtools scan TARGET. Or give --storage DIR.",
        )
    with Workspace(store, snapshots) as workspace:
        facts(workspace, {ONLY_STATE: snapshots}, ("places",))
        disk = _Disk(workspace, contents, now or datetime.now(UTC)) if contents else None
        names = _repositories(workspace, contents)
        scanned = workspace.ask("problems")
        against = disk.against_scan() if disk and snapshots else {}
    told = [*told, *told_by_user(reported, of, names)]
    on_disk = disk.sizes() if disk else None
    frames = disk.frames() if disk else _no_frames()
    problems = [*(disk.problems() if disk else ()), *_of_scan(scanned)]
    return Reconciliation(
        storage=str(contents.root) if contents else "",
        kind=contents.kind if contents else "",
        registry=of,
        complete=(contents is None or contents.complete) and all(row.complete for row in snapshots),
        **{**frames, **against},
        reported=compare(store, snapshots, told, on_disk=on_disk),
        problems=made(problems, PROBLEMS),
        notes=tuple(_notes(contents, snapshots, told, frames)),
    )


class _Disk:
    """Facts about one disk in a workspace, and the frames that they give."""

    def __init__(self, workspace: Workspace, contents: Contents, now: datetime) -> None:
        self._workspace = workspace
        self._contents = contents
        self._now = now
        for name, table in contents.tables().items():
            workspace.add(f"disk_{name}", table)
        for step in _STEPS:
            workspace.make(step)
        self._blobs = typed(
            workspace.ask("disk_categories_all").assign(
                role=lambda frame: frame["role"].fillna("")
            ),
            BLOBS,
        )
        self._broken = typed(workspace.ask("disk_broken").fillna({"platform": ""}), BROKEN)
        self._untagged = typed(workspace.ask("disk_untagged"), UNTAGGED)
        self._unlinked = workspace.ask("disk_unlinked_counts")
        self._never_tagged = workspace.ask("disk_never_tagged")["repository"]
        self._links_left = workspace.ask("disk_links_left").iloc[0]
        is_layout = contents.kind is Kind.OCI_LAYOUT
        self._damage = workspace.ask("disk_damage", parameters={"links": not is_layout})

    def sizes(self) -> dict[str, int]:
        """Give the bytes of each category."""
        frame = self._categories()
        return dict(zip(frame["category"], frame["bytes"].astype(int), strict=True))

    def frames(self) -> dict[str, pd.DataFrame]:
        """Give the frames of `Reconciliation` that need nothing but the disk."""
        return {
            "categories": self._categories(),
            "roles": self._roles(),
            "blobs": self._blobs,
            "untagged": self._untagged,
            "uploads": self._uploads(),
            "garbage_collection": self._garbage(),
            "broken": self._broken,
            "capacity": self._capacity(),
            "api": made([], API),
            "api_bytes": made([], API_BYTES),
        }

    def against_scan(self) -> dict[str, pd.DataFrame]:
        """Give the frames that compare the disk with the newest scan."""
        frame = self._workspace.ask("disk_against_scan")
        moved = (frame["changed_at"] > frame["taken_at"]).fillna(value=False)
        texts = ("repository", "tag", "digest", "digest_on_disk")
        filled = frame.assign(since_scan=moved).fillna(dict.fromkeys(texts, ""))
        sizes = self._workspace.ask("disk_bytes_against_scan").fillna({"category": ""})
        return {"api": typed(filled, API), "api_bytes": typed(sizes, API_BYTES)}

    def problems(self) -> Iterator[Sequence[str]]:
        """Give what is wrong on the disk."""
        for problem in self._contents.problems:
            yield _row(problem)
        for row in self._damage.to_dict("records"):
            yield _row(_problem(row))

    def _categories(self) -> pd.DataFrame:
        sizes = {name: Size() for name in MEANINGS}
        for table in (self._blobs.assign(files=1), self._uploads().assign(category="uploads")):
            sums = table.groupby("category")[["files", "bytes", "disk_bytes"]].sum()
            for row in sums.reset_index().to_dict("records"):
                sizes[row["category"]] = Size(
                    files=row["files"], bytes=row["bytes"], disk_bytes=row["disk_bytes"]
                )
        sizes["metadata"] = self._contents.metadata
        sizes["unexplained"] = self._contents.unexplained
        return made(
            (
                (name, size.files, size.bytes, size.disk_bytes, MEANINGS[name])
                for name, size in sizes.items()
            ),
            CATEGORIES,
        )

    def _roles(self) -> pd.DataFrame:
        grouped = self._blobs.groupby(["category", "role"])["bytes"]
        frame = grouped.agg(blobs="count", bytes="sum").reset_index()
        return typed(frame.sort_values(["category", "bytes"], ascending=[True, False]), ROLES)

    def _uploads(self) -> pd.DataFrame:
        frame = self._contents.uploads.to_pandas().astype({"started_at": TIME})
        age = (pd.Timestamp(self._now) - frame["started_at"]) / pd.Timedelta(days=1)
        return typed(frame.assign(age_days=age.round(2)).sort_values("started_at"), UPLOADS)

    def _garbage(self) -> pd.DataFrame:
        if self._contents.kind is Kind.OCI_LAYOUT:
            return made([], GARBAGE)
        broken = len(self._broken[["repository", "tag"]].drop_duplicates())
        removed = dict(zip(self._unlinked["mode"], self._unlinked["manifests"], strict=True))
        links = {"plain": self._links_left["plain"], "2.8": self._links_left["untagged"], "3": 0}
        rows = []
        for mode, (version, delete_untagged, column) in _FREED.items():
            stopped_by = self._stopped_by(mode)
            freed = self._blobs[self._blobs[column] & (not stopped_by)]
            rows.append(
                (
                    version,
                    delete_untagged,
                    len(freed),
                    freed["bytes"].sum(),
                    freed["disk_bytes"].sum(),
                    0 if stopped_by else removed.get(mode, 0),
                    broken if mode == "2.8" else 0,
                    links[mode],
                    stopped_by,
                )
            )
        return made(rows, GARBAGE)

    def _stopped_by(self, mode: str) -> str:
        """Find what would end a garbage collection with an error before it frees anything."""
        links = ["/_manifests/revisions/", *(["/current/link"] if mode != "plain" else [])]
        held = set(self._contents.revisions["digest"].to_pylist())
        for problem in self._contents.problems:
            is_link = problem.code == "LINK_BROKEN" and any(part in problem.path for part in links)
            is_manifest = problem.code == "MANIFEST_MALFORMED" and problem.reference in held
            if is_link or is_manifest or problem.code == "NAME_REFUSED":
                return f"{problem.path}: {problem.message}"
        if mode == "2.8":
            for name in self._never_tagged:
                return f"{name}: It holds manifests and has never had a tag."
        return ""

    def _capacity(self) -> pd.DataFrame:
        found = self._contents.capacity
        own = int(self._categories()["disk_bytes"].sum())
        usable = found.used_bytes + found.free_bytes
        row = (
            found.mount,
            found.filesystem,
            found.total_bytes,
            found.used_bytes,
            found.free_bytes,
            max(found.used_bytes - own, 0),
            found.used_bytes / usable if usable else 0.0,
        )
        return made([row], CAPACITY)


def _no_frames() -> dict[str, pd.DataFrame]:
    columns: Mapping[str, Mapping[str, str]] = {
        "categories": CATEGORIES,
        "roles": ROLES,
        "blobs": BLOBS,
        "untagged": UNTAGGED,
        "uploads": UPLOADS,
        "garbage_collection": GARBAGE,
        "broken": BROKEN,
        "capacity": CAPACITY,
        "api": API,
        "api_bytes": API_BYTES,
    }
    return {name: made([], types) for name, types in columns.items()}


def _snapshots(history: History | None, registry: str | None) -> list[SnapshotRow]:
    if history is None:
        return []
    rows = history.latest(registry=registry)
    names = sorted({row.registry for row in rows})
    if len(names) > 1:
        raise ConfigError(
            f"The history has {len(names)} registries: {', '.join(names)}.",
            code="REGISTRY_AMBIGUOUS",
            remedy="Say with --registry whose folder or number this is.",
        )
    return rows


def _repositories(workspace: Workspace, contents: Contents | None) -> set[str]:
    names = set(workspace.ask("scanned_repositories")["repository"])
    return names | set(contents.repositories["repository"].to_pylist() if contents else ())


def _row(problem: Problem) -> Sequence[str]:
    return (
        "disk",
        problem.code,
        str(problem.effect),
        problem.repository,
        problem.reference,
        problem.path,
        problem.message,
    )


def _problem(row: Mapping[Any, Any]) -> Problem:
    reference, named_by = row["reference"], row["named_by"]
    by = f", which {named_by} names," if isinstance(named_by, str) and named_by else ""
    message = {
        "MANIFEST_MISSING": f"Manifest {reference}{by} is not on the disk.",
        "REVISION_MISSING": f"Manifest {reference}{by} is on the disk, but this repository "
        "does not hold it: the registry calls it unknown.",
        "BLOB_MISSING": f"Blob {reference}{by} is not on the disk.",
        "BLOB_SIZE_WRONG": f"Blob {reference} has {_number(row['on_disk'])} bytes where {named_by} "
        f"says {_number(row['size'])}.",
        "LAYER_LINK_MISSING": f"Blob {reference}{by} is on the disk, but may not be pulled from "
        "this repository: its link is missing.",
    }[row["code"]]
    return Problem(
        code=row["code"],
        # What nobody can name any more breaks no pull.
        effect=Effect.DAMAGE if row["reached"] else Effect.NOTE,
        repository=row["repository"],
        reference=reference,
        message=message,
    )


def _number(value: Any) -> str:
    return "no" if pd.isna(value) else f"{int(value):,}"


def _of_scan(frame: pd.DataFrame) -> Iterator[Sequence[str]]:
    for row in frame.to_dict("records"):
        yield (
            "scan",
            row["code"],
            str(Effect.UNREAD),
            row["repository"],
            row["reference"],
            "",
            row["message"],
        )


def _notes(
    contents: Contents | None,
    snapshots: Sequence[SnapshotRow],
    told: Iterable[object],
    frames: Mapping[str, pd.DataFrame],
) -> Iterator[str]:
    if contents is not None and not contents.complete:
        yield "Not all of the disk could be read: the numbers are not whole."
    if contents is not None and not snapshots:
        yield "No scan of this registry is in the history: the disk was not compared with the API."
    if any(row.namespace for row in snapshots) and contents is not None:
        names = ", ".join(sorted({row.namespace or "all" for row in snapshots}))
        yield f"Only this was scanned: {names}. Other repositories are only on the disk."
    broken = frames["broken"]
    if not broken.empty:
        tags = broken[["repository", "tag"]].drop_duplicates()
        yield (
            f"`garbage-collect --delete-untagged` of distribution 2.8 would break {len(tags):,} "
            "tags: it removes the images inside an index, since they have no tag of their own "
            "(distribution/distribution#3178). Version 3 keeps them."
        )
    if told and not snapshots and contents is not None:
        yield "Told numbers of parts of the registry need a scan: regtools scan TARGET."
