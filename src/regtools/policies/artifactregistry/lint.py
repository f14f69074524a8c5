"""What is odd about Artifact Registry's cleanup policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regtools.policies._base import Remark, RepositoryVersions
from regtools.policies.artifactregistry.rules import (
    CleanupAction,
    CleanupRule,
    TagState,
    in_package,
)
from regtools.policies.parts import is_part, package_of


def lint_cleanup(
    rules: Sequence[CleanupRule],
    repositories: Sequence[RepositoryVersions] = (),
    *,
    is_dry_run: bool = False,
) -> list[Remark]:
    """Say what is odd, by the policies themselves and with packages in view.

    Returns
    -------
    list of Remark
        Warnings: ``RULE_NEVER_FIRES``, ``RULE_CONTRADICTS`` (a Keep takes all that a Delete
        names), ``RULE_DUPLICATES``, ``DELETES_EVERYTHING``. For information: ``POLICY_DRY_RUN``,
        ``PREFIX_MATCHES_NOTHING``, ``COUNT_NOT_REACHED``, ``COUNTS_PARTS``,
        ``UNTAGGED_ARE_PARTS``.
    """
    deletes = [rule for rule in rules if rule.action is CleanupAction.DELETE]
    keeps = [rule for rule in rules if rule.action is CleanupAction.KEEP]
    remarks: list[Remark] = []
    if is_dry_run:
        message = "The repository is in dry-run mode: it logs what it would delete, and keeps it."
        remarks.append(Remark(code="POLICY_DRY_RUN", rule="", message=message, severity="info"))
    for at, rule in enumerate(rules):
        remarks += _by_itself(rule)
        remarks += _duplicates(rule, rules[:at])
    for rule in keeps:
        if not deletes:
            message = "There is no Delete policy, so keeping does nothing."
            remarks.append(_warning("RULE_NEVER_FIRES", rule, message))
    for rule in deletes:
        remarks += _against_keeps(rule, keeps)
    if repositories:
        for rule in rules:
            remarks += _in_view(rule, repositories)
    return remarks


def _warning(code: str, rule: CleanupRule, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message)


def _info(code: str, rule: CleanupRule, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message, severity="info")


def _by_itself(rule: CleanupRule) -> Iterator[Remark]:
    condition = rule.condition
    if rule.keep_count == 0:
        yield _warning("RULE_NEVER_FIRES", rule, "It keeps no version: it needs a keepCount.")
    if condition.tag_state is TagState.UNTAGGED and condition.tag_prefixes:
        message = "An untagged version has no tag that could start with anything."
        yield _warning("RULE_NEVER_FIRES", rule, message)
    older, newer = condition.older_than, condition.newer_than
    if older is not None and newer is not None and newer <= older:
        message = "No version is older than the one and newer than the other."
        yield _warning("RULE_NEVER_FIRES", rule, message)


def _duplicates(rule: CleanupRule, earlier: Sequence[CleanupRule]) -> Iterator[Remark]:
    for one in earlier:
        is_same = (one.action, one.keep_count) == (rule.action, rule.keep_count)
        if is_same and one.condition == rule.condition:
            yield _warning("RULE_DUPLICATES", rule, f"It says the same as {one}.")


def _against_keeps(rule: CleanupRule, keeps: Sequence[CleanupRule]) -> Iterator[Remark]:
    conditional = (one for one in keeps if one.keep_count is None)
    cover = next((one for one in conditional if one.condition.covers(rule.condition)), None)
    if cover is not None:
        message = f"All that it would delete is kept by {cover}, and keeping wins."
        yield _warning("RULE_CONTRADICTS", rule, message)
    condition = rule.condition
    is_unlimited = (
        condition.tag_state is TagState.ANY
        and not condition.tag_prefixes
        and not condition.version_prefixes
        and not condition.older_than
        and condition.newer_than is None
    )
    if is_unlimited and not keeps:
        message = "It deletes every version, also the newest, and no policy keeps any."
        yield _warning("DELETES_EVERYTHING", rule, message)


def _in_view(rule: CleanupRule, repositories: Sequence[RepositoryVersions]) -> Iterator[Remark]:
    condition = rule.condition
    packages = [package_of(one) for one in repositories]
    views = [
        one
        for one, package in zip(repositories, packages, strict=True)
        if in_package(condition.package_prefixes, package)
    ]
    versions = [version for view in views for version in view.versions]
    for prefix in condition.package_prefixes:
        if not any(in_package((prefix,), package) for package in packages):
            yield _nothing(rule, "package", prefix)
    for prefix in condition.tag_prefixes:
        if not any(tag.startswith(prefix) for version in versions for tag in version.tags):
            yield _nothing(rule, "tag", prefix)
    for prefix in condition.version_prefixes:
        if not any(version.digest.startswith(prefix) for version in versions):
            yield _nothing(rule, "version", prefix)
    parts = untagged = most = 0
    for view in views:
        present = {version.digest for version in view.versions}
        parts += sum(is_part(version, present) for version in view.versions)
        untagged += sum(not version.tags for version in view.versions)
        most = max(most, len(view.versions))
    if rule.keep_count and views and most <= rule.keep_count:
        message = f"No package has more than {most} versions: it keeps all of them."
        yield _info("COUNT_NOT_REACHED", rule, message)
    if rule.keep_count and untagged:
        message = f"{untagged} of the {len(versions)} versions that it counts have no tag, and "
        message += f"{parts} are parts of an index: fewer images stay than the count says."
        yield _info("COUNTS_PARTS", rule, message)
    is_sweeping = condition.tag_state is TagState.UNTAGGED and rule.keep_count is None
    if parts and is_sweeping and rule.action is CleanupAction.DELETE:
        message = f"{parts} versions are parts of an index; while it stays, they stay."
        yield _info("UNTAGGED_ARE_PARTS", rule, message)


def _nothing(rule: CleanupRule, what: str, prefix: str) -> Remark:
    message = f"No {what} of these repositories starts with {prefix!r}."
    return _info("PREFIX_MATCHES_NOTHING", rule, message)
