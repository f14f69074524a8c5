"""Growth is measured where there are snapshots, reconstructed before, and foreseen with care."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.inventories import NOON, REGISTRY, Shelf, inventories, layer, publish

from regtools.analyses.growth import (
    BY_REPOSITORY,
    FORECAST,
    SERIES,
    forecast,
    growth,
    sizes_of_states,
)
from regtools.analyses.reach import Reach
from regtools.analyses.states import states_of
from regtools.analyses.usage import sizes_of_registries, sizes_of_repositories, usage
from regtools.engine import Workspace
from regtools.errors import ConfigError
from regtools.history import History
from regtools.schema import DedupScope, Inventory, SnapshotRow

IMAGE = 600
"""Bytes of a test image beside its layers: manifest and config."""


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def stored(sizes: Mapping[str, int], *, created_at: datetime | None = None) -> Shelf:
    """Give a repository `app` with a tag for each size, that many bytes each."""
    shelf = Shelf()
    for tag, size in sizes.items():
        image = shelf.image(layer(tag, size - IMAGE), name=tag, created_at=created_at)
        shelf.tag("app", tag, image)
    return shelf


def daily(
    history: History, sizes: list[int], *, odd: Callable[[int], bool] = lambda _: False
) -> None:
    """Publish a snapshot a day, the last at noon of `NOON`; those that are `odd` are incomplete."""
    for day, size in enumerate(sizes):
        publish(
            history,
            stored({"v1": size}).inventory(),
            taken_at=NOON - timedelta(days=len(sizes) - 1 - day),
            complete=not odd(day),
        )


def test_each_snapshot_is_a_point_that_says_what_usage_said_then(history: History) -> None:
    daily(history, [1000, 2000, 1500])
    series = growth(history).series
    assert list(series["physical_bytes"]) == [1000, 2000, 1500]
    assert list(series["basis"]) == ["measured"] * 3
    for row in series.to_dict("records"):
        then = usage(history, by="registry", at=row["taken_at"]).to_dict("records")[0]
        for name in ("registry", "logical_bytes", "physical_bytes", "tags", "complete"):
            assert row[name] == then[name]


def test_a_steady_growth_is_foreseen(history: History) -> None:
    daily(history, [1000 + 100 * day for day in range(30)])
    found = growth(history, forecast_days=30, capacity=4900)
    (row,) = found.forecast.to_dict("records")
    assert (row["model"], row["points"], row["days_observed"]) == ("line", 30, 29.0)
    assert row["bytes_per_day"] == pytest.approx(100)
    assert row["low_bytes_per_day"] == pytest.approx(100)
    assert row["forecast_bytes"] == 3900 + 3000
    assert row["days_until_full"] == pytest.approx(10)
    assert row["measured_at"] == NOON
    assert list(found.ahead["likely_bytes"]) == [3900 + 100 * day for day in range(1, 31)]
    assert list(found.ahead["at"]) == [NOON + timedelta(days=day) for day in range(1, 31)]
    assert found.steps.empty


def test_one_spike_does_not_bend_the_trend(history: History) -> None:
    sizes = [1000 + 100 * day for day in range(60)]
    sizes[5] *= 50
    daily(history, sizes)
    found = growth(history)
    (row,) = found.forecast.to_dict("records")
    assert row["bytes_per_day"] == pytest.approx(100)
    assert row["low_bytes_per_day"] <= row["bytes_per_day"] <= row["high_bytes_per_day"]
    assert list(found.steps["change_bytes"]) == [75_000 - 1400, 1600 - 75_000]


def test_a_step_is_found_named_and_left_out_of_the_trend(history: History) -> None:
    for day in range(60):
        shelf = stored({"v1": 1000 + 10 * day})
        if day >= 20:
            image = shelf.image(layer("moved", 50_000), name="moved")
            shelf.tag("moved-here", "v1", image)
        publish(history, shelf.inventory(), taken_at=NOON - timedelta(days=59 - day))
    found = growth(history)
    (step,) = found.steps.to_dict("records")
    assert step["repository"] == "moved-here"
    assert step["change_bytes"] == step["repository_change_bytes"] + 10 > 50_000
    assert (step["since"], step["until"]) == (
        NOON - timedelta(days=40),
        NOON - timedelta(days=39),
    )
    (row,) = found.forecast.to_dict("records")
    assert row["bytes_per_day"] == pytest.approx(10)
    assert row["forecast_bytes"] == found.series["physical_bytes"].iloc[-1] + 900


@pytest.mark.parametrize(
    ("days", "odd"),
    [
        (range(0, 200, 3), ()),  # the last quarter is enough
        (range(0, 300, 20), ()),  # it is not: the time before counts, too
        ([*range(0, 90, 4), *range(150, 400, 9)], (0, 1)),  # the newest are not complete
        ((0, 100), ()),
    ],
)
def test_the_forecast_alone_is_that_of_growth(
    history: History, days: Iterable[int], odd: tuple[int, ...]
) -> None:
    for place, day in enumerate(days):
        shelf = stored({"v1": 90_000 - 100 * day + 977 * day % 50})
        publish(
            history,
            shelf.inventory(),
            taken_at=NOON - timedelta(days=day),
            complete=place not in odd,
        )
    other = Shelf(registry="other.example.com")
    publish(history, other.inventory(), registry=other.registry)
    for ahead in (30, 200):
        alone = forecast(history, forecast_days=ahead, capacity=100_000)
        whole = growth(history, forecast_days=ahead, capacity=100_000).forecast
        pd.testing.assert_frame_equal(alone, whole)


def test_the_forecast_alone_is_that_of_growth_also_where_the_newest_sizes_are_not_known(
    history: History,
) -> None:
    for day in range(0, 150, 5):
        shelf = stored({"v1": 90_000 - 100 * day + 977 * day % 50})
        if day < 30:
            shelf.tag("old", "1", shelf.image(layer("schema 1", None)))
        publish(history, shelf.inventory(), taken_at=NOON - timedelta(days=day))
    pd.testing.assert_frame_equal(forecast(history), growth(history).forecast)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("a.example.com", "b.example.com")),
            inventories(unknown_sizes=True),
            st.sampled_from(get_args(DedupScope)),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_forecast_starts_from_the_sizes_that_usage_counts(
    scans: list[tuple[str, Inventory, DedupScope, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(folder)
        for day, (name, inventory, scope, complete) in enumerate(scans):
            when = NOON + timedelta(days=day)
            publish(
                history,
                inventory,
                registry=name,
                dedup_scope=scope,
                complete=complete,
                taken_at=when,
            )
        states = states_of(history.snapshots())
        found = sizes_of_states(history, states)
        reach = Reach(history, {state.number: state.snapshots for state in states})
        whole = sizes_of_registries(reach, sizes_of_repositories(reach))
    wanted = whole.sort_values(["registry", "state"], ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted[list(found.columns)])


def test_the_forecast_looks_back_further_only_where_it_must(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[tuple[str, datetime]] = []

    class Watched(Workspace):
        def __init__(self, store: History, snapshots: Sequence[SnapshotRow]) -> None:
            looked_at.extend((row.registry, row.taken_at) for row in snapshots)
            super().__init__(store, snapshots)

    monkeypatch.setattr("regtools.analyses.growth.Workspace", Watched)
    scans = {"daily": range(0, 150, 9), "rare": range(0, 360, 40), "new": range(9)}
    for name, days in scans.items():
        for day in days:
            inventory = stored({"v1": 90_000 - 100 * day}).inventory()
            publish(history, inventory, registry=name, taken_at=NOON - timedelta(days=day))
    assert forecast(history)["registry"].tolist() == ["daily", "rare"]
    wanted = {"daily": range(0, 91, 9), "rare": scans["rare"]}
    assert sorted(looked_at) == sorted(
        (name, NOON - timedelta(days=day)) for name, days in wanted.items() for day in days
    )


def test_of_several_scans_a_day_the_last_one_counts(history: History) -> None:
    for day in range(30):
        for hours, size in ((0, 9000), (6, 1000 + 100 * day)):
            when = NOON - timedelta(days=29 - day, hours=6 - hours)
            publish(history, stored({"v1": size}).inventory(), taken_at=when)
    (row,) = growth(history).forecast.to_dict("records")
    assert (row["points"], row["model"]) == (30, "line")
    assert row["bytes_per_day"] == pytest.approx(100)


def test_the_trend_is_that_of_the_last_quarter(history: History) -> None:
    past = dict.fromkeys((400, 300, 200), 5000)
    recent = {days: 9000 - 100 * days for days in range(70, -1, -10)}
    for days, size in {**past, **recent}.items():
        inventory = stored({"v1": size}).inventory()
        publish(history, inventory, taken_at=NOON - timedelta(days=days))
    (row,) = growth(history, forecast_days=30).forecast.to_dict("records")
    assert (row["points"], row["days_observed"]) == (8, 70.0)
    assert row["bytes_per_day"] == pytest.approx(100)
    # Who looks a year ahead looks a year back.
    (row,) = growth(history, forecast_days=365).forecast.to_dict("records")
    assert row["points"] == 10


def test_a_capacity_may_be_a_text_and_empty_means_unknown(history: History) -> None:
    daily(history, [1000 + 100 * day for day in range(30)])
    assert growth(history, capacity="2.9kB").forecast["capacity_bytes"].tolist() == [2900.0]
    for unknown in (None, ""):
        forecast = growth(history, capacity=unknown).forecast
        assert forecast[["capacity_bytes", "days_until_full"]].isna().all(axis=None)
    with pytest.raises(ConfigError):
        growth(history, capacity="much")


def test_a_full_registry_is_full_today_and_a_shrinking_one_never(history: History) -> None:
    daily(history, [9000 - 100 * day for day in range(30)])
    assert growth(history, capacity=6000).forecast["days_until_full"].tolist() == [0.0]
    assert growth(history, capacity=10_000).forecast["days_until_full"].isna().all()


@pytest.mark.parametrize(
    ("days", "words"),
    [((0, 40), "there are 2 over 40 days"), (range(28), "there are 28 over 27 days")],
)
def test_too_few_points_or_days_give_a_note_and_no_forecast(
    history: History, days: Iterable[int], words: str
) -> None:
    for day in days:
        inventory = stored({"v1": 1000 + day}).inventory()
        publish(history, inventory, taken_at=NOON - timedelta(days=day))
    grown = growth(history, capacity=5000)
    assert grown.forecast.empty
    assert grown.ahead.empty
    (note,) = [note for note in grown.notes if "no forecast" in note]
    assert note.endswith(f"over at least 28 days; {words}.")


def test_to_look_further_ahead_than_back_is_said(history: History) -> None:
    daily(history, [1000 + 100 * day for day in range(40)])
    assert any("looks 90 days ahead from 39 days" in note for note in growth(history).notes)
    assert not any("ahead" in note for note in growth(history, forecast_days=30).notes)


def test_incomplete_snapshots_are_shown_but_not_used(history: History) -> None:
    sizes = [1000 + 100 * day for day in range(32)]
    sizes[30] = sizes[31] = 700
    daily(history, sizes, odd=lambda day: day >= 30)
    grown = growth(history)
    assert grown.series["complete"].tolist() == [True] * 30 + [False] * 2
    (row,) = grown.forecast.to_dict("records")
    assert (row["points"], row["physical_bytes"]) == (30, 3900)
    assert row["bytes_per_day"] == pytest.approx(100)
    assert grown.by_repository["last_bytes"].tolist() == [3900]
    assert any("2 of 32 points are not complete" in note for note in grown.notes)


def test_the_time_before_is_reconstructed_month_by_month(history: History) -> None:
    shelf = Shelf()
    base = layer("base", 1000)
    for tag, made in (
        ("1", datetime(2026, 8, 10, tzinfo=UTC)),
        ("2", datetime(2026, 10, 31, tzinfo=UTC)),
    ):
        shelf.tag("app", tag, shelf.image(base, layer(tag, 50), name=tag, created_at=made))
    shelf.tag("new", "1", shelf.image(layer("n", 1), created_at=datetime(2026, 11, 20, tzinfo=UTC)))
    publish(history, shelf.inventory())
    grown = growth(history)
    earlier = grown.series[grown.series["basis"] == "reconstructed"]
    assert [
        (when.month, size)
        for when, size in zip(earlier["taken_at"], earlier["physical_bytes"], strict=True)
    ] == [
        (9, 1650),
        (10, 1650),
        (11, 2300),
    ]
    assert earlier["logical_bytes"].tolist() == [1650, 1650, 3300]
    assert earlier["tags"].tolist() == [1, 1, 2]
    assert earlier["repositories"].tolist() == [1, 1, 1]
    assert not earlier["complete"].any()
    assert grown.series.iloc[-1]["basis"] == "measured"
    assert any("reconstructed" in note for note in grown.notes)


@pytest.mark.parametrize(
    "made", [datetime(1970, 1, 1, tzinfo=UTC), NOON + timedelta(days=400), None]
)
def test_an_unbelievable_date_reconstructs_nothing(history: History, made: datetime | None) -> None:
    publish(history, stored({"v1": 1000}, created_at=made).inventory())
    assert growth(history).series["basis"].tolist() == ["measured"]


def test_the_registrys_own_date_is_believed_before_the_images(history: History) -> None:
    shelf = Shelf()
    old = shelf.image(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    shelf.tag("app", "1", old, pushed_at=datetime(2026, 9, 15, tzinfo=UTC))
    publish(history, shelf.inventory())
    assert [when.month for when in growth(history).series["taken_at"]] == [10, 11, 11]


def test_a_reconstruction_never_exceeds_what_the_first_snapshot_holds(history: History) -> None:
    made = datetime(2026, 3, 3, tzinfo=UTC)
    publish(
        history, stored({"a": 900, "b": 1000}, created_at=made).inventory(), dedup_scope="unknown"
    )
    series = growth(history).series
    assert set(series["physical_bytes"]) == {1900}
    assert set(series["logical_bytes"]) == {1900}


def test_what_grew_is_told_by_repository_with_the_tags_that_came_and_went(history: History) -> None:
    first = stored({"v1": 1000, "v2": 2000})
    first.tag("gone", "1", first.image(layer("gone", 400)))
    publish(history, first.inventory(), taken_at=NOON - timedelta(days=1))
    publish(history, stored({"v2": 2000, "v3": 5000, "v4": 700}).inventory())
    rows = growth(history).by_repository.drop(columns="registry").to_numpy().tolist()
    assert rows == [["app", 3000, 7700, 4700, 2, 1], ["gone", 1000, 0, -1000, 0, 1]]


def test_one_snapshot_is_a_point_and_no_growth(history: History) -> None:
    daily(history, [1000])
    grown = growth(history)
    assert len(grown.series) == 1
    assert grown.by_repository["grown_bytes"].tolist() == [0]


def namespaces_nightly(history: History) -> None:
    """Scan two namespaces on each of four nights, the second one from the third night on."""
    for night in range(4):
        for minutes, name in enumerate(("ops", "web")):
            if name == "web" and night < 2:
                continue
            shelf = Shelf()
            shelf.tag(f"{name}/app", "1", shelf.image(layer(name, 400), name=name))
            when = NOON + timedelta(days=night, minutes=minutes)
            publish(history, shelf.inventory(), namespace=name, taken_at=when)


def test_namespaces_of_one_night_are_one_point(history: History) -> None:
    namespaces_nightly(history)
    series = growth(history).series
    assert series["physical_bytes"].tolist() == [1000, 1000, 2000, 2000]


def test_a_point_before_a_namespace_was_scanned_is_not_complete(history: History) -> None:
    namespaces_nightly(history)
    grown = growth(history)
    assert grown.series["complete"].tolist() == [False, False, True, True]
    assert grown.by_repository["grown_bytes"].tolist() == [0, 0]


def test_a_namespace_inside_a_scanned_whole_adds_no_missing_part() -> None:
    rows = [snapshot("", 0), snapshot("web", 1), snapshot("", 2)]
    assert [state.is_partial for state in states_of(rows)] == [False] * 3


def snapshot(namespace: str, day: int) -> SnapshotRow:
    return SnapshotRow(
        snapshot=str(day),
        registry=REGISTRY,
        namespace=namespace,
        kind="distribution",
        taken_at=NOON + timedelta(days=day),
        complete=True,
        requests=1,
        seconds=1.0,
        dedup_scope="registry",
    )


def test_registries_are_followed_apart(history: History) -> None:
    daily(history, [1000 + 100 * day for day in range(30)])
    other = Shelf(registry="other.example.com")
    publish(history, other.inventory(), registry=other.registry)
    grown = growth(history)
    assert set(grown.series["registry"]) == {REGISTRY, other.registry}
    assert grown.forecast["registry"].tolist() == [REGISTRY]
    assert set(growth(history, registry=REGISTRY).series["registry"]) == {REGISTRY}


def test_at_forgets_what_came_later(history: History) -> None:
    daily(history, [1000, 2000, 3000])
    assert len(growth(history, at=NOON - timedelta(hours=30)).series) == 1


def test_an_unknown_scope_is_admitted(history: History) -> None:
    publish(history, stored({"v1": 1000}).inventory(), dedup_scope="unknown")
    assert any("the most it can be" in note for note in growth(history).notes)


def test_an_empty_history_gives_typed_empty_frames(history: History) -> None:
    grown = growth(history, capacity="1TB")
    for frame, columns in (
        (grown.series, SERIES),
        (grown.by_repository, BY_REPOSITORY),
        (grown.forecast, FORECAST),
    ):
        assert frame.empty
        assert dict(frame.dtypes.astype(str)) == columns
    assert grown.notes == ()


def test_frames_have_their_types(history: History) -> None:
    daily(history, [1000 + 100 * day for day in range(10)])
    grown = growth(history)
    assert dict(grown.series.dtypes.astype(str)) == SERIES
    assert dict(grown.forecast.dtypes.astype(str)) == FORECAST
    assert dict(grown.by_repository.dtypes.astype(str)) == BY_REPOSITORY
