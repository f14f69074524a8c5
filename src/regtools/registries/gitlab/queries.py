"""The GraphQL queries to GitLab, within its limits and as far as a server knows the fields.

A page holds 100 repositories or projects, and 20 tags. A query may have a complexity of 250, and of
200 where nobody asks: each field counts one, and a connection one hundredth of what is in it more for
each entry of a page (``doc/api/graphql/_index.md`` and ``Resolvers::BaseResolver``, 2026-11-25).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

PAGE_SIZE: Final = 100
TAGS_ON_PAGE: Final = 20
_GONE_ON: Final = "pageInfo { hasNextPage endCursor }"
_AFTER: Final = ", after: $after"
# All who may pull see the newer one (17.5), and only maintainers the older.
_POLICIES: Final = ("containerTagsExpirationPolicy", "containerExpirationPolicy")
DISPENSABLE: Final = frozenset(
    {
        *_POLICIES,
        "containerProtectionTagRules",
        "containerRegistrySizeIsEstimated",
        "publishedAt",
        "size",
    }
)
"""What older servers do not have, and what can be left out there."""


class Queries:
    """Writes queries; `without` are the fields that this server does not know."""

    def __init__(self) -> None:
        self.without: set[str] = set()

    def can_do_without(self, fields: Collection[str]) -> bool:
        """Whether these may be left out, and are not already."""
        return DISPENSABLE - self.without >= set(fields)

    def place(self, projects: int) -> str:
        """Ask for a group ``$path``, and projects ``$p0``, … with repositories named like ``$s0``, …"""
        names = "".join(f", $p{one}: ID!, $s{one}: String" for one in range(projects))
        asked = " ".join(
            f"p{one}: project(fullPath: $p{one}) "
            f"{{ {self._project_fields()} {_repositories(f', name: $s{one}')} }}"
            for one in range(projects)
        )
        return f"query($path: ID!{names}) {{ {self._group('')} {asked} }}"

    def group(self) -> str:
        """Ask for what a group ``$path`` has after ``$after``."""
        return f"query($path: ID!, $after: String) {{ {self._group(_AFTER)} }}"

    def project(self) -> str:
        """Ask for what a project ``$path`` has after ``$after``, named like ``$name``."""
        return (
            "query($path: ID!, $after: String, $name: String) "
            f"{{ project(fullPath: $path) {{ {_repositories(_AFTER + ', name: $name')} }} }}"
        )

    def memberships(self) -> str:
        """Ask for projects that the user belongs to, after ``$after``."""
        return f"query($after: String) {{ {self._projects('membership: true')} }}"

    def namespace(self) -> str:
        """Ask for projects of a user ``$path``, after ``$after``."""
        projects = self._projects("includeSubgroups: true")
        return (
            f"query($path: ID!, $after: String) {{ namespace(fullPath: $path) {{ {projects} }} }}"
        )

    def tags(self, repositories: int) -> str:
        """Ask for the size and the first tags of repositories ``$r0``, …"""
        names = ", ".join(f"$r{one}: ContainerRepositoryID!" for one in range(repositories))
        asked = " ".join(
            f"r{one}: containerRepository(id: $r{one}) "
            f"{{ {self._optional('size')} {self._tags('')} }}"
            for one in range(repositories)
        )
        return f"query({names}) {{ {asked} }}"

    def more_tags(self) -> str:
        """Ask for the tags of a repository ``$r0`` after ``$after``."""
        return (
            "query($r0: ContainerRepositoryID!, $after: String) "
            f"{{ r0: containerRepository(id: $r0) {{ {self._tags(_AFTER)} }} }}"
        )

    def sums(self, namespaces: int) -> str:
        """Ask for what namespaces ``$n0``, … take."""
        names = ", ".join(f"$n{one}: ID!" for one in range(namespaces))
        estimated = self._optional("containerRegistrySizeIsEstimated")
        inside = f"rootStorageStatistics {{ containerRegistrySize {estimated} }}"
        asked = " ".join(
            f"n{one}: namespace(fullPath: $n{one}) {{ {inside} }}" for one in range(namespaces)
        )
        return f"query({names}) {{ {asked} }}"

    def _optional(self, name: str, rest: str = "") -> str:
        return "" if name in self.without else f"{name}{rest}"

    def _project_fields(self) -> str:
        policy = next((name for name in _POLICIES if name not in self.without), None)
        inside = "{ cadence enabled keepN olderThan nameRegex nameRegexKeep nextRunAt }"
        # A project has five tag rules at most.
        rule = "tagNamePattern minimumAccessLevelForPush minimumAccessLevelForDelete"
        rules = self._optional(
            "containerProtectionTagRules", f"(first: 5) {{ nodes {{ {rule} }} }}"
        )
        return (
            "fullPath visibility"
            f"{f' policy: {policy} {inside}' if policy else ''}"
            f"{f' tagRules: {rules}' if rules else ''}"
        )

    def _group(self, after: str) -> str:
        inside = f" project {{ {self._project_fields()} }}"
        return f"group(fullPath: $path) {{ {_repositories(after, inside)} }}"

    def _projects(self, which: str) -> str:
        return (
            f"projects({which}, first: {PAGE_SIZE}{_AFTER}) "
            f"{{ {_GONE_ON} nodes {{ {self._project_fields()} {_repositories()} }} }}"
        )

    def _tags(self, after: str) -> str:
        return (
            f"tags(first: {TAGS_ON_PAGE}{after}) "
            f"{{ {_GONE_ON} nodes {{ name digest {self._optional('publishedAt')} }} }}"
        )


def _repositories(more: str = "", inside: str = "") -> str:
    return (
        f"containerRepositories(first: {PAGE_SIZE}{more}) "
        f"{{ {_GONE_ON} nodes {{ id path{inside} }} }}"
    )
