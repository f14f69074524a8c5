"""The rules of a Harbor retention policy, read from the API's JSON and checked as Harbor checks.

Sources: goharbor/harbor at c50c7ddd (2026-08-21), ``src/pkg/retention``, ``src/lib/selector`` and
``api/v2.0/swagger.yaml``; Harbor's documentation, page ``create-tag-retention-rules``. Looked up
2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from math import floor
from typing import Final

from regtools.policies._base import Version
from regtools.policies.form import Fields, invalid, items, shown
from regtools.policies.harbor.doublestar import Doublestar

MOST_COUNT: Final = 32_766
"""The most images that a rule may count."""
MOST_DAYS: Final = 20_190_904
"""The most days that a rule may look back."""
NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""When Harbor says that something was pulled which never was."""

_DAY: Final = 86_400


class Template(StrEnum):
    """What a rule retains; its parameter has the same name."""

    PUSHED = "latestPushedK"
    PULLED = "latestPulledN"
    ACTIVE = "latestActiveK"
    SINCE_PUSH = "nDaysSinceLastPush"
    SINCE_PULL = "nDaysSinceLastPull"
    LAST_DAYS = "lastXDays"
    ALWAYS = "always"

    @property
    def counts(self) -> bool:
        """Whether its number is one of images, not of days."""
        return self in _COUNTING

    @property
    def asks_pulls(self) -> bool:
        """Whether it looks at when something was pulled."""
        return self in _PULLING


_COUNTING: Final = (Template.PUSHED, Template.PULLED, Template.ACTIVE)
_PULLING: Final = (Template.PULLED, Template.ACTIVE, Template.SINCE_PULL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A pattern that has to match, or for which something has to be that it does not match."""

    pattern: Doublestar
    excludes: bool = False
    untagged: bool = True
    """Whether an image without a tag is selected."""

    def selects_tags(self, tags: Sequence[str]) -> bool:
        """Say whether some tag matches; where it excludes, whether some tag does not match."""
        if not tags:
            return self.untagged
        return any(self.pattern.matches(tag) is not self.excludes for tag in tags)

    def selects_repository(self, name: str) -> bool:
        """Say whether a repository is in view, named as in its project."""
        return self.pattern.matches(name) is not self.excludes

    def covers(self, other: Selector) -> bool:
        """Say whether it surely selects all that the other one does."""
        is_wide_enough = self.untagged or not other.untagged
        is_same = (self.pattern, self.excludes) == (other.pattern, other.excludes)
        return is_wide_enough and (is_same or self.takes_all_names)

    @property
    def takes_all_names(self) -> bool:
        """Whether it selects whatever has a name."""
        return self.pattern.is_everything and not self.excludes


@dataclass(frozen=True, slots=True, kw_only=True)
class HarborRule:
    """One rule: it retains some of what its selectors select, in the repositories of its scope."""

    position: int = field(compare=False)
    """Where it stands in the policy, from 1."""
    template: Template
    number: int = 0
    """How many images, or days; nothing for ``always``."""
    tags: tuple[Selector, ...]
    """All of them have to select an image."""
    scope: tuple[Selector, ...] = ()
    """All of them have to select a repository; empty: every one of the project."""
    is_disabled: bool = False
    priority: int = 0

    def __str__(self) -> str:
        """Name the rule in few words: ``rule 1: the 10 last pushed of tags v*``."""
        return f"rule {self.position}: {self._kept()} of {self._tags()}{self._where()}"

    def _kept(self) -> str:
        days = f"{self.number} day{'' if self.number == 1 else 's'}"
        return {
            Template.PUSHED: f"the {self.number} last pushed",
            Template.PULLED: f"the {self.number} last pulled",
            Template.ACTIVE: f"the {self.number} last pushed or pulled",
            Template.SINCE_PUSH: f"those pushed within {days}",
            Template.SINCE_PULL: f"those pulled within {days}",
            Template.LAST_DAYS: f"those pushed within {days}",
            Template.ALWAYS: "all",
        }[self.template]

    def _tags(self) -> str:
        named = " and ".join(
            f"{'all but ' if one.excludes else ''}tags {one.pattern}" for one in self.tags
        )
        return f"{named} and untagged" if all(one.untagged for one in self.tags) else named

    def _where(self) -> str:
        narrow = [one for one in self.scope if not one.takes_all_names]
        names = " and ".join(f"{'all but ' if one.excludes else ''}{one.pattern}" for one in narrow)
        return f" in {names}" if names else ""

    def in_scope(self, name: str) -> bool:
        """Say whether the rule is about a repository, named as in its project."""
        return not self.is_disabled and all(one.selects_repository(name) for one in self.scope)

    def selects(self, version: Version) -> bool:
        """Say whether the tags of an image, or that it has none, meet all selectors."""
        return all(one.selects_tags(version.tags) for one in self.tags)

    def retains(self, selected: Sequence[Version], now: datetime) -> list[Version]:
        """Say which of the images that it selects stay.

        One whose date is not told stays, and takes no place among those that are counted.
        """
        if self.template is Template.ALWAYS:
            return list(selected)
        undated = [one for one in selected if self._date(one) is None]
        dated = [(date, one) for one in selected if (date := self._date(one)) is not None]
        if self.template.counts:
            # Harbor leaves open what comes first of one moment; the names make it always the same.
            dated.sort(
                key=lambda pair: (pair[0], max(pair[1].tags, default=""), pair[1].digest),
                reverse=True,
            )
            return [*undated, *(one for _, one in dated[: self.number])]
        cutoff = now.timestamp() - self.number * _DAY
        if self.template is Template.LAST_DAYS:
            return [*undated, *(one for date, one in dated if date > cutoff)]
        # Both in whole seconds.
        return [*undated, *(one for date, one in dated if date >= floor(cutoff))]

    def _date(self, version: Version) -> int | None:
        """Give what the rule orders by, in seconds; None: nobody tells."""
        pushed = _seconds(version.pushed_at)
        if not self.template.asks_pulls:
            return pushed
        if not version.tells_pulls:
            return None
        pulled = int((version.pulled_at or NEVER).timestamp())
        if self.template is not Template.ACTIVE:
            return pulled
        return None if pushed is None else max(pulled, pushed)

    def covers(self, other: HarborRule) -> bool:
        """Say whether it surely retains all that the other rule does."""
        if not (
            all(any(mine.covers(theirs) for theirs in other.tags) for mine in self.tags)
            and _cover_all_names(self.scope, other.scope)
        ):
            return False
        if self.template is Template.ALWAYS:
            return True
        if self.template is not other.template or self.number < other.number:
            return False
        return not self.template.counts or set(self.tags) == set(other.tags)


def _cover_all_names(wide: Iterable[Selector], narrow: Sequence[Selector]) -> bool:
    return all(
        mine.takes_all_names or any(mine.covers(theirs) for theirs in narrow) for mine in wide
    )


def _seconds(date: datetime | None) -> int | None:
    return None if date is None else int(date.timestamp())


def parse_rules(data: object) -> tuple[HarborRule, ...]:
    """Read ``{"algorithm": "or", "rules": […]}``, as the API gives and takes it.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``, with the place and what is allowed there.
    """
    policy = Fields(data, "", known=("id", "algorithm", "rules", "trigger", "scope"))
    policy.choice("algorithm", ["or"])
    if "scope" in policy:
        scope = Fields(policy.raw("scope"), "scope", known=("level", "ref"))
        scope.choice("level", ["project"])
    rules: list[HarborRule] = []
    for index, one in enumerate(items(policy.raw("rules"), "rules")):
        rule = _rule(one, index)
        if rule in rules:
            raise invalid(f"rules[{index}]", f"is the same as rules[{rules.index(rule)}]")
        rules.append(rule)
    return tuple(rules)


_RULE: Final = (
    "id",
    "priority",
    "disabled",
    "action",
    "template",
    "params",
    "tag_selectors",
    "scope_selectors",
)


def _rule(data: object, index: int) -> HarborRule:
    rule = Fields(data, f"rules[{index}]", known=_RULE)
    rule.choice("action", ["retain"])
    template = Template(rule.choice("template", [*Template]))
    tags = _selectors(rule.raw("tag_selectors"), rule.at("tag_selectors"), _TAG_WORDS)
    if not tags:
        raise invalid(rule.at("tag_selectors"), "is empty; a rule needs one")
    scopes = Fields(
        rule.raw("scope_selectors", {}), rule.at("scope_selectors"), known=("repository",)
    )
    return HarborRule(
        position=index + 1,
        template=template,
        number=_number(rule, template),
        tags=tags,
        scope=_selectors(scopes.raw("repository", []), scopes.at("repository"), _REPOSITORY_WORDS),
        is_disabled=rule.flag("disabled"),
        priority=rule.number("priority", least=0, default=0),
    )


def _number(rule: Fields, template: Template) -> int:
    if template is Template.ALWAYS:
        return 0
    params = Fields(rule.raw("params"), rule.at("params"), known=(template,))
    number = params.number(template, least=0)
    most = MOST_COUNT if template.counts else MOST_DAYS
    if number > most:
        raise invalid(params.at(template), f"is {number}; {most} at most is allowed")
    return number


_TAG_WORDS: Final = ("matches", "excludes")
_REPOSITORY_WORDS: Final = ("repoMatches", "repoExcludes")


def _selectors(data: object, place: str, words: tuple[str, str]) -> tuple[Selector, ...]:
    return tuple(
        _selector(Fields(one, f"{place}[{index}]", known=_SELECTOR), words)
        for index, one in enumerate(items(data, place))
    )


_SELECTOR: Final = ("kind", "decoration", "pattern", "extras")


def _selector(selector: Fields, words: tuple[str, str]) -> Selector:
    selector.choice("kind", ["doublestar"])
    excludes = selector.choice("decoration", words) == words[1]
    text = selector.text("pattern")
    if not text:
        raise invalid(selector.at("pattern"), "is empty; write ** for everything")
    try:
        pattern = Doublestar.of(text)
    except ValueError as error:
        raise invalid(selector.at("pattern"), f"is {shown(text)}: it {error}") from error
    untagged = _untagged(selector.text("extras", ""), is_default=not excludes)
    return Selector(pattern=pattern, excludes=excludes, untagged=untagged is not excludes)


def _untagged(extras: str, *, is_default: bool) -> bool:
    """Read ``{"untagged": true}``, as text; what Harbor cannot read there says nothing."""
    try:
        told = json.loads(extras)
    except (ValueError, RecursionError):
        return is_default
    value = told.get("untagged") if isinstance(told, dict) else told
    return is_default if value is not None and not isinstance(value, bool) else value is True
