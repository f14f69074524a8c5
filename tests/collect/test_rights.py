"""What a credential may do is told by tokens and answers, and never tried by writing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.docker_registry import USERS, DockerRegistry
from tests.support.token_server import TokenServer, grant_public

from regtools.session import check_auth

USER, SECRET = next(iter(USERS.items()))


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", USER)
    monkeypatch.setenv("REGTOOLS_PASSWORD", SECRET)


def rights_to(target: str) -> dict[str, bool | None]:
    return {one.action: one.granted for one in check_auth(target).rights}


def settings(folder: Path, registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token server is on another port; the user says that it may see the credential."""
    text = f'[registries.work]\nurl = "{registry.url}/team/api"\nallowed_realms = ["127.0.0.1"]\n'
    (folder / "regtools.toml").write_text(text)
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(
    ("actions", "granted"),
    [
        ({"pull"}, {"pull": True, "push": False, "delete": False}),
        ({"pull", "push"}, {"pull": True, "push": True, "delete": False}),
        ({"pull", "push", "delete"}, {"pull": True, "push": True, "delete": True}),
        (set(), {"pull": False, "push": False, "delete": False}),
    ],
)
def test_a_tokens_scopes_tell(
    token_registry: DockerRegistry,
    tokens: TokenServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    known: None,
    actions: set[str],
    granted: dict[str, bool],
) -> None:
    settings(tmp_path, token_registry, monkeypatch)
    tokens.grant = lambda user, kind, name: actions if kind == "repository" else {"*"}
    assert rights_to("work") == {"list": True, **granted}


def test_a_catalog_that_is_closed_is_told(
    token_registry: DockerRegistry,
    tokens: TokenServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    known: None,
) -> None:
    settings(tmp_path, token_registry, monkeypatch)
    tokens.grant = lambda user, kind, name: {"pull"} if kind == "repository" else set()
    assert rights_to("work")["list"] is False


def test_without_tokens_only_what_was_answered_is_known(
    htpasswd_registry: DockerRegistry, known: None
) -> None:
    assert rights_to(htpasswd_registry.url) == {
        "list": True,
        "pull": True,
        "push": None,
        "delete": None,
    }


def test_somebody_without_a_credential_may_pull_what_is_public(
    token_registry: DockerRegistry,
    tokens: TokenServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings(tmp_path, token_registry, monkeypatch)
    tokens.grant = grant_public("team/")
    assert rights_to("work") == {"list": False, "pull": True, "push": False, "delete": False}


def test_nothing_is_tried_by_writing(htpasswd_registry: DockerRegistry, known: None) -> None:
    htpasswd_registry.requests()
    check_auth(htpasswd_registry.url)
    asked = htpasswd_registry.requests()
    assert asked
    assert {one.method for one in asked} <= {"GET", "HEAD"}


def test_the_command_shows_rights_and_no_secret(
    regtools: Command,
    token_registry: DockerRegistry,
    tokens: TokenServer,
    monkeypatch: pytest.MonkeyPatch,
    known: None,
) -> None:
    Path("regtools.toml").write_text(
        f'[registries.work]\nurl = "{token_registry.url}"\nallowed_realms = ["127.0.0.1"]\n'
    )
    ran = regtools("check-auth", "work")
    assert ran.code == 0
    assert "What it may do" in ran.out
    assert SECRET not in ran.out + ran.err
    document = regtools("check-auth", "work", "--json").document
    assert {one["action"]: one["granted"] for one in document["rights"]}["push"] is True
    assert "eyJ" not in str(document)
