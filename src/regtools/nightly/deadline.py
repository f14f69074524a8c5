"""Ends a run that takes too long, or that is asked to end: Ctrl-C, SIGTERM, a total time limit."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from regtools.errors import RunError


class Terminated(BaseException):
    """SIGTERM came; like Ctrl-C it is nothing that a step may catch."""


class _OutOfTime(BaseException):
    """The total limit is reached; no step may take it for its own failure."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let a block run for so long at most.

    Raises
    ------
    RunError
        Code ``RUN_TIMEOUT``.
    Terminated
        SIGTERM came. Ctrl-C raises KeyboardInterrupt, as ever.
    """

    def ends_with(cause: type[BaseException]) -> Callable[[int, FrameType | None], None]:
        def handler(_: int, __: FrameType | None) -> None:
            raise cause

        return handler

    before = {
        signal.SIGALRM: signal.signal(signal.SIGALRM, ends_with(_OutOfTime)),
        signal.SIGTERM: signal.signal(signal.SIGTERM, ends_with(Terminated)),
    }
    signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.monotonic()
    try:
        yield
    except _OutOfTime:
        raise RunError(
            f"The run took longer than {time.monotonic() - started:.0f} s and was ended.",
            code="RUN_TIMEOUT",
            remedy="What was read and reported is kept. Raise run.time_limit, or look at fewer "
            "registries at a time.",
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
