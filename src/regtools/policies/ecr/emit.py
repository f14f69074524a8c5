"""The house's rule as an ECR lifecycle policy, where ECR can say the same.

An emitted policy never deletes an image that the rule keeps. ECR has no other way to keep tags
than a rule with a higher priority that sees them and never has enough images to delete any
(Amazon ECR user guide, page ``LifecyclePolicies``, evaluation rules; looked up 2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from regtools.policies.ecr.rules import MOST_RULES, MOST_WILDCARDS
from regtools.policies.form import shown
from regtools.policies.impossible import impossible, refuse_common
from regtools.policies.rule import Rule
from regtools.policies.wildcards import EVERYTHING, Wildcard, from_regex
from regtools.units import format_age

PROTECTING: Final = 999_999
"""More images than a repository can hold, so that a rule with this count deletes none."""
_DAY: Final = timedelta(days=1)
_VENDOR: Final = "ECR"


def emit_ecr(rule: Rule) -> str:
    """Write a rule as the JSON of `aws ecr put-lifecycle-policy`.

    The policy selects the same images. Their parts (images of an index) stay in ECR until a rule
    for untagged images selects them; tags on an image that is kept are kept too.

    Raises
    ------
    ConfigError
        Code ``EMIT_IMPOSSIBLE``: ECR cannot say the same; the message names the condition.
    """
    refuse_common(rule, _VENDOR)
    if rule.keep_last is not None and rule.older_than is not None:
        raise impossible(
            _VENDOR,
            "keep-last together with older-than",
            "A rule of ECR counts either images or days, and an image obeys one rule only. "
            "Leave one of them out.",
        )
    if rule.untagged:
        return _written([_selecting(rule, {"tagStatus": "untagged"})])
    kept = _kept(rule.keep_tags)
    tagged = {"tagStatus": "tagged", "tagPatternList": [str(EVERYTHING)]}
    return _written([*map(_protecting, kept), _selecting(rule, tagged)])


def _selecting(rule: Rule, selection: dict[str, Any]) -> dict[str, Any]:
    if rule.older_than is not None:
        days, rest = divmod(rule.older_than, _DAY)
        if rest or not days:
            raise impossible(
                _VENDOR,
                f"an age of {format_age(rule.older_than)}",
                "ECR counts whole days, at least one.",
            )
        selection |= {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
        return {"description": f"Expire what is older than {days} days", "selection": selection}
    if not rule.keep_last or rule.untagged:
        raise impossible(
            _VENDOR,
            "untagged without an age" if rule.untagged else "keep-last 0",
            "ECR always keeps something: the newest, or what is younger than a day. "
            "Add older-than, one day at least.",
        )
    selection |= {"countType": "imageCountMoreThan", "countNumber": rule.keep_last}
    return {"description": f"Keep the {rule.keep_last} newest", "selection": selection}


def _kept(keep_tags: Sequence[str]) -> list[Wildcard]:
    """Give the patterns of the tags to keep, each once, and none that another one covers."""
    found: list[Wildcard] = []
    for regex in keep_tags:
        patterns = from_regex(regex)
        if patterns is None or any(
            len(one.parts) > MOST_WILDCARDS + 1 or not one.is_possible for one in patterns
        ):
            raise impossible(
                _VENDOR,
                f"keep-tag {shown(regex)}",
                "ECR knows patterns with up to four * for any characters: write it with ^, $, .* "
                "and plain characters, such as ^v or ^release-.*$.",
            )
        found += patterns
    found = [one for one in dict.fromkeys(found) if not _is_covered(one, found)]
    if EVERYTHING in found:
        raise impossible(
            _VENDOR, "a keep-tag that keeps every tag", "Such a rule deletes nothing: leave it out."
        )
    if len(found) >= MOST_RULES:
        raise impossible(
            _VENDOR,
            f"{len(found)} patterns of tags to keep",
            f"A policy of ECR has {MOST_RULES} rules at most.",
        )
    return found


def _is_covered(one: Wildcard, patterns: Sequence[Wildcard]) -> bool:
    return any(other != one and other.covers(one) for other in patterns)


def _protecting(pattern: Wildcard) -> dict[str, Any]:
    return {
        "description": f"Keep {pattern}",
        "selection": {
            "tagStatus": "tagged",
            "tagPatternList": [str(pattern)],
            "countType": "imageCountMoreThan",
            "countNumber": PROTECTING,
        },
    }


def _written(rules: Sequence[dict[str, Any]]) -> str:
    numbered = [
        {"rulePriority": at, **rule, "action": {"type": "expire"}}
        for at, rule in enumerate(rules, start=1)
    ]
    return json.dumps({"rules": numbered}, indent=2) + "\n"
