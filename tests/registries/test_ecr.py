"""ECR by boto3 against moto: every page, what AWS tells, and nobody else sees a credential."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.support.command import Command
from tests.support.fake_registry import Answer, error, fake_registry
from tests.support.vendors.aws import (
    ACCOUNT,
    PASSWORD,
    REGION,
    SECRET_KEY,
    SESSION_TOKEN,
    EcrFront,
    ecr_client,
    forget,
    moto_server,
    put,
    put_at_once,
    refused,
)
from tests.support.vendors.content import one_of_each, very_many
from tests.support.vendors.scanning import Seen, plan_tags, settings_file
from tests.support.vendors.server import VendorServer, serving

from regtools.access import Options
from regtools.collect.probes.manifest import MISSING
from regtools.errors import RegtoolsError
from regtools.registries import detect_kind, registry_kind
from regtools.registries.ecr.private import POLICIES_AT_ONCE
from regtools.session import check_auth, scan
from regtools.walk import diagnose

LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "untagged",
                "countType": "imageCountMoreThan",
                "countNumber": 9,
            },
            "action": {"type": "expire"},
        }
    ]
}


@dataclass
class Ecr:
    """The registry, AWS's API before moto, and the owner's own client."""

    registry: VendorServer
    api: EcrFront
    owner: Any
    folder: Path

    def settings(self, **fields: str) -> Path:
        """Write a settings file that asks for AWS's own credentials."""
        told = {"kind": "ecr", "api_url": self.api.url, "password": "aws", **fields}
        return settings_file(self.folder, self.registry, **told)

    def scan(self, *, options: dict[str, Any] | None = None, **fields: str) -> Seen:
        result = scan("work", options=Options(config=self.settings(**fields), **(options or {})))
        if result.failed:
            raise result.failed[0][1]
        return Seen(history=self.folder / "history", scanned=result.scanned[0])


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION_TOKEN)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture(scope="module")
def owner(moto: str) -> Any:
    return ecr_client(moto)


@pytest.fixture
def ecr(moto: str, owner: Any, tmp_path: Path) -> Iterator[Ecr]:
    plan, untagged = one_of_each()
    server, api = VendorServer(plan), EcrFront(moto)
    server.users = {"AWS": PASSWORD}
    with serving(server), fake_registry(fake=api):
        for name, nodes in untagged.items():
            server.keep_untagged(name, *nodes)
        put_at_once(server)
        yield Ecr(server, api, owner, tmp_path)
        forget()
    if api.faults:
        raise api.faults[0]


def test_every_repository_tag_and_untagged_image_is_found(ecr: Ecr) -> None:
    seen = ecr.scan()
    assert seen.tags == plan_tags(ecr.registry)
    tagged = set(seen.tags.values())
    held = {digest for name in ecr.registry.plan.tags for digest in ecr.registry.held(name)}
    assert set(seen.table("untagged")["digest"]) == held - tagged
    assert seen.scanned.problems == []
    assert seen.scanned.snapshot.complete
    assert seen.scanned.snapshot.kind == "ecr"


def test_what_boto3_has_pushed_is_read_from_moto_itself(ecr: Ecr, moto: str) -> None:
    forget()
    put(ecr.owner, ecr.registry)
    assert ecr.scan(api_url=moto).tags == plan_tags(ecr.registry)
    assert ecr.api.seen == []


def test_the_password_is_fetched_and_shown_to_the_registry_alone(ecr: Ecr) -> None:
    ecr.scan()
    assert ecr.api.asked.count("GetAuthorizationToken") == 1
    assert {s.credential.split()[0] for s in ecr.registry.seen if s.credential} == {"Basic"}
    assert all("AWS4-HMAC-SHA256" in seen.credential for seen in ecr.api.seen)
    for seen in (*ecr.api.seen, *ecr.registry.seen):
        assert SECRET_KEY not in seen.path + str(seen.headers) + seen.body.decode()
        assert seen.headers["user-agent"].startswith("regtools/")
    assert not any(SESSION_TOKEN in str(seen.headers) for seen in ecr.registry.seen)
    assert {seen.method for seen in ecr.registry.seen} <= {"GET", "HEAD"}
    allowed = {
        "GetAuthorizationToken",
        "DescribeRepositories",
        "DescribeImages",
        "GetLifecyclePolicy",
    }
    assert set(ecr.api.asked) == allowed


def test_times_immutability_and_lifecycle_are_awss(ecr: Ecr) -> None:
    old = ecr.registry.plan.tags["acme/app"]["1.0"]
    ecr.api.pulled_at[old.digest] = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
    ecr.owner.put_image_tag_mutability(repositoryName="acme/app", imageTagMutability="IMMUTABLE")
    text = json.dumps(LIFECYCLE)
    ecr.owner.put_lifecycle_policy(repositoryName="acme/app", lifecyclePolicyText=text)
    seen = ecr.scan()
    tags = seen.table("tags").set_index(["repository", "tag"])
    assert tags.loc[("acme/app", "1.0"), "pulled_at"] == pd.Timestamp("2026-11-02T03:04:05Z")
    assert pd.isna(tags.loc[("acme/app", "1.1"), "pulled_at"])
    assert abs(tags["pushed_at"].max() - pd.Timestamp.now("UTC")) < pd.Timedelta(minutes=5)
    repositories = seen.table("repositories").set_index("repository")
    assert dict(repositories["immutable"]) == {"acme/app": True, "acme/tools/lint": False}
    assert json.loads(repositories.loc["acme/app", "cleanup_policy"]) == LIFECYCLE
    assert pd.isna(repositories.loc["acme/tools/lint", "cleanup_policy"])
    assert set(repositories["visibility"]) == {"private"}


def test_a_lifecycle_policy_that_is_hidden_is_no_problem(ecr: Ecr) -> None:
    ecr.api.denied = {"GetLifecyclePolicy"}
    assert ecr.scan().scanned.snapshot.complete


def test_with_exclusions_nothing_is_said_of_immutability(ecr: Ecr) -> None:
    ecr.owner.put_image_tag_mutability(
        repositoryName="acme/app",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
    )
    immutable = ecr.scan().table("repositories").set_index("repository")["immutable"]
    assert pd.isna(immutable["acme/app"])


def test_archived_images_are_left_out_and_their_bytes_told_when_asked_for(ecr: Ecr) -> None:
    gone = ecr.registry.plan.tags["acme/app"]["1.0"]
    ecr.api.archived = {gone.digest}
    seen = ecr.scan()
    assert ("acme/app", "1.0") not in seen.tags
    assert seen.table("reported").empty
    again = ecr.scan(archived="true")
    assert again.tags == seen.tags
    reported = again.table("reported").set_index("name")
    # moto's size of an image is its config's.
    assert reported.loc["acme/app", "bytes"] == len(gone.blobs[0].data)
    assert reported.loc["acme/app", "kind"] == "archived"


@pytest.mark.parametrize("is_named_by_digest", [False, True])
def test_an_archived_image_is_told_from_a_missing_one(ecr: Ecr, is_named_by_digest: bool) -> None:
    gone = ecr.registry.plan.tags["acme/app"]["1.0"]
    hidden = (f"/manifests/{gone.digest}", "/manifests/1.0")
    ecr.registry.hook = lambda seen: (
        error(404, "MANIFEST_UNKNOWN") if seen.path.endswith(hidden) else None
    )
    options = Options(config=ecr.settings())
    image = f"work/acme/app{f'@{gone.digest}' if is_named_by_digest else ':1.0'}"
    missing = diagnose(image, options=options).root_cause
    assert missing is not None
    assert missing.code in MISSING
    ecr.api.archived = {gone.digest}
    archived = diagnose(image, options=options).root_cause
    assert archived is not None
    assert (archived.stage, archived.code) == ("manifest", "IMAGE_ARCHIVED")
    assert "update-image-storage-class" in archived.remedy


@pytest.mark.parametrize(
    ("path", "repositories"),
    [
        ("acme", {"acme/app", "acme/tools/lint"}),
        ("acme/tools", {"acme/tools/lint"}),
        ("acme/app", {"acme/app"}),
    ],
)
def test_only_what_the_path_names_is_read(ecr: Ecr, path: str, repositories: set[str]) -> None:
    seen = ecr.scan(url=f"{ecr.registry.url}/{path}")
    assert {name for name, _ in seen.tags} == repositories
    asked = [json.loads(s.body) for s in ecr.api.seen]
    assert {one["repositoryName"] for one in asked if "repositoryName" in one} == repositories


def test_who_may_see_but_one_repository_names_it(ecr: Ecr) -> None:
    ecr.api.answers["DescribeRepositories"] = [refused("AccessDeniedException")]
    seen = ecr.scan(url=f"{ecr.registry.url}/acme/app")
    assert {name for name, _ in seen.tags} == {"acme/app"}
    assert seen.scanned.snapshot.complete


def test_a_later_scan_fetches_no_manifest(ecr: Ecr) -> None:
    first = ecr.scan()
    assert len(ecr.registry.pulled) == len(set(first.table("manifests")["digest"]))
    ecr.registry.seen.clear()
    ecr.api.seen.clear()
    again = ecr.scan()
    assert again.tags == first.tags
    assert ecr.registry.pulled == []
    # A password, a page of repositories; for each of two a page of images and a policy.
    assert len(ecr.api.seen) == 2 + 2 * 2
    assert again.scanned.snapshot.requests == len(ecr.api.seen) + len(ecr.registry.seen)


def test_three_hundred_repositories_and_three_thousand_tags_come_page_by_page(
    moto: str, tmp_path: Path
) -> None:
    server, api = VendorServer(very_many()), EcrFront(moto)
    api.page_size_most = 100
    api.denied = {"GetLifecyclePolicy"}
    with serving(server), fake_registry(fake=api):
        put_at_once(server)
        seen = Ecr(server, api, None, tmp_path).scan()
        forget()
        assert seen.tags == plan_tags(server)
        assert seen.scanned.snapshot.complete
    asked = Counter(api.asked)
    assert asked["DescribeRepositories"] == 3
    assert asked["DescribeImages"] == 300  # not one for each of 3,000 tags
    assert asked["GetLifecyclePolicy"] <= POLICIES_AT_ONCE  # hidden once, it is not asked for again
    assert len(server.pulled) == len(set(seen.tags.values()))


def test_images_come_page_by_page_too(ecr: Ecr) -> None:
    ecr.api.page_size_most = 2
    assert ecr.scan().tags == plan_tags(ecr.registry)
    tokens = [json.loads(seen.body).get("nextToken") for seen in ecr.api.seen]
    assert len([token for token in tokens if token]) >= 3


def test_a_page_that_repeats_ends(ecr: Ecr) -> None:
    page = Answer(200, b'{"repositories": [], "nextToken": "same"}')
    ecr.api.answers["DescribeRepositories"] = [page] * 9
    seen = ecr.scan(url=f"{ecr.registry.url}/acme/app")
    assert ecr.api.asked.count("DescribeRepositories") == 2
    assert "VENDOR_LISTING_REFUSED" in seen.codes


def test_a_throttled_question_is_asked_again(ecr: Ecr) -> None:
    ecr.api.answers["DescribeImages"] = [refused("ThrottlingException")]
    seen = ecr.scan()
    assert seen.scanned.snapshot.complete
    assert ecr.api.asked.count("DescribeImages") == 3
    assert seen.scanned.snapshot.requests == len(ecr.api.seen) + len(ecr.registry.seen)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refused("ExpiredTokenException"), "have ended"),
        (refused("UnrecognizedClientException"), "does not accept"),
        (refused("InvalidSignatureException", SESSION_TOKEN), "does not accept"),
        (refused("AccessDeniedException", status=400), "does not allow ecr:DescribeRepositories"),
        (Answer(403, b"<html>proxy</html>"), "does not allow ecr:DescribeRepositories"),
        (Answer(200, b"<!doctype html><title>login</title>"), "repositories is missing"),
        (Answer(200, b'{"repositories": ['), "repositories is missing"),
        (Answer(200, b'{"repositories": "none"}'), "what AWS's description says"),
        (Answer(200, b'{"repositories": null}'), "repositories is missing"),
        (refused("RegistryGone", status=404), "RegistryGone"),
        (Answer(307, b"", {"Location": "http://127.0.0.1:9/"}), "307"),
    ],
)
def test_an_api_that_answers_otherwise_leaves_the_registry_itself(
    ecr: Ecr, answer: Answer, said: str
) -> None:
    ecr.api.answers["DescribeRepositories"] = [answer] * 2
    seen = ecr.scan(url=f"{ecr.registry.url}/acme")
    assert {name for name, _ in seen.tags} == {"acme/app", "acme/tools/lint"}
    assert not seen.scanned.snapshot.complete
    (problem,) = [p for p in seen.scanned.problems if p.code == "VENDOR_LISTING_REFUSED"]
    assert said in problem.message
    assert SESSION_TOKEN not in problem.message


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("imageDigest", None, "imageDetails[0].imageDigest is missing"),
        ("imageDigest", "sha256:short", "imageDetails[0].imageDigest"),
        ("imageTags", ["../x"], "imageDetails[0].imageTags"),
    ],
)
def test_an_odd_field_is_told_and_the_rest_is_read(
    ecr: Ecr, field: str, value: object, said: str
) -> None:
    image = ecr.registry.plan.tags["acme/tools/lint"]["7"]
    good = {"imageDigest": image.digest, "imageTags": ["7"], "imagePushedAt": 1.7e9}
    bad = {**good, field: value}
    body = json.dumps({"imageDetails": [bad, good]}).encode()
    ecr.api.answers["DescribeImages"] = [Answer(200, body)]
    seen = ecr.scan(url=f"{ecr.registry.url}/acme/tools")
    assert set(seen.tags) == {("acme/tools/lint", "7")}
    assert [p.code for p in seen.scanned.problems] == ["VENDOR_ANSWER_ODD"]
    assert f"Amazon ECR's answer is odd: {said}" in seen.scanned.problems[0].message


def test_a_time_that_is_none_is_told(ecr: Ecr) -> None:
    body = b'{"imageDetails": [{"imagePushedAt": "yesterday"}]}'
    ecr.api.answers["DescribeImages"] = [Answer(200, body)]
    seen = ecr.scan(url=f"{ecr.registry.url}/acme/tools")
    assert [p.code for p in seen.scanned.problems] == ["VENDOR_ANSWER_ODD"]


def test_no_more_is_asked_than_a_run_may(ecr: Ecr) -> None:
    with pytest.raises(RegtoolsError) as caught:
        ecr.scan(options={"max_requests": 4})
    assert caught.value.code == "REQUEST_BUDGET"
    # A challenge and its answer are one of the budget's requests; one that was on its way when the
    # budget ended may have been called back.
    assert 1 < len(ecr.api.seen) + len(ecr.registry.seen) <= 4 + 1


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "AWS_CREDENTIALS_MISSING"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "AWS_CREDENTIALS_MISSING"),
        ({"AWS_PROFILE": "nobody"}, "AWS_CREDENTIALS_MISSING"),
    ],
)
def test_without_aws_credentials_the_one_who_asked_for_them_is_told(
    ecr: Ecr, environ: dict[str, str | None], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(RegtoolsError) as caught:
        ecr.scan()
    assert caught.value.code == code
    assert "aws sts get-caller-identity" in caught.value.remedy
    assert ecr.registry.seen == []


def test_with_a_password_but_no_aws_credentials_the_catalog_is_read(
    ecr: Ecr, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    seen = ecr.scan(username="AWS", password="env:TEST_PASSWORD")
    assert seen.tags == plan_tags(ecr.registry)
    assert seen.codes == ["VENDOR_LISTING_REFUSED"]
    assert ecr.api.seen == []


def test_a_profile_is_taken_by_its_name(ecr: Ecr, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    shared = ecr.folder / "credentials"
    shared.write_text("[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    assert ecr.scan(password="aws:other").tags == plan_tags(ecr.registry)
    assert all("Credential=AKIAOTHER/" in seen.credential for seen in ecr.api.seen)


def test_the_region_is_the_registrys_own(
    moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host says account and region; that it cannot be reached here is another matter."""
    host = f"{ACCOUNT}.dkr.ecr.ap-southeast-2.amazonaws.com"
    api = EcrFront(moto)
    with fake_registry(fake=api):
        config = tmp_path / "regtools.toml"
        url = f'url = "{host}"\napi_url = "{api.url}"\n'
        config.write_text(f"timeout_seconds = 1\n[registries.work]\n{url}")
        checked = check_auth("work", options=Options(config=config))
    assert checked.source == "Amazon ECR's cloud credentials"
    assert checked.username == "AWS"
    assert checked.sort == "authorization token"
    assert checked.lives == "12 hours"
    assert checked.attempts[-1].outcome == "used"
    assert "/ap-southeast-2/ecr/aws4_request" in api.seen[0].credential


def test_aws_credentials_are_not_tried_for_other_hosts(ecr: Ecr) -> None:
    config = settings_file(ecr.folder, ecr.registry, kind="ecr", api_url=ecr.api.url)
    checked = check_auth("work", options=Options(config=config))
    assert checked.source == "none"
    assert not checked.accepted
    assert "GetAuthorizationToken" not in ecr.api.asked


def test_where_the_host_is_awss_but_there_are_no_credentials_it_is_an_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    config = tmp_path / "regtools.toml"
    config.write_text("timeout_seconds = 1\n")
    checked = check_auth(
        f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com", options=Options(config=config)
    )
    assert checked.source == "none"
    assert checked.attempts[-1].outcome == "There are no AWS credentials on this machine."


def test_check_auth_tells_the_end_and_what_may_be_listed(ecr: Ecr) -> None:
    config = ecr.settings()
    checked = check_auth("work", options=Options(config=config))
    assert checked.accepted
    assert checked.source == "aws in the settings of work"
    assert checked.expires_at == datetime(2015, 1, 1, tzinfo=UTC)  # moto's
    granted = {one.action: one.granted for one in checked.rights}
    assert granted == {"list": True, "pull": True, "push": None, "delete": None}
    ecr.api.denied = {"DescribeRepositories"}
    refused_now = check_auth("work", options=Options(config=config))
    assert {one.action: one.granted for one in refused_now.rights}["list"] is False
    assert "12 hours" in refused_now.hint


def test_an_access_key_in_the_passwords_place_is_told(
    ecr: Ecr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", SECRET_KEY)
    config = settings_file(
        ecr.folder, ecr.registry, kind="ecr", username="AKIAIOSFODNN7EXAMPLE", password="env:KEY"
    )
    checked = check_auth("work", options=Options(config=config))
    assert not checked.accepted
    assert checked.sort == "IAM access key"
    assert "takes no access keys" in checked.hint


def test_another_kind_gives_no_password_for_aws(ecr: Ecr) -> None:
    with pytest.raises(RegtoolsError) as caught:
        ecr.scan(kind="harbor")
    assert caught.value.code == "CREDENTIAL_MISSING"
    assert ecr.registry.seen == []


def test_a_recording_plays_back_the_same_and_holds_no_secret(
    ecr: Ecr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(LIFECYCLE)
    ecr.owner.put_lifecycle_policy(repositoryName="acme/app", lifecyclePolicyText=text)
    ecr.api.page_size_most = 2
    first = ecr.scan(options={"record": tmp_path / "case"})
    kept = "".join(file.read_text() for file in (tmp_path / "case").iterdir())
    for secret in (SECRET_KEY, SESSION_TOKEN, PASSWORD, "AKIDEXAMPLE", "AWS4-HMAC"):
        assert secret not in kept
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    ecr.api.seen.clear()
    ecr.registry.seen.clear()
    options = Options(history=str(tmp_path / "again"))
    result = scan(f"replay:{tmp_path / 'case'}", options=options)
    assert result.failed == []
    again = Seen(history=tmp_path / "again", scanned=result.scanned[0])
    assert ecr.api.seen == []
    assert ecr.registry.seen == []
    assert again.tags == first.tags
    assert again.scanned.snapshot.complete
    for name, column in (("untagged", "digest"), ("manifests", "digest"), ("tags", "pushed_at")):
        assert sorted(again.table(name)[column]) == sorted(first.table(name)[column])
    policies = again.table("repositories").set_index("repository")["cleanup_policy"]
    assert json.loads(policies["acme/app"]) == LIFECYCLE


def test_the_commands_say_no_secret(
    regtools: Command, ecr: Ecr, caplog: pytest.LogCaptureFixture
) -> None:
    config = ecr.settings()
    said = ""
    with caplog.at_level("DEBUG"):
        for arguments in (("scan", "work"), ("check-auth", "work", "--json"), ("diagnose", "work")):
            ran = regtools(*arguments, "--config", str(config))
            assert ran.code == 0, ran.err
            said += ran.out + ran.err
    said += caplog.text
    for secret in (SECRET_KEY, SESSION_TOKEN, PASSWORD):
        assert secret not in said
        for file in ecr.folder.rglob("*.parquet"):
            assert secret.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("{}.dkr.ecr.eu-central-1.amazonaws.com", "https://api.ecr.eu-central-1.amazonaws.com"),
        ("{}.dkr.ecr.cn-north-1.amazonaws.com.cn", "https://api.ecr.cn-north-1.amazonaws.com.cn"),
        ("{}.dkr.ecr-fips.us-east-1.amazonaws.com", "https://ecr-fips.us-east-1.amazonaws.com"),
        ("{}.dkr-ecr.eu-central-1.on.aws", "https://ecr.eu-central-1.api.aws"),
        ("{}.dkr-ecr-fips.us-east-2.on.aws", "https://ecr-fips.us-east-2.api.aws"),
    ],
)
def test_the_registrys_name_tells_where_the_api_is(host: str, address: str) -> None:
    registry = host.format(ACCOUNT)
    kind = detect_kind(registry)
    assert kind.name == "ecr"
    assert kind.vendor is not None
    assert kind.vendor.address(registry) == address


def test_botocore_knows_the_same_addresses() -> None:
    client = ecr_client(None)  # type: ignore[arg-type]
    vendor = registry_kind("ecr").vendor
    assert vendor is not None
    host = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    assert vendor.address(host) == client.meta.endpoint_url


def test_a_repository_links_to_the_console_of_its_region() -> None:
    host = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
    assert registry_kind("ecr").web_url(host, "team/app") == (
        "https://eu-central-1.console.aws.amazon.com/ecr/repositories/private/"
        f"{ACCOUNT}/team/app?region=eu-central-1"
    )
    assert registry_kind("ecr").web_url("mirror.example.com", "team/app") is None


def test_the_policy_in_the_documentation_allows_all_that_is_asked(ecr: Ecr) -> None:
    ecr.scan()
    page = Path(__file__).parents[2] / "docs" / "registries" / "ecr.md"
    policies = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    allowed = {action for statement in policies[0]["Statement"] for action in statement["Action"]}
    assert {f"ecr:{name}" for name in ecr.api.asked} <= allowed
    # The registry itself asks for these as a manifest or blob is pulled.
    assert {"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"} <= allowed
