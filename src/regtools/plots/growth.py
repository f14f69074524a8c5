"""Pictures of storage over time: what is there, what comes, what grew, what sharing saves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from matplotlib.axes import Axes

from regtools.markup import format_date
from regtools.plots._canvas import (
    BLUE,
    GREY,
    INK,
    MARKERS,
    MUTED,
    PALE,
    RED,
    SERIES,
    LineEnd,
    bar_value,
    bytes_axis,
    canvas,
    empty,
    finish,
    hide_values,
    label,
    label_ends,
    listed,
    name_axis,
    styled,
    time_axis,
)
from regtools.tables import is_missing
from regtools.units import format_bytes

if TYPE_CHECKING:
    from regtools.analyses.growth import Growth

_MONTH: Final = timedelta(days=30)
_MARKS: Final = 8  # on a line
_HARDLY: Final = 0.02
_FAR_DAYS: Final = 730  # no trend holds for longer


@styled
def plot_growth(growth: Growth, *, ax: Axes | None = None) -> Axes:
    """Draw stored bytes over time: measured solid, reconstructed dashed.

    Parameters
    ----------
    growth
        What `regtools.growth` gives.
    ax
        Axes to draw on; new ones if left out.
    """
    series = growth.series.sort_values("taken_at")
    ax = canvas(ax)
    if series.empty:
        return empty(ax, "No snapshot yet: there is nothing to draw.")
    registries = list(dict.fromkeys(series["registry"]))
    ends: list[LineEnd] = []
    for place, registry in enumerate(registries):
        rows, colour = series[series["registry"] == registry], SERIES[place % len(SERIES)]
        _draw_series(ax, rows, place)
        if len(registries) > 1:
            ends.append(_end(rows, "physical_bytes", f"{label(registry, 30)}: ", colour))
        else:
            ends.append(_end(rows, "physical_bytes", "stored\n", colour))
            ends.extend(_draw_logical(ax, rows))
    label_ends(ax, ends)
    _mark_reconstructed(ax, series)
    time_axis(ax)
    bytes_axis(ax)
    ax.set_ylim(bottom=0)
    title = _growth_title(series)
    return finish(ax, title=title, alt=f"Line chart of stored bytes. {title}. {_span(series)}")


def _look(place: int, points: int, marks: int = _MARKS) -> dict[str, Any]:
    """Give the colour of a line and its mark, which only some of its points carry."""
    return {
        "color": SERIES[place % len(SERIES)],
        "marker": MARKERS[place % len(MARKERS)],
        "markevery": max(points // marks, 1),
        "markersize": 5.5,
    }


def _end(rows: pd.DataFrame, column: str, words: str, colour: str) -> LineEnd:
    last = rows.iloc[-1]
    size = float(last[column])
    return LineEnd(last["taken_at"], size, f"{words}{format_bytes(round(size))}", colour)


def _draw_series(ax: Axes, rows: pd.DataFrame, place: int) -> None:
    measured = rows[rows["basis"] == "measured"]
    earlier = rows[rows["basis"] != "measured"]
    joined = pd.concat([earlier, measured.head(1)])
    dashed, solid = _look(place, len(joined), marks=2), _look(place, len(measured))
    ax.plot(joined["taken_at"], joined["physical_bytes"], "--", **dashed, linewidth=1.6)
    ax.plot(measured["taken_at"], measured["physical_bytes"], "-", **solid)
    unsure = measured[~measured["complete"].astype(bool)]
    ax.plot(
        unsure["taken_at"],
        unsure["physical_bytes"],
        "o",
        mfc="white",
        mec=SERIES[place % len(SERIES)],
        markersize=5.5,
    )
    if not unsure.empty:
        ax.set_xlabel("ring: a scan that is not complete")


def _draw_logical(ax: Axes, rows: pd.DataFrame) -> list[LineEnd]:
    """Add the sum over all tags: the distance to the line below is what sharing saves."""
    for basis, style in (("reconstructed", ":"), ("measured", "-")):
        part = rows[rows["basis"] == basis]
        ax.plot(part["taken_at"], part["logical_bytes"], style, color=GREY, linewidth=1.3)
    return [_end(rows, "logical_bytes", "tags added up\n", MUTED)]


def _mark_reconstructed(ax: Axes, series: pd.DataFrame) -> None:
    measured = series.loc[series["basis"] == "measured", "taken_at"]
    if measured.empty or (series["basis"] == "measured").all():
        return
    start = measured.min()
    ax.axvspan(series["taken_at"].min(), start, color="#f3f5f7", zorder=0, linewidth=0)
    ax.annotate(
        "reconstructed from image dates",
        (series["taken_at"].min(), 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(6, -6),
        textcoords="offset points",
        va="top",
        color=MUTED,
        fontsize=9,
    )


def _growth_title(series: pd.DataFrame) -> str:
    # Only what was measured is compared: a reconstruction misses what had been deleted.
    measured = series[series["basis"] == "measured"]
    by_registry = measured.groupby("registry")["physical_bytes"]
    first, last = int(by_registry.first().sum()), int(by_registry.last().sum())
    start = measured["taken_at"].min()
    months = round((series["taken_at"].max() - start) / _MONTH) if len(measured) > 1 else 0
    ago = f"{months} months ago" if months > 1 else format_date(start)
    if first <= 0 or months < 1:
        return f"{format_bytes(last)} are stored today"
    ratio = last / first
    if ratio >= 1.5:
        return f"{format_bytes(last)} stored: {ratio:.1f} times as much as {ago}"
    if abs(ratio - 1) < 0.02:
        return f"{format_bytes(last)} stored, about as much as {ago}"
    return f"{format_bytes(last)} stored: {abs(ratio - 1):.0%} {'more' if ratio > 1 else 'less'} than {ago}"


def _span(series: pd.DataFrame) -> str:
    first, last = series["taken_at"].min(), series["taken_at"].max()
    guessed = int((series["basis"] != "measured").sum())
    note = f", {guessed} of {len(series)} points reconstructed from image dates" if guessed else ""
    return f"From {format_date(first)} to {format_date(last)}{note}."


@styled
def plot_forecast(growth: Growth, *, ax: Axes | None = None) -> Axes:
    """Draw the measured bytes, where the trend leads, and the capacity if one was given.

    Parameters
    ----------
    growth
        What `regtools.growth` gives.
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax)
    measured = growth.series[growth.series["basis"] == "measured"].sort_values("taken_at")
    forecasts = growth.forecast
    if measured.empty or forecasts.empty:
        return empty(ax, "No forecast yet: it takes eight complete scans over at least four weeks.")
    ends: list[LineEnd] = []
    for place, row in enumerate(forecasts.to_dict("records")):
        rows = measured[measured["registry"] == row["registry"]]
        ax.plot(rows["taken_at"], rows["physical_bytes"], "-", **_look(place, len(rows)))
        ahead = growth.ahead[growth.ahead["registry"] == row["registry"]]
        ends.append(_draw_trend(ax, row, ahead, place, several=len(forecasts) > 1))
    label_ends(ax, ends)
    _draw_steps(ax, growth, measured)
    _draw_capacity(ax, forecasts)
    time_axis(ax)
    bytes_axis(ax)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(f"dashed: {int(forecasts['forecast_days'].max())} days on; band: likely range")
    title = _forecast_title(forecasts)
    ranges = listed(_forecast_words(row) for row in forecasts.to_dict("records"))
    steps = "".join(f" {_step_words(row)}." for row in growth.steps.to_dict("records"))
    return finish(ax, title=title, alt=f"Line chart of the trend. {title}. {ranges}.{steps}")


def _draw_trend(
    ax: Axes, row: dict[Any, Any], ahead: pd.DataFrame, place: int, *, several: bool
) -> LineEnd:
    """Draw from the last complete point on, day by day, with the band of likely values."""
    size = int(row["physical_bytes"])
    times = [row["measured_at"], *ahead["at"]]
    likely, low, high = (
        [size, *ahead[name]] for name in ("likely_bytes", "low_bytes", "high_bytes")
    )
    ax.fill_between(times, low, high, color=PALE, alpha=0.55, linewidth=0)
    look = _look(place, len(times), marks=2)
    ax.plot(times, likely, "--", **look, linewidth=1.8)
    name = f"{label(row['registry'], 30)}: " if several else f"in {row['forecast_days']} days\n"
    words = f"{name}{format_bytes(int(likely[-1]))}"
    return LineEnd(times[-1], float(likely[-1]), words, look["color"])


def _draw_steps(ax: Axes, growth: Growth, measured: pd.DataFrame) -> None:
    """Mark where the trend begins anew."""
    for row in growth.steps.to_dict("records"):
        points = measured[measured["registry"] == row["registry"]].set_index("taken_at")
        size = int(points.loc[row["until"], "physical_bytes"])
        ax.plot([row["until"]], [size], "D", mfc="white", mec=INK, markersize=6, zorder=5)
        sign = "+" if row["change_bytes"] > 0 else "−"
        ax.annotate(
            f"step {sign}{format_bytes(abs(int(row['change_bytes'])))}",
            (row["until"], float(size)),
            xytext=(0, 10 if row["change_bytes"] > 0 else -10),
            textcoords="offset points",
            ha="center",
            va="bottom" if row["change_bytes"] > 0 else "top",
            color=INK,
            fontsize=9,
        )


def _step_words(row: dict[Any, Any]) -> str:
    verb = "rose" if row["change_bytes"] > 0 else "fell"
    return (
        f"{label(row['registry'])} {verb} by {format_bytes(abs(int(row['change_bytes'])))} at once, "
        f"seen {format_date(row['until'])}"
    )


def _forecast_words(row: dict[Any, Any]) -> str:
    low, likely, high = (
        format_bytes(int(row[name]))
        for name in ("forecast_low_bytes", "forecast_bytes", "forecast_high_bytes")
    )
    return (
        f"{label(row['registry'])}: {likely} in {row['forecast_days']} days, "
        f"likely between {low} and {high}"
    )


def _draw_capacity(ax: Axes, forecasts: pd.DataFrame) -> None:
    for capacity in forecasts["capacity_bytes"].dropna().unique():
        ax.axhline(float(capacity), color=RED, linewidth=1.4, linestyle=(0, (9, 3)))
        ax.annotate(
            f"capacity {format_bytes(round(capacity))}",
            (0.0, float(capacity)),
            xycoords=("axes fraction", "data"),
            xytext=(4, -5),
            textcoords="offset points",
            va="top",
            color=RED,
            fontsize=9.5,
        )


def _forecast_title(forecasts: pd.DataFrame) -> str:
    rate = float(forecasts["bytes_per_day"].sum())
    change = format_bytes(abs(round(rate * 30)))
    words = f"{'Growing by' if rate >= 0 else 'Shrinking by'} about {change} a month"
    full = forecasts["days_until_full"].dropna()
    if full.empty or full.min() > _FAR_DAYS:
        return words
    soonest = round(full.min())
    return "The capacity is reached already" if soonest <= 0 else f"{words}: full in {soonest} days"


@styled
def plot_grown(growth: Growth, *, top: int = 12, ax: Axes | None = None) -> Axes:
    """Draw what grew most, by repository.

    Parameters
    ----------
    growth
        What `regtools.growth` gives.
    top
        How many repositories to show.
    ax
        Axes to draw on; new ones if left out.
    """
    every = growth.by_repository.sort_values("grown_bytes", ascending=False)
    grown = every[every["grown_bytes"] > 0]
    shown = grown.head(top)
    ax = canvas(ax, height=1.2 + 0.34 * max(len(shown), 1))
    if shown.empty:
        return empty(ax, "No repository grew in the time observed.")
    _bars(ax, [label(name) for name in shown["repository"]], shown["grown_bytes"], BLUE)
    ax.set_xlabel(f"bytes added {_observed(growth.series)}")
    total = int(grown["grown_bytes"].sum())
    share = int(shown["grown_bytes"].iloc[:3].sum()) / total if total else 0
    few = min(3, len(shown))
    title = f"{few} repositories make {share:.0%} of the growth" if few > 1 else "What grew"
    names = listed(
        f"{label(row['repository'])} {format_bytes(int(row['grown_bytes']))}"
        for row in shown.to_dict("records")
    )
    return finish(ax, title=title, alt=f"Bar chart of bytes added by repository. {title}: {names}.")


def _observed(series: pd.DataFrame) -> str:
    """Say from when to when growth was observed: between complete scans only."""
    whole = series[(series["basis"] == "measured") & series["complete"].astype(bool)]
    if whole.empty:
        return ""
    first, last = whole["taken_at"].min(), whole["taken_at"].max()
    return f"from {format_date(first)} to {format_date(last)}"


def _bars(ax: Axes, names: list[str], sizes: pd.Series, colour: str) -> None:
    places = range(len(names))
    ax.barh(places, sizes.astype(float), color=colour, height=0.62)
    name_axis(ax, names)
    for place, size in zip(places, sizes, strict=True):
        bar_value(ax, float(size), place, format_bytes(int(size)))
    hide_values(ax)


@styled
def plot_sharing(usage: pd.DataFrame, *, top: int = 10, ax: Axes | None = None) -> Axes:
    """Draw what each repository takes alone, and what it shares with others.

    Parameters
    ----------
    usage
        What ``regtools.usage(by="repository")`` gives.
    top
        How many repositories to show, the largest first.
    ax
        Axes to draw on; new ones if left out.
    """
    shown = usage.sort_values("physical_bytes", ascending=False).head(top)
    ax = canvas(ax, height=1.5 + 0.36 * max(len(shown), 1))
    if shown.empty:
        return empty(ax, "No repository with bytes.")
    places = range(len(shown))
    own, shared = shown["exclusive_bytes"].astype(float), shown["shared_bytes"].astype(float)
    ax.barh(places, own, color=BLUE, height=0.62, label="only in this repository")
    ax.barh(
        places,
        shared,
        left=own,
        color=PALE,
        hatch="////",
        edgecolor="white",
        linewidth=0,
        height=0.62,
        label="shared with others",
    )
    name_axis(ax, [label(name) for name in shown["repository"]])
    for place, row in enumerate(shown.to_dict("records")):
        size = int(row["physical_bytes"])
        bar_value(ax, size, place, _sharing_words(row, size))
    hide_values(ax)
    ax.margins(x=0.3)
    ax.set_xlim(left=0)
    ax.legend(loc="lower right", fontsize=9.5, handlelength=1.2)
    title = _sharing_title(usage)
    names = listed(
        f"{label(row['repository'])} {_sharing_words(row, int(row['physical_bytes']))}"
        for row in shown.to_dict("records")
    )
    return finish(ax, title=title, alt=f"Stacked bar chart by repository. {title}: {names}.")


def _sharing_words(row: dict[Any, Any], size: int) -> str:
    shared = row["shared_bytes"]
    if is_missing(shared) or size == 0:
        return format_bytes(size)
    return f"{format_bytes(size)}, {int(str(shared)) / size:.0%} shared"


def _sharing_title(usage: pd.DataFrame) -> str:
    size = int(usage["physical_bytes"].sum())
    own = int(usage["exclusive_bytes"].fillna(0).sum())
    if size == 0:
        return "Nothing is stored"
    shared = 1 - own / size
    if shared < _HARDLY:
        return "Hardly anything is shared: deleting a repository frees all of it"
    return f"{shared:.0%} is shared: deleting a repository frees only its dark part"
