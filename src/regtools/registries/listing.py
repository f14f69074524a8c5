"""How a vendor's own API lists what a registry holds, and what an adapter to it looks like.

An adapter decides nothing and talks through an `Api` that it is given: it asks the vendor's
questions and turns the answers into these values.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable

from regtools.reference import Digest
from regtools.registries.entry import Read

NOTHING: Final[Mapping[str, str | int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRepository:
    """A repository as the vendor lists it; what it does not tell is None."""

    name: str
    """The whole path, as in a reference."""
    visibility: str | None = None
    """``public``, ``private`` or ``internal``."""
    size: int | None = None
    """The vendor's own number of bytes."""
    pulls: int | None = None
    page: str | None = None
    """Its web page, where the vendor gives the address."""
    tag_page: str | None = None
    """The same of a tag of it, with ``{tag}`` or ``{digest}`` where they belong."""
    immutable: bool | None = None
    """Whether tags cannot be moved."""
    cleanup_policy: str | None = None
    """The vendor's own retention rules for it, as JSON."""
    key: str = ""
    """How the vendor's API names it, where that is not its path."""
    tells_versions: bool = True
    """Whether the vendor tells what it holds; else the registry itself is asked, tag by tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTag:
    """A tag as the vendor lists it."""

    name: str
    pushed_at: datetime | None = None
    pulled_at: datetime | None = None
    locked: bool | None = None
    """Whether the vendor refuses to delete it; None: it does not tell."""
    page: str | None = None
    """Address of its web page, where the vendor tells one for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVersion:
    """A manifest or index of a repository as the vendor lists it, with its tags."""

    digest: Digest | None
    """None: the vendor tells the tags only, and the registry is asked for what they name."""
    tags: tuple[ListedTag, ...] = ()
    """Empty: untagged."""
    pushed_at: datetime | None = None
    pulled_at: datetime | None = None
    locked: bool | None = None
    """Whether the vendor refuses to delete it, whatever its tags; None: it does not tell."""
    is_referred_to: bool | None = None
    """Whether a signature, SBOM or the like refers to it; None: the vendor does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedBytes:
    """A number of bytes that the vendor tells of more than one repository."""

    scope: str
    """``registry``, ``namespace``, ``project`` or ``repository``."""
    name: str
    kind: str
    """What it counts: ``quota_used``, ``storage``, …"""
    size: int
    limit: int | None = None
    source: str = ""
    """Which question of the vendor's API gave it."""


ACTIONS: Final = ("list", "pull", "push", "delete")
"""What somebody may be allowed to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the vendor tells of the credential; nothing is tried out."""

    kind: str = ""
    """What sort of credential it is, in the vendor's words."""
    expires_at: datetime | None = None
    granted: Mapping[str, bool] = field(default_factory=dict)
    """Action → whether it is allowed; what is not told is missing."""
    scopes: tuple[str, ...] = ()
    """What the vendor calls its rights: ``read:packages``, …"""
    source: str = ""
    """Which question of the vendor's API told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialShape:
    """A sort of credential that can be told by how it looks."""

    title: str
    """In the vendor's words: ``classic personal access token``."""
    username: str = ""
    """Regular expression of the user name; empty: any."""
    secret: str = ""
    """Regular expression of how the secret begins; empty: any."""
    mistake: str = ""
    """Why it cannot work here, where it cannot."""
    expires_in: str = ""
    """How long such a one lives, in words; empty: as long as its owner says."""
    opens_api: bool = True
    """Whether the vendor's own API takes it too, and not the registry alone."""
    is_personal: bool | None = None
    """Whether it is a person's own and not a machine's; None: its looks do not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A page of an answer: its JSON, and what its headers tell."""

    data: Any
    headers: Mapping[str, str]
    """Names in small letters."""
    next: str | None = None
    """Address of the next page by the header ``Link``, at the same host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An answer as it came, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Api(Protocol):
    """A vendor's API, asked as somebody. Every method raises what `Distribution`'s do."""

    async def get(
        self,
        path: str,
        *,
        what: str,
        parameters: Mapping[str, str | int] = NOTHING,
        scope: str = "",
    ) -> Answer:
        """Ask; ``path`` goes on from the API's address, or is the address of a next page."""

    async def post(self, path: str, *, what: str, body: Mapping[str, Any]) -> Answer:
        """Ask a question that has a body (GraphQL), or for a token. Nothing is ever changed."""

    async def send(self, *, what: str, headers: Mapping[str, str], body: bytes) -> Sent:
        """Post a question that is signed already (AWS) to the API's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who asks. Its text never shows the secret."""

    username: str = ""
    secret: str = field(default="", repr=False)
    is_api_token: bool = False
    """Whether the secret was given for the API alone, and the user name is the registry's."""

    renew: Callable[[], str] | None = field(default=None, repr=False)
    """Gives the secret, where it lives for minutes only. It may ask a token server, and blocks."""

    @property
    def is_anonymous(self) -> bool:
        """Whether there is nothing to show."""
        return not self.secret and self.renew is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is to be listed."""

    registry: str
    """``host[:port]``."""
    path: str = ""
    """A repository or a prefix of repositories; empty: everything."""
    login: Login = field(default_factory=Login)
    api_url: str = ""
    """Where the vendor's API is."""
    profile: str = ""
    """Whose credentials of a cloud's own are meant (a profile of AWS); empty: the usual ones."""
    archived: bool = False
    """Whether the bytes of archived images are asked for too."""
    is_replayed: bool = False
    """Whether a recording answers, to which nobody has to prove who they are."""

    def holds(self, repository: str) -> bool:
        """Whether a repository is to be listed."""
        return not self.path or f"{repository}/".startswith(f"{self.path}/")


class Inventory(Protocol):
    """What a vendor's API tells of one place."""

    def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the repositories page by page; those outside the path may be among them."""

    def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give what a repository holds page by page. A digest may come again with other tags."""

    async def reported(self) -> Read[ReportedBytes]:
        """Give the vendor's own sums."""

    async def rights(self) -> Rights | None:
        """Give what the vendor tells of the credential; None: nothing."""


@runtime_checkable
class Archive(Protocol):
    """What a vendor's API tells where images can be put away, so that they cannot be pulled."""

    async def is_archived(self, repository: str, reference: str) -> bool:
        """Say whether an image, by its tag or digest, is put away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityExchange:
    """How somebody else's token becomes an identity token of the registry, on its own host (ACR)."""

    path: str
    """Where it is posted to."""
    form: Callable[[Login, str], Mapping[str, str] | None]
    """From who asks, and the name of the registry's token server, to what is posted; None: the
    password is no such token."""
    field: str = "refresh_token"
    """Where the answer holds the identity token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorApi:
    """Where a vendor's own API is, how to sign in to it, and who reads it."""

    open: Callable[[Api, Place], Inventory]
    address: Callable[[str], str | None]
    """From a registry's ``host[:port]`` to the API's address, without a slash at the end; None:
    it must be told (``api_url``). One that begins with a slash is below the registry itself."""
    address_by_realm: Callable[[str], str | None] = lambda _: None
    """The same from the address of the token server that the registry names, where the host does
    not tell and the credential may go there."""
    sign_in: Callable[[Api, Login], Awaitable[Mapping[str, str]]] | None = None
    """Gives the headers that say who asks; None: as the registry itself asks for (its challenge)."""
    registry_login: Callable[[Api, Place], Awaitable[Login]] | None = None
    """Gets a password for the registry itself by a cloud's own credentials (``aws``)."""
    beside: Callable[[Api, Place], Inventory] | None = None
    """What is asked through the registry itself, where the API refuses or there is no credential
    for it."""
    is_needed: bool = True
    """Whether a credential is needed to see anything at all."""
    tells: tuple[str, ...] = ()
    """What it tells beyond the protocol: see `TELLS`."""
    credential: str = ""
    """What credential it wants, in words."""


TELLS: Final = (
    "repositories",
    "untagged",
    "pushed",
    "pulled",
    "pulls",
    "visibility",
    "size",
    "quota",
    "immutable",
    "cleanup",
)


async def basic(api: Api, login: Login) -> Mapping[str, str]:
    """Sign in with user name and password in every request (RFC 7617)."""
    del api
    if login.is_anonymous:
        return {}
    pair = b64encode(f"{login.username}:{login.secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


async def bearer(api: Api, login: Login) -> Mapping[str, str]:
    """Sign in with a token in every request (RFC 6750)."""
    del api
    return {} if login.is_anonymous else {"Authorization": f"Bearer {login.secret}"}
