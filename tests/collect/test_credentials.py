"""What the check of a credential tells: its sort, whose it is, its end; and never itself."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.vendors.content import one_of_each
from tests.support.vendors.harbor import HarborServer
from tests.support.vendors.scanning import SECRET, history_of, scan_vendor
from tests.support.vendors.server import serving

from regtools.access import Options, credential_shape, open_access
from regtools.analyses.observations import checks
from regtools.collect.probes.credentials import credentials, described
from regtools.credentials import Credential
from regtools.registries import registry_kind
from regtools.registries.listing import Rights
from regtools.schema import CheckRow
from regtools.settings import Settings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENDS = datetime(2026, 12, 24, tzinfo=UTC)
CANARY = "canary-4711"


def told(check: CheckRow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(check.evidence)
    return found


def checked(**fields: Any) -> CheckRow:
    credential = Credential(username="me", source="a file", **{"password": CANARY, **fields})
    return credentials("registry.example.com", credential, (), wanted=True, now=NOW)


@pytest.mark.parametrize(
    ("kind", "username", "secret", "personal"),
    [
        ("harbor", "robot$team+ci", CANARY, False),
        ("harbor", "alice", CANARY, True),
        ("quay", "acme+ci", CANARY, False),
        ("quay", "alice", CANARY, True),
        ("dockerhub", "alice", "dckr_pat_x", True),
        ("dockerhub", "acme", "dckr_oat_x", False),
        ("dockerhub", "alice", CANARY, True),
        ("ghcr", "alice", "gho_x", True),
        ("ghcr", "actor", "ghs_x", False),
        ("ghcr", "anything", "ghp_x", None),
        ("gitlab", "gitlab+deploy-token-7", CANARY, False),
        ("gitlab", "gitlab-ci-token", CANARY, False),
        ("gitlab", "alice", "glpat-x", None),
        ("artifactregistry", "_json_key", CANARY, False),
        ("zot", "alice", "zak_x", True),
    ],
)
def test_a_person_and_a_machine_are_told_apart_where_it_shows(
    kind: str, username: str, secret: str, personal: bool | None
) -> None:
    shape = registry_kind(kind).credential_shape(username, secret)
    (row,) = described([checked()], shape=shape)
    assert told(row).get("personal") == personal
    assert told(row)["sort"]
    assert CANARY not in repr(row)


def test_what_the_vendor_tells_counts_more_than_looks() -> None:
    shape = registry_kind("ghcr").credential_shape("alice", "gho_x")
    rights = Rights(kind="project \x1b[31mtoken", expires_at=ENDS)
    (row,) = described(described([checked()], rights=rights), shape=shape)
    assert told(row)["sort"] == "project \ufffd[31mtoken"
    assert told(row)["ends_at"] == "2026-12-24T00:00:00+00:00"
    assert told(row)["source"] == "a file"


def test_where_there_is_none_nothing_is_said_of_it() -> None:
    row = credentials("registry.example.com", Credential(), (), wanted=True, now=NOW)
    shape = registry_kind("dockerhub").credential_shape("alice", CANARY)
    assert described([row], shape=shape) == [row]


def test_a_token_that_tells_its_end_is_told_with_it() -> None:
    ends = NOW + timedelta(hours=3)
    row = checked(password=f"a.{_encoded({'exp': int(ends.timestamp())})}.c")
    assert told(row)["ends_at"] == ends.isoformat()
    assert "renewed" not in told(row)
    assert told(checked(renew=lambda: CANARY))["renewed"] is True


def _encoded(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def test_the_sort_is_that_of_the_kind_of_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    given = Options(username="alice", password="env:CANARY")
    shape = credential_shape(open_access("docker.io/acme", Settings(), given))
    assert shape is not None
    assert shape.is_personal
    monkeypatch.setenv("HOME", "/nowhere")
    assert credential_shape(open_access("docker.io/acme", Settings(), Options())) is None


def test_a_scan_keeps_whose_its_credential_was(tmp_path: Path) -> None:
    plan, _ = one_of_each()
    with serving(HarborServer(plan, user="robot$ci", password=SECRET)) as server:
        scan_vendor(tmp_path, server, kind="harbor", username="robot$ci")
    rows = checks(history_of(tmp_path)).set_index("stage")
    evidence = json.loads(str(rows.loc["credentials", "evidence"]))
    assert (evidence["sort"], evidence["personal"]) == ("robot account", False)
    assert SECRET not in repr(evidence)
