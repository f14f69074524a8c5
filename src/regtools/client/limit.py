"""How much to ask at once, and how long to wait when the registry says so."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self

import anyio

from regtools.errors import BudgetError

RETRIED_STATUSES: Final = frozenset({408, 429, 499, 500, 502, 503, 504, 522})
"""Answers worth another try (google/go-containerregistry's set, 2026-11)."""
PUSHED_BACK: Final = frozenset({429, 503})


class Budget:
    """How many requests one run may send, tokens, retries and redirects included.

    Parameters
    ----------
    most
        None: as many as it takes.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.spent = 0

    def spend(self) -> None:
        """Take one request.

        Raises
        ------
        BudgetError
            Code ``REQUEST_BUDGET``: there is none left.
        """
        if self._most is not None and self.spent >= self._most:
            raise BudgetError(
                f"The {self._most:,} requests that this run may send are used up.",
                code="REQUEST_BUDGET",
                remedy="Run again: it goes on where it stopped. Or raise --max-requests.",
            )
        self.spent += 1


class Limiter:
    """Lets a number of requests to one host through at once.

    The number is halved when the host pushes back and grows slowly while it does not: the
    additive-increase, multiplicative-decrease rule of TCP (RFC 5681, section 3.1).
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
        await self.acquire()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    async def acquire(self) -> None:
        """Wait for a turn; give it back with `release`."""
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

    def release(self) -> None:
        """Give a turn back."""
        self._inside -= 1
        self._wake()

    @property
    def epoch(self) -> int:
        """Counts the cuts, so that answers to requests sent before one do not cut again."""
        return self._epoch

    def went_well(self) -> None:
        """Allow a little more."""
        self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)
        self._wake()

    def pushed_back(self, epoch: int) -> None:
        """Allow half, once for all requests that were under way together."""
        if epoch == self._epoch:
            self._epoch += 1
            self._allowed = max(1.0, self._allowed / 2)

    def _wake(self) -> None:
        if self._waiting and self._inside < self.allowed:
            self._waiting.popleft().set()


class Floor:
    """Lets pulls through while more than a number of them are left, those under way included.

    Parameters
    ----------
    least
        How many are to be left.
    """

    def __init__(self, least: int) -> None:
        self.least = least
        self._under_way = 0
        self._changed = anyio.Event()

    async def acquire(self, left: Callable[[], int | None]) -> bool:
        """Wait for a turn, to be given back with `release`; False: there is none to spare.

        Parameters
        ----------
        left
            Gives how many the registry told last; None: it tells none.
        """
        while True:
            known = left()
            if known is None or known - self._under_way > self.least:
                self._under_way += 1
                return True
            if not self._under_way:
                return False
            await self._changed.wait()

    def release(self) -> None:
        """Give a turn back, once the registry has told what is left."""
        self._under_way -= 1
        self._changed.set()
        self._changed = anyio.Event()


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What the registry told of a quota (Docker Hub: pulls)."""

    limit: int
    remaining: int | None = None
    window_seconds: int | None = None
    source: str = ""
    """What is counted: an address or an account (Docker Hub)."""


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Give the seconds that an answer asks to wait.

    ``Retry-After`` is a number or a date (RFC 9110, 10.2.3). Docker Hub's API writes
    ``X-Retry-After``, the moment in seconds since 1970; GitHub's tells with
    ``X-RateLimit-Reset`` when a used-up quota begins anew (their documentation, 2026-11).

    Examples
    --------
    >>> retry_after({"retry-after": "7"}, now=datetime.now(UTC))
    7.0
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        moment = headers.get("x-retry-after", "").strip()
        if headers.get("x-ratelimit-remaining", "").strip() == "0":
            moment = moment or headers.get("x-ratelimit-reset", "").strip()
        if re.fullmatch(r"\d{9,11}", moment, re.ASCII):
            return max(0.0, int(moment) - now.timestamp())
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """Read ``RateLimit-Limit: 100;w=21600`` and its companions (Docker Hub, 2026-11).

    Examples
    --------
    >>> rate_limit({"ratelimit-limit": "100;w=21600"}).window_seconds
    21600
    """
    limit, window = _quota(headers.get("ratelimit-limit", ""))
    if limit is None:
        return _api_limit(headers)
    remaining, _ = _quota(headers.get("ratelimit-remaining", ""))
    source = headers.get("docker-ratelimit-source", "")
    return RateLimit(
        limit=limit,
        remaining=remaining,
        window_seconds=window,
        source=source if re.fullmatch(r"[\w.:@-]{1,100}", source, re.ASCII) else "",
    )


def _api_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """Read ``X-RateLimit-Limit`` and ``-Remaining`` (GitHub, Docker Hub's API)."""
    limit, _ = _quota(headers.get("x-ratelimit-limit", ""))
    remaining, _ = _quota(headers.get("x-ratelimit-remaining", ""))
    return None if limit is None else RateLimit(limit=limit, remaining=remaining)


def _quota(text: str) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"\s*(\d{1,12})(?:\s*;\s*w=(\d{1,12}))?\s*", text, re.ASCII)
    if match is None:
        return None, None
    return int(match[1]), int(match[2]) if match[2] else None
