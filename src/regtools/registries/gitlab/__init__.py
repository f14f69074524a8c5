"""GitLab Container Registry, on GitLab.com and self-managed.

Lists by: GitLab's API; the catalog is for administrators. Authenticates by: bearer tokens from
``/jwt/auth`` for a user, an access token, a deploy token or a job token. Dedup scope: the root
namespace (GitLab documentation, storage usage quota, 2026-11).

GraphQL is asked first, since it tells a hundred repositories with their projects, or ten
repositories with twenty tags each, in one request; REST tells digests only one tag a request, and
no time of a push. It lists where GraphQL is not offered: for job tokens, and on old servers.

Sources, read 2026-11-25: gitlab-org/gitlab, ``doc/api/container_registry.md``,
``doc/api/graphql/_index.md``, ``doc/api/personal_access_tokens.md``, ``doc/ci/jobs/ci_job_token.md``,
``app/graphql/types/container_registry/``; GitLab documentation, token overview (prefixes).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from regtools.errors import RegistryError, UnauthorizedError
from regtools.registries._base import RegistryKind
from regtools.registries.entry import Entry, Read
from regtools.registries.gitlab.graphql import GraphQl, NotOfferedError
from regtools.registries.gitlab.place import VENDOR, Server
from regtools.registries.gitlab.rest import Rest
from regtools.registries.listing import (
    Api,
    CredentialShape,
    Inventory,
    ListedRepository,
    ListedVersion,
    Login,
    Place,
    ReportedBytes,
    Rights,
    VendorApi,
)

_ACCESS: Final = "personal, project or group access token"
_JOB: Final = "CI/CD job token"
_DEPLOY: Final = "deploy token"
_OAUTH: Final = "OAuth token"
_BEGINNINGS: Final[Mapping[str, str]] = MappingProxyType(
    {_ACCESS: r"glpat-", _JOB: r"glcbt-", _DEPLOY: r"gldt-", _OAUTH: r"[0-9a-f]{64}$"}
)
"""How each sort of token begins, where it has not been changed by a server's administrator."""
_JOB_LIVES: Final = "as long as its job runs"
_READS_API: Final = frozenset({"api", "read_api"})
_PULLS: Final = _READS_API | {"read_registry"}
_PUSHES: Final = frozenset({"api", "write_registry"})


class GitLabInventory:
    """What GitLab tells of a group, a project, one repository, or all that the user belongs to."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._server = Server.at(place.api_url)
        self._graphql = GraphQl(api, self._server, place.path)
        self._rest = Rest(api, self._server, place.path)

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the repositories with their projects' visibility, cleanup policy and web page.

        Raises
        ------
        UnauthorizedError
            Code ``VENDOR_CREDENTIAL_MISSING``: nobody asks, and for everything.
        """
        if self._place.login.is_anonymous:
            if not self._place.path:
                raise _nobody()
            yield Read(problems=[_nobody()])
        is_first = True
        # Job tokens open a part of REST and nothing of GraphQL.
        if _sort(self._place.login) != _JOB:
            try:
                async for read in self._graphql.repositories():
                    is_first = False
                    yield read
                return
            except NotOfferedError:
                if not is_first:
                    raise
        async for read in self._rest.repositories():
            yield read

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's tags with their digests and times of push."""
        async for read in self._graphql.versions(repository):
            yield read

    async def reported(self) -> Read[ReportedBytes]:
        """Give what the root namespaces take, deduplicated; it is for their owners."""
        return await self._graphql.reported()

    async def rights(self) -> Rights | None:
        """Give what an access token says of itself; of other tokens the registry's own tells."""
        login = self._place.login
        if _sort(login) != _ACCESS:
            return None
        answer = await self._api.get(
            f"{self._server.rest}/personal_access_tokens/self", what="the rights of the token"
        )
        token = Entry(answer.data, vendor=VENDOR, place="token")
        scopes = frozenset(token.texts("scopes"))
        granted = {"list": not scopes.isdisjoint(_READS_API)}
        if not login.is_api_token:
            # What a scope allows, the user's role may still forbid: the registry's token tells.
            none = {"pull": _PULLS, "push": _PUSHES}
            granted |= {action: False for action, ways in none.items() if scopes.isdisjoint(ways)}
        return Rights(
            kind="" if login.is_api_token else _ACCESS,
            expires_at=None if login.is_api_token else token.day("expires_at"),
            granted=granted,
            scopes=tuple(sorted(scopes)),
            source="GET /api/v4/personal_access_tokens/self",
        )


def _sort(login: Login) -> str:
    """Tell the sort of token; one that could be anything is taken for an access token.

    Its prefix may be changed by a server's administrator.
    """
    shape = GITLAB.shape_of(login)
    return shape.title if shape else _ACCESS


def _nobody() -> RegistryError:
    return UnauthorizedError(
        "Without a token GitLab lists only what is public, and nothing unless it is named.",
        code="VENDOR_CREDENTIAL_MISSING",
        remedy="Give an access token with read_api and read_registry.",
    )


_HEADERS: Final[Mapping[str, str]] = MappingProxyType({_ACCESS: "PRIVATE-TOKEN", _JOB: "JOB-TOKEN"})


async def sign_in(api: Api, login: Login) -> Mapping[str, str]:
    """Show the token in the header that is for its sort."""
    del api
    if login.is_anonymous:
        return {}
    sort = _sort(login)
    if sort in _HEADERS:
        return {_HEADERS[sort]: login.secret}
    return {"Authorization": f"Bearer {login.secret}"}


def _address(registry: str) -> str | None:
    return "https://gitlab.com/api/v4" if registry == "registry.gitlab.com" else None


def _address_by_realm(realm: str) -> str | None:
    """GitLab is its own token server: ``https://gitlab.example.com/jwt/auth``."""
    host = urlsplit(realm).netloc
    home, is_there, rest = realm.partition("/jwt/auth")
    return f"{home}/api/v4" if host and is_there and not rest else None


def _open(api: Api, place: Place) -> Inventory:
    return GitLabInventory(api, place)


GITLAB = RegistryKind(
    name="gitlab",
    title="GitLab Container Registry",
    dedup_scope="namespace",
    hosts=(r"registry\.gitlab\.com", r"registry\.gitlab\.[a-z0-9.-]+"),
    headers=(("gitlab-container-registry-version", r".+"),),
    # Its service is "container_registry", but that is Gitea's and Forgejo's too.
    realm_paths=("/jwt/auth",),
    ui_actions=("list", "delete", "visibility", "cleanup"),
    ui_note="the project's page Deploy, Container registry; visibility is the project's",
    authenticates="a deploy token or access token with read_registry",
    credentials=(
        CredentialShape(title=_ACCESS, secret=_BEGINNINGS[_ACCESS]),
        CredentialShape(
            title=_JOB, secret=_BEGINNINGS[_JOB], expires_in=_JOB_LIVES, is_personal=False
        ),
        CredentialShape(
            title=_DEPLOY, secret=_BEGINNINGS[_DEPLOY], opens_api=False, is_personal=False
        ),
        CredentialShape(
            title=_JOB, username=r"gitlab-ci-token", expires_in=_JOB_LIVES, is_personal=False
        ),
        CredentialShape(
            title=_DEPLOY, username=r"gitlab\+deploy-token-\d+", opens_api=False, is_personal=False
        ),
        CredentialShape(title=_OAUTH, username=r"oauth2", expires_in="2 hours", is_personal=True),
        CredentialShape(
            title=_OAUTH, secret=_BEGINNINGS[_OAUTH], expires_in="2 hours", is_personal=True
        ),
    ),
    mistake="The registry wants the scope read_registry, and GitLab's API, which alone lists, "
    "read_api. A deploy token pulls but does not list: give an access token as api_token beside it. "
    "With two-factor authentication the account's password is not taken: make a token.",
    lists="GitLab's API, GraphQL first",
    vendor=VendorApi(
        open=_open,
        address=_address,
        address_by_realm=_address_by_realm,
        sign_in=sign_in,
        is_needed=False,
        tells=("repositories", "pushed", "visibility", "size", "quota", "immutable", "cleanup"),
        credential="an access token with read_api",
    ),
)
