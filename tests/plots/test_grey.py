"""A picture printed in grey still tells its lines and bars apart: by lightness, or by a mark."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from tests.plots.test_plots import CERTIFICATES, CURVE, MONTHS, PICTURES
from tests.support.frames import growth_frames

from regtools import plots
from regtools.plots._canvas import LOOKS, MARKERS, SERIES

APART = 1.5
"""As WCAG counts contrast; a grey print of two neighbours shows a step from about there."""
MANY = [f"registry-{number}.example" for number in range(len(SERIES))]


def many(growth: Any) -> Any:
    """Give as many registries as there are colours."""
    return SimpleNamespace(
        **vars(growth)
        | {
            name: pd.concat([getattr(growth, name).assign(registry=one) for one in MANY])
            for name in ("series", "forecast", "ahead", "steps")
        }
    )


CROWDED: dict[str, tuple[Any, Any]] = {
    **{name: (draw, frame) for name, (draw, frame, _) in PICTURES.items()},
    "growth of many": (plots.plot_growth, many(growth_frames())),
    "forecast of many": (plots.plot_forecast, many(growth_frames(capacity=250e9))),
    "certificates in every state": (
        plots.plot_certificates,
        pd.concat([CERTIFICATES, pd.DataFrame({"registry": ["soon"], "days_left": [20.0]})]),
    ),
    "break even of many": (
        plots.plot_break_even,
        pd.concat([CURVE.assign(provider=CURVE["provider"] + one) for one in MANY[:4]]),
    ),
    "months of many": (
        plots.plot_cost_over_time,
        pd.concat([MONTHS.assign(provider=MONTHS["provider"] + one) for one in MANY[:4]]),
    ),
}


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


def lightness(colour: Any) -> float:
    """Give the relative luminance of WCAG 2.2, on white paper."""
    red, green, blue, alpha = to_rgba(colour)
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (1 - alpha * (1 - part) for part in (red, green, blue))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def looks(ax: Axes) -> set[tuple[float, str]]:
    """Give every lightness that the picture draws with, and the mark that goes with it."""
    lines = {
        (lightness(line.get_color()), f"{line._unscaled_dash_pattern} {line.get_marker()}")  # type: ignore[attr-defined]
        for line in ax.lines
        if line.get_linestyle() != "None"  # rings and dots sit on a line, or have words beside
    }
    bars = {(lightness(bar.get_facecolor()), f"bar {bar.get_hatch() or ''}") for bar in ax.patches}
    return lines | bars


@pytest.mark.parametrize("name", CROWDED)
def test_grey_is_enough(name: str) -> None:
    draw, frame = CROWDED[name]
    drawn = looks(draw(frame))
    alike = [
        (one, other)
        for one, other in combinations(sorted(drawn), 2)
        if one[1] == other[1] and (other[0] + 0.05) / (one[0] + 0.05) < APART
    ]
    assert drawn
    assert alike == []


def test_every_colour_of_a_series_has_a_mark_of_its_own() -> None:
    assert len(set(MARKERS)) == len(MARKERS) == len(SERIES)
    assert not {"o", "D"} & set(MARKERS)  # a scan that is not complete, and a step


def test_words_in_a_colour_are_read_on_white_and_on_the_sheet_in_the_dark() -> None:
    sheet = lightness("#e9edf1")
    assert all((sheet + 0.05) / (lightness(colour) + 0.05) > 4.5 for colour in SERIES)
    assert {look.get("hatch", "") for look in LOOKS.values()} == {"", "///", "xx"}
