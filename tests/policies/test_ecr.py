"""ECR's lifecycle policies: AWS's own examples, its rules of evaluation, and what is odd."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.images import (
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
from regtools.policies import Action, Policy, Rule, Version
from regtools.policies.ecr import EcrPolicy, emit_ecr, parse_ecr
from regtools.policies.wildcards import Wildcard

EXPIRE = {"type": "expire"}
TRANSITION = {"type": "transition", "targetStorageClass": "archive"}


def rule(
    priority: int, status: str = "untagged", *, action: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """Write a rule; without a countType it keeps one image, with ``days`` it counts from pushes."""
    selection: dict[str, Any] = {"tagStatus": status}
    days = more.pop("days", None)
    if days is not None:
        selection |= {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    else:
        selection |= {"countType": "imageCountMoreThan", "countNumber": 1}
    return {
        "rulePriority": priority,
        "selection": {**selection, **more},
        "action": action or EXPIRE,
    }


def tagged(priority: int, *patterns: str, **more: Any) -> dict[str, Any]:
    return rule(priority, "tagged", tagPatternList=list(patterns), **more)


def archived(priority: int, **more: Any) -> dict[str, Any]:
    count = {"countType": "sinceImageTransitioned", "countUnit": "days", "countNumber": 365}
    return rule(priority, "any", **{"storageClass": "archive", **count, **more})


def unpulled(priority: int, days: int = 90) -> dict[str, Any]:
    count = {"countType": "sinceImagePulled", "countUnit": "days", "countNumber": days}
    return rule(priority, "any", action=TRANSITION, **count)


def policy(*rules: dict[str, Any]) -> EcrPolicy:
    return parse_ecr({"rules": list(rules)})


# AWS's worked examples: page lifecycle_policy_examples, 2026-11.

THREE = (
    image("A", "beta-1", "prod-1", days=10),
    image("B", "beta-2", "prod-2", days=9),
    image("C", "beta-3", days=8),
)
SIX = (
    image("A", "alpha-1", days=12),
    image("B", "beta-1", days=11),
    image("C", "alpha-2", "beta-2", days=10),
    image("D", "alpha-3", days=4),
    image("E", "beta-3", days=3),
    image("F", "alpha-4", "beta-4", days=2),
)
NOT_EXCLUSIVE = (
    image("A", "alpha-1", "beta-1", "gamma-1", days=10),
    image("B", "alpha-2", "beta-2", days=9),
    image("C", "alpha-3", "beta-3", "gamma-2", days=8),
)
ALL = (
    image("A", "alpha-1", days=4),
    image("B", "beta-1", days=3),
    image("C", days=2),
    image("D", "alpha-2", days=1),
)
ALL_KINDS = (
    image("A", "alpha-1", "beta-1", days=4),
    image("B", days=3),
    image("C", "alpha-2", days=2),
    image("D", "git hash", days=1),
    image("E", days=1),
)
OLD_AND_NEW = (
    image("old", "prod-1", days=15),
    image("new", "prod-2", days=13),
    image("other", "dev", days=99),
)
UNTAGGED = (image("new", days=1), image("old", days=9), image("older", days=10))
UNTAGGED_AND_OLD = (image("old", days=15), image("new", days=13), image("named", "a", days=99))


@pytest.mark.parametrize(
    ("rules", "versions", "expired"),
    [
        pytest.param([tagged(1, "prod*", days=14)], OLD_AND_NEW, ["old"], id="image-age"),
        # So the page had it until it learned patterns.
        pytest.param([rule(1, days=14)], UNTAGGED_AND_OLD, ["old"], id="image-age-untagged"),
        pytest.param([rule(1)], UNTAGGED, ["old", "older"], id="image-count"),
        pytest.param([tagged(1, "prod*"), tagged(2, "beta*")], THREE, ["A"], id="multiple-rules-a"),
        pytest.param(
            [tagged(1, "beta*"), tagged(2, "prod*")], THREE, ["A", "B"], id="multiple-rules-b"
        ),
        pytest.param([tagged(1, "alpha*", "beta*", days=5)], SIX, ["C"], id="multiple-tags-a"),
        pytest.param(
            [tagged(1, "alpha*", "beta*")], NOT_EXCLUSIVE, ["A", "B"], id="multiple-tags-b"
        ),
        pytest.param([rule(1, "any")], ALL, ["A", "B", "C"], id="all-images-a"),
        pytest.param(
            [tagged(1, "alpha*"), rule(2, days=1), rule(3, "any")],
            ALL_KINDS,
            ["A", "B", "D"],
            id="all-images-b",
        ),
        pytest.param([archived(1)], ALL, [], id="archive-transition-time"),
    ],
)
def test_an_example_of_aws_comes_out_as_aws_says(
    rules: list[dict[str, Any]], versions: tuple[Version, ...], expired: list[str]
) -> None:
    assert gone(policy(*rules), *versions) == expired
    as_prefixes = json.loads(json.dumps(rules))
    for one in as_prefixes:
        if patterns := one["selection"].pop("tagPatternList", None):
            one["selection"]["tagPrefixList"] = [pattern.rstrip("*") for pattern in patterns]
    assert gone(policy(*as_prefixes), *versions) == expired


@pytest.mark.parametrize(
    ("rules", "archives"),
    [
        pytest.param([tagged(1, "prod*", days=30, action=TRANSITION)], ["a"], id="older"),
        pytest.param([unpulled(1)], ["a", "c"], id="not-pulled"),
        pytest.param(
            [rule(1, "any", days=30, action=TRANSITION), archived(2)],
            ["a", "b", "c"],
            id="combined",
        ),
    ],
)
def test_an_archive_example_of_aws_archives(
    rules: list[dict[str, Any]], archives: list[str]
) -> None:
    versions = (
        image("a", "prod-1", days=200, pulled=91, tells_pulls=True),
        image("b", "dev", days=200, pulled=89, tells_pulls=True),
        image("c", "never", days=91, tells_pulls=True),
        image("d", "new", days=2, tells_pulls=True),
    )
    verdicts = policy(*rules).decide(view(*versions), now=NOW)
    assert sorted(one.digest for one in verdicts) == archives
    assert {one.action for one in verdicts} == {Action.ARCHIVE}


def test_a_verdict_names_the_rule_and_takes_the_whole_image() -> None:
    rules = policy(rule(1, days=14), tagged(3, "pr-*", "*-x", countNumber=2), unpulled(7))
    assert [str(one) for one in rules.rules] == [
        "rule 1: untagged for more than 14 days",
        "rule 3: tagged pr-* and *-x beyond the 2 newest",
        "rule 7: archive any image not pulled for more than 90 days",
    ]
    (verdict,) = policy(tagged(1, "pr-*", days=1)).decide(
        view(image("a", "pr-1", "v1", days=2)), now=NOW
    )
    assert (verdict.tags, verdict.whole) == (("pr-1", "v1"), True)
    assert verdict.rule == "rule 1: tagged pr-* pushed more than 1 day ago"


def test_priorities_count_and_not_the_order_in_the_file() -> None:
    assert gone(policy(tagged(20, "beta*"), tagged(10, "prod*")), *THREE) == ["A"]


def test_a_day_is_over_when_24_hours_are() -> None:
    versions = (image("just", days=14), image("more", days=14 + 1 / 86_400))
    assert gone(policy(rule(1, days=14)), *versions) == ["more"]


def test_an_image_without_a_date_stays_and_takes_no_place() -> None:
    versions = (image("undated", days=None), image("a", days=1), image("b", days=2))
    assert gone(policy(rule(1)), *versions) == ["b"]
    assert gone(policy(rule(1, days=1)), *versions) == ["b"]


def test_an_age_beyond_the_calendar_selects_nothing() -> None:
    assert gone(policy(rule(1, days=10**30)), *UNTAGGED) == []


def test_what_an_index_lists_is_counted_and_goes_only_with_it() -> None:
    versions = (
        image("index", "v1", days=9),
        image("amd64", days=9.1, parents=["index"]),
        image("arm64", days=9.1, parents=["index"]),
        image("loose", days=8),
    )
    assert gone(policy(rule(1, days=1)), *versions) == ["loose"]
    assert gone(policy(tagged(1, "v*", days=1)), *versions) == ["index"]
    both = policy(tagged(1, "v*", days=1), rule(2, days=1))
    assert gone(both, *versions) == ["amd64", "arm64", "index", "loose"]
    newer = (image("new", "v2", days=1), *versions)
    # The three newest are new, loose and index; its parts count too.
    assert gone(policy(rule(1, "any", countNumber=2)), *newer) == ["amd64", "arm64", "index"]
    assert gone(policy(rule(1, "any", countNumber=3)), *newer) == []


def test_a_part_of_two_indexes_stays_with_either() -> None:
    versions = (
        image("old", "v1", days=9),
        image("new", "v2", days=1),
        image("shared", days=9, parents=["old", "new"]),
        image("inner", days=9, parents=["old"]),
        image("leaf", days=9, parents=["inner", "shared"]),
    )
    both = policy(tagged(1, "v*", days=5), rule(2, days=5))
    assert gone(both, *versions) == ["inner", "old"]


def test_what_an_archived_index_lists_is_not_deleted() -> None:
    versions = (image("index", "v1", days=40), image("part", days=40, parents=["index"]))
    archive = tagged(1, "v*", days=30, action=TRANSITION)
    assert gone(policy(archive, rule(2, days=1)), *versions) == ["index"]
    everything = rule(1, "any", days=30, action=TRANSITION)
    assert gone(policy(everything), *versions) == ["index", "part"]


def test_a_referrer_goes_with_its_subject_and_not_by_a_rule() -> None:
    versions = (
        image("app", "v1", days=3),
        image("signature", days=99, subject="app"),
        image("orphan", days=99, subject="elsewhere"),
    )
    assert gone(policy(rule(1, days=14)), *versions) == ["orphan"]


def test_pulls_that_nobody_tells_archive_nothing() -> None:
    assert gone(policy(unpulled(1)), image("a", "v1", days=999)) == []


def test_the_images_of_an_expired_index_stay_with_ecr() -> None:
    taken: Policy = policy(rule(1))
    assert (taken.vendor, taken.cascades) == ("ecr", False)


def changed(place: str, value: object) -> dict[str, Any]:
    """Take a good policy and put a value at a place of its first rule."""
    first = json.loads(json.dumps(tagged(1, "a*", days=1)))
    target = first
    *path, key = place.split(".")
    for step in path:
        target = target[step]
    if value is None:
        del target[key]
    else:
        target[key] = value
    return {"rules": [first]}


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("rulePriority", 0, "rules[0].rulePriority is 0"),
        ("rulePriority", True, "rules[0].rulePriority is True"),
        ("rulePriority", "1", "rules[0].rulePriority is '1'"),
        ("rulePriority", None, "rules[0].rulePriority is missing"),
        ("description", 1, "rules[0].description is 1"),
        ("selection", [], "rules[0].selection is []"),
        ("selection.tagStatus", "Tagged", "allowed: 'tagged', 'untagged' or 'any'"),
        ("selection.tagStatus", "any", "rules[0].selection.tagPatternList is only allowed"),
        ("selection.tagStatus", "untagged", "rules[0].selection.tagPatternList is only allowed"),
        ("selection.tagPatternList", None, "needs tagPatternList or tagPrefixList"),
        ("selection.tagPrefixList", ["b"], "needs tagPatternList or tagPrefixList, and not both"),
        ("selection.tagPatternList", [], "rules[0].selection.tagPatternList is empty"),
        ("selection.tagPatternList", [""], "holds an empty text"),
        ("selection.tagPatternList", ["a", 1], "a list of texts is needed"),
        ("selection.tagPatternList", "a*", "a list of texts is needed"),
        ("selection.tagPatternList", ["test*1*2*3*4*5*6"], "4 wildcards at most"),
        ("selection.storageClass", "archive", "only 'standard' is allowed"),
        ("selection.storageClass", "cold", "allowed: 'standard' or 'archive'"),
        ("selection.countType", "sinceImageBuilt", "rules[0].selection.countType is"),
        ("selection.countUnit", "hours", "allowed: 'days'"),
        ("selection.countUnit", None, "rules[0].selection.countUnit is missing"),
        ("selection.countType", "imageCountMoreThan", "countUnit is not allowed"),
        ("selection.countNumber", 0, "at least 1 is needed"),
        ("selection.countNumber", 1.5, "at least 1 is needed"),
        ("selection.countType", "sinceImageTransitioned", "storageClass has to be 'archive'"),
        ("selection.countType", "sinceImagePulled", "has to be 'transition'"),
        ("selection.tagPattern", ["a"], "rules[0].selection.tagPattern is not known"),
        ("action.type", "delete", "allowed: 'expire' or 'transition'"),
        ("action.type", "transition", "rules[0].action.targetStorageClass is missing"),
        ("action.targetStorageClass", "archive", "is only allowed with 'transition'"),
        ("ruleNumber", 1, "rules[0].ruleNumber is not known"),
    ],
)
def test_what_aws_refuses_is_refused_with_its_place(place: str, value: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_ecr(changed(place, value))
    assert caught.value.code == "POLICY_INVALID"
    assert told in caught.value.summary


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([], "rules is empty"),
        ([rule(1), tagged(1, "a")], "rules[0].rulePriority is 1, as in another rule"),
        ([rule(1), rule(2, days=1)], "rules[1].selection.tagStatus is 'untagged', as in another"),
        ([tagged(1, "a", "b"), tagged(2, "b", "a")], "has the patterns of another rule"),
        ([rule(1, "any"), rule(2)], "rules[0].selection.tagStatus is 'any'"),
        ([archived(1), archived(2)], "priority 1 is not the highest number"),
        ([archived(1, countNumber=89)], "is 89; an archived image stays for 90 days"),
        ([archived(1, storageClass="standard")], "only 'archive' is allowed"),
        ([{**archived(1), "action": TRANSITION}], "has to be 'expire'"),
        ([tagged(at, f"a{at}") for at in range(1, 52)], "holds 51 rules"),
        ([1], "rules[0] is 1; an object is needed"),
        ("x", "rules is 'x'; a list is needed"),
    ],
)
def test_rules_that_do_not_go_together_are_refused(rules: object, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_ecr({"rules": rules})
    assert caught.value.code == "POLICY_INVALID"
    assert told in caught.value.summary


def test_what_is_no_policy_is_refused() -> None:
    for data in (None, [], "rules", {"Rules": []}, {}):
        with pytest.raises(ConfigError, match=r"rules|object"):
            parse_ecr(data)


def test_hostile_text_is_shown_short_and_on_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_ecr({"\x1b[2J\n" + "x" * 5_000: 1})
    assert "\x1b" not in caught.value.summary
    assert "\n" not in caught.value.summary
    assert len(caught.value.summary) < 200


def test_one_any_rule_for_each_storage_class_is_allowed() -> None:
    assert len(policy(rule(1, "any", days=30, action=TRANSITION), archived(2)).rules) == 2


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(values, st.sampled_from(["", "rules", "selection", "action"]))
def test_whatever_is_loaded_is_read_or_refused(data: object, where: str) -> None:
    wrapped = {
        "": data,
        "rules": {"rules": data},
        "selection": {"rules": [{**rule(1), "selection": data}]},
        "action": {"rules": [{**rule(1), "action": data}]},
    }[where]
    with pytest.raises(ConfigError):
        parse_ecr(wrapped)


# Properties.

patterns = st.lists(
    st.sampled_from(["v*", "*rc", "latest", "*", "release-*", "p*", "*1"]),
    min_size=1,
    max_size=2,
    unique=True,
)


@st.composite
def policies(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the rules of a policy that AWS would take, first priority first."""
    wanted = draw(st.lists(patterns, max_size=3, unique_by=frozenset))
    kinds: list[dict[str, Any]] = [
        {"status": "tagged", "tagPatternList": list(one)} for one in wanted
    ]
    if draw(st.booleans()):
        kinds.insert(draw(st.integers(0, len(kinds))), {"status": "untagged"})
    if draw(st.booleans()) or not kinds:
        kinds.append({"status": "any"})
    rules = []
    for at, kind in enumerate(kinds, start=1):
        count = draw(st.sampled_from([{"countNumber": 1}, {"countNumber": 3}, {"days": 20}]))
        action = draw(st.sampled_from([EXPIRE, TRANSITION]))
        rules.append(rule(at, **kind, **count, action=action))
    return rules


@given(policies(), shaped_images())
def test_an_image_gets_one_verdict_or_none(
    rules: list[dict[str, Any]], versions: list[Version]
) -> None:
    verdicts = policy(*rules).decide(view(*versions), now=NOW)
    digests = [one.digest for one in verdicts]
    assert len(digests) == len(set(digests))
    by_digest = {one.digest: one for one in versions}
    stays = by_digest.keys() - digests
    for verdict in verdicts:
        version = by_digest[verdict.digest]
        assert version.pushed_at is not None
        assert not stays & set(version.parents)
        assert version.subject not in by_digest
        assert verdict.tags == version.tags


@given(policies(), shaped_images())
def test_rules_of_lower_priority_change_no_verdict(
    rules: list[dict[str, Any]], versions: list[Version]
) -> None:
    whole = policy(*rules).decide(view(*versions), now=NOW)
    for count in range(1, len(rules)):
        fewer = policy(*rules[:count]).decide(view(*versions), now=NOW)
        assert [one for one in whole if one in fewer] == fewer


@given(policies(), plain_images(), st.integers(0, 30))
def test_time_alone_saves_no_image(
    rules: list[dict[str, Any]], versions: list[Version], days: int
) -> None:
    taken = policy(*rules)
    now = {one.digest for one in taken.decide(view(*versions), now=NOW)}
    later = taken.decide(view(*versions), now=NOW + timedelta(days=days))
    assert now <= {one.digest for one in later}


@given(policies(), plain_images())
def test_a_rule_that_never_fires_never_fires(
    rules: list[dict[str, Any]], versions: list[Version]
) -> None:
    taken = policy(*rules)
    idle = {
        one.rule for one in taken.lint() if one.code in {"RULE_NEVER_FIRES", "RULE_CONTRADICTS"}
    }
    assert not idle & {one.rule for one in taken.decide(view(*versions), now=NOW)}


texts = st.text("ab*", max_size=5)


@given(texts, texts, st.text("abc", max_size=6))
def test_a_pattern_that_covers_another_matches_all_that_it_does(
    wide: str, narrow: str, tag: str
) -> None:
    one, other = Wildcard.of(wide), Wildcard.of(narrow)
    if one.covers(other) and other.matches(tag):
        assert one.matches(tag)


# What is odd.


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([tagged(1, "p*"), tagged(2, "prod*", days=1)], ["RULE_NEVER_FIRES"]),
        ([tagged(1, "prod*"), tagged(2, "p*")], []),
        ([tagged(1, "a*"), tagged(2, "a*", "b*")], ["RULE_NEVER_FIRES"]),
        ([tagged(1, "a*", "b*"), tagged(2, "a*")], []),
        ([tagged(1, "*"), rule(2), rule(3, "any")], ["RULE_NEVER_FIRES"]),
        ([tagged(1, "*"), rule(3, "any")], []),
        ([tagged(1, "git hash")], ["RULE_NEVER_FIRES"]),
        ([rule(1, "tagged", tagPrefixList=["prod*"])], ["RULE_NEVER_FIRES"]),
        ([tagged(1, "v*", countNumber=999_999), rule(2, "any")], ["RULE_ONLY_PROTECTS"]),
        ([rule(1, "any", countNumber=999_999)], ["RULE_NEVER_FIRES"]),
        (
            [tagged(1, "p*", days=9), tagged(2, "prod*", days=3, action=TRANSITION)],
            ["ARCHIVE_MINIMUM", "RULE_CONTRADICTS"],
        ),
        ([archived(1)], ["ARCHIVE_UNSEEN", "ARCHIVE_UNFILLED"]),
        ([unpulled(1), archived(2)], ["ARCHIVE_MINIMUM", "ARCHIVE_UNSEEN"]),
    ],
)
def test_odd_rules_are_named(rules: list[dict[str, Any]], told: list[str]) -> None:
    assert codes(policy(*rules)) == told


def test_with_repositories_in_view_more_is_told() -> None:
    repository = view(
        image("index", "v1", days=3),
        image("part", days=3, parents=["index"]),
        image("loose", days=3),
    )
    assert codes(policy(tagged(1, "x*")), repository) == [
        "PATTERN_MATCHES_NOTHING",
        "COUNT_NOT_REACHED",
    ]
    assert codes(policy(rule(1, days=1)), repository) == ["UNTAGGED_ARE_PARTS"]
    assert codes(policy(rule(1, "any")), repository) == ["COUNTS_PARTS"]
    assert codes(policy(unpulled(1)), repository) == ["ARCHIVE_MINIMUM", "PULLS_UNKNOWN"]


def test_images_that_two_rules_want_otherwise_are_counted() -> None:
    rules = policy(tagged(1, "a*", days=1), tagged(2, "b*", days=1, action=TRANSITION))
    remarks = rules.lint([view(image("both", "a1", "b1", days=3), image("one", "b2"))])
    (clash,) = [one for one in remarks if one.code == "RULE_CONTRADICTS"]
    assert clash.message.startswith("1 of the images that it would archive belong to rule 1:")


# Emitting.


def emitted(wanted: Rule) -> EcrPolicy:
    return parse_ecr(json.loads(emit_ecr(wanted)))


keeping = st.lists(
    st.sampled_from(["^v", "^release-.*$", "rc$", "latest", r"^pr\.", "^v1$|^x", "^v1.*rc$"]),
    max_size=3,
    unique=True,
).map(tuple)
expressible = st.one_of(
    st.builds(Rule, keep_last=st.integers(1, 6), keep_tags=keeping),
    st.builds(
        Rule,
        older_than=st.integers(1, 60).map(lambda days: timedelta(days=days)),
        keep_tags=keeping,
        untagged=st.booleans(),
    ),
    st.builds(Rule, keep_last=st.integers(1, 6), delete_tags=st.just((".*",)), keep_tags=keeping),
)


@given(expressible, plain_images())
def test_an_emitted_policy_decides_as_the_rule_reads(wanted: Rule, versions: list[Version]) -> None:
    assert gone(emitted(wanted), *versions) == read_plainly(wanted, versions)


def test_an_emitted_policy_keeps_tags_by_rules_that_come_first() -> None:
    document = json.loads(emit_ecr(Rule(keep_last=10, keep_tags=("^v", "^v1", "^release-.*$"))))
    selections = [one["selection"] for one in document["rules"]]
    assert [one["tagPatternList"] for one in selections] == [["v*"], ["release-*"], ["*"]]
    assert [one["countNumber"] for one in selections] == [999_999, 999_999, 10]
    assert [one["rulePriority"] for one in document["rules"]] == [1, 2, 3]
    assert codes(emitted(Rule(keep_last=10, keep_tags=("^v",)))) == ["RULE_ONLY_PROTECTS"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Rule(), "a rule without a condition"),
        (Rule(keep_tags=("^v",)), "a rule without a condition"),
        (Rule(keep_last=3, older_than=timedelta(days=3)), "keep-last together with older-than"),
        (Rule(older_than=timedelta(hours=36)), "an age of 36h"),
        (Rule(older_than=timedelta(0)), "an age of 0d"),
        (Rule(keep_last=0), "keep-last 0"),
        (Rule(untagged=True), "untagged without an age"),
        (Rule(untagged=True, keep_last=3), "untagged without an age"),
        (Rule(untagged=True, delete_tags=("a",)), "untagged with delete-tag"),
        (Rule(never_pulled=True), "never-pulled"),
        (Rule(delete_tags=("^pr-",)), "delete-tag"),
        (Rule(keep_last=3, keep_tags=(r"^v\d+",)), r"keep-tag '^v\\d+'"),
        (Rule(keep_last=3, keep_tags=("^v[0-9]",)), "keep-tag '^v[0-9]'"),
        (Rule(keep_last=3, keep_tags=("a.*b.*c.*d",)), "keep-tag"),
        (Rule(keep_last=3, keep_tags=(".*",)), "a keep-tag that keeps every tag"),
        (Rule(keep_last=3, keep_tags=tuple(f"^a{n}z" for n in range(50))), "50 patterns"),
    ],
)
def test_what_ecr_cannot_say_is_refused_by_name(wanted: Rule, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        emit_ecr(wanted)
    assert caught.value.code == "EMIT_IMPOSSIBLE"
    assert told in caught.value.summary
    assert caught.value.remedy


def test_the_longest_policy_is_one_that_ecr_takes() -> None:
    longest = tuple(f"{n:02}.*b.*" + "b" * 125 for n in range(49))
    assert len(emit_ecr(Rule(keep_last=10**9, keep_tags=longest))) <= 30_720
