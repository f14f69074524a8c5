"""A GitLab cleanup policy, read from the projects API's JSON and checked as GitLab checks it.

Sources: GitLab documentation, page ``reduce_container_registry_storage``; gitlab-org/gitlab,
``container_expiration_policy.rb`` and its enumerations for GraphQL. Looked up 2026-11.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from regtools.policies import re2
from regtools.policies.form import Fields, invalid, shown

COUNTS: Final = (1, 5, 10, 25, 50, 100)
"""What ``keep_n`` may be."""
AGES: Final[Mapping[str, int]] = MappingProxyType(
    {f"{days}d": days for days in (1, 3, 7, 14, 30, 60, 90, 180, 365, 730, 1095)}
)
"""What ``older_than`` may be, in days; older servers know fewer."""
CADENCES: Final = ("1d", "7d", "14d", "1month", "3month")
WRAPPERS: Final = ("container_expiration_policy", "container_expiration_policy_attributes")
"""Where the policy stands in a project, and in what changes one."""
KEYS: Final = (
    "cadence",
    "enabled",
    "keep_n",
    "older_than",
    "name_regex",
    "name_regex_delete",
    "name_regex_keep",
)
_TOLD_ONLY: Final = ("next_run_at",)
ALWAYS_KEPT: Final = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupRule:
    """The one rule of a project: tags go that it deletes by name, are too many, and too old."""

    is_enabled: bool = True
    delete: str | None = None
    """RE2, with ``\\A`` and ``\\z`` put around it as a text; None deletes nothing."""
    keep: str | None = None
    """Likewise, for tags that stay."""
    keep_n: int | None = None
    """How many of the newest tags, of those that the names leave, stay."""
    older_than: int | None = None
    """Days after which a tag may go."""

    def __str__(self) -> str:
        """Say in few words what it deletes: ``tags matching .*, beyond the 5 newest``."""
        words = [f"tags matching {self.delete}"]
        if self.keep:
            words.append(f"not matching {self.keep}")
        if self.keep_n is not None:
            words.append(f"beyond the {self.keep_n} newest")
        if self.older_than is not None:
            words.append(f"older than {self.older_than}d")
        return ", ".join(word if word.isprintable() else ascii(word) for word in words)

    def names_to_delete(self, tags: Collection[str]) -> set[str]:
        """Give the tags that go by their names, whatever their age."""
        listed = set(tags) - {ALWAYS_KEPT}
        return matching(self.delete, listed) - matching(self.keep, listed)


def matching(regex: str | None, tags: Collection[str]) -> set[str]:
    """Give the tags that an expression of a policy matches.

    GitLab puts its anchors around the text as it stands, so that ``a|b`` matches what starts with
    a, or ends with b.
    """
    return re2.matching(rf"\A{regex or ''}\z", tags) if tags else set()


def parse_cleanup(data: object) -> CleanupRule:
    """Read a policy: alone, or in a project.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``, with the place and what is allowed there.
    """
    place = ""
    if isinstance(data, Mapping):
        place = next((one for one in WRAPPERS if one in data), "")
        data = data[place] if place else data
    policy = Fields(data, place, known=(*KEYS, *_TOLD_ONLY))
    _check(policy, "cadence", CADENCES)
    age = _check(policy, "older_than", [*AGES])
    named = _regex(policy, "name_regex_delete")
    return CleanupRule(
        is_enabled=policy.flag("enabled", default=True),
        delete=named if named is not None else _regex(policy, "name_regex"),
        keep=_regex(policy, "name_regex_keep"),
        keep_n=_check(policy, "keep_n", COUNTS),
        older_than=None if age is None else AGES[age],
    )


def _check(policy: Fields, key: str, choices: Collection[Any]) -> Any:
    """Give one of some values; None where there is none."""
    value = policy.raw(key) if key in policy else None
    if value is None:
        return None
    if not isinstance(value, (int, str)) or isinstance(value, bool) or value not in choices:
        allowed = ", ".join(map(str, choices))
        raise invalid(policy.at(key), f"is {shown(value)}; allowed: {allowed}")
    return value


def _regex(policy: Fields, key: str) -> str | None:
    regex = policy.optional_text(key)
    if regex and (problem := re2.problem(rf"\A{regex}\z")):
        told = f"is {shown(regex)}, which is no regular expression of RE2: {shown(problem)}"
        raise invalid(policy.at(key), told)
    return regex
