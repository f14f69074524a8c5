"""The dance with a registry that wants to know who asks; no input or output of its own.

Sources: distribution's token and oauth specifications; OCI distribution 1.1; RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

import anyio
import httpx

from regtools.client.answer import error_of, shown_url
from regtools.client.challenge import Challenge, parse_challenges
from regtools.client.token import Token, parse_token
from regtools.credentials import Credential
from regtools.errors import DeniedError, MalformedAnswerError, UnauthorizedError

CLIENT_ID: Final = "regtools"
_Key = tuple[str, str, tuple[str, ...]]


class RegistryAuth(httpx.Auth):
    """Answers the challenges of one registry, for one credential.

    The credential goes to the registry itself (Basic) or to the token server that its challenge
    names, if that is the registry's host, the host without a leading ``registry.``, or one of
    `allowed_realms`; never in plain HTTP for a registry that speaks TLS. A request tells the
    scope it needs as ``extensions={"scope": …}``; one token serves all requests of a scope.
    """

    def __init__(
        self,
        origin: httpx.URL,
        credential: Credential,
        *,
        allowed_realms: Collection[str] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin = origin
        self._credential = credential
        self._allowed_realms = allowed_realms
        self._now = now
        self._challenge: Challenge | None = None
        self._tokens: dict[_Key, Token] = {}
        self._locks: defaultdict[_Key, anyio.Lock] = defaultdict(anyio.Lock)
        self.challenges: tuple[Challenge, ...] = ()
        """What the registry asked for last."""
        self.authenticated = False
        """Whether a request was let in with our credential, or a token for it."""

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a request with what the registry is known to want; answer a challenge once."""
        request.headers.pop("authorization", None)
        if not self._is_ours(request.url):
            yield request
            return
        wanted = _scopes(str(request.extensions.get("scope", "")))
        challenge = self._challenge
        rejected: Token | None = None
        for _ in range(2):
            if challenge is not None and challenge.scheme == "basic":
                request.headers["authorization"] = self._basic()
            elif challenge is not None:
                realm = self._realm(challenge)
                scopes = challenge.scopes or wanted
                key = (str(realm), challenge.service, scopes)
                # Tasks that need the same token wait for one request for it.
                async with self._locks[key]:
                    token = self._tokens.get(key)
                    if token is None or token is rejected or not token.is_fresh(self._now()):
                        answer = yield self._token_request(realm, challenge.service, scopes)
                        if answer.status_code in (404, 405) and self._credential.password:
                            # A server without OAuth2 (token specification, "Requesting a Token").
                            await answer.aread()
                            answer = yield self._by_password(realm, challenge.service, scopes)
                        await answer.aread()
                        token = self._tokens[key] = self._accept(answer, realm)
                request.headers["authorization"] = f"Bearer {token.value}"
                rejected = token
            response = yield request
            if response.status_code != 401:
                self._was_let_in(request, response)
                return
            await response.aread()
            challenge = self._choose(response)
            if challenge is None or (
                challenge.scheme == "basic" and "authorization" in request.headers
            ):
                return

    def _is_ours(self, url: httpx.URL) -> bool:
        return (url.scheme, url.netloc) == (self._origin.scheme, self._origin.netloc)

    def _choose(self, response: httpx.Response) -> Challenge | None:
        """Take Bearer before Basic, and remember it without the scope, which is this request's."""
        found = parse_challenges(response.headers.get_list("www-authenticate"))
        self.challenges = tuple(found)
        usable = [c for c in found if c.scheme == "bearer" and c.realm]
        if not self._credential.is_anonymous:
            usable += [c for c in found if c.scheme == "basic"]
        if not usable:
            return None
        chosen = usable[0]
        parameters = {k: v for k, v in chosen.parameters.items() if k != "scope"}
        self._challenge = replace(chosen, parameters=parameters)
        return chosen

    def _was_let_in(self, request: httpx.Request, response: httpx.Response) -> None:
        if response.status_code < 400 and "authorization" in request.headers:
            self.authenticated = not self._credential.is_anonymous

    def _realm(self, challenge: Challenge) -> httpx.URL:
        """Give the token server's address, if the credential may go there."""
        try:
            realm = self._origin.join(challenge.realm)
        except (httpx.InvalidURL, ValueError) as error:
            raise MalformedAnswerError(
                f"{self._origin.host} names a token server that is no address.",
                code="CHALLENGE_MALFORMED",
            ) from error
        if realm.scheme not in ("http", "https") or realm.userinfo:
            raise MalformedAnswerError(
                f"{self._origin.host} names a token server that is no address.",
                code="CHALLENGE_MALFORMED",
            )
        if self._credential.is_anonymous:
            return realm
        if realm.scheme == "http" and self._origin.scheme == "https":
            raise _not_allowed(
                self._origin, realm, "in plain HTTP", "Have its operator offer it over HTTPS."
            )
        if not self._is_allowed(realm.host):
            raise _not_allowed(
                self._origin,
                realm,
                "which is another host",
                f'If it belongs to the registry, add allowed_realms = ["{realm.host}"] '
                "to the registry's settings in regtools.toml.",
            )
        return realm

    def _is_allowed(self, host: str) -> bool:
        own = self._origin.host
        return host in {own, own.removeprefix("registry."), *self._allowed_realms}

    def _basic(self) -> str:
        pair = f"{self._credential.username}:{self._credential.password}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _token_request(
        self, realm: httpx.URL, service: str, scopes: tuple[str, ...]
    ) -> httpx.Request:
        if not self._credential.identity_token:
            return self._by_password(realm, service, scopes)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._credential.identity_token,
            "client_id": CLIENT_ID,
            "service": service,
            **({"scope": " ".join(scopes)} if scopes else {}),
        }
        return httpx.Request(
            "POST",
            realm,
            content=urlencode(form).encode(),
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
            },
        )

    def _by_password(
        self, realm: httpx.URL, service: str, scopes: tuple[str, ...]
    ) -> httpx.Request:
        # An empty `scope=` breaks some servers (cesanta/docker_auth#146): none is sent.
        query = [("service", service)] if service else []
        url = realm.copy_merge_params([*query, *(("scope", scope) for scope in scopes)])
        headers = {"accept": "application/json"}
        if self._credential.password:
            headers["authorization"] = self._basic()
        return httpx.Request("GET", url, headers=headers)

    def _accept(self, answer: httpx.Response, realm: httpx.URL) -> Token:
        if answer.status_code in (400, 401, 403):
            # OAuth2 servers say 400 for a refresh token they do not know (RFC 6749, 5.2).
            raise self._refused(answer, realm)
        if answer.status_code != 200:
            raise error_of(answer, what="a token", quote=False)
        return parse_token(answer.content, now=self._now(), server=shown_url(realm))

    def _refused(self, answer: httpx.Response, realm: httpx.URL) -> UnauthorizedError:
        told = error_of(answer, what="a token", quote=False)
        if self._credential.is_anonymous:
            summary = f"{self._origin.host} gives no token without a credential."
        else:
            summary = (
                f"The token server {shown_url(realm)} does not accept the credential "
                f"from {self._credential.source}."
            )
        return UnauthorizedError(
            summary,
            method=told.method,
            url=told.url,
            status=401 if not isinstance(told, DeniedError) else 403,
            registry_codes=told.registry_codes,
        )


def _scopes(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _not_allowed(origin: httpx.URL, realm: httpx.URL, why: str, remedy: str) -> UnauthorizedError:
    return UnauthorizedError(
        f"{origin.host} sends us for a token to {shown_url(realm)}, {why}: "
        "the credential was not sent there.",
        code="REALM_NOT_ALLOWED",
        remedy=remedy,
        status=401,
        url=shown_url(realm),
    )
