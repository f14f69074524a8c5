"""Real faults, one or two at a time: each names the one cause, at its stage, and leaks nothing.

The registry is Debian's. What is broken is broken for real: certificates, ports, tokens, files of
its storage; what stands between it and us is a server of its own that answers as proxies do.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.certificates import CertificateAuthority, self_signed
from tests.support.corpus import Corpus
from tests.support.docker_registry import USERS, DockerRegistry
from tests.support.fake_registry import Answer, FakeRegistry, Seen, error, fake_registry
from tests.support.front import Front, front_of
from tests.support.token_server import TokenServer
from tests.support.walks import walk

from regtools.collect.causes import causes
from regtools.collect.diagnosis import root_cause
from regtools.credentials import Credential
from regtools.schema import CheckRow

ALICE = Credential(username="alice", password=USERS["alice"], source="the test")
MALLORY = Credential(username="alice", password="not-her-password", source="the test")
REPOSITORY, TAG = "team/web", "2.0.0"
"""An index with several images."""
IMAGE = {"repository": "team/api", "reference": "latest"}
"""A single image."""

Start = Callable[..., DockerRegistry]


def cause(checks: list[CheckRow]) -> tuple[str, str]:
    """Give stage and code of the one cause; what follows it was not tried."""
    found = root_cause(checks)
    assert found is not None, [(check.stage, check.code) for check in checks]
    assert found.code in causes()
    assert found.summary
    assert found.remedy
    after = checks[checks.index(found) + 1 :]
    assert {check.status for check in after} <= {"skipped"}
    for secret in (ALICE.password, MALLORY.password):
        assert secret not in repr(checks)
    return found.stage, found.code


def row(checks: list[CheckRow], stage: str) -> CheckRow:
    return next(check for check in checks if check.stage == stage)


def evidence(checks: list[CheckRow], stage: str) -> Any:
    return json.loads(row(checks, stage).evidence)


@contextmanager
def listening(answer: Callable[[socket.socket], None], *, backlog: int = 16) -> Iterator[int]:
    """A port at which every connection gets the same treatment."""
    import threading

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(backlog)
        server.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    continue
                with connection:
                    connection.settimeout(5)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def silent(connection: socket.socket) -> None:
    """Take everything, and never say a word."""
    connection.settimeout(2)
    while connection.recv(4096):
        pass


class TestTheWay:
    """Names, ports, certificates."""

    @pytest.mark.parametrize(
        ("made", "code"),
        [
            ({"days": -2, "age_days": 30}, "TLS_CERT_EXPIRED"),
            ({"age_days": -2}, "TLS_CERT_NOT_YET_VALID"),
        ],
    )
    def test_a_certificate_out_of_its_time(
        self,
        authority: CertificateAuthority,
        start_registry: Start,
        made: dict[str, float],
        code: str,
    ) -> None:
        registry = start_registry(certificate=authority.server(**made))
        checks = walk(registry.url, ca_file=authority.file, credential=ALICE, **IMAGE)
        assert cause(checks) == ("tls", code)
        assert registry.requests() == []

    def test_a_certificate_for_another_name(
        self, authority: CertificateAuthority, start_registry: Start
    ) -> None:
        registry = start_registry(certificate=authority.server("registry.example.com"))
        checks = walk(registry.url, ca_file=authority.file, credential=ALICE)
        assert cause(checks) == ("tls", "TLS_CERT_NAME")
        assert "registry.example.com" in row(checks, "tls").summary

    def test_an_authority_that_nobody_knows(
        self, authority: CertificateAuthority, start_registry: Start
    ) -> None:
        registry = start_registry(certificate=authority.server())
        assert cause(walk(registry.url, credential=ALICE)) == ("tls", "TLS_CERT_UNTRUSTED")

    def test_a_certificate_that_signed_itself(self, tmp_path: Path, start_registry: Start) -> None:
        registry = start_registry(certificate=self_signed(tmp_path / "self"))
        checks = walk(registry.url, credential=ALICE)
        assert cause(checks) == ("tls", "TLS_CERT_SELF_SIGNED")

    def test_a_chain_without_its_middle(
        self, authority: CertificateAuthority, start_registry: Start
    ) -> None:
        registry = start_registry(certificate=authority.intermediate().server())
        checks = walk(registry.url, ca_file=authority.file, credential=ALICE)
        assert cause(checks) == ("tls", "TLS_CHAIN_INCOMPLETE")
        assert "intermediate" in row(checks, "tls").summary

    def test_a_protocol_of_yesterday(self, authority: CertificateAuthority) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = authority.server()
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning):
            context.maximum_version = ssl.TLSVersion.TLSv1_1

        def shake(connection: socket.socket) -> None:
            context.wrap_socket(connection, server_side=True).close()

        with listening(shake) as port:
            checks = walk(f"https://127.0.0.1:{port}", ca_file=authority.file, credential=ALICE)
        assert cause(checks) == ("tls", "TLS_PROTOCOL_OLD")

    def test_nothing_listens(self, start_registry: Start) -> None:
        gone = start_registry()
        gone.program.stop()
        assert cause(walk(gone.url, credential=ALICE)) == ("connect", "CONNECT_REFUSED")

    def test_a_port_that_never_shakes_hands(self) -> None:
        with listening(silent) as port:
            checks = walk(f"https://127.0.0.1:{port}", credential=ALICE, timeout_seconds=0.5)
        assert cause(checks) == ("tls", "TLS_FAILED")

    def test_a_port_that_never_answers(self) -> None:
        with listening(silent) as port:
            checks = walk(f"http://127.0.0.1:{port}", credential=ALICE, timeout_seconds=0.5)
        assert cause(checks) == ("http", "READ_TIMEOUT")

    def test_http_at_the_port_for_tls(self, registry: DockerRegistry) -> None:
        checks = walk(f"https://{registry.host}", credential=ALICE)
        assert cause(checks) == ("tls", "TLS_NOT_SPOKEN")

    def test_tls_at_the_port_for_http(self, tls_registry: DockerRegistry) -> None:
        checks = walk(f"http://{tls_registry.host}", credential=ALICE)
        assert cause(checks) == ("http", "TLS_EXPECTED")
        assert "https://" in row(checks, "http").remedy

    def test_a_name_that_does_not_exist(self) -> None:
        checks = walk("https://registry.invalid", credential=ALICE)
        assert cause(checks) == ("resolve", "DNS_FAILED")

    def test_a_first_address_that_is_dead(
        self, registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A listener whose queue is full drops what comes, as a host that is gone does."""
        with socket.socket() as dead, ExitStack() as stack:
            dead.bind(("127.0.0.2", registry.port))
            dead.listen(0)
            for _ in range(4):
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(("127.0.0.2", registry.port))
            resolve_to(monkeypatch, {"both": ["127.0.0.2", "127.0.0.1"]})
            checks = walk(f"http://localhost:{registry.port}", timeout_seconds=1)
        found = row(checks, "connect")
        assert (found.code, found.status) == ("CONNECT_PARTIAL", "warn")
        assert "127.0.0.2" in found.summary

    def test_a_slow_name_server(
        self, registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolve_to(monkeypatch, {"both": ["127.0.0.1"]}, seconds=1.1)
        checks = walk(f"http://localhost:{registry.port}")
        assert root_cause(checks) is None
        assert (row(checks, "resolve").code, row(checks, "resolve").status) == ("DNS_SLOW", "warn")

    def test_a_question_for_ipv6_that_nobody_answers(
        self, registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolve_to(monkeypatch, {"ipv4": ["127.0.0.1"]}, seconds=3)
        checks = walk(f"http://localhost:{registry.port}", timeout_seconds=1)
        found = row(checks, "resolve")
        assert (found.code, found.status) == ("DNS_SLOW", "warn")
        assert "IPv6 (AAAA)" in found.summary
        assert evidence(checks, "resolve")["ipv4"] == ["127.0.0.1"]


def resolve_to(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[str]], *, seconds: float = 0
) -> None:
    """Answer for the system's resolver; what has no answer takes the seconds, then has none."""
    families = {socket.AF_UNSPEC: "both", socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}

    async def getaddrinfo(host: str, port: int, *, family: int = 0, **_: object) -> list[Any]:
        found = answers.get(families[socket.AddressFamily(family)])
        if found is None or "ipv4" not in answers:
            await anyio.sleep(seconds)
        return [(0, 0, 0, "", (address, port)) for address in found or answers.get("both", [])]

    monkeypatch.setattr(anyio, "getaddrinfo", getaddrinfo)


class TestProxies:
    def through(self, monkeypatch: pytest.MonkeyPatch, port: int) -> list[CheckRow]:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:canary@127.0.0.1:{port}")
        checks = walk("https://registry.example.com", credential=ALICE, **IMAGE)
        assert "canary" not in repr(checks)
        return checks

    def test_a_proxy_that_is_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            checks = self.through(monkeypatch, free.getsockname()[1])
        assert cause(checks) == ("connect", "CONNECT_REFUSED")
        assert "proxy" in row(checks, "connect").summary

    @pytest.mark.parametrize("status", ["403 Forbidden", "407 Proxy Authentication Required"])
    def test_a_proxy_that_refuses(self, monkeypatch: pytest.MonkeyPatch, status: str) -> None:
        heard: list[bytes] = []

        def refuse(connection: socket.socket) -> None:
            heard.append(connection.recv(4096))
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

        with listening(refuse) as port:
            assert cause(self.through(monkeypatch, port)) == ("http", "PROXY_FAILED")
        assert any(head.startswith(b"CONNECT registry.example.com:443") for head in heard)
        assert ALICE.password.encode() not in b"".join(heard)

    def test_variables_that_disagree(self, registry: DockerRegistry) -> None:
        from regtools.client import ConnectionOptions
        from regtools.collect.probes.configuration import configuration
        from regtools.reference import parse_target

        environ = {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2"}
        found = configuration(parse_target(registry.url), ConnectionOptions(), environ=environ)
        assert (found.code, found.status) == ("PROXY_VARIABLES_DIFFER", "warn")


@pytest.fixture
def front(registry: DockerRegistry) -> Iterator[Front]:
    """Something in front of the registry."""
    with front_of(registry) as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[FakeRegistry]:
    """Another host, at which no credential may ever arrive."""
    with fake_registry() as running:
        running.hook = lambda _: Answer(body=b"elsewhere")
        yield running
        assert [seen.credential for seen in running.seen if seen.credential] == []


def on(path: str, answer: Answer, *, method: str = "GET") -> Callable[[Seen], Answer | None]:
    """Answer requests whose path holds a text."""
    return lambda seen: answer if path in seen.path and seen.method == method else None


class TestHttp:
    def test_a_web_page(self, front: Front) -> None:
        page = b"<!doctype html><title>Log in</title>"
        front.hook = lambda _: Answer(200, page, {"Content-Type": "text/html"})
        assert cause(walk(front.url)) == ("http", "NOT_A_REGISTRY")

    def test_a_gateway_that_finds_nobody_behind_it(self, front: Front) -> None:
        front.hook = lambda _: Answer(502, b"bad gateway")
        assert cause(walk(front.url)) == ("http", "SERVER_ERROR")

    def test_a_limit_at_the_door(self, front: Front) -> None:
        front.hook = lambda _: error(429, "TOOMANYREQUESTS", **{"Retry-After": "90"})
        checks = walk(front.url)
        assert cause(checks) == ("http", "RATE_LIMITED")
        assert evidence(checks, "http")["retry_after_seconds"] == 90
        assert len(front.seen) == 1

    def test_a_clock_that_is_wrong(self, front: Front) -> None:
        wrong = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
        headers = {"Docker-Distribution-Api-Version": "registry/2.0", "Date": wrong}
        front.hook = lambda seen: Answer(200, b"{}", headers) if seen.path == "/v2/" else None
        checks = walk(front.url)
        assert root_cause(checks) is None
        assert row(checks, "http").code == "CLOCK_SKEW"
        assert abs(evidence(checks, "http")["skew_seconds"] - 7200) < 60


class TestTokens:
    """The real registry with token authentication, and token servers with every vice."""

    def test_a_server_that_is_down(self, token_registry: DockerRegistry) -> None:
        with front_of(token_registry) as front:
            front.hook = challenged(f"http://{dead_host()}/token")
            checks = walk(front.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("token", "CONNECT_REFUSED")
        assert "token" in row(checks, "token").summary.lower()
        assert row(checks, "http").status == "ok"

    def test_a_server_that_is_slow(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.delay_seconds = 2
        checks = walk(token_registry.url, credential=ALICE, timeout_seconds=0.5, **IMAGE)
        assert cause(checks) == ("token", "READ_TIMEOUT")

    def test_a_server_that_fails(self, token_registry: DockerRegistry, tokens: TokenServer) -> None:
        tokens.fail_with = 500
        checks = walk(token_registry.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("token", "SERVER_ERROR")

    def test_an_answer_without_a_token(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.answer_fields = ("nonsense",)
        checks = walk(token_registry.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("token", "TOKEN_MALFORMED")

    def test_a_name_that_does_not_exist(self, front: Front) -> None:
        front.hook = challenged("http://tokens.invalid/token")
        checks = walk(front.url, **IMAGE)
        assert cause(checks) == ("token", "DNS_FAILED")
        assert evidence(checks, "token")["stage"] == "resolve"

    def test_a_stranger_that_asks_for_the_password(
        self, front: Front, elsewhere: FakeRegistry
    ) -> None:
        realm = elsewhere.url.replace("127.0.0.1", "localhost")
        front.hook = challenged(f"{realm}/token")
        checks = walk(front.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("challenge", "REALM_NOT_ALLOWED")

    def test_an_address_that_is_none(self, front: Front) -> None:
        front.hook = challenged("ftp://tokens.example.com/token")
        checks = walk(front.url, credential=ALICE)
        assert cause(checks) == ("challenge", "CHALLENGE_MALFORMED")

    def test_a_login_that_no_client_of_images_knows(self, front: Front) -> None:
        front.hook = lambda _: Answer(401, b"{}", {"WWW-Authenticate": "Negotiate"})
        assert cause(walk(front.url, credential=ALICE)) == ("challenge", "CHALLENGE_UNKNOWN")

    def test_a_token_for_somebody_else(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.audience = "another registry"
        checks = walk(token_registry.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("token", "TOKEN_AUDIENCE_WRONG")

    def test_a_token_that_has_ended(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.lifetime_seconds = -600
        checks = walk(token_registry.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("token", "TOKEN_EXPIRED")

    def test_a_token_that_the_registry_does_not_trust(
        self, token_registry: DockerRegistry, tokens: TokenServer, tmp_path: Path
    ) -> None:
        other = CertificateAuthority(tmp_path / "other")
        tokens.certificate = other.server("tokens.example.com", key=tokens.certificate.key)
        checks = walk(token_registry.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("token", "TOKEN_NOT_ACCEPTED")

    def test_fewer_scopes_than_asked_for(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.grant = lambda user, kind, name: set()
        checks = walk(token_registry.url, credential=ALICE, **IMAGE)
        assert cause(checks) == ("token", "SCOPE_NOT_GRANTED")
        assert evidence(checks, "token")["granted"] == []

    def test_a_token_in_spite_of_a_wrong_password(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.accepts_wrong_passwords = True
        checks = walk(token_registry.url, credential=MALLORY, **IMAGE)
        assert cause(checks) == ("token", "TOKEN_FOR_NOBODY")

    def test_a_clock_that_is_wrong(
        self, token_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from regtools.collect.probes import token

        monkeypatch.setattr(token, "SKEW_SECONDS", -1.0)
        found = row(walk(token_registry.url, credential=ALICE, **IMAGE), "token")
        assert (found.code, found.status) == ("TOKEN_CLOCK_SKEW", "warn")


def challenged(realm: str) -> Callable[[Seen], Answer | None]:
    """Challenge every request that shows no token."""
    header = {"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'}

    def answer(seen: Seen) -> Answer | None:
        return None if seen.credential.startswith("Bearer") else Answer(401, b"{}", header)

    return answer


def dead_host() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


class TestCredentials:
    def test_a_wrong_password(self, htpasswd_registry: DockerRegistry) -> None:
        checks = walk(htpasswd_registry.url, credential=MALLORY, **IMAGE)
        assert cause(checks) == ("auth", "AUTH_REFUSED")

    def test_a_wrong_password_at_the_token_server(self, token_registry: DockerRegistry) -> None:
        checks = walk(token_registry.url, credential=MALLORY, **IMAGE)
        assert cause(checks) == ("auth", "AUTH_REFUSED")

    @pytest.mark.parametrize("name", ["htpasswd_registry", "token_registry"])
    def test_none_where_one_is_wanted(self, request: pytest.FixtureRequest, name: str) -> None:
        registry: DockerRegistry = request.getfixturevalue(name)
        assert cause(walk(registry.url))[1] == "AUTH_REQUIRED"

    @pytest.mark.parametrize("name", ["htpasswd_registry", "token_registry"])
    def test_none_for_a_private_image(self, request: pytest.FixtureRequest, name: str) -> None:
        registry: DockerRegistry = request.getfixturevalue(name)
        assert cause(walk(registry.url, **IMAGE)) == ("auth", "AUTH_REQUIRED")

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            (f"{USERS['alice']}\n", "CREDENTIAL_WHITESPACE"),
            ("YWxpY2U6c2VjcmV0LXBhc3N3b3Jk", "CREDENTIAL_ENCODED"),
        ],
    )
    def test_a_password_that_looks_wrong(
        self, htpasswd_registry: DockerRegistry, password: str, code: str
    ) -> None:
        credential = Credential(username="alice", password=password, source="a file")
        checks = walk(htpasswd_registry.url, credential=credential, **IMAGE)
        assert row(checks, "credentials").code == code
        assert cause(checks) == ("auth", "AUTH_REFUSED")
        assert password.strip() not in repr(checks)

    def test_a_key_that_docker_does_not_look_for(self, htpasswd_registry: DockerRegistry) -> None:
        credential = Credential(
            username="alice",
            password=MALLORY.password,
            source="Docker config",
            odd_key="docker.io",
        )
        checks = walk(htpasswd_registry.url, credential=credential, **IMAGE)
        assert row(checks, "credentials").code == "CREDENTIALS_KEY_WRONG"
        assert "https://index.docker.io/v1/" in row(checks, "credentials").remedy
        assert cause(checks) == ("auth", "AUTH_REFUSED")

    def test_a_listing_that_is_closed(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.grant = lambda user, kind, name: {"pull"} if kind == "repository" else set()
        assert cause(walk(token_registry.url, credential=ALICE)) == ("listing", "LISTING_DENIED")

    def test_a_push_that_is_not_allowed(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.grant = lambda user, kind, name: {"pull"} if kind == "repository" else set()
        checks = walk(token_registry.url, credential=ALICE, push=True, **IMAGE)
        assert cause(checks) == ("push", "PUSH_NOT_GRANTED")
        tokens.grant = lambda user, kind, name: {"pull", "push"}
        checks = walk(token_registry.url, credential=ALICE, push=True, **IMAGE)
        assert row(checks, "push").code == "PUSH_GRANTED"


class TestImages:
    def test_a_tag_that_is_misspelt(self, registry: DockerRegistry) -> None:
        checks = walk(registry.url, repository="team/api", reference="lates")
        assert cause(checks) == ("manifest", "TAG_NOT_FOUND")
        assert evidence(checks, "manifest")["near"][0] == "latest"

    def test_a_repository_that_is_misspelt(self, registry: DockerRegistry) -> None:
        checks = walk(registry.url, repository="team/apo", reference="latest")
        assert cause(checks) == ("manifest", "REPOSITORY_NOT_FOUND")
        assert "team/api" in evidence(checks, "manifest")["near"]

    def test_a_digest_that_is_not_there(self, registry: DockerRegistry) -> None:
        checks = walk(registry.url, repository="team/api", reference=f"sha256:{'0' * 64}")
        assert cause(checks) == ("manifest", "MANIFEST_NOT_FOUND")

    def test_a_platform_that_is_missing(self, registry: DockerRegistry) -> None:
        checks = walk(registry.url, platform="windows/arm64", repository=REPOSITORY, reference=TAG)
        assert cause(checks) == ("manifest", "PLATFORM_MISSING")
        checks = walk(registry.url, platform="windows/arm64", **IMAGE)
        assert cause(checks) == ("manifest", "PLATFORM_MISSING")

    def test_a_tag_without_its_manifest(self, front: Front) -> None:
        front.hook = on("/manifests/latest", error(404, "MANIFEST_UNKNOWN"))
        assert cause(walk(front.url, **IMAGE)) == ("manifest", "MANIFEST_MISSING")

    def test_an_index_without_its_child(self, front: Front) -> None:
        front.hook = on("/manifests/sha256:", error(404, "MANIFEST_UNKNOWN"))
        checks = walk(front.url, repository=REPOSITORY, reference=TAG)
        assert cause(checks) == ("manifest", "INDEX_CHILD_MISSING")

    def test_a_manifest_that_was_changed_on_the_way(self, front: Front) -> None:
        def change(seen: Seen) -> Answer | None:
            if "/manifests/" not in seen.path:
                return None
            answer = front._content(seen)
            return Answer(answer.status, answer.body + b" ", answer.headers)

        front.hook = change
        assert cause(walk(front.url, **IMAGE)) == ("manifest", "DIGEST_MISMATCH")

    def test_an_image_that_this_user_may_not_read(self, front: Front) -> None:
        front.hook = on("/manifests/", error(403, "DENIED"))
        assert cause(walk(front.url, **IMAGE)) == ("manifest", "DENIED")

    @pytest.mark.parametrize(
        ("headers", "code"),
        [
            ({"Retry-After": "120"}, "RATE_LIMITED"),
            ({"Retry-After": "later"}, "RATE_LIMITED"),
            ({"X-Retry-After": "EPOCH"}, "RATE_LIMITED"),
            ({"Retry-After": "DATE"}, "RATE_LIMITED"),
            (
                {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "0;w=21600"},
                "QUOTA_USED_UP",
            ),
        ],
    )
    def test_a_limit_in_each_form(self, front: Front, headers: dict[str, str], code: str) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=120)
        told = {
            name: {
                "EPOCH": str(int(soon.timestamp())),
                "DATE": format_datetime(soon, usegmt=True),
            }.get(value, value)
            for name, value in headers.items()
        }
        front.hook = on("/manifests/", error(429, "TOOMANYREQUESTS", **told))
        checks = walk(front.url, **IMAGE)
        assert cause(checks) == ("manifest", code)
        shown = evidence(checks, "manifest")
        if code == "RATE_LIMITED" and "later" not in headers.values():
            assert 115 <= shown["retry_after_seconds"] <= 121
            assert abs(datetime.fromisoformat(shown["ends_at"]) - soon) < timedelta(seconds=5)


class TestLayers:
    def redirected(self, front: Front, location: str) -> list[CheckRow]:
        """Send whoever asks for a blob elsewhere, as registries with object storage do."""
        front.users = {}
        answer = Answer(307, b"", {"Location": location})
        front.hook = lambda seen: answer if "/blobs/" in seen.path else None
        return walk(front.url, timeout_seconds=1, **IMAGE)

    def test_a_layer_that_is_gone(self, front: Front) -> None:
        front.hook = lambda seen: error(404, "BLOB_UNKNOWN") if "/blobs/" in seen.path else None
        assert cause(walk(front.url, **IMAGE)) == ("blob", "BLOB_MISSING")

    def test_a_layer_of_another_size(self, front: Front) -> None:
        front.hook = lambda seen: Answer(200, b"x") if "/blobs/" in seen.path else None
        assert cause(walk(front.url, **IMAGE)) == ("blob", "BLOB_SIZE_WRONG")

    def test_storage_at_a_dead_port(self, front: Front) -> None:
        checks = self.redirected(front, f"http://{dead_host()}/blob?signature=canary")
        assert cause(checks) == ("blob", "CONNECT_REFUSED")
        assert "canary" not in repr(checks)

    def test_storage_at_a_name_that_does_not_exist(self, front: Front) -> None:
        checks = self.redirected(front, "http://cdn.invalid/blob?signature=canary")
        assert cause(checks) == ("blob", "DNS_FAILED")
        assert "cdn.invalid" in row(checks, "blob").remedy

    def test_storage_that_never_answers(self, front: Front) -> None:
        with listening(silent) as port:
            checks = self.redirected(front, f"http://127.0.0.1:{port}/blob")
        assert cause(checks) == ("blob", "READ_TIMEOUT")

    def test_storage_with_a_certificate_that_nobody_trusts(
        self, front: Front, authority: CertificateAuthority
    ) -> None:
        with fake_registry(certificate=authority.server()) as storage:
            checks = self.redirected(front, f"{storage.url}/blob")
            assert storage.seen == []
        assert cause(checks) == ("blob", "TLS_CERT_UNTRUSTED")

    def test_storage_that_refuses(self, front: Front, elsewhere: FakeRegistry) -> None:
        elsewhere.hook = lambda _: Answer(403, b"<Error>SignatureDoesNotMatch</Error>")
        assert cause(self.redirected(front, f"{elsewhere.url}/blob"))[0] == "blob"

    def test_a_way_out_of_tls(
        self, registry: DockerRegistry, authority: CertificateAuthority, elsewhere: FakeRegistry
    ) -> None:
        with front_of(registry, certificate=authority.server()) as front:
            answer = Answer(307, b"", {"Location": f"{elsewhere.url}/blob"})
            front.hook = lambda seen: answer if "/blobs/" in seen.path else None
            checks = walk(front.url, ca_file=authority.file, **IMAGE)
        assert cause(checks) == ("blob", "REDIRECT_INSECURE")
        assert elsewhere.seen == []

    def test_a_way_in_circles(self, front: Front) -> None:
        front.hook = lambda seen: (
            Answer(307, b"", {"Location": seen.path}) if "/blobs/" in seen.path else None
        )
        assert cause(walk(front.url, **IMAGE)) == ("blob", "REDIRECT_LOOP")

    def test_the_credential_stays_with_the_registry(
        self, htpasswd_registry: DockerRegistry, elsewhere: FakeRegistry
    ) -> None:
        """The fixture looks at every request that the other host got."""
        with front_of(htpasswd_registry) as front:
            answer = Answer(307, b"", {"Location": f"{elsewhere.url}/blob"})
            front.hook = lambda seen: answer if "/blobs/" in seen.path else None
            walk(front.url, credential=ALICE, **IMAGE)
        assert elsewhere.seen
        assert any(seen.credential for seen in front.seen)

    @pytest.mark.parametrize("kept", [1, 1000])
    def test_a_connection_that_is_cut_in_a_layer(self, front: Front, kept: int) -> None:
        def cut(seen: Seen) -> Answer | None:
            whole = front._content(seen)
            if "/blobs/" not in seen.path or seen.method != "GET" or len(whole.body) <= kept:
                return None
            headers = {**whole.headers, "Content-Length": str(len(whole.body))}
            return Answer(whole.status, whole.body[:kept], headers)

        front.hook = cut
        assert cause(walk(front.url, **IMAGE)) == ("throughput", "CONNECTION_CUT")

    def test_a_layer_that_ends_too_soon(self, front: Front) -> None:
        def short(seen: Seen) -> Answer | None:
            whole = front._content(seen)
            if "/blobs/" not in seen.path or seen.method != "GET" or len(whole.body) < 2:
                return None
            return Answer(whole.status, whole.body[:-1], whole.headers)

        front.hook = short
        assert cause(walk(front.url, **IMAGE)) == ("throughput", "BLOB_CUT")


class TestTwoAtOnce:
    """The earlier one is the cause."""

    def test_an_expired_certificate_and_a_wrong_password(
        self, authority: CertificateAuthority, start_registry: Start
    ) -> None:
        registry = start_registry(certificate=authority.server(days=-2, age_days=30))
        checks = walk(registry.url, ca_file=authority.file, credential=MALLORY, **IMAGE)
        assert cause(checks) == ("tls", "TLS_CERT_EXPIRED")

    def test_a_token_server_that_fails_and_a_tag_that_is_missing(
        self, token_registry: DockerRegistry, tokens: TokenServer
    ) -> None:
        tokens.fail_with = 503
        checks = walk(token_registry.url, credential=ALICE, repository="team/api", reference="none")
        assert cause(checks) == ("token", "SERVER_ERROR")

    def test_a_wrong_password_and_dead_storage(self, htpasswd_registry: DockerRegistry) -> None:
        with front_of(htpasswd_registry) as front:
            answer = Answer(307, b"", {"Location": f"http://{dead_host()}/blob"})
            front.hook = lambda seen: answer if "/blobs/" in seen.path else None
            checks = walk(front.url, credential=MALLORY, **IMAGE)
        assert cause(checks) == ("auth", "AUTH_REFUSED")

    def test_a_missing_tag_and_a_full_disk(self, registry: DockerRegistry, tmp_path: Path) -> None:
        checks = walk(
            registry.url, repository="team/api", reference="none", folder=tmp_path / "none"
        )
        assert cause(checks) == ("manifest", "TAG_NOT_FOUND")


def test_a_healthy_image_costs_few_requests_and_little_time(
    token_registry: DockerRegistry, tokens: TokenServer, corpus: Corpus
) -> None:
    """At most twelve requests plus the sample of blobs, those for tokens counted."""
    token_registry.requests()
    started = time.perf_counter()
    checks = walk(token_registry.url, credential=ALICE, repository=REPOSITORY, reference=TAG)
    seconds = time.perf_counter() - started
    assert root_cause(checks) is None
    asked = token_registry.requests()
    sample = [one for one in asked if "/blobs/" in one.path and one.method == "GET"]
    assert len(asked) - len(sample) + tokens.requests <= 12
    assert {one.method for one in asked} <= {"GET", "HEAD"}
    assert seconds < 20, "a bound against hanging; the speed is in benchmarks/"
