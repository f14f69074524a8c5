"""Asking one registry: where it is, once more if that may help, and on to where it points.

`Exchange` knows requests and answers; what they mean is `distribution`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import httpx
import stamina

from regtools.client.answer import QUOTA_USED_UP, clean, error_of, host_of, malformed
from regtools.client.asker import Asker
from regtools.client.auth import secrets_of
from regtools.client.failure import classify_error
from regtools.client.limit import RETRIED_STATUSES, Budget, RateLimit, rate_limit
from regtools.credentials import Credential
from regtools.errors import (
    DeniedError,
    RateLimitedError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
)
from regtools.reference import DOCKER_HUB, Target

MAX_REDIRECTS: Final = 5
ATTEMPTS: Final = 5
MAX_WAIT_SECONDS: Final = 60.0
"""Longest that one request waits for the registry's sake, all its attempts together."""
MAX_WARNINGS: Final = 100

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_WARNING: Final = re.compile(r'\s*299\s+\S+\s+"((?:[^"\\]|\\.)*)"')
# On loopback these mean that another scheme is worth a try.
_NO_TLS: Final = frozenset({"TLS_NOT_SPOKEN", "TLS_FAILED", "CONNECT_REFUSED"})
# Nothing heals a name or a certificate within seconds; these often do.
_PASSING: Final = frozenset({"CONNECTION_CUT", "READ_TIMEOUT"})
_RESTARTING: Final = frozenset({"CONNECT_REFUSED", "CONNECT_TIMEOUT", "TLS_FAILED"})


def origin_url(target: Target) -> httpx.URL:
    """Give the address of a registry's API: HTTPS, unless the user asked for HTTP."""
    # Docker Hub's API is not at the host its names begin with (docs.docker.com, 2026-11).
    host = "registry-1.docker.io" if target.registry == DOCKER_HUB else target.registry
    return httpx.URL(f"{target.scheme or 'https'}://{host}")


def origins_of(target: Target) -> tuple[httpx.URL, ...]:
    """Give the addresses where a registry's API may be, the first to try first.

    On loopback also plain HTTP, where the user did not say: nothing leaves the machine.
    """
    first = origin_url(target)
    if target.scheme is None and target.is_loopback:
        return first, first.copy_with(scheme="http")
    return (first,)


A = TypeVar("A", bound=Asker)


class Exchange(Generic[A]):
    """Requests to one registry or one vendor's API, and what it tells beside its answers.

    Parameters
    ----------
    origins
        Where it may be, the first to try first; a path may follow the host.
    credential
        Who asks; nothing secret of it is ever shown.
    client
        From `regtools.client.open_client`; closed by whoever opened it.
    auth
        Makes what says who asks (an `Asker` that is an `httpx.Auth`), from what wants to hear
        every answer.
    max_wait_seconds
        Longest that one request waits because the other side asks to.
    attempts
        How often a request is sent at most, where another try may help.
    budget
        Requests that all of one run may send.
    """

    def __init__(
        self,
        origins: Sequence[httpx.URL],
        credential: Credential,
        client: httpx.AsyncClient,
        *,
        auth: Callable[[Callable[[httpx.Response], None]], A],
        max_wait_seconds: float = MAX_WAIT_SECONDS,
        attempts: int = ATTEMPTS,
        budget: Budget | None = None,
    ) -> None:
        self._attempts = attempts
        self._origins = tuple(origins)
        self._credential = credential
        self._client = client
        self._max_wait = max_wait_seconds
        self._budget = budget or Budget()
        self.auth: A = auth(self._heard)
        self.requests = 0
        self.warnings: list[str] = []
        self.rate_limit: RateLimit | None = None

    @property
    def origin(self) -> httpx.URL:
        """Where the registry's API is, as far as is known."""
        return self._origins[0]

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (*secrets_of(self._credential), *self.auth.secrets)

    def warn(self, text: str) -> None:
        """Keep a warning, once."""
        if text not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)

    async def ask(
        self,
        method: str,
        path: str | httpx.URL,
        *,
        what: str,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        understood: Collection[int] = (),
        follow: bool = True,
        body: bytes | None = None,
    ) -> httpx.Response:
        """Send a request until there is an answer that another try would not change.

        Parameters
        ----------
        path
            From the origin on (``/v2/…``), or the address of a next page.
        what
            What is asked for, in words.
        understood
            Statuses, beside success, that the caller wants to see.

        Raises
        ------
        UnreachableError
            No answer came.
        RegistryError
            An answer came, and is neither a success nor understood.
        BudgetError
            The run may send no more requests; this one was not sent.
        """
        extensions: dict[str, Any] = {"scope": scope}
        if max_bytes is not None:
            extensions["max_bytes"] = max_bytes
        patience = _Patience(self._max_wait, lambda: self.requests > 0)
        async for attempt in stamina.retry_context(
            on=patience.worth_waiting,
            attempts=self._attempts,
            timeout=None,
            wait_initial=0.2,
            wait_max=10.0,
            wait_jitter=0.3,
        ):
            with attempt:
                response = await self._at_origin(
                    method, path, headers, extensions, follow=follow, body=body
                )
                if response.is_success or response.status_code in understood:
                    return response
                raise self.error(response, what)
        raise AssertionError("stamina makes at least one attempt")

    async def _at_origin(
        self,
        method: str,
        path: str | httpx.URL,
        headers: Mapping[str, str] | None,
        extensions: dict[str, Any],
        *,
        follow: bool,
        body: bytes | None,
    ) -> httpx.Response:
        """Send to where the registry is; find out, where that is not clear yet."""
        for origin in self._origins:
            request = self._client.build_request(
                method,
                path if isinstance(path, httpx.URL) else f"{origin}{path}",
                headers=headers,
                content=body,
                extensions=dict(extensions),
            )
            try:
                response = await self._send(request, self.auth)
            except UnreachableError as error:
                if error.code not in _NO_TLS or origin == self._origins[-1]:
                    raise
                continue
            self._origins = (origin,)
            return await self.followed(response) if follow else response
        raise AssertionError("a registry has at least one address")

    async def followed(self, response: httpx.Response) -> httpx.Response:
        """Go where an answer points; the credential stays with the registry.

        Raises
        ------
        UnreachableError
            No answer came from there.
        MalformedAnswerError
            Codes ``REDIRECT_LOOP``, ``REDIRECT_INSECURE``, ``REDIRECT_MALFORMED``.
        """
        for _ in range(MAX_REDIRECTS):
            if response.status_code not in REDIRECTS:
                return response
            request = self._redirected(response)
            is_home = _origin(request.url) == _origin(self.origin)
            response = await self._send(request, self.auth if is_home else None)
        if response.status_code in REDIRECTS:
            raise malformed(
                response,
                what="an answer",
                fault=f"points somewhere else more than {MAX_REDIRECTS} times",
                code="REDIRECT_LOOP",
            )
        return response

    def _redirected(self, response: httpx.Response) -> httpx.Request:
        asked = response.request
        try:
            url = asked.url.join(response.headers["location"])
        except (KeyError, httpx.InvalidURL, ValueError) as error:
            fault = "points somewhere else, but not to an address"
            raise malformed(
                response, what="an answer", fault=fault, code="REDIRECT_MALFORMED"
            ) from error
        downgrade = asked.url.scheme == "https" and url.scheme != "https"
        if url.scheme not in ("http", "https") or downgrade or url.userinfo:
            raise malformed(
                response,
                what="an answer",
                fault=f"points to {host_of(url)}, but not over HTTPS",
                code="REDIRECT_INSECURE",
                remedy="The registry's operator must put its storage behind HTTPS.",
            )
        method = "HEAD" if asked.method == "HEAD" else "GET"
        kept = {name: asked.headers[name] for name in ("accept", "range") if name in asked.headers}
        extensions: dict[str, Any] = {
            name: asked.extensions[name]
            for name in ("scope", "max_bytes")
            if name in asked.extensions
        }
        return self._client.build_request(method, url, headers=kept, extensions=extensions)

    async def _send(self, request: httpx.Request, auth: httpx.Auth | None) -> httpx.Response:
        """Send one request and read its answer."""
        self._budget.spend()
        try:
            response = await self._client.send(
                request, auth=auth or _Bare(self._heard), stream=True
            )
        except httpx.TransportError as error:
            failure = _failure(error, request)
            if failure.stage == "read":
                self.requests += 1  # It went out, though nothing came back to be counted.
            raise failure from error
        try:
            await response.aread()
        except httpx.TransportError as error:
            raise _failure(error, request) from error
        finally:
            await response.aclose()
        return response

    def _heard(self, response: httpx.Response) -> None:
        """Note what an answer tells beside its content."""
        self.requests += 1
        if host_of(response.request.url) != host_of(self.origin):
            return
        self.rate_limit = rate_limit(response.headers) or self.rate_limit
        for header in response.headers.get_list("warning"):
            # OCI distribution 1.1, "Warnings": such headers must be shown.
            for text in _WARNING.findall(header):
                self.warn(clean(re.sub(r"\\(.)", r"\1", text), self._secrets))

    def error(self, response: httpx.Response, what: str) -> Exception:
        """Make the error for an answer that is not the one asked for."""
        is_stranger = _origin(response.request.url) != _origin(self.origin)
        error = error_of(
            response,
            what=what,
            source=self._credential.source if self.auth.presented else "",
            secrets=self._secrets,
            is_stranger=is_stranger,
        )
        if isinstance(error, UnauthorizedError | DeniedError) and not is_stranger:
            return self.auth.refusal or self._insufficient(error)
        return error

    def _insufficient(self, error: RegistryError) -> RegistryError:
        """Tell a credential that is wrong from one that may not do this."""
        told = {c.parameters.get("error", "").lower() for c in self.auth.challenges}
        if error.status == 401 and self.auth.presented and "insufficient_scope" in told:
            error.code = "INSUFFICIENT_SCOPE"
            error.remedy = (
                "The credential is known, but may not do this: ask for one that may. Many "
                "registries let nobody list the catalog; name a repository or namespace then."
            )
        return error


class _Patience:
    """Decides whether one request is tried again, and after how long."""

    def __init__(self, max_wait: float, has_answered: Callable[[], bool]) -> None:
        self._left = max_wait
        self._has_answered = has_answered
        self._timeouts = 0

    def worth_waiting(self, error: Exception) -> bool | float:
        """Say whether to try again: after seconds that the registry told, or some of our own."""
        if isinstance(error, UnreachableError):
            return self._worth_another(error)
        if not isinstance(error, RegistryError) or error.status not in RETRIED_STATUSES:
            return False
        if not isinstance(error, RateLimitedError) or error.retry_after is None:
            return error.code != QUOTA_USED_UP
        if error.retry_after > self._left:
            return False
        self._left -= error.retry_after
        return error.retry_after

    def _worth_another(self, error: UnreachableError) -> bool:
        if error.code == "READ_TIMEOUT":
            # Once: a stuck storage stays stuck, and each try costs all of the time-out.
            self._timeouts += 1
            return self._timeouts == 1 and self._has_answered()
        if error.code in _RESTARTING:
            return self._has_answered()
        return error.code in _PASSING


class _Bare(httpx.Auth):
    """Sends a request as it is, to a host that is not the registry."""

    def __init__(self, on_answer: Callable[[httpx.Response], None]) -> None:
        self._on_answer = on_answer

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers.pop("Authorization", None)
        self._on_answer((yield request))


def _failure(error: httpx.TransportError, request: httpx.Request) -> UnreachableError:
    # A token server's trouble is told by its own name.
    asked = getattr(error, "_request", None) or request
    return classify_error(error, host_of(asked.url), scheme=asked.url.scheme)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
