"""zot.

Lists by: ``_catalog`` and ``tags/list``; its search extension, where it is switched on, tells
digest, times and pulls of every tag by the hundred, so that no tag is asked for alone.
Authenticates by: htpasswd, LDAP, OpenID, bearer tokens or API keys (``zak_…``); the extension is
below ``/v2/`` and takes the same. Dedup scope: the registry (hard links between repositories).
Web page: its own (zui) at its own address, where the extension ``ui`` is switched on.

Source: ``pkg/extensions/search/schema.graphql``, ``resolver.go`` and ``pkg/meta/parse.go`` of
project-zot/zot @6d19b445 (2026-08). ``PushTimestamp`` came with 2.1.2 (2024-10). The extension
leaves out what zot takes for a signature, by tag or by subject, and indexes of which it holds no
image: the lists of the registry itself stay what counts. ``IsSigned`` and ``Referrers`` say
whether anything refers to an image. Repositories without a tag are in the catalog only. Nothing
but its configuration file tells the retention rules. No header tells zot from others, and asking
``/v2/_oci/ext/discover`` would cost every other registry a request: zot is known by ``kind``.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

from regtools.errors import NotFoundError
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
)

PAGE_SIZE: Final = 500
_VENDOR: Final = "zot"
_QUERY: Final = """{
 ImageList(repo: %(repo)s, requestedPage: %(page)s) {
  Page { TotalCount }
  Results {
   RepoName Tag Digest PushTimestamp LastPullTimestamp IsSigned
   Referrers { Digest } Manifests { IsSigned Referrers { Digest } }
  }
 }
 RepoListWithNewestImage(requestedPage: %(page)s) {
  Page { TotalCount }
  Results { Name Size DownloadCount }
 }
}"""


class ZotInventory:
    """What zot tells of all repositories, or of one."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._images: dict[str, dict[str, ListedVersion]] = {}
        self._summaries: dict[str, ListedRepository] = {}

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give what the catalog lists, with what the search extension says of it."""
        async for read in self._searched():
            yield read
        path = "/v2/_catalog"
        while path:
            answer = await self._api.get(path, what="the catalog", scope="registry:catalog:*")
            page = Entry(answer.data, vendor=_VENDOR, place="")
            names = page.texts("repositories")
            yield read_all(
                [{"name": name} for name in names],
                self._repository,
                vendor=_VENDOR,
                place="repositories",
            )
            path = answer.next or ""

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's tags, those that the extension does not know without a digest."""
        known = self._images.pop(repository.name, {})
        path = f"/v2/{quote(repository.name)}/tags/list"
        while path:
            try:
                answer = await self._api.get(
                    path,
                    what=f"the tags of {repository.name}",
                    scope=f"repository:{repository.name}:pull",
                )
            except NotFoundError:
                return  # Deleted meanwhile, or it never held a tag.
            names = Entry(answer.data, vendor=_VENDOR, place="").texts("tags")
            yield read_all(
                [{"name": name} for name in names],
                lambda entry: known.get(entry.tag("name")) or _untold(entry),
                vendor=_VENDOR,
                place="tags",
            )
            path = answer.next or ""

    async def reported(self) -> Read[ReportedBytes]:
        """Nothing: zot adds up no more than a repository."""
        return Read()

    async def rights(self) -> Rights | None:
        """Nothing: zot tells nobody what they may."""
        return None

    def _repository(self, entry: Entry) -> ListedRepository:
        name = entry.repository("name")
        return self._summaries.get(name) or ListedRepository(name=name)

    async def _searched(self) -> AsyncIterator[Read[ListedRepository]]:
        """Ask the search extension page by page; give only what was odd about its answers."""
        repo = self._place.path
        offset = 0
        while True:
            try:
                images, summaries = await self._search(repo, offset)
            except NotFoundError:
                return  # It is not switched on: the registry's own lists have it all, but for times.
            total = images.number("TotalCount") or 0
            if repo and not total:
                repo = ""  # What was named is a prefix of repositories.
                continue
            read = read_all(
                images.raw("Results"), _image, vendor=_VENDOR, place="ImageList.Results"
            )
            told = read_all(
                summaries.raw("Results"),
                _summary,
                vendor=_VENDOR,
                place="RepoListWithNewestImage.Results",
            )
            for name, version in read.items:
                self._images.setdefault(name, {})[version.tags[0].name] = version
            self._summaries.update({one.name: one for one in told.items})
            if problems := [*read.problems, *told.problems]:
                yield Read(problems=problems)
            most = max(total, summaries.number("TotalCount") or 0)
            offset += PAGE_SIZE
            if offset >= most:
                return
            if not (read.items or told.items):
                raise odd(_VENDOR, "Page.TotalCount", f"is {most:,}, but nothing comes any more")

    async def _search(self, repo: str, offset: int) -> tuple[Entry, Entry]:
        """Give a page of images and one of repositories, each with its `TotalCount`."""
        page = f"{{limit: {PAGE_SIZE}, offset: {offset}, sortBy: ALPHABETIC_ASC}}"
        # JSON's way to write a text is GraphQL's too.
        query = " ".join((_QUERY % {"repo": json.dumps(repo), "page": page}).split())
        answer = await self._api.get(
            "/v2/_zot/ext/search", what="zot's images", parameters={"query": query}
        )
        told = Entry(answer.data, vendor=_VENDOR, place="")
        data = told.entry("data")
        if data is None:
            raise odd(_VENDOR, "data", f"is missing; errors says {_said(told)}")
        return _paged(data, "ImageList"), _paged(data, "RepoListWithNewestImage")


def _said(answer: Entry) -> str:
    messages = [error.text("message") for error in answer.entries("errors")]
    return ascii(messages[0])[:200] if messages else "nothing"


def _paged(data: Entry, name: str) -> Entry:
    found = data.entry(name)
    page = found.entry("Page") if found else None
    if found is None or page is None:
        raise odd(_VENDOR, f"data.{name}", "is missing, or has no Page")
    flat = {"Results": found.raw("Results"), "TotalCount": page.number("TotalCount")}
    return Entry(flat, vendor=_VENDOR, place=f"data.{name}")


def _image(entry: Entry) -> tuple[str, ListedVersion]:
    parts = [entry, *entry.entries("Manifests")]
    version = ListedVersion(
        digest=entry.digest("Digest"),
        tags=(ListedTag(name=entry.tag("Tag")),),
        pushed_at=entry.time("PushTimestamp"),
        pulled_at=entry.time("LastPullTimestamp"),
        is_referred_to=any(one.flag("IsSigned") or one.entries("Referrers") for one in parts),
    )
    return entry.repository("RepoName"), version


def _summary(entry: Entry) -> ListedRepository:
    return ListedRepository(
        name=entry.repository("Name"),
        size=entry.size("Size"),
        pulls=entry.number("DownloadCount"),
    )


def _untold(entry: Entry) -> ListedVersion:
    return ListedVersion(digest=None, tags=(ListedTag(name=entry.tag("name")),))


def _open(api: Api, place: Place) -> Inventory:
    return ZotInventory(api, place)


ZOT = RegistryKind(
    name="zot",
    title="zot",
    dedup_scope="registry",
    ui_page="{ui}/image/{repository_quoted}",
    ui_tag_page="{ui}/image/{repository_quoted}/tag/{tag}",
    ui_registry_page="{ui}/explore",
    ui_actions=("list", "delete"),
    ui_note="zui, at the registry's own address where its extension ui is switched on",
    authenticates="user name and password, or an API key",
    credentials=(CredentialShape(title="API key", secret=r"zak_", is_personal=True),),  # noqa: S106
    mistake="Users who sign in by OpenID have no password: they make an API key in zot's web page, "
    "and give it as the password, with their user name (often their e-mail address).",
    lists="the catalog; its search extension adds times and pulls",
    vendor=VendorApi(
        open=_open,
        address=lambda _: "",
        is_needed=False,
        tells=("repositories", "pushed", "pulled", "pulls", "size"),
        credential="the registry's own user, with read access",
    ),
)
