"""What is odd about a Harbor retention policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from regtools.policies._base import Remark, RepositoryVersions
from regtools.policies.harbor.rules import HarborRule, Template
from regtools.policies.harbor.view import candidates, name_in_project


def lint_harbor(
    rules: Sequence[HarborRule], repositories: Sequence[RepositoryVersions] = ()
) -> list[Remark]:
    """Say what is odd, by the rules themselves and with repositories in view.

    Returns
    -------
    list of Remark
        Warnings: ``POLICY_DISABLED`` (no rule is enabled, so nothing happens),
        ``RULE_NEVER_FIRES``, ``RULE_DUPLICATES``, ``DELETES_EVERYTHING`` (no rule can retain
        anything of some repository), ``KEEPS_EVERYTHING``, ``PULLS_UNKNOWN``. For information:
        ``RULE_DISABLED``, ``PATTERN_MATCHES_NOTHING``, ``COUNT_NOT_REACHED``.
    """
    enabled = [rule for rule in rules if not rule.is_disabled]
    if not enabled:
        message = "No rule is enabled, so nothing is deleted."
        return [Remark(code="POLICY_DISABLED", rule="", message=message)]
    remarks = [
        _info("RULE_DISABLED", rule, "It is disabled.") for rule in rules if rule.is_disabled
    ]
    for at, rule in enumerate(enabled):
        remarks += _by_itself(rule)
        remarks += _among(rule, enabled[:at], enabled[at + 1 :])
    if all(_retains_none(rule) for rule in enabled):
        message = "No rule retains any image: everything is deleted where a rule is about."
        remarks.append(Remark(code="DELETES_EVERYTHING", rule="", message=message))
    if repositories:
        remarks += _nothing_retained(enabled, repositories)
        for rule in enabled:
            remarks += _in_view(rule, repositories)
    return remarks


def _warning(code: str, rule: HarborRule, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message)


def _info(code: str, rule: HarborRule, message: str) -> Remark:
    return Remark(code=code, rule=str(rule), message=message, severity="info")


def _retains_none(rule: HarborRule) -> bool:
    return rule.template is not Template.ALWAYS and rule.number == 0


def _by_itself(rule: HarborRule) -> Iterator[Remark]:
    if _retains_none(rule):
        yield _warning("RULE_NEVER_FIRES", rule, "It retains nothing: its number is 0.")
    is_for_all = all(one.takes_all_names for one in (*rule.tags, *rule.scope))
    if rule.template is Template.ALWAYS and is_for_all and all(one.untagged for one in rule.tags):
        yield _warning("KEEPS_EVERYTHING", rule, "It retains every image of every repository.")


def _among(
    rule: HarborRule, earlier: Sequence[HarborRule], later: Sequence[HarborRule]
) -> Iterator[Remark]:
    same = next((one for one in earlier if one.covers(rule) and rule.covers(one)), None)
    if same is not None:
        yield _warning("RULE_DUPLICATES", rule, f"It retains the same as {same}.")
        return
    others = (one for one in (*earlier, *later) if one.covers(rule) and not rule.covers(one))
    cover = next(others, None)
    if cover is not None and not _retains_none(rule):
        yield _warning("RULE_NEVER_FIRES", rule, f"All that it retains is retained by {cover}.")


def _nothing_retained(
    rules: Sequence[HarborRule], repositories: Sequence[RepositoryVersions]
) -> Iterator[Remark]:
    """Find repositories that rules are about, and no image of which any rule selects."""
    lost: list[tuple[str, int]] = []
    for view in repositories:
        about = [rule for rule in rules if rule.in_scope(name_in_project(view))]
        listed = candidates(view.versions)
        is_idle = not any(rule.selects(one) for rule in about for one in listed)
        if about and listed and is_idle:
            lost.append((view.repository, len(listed)))
    if lost:
        (name, count), *others = lost
        more = f", and so in {len(others)} other repositories" if others else ""
        message = f"No rule retains any of the {count} images of {name!r}{more}: all of them go."
        yield Remark(code="DELETES_EVERYTHING", rule="", message=message)


def _in_view(rule: HarborRule, repositories: Sequence[RepositoryVersions]) -> Iterator[Remark]:
    names = [name_in_project(view) for view in repositories]
    for selector in rule.scope:
        if not any(map(selector.pattern.matches, names)):
            message = f"No repository here is named {selector.pattern} in its project."
            yield _info("PATTERN_MATCHES_NOTHING", rule, message)
    views = [
        candidates(view.versions)
        for view, name in zip(repositories, names, strict=True)
        if rule.in_scope(name)
    ]
    tags = {tag for view in views for version in view for tag in version.tags}
    for selector in rule.tags if views else ():
        if not any(map(selector.pattern.matches, tags)):
            message = f"No tag of these repositories matches {selector.pattern}."
            yield _info("PATTERN_MATCHES_NOTHING", rule, message)
    is_told = any(version.tells_pulls for view in views for version in view)
    if rule.template.asks_pulls and views and not is_told:
        message = "Nobody tells the pulls of these repositories, so it retains all that it selects."
        yield _warning("PULLS_UNKNOWN", rule, message)
    most = max((sum(map(rule.selects, view)) for view in views), default=0)
    if rule.template.counts and 0 < most <= rule.number:
        message = f"No repository has more than {most} such images: it retains all of them."
        yield _info("COUNT_NOT_REACHED", rule, message)
