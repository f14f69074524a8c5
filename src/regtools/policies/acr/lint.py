"""What is odd about ``acr purge`` and ACR's policy for untagged manifests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from regtools.policies._base import Remark, RepositoryVersions
from regtools.policies.acr.purge import MOST, Filter, Purge
from regtools.policies.acr.untagged import UntaggedPolicy
from regtools.policies.form import shown

_ANY_TAG: Final = frozenset({".*", "^.*$", "^.*", ".*$", ".+", "^.+$", "^.+", ".+$", r"[\s\S]*"})
_NO_TAG: Final = "^$"
"""Matches no tag at all: how people ask for untagged manifests alone."""


def lint_acr(
    steps: Sequence[Purge | UntaggedPolicy], repositories: Sequence[RepositoryVersions] = ()
) -> list[Remark]:
    """Say what is odd, by the commands themselves and with repositories in view.

    Returns
    -------
    list of Remark
        Warnings: ``RULE_NEVER_FIRES``, ``RULE_DUPLICATES``, ``DELETES_EVERYTHING``,
        ``LEAVES_UNTAGGED``, ``PATTERN_HALF_ANCHORED``, ``POLICY_DISABLED``. For information:
        ``POLICY_DRY_RUN``, ``NO_MINIMUM_AGE``, ``ONLY_SINCE_ENABLED``,
        ``PATTERN_MATCHES_NOTHING``, ``COUNT_NOT_REACHED``.
    """
    remarks: list[Remark] = []
    for at, step in enumerate(steps):
        if isinstance(step, UntaggedPolicy):
            remarks += _of_untagged(step)
            continue
        remarks += _by_itself(step)
        remarks += _among(step, steps[:at], steps[at + 1 :])
        if repositories:
            remarks += _in_view(step, repositories)
    return remarks


def _info(code: str, rule: object, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message, severity="info")


def _warning(code: str, rule: object, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message)


def _of_untagged(step: UntaggedPolicy) -> Iterator[Remark]:
    if not step.is_enabled:
        yield _warning("POLICY_DISABLED", step, "It is not enabled, so it deletes nothing.")
    elif step.since.year > 1:
        message = "It speaks only of manifests from after it was set; of others, nothing goes."
        yield _info("ONLY_SINCE_ENABLED", step, message)


def _by_itself(step: Purge) -> Iterator[Remark]:
    if step.is_dry_run:
        message = "With --dry-run it only says what it would delete."
        yield _info("POLICY_DRY_RUN", step, message)
    if step.ago >= MOST:
        message = "Nothing in a registry is that old."
        yield _warning("RULE_NEVER_FIRES", step, message)
    for one in step.filters:
        body = one.repository.text[1:-1]
        if "|" in _outside_groups(body):
            message = f"{shown(body)} is read as {shown(one.repository.text)}: each side of | is "
            message += "held at one end only. Put it into brackets: (a|b)."
            yield _warning("PATTERN_HALF_ANCHORED", step, message)
        if one.tag.text == _NO_TAG and not (step.untagged or step.untagged_only):
            message = f"No tag matches {_NO_TAG}, and without --untagged nothing else is deleted."
            yield _warning("RULE_NEVER_FIRES", step, message)
    is_any = any(one.tag.text in _ANY_TAG for one in step.filters)
    if step.ago == timedelta() and not step.keep and is_any and not step.untagged_only:
        message = "It deletes every tag of these repositories, also the newest, at any age."
        yield _warning("DELETES_EVERYTHING", step, message)
    elif step.ago == timedelta():
        message = "It has no age: also what was pushed a moment ago goes."
        yield _info("NO_MINIMUM_AGE", step, message)


def _among(
    step: Purge,
    earlier: Sequence[Purge | UntaggedPolicy],
    later: Sequence[Purge | UntaggedPolicy],
) -> Iterator[Remark]:
    written = [one.written for one in step.filters]
    twice = sorted({one for one in written if written.count(one) > 1})
    for one in twice:
        message = f"--filter {shown(one)} is there twice."
        yield _warning("RULE_DUPLICATES", step, message)
    if any(str(one) == str(step) for one in earlier):
        yield _warning("RULE_DUPLICATES", step, "The same command comes before.")
    cleans = any(
        one.is_enabled if isinstance(one, UntaggedPolicy) else one.untagged or one.untagged_only
        for one in (step, *later)
    )
    if not cleans:
        message = "Without --untagged only tags go: their manifests stay, and no bytes are freed."
        yield _warning("LEAVES_UNTAGGED", step, message)


def _in_view(step: Purge, repositories: Sequence[RepositoryVersions]) -> Iterator[Remark]:
    most = 0
    for one in step.filters:
        views = [view for view in repositories if one.speaks_of(view.repository)]
        tags = {tag for view in views for version in view.versions for tag in version.tags}
        if not views:
            message = f"No repository here matches {shown(one.repository.text[1:-1])}."
            yield _info("PATTERN_MATCHES_NOTHING", step, message)
        elif not one.tag.matching(tags) and one.tag.text != _NO_TAG and not step.untagged_only:
            message = f"No tag of the repositories it names matches {shown(one.tag.text)}."
            yield _info("PATTERN_MATCHES_NOTHING", step, message)
    for view in repositories:
        filters = step.filters_of(view.repository)
        most = max(most, _countable(step, filters or [], view))
    if step.keep and most <= step.keep:
        message = f"No repository has more than {most} to choose from: it keeps all of them."
        yield _info("COUNT_NOT_REACHED", step, message)


def _countable(step: Purge, filters: Sequence[Filter], view: RepositoryVersions) -> int:
    """Count what --keep may count: tags that match, or manifests without a tag."""
    if step.untagged_only:
        is_left_alone = bool(step.filters) and not filters
        return 0 if is_left_alone else sum(not version.tags for version in view.versions)
    tags = {tag for version in view.versions for tag in version.tags}
    return len(set().union(*(one.tag.matching(tags) for one in filters)))


def _outside_groups(text: str) -> str:
    """Leave out what stands in brackets of either kind, or is escaped."""
    found: list[str] = []
    depth = at = 0
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            at += 1
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif not depth:
            found.append(sign)
        at += 1
    return "".join(found)
