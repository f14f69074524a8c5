"""A registry's storage folder, whole and in every state of disrepair."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support import push
from tests.support.docker_registry import DockerRegistry, docker_registry, run_garbage_collection
from tests.support.push import Blob, Pusher
from tests.support.retention_plans import Plan as Images
from tests.support.retention_plans import image, index, push_plan
from tests.support.storage_plans import files

from regtools.analyses.reconcile import Reconciliation, reconcile
from regtools.errors import StorageError
from regtools.storage import read_storage

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The storage of a registry with ``app:1``, an index of two platforms, and ``app:2``."""
    images = Images()
    base = push.layer("base", 3_000)
    amd, arm = (
        image(platform, [base, push.layer(platform, 500)], platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    )
    images.tag("app", "1", index(amd, arm))
    images.tag("app", "2", image("two", [base, push.layer("two", 700)]))
    with docker_registry(tmp_path_factory.mktemp("filled"), access_log=False) as registry:
        push_plan(registry, images)
    return registry.storage


@pytest.fixture
def storage(filled: Path, tmp_path: Path) -> Path:
    """A copy of it, to be hurt."""
    return shutil.copytree(filled, tmp_path / "storage")


@pytest.fixture
def content(storage: Path) -> Path:
    return storage / "docker/registry/v2"


@pytest.fixture
def registry(storage: Path, start_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    """A registry that serves it."""
    return start_registry(storage=storage, access_log=False)


def found_in(storage: Path) -> Reconciliation:
    """Reconcile, and hold the sum of all categories against what a plain walk adds up."""
    found = reconcile(storage, now=NOW)
    assert found.bytes == sum(files(storage).values())
    return found


def bytes_of(found: Reconciliation, category: str) -> int:
    frame = found.categories
    return int(frame.loc[frame["category"] == category, "bytes"].iloc[0])


def problems(found: Reconciliation, effect: str = "damage") -> set[tuple[str, str]]:
    frame = found.problems[found.problems["effect"] == effect]
    return set(zip(frame["code"], frame["repository"], strict=True))


def blob_file(content: Path, digest: str) -> Path:
    algorithm, _, encoded = digest.partition(":")
    return content / "blobs" / algorithm / encoded[:2] / encoded / "data"


def digests(found: Reconciliation, role: str) -> list[str]:
    return sorted(found.blobs.loc[found.blobs["role"] == role, "digest"])


@pytest.mark.parametrize("inside", ["", "docker", "docker/registry", "docker/registry/v2"])
def test_the_folder_may_be_any_on_the_way(storage: Path, inside: str) -> None:
    found = found_in(storage / inside)
    assert bytes_of(found, "reachable") == sum(found.blobs["bytes"])
    assert not found.is_damaged
    assert found.complete
    assert found.kind == "distribution"


def test_a_folder_reached_by_a_link_is_read(storage: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(storage)
    assert reconcile(tmp_path / "link").bytes == found_in(storage).bytes


def test_an_upload_that_was_never_finished_is_named_with_its_age(registry: DockerRegistry) -> None:
    with Pusher(registry.url) as pusher:
        pusher.unfinished_upload("app", b"x" * 5_000)
        pusher.unfinished_upload("new/app", b"y" * 100)
    found = reconcile(registry.storage, now=datetime.now(UTC) + timedelta(days=9))
    assert found.bytes == sum(files(registry.storage).values())
    inside = {path: size for path, size in files(registry.storage).items() if "/_uploads/" in path}
    assert bytes_of(found, "uploads") == sum(inside.values()) > 5_100
    assert sorted(found.uploads["repository"]) == ["app", "new/app"]
    assert found.uploads["age_days"].between(8.9, 9.1).all()


def test_an_untagged_manifest_says_which_tag_it_had(registry: DockerRegistry) -> None:
    again = image("again", [push.layer("again", 900)])
    with Pusher(registry.url) as pusher:
        for blob in again.blobs:
            pusher.blob("app", blob.data)
        pusher.manifest("app", "2", again.content)
    found = found_in(registry.storage)
    (row,) = found.untagged.to_dict("records")
    assert (row["repository"], list(row["tags"])) == ("app", ["2"])
    assert bytes_of(found, "untagged_manifests") == row["bytes"] > 700


def test_an_orphan_is_a_blob_without_a_manifest(registry: DockerRegistry) -> None:
    with Pusher(registry.url) as pusher:
        pusher.blob("app", b"o" * 321)
    assert bytes_of(found_in(registry.storage), "orphan_blobs") == 321


def test_a_referrer_without_a_tag_is_reached_by_its_subject(registry: DockerRegistry) -> None:
    subject = image("two", [push.layer("base", 3_000), push.layer("two", 700)])
    bill = Blob(data=b"bill of materials", media_type="application/spdx+json")
    empty = Blob(data=b"{}", media_type=push.OCI_EMPTY)
    referrer = push.manifest(empty, [bill.descriptor()], subject=subject.content.descriptor())
    with Pusher(registry.url) as pusher:
        for blob in (bill, empty):
            pusher.blob("app", blob.data)
        pusher.manifest("app", referrer.digest, referrer)
    found = found_in(registry.storage)
    assert bytes_of(found, "untagged_manifests") == bytes_of(found, "orphan_blobs") == 0
    assert found.untagged.empty


def test_what_a_mount_shares_lies_there_once(registry: DockerRegistry) -> None:
    before = found_in(registry.storage)
    shared = push.layer("base", 3_000)
    with Pusher(registry.url) as pusher:
        pusher.mount("other/app", shared.digest, "app")
    found = found_in(registry.storage)
    assert found.blobs.equals(before.blobs)
    assert bytes_of(found, "metadata") == bytes_of(before, "metadata") + len(shared.digest)


def test_a_file_that_nobody_put_there_is_named_and_unexplained(
    storage: Path, content: Path
) -> None:
    (content / "blobs/sha256/notes.txt").write_text("remember")
    (storage / "backup").mkdir()
    (storage / "backup/old.tar").write_bytes(b"z" * 1000)
    (storage / "lost+found").mkdir()
    found = found_in(storage)
    assert found.unexplained_bytes == 1008
    assert set(found.problems["path"]) == {"backup", "docker/registry/v2/blobs/sha256/notes.txt"}
    assert problems(found) == {("FILE_FOREIGN", "")}
    assert found.is_damaged


def test_a_blob_that_is_gone_is_named_with_what_needs_it(storage: Path, content: Path) -> None:
    lost = push.layer("two", 700).digest
    blob_file(content, lost).unlink()
    found = found_in(storage)
    assert problems(found) == {("BLOB_MISSING", "app")}
    assert list(found.problems["reference"]) == [lost]


def test_a_blob_of_another_size_is_seen_without_reading_it(storage: Path, content: Path) -> None:
    blob_file(content, push.layer("two", 700).digest).write_bytes(b"short")
    found = found_in(storage)
    assert problems(found) == {("BLOB_SIZE_WRONG", "app")}


def test_a_blob_with_one_wrong_bit_is_found_by_verifying(storage: Path, content: Path) -> None:
    hurt = push.layer("two", 700).digest
    file = blob_file(content, hurt)
    body = bytearray(file.read_bytes())
    body[10] ^= 1
    file.write_bytes(body)
    assert not reconcile(storage).is_damaged
    seen: list[tuple[int, int]] = []
    found = reconcile(storage, verify=True, on_progress=lambda *step: seen.append(step))
    assert problems(found) == {("DIGEST_MISMATCH", "")}
    assert list(found.problems["reference"]) == [hurt]
    assert seen[-1] == (found.blobs["bytes"].sum(),) * 2


def test_a_manifest_with_a_wrong_bit_needs_no_verifying(storage: Path, content: Path) -> None:
    found = found_in(storage)
    two = image("two", [push.layer("base", 3_000), push.layer("two", 700)]).digest
    file = blob_file(content, two)
    file.write_bytes(file.read_bytes().replace(b'"size":', b'"SIZE":', 1))
    found = reconcile(storage, verify=True)
    assert {code for code, _ in problems(found)} == {"DIGEST_MISMATCH", "MANIFEST_MALFORMED"}
    assert (found.problems["code"] == "DIGEST_MISMATCH").sum() == 1


@pytest.mark.parametrize("body", [b"", b"sha256:12", b"\xff" * 71, b"x" * 5000])
def test_a_broken_link_is_a_problem_and_stops_a_collection_as_it_does(
    registry: DockerRegistry, content: Path, body: bytes
) -> None:
    (link,) = (content / "repositories/app/_manifests/tags/2/current").glob("link")
    link.write_bytes(body)
    found = found_in(registry.storage)
    assert problems(found) == {("LINK_BROKEN", "app")}
    for delete_untagged in (False, True):
        done = run_garbage_collection(registry, delete_untagged=delete_untagged)
        frame = found.garbage_collection
        said = frame[
            frame["version"].str.contains("2.8") & (frame["delete_untagged"] == delete_untagged)
        ]
        assert bool(said["stopped_by"].iloc[0]) == (done.returncode != 0), done.stderr
        assert said["bytes_freed"].iloc[0] == 0


def test_a_link_that_leads_elsewhere_is_told(storage: Path, content: Path) -> None:
    first, second, *_ = sorted((content / "repositories/app/_layers/sha256").glob("*/link"))
    first.write_text(second.read_text())
    assert ("LINK_WRONG", "app") in problems(found_in(storage))


def test_a_tag_without_a_link_is_told(storage: Path, content: Path) -> None:
    (content / "repositories/app/_manifests/tags/2/current/link").unlink()
    assert ("TAG_EMPTY", "app") in problems(found_in(storage))


def test_a_link_of_layers_that_is_missing_keeps_the_blob_from_being_pulled(
    storage: Path, content: Path
) -> None:
    encoded = push.layer("two", 700).digest.removeprefix("sha256:")
    (content / f"repositories/app/_layers/sha256/{encoded}/link").unlink()
    assert problems(found_in(storage)) == {("LAYER_LINK_MISSING", "app")}


@pytest.mark.parametrize("target", [".", "..", "/etc", "nowhere"])
def test_no_link_is_followed(storage: Path, content: Path, target: str) -> None:
    (content / "repositories/loop").symlink_to(target)
    (content / "blobs/sha256/aa-link").symlink_to(target)
    found = found_in(storage)
    assert problems(found, "unread") == {("SYMLINK_SKIPPED", "")}
    assert found.unexplained_bytes == 2 * len(target)
    assert not found.complete


def test_a_pipe_does_not_hold_anybody_up(storage: Path, content: Path) -> None:
    os.mkfifo(content / "repositories/app/_manifests/revisions/pipe")
    assert problems(found_in(storage)) == {("FILE_FOREIGN", "")}


def test_what_vanishes_meanwhile_is_a_problem(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def gone(path: str, *more: int, **keywords: int) -> int:
        if str(path).endswith("/data"):
            Path(path).unlink(missing_ok=True)
        return real(path, *more, **keywords)

    monkeypatch.setattr(os, "open", gone)
    contents = read_storage(storage)
    assert {problem.code for problem in contents.problems} == {"STORAGE_CHANGING"}
    assert not contents.complete
    assert not reconcile(contents).complete


def test_what_may_not_be_read_is_a_problem(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def denied(path: str) -> object:
        if str(path).endswith("/_layers"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    contents = read_storage(storage)
    assert {problem.code for problem in contents.problems} == {"STORAGE_UNREADABLE"}
    assert not contents.complete


def test_a_folder_whose_name_is_no_text_is_no_traceback(storage: Path, content: Path) -> None:
    (content / "repositories" / os.fsdecode(b"\xff") / "_layers").mkdir(parents=True)
    (content / "repositories/Upper").mkdir()
    found = found_in(storage)
    assert problems(found) == {("NAME_REFUSED", "\ufffd")}


def test_sha512_is_read_too(storage: Path, content: Path) -> None:
    body = b"a layer of the other kind"
    encoded = hashlib.sha512(body).hexdigest()
    file = content / "blobs/sha512" / encoded[:2] / encoded / "data"
    file.parent.mkdir(parents=True)
    file.write_bytes(body)
    found = reconcile(storage, verify=True)
    assert bytes_of(found, "orphan_blobs") == len(body)
    assert not found.is_damaged


def test_two_names_of_one_file_use_the_disk_once(storage: Path, content: Path) -> None:
    before = found_in(storage)
    biggest = blob_file(content, before.blobs["digest"].iloc[0])
    os.link(biggest, storage / "second-name")
    found = found_in(storage)
    assert found.unexplained_bytes == before.blobs["bytes"].iloc[0]
    assert found.categories["disk_bytes"].sum() == before.categories["disk_bytes"].sum()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda folder: None, "STORAGE_MISSING"),
        (lambda folder: folder.mkdir(), "STORAGE_UNKNOWN"),
        (lambda folder: folder.write_text("a file"), "STORAGE_MISSING"),
        (lambda folder: folder.symlink_to(folder), "STORAGE_UNREADABLE"),
        (lambda folder: (folder / "photos").mkdir(parents=True), "STORAGE_UNKNOWN"),
    ],
    ids=["missing", "empty", "file", "loop", "photos"],
)
def test_what_is_no_storage_is_refused(
    tmp_path: Path, make: Callable[[Path], None], code: str
) -> None:
    make(tmp_path / "there")
    with pytest.raises(StorageError) as caught:
        read_storage(tmp_path / "there")
    assert caught.value.code == code
    assert caught.value.exit_code == 3
