"""What became slower, beside what the history has."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.history.test_diagnoses import keep, row
from tests.support.inventories import NOON, REGISTRY, Shelf, fresh_history, publish

from regtools.analyses.baseline import FEWEST_RUNS, MOST_RUNS, baseline
from regtools.history import History
from regtools.schema import CheckRow

MINUTE = timedelta(minutes=1)


def measured(**times: float) -> pd.DataFrame:
    rows = [{"stage": stage, "status": "ok", "ms": ms} for stage, ms in times.items()]
    return pd.DataFrame(rows)


def compared(history: History, repository: str = "", **times: float) -> pd.DataFrame:
    found = baseline(
        history, measured(**times), registry=REGISTRY, repository=repository, before=NOON
    )
    return found.set_index("stage")


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Give six looks at http: 10, 20 … 60 ms."""
    store = History(tmp_path / "history")
    for n in range(1, 7):
        keep(store, row(at=NOON - n * MINUTE, ms=10.0 * n))
    return store


def test_usual_times_are_times_that_occurred(history: History) -> None:
    (http,) = compared(history, http=61).itertuples()
    assert (http.runs, http.p50_ms, http.p95_ms) == (6, 30, 60)
    assert http.since == NOON - 6 * MINUTE
    assert http.slower


@pytest.mark.parametrize("ms", [60, 30, 1])
def test_what_occurred_before_is_not_slower(history: History, ms: float) -> None:
    assert not compared(history, http=ms).loc["http", "slower"]


def test_what_nobody_would_notice_is_not_slower(tmp_path: Path) -> None:
    store = History(tmp_path)
    for n in range(1, 9):
        keep(store, row(at=NOON - n * MINUTE, ms=1.0))
    assert not compared(store, http=20).loc["http", "slower"]
    assert compared(store, http=21.5).loc["http", "slower"]


def test_too_few_looks_tell_nothing(tmp_path: Path) -> None:
    store = History(tmp_path)
    for n in range(1, FEWEST_RUNS):
        keep(store, row(at=NOON - n * MINUTE))
    assert not compared(store, http=9000).loc["http", "slower"]
    keep(store, row(at=NOON - timedelta(hours=1)))
    assert compared(store, http=9000).loc["http", "slower"]


def test_failures_later_looks_and_other_registries_do_not_count(history: History) -> None:
    keep(history, row(at=NOON - MINUTE, ms=900, status="fail"))
    keep(history, row(at=NOON - MINUTE, ms=900, registry="other.example.com"))
    keep(history, row(at=NOON, ms=900))
    keep(history, row(at=NOON - timedelta(days=91), ms=900))
    assert compared(history, http=61).loc["http", "runs"] == 6


def test_an_image_is_compared_with_its_own_repository(tmp_path: Path) -> None:
    store = History(tmp_path)
    for n in range(1, 7):
        keep(store, row("blob", at=NOON - n * MINUTE, ms=1.0, repository="small"))
        keep(store, row("blob", at=NOON - n * MINUTE, ms=800.0, repository="large"))
    assert compared(store, "small", blob=900).loc["blob", "slower"]
    assert not compared(store, "large", blob=900).loc["blob", "slower"]
    assert compared(store, "new", blob=900).loc["blob", "runs"] == 0


def test_what_scans_measured_counts_too(history: History) -> None:
    seen = Shelf().inventory()
    seen.checks.append(
        CheckRow(registry=REGISTRY, stage="http", code="HTTP_OK", status="ok", ms=500.0)
    )
    publish(history, seen, taken_at=NOON - timedelta(days=1))
    http = compared(history, http=61).loc["http"]
    assert (http.runs, http.p95_ms) == (7, 500)


def test_the_order_is_the_diagnosis_own_and_what_failed_has_no_row(history: History) -> None:
    frame = measured(resolve=1, http=2, auth=3)
    frame.loc[len(frame)] = ["listing", "fail", 9.0]
    found = baseline(history, frame, registry=REGISTRY, before=NOON)
    assert list(found["stage"]) == ["resolve", "http", "auth"]
    assert list(found["runs"]) == [0, 6, 0]
    assert math.isnan(found["p50_ms"][0])


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=MOST_RUNS + 20))
def test_percentiles_are_nearest_rank_of_the_newest(times: list[int]) -> None:
    with fresh_history() as store:
        rows = [
            row(at=NOON - (n + 1) * MINUTE, ms=float(ms), repository="r")
            for n, ms in enumerate(times)
        ]
        keep(store, *rows)
        http = compared(store, http=1).loc["http"]
    ranked = sorted(times[:MOST_RUNS])
    assert http.runs == len(ranked)
    assert http.p50_ms == ranked[math.ceil(len(ranked) * 0.5) - 1]
    assert http.p95_ms == ranked[math.ceil(len(ranked) * 0.95) - 1]
