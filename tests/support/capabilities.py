"""The documentation's table of all registries, written from the code: ``make capabilities``."""

from __future__ import annotations

from pathlib import Path

from regtools.registries.capabilities import page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "registries"
PAGE = FOLDER / "README.md"


def written() -> str:
    """Give the page as it should be, with the pages that stand beside it."""
    return page({path.stem for path in FOLDER.glob("*.md")})


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
