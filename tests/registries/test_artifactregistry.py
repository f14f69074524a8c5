"""Artifact Registry by its REST API, by the registry's own lists, and as whom."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from tests.support.fake_registry import Answer, Seen
from tests.support.retention_plans import Plan
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.google import TOKEN, GoogleServer, TokenMaker, token_maker, write_key
from tests.support.vendors.scanning import Seen as Scan
from tests.support.vendors.scanning import plan_tags, scan_vendor, settings_file
from tests.support.vendors.server import as_json, serving

from regtools.access import Options
from regtools.errors import ConfigError, UnauthorizedError, UnreachableError
from regtools.policies.artifactregistry import is_artifactregistry, parse_artifactregistry
from regtools.registries.artifactregistry import google_name
from regtools.session import check_auth, scan

KEEP_TEN = {
    "keep": {"id": "keep", "action": "KEEP", "mostRecentVersions": {"keepCount": 10}},
    "old": {
        "id": "old",
        "action": "DELETE",
        "condition": {"tagState": "UNTAGGED", "olderThan": "2592000s"},
    },
}


@pytest.fixture
def server() -> Iterator[GoogleServer]:
    plan, untagged = one_of_each("acme/apps")
    plan.tag("acme/base/alpine", "3", plan.tags["acme/apps/app"]["1.0"])
    with serving(GoogleServer(plan)) as running:
        for name, nodes in untagged.items():
            running.keep_untagged(name, *nodes)
        yield running


@pytest.fixture
def google() -> Iterator[TokenMaker]:
    with token_maker() as maker:
        yield maker


def look(folder: Path, server: GoogleServer, path: str = "acme", **fields: str) -> Scan:
    fields = {"username": "oauth2accesstoken", "password": TOKEN, **fields}
    return scan_vendor(
        folder,
        server,
        kind="artifactregistry",
        url=f"{server.url}/{path}",
        api_url=f"{server.url}/v1",
        **fields,
    )


def as_reference(
    folder: Path, server: GoogleServer, *, path: str = "acme", **fields: str
) -> Options:
    """Write a settings file whose password is a reference as it stands."""
    config = settings_file(
        folder,
        server,
        kind="artifactregistry",
        **{"url": f"{server.url}/{path}", "api_url": f"{server.url}/v1", **fields},
    )
    return Options(config=config)


def scanned(folder: Path, options: Options) -> Scan:
    result = scan("work", options=options)
    if result.failed:
        raise result.failed[0][1]
    return Scan(history=folder / "history", scanned=result.scanned[0])


@pytest.mark.parametrize(
    ("registry", "path", "resource", "prefix"),
    [
        (
            "us-west1-docker.pkg.dev",
            "acme/apps/team/api",
            "/projects/acme/locations/us-west1/repositories/apps",
            "acme/apps",
        ),
        (
            "us-docker.pkg.dev",
            "example.com/app/apps",
            "/projects/example.com:app/locations/us/repositories/apps",
            "example.com/app/apps",
        ),
        ("gcr.io", "acme/api", "/projects/acme/locations/us/repositories/gcr.io", "acme"),
        ("us.gcr.io", "acme", "/projects/acme/locations/us/repositories/us.gcr.io", "acme"),
        ("eu.gcr.io", "acme", "/projects/acme/locations/europe/repositories/eu.gcr.io", "acme"),
        ("asia.gcr.io", "acme", "/projects/acme/locations/asia/repositories/asia.gcr.io", "acme"),
        (
            "gcr.io",
            "example.com/app/api/server",
            "/projects/example.com:app/locations/us/repositories/gcr.io",
            "example.com/app",
        ),
    ],
)
def test_a_name_says_project_location_and_repository(
    registry: str, path: str, resource: str, prefix: str
) -> None:
    found = google_name(registry, path)
    assert (found.resource, found.prefix) == (resource, prefix)


@pytest.mark.parametrize("path", ["", "example.com"])
def test_a_name_without_a_whole_project_has_none(path: str) -> None:
    assert google_name("gcr.io", path).project == ""


def test_every_image_is_found_with_its_times_and_without_a_request_a_tag(
    tmp_path: Path, server: GoogleServer
) -> None:
    seen = look(tmp_path, server)
    assert seen.scanned.problems == []
    assert seen.tags == plan_tags(server)
    node = server.plan.tags["acme/apps/app"]["1.0"]
    tags = seen.table("tags").set_index(["repository", "tag"])
    assert tags.loc[("acme/apps/app", "1.0"), "pushed_at"] == pd.Timestamp(pushed_at(node))
    assert not any("/tags/list" in path for path in server.paths)
    # Locations, repositories, images of two repositories.
    assert len(server.api_paths) == 4


def test_untagged_images_are_seen(tmp_path: Path, server: GoogleServer) -> None:
    seen = look(tmp_path, server)
    found = set(seen.table("untagged")["digest"])
    assert {node.digest for node in server.untagged["acme/apps/app"]} <= found
    assert not found & set(seen.tags.values())


def test_size_immutability_and_cleanup_policies_are_kept(
    tmp_path: Path, server: GoogleServer
) -> None:
    server.settings = {
        "dockerConfig": {"immutableTags": True},
        "cleanupPolicies": KEEP_TEN,
        "cleanupPolicyDryRun": True,
    }
    seen = look(tmp_path, server)
    repositories = seen.table("repositories").set_index("repository")
    assert bool(repositories.loc["acme/apps/app", "immutable"])
    assert seen.table("tags")["locked"].all()
    policy = json.loads(repositories.loc["acme/apps/app", "cleanup_policy"])
    assert is_artifactregistry(policy)
    read = parse_artifactregistry(policy)
    assert [rule.keep_count for rule in read.rules if rule.keep_count] == [10]
    assert read.is_dry_run
    reported = seen.table("reported").set_index("name")
    blobs = {
        blob.digest: len(blob.data)
        for name in ("acme/apps/app", "acme/apps/tools/lint")
        for node in server.held(name).values()
        for blob in (*node.blobs, node.content)
    }
    assert reported.loc["acme/apps", "bytes"] == sum(blobs.values())
    assert set(reported["scope"]) == {"namespace"}


def test_one_repository_and_one_image_are_read_by_name(
    tmp_path: Path, server: GoogleServer
) -> None:
    (tmp_path / "a").mkdir()
    seen = look(tmp_path / "a", server, path="acme/base")
    assert set(seen.tags) == {("acme/base/alpine", "3")}
    assert not any("/apps" in path for path in server.api_paths)
    (tmp_path / "b").mkdir()
    seen = look(tmp_path / "b", server, path="acme/apps/tools/lint")
    assert set(seen.tags) == {("acme/apps/tools/lint", "7")}


def test_other_formats_and_virtual_repositories_are_left_out(
    tmp_path: Path, server: GoogleServer
) -> None:
    base = f"projects/acme/locations/{server.location}/repositories"
    server.others = [
        {"name": f"{base}/npm", "format": "NPM", "mode": "STANDARD_REPOSITORY"},
        {"name": f"{base}/all", "format": "DOCKER", "mode": "VIRTUAL_REPOSITORY"},
    ]
    assert look(tmp_path, server).scanned.problems == []
    assert not any("/npm/" in path or "/all/" in path for path in server.api_paths)


def test_a_later_scan_fetches_no_manifest(tmp_path: Path, server: GoogleServer) -> None:
    first = look(tmp_path, server)
    server.seen.clear()
    assert look(tmp_path, server).tags == first.tags
    assert server.pulled == []


def test_thousands_of_tags_of_hundreds_of_images_come_by_the_thousand(tmp_path: Path) -> None:
    plan = very_many("acme/apps", repositories=250, tags=12)
    with serving(GoogleServer(plan)) as server:
        seen = look(tmp_path, server, path="acme/apps")
        assert seen.tags == plan_tags(server)
        assert seen.scanned.snapshot.complete
        pages = [path for path in server.api_paths if "/dockerImages" in path]
        assert len(pages) == 3  # 3,000 images, a thousand on a page
        server.seen.clear()
        look(tmp_path, server, path="acme/apps")
        assert len(server.seen) < 12


def test_a_domains_project_is_found(tmp_path: Path) -> None:
    plan = Plan()
    inner, _ = one_of_each("example.com/app/apps")
    plan.tags = inner.tags
    server = GoogleServer(plan)
    server.prefix_parts = 3
    with serving(server):
        seen = look(tmp_path, server, path="example.com/app")
        assert seen.tags == plan_tags(server)
        assert any("/projects/example.com:app/" in path for path in server.api_paths)


# --- without the API's rights


@pytest.fixture
def refused(server: GoogleServer) -> GoogleServer:
    body = {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}}
    server.api_down = as_json(body, 403)
    return server


def test_where_the_api_refuses_the_registry_tells_the_same_in_one_request_an_image(
    tmp_path: Path, refused: GoogleServer
) -> None:
    seen = look(tmp_path, refused)
    assert seen.tags == plan_tags(refused)
    assert seen.codes == ["VENDOR_LISTING_REFUSED"]
    node = refused.plan.tags["acme/apps/app"]["1.1"]
    tags = seen.table("tags").set_index(["repository", "tag"])
    assert tags.loc[("acme/apps/app", "1.1"), "pushed_at"] == pd.Timestamp(pushed_at(node))
    assert not seen.table("untagged").empty
    lists = [path for path in refused.paths if "/tags/list" in path and "acme/apps/app" in path]
    assert len(lists) == 1


def test_without_a_credential_what_is_public_is_still_read(
    tmp_path: Path, server: GoogleServer
) -> None:
    server.public = {"acme/base", "acme/base/alpine"}
    seen = scanned(tmp_path, as_reference(tmp_path, server, path="acme/base"))
    assert set(seen.tags) == {("acme/base/alpine", "3")}
    assert seen.codes == ["VENDOR_CREDENTIAL_MISSING"]
    assert server.api_paths == []


def test_without_a_project_it_says_that_one_is_needed(tmp_path: Path, server: GoogleServer) -> None:
    with pytest.raises(ConfigError) as caught:
        scan_vendor(
            tmp_path,
            server,
            kind="artifactregistry",
            api_url=f"{server.url}/v1",
            username="oauth2accesstoken",
            password=TOKEN,
        )
    assert caught.value.code == "PROJECT_MISSING"
    assert "/PROJECT" in caught.value.remedy


@pytest.mark.parametrize(
    "children", [["."], [".."], ["../../other"], [""], ["UPPER"], [7], "app", ["a" * 300]]
)
def test_a_hostile_child_is_told_and_not_followed(
    tmp_path: Path, refused: GoogleServer, children: object
) -> None:
    def hook(seen: Seen) -> Answer | None:
        if seen.path.startswith("/v2/acme/tags/list") and seen.credential:
            return as_json({"child": children, "manifest": {}, "name": "acme", "tags": []})
        return None

    refused.hook = hook
    seen = look(tmp_path, refused)
    assert "VENDOR_ANSWER_ODD" in seen.codes
    assert not any("other" in path or "UPPER" in path for path in refused.paths)


def test_names_without_end_do_not_lead_on_without_end(
    tmp_path: Path, refused: GoogleServer
) -> None:
    """A name can be 255 characters long: a registry that always has one below it ends there."""

    def hook(seen: Seen) -> Answer | None:
        if "/tags/list" in seen.path and seen.credential:
            return as_json({"child": ["deeper"], "manifest": {}, "tags": []})
        return None

    refused.hook = hook
    seen = look(tmp_path, refused)
    assert "VENDOR_ANSWER_ODD" in seen.codes
    assert len(refused.seen) < 150


# --- odd answers


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", None, "dockerImages[0].name is missing"),
        ("name", "projects/p/dockerImages/app", "dockerImages[0].name"),
        ("name", "projects/p/dockerImages/..%2Fx@sha256:12", "dockerImages[0].name"),
        ("tags", "latest", "dockerImages[0].tags"),
        ("tags", ["../x"], "dockerImages[0].tags"),
        ("uploadTime", "yesterday", "dockerImages[0].uploadTime"),
    ],
)
def test_an_odd_field_is_told_and_the_rest_is_read(
    tmp_path: Path, server: GoogleServer, field: str, value: object, said: str
) -> None:
    def hook(seen: Seen) -> Answer | None:
        if "/apps/dockerImages" not in seen.path:
            return None
        images = server.images("acme/apps/app") + server.images("acme/apps/tools/lint")
        return as_json({"dockerImages": [{**images[0], field: value}, *images[1:]]})

    server.hook = hook
    seen = look(tmp_path, server, path="acme/apps")
    assert seen.codes == ["VENDOR_ANSWER_ODD"]
    assert said in seen.scanned.problems[0].message
    assert "Artifact Registry" in seen.scanned.problems[0].message
    assert ("acme/apps/tools/lint", "7") in seen.tags


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<!doctype html><title>login</title>"),
        Answer(200, b'{"repositories": [{'),
        Answer(200, b"[]"),
        Answer(200, b'{"locations": {}}'),
        as_json({"nextPageToken": 5}),
        as_json({"locations": [{"locationId": "here"}], "nextPageToken": "again"}),
        as_json({"error": {"code": 429}}, 429, Retry_After="3600"),
    ],
)
def test_an_answer_that_is_none_is_told_and_the_registry_is_read_instead(
    tmp_path: Path, server: GoogleServer, answer: Answer
) -> None:
    server.api_down = answer
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.codes == ["VENDOR_LISTING_REFUSED"]
    assert len(server.api_paths) < 5
    assert not seen.scanned.snapshot.complete


# --- who asks


def test_a_key_opens_the_registry_as_it_is_and_the_api_by_a_token(
    tmp_path: Path, server: GoogleServer, google: TokenMaker
) -> None:
    key = google.key_file()
    write_key(tmp_path / "key.json", key)
    server.keys = {json.dumps(key)}
    server.tokens_known = {"ya29.number-0"}
    options = as_reference(tmp_path, server, username="_json_key", password="file:key.json")
    seen = scanned(tmp_path, options)
    assert seen.scanned.problems == []
    assert seen.tags == plan_tags(server)
    (assertion,) = google.assertions
    assert assertion["scope"] == "https://www.googleapis.com/auth/cloud-platform.read-only"
    assert assertion["aud"] == "https://oauth2.googleapis.com/token"
    # The key itself went to the registry's token server, and only there.
    shown = [s.path for s in server.seen if s.credential.startswith("Basic ")]
    assert shown
    assert all(path.startswith("/v2/token?") for path in shown)
    assert b"PRIVATE" not in b"".join(s.body for s in google.server.seen)


def test_a_key_may_be_in_base64(tmp_path: Path, server: GoogleServer, google: TokenMaker) -> None:
    text = base64.b64encode(json.dumps(google.key_file()).encode()).decode()
    (tmp_path / "key").write_text(text)
    server.keys, server.tokens_known = {text}, {"ya29.number-0"}
    options = as_reference(tmp_path, server, username="_json_key_base64", password="file:key")
    assert scanned(tmp_path, options).tags == plan_tags(server)


def test_the_reference_google_means_application_default_credentials(
    tmp_path: Path, server: GoogleServer, google: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_key(tmp_path / "adc.json", google.key_file())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    server.tokens_known = {"ya29.number-0"}
    seen = scanned(tmp_path, as_reference(tmp_path, server, password="google"))
    assert seen.scanned.problems == []
    assert seen.tags == plan_tags(server)
    assert len(google.given) == 1  # one token for the registry and the API


def test_somebody_who_logged_in_with_gcloud_is_known(
    tmp_path: Path, server: GoogleServer, google: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {
        "type": "authorized_user",
        "client_id": "1",
        "client_secret": "2",
        "refresh_token": "refresh-of-the-test",
        "token_uri": f"{google.server.url}/token",
    }
    (tmp_path / "gcloud").mkdir()
    (tmp_path / "gcloud/application_default_credentials.json").write_text(json.dumps(login))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    server.tokens_known = {"ya29.number-0"}
    monkeypatch.setattr(
        "google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", login["token_uri"]
    )
    seen = scanned(tmp_path, as_reference(tmp_path, server, password="google"))
    assert seen.tags == plan_tags(server)


def test_a_token_that_ends_during_the_scan_is_followed_by_a_new_one(
    tmp_path: Path, server: GoogleServer, google: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_key(tmp_path / "adc.json", google.key_file())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setattr("regtools.client.api.SIGNED_IN_SECONDS", 0.0)
    monkeypatch.setattr("regtools.client.auth.RENEWAL_SECONDS", 0.0)
    google.expires_in = 1  # Google's library calls it ended at once

    def only_the_newest(seen: Seen) -> Answer | None:
        server.tokens_known = set(google.given[-1:])
        return None

    server.hook = only_the_newest
    seen = scanned(tmp_path, as_reference(tmp_path, server, password="google"))
    assert seen.scanned.problems == []
    assert len(google.given) > 1


def test_google_that_refuses_a_key_is_quoted_without_the_key(
    tmp_path: Path, server: GoogleServer, google: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_key(tmp_path / "adc.json", google.key_file())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    answer = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    google.refuses = as_json(answer, 400)
    with pytest.raises(UnauthorizedError) as caught:
        scanned(tmp_path, as_reference(tmp_path, server, password="google"))
    assert "invalid_grant" in caught.value.summary
    assert "PRIVATE" not in str(caught.value)
    assert not any(seen.credential for seen in server.seen)


def test_a_token_server_that_is_not_there_is_said_so(
    tmp_path: Path, server: GoogleServer, google: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_key(tmp_path / "adc.json", google.key_file(token_uri="http://127.0.0.1:9/token"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
        scanned(tmp_path, as_reference(tmp_path, server, password="google"))


def test_a_redirect_of_the_token_server_is_not_followed(
    tmp_path: Path, server: GoogleServer, google: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_key(tmp_path / "adc.json", google.key_file())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    google.refuses = Answer(307, b"", {"Location": f"{server.url}/stolen"})
    with pytest.raises(UnauthorizedError):
        scanned(tmp_path, as_reference(tmp_path, server, password="google"))
    assert not any("stolen" in path for path in server.paths)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda key: {**key, "token_uri": "https://tokens.evil.example/token"}, "token_uri"),
        (lambda key: {**key, "token_uri": "http://oauth2.googleapis.com/token"}, "token_uri"),
        (lambda key: {**key, "token_uri": "https://googleapis.com.evil.example/"}, "token_uri"),
        (lambda key: {**key, "token_uri": 7}, "token_uri"),
        (lambda key: {**key, "type": "authorized_user"}, "service account"),
        (lambda key: [key], "service account"),
    ],
)
def test_a_key_that_is_not_googles_is_refused_before_anything_is_sent(
    tmp_path: Path,
    server: GoogleServer,
    google: TokenMaker,
    change: Callable[[dict[str, str]], object],
    said: str,
) -> None:
    (tmp_path / "key.json").write_text(json.dumps(change(google.key_file())))
    options = as_reference(tmp_path, server, username="_json_key", password="file:key.json")
    with pytest.raises(ConfigError, match=said) as caught:
        scanned(tmp_path, options)
    assert caught.value.code == "GOOGLE_KEY_INVALID"
    assert server.seen == []
    assert google.server.seen == []


def test_a_key_that_cannot_sign_is_said_so(
    tmp_path: Path, server: GoogleServer, google: TokenMaker
) -> None:
    write_key(tmp_path / "key.json", google.key_file(private_key="-----BEGIN nothing"))
    server.keys = {(tmp_path / "key.json").read_text()}
    options = as_reference(tmp_path, server, username="_json_key", password="file:key.json")
    with pytest.raises(ConfigError) as caught:
        scanned(tmp_path, options)
    assert caught.value.code == "GOOGLE_KEY_INVALID"


def test_no_credentials_of_googles_is_said_with_the_remedy(
    tmp_path: Path, server: GoogleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="not there") as caught:
        scanned(tmp_path, as_reference(tmp_path, server, password="google"))
    assert caught.value.code == "CREDENTIAL_MISSING"
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", True)
    with pytest.raises(ConfigError, match="application-default") as caught:
        scanned(tmp_path, as_reference(tmp_path, server, password="google"))
    assert caught.value.code == "CREDENTIAL_MISSING"


def test_googles_token_is_shown_to_no_other_registry(tmp_path: Path, server: GoogleServer) -> None:
    config = settings_file(tmp_path, server, kind="harbor", password="google")
    with pytest.raises(ConfigError, match="shown to nobody else"):
        scan("work", options=Options(config=config))
    assert server.seen == []


def test_rights_are_asked_for_and_never_tried(tmp_path: Path, server: GoogleServer) -> None:
    server.permissions = {
        "artifactregistry.dockerimages.list",
        "artifactregistry.repositories.downloadArtifacts",
    }
    (tmp_path / "token").write_text(TOKEN)
    options = as_reference(
        tmp_path, server, path="acme/apps", username="oauth2accesstoken", password="file:token"
    )
    checked = check_auth("work", options=options)
    assert checked.sort == "access token"
    assert checked.lives == "an hour"
    assert {one.action: one.granted for one in checked.rights} == {
        "list": True,
        "pull": True,
        "push": False,
        "delete": False,
    }
    assert {seen.method for seen in server.seen if "/v2/" in seen.path} <= {"GET", "HEAD"}


def test_a_credential_goes_only_where_it_belongs_and_is_kept_nowhere(
    tmp_path: Path, server: GoogleServer
) -> None:
    look(tmp_path, server)
    assert all(TOKEN not in seen.path for seen in server.seen)
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert TOKEN.encode() not in file.read_bytes()
    assert {seen.method for seen in server.seen} <= {"GET", "HEAD"}


def test_a_replay_of_a_recording_needs_neither_network_nor_credentials(
    tmp_path: Path, server: GoogleServer, google: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_key(tmp_path / "adc.json", google.key_file())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    server.tokens_known = {"ya29.number-0"}
    options = as_reference(tmp_path, server, password="google")
    kept = tmp_path / "recording"
    first = scan("work", options=Options(config=options.config, record=kept))
    assert first.complete
    assert b"ya29" not in (kept / "exchanges.jsonl").read_bytes()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    server.seen.clear()
    again = scan(f"replay:{kept}", options=Options(history=str(tmp_path / "again")))
    assert again.complete
    assert again.scanned[0].tags == first.scanned[0].tags
    assert server.seen == []
