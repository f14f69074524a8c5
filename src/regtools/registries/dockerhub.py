"""Docker Hub.

Lists by: the Hub's own API; ``_catalog`` answers 401. Authenticates by: bearer tokens from
``auth.docker.io``. Dedup scope: Docker does not say. HEAD does not count as a pull, GET of a
manifest does (Docker documentation, pull usage, 2026-11).
"""

from regtools.registries._base import RegistryKind

DOCKERHUB = RegistryKind(
    name="dockerhub",
    title="Docker Hub",
    dedup_scope="unknown",
    hosts=(r"docker\.io", r"index\.docker\.io", r"registry-1\.docker\.io"),
    page="https://hub.docker.com/r/{repository}",
    realms=("auth.docker.io",),
    authenticates="user name and access token",
    lists="no catalog: name a repository",
)
