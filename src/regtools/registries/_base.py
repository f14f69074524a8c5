"""What regtools needs to know of a registry beyond the protocol they all speak."""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from typing import Final
from urllib.parse import quote

from regtools.registries.listing import CredentialShape, IdentityExchange, Login, VendorApi
from regtools.schema import DedupScope

UI_ACTIONS: Final = ("list", "delete", "visibility", "cleanup")
"""What a registry's web page may let people do: look at images, delete them, make a repository
public or private, set rules that clean up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryKind:
    """One product or service; a vendor's file makes one and overrides what differs.

    Attributes
    ----------
    name
        As ``kind`` in the settings and the history.
    dedup_scope
        Within which bounds a blob is stored once.
    hosts
        Regular expressions of the hosts that are surely this; empty where anybody may run it.
    headers
        Answer headers that only this product sends: name → regular expression of the value.
    services
        Names that its token server alone has in a challenge (``service="…"``), as regular
        expressions.
    realm_paths
        Paths of its token server's address that no other product uses, where it is on any host.
    page
        Template of a repository's web page, with ``{registry}`` and ``{repository}``, and
        ``{owner}`` and ``{name}`` for the repository's first part and the rest; and what groups
        of `hosts` are called.
    ui_page
        The same on a web page that the user runs, with ``{ui}``.
    tag_page, ui_tag_page
        The same of a tag, with ``{tag}`` or ``{digest}``.
    registry_page, ui_registry_page
        The same of all that it holds.
    ui_actions
        What its web page, or the one that users run beside it, lets people do: see `UI_ACTIONS`.
    ui_note
        Which web page that is, and what is special about it.
    realms
        Hosts of its token servers, beside its own.
    deletion
        How images are deleted where it refuses the protocol's own DELETE.
    collection
        What frees the bytes after a deletion; empty: it does so by itself.
    credentials
        Sorts of credentials that can be told by how they look; the first that fits.
    mistake
        What most often is wrong where the credential is refused.
    cloud
        Which cloud's own credentials it takes (``google``), as a reference names them.
    identity
        How the token of another identity provider is turned into one of its own.
    vendor
        Its own API, where it has one that lists more than the protocol does.
    counts_pulls
        Whether the limits it tells (``RateLimit-Limit``) are of pulls.
    """

    name: str
    title: str
    dedup_scope: DedupScope
    hosts: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    services: tuple[str, ...] = ()
    realm_paths: tuple[str, ...] = ()
    page: str = ""
    ui_page: str = ""
    tag_page: str = ""
    ui_tag_page: str = ""
    registry_page: str = ""
    ui_registry_page: str = ""
    ui_actions: tuple[str, ...] = ()
    ui_note: str = ""
    realms: tuple[str, ...] = ()
    authenticates: str = ""
    lists: str = ""
    deletion: str = ""
    collection: str = ""
    credentials: tuple[CredentialShape, ...] = ()
    mistake: str = ""
    cloud: str = ""
    identity: IdentityExchange | None = None
    vendor: VendorApi | None = None
    counts_pulls: bool = False

    def credential_shape(self, username: str, secret: str) -> CredentialShape | None:
        """Tell which sort of credential this is; None: it could be anything."""
        for shape in self.credentials:
            if (not shape.username or re.fullmatch(shape.username, username)) and (
                not shape.secret or re.match(shape.secret, secret)
            ):
                return shape
        return None

    def shape_of(self, login: Login) -> CredentialShape | None:
        """Tell which sort of credential the vendor's API is shown; None: it could be anything."""
        return self.credential_shape("" if login.is_api_token else login.username, login.secret)

    def is_host(self, registry: str) -> bool:
        """Whether the name alone says that this registry is of this kind."""
        host = (
            registry.rpartition(":")[0] if registry[-1:].isdigit() and ":" in registry else registry
        )
        return any(re.fullmatch(pattern, host) for pattern in self.hosts)

    def _told_by(self, registry: str) -> dict[str, str]:
        """Give what the host tells beside the kind: an account, a region."""
        found = (re.fullmatch(pattern, registry) for pattern in self.hosts)
        return next((match.groupdict("") for match in found if match), {})

    def web_url(self, registry: str, repository: str, ui_url: str | None = None) -> str | None:
        """Give the address of a repository's web page, None where there is none."""
        return self._url(self.ui_page if ui_url else self.page, registry, ui_url, repository)

    def tag_template(self, registry: str, repository: str, ui_url: str | None = None) -> str | None:
        """Give the address of the web page of any tag of a repository, with ``{tag}`` or ``{digest}``
        in it."""
        template = self.ui_tag_page if ui_url else self.tag_page
        if not template:
            return None
        left = template.replace("{tag}", "{{tag}}").replace("{digest}", "{{digest}}")
        return self._url(left, registry, ui_url, repository)

    def registry_url(self, registry: str, ui_url: str | None = None) -> str | None:
        """Give the address of the web page of all that a registry holds, None without one."""
        return self._url(self.ui_registry_page if ui_url else self.registry_page, registry, ui_url)

    def _url(
        self, template: str, registry: str, ui_url: str | None, repository: str = ""
    ) -> str | None:
        if not template:
            return ui_url
        owner, _, name = repository.partition("/")
        fields = dict(
            self._told_by(registry),
            ui=(ui_url or "").rstrip("/"),
            registry=quote(registry, safe=":[]"),
            registry_quoted=quote(f"https://{registry}", safe=""),
            repository=quote(repository),
            repository_quoted=quote(repository, safe=""),
            owner=quote(owner),
            name=quote(name),
            name_quoted=quote(name, safe=""),
        )
        wanted = {field for _, field, _, _ in Formatter().parse(template) if field}
        return template.format(**fields) if wanted <= fields.keys() else None
