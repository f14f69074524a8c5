"""The newest snapshot of the sample history: a real scan, over real HTTP, of the sample registry."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from anyio.from_thread import start_blocking_portal

from regtools.client import ConnectionOptions, Distribution, open_client
from regtools.collect.scan import Outcome, Progress, scan
from regtools.credentials import Credential
from regtools.demo.history import Watched
from regtools.demo.server import USERS, SampleRegistry
from regtools.history import Draft, History
from regtools.reference import parse_target
from regtools.schema import Inventory, SnapshotRow


def live_snapshot(
    history: History,
    watched: Watched,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> SnapshotRow:
    """Serve a company's registry on the loopback and scan it into the history.

    In the history it has the name that it has there already. Its checks are those of the story,
    since a name under ``.example`` has no address to check.

    Raises
    ------
    RegtoolsError
        The scan failed, or the history cannot be written.
    """
    now, started = watched.company.now, time.monotonic()
    with (
        SampleRegistry(watched.company, at=now) as registry,
        history.draft(watched.registry, watched.namespace, now=now) as draft,
    ):
        outcome, requests = _scan(registry, watched, history, draft, on_progress)
        rest = _renamed(outcome.rest, watched.registry)
        rest.checks.extend(watched.site.checks(now))
        return draft.publish(
            kind=watched.kind.name,
            taken_at=now,
            complete=outcome.complete,
            requests=requests,
            seconds=round(time.monotonic() - started, 3),
            dedup_scope=watched.kind.dedup_scope,
            rest=rest,
        )


def _scan(
    registry: SampleRegistry,
    watched: Watched,
    history: History,
    draft: Draft,
    on_progress: Callable[[Progress], None],
) -> tuple[Outcome, int]:
    """Give what came of the scan, and how many requests it sent."""
    ((username, password),) = USERS.items()
    credential = Credential(username=username, password=password, source="the sample registry")

    async def work() -> tuple[Outcome, int]:
        # A proxy of the environment does not reach this machine's loopback.
        async with open_client(ConnectionOptions(trust_env=False)) as client:
            distribution = Distribution(parse_target(registry.url), credential, client)
            outcome = await scan(
                distribution,
                watched.kind,
                path=watched.namespace,
                known=draft.known,
                known_children=lambda: history.known_children(watched.registry),
                known_subjects=lambda: history.known_subjects(watched.registry),
                finished=draft.finished,
                on_part=lambda part: draft.add(_renamed(part, watched.registry)),
                on_progress=on_progress,
            )
            return outcome, distribution.requests

    with start_blocking_portal() as portal:
        return portal.call(work)


def _renamed(part: Inventory, registry: str) -> Inventory:
    return replace(
        part,
        repositories=[replace(row, registry=registry) for row in part.repositories],
        tags=[replace(row, registry=registry) for row in part.tags],
        untagged=[replace(row, registry=registry) for row in part.untagged],
        problems=[replace(row, registry=registry) for row in part.problems],
    )
