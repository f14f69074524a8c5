"""Traffic lights: the word carries the meaning, and nothing foreign is markup."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.support.frames import HOSTILE, REGISTRY, checks_frame
from tests.test_explorer import Page

from regtools.collect.diagnose import STAGES
from regtools.lights import STAGE_WORDS, checks_matrix, diagnosis_table
from regtools.markup import Html


def words(shown: Html, css: str = "rt-light") -> list[str]:
    """Give the classes of the lights, in their order."""
    return [
        (attrs.get("class") or "").removeprefix(f"{css} ")
        for tag, attrs in Page(shown.markup).tags
        if tag == "span" and css in (attrs.get("class") or "")
    ]


def test_every_stage_has_a_word_and_their_order_is_the_diagnosis_own() -> None:
    assert [stage for stage in STAGE_WORDS if stage in STAGES] == list(STAGES)
    assert set(STAGES) <= set(STAGE_WORDS)


def test_one_diagnosis_is_a_row_a_stage_with_what_to_do() -> None:
    rows = checks_frame().iloc[3:].drop(columns="registry")
    rows["summary"], rows["remedy"] = [HOSTILE, ""], ["Do <b>this</b>.", ""]
    shown = diagnosis_table(rows)
    page = Page(shown.markup)
    assert words(shown) == ["rt-critical", "rt-none"]
    assert "DNS_FAILED" in page.text
    assert "Do <b>this</b>." in page.text
    assert not {"script", "b"} & {tag for tag, _ in page.tags}
    assert "SKIPPED" not in page.text
    assert shown.text.splitlines()[0].startswith("DNS: failed.")
    assert "\x1b" not in shown.text + shown.markup


def test_many_registries_are_columns_and_stages_come_in_their_order() -> None:
    shown = checks_matrix(checks_frame().sample(frac=1, random_state=1))
    page = Page(shown.markup)
    heads = [attrs.get("scope") for tag, attrs in page.tags if tag == "th"]
    assert heads == ["col"] * 3 + ["row"] * 3
    order = [page.text.index(word) for word in ("DNS", "Certificate", "Listing")]
    assert order == sorted(order)
    assert sorted(words(shown)) == [
        "rt-critical",
        "rt-none",
        "rt-none",
        "rt-ok",
        "rt-ok",
        "rt-warning",
    ]
    assert REGISTRY in shown.text
    assert not [tag for tag, _ in page.tags if tag == "script"]


@pytest.mark.parametrize("show", [checks_matrix, diagnosis_table])
def test_nothing_is_a_sentence(show: object) -> None:
    assert callable(show)
    shown = show(pd.DataFrame(columns=checks_frame().columns))
    assert "<table" not in shown.markup
    assert shown.text.endswith(".")
