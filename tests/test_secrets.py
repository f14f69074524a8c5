"""No secret leaves: not into the history, a report, a message or a log."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_registry import FakeRegistry, error, fake_registry
from tests.support.token_server import TokenServer

CANARY = "canary-4b1d7e"
FORMS = (
    CANARY,
    base64.b64encode(CANARY.encode()).decode().rstrip("="),
    base64.b64encode(f"reader:{CANARY}".encode()).decode().rstrip("="),
)


def found_in(folder: Path) -> list[str]:
    return [
        str(file)
        for file in folder.rglob("*")
        if file.is_file() and any(form.encode() in file.read_bytes() for form in FORMS)
    ]


def test_a_password_is_in_nothing_that_is_written_or_said(
    regtools: Command,
    token_registry: DockerRegistry,
    tokens: TokenServer,
    tmp_path: Path,
    clean_environ: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens.users = {"reader": CANARY}
    docker = clean_environ / ".docker" / "config.json"
    docker.parent.mkdir()
    entry = {"auth": base64.b64encode(f"reader:{CANARY}".encode()).decode()}
    docker.write_text(json.dumps({"auths": {token_registry.host: entry}}))
    monkeypatch.setenv("REGTOOLS_TOKEN", CANARY)
    said = ""
    with caplog.at_level(logging.DEBUG):
        for arguments in (
            ("scan", token_registry.url),
            ("scan", token_registry.url, "--json"),
            ("check-auth", token_registry.url, "--json"),
            ("diagnose", f"{token_registry.url}/team/api:latest", "--json"),
            ("registries", "--json"),
            ("report", "health", "--output", "reports", "--json"),
        ):
            ran = regtools(*arguments)
            assert ran.code == 0, f"{arguments}: {ran.err}"
            said += ran.out + ran.err
    assert tokens.log, "the password was used"
    assert not [form for form in FORMS if form in said + caplog.text]
    assert found_in(tmp_path) == []
    assert list(Path("reports").rglob("*.html"))


@pytest.mark.parametrize("command", ["scan", "check-auth", "diagnose"])
def test_a_registry_that_sends_the_secret_back_does_not_get_it_shown(
    regtools: Command, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", CANARY)
    with fake_registry() as fake:
        answer_with_what_came(fake)
        ran = regtools(command, fake.url, "--username", "reader", "--password", "env:SECRET")
    assert ran.code == (1 if command == "diagnose" else 3)
    assert not [form for form in FORMS if form in ran.out + ran.err]
    assert found_in(tmp_path) == []


def answer_with_what_came(fake: FakeRegistry) -> None:
    """Refuse everything, and repeat the credential in the message, as debugging proxies do."""
    fake.hook = lambda seen: error(
        401,
        "UNAUTHORIZED",
        f"bad credential {seen.credential}",
        **{"WWW-Authenticate": 'Basic realm="x"'},
    )
