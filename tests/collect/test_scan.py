"""What a scan makes of registries that misbehave; the good ones are in `tests/test_session.py`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
import stamina
from tests.support.fake_registry import (
    MANIFEST,
    MANIFEST_TYPE,
    Answer,
    FakeRegistry,
    Seen,
    digest_of,
    error,
    fake_registry,
)

from regtools.client import ConnectionOptions, Distribution, open_client
from regtools.collect.each import MAX_FAILURES_IN_A_ROW
from regtools.collect.scan import Outcome, Progress, scan
from regtools.credentials import ANONYMOUS
from regtools.errors import DeniedError, NotFoundError, RegtoolsError, UnreachableError
from regtools.manifest import OCI_INDEX
from regtools.reference import parse_target
from regtools.registries import registry_kind
from regtools.schema import Inventory


@dataclass(frozen=True, kw_only=True)
class Result:
    parts: list[Inventory]
    outcome: Outcome
    progress: list[Progress]

    @property
    def all(self) -> Inventory:
        """Everything the scan gave, in one."""
        whole = Inventory()
        for part in [*self.parts, self.outcome.rest]:
            for table in Inventory.__dataclass_fields__:
                getattr(whole, table).extend(getattr(part, table))
        return whole

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return [(p.repository, p.reference, p.code) for p in self.outcome.rest.problems]


@pytest.fixture
def fake() -> Any:
    with fake_registry() as running, stamina.set_testing(True, attempts=1):
        yield running


def run(
    fake: FakeRegistry,
    *,
    path: str = "",
    known: Collection[str] = (),
    children: Mapping[str, Sequence[str]] = {},
    subjects: Mapping[str, str] = {},
    finished: Collection[str] = (),
    on_part: Callable[[Inventory], None] | None = None,
) -> Result:
    parts: list[Inventory] = []
    progress: list[Progress] = []

    async def main() -> Outcome:
        async with open_client(ConnectionOptions(timeout_seconds=5)) as client:
            return await scan(
                Distribution(parse_target(fake.url), ANONYMOUS, client),
                registry_kind("distribution"),
                path=path,
                known=known,
                known_children=lambda: children,
                known_subjects=lambda: subjects,
                finished=finished,
                on_part=on_part or parts.append,
                on_progress=progress.append,
            )

    return Result(parts=parts, outcome=anyio.run(main), progress=progress)


def index_of(*digests: str) -> bytes:
    entries = [{"mediaType": MANIFEST_TYPE, "digest": digest, "size": 1} for digest in digests]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def serving(documents: dict[str, bytes], kind: str = OCI_INDEX) -> Callable[[Seen], Answer | None]:
    """Answer manifests by tag or digest from a table."""
    by_digest = {digest_of(body): body for body in documents.values()}

    def hook(seen: Seen) -> Answer | None:
        reference = seen.path.rpartition("/manifests/")[2]
        body = documents.get(reference) or by_digest.get(reference)
        return Answer(body=body, headers={"Content-Type": kind}) if body else None

    return hook


def test_a_manifest_that_two_repositories_share_is_in_one_part(fake: FakeRegistry) -> None:
    fake.repositories = {"a": ["1", "2"], "b": ["1"]}
    result = run(fake)
    assert len(result.all.tags) == 3
    assert {row.digest for row in result.all.manifests} == {digest_of(MANIFEST)}
    assert sum("/blobs/" in path for path in fake.paths) == 1
    assert result.outcome.complete


def test_known_manifests_are_asked_for_by_head_only(fake: FakeRegistry) -> None:
    result = run(fake, known={digest_of(MANIFEST)})
    assert sorted(fake.paths) == [
        "GET /v2/_catalog?n=1000",
        f"GET /v2/team/app/referrers/{digest_of(MANIFEST)}",
        "GET /v2/team/app/tags/list?n=1000",
        "HEAD /v2/team/app/manifests/1.0",
        "HEAD /v2/team/app/manifests/latest",
    ]
    assert result.all.manifests == []
    assert {row.digest for row in result.all.tags} == {digest_of(MANIFEST)}


def test_a_registry_without_head_is_read_by_get(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: Answer(405) if seen.method == "HEAD" else None
    result = run(fake, known={"sha256:" + "0" * 64})
    assert result.outcome.complete
    assert len(result.all.tags) == 2


def test_finished_repositories_are_left_out(fake: FakeRegistry) -> None:
    fake.repositories = {"a": ["1"], "b": ["1"]}
    result = run(fake, finished={"a"})
    assert [row.repository for row in result.all.repositories] == ["b"]
    assert "GET /v2/a/tags/list" not in fake.paths
    assert result.progress[-1].finished == 2


def test_a_repository_that_is_refused_is_a_problem_and_the_others_go_on(
    fake: FakeRegistry,
) -> None:
    fake.repositories = {"a": ["1"], "closed": ["1"], "z": ["1"]}
    fake.hook = lambda seen: error(403, "DENIED") if "/closed/" in seen.path else None
    result = run(fake)
    assert result.problems == [("closed", "", "DENIED")]
    assert {row.repository for row in result.all.tags} == {"a", "z"}
    assert {row.repository: row.problem for row in result.all.repositories} == {
        "a": None,
        "closed": "DENIED",
        "z": None,
    }


def test_a_tag_that_cannot_be_read_is_a_problem_and_its_sisters_are_kept(
    fake: FakeRegistry,
) -> None:
    fake.hook = lambda seen: error(404, "X") if seen.path.endswith("/1.0") else None
    result = run(fake)
    assert result.problems == [("team/app", "1.0", "NOT_FOUND")]
    assert [row.tag for row in result.all.tags] == ["latest"]
    assert len(result.all.manifests) == 1


def test_a_config_that_cannot_be_read_leaves_the_manifest(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: error(404, "BLOB_UNKNOWN") if "/blobs/" in seen.path else None
    result = run(fake)
    assert result.problems == [("team/app", digest_of(MANIFEST), "CONFIG_MISSING")]
    (manifest,) = result.all.manifests
    assert manifest.created_at is None
    assert len(result.all.layers) == 1


def test_a_missing_child_leaves_the_index(fake: FakeRegistry) -> None:
    missing = "sha256:" + "0" * 64
    index = index_of(digest_of(MANIFEST), missing)
    fake.hook = serving({"1.0": index})
    result = run(fake)
    assert result.problems == [("team/app", missing, "NOT_FOUND")]
    assert {row.digest for row in result.all.manifests} == {digest_of(index), digest_of(MANIFEST)}
    assert len(result.all.children) == 2


def test_a_config_that_one_repository_lacks_is_asked_for_in_the_next(fake: FakeRegistry) -> None:
    fake.repositories = {"a": ["1", "2"], "b": ["1"]}
    asked = threading.Event()

    def answer(seen: Seen) -> Answer | None:
        if "/b/tags/" in seen.path:
            asked.wait(5)
        if "/a/blobs/" not in seen.path:
            return None
        asked.set()
        return error(404, "BLOB_UNKNOWN")

    fake.hook = answer
    result = run(fake)
    assert result.problems == [("a", digest_of(MANIFEST), "CONFIG_MISSING")]
    (part,) = result.parts
    assert [row.repository for row in part.tags] == ["b"]
    assert part.manifests[0].created_at is not None


def test_a_child_that_one_repository_lacks_is_no_problem_of_another(fake: FakeRegistry) -> None:
    missing = digest_of(MANIFEST)
    top = index_of(missing)
    fake.repositories = {"a": ["1"], "b": ["1"]}
    serve = serving({"1": top})
    fake.hook = lambda seen: (
        error(404, "X") if f"/a/manifests/{missing}" in seen.path else serve(seen)
    )
    assert set(run(fake).problems) <= {("a", missing, "NOT_FOUND")}


def test_indexes_in_indexes_are_followed_ten_deep_and_no_deeper(fake: FakeRegistry) -> None:
    def nested(depth: int) -> dict[str, bytes]:
        documents = {"deepest": index_of(digest_of(MANIFEST))}
        for level in range(depth - 1):
            documents[f"level{level}"] = index_of(digest_of(list(documents.values())[-1]))
        documents["1.0"] = documents.popitem()[1]
        return documents

    fake.repositories = {"team/app": ["1.0"]}
    fake.hook = serving(nested(9))
    assert run(fake).outcome.complete
    fake.hook = serving(nested(14))
    result = run(fake)
    assert [code for _, _, code in result.problems] == ["INDEX_TOO_DEEP"]


def test_a_closed_catalog_is_an_error_where_nothing_else_is_named(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: error(403, "DENIED") if "_catalog" in seen.path else None
    with pytest.raises(DeniedError):
        run(fake)


def test_behind_a_closed_catalog_a_named_repository_is_read(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: error(403, "DENIED") if "_catalog" in seen.path else None
    result = run(fake, path="team/app")
    assert len(result.all.tags) == 2
    # There may be more below the name, so the snapshot does not call itself whole.
    assert result.problems == [("", "", "CATALOG_UNREADABLE")]


def test_behind_a_closed_catalog_a_name_that_is_none_is_an_error(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: error(403, "DENIED") if "_catalog" in seen.path else None
    with pytest.raises(NotFoundError):
        run(fake, path="team/none")


def test_a_catalog_that_breaks_off_leaves_what_was_listed(fake: FakeRegistry) -> None:
    fake.repositories = {name: ["1"] for name in "abc"}
    fake.page_size = 1
    fake.hook = lambda seen: Answer(500) if "start=2" in seen.path else None
    result = run(fake)
    assert {row.repository for row in result.all.tags} == {"a", "b"}
    assert result.problems == [("", "", "CATALOG_UNREADABLE")]


def test_a_listed_repository_without_tags_is_empty_even_if_it_says_unknown(
    fake: FakeRegistry,
) -> None:
    fake.repositories = {"emptied": []}
    fake.hook = lambda seen: (
        error(404, "NAME_UNKNOWN") if seen.path.endswith("/tags/list") else None
    )
    result = run(fake)
    assert result.outcome.complete
    assert [row.repository for row in result.all.repositories] == ["emptied"]


def test_a_listed_name_that_is_none_is_a_problem_and_never_asked_for(fake: FakeRegistry) -> None:
    fake.repositories = {"../admin": ["1"], "team/app": ["1", "..%2f", "ok"]}
    result = run(fake)
    assert sorted(result.problems) == [
        ("", "../admin", "NAME_REFUSED"),
        ("team/app", "..%2f", "NAME_REFUSED"),
    ]
    assert {row.tag for row in result.all.tags} == {"1", "ok"}
    assert not any("admin" in path or "%2f" in path for path in fake.paths)


def test_only_what_the_path_names_is_read(fake: FakeRegistry) -> None:
    fake.repositories = {"team": ["1"], "team/app": ["1"], "teams/app": ["1"], "x": ["1"]}
    result = run(fake, path="team")
    assert {row.repository for row in result.all.repositories} == {"team", "team/app"}


def test_a_registry_that_is_gone_ends_the_scan_and_keeps_what_was_finished(
    fake: FakeRegistry,
) -> None:
    fake.repositories = {"a": ["1"], **{f"z{n}": ["1"] for n in range(40)}}
    fake.hook = lambda seen: Answer(0) if "/z" in seen.path else None
    kept: list[Inventory] = []
    with pytest.raises(UnreachableError):
        run(fake, on_part=kept.append)
    assert [row.repository for part in kept for row in part.repositories] in ([], ["a"])
    assert sum("/z" in path for path in fake.paths) < 40


def test_a_few_cut_connections_are_problems_of_their_own(fake: FakeRegistry) -> None:
    fake.repositories = {f"r{n}": ["1"] for n in range(20)}
    bad = {f"/v2/r{n}/tags/list" for n in range(MAX_FAILURES_IN_A_ROW - 1)}
    fake.hook = lambda seen: Answer(0) if seen.path.partition("?")[0] in bad else None
    result = run(fake)
    assert {code for _, _, code in result.problems} == {"CONNECTION_CUT"}
    assert len(result.all.tags) == 20 - len(bad)


def test_an_error_while_keeping_a_part_ends_the_scan(fake: FakeRegistry) -> None:
    def full(part: Inventory) -> None:
        raise RegtoolsError("The disk is full.", code="FULL")

    with pytest.raises(RegtoolsError, match="disk is full"):
        run(fake, on_part=full)


def test_progress_counts_up_to_the_end(fake: FakeRegistry) -> None:
    fake.repositories = {f"r{n}": ["1", "2"] for n in range(10)}
    last = run(fake).progress[-1]
    assert (last.listed, last.finished, last.tags, last.listing) == (10, 10, 20, False)
    assert last.requests == len(fake.seen)


class TestSubjects:
    """What a signature is about is asked for, where no tag leads there."""

    subject = digest_of(MANIFEST)
    tag = subject.replace(":", "-") + ".sig"
    signature = index_of()

    def hook(self, subject: Answer | None = None) -> Callable[[Seen], Answer | None]:
        serve = serving({self.tag: self.signature, self.tag[:-4] + ".att": self.signature})
        return lambda seen: subject if seen.path.endswith(self.subject) else serve(seen)

    def asked(self, fake: FakeRegistry) -> list[str]:
        return [
            seen.method for seen in fake.seen if seen.path.endswith(f"manifests/{self.subject}")
        ]

    def test_found_it_is_held_without_a_tag(self, fake: FakeRegistry) -> None:
        fake.repositories = {"a": [self.tag, self.tag[:-4] + ".att"]}
        fake.hook = self.hook()
        result = run(fake)
        assert result.outcome.complete
        assert [row.digest for row in result.all.untagged] == [self.subject]
        assert self.subject in {row.digest for row in result.all.manifests}
        assert self.asked(fake) == ["GET"]

    def test_a_known_one_costs_one_head(self, fake: FakeRegistry) -> None:
        fake.repositories = {"a": [self.tag]}
        fake.hook = self.hook()
        result = run(fake, known={self.subject, digest_of(self.signature)})
        assert [row.digest for row in result.all.untagged] == [self.subject]
        assert self.asked(fake) == ["HEAD"]

    def test_gone_it_is_no_problem_of_the_scan(self, fake: FakeRegistry) -> None:
        fake.repositories = {"a": [self.tag]}
        fake.hook = self.hook(error(404, "MANIFEST_UNKNOWN"))
        result = run(fake)
        assert (result.problems, result.all.untagged) == ([], [])
        assert self.asked(fake) == ["GET"]

    def test_refused_it_is_a_problem_and_not_gone(self, fake: FakeRegistry) -> None:
        fake.repositories = {"a": [self.tag]}
        fake.hook = self.hook(error(403, "DENIED"))
        assert run(fake).problems == [("a", self.subject, "DENIED")]

    def test_one_that_a_tag_leads_to_costs_nothing(self, fake: FakeRegistry) -> None:
        top = index_of(self.subject)
        fake.repositories = {"a": ["1", self.tag]}
        fake.hook = serving({"1": top, self.tag: self.signature})
        known = {digest_of(top), self.subject, digest_of(self.signature)}
        run(fake, known=known, children={digest_of(top): [self.subject]})
        assert self.asked(fake) == []

    def test_what_a_known_referrer_says_itself_is_asked_for_too(self, fake: FakeRegistry) -> None:
        fake.repositories = {"a": ["sbom"]}
        fake.hook = serving({"sbom": self.signature})
        sbom = digest_of(self.signature)
        result = run(fake, known={sbom, self.subject}, subjects={sbom: self.subject})
        assert [row.digest for row in result.all.untagged] == [self.subject]


class TestReferrers:
    """A registry with the referrers API tells what it holds without a tag."""

    signature = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": "application/vnd.example.signature",
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": digest_of(b"{}"),
                "size": 2,
            },
            "layers": [],
            "subject": {"mediaType": MANIFEST_TYPE, "digest": digest_of(MANIFEST), "size": 1},
        }
    ).encode()

    def hook(self, tops: dict[str, bytes]) -> Callable[[Seen], Answer | None]:
        """Serve images under these tags, and one signature of the innermost image."""
        documents = {**tops, "signature": self.signature}

        def answer(seen: Seen) -> Answer | None:
            subject = seen.path.rpartition("/referrers/")[2]
            if subject != seen.path:
                listed = [digest_of(self.signature)] if subject == digest_of(MANIFEST) else []
                return Answer(body=index_of(*listed), headers={"Content-Type": OCI_INDEX})
            body = next(
                (b for b in documents.values() if seen.path.endswith(digest_of(b))), None
            ) or documents.get(seen.path.rpartition("/")[2])
            if body is None or "/manifests/" not in seen.path:
                return None
            kind = OCI_INDEX if b"manifests" in body else MANIFEST_TYPE
            return Answer(body=body, headers={"Content-Type": kind})

        return answer

    def test_what_refers_to_an_image_inside_an_index_is_read(self, fake: FakeRegistry) -> None:
        top = index_of(digest_of(MANIFEST))
        fake.repositories = {"a": ["1"]}
        fake.hook = self.hook({"1": top})
        result = run(fake)
        assert result.outcome.complete
        (untagged,) = result.all.untagged
        assert (untagged.repository, untagged.digest) == ("a", digest_of(self.signature))
        assert {row.digest: row.subject for row in result.all.manifests} == {
            digest_of(top): None,
            digest_of(MANIFEST): None,
            digest_of(self.signature): digest_of(MANIFEST),
        }
        asked = [path for path in fake.paths if "/referrers/" in path]
        # The first request, which finds out whether there is such an API, is made again.
        assert len(asked) == 3 + 1

    def test_images_inside_a_known_index_are_asked_for_too(self, fake: FakeRegistry) -> None:
        top = index_of(digest_of(MANIFEST))
        fake.repositories = {"a": ["1"]}
        fake.hook = self.hook({"1": top})
        known = {digest_of(top), digest_of(MANIFEST)}
        result = run(fake, known=known, children={digest_of(top): [digest_of(MANIFEST)]})
        assert [row.digest for row in result.all.untagged] == [digest_of(self.signature)]
        assert [row.digest for row in result.all.manifests] == [digest_of(self.signature)]

    def test_a_registry_without_the_api_is_asked_once(self, fake: FakeRegistry) -> None:
        fake.repositories = {name: ["1", "2"] for name in "abcdef"}
        assert run(fake).outcome.complete
        assert sum("/referrers/" in path for path in fake.paths) == 1

    def test_referrers_that_cannot_be_read_are_a_problem(self, fake: FakeRegistry) -> None:
        fake.repositories = {"a": ["1"]}
        fake.hook = lambda seen: Answer(500) if "/referrers/" in seen.path else None
        result = run(fake)
        assert result.problems == [("a", "", "SERVER_ERROR")]
        assert [row.tag for row in result.all.tags] == ["1"]
