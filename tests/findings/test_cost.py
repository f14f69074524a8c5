"""The cost report's sentences: the cheapest possible plan, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.support.frames import HOSTILE, cost_frame

from regtools.analyses.comparison.answer import Answer
from regtools.findings import Finding, cost_findings

ANSWER = Answer(
    stored_bytes=100 * 10**9,
    egress_bytes=10**9,
    provider=HOSTILE,
    plan="large",
    monthly_usd=Decimal(120),
    today_usd=Decimal(400),
    changes=("From 5 people on, Dear is cheaper.",),
)


def found(code: str, **changes: object) -> list[Finding]:
    frame = cost_frame().assign(**changes)
    return [finding for finding in cost_findings(frame, ANSWER).findings if finding.code == code]


def test_the_first_sentence_is_the_answer() -> None:
    (cheapest,) = found("CHEAPEST")
    assert cheapest.summary == (
        f"You store 100 GB and move 1.00 GB a month; the cheapest is {HOSTILE} (large) at "
        "$120.00 a month; today's is $400.00."
    )
    assert cheapest.remedy == "From 5 people on, Dear is cheaper."


def test_todays_bill_is_a_number_where_it_is_known() -> None:
    numbers = {one.name: one for one in cost_findings(cost_frame(), ANSWER).key_numbers}
    assert numbers["today_usd"].value == 400
    unknown = replace(ANSWER, today_usd=None)
    numbers = {one.name: one for one in cost_findings(cost_frame(), unknown).key_numbers}
    assert (numbers["today_usd"].value, numbers["today_usd"].note) == (None, "not known")


def test_a_plan_that_growth_makes_too_small_is_a_warning() -> None:
    assert found("PLAN_GETS_TOO_SMALL") == []
    (small,) = found("PLAN_GETS_TOO_SMALL", fits_months=[36, 0, 7, 36])
    assert small.severity == "warning"
    assert "for 7 more months" in small.summary
    assert small.remedy == "Dear (only) holds 36 months of it."


def test_a_range_is_told() -> None:
    (cheapest,) = found("CHEAPEST", low_usd=100.0)
    assert cheapest.summary.endswith("leaves a range from $100.00 to $120.00.")


def test_a_free_plan_comes_with_a_warning_about_promises() -> None:
    (cheapest,) = found("CHEAPEST", monthly_usd=[400.0, 5.0, 0.0, None])
    assert cheapest.remedy.endswith("A note on large.")


def test_an_uncertain_price_is_a_warning() -> None:
    assert found("PRICE_UNCERTAIN") == []
    assert [finding.severity for finding in found("PRICE_UNCERTAIN", grade="C")] == ["warning"]
    assert len(found("PRICE_UNCERTAIN", high_usd=300.0)) == 1


def test_the_next_provider_is_compared_by_the_year() -> None:
    (following,) = found("NEXT")
    assert following.summary == (
        "Next is Dear (only) at $400.00 a month, $3,360.00 a year more. What is not certain "
        "leaves a range from $300.00 to $500.00."
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
    assert cheapest.summary.endswith("It may be more.")
    assert len(found("PRICE_UNCERTAIN", high_usd=None)) == 1


def test_the_same_images_may_take_more_elsewhere() -> None:
    (stored,) = found("STORED_DIFFERENTLY")
    assert stored.summary.endswith("and 200 GB at Dear.")
    assert found("STORED_DIFFERENTLY", storage_gb=100.0) == []


def test_an_incomplete_inventory_makes_lower_bounds() -> None:
    (incomplete,) = found("INCOMPLETE", complete=False)
    assert incomplete.severity == "warning"


def test_no_possible_plan_is_critical() -> None:
    findings = cost_findings(cost_frame().assign(feasible=False), ANSWER)
    assert findings.status == "critical"
    assert {number.name: number.plain() for number in findings.key_numbers} == {
        "today_usd": 400,
        "cheapest_usd": None,
        "cheapest_paid_usd": None,
        "dearest_provider_usd": None,
        "possible_plans": 0,
    }


def test_the_key_numbers_are_dollars() -> None:
    numbers = {
        number.name: number.plain() for number in cost_findings(cost_frame(), ANSWER).key_numbers
    }
    assert numbers == {
        "today_usd": 400,
        "cheapest_usd": 120,
        "cheapest_paid_usd": 120,
        "dearest_provider_usd": 400,
        "possible_plans": 2,
    }
