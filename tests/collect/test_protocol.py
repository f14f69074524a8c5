"""What a registry can do of the protocol: of a real one, and of ones that do it otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from tests.support.certificates import CertificateAuthority
from tests.support.docker_registry import USERS, DockerRegistry
from tests.support.fake_registry import (
    LAYER,
    MANIFEST_TYPE,
    Answer,
    FakeRegistry,
    Seen,
    digest_of,
    error,
    fake_registry,
)
from tests.support.token_server import TokenServer

import regtools as rt
from regtools.access import Options
from regtools.collect.protocol import MAX_REQUESTS, Capabilities
from regtools.collect.protocol.capability import MATTERS
from regtools.errors import MalformedAnswerError, UnauthorizedError, UnreachableError

SECRET = USERS["alice"]


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as running:
        running.repositories = {"team/app": ["1.0", "2.0", "latest"], "team/web": ["1.0"]}
        yield running


def seen(fake: FakeRegistry, place: str = "") -> Capabilities:
    return rt.capabilities(f"{fake.url}{place}")


def answers(found: Capabilities) -> dict[str, str]:
    return {row.capability: row.answer for row in found.rows}


def on(path: str, answer: Answer, method: str = "") -> Callable[[Seen], Answer | None]:
    """Answer so where the path has this in it."""
    return lambda asked: answer if path in asked.path and asked.method.startswith(method) else None


def test_debians_registry_does_this(registry: DockerRegistry) -> None:
    registry.requests()
    found = rt.capabilities(registry.url)
    asked = registry.requests()
    assert answers(found) == {
        **dict.fromkeys(MATTERS, "no"),
        "software": "yes",
        "api_version": "yes",
        "http2": "unknown",
        "catalog": "yes",
        "catalog_page_size": "yes",
        "catalog_most": "yes",
        "catalog_link": "yes",
        "tags": "yes",
        "tags_most": "yes",
        "tags_link": "unknown",
        "tags_order": "yes",
        "unknown_repository": "yes",
        "manifest_head": "yes",
        "digest_header": "yes",
        "manifest_etag": "yes",
        "schema1": "unknown",
        "blob_head": "yes",
        "blob_range": "yes",
        "blob_etag": "yes",
        "sha512": "yes",
        "writes": "unknown",
    }
    assert found["software"].value == "distribution 2 (registry:2)"
    assert found["catalog_link"].value == "relative"
    assert found["catalog_most"].value.startswith("n=100000 is refused; all")
    assert found.requests == len(asked) <= MAX_REQUESTS
    assert {one.method for one in asked} == {"GET", "HEAD"}
    assert list(found.frame["capability"]) == list(MATTERS)


def test_an_image_may_be_named(registry: DockerRegistry) -> None:
    found = rt.capabilities(f"{registry.url}/team/web:2.0.0")
    assert found.repository == "team/web"
    assert found["blob_range"].answer == "yes", "an index's first image has layers"
    windows = rt.capabilities(f"{registry.url}/odd/windows:ltsc2022")
    assert windows["schema1"].answer == "yes"


def test_behind_tls_the_handshake_shows_http2(
    tls_registry: DockerRegistry, authority: CertificateAuthority
) -> None:
    found = rt.capabilities(tls_registry.url, options=Options(ca_file=authority.file))
    assert found["http2"].answer == "yes"
    assert found["http2"].evidence == "ALPN: h2"
    with fake_registry(certificate=authority.server()) as plain:
        found = rt.capabilities(plain.url, options=Options(ca_file=authority.file))
    assert found["http2"].answer == "no"


@pytest.mark.parametrize("name", ["htpasswd_registry", "token_registry"])
def test_behind_a_password(
    request: pytest.FixtureRequest, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry: DockerRegistry = request.getfixturevalue(name)
    monkeypatch.setenv("REGTOOLS_USERNAME", "alice")
    monkeypatch.setenv("REGTOOLS_PASSWORD", SECRET)
    found = rt.capabilities(registry.url)
    assert found["auth"].value == ("Basic" if name == "htpasswd_registry" else "Bearer")
    assert found["blob_range"].answer == "yes"
    assert found.requests <= MAX_REQUESTS
    assert SECRET not in json.dumps(found.document())


def test_without_the_password_it_says_refused(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    found = rt.capabilities(f"{token_registry.url}/team/api:latest")
    assert {answers(found)[one] for one in ("catalog", "tags", "manifest_head")} == {"refused"}
    assert answers(found)["blob_head"] == "unknown"


def test_a_wrong_password_is_an_error(
    htpasswd_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", "alice")
    monkeypatch.setenv("REGTOOLS_PASSWORD", "wrong")
    with pytest.raises(UnauthorizedError):
        rt.capabilities(htpasswd_registry.url)


def test_what_is_no_registry_is_an_error(fake: FakeRegistry) -> None:
    page = Answer(200, b"<!doctype html><p>Sign in", {"Content-Type": "text/html"})
    fake.hook = lambda _: page
    with pytest.raises(MalformedAnswerError):
        seen(fake)
    with pytest.raises(UnreachableError):
        rt.capabilities("127.0.0.1:1")


def digest_twisted(asked: Seen) -> Answer | None:
    if "/manifests/" in asked.path and asked.method == "GET":
        told = {"Docker-Content-Digest": digest_of(b"another")}
        return Answer(200, b"{}", {"Content-Type": MANIFEST_TYPE, **told})
    return None


def referrers(count: int, *, applied: bool) -> Callable[[Seen], Answer | None]:
    entry = {"mediaType": MANIFEST_TYPE, "digest": digest_of(b"x"), "size": 1}
    whole = json.dumps({"schemaVersion": 2, "manifests": [entry] * count}).encode()
    none = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    told = {"OCI-Filters-Applied": "artifactType"} if applied else {}

    def answer(asked: Seen) -> Answer | None:
        if "/referrers/" not in asked.path:
            return None
        if "artifactType=" in asked.path:
            return Answer(200, none if applied else whole, told)
        return Answer(200, whole)

    return answer


def etagged(asked: Seen) -> Answer | None:
    is_blob = "/blobs/" in asked.path
    return Answer(200, LAYER if is_blob else b"", {"ETag": '"x"'}) if is_blob else None


def paged(asked: Seen) -> Answer | None:
    """Obey ``n`` and ``last``, as distribution 3 does."""
    path, _, query = asked.path.partition("?")
    if not path.endswith("/tags/list") or "no-such" in path:
        return None
    names, size = ["1.0", "2.0", "latest"], 2
    if "n=1" in query.split("&"):
        size = 1
    start = names.index(query.partition("last=")[2].partition("&")[0]) + 1 if "last" in query else 0
    page = names[start : start + size]
    more = start + size < len(names)
    link = {"Link": f'<{path}?n=1&last={page[-1]}>; rel="next"'} if more else {}
    return Answer(200, json.dumps({"name": "team/app", "tags": page}).encode(), link)


GONE = error(404, "NOT_FOUND")
PLAIN_404 = Answer(404, b"404 page not found")
DENIED = error(403, "DENIED")
ILL = Answer(502, b"")


@pytest.mark.parametrize(
    ("hook", "capability", "answer", "value"),
    [
        (on("/_catalog", DENIED), "catalog", "refused", ""),
        (on("/_catalog", GONE), "catalog", "no", ""),
        (on("/_catalog", ILL), "catalog", "unknown", ""),
        (on("/_catalog", Answer(429, b"")), "catalog", "unknown", ""),
        (on("/_catalog", Answer(200, b"<html>")), "catalog", "no", ""),
        (on("/_catalog", Answer(200, b'{"repositories":null}')), "catalog", "yes", "0 names"),
        (on("/_catalog", Answer(200, b"[1]")), "catalog", "no", ""),
        (paged, "tags_page_size", "yes", "`n` is obeyed"),
        (paged, "tags_most", "yes", "2 at most"),
        (paged, "tags_link", "yes", "relative"),
        (paged, "software", "yes", "distribution 3"),
        (on("no-such", Answer(200, b'{"tags":[]}')), "unknown_repository", "no", "an empty list"),
        (on("no-such", PLAIN_404), "unknown_repository", "no", ""),
        (on("no-such", DENIED), "unknown_repository", "refused", ""),
        (on("/manifests/", error(405, "UNSUPPORTED"), "HEAD"), "manifest_head", "no", ""),
        (digest_twisted, "digest_header", "no", "not the digest of what came"),
        (on("/manifests/sha512", error(400, "DIGEST_INVALID")), "sha512", "no", "DIGEST_INVALID"),
        (on("/manifests/sha512", error(404, "MANIFEST_UNKNOWN")), "sha512", "yes", "known"),
        (on("/manifests/sha512", ILL), "sha512", "unknown", ""),
        (referrers(1, applied=True), "referrers", "yes", "1 of this image"),
        (referrers(1, applied=True), "referrers_filter", "yes", "OCI-Filters-Applied"),
        (referrers(1, applied=False), "referrers_filter", "no", "not applied"),
        (referrers(0, applied=False), "referrers_filter", "unknown", ""),
        (referrers(1, applied=True), "software", "unknown", ""),
        (on("/referrers/", PLAIN_404), "referrers", "no", "only the fallback tag"),
        (on("/referrers/", DENIED), "referrers", "refused", ""),
        (on("/referrers/", Answer(200, b"<html>")), "referrers", "no", ""),
        (on("/blobs/", error(405, "UNSUPPORTED"), "HEAD"), "blob_head", "no", ""),
        (on("/blobs/", Answer(200, b"x"), "HEAD"), "blob_head", "no", "another size"),
        (etagged, "blob_etag", "no", "gives no 304"),
        (etagged, "blob_range", "no", "the whole blob comes"),
    ],
)
def test_others_do_it_otherwise(
    fake: FakeRegistry,
    hook: Callable[[Seen], Answer | None],
    capability: str,
    answer: str,
    value: str,
) -> None:
    fake.hook = hook
    row = seen(fake, "/team/app:latest")[capability]
    assert (row.answer, value in row.value) == (answer, True), row


@pytest.mark.parametrize(
    ("link", "answer", "value"),
    [
        (lambda path: f'<{path}>; rel="next"', "yes", "relative"),
        (lambda path: f'<http://127.0.0.1:1{path}>; rel="next"', "yes", "absolute"),
        (lambda path: f'<https://evil.example{path}>; rel="next"', "no", "absolute; "),
        (lambda path: f'<{path.partition("?")[0]}?n=1>; rel="next"', "no", "the same page again"),
    ],
)
def test_the_form_of_a_link(
    fake: FakeRegistry, link: Callable[[str], str], answer: str, value: str
) -> None:
    fake.page_size, fake.link = 1, link
    row = seen(fake)["catalog_link"]
    assert (row.answer, value in row.value) == (answer, True), row


def test_a_page_without_a_link_hides_the_rest(fake: FakeRegistry) -> None:
    first = Answer(200, b'{"repositories":["team/app"]}')
    fake.hook = lambda asked: first if asked.path.endswith("/_catalog?n=1") else None
    assert seen(fake)["catalog_link"].value == "no Link, though there is more"


def test_a_registry_without_the_digest_header(fake: FakeRegistry) -> None:
    fake.tells_digest = False
    assert seen(fake)["digest_header"].value == "not told"


def test_bytes_that_are_elsewhere_are_asked_for_without_the_credential(
    fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", "alice")
    monkeypatch.setenv("REGTOOLS_PASSWORD", SECRET)
    fake.users = {"alice": SECRET}
    with fake_registry() as storage:
        one = {"Content-Range": f"bytes 0-0/{len(LAYER)}"}
        storage.hook = lambda _: Answer(206, LAYER[:1], one)
        there = {"Location": f"{storage.url}/bucket?X-Amz-Signature=abcdef"}
        fake.hook = lambda asked: Answer(307, b"", there) if "/blobs/" in asked.path else None
        found = seen(fake)
        assert found["blob_redirect"].value == f"to {storage.host}"
        assert found["blob_range"].answer == "yes"
        assert found["blob_head"].value == "points elsewhere"
        assert [one.credential for one in storage.seen] == [""]
    assert "abcdef" not in json.dumps(found.document())


def test_limits_and_warnings_are_told_and_steer_nothing(fake: FakeRegistry) -> None:
    told = {
        "RateLimit-Limit": "100;w=21600",
        "RateLimit-Remaining": "77;w=21600",
        "Warning": '299 - "moves on Friday \x1b[31m"',
        "Docker-Distribution-Api-Version": "registry/2.0",
        "X-JFrog-Version": "7.90 \x07",
    }
    fake.hook = lambda asked: Answer(200, b"{}", told) if asked.path == "/v2/" else None
    manifests = dict(told)
    plain = fake.answer

    def answer(asked: Seen) -> Answer:
        given = plain(asked)
        given.headers = {
            **given.headers,
            **{n: v for n, v in manifests.items() if n.startswith(("Rate", "Warn"))},
        }
        return given

    fake.answer = answer  # type: ignore[method-assign]
    found = seen(fake)
    assert found["rate_headers"].value == (
        "ratelimit-limit: 100;w=21600; ratelimit-remaining: 77;w=21600"
    )
    assert found["warnings"].value.startswith("moves on Friday")
    assert found["software"].value == "JFrog Artifactory"
    assert all(row.value.isprintable() and row.evidence.isprintable() for row in found.rows)


def test_a_registry_that_repeats_the_secret_does_not_get_it_shown(
    fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", "alice")
    monkeypatch.setenv("REGTOOLS_PASSWORD", SECRET)
    fake.users = {"alice": SECRET}
    plain = fake.answer

    def answer(asked: Seen) -> Answer:
        given = plain(asked)
        told = f"{asked.credential} {SECRET}"
        given.headers |= {"X-JFrog-Version": told, "Warning": f'299 - "{told}"'}
        given.headers |= {"X-RateLimit-Limit": told, "ETag": f'"{told}"'}
        return given

    fake.answer = answer  # type: ignore[method-assign]
    shown = json.dumps(seen(fake).document()) + seen(fake)._repr_html_()
    basic = next(one.credential for one in fake.seen if one.credential).partition(" ")[2]
    assert SECRET not in shown
    assert basic.rstrip("=") not in shown


@pytest.mark.parametrize(
    ("realm", "title"),
    [
        ("{url}/v2/token", "Gitea or Forgejo"),
        ("{url}/jwt/auth", "GitLab"),
        ("{url}/token/", "Pulp"),
    ],
)
def test_what_shares_a_service_is_told_by_its_token_server(
    fake: FakeRegistry, realm: str, title: str
) -> None:
    address = realm.format(url=fake.url)
    challenge = f'Bearer realm="{address}",service="container_registry"'

    def answer(asked: Seen) -> Answer | None:
        if asked.path.startswith(urlsplit(address).path):
            return error(401, "UNAUTHORIZED")
        return error(401, "UNAUTHORIZED", **{"WWW-Authenticate": challenge})

    fake.hook = answer
    assert title in seen(fake)["software"].value


def test_an_empty_registry_shows_what_it_can(start_registry: Callable[..., DockerRegistry]) -> None:
    found = rt.capabilities(start_registry().url)
    assert found.repository == ""
    assert answers(found)["catalog"] == "yes"
    assert {answers(found)[one] for one in ("tags", "manifest_head", "sha512")} == {"unknown"}


def test_the_notebook_shows_foreign_words_as_text(fake: FakeRegistry) -> None:
    told = {"X-RateLimit-Limit": "<script>alert(1)</script>"}
    body = b'{"repositories":[]}'
    fake.hook = lambda asked: Answer(200, body, told) if "_catalog" in asked.path else None
    shown = seen(fake)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script" in shown
