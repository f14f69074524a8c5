"""What Harbor's retention looks at: repositories by their name in a project, and candidates."""

from __future__ import annotations

from collections.abc import Sequence

from regtools.policies._base import RepositoryVersions, Version


def name_in_project(repository: RepositoryVersions) -> str:
    """Give the name that patterns see: without the project, which comes first."""
    project, _, name = repository.repository.partition("/")
    return name or project


def candidates(versions: Sequence[Version]) -> list[Version]:
    """Give the images that rules speak of: with a tag or in no index, and no accessories."""
    return [one for one in versions if one.subject is None and (one.tags or not one.parents)]
