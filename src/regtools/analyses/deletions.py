"""Which few deletions free most?

A layer goes only when all that hold it go, so that the best two deletions need not be the two best
ones. The bytes that go with exactly one set of versions are a *bundle*; what k deletions free is
the sum over the bundles whose versions are all among them. The best choice is a hard problem (it
holds the densest subgraph). This tries two ways and takes the better one: again and again the bundle
that yields most for each version still to be deleted, or again and again the single version that
yields most. It is the best choice for k = 1, a good one beyond, and never worse than one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

import pandas as pd

from regtools.analyses.reach import made

Bundles = dict[frozenset[int], int]
"""Sets of versions, and the bytes that go with each."""
_LOOKED_AT: Final = 500
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


def best_deletions(bundles: pd.DataFrame, units: pd.DataFrame, k: int) -> pd.DataFrame:
    """Choose up to k versions that free most together.

    Parameters
    ----------
    bundles
        units (a list of numbers), size: bytes that go once all of these are gone.
    units
        unit, registry, repository, tags (a list), digest.

    Returns
    -------
    DataFrame
        registry, repository, tags (a list; empty: untagged), digest, step (versions of one step
        free their bytes only together), bytes_freed (by this deletion, after those above it: the
        last of a step has them all), total_bytes_freed.
    """
    waiting: Bundles = {
        frozenset(map(int, unit_list)): int(size)
        for unit_list, size in zip(bundles["units"], bundles["size"], strict=True)
    }
    places = {int(row["unit"]): row for row in units.to_dict("records")}
    ways = [_steps(waiting, k, together) for together in (k, 1)]
    rows: list[tuple[object, ...]] = []
    total = 0
    for step, (units_of_step, gain) in enumerate(max(ways, key=_freed), start=1):
        *first, last = sorted(units_of_step)
        for unit, freed in [*((one, 0) for one in first), (last, gain)]:
            place = places[unit]
            total += freed
            where = place["registry"], place["repository"], list(place["tags"]), place["digest"]
            rows.append((*where, step, freed, total))
    return made(rows, COLUMNS)


def _steps(bundles: Bundles, k: int, together: int) -> list[tuple[frozenset[int], int]]:
    """Choose up to k versions, at most so many in one step; give each step's and what it frees."""
    waiting = dict(bundles)
    chosen: set[int] = set()
    steps = []
    while best := _best(waiting, chosen, min(together, k - len(chosen))):
        chosen |= best
        complete = [bundle for bundle in waiting if bundle <= chosen]
        steps.append((best, sum(waiting.pop(bundle) for bundle in complete)))
    return steps


def _freed(steps: Iterable[tuple[frozenset[int], int]]) -> int:
    return sum(gain for _, gain in steps)


def _best(waiting: Bundles, chosen: AbstractSet[int], left: int) -> frozenset[int]:
    """Give the versions that free most for each one that is still to be deleted; none: empty."""
    gains: Bundles = {}
    for bundle, size in waiting.items():
        missing = bundle - chosen
        if len(missing) <= left and size > 0:
            gains[missing] = gains.get(missing, 0) + size
    largest = sorted(gains, key=lambda one: (-gains[one], sorted(one)))[:_LOOKED_AT]
    yields = {one: sum(gains[other] for other in gains if other <= one) for one in largest}
    return max(largest, key=lambda one: (yields[one] / len(one), -len(one)), default=frozenset())
