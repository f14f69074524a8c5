"""Azure Container Registry.

Lists by: ``_catalog``, or ``/acr/v1/``. Authenticates by: bearer tokens from ``/oauth2/token`` for
a service principal, a scope-mapped token or an identity token. Dedup scope: the registry (its
``StorageUsed`` counts a shared layer once; Microsoft documentation, 2026-11).
"""

from regtools.registries._base import RegistryKind

ACR = RegistryKind(
    name="acr",
    title="Azure Container Registry",
    dedup_scope="registry",
    hosts=(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.azurecr\.(?:io|us|cn)",),
    authenticates="a service principal, a token, or `az acr login --expose-token`",
    lists="the catalog",
)
