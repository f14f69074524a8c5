"""Docker Hub.

Lists by: the Hub's own API at ``hub.docker.com``, a namespace at a time; ``_catalog`` answers 401.
Authenticates by: bearer tokens from ``auth.docker.io``; the API by a token of its own, for the
same user name and secret, that lives ten minutes. Dedup scope: Docker does not say. GET of a
manifest counts as a pull, HEAD and the API do not.

Sources: Docker's description of the API (docker/docs, ``content/reference/api/hub/latest.yaml``,
2026-08); "Usage and limits" and "Organization access tokens" on docs.docker.com (2026-11). That a
tag has a ``digest`` and ``images`` are a list stands in no description, but is what the API gives
and clients read (renovatebot/renovate, ``datasource/docker/schema.ts``, 2026-11).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

from regtools.claims import claims_of
from regtools.errors import ConfigError, MalformedAnswerError, NotFoundError
from regtools.reference import DOCKER_HUB
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
SIGN_IN: Final = "/v2/auth/token"
LISTS_PRIVATE: Final = "scope-repository-list"
"""What an organization's access token needs to list what is private."""

_VENDOR: Final = "Docker Hub"
_ORGANIZATION_TOKEN: Final = "dckr_oat_"  # noqa: S105  # how such a secret begins
_MAY: Final[Mapping[str, tuple[str, ...]]] = {
    "repo:admin": ("list", "pull", "push", "delete"),
    "repo:write": ("list", "pull", "push"),
    "repo:read": ("list", "pull"),
    LISTS_PRIVATE: ("list",),
    "scope-image-pull": ("pull",),
    "scope-image-push": ("pull", "push"),
    "scope-tag-admin": ("delete",),
}
"""Docker's scopes, and what they allow here; each of a personal token holds those below it."""
_EVERY_TAG: Final = frozenset({".*", "^.*$", ".+", "^.+$"})


class HubInventory:
    """What Docker Hub tells of one namespace, or of one repository."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the namespace's repositories, or the one that is named.

        Raises
        ------
        ConfigError
            Code ``NAMESPACE_NEEDED``: nobody may list the whole of Docker Hub.
        """
        namespace, _, name = self._place.path.partition("/")
        if not namespace:
            raise _namespace_needed(self._place.login)
        path = f"/v2/namespaces/{quote(namespace, safe='')}/repositories"
        if name:
            what = f"the repository {self._place.path}"
            answer = await self._api.get(f"{path}/{quote(name, safe='')}", what=what)
            entry = Entry(answer.data, vendor=_VENDOR, place="repository")
            yield Read(items=[_repository(entry)])
            return
        if withheld := await self._withheld(namespace):
            yield Read(problems=[withheld])
        async for page in self._pages(path, f"the repositories of {namespace}"):
            yield read_all(page, _repository, vendor=_VENDOR, place="results")

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's tags with their digests. What has no tag, nobody tells."""
        namespace, _, name = repository.name.partition("/")
        path = (
            f"/v2/namespaces/{quote(namespace, safe='')}/repositories/{quote(name, safe='')}/tags"
        )
        async for page in self._pages(path, f"the tags of {repository.name}"):
            yield read_all(page, _version, vendor=_VENDOR, place="results")

    async def reported(self) -> Read[ReportedBytes]:
        """Nothing: sizes stand with the repositories."""
        return Read()

    async def rights(self) -> Rights | None:
        """Give what the API's own token says of itself, else whether the namespace is listed."""
        login = self._place.login
        scopes = await self._scopes()
        if not scopes:
            return await self._listing_right()
        granted = {action for scope in scopes for action in _MAY.get(scope, ())}
        # The Hub's scopes are plain: what no scope allows is not allowed.
        return Rights(
            kind="organization access token" if _is_organization(login) else "",
            granted={action: action in granted for action in ("list", "pull", "push", "delete")},
            scopes=scopes,
            source=f"POST {SIGN_IN}",
        )

    async def _listing_right(self) -> Rights | None:
        namespace = self._place.path.partition("/")[0]
        if not namespace:
            return None
        path = f"/v2/namespaces/{quote(namespace, safe='')}/repositories"
        what = f"a repository of {namespace}"
        await self._api.get(path, what=what, parameters={"page_size": 1})
        return Rights(granted={"list": True}, source="the Hub's answer")

    async def _withheld(self, namespace: str) -> MalformedAnswerError | None:
        """Tell that private repositories are missing, which the answer itself does not."""
        if not _is_organization(self._place.login):
            return None
        scopes = await self._scopes()
        if not scopes or LISTS_PRIVATE in scopes:
            return None
        return MalformedAnswerError(
            f"The access token has no scope {LISTS_PRIVATE}: Docker Hub lists only the public "
            f"repositories of {namespace}.",
            code="VENDOR_LISTING_PARTIAL",
            remedy="Give the token the organization's scope Repository List.",
        )

    async def _scopes(self) -> tuple[str, ...]:
        """Read the scopes that the API's token tells, none where it tells none.

        Docker does not describe the token; ``scope`` is OAuth's claim (RFC 8693, 4.2).
        """
        if self._place.login.is_anonymous:
            return ()
        claims = claims_of(await _token(self._api, self._place.login)) or {}
        told = claims.get("scope", claims.get("scopes"))
        words = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
        return tuple(word for word in words if isinstance(word, str) and word in _SCOPES)

    async def _pages(self, path: str, what: str) -> AsyncIterator[list[object]]:
        """Give the pages of a list, as far as each names the next.

        Raises
        ------
        MalformedAnswerError
            Codes ``PAGE_FOREIGN_HOST``, ``PAGE_REPEATED``, ``VENDOR_ANSWER_ODD``: the list leads
            away, in circles, or ends before its own count.
        """
        asked: set[str] = set()
        seen, count = 0, None
        answer: Answer | None = await self._api.get(
            path, what=what, parameters={"page": 1, "page_size": PAGE_SIZE}
        )
        while answer is not None:
            page = Entry(answer.data, vendor=_VENDOR, place="")
            results = page.raw("results")
            if not isinstance(results, list):
                raise odd(_VENDOR, "results", f"of {what} is no list")
            yield results
            seen += len(results)
            count = page.number("count")
            answer = await self._next(page.optional_text("next"), what, asked)
        if count is not None and seen < count:
            raise odd(_VENDOR, what, f"end after {seen:,} of {count:,}")

    async def _next(self, address: str | None, what: str, asked: set[str]) -> Answer | None:
        if address is None:
            return None
        if address in asked:
            raise MalformedAnswerError(
                f"{_VENDOR} gives the same page of {what} again and again.", code="PAGE_REPEATED"
            )
        asked.add(address)
        try:
            return await self._api.get(address, what=what)
        except NotFoundError:
            return None  # Behind the last page, where something was deleted meanwhile.


async def sign_in(api: Api, login: Login) -> Mapping[str, str]:
    """Get a token of ten minutes for the API; anybody may ask for what is public."""
    return {} if login.is_anonymous else {"Authorization": f"Bearer {await _token(api, login)}"}


async def _token(api: Api, login: Login) -> str:
    body = {"identifier": login.username, "secret": login.secret}
    answer = await api.post(SIGN_IN, what="a token for its API", body=body)
    return Entry(answer.data, vendor=_VENDOR, place="").text("access_token")


def _repository(entry: Entry) -> ListedRepository:
    namespace, name = entry.repository("namespace"), entry.repository("name")
    private = entry.flag("is_private")
    settings = entry.entry("immutable_tags_settings")
    return ListedRepository(
        name=f"{namespace}/{name}",
        visibility=None if private is None else "private" if private else "public",
        size=entry.size("storage_size"),
        pulls=entry.number("pull_count"),
        page=f"https://hub.docker.com/_/{quote(name)}" if namespace == "library" else None,
        immutable=_is_immutable(settings) if settings else None,
    )


def _is_immutable(settings: Entry) -> bool:
    """Whether no tag at all can be moved; rules may guard some only."""
    return bool(settings.flag("enabled")) and not _EVERY_TAG.isdisjoint(settings.texts("rules"))


def _version(entry: Entry) -> ListedVersion:
    """Give a tag; where its digest is not told, the registry is asked for it.

    The digests of `images` are those of single platforms, and not what the tag names.
    """
    images = _images(entry)
    tag = ListedTag(
        name=entry.tag("name"),
        pushed_at=entry.time("tag_last_pushed") or _newest(images, "last_pushed"),
        pulled_at=entry.time("tag_last_pulled") or _newest(images, "last_pulled"),
    )
    digest = entry.digest("digest") if entry.optional_text("digest") else None
    return ListedVersion(digest=digest, tags=(tag,))


def _images(entry: Entry) -> list[Entry]:
    """Give a tag's images: a list, though the description says one object."""
    if isinstance(entry.raw("images"), Mapping):
        image = entry.entry("images")
        return [image] if image else []
    return entry.entries("images")


def _newest(images: Iterable[Entry], field: str) -> datetime | None:
    return max((when for image in images if (when := image.time(field))), default=None)


def _is_organization(login: Login) -> bool:
    return login.secret.startswith(_ORGANIZATION_TOKEN)


def _namespace_needed(login: Login) -> ConfigError:
    own = "" if login.is_anonymous or "@" in login.username else login.username
    yours = f" Yours is {DOCKER_HUB}/{own}." if own else ""
    return ConfigError(
        "Docker Hub cannot be listed as a whole: nobody may see all of it.",
        code="NAMESPACE_NEEDED",
        remedy=f"Name a user or an organization: {DOCKER_HUB}/NAMESPACE.{yours}",
    )


def _open(api: Api, place: Place) -> Inventory:
    return HubInventory(api, place)


_SCOPES: Final = frozenset({*_MAY, "repo:public_read"})
_TELLS_IT_APART: Final = (
    CredentialShape(
        title="organization access token",
        secret=_ORGANIZATION_TOKEN,
        expires_in="as long as its organization says",
        is_personal=False,
    ),
    CredentialShape(
        title="personal access token",
        secret="dckr_pat_",  # noqa: S106
        is_personal=True,
    ),
    CredentialShape(
        title="password",
        username=r"[^@]+@[^@]+",
        mistake="Docker Hub's token servers want the Docker ID as user name, not an e-mail address.",
        is_personal=True,
    ),
    CredentialShape(title="password", is_personal=True),
)

DOCKERHUB = RegistryKind(
    name="dockerhub",
    title="Docker Hub",
    dedup_scope="unknown",
    hosts=(r"docker\.io", r"index\.docker\.io", r"registry-1\.docker\.io"),
    page="https://hub.docker.com/r/{repository}",
    # A list of the tags that hold the text; a tag has no page of its own.
    tag_page="https://hub.docker.com/r/{repository}/tags?name={tag}",
    realms=("auth.docker.io",),
    registry_page="https://hub.docker.com/repositories",
    ui_actions=("list", "delete", "visibility"),
    ui_note="its own",
    authenticates="user name and access token",
    credentials=_TELLS_IT_APART,
    mistake="The user name is the Docker ID, not the e-mail address; for an organization access "
    "token it is the organization's name. With two-factor authentication or single sign-on a "
    "password does not work here: create an access token.",
    lists="its own API, a namespace at a time",
    vendor=VendorApi(
        open=_open,
        # A mirror's credential is not for Docker Hub.
        address=lambda registry: "https://hub.docker.com" if registry == DOCKER_HUB else None,
        sign_in=sign_in,
        is_needed=False,
        tells=(
            "repositories",
            "pushed",
            "pulled",
            "pulls",
            "visibility",
            "size",
            "immutable",
        ),
        credential="a personal access token with the right to read, or an organization's with "
        f"{LISTS_PRIVATE}",
    ),
    counts_pulls=True,
)
