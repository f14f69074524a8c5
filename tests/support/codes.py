"""The documentation's page of the diagnosis' codes, written from the code: ``make codes``."""

from __future__ import annotations

from pathlib import Path

from regtools.collect.causes import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "diagnose-codes.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
