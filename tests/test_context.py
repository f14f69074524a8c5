"""A notebook's parameters are read once, as what the analyses take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.inventories import NOON, Shelf, publish

from regtools.analyses.reach import EARLIEST_IMAGE
from regtools.context import Provenance, moment, open_thresholds, period, selection
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import SnapshotRow
from regtools.thresholds import Thresholds


@pytest.fixture
def history(tmp_path: Path) -> History:
    store = History(tmp_path)
    for days in (3, 1):
        publish(store, Shelf().inventory(), taken_at=NOON - timedelta(days=days))
    return store


def test_nothing_given_means_everything_and_now(history: History) -> None:
    assert selection(history, location="history/") == {"registry": None, "at": None}
    assert selection(history) == {"registry": None, "at": None}


def test_the_sample_history_speaks_of_its_last_scan(history: History) -> None:
    assert selection(history, location="")["at"] == NOON - timedelta(days=1)
    assert selection(history, location="", at="2026-01-01T00:00")["at"] == datetime(
        2026, 1, 1, tzinfo=UTC
    )


def test_an_empty_sample_has_no_last_scan(tmp_path: Path) -> None:
    assert selection(History(tmp_path / "none"), location="")["at"] is None


def test_days_count_back_from_the_time_asked_for_or_the_newest_scan(history: History) -> None:
    assert period(history, 30) == {
        "registry": None,
        "since": NOON - timedelta(days=31),
        "until": None,
    }
    assert period(history, 7, at=NOON)["since"] == NOON - timedelta(days=7)
    assert period(history, 10**6)["since"] == EARLIEST_IMAGE


def test_a_date_means_the_end_of_that_day() -> None:
    assert moment("2026-11-23") == datetime(2026, 11, 23, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-11-23T10:00", "2026-11-23T10:00Z", "2026-11-23T11:00+01:00"]
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert moment(text) == datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "23.11.2026", "2026-13-01"])
def test_no_time_is_a_clear_error(history: History, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        selection(history, at=text)
    assert caught.value.code == "TIME_INVALID"


def row(*, complete: bool) -> SnapshotRow:
    return SnapshotRow(
        snapshot="s1",
        registry="<r>",
        namespace="",
        kind="distribution",
        taken_at=datetime(2026, 11, 23, tzinfo=UTC),
        complete=complete,
        requests=1,
        seconds=1.0,
        dedup_scope="registry",
    )


def test_one_incomplete_snapshot_makes_all_incomplete() -> None:
    assert Provenance([row(complete=True)]).complete
    assert not Provenance([row(complete=True), row(complete=False)]).complete
    assert not Provenance([]).complete


def test_provenance_is_an_escaped_table_and_data() -> None:
    bundle = Provenance([row(complete=True)])._repr_mimebundle_()
    assert "&lt;r&gt;" in bundle["text/html"]
    said = bundle["application/vnd.regtools.provenance+json"]
    assert said["snapshots"][0]["taken_at"] == "2026-11-23T00:00:00+00:00"


def test_thresholds_are_those_of_the_settings_where_none_is_given(tmp_path: Path) -> None:
    file = tmp_path / "regtools.toml"
    file.write_text("[thresholds]\ntags = 7\nsnapshot_warning_days = 3\n")
    limits = open_thresholds(config=file, snapshot_warning_days=None, certificate_warning_days="")
    assert limits == Thresholds(tags=7, snapshot_warning_days=3)
    assert open_thresholds(config=file, tags=9).tags == 9
    for size in ("2TB", 2 * 10**12, "2000000000000"):
        assert open_thresholds(config=file, capacity_bytes=size).capacity_bytes == 2 * 10**12


def test_a_warning_takes_along_what_is_critical(tmp_path: Path) -> None:
    file = tmp_path / "regtools.toml"
    file.write_text("")
    limits = open_thresholds(
        config=file, certificate_warning_days=3, snapshot_warning_days="8", error_days="2.5"
    )
    assert (limits.certificate_warning_days, limits.certificate_critical_days) == (3, 3)
    assert (limits.snapshot_warning_days, limits.snapshot_critical_days) == (8, 8)
    assert limits.error_days == 2.5


@pytest.mark.parametrize(
    "given",
    [{"tag": 3}, {"tags": "many"}, {"tags": -1}, {"tags": "nan"}, {"capacity_bytes": "much"}],
)
def test_a_threshold_that_is_none_is_a_clear_error(tmp_path: Path, given: dict[str, Any]) -> None:
    file = tmp_path / "regtools.toml"
    file.write_text("")
    with pytest.raises(ConfigError) as caught:
        open_thresholds(config=file, **given)
    assert caught.value.code == "THRESHOLD_INVALID"
