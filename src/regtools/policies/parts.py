"""What a cloud vendor refuses to delete on its own: parts of an index, and referrers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from regtools.policies._base import RepositoryVersions, Version


def is_part(version: Version, present: Collection[str]) -> bool:
    """Say whether an index of the same repository lists this manifest."""
    return any(parent in present for parent in version.parents)


def releasable(versions: Sequence[Version], marked: Iterable[str]) -> set[str]:
    """Say which of the marked manifests can go: all that lists them goes too.

    A referrer whose subject is there is left out: it goes with its subject, not by a rule.
    """
    present = {version.digest for version in versions}
    leaving = set(marked)
    by_digest = {version.digest: version for version in versions}
    for version in versions:
        if version.subject in present:
            leaving.discard(version.digest)
    # What stays holds on to its parts, and those to theirs: each manifest is dropped once.
    children: dict[str, list[str]] = {}
    for version in versions:
        for parent in version.parents:
            children.setdefault(parent, []).append(version.digest)
    staying = [digest for digest in by_digest if digest not in leaving]
    while staying:
        for child in children.get(staying.pop(), ()):
            if child in leaving:
                leaving.discard(child)
                staying.append(child)
    return leaving


def package_of(repository: RepositoryVersions) -> str:
    """Give an image's package: what follows project and repository in Artifact Registry's path.

    On gcr.io the host is the repository, and only the project comes first. A project of a domain
    has two parts, ``example.com/project``.
    """
    parts = repository.repository.split("/")
    before = 1 if repository.registry.split(":")[0].endswith("gcr.io") else 2
    if "." in parts[0]:
        before += 1
    return "/".join(parts[before:]) or parts[-1]
