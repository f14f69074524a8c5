"""The token server does what it says, and the real registry believes its signatures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.support.certificates import CertificateAuthority
from tests.support.corpus import Corpus
from tests.support.docker_registry import USERS, DockerRegistry, docker_registry
from tests.support.token_server import (
    SERVICE,
    TokenServer,
    grant_public,
    token_server,
)

PULL = "repository:base/debian:pull"
CATALOG = "registry:catalog:*"


def ask(server: TokenServer, *scopes: str, user: str = "") -> httpx.Response:
    """Ask for a token as a client does."""
    auth = httpx.BasicAuth(user, USERS[user].encode()) if user else None
    with httpx.Client(trust_env=False) as client:
        return client.get(
            server.realm, params={"service": SERVICE, "scope": list(scopes)}, auth=auth
        )


def status(registry: DockerRegistry, path: str, token: str = "") -> int:
    """Ask the registry with a token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(trust_env=False) as client:
        return client.get(f"{registry.url}{path}", headers=headers).status_code


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_the_registry_believes_either_signature(
    algorithm: str, authority: CertificateAuthority, tmp_path: Path, registry: DockerRegistry
) -> None:
    with (
        token_server(authority, users=USERS, algorithm=algorithm) as tokens,
        docker_registry(tmp_path, storage=registry.storage, auth=tokens.registry_auth()) as own,
    ):
        token = ask(tokens, CATALOG, user="alice").json()["token"]
        assert status(own, "/v2/_catalog", token) == 200
        forged = token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB")
        assert status(own, "/v2/_catalog", forged) == 401


def test_a_token_opens_only_what_its_scopes_name(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    token = ask(tokens, PULL, user="bob").json()["token"]
    assert status(token_registry, "/v2/base/debian/tags/list", token) == 200
    assert status(token_registry, "/v2/team/api/tags/list", token) == 401
    assert status(token_registry, "/v2/base/debian/tags/list") == 401


def test_fewer_scopes_may_be_granted_than_asked_for(
    token_registry: DockerRegistry, tokens: TokenServer, corpus: Corpus
) -> None:
    tokens.grant = grant_public("base/")
    answer = ask(tokens, PULL, "repository:team/api:pull")
    assert answer.status_code == 200
    token = answer.json()["token"]
    assert status(token_registry, "/v2/base/debian/tags/list", token) == 200
    assert status(token_registry, "/v2/team/api/tags/list", token) == 401


def test_a_wrong_password_is_refused_or_gets_a_worthless_token(tokens: TokenServer) -> None:
    with httpx.Client(trust_env=False, auth=("alice", "wrong")) as client:
        assert client.get(tokens.realm, params={"scope": PULL}).status_code == 401
        tokens.accepts_wrong_passwords = True
        assert client.get(tokens.realm, params={"scope": PULL}).status_code == 200
    assert [entry.status for entry in tokens.log] == [401, 200]


def test_the_oauth2_way_takes_passwords_and_identity_tokens(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    tokens.identity_tokens["identity"] = "alice"
    scope = f"{PULL} {CATALOG}"
    password = {"grant_type": "password", "username": "alice", "password": USERS["alice"]}
    with httpx.Client(trust_env=False) as client:
        for form in (password, {"grant_type": "refresh_token", "refresh_token": "identity"}):
            answer = client.post(tokens.realm, data={**form, "service": SERVICE, "scope": scope})
            assert status(token_registry, "/v2/_catalog", answer.json()["access_token"]) == 200
        refused = client.post(
            tokens.realm, data={"grant_type": "refresh_token", "refresh_token": "unknown"}
        )
        assert refused.status_code == 401
    assert [entry.scopes for entry in tokens.log[:2]] == [(PULL, CATALOG)] * 2


def test_an_answer_can_leave_fields_out(tokens: TokenServer) -> None:
    tokens.expires_in = None
    tokens.answer_fields = ("access_token",)
    assert set(ask(tokens, PULL).json()) == {"access_token"}


def test_a_token_can_be_dead_before_it_says(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    tokens.lifetime_seconds = -61  # the registry's leeway is 60 s
    answer = ask(tokens, CATALOG, user="alice").json()
    assert answer["expires_in"] == 300
    assert status(token_registry, "/v2/_catalog", answer["token"]) == 401


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda server: setattr(server, "fail_with", 503), 503),
        (lambda server: setattr(server, "fail_with", None), 200),
    ],
)
def test_it_can_be_ill(
    tokens: TokenServer, change: Callable[[TokenServer], None], expected: int
) -> None:
    change(tokens)
    assert ask(tokens, PULL).status_code == expected
    assert tokens.requests == 1
