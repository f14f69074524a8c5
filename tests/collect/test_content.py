"""Asking for what a repository must hold: registries that answer well, oddly, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anyio
import pytest
import stamina
from tests.support.fake_registry import (
    CONFIG,
    LAYER,
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
from regtools.collect.content import Checked, check_content
from regtools.collect.scan import Progress
from regtools.credentials import ANONYMOUS
from regtools.errors import UnreachableError
from regtools.manifest import Descriptor
from regtools.reference import Digest, parse_target


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as running, stamina.set_testing(True, attempts=1):
        yield running


def blob(data: bytes, size: int | None = None) -> Descriptor:
    return Descriptor(
        media_type="", digest=Digest(digest_of(data)), size=len(data) if size is None else size
    )


IMAGE = Descriptor(media_type=MANIFEST_TYPE, digest=Digest(digest_of(MANIFEST)), size=None)
GOOD = [IMAGE, blob(CONFIG), blob(LAYER)]


def check(
    fake: FakeRegistry,
    *wanted: Descriptor,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Checked:
    async def main() -> Checked:
        async with open_client(ConnectionOptions(timeout_seconds=5)) as client:
            registry = Distribution(parse_target(fake.url), ANONYMOUS, client)
            return await check_content(registry, {"team/app": wanted}, on_progress=on_progress)

    return anyio.run(main)


def faults(checked: Checked) -> list[tuple[str, str, str]]:
    return [(row.repository, row.reference, row.code) for row in checked.problems]


def test_what_is_there_costs_one_head_each(fake: FakeRegistry) -> None:
    checked = check(fake, *GOOD)
    assert checked.problems == []
    assert [seen.method for seen in fake.seen] == ["HEAD"] * 3
    assert checked.check.code == "BLOBS_CHECKED"
    assert "2 blobs and 1 manifests" in checked.check.summary


def test_a_missing_blob_and_one_of_another_size_are_told(fake: FakeRegistry) -> None:
    lost = blob(b"lost")
    checked = check(fake, blob(LAYER, 7), lost, blob(CONFIG))
    assert sorted(faults(checked)) == sorted(
        [
            ("team/app", digest_of(LAYER), "BLOB_SIZE_WRONG"),
            ("team/app", lost.digest, "BLOB_MISSING"),
        ]
    )


def test_without_a_size_to_compare_being_there_is_enough(fake: FakeRegistry) -> None:
    unsized = Descriptor(media_type="", digest=Digest(digest_of(LAYER)), size=None)
    assert check(fake, unsized).problems == []


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_registry_that_does_not_know_head_is_asked_for_one_byte(
    fake: FakeRegistry, status: int
) -> None:
    def answer(seen: Seen) -> Answer | None:
        if seen.method == "HEAD":
            return Answer(status)
        if "/blobs/" in seen.path:
            assert seen.headers["range"] == "bytes=0-0"
            return Answer(206, b"l", {"Content-Range": f"bytes 0-0/{len(LAYER)}"})
        return None

    fake.hook = answer
    assert check(fake, IMAGE, blob(LAYER)).problems == []
    assert [s.method for s in fake.seen if "/blobs/" in s.path] == ["HEAD", "GET"]


def test_a_missing_manifest_is_not_found(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: error(404, "MANIFEST_UNKNOWN") if "/manifests/" in seen.path else None
    assert faults(check(fake, *GOOD)) == [("team/app", IMAGE.digest, "NOT_FOUND")]


def test_what_is_refused_is_not_missing(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: error(403, "DENIED") if "/blobs/" in seen.path else None
    assert faults(check(fake, blob(LAYER))) == [("team/app", digest_of(LAYER), "DENIED")]


def test_a_registry_that_is_gone_ends_it(fake: FakeRegistry) -> None:
    fake.hook = lambda seen: Answer(0)
    with pytest.raises(UnreachableError):
        check(fake, *(blob(b"%d" % number) for number in range(200)))
    assert len(fake.seen) < 200


def test_progress_counts_blobs(fake: FakeRegistry) -> None:
    steps: list[Progress] = []
    check(fake, *GOOD, on_progress=steps.append)
    assert [(step.finished, step.listed, step.unit) for step in steps] == [
        (done, 3, "blobs") for done in (1, 2, 3)
    ]
