"""Facts that one question after another stands on are made once, and kept for the next.

Snapshots never change, so what was made of them stays true. Kept are the facts of few sets of
states of each history, as long as it is in use, and of the last only where they are large.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from regtools.engine import MEMORY_LIMIT, Shelf, bytes_kept
from regtools.history import History

MOST_SHELVES: Final = 4
"""A report asks about now, then, a month and all the time."""
_ROOM: Final = MEMORY_LIMIT // 3
"""Bytes of facts beside which others may be made."""
_shelves: Final[WeakKeyDictionary[History, OrderedDict[Hashable, Shelf]]] = WeakKeyDictionary()
_looking: Final = Lock()


def shelf_of(history: History | None, what: Hashable) -> Shelf:
    """Give the shelf for facts about something of a history, a new one where there is none.

    Parameters
    ----------
    history
        Where the snapshots are; None: nobody comes back to them.
    what
        All that the facts depend on.
    """
    if history is None:
        return Shelf()
    key = os.getpid(), what
    with _looking:
        shelves = _shelves.setdefault(history, OrderedDict())
        if key not in shelves:
            # Those that were not used for the longest time go first.
            while shelves and (len(shelves) >= MOST_SHELVES or bytes_kept() > _ROOM):
                shelves.popitem(last=False)
            shelves[key] = Shelf()
        shelves.move_to_end(key)
        return shelves[key]
