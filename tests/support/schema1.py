"""Signed schema 1 manifests, which nothing has pushed since Docker 1.10 and registries still hold.

The signature is a JSON web signature laid into the manifest itself ("pretty JWS"): it covers the
bytes before the signatures and the tail that closed the object. Source: docker/libtrust
jsonsign.go and the distribution project's docs/spec/manifest-v2-1.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.support.push import Blob, sha256

SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def signed_manifest(
    repository: str, tag: str, layers: Sequence[Blob], created: datetime
) -> tuple[Blob, str]:
    """Give a signed manifest, and its digest: that of the bytes without the signatures.

    `layers` are oldest first, as in every other manifest; schema 1 lists them newest first.
    """
    newest_first = list(reversed(layers))
    payload = json.dumps(
        {
            "schemaVersion": 1,
            "name": repository,
            "tag": tag,
            "architecture": "amd64",
            "fsLayers": [{"blobSum": entry.digest} for entry in newest_first],
            "history": [
                {"v1Compatibility": json.dumps(_history(position, len(layers), created))}
                for position in range(len(layers))
            ],
        },
        indent=3,
    )
    body, tail = payload[:-2], payload[-2:]
    assert tail == "\n}"
    signatures = json.dumps([_signature(payload, len(body), tail, created)], indent=3)
    data = f'{body},\n   "signatures": {signatures}{tail}'.encode()
    return Blob(data=data, media_type=SCHEMA1_SIGNED), sha256(payload.encode())


def _history(position: int, count: int, created: datetime) -> dict[str, Any]:
    identifier = hashlib.sha256(f"{count - position}".encode()).hexdigest()
    parent = hashlib.sha256(f"{count - position - 1}".encode()).hexdigest()
    return {
        "id": identifier,
        **({"parent": parent} if position < count - 1 else {}),
        "created": created.isoformat().replace("+00:00", "Z"),
        "os": "linux",
        "architecture": "amd64",
    }


def _signature(payload: str, length: int, tail: str, created: datetime) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    protected = _base64(
        json.dumps(
            {
                "formatLength": length,
                "formatTail": _base64(tail.encode()),
                "time": created.isoformat().replace("+00:00", "Z"),
            }
        ).encode()
    )
    signed = f"{protected}.{_base64(payload.encode())}".encode()
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    numbers = key.public_key().public_numbers()
    return {
        "header": {
            "jwk": {
                "crv": "P-256",
                "kid": key_id(key.public_key()),
                "kty": "EC",
                "x": _base64(numbers.x.to_bytes(32)),
                "y": _base64(numbers.y.to_bytes(32)),
            },
            "alg": "ES256",
        },
        "signature": _base64(r.to_bytes(32) + s.to_bytes(32)),
        "protected": protected,
    }


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """Give libtrust's name of a key: base32 of a shortened hash, in groups of four."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[i : i + 4] for i in range(0, len(text), 4))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
