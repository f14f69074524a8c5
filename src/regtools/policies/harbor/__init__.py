"""Harbor's tag retention: read, decided, looked over and written."""

from regtools.policies.harbor.emit import emit_harbor
from regtools.policies.harbor.policy import HarborPolicy, parse_harbor

__all__ = ["HarborPolicy", "emit_harbor", "is_harbor", "parse_harbor"]


def is_harbor(data: object) -> bool:
    """Say whether this looks like a retention policy, right or wrong."""
    if not isinstance(data, dict):
        return False
    rules = data.get("rules")
    return isinstance(rules, list) and (
        "algorithm" in data
        or any(
            isinstance(rule, dict) and {"template", "tag_selectors"} & set(rule) for rule in rules
        )
    )
