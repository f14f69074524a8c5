"""The house's rule as a Harbor retention policy.

An emitted policy never deletes an image that the rule keeps. Harbor's rules retain: for each
condition of the rule there is one that retains what the condition does not select, so that an image
goes where all conditions select it. To Harbor, tags such as ``sha256-….att`` are those of images
like any other (only ``.sig`` are none); here they are retained, and not counted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from regtools.policies import re2
from regtools.policies.form import shown
from regtools.policies.harbor.doublestar import from_regex, in_braces
from regtools.policies.harbor.rules import MOST_COUNT, Template
from regtools.policies.impossible import impossible, refuse_empty
from regtools.policies.rule import Rule
from regtools.units import format_age

EVER: Final = 36_500
"""Days within which all that was ever pulled was pulled."""
MOST_EMITTED_DAYS: Final = 100_000
"""Harbor counts in nanoseconds, which fit for 292 years."""
_DAY: Final = timedelta(days=1)
_VENDOR: Final = "Harbor"
_EVERYTHING: Final = "**"
_REFERRERS: Final = "{sha256-*,sha512-*}"


def emit_harbor(rule: Rule) -> str:
    """Write a rule as the JSON for ``POST /api/v2.0/retentions``.

    It has no schedule, and no project: ``scope.ref`` is 0, which Harbor refuses until the number of
    the project stands there. The policy selects the same images; tags on an image that is kept are
    kept too, and so are attestations with a tag of their own.

    Raises
    ------
    ConfigError
        Code ``EMIT_IMPOSSIBLE``: Harbor cannot say the same; the message names the condition.
    """
    refuse_empty(rule, _VENDOR)
    selected, others = (_UNTAGGED, _TAGGED) if rule.untagged else (_IMAGES, _NO_IMAGES)
    rules = [_retain(Template.ALWAYS, others)]
    # Without a tag, nothing is a version to count: as in the rule itself.
    if rule.keep_last and not rule.untagged:
        if rule.keep_last > MOST_COUNT:
            message = f"Harbor counts to {MOST_COUNT}."
            raise impossible(_VENDOR, f"keep-last {rule.keep_last}", message)
        rules.append(_retain(Template.PUSHED, selected, rule.keep_last))
    if rule.older_than:
        rules.append(_retain(Template.SINCE_PUSH, selected, _days(rule.older_than)))
    if rule.never_pulled:
        rules.append(_retain(Template.SINCE_PULL, selected, EVER))
    if rule.delete_tags:
        pattern = _pattern(rule.delete_tags, "delete-tag")
        if pattern != _EVERYTHING:
            rules.append(_retain(Template.ALWAYS, _selector("excludes", pattern, untagged=True)))
    if rule.keep_tags and not rule.untagged:
        pattern = _pattern(rule.keep_tags, "keep-tag")
        if pattern == _EVERYTHING:
            what = "a keep-tag that keeps every tag"
            raise impossible(_VENDOR, what, "Such a rule deletes nothing: leave it out.")
        rules.append(_retain(Template.ALWAYS, _selector("matches", pattern, untagged=False)))
    return _written(rules)


def _selector(decoration: str, pattern: str, *, untagged: bool) -> dict[str, str]:
    return {
        "kind": "doublestar",
        "decoration": decoration,
        "pattern": pattern,
        "extras": json.dumps({"untagged": untagged}),
    }


_TAGGED: Final = _selector("matches", _EVERYTHING, untagged=False)
# No tag is any other than all; what has none is not excluded.
_UNTAGGED: Final = _selector("excludes", _EVERYTHING, untagged=False)
_IMAGES: Final = _selector("excludes", _REFERRERS, untagged=True)
_NO_IMAGES: Final = _selector("matches", _REFERRERS, untagged=True)


def _retain(template: Template, tags: dict[str, str], number: int | None = None) -> dict[str, Any]:
    everywhere = {"kind": "doublestar", "decoration": "repoMatches", "pattern": _EVERYTHING}
    return {
        "disabled": False,
        "action": "retain",
        "template": template.value,
        "params": {} if number is None else {template.value: number},
        "tag_selectors": [tags],
        "scope_selectors": {"repository": [everywhere]},
    }


def _days(age: timedelta) -> int:
    days, rest = divmod(age, _DAY)
    if rest or days > MOST_EMITTED_DAYS:
        message = f"Harbor counts whole days, {MOST_EMITTED_DAYS} at most."
        raise impossible(_VENDOR, f"an age of {format_age(age)}", message)
    return days


def _pattern(regexes: Sequence[str], option: str) -> str:
    found: list[str] = []
    for regex in regexes:
        patterns = None if re2.problem(regex) else from_regex(regex)
        if patterns is None:
            raise impossible(
                _VENDOR,
                f"{option} {shown(regex)}",
                "It knows * for any characters, ? for one, and choices such as [0-9]: write it "
                "with ^, $, ., .*, [] and plain characters, such as ^v[0-9] or ^release-.*$.",
            )
        found += patterns
    return in_braces(found)


def _written(rules: Sequence[dict[str, Any]]) -> str:
    policy = {
        "algorithm": "or",
        "rules": [{"id": at, "priority": at, **rule} for at, rule in enumerate(rules, start=1)],
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}, "references": {}},
        "scope": {"level": "project", "ref": 0},
    }
    return json.dumps(policy, indent=2) + "\n"
