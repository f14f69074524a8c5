"""Rules of who stays and who goes: the house's own, and the vendors' in their own forms."""

from regtools.policies._base import (
    Action,
    Guard,
    Policy,
    Remark,
    RepositoryVersions,
    Verdict,
    Version,
)
from regtools.policies.in_use import InUse, read_in_use
from regtools.policies.reading import read_policy
from regtools.policies.rule import Rule
from regtools.policies.script import deletion_script
from regtools.policies.writing import EMITTERS, emit_rule

__all__ = [
    "EMITTERS",
    "Action",
    "Guard",
    "InUse",
    "Policy",
    "Remark",
    "RepositoryVersions",
    "Rule",
    "Verdict",
    "Version",
    "deletion_script",
    "emit_rule",
    "read_in_use",
    "read_policy",
]
