"""GitLab's cleanup policy: the example of its documentation, forms, and what is odd."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.images import (
    DAY,
    NOW,
    TAGS,
    codes,
    image,
    plain_images,
    read_plainly,
    shaped_images,
    view,
)

from regtools.errors import ConfigError
from regtools.policies import Policy, Rule, Version
from regtools.policies.gitlab import GitLabPolicy, emit_gitlab, is_gitlab, parse_gitlab


def document(delete: str | None = ".*", **more: Any) -> dict[str, Any]:
    return {"cadence": "1d", "enabled": True, "name_regex": delete, **more}


def policy(delete: str | None = ".*", **more: Any) -> GitLabPolicy:
    return parse_gitlab(document(delete, **more))


def tags_gone(taken: Policy, *versions: Version) -> list[str]:
    verdicts = taken.decide(view(*versions), now=NOW)
    assert not any(one.whole for one in verdicts)
    return sorted(tag for one in verdicts for tag in one.tags)


def one_by_one(**ages: float | None) -> list[Version]:
    """Make an image for each tag; what is old in days."""
    return [image(tag, tag.replace("_", "-"), days=days) for tag, days in ages.items()]


def test_gitlabs_example_comes_out_as_gitlab_says() -> None:
    """Page reduce_container_registry_storage, example cleanup policy workflow, 2026-11."""
    tags = one_by_one(
        latest=2 / 24,
        production_v44=3,
        production_v43=6,
        production_v42=11,
        dev_v44=2,
        dev_v43=5,
        dev_v42=10,
        v44=1,
        v43=12,
        v42=20,
    )
    taken = policy(keep_n=1, name_regex_keep="production-.*", older_than="7d")
    assert tags_gone(taken, *tags) == ["dev-v42", "v42", "v43"]


@pytest.mark.parametrize(
    ("taken", "deleted"),
    [
        (policy(), ["main", "rc", "v1", "v2"]),
        (policy(None), []),
        (policy(""), []),
        (policy(None, name_regex_delete="v.*"), ["v1", "v2"]),
        (policy("v1", name_regex_delete="v2"), ["v2"]),
        (policy("v1", name_regex_delete=None), ["v1"]),
        (policy("v"), []),
        (policy("v|1"), ["v1", "v2"]),  # what starts with v, or ends with 1
        (policy("(?:v|1)"), []),
        (policy(name_regex_keep="v"), ["main", "rc", "v1", "v2"]),
        (policy(name_regex_keep="v.|rc"), ["main"]),
        (policy(keep_n=1), ["main", "rc", "v1"]),
        (policy(keep_n=1, name_regex_keep="v2"), ["main", "v1"]),
        (policy(older_than="7d"), ["main", "v1"]),
        (policy(older_than="7d", keep_n=5), []),
        (policy("v.*", older_than="7d", keep_n=1), ["v1"]),
        (policy(enabled=False), []),
    ],
)
def test_the_steps_come_in_gitlabs_order(taken: GitLabPolicy, deleted: list[str]) -> None:
    assert tags_gone(taken, *one_by_one(main=30, v1=20, rc=5, v2=1, latest=90)) == deleted


def test_tags_go_and_an_image_with_another_tag_stays() -> None:
    taken: Policy = policy("pr-.*")
    (verdict,) = taken.decide(view(image("a", "pr-1", "v1"), image("b", "v2")), now=NOW)
    assert (verdict.digest, verdict.tags, verdict.whole) == ("a", ("pr-1",), False)
    assert verdict.rule == "tags matching pr-.*"
    assert (taken.vendor, taken.cascades) == ("gitlab", True)


def test_each_tag_has_its_own_age() -> None:
    again = image("a", "new", "old", days=1)
    again = replace(again, tagged_at=(NOW - DAY, NOW - 40 * DAY))
    other = image("b", "between", days=9)
    assert tags_gone(policy(keep_n=1), again, other) == ["between", "old"]
    assert tags_gone(policy(older_than="30d"), again, other) == ["old"]


def test_a_tag_without_a_date_is_the_newest_and_stays() -> None:
    tags = one_by_one(undated=None, v2=1, v1=9)
    assert tags_gone(policy(keep_n=1), *tags) == ["v1", "v2"]
    assert tags_gone(policy(older_than="7d"), *tags) == ["v1"]
    assert tags_gone(policy(), *tags) == ["undated", "v1", "v2"]


# Forms.


def test_a_policy_alone_or_in_a_project_is_the_same() -> None:
    alone = document(keep_n=10, older_than="90d", name_regex_keep=None, next_run_at="2026-12-01")
    read = parse_gitlab(alone)
    project = {"id": 7, "name": "web", "container_expiration_policy": alone}
    assert (
        parse_gitlab(project)
        == parse_gitlab({"container_expiration_policy_attributes": alone})
        == read
    )
    assert is_gitlab(project)
    assert is_gitlab({"keep_n": 5})
    assert not is_gitlab({"enabled": True})
    assert not is_gitlab([alone])


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, " is None"),
        ({"container_expiration_policy": None}, "container_expiration_policy is None"),
        (document(keep_n=3), "keep_n is 3; allowed: 1, 5, 10"),
        (document(keep_n="5"), "keep_n is '5'"),
        (document(keep_n=True), "keep_n is True"),
        (document(keep_n=5.0), "keep_n is 5.0"),
        (document(older_than="31d"), "older_than is '31d'; allowed: 1d"),
        (document(older_than=["7d"]), "older_than is ['7d']"),
        (document(cadence="2d"), "cadence is '2d'"),
        (document(enabled="yes"), "enabled is 'yes'"),
        (document("("), "name_regex is '(', which is no regular expression"),
        (document(name_regex_keep="(?=a)"), "name_regex_keep is '(?=a)'"),
        (document(name_regexp=".*"), "name_regexp is not known"),
        (
            {"container_expiration_policy": document(older_than="1y")},
            "container_expiration_policy.older_than is '1y'",
        ),
    ],
)
def test_what_gitlab_would_not_take_is_refused_with_its_place(data: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_gitlab(data)
    assert caught.value.code == "POLICY_INVALID"
    assert told in caught.value.summary


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(values, st.sampled_from(["", *document(), "keep_n", "older_than", "name_regex_keep"]))
def test_whatever_is_loaded_is_read_or_refused(data: object, key: str) -> None:
    try:
        parse_gitlab({**document(), key: data} if key else data)
    except ConfigError as error:
        assert error.code == "POLICY_INVALID"


# Properties.

policies = st.builds(
    policy,
    st.sampled_from([".*", "v.*", "(?:v1|rc)", ".*rc"]),
    keep_n=st.sampled_from([None, 1, 5]),
    older_than=st.sampled_from([None, "7d", "30d"]),
    name_regex_keep=st.sampled_from([None, "", "v1", "release-.*"]),
)


@given(policies, shaped_images())
def test_what_goes_does_so_by_every_condition(taken: GitLabPolicy, versions: list[Version]) -> None:
    rule = taken.rule
    taggings = {tag: one.pushed_at for one in versions for tag in one.tags}
    gone = tags_gone(taken, *versions)
    for tag in gone:
        assert tag != "latest"
        assert re.fullmatch(rule.delete or "", tag)
        assert not re.fullmatch(rule.keep or "", tag)
        at = taggings[tag]
        if rule.older_than is not None:
            assert at is not None
            assert NOW - at > rule.older_than * DAY
        if rule.keep_n is not None:
            assert at is not None
            rivals = [
                one
                for one, when in taggings.items()
                if one in rule.names_to_delete(taggings) and (when is None or when >= at)
            ]
            assert len(rivals) > rule.keep_n


@given(policies, shaped_images(), st.integers(0, 30))
def test_time_alone_saves_no_tag(taken: GitLabPolicy, versions: list[Version], days: int) -> None:
    later = taken.decide(view(*versions), now=NOW + timedelta(days=days))
    assert set(tags_gone(taken, *versions)) <= {tag for one in later for tag in one.tags}


# What is odd.


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        (policy(keep_n=5), []),
        (policy(enabled=False), ["POLICY_DISABLED"]),
        (policy(None, keep_n=5), ["RULE_NEVER_FIRES"]),
        (policy("latest", keep_n=5), ["RULE_NEVER_FIRES"]),
        (policy(keep_n=5, name_regex_keep=".*"), ["KEEPS_EVERYTHING"]),
        (policy("v.*", keep_n=5, name_regex_keep="v.*"), ["RULE_CONTRADICTS"]),
        (policy("v.*|rc", keep_n=5), ["REGEX_UNGROUPED"]),
        (policy("(?:v.*|rc)", keep_n=5, name_regex_keep="a|b"), ["REGEX_UNGROUPED"]),
        (policy(), ["DELETES_EVERYTHING"]),
        (policy(older_than="7d"), []),
    ],
)
def test_odd_policies_are_named(taken: GitLabPolicy, told: list[str]) -> None:
    assert codes(taken) == told


def test_with_repositories_in_view_more_is_told() -> None:
    repository = view(*one_by_one(v1=3, v2=2, main=1))
    assert codes(policy("x.*", keep_n=5), repository) == ["PATTERN_MATCHES_NOTHING"]
    assert codes(policy("v.*", keep_n=5), repository) == ["COUNT_NOT_REACHED"]
    assert codes(policy("v.*", keep_n=1, name_regex_keep="y"), repository) == [
        "PATTERN_MATCHES_NOTHING"
    ]
    assert codes(policy("v.*", keep_n=1), repository, view()) == []


# Emitting.


def emitted(wanted: Rule) -> GitLabPolicy:
    return parse_gitlab(json.loads(emit_gitlab(wanted)))


REGEXES = ("^v", "rc$", r"^pr\.", "^v1$|^x", r"^v\d+$", "(?i)V1", "(?:release|pr)-[0-9]")
some = st.lists(st.sampled_from(REGEXES), max_size=3, unique=True).map(tuple)
expressible = st.builds(
    Rule,
    older_than=st.sampled_from([7, 14, 30, 60, 90]).map(lambda days: timedelta(days=days)),
    delete_tags=some,
    keep_tags=some.map(lambda regexes: (*regexes, "^latest$")),
)


@given(expressible, plain_images())
def test_an_emitted_policy_decides_as_the_rule_reads(wanted: Rule, versions: list[Version]) -> None:
    tags = set(tags_gone(emitted(wanted), *versions))
    whole = [one.digest for one in versions if one.tags and tags.issuperset(one.tags)]
    assert sorted(whole) == read_plainly(wanted, versions)


@given(expressible, st.sets(st.sampled_from(TAGS)))
def test_an_emitted_policy_deletes_the_very_tags(wanted: Rule, tags: set[str]) -> None:
    found = {
        tag
        for tag in tags
        if (not wanted.delete_tags or any(re.search(one, tag) for one in wanted.delete_tags))
        and not any(re.search(one, tag) for one in wanted.keep_tags)
    }
    assert emitted(wanted).rule.names_to_delete(tags) == found
    assert not {"REGEX_UNGROUPED", "RULE_NEVER_FIRES"} & set(codes(emitted(wanted)))


def test_an_emitted_policy_is_what_changes_a_project() -> None:
    assert json.loads(emit_gitlab(Rule(older_than=30 * DAY, keep_tags=("^latest$",)))) == {
        "container_expiration_policy_attributes": {
            "cadence": "1d",
            "enabled": True,
            "keep_n": None,
            "older_than": "30d",
            "name_regex": ".*",
            "name_regex_keep": ".*(?:(?:^latest$)|(?:^sha(256|512)-[0-9a-f]{64})).*",
        }
    }


def test_an_emitted_policy_keeps_signatures() -> None:
    wanted = emitted(Rule(older_than=30 * DAY, keep_tags=("^latest$",)))
    assert wanted.rule.names_to_delete([f"sha256-{'0' * 64}.sig", "sha256-1"]) == {"sha256-1"}


def test_latest_need_not_be_kept_where_it_is_not_deleted() -> None:
    assert emitted(Rule(delete_tags=("^pr-",))).rule.delete == ".*(?:^pr-).*"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Rule(), "a rule without a condition"),
        (Rule(keep_last=10), "keep-last"),
        (Rule(untagged=True), "untagged"),
        (Rule(untagged=True, delete_tags=("a",)), "untagged with delete-tag"),
        (Rule(never_pulled=True), "never-pulled"),
        (Rule(older_than=31 * DAY, keep_tags=("latest",)), "an age of 31d"),
        (Rule(older_than=timedelta(hours=36), delete_tags=("^v",)), "an age of 36h"),
        (Rule(older_than=30 * DAY), "a rule that deletes the tag latest"),
        (Rule(delete_tags=("st$",)), "a rule that deletes the tag latest"),
        (Rule(delete_tags=("(",)), "delete-tag '('"),
        (Rule(delete_tags=(r"\Qv",)), r"delete-tag '\\Qv'"),
        (Rule(delete_tags=("^v",), keep_tags=("x" * 255,)), "these keep-tag expressions"),
    ],
)
def test_what_gitlab_cannot_say_is_refused_by_name(wanted: Rule, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        emit_gitlab(wanted)
    assert caught.value.code == "EMIT_IMPOSSIBLE"
    assert told in caught.value.summary
    assert caught.value.remedy
