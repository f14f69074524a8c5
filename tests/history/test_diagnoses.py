"""Diagnoses lie beside the snapshots: whole or not at all, read together, pruned like them."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.support.inventories import NOON, REGISTRY, Shelf, publish

from regtools.analyses.observations import checks
from regtools.errors import HistoryError
from regtools.history import History
from regtools.schema import CheckRow, DiagnosedRow, Inventory, Status

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def row(
    stage: str = "http",
    *,
    at: datetime = NOON,
    registry: str = REGISTRY,
    repository: str = "",
    status: Status = "ok",
    ms: float | None = 5.0,
) -> DiagnosedRow:
    return DiagnosedRow(
        registry=registry,
        stage=stage,
        code="HTTP_OK",
        status=status,
        ms=ms,
        summary="half \ud83d a pair",
        diagnosis=f"{at:%Y%m%dT%H%M%S}",
        taken_at=at,
        target=registry,
        repository=repository,
    )


def keep(history: History, *rows: DiagnosedRow) -> str:
    return history.diagnoses.add(rows, now=rows[0].taken_at)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def test_what_was_kept_is_read_back_in_its_order(history: History) -> None:
    assert history.diagnoses.read().num_rows == 0
    keep(history, row(at=NOON + DAY), row("listing", at=NOON + DAY, ms=None))
    keep(history, row(registry="other.example.com"))
    found = history.diagnoses.read().to_pylist()
    assert [one["registry"] for one in found] == ["other.example.com", REGISTRY, REGISTRY]
    assert found[2]["ms"] is None
    assert found[0]["summary"] == "half ? a pair"
    assert history.diagnoses.read(registry=REGISTRY).num_rows == 2
    assert history.diagnoses.read(since=NOON + HOUR).num_rows == 2
    assert history.diagnoses.read(until=NOON).num_rows == 1
    assert history.snapshots() == []
    assert history.check(now=NOON) == []


def test_a_broken_file_is_named(history: History) -> None:
    name = keep(history, row())
    (Path(history.location) / "diagnoses" / name).write_bytes(b"PAR1 no")
    with pytest.raises(HistoryError, match=name) as caught:
        history.diagnoses.read()
    assert caught.value.code == "HISTORY_UNREADABLE"
    (finding,) = history.check(now=NOON)
    assert (finding.snapshot, finding.code) == (name, "UNREADABLE")
    # Neither does pruning stop at it, nor remove it.
    assert history.diagnoses.prune(older_than=DAY, now=NOON + 9 * DAY) == 0


def test_a_full_disk_leaves_nothing(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HistoryError) as caught:
        keep(history, row())
    assert caught.value.code == "HISTORY_WRITE_FAILED"
    assert list((Path(history.location)).rglob("*.parquet")) == []


def test_what_a_dead_writer_left_is_found_and_removed(history: History) -> None:
    keep(history, row())
    left = Path(history.location) / "diagnoses" / ".incoming-x.parquet"
    left.write_bytes(b"")
    os.utime(left, (NOON.timestamp(), NOON.timestamp()))
    assert [one.code for one in history.check(now=NOON + 2 * HOUR)] == ["LEFTOVER"]
    history.diagnoses.prune(older_than=DAY, now=NOON + 2 * HOUR)
    assert not left.exists()
    assert history.check(now=NOON + 2 * HOUR) == []


def test_pruning_keeps_the_newest_of_each_registry(history: History) -> None:
    old = [keep(history, row(at=NOON - days * DAY)) for days in (9, 8, 7)]
    other = keep(history, row(at=NOON - 30 * DAY, registry="other.example.com"))
    prune = history.diagnoses.prune
    assert prune(now=NOON) == 0
    assert prune(keep_last=2, dry_run=True, now=NOON) == 1
    assert prune(keep_last=2, older_than=20 * DAY, now=NOON) == 0
    assert prune(older_than=DAY, now=NOON) == 2
    assert history.diagnoses.names() == [other, old[2]]


def look(stage: str, code: str) -> CheckRow:
    return CheckRow(registry=REGISTRY, stage=stage, code=code, status="ok")


def test_the_newest_look_at_a_stage_counts(history: History) -> None:
    seen = Shelf().inventory()
    seen.checks.extend([look("http", "OF_SCAN"), look("content", "OF_SCAN")])
    publish(history, seen, taken_at=NOON)
    assert list(checks(history)["code"]) == ["OF_SCAN"] * 2
    keep(history, row(at=NOON + HOUR), row("listing", at=NOON + HOUR, status="fail"))
    # A diagnosis of an image says nothing of the registry, however new it is.
    keep(history, row(at=NOON + DAY, repository="team/app", status="fail"))
    found = checks(history).set_index("stage")
    assert dict(found["code"]) == {"http": "HTTP_OK", "listing": "HTTP_OK", "content": "OF_SCAN"}
    assert found.loc["http", "status"] == "ok"
    assert list(checks(history, at=NOON)["code"]) == ["OF_SCAN"] * 2
    publish(history, Inventory(checks=[look("http", "LATER")]), taken_at=NOON + 2 * HOUR)
    found = checks(history).set_index("stage")
    # What only the diagnosis looked at still counts.
    assert dict(found["code"]) == {"http": "LATER", "listing": "HTTP_OK"}


def test_a_registry_that_was_only_diagnosed_has_checks(history: History) -> None:
    keep(history, row(registry="other.example.com"))
    assert list(checks(history)["registry"]) == ["other.example.com"]
    assert checks(history, registry=REGISTRY).empty
