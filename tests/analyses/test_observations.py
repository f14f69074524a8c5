"""What the newest scans saw beside bytes, read back from a history."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.inventories import NOON, REGISTRY, Shelf, layer, publish

from regtools.analyses.observations import certificates, checks, problems
from regtools.collect.diagnose import STAGES
from regtools.context import provenance
from regtools.history import History
from regtools.schema import CheckRow, ProblemRow


def check(stage: str, *, registry: str = REGISTRY, evidence: str = "") -> CheckRow:
    return CheckRow(registry=registry, stage=stage, code="X", status="ok", evidence=evidence)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Give two snapshots: yesterday's with a problem, and today's without."""
    store = History(tmp_path)
    shelf = Shelf()
    shelf.tag("team/app", "1", shelf.image(layer("app", 10)))
    before = shelf.inventory()
    before.problems.append(
        ProblemRow(registry=REGISTRY, repository="a", reference="", code="DENIED", message="no")
    )
    publish(store, before, taken_at=NOON - timedelta(days=1))
    today = shelf.inventory()
    today.checks.extend(
        [
            check("listing"),
            check("tls", evidence='{"not_after": "2026-12-01T00:00:00"}'),
            check("http"),
        ]
    )
    publish(store, today, taken_at=NOON)
    return store


def test_only_the_newest_snapshot_is_asked_for_problems(history: History) -> None:
    assert problems(history).empty
    assert list(problems(history, at=NOON - timedelta(hours=1))["code"]) == ["DENIED"]


def test_another_registry_has_no_problems(history: History) -> None:
    assert problems(history, registry="other.example", at=NOON - timedelta(hours=1)).empty


def test_checks_come_in_the_order_of_the_stages(history: History) -> None:
    assert list(checks(history)["stage"]) == ["tls", "http", "listing"]


def test_the_order_in_sql_is_the_order_of_a_diagnosis(tmp_path: Path) -> None:
    seen = Shelf().inventory()
    seen.checks.extend(check(stage) for stage in reversed(STAGES))
    store = History(tmp_path)
    publish(store, seen)
    assert list(checks(store)["stage"]) == list(STAGES)


def test_a_history_may_be_named_by_its_folder(history: History, tmp_path: Path) -> None:
    assert len(checks(tmp_path)) == len(checks(str(tmp_path))) == 3


def test_days_left_are_counted_from_now_and_not_from_the_check(history: History) -> None:
    (row,) = certificates(checks(history), now=NOON).to_dict("records")
    assert row["days_left"] == 7
    (later,) = certificates(checks(history), now=NOON + timedelta(days=30)).to_dict("records")
    assert later["days_left"] == -23


@pytest.mark.parametrize("evidence", ["", "no json", "[1]", "{}", None])
def test_a_check_without_a_certificate_has_no_row(history: History, evidence: str | None) -> None:
    frame = checks(history).assign(evidence=evidence)
    assert certificates(frame).empty


def test_the_certificate_that_ends_first_comes_first(history: History) -> None:
    frame = checks(history)
    frame["stage"] = "tls"
    frame["evidence"] = [
        json.dumps({"not_after": f"2026-12-{day}T00:00:00+00:00"}) for day in ("30", "02", "15")
    ]
    assert list(certificates(frame, now=NOON)["days_left"]) == [8, 21, 36]


def test_provenance_names_the_snapshots_that_were_used(history: History) -> None:
    today, before = provenance(history), provenance(history, at=NOON - timedelta(hours=1))
    assert today.complete
    assert not before.complete
    assert today.snapshots[0].snapshot != before.snapshots[0].snapshot
