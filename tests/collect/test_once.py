from __future__ import annotations

import anyio
import pytest

from regtools.collect.once import Once


def test_many_callers_share_one_run() -> None:
    runs: list[int] = []

    async def work() -> str:
        runs.append(1)
        await anyio.lowlevel.checkpoint()
        return "value"

    async def main() -> list[str]:
        once: Once[str, str] = Once()
        got: list[str] = []

        async def caller() -> None:
            got.append(await once.get("key", work))

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(caller)
        return got

    assert anyio.run(main) == ["value"] * 20
    assert runs == [1]


def test_a_failure_is_seen_by_its_caller_and_tried_again_by_the_next() -> None:
    outcomes = iter([ValueError("first"), None])

    async def work() -> str:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        return "second"

    async def main() -> str:
        once: Once[str, str] = Once()
        with pytest.raises(ValueError, match="first"):
            await once.get("key", work)
        assert "key" not in once
        return await once.get("key", work)

    assert anyio.run(main) == "second"


def test_callers_that_wait_on_a_failing_run_try_for_themselves() -> None:
    started = 0

    async def main() -> list[str]:
        once: Once[str, str] = Once()
        release = anyio.Event()
        results: list[str] = []

        async def work() -> str:
            nonlocal started
            started += 1
            if started == 1:
                await release.wait()
                raise ValueError
            return "ok"

        async def caller() -> None:
            try:
                results.append(await once.get("key", work))
            except ValueError:
                results.append("failed")

        async with anyio.create_task_group() as group:
            group.start_soon(caller)
            group.start_soon(caller)
            await anyio.wait_all_tasks_blocked()
            release.set()
        return results

    assert sorted(anyio.run(main)) == ["failed", "ok"]
