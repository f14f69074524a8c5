"""Harbor by its own API: every project, every page, in few requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from tests.support.fake_registry import Answer
from tests.support.retention_plans import signature
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.harbor import HarborServer
from tests.support.vendors.scanning import SECRET, Seen, plan_tags, scan_vendor, settings_file
from tests.support.vendors.server import serving

import regtools as rt
from regtools.access import Options
from regtools.session import check_auth, scan

ROBOT = "robot$ci"


@pytest.fixture
def server() -> Iterator[HarborServer]:
    plan, untagged = one_of_each()
    plan.tag("secret/vault", "1", plan.tags["acme/app"]["1.0"])
    with serving(HarborServer(plan, user=ROBOT, password=SECRET)) as running:
        for name, nodes in untagged.items():
            running.keep_untagged(name, *nodes)
        yield running


def look(folder: Path, server: HarborServer, **fields: str) -> Seen:
    return scan_vendor(folder, server, kind="harbor", **{"username": ROBOT, **fields})


def test_an_immutable_tag_is_locked(tmp_path: Path, server: HarborServer) -> None:
    seen = look(tmp_path, server)
    name, tag = next(iter(plan_tags(server)))
    assert not seen.table("tags")["locked"].any()
    server.locked_tags = {(name, tag)}
    tags = look(tmp_path, server).table("tags").set_index(["repository", "tag"])["locked"]
    assert [key for key, locked in tags.items() if locked] == [(name, tag)]


def test_every_repository_and_tag_is_found_though_the_catalog_is_closed(
    tmp_path: Path, server: HarborServer
) -> None:
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.scanned.problems == []
    assert seen.scanned.snapshot.complete


def test_times_pulls_and_visibility_are_the_vendors(tmp_path: Path, server: HarborServer) -> None:
    old = server.plan.tags["acme/app"]["1.0"]
    server.pulled_at[old.digest] = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
    seen = look(tmp_path, server)
    tags = seen.table("tags").set_index(["repository", "tag"])
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == pd.Timestamp(pushed_at(old))
    assert tags.loc[("acme/app", "1.0"), "pulled_at"] == pd.Timestamp("2026-11-02T03:04:05Z")
    assert pd.isna(tags.loc[("acme/app", "1.1"), "pulled_at"])  # Go's zero time means never
    repositories = seen.table("repositories").set_index("repository")
    assert dict(repositories["visibility"]) == {
        "acme/app": "public",
        "acme/tools/lint": "public",
        "secret/vault": "private",
    }
    assert set(repositories["pulls"]) == {17}


def test_what_has_no_tag_is_seen_and_so_are_accessories(
    tmp_path: Path, server: HarborServer
) -> None:
    subject = server.plan.tags["acme/app"]["1.1"]
    signed = signature(subject)
    server.attach(subject, signed)
    seen = look(tmp_path, server)
    wanted = {node.digest for node in server.untagged["acme/app"]} | {signed.digest}
    assert set(seen.table("untagged")["digest"]) == wanted


def test_quotas_and_retention_rules_are_kept(tmp_path: Path, server: HarborServer) -> None:
    server.retention = {"id": 5, "algorithm": "or", "rules": []}
    seen = look(tmp_path, server)
    reported = seen.table("reported").set_index("name")
    stored = {
        blob.digest: len(blob.data)
        for name in ("acme/app", "acme/tools/lint")
        for node in server.held(name).values()
        for blob in (*node.blobs, node.content)
    }
    assert reported.loc["acme", "bytes"] == sum(stored.values())
    assert pd.isna(reported.loc["acme", "limit_bytes"])  # -1 is unlimited
    assert set(reported["kind"]) == {"quota_used"}
    policies = seen.table("repositories")["cleanup_policy"]
    assert {json.loads(policy)["algorithm"] for policy in policies} == {"or"}


def test_a_repository_links_to_its_own_page(tmp_path: Path, server: HarborServer) -> None:
    repositories = look(tmp_path, server).table("repositories").set_index("repository")
    number = 1 + sum(b"acme")  # as the fake numbers projects
    assert repositories.loc["acme/tools/lint", "web_url"] == (
        f"{server.url}/harbor/projects/{number}/repositories/tools%2Flint/artifacts-tab"
    )


def test_a_tag_links_to_the_artifact_it_names(tmp_path: Path, server: HarborServer) -> None:
    history = look(tmp_path, server, url=f"{server.url}/acme/tools/lint").history
    tag = rt.usage(history, by="tag").iloc[0]
    page = f"/repositories/tools%2Flint/artifacts-tab/artifacts/{tag['digest']}"
    assert tag["web_url"].endswith(page)


def rule(
    tags: str = "**", repositories: str = "**", *, disabled: bool = False
) -> dict[str, object]:
    """Give an immutable-tag rule as Harbor's web page makes it."""
    return {
        "id": 1,
        "priority": 0,
        "disabled": disabled,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {
            "repository": [
                {"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}
            ]
        },
    }


@pytest.mark.parametrize(
    ("rules", "immutable"),
    [
        ([], False),
        ([rule()], True),
        ([rule("v*"), rule()], True),
        ([rule("v*")], None),
        ([rule(repositories="app")], None),
        ([rule(disabled=True)], False),
        ([{"disabled": "no"}], None),
    ],
)
def test_tags_are_immutable_where_a_rule_covers_them_all(
    tmp_path: Path, server: HarborServer, rules: list[dict[str, object]], immutable: bool | None
) -> None:
    server.immutable = [] if rules and "id" not in rules[0] else rules
    if rules and "id" not in rules[0]:
        odd = Answer(200, json.dumps(rules).encode(), {"Content-Type": "application/json"})
        server.hook = lambda seen: odd if "immutabletagrules" in seen.path else None
    told = look(tmp_path, server, url=f"{server.url}/acme").table("repositories")["immutable"]
    assert {None if pd.isna(one) else bool(one) for one in told} == {immutable}


def test_check_auth_tells_what_the_account_may_do_in_a_project(
    tmp_path: Path, server: HarborServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.permissions = [("repository", "list"), ("repository", "pull"), ("artifact", "read")]
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    fields = {"kind": "harbor", "username": ROBOT, "password": "env:TEST_PASSWORD"}
    config = settings_file(tmp_path, server, **fields, url=f"{server.url}/acme/app")
    result = check_auth("work", options=Options(config=config))
    assert {one.action: one.granted for one in result.rights} == {
        "list": True,
        "pull": True,
        "push": False,
        "delete": False,
    }
    assert result.sort == "robot account"


def test_without_the_right_to_see_quotas_the_scan_is_whole(
    tmp_path: Path, server: HarborServer
) -> None:
    server.administrates = False
    seen = look(tmp_path, server)
    assert seen.scanned.snapshot.complete
    assert seen.table("reported").empty


def test_a_slash_in_a_repositorys_name_is_escaped_twice(
    tmp_path: Path, server: HarborServer
) -> None:
    look(tmp_path, server)
    paths = [request.path for request in server.seen]
    assert any("/repositories/tools%252Flint/artifacts?" in path for path in paths)


def test_one_project_is_read_by_its_name(tmp_path: Path, server: HarborServer) -> None:
    seen = look(tmp_path, server, url=f"{server.url}/secret")
    assert set(seen.tags) == {("secret/vault", "1")}
    assert not any("/projects?" in request.path for request in server.seen)


def test_a_later_scan_fetches_no_manifest_and_asks_for_no_tag(
    tmp_path: Path, server: HarborServer
) -> None:
    first = look(tmp_path, server)
    cold = len(server.pulled)
    assert cold == len(set(first.table("manifests")["digest"]))
    server.seen.clear()
    again = look(tmp_path, server)
    assert again.tags == first.tags
    assert server.pulled == []
    assert not any("/tags/list" in request.path for request in server.seen)


def test_three_hundred_repositories_come_page_by_page(tmp_path: Path) -> None:
    plan = very_many()
    with serving(HarborServer(plan, user=ROBOT, password=SECRET)) as server:
        seen = look(tmp_path, server)
        assert seen.tags == plan_tags(server)
        listings = [r for r in server.seen if "/repositories?" in r.path]
        assert len(listings) == 3  # a hundred on a page
        server.seen.clear()
        look(tmp_path, server)
        # A page of projects, three of repositories, one of artifacts for each repository, one
        # quota, and the way to the registry: not one for each of 3,000 tags.
        assert len(server.seen) < 300 + 20


def test_without_a_credential_only_public_projects_are_seen(
    tmp_path: Path, server: HarborServer
) -> None:
    server.users = {}
    seen = scan_vendor(tmp_path, server, kind="harbor")
    assert {repository for repository, _ in seen.tags} == {"acme/app", "acme/tools/lint"}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}'), "UNAUTHORIZED"),
        (Answer(403, b'{"errors":[{"code":"FORBIDDEN","message":"no"}]}'), "DENIED"),
        (Answer(200, b"<!doctype html><title>login</title>"), "ANSWER_HTML"),
        (Answer(200, b'[{"name":'), "ANSWER_NOT_JSON"),
        (Answer(404, b'{"errors":[{"code":"NOT_FOUND","message":"no"}]}'), "NOT_FOUND"),
        (Answer(412, b'{"errors":[{"code":"PRECONDITION","message":"no"}]}'), "REGISTRY_ERROR"),
        (Answer(429, b"slow down", {"Retry-After": "3600"}), "RATE_LIMITED"),
        (Answer(200, b"null"), "VENDOR_ANSWER_ODD"),
        (Answer(200, b'{"projects": []}'), "VENDOR_ANSWER_ODD"),
    ],
)
def test_an_api_that_answers_otherwise_leaves_the_registry_itself(
    tmp_path: Path, server: HarborServer, answer: Answer, code: str
) -> None:
    """What is named is read all the same, and what is missing is said."""
    server.api_down = answer
    seen = look(tmp_path, server, url=f"{server.url}/acme/app")
    assert {tag for _, tag in seen.tags} == set(server.plan.tags["acme/app"])
    assert not seen.scanned.snapshot.complete
    assert "VENDOR_LISTING_REFUSED" in seen.codes
    assert SECRET not in "".join(problem.message for problem in seen.scanned.problems)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("digest", None, "artifacts[0].digest is missing"),
        ("digest", "sha256:short", "artifacts[0].digest"),
        ("push_time", "yesterday", "artifacts[0].push_time"),
        ("tags", "latest", "artifacts[0].tags"),
        ("tags", [{"name": "../x"}], "artifacts[0].tags[0].name"),
    ],
)
def test_an_odd_field_is_told_and_the_rest_is_read(
    tmp_path: Path,
    server: HarborServer,
    field: str,
    value: object,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = HarborServer._artifacts

    def odd(self: HarborServer, repository: str) -> list[dict[str, object]]:
        listed = whole(self, repository)
        listed[0][field] = value
        return listed

    monkeypatch.setattr(HarborServer, "_artifacts", odd)
    seen = look(tmp_path, server)
    assert set(seen.codes) == {"VENDOR_ANSWER_ODD"}
    assert any(said in problem.message for problem in seen.scanned.problems)
    assert all("Harbor" in problem.message for problem in seen.scanned.problems)
    assert ("acme/app", "multi") in seen.tags


@pytest.mark.parametrize("value", [None, [], "0001-01-01T00:00:00Z"])
def test_null_empty_and_gos_zero_are_nothing_odd(
    tmp_path: Path, server: HarborServer, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = "pull_time" if isinstance(value, str) else "accessories"
    whole = HarborServer._artifacts

    def nothing(self: HarborServer, repository: str) -> list[dict[str, object]]:
        return [{**one, field: value} for one in whole(self, repository)]

    monkeypatch.setattr(HarborServer, "_artifacts", nothing)
    assert look(tmp_path, server).codes == []


def test_a_list_that_ends_before_its_own_count_is_told(
    tmp_path: Path, server: HarborServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = HarborServer._paged

    def short(self: HarborServer, *arguments: object) -> Answer:
        answer = whole(self, *arguments)  # type: ignore[arg-type]
        answer.headers["X-Total-Count"] = "5000"
        return answer

    monkeypatch.setattr(HarborServer, "_paged", short)
    seen = look(tmp_path, server, url=f"{server.url}/acme")
    assert "VENDOR_ANSWER_ODD" in seen.codes
    assert not seen.scanned.snapshot.complete


def test_the_password_goes_only_to_this_host_and_is_kept_nowhere(
    tmp_path: Path, server: HarborServer
) -> None:
    look(tmp_path, server)
    assert all(SECRET not in request.path for request in server.seen)
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert SECRET.encode() not in file.read_bytes()
    assert {request.method for request in server.seen} <= {"GET", "HEAD"}


def test_a_recording_plays_back_the_same_scan_without_a_secret(
    tmp_path: Path, server: HarborServer
) -> None:
    folder = tmp_path / "recording"
    first = scan_vendor(tmp_path, server, kind="harbor", username=ROBOT, options={"record": folder})
    for file in folder.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()
    server.seen.clear()
    again = scan(f"replay:{folder}", options=Options(history=str(tmp_path / "replayed")))
    assert list(again.failed) == []
    assert again.scanned[0].physical_bytes == first.scanned.physical_bytes
    assert again.scanned[0].tags == len(first.tags)
    assert server.seen == []
