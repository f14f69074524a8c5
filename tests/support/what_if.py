"""A history to try rules on: two repositories with a common base, one hostile name, known sizes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.support.inventories import NOON, Shelf, layer, publish

from regtools.history import History
from regtools.schema import ProblemRow

HOSTILE = 'team/<b>$x$"'
MB = 10**6
DAY = timedelta(days=1)


def what_if_history(
    folder: Path, *, complete: bool = True, kind: str = "distribution", repositories: int = 2
) -> History:
    """Give 6 images of each repository, a week apart, each with 100 MB of its own; 5 is newest.

    The base of 300 MB is in all of them, and in `team/base` alone under a tag of today.
    """
    history = History(folder)
    shelf = Shelf()
    base = layer("base", 300 * MB)
    shelf.tag("team/base", "now", shelf.image(base, name="base", created_at=NOON))
    for name in (HOSTILE, *(f"team/app{number}" for number in range(1, repositories))):
        for number in range(6):
            own = layer(f"{name} {number}", 100 * MB)
            made = NOON - 7 * DAY * (5 - number)
            shelf.tag(name, f"v{number}", shelf.image(base, own, created_at=made))
    inventory = shelf.inventory()
    if not complete:
        inventory.problems.append(
            ProblemRow(
                registry=shelf.registry, repository=HOSTILE, reference="v9", code="X", message="<u>"
            )
        )
    publish(history, inventory, complete=complete, kind=kind)
    return history
