"""A token server for the registry's token authentication, with real signatures.

It answers both ways of asking: ``GET`` with Basic credentials (docs/spec/auth/token.md of the
distribution project) and the OAuth2 ``POST`` (oauth.md). Its attributes may be changed while it
runs, and are the vices of real token servers.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.support.certificates import CertificateAuthority, PrivateKey, ServerCertificate

ISSUER = "regtools test tokens"
SERVICE = "regtools test registry"

Grant = Callable[[str, str, str], set[str]]
"""(user, "repository" or "registry", name) → actions that this user may have there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A request for a token, and what came of it."""

    method: str
    user: str
    """Empty: anonymous."""
    scopes: tuple[str, ...]
    service: str
    grant_type: str
    """Empty for GET."""
    status: int


def grant_everything(user: str, kind: str, name: str) -> set[str]:
    """Let every known user do all, and anonymous callers nothing."""
    del name
    if not user:
        return set()
    return {"*"} if kind == "registry" else {"pull", "push", "delete"}


def grant_public(prefix: str) -> Grant:
    """Let anonymous callers pull below a prefix, and users everything."""

    def grant(user: str, kind: str, name: str) -> set[str]:
        if not user and kind == "repository" and name.startswith(prefix):
            return {"pull"}
        return grant_everything(user, kind, name)

    return grant


@dataclass(slots=True, kw_only=True)
class TokenServer:
    """A running token server."""

    certificate: ServerCertificate
    users: Mapping[str, str]
    algorithm: str
    grant: Grant
    authority: CertificateAuthority
    expires_in: int | None = 300
    """What it tells; None leaves it out, which means 60 s."""
    lifetime_seconds: float = 300
    """How long a token really lives. The registry adds a leeway of 60 s, so that -58 gives a
    token that works for about two seconds, whatever `expires_in` says."""
    answer_fields: tuple[str, ...] = ("token", "access_token")
    accepts_wrong_passwords: bool = False
    """Give a token without scopes instead of 401, as Harbor does (goharbor/harbor#11632)."""
    knows_post: bool = True
    """Whether it answers the OAuth2 way, or 404."""
    identity_tokens: dict[str, str] = field(default_factory=dict)
    """Identity (refresh) token → user."""
    fail_with: int | None = None
    """Answer every request with this status."""
    audience: str = SERVICE
    """For whom its tokens say they are."""
    delay_seconds: float = 0
    """How long it thinks before it answers."""
    log: list[TokenRequest] = field(default_factory=list)
    port: int = 0

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def realm(self) -> str:
        """The URL that a challenge names."""
        return f"http://{self.host}/token"

    @property
    def requests(self) -> int:
        """How many requests it has answered."""
        return len(self.log)

    def registry_auth(self) -> dict[str, Any]:
        """Give the ``auth`` part of the configuration of a registry that trusts this server."""
        return {
            "token": {
                "realm": self.realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(self.authority.file),
            }
        }

    def answer(
        self, method: str, query: Mapping[str, list[str]], basic: tuple[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        """Decide what a request gets, and write it down."""
        grant_type = _first(query, "grant_type") if method == "POST" else ""
        user = self._user(grant_type, query, basic)
        scopes = tuple(scope for entry in query.get("scope", []) for scope in entry.split(" "))
        status, body = self._decide(method, user, scopes, query)
        self.log.append(
            TokenRequest(
                method=method,
                user=user or "",
                scopes=scopes,
                service=_first(query, "service"),
                grant_type=grant_type,
                status=status,
            )
        )
        return status, body

    def sign(self, user: str, access: list[dict[str, Any]]) -> str:
        """Give a signed token."""
        now = time.time()
        chain = self.certificate.certificate.public_bytes(serialization.Encoding.DER)
        header = {
            "typ": "JWT",
            "alg": self.algorithm,
            "x5c": [base64.b64encode(chain).decode()],
        }
        claims = {
            "iss": ISSUER,
            "sub": user,
            "aud": self.audience,
            "iat": int(now),
            "nbf": int(now) - 10,
            "exp": int(now + self.lifetime_seconds),
            "jti": secrets.token_hex(8),
            "access": access,
        }
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_base64(_signature(self.certificate.key, signed.encode()))}"

    def _decide(
        self, method: str, user: str | None, scopes: tuple[str, ...], query: Mapping[str, list[str]]
    ) -> tuple[int, dict[str, Any]]:
        time.sleep(self.delay_seconds)
        if self.fail_with is not None:
            return self.fail_with, {"details": "the token server is ill"}
        if method == "POST" and not self.knows_post:
            return 404, {"details": "no such page"}
        if user is None and not self.accepts_wrong_passwords:
            return 401, {"details": "incorrect username or password"}
        access = [entry for scope in scopes if (entry := self._access(user or "", scope))]
        token = self.sign(user or "", access)
        body: dict[str, Any] = dict.fromkeys(self.answer_fields, token)
        if self.expires_in is not None:
            body["expires_in"] = self.expires_in
        if method == "POST" and user and _first(query, "access_type") == "offline":
            body["refresh_token"] = next(
                (token for token, owner in self.identity_tokens.items() if owner == user), ""
            )
        return 200, body

    def _user(
        self, grant_type: str, query: Mapping[str, list[str]], basic: tuple[str, str] | None
    ) -> str | None:
        """Give who asks: empty for nobody in particular, None for a wrong password."""
        if grant_type == "refresh_token":
            return self.identity_tokens.get(_first(query, "refresh_token"))
        if grant_type == "password":
            basic = _first(query, "username"), _first(query, "password")
        if basic is None:
            return ""
        name, password = basic
        return name if self.users.get(name) == password else None

    def _access(self, user: str, scope: str) -> dict[str, Any] | None:
        kind, _, rest = scope.partition(":")
        name, _, wanted = rest.rpartition(":")
        granted = sorted(self.grant(user, kind, name).intersection(wanted.split(",")))
        return {"type": kind, "name": name, "actions": granted} if granted else None


@contextmanager
def token_server(
    authority: CertificateAuthority,
    *,
    users: Mapping[str, str],
    algorithm: str = "RS256",
    grant: Grant = grant_everything,
) -> Iterator[TokenServer]:
    """Run a token server until the block ends.

    Parameters
    ----------
    authority
        Signs the certificate of its key; the registry is given the authority to trust.
    users
        Name → password.
    algorithm
        ``RS256`` or ``ES256``.
    """
    key: PrivateKey = (
        rsa.generate_private_key(65537, 2048)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    state = TokenServer(
        certificate=authority.server("tokens.example.com", key=key),
        users=users,
        algorithm=algorithm,
        grant=grant,
        authority=authority,
    )

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_state: TokenServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self._send(*self.server_state.answer("GET", query, self._basic()))

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        self._send(*self.server_state.answer("POST", parse_qs(form), self._basic()))

    def _basic(self) -> tuple[str, str] | None:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        name, _, password = base64.b64decode(value).decode().partition(":")
        return name, password

    def _send(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: `TokenServer.log` holds it."""


def _signature(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _first(query: Mapping[str, list[str]], name: str) -> str:
    return query.get(name, [""])[0]
