"""Quay by its own API where a token opens it, else by what its catalog shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.support.fake_registry import Answer
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.quay import QuayServer
from tests.support.vendors.scanning import SECRET, Seen, plan_tags, scan_vendor, settings_file
from tests.support.vendors.server import serving

import regtools as rt
from regtools.access import Options
from regtools.session import check_auth, scan

ROBOT, ROBOTS_PASSWORD = "acme+ci", "of-the-robot"


@pytest.fixture
def server() -> Iterator[QuayServer]:
    plan, _ = one_of_each()
    plan.tag("maria/toy", "1", plan.tags["acme/app"]["1.0"])
    quay = QuayServer(plan, token=SECRET, robot=ROBOT, password=ROBOTS_PASSWORD)
    with serving(quay) as running:
        yield running


def look(folder: Path, server: QuayServer, **fields: Any) -> Seen:
    """Scan with an application's OAuth token."""
    return scan_vendor(folder, server, **{"kind": "quay", "username": "$oauthtoken", **fields})


def as_robot(
    folder: Path, server: QuayServer, monkeypatch: pytest.MonkeyPatch, **fields: str
) -> Seen:
    """Scan as a robot account, with or without a token for the API beside it."""
    monkeypatch.setenv("TEST_API_TOKEN", SECRET)
    named = {"kind": "quay", "username": ROBOT, **fields}
    return scan_vendor(folder, server, **{**named, "password": ROBOTS_PASSWORD})


def api_paths(server: QuayServer) -> list[str]:
    return [request.path for request in server.seen if request.path.startswith("/api/")]


def test_every_namespace_of_the_tokens_user_is_listed(tmp_path: Path, server: QuayServer) -> None:
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.scanned.problems == []
    assert seen.scanned.snapshot.complete


def test_times_sizes_and_visibility_are_the_vendors(tmp_path: Path, server: QuayServer) -> None:
    seen = look(tmp_path, server)
    tags = seen.table("tags").set_index(["repository", "tag"])
    node = server.plan.tags["acme/app"]["1.0"]
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == pd.Timestamp(pushed_at(node))
    repositories = seen.table("repositories").set_index("repository")
    assert dict(repositories["visibility"]) == {
        "acme/app": "public",
        "acme/tools/lint": "private",
        "maria/toy": "private",
    }
    assert dict(repositories["vendor_bytes"]) == {
        name: server.stored(name) for name in server.plan.tags
    }
    page = f"https://{server.host}/repository/acme/app"
    assert repositories.loc["acme/app", "web_url"] == page


def test_usage_links_each_tag_and_repository_to_its_page(
    tmp_path: Path, server: QuayServer
) -> None:
    history = look(tmp_path, server, url=f"{server.url}/acme").history
    page = f"https://{server.host}/repository/acme/tools/lint"
    tags = rt.usage(history, by="tag").set_index(["repository", "tag"])
    assert tags.loc[("acme/tools/lint", "7"), "web_url"] == f"{page}/tag/7"
    repositories = rt.usage(history, by="repository").set_index("repository")
    assert repositories.loc["acme/tools/lint", "web_url"] == page


def test_an_organizations_quota_and_rules_are_kept(tmp_path: Path, server: QuayServer) -> None:
    server.policies = [
        {
            "uuid": "u",
            "method": "number_of_tags",
            "value": 10,
            "tagPattern": None,
            "tagPatternMatches": True,
        }
    ]
    seen = look(tmp_path, server, url=f"{server.url}/acme")
    row = seen.table("reported").iloc[0]
    assert (row["scope"], row["name"], row["kind"]) == ("namespace", "acme", "quota_used")
    assert row["bytes"] == server.stored("acme/app", "acme/tools/lint")
    assert row["limit_bytes"] == 10_000_000
    policies = {
        json.loads(text)[0]["value"] for text in seen.table("repositories")["cleanup_policy"]
    }
    assert policies == {10}


@pytest.mark.parametrize("backfill", ["waiting", "running"])
def test_a_quota_that_is_still_being_counted_is_not_believed(
    tmp_path: Path, server: QuayServer, backfill: str
) -> None:
    server.backfill = backfill
    assert look(tmp_path, server).table("reported").empty


def test_a_token_without_the_right_to_administrate_still_scans(
    tmp_path: Path, server: QuayServer
) -> None:
    server.administrates = server.counts_quota = False
    seen = look(tmp_path, server)
    assert seen.scanned.snapshot.complete
    assert seen.table("reported").empty
    assert seen.table("repositories")["cleanup_policy"].isna().all()


def test_deleted_tags_are_not_listed(tmp_path: Path, server: QuayServer) -> None:
    server.moved = ["gone"]
    assert ("acme/app", "gone") not in look(tmp_path, server).tags


def test_one_namespace_is_asked_for_alone(tmp_path: Path, server: QuayServer) -> None:
    seen = look(tmp_path, server, url=f"{server.url}/maria")
    assert set(seen.tags) == {("maria/toy", "1")}
    assert not any("acme" in path or path == "/api/v1/user/" for path in api_paths(server))


def test_one_repository_is_read_and_no_other(tmp_path: Path, server: QuayServer) -> None:
    seen = look(tmp_path, server, url=f"{server.url}/acme/tools/lint")
    assert set(seen.tags) == {("acme/tools/lint", "7")}
    listed = [path for path in api_paths(server) if "/tag/" in path]
    assert [path.partition("?")[0] for path in listed] == [
        "/api/v1/repository/acme/tools/lint/tag/"
    ]


def test_a_later_scan_fetches_no_manifest_and_asks_for_no_tag(
    tmp_path: Path, server: QuayServer
) -> None:
    first = look(tmp_path, server)
    assert len(server.pulled) == len(set(first.table("manifests")["digest"]))
    server.seen.clear()
    again = look(tmp_path, server)
    assert again.tags == first.tags
    assert server.pulled == []
    assert not any("/tags/list" in request.path for request in server.seen)


def test_hundreds_of_repositories_come_page_by_page(tmp_path: Path) -> None:
    plan = very_many(repositories=250, tags=2)
    for number in range(230):
        plan.tag("acme/service-000", f"more-{number}", plan.tags["acme/service-000"]["v0"])
    with serving(QuayServer(plan, token=SECRET)) as server:
        seen = look(tmp_path, server, url=f"{server.url}/acme")
        assert seen.tags == plan_tags(server)
        listings = [path for path in api_paths(server) if path.startswith("/api/v1/repository?")]
        assert len(listings) == 3
        assert "last=" not in "".join(listings)
        of_first = [path for path in api_paths(server) if "/service-000/tag/" in path]
        assert len(of_first) == 3  # 232 tags, a hundred on a page
        server.seen.clear()
        look(tmp_path, server, url=f"{server.url}/acme")
        assert len(server.seen) < 250 + 20


def test_without_a_credential_what_is_public_is_read(tmp_path: Path, server: QuayServer) -> None:
    seen = scan_vendor(tmp_path, server, kind="quay", url=f"{server.url}/acme")
    assert {repository for repository, _ in seen.tags} == {"acme/app"}
    assert seen.scanned.snapshot.complete


def test_without_a_namespace_and_a_token_it_says_what_to_do(
    tmp_path: Path, server: QuayServer
) -> None:
    seen = scan_vendor(tmp_path, server, kind="quay")
    assert seen.codes == ["VENDOR_LISTING_REFUSED"]
    assert "/NAMESPACE" in seen.scanned.problems[0].message


def test_a_token_that_may_not_tell_its_user_needs_a_namespace(
    tmp_path: Path, server: QuayServer
) -> None:
    server.reads_user = False
    seen = look(tmp_path, server)
    assert "user:read" in seen.scanned.problems[0].message
    assert seen.tags == plan_tags(server)  # by the catalog
    assert look(tmp_path, server, url=f"{server.url}/acme").scanned.snapshot.complete


def test_a_robot_sees_what_the_catalog_shows_and_it_is_said(
    tmp_path: Path, server: QuayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = as_robot(tmp_path, server, monkeypatch)
    assert seen.tags == plan_tags(server)
    assert seen.codes == ["VENDOR_CREDENTIAL_MISSING"]
    assert "robot account" in seen.scanned.problems[0].message
    assert api_paths(server) == []


def test_the_catalog_of_many_is_read_by_its_opaque_cursors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`last=` would be page one for ever."""
    plan = very_many(repositories=205, tags=1)
    with serving(QuayServer(plan, token=SECRET, password=ROBOTS_PASSWORD)) as server:
        seen = as_robot(tmp_path, server, monkeypatch)
        assert seen.tags == plan_tags(server)
        assert sum("/_catalog" in request.path for request in server.seen) <= 5


def test_a_robot_pulls_while_the_token_lists(
    tmp_path: Path, server: QuayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = as_robot(tmp_path, server, monkeypatch, api_token="env:TEST_API_TOKEN")
    assert seen.tags == plan_tags(server)
    assert seen.scanned.problems == []
    for request in server.seen:
        is_api = request.path.startswith("/api/")
        assert (SECRET in request.credential) == is_api
        assert ROBOTS_PASSWORD not in request.credential
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert SECRET.encode() not in file.read_bytes()
    assert {request.method for request in server.seen} <= {"GET", "HEAD"}


def test_a_self_hosted_quay_is_known_by_its_token_server(
    tmp_path: Path, server: QuayServer
) -> None:
    url = f"{server.url}/acme"
    seen = scan_vendor(tmp_path, server, username="$oauthtoken", url=url)
    assert seen.scanned.snapshot.kind == "quay"
    assert api_paths(server) != []


def test_a_listing_that_goes_round_in_a_circle_ends(tmp_path: Path, server: QuayServer) -> None:
    def circle(name: str, data: Any) -> Any:
        return {**data, "next_page": "the-same"} if name == "RepositoryList" else data

    server.change = circle
    seen = look(tmp_path, server, url=f"{server.url}/acme")
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    assert len(api_paths(server)) < 10
    assert set(seen.tags) == {key for key in plan_tags(server) if key[0].startswith("acme/")}


def test_a_circle_of_ever_new_tokens_ends_too(tmp_path: Path, server: QuayServer) -> None:
    """What is encrypted looks new each time."""
    count = iter(range(1000))

    def circle(name: str, data: Any) -> Any:
        return {**data, "next_page": f"{next(count)}"} if name == "RepositoryList" else data

    server.change = circle
    seen = look(tmp_path, server, url=f"{server.url}/acme")
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    assert len(api_paths(server)) < 10


def test_tags_that_never_end_are_told(tmp_path: Path, server: QuayServer) -> None:
    def endless(name: str, data: Any) -> Any:
        return {**data, "has_additional": True} if name == "TagList" else data

    server.change = endless
    seen = look(tmp_path, server, url=f"{server.url}/acme/app")
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    assert "has_additional" in seen.scanned.problems[0].message
    assert {tag for _, tag in seen.tags} == set(server.plan.tags["acme/app"])


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, b'{"error_type":"invalid_token","detail":"no","status":401}'),
        Answer(403, b'{"error_type":"insufficient_scope","detail":"no","status":403}'),
        Answer(200, b"<!doctype html><title>login</title>"),
        Answer(200, b'{"repositories":['),
        Answer(200, b"[]"),
        Answer(200, b'{"repositories": 7}'),
        Answer(429, b"slow down", {"Retry-After": "3600"}),
    ],
)
def test_an_api_that_answers_otherwise_leaves_the_registry_itself(
    tmp_path: Path, server: QuayServer, answer: Answer
) -> None:
    server.api_down = answer
    seen = look(tmp_path, server, url=f"{server.url}/acme")
    assert ("acme/app", "multi") in seen.tags
    assert "VENDOR_LISTING_REFUSED" in seen.codes
    assert not seen.scanned.snapshot.complete
    assert SECRET not in "".join(problem.message for problem in seen.scanned.problems)


@pytest.mark.parametrize(
    ("list_name", "field", "value", "said"),
    [
        ("tags", "manifest_digest", None, "tags[0].manifest_digest is missing"),
        ("tags", "last_modified", "yesterday", "tags[0].last_modified"),
        ("tags", "name", "../x", "tags[0].name"),
        ("repositories", "namespace", None, "repositories[0].namespace is missing"),
        ("repositories", "name", "A B", "repositories"),
        ("repositories", "is_public", "maybe", "repositories[0].is_public"),
        ("repositories", "quota_report", [], "repositories[0].quota_report"),
    ],
)
def test_an_odd_field_is_told_and_the_rest_is_read(
    tmp_path: Path, server: QuayServer, list_name: str, field: str, value: object, said: str
) -> None:
    def odd(_: str, data: Any) -> Any:
        if list_name in data:
            data[list_name][0][field] = value
        return data

    server.change = odd
    seen = look(tmp_path, server, url=f"{server.url}/acme")
    assert set(seen.codes) == {"VENDOR_ANSWER_ODD"}
    assert any(said in problem.message for problem in seen.scanned.problems)
    assert all("Quay" in problem.message for problem in seen.scanned.problems)
    assert seen.tags != {}


def check(
    folder: Path, server: QuayServer, monkeypatch: pytest.MonkeyPatch, user: str, password: str
) -> Any:
    monkeypatch.setenv("TEST_PASSWORD", password)
    config = settings_file(
        folder,
        server,
        kind="quay",
        url=f"{server.url}/acme/app",
        username=user,
        password="env:TEST_PASSWORD",
    )
    return check_auth("work", options=Options(config=config))


def test_check_auth_tells_what_the_token_may(
    tmp_path: Path, server: QuayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = check(tmp_path, server, monkeypatch, "$oauthtoken", SECRET)
    assert result.sort == "OAuth token of an application"
    rights = {one.action: (one.granted, one.told_by) for one in result.rights}
    assert rights["list"] == (True, "GET /api/v1/repository")


def test_a_refused_robot_is_told_the_usual_mistake(
    tmp_path: Path, server: QuayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = check(tmp_path, server, monkeypatch, "ci", "wrong")
    assert not result.accepted
    assert "namespace+robot" in result.hint


def test_a_recording_plays_back_the_same_scan_without_a_secret(
    tmp_path: Path, server: QuayServer
) -> None:
    folder = tmp_path / "recording"
    first = look(tmp_path, server, options={"record": folder})
    for file in folder.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()
    server.seen.clear()
    again = scan(f"replay:{folder}", options=Options(history=str(tmp_path / "replayed")))
    assert list(again.failed) == []
    assert again.scanned[0].problems == []
    assert again.scanned[0].physical_bytes == first.scanned.physical_bytes
    assert again.scanned[0].tags == len(first.tags)
    assert server.seen == []
