"""zot by its own lists, with its search extension beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.support.fake_registry import Answer
from tests.support.retention_plans import Plan, artifact, referrer_tag, signature
from tests.support.vendors.content import one_of_each, pushed_at, very_many
from tests.support.vendors.scanning import SECRET, Seen, plan_tags, scan_vendor
from tests.support.vendors.server import as_json, serving
from tests.support.vendors.zot import ZotServer, not_there

from regtools.access import Options
from regtools.session import scan

USER = "ci"


@pytest.fixture
def server() -> Iterator[ZotServer]:
    plan, _ = one_of_each()
    with serving(ZotServer(plan, user=USER, password=SECRET)) as running:
        yield running


def look(folder: Path, server: ZotServer, **fields: Any) -> Seen:
    return scan_vendor(folder, server, kind="zot", **{"username": USER, **fields})


def asked(server: ZotServer, part: str) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in server.seen if part in seen.path]


def test_times_sizes_and_pulls_come_from_the_search_extension(
    tmp_path: Path, server: ZotServer
) -> None:
    old = server.plan.tags["acme/app"]["1.0"]
    server.pulled_at[old.digest] = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.scanned.problems == []
    tags = seen.table("tags").set_index(["repository", "tag"])
    assert tags.loc[("acme/app", "1.0"), "pushed_at"] == pd.Timestamp(pushed_at(old))
    assert tags.loc[("acme/app", "1.0"), "pulled_at"] == pd.Timestamp("2026-11-02T03:04:05Z")
    assert pd.isna(tags.loc[("acme/app", "1.1"), "pulled_at"])
    repositories = seen.table("repositories").set_index("repository")
    assert dict(repositories["vendor_bytes"]) == {n: server.stored(n) for n in server.plan.tags}
    assert set(repositories["pulls"]) == {23}


def test_a_signature_by_tag_that_the_extension_leaves_out_is_read(
    tmp_path: Path, server: ZotServer
) -> None:
    image = server.plan.tags["acme/app"]["1.0"]
    server.plan.tag("acme/app", referrer_tag(image, ".sig"), signature(image))
    server.index()
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.scanned.problems == []


def test_referrers_are_asked_for_only_where_there_are_some(
    tmp_path: Path, server: ZotServer
) -> None:
    image = server.plan.tags["acme/tools/lint"]["7"]
    bill = artifact(image)
    server.attach("acme/tools/lint", image, bill)
    seen = look(tmp_path, server)
    assert bill.digest in set(seen.table("untagged")["digest"])
    subjects = {path.rpartition("/")[2] for path in asked(server, "/referrers/")}
    assert subjects == {image.digest, bill.digest}


def test_a_later_scan_asks_for_no_tag_and_no_manifest(tmp_path: Path, server: ZotServer) -> None:
    first = look(tmp_path, server)
    server.seen.clear()
    again = look(tmp_path, server)
    assert again.tags == first.tags
    assert asked(server, "/manifests/") == []
    assert asked(server, "/referrers/") == []


def test_three_hundred_repositories_cost_one_request_each(tmp_path: Path) -> None:
    with serving(ZotServer(very_many(), user=USER, password=SECRET)) as server:
        server.page_size = 100
        seen = look(tmp_path, server)
        assert seen.tags == plan_tags(server)
        assert len(asked(server, "/ext/search")) == 6  # 3,000 tags, five hundred on a page
        server.seen.clear()
        look(tmp_path, server)
        # One of tags for each repository, six of the extension, three of the catalog, and the
        # way to the registry.
        assert len(server.seen) < 300 + 20


def test_one_repository_is_asked_for_alone(tmp_path: Path, server: ZotServer) -> None:
    seen = look(tmp_path, server, url=f"{server.url}/acme/tools/lint")
    assert set(seen.tags) == {("acme/tools/lint", "7")}
    assert len(asked(server, "/ext/search")) == 1
    assert "acme%2Ftools%2Flint" in asked(server, "/ext/search")[0]
    assert asked(server, "/acme/app") == []


def test_a_prefix_of_repositories_is_found_too(tmp_path: Path, server: ZotServer) -> None:
    seen = look(tmp_path, server, url=f"{server.url}/acme/tools")
    assert set(seen.tags) == {("acme/tools/lint", "7")}
    assert seen.table("tags")["pushed_at"].notna().all()


def test_without_the_extension_the_registrys_own_lists_are_whole(
    tmp_path: Path, server: ZotServer
) -> None:
    server.search_down = not_there()
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.scanned.snapshot.complete
    assert seen.table("tags")["pushed_at"].isna().all()


def test_a_repository_that_only_the_catalog_knows_is_read(
    tmp_path: Path, server: ZotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ZotServer._images
    monkeypatch.setattr(
        ZotServer,
        "_images",
        lambda self, text: [i for i in whole(self, text) if i["RepoName"] == "acme/app"],
    )
    assert look(tmp_path, server).tags == plan_tags(server)


def test_an_empty_zot_is_no_problem(tmp_path: Path) -> None:
    with serving(ZotServer(Plan(), user=USER, password=SECRET)) as server:
        seen = look(tmp_path, server)
        assert seen.scanned.snapshot.complete
        assert seen.tags == {}


def odd_answer(data: Any) -> Answer:
    return as_json(data)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(403, b'{"errors":[{"code":"DENIED","message":"no"}]}'), "VENDOR_LISTING_REFUSED"),
        (Answer(429, b"slow down", {"Retry-After": "3600"}), "VENDOR_LISTING_REFUSED"),
        (Answer(200, b"<!doctype html><title>zot</title>"), "VENDOR_LISTING_REFUSED"),
        (Answer(200, b'{"data":{"Imag'), "VENDOR_LISTING_REFUSED"),
        (odd_answer({"data": None, "errors": [{"message": "boom"}]}), "VENDOR_LISTING_REFUSED"),
        (odd_answer({"data": {"ImageList": None}}), "VENDOR_LISTING_REFUSED"),
    ],
)
def test_an_extension_that_answers_otherwise_leaves_the_registry_itself(
    tmp_path: Path, server: ZotServer, answer: Answer, code: str
) -> None:
    server.search_down = answer
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.codes == [code]
    assert SECRET not in seen.scanned.problems[0].message


def test_an_older_zot_that_has_not_the_fields_is_told(tmp_path: Path, server: ZotServer) -> None:
    server.unknown_fields = {"PushTimestamp"}
    seen = look(tmp_path, server)
    assert seen.tags == plan_tags(server)
    assert seen.codes == ["VENDOR_LISTING_REFUSED"]
    assert "PushTimestamp" in seen.scanned.problems[0].message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Digest", "sha256:short"),
        ("PushTimestamp", "yesterday"),
        ("Tag", "../x"),
        ("IsSigned", "perhaps"),
        ("Referrers", 7),
    ],
)
def test_an_odd_field_is_told_and_the_tag_is_read_all_the_same(
    tmp_path: Path,
    server: ZotServer,
    field: str,
    value: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = ZotServer._paged

    def odd(self: ZotServer, name: str, *rest: Any) -> Any:
        page = whole(self, name, *rest)
        if name == "ImageList":
            page["Results"][0][field] = value
        return page

    monkeypatch.setattr(ZotServer, "_paged", odd)
    seen = look(tmp_path, server)
    assert set(seen.codes) == {"VENDOR_ANSWER_ODD"}
    assert f"ImageList.Results[0].{field}" in seen.scanned.problems[0].message
    assert seen.tags == plan_tags(server)


def test_a_count_that_is_never_reached_ends(
    tmp_path: Path, server: ZotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ZotServer._paged

    def endless(self: ZotServer, name: str, *rest: Any) -> Any:
        return {**whole(self, name, *rest), "Page": {"TotalCount": 1_000_000}}

    monkeypatch.setattr(ZotServer, "_paged", endless)
    seen = look(tmp_path, server)
    assert len(asked(server, "/ext/search")) == 2
    assert "VENDOR_LISTING_REFUSED" in seen.codes
    assert seen.tags == plan_tags(server)


def test_a_name_in_a_query_stays_a_text(tmp_path: Path, server: ZotServer) -> None:
    look(tmp_path, server, url=f"{server.url}/acme/app")
    query = asked(server, "/ext/search")[0]
    assert json.dumps("acme/app").replace("/", "%2F").replace('"', "%22") in query


def test_only_reading_methods_are_used_and_no_secret_is_kept(
    tmp_path: Path, server: ZotServer
) -> None:
    look(tmp_path, server)
    assert {request.method for request in server.seen} <= {"GET", "HEAD"}
    assert all(SECRET not in request.path for request in server.seen)
    for file in (tmp_path / "history").rglob("*.parquet"):
        assert SECRET.encode() not in file.read_bytes()


def test_a_recording_plays_back_the_same_scan_without_a_secret(
    tmp_path: Path, server: ZotServer
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
