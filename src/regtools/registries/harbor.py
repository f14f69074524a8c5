"""Harbor.

Lists by: its own API below ``/api/v2.0``; the catalog is for system administrators. Authenticates
by: bearer tokens from ``/service/token`` for a user or robot account; it issues one even for a
wrong password (harbor#11632), so only an answer of the registry proves a login. Its API takes the
same user and password (Basic). Dedup scope: quotas count a blob once per project. Frees
bytes: when its garbage collection ran (Harbor documentation, project quotas, 2026-11).

Web page: its own. A repository's address holds the number of its project, which the API tells
(portal's ``artifact.module.ts``, 2026-08). Rules against moving tags are read where the account may
list them; only those for all tags of all repositories say something of a repository as a whole.

Source: Harbor's own description of its API, ``api/v2.0/swagger.yaml`` (goharbor/harbor, 2026-08).
Pages hold 100 at most; how many there are is in ``X-Total-Count``, since the query in its ``Link``
is not escaped. A repository's name in a path is escaped twice.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from regtools.errors import MalformedAnswerError, RegistryError
from regtools.registries._base import RegistryKind
from regtools.registries.entry import Entry, Read, odd, read_all
from regtools.registries.listing import (
    Api,
    CredentialShape,
    Inventory,
    ListedRepository,
    ListedTag,
    ListedVersion,
    Place,
    ReportedBytes,
    Rights,
    VendorApi,
    basic,
)

PAGE_SIZE: Final = 100
ADDRESS: Final = "/api/v2.0"
_VENDOR: Final = "Harbor"
_RIGHTS: Final = {
    "list": ("repository", "list"),
    "pull": ("repository", "pull"),
    "push": ("repository", "push"),
    "delete": ("artifact", "delete"),
}
"""What Harbor calls the actions (``src/common/rbac/const.go``): resource and action."""


class HarborInventory:
    """What Harbor tells of all projects, of one, or of one repository."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._projects: dict[str, Entry] = {}

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give each project's repositories, with what the project says of them."""
        async for projects in self._wanted_projects():
            for project in projects.items:
                name = project.text("name")
                self._projects[name] = project
                parse = partial(
                    _repository,
                    project=project,
                    policy=await self._retention(name, project),
                    immutable=await self._immutable(name),
                    address=self._place.api_url.removesuffix(ADDRESS),
                )
                path = f"/projects/{quote(name, safe='')}/repositories"
                async for page in self._pages(path, f"the repositories of {name}"):
                    yield read_all(page, parse, vendor=_VENDOR, place="repositories")
            if projects.problems:
                yield Read(problems=projects.problems)

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's artifacts, tagged or not."""
        project, _, rest = repository.name.partition("/")
        # Harbor's own web server unescapes a path once before its routes see it.
        twice = quote(quote(rest, safe=""), safe="")
        path = f"/projects/{quote(project, safe='')}/repositories/{twice}/artifacts"
        parameters = {
            "with_tag": "true",
            "with_accessory": "true",
            "with_immutable_status": "true",
        }
        async for page in self._pages(path, f"the artifacts of {repository.name}", parameters):
            read = read_all(page, _versions, vendor=_VENDOR, place="artifacts")
            found = [version for versions in read.items for version in versions]
            yield Read(items=found, problems=read.problems)

    async def reported(self) -> Read[ReportedBytes]:
        """Give what each project uses of its quota."""
        read: Read[ReportedBytes] = Read()
        for name in self._projects:
            path = f"/projects/{quote(name, safe='')}/summary"
            try:
                answer = await self._api.get(path, what=f"the quota of {name}")
                quota = Entry(answer.data, vendor=_VENDOR, place="summary").entry("quota")
                read.items += _quota(name, quota) if quota else []
            except MalformedAnswerError as error:
                read.problems.append(error)
            except RegistryError:
                continue  # A quota is for the project's administrators.
        return read

    async def rights(self) -> Rights | None:
        """Give what the account may do in the project that was asked for.

        Harbor's token server issues a token whatever was asked for, so the API tells more.
        """
        wanted = self._place.path.partition("/")[0]
        if not wanted or self._place.login.is_anonymous:
            return None
        project = Entry(await self._project(wanted), vendor=_VENDOR, place="project")
        answer = await self._api.get(
            "/users/current/permissions",
            what=f"what the account may do in {wanted}",
            parameters={"scope": f"/project/{project.number('project_id')}", "relative": "true"},
        )
        read = read_all(
            answer.data,
            lambda entry: (entry.text("resource"), entry.text("action")),
            vendor=_VENDOR,
            place="permissions",
        )
        return Rights(
            granted={action: one in read.items for action, one in _RIGHTS.items()},
            source="GET /api/v2.0/users/current/permissions",
        )

    async def _wanted_projects(self) -> AsyncIterator[Read[Entry]]:
        wanted = self._place.path.partition("/")[0]
        if wanted:
            project = await self._project(wanted)
            yield Read(items=[Entry(project, vendor=_VENDOR, place="project")])
            return
        async for page in self._pages("/projects", "the projects"):
            yield read_all(page, lambda entry: entry, vendor=_VENDOR, place="projects")

    async def _project(self, name: str) -> object:
        answer = await self._api.get(
            f"/projects/{quote(name, safe='')}", what=f"the project {name}"
        )
        return answer.data

    async def _immutable(self, name: str) -> bool | None:
        """Say whether no tag of a project can be moved; None where some can, or it is hidden."""
        try:
            answer = await self._api.get(
                f"/projects/{quote(name, safe='')}/immutabletagrules",
                what=f"the immutable tags of {name}",
                parameters={"page_size": PAGE_SIZE},
            )
            rules = read_all(answer.data, _covers_all, vendor=_VENDOR, place="immutabletagrules")
        except RegistryError:
            return None
        in_force = [covers for covers in rules.items if covers is not None]
        return None if rules.problems or (in_force and not any(in_force)) else bool(in_force)

    async def _retention(self, name: str, project: Entry) -> str | None:
        """Give a project's retention rules as JSON; None where it has none, or they are hidden."""
        metadata = project.entry("metadata")
        number = metadata.number("retention_id") if metadata else None
        if number is None:
            return None
        try:
            answer = await self._api.get(
                f"/retentions/{number}", what=f"the retention rules of {name}"
            )
        except RegistryError:
            return None
        return json.dumps(answer.data, sort_keys=True)

    async def _pages(
        self, path: str, what: str, parameters: Mapping[str, str] | None = None
    ) -> AsyncIterator[list[Any]]:
        """Give the pages of a list, until as many entries came as Harbor says there are."""
        seen, number = 0, 1
        while True:
            asked: dict[str, str | int] = {
                "page": number,
                "page_size": PAGE_SIZE,
                **(parameters or {}),
            }
            answer = await self._api.get(path, what=what, parameters=asked)
            if not isinstance(answer.data, list):
                raise odd(_VENDOR, what, "is no list")
            yield answer.data
            seen += len(answer.data)
            total = _total(answer.headers)
            if len(answer.data) < PAGE_SIZE if total is None else seen >= total:
                return
            if not answer.data:
                raise odd(_VENDOR, what, f"ends after {seen:,} of {total:,}")
            number += 1


def _total(headers: Mapping[str, str]) -> int | None:
    text = headers.get("x-total-count", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _visibility(project: Entry) -> str | None:
    metadata = project.entry("metadata")
    public = metadata.flag("public") if metadata else None
    return None if public is None else "public" if public else "private"


def _covers_all(rule: Entry) -> bool | None:
    """Say whether an immutable-tag rule is for all tags of all repositories; None: it is off."""
    if rule.flag("disabled"):
        return None
    scopes = rule.entry("scope_selectors")
    selectors = [*rule.entries("tag_selectors"), *(scopes.entries("repository") if scopes else ())]
    told = {(one.optional_text("decoration"), one.optional_text("pattern")) for one in selectors}
    return told == {("matches", "**"), ("repoMatches", "**")}


def _repository(
    entry: Entry, *, project: Entry, policy: str | None, immutable: bool | None, address: str
) -> ListedRepository:
    name = entry.repository("name")
    number = project.number("project_id")
    page = (
        f"{address}/harbor/projects/{number}/repositories/"
        f"{quote(name.partition('/')[2], safe='')}/artifacts-tab"
    )
    return ListedRepository(
        name=name,
        visibility=_visibility(project),
        pulls=entry.number("pull_count"),
        page=page if number is not None else None,
        tag_page=f"{page}/artifacts/{{digest}}" if number is not None else None,
        immutable=immutable,
        cleanup_policy=policy,
    )


def _versions(entry: Entry) -> list[ListedVersion]:
    """Give an artifact, and its accessories: signatures and the like are not listed otherwise."""
    artifact = ListedVersion(
        digest=entry.digest("digest"),
        tags=tuple(
            ListedTag(
                name=tag.tag("name"),
                pushed_at=tag.time("push_time"),
                pulled_at=tag.time("pull_time"),
                locked=tag.flag("immutable"),
            )
            for tag in entry.entries("tags")
        ),
        pushed_at=entry.time("push_time"),
        pulled_at=entry.time("pull_time"),
    )
    accessories = [
        ListedVersion(digest=one.digest("digest"), pushed_at=one.time("creation_time"))
        for one in entry.entries("accessories")
    ]
    return [artifact, *accessories]


def _quota(project: str, quota: Entry) -> list[ReportedBytes]:
    used, hard = quota.entry("used"), quota.entry("hard")
    size = used.size("storage") if used else None
    if size is None:
        return []
    return [
        ReportedBytes(
            scope="project",
            name=project,
            kind="quota_used",
            size=size,
            limit=hard.size("storage") if hard else None,
            source="GET /api/v2.0/projects/{project_name_or_id}/summary",
        )
    ]


def _open(api: Api, place: Place) -> Inventory:
    return HarborInventory(api, place)


HARBOR = RegistryKind(
    name="harbor",
    title="Harbor",
    dedup_scope="project",
    services=(r"harbor-registry",),
    page="https://{registry}/harbor/projects?name={owner}",
    ui_page="{ui}/harbor/projects?name={owner}",
    registry_page="https://{registry}/harbor/projects",
    ui_registry_page="{ui}/harbor/projects",
    ui_actions=("list", "delete", "visibility", "cleanup"),
    ui_note="its own; visibility is a project's, for all its repositories",
    authenticates="a user or a robot account",
    credentials=(
        CredentialShape(title="robot account", username=r"robot[$+].*", is_personal=False),
        CredentialShape(title="user", is_personal=True),
    ),
    mistake="A robot account's name begins with robot$ and holds its project: robot$project+name. In "
    "a shell the $ must be quoted. Users who sign in by OpenID need the CLI secret of their profile, "
    "not their password.",
    lists="its own API",
    collection="run Harbor's garbage collection: Administration, Clean Up.",
    vendor=VendorApi(
        open=_open,
        address=lambda _: ADDRESS,
        sign_in=basic,
        is_needed=False,
        tells=(
            "repositories",
            "untagged",
            "pushed",
            "pulled",
            "pulls",
            "visibility",
            "quota",
            "immutable",
            "cleanup",
        ),
        credential="a user, or a robot account that may list repositories, artifacts and tags",
    ),
)
