from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.client.page import next_page
from regtools.errors import MalformedAnswerError

HERE = httpx.URL("https://registry.example.com:5000/v2/_catalog?n=100")


@pytest.mark.parametrize(
    ("links", "there"),
    [
        ([], None),
        (['</v2/_catalog?last=b&n=100>; rel="next"'], "/v2/_catalog?last=b&n=100"),
        (["</v2/_catalog?last=b>; rel=next"], "/v2/_catalog?last=b"),
        (['<?last=b>; rel="next"'], "/v2/_catalog?last=b"),
        (['<_catalog?last=b>; rel="next"'], "/v2/_catalog?last=b"),
        (['</a>; rel="prev", </b,c>; rel="next"'], "/b,c"),
        (['</a>; rel="prev"', '</b>; title="x; y"; rel="prefetch next"'], "/b"),
        (['</a>; rel="nextish"'], None),
        # A gateway's scheme and port are not ours.
        (['<http://registry.example.com/v2/_catalog?last=b>; rel="next"'], "/v2/_catalog?last=b"),
        (['</v2/_catalog?last=a%2Fb%3D>; rel="next"'], "/v2/_catalog?last=a%2Fb%3D"),
    ],
)
def test_the_next_page_is_read_against_the_request(links: list[str], there: str | None) -> None:
    found = next_page(HERE, links)
    if there is None:
        assert found is None
    else:
        assert str(found) == f"https://registry.example.com:5000{there}"


@pytest.mark.parametrize(
    "target", ["https://evil.example/v2/_catalog", "//evil.example/x", "https://user@evil.example"]
)
def test_a_page_at_another_host_is_refused(target: str) -> None:
    with pytest.raises(MalformedAnswerError) as caught:
        next_page(HERE, [f'<{target}>; rel="next"'])
    assert caught.value.code == "PAGE_FOREIGN_HOST"


@given(st.text(max_size=100))
def test_no_link_leads_away_or_breaks(text: str) -> None:
    try:
        found = next_page(HERE, [f'<{text}>; rel="next"'])
    except MalformedAnswerError:
        return
    assert found is None or (found.scheme, found.netloc) == (HERE.scheme, HERE.netloc)
