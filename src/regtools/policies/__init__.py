"""Retention rules: the house's own, and the vendors', read from the vendors' own forms."""

from regtools.policies._base import (
    Action,
    Policy,
    Remark,
    RepositoryVersions,
    Verdict,
    Version,
)
from regtools.policies.rule import Rule

__all__ = ["Action", "Policy", "Remark", "RepositoryVersions", "Rule", "Verdict", "Version"]
