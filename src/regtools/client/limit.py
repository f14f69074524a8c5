"""How much to ask at once, and how long to wait when the registry says so."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self

import anyio

RETRIED_STATUSES: Final = frozenset({408, 429, 499, 500, 502, 503, 504, 522})
"""Answers worth another try (google/go-containerregistry's set, 2026-11)."""
PUSHED_BACK: Final = frozenset({429, 503})


class Limiter:
    """Lets a number of tasks through at once: halved when the registry pushes back, grown slowly.

    The additive-increase, multiplicative-decrease rule of TCP (RFC 5681, section 3.1).
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._inside = 0
        self._waiting: deque[anyio.Event] = deque()
        self._epoch = 0

    @property
    def allowed(self) -> int:
        """How many may be under way now."""
        return int(self._allowed)

    async def __aenter__(self) -> Self:
        while self._inside >= self.allowed:
            turn = anyio.Event()
            self._waiting.append(turn)
            try:
                await turn.wait()
            except BaseException:
                if turn.is_set():
                    self._wake()  # The turn was given to a task that no longer wants it.
                else:
                    self._waiting.remove(turn)
                raise
        self._inside += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._inside -= 1
        self._wake()

    @property
    def epoch(self) -> int:
        """Counts the cuts, so that answers to requests sent before one do not cut again."""
        return self._epoch

    def went_well(self) -> None:
        """Allow a little more."""
        self._allowed = min(self._most, self._allowed + 1 / self._allowed)
        self._wake()

    def pushed_back(self, epoch: int) -> None:
        """Allow half, once for all requests that were under way together."""
        if epoch == self._epoch:
            self._epoch += 1
            self._allowed = max(1.0, self._allowed / 2)

    def _wake(self) -> None:
        if self._waiting and self._inside < self.allowed:
            self._waiting.popleft().set()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What the registry told of a quota (Docker Hub: pulls)."""

    limit: int
    remaining: int | None
    window_seconds: int | None


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Give the seconds to wait that ``Retry-After`` asks for: a number, or a date (RFC 9110, 10.2.3).

    Examples
    --------
    >>> retry_after({"retry-after": "7"}, now=datetime.now(UTC))
    7.0
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """Read ``RateLimit-Limit: 100;w=21600`` and ``RateLimit-Remaining`` (Docker Hub, 2026-11)."""
    limit, window = _quota(headers.get("ratelimit-limit", ""))
    if limit is None:
        return None
    remaining, _ = _quota(headers.get("ratelimit-remaining", ""))
    return RateLimit(limit=limit, remaining=remaining, window_seconds=window)


def _quota(text: str) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"\s*(\d{1,12})(?:\s*;\s*w=(\d{1,12}))?\s*", text)
    if match is None:
        return None, None
    return int(match[1]), int(match[2]) if match[2] else None
