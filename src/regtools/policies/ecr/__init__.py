"""Amazon ECR's lifecycle policies: read, decided, looked over and written."""

from regtools.policies.ecr.emit import emit_ecr
from regtools.policies.ecr.policy import EcrPolicy, parse_ecr

__all__ = ["EcrPolicy", "emit_ecr", "is_ecr", "parse_ecr"]


def is_ecr(data: object) -> bool:
    """Say whether this looks like a lifecycle policy, right or wrong."""
    rules = data.get("rules") if isinstance(data, dict) and set(data) == {"rules"} else None
    return isinstance(rules, list) and all(
        isinstance(rule, dict) and not rule.keys().isdisjoint({"rulePriority", "selection"})
        for rule in rules
    )
