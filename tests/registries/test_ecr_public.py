"""ECR Public: its owner may list it by AWS's API; anybody may read what is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.support.fake_registry import Answer, fake_registry
from tests.support.vendors.aws import (
    PASSWORD,
    SECRET_KEY,
    EcrPublicFront,
    EcrPublicServer,
    refused,
)
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.scanning import Seen, plan_tags, settings_file
from tests.support.vendors.server import serving

from regtools.access import Options
from regtools.errors import RegtoolsError
from regtools.registries import detect_kind, registry_kind
from regtools.session import check_auth, scan


@dataclass
class Public:
    """The registry, and AWS's API as its owner sees it."""

    registry: EcrPublicServer
    api: EcrPublicFront
    folder: Path

    def settings(self, path: str = "", **fields: str) -> Path:
        told = {"kind": "ecr-public", "api_url": self.api.url, "password": "aws", **fields}
        told["url"] = f"{self.registry.url}{path}"
        used = {name: value for name, value in told.items() if value}
        return settings_file(self.folder, self.registry, **used)

    def scan(self, path: str = "", *, options: dict[str, Any] | None = None, **fields: str) -> Seen:
        config = self.settings(path, **fields)
        result = scan("work", options=Options(config=config, **(options or {})))
        if result.failed:
            raise result.failed[0][1]
        return Seen(history=self.folder / "history", scanned=result.scanned[0])


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Public]:
    plan, untagged = one_of_each()
    server = EcrPublicServer(plan)
    api = EcrPublicFront(plan, server)
    with serving(server), fake_registry(fake=api):
        for name, nodes in untagged.items():
            server.keep_untagged(name, *nodes)
        yield Public(server, api, tmp_path)
    if api.faults:
        raise api.faults[0]


def test_the_owner_sees_every_repository_tag_and_untagged_image(public: Public) -> None:
    seen = public.scan()
    assert seen.tags == plan_tags(public.registry)
    held = {d for name in public.registry.plan.tags for d in public.registry.held(name)}
    assert set(seen.table("untagged")["digest"]) == held - set(seen.tags.values())
    assert seen.scanned.problems == []
    assert seen.scanned.snapshot.complete
    assert set(seen.table("repositories")["visibility"]) == {"public"}
    old = public.registry.plan.tags["acme/app"]["1.0"]
    tags = seen.table("tags").set_index(["repository", "tag"])
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == pd.Timestamp(pushed_at(old))


def test_the_password_becomes_a_bearer_token_and_goes_nowhere_else(public: Public) -> None:
    public.scan()
    shown = {s.credential.split()[0] for s in public.registry.seen if s.path.startswith("/token/")}
    assert shown == {"Basic"}
    others = [s for s in public.registry.seen if not s.path.startswith("/token/")]
    assert {s.credential for s in others} == {"", "Bearer known"}
    assert all("/us-east-1/ecr-public/aws4_request" in s.credential for s in public.api.seen)
    assert not any(SECRET_KEY in str(s.headers) for s in (*public.registry.seen, *public.api.seen))


def test_a_later_scan_fetches_no_manifest(public: Public) -> None:
    public.scan()
    public.registry.seen.clear()
    public.api.seen.clear()
    again = public.scan()
    assert public.registry.pulled == []
    assert public.api.asked[:2] == ["GetAuthorizationToken", "DescribeRepositories"]
    assert len(public.api.seen) == 2 + 2
    assert again.scanned.snapshot.requests == len(public.api.seen) + len(public.registry.seen)


def test_pages_are_read_to_the_end(public: Public) -> None:
    public.api.page_size_most = 1
    assert public.scan("/acme").tags == plan_tags(public.registry)
    assert public.api.asked.count("DescribeRepositories") == 2


def test_three_hundred_repositories_come_page_by_page(tmp_path: Path) -> None:
    plan = very_many(tags=7)
    server = EcrPublicServer(plan)
    api = EcrPublicFront(plan, server)
    api.page_size_most = 100
    with serving(server), fake_registry(fake=api):
        assert Public(server, api, tmp_path).scan().tags == plan_tags(server)
    assert api.asked.count("DescribeRepositories") == 3
    assert api.asked.count("DescribeImages") == 300


def test_what_is_somebody_elses_is_read_where_it_is_named_and_that_is_said(public: Public) -> None:
    public.api.alias = "other"
    seen = public.scan("/acme/app")
    assert {name for name, _ in seen.tags} == {"acme/app"}
    assert not seen.scanned.snapshot.complete
    (problem,) = [p for p in seen.scanned.problems if p.code == "VENDOR_LISTING_REFUSED"]
    assert "not of this AWS account" in problem.message
    assert "DescribeRepositories" not in public.api.asked


def test_without_any_credential_what_is_named_is_read(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    seen = public.scan("/acme/app", password="")
    assert {tag for _, tag in seen.tags} == set(public.registry.plan.tags["acme/app"])
    assert "VENDOR_LISTING_REFUSED" in seen.codes
    assert {s.credential for s in public.registry.seen} == {"", "Bearer anybody"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refused("ExpiredTokenException"), "AWS_CREDENTIALS_EXPIRED"),
        (refused("UnrecognizedClientException"), "AWS_CREDENTIALS_REFUSED"),
        (refused("AccessDeniedException"), "AWS_ACCESS_DENIED"),
        (refused("ServerFault"), "AWS_ERROR"),
        (Answer(200, b"{}"), "VENDOR_ANSWER_ODD"),
        (Answer(200, b'{"authorizationData": {"authorizationToken": "?"}}'), "VENDOR_ANSWER_ODD"),
        (
            Answer(200, b'{"authorizationData": {"authorizationToken": "eHg="}}'),
            "VENDOR_ANSWER_ODD",
        ),
    ],
)
def test_a_password_that_is_not_given_is_told(public: Public, answer: Answer, code: str) -> None:
    public.api.answers["GetAuthorizationToken"] = [answer]
    with pytest.raises(RegtoolsError) as caught:
        public.scan()
    assert caught.value.code == code
    assert caught.value.remedy
    assert public.registry.seen == []


def test_the_one_who_checks_is_told_what_the_registry_and_aws_say(public: Public) -> None:
    checked = check_auth("work", options=Options(config=public.settings("/acme/app")))
    assert checked.accepted
    assert checked.expires_at is not None
    assert {one.action: one.granted for one in checked.rights}["list"] is True
    assert PASSWORD not in repr(checked)


def test_a_recording_plays_back_the_same(
    public: Public, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = public.scan(options={"record": tmp_path / "case"})
    kept = "".join(file.read_text() for file in (tmp_path / "case").iterdir())
    assert PASSWORD not in kept
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    result = scan(f"replay:{tmp_path / 'case'}", options=Options(history=str(tmp_path / "again")))
    assert result.failed == []
    again = Seen(history=tmp_path / "again", scanned=result.scanned[0])
    assert again.tags == first.tags
    assert again.scanned.snapshot.complete


def test_both_names_of_the_registry_are_known() -> None:
    for host, address in (
        ("public.ecr.aws", "https://api.ecr-public.us-east-1.amazonaws.com"),
        ("ecr-public.aws.com", "https://ecr-public.us-east-1.api.aws"),
    ):
        kind = detect_kind(host)
        assert kind.name == "ecr-public"
        assert kind.vendor is not None
        assert kind.vendor.address(host) == address
    assert registry_kind("ecr-public").web_url("public.ecr.aws", "acme/app") == (
        "https://gallery.ecr.aws/acme/app"
    )
