from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import pytest

from regtools.client.limit import Floor, Limiter, RateLimit, rate_limit, retry_after

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


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-retry-after": "1795435205"}, 5.0),
        ({"x-retry-after": "1795435195"}, 0.0),
        ({"x-retry-after": "5"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795435260"}, 60.0),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-reset": "1795435260"}, None),
        ({"retry-after": "3", "x-retry-after": "1795435205"}, 3.0),
    ],
)
def test_docker_hub_and_github_tell_the_moment(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, now=datetime.fromtimestamp(1_795_435_200, UTC)) == seconds


@pytest.mark.parametrize("tasks", [1, 7, 40])
@pytest.mark.parametrize(("left", "least"), [(30, 0), (30, 20), (20, 20), (3, 20)])
def test_a_floor_is_never_broken_however_many_ask_at_once(
    tasks: int, left: int, least: int
) -> None:
    told, granted, refused = left, 0, 0

    async def main() -> None:
        nonlocal told, granted, refused
        floor = Floor(least)

        async def one() -> None:
            nonlocal told, granted, refused
            if not await floor.acquire(lambda: told):
                refused += 1
                return
            granted += 1
            await anyio.lowlevel.checkpoint()
            told -= 1
            floor.release()

        async with anyio.create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(one)

    anyio.run(main)
    assert granted == min(tasks, max(0, left - least))
    assert granted + refused == tasks


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
