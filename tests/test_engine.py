"""SQL over snapshots: sees those that are asked for, gives plain types, blames the right file."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from tests.support.inventories import NOON, Shelf, layer, publish

from regtools import engine
from regtools.errors import HistoryError, RunError
from regtools.history import History
from regtools.nightly.deadline import Terminated, deadline, terminable
from regtools.schema import TABLES, SnapshotRow

HOUR = timedelta(hours=1)
FOR_MINUTES = "SELECT sum(a.range * b.range % 7) AS n FROM range(100000000) a, range(3000) b"


@pytest.fixture(autouse=True)
def _sql_instead_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_sql", lambda name: name)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "it's a [history] *?")


@pytest.fixture
def snapshots(history: History) -> list[SnapshotRow]:
    shelf = Shelf()
    shelf.tag("a", "1", shelf.image(layer("one", 1), layer("huge", 2**52), created_at=NOON))
    first = publish(history, shelf.inventory(), taken_at=NOON)
    shelf.tag("a", "2", shelf.image(layer("two", None), name=2))
    return [first, publish(history, shelf.inventory(), taken_at=NOON + HOUR)]


def test_a_view_shows_the_given_snapshots_only(
    history: History, snapshots: list[SnapshotRow]
) -> None:
    sql = "SELECT snapshot, tag FROM tags ORDER BY ALL"
    first, second = (row.snapshot for row in snapshots)
    both = engine.query(history, sql, snapshots=snapshots)
    assert both.to_numpy().tolist() == [[first, "1"], [second, "1"], [second, "2"]]
    assert len(engine.query(history, sql, snapshots=snapshots[:1])) == 1


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_a_view_also_without_any_snapshot(
    history: History, snapshots: list[SnapshotRow], table: str
) -> None:
    columns = list(engine.query(history, f"FROM {table}", snapshots=snapshots).columns)
    empty = engine.query(history, f"FROM {table}", snapshots=[])
    assert empty.empty
    assert list(empty.columns) == columns
    assert columns[0] == "snapshot"


def test_whole_numbers_stay_whole_however_duckdb_counts_them(
    history: History, snapshots: list[SnapshotRow]
) -> None:
    sql = "SELECT sum(size) AS bytes, count(*) AS layers, min(position)::UTINYINT AS first FROM layers"
    answer = engine.query(history, sql, snapshots=snapshots[:1])
    assert answer.to_dict("records") == [{"bytes": 2**52 + 1, "layers": 2, "first": 0}]
    assert {str(kind) for kind in answer.dtypes} == {"int64"}


def test_a_whole_number_that_may_be_missing_does_not_become_a_float(
    history: History, snapshots: list[SnapshotRow]
) -> None:
    sizes = engine.query(history, "SELECT size FROM layers ORDER BY size", snapshots=snapshots[1:])
    assert str(sizes["size"].dtype) == "Int64"
    assert sizes["size"].tolist() == [1, 2**52, pd.NA]


def test_other_columns_have_plain_types(history: History, snapshots: list[SnapshotRow]) -> None:
    sql = """
        SELECT 1.5 AS share, true AS yes, true AND NULL AS unsure, DATE '2026-01-02' AS day,
               created_at FROM manifests
    """
    answer = engine.query(history, sql, snapshots=snapshots[:1])
    kinds = {name: str(kind) for name, kind in answer.dtypes.items()}
    assert kinds["share"] == "float64"
    assert kinds["yes"] == "bool"
    assert kinds["unsure"] == "boolean"
    assert kinds["day"].startswith("datetime64")
    assert kinds["created_at"] == "datetime64[us, UTC]"
    assert answer["created_at"][0] == NOON


def test_days_are_days_in_utc(
    history: History, snapshots: list[SnapshotRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    sql = "SELECT strftime(taken_at, '%d %H') AS day FROM snapshots"
    assert engine.query(history, sql, snapshots=snapshots[:1])["day"][0] == "23 12"


def test_parameters_are_values_not_sql(history: History, snapshots: list[SnapshotRow]) -> None:
    sql = "SELECT count(*) AS found FROM tags WHERE repository = $repository"
    for repository, found in (("a", 3), ("' OR true --", 0)):
        answer = engine.query(
            history, sql, snapshots=snapshots, parameters={"repository": repository}
        )
        assert answer["found"][0] == found


def test_a_parameter_may_be_a_time_or_nothing(
    history: History, snapshots: list[SnapshotRow]
) -> None:
    sql = "SELECT count(*) AS found FROM snapshots WHERE taken_at > $after OR $after IS NULL"
    for after, found in ((NOON, 1), (None, 2)):
        answer = engine.query(history, sql, snapshots=snapshots, parameters={"after": after})
        assert answer["found"][0] == found


def test_a_frame_can_be_joined(history: History, snapshots: list[SnapshotRow]) -> None:
    wanted = pd.DataFrame({"tag": ["2", "3"], "weight": [5, 6]})
    sql = "SELECT sum(weight) AS weight FROM tags JOIN wanted USING (tag)"
    answer = engine.query(history, sql, snapshots=snapshots, tables={"wanted": wanted})
    assert answer["weight"][0] == 5


def test_a_broken_file_is_named(history: History, snapshots: list[SnapshotRow]) -> None:
    (name,) = history.files("layers", snapshots[1:])
    Path(name).write_bytes(b"PAR1 not at all PAR1")
    with pytest.raises(HistoryError) as caught:
        engine.query(history, "FROM layers", snapshots=snapshots)
    assert caught.value.code == "HISTORY_UNREADABLE"
    assert name in caught.value.summary
    assert "regtools history check" in caught.value.remedy


def test_a_missing_file_is_named(history: History, snapshots: list[SnapshotRow]) -> None:
    (name,) = history.files("checks", snapshots[:1])
    Path(name).unlink()
    with pytest.raises(HistoryError, match="is missing") as caught:
        engine.query(history, "FROM checks", snapshots=snapshots)
    assert name in caught.value.summary


def test_a_file_that_no_question_names_is_not_opened(
    history: History, snapshots: list[SnapshotRow]
) -> None:
    (name,) = history.files("layers", snapshots[:1])
    Path(name).unlink()
    assert len(engine.query(history, "FROM tags", snapshots=snapshots)) == 3
    with pytest.raises(HistoryError, match="is missing"):
        engine.query(history, "FROM layers", snapshots=snapshots)


def test_a_mistake_in_the_sql_is_not_blamed_on_the_history(
    history: History, snapshots: list[SnapshotRow]
) -> None:
    with pytest.raises(duckdb.Error, match="no_such_column"):
        engine.query(history, "SELECT no_such_column FROM tags", snapshots=snapshots)


def test_a_variable_of_python_is_not_a_table(
    history: History, snapshots: list[SnapshotRow]
) -> None:
    wanted = pd.DataFrame({"tag": ["2"]})
    with pytest.raises(duckdb.CatalogException, match="wanted"):
        engine.query(history, "FROM wanted", snapshots=snapshots)
    assert len(wanted) == 1


def test_no_extension_is_ever_downloaded(history: History) -> None:
    sql = "SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%_known_extensions'"
    answer = engine.query(history, sql, snapshots=[])
    assert set(answer["value"]) == {"false"}
    assert len(answer) == 2


def test_what_a_workspace_makes_is_its_own(history: History, snapshots: list[SnapshotRow]) -> None:
    with (
        engine.Workspace(history, snapshots) as first,
        engine.Workspace(history, snapshots[:1]) as second,
    ):
        for workspace, number in ((first, 1), (second, 2)):
            workspace.add("own", pd.DataFrame({"number": [number]}))
            workspace.set("number", number)
        sql = "SELECT number, getvariable('number') AS set, (SELECT count(*) FROM tags) AS tags FROM own"
        assert first.ask(sql).to_dict("records") == [{"number": 1, "set": 1, "tags": 3}]
        assert second.ask(sql).to_dict("records") == [{"number": 2, "set": 2, "tags": 1}]


def test_all_workspaces_share_one_limit_of_memory(history: History) -> None:
    with engine.Workspace(history, []) as first, engine.Workspace(history, []) as second:
        first.add("much", pd.DataFrame({"number": range(1_000_000)}))
        sql = "SELECT sum(memory_usage_bytes) > 1000000 AS seen FROM duckdb_memory()"
        assert second.ask(sql)["seen"].tolist() == [True]


def test_the_shipped_sql_is_found_by_its_name(
    history: History, snapshots: list[SnapshotRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert engine.query(history, "problems", snapshots=snapshots).empty


@contextmanager
def sent_soon(number: signal.Signals) -> Iterator[None]:
    """Send a signal to this process while the block works."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), number))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def test_ctrl_c_ends_a_long_question_as_ctrl_c(history: History) -> None:
    with pytest.raises(KeyboardInterrupt), sent_soon(signal.SIGINT):
        engine.query(history, FOR_MINUTES, snapshots=[])
    assert engine.query(history, "SELECT 1 AS one", snapshots=[])["one"][0] == 1


def test_sigterm_ends_a_long_question_as_sigterm(history: History) -> None:
    with pytest.raises(Terminated), terminable(), sent_soon(signal.SIGTERM):
        engine.query(history, FOR_MINUTES, snapshots=[])


def test_a_time_limit_ends_a_long_question_as_a_limit(history: History) -> None:
    with pytest.raises(RunError) as caught, deadline(0.5):
        engine.query(history, FOR_MINUTES, snapshots=[])
    assert caught.value.code == "RUN_TIMEOUT"
