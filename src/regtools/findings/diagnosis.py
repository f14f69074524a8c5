"""What a diagnosis says first: the root cause and its remedy."""

from __future__ import annotations

import pandas as pd

from regtools.findings._box import Finding, Findings, KeyNumber
from regtools.lights import stage_word

_SEVERITIES = {"fail": "critical", "warn": "warning"}


def diagnosis_findings(checks: pd.DataFrame) -> Findings:
    """Turn the stages of one diagnosis into a box: the root cause first, then what needs a look.

    Parameters
    ----------
    checks
        A diagnosis' frame: stage, status, code, ms, summary, remedy.
    """
    rows = checks[checks["status"].isin(list(_SEVERITIES))]
    rows = rows.sort_values("status", key=lambda column: column != "fail", kind="stable")
    found = [
        Finding(
            severity=_SEVERITIES[str(row["status"])],
            code=str(row["code"]),
            subject=stage_word(row["stage"]),
            summary=str(row["summary"]),
            remedy=str(row["remedy"]),
        )
        for row in rows.to_dict("records")
    ]
    failed = checks[checks["status"] == "fail"]
    if failed.empty:
        said = "Every stage that was tried answers." if len(checks) else "Nothing was looked at."
        found.append(Finding(severity="ok" if len(checks) else "info", code="FINE", summary=said))
    tried = checks[checks["status"] != "skipped"]
    took = float(tried["ms"].sum())
    return Findings(
        found,
        [
            KeyNumber(name="stages", value=len(tried), label="Stages", note="tried"),
            KeyNumber(
                name="ms", value=round(took, 1), label="Took", note="milliseconds, all stages"
            ),
            KeyNumber(
                name="warnings",
                value=int((checks["status"] == "warn").sum()),
                label="Worth a look",
                note="beside the root cause" if not failed.empty else "nothing failed",
            ),
        ],
    )
