"""Pictures of cost: who is cheapest, what the bill is made of, how it moves with traffic."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

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

_DASHES: Final = ("-", "--", "-.", ":", (0, (6, 2)), (0, (1, 1)))
_HATCHES: Final = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oo")


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
    """Draw each provider's cheapest plan, with the range that uncertain prices leave.

    Parameters
    ----------
    cost
        What `regtools.cost` gives.
    ax
        Axes to draw on; new ones if left out.
    """
    plans = cheapest_by_provider(cost)
    ax = canvas(ax, height=1.3 + 0.46 * max(len(plans), 1))
    if plans.empty:
        return empty(ax, "No plan was priced.")
    for place, row in enumerate(plans.to_dict("records")):
        _cost_bar(ax, place, row)
    names = [f"{label(row['provider'], 30)}\n{label(row['plan'], 30)}" for row in _rows(plans)]
    ax.set_yticks(range(len(names)), names, parse_math=False, fontsize=9)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.invert_yaxis()
    ax.margins(x=0.3)
    ax.set_xlim(left=0)
    money_axis(ax)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.set_xlabel(
        "dollars a month; line: range of the estimate; hatched: cannot hold this workload"
    )
    title = cost_title(plans)
    bills = listed(
        f"{label(row['provider'])} {'unknown' if is_missing(row['monthly_usd']) else money(row['monthly_usd'])}"
        + ("" if row["feasible"] else " (not possible)")
        for row in _rows(plans)
    )
    return finish(ax, title=title, alt=f"Bar chart of monthly cost by provider. {title}: {bills}.")


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _cost_bar(ax: Axes, place: int, row: dict[Any, Any]) -> None:
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
    style = (
        {"color": BLUE}
        if feasible
        else {"color": "white", "edgecolor": GREY, "hatch": "////", "linewidth": 0.8}
    )
    ax.barh(place, monthly, height=0.55, **style)
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
        f"From {money(float(best['monthly_usd']))} ({label(best['provider'], 30)}) to "
        f"{money(float(dearest['monthly_usd']))} ({label(dearest['provider'], 30)}) a month"
    )


@styled
def plot_cost_components(components: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what each provider's bill is made of.

    Parameters
    ----------
    components
        Columns provider, component and monthly_usd: one row a line of a bill.
    ax
        Axes to draw on; new ones if left out.
    """
    bills = components.pivot_table(
        index="provider", columns="component", values="monthly_usd", aggfunc="sum", sort=False
    )
    bills = bills.astype(float).fillna(0.0)
    bills = bills.loc[bills.sum(axis=1).sort_values().index, bills.sum() > 0]
    ax = canvas(ax, height=1.6 + 0.4 * max(len(bills), 1))
    if bills.empty or bills.columns.empty:
        return empty(ax, "No bill has a line above zero.")
    left = pd.Series(0.0, index=bills.index)
    fills = (BLUE, PALE, "#7b8794", "#e0b07a", "#c9d3dc", "#5f8f74", "#d9dee4")
    for index, name in enumerate(bills.columns):
        ax.barh(
            range(len(bills)),
            bills[name],
            left=left,
            height=0.6,
            label=label(name),
            color=fills[index % len(fills)],
            hatch=_HATCHES[index % len(_HATCHES)],
            edgecolor="white",
            linewidth=0.5,
        )
        left += bills[name]
    ax.set_yticks(range(len(bills)), [label(name, 26) for name in bills.index], parse_math=False)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    money_axis(ax)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", visible=True)
    ax.set_xlabel("dollars a month")
    ax.legend(loc="best", fontsize=9.5)
    biggest = str(bills.sum().idxmax())
    share = bills[biggest].sum() / bills.to_numpy().sum()
    title = f"The largest part of these bills is {label(biggest)}: {share:.0%} of all together"
    totals = listed(f"{label(name)} {money(total)}" for name, total in bills.sum(axis=1).items())
    return finish(ax, title=title, alt=f"Stacked bar chart of bills. {title}: {totals}.")


@styled
def plot_cost_sensitivity(costs: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each provider's bill as traffic out of the cloud grows.

    Parameters
    ----------
    costs
        Columns provider, egress_gb and monthly_usd.
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax, height=4.2)
    known = costs.dropna(subset=["monthly_usd"])
    if known.empty:
        return empty(ax, "No plan was priced.")
    ends: list[LineEnd] = []
    for index, (provider, rows) in enumerate(known.groupby("provider", sort=False)):
        colour = SERIES[index % len(SERIES)]
        ordered = rows.sort_values("egress_gb")
        ax.plot(
            ordered["egress_gb"],
            ordered["monthly_usd"].astype(float),
            color=colour,
            linestyle=_DASHES[index % len(_DASHES)],
            linewidth=1.9,
        )
        last = float(ordered["monthly_usd"].iloc[-1])
        ends.append(LineEnd(ordered["egress_gb"].iloc[-1], last, label(provider, 30), colour))
    label_ends(ax, ends)
    money_axis(ax, "y")
    ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    ax.set_xlabel("GB pulled from outside a month")
    ax.set_ylabel("dollars a month")
    ax.spines["bottom"].set_color(LINE)
    title = _sensitivity_title(known)
    most = float(known["egress_gb"].max())
    dearest = sorted(ends, key=lambda end: end.y)
    bills = listed(f"{end.words} {money(end.y)}" for end in dearest)
    alt = f"Line chart of monthly cost against traffic. {title}. At {most:,.0f} GB: {bills}."
    return finish(ax, title=title, alt=alt)


def _sensitivity_title(costs: pd.DataFrame) -> str:
    low, high = costs["egress_gb"].min(), costs["egress_gb"].max()
    cheapest = [
        str(part.loc[part["monthly_usd"].astype(float).idxmin(), "provider"])
        for part in (costs[costs["egress_gb"] == low], costs[costs["egress_gb"] == high])
    ]
    if cheapest[0] == cheapest[1]:
        return f"{label(cheapest[0], 30)} stays the cheapest however much is pulled"
    return (
        f"{label(cheapest[0], 24)} is cheapest at first, {label(cheapest[1], 24)} with much traffic"
    )
