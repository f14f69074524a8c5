"""Style, labels, alternative text: what every picture shares."""

from __future__ import annotations

import base64
import io
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.ticker import FuncFormatter, MaxNLocator

from regtools.markup import visible
from regtools.units import format_bytes

P = ParamSpec("P")

INK: Final = "#1b2430"
MUTED: Final = "#55606d"
LINE: Final = "#d9dee4"
# Told apart by lightness as well as by hue, so that a grey print still reads.
BLUE: Final = "#1f5a94"
PALE: Final = "#a9c8e6"
ORANGE: Final = "#a84f0e"
RED: Final = "#a4262c"
GREEN: Final = "#2b6a45"
GREY: Final = "#9aa5b1"
SERIES: Final = (BLUE, ORANGE, GREEN, "#6b4c9a", "#5f6a76", "#7d611a", "#a23b72", INK)
MARKERS: Final = ("", "s", "^", "v", "P", "X", "*", "<")
"""With a colour of `SERIES` each, so that lines are told apart in grey too."""
LOOKS: Final[Mapping[str, dict[str, Any]]] = {
    "ok": {"facecolor": BLUE, "edgecolor": BLUE},
    "warn": {"facecolor": "#f3d9a4", "edgecolor": ORANGE, "hatch": "///"},
    "fail": {"facecolor": RED, "edgecolor": INK, "hatch": "xx"},
    "skipped": {"facecolor": GREY, "edgecolor": GREY},
}
"""Bars by how things stand: the hatch says in grey what the colour says."""

WIDTH: Final = 8.6
"""Inches: 860 pixels of a page, at 100 pixels an inch."""
_PIXELS_PER_INCH: Final = 100
_LINE_OF_WORDS: Final = 0.062  # of the highest line, on our pictures' height
_CENTS_MATTER: Final = 100  # below a hundred dollars
_EDGE: Final = 0.004  # of a picture's width
_EFFORT: Final = 4  # of ten: 1 % larger than with six, in two thirds of the time
_SHARPNESS: Final = 2  # screens of phones and laptops show two dots a pixel

STYLE: Final[Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
    "font.size": 10.5,
    "text.color": INK,
    # Names are foreign text: a "$" in one is a dollar sign, not a formula.
    "text.parse_math": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10,
    "axes.titlelocation": "left",
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.titlepad": 14,
    # No axis has its labels on top: matplotlib need not measure each to find the title's place.
    "axes.titley": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e8ebef",
    "grid.linewidth": 1.0,
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
    "ytick.left": False,
    "lines.linewidth": 2.2,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "hatch.linewidth": 0.8,
    "figure.facecolor": "white",
}

_descriptions: weakref.WeakKeyDictionary[Axes, str] = weakref.WeakKeyDictionary()


def styled(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Apply the style once, so that neither a plot function nor a notebook sets fonts."""

    @wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Axes:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapped


def canvas(ax: Axes | None, *, height: float = 3.8) -> Axes:
    """Give the axes to draw on: the caller's, or new ones of our size."""
    if ax is not None:
        return ax
    # pyplot knows the figure, so that a notebook shows it also without `picture`.
    _, new = plt.subplots(figsize=(WIDTH, height), layout="constrained")
    return new


def finish(ax: Axes, *, title: str, alt: str) -> Axes:
    """Set the title that states the answer, and the description for those who cannot see it."""
    ax.set_title(visible(title), wrap=True)
    describe(ax, alt)
    return ax


def describe(ax: Axes, alt: str) -> None:
    """Attach a description to the axes."""
    _descriptions[ax] = " ".join(visible(alt).split())


def description(ax: Axes) -> str:
    """Give the description of a picture: what a screen reader says in its place."""
    return _descriptions.get(ax, ax.get_title(loc="left"))


def empty(ax: Axes, sentence: str) -> Axes:
    """Say in the picture's place that there is nothing to draw."""
    ax.set_axis_off()
    ax.text(0.0, 0.5, sentence, transform=ax.transAxes, color=MUTED, va="center", wrap=True)
    describe(ax, sentence)
    return ax


def label(text: object, width: int = 34) -> str:
    """Make foreign text fit beside an axis: both ends stay, the middle gives way.

    Examples
    --------
    >>> label("platform/observability/collector", 20)
    'platform/o…collector'
    """
    shown = visible(text)
    if len(shown) <= width:
        return shown
    tail = (width - 1) // 2
    return f"{shown[: width - 1 - tail]}…{shown[-tail:]}"


def money(amount: float) -> str:
    """Give an amount as a picture shows it: no cents where they say nothing.

    Examples
    --------
    >>> money(0), money(12.5), money(1234.56)
    ('$0', '$12.50', '$1,235')
    """
    exact = 0 < abs(amount) < _CENTS_MATTER and round(amount, 2) != round(amount)
    return f"${amount:,.2f}" if exact else f"${amount:,.0f}"


def listed(parts: Iterable[str], most: int = 8) -> str:
    """Join the parts of a description; what is past `most` is counted."""
    every = list(parts)
    more = f", and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


@dataclass(frozen=True, slots=True)
class LineEnd:
    """The end of a line, and the words beside it."""

    x: Any
    y: float
    words: str
    colour: str


def label_ends(ax: Axes, ends: Sequence[LineEnd]) -> None:
    """Name lines at their ends; words that would overlap move up a line."""
    top = max((end.y for end in ends), default=0.0) or 1.0
    lowest = -top
    for end in sorted(ends, key=lambda end: end.y):
        step = _LINE_OF_WORDS * top * (end.words.count("\n") + 1)
        place = max(end.y, lowest + step)
        lowest = place
        ax.annotate(
            end.words,
            (end.x, place),
            xytext=(8, 0),
            textcoords="offset points",
            color=end.colour,
            va="center",
            fontsize=9.5,
            annotation_clip=False,
        )


def bytes_axis(ax: Axes, axis: str = "y") -> None:
    """Mark an axis in bytes with round decimal steps, from zero."""
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    target.set_major_formatter(FuncFormatter(lambda value, _: _round_bytes(value)))


def _round_bytes(value: float) -> str:
    """Shorten ``200.0 GB`` of an axis to ``200 GB``."""
    number, _, unit = format_bytes(round(value)).partition(" ")
    return f"{float(number):g} {unit}"


def money_axis(ax: Axes, axis: str = "x") -> None:
    """Mark an axis in dollars a month."""
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_major_locator(MaxNLocator(nbins=5))
    target.set_major_formatter(FuncFormatter(lambda value, _: f"${value:,.0f}"))


def time_axis(ax: Axes) -> None:
    """Label an axis of times with as few words as they take."""
    locator = mdates.AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def name_axis(ax: Axes, names: Sequence[str]) -> None:
    """Name the bars of a chart that lie, the first on top."""
    # Tick labels are made lazily, past the style: they are told here not to be formulas.
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.invert_yaxis()


def bar_value(ax: Axes, size: float, place: float, text: str, colour: str = INK) -> None:
    """Write a bar's number at its end."""
    ax.annotate(
        text,
        (size, place),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=9.5,
        color=colour,
    )


def hide_values(ax: Axes) -> None:
    """Take the values off their axis: each bar carries its number."""
    ax.margins(x=0.14)
    ax.set_xlim(left=0)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.spines["left"].set_visible(True)
    ax.spines["left"].set_color(LINE)
    ax.grid(visible=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn picture: PNG at two dots a pixel, its size, its description and its title."""

    png: bytes
    width: int
    alt: str
    title: str = ""

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, dict[str, object]]]:
        data = {"image/png": base64.b64encode(self.png).decode("ascii"), "text/plain": self.alt}
        about: dict[str, object] = {"width": self.width, "alt": self.alt, "title": self.title}
        return data, {"image/png": about}

    def __repr__(self) -> str:
        return self.alt


def picture(ax: Axes) -> Picture:
    """Draw the figure of these axes, to be shown as the value of a notebook's cell."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("these axes have been removed from their figure")
    target = io.BytesIO()
    title = ax.get_title(loc="left")
    figure.set_dpi(_PIXELS_PER_INCH * _SHARPNESS)
    with mpl.rc_context(STYLE):
        _title_at_the_edge(ax, title)
        # `savefig` would draw once more, to learn the layout that is known by now.
        FigureCanvasAgg(figure).print_png(  # type: ignore[no-untyped-call]
            target,
            pil_kwargs={"compress_level": _EFFORT},
            metadata={
                "Software": None,
                "Description": description(ax).encode("ascii", "replace").decode(),
            },
        )
    plt.close(figure)
    width = round(figure.get_figwidth() * _PIXELS_PER_INCH)
    return Picture(target.getvalue(), width, description(ax), title)


def _title_at_the_edge(ax: Axes, title: str) -> None:
    """Let the title begin where the picture does, not where the bars do: it has more room."""
    figure = ax.get_figure(root=True)
    if figure is None or len(figure.axes) > 1:
        return
    # Wrapping measures word by word, and takes two dollar signs for a formula.
    # Where it stands is said, or matplotlib looks for it each time: nothing is above our axes.
    words = ax.set_title(title, wrap=False)
    words.set_wrap(words.get_window_extent().width > (1 - 2 * _EDGE) * figure.bbox.width)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine("none")  # it stays so
    edge = ax.transAxes.inverted().transform(figure.transFigure.transform((_EDGE, 0)))
    words.set_x(float(edge[0]))
