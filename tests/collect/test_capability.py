"""What a registry really tells is measured: a few questions, and nothing assumed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_registry import Answer
from tests.support.vendors.content import one_of_each, very_many
from tests.support.vendors.harbor import HarborServer
from tests.support.vendors.quay import QuayServer
from tests.support.vendors.scanning import SECRET, settings_file
from tests.support.vendors.server import VendorServer, serving

from regtools.access import Options
from regtools.collect.capability import MAX_REQUESTS, Measured
from regtools.registries.listing import TELLS
from regtools.session import Probed, probe

ROBOT = "robot$ci"


@pytest.fixture
def server() -> Iterator[HarborServer]:
    plan, untagged = one_of_each()
    with serving(HarborServer(plan, user=ROBOT, password=SECRET)) as running:
        running.keep_untagged("acme/app", *untagged["acme/app"])
        yield running


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    def look(server: VendorServer, username: str = ROBOT, **fields: str) -> Probed:
        monkeypatch.setenv("TEST_PASSWORD", SECRET)
        named = {"username": username, "password": "env:TEST_PASSWORD", **fields}
        return probe("work", options=Options(config=settings_file(tmp_path, server, **named)))

    return look


def answers(probed: Probed) -> dict[str, str]:
    return {one.capability: one.answer for one in probed.measured}


def test_what_the_api_told_is_yes_and_what_it_did_not_is_no(
    server: HarborServer, look: object
) -> None:
    probed = look(server, kind="harbor")  # type: ignore[operator]
    assert probed.kind == "harbor"
    assert answers(probed) == {
        "repositories": "yes",
        "untagged": "yes",
        "pushed": "yes",
        "pulled": "no",  # nothing was pulled yet
        "pulls": "yes",
        "visibility": "yes",
        "size": "no",
        "quota": "yes",
        "immutable": "yes",
        "cleanup": "no",
    }
    assert [one.capability for one in probed.measured] == list(TELLS)


def test_what_may_not_be_read_shows(server: HarborServer, look: object) -> None:
    server.administrates = False
    told = answers(look(server, kind="harbor"))  # type: ignore[operator]
    assert (told["quota"], told["immutable"]) == ("no", "no")


def test_an_api_that_refuses_is_refused_with_the_reason(server: HarborServer, look: object) -> None:
    body = b'{"errors":[{"code":"FORBIDDEN","message":"no"}]}'
    server.api_down = Answer(403, body)
    probed = look(server, kind="harbor")  # type: ignore[operator]
    assert set(answers(probed).values()) == {"refused"}
    assert "[DENIED]" in probed.measured[0].seen
    assert SECRET not in str(probed)


def test_a_credential_that_the_api_does_not_take_leaves_the_catalog(look: object) -> None:
    plan, _ = one_of_each()
    with serving(QuayServer(plan, token="x", robot="acme+ci", password=SECRET)) as server:
        probed = look(server, "acme+ci", kind="quay")  # type: ignore[operator]
    told = answers(probed)
    assert told.pop("repositories") == "yes"
    assert set(told.values()) == {"refused"}
    assert "robot account" in probed.measured[1].seen


def test_measuring_costs_few_requests_and_only_reads(look: object) -> None:
    with serving(HarborServer(very_many(), user=ROBOT, password=SECRET)) as server:
        probed = look(server, kind="harbor")  # type: ignore[operator]
        assert probed.requests == len(server.seen) <= MAX_REQUESTS
        assert {request.method for request in server.seen} <= {"GET", "HEAD"}
        assert server.pulled == []


def test_a_registry_without_an_api_tells_by_its_catalog(registry: DockerRegistry) -> None:
    listed, *rest = probe(registry.url).measured
    assert (listed.capability, listed.answer) == ("repositories", "yes")
    assert {one.answer for one in rest} == {"no"}
    assert isinstance(listed, Measured)


def test_the_command_probes_what_is_configured(
    regtools: Command, server: HarborServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    settings_file(Path(), server, kind="harbor", username=ROBOT, password="env:TEST_PASSWORD")
    document = regtools("registries", "--probe", "--json").document
    assert document["probed"][0]["name"] == "work"
    assert document["probed"][0]["measured"][0]["answer"] == "yes"
    ran = regtools("registries", "--probe", "work")
    assert ran.code == 0
    assert "untagged" in ran.out


def test_the_command_wants_something_to_probe(regtools: Command) -> None:
    ran = regtools("registries", "--probe")
    assert ran.code == 2
    assert "name no registry" in ran.err
