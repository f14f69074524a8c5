"""Tag patterns mean what the regular expression means that they were made from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.policies.wildcards import Wildcard, from_regex

tags = st.text("ab.-1", max_size=6)


@given(st.text("ab.*^$\\|-[]?+1", max_size=7), tags)
def test_patterns_match_where_the_expression_does(regex: str, tag: str) -> None:
    patterns = from_regex(regex)
    if patterns is not None:
        assert any(one.matches(tag) for one in patterns) is bool(re.search(regex, tag))


@given(st.text("ab*", max_size=6), st.text("ab", max_size=6))
def test_a_star_stands_for_any_characters_also_none(pattern: str, tag: str) -> None:
    expected = re.fullmatch(pattern.replace("*", ".*"), tag) is not None
    assert Wildcard.of(pattern).matches(tag) is expected


@pytest.mark.parametrize(
    ("regex", "patterns"),
    [
        ("^v", ["v*"]),
        ("^release-.*$", ["release-*"]),
        (r"^v1\.2$", ["v1.2"]),
        ("rc", ["*rc*"]),
        ("^v|rc$", ["v*", "*rc"]),
        ("", ["*"]),
        ("a.*.*b", ["*a*b*"]),
    ],
)
def test_simple_expressions_are_patterns(regex: str, patterns: list[str]) -> None:
    assert [str(one) for one in from_regex(regex) or ()] == patterns


@pytest.mark.parametrize(
    "regex",
    [
        "^v[0-9]",
        r"^v\d",
        "v.",
        "v+",
        "va?",
        "(v)",
        "^$",
        "v{2}",
        "a.*?b",
        "a$b",
        "a^",
        r"a\\",
        "(",
        "a\\",
    ],
)
def test_what_says_more_is_none(regex: str) -> None:
    assert from_regex(regex) is None


def test_a_character_that_no_tag_holds_covers_nothing() -> None:
    assert not Wildcard.of("\0").covers(Wildcard.of("*"))


def test_a_prefix_with_a_star_means_the_star() -> None:
    prefix = Wildcard.prefix("a*")
    assert prefix.matches("a*b")
    assert not prefix.matches("ab")
    assert not prefix.is_possible
