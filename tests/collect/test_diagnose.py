"""The whole walk: one root cause, and what comes after it is skipped with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from tests.support.certificates import CertificateAuthority
from tests.support.corpus import Corpus
from tests.support.docker_registry import USERS, DockerRegistry, Served
from tests.support.token_server import TokenServer, grant_public
from tests.support.walks import talk, walk

from regtools.client import ConnectionOptions, Distribution
from regtools.collect import approach
from regtools.collect import diagnose as diagnosis
from regtools.collect.diagnose import NAMELESS_STAGES, STAGES
from regtools.collect.diagnosis import root_cause
from regtools.collect.probes.stage import row
from regtools.credentials import ANONYMOUS, Credential
from regtools.reference import parse_target
from regtools.schema import CheckRow

NOW = datetime.now(UTC)
ALICE = Credential(username="alice", password=USERS["alice"], source="the test")
MALLORY = Credential(username="alice", password="wrong", source="the test")


def codes(checks: list[CheckRow]) -> dict[str, str]:
    return {check.stage: check.code for check in checks}


def statuses(checks: list[CheckRow]) -> dict[str, str]:
    return {check.stage: check.status for check in checks}


def test_a_healthy_image_passes_every_stage(registry: DockerRegistry, corpus: Corpus) -> None:
    checks = walk(registry.url, repository="team/web", reference="2.0.0")
    assert root_cause(checks) is None
    assert codes(checks) == {
        "reference": "REFERENCE_OK",
        "configuration": "CONFIGURATION_OK",
        "resolve": "RESOLVED",
        "connect": "CONNECTED",
        "tls": "PLAIN_HTTP",
        "http": "HTTP_OK",
        "challenge": "CHALLENGE_NONE",
        "credentials": "CREDENTIALS_NONE",
        "token": "TOKEN_NONE",
        "auth": "AUTH_ANONYMOUS",
        "listing": "LISTING_OK",
        "manifest": "MANIFEST_OK",
        "blob": "BLOB_OK",
        "throughput": "THROUGHPUT_OK",
        "limits": "LIMITS_NONE",
        "storage": "SKIPPED",
        "push": "SKIPPED",
    }
    by_stage = {check.stage: check for check in checks}
    told = json.loads(by_stage["manifest"].evidence)
    assert told["digest"] == corpus.repositories["team/web"]["2.0.0"]
    measured = json.loads(by_stage["blob"].evidence)
    assert measured["size"] == corpus.blob_sizes[measured["digest"]]
    assert json.loads(by_stage["listing"].evidence) == {"first_page": len(corpus.repositories)}


def test_without_a_repository_the_walk_ends_with_the_listing(registry: DockerRegistry) -> None:
    assert tuple(codes(walk(registry.url))) == NAMELESS_STAGES


def test_a_repository_without_a_reference_shows_one_of_its_tags(registry: DockerRegistry) -> None:
    checks = walk(registry.url, repository="team/api")
    manifest = next(check for check in checks if check.stage == "manifest")
    assert json.loads(manifest.evidence)["reference"] == "latest"
    assert root_cause(checks) is None


def test_an_emptied_repository_is_the_cause(registry: DockerRegistry) -> None:
    checks = walk(registry.url, repository="emptied/app")
    cause = root_cause(checks)
    assert cause is not None
    assert (cause.stage, cause.code) == ("manifest", "REPOSITORY_EMPTY")
    assert statuses(checks)["blob"] == "skipped"


def test_a_missing_tag_is_the_cause(registry: DockerRegistry) -> None:
    cause = root_cause(walk(registry.url, repository="team/api", reference="v9"))
    assert cause is not None
    assert cause.stage == "manifest"
    assert cause.remedy


def test_a_closed_port_skips_all_that_follows(
    start_registry: Callable[..., DockerRegistry],
) -> None:
    gone = start_registry()
    gone.program.stop()
    checks = walk(gone.url, repository="a", reference="b")
    cause = root_cause(checks)
    assert cause is not None
    assert (cause.stage, cause.code) == ("connect", "CONNECT_REFUSED")
    assert tuple(codes(checks)) == STAGES
    after = [check for check in checks if STAGES.index(check.stage) > STAGES.index("connect")]
    assert {check.status for check in after} == {"skipped"}
    assert {check.summary for check in after} == {"Not tried, because connect failed."}


def test_an_untrusted_certificate_is_the_cause_and_no_request_is_sent(
    tls_registry: DockerRegistry, authority: CertificateAuthority
) -> None:
    tls_registry.requests()
    cause = root_cause(walk(tls_registry.url))
    assert cause is not None
    assert cause.code == "TLS_CERT_UNTRUSTED"
    assert tls_registry.requests() == []
    assert root_cause(walk(tls_registry.url, ca_file=authority.file)) is None


def test_tls_is_asked_of_a_plain_server_only_where_https_was_meant(
    registry: DockerRegistry,
) -> None:
    cause = root_cause(walk(f"https://{registry.host}"))
    assert cause is not None
    assert (cause.stage, cause.code) == ("tls", "TLS_NOT_SPOKEN")


@pytest.mark.parametrize(
    ("credential", "code", "status"),
    [
        (ALICE, "AUTH_OK", "ok"),
        (ANONYMOUS, "AUTH_REQUIRED", "fail"),
        (MALLORY, "AUTH_REFUSED", "fail"),
    ],
)
def test_basic_authentication_is_judged(
    htpasswd_registry: DockerRegistry, credential: Credential, code: str, status: str
) -> None:
    checks = walk(htpasswd_registry.url, credential=credential)
    assert codes(checks)["http"] == "HTTP_OK"
    assert (codes(checks)["auth"], statuses(checks)["auth"]) == (code, status)
    assert codes(checks)["listing"] == ("LISTING_OK" if status == "ok" else "SKIPPED")


@pytest.mark.parametrize(("credential", "code"), [(ALICE, "AUTH_OK"), (MALLORY, "AUTH_REFUSED")])
def test_token_authentication_is_judged(
    token_registry: DockerRegistry, credential: Credential, code: str
) -> None:
    assert codes(walk(token_registry.url, credential=credential))["auth"] == code


def test_a_public_image_is_read_without_a_credential(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    tokens.grant = grant_public("base/")
    checks = walk(token_registry.url, repository="base/debian", reference="12")
    assert root_cause(checks) is None
    assert statuses(checks)["listing"] == "warn"
    assert codes(checks)["blob"] == "BLOB_OK"


def test_a_closed_catalog_is_the_cause_where_nothing_else_was_asked_for(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    tokens.grant = lambda user, kind, name: {"pull"} if kind == "repository" else set()
    cause = root_cause(walk(token_registry.url, credential=ALICE))
    assert cause is not None
    assert (cause.stage, cause.code) == ("listing", "LISTING_DENIED")
    assert "name a repository" in cause.remedy.lower()


def test_an_empty_catalog_is_doubted(start_registry: Callable[..., DockerRegistry]) -> None:
    checks = walk(start_registry().url)
    assert (codes(checks)["listing"], statuses(checks)["listing"]) == ("LISTING_EMPTY", "warn")
    assert root_cause(checks) is None


def test_the_checks_of_a_scan_cost_one_request(registry: DockerRegistry) -> None:
    registry.requests()

    async def work(distribution: Distribution, options: ConnectionOptions) -> list[CheckRow]:
        target = parse_target(registry.url)
        return await diagnosis.scan_checks(distribution, target, options, now=NOW)

    checks = talk(registry.url, work)
    assert tuple(codes(checks)) == (
        *diagnosis.CONNECTION_STAGES,
        *approach.STAGES,
    )
    assert registry.requests() == [Served(method="GET", path="/v2/", status=200)]


def test_no_secret_is_in_any_row(htpasswd_registry: DockerRegistry) -> None:
    for credential in (ALICE, MALLORY):
        checks = walk(htpasswd_registry.url, credential=credential)
        assert credential.password not in repr(checks)


def test_a_dead_registry_costs_no_more_time_than_allowed(
    start_registry: Callable[..., DockerRegistry],
) -> None:
    hung = start_registry()
    hung.program.freeze()
    target = f"https://{hung.host}"
    options = ConnectionOptions(timeout_seconds=0.3)

    async def run() -> list[CheckRow]:
        with anyio.fail_after(5):
            return await diagnosis.connection_checks(parse_target(target), options, now=NOW)

    cause = root_cause(anyio.run(run))
    assert cause is not None
    assert (cause.stage, cause.code) == ("tls", "TLS_FAILED")


def test_a_proxy_is_what_the_connection_goes_to(
    monkeypatch: pytest.MonkeyPatch, registry: DockerRegistry
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:canary@{registry.host}")
    target = parse_target("https://registry.example.com")

    async def run() -> list[CheckRow]:
        return await diagnosis.connection_checks(target, ConnectionOptions(), now=NOW)

    checks = anyio.run(run)
    assert statuses(checks) == {"resolve": "ok", "connect": "ok", "tls": "skipped"}
    assert json.loads(checks[1].evidence)["proxy"] == registry.host
    assert "proxy" in checks[2].summary
    assert "canary" not in repr(checks)


def test_the_first_failure_is_the_root_cause() -> None:
    def one(stage: str, status: Any) -> CheckRow:
        return row("registry.example.com", stage, stage.upper(), status, "")

    checks = [one("resolve", "ok"), one("connect", "warn"), one("tls", "fail"), one("http", "fail")]
    assert root_cause(checks) == checks[2]
    assert root_cause(checks[:2]) is None
