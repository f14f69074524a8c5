"""The storage report's sentences follow the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.frames import REGISTRY, growth_frames, usage_frame
from tests.support.inventories import NOON
from tests.support.what_if import what_if_history

from regtools.analyses.retention import retention
from regtools.findings import Findings, growth_findings
from regtools.policies import Rule


def codes(findings: Findings) -> dict[str, str]:
    return {finding.code: finding.severity for finding in findings.findings}


def test_the_key_numbers_are_the_newest_ones() -> None:
    findings = growth_findings(growth_frames(), usage_frame())
    numbers = {number.name: number.plain() for number in findings.key_numbers}
    assert numbers == {
        "physical_bytes": 190 * 10**9,
        "growth_month_bytes": 30 * 10**9,
        "saved_share": 0.6667,
    }


@pytest.mark.parametrize(
    ("days", "severity"),
    [(-1.0, "critical"), (10.0, "critical"), (60.0, "warning"), (400.0, "info")],
)
def test_the_nearer_the_capacity_the_worse(days: float, severity: str) -> None:
    findings = growth_findings(growth_frames(capacity=1e12, days_until_full=days), usage_frame())
    full = [finding for finding in findings.findings if finding.code.startswith("CAPACITY")]
    assert [finding.severity for finding in full] == [severity]
    assert "1.00 TB" in full[0].summary
    assert ("perhaps never" in full[0].summary) is (days > 0)


def test_a_capacity_out_of_reach_is_good() -> None:
    findings = growth_findings(growth_frames(capacity=1e12), usage_frame())
    assert codes(findings)["CAPACITY_FINE"] == "ok"


def test_without_a_capacity_nothing_is_said_of_it() -> None:
    assert not {"CAPACITY_FINE", "CAPACITY_SOON"} & set(
        codes(growth_findings(growth_frames(), usage_frame()))
    )


def test_the_trend_comes_with_its_range() -> None:
    findings = growth_findings(growth_frames(), usage_frame())
    (trend,) = [finding for finding in findings.findings if finding.code == "TREND"]
    assert trend.summary == f"{REGISTRY} grows by about 30.0 GB a month."
    assert "between 15.0 GB and 45.0 GB" in trend.remedy


def test_one_repository_that_outgrows_all_is_named() -> None:
    (grower,) = [
        finding
        for finding in growth_findings(growth_frames(), usage_frame()).findings
        if finding.code == "ONE_GROWER"
    ]
    assert grower.severity == "warning"
    assert grower.summary.startswith("web alone makes 74% of the growth: 60.0 GB")


def test_an_incomplete_scan_is_a_warning_and_a_lower_bound() -> None:
    usage = usage_frame().assign(complete=False)
    (warning,) = [
        finding
        for finding in growth_findings(growth_frames(), usage).findings
        if finding.code == "INCOMPLETE"
    ]
    assert warning.severity == "warning"
    assert "lower bound" in warning.summary


def test_what_the_analysis_notes_is_passed_on() -> None:
    findings = growth_findings(growth_frames(), usage_frame()).findings
    assert [f.remedy for f in findings if f.code == "NOTES"] == ["A note on the past."]


def test_an_empty_history_is_a_sentence() -> None:
    frames = growth_frames()
    for name in ("series", "by_repository", "forecast"):
        setattr(frames, name, getattr(frames, name).head(0))
    frames.notes = ()
    findings = growth_findings(frames, usage_frame().head(0))
    assert [finding.code for finding in findings.findings] == ["NOTHING_STORED"]


def test_where_sharing_is_unknown_nothing_is_said_of_it() -> None:
    usage = usage_frame().assign(dedup_scope="unknown")
    assert "SHARED" not in codes(growth_findings(growth_frames(), usage))


def test_hardly_anything_shared_is_not_worth_a_sentence() -> None:
    usage = usage_frame()
    usage["exclusive_bytes"] = usage["physical_bytes"]
    assert "SHARED" not in codes(growth_findings(growth_frames(), usage))


def test_what_a_rule_would_free_is_said_with_its_bound(tmp_path: Path) -> None:
    history = what_if_history(tmp_path / "history", complete=False)
    found = retention(history, Rule(keep_last=4), now=NOON)
    findings = growth_findings(growth_frames(), usage_frame(), found)
    numbers = {number.name: number.plain() for number in findings.key_numbers}
    assert numbers["freed_bytes"] == found.bytes_freed
    assert numbers["freed_month_usd"] == float(found.monthly_usd_freed or 0)
    (could,) = [finding for finding in findings.findings if finding.code == "COULD_FREE"]
    assert could.summary.startswith("A clean-up could free at most 400 MB")
    assert "“beyond the 4 newest”" in could.remedy
    assert "Nothing was deleted" in could.remedy
