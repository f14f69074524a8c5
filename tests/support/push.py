"""A small pusher, and the content it pushes: real layers, configs, manifests.

It stands apart from the product on purpose: regtools only reads, and an expected number must not
come from the code under test.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import httpx
import pyarrow as pa

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def sha256(data: bytes) -> str:
    """Give the digest as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Content with its type: a layer, a config, a manifest."""

    data: bytes = field(repr=False)
    media_type: str
    diff_id: str = ""
    """Of a layer: the digest of the tar inside."""

    @property
    def digest(self) -> str:
        """Its name."""
        return sha256(self.data)

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Give the descriptor that names it, with its true size."""
        size = len(self.data)
        return {"mediaType": self.media_type, "digest": self.digest, "size": size, **more}


def json_blob(media_type: str, value: Mapping[str, Any]) -> Blob:
    """Make a blob of a JSON object."""
    return Blob(data=json.dumps(value, separators=(",", ":")).encode(), media_type=media_type)


def layer(name: str, size: int, media_type: str = OCI_LAYER) -> Blob:
    """Make a real layer: a compressed tar with one file of `size` bytes told by `name`."""
    content = random.Random(name).randbytes(size)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo(f"data/{name.replace('/', '-')}.bin")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    tar_bytes = packed.getvalue()
    if media_type == OCI_ZSTD_LAYER:
        data: bytes = pa.compress(tar_bytes, codec="zstd", asbytes=True)
    else:
        data = gzip.compress(tar_bytes, compresslevel=1, mtime=0)
    return Blob(data=data, media_type=media_type, diff_id=sha256(tar_bytes))


def image_config(
    layers: Sequence[Blob],
    *,
    created: datetime,
    platform: str = "linux/amd64",
    media_type: str = OCI_CONFIG,
    **more: Any,
) -> Blob:
    """Make an image's config."""
    system, architecture, *variant = platform.split("/")
    config = {
        "created": created.isoformat().replace("+00:00", "Z"),
        "os": system,
        "architecture": architecture,
        **({"variant": variant[0]} if variant else {}),
        "config": {"Env": ["PATH=/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [entry.diff_id for entry in layers]},
        "history": [{"created_by": "regtools test"} for _ in layers],
        **more,
    }
    return json_blob(media_type, config)


def manifest(
    config: Blob, layers: Sequence[Mapping[str, Any]], media_type: str = OCI_MANIFEST, **more: Any
) -> Blob:
    """Make a manifest from a config and descriptors of layers."""
    return json_blob(
        media_type,
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config.descriptor(),
            "layers": list(layers),
            **more,
        },
    )


def index(manifests: Sequence[Mapping[str, Any]], media_type: str = OCI_INDEX, **more: Any) -> Blob:
    """Make an index (or Docker manifest list) from descriptors."""
    return json_blob(
        media_type,
        {"schemaVersion": 2, "mediaType": media_type, "manifests": list(manifests), **more},
    )


def platform_of(text: str) -> dict[str, str]:
    """Give ``linux/arm/v7`` as an index writes it."""
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


class Pusher:
    """Writes to one registry; safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def blob(self, repository: str, data: bytes) -> None:
        """Upload a blob."""
        started = self._send("POST", f"/v2/{repository}/blobs/uploads/", 202)
        self._send(
            "PUT", started.headers["location"], 201, params={"digest": sha256(data)}, content=data
        )

    def unfinished_upload(self, repository: str, data: bytes) -> None:
        """Begin an upload, send some of it, and leave it there."""
        started = self._send("POST", f"/v2/{repository}/blobs/uploads/", 202)
        place = started.headers["location"]
        self._send(
            "PATCH",
            place,
            202,
            content=data,
            headers={"Content-Type": "application/octet-stream"},
        )

    def mount(self, repository: str, digest: str, source: str) -> None:
        """Take a blob over from another repository of the registry."""
        # 202 would mean: not mounted, an upload was begun instead.
        place = f"/v2/{repository}/blobs/uploads/"
        self._send("POST", place, 201, params={"mount": digest, "from": source})

    def manifest(self, repository: str, reference: str, content: Blob) -> str:
        """Put a manifest under a tag or its own digest; give its digest."""
        answer = self._send(
            "PUT",
            f"/v2/{repository}/manifests/{reference}",
            201,
            content=content.data,
            headers={"Content-Type": content.media_type},
        )
        return answer.headers["docker-content-digest"]

    def delete_manifest(self, repository: str, digest: str) -> None:
        """Delete a manifest and with it every tag that names it."""
        self._send("DELETE", f"/v2/{repository}/manifests/{digest}", 202)

    def pulls_whole(self, repository: str, reference: str) -> bool:
        """Say whether everything below a reference comes, foreign layers apart."""
        accepted = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)
        answer = self._client.get(
            f"/v2/{repository}/manifests/{reference}", headers={"Accept": ", ".join(accepted)}
        )
        if answer.status_code != 200:
            return False
        content = answer.json()
        blobs = [content[key] for key in ("config",) if key in content] + content.get("layers", [])
        return all(
            self._client.get(f"/v2/{repository}/blobs/{blob['digest']}").status_code == 200
            for blob in blobs
            if blob["mediaType"] != DOCKER_FOREIGN_LAYER
        ) and all(
            self.pulls_whole(repository, child["digest"]) for child in content.get("manifests", [])
        )

    def _send(
        self,
        method: str,
        url: str,
        expected: int,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        # `params=` would replace the query that the registry gave in its Location.
        target = self._client.base_url.join(url).copy_merge_params(params or {})
        answer = self._client.request(method, target, content=content, headers=headers)
        assert answer.status_code == expected, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer
