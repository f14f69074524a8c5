"""What a cloud vendor's own policy cannot say, so that no rule is written as something else."""

from __future__ import annotations

from regtools.errors import ConfigError
from regtools.policies.rule import Rule
from regtools.policies.wildcards import EVERYTHING, from_regex


def impossible(vendor: str, condition: str, remedy: str) -> ConfigError:
    """Say which condition a vendor has no words for. The code is ``EMIT_IMPOSSIBLE``."""
    return ConfigError(
        f"{vendor} cannot express {condition}.", code="EMIT_IMPOSSIBLE", remedy=remedy
    )


def refuse_empty(rule: Rule, vendor: str) -> None:
    """Refuse a rule that selects nothing.

    Raises
    ------
    ConfigError
        Code ``EMIT_IMPOSSIBLE``.
    """
    if not rule.has_condition:
        raise impossible(
            vendor, "a rule without a condition", "It deletes nothing: add one, such as older-than."
        )
    if rule.untagged and rule.delete_tags:
        raise impossible(
            vendor, "untagged with delete-tag", "Nothing is both: leave one of them out."
        )


def refuse_common(rule: Rule, vendor: str) -> None:
    """Refuse what neither ECR nor Artifact Registry can say.

    Raises
    ------
    ConfigError
        Code ``EMIT_IMPOSSIBLE``.
    """
    refuse_empty(rule, vendor)
    if rule.never_pulled:
        raise impossible(
            vendor,
            "never-pulled",
            "Its rules delete by age, count and tag, not by pulls. Emit a script instead.",
        )
    if rule.delete_tags and not any(map(_is_everything, rule.delete_tags)):
        raise impossible(
            vendor,
            "delete-tag",
            "It deletes an image with all its tags as soon as one matches, also tags that this "
            "rule keeps. Emit a script instead, or keep these images in a repository of their own.",
        )


def _is_everything(regex: str) -> bool:
    return EVERYTHING in (from_regex(regex) or ())
