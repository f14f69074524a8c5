"""Google Artifact Registry's cleanup policies: read, decided, looked over and written."""

from regtools.policies.artifactregistry.emit import emit_artifactregistry
from regtools.policies.artifactregistry.policy import (
    ArtifactRegistryPolicy,
    parse_artifactregistry,
)

__all__ = [
    "ArtifactRegistryPolicy",
    "emit_artifactregistry",
    "is_artifactregistry",
    "parse_artifactregistry",
]

_KEYS = frozenset({"action", "condition", "mostRecentVersions"})


def is_artifactregistry(data: object) -> bool:
    """Say whether this looks like cleanup policies, right or wrong: gcloud's list, the API's map,
    or a repository that has them."""
    if isinstance(data, dict) and "cleanupPolicies" in data:
        return True
    entries = (
        data if isinstance(data, list) else list(data.values()) if isinstance(data, dict) else []
    )
    return bool(entries) and all(
        isinstance(one, dict) and "action" in one and not one.keys().isdisjoint(_KEYS - {"action"})
        for one in entries
    )
