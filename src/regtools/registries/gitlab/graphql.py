"""GitLab's GraphQL interface: a hundred repositories, or ten with their first tags, in a request.

Source: ``doc/api/graphql/_index.md`` and the types in ``app/graphql/types/container_registry``
(gitlab-org/gitlab, 2026-11-25).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from regtools.errors import (
    DeniedError,
    MalformedAnswerError,
    NotFoundError,
    RegistryError,
    UnauthorizedError,
    UnsupportedError,
)
from regtools.registries.entry import Entry, Read, odd, read_all
from regtools.registries.gitlab.place import VENDOR, Server, is_within, projects_of
from regtools.registries.gitlab.policy import is_immutable, policy_of_graphql
from regtools.registries.gitlab.queries import Queries
from regtools.registries.listing import (
    Api,
    ListedRepository,
    ListedTag,
    ListedVersion,
    ReportedBytes,
)

AT_ONCE: Final = 10
"""Repositories whose tags are asked for in one query: a complexity of about 110, and ten times
what GitLab asks of the registry itself, within the 30 seconds that it gives a query."""
NAMESPACES_AT_ONCE: Final = 20
CANDIDATES: Final = 4
"""Projects that are looked for in one query."""
MAX_EMPTY_PAGES: Final = 20
"""Pages in a row without an entry, each of which says that there is another."""


class NotOfferedError(UnsupportedError):
    """This server, or whoever asks, has no GraphQL that tells of repositories."""


class _TooComplexError(NotOfferedError):
    """The query is more than the server allows."""


@dataclass(slots=True)
class _Walk:
    """One walk through the pages of a connection; it notices that there is no end."""

    what: str
    after: str | None = None
    _seen: set[str] = field(default_factory=set)
    _empty: int = 0

    def goes_on(self, connection: Entry) -> bool:
        """Whether there is a page after this one; `after` is where it begins."""
        info = connection.entry("pageInfo")
        if info is None or not info.flag("hasNextPage"):
            return False
        self.after = info.text("endCursor")
        self._empty = 0 if connection.raw("nodes") else self._empty + 1
        if self.after in self._seen or self._empty > MAX_EMPTY_PAGES:
            raise odd(VENDOR, self.what, "gives the same page again and again")
        self._seen.add(self.after)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """What a query gave, and what of it could not be given."""

    data: Entry
    errors: Sequence[Entry]

    def fault(self, name: str, what: str) -> MalformedAnswerError:
        """Say why something that was asked for under this name is not there."""
        said = next((error for error in self.errors if _first(error) == name), None)
        message = said.raw("message") if said else None
        told = f": {ascii(message)[:200]}" if message else ""
        return odd(VENDOR, what, f"is missing{told}")


class GraphQl:
    """What GraphQL tells of a group, a project, one repository, or all that the user belongs to."""

    def __init__(self, api: Api, server: Server, path: str) -> None:
        self._api = api
        self._server = server
        self._path = path
        self._queries = Queries()
        self._at_once = AT_ONCE
        self._tags: dict[str, Entry | MalformedAnswerError] = {}
        self._roots: dict[str, None] = {}

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the repositories, after asking for the first tags of several at once.

        Raises
        ------
        NotOfferedError
            The first query was refused: REST may tell.
        NotFoundError
            There is no such group or project, or not for this caller.
        """
        async for read in self._listed():
            if read.problems:
                yield Read(problems=read.problems)
            wanted = [one for one in read.items if is_within(one.name, self._path)]
            self._roots.update(dict.fromkeys(one.name.partition("/")[0] for one in wanted))
            at = 0
            while at < len(wanted):
                some = wanted[at : at + self._at_once]
                try:
                    yield await self._with_tags(some)
                except _TooComplexError:
                    if self._at_once == 1:
                        raise
                    self._at_once //= 2
                    continue
                at += len(some)

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's tags page by page; the first page is there already."""
        tags = self._tags.pop(repository.key)
        walk = _Walk(f"the tags of {repository.name}")
        while True:
            if isinstance(tags, MalformedAnswerError):
                raise tags
            yield read_all(tags.raw("nodes"), _version, vendor=VENDOR, place="tags.nodes")
            if not walk.goes_on(tags):
                return
            variables = {"r0": repository.key, "after": walk.after}
            answer = await self._ask(self._queries.more_tags, variables, walk.what)
            tags = _tags(answer, "r0", walk.what)

    async def reported(self) -> Read[ReportedBytes]:
        """Give what each root namespace takes; those that others own tell nothing."""
        read: Read[ReportedBytes] = Read()
        roots = list(self._roots)
        for at in range(0, len(roots), NAMESPACES_AT_ONCE):
            some = roots[at : at + NAMESPACES_AT_ONCE]
            variables = {f"n{number}": root for number, root in enumerate(some)}
            answer = await self._ask(
                partial(self._queries.sums, len(some)),
                variables,
                "the storage of the namespaces",
            )
            for number, root in enumerate(some):
                try:
                    read.items += _sum(root, answer.data.entry(f"n{number}"))
                except MalformedAnswerError as error:
                    read.problems.append(error)
        return read

    async def _listed(self) -> AsyncIterator[Read[ListedRepository]]:
        if not self._path:
            async for read in self._of_projects(self._queries.memberships):
                yield read
            return
        what = f"the repositories of {self._path}"
        candidates = projects_of(self._path)
        for at in range(0, max(len(candidates), 1), CANDIDATES):
            some = candidates[at : at + CANDIDATES]
            names = [_below(path, self._path) for path in some]
            answer = await self._ask(
                partial(self._queries.place, len(some)),
                {
                    "path": self._path,
                    **{f"p{number}": path for number, path in enumerate(some)},
                    **{f"s{number}": name for number, name in enumerate(names)},
                },
                what,
            )
            for number, name in enumerate(names):
                if project := answer.data.entry(f"p{number}"):
                    async for read in self._of_project(project, name):
                        yield read
                    return
            if "group" in answer.data:
                async for read in self._of_group(answer, what):
                    yield read
                return
            if answer.errors:
                raise answer.fault("group", what)
        if "/" in self._path:
            raise _no_place(self._path)
        async for read in self._of_projects(self._queries.namespace):
            yield read

    async def _of_group(self, answer: _Data, what: str) -> AsyncIterator[Read[ListedRepository]]:
        walk = _Walk(what)
        while True:
            group = answer.data.entry("group")
            listed = group.entry("containerRepositories") if group else None
            if listed is None:
                raise answer.fault("group", what)
            yield self._read(listed, None)
            if not walk.goes_on(listed):
                return
            variables = {"path": self._path, "after": walk.after}
            answer = await self._ask(self._queries.group, variables, what)

    async def _of_project(
        self, project: Entry, name: str | None = None
    ) -> AsyncIterator[Read[ListedRepository]]:
        path = project.text("fullPath")
        walk = _Walk(f"the repositories of {path}")
        listed = project.entry("containerRepositories")
        if listed is None:
            return  # Its registry is switched off, or for others.
        while True:
            yield self._read(listed, project)
            if not walk.goes_on(listed):
                return
            variables = {"path": path, "after": walk.after, "name": name}
            answer = await self._ask(self._queries.project, variables, walk.what)
            more = answer.data.entry("project")
            listed = more.entry("containerRepositories") if more else None
            if listed is None:
                raise answer.fault("project", walk.what)

    async def _of_projects(self, query: Callable[[], str]) -> AsyncIterator[Read[ListedRepository]]:
        """Give the repositories of projects, a hundred projects in a request."""
        walk = _Walk("the projects")
        while True:
            path: dict[str, str | None] = {"path": self._path} if self._path else {}
            answer = await self._ask(query, {**path, "after": walk.after}, walk.what)
            place = answer.data.entry("namespace") if self._path else answer.data
            if place is None:
                raise _no_place(self._path)
            listed = place.entry("projects")
            if listed is None:
                raise answer.fault("projects", walk.what)
            found: Read[ListedRepository] = Read()
            for project in listed.entries("nodes"):
                try:
                    async for read in self._of_project(project):
                        found.items += read.items
                        found.problems += read.problems
                except MalformedAnswerError as error:
                    found.problems.append(error)
            yield found
            if not walk.goes_on(listed):
                return

    def _read(self, listed: Entry, project: Entry | None) -> Read[ListedRepository]:
        """Read repositories of one project, or each with its own."""
        problems: dict[str, RegistryError] = {}

        def parse(entry: Entry) -> ListedRepository:
            its = project or entry.entry("project")
            number = entry.text("id").rpartition("/")[2]
            if its is None or not number.isdigit():
                raise odd(VENDOR, "containerRepositories.nodes", "has no project or no number")
            policy = immutable = None
            try:
                policy, immutable = policy_of_graphql(its), is_immutable(its)
            except MalformedAnswerError as error:
                problems[error.summary] = error
            return ListedRepository(
                name=entry.repository("path"),
                visibility=its.optional_text("visibility"),
                page=self._server.page(its.text("fullPath"), int(number)),
                immutable=immutable,
                cleanup_policy=policy,
                key=entry.text("id"),
            )

        nodes = listed.raw("nodes")
        read = read_all(nodes, parse, vendor=VENDOR, place="containerRepositories.nodes")
        return Read(items=read.items, problems=[*read.problems, *problems.values()])

    async def _with_tags(self, some: Sequence[ListedRepository]) -> Read[ListedRepository]:
        """Ask for sizes and first tags; where GitLab tells no digests, the registry has to."""
        variables = {f"r{number}": one.key for number, one in enumerate(some)}
        what = f"the tags of {some[0].name}" + (f" and {len(some) - 1} more" if some[1:] else "")
        answer = await self._ask(partial(self._queries.tags, len(some)), variables, what)
        return Read(items=[self._detailed(one, answer, f"r{n}") for n, one in enumerate(some)])

    def _detailed(self, one: ListedRepository, answer: _Data, name: str) -> ListedRepository:
        """Add what was told of a repository; that it is odd is said when its tags are read."""
        try:
            tags = _tags(answer, name, f"the tags of {one.name}")
            self._tags[one.key] = tags
            details = answer.data.entry(name)
            return replace(
                one,
                size=details.size("size") if details else None,
                tells_versions=any("digest" in tag for tag in tags.entries("nodes"))
                or not tags.entries("nodes"),
            )
        except MalformedAnswerError as error:
            self._tags[one.key] = error
            return one

    async def _ask(
        self, query: Callable[[], str], variables: Mapping[str, str | None], what: str
    ) -> _Data:
        """Ask, and once more without the fields that this server does not know."""
        while True:
            try:
                answer = await self._api.post(
                    self._server.graphql,
                    what=what,
                    body={"query": query(), "variables": dict(variables)},
                )
            except (UnauthorizedError, DeniedError, NotFoundError, UnsupportedError) as error:
                raise NotOfferedError(error.summary, status=error.status) from error
            document = Entry(answer.data, vendor=VENDOR, place="")
            errors = document.entries("errors")
            unknown = {name for error in errors if (name := _unknown_field(error))}
            if not unknown:
                break
            if not self._queries.can_do_without(unknown):
                raise NotOfferedError(f"GitLab's GraphQL has no field {sorted(unknown)!a}.")
            self._queries.without |= unknown
        data = document.entry("data")
        if data is None:
            message = next((str(error.raw("message")) for error in errors), "")
            if "complexity" in message:
                raise _TooComplexError(f"GitLab refuses the query: {ascii(message)[:200]}.")
            raise odd(VENDOR, "data", f"is missing{f': {ascii(message)[:200]}' if message else ''}")
        return _Data(data=data, errors=errors)


def _version(tag: Entry) -> ListedVersion:
    pushed = tag.time("publishedAt")
    return ListedVersion(
        digest=tag.digest("digest"), tags=(ListedTag(name=tag.tag("name"), pushed_at=pushed),)
    )


def _sum(root: str, namespace: Entry | None) -> list[ReportedBytes]:
    statistics = namespace.entry("rootStorageStatistics") if namespace else None
    size = statistics.size("containerRegistrySize") if statistics else None
    if statistics is None or size is None:
        return []
    is_estimate = statistics.flag("containerRegistrySizeIsEstimated")
    return [
        ReportedBytes(
            scope="namespace",
            name=root,
            kind="storage_estimated" if is_estimate else "storage",
            size=size,
            source="GraphQL namespace.rootStorageStatistics.containerRegistrySize",
        )
    ]


def _unknown_field(error: Entry) -> str | None:
    more = error.raw("extensions")
    if not isinstance(more, Mapping) or more.get("code") != "undefinedField":
        return None
    return str(more.get("fieldName"))


def _first(error: Entry) -> object:
    path = error.raw("path")
    return path[0] if isinstance(path, list) and path else None


def _tags(answer: _Data, name: str, what: str) -> Entry:
    details = answer.data.entry(name)
    tags = details.entry("tags") if details else None
    if tags is None:
        raise answer.fault(name, what)
    return tags


def _below(project: str, path: str) -> str | None:
    """Give what a path has below a project's; None: it is the project."""
    return path.removeprefix(project).lstrip("/") or None


def _no_place(path: str) -> RegistryError:
    return NotFoundError(
        f"GitLab knows no group, project or user {path}, or not for whoever asks.",
        code="VENDOR_PATH_UNKNOWN",
        remedy="Check the spelling; to a token that may not see a project it looks missing too.",
    )
