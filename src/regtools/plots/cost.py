"""Pictures of cost: who is cheapest and why, where that changes, and how bills grow."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from regtools.plots._canvas import (
    BLUE,
    GREY,
    INK,
    LINE,
    MUTED,
    PALE,
    SERIES,
    LineEnd,
    canvas,
    empty,
    finish,
    label,
    label_ends,
    listed,
    money,
    money_axis,
    styled,
)
from regtools.tables import is_missing

_DASHES: Final = ("-", "--", "-.", ":", (0, (6, 2)), (0, (1, 1)), (0, (8, 2, 1, 2, 1, 2)))
_HATCHES: Final = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oo")
_FILLS: Final = (BLUE, PALE, "#7b8794", "#e0b07a", "#c9d3dc", "#5f8f74", "#d9dee4")
_MOST_LINES: Final = 7
_AXES: Final = {
    "storage_gb": "GB stored, each layer once",
    "egress_gb": "GB pulled over the internet a month",
    "users": "people with an account",
}
_SHORT: Final = {"storage_gb": "GB", "egress_gb": "GB of traffic", "users": "people"}


def cheapest_by_provider(cost: pd.DataFrame) -> pd.DataFrame:
    """Keep one plan a provider: the cheapest that can hold this workload, else the cheapest.

    Parameters
    ----------
    cost
        What `regtools.cost` gives.
    """
    ordered = cost.assign(_missing=cost["monthly_usd"].isna()).sort_values(
        ["feasible", "_missing", "monthly_usd"], ascending=[False, True, True], kind="stable"
    )
    return ordered.drop_duplicates("provider").drop(columns="_missing")


@styled
def plot_cost(cost: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what each provider's cheapest plan costs and is made of, with the range that is left.

    Parameters
    ----------
    cost
        What `regtools.cost` gives.
    ax
        Axes to draw on; new ones if left out.
    """
    plans = cheapest_by_provider(cost)
    ax = canvas(ax, height=1.8 + 0.46 * max(len(plans), 1))
    if plans.empty:
        return empty(ax, "No plan was priced.")
    fills = _fills(plans)
    for place, row in enumerate(_rows(plans)):
        _cost_bar(ax, place, row, fills)
    names = [
        f"{label(row['provider'], 30)}\n{label(row['plan'], 30)}{_unsure(row['grade'])}"
        for row in _rows(plans)
    ]
    ax.set_yticks(range(len(names)), names, parse_math=False, fontsize=9)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.margins(x=0.3)
    ax.set_xlim(left=0)
    money_axis(ax)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.set_xlabel(
        "dollars a month; line: range of the estimate; dotted frame: cannot hold this workload"
    )
    if fills:
        ax.legend(
            handles=[
                Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=label(name))
                for name, (colour, hatch) in fills.items()
            ],
            loc="lower right",
            fontsize=9.5,
        )
    title = cost_title(plans)
    bills = listed(_spoken(row) for row in _rows(plans))
    return finish(ax, title=title, alt=f"Stacked bar chart of monthly cost. {title}: {bills}.")


def _fills(plans: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Give each component that costs anything a colour and a hatch, the largest first."""
    sums: dict[str, float] = {}
    for row in _rows(plans):
        for name, usd in _parts(row):
            sums[name] = sums.get(name, 0.0) + usd
    ordered = sorted(sums, key=lambda name: -sums[name])
    return {
        name: (_FILLS[place % len(_FILLS)], _HATCHES[place % len(_HATCHES)])
        for place, name in enumerate(ordered)
    }


def _parts(row: dict[str, Any]) -> list[tuple[str, float]]:
    """Add up the lines of a bill by their component."""
    sums: dict[str, float] = {}
    for line in row["components"]:
        if not is_missing(line["usd"]):
            sums[line["name"]] = sums.get(line["name"], 0.0) + float(line["usd"])
    return [(name, usd) for name, usd in sums.items() if usd > 0]


def _spoken(row: dict[str, Any]) -> str:
    if is_missing(row["monthly_usd"]):
        return f"{label(row['provider'])} unknown"
    made_of = ", ".join(f"{label(name)} {money(usd)}" for name, usd in _parts(row))
    return (
        f"{label(row['provider'])} {money(float(row['monthly_usd']))}"
        + (f" ({made_of})" if made_of else "")
        + ("" if row["feasible"] else " (not possible)")
    )


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _cost_bar(ax: Axes, place: int, row: dict[str, Any], fills: dict[str, tuple[str, str]]) -> None:
    if is_missing(row["monthly_usd"]):
        ax.annotate(
            "price not published",
            (0, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=MUTED,
            fontsize=9,
        )
        return
    monthly, feasible = float(row["monthly_usd"]), bool(row["feasible"])
    if feasible:
        left = 0.0
        for name, usd in _parts(row):
            colour, hatch = fills[name]
            ax.barh(
                place, usd, left=left, height=0.55, color=colour, hatch=hatch, edgecolor="white"
            )
            left += usd
    else:
        ax.barh(place, monthly, height=0.55, color="white", edgecolor=GREY, linestyle=":")
    low, high = _range(row, monthly)
    if high > low:
        ax.plot([low, high], [place, place], color=INK, linewidth=1.4, marker="|", markersize=7)
    words = money(monthly) if feasible else f"{money(monthly)}: not possible"
    ax.annotate(
        words,
        (max(monthly, high), place),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=9.5,
        color=INK if feasible else MUTED,
    )


def _range(row: dict[Any, Any], monthly: float) -> tuple[float, float]:
    low, high = row.get("low_usd"), row.get("high_usd")
    return (
        monthly if is_missing(low) else float(str(low)),
        monthly if is_missing(high) else float(str(high)),
    )


def cost_title(plans: pd.DataFrame) -> str:
    """Say who is cheapest among the plans that can hold the workload."""
    possible = plans[plans["feasible"].astype(bool) & plans["monthly_usd"].notna()]
    if possible.empty:
        return "No plan of the price book can hold this workload"
    best = possible.sort_values("monthly_usd").iloc[0]
    dearest = possible.sort_values("monthly_usd").iloc[-1]
    return (
        f"From {money(float(best['monthly_usd']))} ({label(best['provider'], 22)}) to "
        f"{money(float(dearest['monthly_usd']))} ({label(dearest['provider'], 22)}) a month"
    )


@styled
def plot_break_even(curve: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each provider's bill against storage, traffic or people, and what there is now.

    Parameters
    ----------
    curve
        What `regtools.break_even` gives.
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax, height=4.4)
    known = curve.dropna(subset=["monthly_usd"])
    if known.empty:
        return empty(ax, "No plan was priced.")
    over = str(known["over"].iloc[0])
    shown = _cheapest_lines(known, "amount", float(known["now"].iloc[0]))
    ends = _lines(ax, shown, "amount")
    now = float(known["now"].iloc[0])
    ax.axvline(now, color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
    ax.annotate(
        "now",
        (now, ax.get_ylim()[1]),
        xytext=(3, -2),
        textcoords="offset points",
        va="top",
        color=MUTED,
    )
    ax.set_xlabel(f"{_AXES.get(over, over)}{_left_out(known, shown)}")
    title = _break_even_title(known)
    most = float(known["amount"].max())
    bills = listed(f"{end.words} {money(end.y)}" for end in sorted(ends, key=lambda end: end.y))
    alt = f"Line chart of monthly cost against {_AXES.get(over, over)}. {title}. At {most:,.0f}: {bills}."
    return finish(ax, title=title, alt=alt)


def _unsure(grade: object) -> str:
    """Mark what stands on an uncertain price; of grades in a column, U is the greatest."""
    return " (U)" if grade == "U" else ""


def _cheapest_lines(rows: pd.DataFrame, across: str, place: float) -> pd.DataFrame:
    """Keep the providers that cost least at a place: dearer ones would flatten all the others."""
    near = rows.assign(_away=(rows[across] - place).abs()).sort_values("_away", kind="stable")
    here = near.drop_duplicates("provider").sort_values("monthly_usd", kind="stable")
    kept = set(here["provider"].head(_MOST_LINES))
    return rows[rows["provider"].isin(kept)]


def _left_out(rows: pd.DataFrame, shown: pd.DataFrame) -> str:
    every, kept = rows["provider"].nunique(), shown["provider"].nunique()
    return "" if every == kept else f" (the {kept} cheapest of {every})"


def _lines(ax: Axes, rows: pd.DataFrame, across: str) -> list[LineEnd]:
    """Draw a line for each provider, and name it at its end."""
    ends: list[LineEnd] = []
    for index, (provider, part) in enumerate(rows.groupby("provider", sort=False)):
        colour = SERIES[index % len(SERIES)]
        ordered = part.sort_values(across)
        ax.plot(
            ordered[across],
            ordered["monthly_usd"].astype(float),
            color=colour,
            linestyle=_DASHES[index % len(_DASHES)],
            linewidth=1.9,
        )
        if {"low_usd", "high_usd"} <= set(ordered.columns):
            high = ordered["high_usd"].astype(float).fillna(ordered["monthly_usd"].astype(float))
            ax.fill_between(
                ordered[across], ordered["low_usd"].astype(float), high, color=colour, alpha=0.13
            )
        last = float(ordered["monthly_usd"].iloc[-1])
        words = f"{label(provider, 26)}{_unsure(ordered['grade'].max())}"
        ends.append(LineEnd(ordered[across].iloc[-1], last, words, colour))
    label_ends(ax, ends)
    money_axis(ax, "y")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=float(rows[across].min()))
    ax.set_ylabel("dollars a month")
    ax.spines["bottom"].set_color(LINE)
    return ends


def _break_even_title(curve: pd.DataFrame) -> str:
    low, high = curve["amount"].min(), curve["amount"].max()
    cheapest = [
        str(part.loc[part["monthly_usd"].astype(float).idxmin(), "provider"])
        for part in (curve[curve["amount"] == low], curve[curve["amount"] == high])
    ]
    unit = _SHORT.get(str(curve["over"].iloc[0]), "")
    if cheapest[0] == cheapest[1]:
        return f"{label(cheapest[0], 30)} is the cheapest at both ends, up to {high:,.0f} {unit}"
    return (
        f"{label(cheapest[0], 24)} is cheapest at first, {label(cheapest[1], 24)} "
        f"with {high:,.0f} {unit}"
    )


@styled
def plot_cost_over_time(months: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how bills grow with the registry, with the band of the trend and of the prices.

    Parameters
    ----------
    months
        What `regtools.cost_over_time` gives.
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax, height=4.4)
    known = months[months["feasible"].astype(bool)].dropna(subset=["monthly_usd"])
    if known.empty:
        return empty(ax, "No plan holds this workload.")
    shown = _cheapest_lines(known, "month", float(known["month"].min()))
    ends = _lines(ax, shown, "month")
    band = "months from now; band: range of the trend and of the prices"
    ax.set_xlabel(f"{band}{_left_out(known, shown)}")
    last = int(known["month"].max())
    bills = listed(f"{end.words} {money(end.y)}" for end in sorted(ends, key=lambda end: end.y))
    title = _growing_title(shown)
    return finish(
        ax,
        title=title,
        alt=f"Line chart of bills over {last} months. {title}. At the end: {bills}.",
    )


def _growing_title(months: pd.DataFrame) -> str:
    first, last = months["month"].min(), months["month"].max()
    sums = [
        months[months["month"] == month].set_index("provider")["monthly_usd"].astype(float)
        for month in (first, last)
    ]
    risen = (sums[1] - sums[0]).dropna()
    if risen.empty or risen.abs().max() < 1:
        return f"No bill changes much in {last} months"
    name = str(risen.abs().idxmax())
    return (
        f"{label(name, 30)} goes from {money(sums[0][name])} to {money(sums[1][name])} "
        f"a month in {last} months"
    )
