"""What each kind can tell is written once, in its own file."""

from __future__ import annotations

import pytest
from tests.support.capabilities import PAGE, written

from regtools.registries import KINDS
from regtools.registries._base import UI_ACTIONS
from regtools.registries.capabilities import TOLD, capabilities
from regtools.registries.listing import TELLS


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "run `make capabilities`"


def test_every_kind_has_a_row_in_each_table() -> None:
    page = written()
    for row in capabilities():
        assert page.count(f"| {row.title} |") + page.count(f"| [{row.title}](") == 3


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_only_known_words_are_used(kind: object) -> None:
    assert tuple(TOLD) == TELLS
    vendor = getattr(kind, "vendor", None)
    assert set(vendor.tells if vendor else ()) <= set(TELLS)
    assert set(getattr(kind, "ui_actions", ())) <= set(UI_ACTIONS)


def test_a_kind_without_an_api_tells_nothing_of_its_own() -> None:
    row = next(row for row in capabilities() if row.kind == "distribution")
    assert (row.has_api, row.tells, row.credential) == (False, (), "")
    harbor = next(row for row in capabilities() if row.kind == "harbor")
    assert {"untagged", "quota", "pulls"} <= set(harbor.tells)
