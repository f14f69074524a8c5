"""HTTP: does a registry answer at ``/v2/``?"""

from __future__ import annotations

from typing import Final

from regtools.client import Distribution, Ping
from regtools.collect.probes.stage import clean, failed, row, stopwatch
from regtools.errors import DeniedError, RegistryError, RegtoolsError, UnauthorizedError
from regtools.schema import CheckRow

STAGE: Final = "http"

Answer = Ping | UnauthorizedError | DeniedError
"""What a registry says at ``/v2/``: welcome, or a refusal that the next stage looks into."""


async def http(distribution: Distribution) -> tuple[CheckRow, Answer | None]:
    """Ask for the protocol's version; give the answer too, None if no registry gave one."""
    registry = distribution.registry
    with stopwatch() as elapsed:
        try:
            ping = await distribution.ping()
        except (UnauthorizedError, DeniedError) as refusal:
            return refused(registry, refusal, elapsed()), refusal
        except RegtoolsError as error:
            return failed(registry, STAGE, error, ms=elapsed()), None
    return answered(registry, ping), ping


def answered(registry: str, ping: Ping) -> CheckRow:
    """Make the row of a ping that came back."""
    return row(
        registry,
        STAGE,
        "HTTP_OK",
        "ok",
        f"A registry answers at /v2/ with {ping.status}.",
        ms=ping.ms,
        evidence={
            "status": ping.status,
            "api_version": clean(ping.api_version or ""),
            "server": clean(ping.server or ""),
        },
    )


def refused(registry: str, refusal: RegistryError, ms: float | None) -> CheckRow:
    """Make the row of a registry that answers, if only to refuse."""
    return row(
        registry,
        STAGE,
        "HTTP_OK",
        "ok",
        f"A registry answers at /v2/ with {refusal.status}.",
        ms=ms,
        evidence={"status": refusal.status},
    )
