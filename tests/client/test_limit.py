from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import pytest

from regtools.client.limit import Limiter, RateLimit, rate_limit, retry_after

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1e99", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, now=NOW) == seconds


def test_docker_hubs_quota_is_read() -> None:
    headers = {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"}
    assert rate_limit(headers) == RateLimit(limit=100, remaining=76, window_seconds=21600)
    assert rate_limit({}) is None
    assert rate_limit({"ratelimit-limit": "many"}) is None


def test_never_more_than_allowed_are_inside() -> None:
    most = 0

    async def main() -> None:
        limiter = Limiter(3)
        inside = 0

        async def one() -> None:
            nonlocal inside, most
            async with limiter:
                inside += 1
                most = max(most, inside)
                await anyio.lowlevel.checkpoint()
                inside -= 1

        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(one)

    anyio.run(main)
    assert most == 3


def test_a_push_back_halves_once_for_all_that_were_under_way() -> None:
    limiter = Limiter(32)
    epoch = limiter.epoch
    for _ in range(5):
        limiter.pushed_back(epoch)
    assert limiter.allowed == 16
    limiter.pushed_back(limiter.epoch)
    assert limiter.allowed == 8
    for _ in range(10):
        limiter.pushed_back(limiter.epoch)
    assert limiter.allowed == 1


def test_success_grows_it_slowly_and_never_above_the_most() -> None:
    limiter = Limiter(4)
    limiter.pushed_back(limiter.epoch)
    for _ in range(3):
        limiter.went_well()
    assert limiter.allowed == 3
    for _ in range(100):
        limiter.went_well()
    assert limiter.allowed == 4


def test_a_task_that_gives_up_waiting_leaves_its_turn_to_the_next() -> None:
    async def main() -> bool:
        limiter = Limiter(1)
        release = anyio.Event()
        reached = False

        async def holder() -> None:
            async with limiter:
                await release.wait()

        async def impatient() -> None:
            with anyio.move_on_after(0):
                async with limiter:
                    pass

        async def patient() -> None:
            nonlocal reached
            async with limiter:
                reached = True

        async with anyio.create_task_group() as group:
            group.start_soon(holder)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(impatient)
            group.start_soon(patient)
            await anyio.wait_all_tasks_blocked()
            release.set()
        return reached

    assert anyio.run(main)
