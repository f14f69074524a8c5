"""What real registries, proxies and networks do wrong, and what must not come of it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.client.conftest import Ask, all_of
from tests.support.certificates import CertificateAuthority
from tests.support.fake_registry import (
    CONFIG,
    LAYER,
    MANIFEST,
    MANIFEST_TYPE,
    Answer,
    FakeRegistry,
    Seen,
    digest_of,
    error,
    fake_registry,
)
from tests.support.push import Blob
from tests.support.schema1 import SCHEMA1_SIGNED, signed_manifest

from regtools.client import ConnectionOptions, Distribution
from regtools.credentials import Credential
from regtools.errors import (
    MalformedAnswerError,
    RateLimitedError,
    RegtoolsError,
    UnauthorizedError,
    UnreachableError,
    UnsupportedError,
)
from regtools.manifest import Descriptor

SECRET = "canary-5ecret"
ME = Credential(username="me", password=SECRET, source="the test")
BASIC = f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}"
CONFIG_DESCRIPTOR = Descriptor(media_type="x", digest=digest_of(CONFIG), size=len(CONFIG))  # type: ignore[arg-type]


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a raw server: each connection in a thread of its own."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    open_sockets: list[socket.socket] = []

    def one(connection: socket.socket) -> None:
        with suppress(OSError):
            serve(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            open_sockets.append(connection)
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in open_sockets:
            connection.close()
        thread.join(5)


def token_dance(fake: FakeRegistry, realm: str, **fields: Any) -> list[Seen]:
    """Make a registry ask for tokens; give the list of requests that reached its token server."""
    asked: list[Seen] = []

    def hook(seen: Seen) -> Answer | None:
        if seen.path.startswith("/token"):
            asked.append(seen)
            return Answer(body=json.dumps({"token": f"t{len(asked)}", **fields}).encode())
        if not seen.credential.startswith("Bearer t"):
            return Answer(401, b"", {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})
        return None

    fake.hook = hook
    return asked


# Secrets, and where they go


def test_no_cookie_ever_comes_back(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda seen: (
        Answer(body=b"{}", headers={"Set-Cookie": "session=1; Path=/"})
        if seen.path == "/v2/"
        else None
    )

    async def work(registry: Distribution) -> None:
        await registry.ping()
        await all_of(registry.repositories())

    ask(fake.url, work)
    assert [seen.headers.get("cookie") for seen in fake.seen] == [None, None]


def test_netrc_is_not_read(
    fake: FakeRegistry, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    ask(fake.url, lambda r: r.ping())
    assert fake.seen[0].credential == ""


def test_public_content_is_read_where_the_realm_may_not_see_the_credential(ask: Ask) -> None:
    with fake_registry() as fake, fake_registry() as elsewhere:
        realm = elsewhere.url.replace("127.0.0.1", "localhost.localdomain.example") + "/token"
        asked = token_dance(fake, realm)
        elsewhere.hook = lambda seen: Answer(body=b'{"token": "t1"}')
        with pytest.raises(RegtoolsError) as caught:
            ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=ME)
        # The name does not resolve: an anonymous request was tried, and nothing else.
        assert caught.value.code == "DNS_FAILED"
        assert not asked
        assert all(SECRET not in str(seen.headers) for seen in fake.seen)


def test_a_manifest_elsewhere_is_fetched_without_the_credential(ask: Ask) -> None:
    # registry.k8s.io sends manifests to regional registries.
    with fake_registry() as fake, fake_registry() as elsewhere:
        fake.users = {"me": SECRET}
        location = elsewhere.url + "/v2/team/app/manifests/1.0"

        def hook(seen: Seen) -> Answer | None:
            if "/manifests/" in seen.path and seen.credential:
                return Answer(307, b"", {"Location": location})
            return None

        fake.hook = hook
        manifest = ask(fake.url, lambda r: r.manifest("team/app", "1.0"), credential=ME)
        assert manifest.digest == digest_of(MANIFEST)
        assert [seen.credential for seen in elsewhere.seen] == [""]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://u:p@127.0.0.1:1/", ""])
def test_a_redirect_to_nowhere_sensible_is_refused(
    fake: FakeRegistry, ask: Ask, location: str
) -> None:
    fake.hook = lambda seen: Answer(307, b"", {"Location": location})
    with pytest.raises(MalformedAnswerError):
        ask(fake.url, lambda r: r.image_config("team/app", CONFIG_DESCRIPTOR))


def test_a_registry_that_repeats_our_password_is_not_quoted(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda seen: error(403, "DENIED", f"no entry for me:{SECRET}")
    with pytest.raises(RegtoolsError) as caught:
        ask(fake.url, lambda r: all_of(r.repositories()), credential=ME)
    assert SECRET not in caught.value.summary


def test_a_signed_address_in_a_message_is_cut(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda seen: error(
        400, "UNKNOWN", "cannot read https://bucket.example/b?X-Amz-Signature=canary now"
    )
    with pytest.raises(RegtoolsError) as caught:
        ask(fake.url, lambda r: r.manifest("team/app", "1.0"))
    assert "canary" not in caught.value.summary


def test_the_token_server_sees_who_we_are_but_compresses_nothing(
    fake: FakeRegistry, ask: Ask
) -> None:
    (seen,) = _token_requests(fake, ask)
    assert seen.headers["user-agent"].startswith("regtools/")
    assert seen.headers.get("accept-encoding") == "identity"


def _token_requests(fake: FakeRegistry, ask: Ask) -> list[Seen]:
    asked = token_dance(fake, fake.url + "/token")
    ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=ME)
    return asked


# Tokens


def test_many_requests_for_one_token_wait_for_the_first(fake: FakeRegistry, ask: Ask) -> None:
    asked = token_dance(fake, fake.url + "/token")

    async def work(registry: Distribution) -> None:
        await asyncio.gather(*(registry.manifest("team/app", "1.0") for _ in range(20)))

    ask(fake.url, work, credential=ME)
    assert len(asked) == 1


def test_one_connection_is_enough_for_tasks_that_all_need_a_token(
    fake: FakeRegistry, ask: Ask
) -> None:
    asked = token_dance(fake, fake.url + "/token")

    async def work(registry: Distribution) -> None:
        await asyncio.gather(*(registry.manifest("team/app", "1.0") for _ in range(10)))

    options = ConnectionOptions(connections=1, timeout_seconds=5)
    ask(fake.url, work, credential=ME, options=options)
    assert len(asked) == 1


def test_a_wrong_password_is_not_tried_for_each_waiting_task(fake: FakeRegistry, ask: Ask) -> None:
    asked: list[Seen] = []

    def hook(seen: Seen) -> Answer | None:
        if seen.path.startswith("/token"):
            asked.append(seen)
            return error(401, "UNAUTHORIZED")
        challenge = f'Bearer realm="{fake.url}/token",service="s"'
        return Answer(401, b"", {"WWW-Authenticate": challenge})

    fake.hook = hook

    async def work(registry: Distribution) -> list[Any]:
        tasks = (registry.manifest("team/app", "1.0") for _ in range(20))
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = ask(fake.url, work, credential=ME)
    assert {type(result) for result in results} == {UnauthorizedError}
    assert len(asked) == 1


def test_a_second_repository_costs_one_token_and_no_second_challenge(
    fake: FakeRegistry, ask: Ask
) -> None:
    fake.repositories["team/other"] = ["1.0"]

    def hook(seen: Seen) -> Answer | None:
        if seen.path.startswith("/token"):
            (asked,) = parse_qs(urlsplit(seen.path).query)["scope"]
            return Answer(body=json.dumps({"token": asked}).encode())
        name = seen.path.removeprefix("/v2/").partition("/tags")[0]
        scope = f"repository:{name}:pull"
        if seen.credential != f"Bearer {scope}":
            challenge = f'Bearer realm="{fake.url}/token",service="s",scope="{scope}"'
            return Answer(401, b"", {"WWW-Authenticate": challenge})
        return None

    fake.hook = hook

    async def work(registry: Distribution) -> int:
        await all_of(registry.tags("team/app"))
        before = registry.requests
        await all_of(registry.tags("team/other"))
        return registry.requests - before

    assert ask(fake.url, work, credential=ME) == 2


@pytest.mark.parametrize("status", [404, 405])
def test_a_token_server_without_oauth2_is_asked_by_get(
    fake: FakeRegistry, ask: Ask, status: int
) -> None:
    methods: list[str] = []

    def hook(seen: Seen) -> Answer | None:
        if seen.path.startswith("/token"):
            methods.append(seen.method)
            return Answer(status) if seen.method == "POST" else Answer(body=b'{"token": "x"}')
        if seen.credential != "Bearer x":
            challenge = f'Bearer realm="{fake.url}/token"'
            return Answer(401, b"", {"WWW-Authenticate": challenge})
        return None

    fake.hook = hook
    me = Credential(username="<token>", identity_token=SECRET, source="the test")
    assert ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=me)
    assert methods == ["POST", "GET"]


# Listings


def test_a_name_on_two_pages_is_given_once(fake: FakeRegistry, ask: Ask) -> None:
    pages = {"a": (["a", "b"], "b"), "b": (["b", "c"], None)}

    def hook(seen: Seen) -> Answer:
        names, following = pages["b" if "last=b" in seen.path else "a"]
        link = {"Link": '</v2/_catalog?last=b>; rel="next"'} if following else {}
        return Answer(body=json.dumps({"repositories": names}).encode(), headers=link)

    fake.hook = hook
    assert ask(fake.url, lambda r: all_of(r.repositories())) == ["a", "b", "c"]


@pytest.mark.parametrize("names", [[["a"], ["b"]], [[]], [["a", "b"]]])
def test_a_listing_that_goes_in_circles_under_new_addresses_ends(
    fake: FakeRegistry, ask: Ask, names: list[list[str]]
) -> None:
    def hook(seen: Seen) -> Answer | None:
        number = len(fake.seen)
        if number > 200:
            return Answer(500)
        body = json.dumps({"repositories": names[number % len(names)]}).encode()
        return Answer(body=body, headers={"Link": f'</v2/_catalog?p={number}>; rel="next"'})

    fake.hook = hook
    with pytest.raises(MalformedAnswerError) as caught:
        ask(fake.url, lambda r: all_of(r.repositories()))
    assert caught.value.code == "PAGE_REPEATED"
    assert len(fake.seen) < 50


def test_a_name_with_dots_is_left_out_and_said(fake: FakeRegistry, ask: Ask) -> None:
    fake.repositories = {"../../etc": [], "good": [], "a/../b": [], "x\x1b[31m": []}

    async def work(registry: Distribution) -> list[str]:
        names = await all_of(registry.repositories())
        assert len(registry.warnings) == 3
        assert all(warning.isprintable() for warning in registry.warnings)
        return names

    assert ask(fake.url, work) == ["good"]


def test_warnings_are_bounded(fake: FakeRegistry, ask: Ask) -> None:
    fake.repositories = {f"../{n}": [] for n in range(5000)}

    async def work(registry: Distribution) -> int:
        await all_of(registry.repositories())
        return len(registry.warnings)

    assert ask(fake.url, work) <= 1000


# Content


def test_a_digest_that_cannot_be_checked_is_refused(fake: FakeRegistry, ask: Ask) -> None:
    headers = {"Content-Type": MANIFEST_TYPE, "Docker-Content-Digest": "blake3:" + "a" * 64}
    fake.hook = lambda seen: Answer(body=MANIFEST, headers=headers)
    with pytest.raises(UnsupportedError):
        ask(fake.url, lambda r: r.manifest("team/app", "1.0"))


def test_sha512_is_a_digest_like_any_other(fake: FakeRegistry, ask: Ask) -> None:
    digest = f"sha512:{hashlib.sha512(MANIFEST).hexdigest()}"
    headers = {"Content-Type": MANIFEST_TYPE, "Docker-Content-Digest": digest}
    fake.hook = lambda seen: Answer(body=MANIFEST, headers=headers)
    assert ask(fake.url, lambda r: r.manifest("team/app", "1.0")).digest == digest


def _schema1(told: str | None = None) -> tuple[str, Answer]:
    layer = Blob(data=b"layer", media_type="x")
    blob, digest = signed_manifest("team/app", "1.0", [layer], datetime(2016, 1, 1, tzinfo=UTC))
    headers = {"Content-Type": SCHEMA1_SIGNED}
    if told != "":
        headers["Docker-Content-Digest"] = told or digest
    return digest, Answer(body=blob.data, headers=headers)


@pytest.mark.parametrize("told", [None, ""])
def test_a_signed_manifest_has_the_digest_of_what_was_signed(
    fake: FakeRegistry, ask: Ask, told: str | None
) -> None:
    digest, answer = _schema1(told)
    fake.hook = lambda seen: answer
    assert ask(fake.url, lambda r: r.manifest("team/app", "1.0")).digest == digest


def test_a_signed_manifest_with_a_wrong_digest_is_refused(fake: FakeRegistry, ask: Ask) -> None:
    _, answer = _schema1("sha256:" + "0" * 64)
    fake.hook = lambda seen: answer
    with pytest.raises(MalformedAnswerError) as caught:
        ask(fake.url, lambda r: r.manifest("team/app", "1.0"))
    assert caught.value.code == "DIGEST_MISMATCH"


def test_what_comes_compressed_though_nobody_asked_is_no_bomb(fake: FakeRegistry, ask: Ask) -> None:
    bomb = gzip.compress(b" " * (256 * 2**20))
    fake.hook = lambda seen: Answer(body=bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(MalformedAnswerError):
        ask(fake.url, lambda r: all_of(r.repositories()))


def test_bytes_with_a_stray_encoding_header_are_taken_as_they_are(
    fake: FakeRegistry, ask: Ask
) -> None:
    # MinIO and others hand out the header that an upload came with.
    headers = {"Content-Encoding": "aws-chunked"}
    fake.hook = lambda seen: (
        Answer(body=CONFIG, headers=headers) if "/blobs/" in seen.path else None
    )
    config = ask(fake.url, lambda r: r.image_config("team/app", CONFIG_DESCRIPTOR))
    assert config.platform == "linux/amd64"


def test_the_size_of_a_blob_is_told_by_one_byte_where_head_is_not(
    fake: FakeRegistry, ask: Ask
) -> None:
    def hook(seen: Seen) -> Answer | None:
        if seen.method == "HEAD":
            return Answer(405)
        assert seen.headers["range"] == "bytes=0-0"
        return Answer(206, b"x", {"Content-Range": "bytes 0-0/123456789"})

    fake.hook = hook
    assert ask(fake.url, lambda r: r.blob_size("team/app", digest_of(LAYER))) == 123456789


def test_an_empty_blob_has_a_size_too(fake: FakeRegistry, ask: Ask) -> None:
    def hook(seen: Seen) -> Answer | None:
        if seen.method == "HEAD":
            return Answer(307, b"", {"Location": "/storage"})
        return Answer(416, b"", {"Content-Range": "bytes */0"})

    fake.hook = hook
    assert ask(fake.url, lambda r: r.blob_size("team/app", digest_of(b""))) == 0


# Networks and time


def test_an_answer_that_drips_forever_ends(ask: Ask) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            connection.sendall(b"[")
            time.sleep(0.02)

    with listening(drip) as host:
        started = time.monotonic()
        with pytest.raises(UnreachableError) as caught:
            options = ConnectionOptions(timeout_seconds=0.3)
            ask(f"http://{host}", lambda r: r.ping(), options=options)
    assert caught.value.code == "READ_TIMEOUT"
    assert time.monotonic() - started < 4


def test_headers_that_drip_forever_end(ask: Ask) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            connection.sendall(b"a")
            time.sleep(0.02)

    with listening(drip) as host:
        started = time.monotonic()
        with pytest.raises(UnreachableError) as caught:
            options = ConnectionOptions(timeout_seconds=0.3)
            ask(f"http://{host}", lambda r: r.ping(), options=options)
    assert caught.value.code == "READ_TIMEOUT"
    assert time.monotonic() - started < 4


def test_a_handshake_that_never_finishes_ends(ask: Ask) -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with listening(silent) as host:
        started = time.monotonic()
        with pytest.raises(UnreachableError) as caught:
            options = ConnectionOptions(timeout_seconds=0.3)
            ask(f"https://{host}", lambda r: r.ping(), options=options)
    assert caught.value.code in ("CONNECT_TIMEOUT", "TLS_FAILED")
    assert time.monotonic() - started < 4


def test_a_refusal_without_end_is_cut(ask: Ask) -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(
            b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nConnection: close\r\n\r\n'
        )
        while True:
            connection.sendall(b"a" * 65536)

    with listening(endless) as host, pytest.raises(UnauthorizedError) as caught:
        ask(f"http://{host}", lambda r: all_of(r.repositories()), credential=ME)
    assert len(caught.value.summary) < 1000


def test_plain_http_to_a_tls_port_says_https(ask: Ask, authority: CertificateAuthority) -> None:
    with fake_registry(certificate=authority.server()) as fake:
        host = fake.host
        with pytest.raises(RegtoolsError) as caught:
            ask(f"http://{host}", lambda r: r.ping())
    assert f"https://{host}" in caught.value.remedy


def test_requests_are_those_that_went_out(ask: Ask, authority: CertificateAuthority) -> None:
    with fake_registry(certificate=authority.server()) as fake:
        options = ConnectionOptions(ca_file=authority.file, timeout_seconds=5)

        async def work(registry: Distribution) -> int:
            await all_of(registry.repositories())
            await registry.manifest("team/app", "1.0")
            return registry.requests

        assert ask(fake.host, work, options=options) == len(fake.seen) == 2


def test_plain_http_on_loopback_counts_no_request_for_the_attempt_with_tls(
    fake: FakeRegistry, ask: Ask
) -> None:
    async def work(registry: Distribution) -> int:
        await all_of(registry.repositories())
        return registry.requests

    assert ask(fake.host, work) == 1


def test_what_was_not_sent_is_not_counted(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def work(registry: Distribution) -> int:
        with pytest.raises(UnreachableError) as caught:
            await registry.ping()
        assert caught.value.code == "CONNECT_REFUSED"
        return registry.requests

    assert ask(f"http://127.0.0.1:{port}", work) == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_gets_its_password_and_nobody_else_does(
    fake: FakeRegistry, ask: Ask, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    fake.hook = lambda seen: Answer(407) if seen.method == "CONNECT" else None
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://u:{SECRET}@{fake.host}")
    try:
        ask(f"{scheme}://registry.example", lambda r: r.ping())
    except UnreachableError as error:
        assert error.code == "PROXY_FAILED"
        assert SECRET not in f"{error.summary}{error.remedy}"
    pair = base64.b64encode(f"u:{SECRET}".encode()).decode()
    assert fake.seen[0].headers.get("proxy-authorization") == f"Basic {pair}"


def test_no_proxy_knows_networks(
    ask: Ask, fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", fake.url)
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,192.0.2.0/24")
    options = ConnectionOptions(timeout_seconds=0.2)
    with pytest.raises(UnreachableError):
        ask("http://192.0.2.1:5000", lambda r: r.ping(), options=options)
    assert fake.seen == []


def test_the_wait_asked_for_is_told_where_it_is_too_long(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda seen: error(429, "TOOMANYREQUESTS", **{"Retry-After": "3600"})
    with pytest.raises(RateLimitedError) as caught:
        ask(fake.url, lambda r: r.ping())
    assert caught.value.retry_after == 3600
    assert len(fake.seen) == 1


def test_waits_are_bounded_all_together(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda seen: error(429, "TOOMANYREQUESTS", **{"Retry-After": "40"})
    with pytest.raises(RateLimitedError):
        ask(fake.url, lambda r: r.ping())
    assert len(fake.seen) == 2


def test_a_used_up_quota_is_not_asked_again(fake: FakeRegistry, ask: Ask) -> None:
    fake.hook = lambda seen: error(429, "TOOMANYREQUESTS", **{"RateLimit-Remaining": "0;w=21600"})
    with pytest.raises(RateLimitedError) as caught:
        ask(fake.url, lambda r: r.ping())
    assert len(fake.seen) == 1
    assert caught.value.code == "QUOTA_USED_UP"
    assert "log in" in caught.value.remedy


def test_docker_hubs_words_tell_a_used_up_quota_where_no_header_does(
    fake: FakeRegistry, ask: Ask
) -> None:
    words = "You have reached your pull rate limit. You may increase the limit by authenticating"
    fake.hook = lambda seen: error(429, "TOOMANYREQUESTS", words)
    with pytest.raises(RateLimitedError) as caught:
        ask(fake.url, lambda r: r.ping())
    assert len(fake.seen) == 1
    assert "log in" in caught.value.remedy


def test_a_guard_against_abuse_is_no_quota(fake: FakeRegistry, ask: Ask) -> None:
    """Docker Hub's is plain text without any header: less at once helps, an account does not."""
    told = {"Content-Type": "text/plain", "Retry-After": "0"}
    fake.hook = lambda seen: Answer(
        429, b"Too Many Requests", told if len(fake.seen) < 3 else {"Content-Type": "text/plain"}
    )
    with pytest.raises(RateLimitedError) as caught:
        ask(fake.url, lambda r: r.ping())
    assert caught.value.code == "RATE_LIMITED"
    assert "--connections" in caught.value.remedy
    assert "log in" not in caught.value.remedy
    assert len(fake.seen) > 1


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Retry-After": "3600"}, "no"),
        ({}, "You have exceeded a secondary rate limit. Please wait a few minutes"),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}, "no"),
    ],
)
def test_a_403_that_means_later_is_no_refusal(
    fake: FakeRegistry, ask: Ask, headers: dict[str, str], words: str
) -> None:
    fake.hook = lambda seen: error(403, "DENIED", words, **headers)
    with pytest.raises(RateLimitedError):
        ask(fake.url, lambda r: r.ping())


def test_an_expired_password_that_is_called_denied_is_called_expired(
    fake: FakeRegistry, ask: Ask
) -> None:
    text = b"Your authorization token has expired. Reauthenticate and try again."
    fake.hook = lambda seen: Answer(403, text, {"Content-Type": "text/plain"})
    with pytest.raises(RegtoolsError) as caught:
        ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=ME)
    assert "new one" in caught.value.remedy


@pytest.mark.parametrize(
    "header", ['299 - "move \\"soon\\""', '299 registry.example "move soon" "Mon, 01 Jan"']
)
def test_warnings_of_every_shape_are_shown(fake: FakeRegistry, ask: Ask, header: str) -> None:
    fake.hook = lambda seen: Answer(body=b"{}", headers={"Warning": header})

    async def work(registry: Distribution) -> str:
        await registry.ping()
        return "".join(registry.warnings)

    assert ask(fake.url, work).startswith("move ")
