"""The verbs of the OCI distribution protocol that read; there are no others here.

Source: OCI distribution specification 1.1; what real registries do otherwise stands where it
matters.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import anyio
import httpx

from regtools.claims import claims_of
from regtools.client.answer import (
    clean,
    error_of,
    host_of,
    is_cut,
    is_html,
    json_object,
    malformed,
    shown_url,
)
from regtools.client.auth import RegistryAuth
from regtools.client.digest import CANONICAL, digest_of, signed_payload, verify
from regtools.client.exchange import ATTEMPTS, MAX_WAIT_SECONDS, REDIRECTS, Exchange, origins_of
from regtools.client.exchange import origin_url as origin_url
from regtools.client.limit import Budget, Floor, RateLimit
from regtools.client.page import Listing
from regtools.credentials import Credential
from regtools.errors import (
    BudgetError,
    InvalidReferenceError,
    MalformedAnswerError,
    NotFoundError,
    RegistryError,
    UnauthorizedError,
    UnsupportedError,
)
from regtools.manifest import (
    MANIFEST_TYPES,
    OCI_INDEX,
    Descriptor,
    ImageConfig,
    Manifest,
    parse_image_config,
    parse_manifest,
)
from regtools.reference import Digest, Target, parse_digest, parse_repository, parse_tag
from regtools.registries.listing import IdentityExchange

MAX_MANIFEST: Final = 4 * 2**20
"""What registries accept in a push (OCI distribution 1.1, "Pushing Manifests")."""
MAX_CONFIG: Final = 16 * 2**20
PAGE_SIZE: Final = 1000
"""Distribution 2.8.2 and later refuse more than 1000 unless told otherwise."""
ACCEPT: Final = ", ".join(MANIFEST_TYPES)

_RIGHTS: Final = ("pull", "push", "delete")
_CATALOG: Final = "registry:catalog:*"
# No size of page is right for all: 2.8.2 and later say 400, Quay 413 (ggcr#1963).
_SIZE_REFUSED: Final = frozenset({400, 413, 416, 422})
_SIZE_CODES: Final = frozenset(
    {"PAGINATION_NUMBER_INVALID", "TOO_MANY_TAGS_REQUESTED", "UNSUPPORTED"}
)
_HEAD_REFUSED: Final = frozenset({400, 401, 403, 404, 405, 406, 501})
_NO_REFERRERS: Final = frozenset({400, 404, 405, 406, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """What answered at ``/v2/``."""

    status: int
    """200, or 401 where there is no credential to show."""
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

    Every method raises `UnreachableError` where no answer comes, and a `RegistryError` where the
    answer is not the one asked for.

    Parameters
    ----------
    target
        Without a scheme it is HTTPS; on loopback also HTTP, where TLS is not spoken.
    client
        From `regtools.client.open_client`; closed by whoever opened it.
    allowed_realms
        Hosts of token servers, beside the registry's own, that may see the credential.
    identity
        How somebody else's token is turned into an identity token of this registry.
    max_wait_seconds
        Longest that one request waits because the registry asks to.
    attempts
        How often a request is sent at most, where another try may help.
    clock
        Seconds that only go forward, for the tokens' lifetimes.
    budget
        Requests that all of one run may send.
    min_pulls
        As many of the pulls that the registry grants (Docker Hub) are left for others.
    """

    def __init__(
        self,
        target: Target,
        credential: Credential,
        client: httpx.AsyncClient,
        *,
        allowed_realms: Collection[str] = (),
        identity: IdentityExchange | None = None,
        max_wait_seconds: float = MAX_WAIT_SECONDS,
        attempts: int = ATTEMPTS,
        clock: Callable[[], float] = time.monotonic,
        budget: Budget | None = None,
        min_pulls: int = 0,
    ) -> None:
        self.registry = target.registry
        self.credential = credential
        self.refused_names: list[tuple[str, str]] = []
        """Listed names that break the grammar, with the repository they were listed in."""
        self._floor = Floor(min_pulls)
        self._limit_asked = anyio.Lock()
        self._is_limit_known = False
        self._exchange: Exchange[RegistryAuth] = Exchange(
            origins_of(target),
            credential,
            client,
            auth=lambda heard: RegistryAuth(
                credential,
                allowed_realms=allowed_realms,
                identity=identity,
                on_answer=heard,
                clock=clock,
            ),
            max_wait_seconds=max_wait_seconds,
            attempts=attempts,
            budget=budget,
        )
        self.headers: httpx.Headers = httpx.Headers()
        """Of the last answer at ``/v2/``."""
        self._has_referrers: bool | None = None
        self._sizes: dict[str, int | None] = {"repositories": PAGE_SIZE, "tags": PAGE_SIZE}

    @property
    def requests(self) -> int:
        """HTTP requests sent so far: those for tokens, of retries and of redirects included."""
        return self._exchange.requests

    @property
    def exchange(self) -> Exchange[RegistryAuth]:
        """The way to the registry, for a vendor's API that is on the same host."""
        return self._exchange

    @property
    def warnings(self) -> list[str]:
        """What the registry warns of, and what of it could not be used."""
        return self._exchange.warnings

    @property
    def rate_limit(self) -> RateLimit | None:
        """The quota that the registry told last; None where it tells none."""
        return self._exchange.rate_limit

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
        auth = self._exchange.auth
        response = await self._exchange.ask("GET", "/v2/", what="/v2/", understood={401, 404, 405})
        ms = round((time.perf_counter() - started) * 1000, 1)
        self.headers = response.headers
        if not _is_registry(response, challenged=bool(auth.challenges)):
            raise self._no_registry(response)
        if response.status_code == 401 and not self.credential.is_anonymous:
            raise auth.refusal or self._not_accepted(response)
        return Ping(
            status=response.status_code,
            api_version=clean(response.headers.get("docker-distribution-api-version", "")) or None,
            server=clean(response.headers.get("server", "")) or None,
            challenges=tuple(clean(str(challenge)) for challenge in auth.challenges),
            authenticated=response.is_success and auth.presented,
            ms=ms,
            headers=response.headers,
        )

    async def granted(self, repository: str) -> frozenset[str] | None:
        """Ask the token server for all rights to a repository, and read which ones it gives.

        Nothing is written: a token is only asked for. Fewer rights than asked for are no error
        (distribution's token specification), and stand in the token's ``access`` claim.

        Returns
        -------
        frozenset or None
            Of ``pull``, ``push`` and ``delete``; None where the registry gives no tokens, or ones
            that cannot be read.
        """
        scope = f"repository:{parse_repository(repository)}:{','.join(_RIGHTS)}"
        await self._exchange.ask(
            "GET",
            f"/v2/{repository}/tags/list?n=1",
            what=f"the rights to {repository}",
            scope=scope,
            understood=range(400, 500),
        )
        token = self._exchange.auth.token(scope)
        claims = claims_of(token.value) if token else None
        return None if claims is None else _actions(claims, repository)

    def repositories(self) -> AsyncGenerator[list[str]]:
        """Give the catalog page by page, each repository once."""
        return self._listed("repositories", "/v2/_catalog", _CATALOG, "the catalog")

    def tags(self, repository: str) -> AsyncGenerator[list[str]]:
        """Give the tags of a repository page by page, each once.

        An emptied repository has none in distribution 2, and raises `NotFoundError` in 3
        (distribution/distribution#4324).
        """
        path = f"/v2/{parse_repository(repository)}/tags/list"
        return self._listed("tags", path, _pull(repository), f"the tags of {repository}")

    async def manifest(self, repository: str, reference: str) -> Manifest:
        """Fetch a manifest by tag or digest. Its digest is that of the bytes received.

        Raises
        ------
        MalformedAnswerError
            Codes ``MANIFEST_TOO_LARGE``, ``DIGEST_MISMATCH``, ``MANIFEST_MALFORMED``,
            ``ANSWER_HTML``.
        """
        what = f"the manifest of {_image(repository, reference)}"
        async with self._one_pull(repository, reference, what):
            response = await self._exchange.ask(
                "GET",
                f"/v2/{parse_repository(repository)}/manifests/{_reference(reference)}",
                what=what,
                scope=_pull(repository),
                headers={"Accept": ACCEPT},
                max_bytes=MAX_MANIFEST,
            )
        if is_cut(response):
            fault = f"is larger than {MAX_MANIFEST:,} bytes"
            raise malformed(response, what=what, fault=fault, code="MANIFEST_TOO_LARGE")
        if is_html(response):
            raise malformed(response, what=what, fault="is a web page")
        kind = response.headers.get("content-type", "")
        body = signed_payload(response.content, kind)
        digest = self._verified(response, body, reference, what)
        return parse_manifest(body, kind, digest)

    async def resolve(self, repository: str, tag: str) -> Digest | None:
        """Ask which digest a tag names, without its manifest.

        None where the registry does not tell so: some do not answer HEAD, or without the digest.
        Then only GET tells whether there is such a tag.
        """
        response = await self._exchange.ask(
            "HEAD",
            f"/v2/{parse_repository(repository)}/manifests/{_reference(tag)}",
            what=f"the digest of {_image(repository, tag)}",
            scope=_pull(repository),
            headers={"Accept": ACCEPT},
            understood=_HEAD_REFUSED,
        )
        return _told_digest(response) if response.is_success else None

    async def image_config(self, repository: str, descriptor: Descriptor) -> ImageConfig:
        """Fetch an image's config.

        Raises
        ------
        MalformedAnswerError
            Codes ``DIGEST_MISMATCH``, ``CONFIG_TOO_LARGE``, ``MANIFEST_MALFORMED``.
        """
        what = f"the config {descriptor.digest} of {repository}"
        response = await self._exchange.ask(
            "GET",
            f"/v2/{parse_repository(repository)}/blobs/{parse_digest(descriptor.digest)}",
            what=what,
            scope=_pull(repository),
            max_bytes=MAX_CONFIG,
        )
        if is_cut(response):
            fault = f"is larger than {MAX_CONFIG:,} bytes"
            raise malformed(response, what=what, fault=fault, code="CONFIG_TOO_LARGE")
        # A recording holds of a config only what is read here: the rest may be secret.
        if not response.extensions.get("reduced"):
            verify(response.content, descriptor.digest, what=what)
        return parse_image_config(response.content)

    async def blob_size(self, repository: str, digest: str) -> int | None:
        """Ask how large a blob is; None where the registry does not tell.

        Raises
        ------
        NotFoundError
            The registry does not have it: normal for a foreign layer.
        """
        path = f"/v2/{parse_repository(repository)}/blobs/{parse_digest(digest)}"
        what = f"the size of {digest} in {repository}"
        scope = _pull(repository)
        response = await self._exchange.ask(
            "HEAD", path, what=what, scope=scope, understood=REDIRECTS | _HEAD_REFUSED, follow=False
        )
        if response.is_success:
            return _number(response.headers.get("content-length", ""))
        # Storage signs its addresses for GET, and refuses HEAD there (distribution#2055); and a
        # registry that does not know HEAD may call a blob missing.
        response = await self._exchange.ask(
            "GET",
            path,
            what=what,
            scope=scope,
            headers={"Range": "bytes=0-0"},
            max_bytes=1,
            understood={416},
        )
        total = response.headers.get("content-range", "").rpartition("/")[2]
        return _number(
            response.headers.get("content-length", "") if response.status_code == 200 else total
        )

    async def referrers(self, repository: str, digest: str) -> list[Descriptor]:
        """List the artifacts about a manifest: by the referrers API, else by its fallback tag."""
        found = await self.attached(repository, digest)
        if found is None:
            return await self._fallback_referrers(repository, parse_digest(digest))
        return found

    async def attached(self, repository: str, digest: str) -> list[Descriptor] | None:
        """List the artifacts about a manifest by the referrers API; None: there is no such API.

        Once the registry has said so, it is not asked again.
        """
        if self._has_referrers is False:
            return None
        checked = parse_digest(digest)
        path = f"/v2/{parse_repository(repository)}/referrers/{checked}"
        what = f"the referrers of {_image(repository, checked)}"
        listing, found = Listing(what), list[Descriptor]()
        url: httpx.URL | str | None = path
        while url is not None:
            response = await self._exchange.ask(
                "GET",
                url,
                what=what,
                scope=_pull(repository),
                headers={"Accept": OCI_INDEX},
                understood=_NO_REFERRERS if url == path else (),
            )
            # The distribution project's registry has no such API (2026-08), and answers 404; a
            # web server that knows no route gives its front page.
            if url == path and (not response.is_success or is_html(response)):
                if self._has_referrers:
                    return []
                self._has_referrers = False
                return None
            self._has_referrers = True
            json_object(response, what=what)
            page = parse_manifest(response.content, OCI_INDEX, digest_of(response.content)).children
            fresh = set(listing.new([entry.digest for entry in page]))
            found += [entry for entry in page if entry.digest in fresh]
            links = response.headers.get_list("link")
            url = listing.following(response.request.url, links, names=len(page), fresh=len(fresh))
        return found

    async def _fallback_referrers(self, repository: str, digest: Digest) -> list[Descriptor]:
        """Read the tag that clients keep up where there is no API (OCI distribution 1.1)."""
        algorithm, _, encoded = digest.partition(":")
        try:
            index = await self.manifest(repository, f"{algorithm[:32]}-{encoded[:64]}")
        except NotFoundError:
            return []
        return list(index.children)

    async def _listed(
        self, key: str, path: str, scope: str, what: str
    ) -> AsyncGenerator[list[str]]:
        """Walk through a listing of names, giving each once."""
        listing = Listing(what)
        response = await self._first_page(key, path, scope, what)
        while True:
            names = _strings(response, key, what)
            fresh = listing.new(names)
            yield [name for name in fresh if self._is_name(key, name, what)]
            links = response.headers.get_list("link")
            url = listing.following(response.request.url, links, names=len(names), fresh=len(fresh))
            if url is None:
                return
            response = await self._exchange.ask("GET", url, what=what, scope=scope)

    async def _first_page(self, key: str, path: str, scope: str, what: str) -> httpx.Response:
        size = self._sizes[key]
        sized = f"{path}?n={size}" if size else path
        try:
            return await self._exchange.ask("GET", sized, what=what, scope=scope)
        except RegistryError as error:
            told = _SIZE_CODES.issuperset(error.registry_codes)
            if not (size and told and error.status in _SIZE_REFUSED):
                raise
        response = await self._exchange.ask("GET", path, what=what, scope=scope)
        self._sizes[key] = None
        return response

    def _is_name(self, key: str, name: str, what: str) -> bool:
        """Whether a listed name may be put into an address; if not, that is noted."""
        try:
            parse_tag(name) if key == "tags" else parse_repository(name)
        except InvalidReferenceError as error:
            within = what.removeprefix("the tags of ") if key == "tags" else ""
            self.refused_names.append((within, clean(name)))
            self._exchange.warn(f"Left out of {what}: {clean(error.summary)}")
            return False
        return True

    @asynccontextmanager
    async def _one_pull(self, repository: str, reference: str, what: str) -> AsyncGenerator[None]:
        """Stop before a pull that others may need more.

        Raises
        ------
        BudgetError
            Code ``PULLS_KEPT``.
        """
        if not self._floor.least:
            yield
            return
        async with self._limit_asked:
            if self.rate_limit is None and not self._is_limit_known:
                # The quota stands in answers about manifests only, and HEAD costs no pull.
                await self.resolve(repository, reference)
                self._is_limit_known = True
        if not await self._floor.acquire(self._pulls_left):
            raise BudgetError(
                f"{self.registry} has {self._pulls_left()} pulls left, and {self._floor.least} are "
                f"to be left to others: {what} was not fetched.",
                code="PULLS_KEPT",
                remedy="Run again when the window has passed: what was collected is kept.",
            )
        try:
            yield
        finally:
            self._floor.release()

    def _pulls_left(self) -> int | None:
        return self.rate_limit.remaining if self.rate_limit else None

    def _verified(self, response: httpx.Response, body: bytes, reference: str, what: str) -> Digest:
        """Give the digest, held against what was asked for and what the registry told."""
        told = _told_digest(response)
        wanted = parse_digest(reference) if ":" in reference else None
        if wanted is not None:
            verify(body, wanted, what=what)
        if told is not None and told != wanted:
            verify(body, told, what=what)
        return wanted or told or digest_of(body, CANONICAL)

    def _no_registry(self, response: httpx.Response) -> MalformedAnswerError:
        host = host_of(response.request.url)
        page = "a web page" if is_html(response) else f"status {response.status_code}"
        return MalformedAnswerError(
            f"What answers at {host} is no registry: /v2/ gave {page}.",
            code="NOT_A_REGISTRY",
            remedy="Check the address. Some products serve the registry on another host or port "
            "than their web page, or below a path of its own.",
            method="GET",
            url=shown_url(response.request.url),
            status=response.status_code,
        )

    def _not_accepted(self, response: httpx.Response) -> RegistryError:
        error = error_of(response, what="/v2/", source=self.credential.source)
        if isinstance(error, UnauthorizedError | UnsupportedError):
            return error
        raise error


def _is_registry(response: httpx.Response, *, challenged: bool) -> bool:
    """Whether an answer to ``/v2/`` is a registry's."""
    if response.status_code == 401:
        return challenged
    if not response.is_success or is_html(response):
        return False
    if "docker-distribution-api-version" in response.headers:
        return True
    # Some leave the header out; then they send nothing, or JSON that says nothing.
    return response.content.strip() in (b"", b"{}", b"[]", b"true", b'""')


def _strings(response: httpx.Response, key: str, what: str) -> list[str]:
    data = json_object(response, what=what)
    value = data.get(key)
    if value is None and key in data:  # Go writes an empty slice as null.
        return []
    if not isinstance(value, list):
        fault = f"holds no list of {key}"
        raise malformed(response, what=what, fault=fault, code="ANSWER_MALFORMED")
    return [entry for entry in value if isinstance(entry, str)]


def _told_digest(response: httpx.Response) -> Digest | None:
    """Read the header; it can be missing (containerd#3238, distribution#3792), or nonsense."""
    try:
        return parse_digest(response.headers.get("docker-content-digest"))
    except InvalidReferenceError:
        return None


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else None


def _actions(claims: Mapping[str, Any], repository: str) -> frozenset[str] | None:
    """Read the ``access`` claim; Azure writes its names with capital letters."""
    access = claims.get("access")
    if not isinstance(access, list):
        return None
    found: set[str] = set()
    for entry in access:
        if not isinstance(entry, dict):
            continue
        lowered = {str(name).lower(): value for name, value in entry.items()}
        if (lowered.get("type"), lowered.get("name")) == ("repository", repository):
            actions = lowered.get("actions")
            found.update(map(str, actions) if isinstance(actions, list) else ())
    return frozenset(_RIGHTS) if "*" in found else frozenset(_RIGHTS) & found


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


def _reference(text: str) -> str:
    return parse_digest(text) if ":" in text else parse_tag(text)


def _image(repository: str, reference: str) -> str:
    return f"{repository}{'@' if ':' in reference else ':'}{reference}"
