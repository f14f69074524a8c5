"""Where does a number lead that was measured on some days, and how sure is that?

Two ways to grow are told apart. On a *line*, a day that was high says nothing of the next one: what
is stored swings about a line, such as between two clean-ups. On a *walk*, each day adds to what was
there, so that what came stays. The line's range stays nearly as wide as its swing; the walk's
widens with the days. A single change that dwarfs all others is a step: the trend is that of the
days before and after it.

How often the range holds is measured by a back-test: docs/forecast.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

Days = NDArray[np.float64]

LINE: Final = "line"
WALK: Final = "walk"
INTERVAL: Final = 0.8
"""How often what comes should lie within the range."""
MIN_POINTS: Final = 8
MIN_DAYS: Final = 28
"""Four weeks: from less, the back-test's range held the truth in little more than half of the days."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK: Final = 7
_UNIT_ROOT: Final = -2.57
"""Below it a walk is refused at 10 %, with a trend, of many points: Elliott, Rothenberg and Stock,
Econometrica 64 (1996), table I."""
_QUASI: Final = 13.5  # the same, for a trend
_SWINGS_DAYS: Final = 14
"""Days that swings of a walk may take to cancel out: a push and the clean-up after it."""
_DRIFT_SHARE: Final = 1.2
"""The slope of a line through a walk of variance v a day, over T days, has the variance 6/5·v/T:
Durlauf and Phillips, Econometrica 56 (1988)."""
_STEP_DAYS: Final = 56
"""In less than eight weeks, a monthly clean-up may be seen once, and looks like a step."""
_STANDS_OUT: Final = 4.0
"""A step is so many times as large as the next largest change."""
_STEP_SHARE: Final = 0.02
"""And at least this share of what is stored."""
_PER_WEEKDAY: Final = 3
"""A weekday's habit shows after three weeks."""
_NEARLY_ONE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change that dwarfs all others."""

    place: int
    """Which point saw it first."""
    change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What was learned from the points."""

    model: str
    """`LINE` or `WALK`."""
    points: int
    days_observed: float
    per_day: float
    low_per_day: float
    high_per_day: float
    steps: tuple[Step, ...]
    ahead: Callable[[int], tuple[Days, Days, Days]]
    """Takes a number of days; gives what is likely on each of the days after the last point, and
    the low and the high end of its range."""


def daily(points: pd.DataFrame) -> pd.DataFrame:
    """Give the last point of each day, of points at `taken_at`."""
    return points.groupby(points["taken_at"].dt.floor("D")).tail(1)


def in_days(points: pd.DataFrame) -> list[float]:
    """Give each point's `taken_at` in days, as `trend_of` takes them."""
    return [(time - _EPOCH) / timedelta(days=1) for time in points["taken_at"]]


def trend_of(days: Sequence[float], values: Sequence[float]) -> Trend | None:
    """Learn from points where they lead; None where they are too few, or of too short a time.

    Parameters
    ----------
    days
        When each was measured, in days since any midnight, rising; one point a day at most.
    values
        What was measured.

    Examples
    --------
    >>> found = trend_of(range(60), [1000 + 10 * day for day in range(60)])
    >>> found.model, round(found.per_day), found.ahead(3)[0].round().tolist()
    ('line', 10, [1600.0, 1610.0, 1620.0])
    >>> trend_of(range(10), [1000] * 10) is None
    True
    """
    t, y = np.asarray(days, float), np.asarray(values, float)
    if len(t) < MIN_POINTS or t[-1] - t[0] < MIN_DAYS:
        return None
    steps = _steps(t, y)
    level = _levelled(y, steps)
    habit = _habit(t, level)
    plain = level - _habit_since(t[0], t, habit)
    if _is_line(t, plain):
        return _line(t, level, steps)
    return _walk(t, plain, level[-1], habit, steps)


def _steps(t: Days, y: Days) -> tuple[Step, ...]:
    """Find a single change that dwarfs all others, or one up and one down.

    Two large ones of the same sign are how this number moves: a clean-up now and then.
    """
    change = _beyond_the_usual(t, y)
    size = np.abs(change)
    order = np.argsort(-size, kind="stable")
    if t[-1] - t[0] < _STEP_DAYS or size[order[0]] < _STEP_SHARE * np.abs(y).max():
        return ()
    both = change[order[0]] * change[order[1]] < 0
    for count in (2, 1) if both else (1,):
        largest, others = size[order[:count]], size[order[count:]]
        if largest[-1] > _STANDS_OUT * others.max():
            places = sorted(int(place) for place in order[:count])
            return tuple(Step(place=n + 1, change=float(change[n])) for n in places)
    return ()


def _beyond_the_usual(t: Days, y: Days) -> Days:
    """Give what came from each point to the next beyond the middle rate."""
    gaps = np.diff(t)
    beyond: Days = np.diff(y) - np.median(np.diff(y) / gaps) * gaps
    return beyond


def _levelled(y: Days, steps: Sequence[Step]) -> Days:
    """Lift or lower what was before a step, as if it had been there always."""
    level = y.copy()
    for step in steps:
        level[: step.place] += step.change
    return level


def _habit(t: Days, y: Days) -> Days:
    """Give what each weekday adds beyond the mean: a release on Tuesdays, say; in all it is nothing.

    Means of few weeks are shrunk towards nothing, as far as chance alone could have made them
    (James and Stein, 1961).
    """
    gaps = np.diff(t)
    daily = (gaps > 0.5) & (gaps < 1.5)
    beyond = np.diff(y) - (y[-1] - y[0]) / (t[-1] - t[0]) * gaps
    weekday = _weekday(t[1:])
    groups = [beyond[daily & (weekday == day)] for day in range(_WEEK)]
    if min(map(len, groups)) < _PER_WEEKDAY:
        return np.zeros(_WEEK)
    means = np.array([group.mean() for group in groups])
    means -= means.mean()
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    count = int(daily.sum())
    chance = within / (count - _WEEK) / (count / _WEEK)
    total = float((means**2).sum())
    return means * max(0.0, 1 - (_WEEK - 3) * chance / total) if total > 0 else means


def _weekday(t: Days) -> NDArray[np.int64]:
    return np.floor(t).astype(np.int64) % _WEEK


def _habit_since(start: float, t: Days, habit: Days) -> Days:
    """Add up the habit of the days after `start`, until each time."""
    first = int(np.floor(start))
    last = int(np.floor(t.max()))
    sums = np.concatenate([[0.0], np.cumsum(habit[np.arange(first + 1, last + 1) % _WEEK])])
    since: Days = sums[np.floor(t).astype(np.int64) - first]
    return since


def _is_line(t: Days, y: Days) -> bool:
    """Say whether the points come back to a line: the test DF-GLS, of points at uneven times."""
    swing = _detrended(t, y)
    gaps = np.diff(t)
    weight = np.sqrt(gaps)
    before, moved = swing[:-1] * weight, np.diff(swing) / weight
    spread = float(before @ before)
    if spread <= 1e-18 * float(y @ y):  # it is one, but for rounding
        return True
    pull = float(before @ moved) / spread
    left = moved - pull * before
    error = float(np.sqrt(left @ left / (len(moved) - 1) / spread))
    return pull < _UNIT_ROOT * error


def _detrended(t: Days, y: Days) -> Days:
    """Take a line away that is fitted as if the points were nearly a walk."""
    x = np.column_stack([np.ones(len(t)), t - t[0]])
    stays = np.exp(-_QUASI * np.diff(t) / (t[-1] - t[0]))
    moves = np.vstack([x[:1], x[1:] - stays[:, None] * x[:-1]])
    moved = np.concatenate([y[:1], y[1:] - stays * y[:-1]])
    swing: Days = y - x @ np.linalg.lstsq(moves, moved)[0]
    return swing


def _line(t: Days, y: Days, steps: tuple[Step, ...]) -> Trend:
    """Fit a line; its errors allow for points of one week being alike (Newey and West, 1987)."""
    count = len(t)
    x = np.column_stack([np.ones(count), t - t[-1]])
    inverse = np.linalg.inv(x.T @ x)
    last = y[-1]  # counted from there, what never changes is 0 and not nearly so
    fitted = inverse @ (x.T @ (y - last))
    left = y - last - x @ fitted
    variance = float(left @ left) / (count - 2)
    alike = np.clip(1 - np.abs(t[:, None] - t[None, :]) / (_WEEK + 1), 0, None)
    scores = x * left[:, None]
    sure = inverse @ (scores.T @ alike @ scores) @ inverse * count / (count - 2)
    stays = _stays(t, left)

    def ahead(days: int) -> tuple[Days, Days, Days]:
        h = np.arange(1.0, days + 1)
        likely = last + fitted[0] + fitted[1] * h + left[-1] * stays**h
        at = np.column_stack([np.ones(days), h])
        spread = variance * (1 - stays ** (2 * h)) + np.einsum("ij,jk,ik->i", at, sure, at)
        return _ranged(likely, np.sqrt(spread), t)

    return _trend(LINE, t, fitted[1], float(np.sqrt(sure[1, 1])), steps, ahead)


def _stays(t: Days, left: Days) -> float:
    """Give which share of a swing is left a day later."""
    spread = float(left @ left)
    if spread <= 0:
        return 0.0
    alike = float(left[1:] @ left[:-1]) / spread
    gap = float(np.median(np.diff(t)))
    return float(min(max(alike, 0.0), _NEARLY_ONE) ** (1 / gap))


def _walk(t: Days, y: Days, last: float, habit: Days, steps: tuple[Step, ...]) -> Trend:
    """Go on from the last point, as fast as a line through all of them."""
    observed = float(t[-1] - t[0])
    per_day = float(np.polyfit(t - t[0], y, 1)[0])
    variance = _variance_a_day(t, y, per_day)
    unsure = _DRIFT_SHARE * variance / observed

    def ahead(days: int) -> tuple[Days, Days, Days]:
        h = np.arange(1.0, days + 1)
        likely = last + per_day * h + _habit_since(t[-1], t[-1] + h, habit)
        return _ranged(likely, np.sqrt(variance * h + unsure * h**2), t)

    return _trend(WALK, t, per_day, float(np.sqrt(unsure)), steps, ahead)


def _variance_a_day(t: Days, y: Days, per_day: float) -> float:
    """Give the variance of a day's move in the long run: from moves of up to two weeks.

    These overlap, which weighs swings that cancel out as the kernel of Newey and West does, and
    needs no even times.
    """
    observed = float(t[-1] - t[0])
    window = min(_SWINGS_DAYS, observed / 4)
    end = np.searchsorted(t, t + window - 0.5)
    start = np.flatnonzero(end < len(t))
    end = end[start]
    gaps = t[end] - t[start]
    moves = y[end] - y[start] - per_day * gaps
    return float((moves**2 / gaps).mean() / (1 - gaps.mean() / observed))


def _ranged(likely: Days, error: Days, t: Days) -> tuple[Days, Days, Days]:
    half = _quantile(t) * error
    return likely, likely - half, likely + half


def _quantile(t: Days) -> float:
    """Give Student's factor: a week is about one observation."""
    return float(stdtrit((t[-1] - t[0]) / _WEEK, 0.5 + INTERVAL / 2))


def _trend(
    model: str,
    t: Days,
    per_day: float,
    error: float,
    steps: tuple[Step, ...],
    ahead: Callable[[int], tuple[Days, Days, Days]],
) -> Trend:
    half = _quantile(t) * error
    return Trend(
        model=model,
        points=len(t),
        days_observed=float(t[-1] - t[0]),
        per_day=float(per_day),
        low_per_day=float(per_day) - half,
        high_per_day=float(per_day) + half,
        steps=steps,
        ahead=ahead,
    )


def days_until(limit: float, now: float, path: Days) -> float:
    """Give the days until a path reaches a limit; NaN where it never does.

    Parameters
    ----------
    limit, now
        What must be reached, and where it stands on day 0.
    path
        Where it stands on each of the days after.

    Examples
    --------
    >>> days_until(25, 10, np.array([12.0, 20.0, 30.0]))
    2.5
    """
    if now >= limit:
        return 0.0
    for day, (before, after) in enumerate(pairwise([now, *path.tolist()])):
        if after >= limit:
            return float(day + (limit - before) / (after - before))
    return float("nan")
