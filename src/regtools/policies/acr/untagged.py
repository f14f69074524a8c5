"""ACR's own policy: untagged manifests go after some days.

Sources, looked up 2026-11: Microsoft's documentation, pages ``container-registry-retention-policy``
and ``az acr config retention``; the REST API's ``RetentionPolicy`` (``days``, ``status``,
``lastUpdatedTime``), which stands in a registry's ``policies`` and in ARM templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from regtools.policies.form import Fields, invalid, shown

MOST_DAYS: Final = 365
_DEFAULT_DAYS: Final = 7
_WAY: Final = ("properties", "policies", "retentionPolicy")
_KEYS: Final = ("days", "status", "lastUpdatedTime")
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntaggedPolicy:
    """How long a manifest without a tag stays."""

    days: int = _DEFAULT_DAYS
    is_enabled: bool = False
    since: datetime = _ALWAYS
    """When it was last set: it speaks of no manifest from before."""

    def __str__(self) -> str:
        """Give the policy in few words."""
        state = "" if self.is_enabled else " (disabled)"
        return f"retention policy: untagged for {self.days} days{state}"


def is_untagged_policy(data: object) -> bool:
    """Say whether this is what ``az acr config retention show`` gives, or a registry with it."""
    _, found = _inside(data)
    return isinstance(found, Mapping) and {"days", "status"} <= found.keys()


def parse_untagged_policy(data: object) -> UntaggedPolicy:
    """Read the policy.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``, with the place and what is allowed there.
    """
    place, found = _inside(data)
    policy = Fields(found, place, known=_KEYS)
    days = policy.number("days", least=0)
    if days > MOST_DAYS:
        raise invalid(policy.at("days"), f"is {days}; {MOST_DAYS} are allowed at most")
    status = policy.text("status").lower()
    if status not in ("enabled", "disabled"):
        raise invalid(policy.at("status"), f"is {shown(status)}; allowed: 'enabled' or 'disabled'")
    return UntaggedPolicy(days=days, is_enabled=status == "enabled", since=_since(policy))


def _inside(data: object) -> tuple[str, object]:
    """Find the policy in a registry, or in its policies; it may also stand alone."""
    place = ""
    for key in _WAY:
        if isinstance(data, Mapping) and isinstance(data.get(key), Mapping):
            data, place = data[key], f"{place}.{key}".lstrip(".")
    return place or "the policy", data


def _since(policy: Fields) -> datetime:
    if "lastUpdatedTime" not in policy or policy.raw("lastUpdatedTime") is None:
        return _ALWAYS
    value = policy.raw("lastUpdatedTime")
    try:
        # YAML gives a time, JSON a text.
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        place = policy.at("lastUpdatedTime")
        raise invalid(place, f"is {shown(value)}; a time is needed") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
