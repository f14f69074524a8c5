"""What regtools needs to know of a registry beyond the protocol they all speak."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from regtools.registries.listing import CredentialShape, IdentityExchange, VendorApi
from regtools.schema import DedupScope


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
    page
        Template of a repository's web page, with ``{registry}`` and ``{repository}``, and
        ``{owner}`` and ``{name}`` for the repository's first part and the rest.
    ui_page
        The same on a web page that the user runs, with ``{ui}``.
    realms
        Hosts of its token servers, beside its own.
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
    """

    name: str
    title: str
    dedup_scope: DedupScope
    hosts: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    services: tuple[str, ...] = ()
    page: str = ""
    ui_page: str = ""
    realms: tuple[str, ...] = ()
    authenticates: str = ""
    lists: str = ""
    credentials: tuple[CredentialShape, ...] = ()
    mistake: str = ""
    cloud: str = ""
    identity: IdentityExchange | None = None
    vendor: VendorApi | None = None

    def credential_shape(self, username: str, secret: str) -> CredentialShape | None:
        """Tell which sort of credential this is; None: it could be anything."""
        for shape in self.credentials:
            if (not shape.username or re.fullmatch(shape.username, username)) and (
                not shape.secret or re.match(shape.secret, secret)
            ):
                return shape
        return None

    def is_host(self, registry: str) -> bool:
        """Whether the name alone says that this registry is of this kind."""
        host = (
            registry.rpartition(":")[0] if registry[-1:].isdigit() and ":" in registry else registry
        )
        return any(re.fullmatch(pattern, host) for pattern in self.hosts)

    def web_url(self, registry: str, repository: str, ui_url: str | None = None) -> str | None:
        """Give the address of a repository's web page, None where there is none."""
        template = self.ui_page if ui_url else self.page
        if not template:
            return ui_url
        owner, _, name = repository.partition("/")
        return template.format(
            ui=(ui_url or "").rstrip("/"),
            registry=quote(registry, safe=":[]"),
            registry_quoted=quote(f"https://{registry}", safe=""),
            repository=quote(repository),
            repository_quoted=quote(repository, safe=""),
            owner=quote(owner),
            name=quote(name),
            name_quoted=quote(name, safe=""),
        )
