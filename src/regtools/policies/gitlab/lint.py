"""What is odd about a GitLab cleanup policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from regtools.policies._base import Remark, RepositoryVersions
from regtools.policies.gitlab.rules import ALWAYS_KEPT, CleanupRule, matching
from regtools.policies.re2 import has_loose_choice

_EVERYTHING: Final = frozenset({".*", ".+"})


def lint_cleanup(
    rule: CleanupRule, repositories: Sequence[RepositoryVersions] = ()
) -> list[Remark]:
    """Say what is odd, by the policy itself and with repositories in view.

    Returns
    -------
    list of Remark
        Warnings: ``POLICY_DISABLED``, ``RULE_NEVER_FIRES`` (no regex to delete, or one for
        ``latest`` alone), ``KEEPS_EVERYTHING``, ``RULE_CONTRADICTS`` (it keeps all that it
        deletes), ``DELETES_EVERYTHING``, ``REGEX_UNGROUPED``. For information:
        ``PATTERN_MATCHES_NOTHING``, ``COUNT_NOT_REACHED``.
    """
    if not rule.is_enabled:
        return [_warning("POLICY_DISABLED", "It is not enabled, so nothing is deleted.")]
    remarks = list(_by_itself(rule))
    if repositories and rule.delete:
        remarks += _in_view(rule, repositories)
    return remarks


def _warning(code: str, message: str) -> Remark:
    return Remark(code=code, rule="", message=message)


def _info(code: str, message: str) -> Remark:
    return Remark(code=code, rule="", message=message, severity="info")


def _by_itself(rule: CleanupRule) -> Iterator[Remark]:
    if not rule.delete:
        yield _warning("RULE_NEVER_FIRES", "It has no regex of tags to delete: nothing is.")
        return
    if rule.delete == ALWAYS_KEPT:
        yield _warning("RULE_NEVER_FIRES", "The tag latest is never deleted.")
    if rule.keep in _EVERYTHING:
        yield _warning("KEEPS_EVERYTHING", "It keeps every tag.")
    elif rule.keep == rule.delete:
        yield _warning("RULE_CONTRADICTS", "It keeps all that it deletes, and keeping wins.")
    for what, regex in (("deleted", rule.delete), ("kept", rule.keep)):
        if regex and has_loose_choice(regex):
            message = f"Of the tags to be {what}, only the ends of the regex are anchored: it also "
            message += "finds tags that only start or only end so. Put (?:…) around it."
            yield _warning("REGEX_UNGROUPED", message)
    is_unlimited = rule.keep_n is None and rule.older_than is None
    if rule.delete in _EVERYTHING and is_unlimited and not rule.keep:
        message = "It deletes every tag but latest, also the newest, and nothing is kept."
        yield _warning("DELETES_EVERYTHING", message)


def _in_view(rule: CleanupRule, repositories: Sequence[RepositoryVersions]) -> Iterator[Remark]:
    tags = [{tag for one in view.versions for tag in one.tags} for view in repositories]
    every = set().union(*tags)
    for what, regex in (("delete", rule.delete), ("keep", rule.keep)):
        if regex and not matching(regex, every):
            message = f"No tag of these repositories matches the regex of tags to {what}."
            yield _info("PATTERN_MATCHES_NOTHING", message)
    chosen = rule.names_to_delete(every)
    most = max(len(chosen & one) for one in tags)
    if rule.keep_n is not None and 0 < most <= rule.keep_n:
        message = f"No repository has more than {most} such tags: it keeps all of them."
        yield _info("COUNT_NOT_REACHED", message)
