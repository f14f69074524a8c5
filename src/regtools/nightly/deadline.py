"""Ends a run that is asked to end, by SIGTERM as by Ctrl-C, or that takes too long."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from regtools.errors import RunError


class Terminated(BaseException):
    """SIGTERM came; like Ctrl-C it is nothing that a step may catch."""


class _OutOfTime(BaseException):
    """The total limit is reached; no step may take it for its own failure."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end a block as Ctrl-C does, so that all of it is put in order.

    Raises
    ------
    Terminated
        SIGTERM came. Ctrl-C raises KeyboardInterrupt, as ever.
    """
    with _on(signal.SIGTERM, Terminated):
        yield


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let a block run for so long at most.

    Raises
    ------
    RunError
        Code ``RUN_TIMEOUT``.
    """
    started = time.monotonic()
    try:
        with _on(signal.SIGALRM, _OutOfTime):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    except _OutOfTime:
        raise RunError(
            f"The run took longer than {time.monotonic() - started:.0f} s and was ended.",
            code="RUN_TIMEOUT",
            remedy="What was read and reported is kept. Raise run.time_limit, or look at fewer "
            "registries at a time.",
        ) from None


@contextmanager
def _on(number: signal.Signals, cause: type[BaseException]) -> Iterator[None]:
    def handler(_: int, __: FrameType | None) -> None:
        raise cause

    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
