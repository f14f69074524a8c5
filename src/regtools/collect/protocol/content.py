"""Manifests and blobs: HEAD, digests, ETags, ranges, where the bytes are, other algorithms.

Sources: OCI distribution 1.1, "Pulling manifests", "Pulling blobs"; RFC 9110 for ranges and ETags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from regtools.client.answer import etag_of, host_of
from regtools.client.digest import digest_of, signed_payload
from regtools.client.distribution import ACCEPT
from regtools.client.exchange import REDIRECTS
from regtools.collect.probes.blob import smallest
from regtools.collect.protocol.asking import Asked, Asker, unknown
from regtools.collect.protocol.capability import Capability
from regtools.collect.protocol.pages import error_codes
from regtools.errors import RegistryError
from regtools.manifest import DOCKER_MANIFEST, Manifest, parse_manifest
from regtools.reference import Digest

SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"
_OLD: Final = "application/vnd.docker.distribution.manifest.v1+"
NOWHERE_SHA512: Final = f"sha512:{'0' * 128}"
MANIFEST_ROWS: Final = ("manifest_head", "digest_header", "manifest_etag", "schema1")
BLOB_ROWS: Final = ("blob_head", "blob_range", "blob_redirect", "blob_etag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What was measured of manifests, and one of them."""

    rows: Sequence[Capability]
    manifest: Manifest | None
    digest: Digest | None


async def manifests(asker: Asker, repository: str, reference: str) -> Manifests:
    """Measure how a registry gives a manifest, in four requests."""
    path, scope = f"/v2/{repository}/manifests/{reference}", _pull(repository)
    head = await asker.ask("HEAD", path, scope=scope, headers={"Accept": ACCEPT})
    whole = await asker.ask("GET", path, scope=scope, headers={"Accept": ACCEPT})
    if not whole.ok or whole.body is None:
        rows = [whole.row(MANIFEST_ROWS[0])]
        rows += [unknown(one, "No manifest was given.") for one in MANIFEST_ROWS[1:]]
        return Manifests(rows=rows, manifest=None, digest=None)
    kind = whole.header("content-type")
    digest = digest_of(signed_payload(whole.body, kind))
    old = await asker.ask("GET", path, scope=scope, headers={"Accept": SCHEMA1})
    rows = [
        _head(head, digest),
        _digest_header(whole, digest),
        await _etag(asker, "manifest_etag", path, scope, whole, {"Accept": ACCEPT}),
        _schema1(old, kind),
    ]
    try:
        return Manifests(
            rows=rows, manifest=parse_manifest(whole.body, kind, digest), digest=digest
        )
    except RegistryError:
        return Manifests(rows=rows, manifest=None, digest=digest)


async def blobs(asker: Asker, repository: str, manifest: Manifest) -> list[Capability]:
    """Measure how a registry gives a blob: the smallest layer, or the config. Four requests."""
    blob = smallest(manifest)
    if blob is None:
        return [unknown(one, "The manifest names no blob.") for one in BLOB_ROWS]
    path, scope = f"/v2/{repository}/blobs/{blob.digest}", _pull(repository)
    head = await asker.ask("HEAD", path, scope=scope)
    part = await asker.ask("GET", path, scope=scope, headers={"Range": "bytes=0-0"}, most=1)
    return [
        _blob_head(head, blob.size),
        await _range(asker, part),
        _redirect(part),
        await _etag(asker, "blob_etag", path, scope, head, {"Range": "bytes=0-0"}),
    ]


async def sha512(asker: Asker, repository: str) -> Capability:
    """Ask for a manifest under a digest of another algorithm: is it missing, or not understood?"""
    path = f"/v2/{repository}/manifests/{NOWHERE_SHA512}"
    asked = await asker.ask("GET", path, scope=_pull(repository), headers={"Accept": ACCEPT})
    codes = error_codes(asked)
    if asked.status == 404 and "MANIFEST_UNKNOWN" in codes:
        return asked.row("sha512", "yes", "known: MANIFEST_UNKNOWN")
    if asked.status in (400, 404, 405, 415):
        return asked.row("sha512", "no", ", ".join(codes) or "not understood")
    return asked.row("sha512")


def _head(head: Asked, digest: Digest) -> Capability:
    if not head.ok:
        return head.row("manifest_head")
    told = [name for name in ("docker-content-digest", "content-length") if head.header(name)]
    right = head.header("docker-content-digest") in ("", digest)
    if not right:
        return head.row("manifest_head", "no", "another digest than GET gives")
    return head.row("manifest_head", "yes", f"tells {', '.join(told) or 'nothing'}")


def _digest_header(whole: Asked, digest: Digest) -> Capability:
    told = whole.header("docker-content-digest")
    if not told:
        return whole.row("digest_header", "no", "not told")
    if told != digest:
        return whole.row("digest_header", "no", "it is not the digest of what came")
    return whole.row("digest_header", "yes", "right")


async def _etag(
    asker: Asker, capability: str, path: str, scope: str, known: Asked, headers: dict[str, str]
) -> Capability:
    etag = etag_of(known.response) if known.response is not None else ""
    if not known.ok:
        return known.row(capability)
    if not etag:
        return known.row(capability, "no", "no ETag")
    asked = await asker.ask(
        "GET", path, scope=scope, headers={**headers, "If-None-Match": etag}, most=1
    )
    if asked.status == 304:
        return asked.row(capability, "yes", "If-None-Match gives 304")
    return asked.row(capability, "no", "an ETag, but If-None-Match gives no 304")


def _schema1(old: Asked, stored: str) -> Capability:
    """See what comes where only schema 1 was asked for; OCI's manifests nobody ever converts."""
    if old.ok and old.header("content-type").startswith(_OLD):
        return old.row("schema1", "yes", "given")
    if stored != DOCKER_MANIFEST:
        return unknown("schema1", f"The image is {stored}: only Docker's were converted.")
    return old.row("schema1", "no" if old.ok else None, "not given")


def _blob_head(head: Asked, size: int | None) -> Capability:
    if head.status in REDIRECTS:
        return head.row("blob_head", "no", "points elsewhere")
    if not head.ok:
        return head.row("blob_head")
    told = head.header("content-length")
    if not told:
        return head.row("blob_head", "no", "no size")
    if size is not None and told != str(size):
        return head.row("blob_head", "no", "another size than the manifest says")
    return head.row("blob_head", "yes", f"{told} bytes")


async def _range(asker: Asker, part: Asked) -> Capability:
    """See whether one byte comes where one was asked for, there or where the registry points."""
    last = part
    if part.response is not None and part.status in REDIRECTS:
        last = await _followed(asker, part, part.response)
    if last.status == 206 and last.header("content-range").startswith("bytes 0-0/"):
        return last.row("blob_range", "yes", "one byte where one was asked for")
    if last.status in (200, 206):
        return last.row("blob_range", "no", "the whole blob comes")
    return last.row("blob_range")


async def _followed(asker: Asker, part: Asked, response: httpx.Response) -> Asked:
    try:
        there = await asker.distribution.exchange.followed(response)
    except RegistryError as error:
        return Asked(request=part.request, error=error)
    # Where the bytes are is often signed: only its host is shown.
    return Asked(request=f"{part.request}, at {host_of(there.request.url)}", response=there)


def _redirect(part: Asked) -> Capability:
    if part.status not in REDIRECTS or part.response is None:
        return part.row("blob_redirect", "no" if part.ok else None, "the registry gives the bytes")
    try:
        host = host_of(part.response.request.url.join(part.response.headers["location"]))
    except (KeyError, httpx.InvalidURL, ValueError):
        return part.row("blob_redirect", "no", "points to no address")
    return part.row("blob_redirect", "yes", f"to {host}")


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"
