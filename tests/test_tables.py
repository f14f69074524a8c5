"""Tables escape what is foreign and format by the unit in a column's name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.markup import Html, components_css, escape, heading, tiles, visible
from regtools.tables import cell_text, table

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Text(HTMLParser):
    """Collects the tags and the text of markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_place_of_a_table_is_escaped() -> None:
    frame = pd.DataFrame({HOSTILE: [HOSTILE], "web_url": [f"https://x/{HOSTILE}"]})
    shown = Text(table(frame, caption=HOSTILE).markup)
    assert "script" not in shown.tags
    assert "img" not in shown.tags
    assert shown.text.count("<script>alert(1)</script>") == 4


@given(st.text())
def test_any_text_comes_back_as_text(text: str) -> None:
    markup = table(pd.DataFrame({"name": [text]})).markup
    parsed = Text(markup)
    around = ["div", "table", "thead", "tr", "th", "tbody", "tr", "td"]
    assert parsed.tags[: len(around)] == around
    # A long name may break, a digest is code, an address is a link; nothing else is markup.
    assert set(parsed.tags[len(around) :]) <= {"wbr", "code", "a"}


def test_a_long_name_breaks_after_its_separators() -> None:
    markup = table(pd.DataFrame({"name": ["registry.example.com/team<b>/app"]})).markup
    assert "registry.<wbr>example.<wbr>com/<wbr>team&lt;b&gt;/<wbr>app" in markup


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("physical_bytes", 1_500_000_000, "1.50 GB"),
        ("physical_bytes", np.int64(999), "999 B"),
        ("size", None, "–"),
        ("bytes_per_day", 2_000_000.4, "2.00 MB/day"),
        ("monthly_usd", Decimal("12.5"), "$12.50"),
        ("monthly_usd", float("nan"), "–"),
        ("shared_share", 0.256, "26%"),
        ("tags", 12345, "12,345"),
        ("ms", 12.34, "12.3"),
        ("complete", np.bool_(False), "no"),
        ("complete", True, "yes"),
        ("taken_at", datetime(2026, 11, 3, 9, 5, tzinfo=UTC), "3 Nov 2026, 09:05 UTC"),
        ("pushed_at", datetime(2026, 11, 3, tzinfo=UTC), "3 Nov 2026"),
        ("taken_at", pd.NaT, "–"),
        ("day", date(2026, 1, 31), "31 Jan 2026"),
        ("name", "text", "text"),
        ("parts", ("a", "b"), "('a', 'b')"),
    ],
)
def test_a_value_is_shown_by_its_unit(column: str, value: object, shown: str) -> None:
    assert cell_text(column, value) == shown


def test_columns_are_chosen_ordered_and_named() -> None:
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
    markup = table(frame, columns={"c": "Third", "a": "First", "missing": "X"}).markup
    assert markup.index("Third") < markup.index("First")
    assert '<td class="rt-number">2</td>' not in markup
    assert ">X<" not in markup


def test_rows_past_the_limit_are_counted() -> None:
    markup = table(pd.DataFrame({"n": range(1500)}), limit=10).markup
    assert markup.count("<tr>") == 11
    assert "and 1,490 more" in markup


def test_only_a_column_of_addresses_has_links() -> None:
    address = "https://x.example/a"
    frame = pd.DataFrame({"source": [address], "message": [address], "tag": [address]})
    assert table(frame).markup.count("<a ") == 1


def test_a_day_in_a_sentence_does_not_break() -> None:
    markup = table(pd.DataFrame({"summary": ["ends <b> on 2026-11-03."]})).markup
    assert 'ends &lt;b&gt; on <span class="rt-whole">2026-11-03</span>.' in markup


def test_an_empty_frame_becomes_a_sentence() -> None:
    shown = table(pd.DataFrame({"a": []}), empty="Nothing <here>.")
    assert shown.markup == '<p class="rt-empty">Nothing &lt;here&gt;.</p>'
    assert repr(shown) == "Nothing <here>."


def test_a_bar_shows_the_share_of_the_largest() -> None:
    markup = table(pd.DataFrame({"size": [200, 50]}), bar="size").markup
    assert "--share:100.0%" in markup
    assert "--share:25.0%" in markup


def test_a_bar_of_nothing_is_no_bar() -> None:
    assert "--share" not in table(pd.DataFrame({"size": [0, 0]}), bar="size").markup


def test_only_web_addresses_become_links() -> None:
    frame = pd.DataFrame({"web_url": ["https://x.example/a?b=c", "javascript:alert(1)"]})
    markup = table(frame).markup
    assert markup.count("<a ") == 1
    assert 'href="https://x.example/a?b=c" rel="noopener noreferrer">x.example/a</a>' in markup


def test_a_command_breaks_between_its_words_and_is_escaped() -> None:
    markup = table(pd.DataFrame({"command": ["a --keep-tag '<b>'", ""]})).markup
    words = "<span>a</span> <span>--keep-tag</span> <span>&#x27;&lt;b&gt;&#x27;</span>"
    assert f"<code>{words}</code>" in markup
    assert markup.count("<code>") == 1


def test_a_digest_is_shortened_and_stays_whole_in_its_title() -> None:
    digest = "sha256:" + "a" * 64
    markup = table(pd.DataFrame({"digest": [digest]})).markup
    assert f'<code title="{digest}">sha256:aaaaaaaaaaaa…</code>' in markup


def test_a_severity_is_a_word() -> None:
    markup = table(pd.DataFrame({"severity": ["critical"]})).markup
    assert '<span class="rt-badge rt-critical">Critical</span>' in markup


def test_a_table_has_a_plain_text() -> None:
    assert repr(table(pd.DataFrame({"size": [1000]}))).split() == ["Size", "1.00", "kB"]


def test_signs_that_reorder_text_are_taken_out() -> None:
    assert visible("abc‮txt.exe‬\x1b[31m") == "abctxt.exe [31m"
    assert escape("‮<") == "&lt;"


def test_tiles_are_escaped() -> None:
    shown = tiles({HOSTILE: (HOSTILE, HOSTILE)})
    assert set(Text(shown.markup).tags) == {"dl", "div", "dt", "dd", "strong", "span"}
    assert tiles({}).markup == ""


def test_html_shows_itself() -> None:
    assert Html("<p>x</p>")._repr_html_() == "<p>x</p>"
    assert repr(Html("<p>x</p>")) == "<Html>"


def test_a_heading_drops_the_unit() -> None:
    assert [heading(name) for name in ("pushed_at", "first_bytes")] == ["Pushed", "First"]


def test_the_style_loads_nothing() -> None:
    css = components_css()
    assert "url(" not in css
    assert "@import" not in css
    assert ".rt-table" in css


def test_an_address_in_a_sentence_is_a_link_without_the_comma() -> None:
    frame = pd.DataFrame({"source": ["https://x.example/a, quoted by <b>"]})
    markup = table(frame).markup
    assert 'href="https://x.example/a"' in markup
    assert "</a>, quoted by &lt;b&gt;</td>" in markup


def test_a_repository_links_to_its_web_page_and_the_address_is_no_column() -> None:
    frame = pd.DataFrame(
        {
            "repository": ["acme/app", "acme/other", "acme/odd"],
            "web_url": ['https://ui.example/"><script>', None, "javascript:alert(1)"],
        }
    )
    markup = table(frame).markup
    assert markup.count("<a ") == 1
    assert 'href="https://ui.example/&quot;&gt;&lt;script&gt;"' in markup
    assert "javascript" not in markup
    assert markup.count("<th ") == 1
