"""GitHub Container Registry.

Lists by: GitHub's Packages API; ``_catalog`` answers 404. Authenticates by: bearer tokens for a
classic personal access token with ``read:packages``, which is what the API wants too. Dedup scope:
GitHub does not say. Deletes by: the Packages API, and not by the protocol (Harbor's adapter
for it, read 2026-11). Sizes and pulls: nobody tells; manifests have to be read.

Sources: GitHub's OpenAPI description (``@octokit/openapi`` 23.0.2); "REST API endpoints for
packages", "Working with the Container registry" and "Rate limits for the REST API" on
docs.github.com (2026-11). An image of several platforms is one version for its index and one
more, without a tag, for each platform: those belong to it and are no waste.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import quote

from regtools.errors import MalformedAnswerError, NotFoundError
from regtools.registries._base import RegistryKind
from regtools.registries.entry import Entry, Read, odd, read_all
from regtools.registries.listing import (
    Answer,
    Api,
    CredentialShape,
    Inventory,
    ListedRepository,
    ListedTag,
    ListedVersion,
    Login,
    Place,
    ReportedBytes,
    Rights,
    VendorApi,
)

PAGE_SIZE: Final = 100
API_VERSION: Final = "2022-11-28"

_VENDOR: Final = "GitHub"
_OWNERS: Final = ("orgs", "users")
"""How the API calls them; which of the two a name is, only an answer tells."""
_EXPIRES: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (UTC|[+-]\d{4})", re.ASCII)
_MAY: Final[Mapping[str, tuple[str, ...]]] = {
    "read:packages": ("list", "pull"),
    "write:packages": ("list", "pull", "push"),
    "delete:packages": ("delete",),
}
"""What GitHub's scopes allow here; to write includes to read."""


class GitHubInventory:
    """What GitHub tells of the packages of one owner, of one package, or of whoever asks."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the one package that is named, else the owner's, else those of whoever asks.

        A name below an owner that is no package is a prefix: all of the owner's are given.
        """
        owner, _, name = self._place.path.partition("/")
        if not owner:
            async for page in self._packages("/user"):
                yield page
            return
        if name and (found := await self._named(owner, name)):
            yield found
            return
        try:
            async for page in self._packages(f"/orgs/{owner}"):
                yield page
        except NotFoundError:
            async for page in self._packages(f"/users/{owner}"):
                yield page

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give every version, tagged or not."""
        path = f"{repository.key}/versions"
        async for page in self._pages(path, f"the versions of {repository.name}", {}):
            yield read_all(page, _version, vendor=_VENDOR, place="versions")

    async def reported(self) -> Read[ReportedBytes]:
        """Nothing: GitHub tells gigabyte-hours to those who pay, and no bytes."""
        return Read()

    async def rights(self) -> Rights | None:
        """Give what the headers of any answer say of a classic token; None: they say nothing."""
        answer = await self._api.get(
            "/user/packages",
            what="the rights of whoever asks",
            parameters={"package_type": "container", "per_page": 1},
        )
        told = answer.headers.get("x-oauth-scopes")
        if told is None:
            return None  # Fine-grained tokens, and those of Actions, have no such scopes.
        scopes = tuple(word for word in (part.strip() for part in told.split(",")) if word)
        granted = {action for scope in scopes for action in _MAY.get(scope, ())}
        return Rights(
            expires_at=_expiry(answer),
            granted={action: action in granted for action in ("list", "pull", "push", "delete")},
            scopes=scopes,
            source="the header X-OAuth-Scopes",
        )

    async def _named(self, owner: str, name: str) -> Read[ListedRepository] | None:
        for kind in _OWNERS:
            base = f"/{kind}/{owner}"
            try:
                answer = await self._api.get(_package(base, name), what=f"the package {name}")
            except NotFoundError:
                continue
            entry = Entry(answer.data, vendor=_VENDOR, place="package")
            return Read(items=[_repository(entry, base=base, owner=owner)])
        return None

    async def _packages(self, base: str) -> AsyncIterator[Read[ListedRepository]]:
        owner = base.rpartition("/")[2] if base != "/user" else ""
        parse = partial(_repository, base=base, owner=owner)
        what = f"the packages of {owner or 'your own'}"
        parameters = {"package_type": "container"}
        async for page in self._pages(f"{base}/packages", what, parameters):
            yield read_all(page, parse, vendor=_VENDOR, place="packages")

    async def _pages(
        self, path: str, what: str, parameters: Mapping[str, str]
    ) -> AsyncIterator[list[object]]:
        """Give the pages of a list, as far as each links to the next.

        Raises
        ------
        MalformedAnswerError
            Codes ``PAGE_FOREIGN_HOST``, ``PAGE_REPEATED``, ``VENDOR_ANSWER_ODD``.
        """
        asked: set[str] = set()
        answer = await self._api.get(
            path, what=what, parameters={**parameters, "per_page": PAGE_SIZE}
        )
        while True:
            if not isinstance(answer.data, list):
                raise odd(_VENDOR, what, "is no list")
            yield answer.data
            if answer.next is None:
                return
            if answer.next in asked or not answer.data:
                raise MalformedAnswerError(
                    f"{_VENDOR} gives the same page of {what} again and again.",
                    code="PAGE_REPEATED",
                )
            asked.add(answer.next)
            answer = await self._api.get(answer.next, what=what)


async def sign_in(api: Api, login: Login) -> Mapping[str, str]:
    """Show the token, and say which version of the API is meant."""
    del api
    about = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
    return about if login.is_anonymous else {**about, "Authorization": f"Bearer {login.secret}"}


def _package(base: str, name: str) -> str:
    # A slash in a package's name is part of it.
    return f"{base}/packages/container/{quote(name, safe='')}"


def _repository(entry: Entry, *, base: str, owner: str) -> ListedRepository:
    name = entry.repository("name")
    return ListedRepository(
        name=f"{owner or _owner(entry)}/{name}",
        visibility=entry.optional_text("visibility"),
        page=entry.optional_text("html_url"),
        key=_package(base, name),
    )


def _owner(entry: Entry) -> str:
    """Give whose package it is, as references have it: in small letters."""
    owner = entry.entry("owner")
    return (owner or entry).text("login").lower()


def _version(entry: Entry) -> ListedVersion:
    """Give a version: its name is a digest. That its tags were moved is told by the last change."""
    created, changed = entry.time("created_at"), entry.time("updated_at")
    metadata = entry.entry("metadata")
    container = metadata.entry("container") if metadata else None
    names = container.tags("tags") if container else ()
    page = entry.optional_text("html_url")
    return ListedVersion(
        digest=entry.digest("name"),
        tags=tuple(ListedTag(name=name, pushed_at=changed or created, page=page) for name in names),
        pushed_at=created or changed,
    )


def _expiry(answer: Answer) -> datetime | None:
    """Read ``2026-12-24 10:00:00 UTC``; a token without an end has no such header."""
    match = _EXPIRES.fullmatch(
        answer.headers.get("github-authentication-token-expiration", "").strip()
    )
    if match is None:
        return None
    zone = "+0000" if match[2] == "UTC" else match[2]
    try:
        return datetime.strptime(f"{match[1]} {zone}", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None


def _address(registry: str) -> str | None:
    """Give where the API of a registry is; a GitHub Enterprise Server's has to be told."""
    if registry == "ghcr.io":
        return "https://api.github.com"
    match = re.fullmatch(_RESIDENT, registry)
    return f"https://api.{match[1]}" if match else None


def _open(api: Api, place: Place) -> Inventory:
    return GitHubInventory(api, place)


_RESIDENT: Final = r"containers\.([a-z0-9-]+\.ghe\.com)"
"""GitHub Enterprise Cloud with data residency."""
_WANTED: Final = "a classic personal access token with read:packages"

GHCR = RegistryKind(
    name="ghcr",
    title="GitHub Container Registry",
    dedup_scope="unknown",
    hosts=(r"ghcr\.io", _RESIDENT),
    page="https://github.com/{owner}?tab=packages&q={name_quoted}",
    ui_actions=("list", "delete", "visibility"),
    ui_note="the owner's packages; old versions go by hand or by a workflow",
    authenticates=_WANTED,
    credentials=(
        # Whose it is does not tell: GHCR takes no other from a machine's own account either.
        CredentialShape(title="classic personal access token", secret=r"ghp_"),  # noqa: S106
        CredentialShape(
            title="fine-grained personal access token",
            secret=r"github_pat_",  # noqa: S106
            mistake="GitHub Packages does not take fine-grained tokens: create a classic one with "
            "read:packages.",
            is_personal=True,
        ),
        CredentialShape(
            title="token of GitHub Actions or of an app",
            secret=r"ghs_",  # noqa: S106
            mistake="It sees only packages that are linked to its repository, and lists no "
            "owner's: the workflow needs permissions: packages: read, and the packages be named.",
            expires_in="as long as the job, at most a day",
            is_personal=False,
        ),
        CredentialShape(
            title="token of the gh command",
            secret=r"gho_",  # noqa: S106
            is_personal=True,
        ),
    ),
    mistake="The token must be a classic one (ghp_…) with read:packages; where the organization "
    "has single sign-on, authorize it there too. Anything does as user name.",
    lists="the Packages API",
    deletion="GitHub deletes package versions on the package's page or by its Packages API.",
    vendor=VendorApi(
        open=_open,
        address=_address,
        sign_in=sign_in,
        is_needed=True,
        tells=("repositories", "untagged", "pushed", "visibility"),
        credential=_WANTED,
    ),
)
