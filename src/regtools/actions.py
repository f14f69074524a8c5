"""Tables that a person can act on: which repository, and what to ask its owners."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from regtools.analyses.horizon import MONTHS
from regtools.tables import is_missing, worst_first
from regtools.thresholds import Thresholds
from regtools.units import format_bytes, format_usd

if TYPE_CHECKING:
    from regtools.analyses.between import Between
    from regtools.analyses.growth import Growth

_GROWS_MOST: Final = 0.2  # of all growth
_HARDLY_OWN: Final = 0.3  # of its bytes
_MANY_TAGS: Final = 100
_FEW_TAGS: Final = 10
_LARGE_IMAGE: Final = 1_000_000_000


def repository_actions(usage: pd.DataFrame, growth: Growth | None = None) -> pd.DataFrame:
    """List repositories, the largest first, with what each frees, how it grew and what to do.

    Parameters
    ----------
    usage
        What ``regtools.usage(by="repository")`` gives.
    growth
        What `regtools.growth` gives; adds what each repository grew by.

    Returns
    -------
    DataFrame
        registry (where there are several), repository, tags, physical_bytes, exclusive_bytes,
        grown_bytes, advice, web_url (which a table shows as a link).
    """
    frame = usage.sort_values("physical_bytes", ascending=False).reset_index(drop=True)
    total = 0.0
    if growth is not None:
        keys = ["registry", "repository"]
        grown = growth.by_repository[[*keys, "grown_bytes", "added_tags"]]
        frame = frame.merge(grown, on=keys, how="left")
        total = float(grown["grown_bytes"].clip(lower=0).sum())
    frame["advice"] = [_advice(row, total) for row in frame.to_dict("records")]
    several = frame["registry"].nunique() > 1
    columns = ["repository", "tags", "physical_bytes", "exclusive_bytes", "grown_bytes", "advice"]
    columns.append("web_url")
    shown = [name for name in columns if name in frame.columns]
    return frame[(["registry"] if several else []) + shown].rename(
        columns={"physical_bytes": "stored_bytes", "exclusive_bytes": "freed_bytes"}
    )


def _advice(row: Mapping[Any, Any], total_growth: float) -> str:
    said = [
        sentence
        for sentence in (_about_growth(row, total_growth), _about_tags(row), _about_sharing(row))
        if sentence
    ]
    return " ".join(said) or "Nothing stands out."


def _about_growth(row: Mapping[Any, Any], total: float) -> str:
    grown = row.get("grown_bytes")
    if is_missing(grown) or total <= 0 or float(str(grown)) < _GROWS_MOST * total:
        return ""
    share = float(str(grown)) / total
    return f"Makes {share:.0%} of the growth: ask how many builds must stay."


def _about_tags(row: Mapping[Any, Any]) -> str:
    tags, size = int(row["tags"]), row["physical_bytes"]
    if tags >= _MANY_TAGS:
        return f"Has {tags:,} tags: keep those that run somewhere."
    if 0 < tags <= _FEW_TAGS and not is_missing(size) and size / tags >= _LARGE_IMAGE:
        return f"Has few but large images, {format_bytes(round(size / tags))} each: look at its layers."
    if tags == 0:
        return "Has no tag: what is left is only waiting for the garbage collector."
    return ""


def _about_sharing(row: Mapping[Any, Any]) -> str:
    own, size = row.get("exclusive_bytes"), row["physical_bytes"]
    if is_missing(own) or is_missing(size) or not size:
        return ""
    share = float(str(own)) / float(size)
    return "Deleting it frees little: its layers are shared." if share < _HARDLY_OWN else ""


def largest_layers(layers: pd.DataFrame) -> pd.DataFrame:
    """List blobs, the largest first, with a repository to look for each in.

    Parameters
    ----------
    layers
        What ``regtools.usage(by="layer")`` gives.

    Returns
    -------
    DataFrame
        blob, size, found_in, repositories, tags.
    """
    columns = ["blob", "size", "found_in", "repositories", "tags"]
    return layers.sort_values("size", ascending=False, ignore_index=True)[columns]


def base_images(bases: pd.DataFrame, verdict: str = "pays off") -> pd.DataFrame:
    """List base images with this verdict, what saves most first, and how many stand on each.

    Parameters
    ----------
    bases
        What `regtools.bases` gives.
    verdict
        ``pays off``, ``nearly unused`` or ``saves nothing``.

    Returns
    -------
    DataFrame
        registry (where there are several), base, platform, images, repositories, size,
        saved_bytes.
    """
    columns = ["base", "platform", "images", "repositories", "size", "saved_bytes"]
    several = bases["registry"].nunique() > 1
    shown = bases.loc[bases["verdict"] == verdict, (["registry"] if several else []) + columns]
    return shown.assign(base=shown["base"].mask(shown["base"] == "", "(no tag on it)"))


def limits_table(growth: Growth) -> pd.DataFrame:
    """List what is reached when: the capacity, quotas, sizes from which a byte costs otherwise.

    Parameters
    ----------
    growth
        What `regtools.growth` gives.

    Returns
    -------
    DataFrame
        registry (where there are several), limit (in words), limit_bytes, used_bytes, days_until,
        soonest_days, latest_days.
    """
    limits = growth.limits.rename(
        columns={"soonest_days_until": "soonest_days", "latest_days_until": "latest_days"}
    )
    words = limits["kind"].map(_LIMITS) + limits["name"].map(lambda name: name and f" ({name})")
    columns = ["limit", "limit_bytes", "used_bytes", "days_until", "soonest_days", "latest_days"]
    several = limits["registry"].nunique() > 1
    return limits.assign(limit=words)[(["registry"] if several else []) + columns]


_LIMITS: Final = {
    "capacity": "capacity as given",
    "quota": "the vendor's quota",
    "price": "another price begins",
}


def base_growth(between: Between) -> pd.DataFrame:
    """List what each base image brought with its own layers, and what belongs to none.

    Parameters
    ----------
    between
        What `regtools.growth_between` gives.

    Returns
    -------
    DataFrame
        registry (where there are several), base, platform, images, came_bytes, went_bytes.
    """
    bases = between.bases
    columns = ["base", "platform", "images", "came_bytes", "went_bytes"]
    several = bases["registry"].nunique() > 1
    shown = bases[(["registry"] if several else []) + columns]
    return shown.assign(
        base=shown["base"].mask(shown["base"] == "", "(no base image)"),
        images=bases["images"].astype("Int64").mask(bases["base"] == ""),
    )


def drift_table(drift: pd.DataFrame) -> pd.DataFrame:
    """List the tags that moved, those first that should not have.

    Parameters
    ----------
    drift
        What `regtools.tag_drift` gives.

    Returns
    -------
    DataFrame
        registry (where there are several), repository, tag, moves, days_between, last_moved_at,
        advice.
    """
    advice = [_about_drift(row) for row in drift.to_dict("records")]
    columns = ["repository", "tag", "moves", "days_between", "last_moved_at", "advice"]
    several = drift["registry"].nunique() > 1
    shown = drift.assign(advice=advice)[(["registry"] if several else []) + columns]
    fine = [sentence == _MOVES for sentence in advice]
    return shown.assign(fine=fine).sort_values("fine", kind="stable").drop(columns="fine")


_MOVES: Final = "Nothing."
_FULL_VERSION: Final = re.compile(r"v?\d+\.\d+\.\d+.*")


def _about_drift(row: Mapping[Any, Any]) -> str:
    said = []
    if row["kind"] in ("commit", "date") or (
        row["kind"] == "version" and _FULL_VERSION.fullmatch(row["tag"])
    ):
        said.append("Names one build, but was pushed over: make such tags immutable.")
    if row["returns"]:
        times = "once" if row["returns"] == 1 else f"{row['returns']:,} times"
        said.append(f"Taken back {times}: ask what was wrong.")
    return " ".join(said) or _MOVES


def open_findings(health: pd.DataFrame) -> pd.DataFrame:
    """List the findings that need a hand, the most urgent first, with the way out.

    Parameters
    ----------
    health
        What `regtools.health` gives.

    Returns
    -------
    DataFrame
        severity, registry (where there are several), subject, summary, remedy, threshold.
    """
    ordered = worst_first(health[health["severity"] != "ok"])
    several = health["registry"].nunique() > 1
    columns = ["subject", "summary", "remedy", "threshold"]
    return ordered[["severity", *(["registry"] if several else []), *columns]].reset_index(
        drop=True
    )


def threshold_table(thresholds: Thresholds) -> pd.DataFrame:
    """List the limits that health was judged by, as a table for people.

    Parameters
    ----------
    thresholds
        What was given to `regtools.health`.

    Returns
    -------
    DataFrame
        threshold (its key in ``[thresholds]`` of ``regtools.toml``), value, default (empty: the
        value is the default).
    """
    names = [one.name for one in fields(thresholds)]
    held = {name: _limit(name, getattr(thresholds, name)) for name in names}
    usual = {name: _limit(name, getattr(Thresholds(), name)) for name in names}
    return pd.DataFrame(
        {
            "threshold": names,
            "value": list(held.values()),
            "default": ["" if held[name] == usual[name] else usual[name] for name in names],
        }
    )


def _limit(name: str, value: object) -> str:
    if value is None:
        return "not given"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if name.endswith("_bytes"):
        return format_bytes(int(str(value)))
    return f"{value:.4g}" if not name.endswith("_share") else f"{value:.4g} ({value:.0%})"


def plan_table(cost: pd.DataFrame) -> pd.DataFrame:
    """List every plan: its bill, the range that is left, and what keeps it from being chosen.

    Parameters
    ----------
    cost
        What `regtools.cost` gives.

    Returns
    -------
    DataFrame
        provider, plan, monthly_usd, range, year_usd, three_years_usd, grade, edition, verdict.
    """
    rows = cost.to_dict("records")
    return pd.DataFrame(
        {
            "provider": cost["provider"],
            "plan": cost["plan"],
            "monthly_usd": cost["monthly_usd"],
            "range": [_range(row) for row in rows],
            "year_usd": cost["year_usd"],
            "three_years_usd": cost["three_years_usd"],
            "grade": cost["grade"],
            "edition": cost["edition"],
            "verdict": [_verdict(row) for row in rows],
        }
    )


def _range(row: Mapping[Any, Any]) -> str:
    low, high = row["low_usd"], row["high_usd"]
    if is_missing(low):
        return ""
    if is_missing(high):
        return f"{format_usd(low)} or more"
    return f"{format_usd(low)} to {format_usd(high)}" if high > low else ""


def _verdict(row: Mapping[Any, Any]) -> str:
    if not row["feasible"]:
        return f"Not possible: {row['why_not']}"
    if row["fits_months"] < MONTHS:
        return f"Possible for {row['fits_months']} months, then too small"
    return "No price is published" if is_missing(row["monthly_usd"]) else "Possible"


def choice_table(recommendation: pd.DataFrame) -> pd.DataFrame:
    """Show where to go, as a table for people, the best first.

    Parameters
    ----------
    recommendation
        What `regtools.recommendation` gives.

    Returns
    -------
    DataFrame
        provider, monthly_usd, three_years_usd, saves_usd, move, grade, best_for.
    """
    rows = recommendation.to_dict("records")
    return pd.DataFrame(
        {
            "provider": [_named(row) for row in rows],
            "monthly_usd": recommendation["monthly_usd"],
            "three_years_usd": recommendation["three_years_usd"],
            "saves_usd": recommendation["saves_usd"],
            "move": [_move(row) for row in rows],
            "grade": recommendation["grade"],
            "best_for": recommendation["best_for"],
        }
    )


def _named(row: Mapping[Any, Any]) -> str:
    return f"{row['provider']} ({row['plan']})"


def _move(row: Mapping[Any, Any]) -> str:
    """Say what the move takes and when it has paid for itself."""
    if not row["switch_hours"]:
        return "none: it is there"
    low, high = row["switch_low_usd"], row["switch_high_usd"]
    money = (
        "dollars unknown"
        if is_missing(low) or is_missing(high)
        else format_usd(low)
        if low == high
        else f"{format_usd(low)} to {format_usd(high)}"
    )
    back = row["pays_back_months"]
    paid = "" if is_missing(back) else f"; back in {back:.1f} months"
    return f"{row['switch_hours']:.0f} h, {money}{paid}"


def sensitivity_table(sensitivity: pd.DataFrame) -> pd.DataFrame:
    """Show which assumption moves the answer, as a table for people.

    Parameters
    ----------
    sensitivity
        What `regtools.cost_sensitivity` gives.

    Returns
    -------
    DataFrame
        assumption, instead, cheapest_then, monthly_usd, change_usd.
    """
    rows = sensitivity.to_dict("records")
    shown = sensitivity[["assumption"]].copy()
    shown["instead"] = [f"{row['instead']}, not {row['now']}" for row in rows]
    shown["cheapest_then"] = [_named(row) if row["provider"] else "none holds it" for row in rows]
    shown[["monthly_usd", "change_usd"]] = sensitivity[["monthly_usd", "change_usd"]]
    return shown


def savings_table(savings: pd.DataFrame) -> pd.DataFrame:
    """Show what cleaning up or recompressing saves, as a table for people.

    Parameters
    ----------
    savings
        What `regtools.cost_savings` gives.

    Returns
    -------
    DataFrame
        measure, provider, monthly_usd, bytes_less and saved_a_month (ranges, as texts).
    """
    rows = savings.to_dict("records")
    return pd.DataFrame(
        {
            "measure": savings["measure"],
            "provider": [_named(row) for row in rows],
            "monthly_usd": savings["monthly_usd"],
            "bytes_less": [
                _span(row["low_saved_bytes"], row["high_saved_bytes"], format_bytes) for row in rows
            ],
            "saved_a_month": [
                _span(row["low_saved_usd"], row["high_saved_usd"], format_usd) for row in rows
            ],
        }
    )


def _span(low: Any, high: Any, written: Callable[[Any], str]) -> str:
    return written(low) if low == high else f"{written(low)} to {written(high)}"


def source_table(lines: pd.DataFrame) -> pd.DataFrame:
    """List the lines of bills with where and when each price was read.

    Parameters
    ----------
    lines
        What `regtools.component_table` gives.

    Returns
    -------
    DataFrame
        provider, component, quantity, unit, unit_price, monthly_usd, grade, checked, source.
    """
    shown = lines[["provider", "component", "quantity", "unit", "monthly_usd"]].copy()
    shown.insert(4, "unit_price", [_unit_price(usd) for usd in lines["unit_price_usd"]])
    shown[["grade", "checked", "source"]] = lines[["grade", "checked", "source"]]
    shown["checked"] = [date.fromisoformat(day) for day in lines["checked"]]
    return shown.reset_index(drop=True)


def _unit_price(usd: object) -> str:
    return "unknown" if is_missing(usd) else f"${usd:g}"
