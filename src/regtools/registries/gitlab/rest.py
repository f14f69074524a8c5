"""GitLab's REST interface: repositories with their projects.

It tells a repository's tags by name only, and more of them one tag a request: the registry itself
does that as well, and is asked instead (`ListedRepository.tells_versions`).

Source: ``doc/api/container_registry.md``, ``projects.md`` and ``groups.md`` (gitlab-org/gitlab,
2026-11-25). Pages hold 100 at most and go on by the header ``Link``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import quote

from regtools.errors import DeniedError, NotFoundError, RegistryError
from regtools.registries.entry import Entry, Read, odd, read_all
from regtools.registries.gitlab.place import VENDOR, Server, is_within, projects_of
from regtools.registries.gitlab.policy import policy_of_rest
from regtools.registries.listing import Api, ListedRepository

PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """What a repository has from its project."""

    path: str
    number: int | None = None
    has_registry: bool = True
    visibility: str | None = None
    policy: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        access = entry.optional_text("container_registry_access_level")
        return cls(
            path=entry.text("path_with_namespace"),
            number=_number(entry),
            has_registry=access != "disabled",
            # Members alone may see the registry, where the project says so.
            visibility="private" if access == "private" else entry.optional_text("visibility"),
            policy=policy_of_rest(entry),
        )


class Rest:
    """What REST tells of a group, a project, one repository, or all that the user belongs to."""

    def __init__(self, api: Api, server: Server, path: str) -> None:
        self._api = api
        self._server = server
        self._path = path
        self._tells_size: bool | None = None

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the repositories; their tags are for the registry itself to tell."""
        if not self._path:
            parameters = {"membership": "true", "order_by": "id", "pagination": "keyset"}
            async for read in self._of_projects("/projects", parameters):
                yield read
            return
        for path in projects_of(self._path):
            project: _Project | None = None
            try:
                async for page in self._pages_of_project(path):
                    project = project or await self._about(path)
                    yield await self._read(page, {}, project)
                return
            except NotFoundError:
                if project is not None:
                    raise
        async for read in self._of_namespace():
            yield read

    async def _about(self, path: str) -> _Project:
        """Ask for the project itself; a job token sees its registry alone."""
        try:
            answer = await self._api.get(
                f"{self._server.rest}/projects/{quote(path, safe='')}", what=f"the project {path}"
            )
        except RegistryError:
            return _Project(path=path)
        return _Project.of(Entry(answer.data, vendor=VENDOR, place="project"))

    async def _of_namespace(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give what is in a group and the groups below it, else in a user's own projects."""
        name = quote(self._path, safe="")
        projects: dict[int | None, _Project] = {}
        try:
            below = {"include_subgroups": "true", "order_by": "id"}
            async for page in self._pages(
                f"/groups/{name}/projects", f"the projects of {self._path}", below
            ):
                found = read_all(page, _Project.of, vendor=VENDOR, place="projects")
                projects |= {project.number: project for project in found.items}
                if found.problems:
                    yield Read(problems=found.problems)
        except NotFoundError:
            if "/" in self._path:
                raise
            async for read in self._of_projects(f"/users/{name}/projects", {"order_by": "id"}):
                yield read
            return
        async for page in self._pages(
            f"/groups/{name}/registry/repositories", f"the repositories of {self._path}"
        ):
            yield await self._read(page, projects)

    async def _of_projects(
        self, path: str, parameters: Mapping[str, str]
    ) -> AsyncIterator[Read[ListedRepository]]:
        async for page in self._pages(path, "the projects", parameters):
            projects = read_all(page, _Project.of, vendor=VENDOR, place="projects")
            if projects.problems:
                yield Read(problems=projects.problems)
            for project in projects.items:
                if not project.has_registry:
                    continue
                try:
                    async for inner in self._pages_of_project(project.path):
                        yield await self._read(inner, {}, project)
                except (DeniedError, NotFoundError):
                    continue  # Its registry is for others.

    async def _read(
        self,
        page: object,
        projects: Mapping[int | None, _Project],
        project: _Project | None = None,
    ) -> Read[ListedRepository]:
        """Read repositories, those of one project or each of one among several."""

        def parse(entry: Entry) -> ListedRepository:
            return _repository(
                entry, project or projects.get(entry.number("project_id")), self._server
            )

        read = read_all(page, parse, vendor=VENDOR, place="repositories")
        wanted = [one for one in read.items if is_within(one.name, self._path)]
        return Read(items=[await self._sized(one) for one in wanted], problems=read.problems)

    async def _sized(self, repository: ListedRepository) -> ListedRepository:
        """Add the size, which only servers with the registry's metadata database tell.

        It costs a request: one that is not told is asked for once, and for no other.
        """
        if self._tells_size is False:
            return repository
        try:
            answer = await self._api.get(
                f"{self._server.rest}/registry/repositories/{repository.key}",
                what=f"the size of {repository.name}",
                parameters={"size": "true"},
            )
            size = Entry(answer.data, vendor=VENDOR, place="repository").size("size")
        except RegistryError:
            size = None
        if self._tells_size is None:
            self._tells_size = size is not None
        return replace(repository, size=size)

    def _pages_of_project(self, path: str) -> AsyncIterator[object]:
        return self._pages(
            f"/projects/{quote(path, safe='')}/registry/repositories", f"the repositories of {path}"
        )

    async def _pages(
        self, path: str, what: str, parameters: Mapping[str, str] | None = None
    ) -> AsyncIterator[object]:
        url = f"{self._server.rest}{path}"
        asked: dict[str, str | int] = {"per_page": PAGE_SIZE, **(parameters or {})}
        seen: set[str] = set()
        while True:
            answer = await self._api.get(url, what=what, parameters=asked)
            yield answer.data
            if answer.next is None:
                return
            if answer.next in seen:
                raise odd(VENDOR, what, "gives the same page again and again")
            seen.add(answer.next)
            url, asked = answer.next, {}


def _number(entry: Entry) -> int:
    number = entry.number("id")
    if number is None:
        raise odd(VENDOR, "id", "is missing; a whole number is needed")
    return number


def _repository(entry: Entry, project: _Project | None, server: Server) -> ListedRepository:
    number = _number(entry)
    return ListedRepository(
        name=entry.repository("path"),
        visibility=project.visibility if project else None,
        page=server.page(project.path, number) if project else None,
        cleanup_policy=project.policy if project else None,
        key=str(number),
        tells_versions=False,
    )
