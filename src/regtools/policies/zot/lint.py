"""What is odd about zot's retention: policies and rules that are never asked, and what stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from regtools.policies import re2
from regtools.policies._base import Remark, RepositoryVersions
from regtools.policies.form import shown
from regtools.policies.parts import is_part
from regtools.policies.zot.rules import KeepRule, RepositoryPolicy, Store

_ANY_TAG: Final = frozenset({".*", "^.*$", "^.*", ".*$", ".+", "^.+$", "^.+", ".+$"})
_ANY_REPOSITORY: Final = frozenset({"**", "**/*"})


def lint_zot(
    store: Store, repositories: Sequence[RepositoryVersions] | None = None
) -> list[Remark]:
    """Say what is odd about the policies of one store.

    Parameters
    ----------
    repositories
        Those that this store holds; None: none are in view at all.

    Returns
    -------
    list of Remark
        Warnings: ``POLICY_DISABLED`` (no garbage collection), ``RULE_NEVER_FIRES``,
        ``DELETES_EVERYTHING`` (a repository loses all its tags), ``PULLS_UNKNOWN``,
        ``LEAVES_UNTAGGED``. For information: ``POLICY_DRY_RUN``, ``LEAVES_REFERRERS``,
        ``PATTERN_MATCHES_NOTHING``, ``COUNT_NOT_REACHED``, ``COUNTS_PARTS``.
    """
    where = f"subpath {shown('/' + store.prefix)}" if store.prefix else ""
    remarks = [*_of_store(store, where)]
    for at, policy in enumerate(store.policies):
        remarks += _by_itself(policy, store.policies[:at])
    if repositories is not None:
        for policy in store.policies:
            asked = [one for one in repositories if store.policy_of(one.repository) is policy]
            remarks += _globs_in_view(policy, repositories)
            remarks += _tags_in_view(policy, asked)
            remarks += _untagged_in_view(policy, asked)
    return remarks


def _info(code: str, rule: object, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message, severity="info")


def _warning(code: str, rule: object, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message)


def _of_store(store: Store, where: str) -> Iterator[Remark]:
    if not store.collects:
        message = "Garbage is not collected there, so nothing is ever deleted: set gc to true."
        yield _warning("POLICY_DISABLED", where, message)
    if store.is_dry_run:
        message = "zot only logs what it would delete, and keeps it."
        yield _info("POLICY_DRY_RUN", where, message)
    if "/" in store.prefix:
        message = "Only the first part of a repository's name chooses a subpath."
        yield _warning("RULE_NEVER_FIRES", where, message)


def _by_itself(policy: RepositoryPolicy, earlier: Sequence[RepositoryPolicy]) -> Iterator[Remark]:
    if not policy.repositories:
        message = "It names no repository, and so speaks of none; ['**'] is every repository."
        yield _warning("RULE_NEVER_FIRES", policy, message)
    cover = next((one for one in earlier if _covers(one, policy)), None)
    if cover is not None:
        message = f"Every repository that it names belongs to {cover}, which comes first."
        yield _warning("RULE_NEVER_FIRES", policy, message)
    if policy.keep_untagged is not None and not policy.delete_untagged:
        message = "Nothing untagged is deleted, so keeping it says nothing."
        yield _warning("RULE_NEVER_FIRES", policy.keep_untagged.place, message)
    for at, rule in enumerate(policy.keep_tags):
        shadow = next((one for one in policy.keep_tags[:at] if _takes(one, rule)), None)
        if shadow is not None:
            message = f"Every tag that it matches belongs to {shadow.place}, which comes first."
            yield _warning("RULE_NEVER_FIRES", rule.place, message)
    deletes_tags = any(not _keeps_everything(rule) for rule in policy.keep_tags)
    if deletes_tags and not policy.delete_untagged:
        message = "deleteUntagged is false: tags go, their manifests and bytes stay."
        yield _warning("LEAVES_UNTAGGED", policy, message)
    if (deletes_tags or policy.delete_untagged) and not policy.delete_referrers:
        message = "deleteReferrers is false: signatures and other referrers of what goes stay."
        yield _info("LEAVES_REFERRERS", policy, message)


def _covers(one: RepositoryPolicy, other: RepositoryPolicy) -> bool:
    globs = {*one.repositories}
    is_all = not globs.isdisjoint(_ANY_REPOSITORY)
    return bool(other.repositories) and (is_all or globs >= {*other.repositories})


def _takes(one: KeepRule, other: KeepRule) -> bool:
    """Say whether all tags that the other one matches are matched by this one."""
    mine = {*one.patterns}
    if not mine or not mine.isdisjoint(_ANY_TAG):
        return True
    return bool(other.patterns) and mine >= {*other.patterns}


def _keeps_everything(rule: KeepRule) -> bool:
    return rule.is_unlimited and _takes(rule, rule) and not {*rule.patterns} - _ANY_TAG


def _globs_in_view(
    policy: RepositoryPolicy, repositories: Sequence[RepositoryVersions]
) -> Iterator[Remark]:
    for glob in policy.repositories:
        alone = RepositoryPolicy(place=policy.place, repositories=(glob,))
        if not any(alone.speaks_of(one.repository) for one in repositories):
            message = f"No repository here matches {shown(glob)}."
            yield _info("PATTERN_MATCHES_NOTHING", policy, message)


def _tags_in_view(
    policy: RepositoryPolicy, repositories: Sequence[RepositoryVersions]
) -> Iterator[Remark]:
    if not policy.keep_tags or not repositories:
        return
    tags = [{tag for version in one.versions for tag in version.tags} for one in repositories]
    every = set().union(*tags)
    left = set(every)
    for rule in policy.keep_tags:
        named = rule.named(left)
        left -= named
        for pattern in rule.patterns:
            if not re2.matching(pattern, every):
                message = f"No tag of these repositories matches {shown(pattern)}."
                yield _info("PATTERN_MATCHES_NOTHING", rule.place, message)
        most = max(len(named & own) for own in tags)
        counts = [count for count in (rule.pushed_count, rule.pulled_count) if count]
        if named and counts and most <= max(counts):
            message = f"No repository has more than {most} such tags: it keeps all of them."
            yield _info("COUNT_NOT_REACHED", rule.place, message)
        yield from _pulls(rule, repositories)
    for one, own in zip(repositories, tags, strict=True):
        if own and own <= left:
            message = f"{one.repository} loses all its {len(own)} tags: no pattern matches any."
            yield _warning("DELETES_EVERYTHING", policy, message)


def _untagged_in_view(
    policy: RepositoryPolicy, repositories: Sequence[RepositoryVersions]
) -> Iterator[Remark]:
    rule = policy.keep_untagged
    if rule is None or not repositories:
        return
    yield from _pulls(rule, repositories)
    parts = untagged = 0
    for one in repositories:
        present = {version.digest for version in one.versions}
        bare = [version for version in one.versions if not version.tags]
        untagged += len(bare)
        parts += sum(is_part(version, present) for version in bare)
    if parts and (rule.pushed_count or rule.pulled_count):
        message = f"{parts} of the {untagged} untagged manifests that it counts are parts of an "
        yield _info("COUNTS_PARTS", rule.place, f"{message}index: fewer others stay.")


def _pulls(rule: KeepRule, repositories: Sequence[RepositoryVersions]) -> Iterator[Remark]:
    is_told = any(version.tells_pulls for one in repositories for version in one.versions)
    if rule.asks_pulls and not is_told:
        message = "Nobody tells the pulls of these repositories: all that it matches is kept here."
        yield _warning("PULLS_UNKNOWN", rule.place, message)
