"""A PDF comes from the browser that is there; without one nothing is started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from regtools.errors import ConfigError, ReportError
from regtools.reports import pdf, report


def test_without_a_browser_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf.shutil, "which", lambda _: None)
    with pytest.raises(ConfigError) as caught:
        report("health", output=tmp_path / "reports", pdf=True)
    assert caught.value.code == "PDF_BROWSER_MISSING"
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("ending", ["0", "1"])
def test_a_browser_that_prints_nothing_is_told(tmp_path: Path, ending: str) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nraise SystemExit({ending})\n")
    browser.chmod(0o755)
    page = tmp_path / "index.html"
    page.write_text("<p>Hello")
    with pytest.raises(ReportError) as caught:
        pdf.print_pdf(str(browser), page, tmp_path / "x.pdf", name="health")
    assert (caught.value.code, caught.value.notebook) == ("PDF_FAILED", "health")
