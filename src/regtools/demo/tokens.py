"""Tokens as a registry's token server gives them out and the registry checks them.

Source: docs/spec/auth/token.md of the distribution project.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

SERVICE: Final = "registry.harbourline.example"


class Refused(Exception):  # noqa: N818  # an answer to send rather than a fault
    """A request that gets an error as the distribution specification writes it."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class _Token:
    scopes: frozenset[str]
    expires_at: float


class Tokens:
    """Gives out tokens for reading, and checks them.

    Parameters
    ----------
    users
        Name → password.
    seconds
        How long a token lives.
    clock
        Seconds that only go forward.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        *,
        seconds: int = 300,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = dict(users)
        self._seconds = seconds
        self._clock = clock
        self._issued: dict[str, _Token] = {}

    def issue(self, authorization: str, scopes: Sequence[str]) -> dict[str, Any]:
        """Answer a request for a token: a user may read everything, anybody else nothing.

        Raises
        ------
        Refused
            The name or password is wrong.
        """
        user = self._user(authorization)
        asked = [part for scope in scopes for part in scope.split()]
        granted = frozenset(read for scope in asked if (read := _readable(scope))) if user else ()
        value = secrets.token_urlsafe(32)
        self._issued[value] = _Token(frozenset(granted), self._clock() + self._seconds)
        issued_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"token": value, "expires_in": self._seconds, "issued_at": issued_at}

    def check(self, authorization: str, *, realm: str, scope: str = "") -> None:
        """Let a request pass that bears a token for this scope.

        Raises
        ------
        Refused
            401 with the challenge to follow.
        """
        scheme, _, value = authorization.partition(" ")
        token = self._issued.get(value) if scheme.lower() == "bearer" else None
        challenge = f'Bearer realm="{realm}",service="{SERVICE}"'
        if scope:
            challenge += f',scope="{scope}"'
        if token is not None and token.expires_at <= self._clock():
            del self._issued[value]
            token = None
        if token is None:
            error = ',error="invalid_token"' if authorization else ""
        elif scope and scope not in token.scopes:
            error = ',error="insufficient_scope"'
        else:
            return
        raise Refused(
            401,
            "UNAUTHORIZED",
            "authentication required",
            headers={"WWW-Authenticate": challenge + error},
        )

    def _user(self, authorization: str) -> str:
        """Tell whose name and password these are; empty for nobody's."""
        if not authorization:
            return ""
        scheme, _, value = authorization.partition(" ")
        try:
            decoded = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            decoded = ""
        name, _, password = decoded.partition(":")
        right = self._users.get(name, "")
        same = hmac.compare_digest(right.encode(), password.encode())
        if scheme.lower() != "basic" or not right or not same:
            raise Refused(401, "UNAUTHORIZED", "incorrect username or password")
        return name


def _readable(scope: str) -> str:
    """Reduce what was asked for to what may be had: to pull, and to read the catalog."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind == "repository" and name and {"pull", "*"} & set(actions.split(",")):
        return f"repository:{name}:pull"
    return "registry:catalog:*" if scope == "registry:catalog:*" else ""
