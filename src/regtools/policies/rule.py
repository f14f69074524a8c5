"""The rule of `regtools retention`: conditions that all have to select a tag, and what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from regtools.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which tags go: those that every given condition selects and nothing keeps.

    Raises
    ------
    ConfigError
        Code ``RULE_INVALID``: a condition that makes no sense.
    """

    keep_last: int | None = None
    """Selects all but the N newest versions of each repository; tags on one digest are one
    version, and a version whose age nobody can tell is not selected."""
    older_than: timedelta | None = None
    """Selects what was pushed (or, where that is not told, made) longer ago than this."""
    delete_tags: tuple[str, ...] = ()
    """Regular expressions (RE2, found anywhere in the tag); selects tags that one matches."""
    untagged: bool = False
    """Selects manifests without a tag, and no tags."""
    never_pulled: bool = False
    """Selects what was never pulled, where the registry tells."""
    keep_tags: tuple[str, ...] = ()
    """Regular expressions; a tag that one matches stays."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        if self.keep_last is not None and self.keep_last < 0:
            raise ConfigError(
                f"Keeping the last {self.keep_last} versions makes no sense.", code="RULE_INVALID"
            )
        if self.older_than is not None and self.older_than < timedelta():
            raise ConfigError("An age cannot be negative.", code="RULE_INVALID")

    @property
    def has_condition(self) -> bool:
        """Whether anything selects at all; without a condition nothing goes."""
        return (
            self.keep_last is not None
            or self.older_than is not None
            or bool(self.delete_tags)
            or self.untagged
            or self.never_pulled
        )
