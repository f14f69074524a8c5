"""What a secret tells about itself: tokens that carry their own end."""

from __future__ import annotations

from datetime import UTC, datetime

from regtools.claims import base64_object, claims_of


def expires_at(secret: str) -> datetime | None:
    """Give when a token ends, None where it does not say.

    A JSON Web Token has ``exp`` (RFC 7519, 4.1.4); ECR's password is base64 of a JSON object with
    ``expiration`` (as `aws ecr get-login-password` gives it, 2026-11). Signatures are not checked:
    this is for people, and decides nothing.
    """
    claims = claims_of(secret) or base64_object(secret) or {}
    return _moment(claims.get("exp", claims.get("expiration")))


def _moment(value: object) -> datetime | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
