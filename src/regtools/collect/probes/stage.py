"""What all probes share: where they go, how they measure, and how their rows are made."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from regtools.errors import RateLimitedError, RegistryError, RegtoolsError, UnreachableError
from regtools.schema import CheckRow, Status

MAX_TEXT: Final = 200
"""Characters kept of any text that comes from outside."""

Evidence = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The host that a connection goes to: the registry, or the proxy in front of it."""

    registry: str
    """As it stands in a reference; names the rows."""
    host: str
    port: int
    is_proxy: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def evidence(self) -> Evidence:
        """What a row says of where it went, where that is not the registry itself."""
        return {"proxy": str(self)} if self.is_proxy else {}


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Measure milliseconds, with one decimal, from entering the block."""
    started = time.perf_counter()
    yield lambda: round((time.perf_counter() - started) * 1000, 1)


def row(
    registry: str,
    stage: str,
    code: str,
    status: Status,
    summary: str,
    *,
    ms: float | None = None,
    evidence: Evidence | None = None,
    remedy: str = "",
) -> CheckRow:
    """Make the row of one stage."""
    return CheckRow(
        registry=registry,
        stage=stage,
        code=code,
        status=status,
        ms=ms,
        summary=summary,
        evidence=json.dumps(evidence) if evidence else "",
        remedy=remedy,
    )


def failed(
    registry: str,
    stage: str,
    error: RegtoolsError,
    *,
    ms: float | None = None,
    evidence: Evidence | None = None,
) -> CheckRow:
    """Make the row of a stage that an error ended."""
    return row(
        registry,
        stage,
        error.code,
        "fail",
        error.summary,
        ms=ms,
        evidence={**_told_by(error), **(evidence or {})},
        remedy=error.remedy,
    )


def _told_by(error: RegtoolsError) -> Evidence:
    """Give what an error knows beside its words."""
    told: dict[str, object] = {}
    if isinstance(error, UnreachableError):
        told["host"] = error.host
    if isinstance(error, RegistryError) and error.status:
        told |= {"status": error.status, "registry_codes": list(error.registry_codes)}
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        until = datetime.now(UTC) + timedelta(seconds=error.retry_after)
        told |= {
            "retry_after_seconds": round(error.retry_after),
            "ends_at": until.isoformat(timespec="seconds"),
        }
    return told


def skipped(registry: str, stage: str, reason: str) -> CheckRow:
    """Make the row of a stage that was not tried."""
    return row(registry, stage, "SKIPPED", "skipped", reason)


def clean(text: object, limit: int = MAX_TEXT) -> str:
    """Bound a foreign text and take what would move a terminal's cursor out of it."""
    shown = "".join(c if c.isprintable() else "�" for c in str(text)[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
