"""Harbor's patterns match as its library does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.images import TAGS

from regtools.policies.harbor.doublestar import Doublestar, from_regex, in_braces

# What bmatcuk/doublestar 1.3.4 answers, by its own tests and by reading it, 2026-11.


@pytest.mark.parametrize(
    ("pattern", "name", "is_matched"),
    [
        ("abc", "abc", True),
        ("abc", "ABC", False),
        ("*c", "abc", True),
        ("a*", "a", True),
        ("a*", "ab/c", False),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("a?b", "a/b", False),
        ("a???b", "axb", False),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^e-g]", "abc", True),
        (r"[\-x]", "-", True),
        (r"[\]a]", "]", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("**", "a/b/c", True),
        ("a/**", "a", False),
        ("a/**", "a/b/c", True),
        ("**/c", "c", True),
        ("**/c", "a/b/c", True),
        ("**/c", "a/abc", False),
        ("a/**/b", "a/b", True),
        ("a/**/d", "a/b/c/d", True),
        ("abc**", "abc/b", False),
        ("a**", "a", True),
        ("a***", "a", False),
        ("ab{c,d,*}", "abcde", True),
        ("a{,bc}", "a", True),
        ("a/{b/c,c/b}", "a/c/b", True),
        ("{a/{b,c},abc}", "a/c", True),
        ("{a/{b,c},abc}", "a/b/c", False),
        ("{team/**,web}", "team/a/b", True),
        ("{team/**,web}", "web", True),
        ("{**,x}", "a/b", False),  # inside of braces, ** is *
        ("{app,app/**}", "app", False),  # the one that goes on takes the other's place
        ("{app,app/**}", "app/x", True),
        ("a*{,x}", "ab", False),  # what follows on * needs something left
        ("a,b}", "a,b}", True),
    ],
)
def test_a_pattern_matches_as_in_harbor(pattern: str, name: str, is_matched: bool) -> None:
    assert Doublestar.of(pattern).matches(name) is is_matched


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("[]a]", "empty []"),
        ("[^]", "empty []"),
        ("[-a]", "a - in []"),
        ("[a-]", "a - in []"),
        ("[a-b-c]", "a - in []"),
        ("[", "[ without its ]"),
        ("a[b", "[ without its ]"),
        ("a{b,c", "{ without its }"),
        ("a\\", "escapes nothing"),
        ("a\\\\b", "no name does"),
        ("web{/**,}", "at which Harbor fails"),
        ("{" * 30 + "}" * 30, "too deep"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Doublestar.of(pattern)


names = st.text("ab/", min_size=1, max_size=7).filter(
    lambda name: "//" not in name and name.strip("/") == name
)
parts = st.sampled_from(["a", "b", "*", "?", "[ab]", "[^a]", "a*b", "*a", "**"])


@given(st.lists(parts, min_size=1, max_size=4), names)
def test_without_braces_it_matches_as_a_regular_expression_of_its_parts(
    patterns: list[str], name: str
) -> None:
    words = {"*": "[^/]*", "?": "[^/]", "[^a]": "[^a/]", "a*b": "a[^/]*b", "*a": "[^/]*a"}
    regex = "/".join(words.get(one, one) for one in patterns)
    # Parts of a name, any number: none where more follows, one at least at the end.
    regex = re.sub(r"\*\*/", "(?:[^/]+/)*", regex)
    regex = re.sub(r"\*\*$", ".+", regex)
    is_matched = re.fullmatch(regex, name) is not None
    assert Doublestar.of("/".join(patterns)).matches(name) is is_matched


@given(st.lists(st.text("ab*?", min_size=1, max_size=4), min_size=1, max_size=4), names)
def test_braces_match_where_one_of_the_patterns_does(options: list[str], name: str) -> None:
    one_by_one = [Doublestar.of(option).matches(name) for option in options]
    if "**" not in options:
        assert Doublestar.of(f"{{{','.join(options)}}}").matches(name) is any(one_by_one)


@given(st.text("ab*?[]{},^-/\\", max_size=12), names)
def test_whatever_is_written_is_matched_or_refused(text: str, name: str) -> None:
    try:
        pattern = Doublestar.of(text)
    except ValueError:
        return
    assert pattern.matches(name) in (True, False)


def test_many_stars_do_not_take_for_ever() -> None:
    assert not Doublestar.of("a*" * 40 + "b").matches("a" * 128)


pieces = st.lists(
    st.sampled_from(
        ["v", "1", "rc", "-", r"\.", r"\-", ".", ".*", ".+", "[0-9]", "[^a-z]", r"\d", "x"]
    ),
    max_size=4,
).map("".join)
regexes = st.lists(
    st.tuples(st.sampled_from(["", "^"]), pieces, st.sampled_from(["", "$"])).map("".join),
    min_size=1,
    max_size=3,
).map("|".join)


@given(regexes, st.sampled_from(TAGS) | st.from_regex(r"[v1rc.x-]{1,6}", fullmatch=True))
def test_a_regular_expression_becomes_patterns_that_find_the_same(regex: str, tag: str) -> None:
    patterns = from_regex(regex)
    if patterns is None:
        assert "^$" in regex.split("|")
        return
    found = re.search(regex, tag) is not None
    assert any(Doublestar.of(one).matches(tag) for one in patterns) is found
    assert Doublestar.of(in_braces(patterns)).matches(tag) is found


@pytest.mark.parametrize(
    "regex",
    [
        r"v\d+",
        "v1?",
        "(?:a|b)",
        "a{2}",
        "[a|b]",
        r"\bv",
        "[[:digit:]]",
        ".*?",
        "^$",
        r"a\\b",
        "a b",
    ],
)
def test_what_patterns_cannot_say_is_not_written(regex: str) -> None:
    assert from_regex(regex) is None
