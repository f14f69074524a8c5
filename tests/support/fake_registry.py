"""A registry with one small image and the vices of real products, each switched on by a keyword.

It speaks real HTTP on a loopback port and remembers every request, so that a test can count them
and look for a credential where none belongs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.certificates import ServerCertificate

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


CONFIG = json.dumps(
    {"created": "2026-11-01T10:00:00Z", "os": "linux", "architecture": "amd64"}
).encode()
LAYER = b"layer" * 200
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest_of(CONFIG),
            "size": len(CONFIG),
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest_of(LAYER),
                "size": len(LAYER),
            }
        ],
    }
).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    """With the query, exactly as it stood on the wire."""
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def credential(self) -> str:
        """The Authorization header, empty if there was none."""
        return self.headers.get("authorization", "")


@dataclass(slots=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, Any] = field(default_factory=dict)


Hook = Callable[[Seen], Answer | None]
"""Answers a request in the registry's place, or lets it pass with None."""


class FakeRegistry:
    """What it holds and how it behaves; change it as the test goes."""

    def __init__(self) -> None:
        self.repositories: dict[str, list[str]] = {"team/app": ["1.0", "latest"]}
        self.page_size: int | None = None
        self.link: Callable[[str], str] = lambda path: f'<{path}>; rel="next"'
        self.users: dict[str, str] = {}
        self.tells_digest = True
        self.hook: Hook = lambda _: None
        self.seen: list[Seen] = []
        self.url = ""
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """``127.0.0.1:port``."""
        return urlsplit(self.url).netloc

    @property
    def paths(self) -> list[str]:
        """Method and path of every request."""
        return [f"{seen.method} {seen.path}" for seen in self.seen]

    def answer(self, seen: Seen) -> Answer:
        """Answer one request."""
        with self._lock:
            self.seen.append(seen)
        hooked = self.hook(seen)
        if hooked is not None:
            return hooked
        if self.users and not self._is_known(seen):
            challenge = {"WWW-Authenticate": 'Basic realm="fake"'}
            return error(401, "UNAUTHORIZED", **challenge)
        return self._content(seen)

    def _is_known(self, seen: Seen) -> bool:
        pairs = [f"{user}:{password}".encode() for user, password in self.users.items()]
        return seen.credential in [f"Basic {base64.b64encode(pair).decode()}" for pair in pairs]

    def _content(self, seen: Seen) -> Answer:
        path = urlsplit(seen.path).path
        if path == "/v2/":
            return Answer(body=b"{}", headers={"Docker-Distribution-Api-Version": "registry/2.0"})
        if path == "/v2/_catalog":
            return self._page(seen, "repositories", sorted(self.repositories))
        name, _, rest = path.removeprefix("/v2/").rpartition("/tags/list")
        if name and not rest:
            if name not in self.repositories:
                return error(404, "NAME_UNKNOWN")
            return self._page(seen, "tags", self.repositories[name])
        name, _, reference = path.removeprefix("/v2/").rpartition("/manifests/")
        if name and reference in (*self.repositories.get(name, ()), digest_of(MANIFEST)):
            told = {"Docker-Content-Digest": digest_of(MANIFEST)} if self.tells_digest else {}
            return Answer(body=MANIFEST, headers={"Content-Type": MANIFEST_TYPE, **told})
        blobs = {digest_of(data): data for data in (CONFIG, LAYER)}
        digest = path.rpartition("/blobs/")[2]
        if digest in blobs:
            return Answer(body=blobs[digest])
        return error(404, "MANIFEST_UNKNOWN")

    def _page(self, seen: Seen, key: str, names: list[str]) -> Answer:
        query = parse_qs(urlsplit(seen.path).query)
        size = self.page_size or len(names)
        start = int(query.get("start", ["0"])[0])
        headers: dict[str, Any] = {"Content-Type": "application/json"}
        if start + size < len(names):
            path = f"{urlsplit(seen.path).path}?start={start + size}"
            headers["Link"] = self.link(path)
        return Answer(body=json.dumps({key: names[start : start + size]}).encode(), headers=headers)


def error(status: int, code: str, message: str = "told so", **headers: str) -> Answer:
    """Make an error as the specification shapes it."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answer(status, body, {"Content-Type": "application/json", **headers})


@contextmanager
def fake_registry(
    *, certificate: ServerCertificate | None = None, fake: FakeRegistry | None = None
) -> Iterator[FakeRegistry]:
    """Run a fake registry until the block ends."""
    fake = fake or FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            answer = fake.answer(
                Seen(
                    method=self.command,
                    path=self.path,
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=self.rfile.read(length),
                )
            )
            if answer.status == 0:  # Hang up without a word.
                self.close_connection = True
                return
            if "Date" in answer.headers:
                self.send_response_only(answer.status)
            else:
                self.send_response(answer.status)
            for name, value in answer.headers.items():
                for one in value if isinstance(value, list) else [value]:
                    self.send_header(name, one)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
            if "Content-Length" in answer.headers:
                self.close_connection = True

        def __getattr__(self, name: str) -> Any:
            """Take every method there is."""
            if name.startswith("do_"):
                return self.handle_any
            raise AttributeError(name)

        def log_message(self, *arguments: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *arguments: object) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    fake.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
