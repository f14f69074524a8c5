"""Pictures of health: how long certificates last, how old the tags are."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from regtools.analyses.ages import UNDATED
from regtools.plots._canvas import (
    BLUE,
    GREY,
    INK,
    LOOKS,
    MUTED,
    PALE,
    canvas,
    empty,
    finish,
    label,
    listed,
    styled,
)
from regtools.thresholds import Thresholds
from regtools.units import format_bytes


@styled
def plot_certificates(
    certificates: pd.DataFrame, *, thresholds: Thresholds | None = None, ax: Axes | None = None
) -> Axes:
    """Draw how many days each registry's certificate still lasts.

    Parameters
    ----------
    certificates
        Columns registry and days_left.
    thresholds
        From when on a certificate is a warning, and critical; left out: the defaults.
    ax
        Axes to draw on; new ones if left out.
    """
    shown = certificates.dropna(subset=["days_left"]).sort_values("days_left")
    ax = canvas(ax, height=1.5 + 0.4 * max(len(shown), 1))
    if shown.empty:
        return empty(ax, "No registry was reached over TLS: there is no certificate to watch.")
    days = shown["days_left"].astype(float)
    limits = thresholds or Thresholds()
    warning, critical = limits.certificate_warning_days, limits.certificate_critical_days
    for place, day in enumerate(days):
        looks = LOOKS["fail" if day < critical else "warn" if day < warning else "ok"]
        ax.barh(place, max(day, 0), height=0.6, lw=0.8, **looks)
        words = f"{day:.0f} days" if day >= 0 else f"expired {-day:.0f} days ago"
        ax.annotate(
            words, (max(day, 0), place), xytext=(5, 0), textcoords="offset points", va="center"
        )
    ax.set_yticks(range(len(shown)), [label(name) for name in shown["registry"]], parse_math=False)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.invert_yaxis()
    ax.margins(x=0.18)
    ax.set_xlim(left=0)
    ax.grid(visible=False)
    ax.axvline(warning, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.set_xlabel(f"days left; dashed: {warning:g} days, time to renew")
    first = shown.iloc[0]
    title = (
        f"Next to end: {label(first['registry'], 40)}, in {first['days_left']:.0f} days"
        if first["days_left"] >= 0
        else f"The certificate of {label(first['registry'])} has ended"
    )
    names = listed(
        f"{label(row['registry'])} {row['days_left']:.0f} days" for row in shown.to_dict("records")
    )
    return finish(ax, title=title, alt=f"Bar chart of days left by registry. {title}: {names}.")


@styled
def plot_age(ages: pd.DataFrame, *, of: str = "tags", ax: Axes | None = None) -> Axes:
    """Draw how many tags or bytes are how old.

    Parameters
    ----------
    ages
        What `regtools.age_profile` gives; several registries are added up.
    of
        ``tags``, or a column of bytes such as ``physical_bytes``.
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax, height=3.0)
    sizes = ages.groupby("age", sort=False)[of].sum()
    total = int(sizes.sum())
    if total == 0:
        return empty(ax, "No tag tells when its image was made.")
    dated = sizes[sizes.index != UNDATED]
    shown = dated if dated.sum() == total else sizes
    # The darker, the older: old tags are what a person can act on.
    shades = [PALE, PALE, "#6f9fcf", BLUE, "#123a61"]
    colours = [shades[min(index, len(shades) - 1)] for index in range(len(dated))]
    bars = ax.bar(range(len(shown)), shown, color=[*colours, GREY][: len(shown)], width=0.66)
    for bar in bars[len(dated) :]:
        bar.set(hatch="////", edgecolor="white", linewidth=0)
    for place, count in enumerate(shown):
        ax.annotate(
            f"{_amount(of, count)}\n{count / total:.0%}",
            (place, count),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
        )
    ax.set_xticks(range(len(shown)), [label(age) for age in shown.index], parse_math=False)
    ax.tick_params(axis="x", labelcolor=INK, length=0)
    ax.margins(y=0.24)
    ax.yaxis.set_visible(False)
    ax.grid(visible=False)
    old = int(dated.iloc[-1]) / total
    title = (
        f"{old:.0%} of {total:,} tags are older than a year"
        if of == "tags"
        else f"{old:.0%} of {format_bytes(total)} is held only by images over a year old"
    )
    counts = listed(f"{age} {_amount(of, count)}" for age, count in shown.items())
    what = "tags" if of == "tags" else "bytes"
    return finish(ax, title=title, alt=f"Bar chart of {what} by age. {title}: {counts}.")


def _amount(of: str, count: float) -> str:
    return f"{int(count):,}" if of == "tags" else format_bytes(int(count))
