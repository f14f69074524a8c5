"""What a real registry was given is what is found shared, repeated and on its disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support import push
from tests.support.docker_registry import DockerRegistry, docker_registry, stored_bytes
from tests.support.push import Blob

import regtools as rt
from regtools.access import Options

DAY = datetime(2026, 1, 1, tzinfo=UTC)
BASE = push.layer("base", 40_000)
ZSTD_BASE = push.layer("base", 40_000, push.OCI_ZSTD_LAYER)
STATEMENT = push.json_blob("application/vnd.in-toto+json", {"_type": "statement"})
SBOM = push.json_blob("application/spdx+json", {"spdxVersion": "SPDX-2.3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A registry, and the history of one scan of it."""

    registry: DockerRegistry
    history: Path
    app: Blob
    config: Blob


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    """A base, two applications on it, one on the base squeezed by zstd; attested and described."""
    folder = tmp_path_factory.mktemp("sharing")
    with docker_registry(folder / "registry") as registry:
        with push.Pusher(registry.url) as pusher:
            app, config = _push_all(pusher)
        rt.scan(registry.url, options=Options(history=str(folder / "history")))
        yield Given(registry=registry, history=folder / "history", app=app, config=config)


def _push_all(pusher: push.Pusher) -> tuple[Blob, Blob]:
    _image(pusher, "library/base", "12", BASE)
    _image(pusher, "team/web", "1", BASE, push.layer("web", 9_000), days=1)
    _image(pusher, "team/zstd", "1", ZSTD_BASE, push.layer("zstd app", 7_000), days=2)
    app, config = _image(pusher, "team/app", "", BASE, push.layer("app", 5_000), days=3)
    attested, _ = _image(pusher, "team/app", "", STATEMENT, platform="unknown/unknown")
    about = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": app.digest,
    }
    entries = [
        app.descriptor(platform=push.platform_of("linux/amd64")),
        attested.descriptor(platform=push.platform_of("unknown/unknown"), annotations=about),
    ]
    index = push.index(entries)
    pusher.manifest("team/app", "1", index)
    empty = push.json_blob(push.OCI_EMPTY, {})
    for blob in (empty, SBOM):
        pusher.blob("team/app", blob.data)
    sbom = push.manifest(
        empty,
        [SBOM.descriptor()],
        artifactType="application/spdx+json",
        subject=index.descriptor(),
    )
    pusher.manifest("team/app", sbom.digest, sbom)
    referrers = push.index([sbom.descriptor(artifactType="application/spdx+json")])
    pusher.manifest("team/app", index.digest.replace(":", "-"), referrers)
    return app, config


def _image(
    pusher: push.Pusher,
    repository: str,
    tag: str,
    *layers: Blob,
    days: int = 0,
    platform: str = "linux/amd64",
) -> tuple[Blob, Blob]:
    config = push.image_config(layers, created=DAY + timedelta(days=days), platform=platform)
    manifest = push.manifest(config, [one.descriptor() for one in layers])
    for blob in (*layers, config):
        pusher.blob(repository, blob.data)
    pusher.manifest(repository, tag or manifest.digest, manifest)
    return manifest, config


def test_attestations_and_referrers_are_part_of_the_bytes_on_the_disk(given: Given) -> None:
    disk = stored_bytes(given.registry.storage)
    (whole,) = rt.usage(given.history, by="registry").to_dict("records")
    assert whole["physical_bytes"] == disk
    for by in ("namespace", "platform"):
        frame = rt.usage(given.history, by=by)
        assert frame["complete"].all()
        assert frame["exclusive_bytes"].sum() <= disk <= frame["physical_bytes"].sum()
    (own,) = rt.usage(given.history, by="tag").query("repository == 'team/app' and tag == '1'")[
        "physical_bytes"
    ]
    (repository,) = rt.usage(given.history).query("repository == 'team/app'")["physical_bytes"]
    assert own == repository


def test_the_same_content_squeezed_twice_is_found(given: Given) -> None:
    (row,) = rt.recompressed(given.history).to_dict("records")
    assert BASE.diff_id == ZSTD_BASE.diff_id == row["diff_id"]
    sizes = {one.digest: len(one.data) for one in (BASE, ZSTD_BASE)}
    assert dict(zip(row["digests"], row["sizes"], strict=True)) == sizes
    assert row["wasted_bytes"] == max(sizes.values())
    assert row["repositories"] == 4


def test_the_base_is_what_was_pushed_as_one(given: Given) -> None:
    (row,) = rt.bases(given.history).to_dict("records")
    assert (row["base"], row["chain"], row["images"]) == ("library/base:12", [BASE.digest], 2)
    assert row["saved_bytes"] == 2 * len(BASE.data)
    assert (row["oldest"], row["newest"]) == ("team/web:1", "team/app:1")


@pytest.mark.parametrize(
    ("wanted", "role", "repositories"),
    [
        (lambda _: BASE, "layer", ["library/base", "team/app", "team/web"]),
        (lambda _: STATEMENT, "layer", ["team/app"]),
        (lambda _: SBOM, "layer", ["team/app"]),
        (lambda given: given.config, "config", ["team/app"]),
        (lambda given: given.app, "manifest", ["team/app"]),
    ],
    ids=["layer", "attestation", "referrer", "config", "manifest"],
)
def test_sharers_are_those_that_were_given_it(
    given: Given, wanted: Callable[[Given], Any], role: str, repositories: list[str]
) -> None:
    blob = wanted(given)
    frame = rt.sharers(given.history, blob.digest[:25])
    assert sorted(frame["repository"]) == repositories
    assert set(frame["role"]) == {role}
    assert set(frame["tag"]) <= {"1", "12"}
    assert set(frame["size"]) == {len(blob.data)}


def test_a_registry_that_stores_each_blob_once_repeats_nothing(given: Given) -> None:
    assert rt.repeated(given.history).empty
    largest = rt.oversized(given.history, "39kB")
    assert set(largest["digest"]) == {BASE.digest, ZSTD_BASE.digest}
