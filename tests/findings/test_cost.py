"""The cost report's sentences: the cheapest possible plan, and how sure that is."""

from __future__ import annotations

from tests.support.frames import HOSTILE, cost_frame

from regtools.findings import Finding, cost_findings


def found(code: str, **changes: object) -> list[Finding]:
    frame = cost_frame().assign(**changes)
    return [finding for finding in cost_findings(frame).findings if finding.code == code]


def test_the_cheapest_is_one_that_can_hold_the_workload() -> None:
    (cheapest,) = found("CHEAPEST")
    assert cheapest.summary.startswith(f"{HOSTILE} (large) is the cheapest")
    assert "$120.00 a month." in cheapest.summary


def test_a_range_is_told() -> None:
    (cheapest,) = found("CHEAPEST", low_usd=100.0)
    assert "(between $100.00 and $120.00)" in cheapest.summary


def test_a_free_plan_comes_with_a_warning_about_promises() -> None:
    (cheapest,) = found("CHEAPEST", monthly_usd=[400.0, 5.0, 0.0, None])
    assert cheapest.remedy == "A note on large."


def test_an_uncertain_price_is_a_warning() -> None:
    assert found("PRICE_UNCERTAIN") == []
    assert [finding.severity for finding in found("PRICE_UNCERTAIN", grade="C")] == ["warning"]
    assert len(found("PRICE_UNCERTAIN", high_usd=300.0)) == 1


def test_the_next_provider_is_compared_by_the_year() -> None:
    (following,) = found("NEXT")
    assert following.summary == (
        "Next is Dear (only) at $400.00 a month (between $300.00 and $500.00), "
        "$3,360.00 a year more."
    )


def test_cheaper_plans_that_are_not_possible_are_explained() -> None:
    (impossible,) = found("CHEAPER_BUT_NOT_POSSIBLE")
    assert impossible.summary == "One plan costs no more but cannot hold this workload."
    assert "private repositories" in impossible.remedy


def test_an_unknown_price_is_not_zero() -> None:
    (unpriced,) = found("UNPRICED")
    assert unpriced.summary == "No price is published for Unknown (ask)."


def test_a_bill_without_an_upper_end_says_so() -> None:
    (cheapest,) = found("CHEAPEST", high_usd=None)
    assert "$120.00 a month, or more." in cheapest.summary
    assert len(found("PRICE_UNCERTAIN", high_usd=None)) == 1


def test_the_same_images_may_take_more_elsewhere() -> None:
    (stored,) = found("STORED_DIFFERENTLY")
    assert stored.summary.endswith("and 200 GB at Dear.")
    assert found("STORED_DIFFERENTLY", storage_gb=100.0) == []


def test_an_incomplete_inventory_makes_lower_bounds() -> None:
    (incomplete,) = found("INCOMPLETE", complete=False)
    assert incomplete.severity == "warning"


def test_no_possible_plan_is_critical() -> None:
    findings = cost_findings(cost_frame().assign(feasible=False))
    assert findings.status == "critical"
    assert {number.name: number.plain() for number in findings.key_numbers} == {
        "cheapest_usd": None,
        "cheapest_paid_usd": None,
        "dearest_provider_usd": None,
        "possible_plans": 0,
    }


def test_the_key_numbers_are_dollars() -> None:
    numbers = {number.name: number.plain() for number in cost_findings(cost_frame()).key_numbers}
    assert numbers == {
        "cheapest_usd": 120,
        "cheapest_paid_usd": 120,
        "dearest_provider_usd": 400,
        "possible_plans": 2,
    }
