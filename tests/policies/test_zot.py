"""zot's retention: the examples of its documentation, its source's order, forms, what is odd."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

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
    shaped_images,
    view,
)

from regtools.errors import ConfigError
from regtools.policies import Action, Policy, Version
from regtools.policies.zot import ZotPolicy, is_zot, parse_zot

# The documentation's complete example (zotregistry.dev, "Configuring zot Tag Retention Policies",
# 2026-11), with the subpath's gc, which the source wants to be said.
EXAMPLE: dict[str, Any] = {
    "distSpecVersion": "1.1.0-dev",
    "storage": {
        "rootDirectory": "/tmp/zot",
        "gc": True,
        "gcDelay": "2h",
        "gcInterval": "1h",
        "retention": {
            "dryRun": False,
            "delay": "24h",
            "policies": [
                {
                    "repositories": ["infra/*", "prod/*"],
                    "deleteReferrers": False,
                    "keepTags": [
                        {"patterns": ["v2.*", ".*-prod"]},
                        {"patterns": ["v3.*", ".*-prod"], "pulledWithin": "168h"},
                    ],
                },
                {
                    "repositories": ["tmp/**"],
                    "deleteReferrers": True,
                    "deleteUntagged": True,
                    "keepTags": [
                        {"patterns": ["v1.*"], "pulledWithin": "168h", "pushedWithin": "168h"}
                    ],
                },
                {
                    "repositories": ["**"],
                    "deleteReferrers": True,
                    "deleteUntagged": True,
                    "keepTags": [
                        {
                            "mostRecentlyPushedCount": 10,
                            "mostRecentlyPulledCount": 10,
                            "pulledWithin": "720h",
                            "pushedWithin": "720h",
                        }
                    ],
                },
            ],
        },
        "subPaths": {
            "/a": {
                "rootDirectory": "/tmp/zot1",
                "gc": True,
                "dedupe": True,
                "retention": {
                    "policies": [
                        {"repositories": ["a/infra/*", "a/prod/*"], "deleteReferrers": False}
                    ]
                },
            }
        },
    },
    "http": {"address": "127.0.0.1", "port": "8080"},
    "log": {"level": "debug"},
}


def told(
    digest: str, *tags: str, days: float = 0, pulled: float | None = None, **more: Any
) -> Version:
    return image(digest, *tags, days=days, pulled=pulled, tells_pulls=True, **more)


def policy(**more: Any) -> ZotPolicy:
    """Make a policy of every repository."""
    return parse_zot({"policies": [{"repositories": ["**"], **more}]})


def lost(taken: Policy, *versions: Version, repository: str = "web") -> list[str]:
    verdicts = taken.decide(view(*versions, repository=repository), now=NOW)
    return sorted(tag for verdict in verdicts for tag in verdict.tags)


def test_the_documentations_example_comes_out_as_it_says() -> None:
    taken: Policy = parse_zot(EXAMPLE)
    assert (taken.vendor, taken.cascades) == ("zot", False)
    versions = (
        told("a", "v2.1", days=90),
        told("b", "old-prod", days=90),
        told("c", "v3.1", days=90, pulled=6),
        told("d", "v3.2", days=90, pulled=8),
        told("e", "v1.1", days=6),
        told("f", "v1.2", days=90),
        told("g", "dev", days=1),
    )
    # "All other tags will be deleted", by repository.
    assert lost(taken, *versions, repository="infra/web") == ["dev", "v1.1", "v1.2", "v3.2"]
    others = ["dev", "old-prod", "v1.2", "v2.1", "v3.1", "v3.2"]
    assert lost(taken, *versions, repository="tmp/deep/web") == others
    # Of seven tags, all are among the 10 most recently pushed.
    assert lost(taken, *versions, repository="web") == []
    many = [told(f"m{at}", f"m{at:02}", days=40 + at) for at in range(12)]
    assert lost(taken, *many) == ["m10", "m11"]
    # Below the subpath no tag goes.
    assert lost(taken, *versions, repository="a/infra/web") == []
    assert lost(taken, *versions, repository="a/other") == []


def test_the_documentations_delays_hold_for_what_has_no_tag() -> None:
    taken = parse_zot(EXAMPLE)

    def untagged(repository: str) -> list[str]:
        versions = [told(f"{hours}h", days=hours / 24) for hours in (0.5, 1.5, 23, 25)]
        verdicts = taken.decide(view(*versions, repository=repository), now=NOW)
        return sorted(verdict.digest for verdict in verdicts)

    assert untagged("infra/web") == ["25h"]
    assert untagged("a/infra/web") == ["1.5h", "23h", "25h"]  # the default, an hour


def test_the_simple_example_keeps_what_one_of_its_rules_keeps() -> None:
    # "patterns AND (pulledWithin OR pushedWithin OR …Count OR …Count)"
    taken = policy(
        keepTags=[
            {
                "patterns": ["v2.*", ".*-prod"],
                "mostRecentlyPushedCount": 1,
                "mostRecentlyPulledCount": 1,
                "pulledWithin": "720h",
                "pushedWithin": "720h",
            }
        ]
    )
    versions = (
        told("a", "v2.0", days=99, pulled=29),
        told("b", "v2.1", days=29),
        told("c", "v2.2", days=40, pulled=35),
        told("d", "v2.3", days=50, pulled=45),
        told("e", "dev", days=1, pulled=0),
    )
    assert lost(taken, *versions) == ["dev", "v2.2", "v2.3"]


def test_a_tag_belongs_to_the_first_entry_that_matches() -> None:
    entries = [{"patterns": ["^v"], "mostRecentlyPushedCount": 1}, {"patterns": ["^v1"]}]
    versions = told("a", "v1", days=9), told("b", "v2", days=1)
    assert lost(policy(keepTags=entries), *versions) == ["v1"]
    assert lost(policy(keepTags=entries[::-1]), *versions) == []


def test_patterns_are_found_anywhere_and_none_is_any() -> None:
    tags = told("a", "v2", "dev2", "rc", days=1)
    assert lost(policy(keepTags=[{"patterns": ["v2"]}]), tags) == ["rc"]
    assert lost(policy(keepTags=[{}]), tags) == []
    assert lost(policy(keepTags=[]), tags) == []
    assert lost(policy(), tags) == []


def test_counts_are_of_tags_not_of_images() -> None:
    taken = policy(keepTags=[{"mostRecentlyPushedCount": 2}])
    versions = told("a", "1", "latest", days=1), told("b", "2", days=2)
    assert lost(taken, *versions) == ["2"]


def test_an_image_goes_with_its_last_tag_if_it_is_old_enough() -> None:
    entries = [{"patterns": ["^keep"]}]
    versions = (
        told("old", "x", days=2),
        told("new", "y", days=0.01),
        told("shared", "z", "keep-1", days=2),
    )
    verdicts = policy(keepTags=entries).decide(view(*versions), now=NOW)
    assert {one.digest: (one.tags, one.whole) for one in verdicts} == {
        "old": (("x",), True),
        "new": (("y",), False),
        "shared": (("z",), False),
    }
    assert {one.rule for one in verdicts} == {"policies[0] of '**': no pattern of keepTags matches"}
    left = policy(keepTags=entries, deleteUntagged=False).decide(view(*versions), now=NOW)
    assert {one.whole for one in left} == {False}


def test_the_images_of_an_index_go_after_it_and_not_before() -> None:
    versions = (
        told("index", "v1", days=9),
        told("part", days=9, parents=["index"]),
        told("nested", days=9, parents=["part"]),
        told("loose", days=9),
    )
    assert gone(policy(keepTags=[{"patterns": ["v"]}]), *versions) == ["loose"]
    everything = ["index", "loose", "nested", "part"]
    assert gone(policy(keepTags=[{"patterns": ["x"]}]), *versions) == everything
    assert gone(policy(keepTags=[{"patterns": ["x"]}], deleteUntagged=False), *versions) == [
        "index"
    ]


def test_a_repository_without_a_policy_loses_only_what_has_no_tag() -> None:
    taken = parse_zot(
        {"policies": [{"repositories": ["other"], "keepTags": [{"patterns": ["x"]}]}]}
    )
    (verdict,) = taken.decide(view(told("a", "v1", days=9), told("b", days=9)), now=NOW)
    assert verdict.digest == "b"
    assert verdict.rule == "no policy: untagged, older than 1h"


SIGNED = (
    told("sha256:a", "v1", days=9),
    told("sig", days=8, subject="sha256:a"),
    told("sig-of-sig", days=7, subject="sig"),
    told("cosign", "sha256-a.sig", days=8),
    told("fallback", "sha256-a", days=8),
    told("att", "sha256-a.att", days=8),
)


def test_referrers_go_round_after_round_where_they_are_deleted() -> None:
    taken = policy(keepTags=[{"patterns": ["^x"]}], deleteReferrers=True)
    # cosign's .att is a tag like any other to zot; the fallback is none.
    assert gone(taken, *SIGNED) == ["att", "cosign", "sha256:a", "sig", "sig-of-sig"]
    kept = policy(keepTags=[{"patterns": ["^v", "att$"]}], deleteReferrers=True)
    assert gone(kept, *SIGNED) == []


def test_referrers_are_left_behind_where_they_are_not_deleted() -> None:
    verdicts = policy(keepTags=[{"patterns": ["att$"]}]).decide(view(*SIGNED), now=NOW)
    found = {one.digest: one for one in verdicts}
    assert sorted(found) == ["sha256:a", "sig"]
    assert found["sig"].action is Action.KEEP
    assert found["sig"].rule == "policies[0] of '**': deleteReferrers is false"
    young = told("sig", days=0.01, subject="sha256:a")
    deleting = policy(keepTags=[{"patterns": ["x"]}], deleteReferrers=True)
    (kept,) = [
        one for one in deleting.decide(view(SIGNED[0], young), now=NOW) if one.digest == "sig"
    ]
    assert (kept.action, kept.rule) == (Action.KEEP, "policies[0] of '**': younger than 1h")


def test_untagged_manifests_are_kept_by_their_own_rule() -> None:
    taken = policy(keepUntagged={"mostRecentlyPushedCount": 1, "pulledWithin": "48h"})
    versions = (
        told("a", days=3),
        told("b", days=4),
        told("c", days=5, pulled=1),
        told("tagged", "v1", days=9),
    )
    assert gone(taken, *versions) == ["b"]
    assert gone(policy(keepUntagged={}), *versions) == ["a", "b", "c"]


def test_what_nobody_can_tell_about_is_kept() -> None:
    undated = image("undated", "v1", days=None)
    assert lost(policy(keepTags=[{"pushedWithin": "1h"}]), undated) == []
    assert gone(policy(), image("undated", days=None)) == []
    silent = image("silent", "v1", days=99)
    assert lost(policy(keepTags=[{"pulledWithin": "1h"}]), silent) == []
    assert lost(policy(keepTags=[{"mostRecentlyPulledCount": 1}]), silent, image("b", "b")) == []


def test_without_garbage_collection_nothing_goes() -> None:
    taken = parse_zot({"storage": {"gc": False, "retention": {"policies": []}}})
    assert gone(taken, told("a", days=9)) == []
    assert codes(taken) == ["POLICY_DISABLED"]
    silent = parse_zot({"storage": {"retention": {}, "subPaths": {"/a": {}}}})
    assert silent.decide(view(told("a", days=9), repository="a/web"), now=NOW) == []
    assert [one.rule for one in silent.lint()] == ["subpath '/a'"]


# Forms.


def test_capital_letters_in_keys_do_not_matter_as_in_zot() -> None:
    small = json.loads(
        json.dumps(EXAMPLE).replace("keepTags", "keeptags").replace("gcDelay", "GCDELAY")
    )
    assert parse_zot(small) == parse_zot(EXAMPLE)
    assert parse_zot({"retention": EXAMPLE["storage"]["retention"]}).stores[0].policies == (
        parse_zot(EXAMPLE).stores[0].policies
    )


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (EXAMPLE, True),
        (EXAMPLE["storage"], True),
        ({"Storage": {"Retention": {}}}, True),
        (EXAMPLE["storage"]["retention"], True),
        ({"storage": {"subPaths": {"/a": {"retention": {}}}}}, True),
        ({"storage": {"filesystem": {"rootdirectory": "/x"}}, "version": 0.1}, False),
        ({"policies": []}, False),
        ({"policies": [{"name": "x"}]}, False),
        ({"rules": [{"rulePriority": 1}]}, False),
        ("storage", False),
        (None, False),
        ([], False),
    ],
)
def test_its_shape_tells_that_it_is_zots(data: object, known: bool) -> None:
    assert is_zot(data) is known


RULE = "storage.retention.policies[0].keepTags[0]"


def rules(**rule: Any) -> dict[str, Any]:
    return {"storage": {"retention": {"policies": [{"repositories": ["**"], "keepTags": [rule]}]}}}


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (None, "the policy is None"),
        ({"retention": []}, "retention is []; an object is needed"),
        ({"policies": {}}, "policies is {}"),
        ({"policies": [1]}, "policies[0] is 1"),
        ({"policies": [{"repository": ["x"]}]}, "policies[0].repository is not known"),
        ({"policies": [{"repositories": ["a["]}]}, "policies[0].repositories[0] is 'a['"),
        ({"policies": [{"repositories": "**"}]}, "policies[0].repositories is '**'"),
        ({"policies": [{"deleteUntagged": "yes"}]}, "policies[0].deleteUntagged is 'yes'"),
        ({"policies": [{"keepTags": {}}]}, "policies[0].keepTags is {}"),
        ({"policies": [{"keepUntagged": []}]}, "policies[0].keepUntagged is []"),
        ({"policies": [{"keepUntagged": {"patterns": []}}]}, "keepUntagged.patterns is not known"),
        ({"policies": [], "delay": "7d"}, "delay is '7d'; a duration with h, m or s"),
        ({"policies": [], "delay": 3600}, "delay is 3600"),
        ({"retention": {}, "subPaths": []}, "subPaths is []"),
        ({"retention": {}, "gcDelay": "-1h"}, "gcDelay is '-1h'"),
        (rules(patterns=["v(?!1)"]), f"{RULE}.patterns[0] is 'v(?!1)', which is no regular"),
        (rules(patterns=["\ud800"]), f"{RULE}.patterns[0] is '\\ud800', which is no regular"),
        (rules(patterns=["("]), f"{RULE}.patterns[0] is '('"),
        (rules(mostRecentlyPushedCount=-1), f"{RULE}.mostRecentlyPushedCount is -1"),
        (rules(pushedWithin="30d"), f"{RULE}.pushedWithin is '30d'"),
        (rules(pushedwithin="1w"), f"{RULE}.pushedWithin is '1w'"),
        (rules(keep=1), f"{RULE}.keep is not known"),
    ],
)
def test_what_zot_would_not_start_with_is_refused_with_its_place(data: object, where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_zot(data)
    assert caught.value.code == "POLICY_INVALID"
    assert where in caught.value.summary


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(values, st.sampled_from(["", "policies", "delay", "keepTags", "patterns", "retention"]))
def test_whatever_is_loaded_is_read_or_refused(data: object, key: str) -> None:
    whole = {
        "": data,
        "policies": {"policies": data},
        "delay": {"policies": [], "delay": data},
        "keepTags": {"policies": [{"repositories": ["**"], "keepTags": data}]},
        "patterns": rules(patterns=data),
        "retention": {"storage": {"retention": data, "subPaths": {"/a": data}}},
    }[key]
    try:
        parse_zot(whole)
    except ConfigError as error:
        assert error.code == "POLICY_INVALID"


# Properties.


def told_apart(versions: list[Version]) -> list[Version]:
    """Leave each tag on the first that has it: a repository has every tag once."""
    seen: set[str] = set()
    found = []
    for version in versions:
        found.append(replace(version, tags=tuple(tag for tag in version.tags if tag not in seen)))
        seen.update(version.tags)
    return found


hours = st.integers(0, 60 * 24).map(lambda count: f"{count}h")
keep_rules = st.fixed_dictionaries(
    {},
    optional={
        "patterns": st.lists(st.sampled_from(["^v", "rc$", "latest", "."]), max_size=2),
        "mostRecentlyPushedCount": st.integers(0, 4),
        "mostRecentlyPulledCount": st.integers(0, 4),
        "pushedWithin": hours,
        "pulledWithin": hours,
    },
)
policies = st.fixed_dictionaries(
    {"keepTags": st.lists(keep_rules, max_size=3)},
    optional={"deleteReferrers": st.booleans(), "deleteUntagged": st.booleans()},
).map(lambda more: policy(**more))


@given(policies, shaped_images().map(told_apart))
def test_what_goes_is_there_once_and_the_same_every_time(
    taken: ZotPolicy, versions: list[Version]
) -> None:
    verdicts = taken.decide(view(*versions), now=NOW)
    digests = [one.digest for one in verdicts]
    assert len(set(digests)) == len(digests)
    known = {version.digest: version for version in versions}
    assert all(set(one.tags) <= set(known[one.digest].tags) for one in verdicts)
    assert verdicts == taken.decide(view(*versions), now=NOW)
    shuffled = taken.decide(view(*versions[::-1]), now=NOW)
    assert sorted(shuffled, key=lambda one: one.digest) == sorted(
        verdicts, key=lambda one: one.digest
    )


@given(policies, shaped_images().map(told_apart))
def test_a_part_never_goes_before_what_lists_it(taken: ZotPolicy, versions: list[Version]) -> None:
    taken_whole = {one.digest for one in taken.decide(view(*versions), now=NOW) if one.whole}
    for version in versions:
        if version.digest in taken_whole and not version.tags and version.subject is None:
            assert set(version.parents) <= taken_whole


@given(st.integers(0, 40), plain_images(), st.sampled_from(["^v", "rc", "."]))
def test_what_a_rule_keeps_never_goes(days: int, versions: list[Version], pattern: str) -> None:
    taken = policy(keepTags=[{"patterns": [pattern], "pushedWithin": f"{days * 24}h"}])
    gone_tags = set(lost(taken, *versions))
    for version in versions:
        for tag in version.tags:
            assert version.pushed_at is not None
            is_young = NOW - version.pushed_at < days * DAY
            is_kept = re.search(pattern, tag) is not None and is_young
            assert (tag in gone_tags) is not is_kept


def test_the_tags_of_these_tests_are_judged() -> None:
    assert lost(policy(keepTags=[{"patterns": ["none"]}]), told("a", *TAGS)) == sorted(TAGS)


# What is odd.


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"deleteReferrers": True}, []),
        ({"deleteReferrers": True, "keepTags": [{"patterns": [".*"]}]}, []),
        ({"deleteUntagged": False, "keepTags": [{"patterns": [".*"]}]}, []),
        ({}, ["LEAVES_REFERRERS"]),
        (
            {"deleteReferrers": True, "deleteUntagged": False, "keepTags": [{"patterns": ["v"]}]},
            ["LEAVES_UNTAGGED"],
        ),
        (
            {"deleteReferrers": True, "keepTags": [{}, {"patterns": ["v"]}]},
            ["RULE_NEVER_FIRES"],
        ),
        (
            {"deleteReferrers": True, "keepTags": [{"patterns": ["v"]}, {"patterns": ["v"]}]},
            ["RULE_NEVER_FIRES"],
        ),
        (
            {"deleteUntagged": False, "keepUntagged": {"pushedWithin": "1h"}},
            ["RULE_NEVER_FIRES"],
        ),
        ({"deleteReferrers": True, "repositories": []}, ["RULE_NEVER_FIRES"]),
    ],
)
def test_what_is_odd_by_itself_is_told(more: dict[str, Any], found: list[str]) -> None:
    assert codes(policy(**more)) == found


def test_a_policy_behind_one_of_every_repository_is_told() -> None:
    later = {"repositories": ["infra/*"], "deleteReferrers": True}
    taken = parse_zot({"policies": [{"repositories": ["**"], "deleteReferrers": True}, later]})
    (remark,) = taken.lint()
    assert (remark.code, remark.rule) == ("RULE_NEVER_FIRES", "policies[1] of 'infra/*'")
    dry = parse_zot({"dryRun": True, "policies": []})
    assert codes(dry) == ["POLICY_DRY_RUN"]
    deep = parse_zot({"retention": {}, "subPaths": {"/a/b": {"gc": True}}})
    assert codes(deep) == ["RULE_NEVER_FIRES"]


def test_what_is_odd_in_view_is_told() -> None:
    seen = view(told("a", "v1", "v2", days=1), told("b", days=1, parents=["a"]), repository="web")
    taken = policy(
        deleteReferrers=True, keepTags=[{"patterns": ["^v", "^x"], "mostRecentlyPushedCount": 2}]
    )
    assert codes(taken, seen) == ["PATTERN_MATCHES_NOTHING", "COUNT_NOT_REACHED"]
    taken = policy(deleteReferrers=True, keepTags=[{"patterns": ["^x"]}])
    assert codes(taken, seen) == ["PATTERN_MATCHES_NOTHING", "DELETES_EVERYTHING"]
    taken = policy(deleteReferrers=True, keepUntagged={"mostRecentlyPushedCount": 1})
    assert codes(taken, seen) == ["COUNTS_PARTS"]
    pulls = policy(deleteReferrers=True, keepTags=[{"pulledWithin": "1h"}])
    assert codes(pulls, seen) == []
    assert codes(pulls, view(image("a", "v1"), repository="web")) == ["PULLS_UNKNOWN"]
    other = parse_zot({"policies": [{"repositories": ["infra/*"], "deleteReferrers": True}]})
    assert codes(other, seen) == ["PATTERN_MATCHES_NOTHING"]
