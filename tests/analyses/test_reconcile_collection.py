"""A real registry's disk: every byte has a category, and its own garbage collection agrees."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from tests.support import push
from tests.support.corpus import Corpus, push_schema1
from tests.support.docker_registry import (
    DockerRegistry,
    docker_registry,
    run_garbage_collection,
    stored_blobs,
)
from tests.support.push import Pusher
from tests.support.retention_plans import (
    Plan,
    artifact,
    image,
    index,
    push_plan,
    referrer_tag,
    signature,
)
from tests.support.skopeo import try_copy
from tests.support.storage_plans import Disk, disks, files, fill

from regtools.analyses.reconcile import Reconciliation, reconcile


def categories(found: Reconciliation) -> dict[str, int]:
    return dict(zip(found.categories["category"], found.categories["bytes"], strict=True))


def run_of(found: Reconciliation, version: str, *, delete_untagged: bool) -> dict[str, int]:
    frame = found.garbage_collection
    chosen = frame["version"].str.contains(version, regex=False) & (
        frame["delete_untagged"] == delete_untagged
    )
    (row,) = frame[chosen].to_dict("records")
    return row


def broken_by_deletion(disk: Disk) -> set[tuple[str, str]]:
    """Give the tags that lead to a manifest which somebody deleted."""
    return {
        (name, tag)
        for name, tag in disk.tags_left()
        if any((name, node.digest) in disk.gone() for node in disk.plan.tags[name][tag].below())
    }


@settings(
    max_examples=10,
    suppress_health_check=list(HealthCheck),
    # Each example starts a registry: shrinking one that fails would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(disk=disks())
def test_the_registrys_own_collection_frees_what_was_said_blob_for_blob(disk: Disk) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        docker_registry(Path(folder, "registry"), access_log=False) as registry,
    ):
        fill(registry, disk)
        found = reconcile(registry.storage)
        assert sum(categories(found).values()) == sum(files(registry.storage).values())
        assert categories(found)["unexplained"] == 0
        damage = found.problems[found.problems["effect"] == "damage"]
        broken = broken_by_deletion(disk)
        assert set(damage["code"]) == ({"REVISION_MISSING"} if broken else set())
        assert set(zip(damage["repository"], damage["reference"], strict=True)) <= disk.gone()
        assert found.complete
        before = stored_blobs(registry.storage)
        assert dict(zip(found.blobs["digest"], found.blobs["bytes"], strict=True)) == before
        copy = Path(folder, "copy")
        shutil.copytree(registry.storage, copy)
        for delete_untagged, column in ((False, "freed"), (True, "freed_untagged")):
            said = run_of(found, "2.8", delete_untagged=delete_untagged)
            done = run_garbage_collection(registry, delete_untagged=delete_untagged)
            assert (done.returncode != 0) == bool(said["stopped_by"]), done.stderr
            freed = before.keys() - stored_blobs(registry.storage).keys()
            if not said["stopped_by"]:
                assert set(found.blobs.loc[found.blobs[column], "digest"]) == freed
            assert said["bytes_freed"] == sum(before[digest] for digest in freed)
            assert said["blobs_freed"] == len(freed)
            left = reconcile(registry.storage)
            assert sum(categories(left).values()) == sum(files(registry.storage).values())
            assert categories(left)["unexplained"] == 0
            if not delete_untagged:
                shutil.rmtree(registry.storage)
                shutil.copytree(copy, registry.storage)
        if not said["stopped_by"]:
            broken |= set(zip(found.broken["repository"], found.broken["tag"], strict=True))
        assert said["tags_broken"] == len(found.broken[["repository", "tag"]].drop_duplicates())
        with Pusher(registry.url) as client:
            whole = {name for name in disk.tags_left() if client.pulls_whole(*name)}
        assert whole == disk.tags_left() - broken


def test_what_it_warns_of_is_what_skopeo_can_no_longer_copy(
    start_registry: Callable[..., DockerRegistry], tmp_path: Path
) -> None:
    registry = start_registry(access_log=False)
    plan = Plan()
    amd, arm, alone, tagged = (
        image(name, [push.layer(name, 400)], platform=f"linux/{name}")
        for name in ("amd64", "arm64", "alone", "s390x")
    )
    plan.tag("app", "multi", index(amd, arm, attested=[amd]))
    plan.tag("app", "alone", alone)
    plan.tag("app", "of-tagged", index(tagged))
    plan.tag("app", "tagged", tagged)
    plan.tag("app", referrer_tag(alone), index(artifact(alone)))
    plan.tag("app", referrer_tag(amd, ".sig"), signature(amd))
    plan.tag("other", "amd", amd)
    push_plan(registry, plan)

    def copied() -> set[tuple[str, str]]:
        return {
            (name, tag)
            for name, tags in plan.tags.items()
            for number, tag in enumerate(tags)
            if try_copy(
                f"docker://{registry.host}/{name}:{tag}", f"dir:{tmp_path}/{name}-{number}"
            ).returncode
            == 0
        }

    before = copied()
    assert {("app", "multi"), ("app", "alone"), ("app", "of-tagged")} < before
    found = reconcile(registry.storage)
    warned = set(zip(found.broken["repository"], found.broken["tag"], strict=True))
    assert warned == {("app", "multi"), ("app", referrer_tag(alone))}
    platforms = found.broken.loc[found.broken["tag"] == "multi", "platform"]
    assert set(platforms) == {"linux/amd64", "linux/arm64", "unknown/unknown"}
    assert any("3178" in note and "2 tags" in note for note in found.notes)
    assert run_of(found, "3", delete_untagged=True)["tags_broken"] == 0
    assert run_of(found, "3", delete_untagged=True)["blobs_freed"] == 0
    assert run_garbage_collection(registry, delete_untagged=True).returncode == 0
    assert copied() == before - warned
    after = reconcile(registry.storage)
    assert after.is_damaged
    assert set(after.problems["code"]) == {"REVISION_MISSING", "BLOB_MISSING"}


def test_what_tags_reach_on_the_disk_is_what_was_pushed(
    registry: DockerRegistry, corpus: Corpus
) -> None:
    found = reconcile(registry.storage, verify=True)
    sizes = categories(found)
    assert sizes["reachable"] == corpus.physical_bytes()
    assert sum(sizes.values()) == sum(files(registry.storage).values())
    assert found.problems.empty
    roles = found.roles[found.roles["category"] == "reachable"].set_index("role")["bytes"]
    reached = corpus.reach(*(digest for _, _, digest in corpus.tags))
    assert roles["manifest"] == corpus.bytes_of(reached & corpus.manifests.keys())


def test_schema_1_has_a_manifest_without_the_signatures_that_are_served(
    start_registry: Callable[..., DockerRegistry],
) -> None:
    registry = start_registry(access_log=False)
    _, layers = push_schema1(registry)
    found = reconcile(registry.storage)
    sizes = found.roles.set_index("role")["bytes"]
    assert sizes["layer"] == sum(len(one.data) for one in layers)
    assert set(found.blobs["category"]) == {"reachable"}
    assert not found.is_damaged
