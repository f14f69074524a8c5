"""A vendor's own API beside the registry: JSON over HTTPS, asked as somebody.

What its questions and answers mean is the vendor's file's in `regtools.registries`; here is how
they travel: one origin, retries, waits, a bound on bodies, and no secret anywhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import anyio
import anyio.to_thread
import httpx

from regtools.client.answer import malformed
from regtools.client.asker import Asker
from regtools.client.auth import RegistryAuth
from regtools.client.exchange import Exchange
from regtools.client.limit import Budget
from regtools.client.page import next_page
from regtools.credentials import Credential
from regtools.errors import MalformedAnswerError, UnauthorizedError
from regtools.registries.listing import Answer, Api, Login, Sent

SIGNED_IN_SECONDS: Final = 60.0
"""A sign-in that is refused after so long has ended: another one is tried."""
_ALL_STATUSES: Final = range(300, 600)
SHORTEST_SECRET: Final = 8
"""What is shorter is no token, and may well be a word of an answer."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_READING: Final = MappingProxyType({"Accept": "application/json"})
_ASKING: Final = MappingProxyType({**_READING, "Content-Type": "application/json"})


class HeaderAuth(Asker):
    """Says who asks by headers, once they are known."""

    def __init__(self, on_answer: Callable[[httpx.Response], None]) -> None:
        self._on_answer = on_answer
        self.headers: Mapping[str, str] = {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the headers prove it with."""
        proofs = (value.partition(" ")[2] or value for value in self.headers.values())
        return tuple(proof for proof in proofs if len(proof) >= SHORTEST_SECRET)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the headers on a request."""
        self.presented = self.presented or bool(self.headers)
        request.headers.update(self.headers)
        self._on_answer((yield request))


class _Door:
    """An API as it is: what is asked goes out with whatever headers are known."""

    def __init__(self, exchange: Exchange[Any], address: httpx.URL) -> None:
        self._exchange = exchange
        self._address = address

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._exchange.requests

    async def get(
        self,
        path: str,
        *,
        what: str,
        parameters: Mapping[str, str | int] = _NOTHING,
        scope: str = "",
    ) -> Answer:
        """Ask a question; see `regtools.registries.listing.Api`."""
        return await self._ask("GET", path, what, parameters, None, scope)

    async def post(self, path: str, *, what: str, body: Mapping[str, Any]) -> Answer:
        """Ask a question that has a body."""
        return await self._ask("POST", path, what, _NOTHING, body, "")

    async def send(self, *, what: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Post what is signed already; whoever signed it reads the answer, errors too."""
        response = await self._exchange.ask(
            "POST",
            self._url("/", _NOTHING),
            what=what,
            headers=headers,
            body=body,
            understood=_ALL_STATUSES,
            follow=False,
        )
        return Sent(
            status=response.status_code, headers=dict(response.headers), body=response.content
        )

    async def _ask(
        self,
        method: str,
        path: str,
        what: str,
        parameters: Mapping[str, str | int],
        body: Mapping[str, Any] | None,
        scope: str,
    ) -> Answer:
        response = await self._exchange.ask(
            method,
            self._url(path, parameters),
            what=what,
            scope=scope,
            headers=_ASKING if body is not None else _READING,
            body=None if body is None else json.dumps(body).encode(),
        )
        try:
            data = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            fault = "is not JSON"
            raise malformed(response, what=what, fault=fault, code="ANSWER_NOT_JSON") from error
        following = next_page(response.request.url, response.headers.get_list("link"))
        return Answer(
            data=data,
            headers={name.lower(): value for name, value in response.headers.items()},
            next=str(following) if following else None,
        )

    def _url(self, path: str, parameters: Mapping[str, str | int]) -> httpx.URL:
        """Give the address to ask; a page that the vendor names may not lead elsewhere.

        Raises
        ------
        MalformedAnswerError
            Code ``PAGE_FOREIGN_HOST``: the credential would go there.
        """
        if path.startswith("/"):
            url = httpx.URL(f"{self._address}{path}")
        else:
            url = self._address.join(path)
            if (url.scheme, url.netloc) != (self._address.scheme, self._address.netloc):
                raise MalformedAnswerError(
                    f"{self._address.host} goes on at another host, {url.host[:100]}.",
                    code="PAGE_FOREIGN_HOST",
                    remedy="Check api_url in the settings: it must be the API's own address.",
                )
        fields = {name: str(value) for name, value in parameters.items()}
        return url.copy_merge_params(fields) if fields else url


class VendorSession(_Door):
    """A vendor's API at its own address, signed in to when it is first asked.

    Parameters
    ----------
    address
        Without a slash at the end.
    credential
        What may never come back in a message.
    sign_in
        Gives the headers that say who asks, from an API that does not know it yet.
    clock
        Seconds that only go forward.
    """

    def __init__(
        self,
        address: str,
        credential: Credential,
        client: httpx.AsyncClient,
        *,
        sign_in: Callable[[Api, Login], Awaitable[Mapping[str, str]]],
        login: Login,
        budget: Budget | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        url = httpx.URL(address)
        exchange: Exchange[HeaderAuth] = Exchange(
            [url], credential, client, auth=HeaderAuth, budget=budget
        )
        super().__init__(exchange, url)
        self._auth = exchange.auth
        self._outside = _Door(exchange, url)
        self._sign_in = sign_in
        self._login = login
        self._clock = clock
        self._signed_in_at: float | None = None
        self._lock = anyio.Lock()

    async def _ask(
        self,
        method: str,
        path: str,
        what: str,
        parameters: Mapping[str, str | int],
        body: Mapping[str, Any] | None,
        scope: str,
    ) -> Answer:
        since = await self._signed_in()
        try:
            return await super()._ask(method, path, what, parameters, body, scope)
        except UnauthorizedError:
            if self._clock() - since < SIGNED_IN_SECONDS:
                raise
        # Some sign-ins last minutes (Docker Hub: ten), and a scan lasts longer.
        await self._signed_in(again_after=since)
        return await super()._ask(method, path, what, parameters, body, scope)

    async def _signed_in(self, *, again_after: float | None = None) -> float:
        async with self._lock:
            if self._signed_in_at is None or self._signed_in_at == again_after:
                self._auth.headers = {}
                login = self._login
                if login.renew is not None:
                    login = replace(login, secret=await anyio.to_thread.run_sync(login.renew))
                self._auth.headers = await self._sign_in(self._outside, login)
                self._signed_in_at = self._clock()
            return self._signed_in_at


class RegistryApi(_Door):
    """A vendor's API on the registry's own host, behind the registry's own challenge."""

    def __init__(self, exchange: Exchange[RegistryAuth], path: str = "") -> None:
        super().__init__(exchange, exchange.origin)
        self._path = path

    def _url(self, path: str, parameters: Mapping[str, str | int]) -> httpx.URL:
        # The exchange may have found out that the registry is elsewhere than it was first sought.
        self._address = self._exchange.origin.copy_with(path=self._path or "/")
        self._address = httpx.URL(str(self._address).rstrip("/"))
        return super()._url(path, parameters)
