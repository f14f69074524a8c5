"""Tables that a person can act on: which repository, and what to ask its owners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from regtools.tables import SEVERITIES, is_missing
from regtools.units import format_bytes, format_usd

if TYPE_CHECKING:
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


def open_findings(health: pd.DataFrame) -> pd.DataFrame:
    """List the findings that need a hand, the most urgent first, with the way out.

    Parameters
    ----------
    health
        What `regtools.health` gives.

    Returns
    -------
    DataFrame
        severity, registry, subject, summary, remedy, threshold.
    """
    ranks = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    found = health[health["severity"] != "ok"]
    ordered = found.sort_values("severity", key=lambda column: column.map(ranks), kind="stable")
    columns = ["severity", "registry", "subject", "summary", "remedy", "threshold"]
    return ordered[columns].reset_index(drop=True)


def plan_table(cost: pd.DataFrame) -> pd.DataFrame:
    """List every plan: its bill, the range that is left, and what keeps it from being chosen.

    Parameters
    ----------
    cost
        What `regtools.cost` gives.

    Returns
    -------
    DataFrame
        provider, plan, monthly_usd, range, grade, edition, verdict.
    """
    rows = cost.to_dict("records")
    return pd.DataFrame(
        {
            "provider": cost["provider"],
            "plan": cost["plan"],
            "monthly_usd": cost["monthly_usd"],
            "range": [_range(row) for row in rows],
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
    return "No price is published" if is_missing(row["monthly_usd"]) else "Possible"


def source_table(lines: pd.DataFrame) -> pd.DataFrame:
    """List the lines of bills with where and when each price was read.

    Parameters
    ----------
    lines
        What `regtools.component_table` gives.

    Returns
    -------
    DataFrame
        provider, component, quantity, unit, rate, monthly_usd, grade, checked, source.
    """
    columns = ["provider", "component", "quantity", "unit", "rate", "monthly_usd"]
    shown = lines[[*columns, "grade", "checked", "source"]].copy()
    shown["rate"] = [_rate(rate) for rate in lines["rate"]]
    shown["checked"] = [date.fromisoformat(day) for day in lines["checked"]]
    return shown.reset_index(drop=True)


def _rate(rate: object) -> str:
    return "unknown" if is_missing(rate) else f"${rate}"
