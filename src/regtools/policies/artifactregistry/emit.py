"""The house's rule as Artifact Registry's cleanup policies, where Google can say the same.

An emitted policy never deletes a version that the rule keeps.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from regtools.policies.form import shown
from regtools.policies.impossible import impossible, refuse_common
from regtools.policies.rule import Rule
from regtools.policies.wildcards import from_regex

_VENDOR: Final = "Artifact Registry"


def emit_artifactregistry(rule: Rule) -> str:
    """Write a rule as the file of `gcloud artifacts repositories set-cleanup-policies --policy`.

    The policy selects the same versions; their parts (images of an index) stay until a policy
    for untagged versions deletes them.

    Raises
    ------
    ConfigError
        Code ``EMIT_IMPOSSIBLE``: Google cannot say the same; the message names the condition.
    """
    refuse_common(rule, _VENDOR)
    if rule.keep_last is not None:
        raise impossible(
            _VENDOR,
            "keep-last",
            "Its keepCount also counts untagged versions and the parts of an index, so that fewer "
            "images would stay. Leave keep-last out, or write the policy yourself with "
            f'"mostRecentVersions": {{"keepCount": {rule.keep_last}}} and see with --policy '
            "what it deletes.",
        )
    condition: dict[str, Any] = {"tagState": "untagged" if rule.untagged else "tagged"}
    if rule.older_than:
        seconds = rule.older_than.total_seconds()
        condition["olderThan"] = f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
    deleting = {"name": "delete", "action": {"type": "Delete"}, "condition": condition}
    prefixes = [] if rule.untagged else _prefixes(rule.keep_tags)
    keeping = {
        "name": "keep",
        "action": {"type": "Keep"},
        "condition": {"tagState": "tagged", "tagPrefixes": prefixes},
    }
    return json.dumps([deleting, keeping] if prefixes else [deleting], indent=2) + "\n"


def _prefixes(keep_tags: Sequence[str]) -> list[str]:
    found: list[str] = []
    for regex in keep_tags:
        patterns = from_regex(regex)
        if patterns is None or any(one.parts != (one.parts[0], "") for one in patterns):
            raise impossible(
                _VENDOR,
                f"keep-tag {shown(regex)}",
                "It knows prefixes of tags only: write ^ and plain characters, such as ^v.",
            )
        found += [one.parts[0] for one in patterns]
    if "" in found:
        raise impossible(
            _VENDOR, "a keep-tag that keeps every tag", "Such a rule deletes nothing: leave it out."
        )
    return list(dict.fromkeys(found))
