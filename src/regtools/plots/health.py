"""Pictures of health: which stage answers, how long certificates last, how old the tags are."""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from regtools.plots._canvas import (
    BLUE,
    GREEN,
    INK,
    LINE,
    MUTED,
    ORANGE,
    PALE,
    RED,
    canvas,
    empty,
    finish,
    label,
    listed,
    styled,
)

STAGES: Final = (
    "resolve",
    "connect",
    "tls",
    "http",
    "auth",
    "listing",
    "manifest",
    "blob",
    "limits",
)
_STAGE_WORDS: Final = {
    "resolve": "name",
    "connect": "connection",
    "tls": "certificate",
    "http": "protocol",
    "auth": "sign-in",
    "listing": "listing",
    "manifest": "manifest",
    "blob": "layer",
    "limits": "limits",
}
# Word, fill, ink: the word carries the meaning, the colour repeats it.
_STATUS: Final = {
    "ok": ("good", "#e3f1e8", GREEN),
    "warn": ("look", "#fbe9c8", "#7a4c00"),
    "fail": ("FAILED", RED, "white"),
    "skipped": ("skipped", "#f0f2f4", MUTED),
}


@styled
def plot_checks(checks: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a matrix: each registry a row, each stage of the way to an image a column.

    Parameters
    ----------
    checks
        Rows of the table `checks`: registry, stage, code, status.
    ax
        Axes to draw on; new ones if left out.
    """
    registries = list(dict.fromkeys(checks["registry"])) if not checks.empty else []
    ax = canvas(ax, height=1.3 + 0.62 * max(len(registries), 1))
    if not registries:
        return empty(ax, "No check was made yet: `regtools scan` makes them on its way.")
    stages = [stage for stage in STAGES if stage in set(checks["stage"])]
    latest = checks.drop_duplicates(["registry", "stage"], keep="last")
    for row in latest.to_dict("records"):
        if row["stage"] in stages:
            place = (stages.index(row["stage"]), registries.index(row["registry"]))
            _check_cell(ax, place, str(row["status"]), str(row["code"]))
    ax.set_xlim(-0.5, len(stages) - 0.5)
    ax.set_ylim(len(registries) - 0.5, -0.5)
    ax.set_xticks(range(len(stages)), [_STAGE_WORDS[stage] for stage in stages], parse_math=False)
    ax.set_yticks(
        range(len(registries)), [label(name, 30) for name in registries], parse_math=False
    )
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelcolor=INK)
    ax.grid(visible=False)
    ax.spines[["bottom"]].set_visible(False)
    title = _checks_title(latest, len(registries))
    bad = latest[latest["status"].isin(["fail", "warn"])]
    worst = listed(
        f"{label(row['registry'])}, {_STAGE_WORDS.get(row['stage'], row['stage'])}: {row['code']}"
        for row in bad.to_dict("records")
    )
    return finish(ax, title=title, alt=f"Table of checks, a row a registry. {title}. {worst}")


def _check_cell(ax: Axes, place: tuple[int, int], status: str, code: str) -> None:
    word, fill, ink = _STATUS.get(status, _STATUS["skipped"])
    column, row = place
    ax.add_patch(
        Rectangle((column - 0.47, row - 0.42), 0.94, 0.84, facecolor=fill, edgecolor=LINE, lw=0.6)
    )
    weight = "bold" if status in ("warn", "fail") else "normal"
    ax.text(column, row - 0.1, word, ha="center", va="center", color=ink, weight=weight)
    ax.text(column, row + 0.2, label(code, 17), ha="center", va="center", color=ink, fontsize=6.5)


def _checks_title(checks: pd.DataFrame, registries: int) -> str:
    failed = int(checks.loc[checks["status"] == "fail", "registry"].nunique())
    warned = int(checks.loc[checks["status"] == "warn", "registry"].nunique())
    of = f"{registries} registries" if registries > 1 else "the registry"
    if failed:
        return f"Something failed on {failed} of {of}" if registries > 1 else "A check failed"
    if warned:
        return (
            f"All stages answer; {warned} of {of} need a look"
            if registries > 1
            else ("All stages answer; one needs a look")
        )
    return f"All stages answer on {of}"


@styled
def plot_certificates(certificates: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many days each registry's certificate still lasts.

    Parameters
    ----------
    certificates
        Columns registry and days_left.
    ax
        Axes to draw on; new ones if left out.
    """
    shown = certificates.dropna(subset=["days_left"]).sort_values("days_left")
    ax = canvas(ax, height=1.5 + 0.4 * max(len(shown), 1))
    if shown.empty:
        return empty(ax, "No registry was reached over TLS: there is no certificate to watch.")
    days = shown["days_left"].astype(float)
    colours = [RED if day < 7 else ORANGE if day < 30 else BLUE for day in days]
    ax.barh(range(len(shown)), days.clip(lower=0), color=colours, height=0.6)
    for place, day in enumerate(days):
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
    ax.axvline(30, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.set_xlabel("days left; dashed: 30 days, time to renew")
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
def plot_age(ages: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how many tags are how old.

    Parameters
    ----------
    ages
        Columns age (words, youngest first) and tags (how many).
    ax
        Axes to draw on; new ones if left out.
    """
    ax = canvas(ax, height=3.0)
    total = int(ages["tags"].sum()) if not ages.empty else 0
    if total == 0:
        return empty(ax, "No tag tells when its image was made.")
    # The darker, the older: old tags are what a person can act on.
    shades = [PALE, PALE, "#6f9fcf", BLUE, "#123a61"]
    colours = [shades[min(index, len(shades) - 1)] for index in range(len(ages))]
    ax.bar(range(len(ages)), ages["tags"], color=colours, width=0.66)
    for place, count in enumerate(ages["tags"]):
        ax.annotate(
            f"{int(count):,}\n{count / total:.0%}",
            (place, count),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
        )
    ax.set_xticks(range(len(ages)), [label(age) for age in ages["age"]], parse_math=False)
    ax.tick_params(axis="x", labelcolor=INK, length=0)
    ax.margins(y=0.24)
    ax.yaxis.set_visible(False)
    ax.grid(visible=False)
    old = int(ages["tags"].iloc[-1])
    title = f"{old / total:.0%} of {total:,} tags are older than a year"
    counts = listed(f"{row['age']} {row['tags']:,}" for row in ages.to_dict("records"))
    return finish(ax, title=title, alt=f"Bar chart of tags by age. {title}: {counts}.")
