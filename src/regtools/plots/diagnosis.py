"""A diagnosis as a waterfall: which stage took how long, and where the way ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes

from regtools.lights import STATUS_WORDS, stage_word
from regtools.plots._canvas import (
    INK,
    LOOKS,
    MUTED,
    RED,
    canvas,
    empty,
    finish,
    label,
    listed,
    styled,
)

MOST_REGISTRIES: Final = 4
"""Waterfalls that one picture holds; those that need a hand come first."""
_INKS: Final = {"ok": INK, "warn": "#7a4c00", "fail": RED, "skipped": MUTED}
_THIN: Final = 0.004
"""Share of the picture's width that a stage without a time gets."""


@styled
def plot_diagnosis(checks: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw each registry's stages as a waterfall: one begins where the one before it ended.

    Parameters
    ----------
    checks
        A diagnosis' frame, or rows of the table `checks`: registry (may be missing: one registry),
        stage, status, code, ms (empty: not measured). Of many registries the four that most need
        a look are drawn.
    ax
        Axes to draw on; new ones if left out.
    """
    groups = _groups(checks)
    lines = sum(len(rows) for _, rows in groups) + (len(groups) if len(groups) > 1 else 0)
    ax = canvas(ax, height=1.4 + 0.27 * max(lines, 1))
    if not groups:
        return empty(ax, "Nothing was looked at yet: `regtools diagnose` and scans do.")
    longest = max(sum(_ms(row) for row in rows) for _, rows in groups) or 1.0
    names: list[str] = []
    for registry, rows in groups:
        if len(groups) > 1:
            ax.text(0, len(names), label(registry, 60), va="center", weight="bold", fontsize=9.5)
            names.append("")
        _waterfall(ax, rows, len(names), longest)
        names += [stage_word(row["stage"]) for row in rows]
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.tick_params(axis="y", labelcolor=INK, length=0)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0, longest * 1.32)
    ax.set_xlabel("milliseconds since the first stage began")
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    every = checks["registry"].nunique() if "registry" in checks else 1
    title = _title(groups, every)
    told = listed((_described(row) for _, rows in groups for row in rows), most=24)
    return finish(ax, title=title, alt=f"Waterfall of the stages of a diagnosis. {title}. {told}.")


def _groups(checks: pd.DataFrame) -> list[tuple[str, list[dict[Any, Any]]]]:
    """Give the registries to draw, those that need a hand first, with their rows to show."""
    if checks.empty:
        return []
    if "registry" not in checks:
        return [("", checks.to_dict("records"))]
    found = [
        (str(name), rows.to_dict("records"))
        for name, rows in checks.groupby("registry", sort=False)
    ]
    if len(found) > 1:
        # What was skipped, or is good and took no time, is in the table.
        found = [(name, [r for r in rows if _is_telling(r)]) for name, rows in found]
    found.sort(key=lambda group: _urgency(group[1]))
    return [group for group in found if group[1]][:MOST_REGISTRIES]


def _is_telling(row: dict[Any, Any]) -> bool:
    return row["status"] in ("warn", "fail") or not pd.isna(row["ms"])


def _urgency(rows: Sequence[dict[Any, Any]]) -> tuple[bool, bool, float]:
    seen = {row["status"] for row in rows}
    return "fail" not in seen, "warn" not in seen, -sum(_ms(row) for row in rows)


def _ms(row: dict[Any, Any]) -> float:
    return 0.0 if pd.isna(row["ms"]) else max(float(row["ms"]), 0.0)


def _waterfall(ax: Axes, rows: Sequence[dict[Any, Any]], top: int, longest: float) -> None:
    begun = 0.0
    for place, row in enumerate(rows, start=top):
        status, ms = str(row["status"]), _ms(row)
        looks = LOOKS.get(status, LOOKS["skipped"])
        if status != "skipped":
            ax.barh(place, max(ms, longest * _THIN), left=begun, height=0.62, lw=0.8, **looks)
        begun += ms
        words = _words(row, status)
        ax.annotate(
            words,
            (max(begun, longest * _THIN) if status != "skipped" else begun, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.8,
            color=_INKS.get(status, MUTED),
            weight="bold" if status == "fail" else "normal",
        )


def _words(row: dict[Any, Any], status: str) -> str:
    time = "" if pd.isna(row["ms"]) else f"{float(row['ms']):,.1f} ms"
    if status == "ok":
        return time
    if status == "skipped":
        return STATUS_WORDS[status]
    return "  ".join(part for part in (time, label(row["code"], 30)) if part)


def _described(row: dict[Any, Any]) -> str:
    words = STATUS_WORDS.get(str(row["status"]), str(row["status"]))
    time = "" if pd.isna(row["ms"]) else f" after {float(row['ms']):,.1f} ms"
    return f"{stage_word(row['stage'])}: {words}{time}"


def _inside(stage: object) -> str:
    """Give the word for a stage inside a sentence."""
    word = stage_word(stage)
    return word if word.isupper() else word.lower()


def _title(groups: Sequence[tuple[str, list[dict[Any, Any]]]], every: int) -> str:
    failed = [(name, row) for name, rows in groups for row in rows if row["status"] == "fail"]
    where = f" on {label(failed[0][0], 40)}" if failed and every > 1 else ""
    if failed:
        row = failed[0][1]
        return f"The way ends at {_inside(row['stage'])}{where}: {label(row['code'])}"
    whole = f"Every stage answers on all {every} registries" if every > 1 else "Every stage answers"
    if any(row["status"] == "warn" for _, rows in groups for row in rows):
        return f"{whole}; some need a look"
    slowest = max((row for _, rows in groups for row in rows), key=_ms)
    if _ms(slowest) == 0:
        return whole
    return f"{whole}; {_inside(slowest['stage'])} takes longest, {_ms(slowest):,.0f} ms"
