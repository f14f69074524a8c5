"""What a token tells of itself, read without checking its signature: for people, never to decide."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

_LONGEST: Final = 64 * 2**10


def claims_of(token: str) -> Mapping[str, Any] | None:
    """Read the claims of a JSON Web Token (RFC 7519); None where it is something else."""
    parts = token.split(".")
    return base64_object(parts[1]) if len(parts) == 3 else None


def base64_object(text: str) -> Mapping[str, Any] | None:
    """Read a JSON object in base64, with or without padding; None where it is something else."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        data = json.loads(base64.b64decode(padded, altchars=b"-_"))
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
