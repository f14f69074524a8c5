from __future__ import annotations

import base64
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.client.conftest import Ask, all_of
from tests.support.certificates import CertificateAuthority
from tests.support.fake_registry import Answer, FakeRegistry, fake_registry

from regtools.client import ConnectionOptions
from regtools.client.transport import proxy_for
from regtools.errors import ConfigError, UnreachableError


def refusal(ask: Ask, url: str, **options: object) -> UnreachableError:
    with pytest.raises(UnreachableError) as caught:
        ask(
            url,
            lambda r: r.ping(),
            options=ConnectionOptions(**{"timeout_seconds": 5, **options}),  # type: ignore[arg-type]
        )
    assert caught.value.remedy
    return caught.value


@contextmanager
def silent_server(*, greets: bytes = b"") -> Iterator[str]:
    """Take connections, say nothing (or one thing), and keep them open."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                held.append(connection)
                if greets:
                    connection.sendall(greets)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in held:
        connection.close()


def test_an_unknown_name(ask: Ask) -> None:
    error = refusal(ask, "https://registry.invalid")
    assert (error.code, error.stage, error.host) == ("DNS_FAILED", "resolve", "registry.invalid")


def test_a_closed_port(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = refusal(ask, f"http://127.0.0.1:{port}")
    assert (error.code, error.stage) == ("CONNECT_REFUSED", "connect")


def test_tls_that_is_not_spoken(fake: FakeRegistry, ask: Ask) -> None:
    error = refusal(ask, fake.url.replace("http:", "https:"))
    assert (error.code, error.stage) == ("TLS_NOT_SPOKEN", "tls")
    assert "http://" in error.remedy


@pytest.mark.parametrize(
    ("names", "days", "trusted", "code"),
    [
        (("127.0.0.1",), 90, False, "TLS_CERT_UNTRUSTED"),
        (("127.0.0.1",), -1, True, "TLS_CERT_EXPIRED"),
        (("other.example.com",), 90, True, "TLS_CERT_NAME"),
        (("127.0.0.1",), 90, True, ""),
    ],
)
def test_a_certificate_is_held_against_trust_time_and_name(
    authority: CertificateAuthority,
    ask: Ask,
    names: tuple[str, ...],
    days: int,
    trusted: bool,
    code: str,
) -> None:
    with fake_registry(certificate=authority.server(*names, days=days)) as fake:
        ca_file = authority.file if trusted else None
        if code:
            assert refusal(ask, fake.url, ca_file=ca_file).code == code
            assert fake.seen == []
        else:
            options = ConnectionOptions(ca_file=ca_file)
            assert ask(fake.url, lambda r: r.ping(), options=options).status == 200


def test_a_handshake_that_never_ends_is_given_up(ask: Ask) -> None:
    with silent_server() as host:
        error = refusal(ask, f"https://{host}", timeout_seconds=0.3)
    assert error.code == "CONNECT_TIMEOUT"


def test_an_answer_that_never_comes_is_given_up(ask: Ask) -> None:
    with silent_server() as host:
        error = refusal(ask, f"http://{host}", timeout_seconds=0.3)
    assert (error.code, error.stage) == ("READ_TIMEOUT", "read")


def test_something_that_does_not_speak_http(ask: Ask) -> None:
    with silent_server(greets=b"SSH-2.0-OpenSSH_9.2\r\n") as host:
        error = refusal(ask, f"http://{host}", timeout_seconds=2)
    assert error.code == "HTTP_NOT_SPOKEN"


def test_a_connection_that_is_cut(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda _: Answer(0)
    assert refusal(ask, fake.url).code == "CONNECTION_CUT"


def test_a_body_that_ends_early(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda _: Answer(body=b"{", headers={"Content-Length": "100"})
    assert refusal(ask, fake.url).code == "CONNECTION_CUT"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_holds_none_is_a_wrong_setting(
    ask: Ask, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        ask("https://x.invalid", lambda r: r.ping(), options=ConnectionOptions(ca_file=file))
    assert caught.value.code == "CA_FILE_UNUSABLE"


def test_the_environments_proxy_is_used(
    fake: FakeRegistry, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:canary@{fake.host}")
    assert ask("http://registry.example.com", lambda r: r.ping()).status == 200
    (seen,) = fake.seen
    assert seen.path == "http://registry.example.com/v2/"
    told = base64.b64decode(seen.headers["proxy-authorization"].removeprefix("Basic "))
    assert told == b"user:canary"


@contextmanager
def tunnel(to: str) -> Iterator[tuple[str, list[str]]]:
    """A proxy that opens every CONNECT to one address; gives its own, and what it was asked."""
    asked: list[str] = []
    host, _, port = to.rpartition(":")

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().decode().strip())
            while self.rfile.readline().strip():
                pass
            with socket.create_connection((host, int(port))) as there:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=self.pump, args=(there, self.connection))
                back.start()
                self.pump(self.connection, there)
                back.join()

        @staticmethod
        def pump(source: socket.socket, sink: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def test_tls_goes_through_a_proxys_tunnel_end_to_end(
    authority: CertificateAuthority, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = authority.server("registry.example.com")
    with fake_registry(certificate=certificate) as fake, tunnel(fake.host) as (proxy, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
        ping = ask(
            "https://registry.example.com",
            lambda r: r.ping(),
            options=ConnectionOptions(ca_file=authority.file, timeout_seconds=5),
        )
    assert ping.status == 200
    assert fake.paths == ["GET /v2/"]
    assert asked == ["CONNECT registry.example.com:443 HTTP/1.1"]


def test_a_proxy_that_does_not_let_us_through(
    fake: FakeRegistry, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.hook = lambda seen: Answer(407)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:canary@{fake.host}")
    error = refusal(ask, "https://registry.example.com")
    assert (error.code, error.stage) == ("PROXY_FAILED", "proxy")
    assert "canary" not in f"{error} {error.remedy}"
    assert fake.paths == ["CONNECT registry.example.com:443"]


@pytest.mark.parametrize(
    ("url", "proxies", "used"),
    [
        ("https://r.example.com", {"https": "http://p:1"}, "http://p:1"),
        ("https://r.example.com", {"https": "p:1"}, "http://p:1"),
        ("https://r.example.com", {"all": "http://p:1"}, "http://p:1"),
        ("http://r.example.com", {"https": "http://p:1"}, None),
        ("https://r.example.com", {"https": "http://p:1", "no": "example.com"}, None),
        ("https://r.example.com", {"https": "http://p:1", "no": ".example.com"}, None),
        ("https://r.example.com:5000", {"https": "http://p:1", "no": "r.example.com:5000"}, None),
        ("https://r.example.com", {"https": "http://p:1", "no": "*"}, None),
        ("https://r.example.com", {"https": "http://p:1", "no": "ample.com"}, "http://p:1"),
        ("https://127.0.0.1:5000", {"https": "http://p:1"}, None),
        ("https://localhost", {"https": "http://p:1"}, None),
    ],
)
def test_which_proxy_is_used(url: str, proxies: dict[str, str], used: str | None) -> None:
    assert proxy_for(httpx.URL(url), proxies) == used


def test_netrc_is_not_read(fake: FakeRegistry, ask: Ask, clean_environ: Path) -> None:
    netrc = clean_environ / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password canary\n")
    netrc.chmod(0o600)
    fake.users = {"me": "canary"}
    assert ask(fake.url, lambda r: r.ping()).status == 401
    assert [seen.credential for seen in fake.seen] == [""]


def test_no_address_is_logged(
    fake: FakeRegistry, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ask(fake.url, lambda r: all_of(r.repositories()))
    assert fake.host not in caplog.text
