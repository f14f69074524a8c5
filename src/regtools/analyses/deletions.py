"""Which few deletions free most?

A layer goes only when all that hold it go, so that the best two deletions need not be the two best
ones. The bytes that go with exactly one set of versions are a *bundle*; what k deletions free is
the sum over the bundles whose versions are all among them. The best choice is a hard problem (it
holds the densest subgraph). This tries two ways and takes the better one: again and again the bundle
that yields most for each version still to be deleted, or again and again the single version that
yields most. It is the best choice for k = 1, a good one beyond, and never worse than one by one (among
the versions of the `LARGEST` bundles).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import pandas as pd

from regtools.analyses.reach import made

Bundles = dict[frozenset[int], int]
"""Sets of versions, and the bytes that go with each."""
LARGEST: Final = 10_000
"""Of a large registry only so many bundles are asked for, and all within their versions."""
_WEIGHED: Final = 500
"""Bundles weighed in one step; those beyond yield less by themselves."""
COLUMNS: Final = {
    "registry": "str",
    "repository": "str",
    "tags": "object",
    "digest": "str",
    "step": "int64",
    "bytes_freed": "int64",
    "total_bytes_freed": "int64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Versions that free their bytes only together."""

    units: frozenset[int]
    freed_bytes: int
    """What goes with them, once those of the steps before are gone."""


def best_steps(bundles: pd.DataFrame, k: int) -> list[Step]:
    """Choose up to k versions that free most together, in the order in which to delete them.

    Parameters
    ----------
    bundles
        units (a list of numbers), size: bytes that go once all of these are gone.
    """
    waiting: Bundles = {
        frozenset(map(int, units)): int(size)
        for units, size in zip(bundles["units"], bundles["size"], strict=True)
    }
    return max((_steps(waiting, k, together) for together in (k, 1)), key=_freed)


def deletions(steps: Sequence[Step], units: pd.DataFrame) -> pd.DataFrame:
    """Name the versions of some steps.

    Parameters
    ----------
    units
        unit, registry, repository, tags (a list), digest.

    Returns
    -------
    DataFrame
        registry, repository, tags (a list; empty: untagged), digest, step (versions of one step
        free their bytes only together), bytes_freed (by this deletion, after those above it: the
        last of a step has them all), total_bytes_freed.
    """
    places = {int(row["unit"]): row for row in units.to_dict("records")}
    rows: list[tuple[object, ...]] = []
    total = 0
    for number, step in enumerate(steps, start=1):
        *first, last = sorted(step.units)
        for unit, freed in [*((one, 0) for one in first), (last, step.freed_bytes)]:
            place = places[unit]
            total += freed
            where = place["registry"], place["repository"], list(place["tags"]), place["digest"]
            rows.append((*where, number, freed, total))
    return made(rows, COLUMNS)


def _steps(bundles: Bundles, k: int, together: int) -> list[Step]:
    """Choose up to k versions, at most so many in one step."""
    waiting = dict(bundles)
    chosen: set[int] = set()
    steps = []
    while best := _best(waiting, chosen, min(together, k - len(chosen))):
        chosen |= best
        complete = [bundle for bundle in waiting if bundle <= chosen]
        freed = sum(waiting.pop(bundle) for bundle in complete)
        steps.append(Step(units=best, freed_bytes=freed))
    return steps


def _freed(steps: Iterable[Step]) -> int:
    return sum(step.freed_bytes for step in steps)


def _best(waiting: Bundles, chosen: AbstractSet[int], left: int) -> frozenset[int]:
    """Give the versions that free most for each one that is still to be deleted; none: empty."""
    gains: Bundles = {}
    for bundle, size in waiting.items():
        missing = bundle - chosen
        if len(missing) <= left and size > 0:
            gains[missing] = gains.get(missing, 0) + size
    largest = sorted(gains, key=lambda one: (-gains[one], sorted(one)))[:_WEIGHED]
    # What is within a set is found by its lowest number, which is in the set, too.
    by_lowest: dict[int, list[frozenset[int]]] = defaultdict(list)
    for one in gains:
        by_lowest[min(one)].append(one)
    yields = {
        one: sum(gains[other] for unit in one for other in by_lowest.get(unit, ()) if other <= one)
        for one in largest
    }
    return max(largest, key=lambda one: (yields[one] / len(one), -len(one)), default=frozenset())
