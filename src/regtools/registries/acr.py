"""Azure Container Registry.

Lists by: its own API below ``/acr/v1`` on the registry's host, behind the registry's own challenge
(scopes ``registry:catalog:*`` and ``repository:NAME:metadata_read``); manifests come with their
tags. Authenticates by: bearer tokens from ``/oauth2/token`` for a service principal, the admin
user, a repository-scoped token or an identity token; a Microsoft Entra access token is handed in
at ``/oauth2/exchange`` for an identity token, and goes nowhere else. Dedup scope: the registry (its
``StorageUsed`` counts a shared layer once; Microsoft documentation, 2026-11).

Sources: azure-rest-api-specs, ``containerregistry.json`` of the data plane 2021-07-01 (which names
no largest page; 100 is its default, and what Microsoft's own clients ask for); Azure/acr,
``docs/AAD-OAuth.md``; looked up 2026-11. ``Link`` is relative, times have seven digits of a second.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final
from urllib.parse import quote

import anyio

from regtools.claims import claims_of
from regtools.errors import DeniedError, MalformedAnswerError, RegistryError, UnauthorizedError
from regtools.registries._base import RegistryKind
from regtools.registries.entry import Entry, Read, odd, read_all
from regtools.registries.listing import (
    Api,
    CredentialShape,
    IdentityExchange,
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
NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""The user name that goes with a token in a password's place."""
_VENDOR: Final = "Azure Container Registry"
_ISSUER: Final = "Azure Container Registry"
_AT_ONCE: Final = 8
_CATALOG: Final = "registry:catalog:*"


class AcrInventory:
    """What a registry tells of all its repositories, of a prefix, or of one."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the repositories of the catalog, with whether they are locked."""
        found = False
        try:
            async for page in self._pages("/acr/v1/_catalog", "the catalog", _CATALOG):
                read = _names(page)
                read.items = [name for name in read.items if self._is_wanted(name)]
                found = found or bool(read.items)
                yield await self._described(read)
        except (UnauthorizedError, DeniedError) as refusal:
            # A repository-scoped token may not list, but what is named is its own.
            if found or not self._place.path:
                raise
            yield Read(items=[await self._repository(self._place.path)])
            raise refusal from None

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's manifests, tagged or not.

        Its tags are asked for first: each has a time and a lock of its own.
        """
        name = repository.name
        tags: dict[str, ListedTag] = {}
        path, what = f"{_path(name)}/_tags", f"the tags of {name}"
        async for page in self._pages(path, what, _scope(name)):
            told = read_all(page.raw("tags"), _tag, vendor=_VENDOR, place="tags")
            tags.update({tag.name: tag for tag in told.items})
            if told.problems:
                yield Read(problems=told.problems)
        path, what = f"{_path(name)}/_manifests", f"the manifests of {name}"
        async for page in self._pages(path, what, _scope(name)):
            yield read_all(
                page.raw("manifests"),
                lambda entry: _version(entry, tags),
                vendor=_VENDOR,
                place="manifests",
            )

    async def reported(self) -> Read[ReportedBytes]:
        """Nothing: usage is told by Azure Resource Manager, to whoever may see the subscription."""
        return Read()

    async def rights(self) -> Rights | None:
        """Read what an identity token says of its owner; other credentials say nothing."""
        claims = _lowered(claims_of(self._place.login.secret) or {})
        permissions = claims.get("permissions")
        if claims.get("iss") != _ISSUER or not isinstance(permissions, Mapping):
            return None
        told = _lowered(permissions)
        held, withheld = _texts(told.get("actions")), _texts(told.get("notactions"))

        def may(action: str) -> bool:
            return bool({action, "*"} & held) and not {action, "*"} & withheld

        return Rights(
            kind="identity token",
            granted={
                "list": may("read"),
                "pull": may("read"),
                "push": may("write"),
                "delete": may("delete"),
            },
            scopes=tuple(sorted(held)),
            source="the identity token",
        )

    def _is_wanted(self, name: str) -> bool:
        path = self._place.path
        return not path or f"{name}/".startswith(f"{path}/")

    async def _described(self, names: Read[str]) -> Read[ListedRepository]:
        """Ask for what is known of each repository, some at once."""
        read: Read[ListedRepository] = Read(problems=names.problems)
        found: dict[str, ListedRepository] = {}
        limiter = anyio.CapacityLimiter(_AT_ONCE)

        async def one(name: str) -> None:
            async with limiter:
                try:
                    found[name] = await self._repository(name)
                except MalformedAnswerError as error:
                    read.problems.append(error)
                    found[name] = ListedRepository(name=name)
                except RegistryError:
                    # What it holds is asked for next, and may say more.
                    found[name] = ListedRepository(name=name)

        async with anyio.create_task_group() as tasks:
            for name in names.items:
                tasks.start_soon(one, name)
        read.items = [found[name] for name in names.items]
        return read

    async def _repository(self, name: str) -> ListedRepository:
        answer = await self._api.get(_path(name), what=f"the repository {name}", scope=_scope(name))
        entry = Entry(answer.data, vendor=_VENDOR, place="repository")
        attributes = entry.entry("changeableAttributes")
        can_write = attributes.flag("writeEnabled") if attributes else None
        return ListedRepository(name=name, immutable=None if can_write is None else not can_write)

    async def _pages(self, path: str, what: str, scope: str) -> AsyncIterator[Entry]:
        """Give the pages of a list; one that comes again would never end."""
        asked, seen = path, set[str]()
        parameters: dict[str, str | int] = {"n": PAGE_SIZE}
        while True:
            answer = await self._api.get(asked, what=what, parameters=parameters, scope=scope)
            yield Entry(answer.data, vendor=_VENDOR, place="")
            if answer.next is None:
                return
            if answer.next in seen:
                raise odd(_VENDOR, what, "goes on at a page that came before")
            seen.add(answer.next)
            asked, parameters = answer.next, {}


def _path(name: str) -> str:
    return f"/acr/v1/{quote(name)}"


def _scope(name: str) -> str:
    return f"repository:{name}:metadata_read"


def _names(page: Entry) -> Read[str]:
    """Read a page of the catalog; a name that breaks the grammar does not spoil the others."""
    listed = [{"name": name} for name in page.texts("repositories")]
    return read_all(
        listed, lambda entry: entry.repository("name"), vendor=_VENDOR, place="repositories"
    )


def _tag(entry: Entry) -> ListedTag:
    return ListedTag(
        name=entry.tag("name"), pushed_at=entry.time("lastUpdateTime"), locked=_locked(entry)
    )


def _locked(entry: Entry) -> bool | None:
    """Whether it may not be deleted: ``acr purge`` leaves out what lacks either right."""
    attributes = entry.entry("changeableAttributes")
    if attributes is None:
        return None
    rights = [attributes.flag(name) for name in ("deleteEnabled", "writeEnabled")]
    return None if rights == [None, None] else False in rights


def _version(entry: Entry, tags: Mapping[str, ListedTag]) -> ListedVersion:
    return ListedVersion(
        digest=entry.digest("digest"),
        tags=tuple(tags.get(tag, ListedTag(name=tag)) for tag in entry.tags("tags")),
        pushed_at=entry.time("createdTime"),
        locked=_locked(entry),
    )


def _lowered(claims: Mapping[str, object]) -> dict[str, object]:
    """Azure writes some names with a capital letter, at times."""
    return {str(name).lower(): value for name, value in claims.items()}


def _texts(value: object) -> frozenset[str]:
    return (
        frozenset(one for one in value if isinstance(one, str))
        if isinstance(value, list)
        else frozenset()
    )


def _entra_form(login: Login, service: str) -> Mapping[str, str] | None:
    """Tell a Microsoft Entra access token, which names its tenant, and say how to hand it in."""
    claims = claims_of(login.secret) or {}
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or claims.get("iss") == _ISSUER:
        return None
    return {
        "grant_type": "access_token",
        "service": service,
        "tenant": tenant,
        "access_token": login.secret,
    }


def _open(api: Api, place: Place) -> Inventory:
    return AcrInventory(api, place)


ACR = RegistryKind(
    name="acr",
    title="Azure Container Registry",
    dedup_scope="registry",
    hosts=(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.azurecr\.(?:io|us|cn)",),
    services=(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.azurecr\.(?:io|us|cn)",),
    ui_actions=("list", "delete", "cleanup"),
    # A registry's own page holds its subscription and resource group, which the registry does not tell.
    registry_page="https://portal.azure.com/#view/HubsExtension/BrowseResource/resourceType/"
    "Microsoft.ContainerRegistry%2Fregistries",
    ui_note="the Azure portal; its cleanup is for untagged manifests (Premium)",
    authenticates="a service principal, a token, or `az acr login --expose-token`",
    credentials=(
        CredentialShape(
            title="identity token or Microsoft Entra access token",
            username=NOBODY,
            expires_in="about three hours, or about one",
        ),
        CredentialShape(
            title="service principal",
            username=r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            is_personal=False,
        ),
        CredentialShape(title="admin user or repository-scoped token", username=r"\S+"),
    ),
    mistake=f"A token from `az acr login --expose-token` is a password for the user {NOBODY}, and "
    "ends after about three hours. A service principal's secret ends on a day of its own, and its "
    "role (AcrPull) must be given on this registry. The admin user has to be switched on.",
    lists="its own API on the registry's host",
    identity=IdentityExchange(path="/oauth2/exchange", form=_entra_form),
    vendor=VendorApi(
        open=_open,
        address=lambda _: "",
        tells=("repositories", "untagged", "pushed", "immutable"),
        credential="a credential that may read metadata (AcrPull, or a token with metadata/read)",
    ),
)
