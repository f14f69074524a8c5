"""What a run did, step by step, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from regtools.markup import SEVERITIES, severity_rank
from regtools.reports import Report

OUTCOMES: Final = ("ok", "failed", "skipped")
EXIT_FINE: Final = 0
EXIT_FINDING: Final = 1
EXIT_UNFINISHED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done, or was not."""

    step: str
    """``scan``, ``diagnose``, ``report``, ``publish``, ``metrics``, ``notify`` or ``tidy``."""
    subject: str
    """A registry, a report, a place, a receiver."""
    outcome: str
    """One of `OUTCOMES`."""
    seconds: float
    code: str = ""
    summary: str = ""


@dataclass(slots=True, kw_only=True)
class Night:
    """A run, as far as it came."""

    started_at: datetime
    fail_on: str = "critical"
    """From which severity on a finding counts: ``warning``, ``critical`` or ``never``."""
    seconds: float = 0.0
    steps: list[Step] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    sheet: str = ""
    """Where all registries stand on one sheet: where reports are published, else here; empty: no
    report was made."""

    @property
    def failed(self) -> list[Step]:
        """What could not be finished."""
        return [step for step in self.steps if step.outcome == "failed"]

    @property
    def status(self) -> str:
        """The worst severity of all reports."""
        found = {report.worst for report in self.reports}
        return next((severity for severity in SEVERITIES if severity in found), "ok")

    @property
    def has_finding(self) -> bool:
        """Whether a finding is at the threshold or above."""
        return self.fail_on != "never" and severity_rank(self.status) <= severity_rank(self.fail_on)

    @property
    def exit_code(self) -> int:
        """3: something could not be finished; 1: a finding; 0: fine."""
        if self.failed:
            return EXIT_UNFINISHED
        return EXIT_FINDING if self.has_finding else EXIT_FINE

    @property
    def line(self) -> str:
        """Everything in one line."""
        counts = {
            severity: sum(
                finding.get("severity") == severity
                for report in self.reports
                for finding in report.findings
            )
            for severity in ("critical", "warning")
        }
        scanned = [step for step in self.steps if step.step == "scan" and step.outcome == "ok"]
        parts = [
            f"{len(scanned)} registries read",
            f"{len(self.reports)} reports",
            f"{counts['critical']} critical",
            f"{counts['warning']} warnings",
        ]
        missing = "; ".join(
            f"{step.step} {step.subject}: {step.summary} [{step.code}]" for step in self.failed
        )
        state = "could not finish" if self.failed else "finding" if self.has_finding else "fine"
        return f"regtools: {state} in {self.seconds:.0f} s: {', '.join(parts)}" + (
            f". Not finished: {missing}" if missing else "."
        )

    def to_dict(self) -> dict[str, object]:
        """Give everything as plain data."""
        return {
            "started_at": self.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "seconds": round(self.seconds, 3),
            "status": self.status,
            "exit_code": self.exit_code,
            "summary": self.line,
            "sheet": self.sheet,
            "steps": [
                {
                    "step": step.step,
                    "subject": step.subject,
                    "outcome": step.outcome,
                    "seconds": round(step.seconds, 3),
                    "code": step.code,
                    "summary": step.summary,
                }
                for step in self.steps
            ],
            "reports": [
                {
                    "name": one.name,
                    "status": one.worst,
                    "page": str(one.page.resolve()),
                    "findings": [dict(finding) for finding in one.findings],
                    "key_numbers": dict(one.key_numbers),
                }
                for one in self.reports
            ],
        }
