"""The storage report's sentences follow the numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from tests.support.frames import HOSTILE, REGISTRY, growth_frames, usage_frame
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


def test_what_was_not_read_whole_is_at_least_so_much() -> None:
    labels = [
        growth_findings(growth_frames(), usage_frame().assign(complete=whole)).key_numbers[0].label
        for whole in (True, False)
    ]
    assert labels == ["Stored", "Stored at least"]


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
    (fine,) = [finding for finding in findings.findings if finding.code == "CAPACITY_FINE"]
    assert fine.summary == f"{REGISTRY} uses 19% of its capacity of 1.00 TB."


def test_without_a_capacity_nothing_is_said_of_it() -> None:
    assert not {"CAPACITY_FINE", "CAPACITY_SOON"} & set(
        codes(growth_findings(growth_frames(), usage_frame()))
    )


def test_the_trend_comes_with_its_range() -> None:
    findings = growth_findings(growth_frames(), usage_frame())
    (trend,) = [finding for finding in findings.findings if finding.code == "TREND"]
    assert trend.summary == f"{REGISTRY} grows by about 30.0 GB a month."
    assert "between 15.0 GB and 45.0 GB (80 %)" in trend.remedy
    assert trend.remedy.endswith("what came has stayed so far.")


def test_a_step_is_told_with_the_repository_that_made_it() -> None:
    findings = growth_findings(growth_frames(), usage_frame()).findings
    (step,) = [finding for finding in findings if finding.code == "STEP"]
    assert step.severity == "info"
    assert "fell by 10.0 GB at once, seen on 24 Oct 2026" in step.summary
    assert HOSTILE in step.summary


def limit(kind: str, *, days: float, name: str = "", soonest: float = math.nan) -> pd.DataFrame:
    frames = growth_frames(capacity=1e12, days_until_full=1.0)
    return frames.limits.assign(
        kind=kind, name=name, days_until=days, soonest_days_until=soonest, used_bytes=10**11
    )


def test_a_quota_is_a_limit_with_a_name_and_counts_as_full() -> None:
    frames = growth_frames()
    frames.limits = pd.concat(
        [limit("price", days=2.0, name="acr/storage"), limit("quota", days=20.4, name="team")]
    )
    findings = growth_findings(frames, usage_frame())
    assert codes(findings)["CAPACITY_SOON"] == "critical"
    (full,) = [found for found in findings.findings if found.code == "CAPACITY_SOON"]
    assert "its quota of 1.00 TB for team in about 20 days" in full.summary
    numbers = {number.name: number.plain() for number in findings.key_numbers}
    assert numbers["days_until_full"] == 20


@pytest.mark.parametrize(("days", "told"), [(2.0, True), (400.0, False), (math.nan, False)])
def test_a_price_step_is_told_when_it_is_near_and_never_alarms(days: float, told: bool) -> None:
    frames = growth_frames()
    frames.limits = limit("price", days=days, name="acr/storage-basic")
    findings = growth_findings(frames, usage_frame())
    assert (codes(findings).get("PRICE_STEP") == "info") is told
    assert "days_until_full" not in {number.name for number in findings.key_numbers}


def test_a_quota_without_a_trend_says_how_much_is_used() -> None:
    frames = growth_frames()
    frames.limits = limit("quota", days=math.nan)
    (fine,) = [f for f in growth_findings(frames, usage_frame()).findings if f.severity == "ok"]
    assert "uses 10% of its quota of 1.00 TB" in fine.summary


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


def test_each_registrys_own_numbers_are_data() -> None:
    frames = growth_frames(capacity=1e12, days_until_full=60.2)
    (row,) = growth_findings(frames, usage_frame()).to_dict()["registries"]
    assert row == {
        "registry": REGISTRY,
        "physical_bytes": 190 * 10**9,
        "complete": True,
        "growth_month_bytes": 30 * 10**9,
        "days_until_full": 60,
    }
    unknown = growth_frames()
    unknown.forecast = unknown.forecast.head(0)
    (row,) = growth_findings(unknown, usage_frame()).to_dict()["registries"]
    assert set(row) == {"registry", "physical_bytes", "complete"}


def test_what_the_analysis_notes_is_passed_on() -> None:
    findings = growth_findings(growth_frames(), usage_frame()).findings
    assert [f.remedy for f in findings if f.code == "NOTES"] == ["A note on the past."]


def test_an_empty_history_is_a_sentence() -> None:
    frames = growth_frames()
    for name in ("series", "by_repository", "forecast", "ahead", "steps", "limits"):
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
