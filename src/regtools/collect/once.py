"""Do a piece of work once for each key, however many tasks ask for it at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import anyio

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Once(Generic[K, V]):
    """A cache of finished work that lets concurrent callers of one key share a single run.

    A failure is not kept: the caller that ran it sees the error, and the next one tries again,
    since another repository may be allowed what the first was refused.
    """

    def __init__(self) -> None:
        self._values: dict[K, V] = {}
        self._running: dict[K, anyio.Event] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def peek(self, key: K) -> V | None:
        """Give a finished value, None where there is none."""
        return self._values.get(key)

    def forget(self, key: K) -> None:
        """Drop a finished value, to give its memory back."""
        self._values.pop(key, None)

    async def get(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """Give the value of `key`, running `work` if nobody has yet."""
        while key not in self._values:
            running = self._running.get(key)
            if running is not None:
                await running.wait()
                continue
            done = self._running[key] = anyio.Event()
            try:
                self._values[key] = await work()
            finally:
                del self._running[key]
                done.set()
        return self._values[key]
