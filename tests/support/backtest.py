"""How well is the future told? Histories of known shapes, their last days held back.

``python -m tests.support.backtest`` prints the tables of docs/forecast.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from regtools.analyses.trend import trend_of

Sizes = NDArray[np.float64]
Shape = Callable[[np.random.Generator, int], Sizes]

HISTORIES: Final = 300
_MISSED_NIGHTS: Final = 0.05
_A_MONDAY: Final = 20_002.1  # days since 1970, at a quarter past two


def linear(chance: np.random.Generator, days: int) -> Sizes:
    """Grow by the same each day, about a line."""
    rate, noise = chance.uniform(0.2, 3), chance.uniform(1, 6)
    return _start(chance) + rate * np.arange(days) + chance.normal(0, noise, days)


def weekly_steps(chance: np.random.Generator, days: int) -> Sizes:
    """Grow with a release on one day of each week, and hardly in between."""
    release, size = int(chance.integers(7)), chance.uniform(2, 15)
    grown = np.where(np.arange(days) % 7 == release, size * chance.lognormal(0, 0.3, days), 0)
    return _start(chance) + np.cumsum(grown) + chance.normal(0, 0.3, days)


def bursts(chance: np.random.Generator, days: int) -> Sizes:
    """Grow a little each day; now and then much is pushed, most of which goes within two weeks."""
    sizes = _start(chance) + np.cumsum(chance.exponential(chance.uniform(0.1, 0.6), days))
    often, size = chance.uniform(0.05, 0.15), chance.uniform(5, 20)
    for day in np.flatnonzero(chance.random(days) < often):
        pushed = size * chance.lognormal(0, 0.6)
        sizes[day:] += pushed
        sizes[day + 1 + int(chance.integers(3, 14)) :] -= pushed * chance.uniform(0.4, 1)
    return sizes


def saw_tooth(chance: np.random.Generator, days: int) -> Sizes:
    """Grow until a clean-up takes most of what came since the last, every two to five weeks."""
    rate, share, every = chance.uniform(1, 5), chance.uniform(0.6, 0.95), chance.uniform(14, 35)
    size, came, next_one = _start(chance), 0.0, int(chance.integers(5, 35))
    sizes = np.empty(days)
    for day in range(days):
        grown = rate * chance.lognormal(0, 0.4)
        size, came = size + grown, came + grown
        if day >= next_one:
            size, came = size - came * share, came * (1 - share)
            next_one = day + max(5, int(chance.normal(every, every * 0.1)))
        sizes[day] = size
    return sizes


def flat(chance: np.random.Generator, days: int) -> Sizes:
    """Stay where it is, but for noise."""
    return _start(chance) + chance.normal(0, chance.uniform(0.5, 8), days)


def pushes_that_stay(chance: np.random.Generator, days: int) -> Sizes:
    """Grow by large pushes at random, of which nothing goes: a walk, where no method can win."""
    grown = chance.exponential(chance.uniform(0.1, 0.5), days)
    pushed = chance.random(days) < chance.uniform(0.05, 0.15)
    return _start(chance) + np.cumsum(
        grown + pushed * chance.uniform(5, 20) * chance.lognormal(0, 0.6, days)
    )


def _start(chance: np.random.Generator) -> float:
    return float(chance.uniform(50, 500))


SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "linear": linear,
        "weekly steps": weekly_steps,
        "bursts": bursts,
        "cleanup saw-tooth": saw_tooth,
        "flat": flat,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a shape was told; errors are shares of the largest size seen."""

    coverage: float
    """How much of the days held back lay in the range."""
    error: float
    error_last_value: float
    error_end_points: float
    """Of a straight line through the first and the last point."""


def back_test(shape: Shape, *, seen: int, ahead: int, histories: int = HISTORIES) -> Score:
    """Tell `ahead` days of many histories from `seen` days of each, some nights missed."""
    chance = np.random.default_rng(1)
    scores = [_one(shape, chance, seen, ahead) for _ in range(histories)]
    coverage, *errors = np.mean(scores, axis=0).tolist()
    return Score(
        coverage=coverage,
        error=errors[0],
        error_last_value=errors[1],
        error_end_points=errors[2],
    )


def _one(
    shape: Shape, chance: np.random.Generator, seen: int, ahead: int
) -> tuple[float, float, float, float]:
    sizes = shape(chance, seen + 1 + ahead)
    day = np.arange(len(sizes))
    scanned = chance.random(len(sizes)) > _MISSED_NIGHTS
    scanned[[0, seen]] = True
    known = scanned & (day <= seen)
    trend = trend_of(day[known] + _A_MONDAY, sizes[known])
    assert trend is not None
    likely, low, high = trend.ahead(ahead)
    truth, first, last, largest = sizes[seen + 1 :], sizes[0], sizes[seen], sizes[known].max()
    straight = last + (last - first) / seen * np.arange(1, ahead + 1)
    return (
        float(((truth >= low) & (truth <= high)).mean()),
        *(float(np.abs(truth - told).mean() / largest) for told in (likely, last, straight)),
    )


def table(*, seen: int, ahead: int) -> str:
    """Give the scores of all shapes as a table in Markdown."""
    lines = [
        "| shape | in the 80 % range | error | last value | line through the ends |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, shape in SHAPES.items():
        score = back_test(shape, seen=seen, ahead=ahead)
        errors = (score.error, score.error_last_value, score.error_end_points)
        cells = [f"{score.coverage:.0%}", *(f"{error:.2%}" for error in errors)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    for seen, ahead in ((90, 30), (90, 90), (28, 28)):
        print(f"\n{seen} days seen, {ahead} days told\n\n{table(seen=seen, ahead=ahead)}")
    stay = back_test(pushes_that_stay, seen=90, ahead=30)
    print(f"\n{pushes_that_stay.__doc__}\n{stay}")
