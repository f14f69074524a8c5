"""The dance with a registry that wants to know who asks; no input or output of its own.

A request tells the scope it needs as ``extensions={"scope": "repository:team/app:pull"}``. The
first one goes out bare, is challenged, and comes back with a token (or with Basic). From then on
tokens are fetched ahead, so that a repository costs one request more and not two.

Sources: distribution's docs/spec/auth/token.md and oauth.md; OCI distribution 1.1; RFC 7617.
"""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
import httpx

from regtools.client.answer import error_of, shown_url
from regtools.client.asker import Asker
from regtools.client.challenge import Challenge, parse_challenges
from regtools.client.realm import may_see_credential, not_allowed, resolve_realm
from regtools.client.token import Token, TokenCache, TokenQuery, malformed_token, parse_token
from regtools.credentials import Credential
from regtools.errors import DeniedError, RegistryError, RegtoolsError, UnauthorizedError
from regtools.registries.listing import IdentityExchange, Login

CLIENT_ID: Final = "regtools"
ROUNDS: Final = 3
"""With a token fetched ahead, with a cached one for the challenge, with a new one."""
REFUSAL_SECONDS: Final = 60.0
"""How long a token server's no is believed: asking on would lock the account."""
RENEWAL_SECONDS: Final = 60.0
"""How long a password that lives for minutes is used before its source is asked again."""


class RegistryAuth(Asker):
    """Answers the challenges of one registry with one credential.

    Parameters
    ----------
    allowed_realms
        Hosts of token servers, beside the registry's own, that may see the credential.
    identity
        How the password, where it is somebody else's token, is turned into an identity token of
        the registry.
    on_answer
        Called with every answer that arrives, those of token servers included.
    clock
        Seconds that only go forward.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        allowed_realms: Collection[str] = (),
        identity: IdentityExchange | None = None,
        on_answer: Callable[[httpx.Response], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credential = credential
        self._allowed_realms = allowed_realms
        self._identity = identity
        self._on_answer = on_answer
        self._clock = clock
        self._tokens = TokenCache()
        self._locks: WeakValueDictionary[TokenQuery, anyio.Lock] = WeakValueDictionary()
        self._refusals: dict[TokenQuery, tuple[float, RegistryError]] = {}
        self._basic = False
        self._realm: tuple[str, str] | None = None
        self._scopes: dict[str, tuple[str, ...]] = {}
        self._predictable = True
        self._withheld: tuple[httpx.URL, httpx.URL] | None = None
        self._renewed_at = -math.inf
        self._one_at_a_time = anyio.Lock()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credential as it is now: a renewed password, an identity token that was got for it."""
        return secrets_of(self._credential)

    @property
    def refusal(self) -> UnauthorizedError | None:
        """Why the credential was kept back, where it was: the realm is not one that may see it."""
        return not_allowed(*self._withheld) if self._withheld else None

    def token_server(self, asked: httpx.URL) -> httpx.URL | None:
        """Give the token server that the last challenge names, where the credential may go there.

        Parameters
        ----------
        asked
            The registry's own address.
        """
        bearer = next((c for c in self.challenges if c.scheme == "bearer" and c.realm), None)
        try:
            found = resolve_realm(bearer.realm, asked) if bearer else None
        except RegistryError:
            return None
        is_ours = found is not None and may_see_credential(found, asked, self._allowed_realms)
        return found if is_ours else None

    def token(self, scope: str) -> Token | None:
        """Give the token that a request with this scope was sent with, while it holds."""
        scopes = self._scopes.get(scope, (scope,))
        query = next((one for one in self._tokens.queries() if one.scopes == scopes), None)
        return self._tokens.get(query, now=self._clock()) if query else None

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a request with what the registry is known to want, and answer its challenge.

        Raises
        ------
        RegistryError
            The token server refuses, is ill, or is none.
        """
        await self._renew()
        query = self._ahead(request)
        if self._basic:
            request.headers["Authorization"] = self._basic_value()
        used: Token | None = None
        for _ in range(ROUNDS):
            fresh = False
            if query is not None:
                async with self._one_at_a_time:
                    handing_in = self._for_identity(query, request.url)
                    if handing_in is not None:
                        answer = yield handing_in
                        self._on_answer(answer)
                        await answer.aread()
                        self._take_identity(answer, query)
                # Everybody who needs this token waits for the one who asks for it.
                async with self._locks.setdefault(query, anyio.Lock()):
                    token = self._tokens.get(query, now=self._clock())
                    if token is None or token == used:
                        steps = self._exchange(query)
                        step = next(steps)
                        try:
                            while True:
                                answer = yield step
                                self._on_answer(answer)
                                await answer.aread()
                                step = steps.send(answer)
                        except StopIteration as done:
                            token, fresh = done.value, True
                        self._tokens.put(query, token)
                used = token
                request.headers["Authorization"] = f"Bearer {token.value}"
            response = yield request
            self._on_answer(response)
            if response.status_code != 401:
                return
            await response.aread()
            before = query
            query = self._answer_to(response, request)
            if query is None:
                if not self._basic or "Authorization" in request.headers:
                    return
                request.headers["Authorization"] = self._basic_value()
            elif fresh and query == before:
                return

    def _ahead(self, request: httpx.Request) -> TokenQuery | None:
        """Give the token that the registry will ask for, where it has shown what it asks for."""
        scope = _scope(request)
        scopes = self._scopes.get(scope)
        if scopes is None and scope and self._predictable:
            scopes = (scope,)
        if self._realm is None or scopes is None:
            return None
        return self._query(*self._realm, scopes, request.url)

    def _answer_to(self, response: httpx.Response, request: httpx.Request) -> TokenQuery | None:
        """Choose a challenge: Bearer (the token to get is given), or Basic, or neither."""
        headers = response.headers.get_list("www-authenticate")
        self.challenges = tuple(parse_challenges(headers))
        bearer = next((c for c in self.challenges if c.scheme == "bearer" and c.realm), None)
        basic = any(c.scheme == "basic" for c in self.challenges)
        scope = _scope(request)
        if bearer is not None and (scope or not self._credential.is_anonymous):
            scopes = bearer.scopes or ((scope,) if scope else ())
            query = self._query(bearer.realm, bearer.service, scopes, request.url)
            if query.with_credential or self._credential.is_anonymous or not basic:
                self._learn(bearer, scope, scopes)
                return query
        if basic and not self._credential.is_anonymous and self._credential.password:
            self._basic = self._foreign_form("") is None
        return None

    def _learn(self, bearer: Challenge, scope: str, scopes: tuple[str, ...]) -> None:
        """Remember what the registry asks for, to be ahead of it next time."""
        self._realm = bearer.realm, bearer.service
        if scopes == (scope,):
            return
        if scope:
            self._predictable = False
            # The names of repositories are many: what a scope turned into is kept for a few.
            if len(self._scopes) >= 1000:
                self._scopes.clear()
        self._scopes[scope] = scopes

    def _query(
        self, realm: str, service: str, scopes: tuple[str, ...], asked: httpx.URL
    ) -> TokenQuery:
        url = resolve_realm(realm, asked)
        trusted = may_see_credential(url, asked, self._allowed_realms)
        if not trusted and not self._credential.is_anonymous:
            self._withheld = asked, url
        return TokenQuery(
            realm=url,
            service=service,
            scopes=scopes,
            with_credential=trusted and not self._credential.is_anonymous,
        )

    def _exchange(self, query: TokenQuery) -> Generator[httpx.Request, httpx.Response, Token]:
        """Ask the token server: OAuth2 with an identity token, else by name and password."""
        until, refusal = self._refusals.get(query, (0.0, None))
        if refusal is not None and self._clock() < until:
            raise refusal
        asked_at = self._clock()
        answer: httpx.Response | None = None
        if query.with_credential:
            self.presented = True
            if self._credential.identity_token:
                answer = yield self._by_identity(query)
        # A server without OAuth2 (distribution's oauth.md; ggcr falls back the same way, 2026-11).
        if answer is None or answer.status_code in (404, 405):
            answer = yield self._by_password(query)
        if answer.status_code == 200:
            server = answer.request.url.host
            return parse_token(answer.content, now=asked_at, server=server)
        error = self._refused(answer, query)
        if isinstance(error, UnauthorizedError | DeniedError):
            self._refusals[query] = self._clock() + REFUSAL_SECONDS, error
        raise error

    async def _renew(self) -> None:
        """Get the password anew, where it lives for minutes only."""
        renew, now = self._credential.renew, self._clock()
        if renew is None or now < self._renewed_at + RENEWAL_SECONDS:
            return
        async with self._one_at_a_time:
            password = await anyio.to_thread.run_sync(renew)
            self._credential = replace(self._credential, password=password)
            self._renewed_at = now

    def _foreign_form(self, service: str) -> Mapping[str, str] | None:
        """Give what to hand in for an identity token; None: the credential is the registry's own."""
        if self._identity is None or self._credential.identity_token:
            return None
        login = Login(username=self._credential.username, secret=self._credential.password)
        return self._identity.form(login, service)

    def _for_identity(self, query: TokenQuery, asked: httpx.URL) -> httpx.Request | None:
        """Hand somebody else's token in at the registry's own host, and nowhere else."""
        form = self._foreign_form(query.service) if query.with_credential else None
        if form is None or self._identity is None:
            return None
        until, refusal = self._refusals.get(_handing_in(query), (0.0, None))
        if refusal is not None and self._clock() < until:
            raise refusal
        self.presented = True
        return _post(asked.copy_with(path=self._identity.path, query=None), form)

    def _take_identity(self, answer: httpx.Response, query: TokenQuery) -> None:
        if answer.status_code != 200:
            error = self._refused(answer, _handing_in(query, answer.request.url))
            if isinstance(error, UnauthorizedError | DeniedError):
                self._refusals[_handing_in(query)] = self._clock() + REFUSAL_SECONDS, error
            raise error
        try:
            data = json.loads(answer.content)
        except (ValueError, RecursionError):
            data = None
        field = self._identity.field if self._identity else ""
        token = data.get(field) if isinstance(data, dict) else None
        if not isinstance(token, str) or not token:
            raise malformed_token(answer.request.url.host, "holds no identity token")
        self._credential = replace(self._credential, password="", identity_token=token)

    def _by_identity(self, query: TokenQuery) -> httpx.Request:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._credential.identity_token,
            "client_id": CLIENT_ID,
            "service": query.service,
            # Also an empty one: Azure's description of its endpoint wants the field (2026-11).
            "scope": " ".join(query.scopes),
        }
        return _post(query.realm, form)

    def _by_password(self, query: TokenQuery) -> httpx.Request:
        # An empty `scope=` breaks some servers (cesanta/docker_auth#146): none is sent.
        service = {"service": query.service} if query.service else {}
        fields = {**service, **({"scope": query.scopes} if query.scopes else {})}
        headers = {"Accept": "application/json"}
        if query.with_credential and (self._credential.password or self._credential.identity_token):
            headers["Authorization"] = self._basic_value()
        url = query.realm.copy_merge_params(fields) if fields else query.realm
        return httpx.Request("GET", url, headers=headers)

    def _basic_value(self) -> str:
        self.presented = True
        secret = self._credential.password or self._credential.identity_token
        pair = f"{self._credential.username}:{secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _refused(self, answer: httpx.Response, query: TokenQuery) -> RegtoolsError:
        told = error_of(answer, what="a token", secrets=secrets_of(self._credential))
        if answer.status_code < 429 and not query.with_credential and self.refusal is not None:
            return self.refusal
        # OAuth2 servers say 400 for a refresh token they do not know (RFC 6749, 5.2).
        if not isinstance(told, RegistryError) or answer.status_code not in (400, 401, 403):
            return told
        if self._credential.is_anonymous:
            summary = f"{query.realm.host} gives no token to somebody without a credential."
        else:
            summary = (
                f"The token server {shown_url(query.realm)} does not accept the credential "
                f"from {self._credential.source}."
            )
        kind = DeniedError if answer.status_code == 403 else UnauthorizedError
        return kind(
            summary,
            method=told.method,
            url=told.url,
            status=answer.status_code,
            registry_codes=told.registry_codes,
        )


def secrets_of(credential: Credential) -> tuple[str, ...]:
    """Give what must never be shown, in every form in which it is sent; longer ones first."""
    plain = [secret for secret in (credential.password, credential.identity_token) if secret]
    pairs = [base64.b64encode(f"{credential.username}:{secret}".encode()) for secret in plain]
    # Without the padding, which somebody may cut off.
    return (*(pair.decode().rstrip("=") for pair in pairs), *plain)


def _handing_in(query: TokenQuery, url: httpx.URL | None = None) -> TokenQuery:
    """Give under which name a refusal of somebody else's token is remembered: it is for all scopes."""
    return replace(query, realm=url or query.realm, scopes=())


def _post(url: httpx.URL, form: Mapping[str, str]) -> httpx.Request:
    return httpx.Request(
        "POST",
        url,
        content=urlencode(form).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
    )


def _scope(request: httpx.Request) -> str:
    return str(request.extensions.get("scope", ""))
