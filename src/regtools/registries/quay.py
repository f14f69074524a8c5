"""Quay.io and self-hosted Quay.

Lists by: ``_catalog`` with opaque cursors, or its API. Authenticates by: bearer tokens from
``/v2/auth`` for a robot account. Dedup scope: the namespace, for its quotas.
"""

from regtools.registries._base import RegistryKind

QUAY = RegistryKind(
    name="quay",
    title="Quay",
    dedup_scope="namespace",
    hosts=(r"quay\.io",),
    page="https://{registry}/repository/{repository}",
    ui_page="{ui}/repository/{repository}",
    authenticates="a robot account",
    lists="the catalog, of what the account may see",
)
