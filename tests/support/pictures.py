"""The pictures of README and docs, taken of the sample history's reports: ``make pictures``."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from PIL import Image
from tests.support.browser import DESKTOP, PHONE, browser

from regtools.demo import live_snapshot, sample_history
from regtools.reports import REPORTS, report

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES: Final = 200_000
"""Of a picture: a clone of the repository holds them all."""
_NOW: Final = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
_COLOURS: Final = 160
_OVER_ALL: Final = ("index", "summary")
"""The pages over all reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A page, and how to look at it."""

    page: str
    width: int
    height: int
    dark: bool = False
    scale: float = 1
    """Dots a CSS pixel."""


def _shots() -> dict[str, Shot]:
    shots: dict[str, Shot] = {}
    for page in (*REPORTS, *_OVER_ALL):
        shots[page] = Shot(page=page, width=DESKTOP, height=1560)
        shots[f"{page}-phone"] = Shot(page=page, width=PHONE, height=844, scale=1.5)
    shots["storage-growth-dark"] = Shot(
        page="storage-growth", width=DESKTOP, height=1560, dark=True
    )
    return shots


SHOTS: Final[Mapping[str, Shot]] = _shots()
"""Name of each picture's file, without its ending, and what it shows."""


def take(folder: Path) -> None:
    """Take every picture into a folder."""
    # Chromium may still write into its profile while it ends.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        pages = _pages(Path(scratch))
        with browser(Path(scratch, "chromium")) as chromium:
            for name, shot in SHOTS.items():
                tab = chromium.open(pages[shot.page], width=shot.width, dark=shot.dark)
                png = tab.shot(height=shot.height, scale=shot.scale)
                (folder / f"{name}.png").write_bytes(small(png))


def small(png: bytes) -> bytes:
    """Give a picture with few colours, as a page has them, which is a quarter of the bytes."""
    target = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(target, format="PNG", optimize=True)
    return target.getvalue()


def _pages(scratch: Path) -> dict[str, Path]:
    """Make all reports of the sample history, as of its end."""
    history, output = scratch / "history", scratch / "reports"
    sample_history(history, now=_NOW, scan=live_snapshot)
    made = report(
        [*REPORTS], history=history, output=output, parameters={"at": _NOW.isoformat()}, now=_NOW
    )
    return {one.name: one.page for one in made} | {
        name: output / f"{name}.html" for name in _OVER_ALL
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    take(FOLDER)
