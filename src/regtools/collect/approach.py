"""The first words with a registry: it answers, challenges, sends us for a token, and lets us in.

One question at ``/v2/`` goes through all of that; here what came of it is laid to the stage that
it belongs to. A token server that is ill is not the registry's fault, and is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import httpx

from regtools.client import Distribution, Ping
from regtools.client.answer import host_of
from regtools.collect.diagnosis import root_cause
from regtools.collect.probes import auth, challenge, credentials, http, token
from regtools.collect.probes.stage import failed, row, stopwatch
from regtools.credentials import Attempt
from regtools.errors import (
    DeniedError,
    InvalidReferenceError,
    RegistryError,
    RegtoolsError,
    UnauthorizedError,
    UnreachableError,
)
from regtools.reference import Target, parse_target
from regtools.schema import CheckRow

STAGES = (http.STAGE, challenge.STAGE, credentials.STAGE, token.STAGE, auth.STAGE)
Way = Callable[[Target], Awaitable[list[CheckRow]]]
"""Looks at the way to a host: its name, its port, its certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approached:
    """What the first words came to."""

    rows: list[CheckRow]
    granted: frozenset[str] | None = None
    """Rights to the repository that stand in the token; None: not asked, or not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """Who asks which registry, and what of it.

    Parameters
    ----------
    repository
        Whose rights are looked at too; empty: none.
    attempts
        Where a credential was looked for.
    way
        How the way to a token server is looked at.
    now
        This machine's time.
    """

    distribution: Distribution
    target: Target
    repository: str
    attempts: Sequence[Attempt]
    way: Way
    now: datetime

    async def walk(self) -> Approached:
        """Ask at ``/v2/``, and for the rights to the repository."""
        answer: Ping | RegtoolsError
        with stopwatch() as elapsed:
            try:
                answer = await self.distribution.ping()
            except RegtoolsError as error:
                answer = error
            ms = elapsed()
        if isinstance(answer, RegtoolsError) and self._is_of_registry(answer):
            return Approached(rows=[failed(self._registry, http.STAGE, answer, ms=ms)])
        return await self._judged(answer, ms)

    @property
    def _registry(self) -> str:
        return self.distribution.registry

    @property
    def _source(self) -> str:
        credential = self.distribution.credential
        return "" if credential.is_anonymous else credential.source

    def _is_of_registry(self, error: RegtoolsError) -> bool:
        """Whether an error is the registry's own, and no word on who we are."""
        if isinstance(error, UnauthorizedError | DeniedError):
            return False
        if error.code in challenge.CODES | token.CODES:
            return False
        if isinstance(error, RegistryError):
            return _is_protocol(error)
        home, server = host_of(self.distribution.exchange.origin), self._token_server()
        return server in ("", home) or _host_of(error) == home

    async def _judged(self, answer: Ping | RegtoolsError, ms: float) -> Approached:
        told = answer if isinstance(answer, RegtoolsError) else None
        rows = [
            http.answered(self._registry, answer, now=self.now)
            if isinstance(answer, Ping)
            else self._refused(answer, ms)
        ]
        challenges = self.distribution.exchange.auth.challenges
        fault = told if told is not None and told.code in challenge.CODES else None
        if told is not None:
            # A token server that may not see the credential gives nothing that helps.
            fault = fault or self.distribution.exchange.auth.refusal
        rows.append(challenge.challenge(self._registry, challenges, fault))
        if root_cause(rows):
            return Approached(rows=rows)
        rows.append(
            credentials.credentials(
                self._registry,
                self.distribution.credential,
                self.attempts,
                wanted=bool(challenges),
                now=self.now,
            )
        )
        granted: frozenset[str] | None = None
        problem = told if told is not None and not _is_refusal(told) else None
        if problem is None and self.repository and told is None and self._token_server():
            granted, problem = await self._granted()
        rows.append(await self._token(answer, granted, problem))
        if not root_cause(rows):
            rows.append(self._auth(answer, granted, problem))
        return Approached(rows=rows, granted=granted)

    def _refused(self, error: RegtoolsError, ms: float) -> CheckRow:
        """Make the row of a registry that answered, and sent us on."""
        at_home = isinstance(error, RegistryError) and _is_protocol(error)
        status = error.status if at_home and isinstance(error, RegistryError) else 401
        summary = f"A registry answers at /v2/ with {status}."
        return row(
            self._registry, http.STAGE, "HTTP_OK", "ok", summary, ms=ms, evidence={"status": status}
        )

    async def _granted(self) -> tuple[frozenset[str] | None, RegtoolsError | None]:
        try:
            return await self.distribution.granted(self.repository), None
        except (UnauthorizedError, DeniedError) as refusal:
            # GHCR and Docker Hub give no token at all for what may not be read.
            return frozenset(), None if refusal.status in (401, 403) else refusal
        except RegtoolsError as error:
            return None, error

    async def _token(
        self,
        answer: Ping | RegtoolsError,
        granted: frozenset[str] | None,
        problem: RegtoolsError | None,
    ) -> CheckRow:
        server = self._token_server()
        if not server:
            summary = "The registry wants no token."
            return row(self._registry, token.STAGE, "TOKEN_NONE", "ok", summary)
        if problem is not None:
            return await self._no_token(server, problem)
        scopes = [f"repository:{self.repository}:pull,push,delete"] if self.repository else []
        known = self.distribution.exchange.auth
        found = next((t for t in map(known.token, [*scopes, ""]) if t is not None), None)
        is_known = bool(self._source)
        if found is None and (granted is None or not is_known):
            summary = f"{server} answers; without a credential or a repository no token is needed."
            return row(self._registry, token.STAGE, "TOKEN_SERVER_OK", "ok", summary)
        is_refused = isinstance(answer, RegistryError) and _is_protocol(answer)
        given = token.Given(
            server=server,
            service=next(iter(known.services), ""),
            value=found.value if found else "",
            is_named=is_known,
        )
        return token.judged(
            self._registry,
            given,
            accepted=not is_refused,
            granted=granted,
            repository=self.repository,
            now=self.now,
        )

    async def _no_token(self, server: str, problem: RegtoolsError) -> CheckRow:
        cause: CheckRow | None = None
        if isinstance(problem, UnreachableError) and server != host_of(
            self.distribution.exchange.origin
        ):
            realm = httpx.URL(self.distribution.exchange.auth.realms[0])
            scheme = "http" if realm.scheme == "http" else "https"
            with suppress(InvalidReferenceError):
                cause = root_cause(await self.way(parse_target(f"{scheme}://{server}")))
        return token.unreachable(self._registry, server, problem, cause, None)

    def _auth(
        self,
        answer: Ping | RegtoolsError,
        granted: frozenset[str] | None,
        problem: RegtoolsError | None,
    ) -> CheckRow:
        may_pull = None if granted is None or problem is not None else "pull" in granted
        shown = answer if isinstance(answer, Ping | UnauthorizedError | DeniedError) else None
        if shown is None:
            raise AssertionError("an error without a stage of its own")
        return auth.auth(
            self._registry,
            shown,
            source=self._source,
            needed=may_pull is False or not self.target.path,
        )

    def _token_server(self) -> str:
        """Give the host that the registry sends its clients to; empty: nowhere."""
        realms = self.distribution.exchange.auth.realms
        try:
            return host_of(self.distribution.exchange.origin.join(realms[0])) if realms else ""
        except (httpx.InvalidURL, ValueError):
            return ""


def _is_refusal(error: RegtoolsError) -> bool:
    """Whether an error says: not you."""
    return isinstance(error, UnauthorizedError | DeniedError)


def _is_protocol(error: RegistryError) -> bool:
    """Whether an answer is the registry's own, and not a token server's, be it on the same host."""
    return httpx.URL(error.url or "/v2/").path.startswith("/v2/")


def _host_of(error: RegtoolsError) -> str:
    """Give the host that an error is about; empty: none."""
    if isinstance(error, UnreachableError):
        return error.host
    if isinstance(error, RegistryError) and error.url:
        return host_of(httpx.URL(error.url))
    return ""
