"""Bearer tokens: the token server's answer, and how long it is good for.

Source: distribution/distribution docs/content/spec/auth/token.md (2026-11).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from regtools.errors import MalformedAnswerError

SHORTEST_SECONDS: Final = 60.0
"""The specification's least lifetime, also where the answer tells none."""
EARLY_SECONDS: Final = 5.0
"""A token this close to its end is not used: it would expire under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token and the moment it ends, on the clock that `parse_token` was given."""

    value: str = field(repr=False)
    expires_at: float

    def is_fresh(self, now: float) -> bool:
        """Whether a request that starts now can use it."""
        return now < self.expires_at - EARLY_SECONDS


def parse_token(body: bytes, *, now: float, server: str) -> Token:
    """Read a token server's answer.

    Raises
    ------
    MalformedAnswerError
        Code ``TOKEN_MALFORMED``. The answer is not shown: it may hold a token.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _malformed(server, "is not JSON") from error
    if not isinstance(data, dict):
        raise _malformed(server, "is not a JSON object")
    # Two names for the same thing; older servers know only the first, OAuth2 the second.
    value = data.get("token") or data.get("access_token")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise _malformed(server, "holds no token")
    lifetime = data.get("expires_in")
    seconds = float(lifetime) if isinstance(lifetime, int | float) else SHORTEST_SECONDS
    return Token(value=value, expires_at=now + max(seconds, SHORTEST_SECONDS))


def _malformed(server: str, fault: str) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"The answer of the token server {server} {fault}.", code="TOKEN_MALFORMED"
    )
