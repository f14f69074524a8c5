"""A diagnosis without the settings and the command line around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from regtools.client import ConnectionOptions, Distribution, open_client
from regtools.collect import diagnose as diagnosis
from regtools.collect.probes.manifest import Wanted
from regtools.credentials import ANONYMOUS, Credential
from regtools.reference import parse_target
from regtools.schema import CheckRow


def walk(
    target: str,
    *,
    credential: Credential = ANONYMOUS,
    ca_file: Path | None = None,
    repository: str | None = None,
    reference: str | None = None,
    platform: str | None = None,
    timeout_seconds: float = 5,
    **question: Any,
) -> list[CheckRow]:
    """Diagnose, with a client of its own."""

    async def work(distribution: Distribution, options: ConnectionOptions) -> list[CheckRow]:
        place = parse_target(target)
        image = (
            Wanted(repository=repository, reference=reference, platform=platform)
            if repository
            else None
        )
        return await diagnosis.diagnose(
            distribution,
            diagnosis.Question(
                target=replace(place, path=repository or ""), image=image, **question
            ),
            options,
            ask_vendor=nobody,
            environ={},
            now=datetime.now(UTC),
        )

    return talk(
        target, work, credential=credential, ca_file=ca_file, timeout_seconds=timeout_seconds
    )


def talk(
    target: str,
    work: Callable[[Distribution, ConnectionOptions], Any],
    *,
    credential: Credential = ANONYMOUS,
    ca_file: Path | None = None,
    timeout_seconds: float = 5,
) -> Any:
    """Run async work with a client that asks once, and does not wait."""
    options = ConnectionOptions(ca_file=ca_file, timeout_seconds=timeout_seconds)

    async def run() -> Any:
        async with open_client(options) as client:
            return await work(
                Distribution(
                    parse_target(target), credential, client, attempts=1, max_wait_seconds=0
                ),
                options,
            )

    return anyio.run(run)


async def nobody() -> diagnosis.Told:
    return diagnosis.Told()
