"""Artifact Registry's cleanup policies: Google's own examples, forms, and what is odd."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.images import (
    DAY,
    NOW,
    codes,
    gone,
    image,
    plain_images,
    read_plainly,
    shaped_images,
    view,
)

from regtools.errors import ConfigError
from regtools.policies import Policy, RepositoryVersions, Rule, Version
from regtools.policies.artifactregistry import (
    ArtifactRegistryPolicy,
    emit_artifactregistry,
    parse_artifactregistry,
)
from regtools.policies.parts import package_of


def delete(name: str = "old", **condition: Any) -> dict[str, Any]:
    return {"name": name, "action": {"type": "Delete"}, "condition": condition}


def keep(name: str = "kept", **condition: Any) -> dict[str, Any]:
    return {"name": name, "action": {"type": "Keep"}, "condition": condition}


def newest(count: int | None, name: str = "newest", **more: Any) -> dict[str, Any]:
    recent = more if count is None else {"keepCount": count, **more}
    return {"name": name, "action": {"type": "Keep"}, "mostRecentVersions": recent}


def policy(*rules: dict[str, Any]) -> ArtifactRegistryPolicy:
    return parse_artifactregistry(list(rules))


# The policies of Google's pages: cleanup-policy and the Terraform provider's example, 2026-11.

GOOGLES = (
    delete("delete-prerelease", tagState="tagged", tagPrefixes=["alpha", "v0"], olderThan="30d"),
    keep(
        "keep-tagged-release",
        tagState="tagged",
        tagPrefixes=["release"],
        packageNamePrefixes=["webapp", "mobile"],
    ),
    newest(5, "keep-minimum-versions", packageNamePrefixes=["webapp", "mobile", "sandbox"]),
)
RELEASES = (
    image("a", "alpha-1", days=40),
    image("b", "v0.1", days=39),
    image("c", "alpha-2", "release-1", days=38),
    image("d", "v1", days=37),
    image("e", days=36),
    image("f", "alpha-3", days=29),
)
FIVE_NEWER = tuple(image(f"n{at}", f"n{at}", days=at) for at in range(5))


@pytest.mark.parametrize(
    ("package", "deleted"),
    [("webapp", ["a", "b"]), ("mobile/ios", ["a", "b"]), ("batch", ["a", "b", "c"])],
)
def test_googles_example_comes_out_as_google_says(package: str, deleted: list[str]) -> None:
    repository = view(*RELEASES, *FIVE_NEWER, repository=f"project/repo/{package}")
    verdicts = policy(*GOOGLES).decide(repository, now=NOW)
    assert sorted(one.digest for one in verdicts) == deleted
    assert {one.rule for one in verdicts} == {
        "policy 'delete-prerelease': delete tagged with tag alpha* or v0* older than 30d"
    }


def test_the_newest_of_googles_example_stay_however_old() -> None:
    repository = view(*RELEASES, repository="project/repo/sandbox")
    verdicts = policy(*GOOGLES).decide(repository, now=NOW)
    assert [one.digest for one in verdicts] == ["a"]


@pytest.mark.parametrize(
    ("rules", "deleted"),
    [
        ([delete(tagState="untagged")], ["e"]),
        ([delete(tagState="tagged", olderThan="38d")], ["a", "b"]),
        ([delete(olderThan="3283200s")], ["a", "b"]),  # 38 days
        ([delete(tagState="any", newerThan="37d")], ["e", "f"]),
        ([delete(versionNamePrefixes=["b", "d"])], ["b", "d"]),
        ([delete(packageNamePrefixes=["other"])], []),
        ([delete(tagState="any"), newest(2)], ["a", "b", "c", "d"]),
        ([delete(tagState="any"), newest(2), keep(tagPrefixes=["v"])], ["a", "c"]),
        ([keep(tagState="tagged")], []),
    ],
)
def test_conditions_select_what_meets_all_of_them(
    rules: list[dict[str, Any]], deleted: list[str]
) -> None:
    assert gone(policy(*rules), *RELEASES) == deleted


def test_a_version_goes_with_all_its_tags() -> None:
    taken: Policy = policy(delete(tagPrefixes=["pr-"]))
    (verdict,) = taken.decide(view(image("a", "pr-1", "v1")), now=NOW)
    assert (verdict.tags, verdict.whole) == (("pr-1", "v1"), True)
    assert verdict.rule == "policy 'old': delete any version with tag pr-*"
    assert (taken.vendor, taken.cascades) == ("artifactregistry", False)


def test_what_an_index_lists_stays_with_it() -> None:
    versions = (
        image("index", "v1", days=9),
        image("part", days=9, parents=["index"]),
        image("nested", days=9, parents=["part"]),
        image("loose", days=9),
        image("signature", days=9, subject="index"),
    )
    assert gone(policy(delete(tagState="untagged")), *versions) == ["loose"]
    assert gone(policy(delete(tagState="tagged")), *versions) == ["index"]
    assert gone(policy(delete(olderThan="1d")), *versions) == ["index", "loose", "nested", "part"]
    keeping = keep(versionNamePrefixes=["part"])
    assert gone(policy(delete(olderThan="1d"), keeping), *versions) == ["index", "loose"]


def test_the_newest_count_what_has_no_tag() -> None:
    versions = (
        image("new", "v2", days=1),
        image("part", days=1.1, parents=["new"]),
        image("old", "v1", days=9),
    )
    assert gone(policy(delete(tagState="tagged"), newest(2)), *versions) == ["old"]


def test_a_version_without_a_date_stays() -> None:
    undated = image("undated", "v1", days=None)
    for rules in (
        [delete(olderThan="1d")],
        [delete(newerThan="1d")],
        [delete(tagState="any"), newest(1)],
        [delete(tagState="any"), keep(newerThan="1d")],
    ):
        assert gone(policy(*rules), undated, image("new", "v2", days=0.5))[-1:] != ["undated"]


@pytest.mark.parametrize(
    ("repository", "registry", "package"),
    [
        ("project/repo/web", "us-docker.pkg.dev", "web"),
        ("project/repo/team/web", "us-docker.pkg.dev", "team/web"),
        ("example.com/project/repo/web", "us-docker.pkg.dev", "web"),
        ("project/web", "gcr.io", "web"),
        ("project/team/web", "eu.gcr.io", "team/web"),
        ("web", "us-docker.pkg.dev", "web"),
    ],
)
def test_the_package_is_what_follows_the_repository(
    repository: str, registry: str, package: str
) -> None:
    place = RepositoryVersions(registry=registry, repository=repository, versions=())
    assert package_of(place) == package


def test_a_prefix_may_have_its_slash_escaped() -> None:
    rules = policy(delete(packageNamePrefixes=["team%2Fw"]))
    repository = view(image("a", "v1"), repository="project/repo/team/web")
    assert len(rules.decide(repository, now=NOW)) == 1


# Forms.

API = {
    "name": "projects/p/locations/us/repositories/r",
    "cleanupPolicyDryRun": True,
    "cleanupPolicies": {
        "old": {
            "id": "old",
            "action": "DELETE",
            "condition": {"tagState": "TAGGED", "olderThan": "2592000s", "newerThan": None},
            "mostRecentVersions": None,
        },
        "newest": {"action": "KEEP", "mostRecentVersions": {"keepCount": 5}},
    },
}


def test_the_apis_form_means_the_same_as_gclouds() -> None:
    rules = policy(delete(tagState="tagged", olderThan="30d"), newest(5)).rules
    assert parse_artifactregistry(API).rules == rules
    assert parse_artifactregistry(API["cleanupPolicies"]).rules == rules
    assert parse_artifactregistry(API).is_dry_run
    state = delete(tagState="TAG_STATE_UNSPECIFIED", olderThan="30d")
    assert policy(state) == policy(delete(tagState="any", olderThan="30d"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 2_592_000), ("1d12h", 129_600), ("2w", 1_209_600), ("90m", 5_400), ("1.5s", 1.5)],
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert policy(delete(olderThan=text)).rules[0].condition.older_than == seconds


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "the policy is None"),
        ("x", "the policy is 'x'"),
        ([], "policies is empty"),
        ({"cleanupPolicies": {}}, "cleanupPolicies is empty"),
        ([1], "policies[0] is 1"),
        ({"rules": []}, "cleanupPolicies['rules'] is []"),
        ([{**delete(), "name": None}], "policies[0].name is missing"),
        ([delete("")], "policies[0].name needs 1 to 127 characters"),
        ([delete("x" * 128)], "policies[0].name needs 1 to 127 characters"),
        ([delete(), delete()], "policies[1] has the name of another policy, 'old'"),
        ([delete(f"{n}") for n in range(11)], "policies holds 11 policies"),
        ([{**delete(), "action": None}], "policies[0].action is missing"),
        ([{**delete(), "action": {}}], "policies[0].action.type is missing"),
        ([{**delete(), "action": {"type": "Archive"}}], "action.type is 'Archive'; allowed"),
        ([{**delete(), "action": "remove"}], "policies[0].action is 'remove'"),
        ([{**delete(), "condition": None}], "needs either condition or mostRecentVersions"),
        ([{**newest(1), "condition": {}}], "needs either condition or mostRecentVersions"),
        ([{**newest(1), "action": "DELETE"}], "is only allowed with the action Keep"),
        ([newest(-1)], "policies[0].mostRecentVersions.keepCount is -1"),
        ([newest(1, tagState="any")], "policies[0].mostRecentVersions.tagState is not known"),
        ([delete(tagState="some")], "policies[0].condition.tagState is 'some'; allowed"),
        ([delete(olderThan="30")], "policies[0].condition.olderThan is '30'"),
        ([delete(olderThan="-1d")], "policies[0].condition.olderThan is '-1d'"),
        ([delete(newerThan=30)], "policies[0].condition.newerThan is 30; a text is needed"),
        ([delete(tagPrefixes="v")], "policies[0].condition.tagPrefixes is 'v'"),
        ([delete(tagPrefix=["v"])], "policies[0].condition.tagPrefix is not known"),
        ([delete(), {**delete("x"), "conditions": {}}], "policies[1].conditions is not known"),
    ],
)
def test_what_google_would_not_take_is_refused_with_its_place(data: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_artifactregistry(data)
    assert caught.value.code == "POLICY_INVALID"
    assert told in caught.value.summary


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(values, st.sampled_from(["", "condition", "mostRecentVersions", "action"]))
def test_whatever_is_loaded_is_read_or_refused(data: object, key: str) -> None:
    whole = [{"name": "x", "action": "KEEP", **({key: data} if key else {})}] if key else data
    try:
        parse_artifactregistry(whole)
    except ConfigError as error:
        assert error.code == "POLICY_INVALID"


# Properties.

conditions = st.fixed_dictionaries(
    {},
    optional={
        "tagState": st.sampled_from(["tagged", "untagged", "any"]),
        "tagPrefixes": st.lists(st.sampled_from(["v", "v1", "r", "pr"]), min_size=1, max_size=2),
        "olderThan": st.integers(0, 40).map(lambda days: f"{days}d"),
        "newerThan": st.integers(0, 40).map(lambda days: f"{days}d"),
    },
)


@st.composite
def policies(draw: st.DrawFn) -> ArtifactRegistryPolicy:
    count = draw(st.integers(1, 4))
    kinds = [draw(st.sampled_from(["delete", "delete", "keep", "newest"])) for _ in range(count)]
    rules = []
    for at, kind in enumerate(kinds):
        if kind == "newest":
            rules.append(newest(draw(st.integers(0, 4)), f"{at}"))
        else:
            make = delete if kind == "delete" else keep
            rules.append(make(f"{at}", **draw(conditions)))
    return policy(*rules)


@given(policies(), shaped_images())
def test_what_goes_leaves_nothing_without_its_parts(
    taken: ArtifactRegistryPolicy, versions: list[Version]
) -> None:
    deleted = gone(taken, *versions)
    assert len(deleted) == len(set(deleted))
    stays = {one.digest for one in versions} - set(deleted)
    for version in versions:
        if version.digest in deleted:
            assert not stays & set(version.parents)
            assert version.subject not in stays | set(deleted)


@given(policies(), st.integers(0, 4), conditions, shaped_images())
def test_keeping_more_deletes_no_more(
    taken: ArtifactRegistryPolicy, count: int, condition: dict[str, Any], versions: list[Version]
) -> None:
    before = set(gone(taken, *versions))
    for more in (newest(count, "more"), keep("more", **condition)):
        wider = ArtifactRegistryPolicy(rules=(*taken.rules, *policy(more).rules))
        assert set(gone(wider, *versions)) <= before


@given(policies(), shaped_images())
def test_a_policy_that_cannot_fire_does_not(
    taken: ArtifactRegistryPolicy, versions: list[Version]
) -> None:
    idle = {
        one.rule for one in taken.lint() if one.code in {"RULE_NEVER_FIRES", "RULE_CONTRADICTS"}
    }
    assert not idle & {one.rule for one in taken.decide(view(*versions), now=NOW)}


# What is odd.


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([*GOOGLES], []),
        ([newest(5)], ["RULE_NEVER_FIRES"]),
        ([newest(None), delete(olderThan="1d")], ["RULE_NEVER_FIRES"]),
        ([delete(tagState="untagged", tagPrefixes=["v"])], ["RULE_NEVER_FIRES"]),
        ([delete(olderThan="30d", newerThan="7d")], ["RULE_NEVER_FIRES"]),
        ([delete(olderThan="7d", newerThan="30d")], []),
        ([delete(tagState="any")], ["DELETES_EVERYTHING"]),
        ([delete(tagState="any"), newest(3)], []),
        ([delete(olderThan="9d"), delete("again", olderThan="216h")], ["RULE_DUPLICATES"]),
        (
            [delete(tagState="tagged", tagPrefixes=["v1"]), keep(tagPrefixes=["v"])],
            ["RULE_CONTRADICTS"],
        ),
        ([delete(tagPrefixes=["v"]), keep(tagPrefixes=["v1"])], []),
        ([delete(olderThan="30d"), keep(olderThan="7d")], ["RULE_CONTRADICTS"]),
        ([delete(olderThan="7d"), keep(olderThan="30d")], []),
        ([delete(newerThan="7d"), keep(newerThan="30d")], ["RULE_CONTRADICTS"]),
        ([delete(olderThan="7d"), keep(tagState="tagged")], []),
    ],
)
def test_odd_policies_are_named(rules: list[dict[str, Any]], told: list[str]) -> None:
    assert codes(policy(*rules)) == told


def test_with_packages_in_view_more_is_told() -> None:
    repository = view(
        image("index", "v1", days=3), image("part", days=3, parents=["index"]), image("c", days=3)
    )
    nothing = policy(
        delete(tagPrefixes=["x"], versionNamePrefixes=["sha512:"]),
        delete("other", packageNamePrefixes=["other"]),
        keep(tagPrefixes=["v"]),
    )
    assert codes(nothing, repository) == ["PREFIX_MATCHES_NOTHING"] * 3
    assert codes(policy(delete(tagState="untagged")), repository) == ["UNTAGGED_ARE_PARTS"]
    counting = policy(delete(tagState="any"), newest(3))
    assert codes(counting, repository) == ["COUNT_NOT_REACHED", "COUNTS_PARTS"]
    dry = parse_artifactregistry(API)
    assert codes(dry)[0] == "POLICY_DRY_RUN"


# Emitting.


def emitted(wanted: Rule) -> ArtifactRegistryPolicy:
    return parse_artifactregistry(json.loads(emit_artifactregistry(wanted)))


expressible = st.builds(
    Rule,
    older_than=st.integers(0, 60 * 24).map(lambda hours: timedelta(hours=hours)),
    untagged=st.booleans(),
    keep_tags=st.lists(
        st.sampled_from(["^v", "^release-.*$", "^v1|^x", r"^pr\..*"]), max_size=3, unique=True
    ).map(tuple),
)


@given(expressible, plain_images())
def test_an_emitted_policy_decides_as_the_rule_reads(wanted: Rule, versions: list[Version]) -> None:
    past = [one for one in versions if one.pushed_at != NOW]
    assert gone(emitted(wanted), *past) == read_plainly(wanted, past)


def test_an_emitted_policy_is_gclouds_file() -> None:
    assert json.loads(emit_artifactregistry(Rule(older_than=30 * DAY, keep_tags=("^v",)))) == [
        {
            "name": "delete",
            "action": {"type": "Delete"},
            "condition": {"tagState": "tagged", "olderThan": "2592000s"},
        },
        {
            "name": "keep",
            "action": {"type": "Keep"},
            "condition": {"tagState": "tagged", "tagPrefixes": ["v"]},
        },
    ]


def test_all_ages_can_be_emitted() -> None:
    for age in (timedelta(microseconds=1), timedelta(seconds=90.5), timedelta.max):
        condition = emitted(Rule(older_than=age)).rules[0].condition
        assert condition.older_than == pytest.approx(age.total_seconds())
    assert emitted(Rule(untagged=True)).rules[0].condition.older_than is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Rule(), "a rule without a condition"),
        (Rule(keep_last=10), "keep-last"),
        (Rule(keep_last=10, older_than=DAY), "keep-last"),
        (Rule(never_pulled=True), "never-pulled"),
        (Rule(delete_tags=("^pr-",)), "delete-tag"),
        (Rule(untagged=True, delete_tags=("",)), "untagged with delete-tag"),
        (Rule(older_than=DAY, keep_tags=("^latest$",)), "keep-tag '^latest$'"),
        (Rule(older_than=DAY, keep_tags=("v",)), "keep-tag 'v'"),
        (Rule(older_than=DAY, keep_tags=(r"^v\d",)), "keep-tag"),
        (Rule(older_than=DAY, keep_tags=("",)), "a keep-tag that keeps every tag"),
        (Rule(older_than=DAY, keep_tags=("^",)), "a keep-tag that keeps every tag"),
    ],
)
def test_what_google_cannot_say_is_refused_by_name(wanted: Rule, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        emit_artifactregistry(wanted)
    assert caught.value.code == "EMIT_IMPOSSIBLE"
    assert told in caught.value.summary
    assert caught.value.remedy
