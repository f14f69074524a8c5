from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import anyio
import pytest
import stamina
from tests.support.fake_registry import FakeRegistry, fake_registry

from regtools.client import ConnectionOptions, Distribution, open_client
from regtools.credentials import ANONYMOUS, Credential
from regtools.reference import parse_target

T = TypeVar("T")
Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retry as often as ever, but at once."""
    with stamina.set_testing(True, attempts=4):
        yield


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """A registry that does what the test says."""
    with fake_registry() as running:
        yield running


@pytest.fixture
def ask() -> Ask:
    """Do something with a client for a target: ``ask(url, lambda registry: registry.ping())``."""

    def run(
        target: str,
        work: Callable[[Distribution], Awaitable[T]],
        *,
        credential: Credential = ANONYMOUS,
        options: ConnectionOptions | None = None,
        **more: Any,
    ) -> T:
        async def main() -> T:
            async with open_client(options or ConnectionOptions(timeout_seconds=5)) as client:
                return await work(Distribution(parse_target(target), credential, client, **more))

        return anyio.run(main)

    return run


async def all_of(pages: Any) -> list[str]:
    """Collect the pages of a listing."""
    return [name async for page in pages for name in page]
