from __future__ import annotations

import base64
import json
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from regtools.credentials import Attempt, Credential, Login, find_credential
from regtools.credentials._base import SourceError
from regtools.credentials.helper import ask_helper
from regtools.errors import ConfigError

HOST = "registry.example.com"


def basic(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


class Machine:
    """A home folder, an environment and mounted secrets to search."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.secrets = folder / "secrets"
        self.bin = folder / "bin"
        for path in (self.home, self.secrets, self.bin):
            path.mkdir()
        self.environ = {"PATH": str(self.bin)}
        self.attempts: list[Attempt] = []

    def write(self, name: str, content: Any) -> Path:
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        file.chmod(0o600)
        return file

    def docker(self, content: Any) -> Path:
        return self.write(".docker/config.json", content)

    def podman(self, content: Any) -> Path:
        return self.write(".config/containers/auth.json", content)

    def helper(self, name: str, code: str) -> None:
        program = self.bin / f"docker-credential-{name}"
        program.write_text(f"#!{sys.executable}\nimport json, sys, time\n{code}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def find(self, registry: str = HOST, path: str = "", *logins: Login) -> Credential:
        found, self.attempts = find_credential(
            registry,
            path=path,
            logins=logins,
            environ=self.environ,
            home=self.home,
            secrets_folder=self.secrets,
        )
        return found

    def outcome(self, source: str) -> str:
        return next(a.outcome for a in self.attempts if source in a.source)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def settings_login(username: str | None, password: str | None) -> tuple[Login, Login]:
    return Login(where="the command line"), Login(
        username=username, password=password, where="the settings"
    )


def test_nothing_anywhere_is_anonymous_and_tells_where_it_looked(machine: Machine) -> None:
    assert machine.find().is_anonymous
    assert machine.outcome("Docker config") == "not there"
    assert machine.outcome("environment") == "not set"


def test_the_order_is_command_line_environment_settings_mounted_docker_podman_kubernetes(
    machine: Machine, tmp_path: Path
) -> None:
    secret = machine.write("pull.json", {"auths": {HOST: basic("k8s", "7")}})
    machine.environ["REGTOOLS_PULL_SECRET"] = str(secret)
    assert machine.find().username == "k8s"
    machine.podman({"auths": {HOST: basic("podman", "6")}})
    assert machine.find().username == "podman"
    machine.docker({"auths": {HOST: basic("docker", "5")}})
    assert machine.find().username == "docker"
    (machine.secrets / "regtools_username").write_text("mounted\n")
    (machine.secrets / "regtools_password").write_text("4\n")
    assert machine.find().username == "mounted"
    machine.environ["FROM_FILE"] = "3"
    settings = settings_login("settings", "env:FROM_FILE")
    assert machine.find(HOST, "", *settings).username == "settings"
    machine.environ |= {"REGTOOLS_USERNAME": "environment", "REGTOOLS_PASSWORD": "2"}
    assert machine.find(HOST, "", *settings).username == "environment"
    explicit = Login(username="line", password="env:FROM_FILE", where="the command line")
    found = machine.find(HOST, "", explicit, settings[1])
    assert (found.username, found.password, found.source) == ("line", "3", "the command line")


def test_a_secret_is_in_no_text_of_the_credential(machine: Machine) -> None:
    machine.docker({"auths": {HOST: {**basic("me", "canary-1"), "identitytoken": "canary-2"}}})
    found = machine.find()
    assert found.password == "canary-1"
    assert found.identity_token == "canary-2"
    assert "canary" not in f"{found!r} {found} {machine.attempts}"


@pytest.mark.parametrize(
    "key", [HOST, f"https://{HOST}", f"https://{HOST}/v1/", f"http://{HOST}/v2/"]
)
def test_dockers_older_keys_are_understood(machine: Machine, key: str) -> None:
    machine.docker({"auths": {key: basic("me", "x")}})
    assert machine.find().username == "me"


def test_dockers_hosts_match_exactly(machine: Machine) -> None:
    machine.docker({"auths": {"example.com": basic("me", "x"), f"{HOST}:5000": basic("me", "x")}})
    assert machine.find().is_anonymous
    assert machine.outcome("Docker config").startswith("no entry for this registry")


@pytest.mark.parametrize(
    ("registry", "key", "near"),
    [
        (HOST, f"{HOST}:443", f"{HOST}:443"),
        (f"{HOST}:5000", HOST, HOST),
        (HOST, "https://Registry.Example.com", "Registry.Example.com"),
        (HOST, f"https://alice:secret@{HOST}:80/v2/", f"{HOST}:80"),
        ("docker.io", "hub.docker.com", "hub.docker.com"),
        (HOST, "hub.docker.com", ""),
        (HOST, "other.example.com", ""),
    ],
)
def test_a_key_that_is_like_the_registrys_is_told(
    machine: Machine, registry: str, key: str, near: str
) -> None:
    machine.docker({"auths": {key: basic("alice", "secret")}})
    assert machine.find(registry).is_anonymous
    assert [one.near_key for one in machine.attempts if one.near_key] == ([near] if near else [])
    assert not [one for one in machine.attempts if one.is_broken]


def test_docker_does_not_look_where_we_do(machine: Machine) -> None:
    machine.docker({"auths": {"docker.io": basic("alice", "secret")}})
    assert machine.find("docker.io").odd_key == "docker.io"
    machine.docker({"auths": {"https://index.docker.io/v1/": basic("alice", "secret")}})
    assert machine.find("docker.io").odd_key == ""


def test_docker_hub_goes_by_its_old_name(machine: Machine) -> None:
    machine.docker({"auths": {"https://index.docker.io/v1/": basic("me", "x")}})
    assert machine.find("docker.io").username == "me"


def test_an_empty_entry_that_a_store_left_is_no_credential(machine: Machine) -> None:
    machine.docker({"auths": {HOST: {}}})
    assert machine.find().is_anonymous


def test_a_file_open_to_all_is_said_so(machine: Machine) -> None:
    machine.docker({"auths": {HOST: basic("me", "x")}}).chmod(0o644)
    machine.find()
    assert "everybody" in machine.outcome("Docker config")


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ({"auths": {HOST: {"auth": "§"}}}, "its `auth` is not base64"),
        ({"auths": {HOST: {"auth": "bWU="}}}, "its `auth` holds no user:password"),
        ({"credsStore": "none"}, "helper docker-credential-none is not installed"),
        ({"credsStore": "../../bin/sh"}, "helper docker-credential-../../bin/sh is not installed"),
    ],
)
def test_a_broken_docker_config_is_told_and_passed_over(
    machine: Machine, content: Any, outcome: str
) -> None:
    machine.docker(content)
    machine.podman({"auths": {HOST: basic("podman", "x")}})
    assert machine.find().username == "podman"
    assert machine.outcome("Docker config") == outcome


def test_a_registrys_own_helper_is_asked_before_the_store(machine: Machine) -> None:
    machine.helper("own", "print(json.dumps({'Username': 'own', 'Secret': sys.stdin.read()}))")
    machine.helper("all", "print(json.dumps({'Username': 'all', 'Secret': 'x'}))")
    machine.docker({"credHelpers": {HOST: "own"}, "credsStore": "all"})
    found = machine.find()
    assert (found.username, found.password) == ("own", f"{HOST}\n")
    assert "helper own" in found.source
    assert machine.find("other.example.com").username == "all"


def test_a_helpers_token_user_is_an_identity_token(machine: Machine) -> None:
    machine.helper("acr", "print(json.dumps({'Username': '<token>', 'Secret': 'refresh'}))")
    machine.docker({"credHelpers": {HOST: "acr"}})
    found = machine.find()
    assert (found.identity_token, found.password) == ("refresh", "")


def test_a_helper_that_knows_nothing_gives_way_to_the_file(machine: Machine) -> None:
    machine.helper("all", "print('credentials not found in native keychain'); sys.exit(1)")
    machine.docker({"credsStore": "all", "auths": {HOST: basic("file", "x")}})
    assert machine.find().username == "file"


def test_a_failing_helpers_words_are_not_repeated(machine: Machine) -> None:
    machine.helper("all", "print('canary-1'); sys.exit(3)")
    machine.docker({"credsStore": "all"})
    assert machine.find().is_anonymous
    assert (
        machine.outcome("Docker config") == "helper docker-credential-all failed with exit code 3"
    )


def test_a_helper_that_hangs_is_stopped_with_its_children(machine: Machine, tmp_path: Path) -> None:
    machine.helper(
        "slow",
        "import os, subprocess\n"
        f"child = subprocess.Popen(['{sys.executable}', '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\ntime.sleep(60)",
    )
    with pytest.raises(SourceError, match=r"did not answer within 3 s"):
        ask_helper("slow", HOST, source="x", environ=machine.environ, seconds=3)
    child = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    # It was sent the signal; the system may take a moment to end it.
    tries = 0
    while child.exists() and child.read_text().split()[2] != "Z" and tries < 500:
        tries += 1
        time.sleep(0.01)
    assert tries < 500


def test_podmans_longest_entry_wins(machine: Machine) -> None:
    machine.podman(
        {
            "auths": {
                HOST: basic("host", "x"),
                f"{HOST}/team": basic("team", "x"),
                f"{HOST}/team/app": basic("app", "x"),
            }
        }
    )
    assert machine.find(HOST, "team/app").username == "app"
    assert machine.find(HOST, "team/other").username == "team"
    assert machine.find(HOST, "teams").username == "host"


def test_podmans_file_may_be_named_by_the_environment(machine: Machine) -> None:
    file = machine.write("elsewhere.json", {"auths": {HOST: basic("me", "x")}})
    machine.environ["REGISTRY_AUTH_FILE"] = str(file)
    assert machine.find().username == "me"


def secret(content: Any) -> dict[str, Any]:
    encoded = base64.b64encode(json.dumps(content).encode()).decode()
    return {"kind": "Secret", "data": {".dockerconfigjson": encoded}}


@pytest.mark.parametrize(
    "content",
    [
        {"auths": {HOST: basic("me", "x")}},
        secret({"auths": {HOST: basic("me", "x")}}),
        {
            "kind": "List",
            "items": [secret({"auths": {}}), secret({"auths": {HOST: basic("me", "x")}})],
        },
        {
            "kind": "Secret",
            "data": {
                ".dockercfg": base64.b64encode(
                    json.dumps({HOST: basic("me", "x")}).encode()
                ).decode()
            },
        },
    ],
    ids=["mounted", "kubectl", "list", "dockercfg"],
)
def test_every_shape_of_a_pull_secret_is_read(machine: Machine, content: Any) -> None:
    file = machine.write("secret.json", content)
    found = machine.find(HOST, "", *settings_login(None, f"kubernetes:{file}"))
    assert found.username == "me"


@pytest.mark.parametrize(
    ("key", "matches"),
    [
        ("*.example.com", True),
        ("reg*.example.com", True),
        ("*.com", False),
        (f"{HOST}/team", True),
        (f"{HOST}/tea", False),
        (f"https://{HOST}/v1/", True),
        (f"{HOST}:443", False),
    ],
)
def test_kubernetes_keys_match_by_glob_and_path(machine: Machine, key: str, matches: bool) -> None:
    file = machine.write("secret.json", {"auths": {key: basic("me", "x")}})
    found = machine.find(HOST, "team/app", *settings_login(None, f"kubernetes:{file}"))
    assert found.is_anonymous is not matches


@pytest.mark.parametrize(
    ("username", "password", "code"),
    [
        ("me", None, "CREDENTIAL_PARTIAL"),
        (None, "env:CANARY", "CREDENTIAL_PARTIAL"),
        ("me", "canary-1", "SECRET_INLINE"),
        ("me", "env:NOT_SET", "CREDENTIAL_MISSING"),
        ("me", "file:/no/such/file", "CREDENTIAL_MISSING"),
        (None, "kubernetes:/no/such/file", "CREDENTIAL_MISSING"),
    ],
)
def test_a_reference_that_cannot_be_used_is_an_error_without_the_secret(
    machine: Machine, username: str | None, password: str | None, code: str
) -> None:
    machine.environ["CANARY"] = "canary-1"
    with pytest.raises(ConfigError) as caught:
        machine.find(HOST, "", *settings_login(username, password))
    assert caught.value.code == code
    assert "canary" not in str(caught.value)


def test_a_files_last_line_break_is_no_part_of_the_secret(machine: Machine) -> None:
    file = machine.write("token", " kept \r\n")
    found = machine.find(HOST, "", *settings_login("me", f"file:{file}"))
    assert found.password == " kept "
