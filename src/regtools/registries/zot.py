"""zot.

Lists by: ``_catalog``. Authenticates by: htpasswd, LDAP, OpenID or API keys. Dedup scope: the
registry (hard links between repositories).
"""

from regtools.registries._base import RegistryKind

ZOT = RegistryKind(
    name="zot",
    title="zot",
    dedup_scope="registry",
    ui_page="{ui}/image/{repository_quoted}",
    authenticates="user name and password, or an API key",
    lists="the catalog",
)
