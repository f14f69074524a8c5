"""Where credentials come from. A secret stays in `Credential` and is never shown.

The order: the command line, the environment, `regtools.toml` (references only), mounted secrets,
Docker's ``config.json`` with its helpers, podman's ``auth.json``, a Kubernetes pull secret.
"""

from regtools.credentials._base import ANONYMOUS, HUB_KEYS, Attempt, Credential, mapping, text
from regtools.credentials.expiry import expires_at
from regtools.credentials.find import Login, find_credential
from regtools.credentials.google import with_google
from regtools.credentials.references import check_reference, resolve

__all__ = [
    "ANONYMOUS",
    "HUB_KEYS",
    "Attempt",
    "Credential",
    "Login",
    "check_reference",
    "expires_at",
    "find_credential",
    "mapping",
    "resolve",
    "text",
    "with_google",
]
