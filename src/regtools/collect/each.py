"""Many requests at once, and when to stop asking."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Final, TypeVar

import anyio

from regtools.errors import BudgetError, RateLimitedError, RegtoolsError, UnreachableError

MAX_FAILURES_IN_A_ROW: Final = 5
"""Requests that found no registry, one after the other, until the scan gives up."""

T = TypeVar("T")


class Failures:
    """Counts requests that found no registry."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def answered(self) -> None:
        """Note that the registry is there."""
        self._in_a_row = 0

    def count(self, error: RegtoolsError) -> None:
        """Give up once the registry as a whole seems gone, or no more may be asked; anything else
        is one repository's."""
        if isinstance(error, BudgetError):
            raise error
        if not isinstance(error, UnreachableError | RateLimitedError):
            self.answered()
            return
        self._in_a_row += 1
        if self._in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise error


async def each(
    items: AsyncGenerator[T] | Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int
) -> None:
    """Work through `items` with that many tasks; the first error ends all and is raised bare."""
    lock = anyio.Lock()
    done = object()
    source = items if isinstance(items, AsyncGenerator) else _given(items)

    async def worker() -> None:
        while True:
            async with lock:
                item = await anext(source, done)
            if item is done:
                return
            await work(item)  # type: ignore[arg-type]  # `done` was told apart above

    async with aclosing(source):
        try:
            async with anyio.create_task_group() as group:
                for _ in range(at_once):
                    group.start_soon(worker)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None


async def _given(items: Iterable[T]) -> AsyncGenerator[T]:
    for item in items:
        yield item
