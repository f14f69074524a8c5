"""A trend tells what was put into it, keeps its range, and refuses what is too little."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.backtest import SHAPES, back_test, table

from regtools.analyses.trend import LINE, MIN_DAYS, MIN_POINTS, WALK, Trend, days_until, trend_of

A_MONDAY = 20_002.1
PAGE = Path(__file__).parents[2] / "docs" / "forecast.md"


def found(values: list[float], *, days: list[float] | None = None) -> Trend:
    trend = trend_of([A_MONDAY + day for day in days or range(len(values))], values)
    assert trend is not None
    return trend


@pytest.mark.parametrize("name", SHAPES)
def test_the_range_holds_what_was_held_back_and_the_error_is_the_smallest(name: str) -> None:
    score = back_test(SHAPES[name], seen=90, ahead=30)
    assert 0.7 <= score.coverage <= 0.9
    assert score.error < min(score.error_last_value, score.error_end_points)


def test_the_page_shows_what_the_back_test_says() -> None:
    made = table(seen=90, ahead=30).splitlines()
    start = (lines := PAGE.read_text().splitlines()).index(made[0])
    shown = lines[start : start + len(made)]
    for mine, theirs in zip(made[2:], shown[2:], strict=True):
        assert mine.split("|")[1] == theirs.split("|")[1]
        # Another processor rounds otherwise, by far less than that.
        assert numbers(mine) == pytest.approx(numbers(theirs), abs=1)


def numbers(row: str) -> list[float]:
    return [float(number) for number in re.findall(r"([\d.]+)%", row)]


def test_a_line_and_a_walk_are_told_apart() -> None:
    chance = np.random.default_rng(3)
    noise = chance.normal(0, 10, 90)
    assert found(list(1000 + 5 * np.arange(90) + noise)).model == LINE
    assert found(list(1000 + np.cumsum(5 + noise))).model == WALK


def test_the_range_of_a_walk_widens_and_that_of_a_line_hardly() -> None:
    chance = np.random.default_rng(3)
    noise = chance.normal(0, 10, 90)
    for values, most, least in (
        (1000 + noise, 1.5, 1.0),
        (1000 + np.cumsum(noise), np.inf, 4.0),
    ):
        _, low, high = found(list(values)).ahead(60)
        assert least <= (high - low)[-1] / (high - low)[0] <= most


def test_a_release_each_tuesday_is_foreseen_on_tuesdays() -> None:
    chance = np.random.default_rng(5)
    released = np.where(np.arange(70) % 7 == 1, 100 * chance.lognormal(0, 0.3, 70), 0)
    trend = found(list(1000 + np.cumsum(released)))
    likely, _, _ = trend.ahead(14)
    grown = np.diff(likely)
    assert set(np.argsort(-grown)[:2]) == {0, 7}  # from the first day to the second: a Tuesday
    assert grown[0] > 60 > 20 > grown[1:7].max()


def test_two_falls_of_a_size_are_no_steps_but_one_is() -> None:
    once = [1000.0 + 2 * day - (500 if day >= 30 else 0) for day in range(80)]
    twice = [size - (500 if day >= 60 else 0) for day, size in enumerate(once)]
    (step,) = found(once).steps
    assert (step.place, round(step.change)) == (30, -500)
    assert found(once).per_day == pytest.approx(2)
    assert not found(twice).steps


def test_a_step_in_less_than_eight_weeks_is_none() -> None:
    assert not found([1000.0 + 2 * day - (500 if day >= 20 else 0) for day in range(50)]).steps


@pytest.mark.parametrize(
    ("points", "days"), [(MIN_POINTS - 1, 90), (90, MIN_DAYS - 1), (0, 0), (1, 0)]
)
def test_too_little_is_refused(points: int, days: int) -> None:
    times = np.linspace(A_MONDAY, A_MONDAY + days, points)
    assert trend_of(list(times), [1000.0] * points) is None


def test_what_never_changes_goes_on_so_for_sure() -> None:
    trend = found([5e12] * 40)
    assert (trend.model, trend.per_day, trend.high_per_day) == (LINE, 0, 0)
    assert [set(path) for path in trend.ahead(9)] == [{5e12}] * 3
    assert found([0.0] * 40).ahead(3)[1].tolist() == [0, 0, 0]


@given(
    gaps=st.lists(st.floats(0.4, 12), min_size=70, max_size=90),
    values=st.lists(st.integers(0, 10**15), min_size=91, max_size=91),
    scale=st.sampled_from([1e-3, 1024.0]),
)
def test_it_is_the_same_in_other_units_and_never_lacks_a_number(
    gaps: list[float], values: list[int], scale: float
) -> None:
    days = np.concatenate([[0.0], np.cumsum(gaps)])
    sizes = [float(value) for value in values[: len(days)]]
    trend = found(sizes, days=list(days))
    other = found([size * scale for size in sizes], days=list(days))
    assert (other.model, len(other.steps)) == (trend.model, len(trend.steps))
    for mine, theirs in zip(trend.ahead(30), other.ahead(30), strict=True):
        assert np.isfinite(mine).all()
        assert np.allclose(mine * scale, theirs, rtol=1e-6, atol=max(sizes) * scale * 1e-6)
    likely, low, high = trend.ahead(30)
    assert (low <= likely).all()
    assert (likely <= high).all()
    assert trend.low_per_day <= trend.per_day <= trend.high_per_day


@given(
    now=st.integers(0, 100),
    moves=st.lists(st.integers(-9, 9), max_size=40),
    limit=st.integers(1, 120),
)
def test_a_limit_is_reached_on_the_first_day_that_is_not_below(
    now: int, moves: list[int], limit: int
) -> None:
    path = np.cumsum([now, *moves]).astype(float)
    day = days_until(limit, now, path[1:])
    reached = [place for place, size in enumerate(path) if size >= limit]
    assert (not reached) == bool(np.isnan(day))
    if reached:
        assert max(0, reached[0] - 1) <= day <= reached[0]
