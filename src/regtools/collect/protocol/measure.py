"""All questions in their order: at most thirty requests, none of which writes."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Final

import anyio
from anyio.streams.tls import TLSAttribute, TLSStream

from regtools.client import Distribution, Ping
from regtools.collect.probes.manifest import PREFERRED_TAG
from regtools.collect.protocol.asking import Asker, unknown, without
from regtools.collect.protocol.capability import MATTERS, Capability
from regtools.collect.protocol.content import (
    BLOB_ROWS,
    MANIFEST_ROWS,
    Manifests,
    blobs,
    manifests,
    sha512,
)
from regtools.collect.protocol.pages import missing_repository, pages, tags
from regtools.collect.protocol.referrers import referrers
from regtools.collect.protocol.software import software
from regtools.errors import BudgetError, InvalidReferenceError, RegtoolsError
from regtools.manifest import Manifest
from regtools.reference import parse_repository, parse_tag
from regtools.registries import RegistryKind

MAX_REQUESTS: Final = 30
"""Requests that measuring may cost, those for tokens included."""
_NO_IMAGE: Final = "No image was found to see it by: name one."
_HANDSHAKE_SECONDS: Final = 10.0


async def measure(
    distribution: Distribution,
    ping: Ping,
    *,
    kind: RegistryKind,
    repository: str = "",
    reference: str = "",
    trust: ssl.SSLContext | None,
) -> tuple[str, tuple[Capability, ...]]:
    """Ask everything that a registry can be asked without writing.

    Parameters
    ----------
    ping
        What it said at ``/v2/``.
    kind
        What it is, as far as its host and answers tell.
    repository, reference
        The image to see it by; empty: the first one that the catalog and the tags have.
    trust
        What a client would verify with, for a look at what TLS offers; None: there is no TLS, or a
        proxy has it.

    Returns
    -------
    tuple
        The repository that it was seen by, and a row for each of `MATTERS`, in that order.

    Raises
    ------
    BudgetError
        The requests did not suffice.
    """
    asker = Asker(distribution)
    found = [*_first(distribution, ping), await _http2(distribution, trust)]
    catalog = await pages(asker, "catalog", "/v2/_catalog", "registry:catalog:*")
    found += catalog.rows
    found.append(await missing_repository(asker))
    repository = repository or _valid(catalog.names, parse_repository)
    found += await _content(asker, repository, reference) if repository else _nothing()
    found += _told(distribution, asker)
    rows = {row.capability: row for row in found}
    auth = distribution.exchange.auth
    rows["software"] = software(
        kind, distribution.registry, ping.headers, auth.realms, rows, auth.secrets
    )
    return repository, tuple(rows[name] for name in MATTERS)


def _first(distribution: Distribution, ping: Ping) -> list[Capability]:
    secrets = distribution.exchange.auth.secrets
    version = without(ping.api_version or "", secrets)
    how = ", ".join(dict.fromkeys(one.partition(" ")[0] for one in ping.challenges)) or "none"
    evidence = f"GET /v2/ → {ping.status}"
    return [
        Capability(
            capability="api_version",
            answer="yes" if version else "no",
            value=version,
            evidence=evidence,
        ),
        Capability(
            capability="auth",
            answer="yes" if ping.challenges else "no",
            value=without(how.title(), secrets),
            evidence=evidence,
        ),
        Capability(
            capability="writes",
            answer="unknown",
            value="not tried",
            evidence="regtools only reads; `regtools check-auth` tells which rights a token has.",
        ),
    ]


async def _content(asker: Asker, repository: str, reference: str) -> list[Capability]:
    listed = await tags(asker, repository)
    names = listed.names
    chosen = reference or (PREFERRED_TAG if PREFERRED_TAG in names else _valid(names, parse_tag))
    rows = list(listed.rows)
    seen = await manifests(asker, repository, chosen) if chosen else None
    if seen is None:
        rows += [unknown(one, _NO_IMAGE) for one in MANIFEST_ROWS]
    else:
        rows += seen.rows
    if seen is not None and seen.digest is not None:
        rows += await referrers(asker, repository, seen.digest)
    else:
        rows += [unknown(one, _NO_IMAGE) for one in ("referrers", "referrers_filter")]
    image = await _image(asker, repository, seen)
    if image is not None:
        rows += await blobs(asker, repository, image)
    else:
        rows += [unknown(one, _NO_IMAGE) for one in BLOB_ROWS]
    rows.append(await sha512(asker, repository))
    return rows


async def _image(asker: Asker, repository: str, seen: Manifests | None) -> Manifest | None:
    """Give a manifest with layers: the one that was seen, or the first child of an index."""
    found = seen.manifest if seen is not None else None
    if found is None or not found.is_index:
        return found
    if not found.children:
        return None
    try:
        return await asker.distribution.manifest(repository, found.children[0].digest)
    except BudgetError:
        raise
    except RegtoolsError:
        return None


def _nothing() -> list[Capability]:
    """Give the rows of what needs an image, where there is none."""
    names = ("tags", "tags_page_size", "tags_most", "tags_link", "tags_order")
    others = ("referrers", "referrers_filter", "sha512")
    return [unknown(one, _NO_IMAGE) for one in (*names, *MANIFEST_ROWS, *BLOB_ROWS, *others)]


def _told(distribution: Distribution, asker: Asker) -> list[Capability]:
    """Give what the registry told beside its answers."""
    limits = "; ".join(f"{name}: {value}" for name, value in asker.limits.items())
    warned = distribution.warnings
    return [
        Capability(
            capability="rate_headers",
            answer="yes" if limits else "no",
            value=limits,
            evidence="all answers",
        ),
        Capability(
            capability="warnings",
            answer="yes" if warned else "no",
            value=without("; ".join(warned), distribution.exchange.auth.secrets),
            evidence="all answers",
        ),
    ]


def _valid(names: Sequence[str], parse: Callable[[str], object]) -> str:
    """Give the first name that may be put into an address; empty: there is none."""
    for name in names:
        try:
            parse(name)
        except InvalidReferenceError:
            continue
        return name
    return ""


async def _http2(distribution: Distribution, trust: ssl.SSLContext | None) -> Capability:
    """Shake hands and see what the registry would speak; regtools itself speaks HTTP/1.1."""
    origin = distribution.exchange.origin
    if trust is None or origin.scheme != "https":
        return unknown("http2", "Only a TLS handshake of our own shows it.")
    trust.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with anyio.fail_after(_HANDSHAKE_SECONDS):
            async with await anyio.connect_tcp(origin.host, origin.port or 443) as stream:
                wrapped = await TLSStream.wrap(
                    stream, hostname=origin.host, ssl_context=trust, standard_compatible=False
                )
                session = wrapped.extra_attributes[TLSAttribute.ssl_object]()
                chosen = session.selected_alpn_protocol()
    except (OSError, TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
        return unknown("http2", f"The handshake failed: {type(error).__name__}.")
    return Capability(
        capability="http2",
        answer="yes" if chosen == "h2" else "no",
        value="offered in the handshake" if chosen == "h2" else "HTTP/1.1",
        evidence=f"ALPN: {chosen or 'nothing chosen'}",
    )
