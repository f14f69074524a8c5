"""A project's cleanup policy and its rules for tags, as `regtools retention --policy` reads them.

REST writes ``"7d"`` where GraphQL has ``SEVEN_DAYS`` (gitlab-org/gitlab, the types
``ContainerExpirationPolicy…Enum``, 2026-11-25).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from regtools.registries.entry import Entry, odd
from regtools.registries.gitlab.place import VENDOR

_CADENCES: Final = {
    "EVERY_DAY": "1d",
    "EVERY_WEEK": "7d",
    "EVERY_TWO_WEEKS": "14d",
    "EVERY_MONTH": "1month",
    "EVERY_THREE_MONTHS": "3month",
}
_COUNTS: Final = {
    "ONE_TAG": 1,
    "FIVE_TAGS": 5,
    "TEN_TAGS": 10,
    "TWENTY_FIVE_TAGS": 25,
    "FIFTY_TAGS": 50,
    "ONE_HUNDRED_TAGS": 100,
}
_AGES: Final = {
    "ONE_DAY": "1d",
    "THREE_DAYS": "3d",
    "SEVEN_DAYS": "7d",
    "FOURTEEN_DAYS": "14d",
    "THIRTY_DAYS": "30d",
    "SIXTY_DAYS": "60d",
    "NINETY_DAYS": "90d",
    "ONE_HUNDRED_EIGHTY_DAYS": "180d",
    "THREE_HUNDRED_SIXTY_FIVE_DAYS": "365d",
    "SEVEN_HUNDRED_THIRTY_DAYS": "730d",
    "ONE_THOUSAND_NINETY_FIVE_DAYS": "1095d",
}
_WORDS: Final[Mapping[str, Mapping[str, str | int]]] = MappingProxyType(
    {"cadence": _CADENCES, "keepN": _COUNTS, "olderThan": _AGES}
)
_EVERY_TAG: Final = ".*"


def policy_of_graphql(project: Entry) -> str | None:
    """Give a project's policy and tag rules as JSON; None where it has none, or they are hidden.

    Whoever does not maintain the project sees that there is a policy, and not what it says.

    Raises
    ------
    MalformedAnswerError
        Code ``VENDOR_ANSWER_ODD``: an age or a number that is not known.
    """
    policy = project.entry("policy")
    if policy is None or "cadence" not in policy:
        return None
    document: dict[str, Any] = {
        "container_expiration_policy": {
            "cadence": _word(policy, "cadence"),
            "enabled": policy.flag("enabled"),
            "keep_n": _word(policy, "keepN"),
            "older_than": _word(policy, "olderThan"),
            "name_regex": policy.optional_text("nameRegex"),
            "name_regex_keep": policy.optional_text("nameRegexKeep"),
            "next_run_at": policy.optional_text("nextRunAt"),
        }
    }
    if rules := _tag_rules(project):
        document["container_protection_tag_rules"] = [
            {
                "tag_name_pattern": rule.text("tagNamePattern"),
                "minimum_access_level_for_push": _level(rule, "Push"),
                "minimum_access_level_for_delete": _level(rule, "Delete"),
            }
            for rule in rules
        ]
    return json.dumps(document, sort_keys=True)


def policy_of_rest(project: Entry) -> str | None:
    """Give a project's policy as JSON; None where it has none, or it is hidden."""
    policy = project.raw("container_expiration_policy")
    return json.dumps({"container_expiration_policy": policy}, sort_keys=True) if policy else None


def is_immutable(project: Entry) -> bool | None:
    """Whether no tag can be moved or deleted by anybody; None where the rules are hidden."""
    if "tagRules" not in project:
        return None
    return any(
        rule.text("tagNamePattern") == _EVERY_TAG
        and _level(rule, "Push") is None
        and _level(rule, "Delete") is None
        for rule in _tag_rules(project)
    )


def _tag_rules(project: Entry) -> list[Entry]:
    rules = project.entry("tagRules")
    return rules.entries("nodes") if rules else []


def _level(rule: Entry, action: str) -> str | None:
    """Give the role from which on somebody may do it; None: nobody may."""
    return rule.optional_text(f"minimumAccessLevelFor{action}")


def _word(policy: Entry, key: str) -> str | int | None:
    value = policy.optional_text(key)
    if value is not None and value not in _WORDS[key]:
        raise odd(VENDOR, f"policy.{key}", f"is {ascii(value)[:60]}, which is not known")
    return None if value is None else _WORDS[key][value]
