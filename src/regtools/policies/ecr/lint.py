"""What is odd about an ECR lifecycle policy: rules that never fire, or contradict each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from regtools.policies._base import Action, Remark, RepositoryVersions, Version
from regtools.policies.ecr.rules import (
    ARCHIVE_DAYS,
    MOST_IMAGES,
    CountType,
    EcrRule,
    StorageClass,
    TagStatus,
)
from regtools.policies.parts import is_part
from regtools.policies.wildcards import EVERYTHING


def lint_ecr(
    rules: Sequence[EcrRule], repositories: Sequence[RepositoryVersions] = ()
) -> list[Remark]:
    """Say what is odd, by the rules themselves and with repositories in view.

    Parameters
    ----------
    rules
        First priority first.

    Returns
    -------
    list of Remark
        Warnings: ``RULE_NEVER_FIRES``, ``RULE_CONTRADICTS`` (one archives what another deletes),
        ``PULLS_UNKNOWN``. For information: ``RULE_ONLY_PROTECTS``, ``ARCHIVE_MINIMUM``,
        ``ARCHIVE_UNSEEN``, ``ARCHIVE_UNFILLED``, ``PATTERN_MATCHES_NOTHING``, ``COUNT_NOT_REACHED``,
        ``UNTAGGED_ARE_PARTS``, ``COUNTS_PARTS``.
    """
    remarks: list[Remark] = []
    for at, rule in enumerate(rules):
        remarks += _by_itself(rule)
        remarks += _among(rule, rules[:at], rules[at + 1 :])
    if repositories:
        tags = {tag for one in repositories for version in one.versions for tag in version.tags}
        for at, rule in enumerate(rules):
            if rule.storage_class is StorageClass.STANDARD:
                remarks += _in_view(rule, repositories, tags)
                remarks += _clashes(rule, rules[:at], repositories)
    return remarks


def _info(code: str, rule: EcrRule, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message, severity="info")


def _warning(code: str, rule: EcrRule, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message)


def _by_itself(rule: EcrRule) -> Iterator[Remark]:
    if bad := next((one for one in rule.patterns if not one.is_possible), None):
        yield _warning("RULE_NEVER_FIRES", rule, f"No tag can look like {bad}.")
    if rule.action is Action.ARCHIVE:
        yield _info(
            "ARCHIVE_MINIMUM",
            rule,
            f"What is archived is billed for {ARCHIVE_DAYS} days at least, also if it is deleted "
            "or restored sooner.",
        )
    if rule.storage_class is StorageClass.ARCHIVE:
        yield _info(
            "ARCHIVE_UNSEEN",
            rule,
            "The inventory holds no archived images, so what this rule deletes is not counted.",
        )


def _among(rule: EcrRule, earlier: Sequence[EcrRule], later: Sequence[EcrRule]) -> Iterator[Remark]:
    cover = next((one for one in earlier if one.covers(rule)), None)
    if cover is None and rule.tag_status is TagStatus.ANY:
        cover = _all_covered([one for one in earlier if one.storage_class is rule.storage_class])
    if cover is not None and cover.action is not rule.action:
        message = (
            f"Every image that it would {_verb(rule)} belongs to {cover}, which decides first."
        )
        yield _warning("RULE_CONTRADICTS", rule, message)
    elif cover is not None:
        message = f"Every image that it sees belongs to {cover}, also those that rule keeps."
        yield _warning("RULE_NEVER_FIRES", rule, message)
    elif rule.count_type is CountType.IMAGES and rule.number >= MOST_IMAGES:
        if any(one.storage_class is rule.storage_class for one in later):
            message = (
                "A repository never holds that many: it only keeps its images from later rules."
            )
            yield _info("RULE_ONLY_PROTECTS", rule, message)
        else:
            message = "A repository never holds that many, and no later rule needs keeping off."
            yield _warning("RULE_NEVER_FIRES", rule, message)
    is_emptying = rule.storage_class is StorageClass.ARCHIVE
    if is_emptying and all(one.action is Action.DELETE for one in (*earlier, *later)):
        message = "No rule archives anything; it speaks only of images archived by hand."
        yield _info("ARCHIVE_UNFILLED", rule, message)


def _all_covered(earlier: Sequence[EcrRule]) -> EcrRule | None:
    """Give the last of two rules that see everything together: all tagged, and all untagged."""
    tagged = [one for one in earlier if one.patterns and {*one.patterns} <= {EVERYTHING}]
    untagged = [one for one in earlier if one.tag_status is TagStatus.UNTAGGED]
    if not tagged or not untagged:
        return None
    return max((tagged[0], untagged[0]), key=lambda one: one.priority)


def _verb(rule: EcrRule) -> str:
    return "archive" if rule.action is Action.ARCHIVE else "delete"


def _in_view(
    rule: EcrRule, repositories: Sequence[RepositoryVersions], tags: Collection[str]
) -> Iterator[Remark]:
    for pattern in rule.patterns:
        if pattern.is_possible and not any(map(pattern.matches, tags)):
            message = f"No tag of these repositories matches {pattern}."
            yield _info("PATTERN_MATCHES_NOTHING", rule, message)
    is_told = any(version.tells_pulls for one in repositories for version in one.versions)
    if rule.count_type is CountType.PULLED and not is_told:
        message = "Nobody tells the pulls of these repositories, so nothing is selected here."
        yield _warning("PULLS_UNKNOWN", rule, message)
    seen = [[one for one in view.versions if rule.sees(one)] for view in repositories]
    is_counting = rule.count_type is CountType.IMAGES
    most = max(map(len, seen))
    if is_counting and most <= rule.number < MOST_IMAGES:
        message = f"No repository has more than {most} such images."
        yield _info("COUNT_NOT_REACHED", rule, message)
    yield from _parts_in_view(rule, repositories, seen)


def _parts_in_view(
    rule: EcrRule, repositories: Sequence[RepositoryVersions], seen: Sequence[Sequence[Version]]
) -> Iterator[Remark]:
    parts = 0
    for view, versions in zip(repositories, seen, strict=True):
        present = {version.digest for version in view.versions}
        parts += sum(is_part(version, present) for version in versions)
    total = sum(map(len, seen))
    if parts and rule.tag_status is TagStatus.UNTAGGED:
        message = f"{parts} of the {total} untagged images are parts of an index; while it stays, "
        yield _info("UNTAGGED_ARE_PARTS", rule, f"{message}no rule can delete them.")
    if parts and rule.count_type is CountType.IMAGES:
        message = f"{parts} of the {total} images that it counts are parts of an index: "
        yield _info(
            "COUNTS_PARTS", rule, f"{message}a push of several platforms counts many times."
        )


def _clashes(
    rule: EcrRule, earlier: Sequence[EcrRule], repositories: Sequence[RepositoryVersions]
) -> Iterator[Remark]:
    """Find rules with another action that take images away from this one, but not all."""
    for one in earlier:
        is_rival = one.storage_class is rule.storage_class and one.action is not rule.action
        if not is_rival or one.covers(rule):
            continue
        shared = sum(
            one.sees(version) and rule.sees(version)
            for view in repositories
            for version in view.versions
        )
        if shared:
            message = f"{shared} of the images that it would {_verb(rule)} belong to {one} instead."
            yield _warning("RULE_CONTRADICTS", rule, message)
