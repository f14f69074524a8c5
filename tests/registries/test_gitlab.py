"""GitLab by its own interfaces: groups, projects, users; every page, in few requests."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest
from tests.support.fake_registry import Answer, Seen
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.gitlab import GitLabServer, Token, graphql_queries
from tests.support.vendors.scanning import Seen as Scan
from tests.support.vendors.scanning import plan_tags, scan_vendor, settings_file
from tests.support.vendors.server import as_json, serving

from regtools.access import Options
from regtools.errors import NotFoundError, RegistryError
from regtools.registries import KINDS, registry_kind
from regtools.registries.gitlab import GITLAB
from regtools.registries.gitlab.place import Server, projects_of
from regtools.registries.listing import Login
from regtools.session import AuthCheck, check_auth, scan

PAT = "glpat-s3cret-of-the-test"
DEPLOY = "gldt-s3cret-of-the-test"
JOB = "glcbt-s3cret-of-the-test"
OAUTH = "0123456789abcdef" * 4
POLICY = {
    "cadence": "7d",
    "enabled": True,
    "keep_n": 10,
    "older_than": "30d",
    "name_regex": "dev-.*",
    "name_regex_keep": "v.*",
    "next_run_at": "2026-12-01T00:00:00.000Z",
}


def tokens() -> dict[str, Token]:
    return {
        PAT: Token(),
        DEPLOY: Token("deploy", ("read_registry",), "gitlab+deploy-token-7"),
        JOB: Token("job", (), "gitlab-ci-token"),
        OAUTH: Token("oauth", ("read_api",), "oauth2"),
    }


@pytest.fixture
def server() -> Iterator[GitLabServer]:
    """``acme/app`` holds an image and one below it; ``acme/tools/lint`` is in a subgroup."""
    plan, _ = one_of_each()
    plan.tag("acme/app/worker/slim", "1", plan.tags["acme/app"]["1.0"])
    plan.tag("other/site", "2", plan.tags["acme/app"]["1.1"])
    projects = ["acme/app", "acme/tools/lint", "other/site"]
    with serving(GitLabServer(plan, projects, tokens())) as running:
        yield running


def look(folder: Path, server: GitLabServer, path: str = "", **fields: Any) -> Scan:
    where = f"{server.url}/{path}" if path else server.url
    login = {"username": "maria", "password": PAT}
    return scan_vendor(folder, server, **{"url": where, "kind": "gitlab", **login, **fields})


def asked(server: GitLabServer) -> Counter[str]:
    """Count requests: to GraphQL, REST, tokens, manifests and the rest of the registry."""

    def sort(path: str) -> str:
        parts = urlsplit(path).path
        for name in ("/api/graphql", "/api/v4", "/jwt/auth", "/manifests/", "/tags/list"):
            if name in parts:
                return name
        return "other"

    return Counter(sort(one.path) for one in server.seen)


# -- what is listed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("", {"acme/app", "acme/app/worker/slim", "acme/tools/lint", "other/site"}),
        ("acme", {"acme/app", "acme/app/worker/slim", "acme/tools/lint"}),
        ("acme/tools", {"acme/tools/lint"}),
        ("acme/app", {"acme/app", "acme/app/worker/slim"}),
        ("acme/app/worker", {"acme/app/worker/slim"}),
        ("acme/app/worker/slim", {"acme/app/worker/slim"}),
    ],
    ids=["everything", "group", "subgroup", "project", "below-project", "repository"],
)
@pytest.mark.parametrize("interface", ["graphql", "rest"])
def test_a_path_is_a_group_a_project_or_a_repository(
    tmp_path: Path, server: GitLabServer, path: str, wanted: set[str], interface: str
) -> None:
    if interface == "rest":
        server.graphql_down = as_json({"message": "404 Not Found"}, 404)
    seen = look(tmp_path, server, path)
    assert seen.tags == {
        key: digest for key, digest in plan_tags(server).items() if key[0] in wanted
    }
    assert seen.scanned.problems == []
    if interface == "graphql":
        assert asked(server)["/api/v4"] == 0
        # One query decides what the path is and lists; one has the tags, one the sums.
        assert asked(server)["/api/graphql"] == 3


@pytest.mark.parametrize("interface", ["graphql", "rest"])
def test_a_users_own_projects_are_listed_by_the_name(
    tmp_path: Path, server: GitLabServer, interface: str
) -> None:
    server.users_alone = {"other"}
    if interface == "rest":
        server.graphql_down = as_json({}, 404)
    assert set(look(tmp_path, server, "other").tags) == {("other/site", "2")}


def test_images_deep_below_a_project_are_found(tmp_path: Path, server: GitLabServer) -> None:
    deep = "acme/app/a/b/c/d/e"
    server.plan.tag(deep, "1", server.plan.tags["acme/app"]["1.0"])
    server.index()
    assert set(look(tmp_path, server, deep).tags) == {(deep, "1")}
    assert max(server.graphql.complexities) <= 200  # what somebody without a token may ask


@pytest.mark.parametrize("interface", ["graphql", "rest"])
def test_a_project_without_a_registry_is_passed_over(
    tmp_path: Path, server: GitLabServer, interface: str
) -> None:
    server.projects["other/site"].access_level = "disabled"
    if interface == "rest":
        server.graphql_down = as_json({}, 404)
    seen = look(tmp_path, server)
    assert not any(name == "other/site" for name, _ in seen.tags)
    assert seen.codes == []


def test_what_gitlab_does_not_know_is_said(tmp_path: Path, server: GitLabServer) -> None:
    with pytest.raises(RegistryError, match="acme/gone"):
        look(tmp_path, server, "acme/gone")


@pytest.mark.parametrize("interface", ["graphql", "rest"])
def test_visibility_policy_size_and_page_are_gitlabs(
    tmp_path: Path, server: GitLabServer, interface: str
) -> None:
    server.projects["acme/app"].visibility = "public"
    server.projects["acme/tools/lint"].visibility = "internal"
    server.projects["acme/app"].policy = POLICY
    if interface == "rest":
        server.graphql_down = as_json({}, 403)
    rows = look(tmp_path, server, "acme").table("repositories").set_index("repository")
    assert dict(rows["visibility"]) == {
        "acme/app": "public",
        "acme/app/worker/slim": "public",
        "acme/tools/lint": "internal",
    }
    number = server.number_of("acme/app/worker/slim")
    assert rows.loc["acme/app/worker/slim", "web_url"] == (
        f"{server.url}/acme/app/container_registry/{number}"
    )
    assert rows.loc["acme/tools/lint", "vendor_bytes"] == server.size_of("acme/tools/lint")
    document = json.loads(rows.loc["acme/app", "cleanup_policy"])
    assert document == {"container_expiration_policy": POLICY}
    assert pd.isna(rows.loc["acme/tools/lint", "cleanup_policy"])


def test_tags_have_the_time_of_their_push_only_where_it_is_told(
    tmp_path: Path, server: GitLabServer
) -> None:
    node = server.plan.tags["acme/app"]["1.0"]
    tags = look(tmp_path, server, "acme/app").table("tags").set_index(["repository", "tag"])
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == pd.Timestamp(pushed_at(node))
    server.has_metadata = False
    assert look(tmp_path, server, "acme/app").table("tags")["pushed_at"].isna().all()


def test_a_policy_that_only_maintainers_see_is_not_an_empty_one(
    tmp_path: Path, server: GitLabServer
) -> None:
    server.projects["acme/app"].policy = POLICY
    server.maintains = False
    rows = look(tmp_path, server, "acme").table("repositories")
    assert rows["cleanup_policy"].isna().all()


def test_tag_rules_stand_beside_the_policy_and_tell_immutable(
    tmp_path: Path, server: GitLabServer
) -> None:
    rule = {"tagNamePattern": ".*", "minimumAccessLevelForPush": None}
    server.projects["acme/app"].policy = POLICY
    server.projects["acme/app"].rules = [{**rule, "minimumAccessLevelForDelete": None}]
    server.projects["other/site"].rules = [{**rule, "minimumAccessLevelForDelete": "OWNER"}]
    rows = look(tmp_path, server).table("repositories").set_index("repository")
    assert bool(rows.loc["acme/app", "immutable"]) is True
    assert bool(rows.loc["other/site", "immutable"]) is False
    rules = json.loads(rows.loc["acme/app", "cleanup_policy"])["container_protection_tag_rules"]
    assert rules == [
        {
            "tag_name_pattern": ".*",
            "minimum_access_level_for_push": None,
            "minimum_access_level_for_delete": None,
        }
    ]


@pytest.mark.parametrize("estimated", [False, True])
def test_owners_see_what_a_namespace_takes(
    tmp_path: Path, server: GitLabServer, estimated: bool
) -> None:
    server.estimated = estimated
    row = look(tmp_path, server, "acme/app").table("reported").iloc[0]
    assert (row["scope"], row["name"]) == ("namespace", "acme")
    assert row["kind"] == ("storage_estimated" if estimated else "storage")
    assert row["bytes"] == server.size_of("acme")


def test_others_see_no_sums_and_a_whole_scan(tmp_path: Path, server: GitLabServer) -> None:
    server.owns = False
    seen = look(tmp_path, server)
    assert seen.table("reported").empty
    assert seen.scanned.snapshot.complete


# -- in few requests -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> Iterator[GitLabServer]:
    """Repositories in one project, among them one with very many tags, and projects of their own."""
    plan = very_many("acme/shop", repositories=210, tags=5)
    plan.tags |= very_many("acme", repositories=110, tags=2).tags
    for number in range(995):
        node = plan.tags["acme/shop/service-000"]["v0"]
        plan.tag("acme/shop/service-001", f"build-{number:04}", node)
    projects = ["acme/shop", *(name for name in plan.tags if name.count("/") == 1)]
    with serving(GitLabServer(plan, projects, tokens())) as running:
        yield running


def test_hundreds_of_repositories_and_thousands_of_tags_come_page_by_page(
    tmp_path: Path, many: GitLabServer
) -> None:
    many.seen.clear()
    many.graphql.complexities.clear()
    seen = look(tmp_path, many, "acme")
    assert seen.tags == plan_tags(many)
    assert len(seen.tags) == 210 * 5 + 110 * 2 + 995
    assert seen.scanned.snapshot.complete
    # Of 320 repositories four pages; ten at once with their first twenty tags; 49 more pages of
    # one that has a thousand; a sum. Not one for each of 2,265 tags.
    assert asked(many)["/api/graphql"] == 4 + 32 + 49 + 1
    assert asked(many)["/api/v4"] == 0
    assert max(many.graphql.complexities) <= 150
    many.seen.clear()
    again = look(tmp_path, many, "acme")
    assert again.tags == seen.tags
    assert asked(many)["/manifests/"] == 0
    assert asked(many)["/tags/list"] == 0


def test_what_the_user_belongs_to_comes_a_hundred_projects_at_a_time(
    tmp_path: Path, many: GitLabServer
) -> None:
    many.seen.clear()
    assert set(look(tmp_path, many).table("repositories")["repository"]) == set(many.plan.tags)
    queries = [one["query"] for one in graphql_queries(many.seen)]
    # 111 projects on two pages, and two more pages of the one with 210 repositories.
    assert sum("membership" in query for query in queries) == 2
    assert sum("project(fullPath: $path)" in query for query in queries) == 2


def test_rest_pages_too_and_leaves_the_tags_to_the_registry(tmp_path: Path) -> None:
    plan = very_many("acme/shop", repositories=210, tags=1)
    with serving(GitLabServer(plan, ["acme/shop"], tokens())) as server:
        server.graphql_down = as_json({}, 404)
        server.has_metadata = False
        assert look(tmp_path, server, "acme/shop").tags == plan_tags(server)
        paths = [one.path for one in server.seen if one.path.startswith("/api/v4")]
        assert sum("/registry/repositories?" in path for path in paths) == 3
        # The project itself, and one question for a size that this server does not tell.
        assert len(paths) == 3 + 1 + 1


def test_a_server_that_allows_less_is_asked_for_less_at_once(
    tmp_path: Path, server: GitLabServer
) -> None:
    server.graphql.most_complexity = 80
    seen = look(tmp_path, server, "acme")
    assert seen.scanned.snapshot.complete
    server.graphql.most_complexity = 40
    server.seen.clear()
    assert look(tmp_path, server, "acme").tags == seen.tags
    assert asked(server)["/api/v4"] > 0  # Not even the listing is allowed: REST lists.


@pytest.mark.parametrize("milestone", ["17.4", "14.0"])
def test_fields_that_an_old_server_does_not_know_are_left_out(
    tmp_path: Path, server: GitLabServer, milestone: str
) -> None:
    server.graphql.milestone = milestone
    server.projects["acme/app"].policy = POLICY
    seen = look(tmp_path, server, "acme")
    assert set(seen.tags) == {key for key in plan_tags(server) if key[0].startswith("acme/")}
    assert seen.codes == []
    assert asked(server)["/api/v4"] == 0
    policies = seen.table("repositories").set_index("repository")["cleanup_policy"]
    assert json.loads(policies["acme/app"]) == {"container_expiration_policy": POLICY}


def test_where_gitlab_tells_no_digests_the_registry_is_asked(
    tmp_path: Path, server: GitLabServer
) -> None:
    server.tells_digests = False
    seen = look(tmp_path, server, "acme")
    assert set(seen.tags) == {key for key in plan_tags(server) if key[0].startswith("acme/")}
    assert seen.scanned.snapshot.complete


# -- who asks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "secret", "header"),
    [
        ("maria", PAT, "private-token"),
        ("maria", "custom-prefix-of-this-server", "private-token"),
        ("gitlab-ci-token", JOB, "job-token"),
        ("gitlab-ci-token", "eyJhbGciOi.x.y", "job-token"),
        ("oauth2", "anything", "authorization"),
        ("maria", OAUTH, "authorization"),
    ],
)
def test_a_token_is_shown_as_what_it_is(
    tmp_path: Path, server: GitLabServer, username: str, secret: str, header: str
) -> None:
    server.tokens[secret] = Token(
        {"private-token": "access", "job-token": "job", "authorization": "oauth"}[header]
    )
    seen = look(tmp_path, server, "acme/app", username=username, password=secret)
    assert seen.scanned.snapshot.complete
    for one in server.seen:
        if one.path.startswith("/api/"):
            names = [n for n in ("private-token", "job-token", "authorization") if n in one.headers]
            assert names == [header]
            assert one.headers[header] == (
                f"Bearer {secret}" if header == "authorization" else secret
            )


def test_a_job_token_lists_its_own_project_by_rest(tmp_path: Path, server: GitLabServer) -> None:
    seen = look(tmp_path, server, "acme/app", username="gitlab-ci-token", password=JOB)
    assert {name for name, _ in seen.tags} == {"acme/app", "acme/app/worker/slim"}
    assert asked(server)["/api/graphql"] == 0


def test_a_deploy_token_reads_what_is_named_and_says_what_is_missing(
    tmp_path: Path, server: GitLabServer
) -> None:
    seen = look(tmp_path, server, "acme/app", username="gitlab+deploy-token-7", password=DEPLOY)
    assert {name for name, _ in seen.tags} == {"acme/app"}
    assert "VENDOR_CREDENTIAL_MISSING" in seen.codes
    said = " ".join(one.message for one in seen.scanned.problems)
    assert "does not take a deploy token" in said
    assert "read_api" in said
    assert not any(one.path.startswith("/api/") for one in server.seen)


def test_another_token_may_ask_the_api(
    tmp_path: Path, server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", PAT)
    seen = look(
        tmp_path,
        server,
        "acme",
        username="gitlab+deploy-token-7",
        password=DEPLOY,
        api_token="env:API_TOKEN",
    )
    assert {name for name, _ in seen.tags} == {
        "acme/app",
        "acme/app/worker/slim",
        "acme/tools/lint",
    }
    assert seen.scanned.snapshot.complete
    shown = {one.headers.get("private-token") for one in server.seen if "/api/" in one.path}
    assert shown == {PAT}
    basic = base64.b64encode(f"gitlab+deploy-token-7:{DEPLOY}".encode()).decode()
    jwt = {one.credential for one in server.seen if one.path.startswith("/jwt/auth")}
    assert jwt == {f"Basic {basic}"}


def test_without_a_token_what_is_public_is_seen_and_the_rest_is_said_to_be_missing(
    tmp_path: Path, server: GitLabServer
) -> None:
    server.projects["acme/app"].visibility = "public"
    seen = scan_vendor(tmp_path, server, url=f"{server.url}/acme", kind="gitlab")
    assert {name for name, _ in seen.tags} == {"acme/app", "acme/app/worker/slim"}
    assert seen.codes == ["VENDOR_CREDENTIAL_MISSING"]
    assert not seen.scanned.snapshot.complete


def test_a_token_goes_nowhere_but_to_gitlab_and_is_kept_nowhere(
    tmp_path: Path, server: GitLabServer
) -> None:
    look(tmp_path, server)
    assert all(PAT not in one.path and PAT.encode() not in one.body for one in server.seen)
    shown = [one for one in server.seen if PAT in str(one.headers)]
    assert {urlsplit(one.path).path for one in shown} == {"/api/graphql"}
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert PAT.encode() not in file.read_bytes()
    posted = {one.path for one in server.seen if one.method not in ("GET", "HEAD")}
    assert posted == {"/api/graphql"}
    assert not any("mutation" in one["query"] for one in graphql_queries(server.seen))


def test_a_next_page_at_another_host_is_not_followed(tmp_path: Path, server: GitLabServer) -> None:
    server.graphql_down = as_json({}, 404)
    link = {"Link": '<https://evil.example/api/v4/projects?page=2>; rel="next"'}
    server.rest_down = Answer(200, b"[]", {"Content-Type": "application/json", **link})
    seen = look(tmp_path, server, "acme/app")
    assert "VENDOR_LISTING_REFUSED" in seen.codes
    assert any("evil.example" in one.message for one in seen.scanned.problems)


# -- where it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "/", "/api/v4", "/api/v4/", "/api/graphql"])
def test_the_address_may_be_given_as_people_know_it(end: str) -> None:
    assert Server.at(f"https://gitlab.example.com{end}").home == "https://gitlab.example.com"


def test_an_address_that_is_given_is_the_one_that_is_asked(
    tmp_path: Path, server: GitLabServer
) -> None:
    seen = look(tmp_path, server, "acme/app", api_url=f"{server.url}/api/v4")
    assert seen.scanned.snapshot.complete


def test_gitlab_may_lie_below_a_path() -> None:
    server = Server.at("https://example.com/gitlab/api/v4")
    assert (server.rest, server.graphql) == (
        "https://example.com/gitlab/api/v4",
        "https://example.com/gitlab/api/graphql",
    )
    assert server.page("g/p", 7) == "https://example.com/gitlab/g/p/container_registry/7"


def test_the_kind_and_the_address_are_told_by_the_challenge(
    tmp_path: Path, server: GitLabServer
) -> None:
    seen = scan_vendor(tmp_path, server, username="maria", password=PAT, url=f"{server.url}/acme")
    assert seen.scanned.snapshot.kind == "gitlab"
    assert seen.scanned.snapshot.complete
    assert asked(server)["/api/graphql"] == 3


@pytest.mark.parametrize(
    ("realm", "address"),
    [
        ("https://gitlab.example.com/jwt/auth", "https://gitlab.example.com/api/v4"),
        ("https://example.com:8443/gitlab/jwt/auth", "https://example.com:8443/gitlab/api/v4"),
        ("https://gitlab.example.com/token", None),
        ("https://gitlab.example.com/jwt/auth/more", None),
    ],
)
def test_gitlab_is_its_own_token_server(realm: str, address: str | None) -> None:
    vendor = GITLAB.vendor
    assert vendor is not None
    assert vendor.address_by_realm(realm) == address


def test_a_realm_elsewhere_is_not_taken_for_the_api(tmp_path: Path, server: GitLabServer) -> None:
    """The token would go wherever a registry says."""

    def lead_away(seen: Seen) -> Answer | None:
        if not seen.path.startswith("/v2"):
            return None
        realm = 'Bearer realm="https://evil.example/jwt/auth",service="container_registry"'
        return Answer(401, b"{}", {"WWW-Authenticate": realm})

    server.hook = lead_away
    with pytest.raises(Exception, match=r"evil\.example"):
        look(tmp_path, server, "acme/app")
    assert not any(PAT in str(one.headers) for one in server.seen)


def test_gitlab_com_is_known() -> None:
    vendor = registry_kind("gitlab").vendor
    assert vendor is not None
    assert vendor.address("registry.gitlab.com") == "https://gitlab.com/api/v4"
    assert vendor.address("registry.gitlab.example.com") is None


@pytest.mark.parametrize(
    ("path", "projects"),
    [("a", []), ("a/b", ["a/b"]), ("a/b/c/d", ["a/b/c/d", "a/b/c", "a/b"])],
)
def test_a_project_lies_in_a_namespace(path: str, projects: list[str]) -> None:
    assert projects_of(path) == projects


# -- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (as_json({"message": "401 Unauthorized"}, 401), "VENDOR_LISTING_REFUSED"),
        (as_json({"message": "403 Forbidden"}, 403), "VENDOR_LISTING_REFUSED"),
        (as_json({"message": "404 Not Found"}, 404), "VENDOR_LISTING_REFUSED"),
        (Answer(200, b"<!doctype html><title>Sign in</title>"), "VENDOR_LISTING_REFUSED"),
        (Answer(200, b'[{"name":'), "VENDOR_LISTING_REFUSED"),
        (as_json({"oops": []}), "VENDOR_LISTING_REFUSED"),
        (as_json([]), "VENDOR_LISTING_REFUSED"),
        (
            as_json({"message": "Retry later"}, 429, Retry_After="600", RateLimit_Remaining="0"),
            "VENDOR_LISTING_REFUSED",
        ),
    ],
    ids=["401", "403", "404", "html", "cut", "object", "list", "429"],
)
def test_interfaces_that_answer_otherwise_leave_the_registry_itself(
    tmp_path: Path, server: GitLabServer, answer: Answer, code: str
) -> None:
    server.graphql_down = server.rest_down = answer
    seen = look(tmp_path, server, "acme/app")
    assert {tag for _, tag in seen.tags} == set(server.plan.tags["acme/app"])
    assert code in seen.codes
    assert not seen.scanned.snapshot.complete
    assert PAT not in "".join(one.message for one in seen.scanned.problems)


def test_a_short_wait_is_waited_for(tmp_path: Path, server: GitLabServer) -> None:
    left = [as_json({"message": "Retry later"}, 429, Retry_After="0")]
    server.hook = lambda seen: left.pop() if left and "/api/" in seen.path else None
    assert look(tmp_path, server, "acme").scanned.snapshot.complete


def test_a_token_without_read_api_is_told_by_gitlabs_own_words(
    tmp_path: Path, server: GitLabServer
) -> None:
    server.tokens[PAT].scopes = ("read_registry",)
    seen = look(tmp_path, server, "acme/app")
    assert any("higher privileges" in one.message for one in seen.scanned.problems)


def test_a_repository_that_gitlab_cannot_read_spoils_no_other(
    tmp_path: Path, server: GitLabServer
) -> None:
    server.broken = {"acme/app"}
    seen = look(tmp_path, server, "acme")
    assert {name for name, _ in seen.tags} == {"acme/app/worker/slim", "acme/tools/lint"}
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    problem = seen.scanned.problems[0]
    assert problem.repository == "acme/app"
    assert "Can't connect to the container registry" in problem.message


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (("tags", "digest", "sha256:short"), "tags.nodes[0].digest"),
        (("tags", "name", "../x"), "tags.nodes[0].name"),
        (("tags", "publishedAt", "yesterday"), "tags.nodes[0].publishedAt"),
        (("containerRepositories", "path", "UPPER"), "containerRepositories.nodes[0].path"),
        (("containerRepositories", "id", None), "containerRepositories.nodes[0].id"),
        (("containerRepositories", "project", None), "no project"),
    ],
)
def test_an_odd_field_is_told_and_the_rest_is_read(
    tmp_path: Path, server: GitLabServer, spoiled: tuple[str, str, object], said: str
) -> None:
    where, name, value = spoiled

    def spoil(answer: Any) -> Any:
        for found in _inside(answer, where):
            if found["nodes"]:
                found["nodes"][0][name] = value
        return answer

    server.spoil = spoil
    seen = look(tmp_path, server, "acme")
    assert set(seen.codes) == {"VENDOR_ANSWER_ODD"}
    assert any(said in one.message and "GitLab" in one.message for one in seen.scanned.problems)
    assert seen.tags


def test_an_age_that_nobody_knows_is_told_and_the_repository_kept(
    tmp_path: Path, server: GitLabServer
) -> None:
    server.projects["acme/app"].policy = POLICY

    def spoil(answer: Any) -> Any:
        for policy in _inside(answer, "policy"):
            policy["olderThan"] = "ELEVENTY_DAYS"
        return answer

    server.spoil = spoil
    seen = look(tmp_path, server, "acme")
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    assert ("acme/app", "1.0") in seen.tags


@pytest.mark.parametrize("where", ["tags", "containerRepositories"])
def test_a_page_that_comes_again_and_again_ends_the_walk(
    tmp_path: Path, server: GitLabServer, where: str
) -> None:
    def spoil(answer: Any) -> Any:
        for found in _inside(answer, where):
            found["pageInfo"] = {
                "hasNextPage": True,
                "endCursor": "1.0" if where == "tags" else CURSOR,
            }
        return answer

    server.spoil = spoil
    seen = look(tmp_path, server, "acme/app")
    assert "VENDOR_ANSWER_ODD" in seen.codes
    assert any("again and again" in one.message for one in seen.scanned.problems)
    assert asked(server)["/api/graphql"] < 12


CURSOR = "eyJpZCI6IjAifQ=="


def _inside(data: Any, name: str) -> Iterator[Any]:
    """Find every object that stands under a name."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == name and isinstance(value, dict):
                yield value
            yield from _inside(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from _inside(value, name)


# -- what a token may do -------------------------------------------------------------------------


def check(
    folder: Path,
    server: GitLabServer,
    monkeypatch: pytest.MonkeyPatch,
    secret: str = PAT,
    username: str = "maria",
    **fields: str,
) -> AuthCheck:
    monkeypatch.setenv("TEST_PASSWORD", secret)
    url = f"{server.url}/acme/app"
    login = {"username": username, "password": "env:TEST_PASSWORD"}
    config = settings_file(folder, server, **{"url": url, "kind": "gitlab", **login, **fields})
    return check_auth("work", options=Options(config=config))


def rights(checked: AuthCheck) -> dict[str, bool | None]:
    return {one.action: one.granted for one in checked.rights}


def test_an_access_token_tells_its_scopes_and_its_end(
    tmp_path: Path, server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = check(tmp_path, server, monkeypatch)
    assert checked.sort == "personal, project or group access token"
    assert checked.scopes == ("read_api", "read_registry")
    assert checked.expires_at == pd.Timestamp("2027-03-01T00:00:00Z")
    assert rights(checked) == {"list": True, "pull": True, "push": False, "delete": False}


def test_a_token_that_reads_the_registry_alone_cannot_list(
    tmp_path: Path, server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.tokens[PAT].scopes = ("read_registry",)
    server.tokens[PAT].expires_at = None
    checked = check(tmp_path, server, monkeypatch)
    assert rights(checked)["list"] is False
    assert rights(checked)["pull"] is True
    assert checked.expires_at is None
    assert "read_api" in checked.hint


def test_a_deploy_tokens_rights_are_those_of_the_registrys_token(
    tmp_path: Path, server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.tokens[DEPLOY].actions = ("pull", "push")
    checked = check(tmp_path, server, monkeypatch, DEPLOY, "gitlab+deploy-token-7")
    assert checked.sort == "deploy token"
    assert rights(checked) == {"list": False, "pull": True, "push": True, "delete": False}
    assert "api_token" in checked.hint


def test_a_token_for_the_api_alone_says_nothing_of_the_registrys(
    tmp_path: Path, server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", PAT)
    server.tokens[DEPLOY].actions = ("pull", "push")
    checked = check(
        tmp_path,
        server,
        monkeypatch,
        DEPLOY,
        "gitlab+deploy-token-7",
        api_token="env:API_TOKEN",
    )
    assert checked.sort == "deploy token"
    assert rights(checked) == {"list": True, "pull": True, "push": True, "delete": False}
    assert checked.expires_at is None


def test_an_end_that_is_no_day_is_not_told(
    tmp_path: Path, server: GitLabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiled = {"scopes": ["read_api"], "expires_at": "2027-02-31"}
    server.hook = lambda seen: as_json(spoiled) if seen.path.endswith("/self") else None
    assert check(tmp_path, server, monkeypatch).expires_at is None


def test_a_recording_plays_back_the_same(tmp_path: Path, server: GitLabServer) -> None:
    first = look(tmp_path, server, "acme/tools", options={"record": tmp_path / "case"})
    assert PAT not in (tmp_path / "case" / "exchanges.jsonl").read_text()
    again = scan(f"replay:{tmp_path / 'case'}", options=Options(history=str(tmp_path / "again")))
    assert again.scanned[0].problems == []
    assert Scan(history=tmp_path / "again", scanned=again.scanned[0]).tags == first.tags


def test_a_user_name_says_nothing_of_a_token_for_the_api() -> None:
    login = Login(username="gitlab-ci-token", secret="custom", is_api_token=True)
    assert KINDS["gitlab"].shape_of(login) is None


def test_a_path_that_does_not_exist_is_said_in_gitlabs_words(
    tmp_path: Path, server: GitLabServer
) -> None:
    with pytest.raises(NotFoundError) as caught:
        look(tmp_path, server, "no/such/group")
    assert caught.value.code == "VENDOR_PATH_UNKNOWN"
    assert "no/such/group" in caught.value.summary
