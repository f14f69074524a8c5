from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.client.challenge import parse_challenges


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (['Basic realm="x"'], [("basic", {"realm": "x"})]),
        (["Basic"], [("basic", {})]),
        (
            ['Bearer realm="https://a/token",service="a",scope="repository:a/b:pull,push"'],
            [
                (
                    "bearer",
                    {
                        "realm": "https://a/token",
                        "service": "a",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            ["Bearer realm=https://a/token, service=a"],
            [("bearer", {"realm": "https://a/token", "service": "a"})],
        ),
        (
            ['Bearer realm="r", Basic realm="b"'],
            [("bearer", {"realm": "r"}), ("basic", {"realm": "b"})],
        ),
        (
            ['Basic realm="b"', 'BEARER REALM="r"'],
            [("basic", {"realm": "b"}), ("bearer", {"realm": "r"})],
        ),
        (['Bearer realm = "a\\"b" , service = c'], [("bearer", {"realm": 'a"b', "service": "c"})]),
        (["Negotiate, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        (["Negotiate dG9rZW42OA==, Basic realm=x"], [("negotiate", {}), ("basic", {"realm": "x"})]),
        (['Bearer realm="first",realm="second"'], [("bearer", {"realm": "first"})]),
        ([""], []),
        (['realm="nobody"'], []),
    ],
)
def test_every_shape_of_challenge_is_read(
    headers: list[str], found: list[tuple[str, dict[str, str]]]
) -> None:
    assert [(c.scheme, dict(c.parameters)) for c in parse_challenges(headers)] == found


@given(st.lists(st.text(max_size=200), max_size=3))
def test_no_header_breaks_the_parser(headers: list[str]) -> None:
    for challenge in parse_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower()


WORD = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
VALUE = st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20)


@given(WORD, st.dictionaries(WORD, VALUE, min_size=1, max_size=4))
def test_what_is_quoted_is_read_back(scheme: str, parameters: dict[str, str]) -> None:
    def quote(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    header = f"{scheme} " + ", ".join(f"{k}={quote(v)}" for k, v in parameters.items())
    (challenge,) = parse_challenges([header])
    assert (challenge.scheme, dict(challenge.parameters)) == (scheme, parameters)
