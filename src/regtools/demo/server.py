"""A sample registry: the distribution protocol, for reading, over real HTTP on the loopback.

It answers as the distribution project's registry does (docs/spec/api.md, and the behaviour of
3.0), but for tokens, which it gives out itself. Like ggcr's `pkg/registry` it leans on nothing of
the client that it is made to try.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import urlencode

from aiohttp import web
from anyio.from_thread import start_blocking_portal

from regtools.demo.content import Blob, Document
from regtools.demo.tokens import Refused, Tokens
from regtools.manifest import OCI_INDEX, OCI_MANIFEST, parse_manifest
from regtools.reference import Digest

USERS: Final = {"reader": "harbour-sample"}
"""Who may read a sample registry, and the password that is no secret."""

_ROUTE: Final = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._/-]*?)/"
    r"(?:tags/(?P<tags>list)|manifests/(?P<manifest>[^/]+)|blobs/(?P<blob>[^/]+))"
)
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_MAX_PAGE: Final = 1000
_VERSION: Final = {"Docker-Distribution-Api-Version": "registry/2.0"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Content(Protocol):
    """What a registry serves; a `Company` is one."""

    def state(self, at: datetime) -> Mapping[str, Mapping[str, Digest]]:
        """Tell which tags there are."""

    def manifest(self, digest: Digest) -> Document:
        """Give a manifest or index."""

    def blob(self, digest: Digest) -> Blob:
        """Give a config or layer."""


class SampleRegistry:
    """A registry with a company's content at one moment, in a thread of its own.

    Use it in a ``with`` block; it prints nothing.

    Parameters
    ----------
    content
        What to serve.
    at
        The moment.
    users
        Name → password; None asks nobody for a token.
    page_size
        Entries on a page of the catalog or of tags where the client does not say.
    token_seconds
        How long a token lives.
    limit_every
        Answers 429 to each n-th request for content; 0 to none.
    clock
        Seconds that only go forward, for the tokens.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from regtools.demo import Company, SampleRegistry
    >>> now = datetime(2026, 11, 23, tzinfo=UTC)
    >>> with SampleRegistry(Company(now), at=now) as registry:  # doctest: +SKIP
    ...     print(registry.url)
    http://127.0.0.1:41233
    """

    def __init__(
        self,
        content: Content,
        *,
        at: datetime,
        users: Mapping[str, str] | None = USERS,
        page_size: int = 100,
        token_seconds: int = 300,
        limit_every: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._content = content
        self._state = content.state(at)
        self._tokens = (
            Tokens(users, seconds=token_seconds, clock=clock) if users is not None else None
        )
        self._page_size = page_size
        self._limit_every = limit_every
        self._held: dict[str, frozenset[Digest]] = {}
        self._exit = ExitStack()
        self._asked = 0
        self.port = 0
        self.requests = 0
        """How many requests it has answered, tokens included."""

    @property
    def host(self) -> str:
        """Give ``127.0.0.1:port``."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Give the address to scan."""
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            runner = portal.call(self._start)
            stack.callback(portal.call, runner.cleanup)
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit.close()

    async def _start(self) -> web.AppRunner:
        app = web.Application(middlewares=[self._answer])
        app.router.add_route("*", "/token", self._token)
        app.router.add_route("*", "/v2/", self._base)
        app.router.add_route("*", "/v2/_catalog", self._catalog)
        app.router.add_route("*", "/v2/{path:.+}", self._repository)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests += 1
        try:
            _only(request, "GET", "HEAD")
            return await handler(request)
        except Refused as refused:
            return _error(refused.status, refused.code, refused.message, refused.headers)
        except web.HTTPNotFound:
            return web.Response(status=404, text="404 page not found\n")

    async def _token(self, request: web.Request) -> web.Response:
        if self._tokens is None:
            raise web.HTTPNotFound
        authorization = request.headers.get("Authorization", "")
        return _json(self._tokens.issue(authorization, request.query.getall("scope", [])))

    async def _base(self, request: web.Request) -> web.Response:
        self._admit(request)
        return _json({})

    async def _catalog(self, request: web.Request) -> web.Response:
        self._admit(request, scope="registry:catalog:*")
        _only(request, "GET")  # as distribution, which knows no HEAD of a list
        return self._page(request, "repositories", list(self._state), {})

    async def _repository(self, request: web.Request) -> web.StreamResponse:
        match = _ROUTE.fullmatch(request.match_info["path"])
        if match is None:
            raise web.HTTPNotFound
        name = match["name"]
        self._admit(request, scope=f"repository:{name}:pull")
        if name not in self._state:
            raise Refused(404, "NAME_UNKNOWN", "repository name not known to registry")
        if match["manifest"]:
            return self._manifest(request, name, match["manifest"])
        if match["blob"]:
            return await self._blob(request, name, match["blob"])
        _only(request, "GET")
        return self._page(request, "tags", sorted(self._state[name]), {"name": name})

    def _admit(self, request: web.Request, *, scope: str = "") -> None:
        """Ask for a token, and count who asks too much."""
        if self._tokens is not None:
            authorization = request.headers.get("Authorization", "")
            realm = f"http://{request.host}/token"
            self._tokens.check(authorization, realm=realm, scope=scope)
        if self._limit_every and scope:
            self._asked += 1
            if self._asked % self._limit_every == 0:
                raise Refused(
                    429, "TOOMANYREQUESTS", "too many requests", headers={"Retry-After": "1"}
                )

    def _page(
        self, request: web.Request, key: str, entries: Sequence[str], fields: Mapping[str, str]
    ) -> web.Response:
        """Give one page of a list, and where the next one is."""
        size = _page_size(request.query.get("n"), default=self._page_size)
        after = request.query.get("last", "")
        rest = [entry for entry in entries if entry > after]
        response = _json({**fields, key: rest[:size]})
        if 0 < size < len(rest):
            query = urlencode({"last": rest[size - 1], "n": size})
            response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
        return response

    def _manifest(self, request: web.Request, name: str, reference: str) -> web.Response:
        digest = self._state[name].get(reference)
        if digest is None and reference in self._reached(name):
            digest = Digest(reference)
        found = self._content.manifest(digest) if digest and self._is_manifest(digest) else None
        if found is None:
            raise Refused(404, "MANIFEST_UNKNOWN", "manifest unknown")
        accepted = {
            part.partition(";")[0].strip()
            for header in request.headers.getall("Accept", [])
            for part in header.split(",")
        }
        # Distribution hides OCI content from those who do not ask for it (manifests.go of 3.0).
        if found.media_type in (OCI_MANIFEST, OCI_INDEX) and found.media_type not in accepted:
            one, all_ = (
                ("index", "indexes") if found.media_type == OCI_INDEX else ("manifest", "manifests")
            )
            message = f"OCI {one} found, but accept header does not support OCI {all_}"
            raise Refused(404, "MANIFEST_UNKNOWN", message)
        headers = _content_headers(found.digest, found.media_type)
        if request.headers.get("If-None-Match", "").strip('"') == found.digest:
            return web.Response(status=304, headers=headers)
        return web.Response(body=found.body, headers=headers)

    async def _blob(self, request: web.Request, name: str, reference: str) -> web.StreamResponse:
        if reference not in self._reached(name) or self._is_manifest(Digest(reference)):
            raise Refused(404, "BLOB_UNKNOWN", "blob unknown to registry")
        blob = self._content.blob(Digest(reference))
        part = _range(request.headers.get("Range", ""), blob.size)
        start, stop = part or (0, blob.size)
        headers = _content_headers(blob.digest, "application/octet-stream")
        headers |= {"Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
        if part:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size}"
        response = web.StreamResponse(status=206 if part else 200, headers=headers)
        await response.prepare(request)
        if request.method == "GET":
            for piece in blob.read(start, stop):
                await response.write(piece)
        await response.write_eof()
        return response

    def _is_manifest(self, digest: Digest) -> bool:
        try:
            self._content.manifest(digest)
        except KeyError:
            return False
        return True

    def _reached(self, name: str) -> frozenset[Digest]:
        """Give all digests that a repository's tags reach."""
        if name not in self._held:
            reached: set[Digest] = set()
            level = set(self._state[name].values())
            while level:
                reached |= level
                below = [self._below(digest) for digest in level if self._is_manifest(digest)]
                level = {digest for digests in below for digest in digests} - reached
            self._held[name] = frozenset(reached)
        return self._held[name]

    def _below(self, digest: Digest) -> list[Digest]:
        found = self._content.manifest(digest)
        manifest = parse_manifest(found.body, found.media_type, digest)
        configs = [manifest.config] if manifest.config else []
        return [part.digest for part in (*manifest.children, *configs, *manifest.layers)]


def _only(request: web.Request, *methods: str) -> None:
    if request.method not in methods:
        allow = {"Allow": ", ".join(methods)}
        raise Refused(405, "UNSUPPORTED", "The operation is unsupported.", headers=allow)


def _page_size(text: str | None, *, default: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_PAGE:
        raise Refused(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
    return int(text)


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Read a range as start and stop; anything but one simple range counts as none."""
    match = _RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    start = int(match[1])
    stop = min(size, int(match[2]) + 1) if match[2] else size
    if start >= size or stop <= start:
        headers = {"Content-Range": f"bytes */{size}"}
        raise Refused(416, "RANGE_INVALID", "invalid content range", headers=headers)
    return start, stop


def _content_headers(digest: Digest, media_type: str) -> dict[str, str]:
    return {
        **_VERSION,
        "Content-Type": media_type,
        "Docker-Content-Digest": digest,
        "Etag": f'"{digest}"',
    }


def _json(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(content).encode(),
        content_type="application/json",
        headers={**_VERSION, **(headers or {})},
    )


def _error(status: int, code: str, message: str, headers: Mapping[str, str]) -> web.Response:
    errors = [{"code": code, "message": message, "detail": None}]
    return _json({"errors": errors}, status=status, headers=headers)
