"""Harbor's tag retention: the examples of its documentation, forms, and what is odd."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.images import (
    DAY,
    NOW,
    TAGS,
    codes,
    gone,
    image,
    plain_images,
    read_plainly,
    shaped_images,
    view,
)

from regtools.errors import ConfigError
from regtools.policies import Policy, Rule, Version
from regtools.policies.harbor import HarborPolicy, emit_harbor, is_harbor, parse_harbor
from regtools.policies.harbor.view import candidates

SCHEMA = Path(__file__).parents[1] / "data" / "harbor_retention_policy.schema.json"
API = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def tags(pattern: str = "**", *, untagged: bool | None = None, excludes: bool = False) -> Any:
    selector = {
        "kind": "doublestar",
        "decoration": "excludes" if excludes else "matches",
        "pattern": pattern,
    }
    return (
        selector
        if untagged is None
        else {**selector, "extras": f'{{"untagged":{untagged}}}'.lower()}
    )


def retain(
    template: str,
    number: int | None = None,
    *selectors: Any,
    repositories: str = "**",
    **more: Any,
) -> dict[str, Any]:
    scope = {"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}
    return {
        "action": "retain",
        "template": template,
        "params": {} if number is None else {template: number},
        "tag_selectors": list(selectors) or [tags(untagged=False)],
        "scope_selectors": {"repository": [scope]},
        **more,
    }


def document(*rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": 1,
        "algorithm": "or",
        "rules": list(rules),
        "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}, "references": {}},
        "scope": {"level": "project", "ref": 2},
    }


def policy(*rules: dict[str, Any]) -> HarborPolicy:
    return parse_harbor(document(*rules))


def pulled_images(count: int, *, days: float) -> list[Version]:
    """Images with a tag each, pulled one after the other before so many days, and one without."""
    named = [
        image(f"{at:03}", f"t{at}", days=99, pulled=days + at / 1000, tells_pulls=True)
        for at in range(count)
    ]
    return [*named, image("none", days=99, pulled=days, tells_pulls=True)]


# The examples of Harbor's page create-tag-retention-rules, 2026-11: repository A has 100 images
# with a tag that were pulled this week, each of the others has 6, none pulled in the last month.

A = pulled_images(100, days=1)
B = pulled_images(6, days=40)


def test_example_1_the_last_pulled_of_each_repository_stay() -> None:
    taken = policy(retain("latestPulledN", 10))
    assert gone(taken, *A) == sorted([f"{at:03}" for at in range(10, 100)] + ["none"])
    assert gone(taken, *B) == ["none"]


def test_example_2_what_was_not_pulled_in_time_goes() -> None:
    taken = policy(retain("nDaysSinceLastPull", 7))
    assert gone(taken, *A) == ["none"]
    assert gone(taken, *B) == sorted(one.digest for one in B)


def test_example_3_untagged_images_are_retained_where_they_are_selected() -> None:
    taken = policy(retain("nDaysSinceLastPull", 7, tags(untagged=True)))
    assert gone(taken, *A) == []


def test_example_4_what_one_of_the_rules_retains_stays() -> None:
    taken = policy(retain("nDaysSinceLastPull", 7), retain("latestPulledN", 10))
    assert gone(taken, *A) == gone(taken, *B) == ["none"]


def test_example_5_rules_are_about_their_tags() -> None:
    names = [
        f"{version}-your_repo-{kind}"
        for version in ("2.1", "2.2", "3.1", "4.4")
        for kind in ("prod", "rc", "release")
    ]
    images = [image(name, name, days=at) for at, name in enumerate(names)]
    taken = policy(
        retain("latestPushedK", 10, tags("2*")), retain("latestPushedK", 10, tags("*-prod"))
    )
    assert gone(taken, *images) == [
        f"{version}-your_repo-{kind}" for version in ("3.1", "4.4") for kind in ("rc", "release")
    ]


def test_an_image_stays_with_all_its_tags() -> None:
    several = image("a", "harbor-1.8", "harbor-latest", "old", days=9)
    taken: Policy = policy(retain("latestPushedK", 1, tags("harbor-*")))
    assert gone(taken, several) == []
    (verdict,) = policy(retain("always", None, tags("x"))).decide(view(several), now=NOW)
    assert (verdict.tags, verdict.whole) == (several.tags, True)
    assert verdict.rule == "not retained by rule 1: all of tags x and untagged"
    assert (taken.vendor, taken.cascades) == ("harbor", True)


# What the source says and no page does.

IMAGES = (
    image("a", "v1", days=5, pulled=1, tells_pulls=True),
    image("b", "v2", days=4, pulled=3, tells_pulls=True),
    image("c", "rc", days=3, tells_pulls=True),
    image("d", days=2, tells_pulls=True),
)


@pytest.mark.parametrize(
    ("rules", "deleted"),
    [
        ([retain("latestPushedK", 1)], ["a", "b", "d"]),
        ([retain("latestPushedK", 1, tags())], ["a", "b", "c"]),
        ([retain("latestPulledN", 1)], ["b", "c", "d"]),
        ([retain("latestActiveK", 1)], ["b", "c", "d"]),
        ([retain("latestActiveK", 2, tags())], ["b", "c"]),
        ([retain("nDaysSinceLastPush", 4)], ["a", "d"]),
        ([retain("nDaysSinceLastPull", 2)], ["b", "c", "d"]),
        ([retain("lastXDays", 4)], ["a", "b", "d"]),
        ([retain("always")], ["d"]),
        ([retain("always", None, tags("v*"))], ["c"]),
        ([retain("always", None, tags("v*", excludes=True))], ["a", "b"]),
        ([retain("always", None, tags("v*", excludes=True, untagged=True))], ["a", "b", "d"]),
        ([retain("always", None, tags("v*"), tags("*2"))], ["a", "c"]),
        ([retain("latestPushedK", 0)], ["a", "b", "c", "d"]),
        ([retain("always", disabled=True)], []),
        ([retain("always", disabled=True), retain("latestPushedK", 0)], ["a", "b", "c", "d"]),
        ([], []),
        ([retain("latestPushedK", 0, repositories="other")], []),
        ([retain("latestPushedK", 0, repositories="repo/*")], ["a", "b", "c", "d"]),
    ],
)
def test_what_no_rule_retains_goes(rules: list[dict[str, Any]], deleted: list[str]) -> None:
    assert gone(policy(*rules), *IMAGES) == deleted


def test_a_repository_that_no_rule_is_about_is_left_alone() -> None:
    excluding = {"kind": "doublestar", "decoration": "repoExcludes", "pattern": "repo/**"}
    rule = retain("latestPushedK", 0, scope_selectors={"repository": [excluding]})
    assert gone(policy(rule), *IMAGES) == []
    elsewhere = view(*IMAGES, repository="project/other")
    assert len(policy(rule).decide(elsewhere, now=NOW)) == 4


@pytest.mark.parametrize(
    ("extras", "deleted"),
    [("", []), ("{}", ["d"]), ("null", ["d"]), ("x", []), ("[]", []), ('{"untagged":1}', [])],
)
def test_what_extras_do_not_say_is_as_harbor_takes_it(extras: str, deleted: list[str]) -> None:
    rule = retain("always", None, {**tags(), "extras": extras})
    assert gone(policy(rule), *IMAGES) == deleted


def test_parts_and_accessories_follow_and_are_not_counted() -> None:
    versions = (
        image("index", "v1", days=9),
        image("part", days=1, parents=["index"]),
        image("nested", "n", days=9, parents=["part"]),
        image("signature", "sig", days=0, subject="index"),
        image("new", "v2", days=2),
    )
    assert [one.digest for one in candidates(versions)] == ["index", "nested", "new"]
    assert gone(policy(retain("latestPushedK", 1)), *versions) == ["index", "nested"]
    keeping = policy(retain("latestPushedK", 1), retain("always", None, tags("v1")))
    assert gone(keeping, *versions) == []


def test_where_nobody_tells_the_date_an_image_stays() -> None:
    undated = image("undated", "v1", days=None)
    older = image("old", "v2", days=2)
    assert gone(policy(retain("latestPushedK", 1)), undated, older) == []
    assert gone(policy(retain("nDaysSinceLastPush", 1)), undated, older) == ["old"]
    assert gone(policy(retain("latestPulledN", 0)), undated, older) == []
    assert gone(policy(retain("always", None, tags("x"))), undated, older) == ["old", "undated"]


# Forms.


def test_it_is_known_by_its_shape() -> None:
    assert is_harbor(document())
    assert is_harbor({"rules": [retain("always")]})
    assert not is_harbor({"rules": [{"rulePriority": 1}]})
    assert not is_harbor([document()])


def test_what_the_api_leaves_out_is_nothing() -> None:
    short = {"action": "retain", "template": "always", "tag_selectors": [tags()]}
    assert policy(short) == policy(retain("always", None, tags(), scope_selectors={}))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"rules": []}, "algorithm is missing"),
        ({"algorithm": "and", "rules": []}, "algorithm is 'and'"),
        ({"algorithm": "or"}, "rules is missing"),
        ({"algorithm": "or", "rules": [1]}, "rules[0] is 1"),
        ({**document(), "scope": {"level": "system"}}, "scope.level is 'system'"),
        (document({**retain("always"), "action": "delete"}), "rules[0].action is 'delete'"),
        (document(retain("nothing")), "rules[0].template is 'nothing'"),
        (document(retain("latestPushedK")), "rules[0].params.latestPushedK is missing"),
        (document(retain("latestPushedK", -1)), "rules[0].params.latestPushedK is -1"),
        (document(retain("latestPushedK", 32_767)), "32766 at most"),
        (document(retain("nDaysSinceLastPush", 20_190_905)), "20190904 at most"),
        (document(retain("lastXDays", params={"x": 1})), "rules[0].params.x is not known"),
        (document(retain("always", tag_selectors=[])), "rules[0].tag_selectors is empty"),
        (document(retain("always", disabled=1)), "rules[0].disabled is 1; true or false"),
        (document(retain("always", None, {**tags(), "kind": "label"})), "kind is 'label'"),
        (
            document(retain("always", None, {**tags(), "decoration": "repoMatches"})),
            "rules[0].tag_selectors[0].decoration is 'repoMatches'",
        ),
        (document(retain("always", None, tags(""))), "tag_selectors[0].pattern is empty"),
        (document(retain("always", None, tags("[a"))), "pattern is '[a': it has a [ without"),
        (document(retain("always", repositories="a{")), "repository[0].pattern is 'a{'"),
        (document(retain("always"), retain("always", id=7)), "rules[1] is the same as rules[0]"),
        (document(retain("always", note="x")), "rules[0].note is not known"),
    ],
)
def test_what_harbor_would_not_take_is_refused_with_its_place(data: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_harbor(data)
    assert caught.value.code == "POLICY_INVALID"
    assert told in caught.value.summary


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(values, st.sampled_from(["", *retain("always"), "extras", "pattern"]))
def test_whatever_is_loaded_is_read_or_refused(data: object, key: str) -> None:
    selecting = {**tags(), **({key: data} if key in ("extras", "pattern") else {})}
    rule = {**retain("latestPushedK", 1, selecting), **({key: data} if key in _RULE_KEYS else {})}
    try:
        parse_harbor(document(rule) if key else data)
    except ConfigError as error:
        assert error.code == "POLICY_INVALID"


_RULE_KEYS = frozenset(retain("always"))


# Properties.

TEMPLATES = (
    "latestPushedK",
    "latestPulledN",
    "latestActiveK",
    "nDaysSinceLastPush",
    "nDaysSinceLastPull",
    "lastXDays",
)
selecting = st.builds(
    tags,
    st.sampled_from(["**", "v*", "{v1,rc}", "*-[0-9]", "latest"]),
    untagged=st.none() | st.booleans(),
    excludes=st.booleans(),
)
rules = st.one_of(
    st.builds(retain, st.just("always"), st.none(), selecting, disabled=st.booleans()),
    st.builds(retain, st.sampled_from(TEMPLATES), st.integers(0, 40), selecting),
)
# Harbor refuses two rules that say the same, in whatever words.
policies = st.lists(
    rules, min_size=1, max_size=4, unique_by=lambda made: repr(policy(made).rules[0])
).map(lambda made: policy(*made))


@given(policies, shaped_images())
def test_what_goes_leaves_no_index_without_its_parts(
    taken: HarborPolicy, versions: list[Version]
) -> None:
    deleted = gone(taken, *versions)
    assert len(deleted) == len(set(deleted))
    listed = {one.digest for one in candidates(versions)}
    assert set(deleted) <= listed
    for version in versions:
        if version.digest in deleted:
            assert not (listed - set(deleted)) & set(version.parents)


@given(policies, rules, shaped_images())
def test_one_more_rule_deletes_no_more(
    taken: HarborPolicy, rule: dict[str, Any], versions: list[Version]
) -> None:
    if any(not one.is_disabled for one in taken.rules):
        wider = HarborPolicy(rules=(*taken.rules, *policy(rule).rules))
        assert set(gone(wider, *versions)) <= set(gone(taken, *versions))


@given(policies, plain_images())
def test_without_rules_that_never_fire_the_same_goes(
    taken: HarborPolicy, versions: list[Version]
) -> None:
    odd = {"RULE_NEVER_FIRES", "RULE_DUPLICATES"}
    idle = {one.rule for one in taken.lint() if one.code in odd}
    # Nobody tells the pulls here: then what a rule about pulls selects stays, even if it is for none.
    left = (one for one in taken.rules if str(one) not in idle or one.template.asks_pulls)
    without = HarborPolicy(rules=tuple(left))
    if any(not one.is_disabled for one in without.rules):
        assert gone(without, *versions) == gone(taken, *versions)


@given(policies, shaped_images())
def test_a_policy_that_keeps_everything_does(taken: HarborPolicy, versions: list[Version]) -> None:
    if {"KEEPS_EVERYTHING", "POLICY_DISABLED"} & set(codes(taken)):
        assert gone(taken, *versions) == []


# What is odd.


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([retain("latestPushedK", 5)], []),
        ([], ["POLICY_DISABLED"]),
        ([retain("always", disabled=True)], ["POLICY_DISABLED"]),
        ([retain("always", disabled=True), retain("latestPushedK", 5)], ["RULE_DISABLED"]),
        ([retain("always", None, tags())], ["KEEPS_EVERYTHING"]),
        ([retain("always"), retain("latestPushedK", 5)], ["RULE_NEVER_FIRES"]),
        ([retain("latestPushedK", 5), retain("always")], ["RULE_NEVER_FIRES"]),
        ([retain("always"), retain("latestPushedK", 5, tags())], []),
        ([retain("latestPushedK", 5), retain("latestPushedK", 9)], ["RULE_NEVER_FIRES"]),
        ([retain("latestPushedK", 5, tags("v*")), retain("latestPushedK", 9, tags())], []),
        (
            [retain("nDaysSinceLastPush", 5, tags("v*")), retain("nDaysSinceLastPush", 9, tags())],
            ["RULE_NEVER_FIRES"],
        ),
        ([retain("always", repositories="x"), retain("latestPushedK", 5)], []),
        ([retain("latestPushedK", 5, repositories="x"), retain("always")], ["RULE_NEVER_FIRES"]),
        ([retain("latestPushedK", 5), retain("latestPushedK", 5, priority=1)], ["RULE_DUPLICATES"]),
        ([retain("latestPushedK", 0)], ["RULE_NEVER_FIRES", "DELETES_EVERYTHING"]),
        ([retain("latestPushedK", 0), retain("always")], ["RULE_NEVER_FIRES"]),
    ],
)
def test_odd_policies_are_named(rules: list[dict[str, Any]], told: list[str]) -> None:
    assert codes(policy(*rules)) == told


def test_with_repositories_in_view_more_is_told() -> None:
    web = view(image("a", "v1"), image("b", "v2"), repository="project/web")
    api = view(image("c", "main"), repository="project/team/api")
    nothing = policy(retain("latestPushedK", 9, tags("v*", untagged=False)))
    (lost, *others) = nothing.lint([web, api])
    assert lost.code == "DELETES_EVERYTHING"
    assert "any of the 1 images of 'project/team/api'" in lost.message
    assert [one.code for one in others] == ["COUNT_NOT_REACHED"]
    missing = policy(retain("always", None, tags("{v*,x}"), tags("y*"), repositories="{db,web}"))
    assert codes(missing, web) == ["DELETES_EVERYTHING", "PATTERN_MATCHES_NOTHING"]
    elsewhere = policy(retain("latestPushedK", 1, repositories="db"))
    assert codes(elsewhere, web, api) == ["PATTERN_MATCHES_NOTHING"]
    assert codes(policy(retain("latestPulledN", 1)), web) == ["PULLS_UNKNOWN"]


# Emitting.


def emitted(wanted: Rule) -> HarborPolicy:
    return parse_harbor(json.loads(emit_harbor(wanted)))


REGEXES = ("^v", "^release-[0-9]$", "rc$", "latest", r"^pr\.", "^v1$|^x", "^v1.*rc$", r"^pr.\d$")
some = st.lists(st.sampled_from(REGEXES), max_size=3, unique=True).map(tuple)
expressible = st.one_of(
    st.builds(
        Rule,
        keep_last=st.none() | st.integers(0, 6),
        older_than=st.integers(1, 60).map(lambda days: timedelta(days=days)),
        keep_tags=some,
        delete_tags=some,
    ),
    st.builds(Rule, keep_last=st.integers(0, 6), keep_tags=some, delete_tags=some),
    st.builds(
        Rule,
        untagged=st.just(True),
        older_than=st.none() | st.integers(1, 60).map(lambda days: timedelta(days=days)),
    ),
)


@given(expressible, plain_images())
def test_an_emitted_policy_decides_as_the_rule_reads(wanted: Rule, versions: list[Version]) -> None:
    # Harbor looks at whole seconds: what is as old as the rule says, to the second, stays in both.
    assert gone(emitted(wanted), *versions) == read_plainly(wanted, versions)


def test_an_emitted_policy_neither_counts_nor_deletes_attestations() -> None:
    attested = f"sha256-{'a' * 64}"
    versions = [
        image("a", "v1", days=9),
        image("b", "v2", days=8),
        image("c", f"{attested}.att", days=1),
        image("d", attested, days=30),
    ]
    assert gone(emitted(Rule(keep_last=1)), *versions) == ["a"]


@given(st.lists(st.none() | st.integers(0, 9_000), max_size=5), st.booleans())
def test_what_was_ever_pulled_stays(pulls: list[int | None], untagged: bool) -> None:
    tagged = [
        image(f"{at}", TAGS[at], days=9_000, pulled=days, tells_pulls=True)
        for at, days in enumerate(pulls)
    ]
    loose = [
        image(f"loose {at}", days=9_000, pulled=days, tells_pulls=True)
        for at, days in enumerate(pulls)
    ]
    wanted = Rule(never_pulled=True, untagged=untagged)
    never = [one.digest for one in (loose if untagged else tagged) if one.pulled_at is None]
    assert gone(emitted(wanted), *tagged, *loose) == sorted(never)


@given(expressible)
def test_an_emitted_policy_is_one_of_the_api_and_no_rule_of_it_is_odd(wanted: Rule) -> None:
    data = json.loads(emit_harbor(wanted))
    API.validate(data)
    assert is_harbor(data)
    assert len(data["rules"]) <= 15
    assert codes(emitted(wanted)) == []


def test_an_emitted_policy_has_to_be_given_its_project() -> None:
    data = json.loads(emit_harbor(Rule(keep_last=3)))
    assert data["scope"] == {"level": "project", "ref": 0}
    assert data["trigger"]["settings"] == {"cron": ""}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Rule(), "a rule without a condition"),
        (Rule(untagged=True, delete_tags=("a",)), "untagged with delete-tag"),
        (Rule(older_than=timedelta(hours=36)), "an age of 36h"),
        (Rule(older_than=200_000 * DAY), "an age of"),
        (Rule(keep_last=32_767), "keep-last 32767"),
        (Rule(keep_last=3, keep_tags=(r"^v\d+$",)), r"keep-tag '^v\\d+$'"),
        (Rule(delete_tags=("^(a|b)$",)), "delete-tag '^(a|b)$'"),
        (Rule(delete_tags=("[z-a]",)), "delete-tag '[z-a]'"),
        (Rule(keep_last=3, keep_tags=(".*",)), "a keep-tag that keeps every tag"),
    ],
)
def test_what_harbor_cannot_say_is_refused_by_name(wanted: Rule, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        emit_harbor(wanted)
    assert caught.value.code == "EMIT_IMPOSSIBLE"
    assert told in caught.value.summary
    assert caught.value.remedy
