from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.docker_registry import USERS, DockerRegistry

import regtools as rt
from regtools.collect.diagnose import STAGES
from regtools.collect.diagnosis import COLUMNS


def test_diagnose_walks_down_to_a_layer(regtools: Command, registry: DockerRegistry) -> None:
    ran = regtools(
        "diagnose", f"{registry.url}/team/api:latest", "--platform", "linux/amd64", "--json"
    )
    assert ran.code == 0
    document = ran.document
    assert (document["schema_version"], document["status"], document["root_cause"]) == (
        1,
        "ok",
        None,
    )
    assert [check["stage"] for check in document["checks"]] == list(STAGES)
    assert {check["status"] for check in document["checks"]} <= {"ok", "skipped"}
    assert all(set(check) == set(COLUMNS) for check in document["checks"])


def test_diagnose_names_one_cause_and_its_remedy(
    regtools: Command, registry: DockerRegistry
) -> None:
    ran = regtools("diagnose", f"{registry.url}/team/api:none")
    assert ran.code == 1
    assert ran.err.count("root cause:") == 1
    assert ran.out.count("→") == 1
    assert ran.out.count("[TAG_NOT_FOUND]") == 1


def test_a_configured_name_may_stand_before_the_repository(
    regtools: Command, registry: DockerRegistry
) -> None:
    Path("regtools.toml").write_text(f'[registries.work]\nurl = "{registry.url}"\n')
    assert regtools("diagnose", "work/team/api:latest").code == 0
    assert regtools("diagnose", "work").code == 0


def test_a_login_under_another_port_is_named(
    regtools: Command, htpasswd_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path("docker")
    folder.mkdir()
    secret = base64.b64encode(f"alice:{USERS['alice']}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {"127.0.0.1": {"auth": secret}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    ran = regtools("diagnose", f"{htpasswd_registry.url}/team/api:latest", "--json")
    rows = {check["stage"]: check for check in ran.document["checks"]}
    assert rows["credentials"]["code"] == "CREDENTIALS_KEY_WRONG"
    assert "docker login 127.0.0.1:" in rows["credentials"]["remedy"]
    assert ran.document["root_cause"]["code"] == "AUTH_REQUIRED"
    assert USERS["alice"] not in ran.out
    assert secret not in ran.out


def test_a_document_names_the_cause(regtools: Command, registry: DockerRegistry) -> None:
    ran = regtools("diagnose", f"{registry.url}/team/api:lates", "--json")
    assert ran.code == 1
    cause = ran.document["root_cause"]
    assert set(cause) == {"stage", "code", "summary", "remedy"}
    assert (cause["stage"], cause["code"]) == ("manifest", "TAG_NOT_FOUND")
    assert "latest" in cause["remedy"]


def test_a_name_that_no_registry_takes_is_a_finding(regtools: Command) -> None:
    ran = regtools("diagnose", "registry.example.com/Team/App:1", "--json")
    assert ran.code == 1
    assert ran.document["root_cause"]["code"] == "REPOSITORY_UPPERCASE"
    assert {check["status"] for check in ran.document["checks"][1:]} == {"skipped"}


def test_an_address_that_is_none_is_wrong_usage(regtools: Command) -> None:
    assert regtools("diagnose", "https://").code == 2


def test_the_threshold_decides_what_ends_with_one(
    regtools: Command, start_registry: Callable[..., DockerRegistry]
) -> None:
    empty = start_registry()
    assert regtools("diagnose", empty.url).code == 0
    assert regtools("diagnose", empty.url, "--fail-on", "warn").code == 1
    empty.program.stop()
    assert regtools("diagnose", empty.url, "--fail-on", "never").code == 0


def test_watching_counts_runs_and_failures(regtools: Command, registry: DockerRegistry) -> None:
    image = f"{registry.url}/team/api:latest"
    ran = regtools("diagnose", image, "--watch", "0.1", "--count", "3", "--json")
    assert ran.code == 0
    assert ran.document["runs"] == 3
    stages = {row["stage"]: row for row in ran.document["stages"]}
    http = stages["http"]
    assert (http["runs"], http["failures"]) == (3, 0)
    assert 0 < http["p50_ms"] <= http["p95_ms"] <= http["p99_ms"]
    assert len(ran.err.splitlines()) >= 3
    assert regtools("diagnose", image, "--count", "3").code == 2


def test_a_code_is_explained(regtools: Command) -> None:
    ran = regtools("explain", "tls_chain_incomplete", "--json")
    assert ran.code == 0
    assert ran.document["code"] == "TLS_CHAIN_INCOMPLETE"
    assert "full chain" in ran.document["do"]
    assert "TLS_CHAIN" in regtools("explain", "TLS_CHAIN_INCOMPLETE").out
    assert regtools("explain", "TLS_CHAIN").code == 2


def test_a_diagnosis_lands_in_the_history_that_is_there(
    regtools: Command, registry: DockerRegistry
) -> None:
    image = f"{registry.url}/team/api:latest"
    assert regtools("diagnose", image).code == 0
    assert not Path("history").exists(), "nobody asked for a history"
    assert regtools("diagnose", image, "--history", "history").code == 0
    assert regtools("diagnose", registry.url).code == 0
    kept = rt.History("history").diagnoses
    found = kept.read().to_pylist()
    assert len(kept.names()) == 2
    assert {one["repository"] for one in found} == {"", "team/api"}
    seen = rt.checks("history")
    assert "CATALOG_OPEN" in set(seen["code"]) or "LISTING_OK" in set(seen["code"])
    assert "manifest" not in set(seen["stage"])
    watched = regtools("diagnose", registry.url, "--watch", "0.1", "--count", "2")
    assert watched.code == 0
    assert len(kept.names()) == 3, "one file a run of the command"


def test_the_baseline_says_what_became_slower(
    regtools: Command, registry: DockerRegistry, start_registry: Callable[..., DockerRegistry]
) -> None:
    assert regtools("diagnose", registry.url, "--baseline").code == 2
    for _ in range(5):
        regtools("diagnose", registry.url, "--history", "history")
    ran = regtools("diagnose", registry.url, "--baseline", "--json")
    rows = {row["stage"]: row for row in ran.document["baseline"]}
    assert rows["http"]["runs"] == 5
    assert set(rows["http"]) == {"stage", "ms", "runs", "since", "p50_ms", "p95_ms", "slower"}
    # What was usual is now made to have been instantaneous, so often that the looks this test
    # takes itself stay beyond the 95 of 100.
    store = rt.History("history")
    for name in store.diagnoses.names():
        (Path("history/diagnoses") / name).unlink()
    found = rt.diagnose(registry.url)
    quick = tuple(replace(check, ms=check.ms and -100.0) for check in found.checks)
    for minutes in range(1, 41):
        earlier = found.taken_at - timedelta(minutes=minutes)
        rt.keep_diagnoses(store, [replace(found, checks=quick, taken_at=earlier)])
    ran = regtools("diagnose", registry.url, "--baseline")
    assert ran.code == 0
    assert "Slower than usual:" in ran.err
    assert regtools("diagnose", registry.url, "--baseline", "--fail-on", "warn").code == 1
    csv = regtools("diagnose", registry.url, "--baseline", "--csv").out.splitlines()
    assert csv[0].endswith("runs,since,p50_ms,p95_ms,slower")
    assert regtools("diagnose", registry.url, "--baseline", "--watch", "1").code == 2


def test_a_history_that_cannot_be_written_does_not_hide_the_answer(
    regtools: Command, registry: DockerRegistry
) -> None:
    Path("taken").write_text("a file")
    ran = regtools("diagnose", registry.url, "--history", "taken", "--json")
    assert (ran.code, ran.document["status"]) == (0, "ok")
    assert "not kept" in ran.err
