"""Pictures of what came and what went: who brought it, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from matplotlib import dates as mdates
from matplotlib.axes import Axes

from regtools.markup import format_date
from regtools.plots._canvas import (
    BLUE,
    GREY,
    INK,
    LINE,
    MUTED,
    PALE,
    bar_value,
    bytes_axis,
    canvas,
    empty,
    finish,
    hide_values,
    label,
    listed,
    name_axis,
    styled,
    time_axis,
)
from regtools.units import format_bytes

if TYPE_CHECKING:
    from regtools.analyses.between import Between
    from regtools.analyses.churn import Churn

_DAY: Final = 24 * 3600
_HARDLY: Final = 0.005
_UNSURE: Final = "Not every scan saw everything: some may only seem to have come or gone."


@styled
def plot_between(between: Between, *, top: int = 12, ax: Axes | None = None) -> Axes:
    """Draw what each repository brought and let go of between two scans.

    Parameters
    ----------
    between
        What `regtools.growth_between` gives.
    top
        How many repositories to show, those that changed most first.
    ax
        Axes to draw on; new ones if left out.
    """
    rows = between.repositories
    changed = (rows["came_bytes"] + rows["went_bytes"]).sort_values(ascending=False, kind="stable")
    shown = rows.loc[changed[changed > 0].index].head(top)
    ax = canvas(ax, height=1.6 + 0.34 * max(len(shown), 1))
    if shown.empty:
        return empty(ax, "No byte came or went between these scans.")
    places = range(len(shown))
    came, went = shown["came_bytes"].astype(float), shown["went_bytes"].astype(float)
    ax.barh(places, came, color=BLUE, height=0.62, label="came")
    if went.any():
        look: dict[str, Any] = {"color": PALE, "hatch": "////", "edgecolor": "white"}
        ax.barh(places, -went, height=0.62, linewidth=0, label="went", **look)
    name_axis(ax, [label(name) for name in shown["repository"]])
    for place, row in enumerate(shown.to_dict("records")):
        bar_value(ax, float(row["came_bytes"]), place, _change(row))
    hide_values(ax)
    ax.margins(x=0.2)
    ax.set_xlim(left=-1.05 * went.max())
    if went.any():
        ax.axvline(0, color=LINE, linewidth=1)
        ax.spines["left"].set_visible(False)
        ax.legend(loc="lower right", fontsize=9.5, handlelength=1.4)
    title = _between_title(between)
    names = listed(f"{label(row['repository'])} {_change(row)}" for row in shown.to_dict("records"))
    unsure = _say_unsure(ax, between.totals)
    return finish(
        ax, title=title, alt=f"Bar chart of bytes by repository. {title}: {names}.{unsure}"
    )


def _say_unsure(ax: Axes, totals: pd.DataFrame) -> str:
    """Say below the picture that scans were not complete, and give that for its description."""
    if totals["complete"].all():
        return ""
    ax.annotate(
        _UNSURE,
        (0.0, 0.0),
        xycoords="axes fraction",
        xytext=(0, -26),
        textcoords="offset points",
        va="top",
        color=MUTED,
        fontsize=9.5,
    )
    return f" {_UNSURE}"


def _change(row: dict[Any, Any]) -> str:
    came, went = (int(row[name]) for name in ("came_bytes", "went_bytes"))
    words = [f"+{format_bytes(came)}"] if came or not went else []
    return " ".join([*words, f"−{format_bytes(went)}"] if went else words)


def _between_title(between: Between) -> str:
    totals, rows = between.totals, between.repositories
    came, went = int(totals["came_bytes"].sum()), int(totals["went_bytes"].sum())
    since = f"since {format_date(totals['since'].min())}"
    if not came:
        return f"{format_bytes(went)} went {since}"
    words = f"{format_bytes(came)} came" + (f" and {format_bytes(went)} went" if went else "")
    top = rows.sort_values("came_bytes", ascending=False, kind="stable").iloc[0]
    share = int(top["came_bytes"]) / came
    return f"{words} {since}, {share:.0%} of it with {label(top['repository'], 30)}"


@styled
def plot_churn(churn: Churn, *, ax: Axes | None = None) -> Axes:
    """Draw what came and what went a day, from scan to scan.

    Parameters
    ----------
    churn
        What `regtools.churn` gives; several registries are added up.
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax, height=3.2)
    steps = _daily(churn.intervals)
    if steps.empty or not (steps["came"].any() or steps["went"].any()):
        return empty(ax, "Nothing came or went from scan to scan.")
    look: dict[str, Any] = {"align": "edge", "width": _days(steps), "edgecolor": "white"}
    start = mdates.date2num(steps["since"].dt.to_pydatetime())  # type: ignore[no-untyped-call]
    ax.bar(start, steps["came"], color=BLUE, label="came", **look)
    if steps["went"].any():
        ax.bar(start, -steps["went"], color=PALE, hatch="////", label="went", **look)
        ax.legend(loc="upper left", fontsize=9.5, handlelength=1.4)
    ax.axhline(0, color=GREY, linewidth=1)
    ax.xaxis_date()
    time_axis(ax)
    bytes_axis(ax)
    ax.set_ylabel("bytes a day")
    ax.tick_params(axis="x", labelcolor=INK)
    title = _churn_title(churn)
    first, last = steps["since"].min(), steps["until"].max()
    scans = int(churn.totals["scans"].sum())
    alt = f"Bar chart of bytes a day over {scans} scans from {format_date(first)} to {format_date(last)}. "
    unsure = _say_unsure(ax, churn.totals)
    return finish(ax, title=title, alt=f"{alt}{title}.{unsure}")


def _daily(intervals: pd.DataFrame) -> pd.DataFrame:
    """Spread what came in an interval over its days, and add up the registries."""
    edges = sorted({*intervals["since"], *intervals["until"]})
    days = _days(intervals)
    steps = pd.DataFrame({"since": edges[:-1], "until": edges[1:]})
    for name in ("came", "went"):
        rate = intervals[f"{name}_bytes"] / days
        steps[name] = [
            float(rate[(intervals["since"] <= since) & (intervals["until"] > since)].sum())
            for since in steps["since"]
        ]
    return steps


def _days(rows: pd.DataFrame) -> pd.Series:
    return (rows["until"] - rows["since"]).dt.total_seconds() / _DAY


def _churn_title(churn: Churn) -> str:
    totals = churn.totals
    came, went, passing = (
        int(totals[name].sum()) for name in ("came_bytes", "went_bytes", "passing_bytes")
    )
    if not came:
        return f"Nothing was pushed{_went(went)}"
    if not passing:
        return f"{format_bytes(came)} was pushed and is still there{_went(went)}"
    if passing / came < _HARDLY:
        return f"{format_bytes(came)} was pushed, hardly anything is gone again"
    top = churn.repositories.iloc[0]
    words = f"{format_bytes(came)} was pushed: {format_bytes(passing)} is gone again"
    most = int(top["passing_bytes"]) > passing / 2
    return f"{words}, most of it in {label(top['repository'], 26)}" if most else words


def _went(size: int) -> str:
    return f"; {format_bytes(size)} went" if size else ""
