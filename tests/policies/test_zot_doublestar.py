"""Globs with ``**``: as Go's library reads them, and in good time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.policies.zot.doublestar import is_valid, matches


# What the library's documentation says, and what its tests hold to (version 4, 2026-11).
@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("infra/*", "infra/web", True),
        ("infra/*", "infra/web/api", False),
        ("infra/**", "infra/web/api", True),
        ("infra/**", "infra", True),
        ("infra/**", "infra2", False),
        ("**", "a", True),
        ("**", "a/b/c", True),
        ("**/c", "c", True),
        ("**/c", "a/b/c", True),
        ("**/c", "a/bc", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/x/y/c", True),
        ("a/**/d", "a/b/c", False),
        ("path/**.txt", "path/a.txt", True),
        ("path/**.txt", "path/to/a.txt", False),
        ("abc**", "abc/b", False),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", True),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", False),
        ("a?b", "a/b", False),
        ("a*b", "a/b", False),
        ("a[^x]b", "a/b", True),
        ("ab[b-d]", "abc", True),
        ("ab[!b-d]", "abc", False),
        ("[a-b-x]", "-", True),
        (r"[\]a]", "]", True),
        (r"a\*b", "ab", False),
        (r"a\*b", "a*b", True),
        ("ab{c,d,*}", "abcde", True),
        ("a{,bc}", "a", True),
        ("a{,bc}", "abcd", False),
        ("{a/{b,c},abc}", "a/c", True),
        ("{a/{b,c},abc}", "abcd", False),
        ("**/{a,b}", "a/b", True),
        ("{infra,prod}/**", "prod/web", True),
        ("Infra/*", "infra/web", False),
    ],
)
def test_a_glob_matches_as_the_library_says(pattern: str, text: str, expected: bool) -> None:
    assert is_valid(pattern)
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern", ["[", "[]", "a[^]", "[]a]", "{a", "a}", "a\\", "{a{b}", r"[a\]"]
)
def test_what_is_not_closed_is_no_glob_and_matches_nothing(pattern: str) -> None:
    assert not is_valid(pattern)
    assert not matches(pattern, pattern)
    assert not matches(pattern, "a")


plain = st.text(st.sampled_from("ab-."), min_size=1, max_size=3)
names = st.lists(plain, min_size=1, max_size=4).map("/".join)


@given(names, names)
def test_a_name_is_its_own_pattern_and_no_other_ones(one: str, other: str) -> None:
    assert matches(one, other) is (one == other)
    assert matches(f"{{{one},{other}}}", other)
    assert matches(f"{one}/**", f"{one}/{other}")
    assert matches(f"**/{other}", f"{one}/{other}")


@given(st.text(st.sampled_from(r"ab/*?[]{},\!^-"), max_size=12), names)
def test_whatever_is_written_has_an_answer(pattern: str, text: str) -> None:
    assert matches(pattern, text) in ({True, False} if is_valid(pattern) else {False})


def test_no_pattern_takes_long() -> None:
    text = "a" * 200
    for pattern in ("*a" * 60 + "b", "**/" * 60 + "b", "{a,aa}" * 40 + "b", "{*,**}" * 30 + "b"):
        assert not matches(pattern, text)
