"""Ends a run that takes too long, or that is asked to end: Ctrl-C, SIGTERM, a total time limit."""

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
def deadline(seconds: float) -> Iterator[None]:
    """Let a block run for so long at most.

    Raises
    ------
    RunError
        Code ``RUN_TIMEOUT``.
    Terminated
        SIGTERM came. Ctrl-C raises KeyboardInterrupt, as ever.
    """

    came: list[type[BaseException]] = []

    def late(_: int, __: FrameType | None) -> None:
        came.append(_OutOfTime)
        raise _OutOfTime

    def asked(_: int, __: FrameType | None) -> None:
        came.append(Terminated)
        raise Terminated

    before = {
        signal.SIGALRM: signal.signal(signal.SIGALRM, late),
        signal.SIGTERM: signal.signal(signal.SIGTERM, asked),
    }
    signal.setitimer(signal.ITIMER_REAL, seconds)
    started = time.monotonic()
    try:
        with _first_cause(came):
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


@contextmanager
def _first_cause(came: list[type[BaseException]]) -> Iterator[None]:
    """What a library took for Ctrl-C was the signal that came, if one did."""
    try:
        yield
    except KeyboardInterrupt:
        if came:
            raise came[0] from None
        raise
