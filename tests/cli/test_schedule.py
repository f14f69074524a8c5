"""What `regtools schedule` prints, read by the programs it is for."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.command import Command

from regtools.errors import ConfigError
from regtools.scheduling import Night, Unit, at_time, cron, systemd

SETTINGS = """\
history = "kept/history/"
[registries.work]
url = "ghcr.io/acme"
username = "env:REGISTRY_USER"
password = "env:REGISTRY_TOKEN"
"""
HOSTILE = 'it\'s 100% "ours" & $HOME; `date` ü #1'
PRINTS_ARGUMENTS = (
    (
        '#!/bin/sh\nprintf \'%s\\n\' "$PWD" "$REGISTRY_TOKEN" > "${{0%/*}}"/heard\n'
        'printf \'%s\\n\' "$@" >> "${{0%/*}}"/heard\n'
    )
    .replace("{{", "{")
    .replace("}}", "}")
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / HOSTILE
    folder.mkdir()
    file = folder / "regtools.toml"
    file.write_text(SETTINGS)
    monkeypatch.chdir(folder)
    return file


def program_at(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PRINTS_ARGUMENTS)
    path.chmod(0o755)
    return path


def read_crontab(text: str, tmp_path: Path) -> tuple[list[str], str]:
    """Let cron check a crontab; give the five fields and the command that cron hands to the shell."""
    file = tmp_path / "crontab"
    file.write_text(text)
    done = subprocess.run(["crontab", "-n", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in text.splitlines() if line and line[0].isdigit())
    *fields, command = line.split(" ", 5)
    # crontab(5): a % ends the command, unless a backslash stands before it.
    parts = command.replace(r"\%", "\0")
    assert "%" not in parts
    return fields, parts.replace("\0", "%")


def test_cron_reads_the_line_and_the_shell_runs_what_was_meant(
    regtools: Command, settings: Path, tmp_path: Path
) -> None:
    program = program_at(settings.parent / "bin" / "reg tools")
    ran = regtools(
        "schedule", "cron", "--at", "23:05", "--program", program, "--mail-to", "ops@a.de"
    )
    assert ran.code == 0, ran.err
    assert "\nMAILTO=ops@a.de\n" in ran.out
    fields, command = read_crontab(ran.out, tmp_path)
    assert fields == ["5", "23", "*", "*", "*"]
    settings.with_name("regtools.env").write_text("REGISTRY_TOKEN='p w'\n")
    subprocess.run(["/bin/sh", "-c", command], check=True, cwd="/")
    heard = (program.parent / "heard").read_text().splitlines()
    assert heard == [str(settings.parent), "p w", "run", "--quiet", "--config", str(settings)]


def test_cron_does_not_start_a_second_run_beside_the_first(
    regtools: Command, settings: Path, tmp_path: Path
) -> None:
    program = program_at(tmp_path / "regtools")
    _, command = read_crontab(regtools("schedule", "cron", "--program", program).out, tmp_path)
    settings.with_name("regtools.env").touch()
    beside = ["flock", "-n", str(settings), "/bin/sh", "-c", command]
    assert subprocess.run(beside, check=False).returncode == 3
    assert not (tmp_path / "heard").exists()


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40))
def test_whatever_the_folder_is_called_the_shell_gets_it_back_or_it_is_refused(name: str) -> None:
    config = f"/srv/{name.replace('/', '_')}/regtools.toml"
    try:
        night = Night(name="nightly", at=at_time("00:00"), config=config)
        text = cron(night, program="/usr/bin/regtools").text
    except ConfigError:
        assert "\\" in config or not config.isprintable()
        return
    command = text.splitlines()[-1].split(" ", 5)[5]
    assert "%" not in command.replace(r"\%", "")
    assert shlex.split(command.replace(r"\%", "%"))[-1] == config


def verify(folder: Path) -> None:
    """Let systemd read the units as it would at a start."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(folder.glob("*.*"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_takes_service_and_timer(regtools: Command, settings: Path, tmp_path: Path) -> None:
    program = program_at(tmp_path / "100% of it" / "reg tools")
    pull = tmp_path / "pull 50% secret.json"
    ran = regtools(
        "schedule", "systemd", "--program", program, "--at", "02:15", "--zone", "Europe/Berlin",
        "--pull-secret", pull, "--output", tmp_path / "units",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    verify(tmp_path / "units")
    timer = (tmp_path / "units/regtools.timer").read_text()
    (when,) = (line.partition("=")[2] for line in timer.splitlines() if line.startswith("OnCal"))
    subprocess.run(["systemd-analyze", "calendar", when], check=True, capture_output=True)
    assert "Persistent=true" in timer
    assert "RandomizedDelaySec=" in timer
    service = (tmp_path / "units/regtools.service").read_text()
    assert f"LoadCredential=pull-secret:{str(pull).replace('%', '%%')}\n" in service


def test_systemd_finds_little_to_fear_in_the_service(
    regtools: Command, settings: Path, tmp_path: Path
) -> None:
    regtools("schedule", "systemd", "--program", "/bin/true", "--output", tmp_path / "units")
    subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager",
         tmp_path / "units/regtools.service"],
        check=True, capture_output=True,
    )  # fmt: skip


def test_a_word_that_systemd_would_read_otherwise_is_refused() -> None:
    night = Night(name="nightly", at=at_time("00:00"), config="/srv/a/regtools.toml")
    with pytest.raises(ConfigError):
        systemd(night, Unit(program="/opt/$HOME/regtools"))
    with pytest.raises(ConfigError):
        systemd(night, Unit(program="/bin/true", env_file="/srv/secrets "))


def check_schema(schema: str, text: str, folder: Path) -> Any:
    """Let a vendor's schema judge it; give what YAML reads."""
    file = folder / "definition.yml"
    file.write_text(text)
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [tool, "--builtin-schema", schema, file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return yaml.safe_load(text)


def shell_of(command: str) -> list[str]:
    return shlex.split(command)


def test_github_takes_the_workflow(regtools: Command, settings: Path, tmp_path: Path) -> None:
    ran = regtools("schedule", "github-actions", "--install", "git+https://git.example/r@v1 # x")
    assert ran.code == 0, ran.err
    flow = check_schema("vendor.github-workflows", ran.out, tmp_path)
    # YAML 1.1 reads the key `on` as true; GitHub does not.
    assert flow[True]["schedule"] == [{"cron": "15 2 * * *"}]
    assert flow["permissions"] == {"contents": "read"}
    assert flow["concurrency"]["cancel-in-progress"] is False
    (job,) = flow["jobs"].values()
    by_use = {step.get("uses", "").partition("@")[0]: step for step in job["steps"]}
    saved, fetched = by_use["actions/cache/save"]["with"], by_use["actions/cache/restore"]["with"]
    assert saved["path"] == fetched["path"] == job["env"]["REGTOOLS_HISTORY"]
    assert saved["key"].startswith(fetched["restore-keys"])
    assert by_use["actions/upload-artifact"]["with"]["path"] == job["env"]["REGTOOLS_REPORTS"]
    install, run = (step for step in job["steps"] if "run" in step)
    assert shell_of(install["run"])[-1] == "git+https://git.example/r@v1 # x"
    assert shell_of(run["run"]) == ["regtools", "run", "--quiet", "--config", "regtools.toml"]
    # Secrets are seen by the step that needs them, not by the installation.
    assert run["env"]["REGISTRY_TOKEN"] == "${{ secrets.REGISTRY_TOKEN }}"
    assert "env" not in install


def test_github_gets_no_more_rights_than_the_jobs_own_token_needs(
    regtools: Command, settings: Path, tmp_path: Path
) -> None:
    asked = ("--image", "ghcr.io/acme/regtools:1", "--secret", "GITHUB_TOKEN")
    ran = regtools("schedule", "github-actions", *asked)
    flow = check_schema("vendor.github-workflows", ran.out, tmp_path)
    assert flow["permissions"] == {"contents": "read", "packages": "read"}
    assert flow["jobs"]["regtools"]["container"]["image"] == "ghcr.io/acme/regtools:1"


def test_gitlab_takes_the_job(regtools: Command, settings: Path, tmp_path: Path) -> None:
    (settings.parent / "sub $CI").mkdir()
    inner = settings.rename(settings.parent / "sub $CI" / "regtools.toml")
    ran = regtools("schedule", "gitlab-ci", "--image", "ghcr.io/acme/r:1", "--config", inner)
    assert ran.code == 0, ran.err
    job = check_schema("vendor.gitlab-ci", ran.out, tmp_path)["regtools"]
    assert shell_of(job["script"][0])[-1] == "sub $CI/regtools.toml"
    assert job["cache"]["paths"] == [job["variables"]["REGTOOLS_HISTORY"]]
    assert job["artifacts"]["paths"] == [job["variables"]["REGTOOLS_REPORTS"]]
    assert job["resource_group"] == "regtools"
    assert "REGISTRY_TOKEN" in ran.out.split("\nregtools:")[0]


def test_kubernetes_takes_the_cron_job(regtools: Command, settings: Path) -> None:
    ran = regtools(
        "schedule", "kubernetes", "--image", "ghcr.io/acme/regtools:1", "--namespace", "tools",
        "--zone", "Europe/Berlin", "--pull-secret", "registry-pull", "--name", "nightly",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    claim, job = yaml.safe_load_all(ran.out)
    for document in (claim, job):
        kubernetes_validate.validate(document, "1.31", strict=True)
        assert document["metadata"]["namespace"] == "tools"
    spec = job["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("15 2 * * *", "Europe/Berlin")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"] == [
        1,
        2,
    ]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    keeps_to_restricted(pod)
    mounted = {one["name"] for one in pod["containers"][0]["volumeMounts"]}
    assert mounted == {one["name"] for one in pod["volumes"]}
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    environment = {one["name"]: one for one in pod["containers"][0]["env"]}
    reference = environment["REGISTRY_TOKEN"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "nightly-secrets", "key": "REGISTRY_TOKEN"}


def keeps_to_restricted(pod: Mapping[str, Any]) -> None:
    """Hold a pod against the Pod Security Standard `restricted` (kubernetes.io, 2026-11)."""
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    (container,) = pod["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
    assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"])


def test_a_history_in_a_bucket_needs_no_cache(
    regtools: Command, settings: Path, tmp_path: Path
) -> None:
    settings.write_text(SETTINGS.replace("kept/history/", "s3://bucket/history"))
    asked = ("--install", "regtools", "--secret", "AWS_SECRET_ACCESS_KEY")
    for platform in ("github-actions", "gitlab-ci"):
        text = regtools("schedule", platform, *asked).out
        assert "cache" not in text
        assert "REGTOOLS_HISTORY" not in text
        assert "AWS_SECRET_ACCESS_KEY" in text


def test_a_secret_itself_is_never_printed(
    regtools: Command, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_TOKEN", "hunter2hunter2")
    true = ["--program", "/bin/true"]
    for platform in (["cron", *true], ["systemd", *true], ["gitlab-ci", "--install", "x"]):
        ran = regtools("schedule", *platform, "--json")
        assert ran.code == 0, ran.err
        assert "hunter2" not in ran.out + ran.err
        assert "REGISTRY_TOKEN" in json.dumps(ran.document["files"])


@pytest.mark.parametrize(
    "asked",
    [
        ["cron", "--at", "24:00"],
        ["cron", "--at", "2:15"],
        ["cron", "--mail-to", "a@b.de\n* * * * * evil"],
        ["systemd", "--zone", "Mars/Base"],
        ["systemd", "--zone", "../../etc/passwd"],
        ["systemd", "--user", "root\nExecStartPre=/bin/evil"],
        ["systemd", "--name", "../evil"],
        ["systemd", "--env-file", "a\nExecStartPre=/bin/evil"],
        ["github-actions"],
        ["github-actions", "--install", "x", "--image", "y"],
        ["github-actions", "--install", "${{ secrets.ALL }}"],
        ["github-actions", "--install", "--index-url=http://evil"],
        ["github-actions", "--install", "x", "--config", "../regtools.toml"],
        ["github-actions", "--install", "x", "--secret", "A: b"],
        ["gitlab-ci", "--install", "x", "--name", "stages"],
        ["gitlab-ci", "--image", "not an image"],
        ["kubernetes"],
        ["kubernetes", "--image", "x", "--namespace", "Tools"],
        ["kubernetes", "--image", "x", "--name", "on"],
        ["kubernetes", "--image", "x", "--pull-secret", "a}, {b"],
    ],
    ids=" ".join,
)
def test_what_would_make_a_wrong_definition_is_wrong_usage(
    regtools: Command, settings: Path, asked: list[str]
) -> None:
    ran = regtools("schedule", *asked)
    assert (ran.code, ran.out) == (2, "")


def test_nothing_is_overwritten(regtools: Command, settings: Path, tmp_path: Path) -> None:
    (tmp_path / "regtools.service").write_text("mine")
    ran = regtools("schedule", "systemd", "--program", "/bin/true", "--output", tmp_path)
    assert ran.code == 2
    assert (tmp_path / "regtools.service").read_text() == "mine"


def test_settings_that_are_not_there_yet_are_said_on_stderr(
    regtools: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = regtools("schedule", "cron", "--config", "etc/regtools.toml", "--program", "/bin/true")
    assert ran.code == 0
    assert "There is no etc/regtools.toml" in ran.err
    assert os.fspath(tmp_path / "etc/regtools.toml") in ran.out
