"""How long the stages of many diagnoses took, and how often they failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from regtools.collect.diagnosis import Diagnosis

COLUMNS: Final = ("stage", "runs", "failures", "p50_ms", "p95_ms", "p99_ms")


def latency(diagnoses: Sequence[Diagnosis]) -> pd.DataFrame:
    """Add up what was watched.

    Returns
    -------
    DataFrame
        A row a stage, in their order: stage, runs (in which it was tried), failures, p50_ms, p95_ms,
        p99_ms (of those that went well; NaN: none was measured). Percentiles are nearest-rank:
        times that really occurred.
    """
    checks = [check for diagnosis in diagnoses for check in diagnosis.checks]
    stages = dict.fromkeys(check.stage for check in checks)
    rows = []
    for stage in stages:
        tried = [one for one in checks if one.stage == stage and one.status != "skipped"]
        times = sorted(
            one.ms for one in tried if one.ms is not None and one.status in ("ok", "warn")
        )
        failures = sum(one.status == "fail" for one in tried)
        rows.append((stage, len(tried), failures, *(_rank(times, p) for p in (50, 95, 99))))
    kinds = {"runs": "int64", "failures": "int64"} | dict.fromkeys(COLUMNS[3:], "float64")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(kinds)


def _rank(times: Sequence[float], percent: int) -> float:
    """Give the smallest time that so many percent do not exceed."""
    if not times:
        return float("nan")
    return times[max(0, -(-len(times) * percent // 100) - 1)]
