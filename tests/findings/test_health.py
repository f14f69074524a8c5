"""The health report's box: what needs a hand first, the rest counted."""

from __future__ import annotations

import pandas as pd
from tests.support.frames import health_frame

from regtools.findings import health_findings


def test_what_needs_a_hand_comes_first_and_the_good_is_counted() -> None:
    findings = health_findings(health_frame())
    assert [finding.code for finding in findings.ordered()] == [
        "TLS_EXPIRES_SOON",
        "STALE",
        "NOTE",
        "FINE",
    ]
    assert findings.findings[-1].summary == "1 other check is fine."


def test_a_sentence_names_its_registry() -> None:
    first = health_findings(health_frame()).ordered()[0]
    assert first.summary == "registry.acme.example: The certificate ends in 3 days."


def test_too_many_findings_are_counted() -> None:
    frame = pd.concat([health_frame()[lambda rows: rows["severity"] == "warning"]] * 20)
    findings = health_findings(frame, most=8)
    assert len(findings.findings) == 9
    assert findings.findings[-1].summary == "12 more findings stand in the table below."


def test_the_key_numbers_count() -> None:
    numbers = {
        number.name: number.plain() for number in health_findings(health_frame()).key_numbers
    }
    assert numbers == {"registries": 1, "critical": 1, "warning": 1, "ok": 1}


def test_no_check_at_all_is_said() -> None:
    findings = health_findings(health_frame().head(0))
    assert [finding.code for finding in findings.findings] == ["NO_CHECKS"]
    assert findings.status == "info"
