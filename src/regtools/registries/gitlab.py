"""GitLab Container Registry.

Lists by: GitLab's API; the catalog is for administrators. Authenticates by: bearer tokens from
``/jwt/auth`` for a user, a deploy token or a job token. Dedup scope: the root namespace
(GitLab documentation, storage usage quota, 2026-11).
"""

from regtools.registries._base import RegistryKind

GITLAB = RegistryKind(
    name="gitlab",
    title="GitLab Container Registry",
    dedup_scope="namespace",
    hosts=(r"registry\.gitlab\.com", r"registry\.gitlab\.[a-z0-9.-]+"),
    headers=(("gitlab-container-registry-version", r".+"),),
    services=(r"container_registry",),
    page="https://gitlab.com/{repository}/container_registry",
    authenticates="a deploy token or personal access token with read_registry",
    lists="catalog for administrators only: name a repository",
)
