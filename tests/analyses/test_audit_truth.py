"""The audit against a registry whose storage is really broken, and against what skopeo can copy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from tests.support import push
from tests.support.docker_registry import DockerRegistry, docker_registry, garbage_collect
from tests.support.push import Blob, Pusher
from tests.support.skopeo import can_copy

import regtools as rt
from regtools.access import Options
from regtools.session import Scanned, scan

DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)
BASE = push.layer("base", 3_000)
PLATFORMS = ("linux/amd64", "linux/arm64")
UNPULLABLE = {
    "INDEX_CHILD_MISSING",
    "TAG_DANGLING",
    "BLOB_MISSING",
    "BLOB_SIZE_WRONG",
    "CONFIG_MISSING",
}


def scan_one(registry: DockerRegistry, history: Path, *, check_blobs: bool) -> Scanned:
    result = scan(registry.url, options=Options(history=str(history)), check_blobs=check_blobs)
    assert result.failed == []
    return result.scanned[0]


def image(
    pusher: Pusher, repository: str, name: str, *tags: str, platform: str = PLATFORMS[0]
) -> Blob:
    """Push an image of the base and a layer of its own, under tags or by digest."""
    layers = (BASE, push.layer(name, 2_000))
    config = push.image_config(layers, created=DAY, platform=platform, comment=name)
    for blob in (*layers, config):
        pusher.blob(repository, blob.data)
    content = push.manifest(config, [blob.descriptor() for blob in layers])
    for reference in tags or (content.digest,):
        pusher.manifest(repository, reference, content)
    return content


def index(pusher: Pusher, repository: str, *tags: str) -> dict[str, Blob]:
    """Push an image of two platforms; give the image of each."""
    images = {
        platform: image(pusher, repository, f"{repository} {platform}", platform=platform)
        for platform in PLATFORMS
    }
    children = [
        one.descriptor(platform=push.platform_of(platform)) for platform, one in images.items()
    ]
    content = push.index(children)
    for tag in tags:
        pusher.manifest(repository, tag, content)
    return images


def signature(pusher: Pusher, repository: str, about: Blob) -> str:
    """Sign an image as cosign does; give the tag."""
    payload = push.json_blob(
        "application/vnd.dev.cosign.simplesigning.v1+json",
        {"critical": {"image": {"docker-manifest-digest": about.digest}}},
    )
    config = push.image_config((payload,), created=DAY)
    for blob in (payload, config):
        pusher.blob(repository, blob.data)
    tag = about.digest.replace(":", "-") + ".sig"
    pusher.manifest(repository, tag, push.manifest(config, [payload.descriptor()]))
    return tag


def data_of(storage: Path, digest: str) -> Path:
    encoded = digest.removeprefix("sha256:")
    return storage / f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data"


def link_of(storage: Path, repository: str, kind: str, digest: str) -> Path:
    encoded = digest.removeprefix("sha256:")
    return storage / f"docker/registry/v2/repositories/{repository}/{kind}/sha256/{encoded}/link"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DockerRegistry, set[str]]]:
    """A registry with one of each fault, and what the audit should call it: code repository."""
    with (
        docker_registry(tmp_path_factory.mktemp("broken")) as registry,
        Pusher(registry.url) as pusher,
    ):
        storage = registry.storage
        image(pusher, "good/one", "good", "1")
        index(pusher, "good/two", "1")
        signature(pusher, "good/signed", image(pusher, "good/signed", "signed", "1"))
        moved = image(pusher, "good/moved", "old", "1")
        signature(pusher, "good/moved", moved)
        image(pusher, "good/moved", "new", "1")

        sparse = index(pusher, "bad/sparse", "1", "latest")
        pusher.delete_manifest("bad/sparse", sparse["linux/arm64"].digest)
        empty = index(pusher, "bad/empty", "1")
        for one in empty.values():
            pusher.delete_manifest("bad/empty", one.digest)
        image(pusher, "bad/layer", "lost", "1")
        data_of(storage, push.layer("lost", 2_000).digest).unlink()
        image(pusher, "bad/cut", "cut", "1")
        cut = data_of(storage, push.layer("cut", 2_000).digest)
        cut.write_bytes(cut.read_bytes()[:-10])
        image(pusher, "bad/link", "linkless", "1")
        link_of(storage, "bad/link", "_layers", BASE.digest).unlink()
        config = image(pusher, "bad/config", "configless", "1")
        data_of(storage, _config_of(config)).unlink()
        tagged = image(pusher, "bad/tag", "dangling", "1")
        image(pusher, "bad/tag", "other", "2")
        link_of(storage, "bad/tag", "_manifests/revisions", tagged.digest).unlink()
        gone = image(pusher, "bad/signed", "gone", "1")
        image(pusher, "bad/signed", "stays", "2")
        signature(pusher, "bad/signed", gone)
        pusher.delete_manifest("bad/signed", gone.digest)
        yield (
            registry,
            {
                "INDEX_CHILD_MISSING bad/sparse 1,latest",
                "INDEX_CHILD_MISSING bad/empty 1",
                "BLOB_MISSING bad/layer 1",
                "BLOB_SIZE_WRONG bad/cut 1",
                "BLOB_MISSING bad/link 1",
                "CONFIG_MISSING bad/config 1",
                "TAG_DANGLING bad/tag 1",
                f"SIGNATURE_WITHOUT_IMAGE bad/signed {gone.digest.replace(':', '-')}.sig",
            },
        )


def _config_of(content: Blob) -> str:
    return str(json.loads(content.data)["config"]["digest"])


def named(frame: pd.DataFrame) -> set[str]:
    """Give code, repository and tags of each row that is about the content."""
    return {
        f"{row.code} {row.repository} {','.join(sorted({t.partition(' ')[0] for t in row.affected}))}"
        for row in frame.itertuples()
        if row.code not in ("BLOBS_UNCHECKED", "AUDIT_INCOMPLETE")
    }


def test_the_audit_names_what_was_broken_and_nothing_else(
    broken: tuple[DockerRegistry, set[str]], tmp_path: Path
) -> None:
    registry, expected = broken
    scan_one(registry, tmp_path / "history", check_blobs=True)
    frame = rt.audit(tmp_path / "history")
    assert named(frame) == expected
    assert set(frame["code"]).isdisjoint({"BLOBS_UNCHECKED", "AUDIT_INCOMPLETE"})
    assert frame["complete"].all()
    severities = dict(
        zip(frame["repository"] + " " + frame["code"], frame["severity"], strict=True)
    )
    assert severities["bad/sparse INDEX_CHILD_MISSING"] == "warning"
    assert severities["bad/empty INDEX_CHILD_MISSING"] == "critical"
    assert severities["bad/signed SIGNATURE_WITHOUT_IMAGE"] == "warning"
    (sparse,) = frame.loc[frame["repository"] == "bad/sparse", "affected"]
    assert sparse == ["1 (linux/arm64)", "latest (linux/arm64)"]
    (cut,) = frame.loc[frame["repository"] == "bad/cut", "bytes"]
    assert cut == len(push.layer("cut", 2_000).data)


def test_skopeo_fails_on_what_is_called_broken_and_copies_the_rest(
    broken: tuple[DockerRegistry, set[str]], tmp_path: Path
) -> None:
    registry, _ = broken
    history = tmp_path / "history"
    scan_one(registry, history, check_blobs=True)
    frame = rt.audit(history)
    hurt = {
        (row.repository, *_split(entry))
        for row in frame[frame["code"].isin(UNPULLABLE)].itertuples()
        for entry in row.affected
    }
    tags = {(row.repository, row.tag) for row in rt.usage(history, by="tag").itertuples()}
    tags |= {(repository, tag) for repository, tag, _ in hurt}
    assert len(tags) > 12
    for number, (repository, tag) in enumerate(sorted(tags)):
        reference = f"{registry.host}/{repository}:{tag}"
        whole = not any(one[:2] == (repository, tag) for one in hurt)
        assert can_copy(reference, tmp_path / f"all-{number}") == whole, reference
    for platform in PLATFORMS:
        reference = f"{registry.host}/bad/sparse:1"
        pulled = can_copy(reference, tmp_path / platform.replace("/", "-"), platform=platform)
        assert pulled == (("bad/sparse", "1", platform) not in hurt)


def _split(entry: str) -> tuple[str, str]:
    tag, _, platform = entry.partition(" ")
    return tag, platform.strip("()")


def test_a_scan_that_asks_for_no_layers_says_so_and_finds_the_rest(
    broken: tuple[DockerRegistry, set[str]], tmp_path: Path
) -> None:
    registry, expected = broken
    registry.requests()
    scan_one(registry, tmp_path / "history", check_blobs=False)
    served = registry.requests()
    frame = rt.audit(tmp_path / "history")
    layers = {one for one in expected if one.startswith("BLOB_")}
    assert named(frame) == expected - layers
    assert frame["code"].tolist().count("BLOBS_UNCHECKED") == 1
    # Each subject that no tag leads to was asked for once: one is held, one is gone.
    asked = [r for r in served if "/manifests/sha256:" in r.path and "/good/moved/" in r.path]
    assert [r.status for r in asked] == [200]
    asked = [r for r in served if "/manifests/sha256:" in r.path and "/bad/signed/" in r.path]
    assert [r.status for r in asked] == [404]


def test_what_broke_after_the_first_scan_is_found_by_asking_again(
    tmp_path: Path, start_registry: Callable[..., DockerRegistry]
) -> None:
    registry = start_registry()
    history = tmp_path / "history"
    with Pusher(registry.url) as pusher:
        images = index(pusher, "app", "1")
        scan_one(registry, history, check_blobs=True)
        assert rt.audit(history).empty
        pusher.delete_manifest("app", images["linux/arm64"].digest)
    scan_one(registry, history, check_blobs=True)
    assert named(rt.audit(history)) == {"INDEX_CHILD_MISSING app 1"}
    # And what the newest look missed, the next one asks for, with or without the option.
    scan_one(registry, history, check_blobs=False)
    assert named(rt.audit(history)) == {"INDEX_CHILD_MISSING app 1"}


def test_a_garbage_collection_that_takes_untagged_manifests_empties_indexes(
    tmp_path: Path, start_registry: Callable[..., DockerRegistry]
) -> None:
    registry = start_registry()
    with Pusher(registry.url) as pusher:
        index(pusher, "app", "1", "2")
        image(pusher, "plain", "plain", "1")
    assert can_copy(f"{registry.host}/app:1", tmp_path / "before")
    garbage_collect(registry, delete_untagged=True)
    scan_one(registry, tmp_path / "history", check_blobs=True)
    frame = rt.audit(tmp_path / "history")
    assert named(frame) == {"INDEX_CHILD_MISSING app 1,2"}
    assert frame["severity"].tolist() == ["critical", "critical"]  # two platforms
    assert not can_copy(f"{registry.host}/app:1", tmp_path / "after")
    assert can_copy(f"{registry.host}/plain:1", tmp_path / "plain")


def test_a_healthy_registry_is_sound_and_costs_a_request_for_each_blob(
    registry: DockerRegistry, tmp_path: Path
) -> None:
    history = tmp_path / "history"
    scan_one(registry, history, check_blobs=False)
    registry.requests()
    scanned = scan_one(registry, history, check_blobs=True)
    served = registry.requests()
    assert rt.audit(history).empty
    assert scanned.snapshot.complete
    assert len(served) == scanned.snapshot.requests
    asked = [r.path for r in served if "/blobs/" in r.path]
    assert len(asked) == len(set(asked))
    folder = history / scanned.snapshot.snapshot
    manifests = pd.read_parquet(folder / "manifests.parquet")
    layers = pd.read_parquet(folder / "layers.parquet")
    blobs = {*manifests["config_digest"].dropna(), *layers.loc[~layers["foreign"], "blob"]}
    assert {path.rpartition("/")[2] for path in asked} == blobs
    assert {r.method for r in served if "/blobs/" in r.path} == {"HEAD"}
