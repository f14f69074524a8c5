"""The house's rule as a GitLab cleanup policy, where GitLab can say the same.

An emitted policy never deletes a tag that the rule keeps. To GitLab, tags such as ``sha256-….sig``
are tags like any other; here they are kept, also those of an image that goes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from regtools.policies import re2
from regtools.policies.form import shown
from regtools.policies.gitlab.rules import AGES, ALWAYS_KEPT
from regtools.policies.impossible import impossible, refuse_empty
from regtools.policies.rule import Rule
from regtools.units import format_age

REFERRERS: Final = "^sha(256|512)-[0-9a-f]{64}"
"""Tags of signatures and the like."""
LONGEST: Final = 255
"""Characters of an expression that GitLab stores."""
_VENDOR: Final = "GitLab"


def emit_gitlab(rule: Rule) -> str:
    """Write a rule as the JSON for ``PUT /api/v4/projects/{id}``. It is enabled, once a day.

    Raises
    ------
    ConfigError
        Code ``EMIT_IMPOSSIBLE``: GitLab cannot say the same; the message names the condition.
    """
    refuse_empty(rule, _VENDOR)
    if rule.untagged:
        remedy = "Its garbage collection takes what has no tag by itself."
        raise impossible(_VENDOR, "untagged", remedy)
    if rule.never_pulled:
        raise impossible(_VENDOR, "never-pulled", "It knows no pulls. Emit a script instead.")
    if rule.keep_last is not None:
        raise impossible(
            _VENDOR,
            "keep-last",
            "Its keep_n counts tags, not versions, so that fewer images would stay where one has "
            "several tags. Leave keep-last out, or write the policy yourself with "
            f'"keep_n": {rule.keep_last} and see with --policy what it deletes.',
        )
    delete = _anywhere(rule.delete_tags, "delete-tag") if rule.delete_tags else ".*"
    keep = _anywhere((*rule.keep_tags, REFERRERS), "keep-tag")
    if re2.matching(delete, [ALWAYS_KEPT]) and not re2.matching(keep, [ALWAYS_KEPT]):
        what = "a rule that deletes the tag latest"
        raise impossible(_VENDOR, what, "It always keeps that tag: add --keep-tag '^latest$'.")
    policy = {
        "cadence": "1d",
        "enabled": True,
        "keep_n": None,
        "older_than": _age(rule.older_than),
        "name_regex": delete,
        "name_regex_keep": keep,
    }
    return json.dumps({"container_expiration_policy_attributes": policy}, indent=2) + "\n"


def _age(age: timedelta | None) -> str | None:
    if not age:
        return None
    found = next((text for text, days in AGES.items() if age == timedelta(days=days)), None)
    if found is None:
        choices = f"It knows {', '.join(AGES)}."
        raise impossible(_VENDOR, f"an age of {format_age(age)}", choices)
    return found


def _anywhere(regexes: Sequence[str], option: str) -> str:
    """Join expressions into one that, from end to end, matches where one of them is found."""
    for regex in regexes:
        # One may hold for itself, and yet take what comes after it: \Q without its \E.
        if problem := re2.problem(regex) or re2.problem(f"(?:{regex})"):
            message = f"It is no regular expression of RE2: {problem}."
            raise impossible(_VENDOR, f"{option} {shown(regex)}", message)
    first, *others = regexes
    inside = "|".join(f"(?:{regex})" for regex in regexes) if others else first
    joined = f".*(?:{inside}).*"
    if len(joined) > LONGEST:
        message = f"It stores {LONGEST} characters of a regex: write fewer or shorter ones."
        raise impossible(_VENDOR, f"these {option} expressions", message)
    return joined
