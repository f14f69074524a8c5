"""GHCR by GitHub's Packages API: every version of every package, and who may see them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.support import push
from tests.support.command import Command
from tests.support.fake_registry import Answer, Seen
from tests.support.retention_plans import Plan, image
from tests.support.vendors.content import one_of_each, pushed_at
from tests.support.vendors.ghcr import GhcrServer
from tests.support.vendors.scanning import SECRET, plan_tags, scan_vendor, settings_file
from tests.support.vendors.scanning import Seen as Scan
from tests.support.vendors.server import serving

import regtools as rt
from regtools.access import Options
from regtools.errors import RegtoolsError
from regtools.registries import registry_kind
from regtools.registries.ghcr import GHCR
from regtools.session import AuthCheck, check_auth, scan

USER = "octocat"


@pytest.fixture
def server() -> Iterator[GhcrServer]:
    plan, untagged = one_of_each()
    plan.tag(f"{USER}/mine", "1", plan.tags["acme/app"]["1.0"])
    with serving(GhcrServer(plan, user=USER, password=SECRET)) as running:
        for name, nodes in untagged.items():
            running.keep_untagged(name, *nodes)
        yield running


def look(folder: Path, server: GhcrServer, path: str = "acme", **fields: object) -> Scan:
    told = {"username": USER, "kind": "ghcr", "api_url": server.api_url, **fields}
    return scan_vendor(folder, server, url=f"{server.url}/{path}".rstrip("/"), **told)  # type: ignore[arg-type]


def tags_of(server: GhcrServer, owner: str) -> dict[tuple[str, str], str]:
    return {k: digest for k, digest in plan_tags(server).items() if k[0].startswith(f"{owner}/")}


def asked(server: GhcrServer) -> list[str]:
    return [urlsplit(seen.path).path.removeprefix("/api/v3") for seen in server.api_seen]


def test_an_organizations_packages_are_found_whole(tmp_path: Path, server: GhcrServer) -> None:
    server.private.add("acme/app")
    seen = look(tmp_path, server)
    assert seen.tags == tags_of(server, "acme")
    assert seen.scanned.problems == []
    assert seen.scanned.snapshot.complete
    repositories = seen.table("repositories").set_index("repository")
    assert dict(repositories["visibility"]) == {"acme/app": "private", "acme/tools/lint": "public"}
    assert repositories.loc["acme/app", "web_url"].endswith(
        "/orgs/acme/packages/container/package/app"
    )
    usage = rt.usage(seen.history, by="tag").set_index(["repository", "tag"])
    for (repository, tag), digest in seen.tags.items():
        page = f"/orgs/acme/packages/container/x/{int(digest[7:14], 16)}"
        assert usage.loc[(repository, tag), "web_url"].endswith(page)


def test_a_history_from_before_tags_had_pages_is_read(tmp_path: Path, server: GhcrServer) -> None:
    look(tmp_path, server)
    seen = look(tmp_path, server)
    first = next(iter(sorted(seen.history.glob("2*/tags.parquet"))))
    earlier = pq.read_table(first).drop_columns(["web_url"])
    first.unlink()
    pq.write_table(earlier, first, write_page_checksum=True)
    history = rt.History(seen.history)
    assert history.check() == []
    growth = rt.growth(history)
    assert list(growth.series["tags"][-2:]) == [len(seen.tags)] * 2
    early = history.snapshots()[0].taken_at
    pages = rt.usage(history, by="tag", at=early)["web_url"]
    assert pages.str.contains("/packages/container/package/").all()


def test_a_users_packages_are_asked_for_as_a_users(tmp_path: Path, server: GhcrServer) -> None:
    seen = look(tmp_path, server, USER)
    assert seen.tags == tags_of(server, USER)
    assert asked(server)[:2] == [f"/orgs/{USER}/packages", f"/users/{USER}/packages"]


def test_without_an_owner_ones_own_are_meant(tmp_path: Path, server: GhcrServer) -> None:
    seen = look(tmp_path, server, "")
    assert seen.tags == tags_of(server, USER)  # whose name the API writes with a capital letter
    assert asked(server)[0] == "/user/packages"


def test_a_slash_in_a_packages_name_is_escaped(tmp_path: Path, server: GhcrServer) -> None:
    seen = look(tmp_path, server, "acme/tools/lint")
    assert set(seen.tags) == {("acme/tools/lint", "7")}
    assert asked(server) == [
        "/orgs/acme/packages/container/tools%2Flint",
        "/orgs/acme/packages/container/tools%2Flint/versions",
    ]


def test_a_name_that_is_no_package_is_a_prefix(tmp_path: Path, server: GhcrServer) -> None:
    seen = look(tmp_path, server, "acme/tools")
    assert set(seen.tags) == {("acme/tools/lint", "7")}
    assert seen.scanned.snapshot.complete


def test_times_are_the_versions(tmp_path: Path, server: GhcrServer) -> None:
    seen = look(tmp_path, server)
    old = server.plan.tags["acme/app"]["1.0"]
    tags = seen.table("tags").set_index(["repository", "tag"])
    # When its tags changed last, GitHub tells; for what has no tag, when it came.
    changed = pushed_at(old).replace(microsecond=0) + timedelta(days=1)
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == pd.Timestamp(changed)
    untagged = seen.table("untagged").set_index("digest")
    loose = server.untagged["acme/app"][1]
    assert untagged.loc[loose.digest, "pushed_at"] == pd.Timestamp(
        pushed_at(loose).replace(microsecond=0)
    )


def test_parts_of_an_image_are_no_waste(
    regtools: Command, tmp_path: Path, server: GhcrServer
) -> None:
    """A platform's version has no tag of its own, and goes with its index only."""
    seen = look(tmp_path, server)
    both = server.plan.tags["acme/app"]["multi"]
    _, loose = server.untagged["acme/app"]
    listed = set(seen.table("untagged")["digest"])
    assert {child.digest for child in both.children} - listed == {
        node.digest for node in both.children if server.tags_on("acme/app", node.digest)
    }
    ran = regtools("retention", "--untagged", "--history", str(seen.history), "--json")
    assert ran.code == 0
    assert [row["digest"] for row in ran.document["rows"]] == [loose.digest]
    assert [row["digest"] for row in ran.document["manifests"]] == [loose.digest]


def test_a_later_scan_fetches_no_manifest(tmp_path: Path, server: GhcrServer) -> None:
    first = look(tmp_path, server)
    assert len(server.pulled) == len(set(first.table("manifests")["digest"]))
    server.seen.clear()
    again = look(tmp_path, server)
    assert again.tags == first.tags
    assert server.pulled == []
    assert not any("/tags/list" in path or "/referrers/" in path for path in server.paths)


def test_thousands_of_versions_come_page_by_page(tmp_path: Path) -> None:
    plan = Plan()
    pool = [image(n, (push.layer(f"p{n % 5}", 90),)) for n in range(250)]
    for package in range(8):
        for number, node in enumerate(pool):
            plan.tag(f"acme/service-{package}", f"v{number}", node)
            plan.tag(f"acme/service-{package}", f"build-{number}", node)
    with serving(GhcrServer(plan, user=USER, password=SECRET)) as server:
        seen = look(tmp_path, server)
        assert seen.tags == plan_tags(server)  # 4,000
        assert len(asked(server)) == 1 + 8 * 3
        assert len(server.pulled) == 250  # each once, whichever packages hold it
        server.seen.clear()
        look(tmp_path, server)
        assert server.pulled == []
        assert len(server.seen) == 1 + 8 * 3 + 3  # and the way to the registry


def test_without_a_token_a_named_public_package_is_read(tmp_path: Path, server: GhcrServer) -> None:
    seen = look(tmp_path, server, "acme/app", username="")
    assert {tag for _, tag in seen.tags} == set(server.plan.tags["acme/app"])
    assert "VENDOR_CREDENTIAL_MISSING" in seen.codes
    assert not seen.scanned.snapshot.complete
    assert server.api_seen == []


def test_without_a_token_a_private_package_is_not(tmp_path: Path, server: GhcrServer) -> None:
    server.private.add("acme/app")
    with pytest.raises(RegtoolsError):
        look(tmp_path, server, "acme/app", username="", options={"max_requests": 40})


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(401, b'{"message": "Bad credentials"}'), "UNAUTHORIZED"),
        (Answer(403, b'{"message": "You need at least read:packages scope"}'), "DENIED"),
        (Answer(404, b'{"message": "Not Found"}'), "NOT_FOUND"),
        (Answer(200, b"<!doctype html><title>unicorn</title>"), "ANSWER_HTML"),
        (Answer(200, b'[{"id": 1,'), "ANSWER_NOT_JSON"),
        (Answer(200, b'{"message": "what?"}'), "VENDOR_ANSWER_ODD"),
    ],
)
def test_what_the_api_does_not_give_is_told(
    tmp_path: Path, server: GhcrServer, answer: Answer, code: str
) -> None:
    server.hook = lambda seen: answer if seen.path.partition("?")[0].endswith("/versions") else None
    seen = look(tmp_path, server)
    assert set(seen.codes) == {code}
    assert not seen.scanned.snapshot.complete
    server.hook = lambda seen: answer if seen.path.startswith("/api/") else None
    named = look(tmp_path, server, "acme/app")
    assert "VENDOR_LISTING_REFUSED" in named.codes
    assert {tag for _, tag in named.tags} == set(server.plan.tags["acme/app"])
    assert SECRET not in str(named.scanned.problems)


class TestLimits:
    """GitHub's two kinds of limits."""

    @pytest.mark.parametrize(
        "refusal",
        [
            Answer(403, b'{"message": "slow down"}', {"Retry-After": "0"}),
            Answer(429, b'{"message": "slow down"}', {"Retry-After": "0"}),
            Answer(
                403,
                b'{"message": "API rate limit exceeded for user ID 1."}',
                {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()))},
            ),
        ],
        ids=["secondary 403", "secondary 429", "primary, just over"],
    )
    def test_a_short_wait_is_waited(
        self, tmp_path: Path, server: GhcrServer, refusal: Answer
    ) -> None:
        refusals = iter([refusal, refusal])
        server.hook = lambda seen: next(refusals, None) if seen.path.startswith("/api/") else None
        seen = look(tmp_path, server)
        assert seen.tags == tags_of(server, "acme")
        assert seen.scanned.snapshot.complete

    def test_a_quota_of_an_hour_is_not(self, tmp_path: Path, server: GhcrServer) -> None:
        told = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3_000)}
        refusal = Answer(403, b'{"message": "API rate limit exceeded"}', told)
        server.hook = lambda seen: refusal if "/app/versions" in seen.path else None
        seen = look(tmp_path, server)
        assert seen.codes == ["QUOTA_USED_UP"]
        assert ("acme/tools/lint", "7") in seen.tags
        assert len([path for path in server.paths if "/app/versions" in path]) == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", None, "versions[0].name is missing"),
        ("name", "latest", "versions[0].name"),
        ("updated_at", "yesterday", "versions[0].updated_at"),
        ("metadata", "container", "versions[0].metadata"),
        ("metadata", {"container": {"tags": "latest"}}, "versions[0].metadata.container.tags"),
        ("metadata", {"container": {"tags": ["../x"]}}, "versions[0].metadata.container.tags"),
    ],
)
def test_an_odd_field_is_told_and_the_rest_is_read(
    tmp_path: Path, server: GhcrServer, field: str, value: object, said: str
) -> None:
    server.change_answers("/versions", lambda listed: listed[0].update({field: value}))
    seen = look(tmp_path, server)
    assert set(seen.codes) == {"VENDOR_ANSWER_ODD"}
    assert all("GitHub" in problem.message for problem in seen.scanned.problems)
    assert any(said in problem.message for problem in seen.scanned.problems)
    assert ("acme/app", "multi") in seen.tags


@pytest.mark.parametrize("value", [None, {}, {"package_type": "container"}])
def test_a_version_without_tags_is_nothing_odd(
    tmp_path: Path, server: GhcrServer, value: object
) -> None:
    server.change_answers("/versions", lambda listed: listed[-1].update(metadata=value))
    assert look(tmp_path, server).codes == []


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ('<http://127.0.0.2:9/orgs/acme/packages?page=2>; rel="next"', "PAGE_FOREIGN_HOST"),
        ('</api/v3/orgs/acme/packages/container/app/versions?page=1>; rel="next"', "PAGE_REPEATED"),
    ],
)
def test_pages_that_lead_away_or_in_circles_end(
    tmp_path: Path, server: GhcrServer, link: str, code: str
) -> None:
    def hook(seen: Seen) -> Answer | None:
        if "/app/versions" not in seen.path:
            return None
        answer = server._content(seen)
        answer.headers["Link"] = link
        return answer

    server.hook = hook
    seen = look(tmp_path, server, "acme/app")
    assert seen.codes == [code]
    assert not seen.scanned.snapshot.complete


def test_the_token_goes_to_the_token_server_and_the_api_and_is_kept_nowhere(
    tmp_path: Path, server: GhcrServer
) -> None:
    look(tmp_path, server)
    basic = [s.path for s in server.seen if s.credential.startswith("Basic ")]
    assert {path.partition("?")[0] for path in basic} == {"/token"}
    shown = [s.path for s in server.seen if SECRET in s.credential]
    assert shown
    assert all(path.startswith("/api/v3/") for path in shown)
    assert all(SECRET not in seen.path for seen in server.seen)
    assert {seen.method for seen in server.seen} <= {"GET", "HEAD"}
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert SECRET.encode() not in file.read_bytes()


def test_where_the_api_is() -> None:
    assert GHCR.vendor is not None
    assert GHCR.vendor.address("ghcr.io") == "https://api.github.com"
    assert GHCR.vendor.address("containers.octo.ghe.com") == "https://api.octo.ghe.com"
    assert GHCR.vendor.address("containers.github.example.com") is None  # api_url says so


def test_a_recording_plays_back_without_a_secret(tmp_path: Path, server: GhcrServer) -> None:
    first = look(tmp_path, server, options={"record": tmp_path / "case"})
    written = b"".join(file.read_bytes() for file in (tmp_path / "case").iterdir())
    assert SECRET.encode() not in written
    result = scan(
        f"replay:{tmp_path / 'case'}", options=Options(history=str(tmp_path / "replayed"))
    )
    assert result.failed == []
    again = Scan(history=tmp_path / "replayed", scanned=result.scanned[0])
    assert again.tags == first.tags
    assert again.codes == []


def _checked(folder: Path, server: GhcrServer, monkeypatch: pytest.MonkeyPatch) -> AuthCheck:
    file = settings_file(
        folder,
        server,
        url=f"{server.url}/acme/app",
        kind="ghcr",
        api_url=server.api_url,
        username=USER,
        password="env:TEST_PASSWORD",
    )
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    return check_auth("work", options=Options(config=file))


@pytest.mark.parametrize(
    ("scopes", "granted"),
    [
        ("read:packages", {"list": True, "pull": True, "push": False, "delete": False}),
        ("repo, write:packages", {"list": True, "pull": True, "push": True, "delete": False}),
        (
            "read:packages, delete:packages",
            {"list": True, "pull": True, "push": False, "delete": True},
        ),
        ("", dict.fromkeys(("list", "pull", "push", "delete"), False)),
    ],
)
def test_rights_are_those_of_the_header(
    tmp_path: Path,
    server: GhcrServer,
    scopes: str,
    granted: dict[str, bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.scopes = scopes
    found = _checked(tmp_path, server, monkeypatch)
    assert {one.action: one.granted for one in found.rights} == granted
    assert bool(found.hint) is not granted["list"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-24 10:00:00 UTC", datetime(2026, 12, 24, 10, tzinfo=UTC)),
        ("2026-12-24 10:00:00 +0100", datetime(2026, 12, 24, 9, tzinfo=UTC)),
        ("2026-13-24 10:00:00 UTC", None),
        ("never", None),
        ("", None),
    ],
)
def test_the_end_of_a_token_is_told_by_a_header(
    tmp_path: Path,
    server: GhcrServer,
    text: str,
    moment: datetime | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.expires = text
    assert _checked(tmp_path, server, monkeypatch).expires_at == moment


@pytest.mark.parametrize(
    ("secret", "title", "works"),
    [
        ("ghp_abc", "classic personal access token", True),
        ("github_pat_abc", "fine-grained personal access token", False),
        ("ghs_abc", "token of GitHub Actions or of an app", False),
        ("gho_abc", "token of the gh command", True),
    ],
)
def test_tokens_are_told_by_how_they_begin(secret: str, title: str, works: bool) -> None:
    shape = registry_kind("ghcr").credential_shape("octocat", secret)
    assert shape is not None
    assert shape.title == title
    assert (shape.mistake == "") is works
