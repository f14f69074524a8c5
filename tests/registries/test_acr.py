"""Azure Container Registry by its own API, as whoever may ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from tests.support import push
from tests.support.fake_registry import Answer, FakeRegistry, fake_registry
from tests.support.fake_registry import Seen as Request
from tests.support.retention_plans import Plan, image
from tests.support.vendors.acr import DESCRIPTION, NOBODY, AcrServer, unsigned
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.description import FOLDER
from tests.support.vendors.scanning import SECRET, Seen, plan_tags, scan_vendor, settings_file
from tests.support.vendors.server import as_json, serving

from regtools.access import Options
from regtools.errors import RegtoolsError, UnauthorizedError
from regtools.session import AuthCheck, check_auth, scan

PRINCIPAL = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def server() -> Iterator[AcrServer]:
    plan, untagged = one_of_each()
    with serving(AcrServer(plan, users={PRINCIPAL: SECRET, "ci-token": SECRET})) as running:
        running.rights["ci-token"] = {"acme/app"}
        for name, nodes in untagged.items():
            running.keep_untagged(name, *nodes)
        yield running


def look(folder: Path, server: AcrServer, **fields: str) -> Seen:
    return scan_vendor(folder, server, kind="acr", **{"username": PRINCIPAL, **fields})


def checked(folder: Path, server: AcrServer, secret: str, username: str = NOBODY) -> AuthCheck:
    (folder / "secret").write_text(secret)
    config = settings_file(
        folder,
        server,
        kind="acr",
        url=f"{server.url}/acme/app",
        username=username,
        password="file:secret",
    )
    return check_auth("work", options=Options(config=config))


def test_microsofts_own_samples_have_the_shape_that_the_fake_is_held_to() -> None:
    samples = json.loads((FOLDER / "acr_dataplane_samples.json").read_text())
    DESCRIPTION.check("#/definitions/Repositories", samples["GET /acr/v1/_catalog"])
    DESCRIPTION.check("#/definitions/Repository", samples["GET /acr/v1/nanoserver"])
    one = samples["GET /acr/v1/nanoserver/_manifests/{digest}"]["manifest"]
    DESCRIPTION.check("#/definitions/Manifest", one)
    assert set(samples["GET /acr/v1/{name}/_manifests"]["manifests"][0]) <= set(one)


def test_every_tag_is_found_with_its_time_and_without_a_request_a_tag(
    tmp_path: Path, server: AcrServer
) -> None:
    seen = look(tmp_path, server)
    assert seen.scanned.problems == []
    assert seen.tags == plan_tags(server)
    node = server.plan.tags["acme/app"]["1.0"]
    tags = seen.table("tags").set_index(["repository", "tag"])
    told = pd.Timestamp(pushed_at(node)) + pd.Timedelta(microseconds=998391)
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == told
    assert not any("/tags/" in path for path in server.paths)


def test_a_locked_tag_and_a_locked_manifest_are_told(tmp_path: Path, server: AcrServer) -> None:
    server.locked_tags = {("acme/app", "1.0")}
    server.locked = {"acme/tools/lint"}
    seen = look(tmp_path, server)
    tags = seen.table("tags").set_index(["repository", "tag"])["locked"]
    assert tags[("acme/app", "1.0")]
    assert [key for key, locked in tags.items() if locked and key[0] == "acme/app"] == [
        ("acme/app", "1.0")
    ]
    assert tags["acme/tools/lint"].all()
    untagged = seen.table("untagged").set_index("repository")["locked"]
    assert not untagged["acme/app"].any()


def test_untagged_manifests_are_seen(tmp_path: Path, server: AcrServer) -> None:
    found = set(look(tmp_path, server).table("untagged")["digest"])
    assert {node.digest for node in server.untagged["acme/app"]} <= found
    assert not found & set(plan_tags(server).values())


def test_a_locked_repository_is_immutable(tmp_path: Path, server: AcrServer) -> None:
    server.locked = {"acme/app"}
    repositories = look(tmp_path, server).table("repositories").set_index("repository")
    assert dict(repositories["immutable"]) == {"acme/app": True, "acme/tools/lint": False}


def test_a_later_scan_fetches_no_manifest(tmp_path: Path, server: AcrServer) -> None:
    first = look(tmp_path, server)
    server.seen.clear()
    assert look(tmp_path, server).tags == first.tags
    assert server.pulled == []
    # The way there and the catalog; of each repository a token, its lock, its tags, its manifests.
    assert len(server.seen) <= 10 + 4 * 2


def test_three_thousand_tags_of_one_repository_come_by_the_hundred(tmp_path: Path) -> None:
    plan = Plan()
    pool = [image(n, (push.layer(f"pool-{n % 5}", 200),)) for n in range(250)]
    for number in range(3000):
        plan.tag("acme/busy", f"build-{number}", pool[number % len(pool)])
    with serving(AcrServer(plan, users={PRINCIPAL: SECRET})) as server:
        seen = look(tmp_path, server)
        assert seen.tags == plan_tags(server)
        assert len([path for path in server.api_paths if "_manifests" in path]) == 3
        assert len([path for path in server.api_paths if "_tags" in path]) == 30
        server.seen.clear()
        assert look(tmp_path, server).tags == seen.tags
        assert len(server.seen) < 15 + 30


def test_hundreds_of_repositories_come_by_the_hundred(tmp_path: Path) -> None:
    plan = very_many(repositories=210, tags=3)
    with serving(AcrServer(plan, users={PRINCIPAL: SECRET})) as server:
        assert look(tmp_path, server).tags == plan_tags(server)
        assert len([path for path in server.api_paths if "_catalog" in path]) == 3
        # Of each repository its lock, its tags and its manifests.
        assert len(server.api_paths) == 3 + 3 * 210


def test_a_prefix_is_read_alone(tmp_path: Path, server: AcrServer) -> None:
    seen = look(tmp_path, server, url=f"{server.url}/acme/tools")
    assert set(seen.tags) == {("acme/tools/lint", "7")}
    assert not any("acme/app" in path for path in server.api_paths)


# --- who asks


def test_a_repository_scoped_token_reads_what_is_named_and_says_that_it_may_not_list(
    tmp_path: Path, server: AcrServer
) -> None:
    seen = look(tmp_path, server, url=f"{server.url}/acme/app", username="ci-token")
    assert {tag for _, tag in seen.tags} == set(server.plan.tags["acme/app"])
    assert not seen.table("untagged").empty
    assert len(seen.codes) == 1
    assert not seen.scanned.snapshot.complete


def test_without_a_credential_it_says_what_is_needed(tmp_path: Path, server: AcrServer) -> None:
    with pytest.raises(RegtoolsError) as caught:
        scan_vendor(tmp_path, server, kind="acr")
    assert caught.value.code == "UNAUTHORIZED"
    assert not any(path.startswith("GET /acr/") for path in server.paths)


def test_an_entra_token_is_handed_in_once_and_only_there(tmp_path: Path, server: AcrServer) -> None:
    seen = look(tmp_path, server, username=NOBODY, password=server.entra)
    assert seen.scanned.problems == []
    assert seen.tags == plan_tags(server)
    assert server.exchanges == 1
    shown = [
        f"{s.method} {s.path}"
        for s in server.seen
        if server.entra in s.path + s.credential + s.body.decode()
    ]
    assert shown == ["POST /oauth2/exchange"]
    # Neither as a password, in base64.
    assert not any(s.credential.startswith("Basic ") for s in server.seen)
    assert {s.path for s in server.seen if s.method == "POST"} == {
        "/oauth2/exchange",
        "/oauth2/token",
    }


def test_a_realm_elsewhere_sees_neither_the_entra_token_nor_what_it_is_exchanged_for(
    tmp_path: Path, server: AcrServer
) -> None:
    with fake_registry() as elsewhere:
        elsewhere.hook = lambda _: as_json({"access_token": "t"})
        realm = f"http://localhost:{elsewhere.url.rpartition(':')[2]}/oauth2/token"

        def hook(seen: Request) -> Answer | None:
            if seen.path.startswith("/oauth2/"):
                return None
            challenge = f'Bearer realm="{realm}",service="{server.host}",scope="registry:catalog:*"'
            return as_json({"errors": []}, 401, WWW_Authenticate=challenge)

        server.hook = hook
        with pytest.raises(UnauthorizedError):
            look(tmp_path, server, username=NOBODY, password=server.entra)
        assert not any(_shows(seen, server.entra) for seen in (*elsewhere.seen, *server.seen))


def test_a_registry_that_wants_a_password_does_not_get_an_entra_token(
    tmp_path: Path, server: AcrServer
) -> None:
    server.hook = lambda _: as_json({"errors": []}, 401, WWW_Authenticate='Basic realm="x"')
    with pytest.raises(UnauthorizedError):
        look(tmp_path, server, username=NOBODY, password=server.entra)
    assert not any(seen.credential for seen in server.seen)


def test_an_entra_token_that_is_refused_is_handed_in_once_and_not_shown(
    tmp_path: Path, server: AcrServer
) -> None:
    wrong = unsigned(tid="another", iss="https://sts.windows.net/another/", jti="hidden")
    with pytest.raises(UnauthorizedError) as caught:
        look(tmp_path, server, username=NOBODY, password=wrong)
    assert server.exchanges == 1
    assert "/oauth2/exchange" in caught.value.summary
    assert wrong not in str(caught.value)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"refresh_token": 5}'])
def test_an_exchange_that_gives_nothing_is_said_so(
    tmp_path: Path, server: AcrServer, body: bytes
) -> None:
    def hook(seen: Request) -> Answer | None:
        return Answer(200, body) if seen.path == "/oauth2/exchange" else None

    server.hook = hook
    with pytest.raises(RegtoolsError) as caught:
        look(tmp_path, server, username=NOBODY, password=server.entra)
    assert caught.value.code == "TOKEN_MALFORMED"


def test_what_az_acr_login_exposes_is_a_password(tmp_path: Path, server: AcrServer) -> None:
    seen = look(tmp_path, server, username=NOBODY, password=server.refresh)
    assert seen.tags == plan_tags(server)
    assert server.exchanges == 0


@pytest.mark.parametrize("capitals", [False, True])
def test_an_identity_token_tells_its_rights(
    tmp_path: Path, server: AcrServer, capitals: bool
) -> None:
    server.capitals = capitals
    found = checked(tmp_path, server, server.refresh)
    assert found.sort == "identity token"
    assert {one.action: one.granted for one in found.rights} == {
        "list": True,
        "pull": True,
        "push": False,
        "delete": False,
    }
    assert {s.method for s in server.seen} <= {"GET", "HEAD"}


def test_a_principals_rights_to_a_repository_are_told_by_its_token(
    tmp_path: Path, server: AcrServer
) -> None:
    server.capitals = True
    found = checked(tmp_path, server, SECRET, PRINCIPAL)
    assert found.sort == "service principal"
    rights = {one.action: one.granted for one in found.rights}
    assert rights == {"list": True, "pull": True, "push": False, "delete": False}


def test_a_wrong_password_comes_with_the_usual_mistake(tmp_path: Path, server: AcrServer) -> None:
    found = checked(tmp_path, server, "wrong", PRINCIPAL)
    assert not found.accepted
    assert "az acr login --expose-token" in found.hint


# --- odd answers


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("digest", None, "manifests[0].digest is missing"),
        ("digest", "sha256:short", "manifests[0].digest"),
        ("createdTime", "yesterday", "manifests[0].createdTime"),
        ("tags", "latest", "manifests[0].tags"),
        ("tags", ["../x"], "manifests[0].tags"),
    ],
)
def test_an_odd_field_is_told_and_the_rest_is_read(
    tmp_path: Path, server: AcrServer, field: str, value: object, said: str
) -> None:
    def hook(seen: Request) -> Answer | None:
        if "/acr/v1/acme/app/_manifests" not in seen.path or not seen.credential:
            return None
        nodes = sorted(server.held("acme/app").values(), key=lambda node: node.digest)
        nodes.sort(key=lambda node: node == server.plan.tags["acme/app"]["1.0"])
        listed = [server.manifest("acme/app", node) for node in nodes]
        return as_json({"manifests": [{**listed[0], field: value}, *listed[1:]]})

    server.hook = hook
    seen = look(tmp_path, server)
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    assert said in seen.scanned.problems[0].message
    assert "Azure Container Registry" in seen.scanned.problems[0].message
    assert ("acme/app", "1.0") in seen.tags
    assert ("acme/tools/lint", "7") in seen.tags


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<!doctype html><title>login</title>"),
        Answer(200, b'{"repositories": ["a'),
        Answer(200, b"[]"),
        Answer(200, b'{"repositories": "acme/app"}'),
        as_json({"errors": [{"code": "DENIED"}]}, 403),
        as_json({"errors": [{"code": "TOOMANYREQUESTS"}]}, 429, Retry_After="3600"),
        as_json(
            {"repositories": []}, Link='<http://elsewhere.example/acr/v1/_catalog>; rel="next"'
        ),
        as_json({"repositories": []}, Link='</acr/v1/_catalog?last=a>; rel="next"'),
    ],
)
def test_an_answer_that_is_none_is_told_and_the_catalog_is_read_instead(
    tmp_path: Path, server: AcrServer, answer: Answer
) -> None:
    server.api_down = answer
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.codes == ["VENDOR_LISTING_REFUSED"]
    assert len(server.api_paths) < 5


def test_a_name_that_breaks_the_grammar_is_told(tmp_path: Path, server: AcrServer) -> None:
    def hook(seen: Request) -> Answer | None:
        if seen.path.startswith("/acr/v1/_catalog") and seen.credential:
            return as_json({"repositories": ["acme/app", "../../v2"]})
        return None

    server.hook = hook
    seen = look(tmp_path, server)
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    assert {repository for repository, _ in seen.tags} == {"acme/app"}
    assert not any(".." in path for path in server.paths)


def test_the_password_goes_only_to_the_token_server_and_is_kept_nowhere(
    tmp_path: Path, server: AcrServer
) -> None:
    look(tmp_path, server)
    shown = {s.path.partition("?")[0] for s in server.seen if s.credential.startswith("Basic ")}
    assert shown == {"/oauth2/token"}
    assert all(SECRET not in seen.path for seen in server.seen)
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert SECRET.encode() not in file.read_bytes()
    assert {seen.method for seen in server.seen} <= {"GET", "HEAD"}


def _shows(seen: Request, secret: str) -> bool:
    return secret in seen.path + seen.credential + seen.body.decode()


def test_the_fake_is_not_let_in_without_a_token(server: AcrServer) -> None:
    request = Request(method="GET", path="/acr/v1/_catalog", headers={})
    assert server.answer(request).status == 401
    assert isinstance(server, FakeRegistry)


def test_a_recording_plays_back_the_same_scan_without_a_secret(
    tmp_path: Path, server: AcrServer
) -> None:
    folder = tmp_path / "recording"
    first = scan_vendor(
        tmp_path, server, kind="acr", username=PRINCIPAL, options={"record": folder}
    )
    for file in folder.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()
    server.seen.clear()
    again = scan(f"replay:{folder}", options=Options(history=str(tmp_path / "replayed")))
    assert list(again.failed) == []
    assert again.scanned[0].physical_bytes == first.scanned.physical_bytes
    assert again.scanned[0].tags == len(first.tags)
    assert server.seen == []
