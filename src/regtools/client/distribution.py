"""The verbs of the OCI distribution protocol that read; there are no others here.

Source: OCI distribution specification 1.1; differences of real registries as noted.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import Any, Final

import anyio
import httpx
import stamina

from regtools.client.answer import clean, error_of, not_the_protocol, shown_url
from regtools.client.auth import RegistryAuth
from regtools.client.limit import (
    PUSHED_BACK,
    RETRIED_STATUSES,
    Limiter,
    RateLimit,
    rate_limit,
)
from regtools.client.page import next_page
from regtools.client.transport import Wire
from regtools.credentials import Credential
from regtools.errors import (
    InvalidReferenceError,
    MalformedAnswerError,
    NotFoundError,
    RateLimitedError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
)
from regtools.manifest import (
    MANIFEST_TYPES,
    SCHEMA1_SIGNED,
    Descriptor,
    ImageConfig,
    Manifest,
    parse_image_config,
    parse_manifest,
)
from regtools.reference import DOCKER_HUB, Digest, Target, parse_digest, parse_repository, parse_tag

MAX_MANIFEST: Final = 4 * 2**20
"""The specification's bound for pushes; registries refuse larger ones."""
MAX_CONFIG: Final = 16 * 2**20
PAGE: Final = 1000
"""Asked of the catalog; 2.8.2 and later refuse more than their own limit with an error."""
MAX_REDIRECTS: Final = 5
ATTEMPTS: Final = 4
MAX_WAIT_SECONDS: Final = 60.0
"""Longest that ``Retry-After`` is obeyed; a registry that wants more gets no further requests."""
ACCEPT: Final = ", ".join(MANIFEST_TYPES)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HASHES: Final = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """What answered at ``/v2/``."""

    status: int
    """200, or 401 where we have no credential to show."""
    api_version: str | None
    server: str | None
    challenges: tuple[str, ...]
    """Scheme and realm of each way to authenticate."""
    authenticated: bool
    """Whether our credential was asked for and let us in."""
    ms: float
    headers: httpx.Headers


class Distribution:
    """One registry, as one caller sees it.

    Every method raises `UnreachableError` where no answer comes and a `RegistryError` where the
    answer is not the one asked for. What the registry warns of gathers in `warnings`.

    Parameters
    ----------
    target
        Without a scheme it is HTTPS; on loopback plain HTTP too, if TLS is not spoken there.
    client
        From `open_client`; closed by whoever opened it.
    allowed_realms
        Hosts of token servers, beside the registry's own, that may see the credential.
    """

    def __init__(
        self,
        target: Target,
        credential: Credential,
        client: httpx.AsyncClient,
        *,
        connections: int = 32,
        allowed_realms: Collection[str] = (),
        max_wait_seconds: float = MAX_WAIT_SECONDS,
    ) -> None:
        self.registry = target.registry
        self.credential = credential
        self.warnings: list[str] = []
        self.rate_limit: RateLimit | None = None
        self._target = target
        self._client = client
        self._allowed_realms = allowed_realms
        self._max_wait = max_wait_seconds
        self._limiter = Limiter(connections)
        self._origin: httpx.URL | None = None
        self._auth: RegistryAuth | None = None
        self._first = anyio.Lock()
        self._answered_once = False

    @property
    def requests(self) -> int:
        """Every request sent so far with this client, those for tokens included."""
        wire = self._client._transport  # noqa: SLF001  # the one place that counts them all
        return wire.requests if isinstance(wire, Wire) else 0

    @property
    def limit(self) -> Limiter:
        """How many requests may be under way at once."""
        return self._limiter

    async def ping(self) -> Ping:
        """Ask whether a registry answers, and how it wants us to authenticate.

        Raises
        ------
        UnauthorizedError
            Our credential was shown and is not accepted.
        MalformedAnswerError
            Code ``NOT_A_REGISTRY``: something else answers.
        """
        started = time.perf_counter()
        response = await self._request("GET", "", scope="", what="/v2/", anonymous_ok=True)
        ms = (time.perf_counter() - started) * 1000
        auth = self._auth
        assert auth is not None  # noqa: S101  # a request was sent
        if response.status_code == 401:
            if not auth.challenges:
                raise self._no_registry(response)
            if not self.credential.is_anonymous:
                raise self._refused(response)
        elif response.status_code == 200 and not _looks_like_registry(response):
            raise self._no_registry(response)
        return Ping(
            status=response.status_code,
            api_version=response.headers.get("docker-distribution-api-version"),
            server=clean(response.headers.get("server", "")) or None,
            challenges=tuple(clean(str(challenge)) for challenge in auth.challenges),
            authenticated=auth.authenticated,
            ms=round(ms, 1),
            headers=response.headers,
        )

    async def repositories(self) -> AsyncGenerator[list[str]]:
        """Give the catalog page by page. Names that the grammar refuses become a warning."""
        scope = "registry:catalog:*"
        async for data, response in self._pages(f"_catalog?n={PAGE}", scope, "the catalog"):
            names = self._strings(data, "repositories", response, "the catalog")
            yield [name for name in names if self._is_name(name, parse_repository)]

    async def tags(self, repository: str) -> AsyncGenerator[list[str]]:
        """Give the tags of a repository page by page."""
        parse_repository(repository)
        what = f"the tags of {repository}"
        path = f"{repository}/tags/list"
        async for data, response in self._pages(path, _pull(repository), what):
            tags = self._strings(data, "tags", response, what)
            yield [tag for tag in tags if self._is_name(tag, parse_tag)]

    async def manifest(self, repository: str, reference: str) -> Manifest:
        """Fetch a manifest by tag or digest; its digest is that of the bytes received.

        Raises
        ------
        MalformedAnswerError
            Codes ``MANIFEST_TOO_LARGE``, ``DIGEST_MISMATCH``, ``MANIFEST_MALFORMED``, ``ANSWER_HTML``.
        """
        what = f"the manifest of {_image(repository, reference)}"
        response = await self._request(
            "GET",
            f"{parse_repository(repository)}/manifests/{_reference(reference)}",
            scope=_pull(repository),
            what=what,
            accept=ACCEPT,
            max_bytes=MAX_MANIFEST,
            too_large="MANIFEST_TOO_LARGE",
        )
        body = response.content
        kind = response.headers.get("content-type", "")
        if kind.lower().startswith("text/html"):
            raise not_the_protocol(response, what=what, fault="is no manifest")
        wanted = parse_digest(reference) if ":" in reference else None
        digest = _verified(body, wanted or _told_digest(response), what, kind)
        return parse_manifest(body, kind, digest)

    async def resolve(self, repository: str, tag: str) -> Digest | None:
        """Ask which digest a tag names, without its manifest; None if the registry does not tell so.

        Some registries do not answer HEAD, or without the digest: then only GET tells.
        """
        try:
            response = await self._request(
                "HEAD",
                f"{parse_repository(repository)}/manifests/{_reference(tag)}",
                scope=_pull(repository),
                what=f"the digest of {_image(repository, tag)}",
                accept=ACCEPT,
            )
        except RateLimitedError:
            raise
        except RegistryError:
            return None
        return _told_digest(response)

    async def image_config(self, repository: str, descriptor: Descriptor) -> ImageConfig:
        """Fetch an image's config.

        Raises
        ------
        MalformedAnswerError
            Codes ``DIGEST_MISMATCH``, ``MANIFEST_MALFORMED``, ``ANSWER_TOO_LARGE``.
        """
        what = f"the config {descriptor.digest} of {repository}"
        response = await self._request(
            "GET",
            f"{parse_repository(repository)}/blobs/{parse_digest(descriptor.digest)}",
            scope=_pull(repository),
            what=what,
            max_bytes=MAX_CONFIG,
            follow=True,
        )
        _verified(response.content, descriptor.digest, what, "")
        return parse_image_config(response.content)

    async def blob_size(self, repository: str, digest: str) -> int | None:
        """Ask how large a blob is; None if the registry does not tell."""
        path = f"{parse_repository(repository)}/blobs/{parse_digest(digest)}"
        what = f"the size of {digest} in {repository}"
        response = await self._request(
            "HEAD", path, scope=_pull(repository), what=what, answers=_REDIRECTS | {405}
        )
        if response.status_code != 200:
            # A signed address for GET refuses HEAD (distribution#2055): ask for one byte.
            response = await self._request(
                "GET",
                path,
                scope=_pull(repository),
                what=what,
                follow=True,
                headers={"range": "bytes=0-0"},
                read=False,
            )
        total = response.headers.get("content-range", "").rpartition("/")[2]
        length = total if response.status_code == 206 else response.headers.get("content-length")
        return int(length) if length and length.isascii() and length.isdigit() else None

    async def referrers(self, repository: str, digest: str) -> list[Descriptor]:
        """List the artifacts about a manifest: by the referrers API, else by its fallback tag."""
        checked = parse_digest(digest)
        what = f"the referrers of {digest} in {repository}"
        found: list[Descriptor] = []
        try:
            path = f"{parse_repository(repository)}/referrers/{checked}"
            async for data, response in self._pages(path, _pull(repository), what):
                body = json.dumps(data).encode()
                kind = response.headers.get("content-type", "")
                found += parse_manifest(body, kind, checked).children
        except (NotFoundError, MalformedAnswerError) as error:
            if isinstance(error, MalformedAnswerError) and found:
                raise
            algorithm, _, encoded = checked.partition(":")
            try:
                index = await self.manifest(repository, f"{algorithm}-{encoded[:64]}")
            except NotFoundError:
                return []
            return list(index.children)
        return found

    async def _pages(
        self, path: str, scope: str, what: str
    ) -> AsyncGenerator[tuple[dict[str, Any], httpx.Response]]:
        """Follow a listing to its end.

        Raises
        ------
        MalformedAnswerError
            Codes ``PAGE_REPEATED`` (it goes in circles) and those of `next_page`.
        """
        url: httpx.URL | str | None = path
        seen: set[str] = set()
        last: list[Any] | None = None
        while url is not None:
            try:
                response = await self._request(
                    "GET", url, scope=scope, what=what, accept="application/json"
                )
            except RegistryError as error:
                if url != path or "?" not in path or error.status != 400:
                    raise
                # 2.8.2 and 3 refuse `n` above their own limit rather than lower it.
                path = path.partition("?")[0]
                url = path
                continue
            try:
                data = json.loads(response.content)
            except (ValueError, RecursionError) as error:
                raise not_the_protocol(response, what=what, fault="is not JSON") from error
            if not isinstance(data, dict):
                raise not_the_protocol(response, what=what, fault="is not a JSON object")
            asked = str(response.request.url)
            entries = next((v for v in data.values() if isinstance(v, list)), [])
            if asked in seen or (entries and entries == last):
                raise MalformedAnswerError(
                    f"{self.registry} gives the same page of {what} again and again.",
                    code="PAGE_REPEATED",
                    remedy="The registry's own paging is broken; name a repository instead.",
                    url=shown_url(response.request.url),
                )
            seen.add(asked)
            last = entries
            yield data, response
            url = next_page(response.request.url, response.headers.get_list("link"))

    async def _request(
        self,
        method: str,
        path: str | httpx.URL,
        *,
        scope: str,
        what: str,
        accept: str = "*/*",
        headers: dict[str, str] | None = None,
        max_bytes: int | None = None,
        too_large: str = "",
        follow: bool = False,
        read: bool = True,
        answers: Collection[int] = (),
        anonymous_ok: bool = False,
    ) -> httpx.Response:
        """Send a request until there is an answer that another try would not change.

        `answers` are statuses, beside success, that the caller understands.
        """
        async for attempt in stamina.retry_context(
            on=self._worth_waiting, attempts=ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=10
        ):
            with attempt:
                origin = await self._open()
                url = path if isinstance(path, httpx.URL) else f"{origin}/v2/{path}"
                request = self._client.build_request(
                    method,
                    url,
                    headers={"accept": accept, **(headers or {})},
                    extensions={
                        "scope": scope,
                        "timeout": self._client.timeout.as_dict(),
                        **({"max_bytes": max_bytes} if max_bytes else {}),
                    },
                )
                try:
                    response = await self._send(request, read=read and not follow)
                    if follow:
                        response = await self._follow(response, read=read)
                except MalformedAnswerError as error:
                    if error.code == "ANSWER_TOO_LARGE" and too_large:
                        error.code = too_large
                    raise
                if response.status_code < 300 or response.status_code in answers:
                    return response
                if response.status_code == 401 and anonymous_ok:
                    return response
                if response.status_code in _REDIRECTS:
                    raise not_the_protocol(response, what=what, fault="sends us elsewhere")
                raise error_of(response, what=what)
        raise AssertionError("stamina gives at least one attempt")

    async def _send(self, request: httpx.Request, *, read: bool) -> httpx.Response:
        """Send one request within the limit, and read its body."""
        async with self._limiter:
            epoch = self._limiter.epoch
            response = await self._client.send(request, auth=self._auth, stream=True)
            try:
                if read or response.status_code >= 400:
                    await response.aread()
            finally:
                if read or response.status_code >= 300:
                    await response.aclose()
        if response.status_code in PUSHED_BACK:
            self._limiter.pushed_back(epoch)
        else:
            self._limiter.went_well()
        self._listen(response)
        return response

    async def _follow(self, response: httpx.Response, *, read: bool) -> httpx.Response:
        """Go where a blob's storage is; the credential stays here."""
        for _ in range(MAX_REDIRECTS):
            if response.status_code not in _REDIRECTS:
                if response.status_code < 400:
                    try:
                        if read:
                            await response.aread()
                    finally:
                        await response.aclose()
                return response
            here = response.request.url
            there = here.join(response.headers.get("location", ""))
            if there.scheme not in ("http", "https") or (
                here.scheme == "https" and there.scheme == "http"
            ):
                raise not_the_protocol(response, what="a blob", fault="leads out of HTTPS")
            kept = {
                name: value
                for name, value in response.request.headers.items()
                if name in ("accept", "accept-encoding", "user-agent", "range")
            }
            extensions = {
                name: value
                for name, value in response.request.extensions.items()
                if name in ("scope", "timeout", "max_bytes")
            }
            request = httpx.Request("GET", there, headers=kept, extensions=extensions)
            response = await self._send(request, read=False)
        raise not_the_protocol(
            response, what="a blob", fault=f"redirects over {MAX_REDIRECTS} times"
        )

    def _worth_waiting(self, error: Exception) -> bool | float:
        """Say whether to try again, and after how long if the registry told."""
        if isinstance(error, UnreachableError):
            # Nothing changes a wrong name or certificate within seconds.
            return error.code in ("CONNECTION_CUT", "READ_TIMEOUT") and self._answered_once
        if not isinstance(error, RegistryError) or error.status not in RETRIED_STATUSES:
            return False
        wait = error.retry_after if isinstance(error, RateLimitedError) else None
        if wait is None:
            return True
        return wait if wait <= self._max_wait else False

    async def _open(self) -> httpx.URL:
        """Decide once between HTTPS and, on loopback, plain HTTP."""
        if self._origin is None:
            async with self._first:
                if self._origin is None:
                    self._use(await self._find_origin())
        assert self._origin is not None  # noqa: S101
        return self._origin

    def _use(self, origin: httpx.URL) -> None:
        self._auth = RegistryAuth(origin, self.credential, allowed_realms=self._allowed_realms)
        self._origin = origin

    async def _find_origin(self) -> httpx.URL:
        secure = origin_url(self._target)
        if self._target.scheme is not None or not self._target.is_loopback:
            return secure
        try:
            response = await self._client.send(
                self._client.build_request("GET", secure.join("/v2/")), auth=None, stream=True
            )
            await response.aclose()
        except UnreachableError as error:
            if error.code in ("TLS_NOT_SPOKEN", "CONNECTION_CUT"):
                return secure.copy_with(scheme="http")
            raise
        return secure

    def _listen(self, response: httpx.Response) -> None:
        """Note what the registry tells beside the answer."""
        self._answered_once = True
        self.rate_limit = rate_limit(response.headers) or self.rate_limit
        for header in response.headers.get_list("warning"):
            # OCI distribution 1.1, "Warnings": 299 - "text".
            match = re.fullmatch(r'299 - "(.*)"', header)
            text = clean(match[1]) if match else ""
            if text and text not in self.warnings and len(self.warnings) < 100:
                self.warnings.append(text)

    def _strings(
        self, data: dict[str, Any], key: str, response: httpx.Response, what: str
    ) -> list[str]:
        value = data.get(key)
        if value is None and key in data:  # Go writes an empty slice as null.
            return []
        if not isinstance(value, list):
            raise not_the_protocol(response, what=what, fault=f"holds no list of {key}")
        return list(dict.fromkeys(entry for entry in value if isinstance(entry, str)))

    def _is_name(self, name: str, parse: Any) -> bool:
        """Whether a listed name may be put into an address."""
        try:
            parse(name)
        except InvalidReferenceError as error:
            self.warnings.append(f"The registry lists a name that is none: {error.summary}")
            return False
        return True

    def _no_registry(self, response: httpx.Response) -> MalformedAnswerError:
        return MalformedAnswerError(
            f"What answers at {shown_url(response.request.url)} is no registry.",
            code="NOT_A_REGISTRY",
            method="GET",
            url=shown_url(response.request.url),
            status=response.status_code,
        )

    def _refused(self, response: httpx.Response) -> UnauthorizedError:
        return UnauthorizedError(
            f"{self.registry} does not accept the credential from {self.credential.source}.",
            method="GET",
            url=shown_url(response.request.url),
            status=401,
        )


def origin_url(target: Target) -> httpx.URL:
    """Give the address of a registry's API; HTTPS unless the target says otherwise."""
    # Docker Hub's name in references is not the name of its API (docker/cli, 2026-11).
    host = "registry-1.docker.io" if target.registry == DOCKER_HUB else target.registry
    return httpx.URL(f"{target.scheme or 'https'}://{host}")


def _looks_like_registry(response: httpx.Response) -> bool:
    """Whether a 200 at ``/v2/`` is a registry's: it says so, or its body is JSON or empty."""
    if "docker-distribution-api-version" in response.headers:
        return True
    kind = response.headers.get("content-type", "").lower()
    return not kind.startswith("text/html") and response.content.strip() in (b"", b"{}", b"true")


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


def _reference(text: str) -> str:
    return parse_digest(text) if ":" in text else parse_tag(text)


def _image(repository: str, reference: str) -> str:
    return f"{repository}{'@' if ':' in reference else ':'}{reference}"


def _told_digest(response: httpx.Response) -> Digest | None:
    try:
        return parse_digest(response.headers.get("docker-content-digest"))
    except InvalidReferenceError:
        return None


def _verified(body: bytes, expected: Digest | None, what: str, media_type: str) -> Digest:
    """Hold the bytes received against the digest; without one, compute it.

    A signed schema 1 manifest has the digest of its payload, which is not the bytes served: the
    registry's word counts there.
    """
    if expected is None:
        return Digest(f"sha256:{hashlib.sha256(body).hexdigest()}")
    algorithm, _, encoded = expected.partition(":")
    make = _HASHES.get(algorithm)
    if make is None or media_type.startswith(SCHEMA1_SIGNED):
        return expected
    found = make(body).hexdigest()
    if found != encoded:
        raise MalformedAnswerError(
            f"{what.capitalize()} arrived with other content than its digest says: "
            f"expected {expected}, got {algorithm}:{found}.",
            code="DIGEST_MISMATCH",
            remedy="A proxy changes or cuts what it passes on, or the registry's storage is damaged.",
        )
    return expected
