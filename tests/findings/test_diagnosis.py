"""What a diagnosis says first."""

from __future__ import annotations

from tests.support.frames import checks_frame

from regtools.findings import diagnosis_findings


def test_the_root_cause_comes_first_with_its_remedy() -> None:
    rows = checks_frame().iloc[[1, 3, 4]].assign(remedy=["renew", "spell", ""], summary="so")
    found = diagnosis_findings(rows)
    assert [(one.code, one.severity, one.remedy) for one in found.ordered()] == [
        ("DNS_FAILED", "critical", "spell"),
        ("TLS_EXPIRES_SOON", "warning", "renew"),
    ]
    assert {number.name: number.plain() for number in found.key_numbers} == {
        "stages": 2,
        "ms": 2,
        "warnings": 1,
    }


def test_where_nothing_failed_it_says_so() -> None:
    found = diagnosis_findings(checks_frame().iloc[:3])
    assert [one.code for one in found.ordered()] == ["TLS_EXPIRES_SOON", "FINE"]
    assert found.status == "warning"


def test_nothing_looked_at_is_no_good_news() -> None:
    found = diagnosis_findings(checks_frame().head(0))
    assert [one.severity for one in found.findings] == ["info"]
