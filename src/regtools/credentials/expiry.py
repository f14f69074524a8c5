"""What a secret tells about itself: tokens that carry their own end."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_LONGEST: Final = 64 * 2**10


def expires_at(secret: str) -> datetime | None:
    """Give when a token ends, None where it does not say.

    A JSON Web Token has ``exp`` (RFC 7519, 4.1.4); ECR's password is base64 of a JSON object with
    ``expiration`` (as `aws ecr get-login-password` gives it, 2026-11). Signatures are not checked:
    this is for people, and decides nothing.
    """
    claims = claims_of(secret) or _json(secret) or {}
    return _moment(claims.get("exp", claims.get("expiration")))


def claims_of(token: str) -> Mapping[str, Any] | None:
    """Read the claims of a JSON Web Token, unverified; None where it is something else."""
    parts = token.split(".")
    return _json(parts[1]) if len(parts) == 3 else None


def _json(text: str) -> Mapping[str, Any] | None:
    if not text or len(text) > _LONGEST:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        data = json.loads(base64.b64decode(padded, altchars=b"-_"))
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
