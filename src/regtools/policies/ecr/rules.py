"""The rules of an ECR lifecycle policy, read from AWS's JSON and checked as AWS checks them.

Sources: Amazon ECR user guide, pages ``lifecycle_policy_parameters``, ``LifecyclePolicies``
(evaluation rules) and ``service-quotas``; API reference, ``LifecyclePolicyRulePriority``.
Looked up 2026-11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from regtools.policies._base import Action, Version
from regtools.policies.form import Fields, invalid, items, shown
from regtools.policies.wildcards import Wildcard

MOST_RULES: Final = 50
MOST_WILDCARDS: Final = 4
MOST_IMAGES: Final = 100_000
"""Images that one repository can hold (service quota)."""
ARCHIVE_DAYS: Final = 90
"""An archived image is billed for that long, and no rule may delete it sooner."""

_DAY: Final = 86_400


class TagStatus(StrEnum):
    """Which images a rule speaks of."""

    TAGGED = "tagged"
    UNTAGGED = "untagged"
    ANY = "any"


class StorageClass(StrEnum):
    """Where an image lies."""

    STANDARD = "standard"
    ARCHIVE = "archive"


class CountType(StrEnum):
    """What a rule counts."""

    IMAGES = "imageCountMoreThan"
    PUSHED = "sinceImagePushed"
    PULLED = "sinceImagePulled"
    TRANSITIONED = "sinceImageTransitioned"


@dataclass(frozen=True, slots=True, kw_only=True)
class EcrRule:
    """One rule. ``number`` is a count of images, or an age in days."""

    priority: int
    tag_status: TagStatus
    patterns: tuple[Wildcard, ...] = ()
    """For ``tagged``: an image needs, for each of them, a tag that it matches."""
    storage_class: StorageClass = StorageClass.STANDARD
    count_type: CountType
    number: int
    action: Action = Action.DELETE
    description: str = ""

    def __str__(self) -> str:
        """Name the rule in few words: ``rule 1: untagged for more than 14 days``."""
        verb = "archive " if self.action is Action.ARCHIVE else ""
        what = " and ".join(map(str, self.patterns)) or "images"
        chosen = {
            TagStatus.TAGGED: f"tagged {what}",
            TagStatus.UNTAGGED: "untagged",
            TagStatus.ANY: "any image",
        }[self.tag_status]
        days = f"{self.number} day{'' if self.number == 1 else 's'}"
        since = {
            CountType.IMAGES: f"beyond the {self.number} newest",
            CountType.PUSHED: f"for more than {days}"
            if self.tag_status is TagStatus.UNTAGGED
            else f"pushed more than {days} ago",
            CountType.PULLED: f"not pulled for more than {days}",
            CountType.TRANSITIONED: f"archived for more than {days}",
        }[self.count_type]
        return f"rule {self.priority}: {verb}{chosen} {since}"

    def sees(self, version: Version) -> bool:
        """Say whether an image meets the tagging requirements; then no later rule may touch it."""
        if self.tag_status is TagStatus.ANY:
            return True
        if self.tag_status is TagStatus.UNTAGGED:
            return not version.tags
        return bool(version.tags) and all(
            any(pattern.matches(tag) for tag in version.tags) for pattern in self.patterns
        )

    def marks(self, seen: Sequence[Version], now: datetime) -> list[Version]:
        """Say which of the images that the rule sees are too many or too old, youngest first.

        An image without a date is never marked, and takes no place among the newest.
        """
        dated = sorted(
            ((date, version) for version in seen if (date := self._date(version)) is not None),
            # Of one moment: AWS's example with all rule types keeps the untagged one. Else the
            # name decides, so that the answer is always the same.
            key=lambda pair: (
                pair[0],
                not pair[1].tags,
                max(pair[1].tags, default=""),
                pair[1].digest,
            ),
            reverse=True,
        )
        if self.count_type is CountType.IMAGES:
            return [version for _, version in dated[self.number :]]
        longest = self.number * _DAY
        return [version for date, version in dated if (now - date).total_seconds() > longest]

    def _date(self, version: Version) -> datetime | None:
        if self.count_type is CountType.PULLED:
            # One that was never pulled counts from its push; one whose pulls nobody tells, never.
            return (version.pulled_at or version.pushed_at) if version.tells_pulls else None
        return version.pushed_at

    def covers(self, other: EcrRule) -> bool:
        """Say whether every image that the other rule sees is one that this rule sees."""
        if self.storage_class is not other.storage_class:
            return False
        if self.tag_status is TagStatus.ANY:
            return True
        return self.tag_status is other.tag_status and all(
            any(mine.covers(theirs) for theirs in other.patterns) for mine in self.patterns
        )


def parse_rules(data: object) -> tuple[EcrRule, ...]:
    """Read ``{"rules": […]}``, first priority first.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``, with the place and what is allowed there.
    """
    listed = items(Fields(data, "", known=("rules",)).raw("rules"), "rules")
    if not listed:
        raise invalid("rules", "is empty; a policy needs a rule")
    if len(listed) > MOST_RULES:
        raise invalid("rules", f"holds {len(listed)} rules; a policy has {MOST_RULES} at most")
    rules = [_rule(one, f"rules[{index}]") for index, one in enumerate(listed)]
    _check_priorities(rules)
    for storage_class in StorageClass:
        _check_selections(
            [(at, rule) for at, rule in enumerate(rules) if rule.storage_class is storage_class]
        )
    return tuple(sorted(rules, key=lambda rule: rule.priority))


def _rule(data: object, place: str) -> EcrRule:
    rule = Fields(data, place, known=("rulePriority", "description", "selection", "action"))
    priority = rule.number("rulePriority", least=1)
    description = rule.text("description", "")
    selection = Fields(
        rule.raw("selection"),
        rule.at("selection"),
        known=(
            "tagStatus",
            "tagPatternList",
            "tagPrefixList",
            "storageClass",
            "countType",
            "countUnit",
            "countNumber",
        ),
    )
    tag_status = TagStatus(selection.choice("tagStatus", [*TagStatus]))
    count_type = CountType(selection.choice("countType", [*CountType]))
    action = _action(Fields(rule.raw("action"), rule.at("action"), known=_ACTION), count_type)
    return EcrRule(
        priority=priority,
        description=description,
        tag_status=tag_status,
        patterns=_patterns(selection, tag_status),
        storage_class=_storage_class(selection, count_type),
        count_type=count_type,
        number=_number(selection, count_type),
        action=action,
    )


_ACTION: Final = ("type", "targetStorageClass")
_LISTS: Final = ("tagPatternList", "tagPrefixList")


def _patterns(selection: Fields, tag_status: TagStatus) -> tuple[Wildcard, ...]:
    given = [key for key in _LISTS if key in selection]
    if tag_status is not TagStatus.TAGGED:
        if given:
            raise invalid(selection.at(given[0]), "is only allowed where tagStatus is 'tagged'")
        return ()
    if len(given) != 1:
        problem = "needs tagPatternList or tagPrefixList, and not both, where tagStatus is 'tagged'"
        raise invalid(selection.at("tagStatus"), problem)
    (key,) = given
    written = selection.texts(key)
    if not written:
        raise invalid(selection.at(key), "is empty; a tagged rule needs a pattern or a prefix")
    if key == "tagPrefixList":
        return tuple(map(Wildcard.prefix, written))
    for text in written:
        if text.count("*") > MOST_WILDCARDS:
            problem = f"holds {shown(text)}; a pattern has {MOST_WILDCARDS} wildcards at most"
            raise invalid(selection.at(key), problem)
    return tuple(map(Wildcard.of, written))


def _storage_class(selection: Fields, count_type: CountType) -> StorageClass:
    is_archived = count_type is CountType.TRANSITIONED
    needed = StorageClass.ARCHIVE if is_archived else StorageClass.STANDARD
    if is_archived and "storageClass" not in selection:
        raise invalid(selection.at("storageClass"), "has to be 'archive' for this countType")
    given = selection.choice("storageClass", [*StorageClass], StorageClass.STANDARD)
    if given != needed:
        raise invalid(
            selection.at("storageClass"),
            f"is {given!r}; with countType {count_type.value!r} only {needed.value!r} is allowed",
        )
    return needed


def _number(selection: Fields, count_type: CountType) -> int:
    if count_type is CountType.IMAGES:
        if "countUnit" in selection:
            raise invalid(selection.at("countUnit"), "is not allowed with 'imageCountMoreThan'")
        return selection.number("countNumber", least=1)
    selection.choice("countUnit", ["days"])
    number = selection.number("countNumber", least=1)
    if count_type is CountType.TRANSITIONED and number < ARCHIVE_DAYS:
        problem = f"is {number}; an archived image stays for {ARCHIVE_DAYS} days at least"
        raise invalid(selection.at("countNumber"), problem)
    return number


def _action(action: Fields, count_type: CountType) -> Action:
    kind = action.choice("type", ["expire", "transition"])
    if count_type is CountType.PULLED and kind != "transition":
        raise invalid(action.at("type"), "has to be 'transition' with 'sinceImagePulled'")
    if count_type is CountType.TRANSITIONED and kind != "expire":
        raise invalid(action.at("type"), "has to be 'expire' with 'sinceImageTransitioned'")
    if kind == "transition":
        action.choice("targetStorageClass", ["archive"])
        return Action.ARCHIVE
    if "targetStorageClass" in action:
        raise invalid(action.at("targetStorageClass"), "is only allowed with 'transition'")
    return Action.DELETE


def _check_priorities(rules: Iterable[EcrRule]) -> None:
    counted = Counter(rule.priority for rule in rules)
    for index, rule in enumerate(rules):
        if counted[rule.priority] > 1:
            problem = f"is {rule.priority}, as in another rule; each needs one of its own"
            raise invalid(f"rules[{index}].rulePriority", problem)


def _check_selections(placed: Sequence[tuple[int, EcrRule]]) -> None:
    """Check the rules of one storage class against each other."""
    seen: set[tuple[TagStatus, frozenset[Wildcard]]] = set()
    last = max((rule.priority for _, rule in placed), default=0)
    for index, rule in placed:
        place = f"rules[{index}].selection.tagStatus"
        key = (rule.tag_status, frozenset(rule.patterns))
        if key in seen and rule.tag_status is TagStatus.TAGGED:
            raise invalid(f"rules[{index}].selection", "has the patterns of another rule")
        if key in seen:
            problem = f"is {rule.tag_status.value!r}, as in another rule; one is allowed"
            raise invalid(place, problem)
        seen.add(key)
        if rule.tag_status is TagStatus.ANY and rule.priority != last:
            problem = f"is 'any', but the rule's priority {rule.priority} is not the highest number"
            raise invalid(place, problem)
