"""The tables of a snapshot: one frozen class a table, one field a column.

The class is the single description: the Parquet schema, the documentation and the type checker
all read it. A field of type ``X | None`` may be empty. Times are UTC; sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

SCHEMA_VERSION: Final = 1
"""Version of every JSON document that the command line prints and a report holds."""

DedupScope = Literal["registry", "namespace", "project", "repository", "unknown"]
Status = Literal["ok", "warn", "fail", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRow:
    """One finished scan."""

    snapshot: str
    """Identifier, sortable by time: ``20261123T102030.123456Z-xxxxxxxx``."""
    registry: str
    """``host[:port]``, as it stands in a reference."""
    namespace: str
    """The part of the registry that was scanned, as a repository prefix; empty: all of it."""
    kind: str
    """Which registry this is: ``distribution``, ``harbor``, …"""
    taken_at: datetime
    complete: bool
    """Whether everything that was asked for was read; if not, `problems` says what is missing."""
    requests: int
    """HTTP requests sent by the run that finished the scan, token requests included."""
    seconds: float
    dedup_scope: str
    """Within which bounds a blob is stored once; see `DedupScope`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRow:
    """A repository seen."""

    registry: str
    repository: str
    visibility: str | None = None
    vendor_bytes: int | None = None
    """The vendor's own number, where it tells one."""
    pulls: int | None = None
    web_url: str | None = None
    immutable: bool | None = None
    """Whether tags cannot be moved."""
    cleanup_policy: str | None = None
    """The vendor's own retention rules for it, as JSON."""
    problem: str | None = None
    """Code of what kept this repository from being read; empty: read whole."""
    tag_web_url: str | None = None
    """Address of a tag's web page, with ``{tag}`` and ``{digest}`` where they belong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """A tag seen, and the digest it named."""

    registry: str
    repository: str
    tag: str
    digest: str
    pushed_at: datetime | None = None
    pulled_at: datetime | None = None
    locked: bool | None = None
    """Whether the vendor refuses to delete it (a lock, an immutable or protected tag); empty: it
    does not tell."""
    web_url: str | None = None
    """Address of its web page, where the vendor tells one for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UntaggedRow:
    """A manifest that a repository holds without a tag on it.

    Only where somebody told: the referrers API, a vendor's own listing, the storage folder. An
    image inside a tagged index may or may not have a row.
    """

    registry: str
    repository: str
    digest: str
    pushed_at: datetime | None = None
    pulled_at: datetime | None = None
    locked: bool | None = None
    """Whether the vendor refuses to delete it (a lock, an immutable or protected tag); empty: it
    does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """A manifest or index, once per digest."""

    digest: str
    media_type: str
    artifact_type: str | None = None
    size: int
    config_digest: str | None = None
    config_size: int | None = None
    created_at: datetime | None = None
    """Creation time from the image's config; an index has none of its own."""
    platform: str | None = None
    """``os/architecture[/variant]`` from the config; empty for indexes and artifacts."""
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRow:
    """Index → child manifest."""

    parent: str
    child: str
    platform: str | None = None
    """As the index says it; ``unknown/unknown`` for attestations."""
    attests: str | None = None
    """Digest of the sibling that this attestation is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """Manifest → blob, in order; a layer listed twice has two rows."""

    manifest: str
    position: int
    blob: str
    size: int | None
    """Compressed bytes; empty where neither the manifest (schema 1) nor the registry tells."""
    media_type: str
    foreign: bool
    """The bytes live elsewhere (Windows base layers): pulled, but not stored in this registry."""
    diff_id: str | None = None
    """Digest of the uncompressed layer, from the config."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One stage of a diagnosis."""

    registry: str
    stage: str
    code: str
    status: str
    """``ok``, ``warn``, ``fail`` or ``skipped``."""
    ms: float | None = None
    summary: str = ""
    evidence: str = ""
    """Facts as a JSON object, such as ``{"days_left": 12}``."""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosedRow(CheckRow):
    """One stage of a diagnosis that was kept in the history, beside the snapshots."""

    diagnosis: str
    """What its rows have in common."""
    taken_at: datetime
    target: str
    """As it was given."""
    repository: str
    """The repository that was diagnosed; empty: the registry itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemRow:
    """What could not be read, and why."""

    registry: str
    repository: str
    """Empty: the registry itself."""
    reference: str
    """Tag or digest; empty: the repository itself."""
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRow:
    """A number that the vendor itself tells of what is stored, for a whole or a part of it."""

    registry: str
    scope: str
    """``registry``, ``namespace``, ``project`` or ``repository``."""
    name: str
    """Which namespace, project or repository; empty: the registry."""
    kind: str
    """What the vendor calls it, such as ``quota_used`` or ``storage``."""
    bytes: int
    limit_bytes: int | None = None
    """What is allowed at most, where there is a limit."""
    source: str
    """Where the vendor tells it, such as ``GET /api/v2.0/quotas``."""


@dataclass(slots=True, kw_only=True)
class Inventory:
    """Rows of all tables but `snapshots`: what a scan, or a part of one, has seen."""

    repositories: list[RepositoryRow] = field(default_factory=list)
    tags: list[TagRow] = field(default_factory=list)
    untagged: list[UntaggedRow] = field(default_factory=list)
    manifests: list[ManifestRow] = field(default_factory=list)
    children: list[ChildRow] = field(default_factory=list)
    layers: list[LayerRow] = field(default_factory=list)
    reported: list[ReportedRow] = field(default_factory=list)
    checks: list[CheckRow] = field(default_factory=list)
    problems: list[ProblemRow] = field(default_factory=list)


TABLES: Final[dict[str, type]] = {
    "snapshots": SnapshotRow,
    "repositories": RepositoryRow,
    "tags": TagRow,
    "untagged": UntaggedRow,
    "manifests": ManifestRow,
    "children": ChildRow,
    "layers": LayerRow,
    "reported": ReportedRow,
    "checks": CheckRow,
    "problems": ProblemRow,
}
"""Name of each table and the class of its rows. On disk each row also carries `snapshot`."""
LATER_COLUMNS: Final[dict[str, frozenset[str]]] = {"tags": frozenset({"web_url"})}
"""Columns that earlier histories do not have; there they are empty."""
