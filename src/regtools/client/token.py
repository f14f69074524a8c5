"""Bearer tokens: what a token server answered, for how long it holds, and where it is kept.

Source: distribution's token specification (docs/spec/auth/token.md) and OAuth2 (oauth.md).
"""

from __future__ import annotations

import json
import math
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

import httpx

from regtools.errors import MalformedAnswerError

SHORTEST_SECONDS: Final = 60.0
"""How long a token holds whose server does not say (token specification)."""
MARGIN_SECONDS: Final = 5.0
"""A token is not used in its last seconds: it would end while its request is on the way."""
MOST_TOKENS: Final = 2_000
"""Tokens kept; a registry may have a scope for each of its repositories."""

# A token becomes a header: nothing that could end the line or start another (RFC 6750, 2.1).
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,65536}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token; its text never shows the value."""

    value: str = field(repr=False)
    expires_at: float
    """On the clock of whoever asked for it."""

    def is_fresh(self, now: float) -> bool:
        """Whether it holds long enough for one more request."""
        return now < self.expires_at - MARGIN_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenQuery:
    """Which token is meant: one serves every request that needs the same."""

    realm: httpx.URL
    service: str
    scopes: tuple[str, ...]
    with_credential: bool
    """Whether the realm may see the credential; without it only public content can be read."""


def parse_token(body: bytes, *, now: float, server: str) -> Token:
    """Read a token server's answer.

    Parameters
    ----------
    now
        When it was asked: a lifetime counts from there, whatever the server's own clock says.
    server
        Its name, for the message.

    Raises
    ------
    MalformedAnswerError
        Code ``TOKEN_MALFORMED``. The answer is not shown: it may hold a token.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise malformed_token(server, "is not JSON") from error
    if not isinstance(data, dict):
        raise malformed_token(server, "is not a JSON object")
    # Two names for the same thing: older servers know only the first, OAuth2 the second.
    value = data.get("token") or data.get("access_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise malformed_token(server, "holds no token")
    # No token lives shorter (token specification, `expires_in`); one that does costs a round.
    seconds = max(_seconds(data.get("expires_in")), SHORTEST_SECONDS)
    return Token(value=value, expires_at=now + seconds)


class TokenCache:
    """The tokens that still hold; those used longest ago make room for new ones."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[TokenQuery, Token] = OrderedDict()

    def get(self, query: TokenQuery, *, now: float) -> Token | None:
        """Give a token that still holds."""
        token = self._tokens.get(query)
        if token is None:
            return None
        if not token.is_fresh(now):
            del self._tokens[query]
            return None
        self._tokens.move_to_end(query)
        return token

    def queries(self) -> list[TokenQuery]:
        """Give which tokens are kept."""
        return list(self._tokens)

    def put(self, query: TokenQuery, token: Token) -> None:
        """Keep a token."""
        self._tokens[query] = token
        self._tokens.move_to_end(query)
        if len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)


def _seconds(lifetime: object) -> float:
    """Read a lifetime; some servers write the number as text."""
    try:
        seconds = float(lifetime) if isinstance(lifetime, int | float | str) else SHORTEST_SECONDS
    except (ValueError, OverflowError):
        return SHORTEST_SECONDS
    return seconds if math.isfinite(seconds) and seconds > 0 else SHORTEST_SECONDS


def malformed_token(server: str, fault: str) -> MalformedAnswerError:
    """Make the error of a token server whose answer is none."""
    return MalformedAnswerError(
        f"The answer of the token server {server} {fault}.",
        code="TOKEN_MALFORMED",
        remedy="The registry names this server as its realm: its operator can mend it.",
    )
