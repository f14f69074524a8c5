"""Digests of the bytes received, never of anything re-written."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Final

from regtools.errors import MalformedAnswerError, UnsupportedError
from regtools.manifest import SCHEMA1_TYPES
from regtools.reference import Digest

_HASHES: Final = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
CANONICAL: Final = "sha256"


def digest_of(body: bytes, algorithm: str = CANONICAL) -> Digest:
    """Compute a digest.

    Raises
    ------
    UnsupportedError
        Code ``DIGEST_UNSUPPORTED``.
    """
    make = _HASHES.get(algorithm)
    if make is None:
        raise UnsupportedError(
            f"Digests of the kind {algorithm!r} cannot be checked here.",
            code="DIGEST_UNSUPPORTED",
            remedy=f"Known are {', '.join(_HASHES)}.",
        )
    return Digest(f"{algorithm}:{make(body).hexdigest()}")


def verify(body: bytes, expected: Digest, *, what: str) -> None:
    """Hold bytes against a digest.

    Raises
    ------
    MalformedAnswerError
        Code ``DIGEST_MISMATCH``.
    """
    found = digest_of(body, expected.partition(":")[0])
    if found != expected:
        raise MalformedAnswerError(
            f"What came as {what} has another digest: {found} instead of {expected}.",
            code="DIGEST_MISMATCH",
            remedy="A proxy changes or cuts what it passes on, or the registry's storage is "
            "damaged.",
        )


def signed_payload(body: bytes, media_type: str) -> bytes:
    """Give the bytes that a manifest's digest is of: all of them, but for signed schema 1.

    There the signatures are laid into the manifest itself, and say which bytes they are about:
    those before them, and the tail that closes the object. Source: distribution's
    docs/spec/manifest-v2-1.md and docker/libtrust jsonsign.go, 2026-11.
    """
    if media_type.partition(";")[0].strip().lower() not in SCHEMA1_TYPES:
        return body
    try:
        protected = json.loads(_base64(json.loads(body)["signatures"][0]["protected"]))
        length, tail = protected["formatLength"], _base64(protected["formatTail"])
        if not isinstance(length, int) or not 0 < length <= len(body):
            return body
        return body[:length] + tail
    except (ValueError, TypeError, KeyError, IndexError, binascii.Error, RecursionError):
        return body


def _base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
