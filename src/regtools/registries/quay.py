"""Quay.io and self-hosted Quay.

Lists by: its own API below ``/api/v1``, namespace by namespace; a robot account, which that API
does not know, by ``_catalog`` with opaque cursors. Authenticates by: bearer tokens from
``/v2/auth`` for a robot account; the API takes an OAuth token of an application, or nobody, who
sees what is public. Dedup scope: the namespace, for its quotas. Web page: the same paths in its
old and new interface (``static/js/quay-routes.module.ts``, ``web/src/routes/NavigationPath.tsx``).

Source: the endpoints themselves, ``endpoints/api/*.py`` of quay/quay @ffba0c70 (2026-08); there is
no description of them for machines. Repositories come a hundred on a page, with an encrypted
``next_page`` that the server takes for page one where it cannot read it; tags come by number, with
``has_additional``. Deleted tags are tags too unless only active ones are asked for. Their
``popularity`` counts actions of all sorts, no pulls, and is not asked for. Manifests without a tag
are not told. A realm that ends in ``/v2/auth`` is Quay's alone (``auth/registry_jwt_auth.py``).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Final
from urllib.parse import quote

from regtools.errors import (
    DeniedError,
    MalformedAnswerError,
    RegistryError,
    UnauthorizedError,
    UnsupportedError,
)
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
    Place,
    ReportedBytes,
    Rights,
    VendorApi,
    bearer,
)

PAGE_SIZE: Final = 100
"""The most tags on a page; of repositories it is the server's own size."""
_VENDOR: Final = "Quay"
_COUNTING: Final = ("waiting", "running")


class QuayInventory:
    """What Quay tells of one namespace, or of those of whoever asks."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._listed: list[str] = []

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give each namespace's repositories."""
        for namespace in await self._namespaces():
            self._listed.append(namespace)
            parse = partial(_repository, policy=await self._cleanup_policy(namespace))
            seen: set[str] = set()
            async for page in self._repository_pages(namespace):
                read = read_all(
                    page.raw("repositories"), parse, vendor=_VENDOR, place="repositories"
                )
                fresh = {one.name for one in read.items} - seen
                if read.items and not fresh:
                    raise odd(_VENDOR, "next_page", "leads to repositories that were listed before")
                seen |= fresh
                yield read

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's tags of today; what has none is not told."""
        number = 1
        seen: set[str] = set()
        while True:
            answer = await self._api.get(
                f"/repository/{quote(repository.name)}/tag/",
                what=f"the tags of {repository.name}",
                parameters={"limit": PAGE_SIZE, "page": number, "onlyActiveTags": "true"},
            )
            page = Entry(answer.data, vendor=_VENDOR, place="")
            read = read_all(page.raw("tags"), _version, vendor=_VENDOR, place="tags")
            names = {tag.name for version in read.items for tag in version.tags}
            yield read
            more = page.flag("has_additional")
            if more is None:
                raise odd(_VENDOR, "has_additional", "is missing; true or false is needed")
            if not more:
                return
            if not names - seen:
                raise odd(_VENDOR, "has_additional", f"is true, but page {number} had nothing new")
            seen |= names
            number += 1

    async def reported(self) -> Read[ReportedBytes]:
        """Give what each organization uses of its quota, where quotas are managed."""
        read: Read[ReportedBytes] = Read()
        for namespace in self._listed if not self._place.login.is_anonymous else ():
            try:
                answer = await self._organization(namespace)
                read.items += _quota(
                    namespace, Entry(answer.data, vendor=_VENDOR, place="organization")
                )
            except MalformedAnswerError as error:
                read.problems.append(error)
            except RegistryError:
                continue  # It is a user's, or somebody else's organization.
        return read

    async def rights(self) -> Rights | None:
        """Tell whether it may list; of pull and push, the registry's own token tells."""
        if self._place.login.is_anonymous:
            return None
        may = True
        try:
            namespace = (await self._namespaces())[0]
            await self._api.get("/repository", what="repositories", parameters=_query(namespace))
        except (UnauthorizedError, DeniedError):
            may = False
        return Rights(granted={"list": may}, source="GET /api/v1/repository")

    async def _namespaces(self) -> list[str]:
        """Give the namespace that was asked for, else those of whoever asks.

        Raises
        ------
        UnsupportedError
            Code ``NAMESPACE_NEEDED``: Quay lists no registry as a whole, and does not say whose
            namespaces to take.
        """
        wanted = self._place.path.partition("/")[0]
        if wanted:
            return [wanted]
        if self._place.login.is_anonymous:
            raise _namespace_needed(self._place.registry)
        try:
            answer = await self._api.get("/user/", what="whose token it is")
        except (UnauthorizedError, DeniedError) as error:
            raise _namespace_needed(self._place.registry) from error
        user = Entry(answer.data, vendor=_VENDOR, place="user")
        return [user.text("username"), *(one.text("name") for one in user.entries("organizations"))]

    async def _repository_pages(self, namespace: str) -> AsyncIterator[Entry]:
        """Give the pages of a namespace, until no token leads on or one comes again."""
        tokens: set[str] = set()
        token: str | None = None
        while True:
            answer = await self._api.get(
                "/repository",
                what=f"the repositories of {namespace}",
                parameters={**_query(namespace), **({"next_page": token} if token else {})},
            )
            page = Entry(answer.data, vendor=_VENDOR, place="")
            yield page
            token = page.optional_text("next_page")
            if token is None:
                return
            if token in tokens:
                raise odd(_VENDOR, "next_page", "comes again: the pages go round in a circle")
            tokens.add(token)

    async def _cleanup_policy(self, namespace: str) -> str | None:
        """Give an organization's auto-prune rules as JSON, where its owners' token asks."""
        if self._place.login.is_anonymous:
            return None
        try:
            answer = await self._api.get(
                f"/organization/{quote(namespace, safe='')}/autoprunepolicy/",
                what=f"the auto-prune rules of {namespace}",
            )
        except RegistryError:
            return None
        rules = Entry(answer.data, vendor=_VENDOR, place="autoprunepolicy").raw("policies")
        return json.dumps(rules, sort_keys=True) if rules else None

    async def _organization(self, namespace: str) -> Answer:
        return await self._api.get(
            f"/organization/{quote(namespace, safe='')}", what=f"the quota of {namespace}"
        )


def _query(namespace: str) -> Mapping[str, str | int]:
    # Without `public`, what is public is left out for somebody who is no member.
    return {"namespace": namespace, "public": "true"}


def _namespace_needed(registry: str) -> UnsupportedError:
    return UnsupportedError(
        "Quay lists one namespace at a time, and does not tell whose to take: name one, as in "
        f"{registry}/NAMESPACE, or give an OAuth token with the scope user:read.",
        code="NAMESPACE_NEEDED",
        remedy=f"Scan {registry}/NAMESPACE, each organization as a registry of its own in "
        "regtools.toml.",
    )


def _repository(entry: Entry, *, policy: str | None) -> ListedRepository:
    public = entry.flag("is_public")
    quota = entry.entry("quota_report")
    return ListedRepository(
        name=_joined(entry).repository("name"),
        visibility=None if public is None else "public" if public else "private",
        size=quota.size("quota_bytes") if quota else None,
        cleanup_policy=policy,
    )


def _joined(entry: Entry) -> Entry:
    """Put a repository's two names together, as a reference has them."""
    name = f"{entry.text('namespace')}/{entry.text('name')}"
    return Entry({"name": name}, vendor=_VENDOR, place="repositories")


def _version(entry: Entry) -> ListedVersion:
    pushed_at = entry.mail_time("last_modified")
    # Quay 3.16 and later have tags that can neither be moved nor deleted.
    tag = ListedTag(name=entry.tag("name"), pushed_at=pushed_at, locked=entry.flag("immutable"))
    return ListedVersion(digest=entry.digest("manifest_digest"), tags=(tag,), pushed_at=pushed_at)


def _quota(namespace: str, organization: Entry) -> list[ReportedBytes]:
    quota = organization.entry("quota_report")
    used = quota.size("quota_bytes") if quota else None
    # A quota switched on later is counted by and by; until then the number is too small.
    is_counting = quota is not None and quota.optional_text("backfill_status") in _COUNTING
    if quota is None or used is None or is_counting:
        return []
    return [
        ReportedBytes(
            scope="namespace",
            name=namespace,
            kind="quota_used",
            size=used,
            limit=quota.size("configured_quota"),
            source="GET /api/v1/organization/{orgname}",
        )
    ]


def _open(api: Api, place: Place) -> Inventory:
    return QuayInventory(api, place)


QUAY = RegistryKind(
    name="quay",
    title="Quay",
    dedup_scope="namespace",
    hosts=(r"quay\.io",),
    realm_paths=("/v2/auth",),
    page="https://{registry}/repository/{repository}",
    ui_page="{ui}/repository/{repository}",
    tag_page="https://{registry}/repository/{repository}/tag/{tag}",
    ui_tag_page="{ui}/repository/{repository}/tag/{tag}",
    registry_page="https://{registry}/repository/",
    ui_registry_page="{ui}/repository/",
    ui_actions=("list", "delete", "visibility", "cleanup"),
    ui_note="its own; a deleted tag comes back for days (time machine)",
    authenticates="a robot account; its API an OAuth token",
    credentials=(
        CredentialShape(title="OAuth token of an application", username=r"\$oauthtoken"),
        CredentialShape(
            title="robot account", username=r"[^+]+\+.+", opens_api=False, is_personal=False
        ),
        CredentialShape(
            title="application token", username=r"\$app", opens_api=False, is_personal=True
        ),
        CredentialShape(
            title="access token of a repository",
            username=r"\$token",
            opens_api=False,
            is_personal=False,
        ),
        CredentialShape(title="user", username=r".+", opens_api=False, is_personal=True),
    ),
    mistake="A robot account's name holds its namespace: namespace+robot, and in a shell it may "
    "need quotes. With an OAuth token the user is $oauthtoken, with an application token $app. "
    "Users who sign in by somebody else have no password here: they take an encrypted password or "
    "an application token from their settings.",
    lists="its own API, a namespace at a time",
    vendor=VendorApi(
        open=_open,
        address=lambda _: "/api/v1",
        sign_in=bearer,
        is_needed=False,
        tells=("repositories", "pushed", "visibility", "size", "quota", "cleanup"),
        credential="an OAuth token of an application with the scopes repo:read and user:read",
    ),
)
