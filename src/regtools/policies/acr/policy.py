"""Azure Container Registry's retention, decided as ``acr purge`` and the registry decide it.

Sources: those of `regtools.policies.acr.purge`, and Microsoft's documentation, page
``container-registry-retention-policy``, looked up 2026-11. Several commands run one after the
other, each on what the one before left. What the sources leave open is settled so:

* Locked tags and manifests are left out, unless ``--include-locked`` says otherwise.
* What nobody tells is not used: what has no date stays.
* A part of an index that stays is not deleted, also where ``--keep`` spares the index alone.
* The registry's own policy counts days from when a manifest lost its tag, which nobody tells: they
  are counted from its push here. It speaks only of what came after it was switched on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from regtools.policies._base import Remark, RepositoryVersions, Verdict, Version
from regtools.policies.acr.lint import lint_acr
from regtools.policies.acr.purge import Purge, parse_purge
from regtools.policies.acr.untagged import UntaggedPolicy, is_untagged_policy, parse_untagged_policy
from regtools.policies.acr.words import mentions_purge, purges
from regtools.policies.form import invalid
from regtools.policies.parts import releasable

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcrPolicy:
    """What is done to a registry, in this order."""

    steps: tuple[Purge | UntaggedPolicy, ...]

    @property
    def vendor(self) -> str:
        """The kind of registry."""
        return "acr"

    @property
    def cascades(self) -> bool:
        """Never: the images of a deleted index stay, untagged, until a command takes them."""
        return False

    @property
    def unlocks(self) -> bool:
        """Whether a command says ``--include-locked``."""
        return any(isinstance(step, Purge) and step.includes_locked for step in self.steps)

    def decide(self, repository: RepositoryVersions, *, now: datetime) -> list[Verdict]:
        """Say which tags and which untagged manifests go from one repository."""
        state = _State(repository.versions, now)
        for step in self.steps:
            if isinstance(step, UntaggedPolicy):
                state.expire(step)
            else:
                state.purge(step, repository.repository)
        return state.verdicts()

    def lint(self, repositories: Sequence[RepositoryVersions] = ()) -> list[Remark]:
        """Say what is odd about the commands; the codes are those of `lint_acr`."""
        return lint_acr(self.steps, repositories)


def is_acr(data: object) -> bool:
    """Say whether this has ``acr purge`` in it, or is a registry's own policy."""
    return is_untagged_policy(data) or mentions_purge(data)


def parse_acr(data: object) -> AcrPolicy:
    """Read a command, a script or a task with ``acr purge``, or the registry's own policy.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: it would be refused, or taken for what nobody means.
    """
    if is_untagged_policy(data):
        return AcrPolicy(steps=(parse_untagged_policy(data),))
    steps = [parse_purge(arguments, place) for place, arguments in purges(data)]
    if not steps:
        raise invalid("the file", "speaks of acr purge, but holds no such command")
    return AcrPolicy(steps=tuple(steps))


class _State:
    """What is left of a repository, and which step took the rest."""

    def __init__(self, versions: Sequence[Version], now: datetime) -> None:
        self._now = now
        self._versions = {version.digest: version for version in versions}
        self._left = {version.digest: set(version.tags) for version in versions}
        """The manifests that are left, and their tags."""
        self._rules: dict[str, str] = {}

    def verdicts(self) -> list[Verdict]:
        return [
            Verdict(
                digest=digest,
                tags=tuple(one for one in version.tags if one not in self._left.get(digest, ())),
                whole=digest not in self._left,
                rule=self._rules[digest],
            )
            for digest, version in self._versions.items()
            if digest in self._rules
        ]

    def purge(self, step: Purge, repository: str) -> None:
        """Take tags, then what is left without one."""
        filters = step.filters_of(repository)
        if filters is None:
            return
        before = self._now - step.ago
        if not step.untagged_only:
            named = self._tags_before(before, locked=step.includes_locked)
            chosen: set[str] = set()
            for one in filters:
                chosen |= one.tag.matching(named.keys())
            newest_first = sorted(chosen, key=lambda tag: (named[tag][0], tag), reverse=True)
            for tag in newest_first[step.keep :]:
                digest = named[tag][1]
                self._left[digest].discard(tag)
                self._rules[digest] = str(step)
        if step.untagged or step.untagged_only:
            bare = self._bare(before, locked=step.includes_locked)
            held = self._below(set(self._left).difference(bare))
            newest_first = sorted(sorted(set(bare) - held), key=self._pushed, reverse=True)
            self._remove(newest_first[step.keep :], str(step))

    def expire(self, step: UntaggedPolicy) -> None:
        """Take what has been without a tag for some days."""
        if step.is_enabled:
            bare = self._bare(self._now - timedelta(days=step.days), locked=False)
            self._remove([one for one in bare if self._pushed(one) >= step.since], str(step))

    def _tags_before(self, moment: datetime, *, locked: bool) -> dict[str, tuple[datetime, str]]:
        """Give the tags that are older, each with its age and its manifest."""
        found: dict[str, tuple[datetime, str]] = {}
        for digest, tags in self._left.items():
            version = self._versions[digest]
            dated = dict(version.dated_tags())
            for tag in tags if locked else tags - version.locked_tags:
                pushed_at = dated[tag]
                if pushed_at is not None and pushed_at < moment:
                    found[tag] = pushed_at, digest
        return found

    def _bare(self, moment: datetime, *, locked: bool) -> list[str]:
        """Give the manifests without a tag that are not younger; a referrer is none of them."""
        return [
            digest
            for digest, tags in self._left.items()
            if not tags
            and (locked or not self._versions[digest].is_locked)
            and self._versions[digest].subject is None
            and self._versions[digest].pushed_at is not None
            and self._pushed(digest) <= moment
        ]

    def _below(self, tops: set[str]) -> set[str]:
        """Give all that is part of these, or of their parts."""
        children: dict[str, list[str]] = {}
        for digest in self._left:
            for parent in self._versions[digest].parents:
                children.setdefault(parent, []).append(digest)
        found: set[str] = set()
        waiting = list(tops)
        while waiting:
            new = [one for one in children.get(waiting.pop(), ()) if one not in found]
            found.update(new)
            waiting += new
        return found

    def _pushed(self, digest: str) -> datetime:
        return self._versions[digest].pushed_at or _NEVER

    def _remove(self, digests: Sequence[str], rule: str) -> None:
        versions = [self._versions[digest] for digest in self._left]
        for digest in releasable(versions, digests):
            del self._left[digest]
            self._rules[digest] = rule
