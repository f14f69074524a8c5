"""What was known of a registry, moment by moment: the newest snapshot of each target by then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from regtools.errors import HistoryError
from regtools.history import History
from regtools.schema import SnapshotRow


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One moment of one registry."""

    number: int
    snapshots: Sequence[SnapshotRow]
    """The newest of each namespace, at that moment."""
    is_partial: bool
    """Whether it saw less of the registry than the last state does, since a namespace that is
    scanned today was not scanned yet."""

    @property
    def registry(self) -> str:
        """Of which registry."""
        return self.snapshots[0].registry

    @property
    def taken_at(self) -> datetime:
        """When the newest of its scans was."""
        return max(row.taken_at for row in self.snapshots)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing: it saw as much as the last state, and read all of it."""
        return not self.is_partial and all(row.complete for row in self.snapshots)


def states_of(
    snapshots: Iterable[SnapshotRow], *, registry: str | None = None, at: datetime | None = None
) -> list[State]:
    """Give the states of each registry, oldest first.

    Every snapshot makes a state, as long as all are of one namespace. Of several namespaces, the
    scans of one day make one state: between them, half of the registry would be a day old.

    Parameters
    ----------
    registry
        Only this registry.
    at
        No later snapshots than this.
    """
    limit = in_utc(at) if at is not None else None
    by_registry: dict[str, list[SnapshotRow]] = defaultdict(list)
    for row in sorted(snapshots, key=lambda row: (row.taken_at, row.snapshot)):
        if registry in (None, row.registry) and (limit is None or row.taken_at <= limit):
            by_registry[row.registry].append(row)
    numbers = count()
    states = []
    for name in sorted(by_registry):
        moments = _moments(by_registry[name])
        today = _covered(moments[-1])
        for newest in moments:
            partial = _covered(newest) != today
            states.append(State(number=next(numbers), snapshots=newest, is_partial=partial))
    return states


def states_between(
    history: History, since: datetime, until: datetime | None, *, registry: str | None = None
) -> dict[str, list[State]]:
    """Give the states of each registry from the newest not after `since` on, oldest first.

    Where a registry was first scanned later than `since`, its first state is the first.

    Parameters
    ----------
    until
        No later ones; left out: up to the newest.
    registry
        Only this registry.

    Raises
    ------
    HistoryError
        Code ``HISTORY_EMPTY``: there is none until then.
    """
    states = states_of(history.snapshots(), registry=registry, at=until)
    if not states:
        raise HistoryError(
            f"There is nothing to compare: {history.location} has no snapshot"
            f"{f' of {registry}' if registry else ''}.",
            code="HISTORY_EMPTY",
            remedy="Scan a registry first: regtools scan TARGET.",
        )
    return from_then_on(states, since)


def from_then_on(states: Iterable[State], since: datetime) -> dict[str, list[State]]:
    """Give the states of each registry from the newest not after `since` on."""
    found: dict[str, list[State]] = {}
    for state in states:
        earlier = found.setdefault(state.registry, [])
        if state.taken_at <= in_utc(since):
            earlier.clear()
        earlier.append(state)
    return found


def in_utc(moment: datetime) -> datetime:
    """Take a time without a zone for one in UTC."""
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _moments(rows: Sequence[SnapshotRow]) -> list[list[SnapshotRow]]:
    """Give the newest snapshots of each namespace after each snapshot, or each day."""
    by_day = len({row.namespace for row in rows}) > 1
    newest: dict[str, SnapshotRow] = {}
    moments: dict[object, list[SnapshotRow]] = {}
    for row in rows:
        newest[row.namespace] = row
        moment = row.taken_at.astimezone(UTC).date() if by_day else row.snapshot
        moments[moment] = list(newest.values())
    return list(moments.values())


def _covered(rows: Sequence[SnapshotRow]) -> frozenset[str]:
    """Give the namespaces that no other one contains."""
    names = {row.namespace for row in rows}
    return frozenset(
        name
        for name in names
        if not any(name != other and (not other or name.startswith(f"{other}/")) for other in names)
    )
