"""Docker Hub by its own API: all of a namespace, and no pull for what is known."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from tests.support import push
from tests.support.command import Command
from tests.support.fake_registry import Answer, Seen
from tests.support.retention_plans import Node, image
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.dockerhub import HubApi, HubRegistry, docker_hub
from tests.support.vendors.scanning import SECRET, plan_tags, scan_vendor, settings_file
from tests.support.vendors.scanning import Seen as Scan

from regtools.access import Options
from regtools.client import api as client_api
from regtools.errors import BudgetError, ConfigError, RegtoolsError
from regtools.registries import registry_kind
from regtools.registries.dockerhub import DOCKERHUB
from regtools.session import check_auth, scan

USER = "acme-ci"
Hub = tuple[HubRegistry, HubApi]


@pytest.fixture
def hub() -> Iterator[Hub]:
    plan, _ = one_of_each()
    plan.tag("other/app", "1", plan.tags["acme/app"]["1.0"])
    # Docker Hub's names have two parts.
    plan.tags["acme/lint"] = plan.tags.pop("acme/tools/lint")
    with docker_hub(plan, user=USER, password=SECRET) as running:
        yield running


def look(folder: Path, hub: Hub, path: str = "acme", **fields: object) -> Scan:
    registry, api = hub
    told = {"username": USER, "kind": "dockerhub", "api_url": api.url, **fields}
    return scan_vendor(folder, registry, url=f"{registry.url}/{path}", **told)  # type: ignore[arg-type]


def acme(hub: Hub) -> dict[tuple[str, str], str]:
    return {key: digest for key, digest in plan_tags(hub[0]).items() if key[0].startswith("acme/")}


def test_a_namespace_is_found_whole(tmp_path: Path, hub: Hub) -> None:
    hub[0].private.add("acme/lint")
    seen = look(tmp_path, hub)
    assert seen.tags == acme(hub)
    assert seen.scanned.problems == []
    assert seen.scanned.snapshot.complete
    repositories = seen.table("repositories").set_index("repository")
    assert dict(repositories["visibility"]) == {"acme/app": "public", "acme/lint": "private"}
    assert set(repositories["pulls"]) == {17}
    assert set(repositories["vendor_bytes"]) == {123_456}
    assert repositories.loc["acme/app", "web_url"] == "https://hub.docker.com/r/acme/app"


def test_times_are_the_vendors(tmp_path: Path, hub: Hub) -> None:
    registry, api = hub
    api.pulled_at["1.0"] = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
    tags = look(tmp_path, hub).table("tags").set_index(["repository", "tag"])
    old = registry.plan.tags["acme/app"]["1.0"]
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == pd.Timestamp(pushed_at(old))
    assert tags.loc[("acme/app", "1.0"), "pulled_at"] == pd.Timestamp("2026-11-02T03:04:05Z")
    assert pd.isna(tags.loc[("acme/app", "1.1"), "pulled_at"])  # Go's zero time means never


@pytest.mark.parametrize(("rules", "immutable"), [(None, False), ([".*"], True), (["v.*"], False)])
def test_one_repository_is_read_by_its_name(
    tmp_path: Path, hub: Hub, rules: list[str] | None, immutable: bool
) -> None:
    hub[1].rules = rules
    seen = look(tmp_path, hub, "acme/app")
    assert {repository for repository, _ in seen.tags} == {"acme/app"}
    assert seen.scanned.snapshot.complete
    # Rules that guard some tags leave the others movable.
    assert list(seen.table("repositories")["immutable"]) == [immutable]
    assert not any("/repositories?" in path for path in hub[1].paths)


def test_official_images_have_a_page_of_their_own(tmp_path: Path, hub: Hub) -> None:
    registry, _ = hub
    registry.plan.tag("library/ubuntu", "24.04", registry.plan.tags["acme/app"]["1.0"])
    registry.index()
    (page,) = look(tmp_path, hub, "library/ubuntu").table("repositories")["web_url"]
    assert page == "https://hub.docker.com/_/ubuntu"


def test_a_later_scan_costs_no_pull(tmp_path: Path, hub: Hub) -> None:
    registry, _ = hub
    first = look(tmp_path, hub)
    assert len(registry.pulled) == len(set(first.table("manifests")["digest"]))
    registry.seen.clear()
    again = look(tmp_path, hub)
    assert again.tags == first.tags
    assert registry.pulled == []
    assert not any("/tags/list" in path for path in registry.paths)


def test_only_what_is_new_is_pulled(tmp_path: Path, hub: Hub) -> None:
    registry, _ = hub
    look(tmp_path, hub)
    registry.plan.tag("acme/app", "2.0", registry.plan.tags["acme/lint"]["7"])
    registry.plan.tag("acme/app", "latest", _fresh())
    registry.index()
    registry.seen.clear()
    seen = look(tmp_path, hub)
    assert seen.tags == acme(hub)
    assert len(registry.pulled) == 1  # 2.0 is known from another repository


@pytest.mark.parametrize("scans", [1, 2])
def test_a_tag_without_a_digest_is_asked_for_by_head(tmp_path: Path, hub: Hub, scans: int) -> None:
    registry, api = hub
    api.without_digest = {"1.1", "latest", "multi"}
    for _ in range(scans):
        registry.seen.clear()
        seen = look(tmp_path, hub)
        assert seen.tags == acme(hub)
        assert not any("/manifests/latest" in path for path in registry.pulled)
    if scans == 2:
        assert registry.pulled == []


def test_images_may_be_one_object_as_the_description_says(tmp_path: Path, hub: Hub) -> None:
    hub[1].images_as_object = True
    seen = look(tmp_path, hub)
    assert seen.tags == acme(hub)
    assert seen.codes == []


@pytest.fixture(scope="module")
def many() -> Iterator[Hub]:
    plan = very_many(repositories=250, tags=2)
    pool = list({node.digest: node for t in plan.tags.values() for node in t.values()}.values())
    for number in range(2_450):
        plan.tag("acme/nightly", f"n{number}", pool[number % len(pool)])
    with docker_hub(plan, user=USER, password=SECRET) as running:
        yield running


def test_many_repositories_and_tags_come_page_by_page(tmp_path: Path, many: Hub) -> None:
    registry, api = many
    seen = look(tmp_path, many)
    assert seen.tags == plan_tags(registry)
    assert len([path for path in api.paths if "/repositories?" in path]) == 3
    assert len([path for path in api.paths if "/nightly/tags?" in path]) == 25
    assert len(registry.pulled) == 40  # images, whichever of 2,950 tags name them
    registry.seen.clear()
    api.seen.clear()
    look(tmp_path, many)
    assert registry.pulled == []
    # A sign-in, three pages of repositories, a page of tags each, and 24 more for the large one.
    assert len(api.seen) == 1 + 3 + 251 + 24


def test_a_scan_outlives_the_token_of_ten_minutes(
    tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_api, "SIGNED_IN_SECONDS", 0.0)
    api = hub[1]

    def later(seen: Seen) -> None:
        if "/tags" in seen.path and api.sign_ins == 1:
            api.end_tokens()

    api.hook = later
    seen = look(tmp_path, hub)
    assert seen.tags == acme(hub)
    assert seen.scanned.snapshot.complete
    assert api.sign_ins == 2


def test_nobody_may_list_all_of_docker_hub(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(ConfigError) as caught:
        look(tmp_path, hub, "")
    assert caught.value.code == "NAMESPACE_NEEDED"
    assert f"docker.io/{USER}" in caught.value.remedy


def test_anybody_sees_what_is_public(tmp_path: Path, hub: Hub) -> None:
    hub[0].private.add("acme/lint")
    seen = look(tmp_path, hub, username="")
    assert {repository for repository, _ in seen.tags} == {"acme/app"}
    assert hub[1].sign_ins == 0


def test_a_wrong_password_is_told_and_kept_out_of_the_words(tmp_path: Path, hub: Hub) -> None:
    hub[1].accounts = {}
    seen = look(tmp_path, hub, "acme/app")
    assert "VENDOR_LISTING_REFUSED" in seen.codes
    assert not seen.scanned.snapshot.complete
    assert {repository for repository, _ in seen.tags} == {"acme/app"}
    assert SECRET not in str(seen.scanned.problems)


@pytest.mark.parametrize(
    ("scopes", "partial"),
    [("scope-image-pull", True), ("scope-image-pull scope-repository-list", False), (None, False)],
)
def test_an_organizations_token_that_lists_only_what_is_public_says_so(
    tmp_path: Path, hub: Hub, scopes: str | None, partial: bool
) -> None:
    registry, api = hub
    secret = "dckr_oat_" + "x" * 20
    registry.accounts["acme"] = secret
    api.scopes = scopes
    seen = look(tmp_path, hub, username="acme", password=secret)
    assert seen.codes == (["VENDOR_LISTING_PARTIAL"] if partial else [])
    assert seen.scanned.snapshot.complete is not partial


class TestLimits:
    """What is left of the pulls is shown, and a floor is kept."""

    def test_what_is_left_is_a_row_of_the_history_and_a_line(
        self, tmp_path: Path, hub: Hub
    ) -> None:
        registry, _ = hub
        seen = look(tmp_path, hub)
        (row,) = seen.table("checks").query("stage == 'limits'").to_dict("records")
        assert row["code"] == "PULLS_LEFT"
        told = json.loads(row["evidence"])
        assert told["limit"] == 5_000
        assert told["window_seconds"] == 21_600
        assert registry.pulls_left == 5_000 - len(registry.pulled)
        assert "of 5,000 pulls in 6 hours are left" in seen.scanned.limits

    def test_little_left_is_worth_a_look(self, tmp_path: Path, hub: Hub) -> None:
        hub[0].pulls_left = 60
        seen = look(tmp_path, hub)
        assert "PULLS_NEARLY_USED" in set(seen.table("checks")["code"])

    def test_an_account_without_a_limit_has_no_row(self, tmp_path: Path, hub: Hub) -> None:
        hub[0].pulls_left = None
        seen = look(tmp_path, hub, options={"min_pulls": 50})
        assert seen.scanned.limits == ""
        assert seen.tags == acme(hub)

    @pytest.mark.parametrize("left", [50, 53])
    def test_a_floor_is_kept_to_the_pull(self, tmp_path: Path, hub: Hub, left: int) -> None:
        registry, _ = hub
        registry.pulls_left = left
        with pytest.raises(BudgetError) as caught:
            look(tmp_path, hub, options={"min_pulls": 50})
        assert caught.value.code == "PULLS_KEPT"
        assert registry.pulls_left == 50
        assert len(registry.pulled) == left - 50
        registry.pulls_left = 1_000
        assert look(tmp_path, hub, options={"min_pulls": 50}).tags == acme(hub)

    def test_a_used_up_quota_is_not_asked_again(self, tmp_path: Path, hub: Hub) -> None:
        registry, _ = hub
        registry.pulls_left = 0
        quota = look(tmp_path, hub, "acme/lint")
        assert quota.codes == ["QUOTA_USED_UP"]
        assert len(registry.pulled) == 1  # asking again would change nothing
        assert not quota.scanned.snapshot.complete

    def test_the_apis_own_limit_is_waited_for(self, tmp_path: Path, hub: Hub) -> None:
        api = hub[1]
        refusals = iter([_too_many(), _too_many()])
        api.hook = lambda seen: next(refusals, None) if "/tags" in seen.path else None
        seen = look(tmp_path, hub)
        assert seen.tags == acme(hub)
        assert seen.scanned.snapshot.complete

    def test_a_long_wait_is_not_waited(self, tmp_path: Path, hub: Hub) -> None:
        hub[1].hook = lambda seen: _too_many(3_600) if "/app/tags" in seen.path else None
        started = time.monotonic()
        seen = look(tmp_path, hub)
        assert time.monotonic() - started < 20
        assert seen.codes == ["QUOTA_USED_UP"]
        assert ("acme/lint", "7") in seen.tags

    def test_the_command_says_how_many_are_left(
        self, regtools: Command, tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry, api = hub
        settings_file(
            tmp_path, registry, url=f"{registry.url}/acme", kind="dockerhub", api_url=api.url
        )
        monkeypatch.chdir(tmp_path)
        ran = regtools("scan", "work", "--json")
        assert ran.code == 0
        assert "pulls in 6 hours are left" in ran.err
        assert "pulls" in ran.document["snapshots"][0]["limits"]


def _too_many(seconds: int = 0) -> Answer:
    """As Docker's description has it: the moment, not the seconds."""
    told = {
        "X-RateLimit-Limit": "180",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.time()) + seconds),
        "X-Retry-After": str(int(time.time()) + seconds),
        "Content-Type": "application/json",
    }
    return Answer(429, b'{"detail": "Rate limit exceeded"}', told)


class TestOddAnswers:
    """Nothing of the API is trusted."""

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (Answer(403, b'{"message": "forbidden"}'), "DENIED"),
            (Answer(404, b'{"message": "object not found"}'), "NOT_FOUND"),
            (Answer(200, b"<!doctype html><title>login</title>"), "ANSWER_HTML"),
            (Answer(200, b'{"count": 2, "results": ['), "ANSWER_NOT_JSON"),
            (Answer(200, b"[]"), "VENDOR_ANSWER_ODD"),
            (Answer(200, b'{"results": {}}'), "VENDOR_ANSWER_ODD"),
        ],
    )
    def test_a_listing_that_is_none_leaves_the_registry_itself(
        self, tmp_path: Path, hub: Hub, answer: Answer, code: str
    ) -> None:
        hub[1].down = answer
        with pytest.raises(RegtoolsError):
            look(tmp_path, hub, "acme")  # the catalog is closed, and acme is no repository
        hub[1].down = None
        hub[1].hook = lambda seen: answer if seen.path.partition("?")[0].endswith("/tags") else None
        seen = look(tmp_path, hub)
        assert set(seen.codes) == {code}
        assert not seen.scanned.snapshot.complete

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("name", None, "results[0].name"),
            ("name", "../x", "results[0].name"),
            ("digest", "sha256:short", "results[0].digest"),
            ("tag_last_pushed", "yesterday", "results[0].tag_last_pushed"),
            ("images", "none", "results[0].images"),
        ],
    )
    def test_an_odd_field_is_told_and_the_rest_is_read(
        self,
        tmp_path: Path,
        hub: Hub,
        field: str,
        value: object,
        said: str,
    ) -> None:
        hub[1].change_answers("/tags", lambda body: body["results"][0].update({field: value}))
        if field == "images":
            # They are looked at only where the tag itself tells no time.
            hub[1].change_answers(
                "/tags",
                lambda body: body["results"][0].update({field: value, "tag_last_pushed": None}),
            )
        seen = look(tmp_path, hub)
        assert set(seen.codes) == {"VENDOR_ANSWER_ODD"}
        assert all("Docker Hub" in problem.message for problem in seen.scanned.problems)
        assert any(said in problem.message for problem in seen.scanned.problems)
        assert ("acme/app", "multi") in seen.tags

    def test_a_list_that_ends_before_its_count_is_told(self, tmp_path: Path, hub: Hub) -> None:
        hub[1].change_answers("/tags", lambda body: body.update(count=5_000))
        seen = look(tmp_path, hub)
        assert set(seen.codes) == {"VENDOR_ANSWER_ODD"}
        assert not seen.scanned.snapshot.complete

    def test_a_page_at_another_host_is_not_asked_for(self, tmp_path: Path, hub: Hub) -> None:
        there = "http://127.0.0.1:9/v2/namespaces/acme/repositories/app/tags?page=2"
        hub[1].change_answers("/tags", lambda body: body.update(next=there))
        seen = look(tmp_path, hub)
        assert set(seen.codes) == {"PAGE_FOREIGN_HOST"}
        assert seen.tags == acme(hub)  # what came before is kept

    def test_pages_in_circles_end(self, tmp_path: Path, hub: Hub) -> None:
        def circle(body: dict[str, object]) -> None:
            path = "/v2/namespaces/acme/repositories/app/tags?page=1"
            body["next"] = f"{hub[1].url}{path}"

        hub[1].change_answers("/tags", circle)
        seen = look(tmp_path, hub, "acme/app")
        assert set(seen.codes) == {"PAGE_REPEATED"}


def test_the_password_goes_to_the_token_server_and_the_api_and_is_kept_nowhere(
    tmp_path: Path, hub: Hub
) -> None:
    registry, api = hub
    look(tmp_path, hub)
    told = [seen.path.partition("?")[0] for seen in api.seen if SECRET.encode() in seen.body]
    assert told == ["/v2/auth/token"]
    basic = [seen for seen in registry.seen if seen.credential.startswith("Basic ")]
    assert {seen.path.partition("?")[0] for seen in basic} == {"/token"}
    assert not any(seen.credential.startswith("Basic ") for seen in api.seen)
    posts = [
        seen.path for seen in (*api.seen, *registry.seen) if seen.method not in ("GET", "HEAD")
    ]
    assert posts == ["/v2/auth/token"]
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert SECRET.encode() not in file.read_bytes()


def test_a_mirrors_credential_is_not_for_docker_hub() -> None:
    assert DOCKERHUB.vendor is not None
    assert DOCKERHUB.vendor.address("docker.io") == "https://hub.docker.com"
    assert DOCKERHUB.vendor.address("mirror.example.com") is None


def test_a_recording_plays_back_without_a_secret(tmp_path: Path, hub: Hub) -> None:
    first = look(tmp_path, hub, options={"record": tmp_path / "case"})
    written = b"".join(file.read_bytes() for file in (tmp_path / "case").iterdir())
    assert SECRET.encode() not in written
    assert b"c2lnbmF0dXJl" not in written  # the token's signature
    result = scan(
        f"replay:{tmp_path / 'case'}", options=Options(history=str(tmp_path / "replayed"))
    )
    assert result.failed == []
    again = Scan(history=tmp_path / "replayed", scanned=result.scanned[0])
    assert again.tags == first.tags
    assert again.codes == []


@pytest.mark.parametrize(
    ("scopes", "granted"),
    [
        ("repo:read", {"list": True, "pull": True, "push": False, "delete": False}),
        ("repo:admin offline_access", dict.fromkeys(("list", "pull", "push", "delete"), True)),
        ("scope-image-pull", {"list": False, "pull": True, "push": False, "delete": False}),
        # A token that tells nothing: what the Hub and the registry answer.
        (None, {"list": True, "pull": True, "push": None, "delete": None}),
    ],
)
def test_rights_are_those_that_the_token_tells(
    tmp_path: Path,
    hub: Hub,
    scopes: str | None,
    granted: dict[str, bool | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, api = hub
    api.scopes = scopes
    file = settings_file(
        tmp_path,
        registry,
        url=f"{registry.url}/acme/app",
        kind="dockerhub",
        api_url=api.url,
        username=USER,
        password="env:TEST_PASSWORD",
    )
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    found = check_auth("work", options=Options(config=file))
    assert {one.action: one.granted for one in found.rights} == granted
    assert found.accepted
    assert bool(found.hint) is not granted["list"]


@pytest.mark.parametrize(
    ("username", "secret", "title"),
    [
        ("acme", "dckr_oat_abc", "organization access token"),
        ("jo", "dckr_pat_abc", "personal access token"),
        ("jo", "hunter2", "password"),
        ("jo@example.com", "hunter2", "password"),
    ],
)
def test_credentials_are_told_by_how_they_look(username: str, secret: str, title: str) -> None:
    shape = registry_kind("dockerhub").credential_shape(username, secret)
    assert shape is not None
    assert shape.title == title
    assert bool(shape.mistake) == ("@" in username)


def _fresh() -> Node:
    return image("fresh", (push.layer("fresh", 700),))
