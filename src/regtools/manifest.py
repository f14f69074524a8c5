"""What an image is: manifests, indexes, descriptors and configs, parsed once from their bytes.

Sources: OCI image specification 1.1 (manifest.md, image-index.md, descriptor.md, config.md) and
the Docker image manifest versions 2.1 and 2.2 of the distribution project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from regtools.errors import InvalidReferenceError, MalformedAnswerError
from regtools.reference import Digest, parse_digest

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT: Final = "application/vnd.oci.artifact.manifest.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA1_SIGNED: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"

INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
SCHEMA1_TYPES: Final = frozenset({SCHEMA1, SCHEMA1_SIGNED})
MANIFEST_TYPES: Final = (
    OCI_MANIFEST,
    OCI_INDEX,
    DOCKER_MANIFEST,
    DOCKER_LIST,
    OCI_ARTIFACT,
    SCHEMA1_SIGNED,
    SCHEMA1,
)
"""Every type a client must accept: a registry answers 404 or another digest for what is left out."""
IMAGE_CONFIG_TYPES: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})

_FOREIGN_MARKS: Final = (".rootfs.foreign.", ".layer.nondistributable.")
_ATTESTATION: Final = "attestation-manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A reference to content by digest, as a manifest holds it."""

    media_type: str
    digest: Digest
    size: int | None
    """Bytes; None in schema 1, which does not tell."""
    platform: str | None = None
    artifact_type: str | None = None
    attests: Digest | None = None
    """For a BuildKit attestation: the sibling it is about."""

    @property
    def is_manifest(self) -> bool:
        """Whether this names a manifest or index rather than a blob.

        The media type decides, not the key it stands under: BuildKit's cache index lists layers
        under ``manifests`` (Joxit/docker-registry-ui#227).
        """
        return self.media_type in MANIFEST_TYPES

    @property
    def is_foreign(self) -> bool:
        """Whether the bytes are fetched from elsewhere and are not stored in the registry."""
        return any(mark in self.media_type for mark in _FOREIGN_MARKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest or an index. An index has `children`, an image `config` and `layers`."""

    digest: Digest
    media_type: str
    size: int
    """Bytes of the manifest itself."""
    artifact_type: str | None = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    children: tuple[Descriptor, ...] = ()
    subject: Digest | None = None
    created_at: datetime | None = None
    """Only where the manifest itself tells (schema 1, OCI's created annotation)."""
    platform: str | None = None
    """Only in schema 1; elsewhere the config or the index tells."""

    @property
    def is_index(self) -> bool:
        """Whether this is an index (or Docker manifest list)."""
        return self.media_type in INDEX_TYPES

    @property
    def has_image_config(self) -> bool:
        """Whether the config blob is an image's, with a creation date and layers' diff ids."""
        return self.config is not None and self.config.media_type in IMAGE_CONFIG_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """The part of an image's config that an inventory keeps."""

    created_at: datetime | None = None
    platform: str | None = None
    diff_ids: tuple[str, ...] = field(default=())


def parse_manifest(body: bytes, media_type: str, digest: Digest) -> Manifest:
    """Read a manifest of any kind from the bytes a registry served.

    Parameters
    ----------
    body
        The bytes, whose length becomes `size`.
    media_type
        The answer's Content-Type; the body's own ``mediaType`` wins, and where both are missing
        or generic the fields decide (ECR and others serve ``text/plain``).
    digest
        The digest of `body`, already verified.

    Raises
    ------
    MalformedAnswerError
        Not JSON, or without the fields its type requires.
    """
    data = _parse_object(body, what=f"manifest {digest}")
    try:
        kind = _media_type(data, media_type)
        if kind in SCHEMA1_TYPES:
            return _schema1(data, kind, digest, len(body))
        listed = [_descriptor(entry) for entry in _list(data, "manifests")]
        layers = [_descriptor(entry) for entry in (*_list(data, "layers"), *_list(data, "blobs"))]
        config = data.get("config")
        subject = data.get("subject")
        config_descriptor = _descriptor(config) if config is not None else None
        return Manifest(
            digest=digest,
            media_type=kind,
            size=len(body),
            artifact_type=_artifact_type(data, config_descriptor),
            config=config_descriptor,
            layers=(*layers, *(entry for entry in listed if not entry.is_manifest)),
            children=tuple(entry for entry in listed if entry.is_manifest),
            subject=parse_digest(subject["digest"]) if subject is not None else None,
            created_at=parse_time(_annotations(data).get("org.opencontainers.image.created")),
        )
    except (KeyError, TypeError, AttributeError, ValueError, InvalidReferenceError) as error:
        raise MalformedAnswerError(
            f"Manifest {digest} is broken: {_explain(error)}.", code="MANIFEST_MALFORMED"
        ) from error


def parse_image_config(body: bytes) -> ImageConfig:
    """Read an image's config blob.

    Raises
    ------
    MalformedAnswerError
        Not a JSON object.
    """
    data = _parse_object(body, what="image config")
    rootfs = data.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    # A config may hold anything its author wrote: what does not fit is left out, not fatal.
    return ImageConfig(
        created_at=parse_time(data.get("created")),
        platform=_platform(data),
        diff_ids=tuple(d if isinstance(d, str) else "" for d in diff_ids)
        if isinstance(diff_ids, list)
        else (),
    )


def parse_time(text: object) -> datetime | None:
    """Read an RFC 3339 time with up to nanoseconds; None for anything else.

    Go's zero time (year 1) means "not set". Other unbelievable dates are kept: an analysis
    judges them.

    Examples
    --------
    >>> parse_time("2026-11-23T10:20:30.123456789Z")
    datetime.datetime(2026, 11, 23, 10, 20, 30, 123456, tzinfo=datetime.timezone.utc)
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1 else None


def _parse_object(body: bytes, *, what: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(f"The {what} is not JSON.", code="MANIFEST_MALFORMED") from error
    if not isinstance(data, dict):
        raise MalformedAnswerError(f"The {what} is not a JSON object.", code="MANIFEST_MALFORMED")
    return data


def _media_type(data: Mapping[str, Any], content_type: str) -> str:
    declared = data.get("mediaType")
    served = content_type.partition(";")[0].strip().lower()
    for candidate in (declared, served):
        if candidate in MANIFEST_TYPES:
            return str(candidate)
    if data.get("schemaVersion") == 1:
        return SCHEMA1
    if "manifests" in data:
        return OCI_INDEX
    if "config" in data or "layers" in data:
        return OCI_MANIFEST
    raise ValueError("neither its type nor its fields say what it is")


def _artifact_type(data: Mapping[str, Any], config: Descriptor | None) -> str | None:
    """Give the artifact's type: its own field, else the config's type where that is no image's."""
    own = data.get("artifactType")
    if isinstance(own, str) and own:
        return own
    if config is not None and config.media_type not in IMAGE_CONFIG_TYPES:
        return config.media_type
    return None


def _descriptor(entry: Mapping[str, Any]) -> Descriptor:
    size = entry["size"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        raise ValueError(f"size is {size!r}")
    annotations = _annotations(entry)
    attests = annotations.get("vnd.docker.reference.digest")
    is_attestation = annotations.get("vnd.docker.reference.type") == _ATTESTATION
    artifact_type = entry.get("artifactType")
    return Descriptor(
        media_type=str(entry.get("mediaType", "")),
        digest=parse_digest(entry["digest"]),
        size=size,
        platform=_platform(entry["platform"]) if entry.get("platform") else None,
        artifact_type=artifact_type if isinstance(artifact_type, str) else None,
        attests=parse_digest(attests) if is_attestation and isinstance(attests, str) else None,
    )


def _platform(data: Mapping[str, Any]) -> str | None:
    parts = (data.get("os"), data.get("architecture"), data.get("variant"))
    return "/".join(part for part in parts if isinstance(part, str) and part) or None


def _annotations(data: Mapping[str, Any]) -> Mapping[str, Any]:
    annotations = data.get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def _list(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = data.get(key)
    if value is None:  # Go serialises an empty slice as null.
        return []
    if not isinstance(value, list):
        raise TypeError(f"{key} is not a list")
    return value


def _schema1(data: Mapping[str, Any], kind: str, digest: Digest, size: int) -> Manifest:
    """Read schema 1: layers newest first, without sizes or types, the config in `history`."""
    layers = tuple(
        Descriptor(
            media_type="application/vnd.docker.container.image.rootfs.diff+x-gtar",
            digest=parse_digest(entry["blobSum"]),
            size=None,
        )
        for entry in reversed(_list(data, "fsLayers"))
    )
    newest: dict[str, Any] = {}
    history = _list(data, "history")
    if history and isinstance(history[0].get("v1Compatibility"), str):
        newest = _parse_object(history[0]["v1Compatibility"].encode(), what="schema 1 history")
    return Manifest(
        digest=digest,
        media_type=kind,
        size=size,
        layers=layers,
        created_at=parse_time(newest.get("created")),
        platform=_platform(newest),
    )


def _explain(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"field {error.args[0]!r} is missing"
    return str(error).rstrip(".")
