"""A report's page loads nothing, runs nothing, hides code and escapes what is foreign."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from regtools.findings import Finding, Findings
from regtools.markup import FINDINGS_MIME, PROVENANCE_MIME
from regtools.reports.html import Page, first_heading, render, subtitle
from regtools.reports.notebooks import Job

NOW = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(1)">'
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
JOB = Job(name="health", notebook=Path("health.ipynb"), parameters={}, defaults={"at": HOSTILE})


def notebook_with(*outputs: Any) -> nbformat.NotebookNode:
    return new_notebook(
        cells=[
            new_markdown_cell("# Does it work?", id="title"),
            new_markdown_cell("## A note\n\nwith *words*", id="note"),
            new_code_cell("secret_code = 1", id="load", outputs=list(outputs)),
        ]
    )


def display(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> Any:
    return new_output("display_data", data=data, metadata=metadata or {})


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def page() -> Page:
    provenance = {
        "complete": False,
        "snapshots": [{"registry": HOSTILE, "taken_at": "2026-11-22T01:00:00+00:00"}],
    }
    return render(
        notebook_with(
            display(
                {
                    FINDINGS_MIME: {"status": "warning"},
                    "text/plain": "box",
                    "text/html": "<b>box</b>",
                }
            ),
            display({PROVENANCE_MIME: provenance, "text/plain": "", "text/html": "<i>from</i>"}),
            display({"text/plain": HOSTILE}),
            display(
                {"image/png": PIXEL, "text/plain": "x"},
                {"image/png": {"alt": f'a "{HOSTILE}"', "width": 7, "title": HOSTILE}},
            ),
            new_output("stream", name="stdout", text=HOSTILE),
            new_output("stream", name="stderr", text="a warning of a library"),
        ),
        job=JOB,
        created_at=NOW,
    )


def test_foreign_text_is_escaped_everywhere(page: Page) -> None:
    tags = Tags(page.html)
    assert tags.named("script") == []
    assert all(image["src"] and image["src"].startswith("data:") for image in tags.named("img"))
    assert not [
        attribute for _, own in tags.found for attribute in own if attribute.startswith("on")
    ]
    assert page.html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_the_page_asks_for_nothing_from_outside(page: Page) -> None:
    tags = Tags(page.html)
    assert tags.named("link") == tags.named("iframe") == tags.named("object") == []
    assert "url(" not in page.html
    assert "@import" not in page.html


def test_the_policy_forbids_what_is_not_in_the_page(page: Page) -> None:
    (policy,) = [meta for meta in Tags(page.html).named("meta") if meta.get("http-equiv")]
    assert str(policy["content"]).split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_there_is_one_first_heading_and_it_is_the_question(page: Page) -> None:
    assert len(Tags(page.html).named("h1")) == 1
    assert "<h1>Does it work?</h1>" in page.html
    assert page.title == "Does it work?"


def test_a_picture_carries_its_description(page: Page) -> None:
    (image,) = Tags(page.html).named("img")
    assert image["alt"] == f'a "{HOSTILE}"'
    assert image["width"] == "7"
    # A phone shows a part of the picture, and so its title above it.
    assert "<figcaption>&lt;script&gt;alert(1)&lt;/script&gt;" in page.html


def test_code_and_noise_stay_out(page: Page) -> None:
    assert "secret_code" not in page.html
    assert "a warning of a library" not in page.html


def test_a_cell_is_an_anchor(page: Page) -> None:
    assert [section["id"] for section in Tags(page.html).named("section")] == ["note", "load"]


def test_findings_and_provenance_are_lifted(page: Page) -> None:
    assert page.findings["status"] == "warning"
    assert page.provenance["complete"] is False
    assert "NOT read completely" in page.html
    assert "as of 22 Nov 2026" in page.html
    assert ">Warning</span>" in page.html


def test_a_report_without_snapshots_says_when_it_was_made() -> None:
    assert subtitle({}, NOW) == "23 Nov 2026, 10:20 UTC"


def test_many_registries_are_counted() -> None:
    rows = [{"registry": f"r{n}", "taken_at": "2026-11-22T01:00:00+00:00"} for n in range(5)]
    words = subtitle({"snapshots": rows, "complete": True}, NOW)
    assert words == "r0, r1, r2 and 2 more · as of 22 Nov 2026 · read completely"


def test_registries_of_several_days_name_the_first_and_the_last() -> None:
    rows = [
        {"registry": f"r{day}", "taken_at": f"2026-11-{day:02}T01:00:00+00:00"}
        for day in (22, 3, 9)
    ]
    words = subtitle({"snapshots": rows, "complete": True}, NOW)
    assert words == "r22, r3, r9 · as of 3 Nov 2026 to 22 Nov 2026 · read completely"


def test_the_style_that_a_box_brings_into_a_notebook_stands_in_a_page_once() -> None:
    box = Findings([Finding(severity="ok", code="FINE", summary="All is well.")])
    shown = render(notebook_with(display(box._repr_mimebundle_())), job=JOB, created_at=NOW)
    assert shown.html.count("--rt-page:") == 1
    assert "All is well." in shown.html


def test_a_notebook_without_heading_has_no_title() -> None:
    assert first_heading(new_notebook(cells=[new_code_cell("1")])) == ""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """Listen on loopback and note what is asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_a_browser_loads_and_runs_nothing_even_where_markup_slipped_through(
    tmp_path: Path, listener: tuple[str, list[str]]
) -> None:
    address, asked = listener
    slipped = (
        f'<img src="{address}/image"><link rel="stylesheet" href="{address}/style">'
        f'<script src="{address}/script"></script><script>document.title="RAN"</script>'
        f'<img src="data:," onerror="document.title=\'RAN\'"><iframe src="{address}/frame"></iframe>'
    )
    rendered = render(notebook_with(display({"text/html": slipped})), job=JOB, created_at=NOW)
    guarded, open_page = tmp_path / "guarded.html", tmp_path / "open.html"
    guarded.write_text(rendered.html)
    assert "<title>RAN" not in dump(guarded, tmp_path)
    assert asked == []
    # The same markup without our policy shows that the test could see a request.
    open_page.write_text(f"<title>no</title>{slipped}")
    assert "<title>RAN" in dump(open_page, tmp_path)
    assert "/image" in asked


def dump(page: Path, folder: Path) -> str:
    """Give the page as Chromium sees it once loaded."""
    arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--no-proxy-server",
    ]
    done = subprocess.run(
        ["chromium", *arguments, f"--user-data-dir={folder}/chromium", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout
