"""A Harbor retention policy, decided as Harbor decides it.

Source: goharbor/harbor at c50c7ddd (2026-08-21), ``src/pkg/retention`` and
``src/controller/artifact``, looked up 2026-11; nothing of it is documented so exactly.

* Rules retain. In a repository that some rule is about, everything else is deleted: whole images,
  with all their tags. A repository that no enabled rule is about is left alone.
* Images that only an index lists, and accessories (what has a ``subject``, and cosign's ``.sig``),
  are no candidates: they are not counted, and go with what they belong to.
* An image with a tag that an index lists cannot be deleted while the index is there.
* An image with an immutable tag is not deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from regtools.policies._base import Remark, RepositoryVersions, Verdict, Version
from regtools.policies.harbor.lint import lint_harbor
from regtools.policies.harbor.rules import HarborRule, parse_rules
from regtools.policies.harbor.view import candidates, name_in_project
from regtools.policies.parts import releasable


@dataclass(frozen=True, slots=True, kw_only=True)
class HarborPolicy:
    """The retention policy of one project."""

    rules: tuple[HarborRule, ...]

    @property
    def vendor(self) -> str:
        """The kind of registry."""
        return "harbor"

    @property
    def cascades(self) -> bool:
        """Always: the images of a deleted index go along, unless they have a tag or another index."""
        return True

    @property
    def unlocks(self) -> bool:
        """Never."""
        return False

    def decide(self, repository: RepositoryVersions, *, now: datetime) -> list[Verdict]:
        """Say what goes: what no rule retains, where there is one."""
        name = name_in_project(repository)
        rules = [rule for rule in self.rules if rule.in_scope(name)]
        if not rules:
            return []
        listed = candidates(repository.versions)
        retained = {
            version.digest
            for rule in rules
            for version in rule.retains([one for one in listed if rule.selects(one)], now)
        }
        reason = _reason(rules)
        chosen = {
            version.digest: Verdict(
                digest=version.digest, tags=version.tags, whole=True, rule=reason
            )
            for version in listed
            if version.digest not in retained and not version.is_locked
        }
        gone = releasable(repository.versions, {*chosen, *_parts_below(repository, chosen)})
        return [verdict for digest, verdict in chosen.items() if digest in gone]

    def lint(self, repositories: Sequence[RepositoryVersions] = ()) -> list[Remark]:
        """Say what is odd about the rules; the codes are those of `lint_harbor`."""
        return lint_harbor(self.rules, repositories)


def parse_harbor(data: object) -> HarborPolicy:
    """Read a retention policy, as loaded from the JSON of ``/api/v2.0/retentions/{id}``.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: Harbor would not take it, or it is no retention policy. The message
        has the place, such as ``rules[2].params.latestPushedK``, and what is allowed there.
    """
    return HarborPolicy(rules=parse_rules(data))


def _reason(rules: Sequence[HarborRule]) -> str:
    positions = ", ".join(str(rule.position) for rule in rules)
    return (
        f"retained by none of the rules {positions}"
        if len(rules) > 1
        else f"not retained by {rules[0]}"
    )


def _parts_below(repository: RepositoryVersions, chosen: Iterable[str]) -> set[str]:
    """Give the untagged images of indexes, all of which are chosen: they go along."""
    gone = set(chosen)
    waiting: list[Version] = [one for one in repository.versions if one.parents and not one.tags]
    found: set[str] = set()
    while more := [one for one in waiting if gone.issuperset(one.parents)]:
        found.update(one.digest for one in more)
        gone |= found
        waiting = [one for one in waiting if one.digest not in gone]
    return found
