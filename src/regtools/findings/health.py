"""What the health report says first."""

from __future__ import annotations

import pandas as pd

from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.tables import is_missing, worst_first


def health_findings(health: pd.DataFrame, *, most: int = 8) -> Findings:
    """Turn the findings of `regtools.health` into a box: what needs a hand first.

    Parameters
    ----------
    health
        What `regtools.health` gives.
    most
        At most this many findings in the box; the table below has them all.
    """
    urgent = health[health["severity"].isin(["critical", "warning"])]
    notes = health[health["severity"] == "info"]
    shown = pd.concat([_sorted(urgent), notes]).head(most)
    found = [_finding(row) for row in shown.to_dict("records")]
    left_out = len(urgent) + len(notes) - len(shown)
    if left_out:
        summary = f"{left_out} more findings stand in the table below."
        found.append(Finding(severity="info", code="MORE", summary=summary))
    return Findings([*found, *_fine(health, urgent)], _numbers(health), _registries(health))


def _registries(health: pd.DataFrame) -> list[dict[str, str]]:
    """Give each registry's status, and the first of its findings that are as bad."""
    return [
        {
            "registry": str(registry),
            "status": str(rows["severity"].iloc[0]),
            "worst": "" if rows["severity"].iloc[0] == "ok" else str(rows["summary"].iloc[0]),
        }
        for registry, every in health.groupby("registry")
        if registry and not (rows := worst_first(every)).empty
    ]


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("severity", key=lambda column: column != "critical", kind="stable")


def _finding(row: dict[object, object]) -> Finding:
    texts = {str(key): "" if is_missing(value) else str(value) for key, value in row.items()}
    return Finding(
        severity=texts["severity"],
        code=texts["finding"],
        subject=texts["subject"] or texts["registry"],
        summary=_with_subject(texts),
        remedy=texts["remedy"],
    )


def _with_subject(texts: dict[str, str]) -> str:
    """Name the registry, unless the sentence does so already."""
    registry, summary = texts["registry"], texts["summary"]
    return summary if not registry or registry in summary else f"{registry}: {summary}"


def _fine(health: pd.DataFrame, urgent: pd.DataFrame) -> list[Finding]:
    good = health[health["severity"] == "ok"]
    if health.empty:
        summary = "No check was made yet; a scan makes them on its way."
        return [Finding(severity="info", code="NO_CHECKS", summary=summary)]
    if good.empty:
        return []
    other = " other" if not urgent.empty else ""
    noun = "check is" if len(good) == 1 else "checks are"
    summary = f"{len(good)}{other} {noun} fine."
    return [Finding(severity="ok", code="FINE", summary=summary)]


def _numbers(health: pd.DataFrame) -> list[KeyNumber]:
    counts = health["severity"].value_counts()
    registries = health.loc[health["registry"].astype(bool), "registry"].nunique()
    notes = {
        "critical": ("Critical", "act now"),
        "warning": ("Warnings", "act this month"),
        "ok": ("Good", "checks without a finding"),
    }
    return [
        KeyNumber(name="registries", value=registries, label="Registries", note="looked at"),
        *(
            KeyNumber(name=severity, value=int(counts.get(severity, 0)), label=words, note=note)
            for severity, (words, note) in notes.items()
        ),
    ]
