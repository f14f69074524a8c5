"""Artifact Registry's cleanup policies, read from gcloud's file form and from the API's.

Sources, looked up 2026-11: Artifact Registry documentation, pages ``cleanup-policy`` and
``cleanup-policy-overview``; REST reference, ``CleanupPolicy``; what the Cloud SDK's
``gcloud artifacts repositories set-cleanup-policies`` checks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from regtools.policies._base import Version
from regtools.policies.form import Fields, invalid, shown

MOST_POLICIES: Final = 10
_LONGEST_NAME: Final = 127
_MAP: Final = "cleanupPolicies"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(?:\d{1,15}(?:\.\d{1,9})?[smhdw])+", re.ASCII)
_STEP: Final = re.compile(r"([\d.]+)([smhdw])", re.ASCII)


class CleanupAction(StrEnum):
    """Whether matching versions go or stay; Keep wins."""

    DELETE = "delete"
    KEEP = "keep"


class TagState(StrEnum):
    """Which versions a condition speaks of."""

    TAGGED = "tagged"
    UNTAGGED = "untagged"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a version has to be; all that is given has to hold. Ages are in seconds."""

    tag_state: TagState = TagState.ANY
    tag_prefixes: tuple[str, ...] = ()
    """One of its tags starts with one of these."""
    version_prefixes: tuple[str, ...] = ()
    """Its digest starts with one of these."""
    package_prefixes: tuple[str, ...] = ()
    older_than: float | None = None
    newer_than: float | None = None

    def matches(self, version: Version, package: str, now: datetime) -> bool:
        """Say whether a version meets it.

        One without a date is neither older nor newer than anything.
        """
        state = TagState.TAGGED if version.tags else TagState.UNTAGGED
        if self.tag_state not in (TagState.ANY, state):
            return False
        if self.tag_prefixes and not any(tag.startswith(self.tag_prefixes) for tag in version.tags):
            return False
        if self.version_prefixes and not version.digest.startswith(self.version_prefixes):
            return False
        if not in_package(self.package_prefixes, package):
            return False
        if self.older_than is None and self.newer_than is None:
            return True
        if version.pushed_at is None:
            return False
        age = (now - version.pushed_at).total_seconds()
        return (self.older_than is None or age > self.older_than) and (
            self.newer_than is None or age < self.newer_than
        )

    def covers(self, other: Condition) -> bool:
        """Say whether all that the other one matches is matched by this one."""
        return (
            (self.tag_state in (TagState.ANY, other.tag_state))
            and _wider(self.tag_prefixes, other.tag_prefixes)
            and _wider(self.version_prefixes, other.version_prefixes)
            and _wider(self.package_prefixes, other.package_prefixes)
            and (
                self.older_than is None
                or (other.older_than is not None and other.older_than >= self.older_than)
            )
            and (
                self.newer_than is None
                or (other.newer_than is not None and other.newer_than <= self.newer_than)
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupRule:
    """One cleanup policy: a condition, or how many of the newest versions stay."""

    name: str
    action: CleanupAction
    condition: Condition = Condition()
    keep_count: int | None = None
    """Of each package; None: the condition counts."""

    def __str__(self) -> str:
        """Name the rule in few words: ``policy 'old': delete tagged older than 30d``."""
        name = f"policy {shown(self.name)}: {self.action.value}"
        packages = _either("of package", self.condition.package_prefixes)
        if self.keep_count is not None:
            return f"{name} the {self.keep_count} newest{packages}"
        condition = self.condition
        older, newer = condition.older_than, condition.newer_than
        return "".join(
            (
                name,
                " any version"
                if condition.tag_state is TagState.ANY
                else f" {condition.tag_state}",
                _either("with tag", condition.tag_prefixes),
                _either("of version", condition.version_prefixes),
                packages,
                "" if older is None else f" older than {_age(older)}",
                "" if newer is None else f" newer than {_age(newer)}",
            )
        )


def in_package(prefixes: Sequence[str], package: str) -> bool:
    """Say whether a package has one of the prefixes; no prefix at all is any package."""
    return not prefixes or any(package.startswith(unquote(prefix)) for prefix in prefixes)


def parse_cleanup(data: object) -> tuple[CleanupRule, ...]:
    """Read gcloud's list, the API's map, or a whole repository as the API gives it.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``, with the place and what is allowed there.
    """
    place = _MAP
    if isinstance(data, Mapping) and _MAP in data:
        data = data[_MAP]
    elif isinstance(data, list):
        place = "policies"
    if isinstance(data, Mapping):
        named = ((f"{place}[{shown(key)}]", key, one) for key, one in data.items())
        entries = [(where, {"id": key, **_present(one, where)}) for where, key, one in named]
    elif isinstance(data, list):
        listed = ((f"{place}[{at}]", one) for at, one in enumerate(data))
        entries = [(where, _present(one, where)) for where, one in listed]
    else:
        raise invalid("the policy", f"is {shown(data)}; a list or an object is needed")
    if not entries:
        raise invalid(place, "is empty; a policy is needed")
    if len(entries) > MOST_POLICIES:
        problem = f"holds {len(entries)} policies; a repository has {MOST_POLICIES} at most"
        raise invalid(place, problem)
    rules = [_rule(one, where) for where, one in entries]
    names: set[str] = set()
    for rule, (where, _) in zip(rules, entries, strict=True):
        if rule.name in names:
            raise invalid(where, f"has the name of another policy, {shown(rule.name)}")
        names.add(rule.name)
    return tuple(rules)


def _present(data: object, place: str) -> dict[str, object]:
    """Leave out what is null: JSON for protocol buffers means by it that nothing was given."""
    if not isinstance(data, Mapping):
        raise invalid(place, f"is {shown(data)}; an object is needed")
    return {str(key): value for key, value in data.items() if value is not None}


def _rule(data: Mapping[str, object], place: str) -> CleanupRule:
    rule = Fields(data, place, known=("name", "id", "action", "condition", "mostRecentVersions"))
    name = rule.text("id" if "id" in rule and "name" not in rule else "name")
    if not 0 < len(name) <= _LONGEST_NAME:
        raise invalid(rule.at("name"), f"needs 1 to {_LONGEST_NAME} characters")
    action = _action(rule)
    if ("condition" in rule) is ("mostRecentVersions" in rule):
        raise invalid(place, "needs either condition or mostRecentVersions")
    if "condition" in rule:
        return CleanupRule(name=name, action=action, condition=_condition(rule))
    if action is CleanupAction.DELETE:
        raise invalid(rule.at("mostRecentVersions"), "is only allowed with the action Keep")
    recent = Fields(
        _present(rule.raw("mostRecentVersions"), rule.at("mostRecentVersions")),
        rule.at("mostRecentVersions"),
        known=("keepCount", "packageNamePrefixes"),
    )
    packages = Condition(package_prefixes=recent.texts("packageNamePrefixes"))
    count = recent.number("keepCount", least=0, default=0)
    return CleanupRule(name=name, action=action, condition=packages, keep_count=count)


def _action(rule: Fields) -> CleanupAction:
    """Read ``{"type": "Delete"}`` of the file form, or ``"DELETE"`` of the API's."""
    written, where = rule.raw("action"), rule.at("action")
    if isinstance(written, Mapping):
        action = Fields(written, where, known=("type",))
        written, where = action.raw("type"), action.at("type")
    if not isinstance(written, str) or written.lower() not in [*CleanupAction]:
        raise invalid(where, f"is {shown(written)}; allowed: 'Delete' or 'Keep'")
    return CleanupAction(written.lower())


def _condition(rule: Fields) -> Condition:
    condition = Fields(
        _present(rule.raw("condition"), rule.at("condition")),
        rule.at("condition"),
        known=(
            "tagState",
            "tagPrefixes",
            "versionNamePrefixes",
            "packageNamePrefixes",
            "olderThan",
            "newerThan",
        ),
    )
    state = condition.text("tagState", TagState.ANY)
    unspecified = {"tag_state_unspecified": TagState.ANY.value}
    state = unspecified.get(state.lower(), state.lower())
    if state not in [*TagState]:
        problem = f"is {shown(state)}; allowed: 'tagged', 'untagged' or 'any'"
        raise invalid(condition.at("tagState"), problem)
    return Condition(
        tag_state=TagState(state),
        tag_prefixes=condition.texts("tagPrefixes"),
        version_prefixes=condition.texts("versionNamePrefixes"),
        package_prefixes=condition.texts("packageNamePrefixes"),
        older_than=_duration(condition, "olderThan"),
        newer_than=_duration(condition, "newerThan"),
    )


def _duration(condition: Fields, key: str) -> float | None:
    """Read ``30d``, ``1d12h`` or ``2592000s`` as seconds."""
    if key not in condition:
        return None
    text = condition.text(key)
    if _DURATION.fullmatch(text) is None:
        problem = f"is {shown(text)}; a number with s, m, h, d or w is needed, such as '30d'"
        raise invalid(condition.at(key), problem)
    return sum(float(number) * _SECONDS[unit] for number, unit in _STEP.findall(text))


def _wider(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Say whether whatever has one of their prefixes has one of mine."""
    return not mine or (bool(theirs) and all(one.startswith(tuple(mine)) for one in theirs))


def _either(what: str, prefixes: Sequence[str]) -> str:
    return f" {what} {' or '.join(f'{shown(one)[1:-1]}*' for one in prefixes)}" if prefixes else ""


def _age(seconds: float) -> str:
    for unit in ("d", "h"):
        count, rest = divmod(seconds, _SECONDS[unit])
        if not rest:
            return f"{count:.0f}{unit}"
    return f"{seconds:g}s"
