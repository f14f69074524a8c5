"""What every vendor's retention rules have in common: what they look at, and what they decide.

A policy is a value: it looks at the versions of one repository and says which of them go. What
that frees, and what goes along, is not its business: `regtools.analyses.retention` counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One manifest or index of a repository, with the tags on it."""

    digest: str
    tags: tuple[str, ...] = ()
    """Sorted; empty: untagged."""
    tagged_at: tuple[datetime | None, ...] = ()
    """When each tag was pushed, else when the image was made, in the order of `tags`; None or left
    out: as the version itself."""
    pushed_at: datetime | None = None
    """When it was pushed where the registry tells, else when the image was made; None where no
    date can be believed."""
    pulled_at: datetime | None = None
    """When it was last pulled; None where nobody tells, or it never was."""
    tells_pulls: bool = False
    """Whether this registry tells pulls at all: then no `pulled_at` means never."""
    locked_tags: frozenset[str] = frozenset()
    """Tags that the vendor refuses to delete, as far as it tells."""
    is_locked: bool = False
    """Whether the vendor refuses to delete it, for its own sake or for that of a tag on it."""
    size: int = 0
    """Bytes a pull of all of it would move: itself and everything below."""
    media_type: str = ""
    artifact_type: str | None = None
    subject: str | None = None
    """The manifest this one is about, for signatures and other referrers."""
    parents: tuple[str, ...] = ()
    """Indexes of the same repository that list it."""

    def dated_tags(self) -> Iterable[tuple[str, datetime | None]]:
        """Give each tag with when it was pushed, or else with the date of the version."""
        told = self.tagged_at or (None,) * len(self.tags)
        return [(tag, at or self.pushed_at) for tag, at in zip(self.tags, told, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryVersions:
    """All that a policy sees of one repository."""

    registry: str
    repository: str
    versions: Sequence[Version]


class Action(StrEnum):
    """What a rule does with what it selects."""

    DELETE = "delete"
    ARCHIVE = "archive"
    """Moved to a cheaper storage class: it stays stored."""
    KEEP = "keep"
    """It stays although what it is about goes: a referrer that its vendor leaves behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy decided about one version; versions without a verdict stay as they are."""

    digest: str
    tags: tuple[str, ...]
    """The tags that go."""
    whole: bool
    """Whether the manifest itself is deleted, or only these tags are taken off it."""
    rule: str
    """Which rule, in few words for a person: ``rule 2: untagged for 14 days``."""
    action: Action = Action.DELETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What is odd about a policy: a rule that can never fire, or that contradicts another."""

    code: str
    """Stable and upper-case: ``RULE_NEVER_FIRES``, ``RULE_CONTRADICTS``, …"""
    rule: str
    """Which one, as in `Verdict.rule`; empty: the policy as a whole."""
    message: str
    severity: Literal["warning", "info"] = "warning"


class Guard(Protocol):
    """What must not go: images that something runs."""

    def rows(self) -> Iterable[tuple[str, str, str, str]]:
        """Give (registry, repository, tag, digest); an empty registry means any, and one of tag
        and digest is empty."""


class Policy(Protocol):
    """A vendor's retention rules, read from the vendor's own form."""

    @property
    def vendor(self) -> str:
        """The kind of registry, as in `regtools.registries`: ``ecr``, ``harbor``, …"""

    @property
    def cascades(self) -> bool:
        """Whether the children of a deleted index go along once nothing needs them.

        Where false they stay, untagged, until a rule selects them. Referrers follow their
        subject, but for those that a verdict keeps.
        """

    @property
    def unlocks(self) -> bool:
        """Whether what is locked is deleted too."""

    def decide(self, repository: RepositoryVersions, *, now: datetime) -> list[Verdict]:
        """Say what goes from one repository, as the vendor would decide at that moment."""

    def lint(self, repositories: Sequence[RepositoryVersions] = ()) -> list[Remark]:
        """Say what is odd about the rules, by themselves and with these repositories in view."""
