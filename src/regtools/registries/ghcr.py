"""GitHub Container Registry.

Lists by: GitHub's Packages API; there is no usable catalog. Authenticates by: bearer tokens for a
classic personal access token with ``read:packages``. Dedup scope: GitHub does not say. Deletes by:
the Packages API, and not by the protocol (Harbor's adapter for it, read 2026-11).
"""

from regtools.registries._base import RegistryKind

GHCR = RegistryKind(
    name="ghcr",
    title="GitHub Container Registry",
    dedup_scope="unknown",
    hosts=(r"ghcr\.io",),
    page="https://github.com/{owner}?tab=packages&q={name_quoted}",
    authenticates="a classic personal access token with read:packages",
    lists="no catalog: name a repository",
    deletion="GitHub deletes package versions on the package's page or by its Packages API.",
)
