"""Google Artifact Registry, and what is left of Container Registry.

Lists by: a host-wide catalog, or the Artifact Registry API. Authenticates by: bearer tokens for
``oauth2accesstoken`` (about an hour) or ``_json_key``. Dedup scope: the repository.
"""

from regtools.registries._base import RegistryKind

ARTIFACTREGISTRY = RegistryKind(
    name="artifactregistry",
    title="Google Artifact Registry",
    dedup_scope="repository",
    hosts=(r"[a-z0-9-]+-docker\.pkg\.dev", r"(?:[a-z]+\.)?gcr\.io"),
    page="https://{registry}/{repository}",
    authenticates="oauth2accesstoken with an access token, or _json_key with a key file",
    lists="the catalog of the whole host",
)
