"""The published pages in Chromium: they load nothing, run nothing, and everybody can read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.reports.test_html import JOB, NOW, display, notebook_with
from tests.support.browser import PAPER, PHONE, Chromium, browser
from tests.support.hostile import MARK, TEXTS, hostile_history

from regtools.reports import REPORTS, report
from regtools.reports.html import render

OVER_ALL = ["index", "summary"]
PAGES = [*REPORTS, *OVER_ALL]
AXE = (resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
# What serious and critical mean is axe-core's own: dequeuniversity.com/rules/axe
BARRIERS = """
axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
  .filter(rule => ["serious", "critical"].includes(rule.impact))
  .map(rule => [rule.id, rule.nodes.map(node => node.target.join(" ")).slice(0, 5)]))
"""
SLIPPED = """
<script>alert(1)</script><img src=x onerror=alert(1)><img src="http://127.0.0.1:9/picture">
<iframe src="http://127.0.0.1:9/frame"></iframe><base href="http://127.0.0.1:9/">
"""
MADE_OF_FOREIGN_TEXT = f"""
[...document.body.querySelectorAll("*")].filter(element =>
    /^(SCRIPT|IFRAME|OBJECT|EMBED|FORM|INPUT|BASE|LINK|SVG|STYLE)$/i.test(element.tagName)
    || (/^(A|B|STRONG|EM|I|CODE|IMG|H[1-6])$/.test(element.tagName) && element.textContent === "{MARK}")
    || element.getAttributeNames().some(name => name.startsWith("on"))
    || (element.tagName === "IMG" && !element.src.startsWith("data:image/png;base64,"))
    || (element.tagName === "A" && !/^(https?|file):$/.test(element.protocol))
).map(element => element.outerHTML.slice(0, 120))
"""
TOO_WIDE = """
[...document.body.querySelectorAll("*")].filter(element =>
    element.getBoundingClientRect().right > innerWidth + 1
    || element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX === "hidden"
).map(element => element.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make all reports and their index of a registry that is hostile in every text, and so asked."""
    folder = tmp_path_factory.mktemp("pages")
    place = folder / "<img src=x onerror=alert(1)> $(reboot) {{ 7*7 }}"
    hostile_history(place)
    asked = {"keep_tag": "<script>alert.1.</script>|{{ 7.7 }}", "capacity": "10GB", "top": 20}
    made = report(
        [*REPORTS],
        history=place,
        output=folder / "reports",
        parameters={"at": "2026-11-23T12:30", "keep_last": 2, "older_than": "", **asked},
        now=datetime(2026, 11, 23, 13, tzinfo=UTC),
    )
    return {one.name: one.page for one in made} | {
        name: folder / "reports" / f"{name}.html" for name in OVER_ALL
    }


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with browser(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.mark.parametrize("name", PAGES)
def test_a_hostile_registry_is_only_text(
    chromium: Chromium, pages: dict[str, Path], name: str
) -> None:
    tab = chromium.open(pages[name])
    assert tab.noticed == []
    assert tab.evaluate(MADE_OF_FOREIGN_TEXT) == []
    text = tab.evaluate("document.body.innerText")
    # The pages over all have the first words of each report, a report has every name.
    missing = [wanted for wanted in TEXTS if wanted not in text]
    assert missing == [] if name in REPORTS else len(missing) < len(TEXTS)
    assert not any(sign in text for sign in "\u202e\u2066\x1b\x07\x9b")
    if name in ("storage-growth", "retention"):
        assert "$(reboot) {{ 7*7 }}" in text
    if name == "retention":
        assert "--keep-tag '<script>alert.1.</script>|{{ 7.7 }}'" in text


def test_what_slips_through_is_stopped_and_noticed(chromium: Chromium, tmp_path: Path) -> None:
    """Without it the test above could pass because nobody listens."""
    page = tmp_path / "page.html"
    slipped = notebook_with(display({"text/html": SLIPPED}))
    page.write_text(render(slipped, job=JOB, created_at=NOW).html)
    told = "\n".join(chromium.open(page).noticed)
    for word in ("script-src-elem", "script-src-attr", "img-src", "frame-src", "base-uri"):
        assert f"policy: {word}" in told
    assert "dialog" not in told
    page.write_text(SLIPPED)
    told = "\n".join(chromium.open(page).noticed)
    assert "dialog: 1" in told
    assert "request: http://127.0.0.1:9/picture" in told


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_barrier(
    chromium: Chromium, pages: dict[str, Path], name: str, dark: bool
) -> None:
    tab = chromium.open(pages[name], dark=dark, bypass=True)
    tab.evaluate(AXE)
    assert tab.evaluate(BARRIERS) == []


def test_axe_would_find_one(chromium: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body><img src='data:,'><p style='color:#aaa'>pale</p></body></html>")
    tab = chromium.open(page, bypass=True)
    tab.evaluate(AXE)
    assert {rule for rule, _ in tab.evaluate(BARRIERS)} >= {"image-alt", "color-contrast"}


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_scrolls_down_only(chromium: Chromium, pages: dict[str, Path], name: str) -> None:
    tab = chromium.open(pages[name], width=PHONE)
    assert tab.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert tab.evaluate("innerWidth") == PHONE


@pytest.mark.parametrize("name", PAGES)
def test_paper_cuts_nothing_off_and_is_light(
    chromium: Chromium, pages: dict[str, Path], name: str
) -> None:
    tab = chromium.open(pages[name], dark=True)
    night = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.look(width=PAPER, dark=True, paper=True)
    assert tab.evaluate(TOO_WIDE) == []
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert night != "rgb(255, 255, 255)"


@pytest.mark.parametrize("theme", ["true", "false"])
def test_boxes_in_jupyterlab_are_light_or_dark_as_its_theme(
    chromium: Chromium, pages: dict[str, Path], tmp_path: Path, theme: str
) -> None:
    """Whatever the device wants: the colours of the words and of what is under them go together."""
    notebook = json.loads(next(pages["health"].parent.glob("*.ipynb")).read_text())
    (box,) = [
        "".join(output["data"]["text/html"])
        for cell in notebook["cells"]
        if cell["id"] == "findings"
        for output in cell["outputs"]
    ]
    page = tmp_path / "page.html"
    page.write_text(
        f'<html lang="en"><head><title>Lab</title></head><body data-jp-theme-light="{theme}">'
        f'<main class="jp-OutputArea-output jp-RenderedHTMLCommon"><h1>Lab</h1>{box}</main>'
    )
    tab = chromium.open(page, dark=theme == "true", bypass=True)
    tab.evaluate(AXE)
    assert tab.evaluate(BARRIERS) == []
    lightness = _lightness(tab.evaluate(_PAPER_OF_THE_BOX))
    assert lightness > 0.9 if theme == "true" else lightness < 0.2


_PAPER_OF_THE_BOX = "getComputedStyle(document.querySelector('.rt-findings')).backgroundColor"


def _lightness(colour: Any) -> float:
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(","))
    return (red + green + blue) / (3 * 255)
