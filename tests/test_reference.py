from __future__ import annotations

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
        ("UPPER/app", "upper/app:latest"),
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
        ("a" * 64, "REFERENCE_INVALID", "image's id"),
        ("ghcr.io/Acme/App", "REPOSITORY_UPPERCASE", "upper-case"),
        ("docker.io/Ubuntu", "REPOSITORY_UPPERCASE", "upper-case"),
        ("ghcr.io/a//b", "REPOSITORY_INVALID", "empty part"),
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


def test_the_corrected_name_is_offered() -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_reference("ghcr.io/Acme/App")
    assert "'acme/app'" in caught.value.remedy


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_a_clear_error(text: str) -> None:
    try:
        found = parse_reference(text)
    except InvalidReferenceError as error:
        assert error.code
        assert "\n" not in error.summary
    else:
        assert parse_reference(str(found)) == found


COMPONENT = st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+){0,2}", fullmatch=True)
NAMES = st.builds("/".join, st.lists(COMPONENT, min_size=1, max_size=4)).filter(
    lambda name: len(name) < 200
)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)
HOSTS = st.sampled_from(["ghcr.io", "localhost:5000", "[::1]:5000", "127.0.0.1", "docker.io"])


@given(HOSTS, NAMES, TAGS, st.booleans())
def test_what_is_printed_is_read_back(host: str, name: str, tag: str, pinned: bool) -> None:
    text = f"{host}/{name}:{tag}" + (f"@{SHA}" if pinned else "")
    found = parse_reference(text)
    assert parse_reference(str(found)) == found
    assert found.tag == tag
    assert parse_repository(found.repository) == found.repository


def test_the_familiar_form_leaves_out_what_docker_adds() -> None:
    assert parse_reference("docker.io/library/ubuntu:24.04").familiar == "ubuntu:24.04"
    assert parse_reference("docker.io/grafana/grafana").familiar == "grafana/grafana:latest"
    assert parse_reference("ghcr.io/library/x").familiar == "ghcr.io/library/x:latest"


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
    "text",
    ["", "ftp://x", "https://", "a b", "x?y", "x/y#z", "https://user:canary@x", "user:canary@x"],
)
def test_a_bad_target_is_refused_without_repeating_a_password(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        parse_target(text)
    assert "canary" not in str(caught.value) + caught.value.remedy


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
        ("latest", TagKind.LATEST),
        ("latest-alpine", TagKind.LATEST),
        ("3f2a91c", TagKind.COMMIT),
        ("sha-3f2a91c", TagKind.COMMIT),
        ("3f2a91cd0e8b7a6f5e4d3c2b1a0f9e8d7c6b5a49", TagKind.COMMIT),
        ("2026-11-23", TagKind.DATE),
        ("20261123", TagKind.DATE),
        ("nightly-2026.11.23", TagKind.DATE),
        ("main", TagKind.BRANCH),
        ("feature-login", TagKind.BRANCH),
        ("pr-12", TagKind.BRANCH),
        ("sha256-" + "a" * 64, TagKind.REFERRER),
        ("sha256-" + "a" * 64 + ".sig", TagKind.REFERRER),
        ("sha256-" + "a" * 63, TagKind.OTHER),
        ("bookworm", TagKind.OTHER),
    ],
)
def test_a_tag_tells_what_it_is_for(tag: str, kind: TagKind) -> None:
    assert classify_tag(tag) is kind
