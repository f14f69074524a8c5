from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.errors import InvalidReferenceError
from regtools.reference import (
    TagKind,
    classify_tag,
    parse_digest,
    parse_reference,
    parse_repository,
    parse_target,
)

SHA = "sha256:" + "a" * 64
SHA512 = "sha512:" + "b" * 128


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        # Docker's own normalisation (distribution/reference normalize_test.go).
        ("ubuntu", "docker.io/library/ubuntu:latest"),
        ("ubuntu:24.04", "docker.io/library/ubuntu:24.04"),
        ("grafana/grafana", "docker.io/grafana/grafana:latest"),
        ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ("index.docker.io/library/ubuntu", "docker.io/library/ubuntu:latest"),
        ("registry-1.docker.io/a/b:1", "docker.io/a/b:1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("[2001:db8::1]/app:v1", "[2001:db8::1]/app:v1"),
        ("ghcr.io/acme/app:1.2.3", "ghcr.io/acme/app:1.2.3"),
        ("Registry.Example.com/app", "registry.example.com/app:latest"),
        # A host only by its capitals: in lower case it would be a namespace of the Hub.
        ("UPPER/app", "UPPER/app:latest"),
        ("Localhost/app", "localhost/app:latest"),
        ("DOCKER.IO/ubuntu", "docker.io/library/ubuntu:latest"),
        # A name without a slash is never a host.
        ("example.com:5000", "docker.io/library/example.com:5000"),
        ("localhost:8080", "docker.io/library/localhost:8080"),
        ("10.0.0.1", "docker.io/library/10.0.0.1:latest"),
        ("under_score/app", "docker.io/under_score/app:latest"),
        ("xn--n3h.com:18080/app:xn--n3h.com", "xn--n3h.com:18080/app:xn--n3h.com"),
        ("eu.gcr.io/example.com/my-app:1", "eu.gcr.io/example.com/my-app:1"),
        ("reg.io/a/b--c.d--e.f---g--h", "reg.io/a/b--c.d--e.f---g--h:latest"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest"),
        ("app:Mixed_Case.1", "docker.io/library/app:Mixed_Case.1"),
        ("docker.io/" + "1a" * 32, "docker.io/library/" + "1a" * 32 + ":latest"),
        ("a/" * 127 + "a:tag-over-255", "docker.io/" + "a/" * 127 + "a:tag-over-255"),
        (f"ghcr.io/acme/app@{SHA}", f"ghcr.io/acme/app@{SHA}"),
        (f"ghcr.io/acme/app:1@{SHA}", f"ghcr.io/acme/app:1@{SHA}"),
        (f"app@{SHA512}", f"docker.io/library/app@{SHA512}"),
        ("a__b/c-d/e--f.g", "docker.io/a__b/c-d/e--f.g:latest"),
    ],
)
def test_a_name_is_completed_as_docker_does(text: str, whole: str) -> None:
    assert str(parse_reference(text)) == whole


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "REFERENCE_INVALID", "empty"),
        (" ubuntu", "REFERENCE_INVALID", "spaces"),
        ("https://ghcr.io/a/b", "REFERENCE_INVALID", "address"),
        (":1", "REPOSITORY_INVALID", "'' is not a repository: it is empty"),
        ("@" + SHA, "REPOSITORY_INVALID", "it is empty"),
        ("ghcr.io/", "REPOSITORY_INVALID", "it is empty"),
        ("acme/", "REPOSITORY_INVALID", "empty part at position 6"),
        ("[fc00::1]", "REFERENCE_INVALID", "no repository"),
        ("[fc00::1]:5000", "REFERENCE_INVALID", "no repository"),
        ("fc00::1:5000/app", "REFERENCE_INVALID", "in brackets"),
        ("[fe80::1%eth0]:5000/app", "REFERENCE_INVALID", "'%' at position 9"),
        ("[2001:db8::192.0.2.33]:5000/app", "REFERENCE_INVALID", "host"),
        ("under_score:8080/app", "REFERENCE_INVALID", "'_' at position 6"),
        ("localhost:http/app", "REFERENCE_INVALID", "'http' is not a port"),
        ("localhost:/app", "REFERENCE_INVALID", "'' is not a port"),
        ("-a.example.com/app", "REFERENCE_INVALID", "host"),
        ("a..example.com/app", "REFERENCE_INVALID", "host"),
        ("Acme/App", "REPOSITORY_UPPERCASE", "'App' has upper-case"),
        ("Ubuntu:24.04", "REPOSITORY_UPPERCASE", "'Ubuntu' has upper-case"),
        ("ubu$ntu", "REPOSITORY_INVALID", "'$' at position 4"),
        ("a..b/c", "REFERENCE_INVALID", "host"),
        ("a/b..c", "REPOSITORY_INVALID", "'b..c' at position 3"),
        ("a/b_.c", "REPOSITORY_INVALID", "'b_.c' at position 3"),
        ("____/____", "REPOSITORY_INVALID", "position 1"),
        ("a/" * 128 + "a", "REPOSITORY_TOO_LONG", "257"),
        ("b" * 250, "REPOSITORY_TOO_LONG", "258"),
        ("ghcr.io/a:b/c", "TAG_INVALID", "'/' at position 2"),
        ("app@sha256:" + "a" * 63 + "A", "DIGEST_INVALID", "it has 'A' at position 71"),
        ("app@sha256:" + "f" * 34, "DIGEST_INVALID", "it has 34 characters"),
        ("a" * 64, "REFERENCE_INVALID", "image's id"),
        ("ghcr.io/Acme/App", "REPOSITORY_UPPERCASE", "upper-case"),
        ("docker.io/Ubuntu", "REPOSITORY_UPPERCASE", "upper-case"),
        ("ghcr.io/a//b", "REPOSITORY_INVALID", "empty part at position 3"),
        ("ghcr.io/a/-b", "REPOSITORY_INVALID", "start and end"),
        ("ghcr.io/a/b_", "REPOSITORY_INVALID", "start and end"),
        ("ghcr.io/a___b", "REPOSITORY_INVALID", "start and end"),
        ("ghcr.io/a/b$c", "REPOSITORY_INVALID", "'$' at position 4"),
        ("ghcr.io/a/../b", "REPOSITORY_INVALID", "start and end"),
        ("ghcr.io/" + "a" * 256, "REPOSITORY_TOO_LONG", "256"),
        ("app:", "TAG_INVALID", "empty"),
        ("app:-x", "TAG_INVALID", "starts with '-'"),
        ("app:a+b", "TAG_INVALID", "'+' at position 2"),
        ("app:" + "x" * 129, "TAG_INVALID", "129"),
        ("app@sha256:abc", "DIGEST_INVALID", "sha256"),
        ("app@" + SHA.upper(), "DIGEST_INVALID", "not a digest"),
        ("app@sha256", "DIGEST_INVALID", "not a digest"),
        ("exa mple.com/app", "REFERENCE_INVALID", "host"),
    ],
)
def test_a_bad_name_is_told_what_is_wrong_with_it(text: str, code: str, said: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_reference(text)
    assert caught.value.code == code
    assert said in caught.value.summary


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("ghcr.io/Acme/App", "'acme/app'"),
        ("Ubuntu", "'ubuntu'"),
        ("ghcr.io//acme/app/", "'acme/app'"),
        ("ghcr.io/acme/_app-", "'acme/app'"),
        (" ubuntu ", "'ubuntu'"),
        ("https://ghcr.io/acme/app", "'ghcr.io/acme/app'"),
        ("[::1]:5000", "'[::1]:5000/REPOSITORY'"),
        ("app:1.0+build5", "'1.0_build5'"),
        ("app@" + SHA.upper(), SHA),
        ("app@" + "a" * 64, SHA),
    ],
)
def test_the_corrected_name_is_offered(text: str, offered: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_reference(text)
    assert offered in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "https://me:canary@registry.example.com/app",
        "https://me:can/ary@registry.example.com/app",
        "me:canary@registry.example.com/app",
        "me:canary$@registry.example.com:5000/app",
        f"https://me:canary@registry.example.com/app@{SHA}",
    ],
)
def test_a_password_in_a_name_is_not_repeated(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_reference(text)
    assert not re.search(r"me:|can|ary\b", str(caught.value) + caught.value.remedy)


@given(st.text(max_size=80) | st.text(alphabet="aB0._-/:@[]$", max_size=40))
def test_any_text_is_a_name_or_a_clear_error(text: str) -> None:
    try:
        found = parse_reference(text)
    except InvalidReferenceError as error:
        assert error.code
        assert "\n" not in error.summary + error.remedy
    else:
        assert parse_reference(str(found)) == found
        assert parse_reference(found.familiar) == found


@given(st.text(max_size=80) | st.text(alphabet="aB0._-/:@[]?#", max_size=40))
def test_any_text_is_a_target_or_a_clear_error(text: str) -> None:
    try:
        found = parse_target(text)
    except InvalidReferenceError as error:
        assert error.code
    else:
        assert parse_target(str(found)) == found
        assert found.host
        assert found.port is None or 0 < found.port < 65536


@given(st.text(max_size=140))
def test_any_text_is_some_kind_of_tag(text: str) -> None:
    assert classify_tag(text) in TagKind


COMPONENT = st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+){0,2}", fullmatch=True)
NAMES = st.builds("/".join, st.lists(COMPONENT, min_size=1, max_size=4)).filter(
    lambda name: len(name) < 200
)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
HOSTS = st.sampled_from(
    ["ghcr.io", "localhost:5000", "[::1]:5000", "127.0.0.1", "docker.io", "Foo", "FOO.example"]
)


@given(HOSTS, NAMES, TAGS, st.booleans())
def test_what_is_printed_is_read_back(host: str, name: str, tag: str, pinned: bool) -> None:
    text = f"{host}/{name}:{tag}" + (f"@{SHA}" if pinned else "")
    found = parse_reference(text)
    assert parse_reference(str(found)) == found
    assert parse_reference(found.familiar) == found
    assert found.tag == tag
    assert parse_repository(found.repository) == found.repository


def test_the_familiar_form_leaves_out_what_docker_adds() -> None:
    assert parse_reference("docker.io/library/ubuntu:24.04").familiar == "ubuntu:24.04"
    assert parse_reference("docker.io/grafana/grafana").familiar == "grafana/grafana:latest"
    assert parse_reference("ghcr.io/library/x").familiar == "ghcr.io/library/x:latest"


def test_the_familiar_form_keeps_what_the_meaning_needs() -> None:
    assert parse_reference("docker.io/library/a/b").familiar == "library/a/b:latest"
    assert parse_reference("docker.io/foo.bar/app").familiar == "docker.io/foo.bar/app:latest"
    assert parse_reference("docker.io/localhost/app").familiar == "docker.io/localhost/app:latest"


@pytest.mark.parametrize("text", [SHA, SHA512, "sha384:" + "c" * 96, "x+y.z:QUJD_-="])
def test_digests_of_every_algorithm_are_read(text: str) -> None:
    assert parse_digest(text) == text


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "a" * 63, "a" * 64, None, 7, ":x"])
def test_what_is_no_digest_is_refused(text: object) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_digest(text)
    assert caught.value.code == "DIGEST_INVALID"


@pytest.mark.parametrize(
    ("text", "scheme", "registry", "path"),
    [
        ("registry.example.com", None, "registry.example.com", ""),
        ("registry.example.com:5000/team/app", None, "registry.example.com:5000", "team/app"),
        ("http://127.0.0.1:5000", "http", "127.0.0.1:5000", ""),
        ("https://registry.example.com:443/", "https", "registry.example.com", ""),
        ("http://registry.example.com:80/x", "http", "registry.example.com", "x"),
        ("https://registry.example.com/v2/", "https", "registry.example.com", ""),
        ("https://registry.example.com/v2/_catalog", "https", "registry.example.com", ""),
        ("HTTPS://Registry.Example.com", "https", "registry.example.com", ""),
        ("https://index.docker.io:443/acme", "https", "docker.io", "acme"),
        ("https://registry.example.com:80", "https", "registry.example.com:80", ""),
        ("registry.example.com:443", None, "registry.example.com:443", ""),
        ("[FC00::1]:65535/team", None, "[fc00::1]:65535", "team"),
        ("https://[::1]:443", "https", "[::1]", ""),
        ("index.docker.io/acme", None, "docker.io", "acme"),
        ("localhost", None, "localhost", ""),
    ],
)
def test_a_target_is_read(text: str, scheme: str | None, registry: str, path: str) -> None:
    target = parse_target(text)
    assert (target.scheme, target.registry, target.path) == (scheme, registry, path)
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "TARGET_INVALID", "empty"),
        ("ftp://x", "TARGET_INVALID", "scheme"),
        ("https://", "TARGET_INVALID", "empty"),
        ("a b", "TARGET_INVALID", "' ' at position 2"),
        ("x?y=canary", "TARGET_INVALID", "query"),
        ("x/y#canary", "TARGET_INVALID", "fragment"),
        ("https://user:canary@x", "TARGET_INVALID", "password"),
        ("user:canary@x", "TARGET_INVALID", "password"),
        ("https://user:canary/canary@x/team", "TARGET_INVALID", "password"),
        (f"ghcr.io/acme/app@{SHA}", "TARGET_INVALID", "digest"),
        ("ghcr.io/acme/app:1.2", "TARGET_INVALID", "one image"),
        ("ghcr.io/Acme", "REPOSITORY_UPPERCASE", "'Acme'"),
        ("registry:0", "TARGET_INVALID", "1 to 65535"),
        ("registry:65536", "TARGET_INVALID", "1 to 65535"),
        ("registry:" + "1" * 5000, "TARGET_INVALID", "registry"),
        ("registry:http", "TARGET_INVALID", "'http' is not a port"),
        ("::1", "TARGET_INVALID", "in brackets"),
        ("[::::]:5000", "TARGET_INVALID", "not an IPv6 address"),
    ],
)
def test_a_bad_target_is_refused_without_repeating_a_password(
    text: str, code: str, said: str
) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_target(text)
    assert caught.value.code == code
    assert said in caught.value.summary
    assert "canary" not in str(caught.value) + caught.value.remedy


def test_a_target_that_names_a_tag_is_told_what_to_leave_out() -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_target("localhost:5000/acme/app:1.2")
    assert "'localhost:5000/acme/app'" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("127.9.9.9:1", True),
        ("[::1]:5000", True),
        ("registry.localhost", True),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_told(text: str, loopback: bool) -> None:
    assert parse_target(text).is_loopback is loopback


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("1", TagKind.VERSION),
        ("1.2", TagKind.VERSION),
        ("v1.2.3", TagKind.VERSION),
        ("1.2.3-alpine", TagKind.VERSION),
        ("v2.0.0-rc.1", TagKind.VERSION),
        ("3.20", TagKind.VERSION),
        ("12345678", TagKind.VERSION),
        ("24.04", TagKind.VERSION),
        ("2024.1", TagKind.VERSION),
        ("1.2.3-20240115", TagKind.VERSION),
        ("v1.2.3-2024-01-15", TagKind.VERSION),
        ("1.2.3_build.5", TagKind.VERSION),
        ("latest", TagKind.LATEST),
        ("latest-alpine", TagKind.LATEST),
        ("3f2a91c", TagKind.COMMIT),
        ("sha-3f2a91c", TagKind.COMMIT),
        ("3f2a91cd0e8b7a6f5e4d3c2b1a0f9e8d7c6b5a49", TagKind.COMMIT),
        ("1" * 40, TagKind.COMMIT),
        ("a" * 40, TagKind.COMMIT),
        ("deadbee", TagKind.OTHER),
        ("3f2a91", TagKind.VERSION),
        ("2026-11-23", TagKind.DATE),
        ("20261123", TagKind.DATE),
        ("nightly-2026.11.23", TagKind.DATE),
        ("main-20261123-3f2a91c", TagKind.DATE),
        ("20261123143000", TagKind.DATE),
        ("20261123T143000Z", TagKind.DATE),
        ("20261323", TagKind.VERSION),
        ("develop", TagKind.BRANCH),
        ("master", TagKind.BRANCH),
        ("main", TagKind.BRANCH),
        ("feature-login", TagKind.BRANCH),
        ("pr-12", TagKind.BRANCH),
        ("sha256-" + "a" * 64, TagKind.REFERRER),
        ("sha256-" + "a" * 64 + ".sig", TagKind.REFERRER),
        ("sha512-" + "a" * 64, TagKind.REFERRER),
        ("sha256-" + "a" * 64 + ".sigstore.json", TagKind.REFERRER),
        ("sha256-" + "a" * 64 + "b", TagKind.OTHER),
        ("sha256-" + "a" * 63, TagKind.OTHER),
        ("", TagKind.OTHER),
        ("bookworm", TagKind.OTHER),
    ],
)
def test_a_tag_tells_what_it_is_for(tag: str, kind: TagKind) -> None:
    assert classify_tag(tag) is kind
