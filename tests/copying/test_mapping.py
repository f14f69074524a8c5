"""Which repository becomes which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.copying import Mapping
from regtools.errors import ConfigError
from regtools.reference import Target, parse_repository, parse_target

GHCR = parse_target("ghcr.io/acme")
GITLAB = parse_target("registry.gitlab.com/acme/project")
PARTS = st.sampled_from(["a", "b", "team"])
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PREFIXES = st.lists(PARTS, max_size=2).map("/".join)


def test_the_guides_example_needs_no_rule() -> None:
    assert Mapping.between(GHCR, GITLAB).of("acme/app") == "acme/project/app"


def test_a_rule_may_name_the_hosts() -> None:
    rule = "ghcr.io/acme/app=registry.gitlab.com/acme/project/app"
    mapping = Mapping.between(GHCR, parse_target("registry.gitlab.com"), [rule])
    assert mapping.of("acme/app") == "acme/project/app"
    assert mapping.of("acme/app/worker") == "acme/project/app/worker"
    assert mapping.of("acme/apple") == "acme/apple"


@pytest.mark.parametrize(
    ("source", "destination", "repository", "expected"),
    [
        ("a.example", "b.example", "team/app", "team/app"),
        ("a.example", "b.example/mirror", "team/app", "mirror/team/app"),
        ("a.example/team", "b.example", "team/app", "team/app"),
        ("a.example/team", "b.example/other", "team/app", "other/app"),
        ("a.example/team/app", "b.example/other/app", "team/app", "other/app"),
    ],
)
def test_without_a_rule_one_namespace_takes_the_place_of_the_other(
    source: str, destination: str, repository: str, expected: str
) -> None:
    mapping = Mapping.between(parse_target(source), parse_target(destination))
    assert mapping.of(repository) == expected


def test_the_most_specific_rule_holds_in_whatever_order() -> None:
    rules = ["team=t", "team/app=special/app", "=rest"]
    for order in (rules, rules[::-1]):
        mapping = Mapping.between(parse_target("a.example"), parse_target("b.example"), order)
        found = [mapping.of(name) for name in ("team/app/x", "team/web", "other")]
        assert found == ["special/app/x", "t/web", "rest/other"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (["acme"], "has no '='"),
        (["acme=other/place"], "leads outside of"),
        (["acme=acme/project", "acme=acme/project/two"], "Two rules begin with 'acme'"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rules: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Mapping.between(GHCR, GITLAB, rules)
    assert caught.value.code == "MAP_INVALID"


@given(
    names=st.sets(NAMES, min_size=1),
    rules=st.dictionaries(PREFIXES, PREFIXES, max_size=3),
    namespace=PREFIXES,
)
def test_a_name_that_no_rule_empties_stays_a_name(
    names: set[str], rules: dict[str, str], namespace: str
) -> None:
    here = Target(scheme=None, registry="a.example")
    there = Target(scheme=None, registry="b.example", path="")
    mapping = Mapping.between(here, there, [f"{one}={other}" for one, other in rules.items()])
    for name in names:
        mapped = mapping.of(name)
        assert mapped == "" or parse_repository(mapped)
        fitting = [one for one in rules if not one or f"{name}/".startswith(f"{one}/")]
        if not fitting:
            assert mapped == name
