"""A report's page as PDF, by a browser of the Chromium family that is there already."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from regtools.errors import ConfigError, ReportError

BROWSERS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
)
SECONDS: Final = 120


def find_browser() -> str:
    """Find the browser.

    Raises
    ------
    ConfigError
        Code ``PDF_BROWSER_MISSING``.
    """
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise ConfigError(
            "A PDF is printed by Chromium or Chrome, and neither is here.",
            code="PDF_BROWSER_MISSING",
            remedy="Install one (Debian: apt-get install chromium), or leave --pdf out: the page "
            "prints well from any browser.",
        )
    return found


def print_pdf(browser: str, page: Path, pdf: Path, *, name: str) -> None:
    """Print a page into a file.

    Parameters
    ----------
    browser
        What `find_browser` gave.
    page, pdf
        The page, and the file to be made.
    name
        The report's name, for messages.

    Raises
    ------
    ReportError
        Code ``PDF_FAILED``.
    """
    with tempfile.TemporaryDirectory(prefix="regtools-pdf-") as profile:
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={pdf}",
            page.absolute().as_uri(),
        ]
        if os.geteuid() == 0:
            # Chromium's sandbox refuses root; the page runs nothing and loads nothing.
            command.insert(1, "--no-sandbox")
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise _failed(name, type(error).__name__) from error
    if not pdf.is_file() or not pdf.read_bytes().startswith(b"%PDF-"):
        raise _failed(name, "no PDF was written")


def _failed(name: str, why: str) -> ReportError:
    return ReportError(
        f"The PDF of {name} could not be printed: {why}.",
        notebook=name,
        code="PDF_FAILED",
        remedy="Leave --pdf out, and print the page from a browser.",
    )
