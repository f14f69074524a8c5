"""Regular expressions are those of RE2."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.policies.re2 import has_loose_choice, matching, problem


@pytest.mark.parametrize(
    ("regex", "said"),
    [("v.*", ""), ("(v", "missing )"), ("(?=v)", "(?="), (r"(v)\1", "\\1"), ("[z-a]", "z-a")],
)
def test_an_expression_is_one_of_re2(regex: str, said: str) -> None:
    assert said in problem(regex)
    assert bool(problem(regex)) is bool(said)


@given(st.from_regex(r"[ab.*|]{1,5}", fullmatch=True), st.lists(st.text("ab", max_size=4)))
def test_it_is_found_as_a_plain_search_does(regex: str, texts: list[str]) -> None:
    try:
        plain = re.compile(regex)
    except re.error:
        return
    if not problem(regex):
        assert matching(regex, texts) == {text for text in texts if plain.search(text)}


@pytest.mark.parametrize(
    ("regex", "is_loose"),
    [
        ("a|b", True),
        ("(?:a)|b", True),
        ("(?:a|b)", False),
        (r"a\|b", False),
        ("[a|b]", False),
        ("[]|]", False),
        ("[^]|]x|y", True),
        ("[[:alpha:]|]", False),
        (r"[\]|]", False),
        (r"\Qa|b\E", False),
        (r"\Qa\E|b", True),
        (r"\Qa|b", False),
        ("[a|", False),
    ],
)
def test_a_choice_outside_of_all_brackets_is_seen(regex: str, is_loose: bool) -> None:
    assert has_loose_choice(regex) is is_loose
