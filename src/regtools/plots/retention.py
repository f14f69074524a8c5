"""Pictures of a what-if: what each repository would free, and what keeping fewer would free."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from matplotlib.axes import Axes

from regtools.plots._canvas import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
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
)
from regtools.units import format_bytes

if TYPE_CHECKING:
    from regtools.analyses.retention import Retention

_PARTS: Final = (
    ("freed_bytes", BLUE, "", "would go, only here"),
    ("freed_with_others_bytes", BLUE, "////", "would go, shared"),
    ("kept_bytes", PALE, "", "stays, only here"),
    ("kept_with_others_bytes", PALE, "////", "stays, shared"),
)
"""Dark goes and light stays; hatched is shared with other repositories."""
_MARKS: Final = (1, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Numbers of images to keep that are named on the curve, where they have room."""
_ROOM: Final = (0.17, 0.085)  # of the axes: between the words of two marks


@styled
def plot_freed(found: Retention, *, top: int = 12, ax: Axes | None = None) -> Axes:
    """Draw what of each repository would go and what stays, alone and shared.

    Parameters
    ----------
    found
        What `regtools.retention` gives.
    top
        How many repositories to show, those that let go of most first.
    ax
        Axes to draw on; new ones if left out.
    """
    every = found.repositories
    goes = every["freed_bytes"] + every["freed_with_others_bytes"]
    order = goes[every["physical_bytes"] > 0].sort_values(ascending=False, kind="stable")
    shown = every.loc[order.index].head(top)
    ax = canvas(ax, height=1.7 + 0.36 * max(len(shown), 1))
    if shown.empty:
        return empty(ax, "No repository with bytes.")
    places = range(len(shown))
    left = pd.Series(0.0, index=shown.index)
    for column, colour, hatch, words in _PARTS:
        ax.barh(
            places,
            shown[column].astype(float),
            left=left,
            height=0.62,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
            label=words,
        )
        left += shown[column]
    name_axis(ax, [label(name) for name in shown["repository"]])
    for place, row in enumerate(shown.to_dict("records")):
        bar_value(ax, float(row["physical_bytes"]), place, _freed_words(row))
    hide_values(ax)
    ax.margins(x=0.34)
    ax.set_xlim(left=0)
    ax.legend(loc="lower right", fontsize=9.5, handlelength=1.4)
    title = _freed_title(found)
    names = listed(
        f"{label(row['repository'])} {_freed_words(row)}" for row in shown.to_dict("records")
    )
    return finish(
        ax, title=title, alt=f"Stacked bar chart by repository. {title}. Would go: {names}."
    )


def _freed_words(row: dict[Any, Any]) -> str:
    gone = int(row["freed_bytes"]) + int(row["freed_with_others_bytes"])
    return f"{format_bytes(gone)} of {format_bytes(int(row['physical_bytes']))}"


def _at_most(found: Retention) -> str:
    return "" if found.complete else "At most "


def _freed_title(found: Retention) -> str:
    stored = found.bytes_freed + found.bytes_kept
    if not found.bytes_freed:
        return f"Nothing of {format_bytes(stored)} would be freed"
    words = (
        f"{_at_most(found)}{format_bytes(found.bytes_freed)} of {format_bytes(stored)} would be "
        f"freed: {found.bytes_freed / stored:.0%}"
    )
    top = found.repositories.iloc[0]
    share = int(top["freed_bytes"]) / found.bytes_freed
    return f"{words}, most of it in {label(top['repository'], 26)}" if share >= 0.5 else words


@styled
def plot_retention_curve(found: Retention, *, ax: Axes | None = None) -> Axes:
    """Draw the bytes freed against the images kept, for every number of newest to keep.

    Parameters
    ----------
    found
        What `regtools.retention` gives for a rule.
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax, height=4.2)
    steps = _together(found)
    if steps.empty:
        return empty(ax, "What goes does not depend on how many of the newest images are kept.")
    ax.plot(steps["versions_kept"], steps["bytes_freed"], "-", color=BLUE)
    ax.fill_between(steps["versions_kept"], steps["bytes_freed"], color=PALE, alpha=0.35, lw=0)
    for row in _marked(steps, found):
        _mark(ax, row, "keep the newest" if row["keep_last"] == 1 else f"keep {row['keep_last']}")
    _mark_rule(ax, int(found.repositories["versions_kept"].sum()), found.bytes_freed)
    bytes_axis(ax)
    ax.set_ylim(bottom=0, top=float(steps["bytes_freed"].max()) * 1.12)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    ax.set_xlabel("images kept in all repositories together")
    ax.set_ylabel("bytes freed")
    title = _curve_title(found, steps)
    words = listed(
        f"keeping {row['keep_last']:,} of each repository frees {format_bytes(row['bytes_freed'])} "
        f"and keeps {row['versions_kept']:,} images"
        for row in _marked(steps, found)
    )
    return finish(ax, title=title, alt=f"Line chart of bytes freed. {title}: {words}.")


def _together(found: Retention) -> pd.DataFrame:
    """Add registries up: between two of its steps, a registry is as at the lower one."""
    curve = found.curve()
    columns = ["versions_kept", "bytes_freed"]
    if curve.empty:
        return curve[["keep_last", *columns]]
    wide = curve.pivot_table(index="keep_last", columns="registry", values=columns)
    steps = wide.ffill().bfill().T.groupby(level=0).sum().T.astype("int64").reset_index()
    # A registry without a step is the same for every number.
    for column, frame in (("versions_kept", found.repositories), ("bytes_freed", found.savings)):
        steps[column] += int(frame.loc[~frame["registry"].isin(curve["registry"]), column].sum())
    return steps


def at_keep_last(steps: pd.DataFrame, keep_last: int) -> dict[str, int]:
    """Give the point of the curve at a number of images to keep."""
    below = steps[steps["keep_last"] <= keep_last]
    row = below.iloc[-1] if len(below) else steps.iloc[0]
    return {
        "keep_last": keep_last,
        "versions_kept": int(row["versions_kept"]),
        "bytes_freed": int(row["bytes_freed"]),
    }


def _marked(steps: pd.DataFrame, found: Retention) -> list[dict[str, int]]:
    """Choose the points to name: those with room between them and the rule's own."""
    widest, highest = float(steps["versions_kept"].max()), float(steps["bytes_freed"].max())
    taken = [(float(found.repositories["versions_kept"].sum()), float(found.bytes_freed))]
    chosen = []
    for keep_last in _MARKS:
        if keep_last > int(steps["keep_last"].max()):
            break
        row = at_keep_last(steps, keep_last)
        here = float(row["versions_kept"]), float(row["bytes_freed"])
        if all(
            abs(here[0] - x) > _ROOM[0] * widest or abs(here[1] - y) > _ROOM[1] * highest
            for x, y in taken
        ):
            taken.append(here)
            chosen.append(row)
    return chosen


def _mark(ax: Axes, row: dict[str, int], words: str) -> None:
    ax.plot(row["versions_kept"], row["bytes_freed"], "o", color="white", mec=BLUE, markersize=6)
    ax.annotate(
        f"{words}: {format_bytes(row['bytes_freed'])}",
        (row["versions_kept"], row["bytes_freed"]),
        xytext=(9, 6),
        textcoords="offset points",
        color=MUTED,
        fontsize=9.5,
    )


def _mark_rule(ax: Axes, kept: int, freed: int) -> None:
    ax.plot(kept, freed, "o", color=ORANGE, markersize=9, zorder=5)
    ax.annotate(
        f"this rule: {format_bytes(freed)}",
        (kept, freed),
        xytext=(11, 7),
        textcoords="offset points",
        color=INK,
        fontweight="bold",
        fontsize=10,
    )


def _curve_title(found: Retention, steps: pd.DataFrame) -> str:
    def freed(keep_last: int) -> str:
        return format_bytes(at_keep_last(steps, keep_last)["bytes_freed"])

    size = format_bytes(found.bytes_freed)
    chosen = found.rule.keep_last if found.rule is not None else None
    if not chosen:
        return (
            f"{_at_most(found)}{size} freed; keeping the newest of each repository frees {freed(1)}"
        )
    return (
        f"Keeping {chosen} of each repository frees {_at_most(found).lower()}{size}; "
        f"keeping {2 * chosen} still frees {freed(2 * chosen)}"
    )
