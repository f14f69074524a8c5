"""Images, indexes, attestations, signatures and charts, as their builders write them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from regtools.demo.content import Blob, Document, Layer, digest_of, document
from regtools.manifest import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)
from regtools.reference import Digest

OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
IN_TOTO: Final = "application/vnd.in-toto+json"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
HELM_CONFIG: Final = "application/vnd.cncf.helm.config.v1+json"
HELM_CONTENT: Final = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
SPDX: Final = "application/spdx+json"
OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"
_PROVENANCE: Final = "https://slsa.dev/provenance/v0.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What an image is made of besides its platform."""

    created_at: datetime
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    docker: bool = False
    """Docker's own media types instead of OCI's, as old builders write them."""


@dataclass(slots=True)
class Shelf:
    """All that was ever built, by digest."""

    manifests: dict[Digest, Document] = field(default_factory=dict)
    blobs: dict[Digest, Blob] = field(default_factory=dict)

    def image(self, layers: Sequence[Layer], build: Build, *, platform: str) -> Document:
        """Build an image for one platform."""
        config = self._put(
            document(
                DOCKER_CONFIG if build.docker else OCI_CONFIG, _config(layers, build, platform)
            )
        )
        layer_type = DOCKER_LAYER if build.docker else OCI_LAYER
        return self._manifest(
            config,
            [(layer, layer_type, {}) for layer in layers],
            media_type=DOCKER_MANIFEST if build.docker else OCI_MANIFEST,
        )

    def index(self, images: Mapping[str, Document], *, attested_at: datetime | None) -> Document:
        """Join the images of several platforms; with a time, each gets a provenance attestation."""
        entries = [
            {**_descriptor(image), "platform": _platform(name)} for name, image in images.items()
        ]
        if attested_at:
            entries += [self._attestation(image, attested_at) for image in images.values()]
        return self._index(entries)

    def signature(self, of: Document, *, repository: str) -> Document:
        """Sign as cosign does; the tag ``sha256-….sig`` names what this returns."""
        payload = self._put(
            document(
                SIMPLE_SIGNING,
                {
                    "critical": {
                        "identity": {"docker-reference": repository},
                        "image": {"docker-manifest-digest": of.digest},
                        "type": "cosign container image signature",
                    },
                    "optional": None,
                },
            )
        )
        signed = base64.b64encode(hashlib.sha512(payload.body).digest()).decode()
        config = self._put(
            document(
                OCI_CONFIG,
                {
                    "architecture": "",
                    "created": "0001-01-01T00:00:00Z",
                    "os": "",
                    "rootfs": {"type": "layers", "diff_ids": [payload.digest]},
                    "config": {},
                },
            )
        )
        annotations = {"dev.cosignproject.cosign/signature": signed}
        return self._manifest(config, [(payload, SIMPLE_SIGNING, annotations)])

    def sbom_referrers(self, of: Document, *, packages: Iterable[str], at: datetime) -> Document:
        """Attach an SBOM; the fallback tag ``sha256-…`` names the index that this returns."""
        listed = [{"SPDXID": f"SPDXRef-{name}", "name": name} for name in packages]
        sbom = self._put(document(SPDX, {"spdxVersion": "SPDX-2.3", "packages": listed}))
        empty = self._put(document(OCI_EMPTY, {}))
        artifact = self._manifest(
            empty,
            [(sbom, SPDX, {})],
            artifactType=SPDX,
            subject=_descriptor(of),
            annotations={"org.opencontainers.image.created": _time(at)},
        )
        return self._index([{**_descriptor(artifact), "artifactType": SPDX}])

    def chart(self, name: str, version: str, content: Layer, *, at: datetime) -> Document:
        """Package a Helm chart."""
        config = self._put(
            document(
                HELM_CONFIG,
                {"name": name, "version": version, "apiVersion": "v2", "type": "application"},
            )
        )
        annotations = {"org.opencontainers.image.created": _time(at)}
        return self._manifest(config, [(content, HELM_CONTENT, {})], annotations=annotations)

    def _attestation(self, image: Document, at: datetime) -> dict[str, Any]:
        """Describe a build as BuildKit does, beside the image in its index."""
        statement = self._put(
            document(
                IN_TOTO,
                {
                    "_type": "https://in-toto.io/Statement/v0.1",
                    "predicateType": _PROVENANCE,
                    "subject": [{"name": "_", "digest": {"sha256": image.digest[7:]}}],
                    "predicate": {
                        "builder": {"id": "https://ci.harbourline.example/runners/docker"},
                        "buildType": "https://mobyproject.org/buildkit@v1",
                        "metadata": {"buildFinishedOn": _time(at), "reproducible": False},
                    },
                },
            )
        )
        config = self._put(
            document(
                OCI_CONFIG,
                {
                    "architecture": "unknown",
                    "os": "unknown",
                    "config": {},
                    "rootfs": {"type": "layers", "diff_ids": [statement.digest]},
                },
            )
        )
        manifest = self._manifest(
            config, [(statement, IN_TOTO, {"in-toto.io/predicate-type": _PROVENANCE})]
        )
        return {
            **_descriptor(manifest),
            "annotations": {
                "vnd.docker.reference.digest": image.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": {"architecture": "unknown", "os": "unknown"},
        }

    def _manifest(
        self,
        config: Document,
        blobs: Sequence[tuple[Blob, str, Mapping[str, str]]],
        *,
        media_type: str = OCI_MANIFEST,
        **fields: Any,
    ) -> Document:
        layers = []
        for blob, layer_type, notes in blobs:
            self.blobs[blob.digest] = blob
            entry: dict[str, Any] = {
                "mediaType": layer_type,
                "digest": blob.digest,
                "size": blob.size,
            }
            layers.append({**entry, "annotations": dict(notes)} if notes else entry)
        return self._shelve(media_type, {"config": _descriptor(config), "layers": layers, **fields})

    def _index(self, entries: Sequence[Mapping[str, Any]]) -> Document:
        return self._shelve(OCI_INDEX, {"manifests": list(entries)})

    def _shelve(self, media_type: str, fields: Mapping[str, Any]) -> Document:
        made = document(media_type, {"schemaVersion": 2, "mediaType": media_type, **fields})
        self.manifests[made.digest] = made
        return made

    def _put(self, blob: Document) -> Document:
        self.blobs[blob.digest] = blob
        return blob


def referrer_tag(digest: Digest, suffix: str = "") -> str:
    """Give the tag that stands for the referrers of a digest where there is no referrers API."""
    return f"{digest.replace(':', '-')}{suffix}"


def revision(*parts: object) -> str:
    """Give a commit's name, 40 hex digits, the same for the same parts."""
    return digest_of(json.dumps(parts).encode()).partition(":")[2][:40]


def _config(layers: Sequence[Layer], build: Build, platform: str) -> dict[str, Any]:
    created = _time(build.created_at)
    return {
        "created": created,
        **_platform(platform),
        "config": {
            "Env": [f"{name}={value}" for name, value in build.environment.items()],
            "Cmd": list(build.command),
            "WorkingDir": "/app",
            "User": "10001",
            "Labels": dict(build.labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [
            {"created": created, "created_by": f"COPY {layer.name} / # buildkit"}
            for layer in layers
        ],
    }


def _platform(name: str) -> dict[str, str]:
    parts = name.split("/")
    return dict(zip(("os", "architecture", "variant"), parts, strict=False))


def _descriptor(made: Document) -> dict[str, Any]:
    return {"mediaType": made.media_type, "digest": made.digest, "size": made.size}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
