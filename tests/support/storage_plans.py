"""What lies on a registry's disk beside its images, drawn by hypothesis and put there for real.

To the contents of `tests.support.retention_plans` come unfinished uploads, blobs that no manifest
names, manifests without a tag, and images that were deleted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from tests.support import push
from tests.support.docker_registry import DockerRegistry
from tests.support.push import Pusher
from tests.support.retention_plans import REPOSITORIES, Node, Plan, image, index, plans, push_plan


@dataclass(slots=True, kw_only=True)
class Disk:
    """A plan of images, and of what people leave behind."""

    plan: Plan
    uploads: list[tuple[str, bytes]] = field(default_factory=list)
    orphans: list[tuple[str, bytes]] = field(default_factory=list)
    untagged: list[tuple[str, Node]] = field(default_factory=list)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    """Repository and tag: the manifest that it names goes, and all tags on it."""

    def gone(self) -> set[tuple[str, str]]:
        """Give the repository and digest of each manifest that is deleted."""
        return {(name, self.plan.tags[name][tag].digest) for name, tag in self.deleted}

    def tags_left(self) -> set[tuple[str, str]]:
        """Give the repository and name of each tag that is there in the end."""
        return {
            (name, tag)
            for name, tags in self.plan.tags.items()
            for tag, node in tags.items()
            if (name, node.digest) not in self.gone()
        }


def fill(registry: DockerRegistry, disk: Disk) -> None:
    """Do all of it, as clients do."""
    push_plan(registry, disk.plan)
    with Pusher(registry.url) as pusher:
        for repository, node in disk.untagged:
            for one in node.below():
                for blob in one.blobs:
                    pusher.blob(repository, blob.data)
                pusher.manifest(repository, one.digest, one.content)
        for repository, data in disk.orphans:
            pusher.blob(repository, data)
        for repository, data in disk.uploads:
            pusher.unfinished_upload(repository, data)
        for repository, digest in sorted(disk.gone()):
            pusher.delete_manifest(repository, digest)


def files(folder: Path) -> dict[str, int]:
    """Give path → bytes of everything below a folder, as anybody would add it up."""
    found = {}
    for place, folders, names in os.walk(folder):
        for path in (Path(place, name) for name in (*names, *folders)):
            if path.is_symlink() or not path.is_dir():
                found[str(path.relative_to(folder))] = path.lstat().st_size
    return found


@st.composite
def disks(draw: st.DrawFn) -> Disk:
    """Draw a plan and some of everything else; also repositories that never had a tag."""
    disk = Disk(plan=draw(plans()))
    places = st.sampled_from((*REPOSITORIES, "never/tagged"))
    for number in range(draw(st.integers(0, 3))):
        layers = [push.layer(f"loose-{number}", draw(st.integers(0, 3_000)))]
        node = image(f"loose {number}", layers)
        if draw(st.booleans()):
            node = index(node, attested=[node] if draw(st.booleans()) else [])
        disk.untagged.append((draw(places), node))
    for number in range(draw(st.integers(0, 2))):
        disk.orphans.append((draw(places), f"orphan {number}".encode() * draw(st.integers(1, 99))))
    for number in range(draw(st.integers(0, 2))):
        disk.uploads.append((draw(places), f"upload {number}".encode() * draw(st.integers(1, 99))))
    every = [(name, tag) for name, tags in disk.plan.tags.items() for tag in tags]
    disk.deleted = draw(st.lists(st.sampled_from(every), max_size=2, unique=True))
    return disk
