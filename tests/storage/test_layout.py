"""OCI image layouts, as skopeo writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support import push
from tests.support.docker_registry import DockerRegistry
from tests.support.retention_plans import Plan, image, index, push_plan
from tests.support.skopeo import try_copy
from tests.support.storage_plans import files

from regtools.analyses.reconcile import reconcile


@pytest.fixture
def layout(start_registry: Callable[..., DockerRegistry], tmp_path: Path) -> Path:
    """A layout with an index of two platforms and an attestation, and an image without a name."""
    registry = start_registry(access_log=False)
    base = push.layer("base", 3_000)
    amd, arm = (image(name, [base], platform=name) for name in ("linux/amd64", "linux/arm64"))
    plan = Plan()
    plan.tag("app", "multi", index(amd, arm, attested=[amd]))
    plan.tag("app", "single", image("single", [push.layer("single", 600)]))
    push_plan(registry, plan)
    folder = tmp_path / "layout"
    for tag, name in (("multi", ":1.0"), ("single", "")):
        done = try_copy(f"docker://{registry.host}/app:{tag}", f"oci:{folder}{name}")
        assert done.returncode == 0, done.stderr
    return folder


def test_every_byte_of_a_layout_is_reachable_or_metadata(layout: Path) -> None:
    found = reconcile(layout, verify=True)
    assert found.kind == "oci-layout"
    sizes = dict(zip(found.categories["category"], found.categories["bytes"], strict=True))
    there = files(layout)
    assert sizes["reachable"] == sum(s for path, s in there.items() if path.startswith("blobs/"))
    assert sizes["metadata"] == there["index.json"] + there["oci-layout"]
    assert found.bytes == sum(there.values())
    assert not found.is_damaged
    assert found.problems.empty
    assert found.garbage_collection.empty


def test_what_index_json_does_not_lead_to_is_an_orphan(layout: Path) -> None:
    orphan = b"left behind"
    (layout / "blobs/sha256" / push.sha256(orphan).removeprefix("sha256:")).write_bytes(orphan)
    (layout / "notes.txt").write_text("mine")
    found = reconcile(layout)
    sizes = dict(zip(found.categories["category"], found.categories["bytes"], strict=True))
    assert (sizes["orphan_blobs"], sizes["unexplained"]) == (len(orphan), 4)
    assert found.is_damaged


def test_a_child_that_is_gone_is_named(layout: Path) -> None:
    child = image("linux/arm64", [push.layer("base", 3_000)], platform="linux/arm64").digest
    (layout / "blobs/sha256" / child.removeprefix("sha256:")).unlink()
    found = reconcile(layout)
    assert list(found.problems["code"]) == ["MANIFEST_MISSING"]
    assert list(found.problems["reference"]) == [child]


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"manifests": 3}', '{"manifests": [{}]}'])
def test_an_index_that_is_none_is_damage_and_no_traceback(layout: Path, body: str) -> None:
    (layout / "index.json").write_text(body)
    found = reconcile(layout)
    assert set(found.problems["code"]) == {"LAYOUT_BROKEN"}
    assert found.is_damaged


def test_a_layout_without_an_index_is_told(layout: Path) -> None:
    (layout / "index.json").unlink()
    assert list(reconcile(layout).problems["code"]) == ["LAYOUT_BROKEN"]
