"""GitLab's container registry cleanup policy: read, decided, looked over and written."""

from collections.abc import Mapping

from regtools.policies.gitlab.emit import emit_gitlab
from regtools.policies.gitlab.policy import GitLabPolicy, parse_gitlab
from regtools.policies.gitlab.rules import KEYS, WRAPPERS

__all__ = ["GitLabPolicy", "emit_gitlab", "is_gitlab", "parse_gitlab"]


def is_gitlab(data: object) -> bool:
    """Say whether this looks like a cleanup policy, right or wrong: a project that has one, what
    changes a project, or the policy alone."""
    return isinstance(data, Mapping) and bool(({*WRAPPERS, *KEYS} - {"enabled"}) & set(data))
