from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.docker_registry import USERS, DockerRegistry

from regtools.registries import KINDS

USER, SECRET = next(iter(USERS.items()))


def test_check_auth_tells_the_source_and_not_the_secret(
    regtools: Command, htpasswd_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", USER)
    monkeypatch.setenv("REGTOOLS_PASSWORD", SECRET)
    ran = regtools("check-auth", htpasswd_registry.url, "--json")
    assert ran.code == 0
    assert ran.document["accepted"] is True
    assert "REGTOOLS_PASSWORD" in ran.document["source"]
    assert SECRET not in ran.out + ran.err


def test_check_auth_without_a_credential_ends_with_three(
    regtools: Command, htpasswd_registry: DockerRegistry
) -> None:
    ran = regtools("check-auth", htpasswd_registry.url)
    assert ran.code == 3
    assert "Docker config" in ran.out


def test_registries_lists_the_configured_and_the_known(regtools: Command) -> None:
    Path("regtools.toml").write_text('[registries.work]\nurl = "registry.example.com/team"\n')
    document = regtools("registries", "--json").document
    assert document["configured"][0]["name"] == "work"
    assert [kind["kind"] for kind in document["kinds"]] == list(KINDS)
