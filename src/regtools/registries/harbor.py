"""Harbor.

Lists by: its own API; the catalog is for system administrators. Authenticates by: bearer tokens
from ``/service/token`` for a user or robot account; it issues one even for a wrong password
(harbor#11632), so only an answer of the registry proves a login. Dedup scope: quotas count a
blob once per project. Frees bytes: when its garbage collection ran (Harbor documentation, project
quotas, 2026-11).
"""

from regtools.registries._base import RegistryKind

HARBOR = RegistryKind(
    name="harbor",
    title="Harbor",
    dedup_scope="project",
    page="https://{registry}/harbor/projects?name={owner}",
    ui_page="{ui}/harbor/projects?name={owner}",
    authenticates="a user or a robot account",
    lists="catalog for system administrators only: name a repository",
    collection="run Harbor's garbage collection: Administration, Clean Up.",
)
