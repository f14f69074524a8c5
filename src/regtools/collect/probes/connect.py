"""Connect: does each address take a TCP connection?"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import anyio

from regtools.collect.probes.stage import Endpoint, row, stopwatch
from regtools.schema import CheckRow

STAGE: Final = "connect"

_REASONS: Final = {
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "no route",
    errno.EHOSTUNREACH: "no route",
    errno.EADDRNOTAVAIL: "no route",
    errno.EAFNOSUPPORT: "no route",
    errno.ETIMEDOUT: "timeout",
}
_CODES: Final = {"refused": "CONNECT_REFUSED", "timeout": "CONNECT_TIMEOUT"}
_REMEDIES: Final = {
    "CONNECT_REFUSED": "Nothing listens there: check the port, and that the registry is running.",
    "CONNECT_TIMEOUT": "Packets get lost on the way: check firewalls, security groups and VPN, "
    "and whether a proxy is needed (HTTPS_PROXY).",
    "CONNECT_FAILED": "Check this machine's network and routes to the address.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    address: str
    ms: float
    error: str = ""


async def connect(
    endpoint: Endpoint, addresses: Sequence[str], *, timeout: float
) -> tuple[CheckRow, list[str]]:
    """Connect to all addresses at once, each within `timeout`; give those that answer too."""
    attempts: dict[str, _Attempt] = {}

    async def one(address: str) -> None:
        attempts[address] = await _attempt(address, endpoint.port, timeout)

    with stopwatch() as elapsed:
        async with anyio.create_task_group() as group:
            for address in addresses:
                group.start_soon(one, address)
        ordered = [attempts[address] for address in addresses]
        alive = [attempt.address for attempt in ordered if not attempt.error]
        return _row(endpoint, ordered, elapsed()), alive


async def _attempt(address: str, port: int, timeout: float) -> _Attempt:
    error = ""
    with stopwatch() as elapsed:
        try:
            with anyio.fail_after(timeout):
                stream = await anyio.connect_tcp(address, port)
                await stream.aclose()
        except TimeoutError:
            error = "timeout"
        except OSError as problem:
            error = _reason(problem)
        return _Attempt(address=address, ms=elapsed(), error=error)


def _reason(problem: OSError) -> str:
    # anyio raises a plain OSError and keeps what the kernel said as its cause.
    cause = problem if problem.errno else problem.__cause__ or problem
    number = cause.errno if isinstance(cause, OSError) else None
    return _REASONS.get(number or 0, "failed")


def _row(endpoint: Endpoint, attempts: Sequence[_Attempt], ms: float) -> CheckRow:
    alive = [attempt for attempt in attempts if not attempt.error]
    dead = [attempt for attempt in attempts if attempt.error]
    where = f"The proxy {endpoint}" if endpoint.is_proxy else str(endpoint)
    evidence = {
        **endpoint.evidence,
        "addresses": [
            {"address": one.address, "ms": one.ms, **({"error": one.error} if one.error else {})}
            for one in attempts
        ],
    }
    if not alive:
        errors = [attempt.error for attempt in dead]
        code = next((_CODES[e] for e in ("refused", "timeout") if e in errors), "CONNECT_FAILED")
        reasons = ", ".join(f"{one.address}: {one.error}" for one in dead)
        summary = f"{where} takes no connection ({reasons})."
        return row(
            endpoint.registry,
            STAGE,
            code,
            "fail",
            summary,
            ms=ms,
            evidence=evidence,
            remedy=_REMEDIES[code],
        )
    fastest = min(attempt.ms for attempt in alive)
    # A refusal costs nobody anything: the next address is tried at once. Silence costs seconds.
    silent = [attempt.address for attempt in dead if attempt.error == "timeout"]
    if silent:
        return row(
            endpoint.registry,
            STAGE,
            "CONNECT_PARTIAL",
            "warn",
            f"{where} connects, but not at {', '.join(silent)}.",
            ms=fastest,
            evidence=evidence,
            remedy="Clients that try this address first are slow: take it out of DNS, or mend its "
            "route (often IPv6 without a way out).",
        )
    summary = f"{where} takes connections."
    return row(endpoint.registry, STAGE, "CONNECTED", "ok", summary, ms=fastest, evidence=evidence)
