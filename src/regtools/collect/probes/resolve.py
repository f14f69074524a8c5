"""Resolve: does the name have addresses?"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

import anyio

from regtools.collect.probes.stage import Endpoint, row, stopwatch
from regtools.schema import CheckRow

STAGE: Final = "resolve"
MAX_ADDRESSES: Final = 8
"""Addresses kept as evidence, and tried."""


async def resolve(endpoint: Endpoint, *, timeout: float) -> tuple[CheckRow, list[str]]:
    """Look the host's name up as every program on this machine would; give its addresses too."""
    if _is_address(endpoint.host):
        return _found(endpoint, [endpoint.host], None), [endpoint.host]
    with stopwatch() as elapsed:
        try:
            with anyio.fail_after(timeout):
                found = await anyio.getaddrinfo(
                    endpoint.host, endpoint.port, type=socket.SOCK_STREAM
                )
        except TimeoutError:
            return _timed_out(endpoint, timeout, elapsed()), []
        except (socket.gaierror, UnicodeError) as error:
            return _not_found(endpoint, error, elapsed()), []
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        return _found(endpoint, addresses, elapsed()), addresses[:MAX_ADDRESSES]


def _found(endpoint: Endpoint, addresses: list[str], ms: float | None) -> CheckRow:
    # getaddrinfo may give an IPv6 address with a zone: fe80::1%eth0.
    v6 = [address for address in addresses if ":" in address]
    v4 = [address for address in addresses if ":" not in address]
    what = "is an address" if ms is None else f"has {_count(len(v4), len(v6))}"
    return row(
        endpoint.registry,
        STAGE,
        "RESOLVED",
        "ok",
        f"{_who(endpoint)} {what}.",
        ms=ms,
        evidence={**endpoint.evidence, "ipv4": v4[:MAX_ADDRESSES], "ipv6": v6[:MAX_ADDRESSES]},
    )


def _not_found(endpoint: Endpoint, error: Exception, ms: float) -> CheckRow:
    again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    reason = "the name server did not answer" if again else "the name does not exist"
    remedy = (
        "Check this machine's name server (/etc/resolv.conf) and network, then try again."
        if again
        else "Check the spelling. A name inside a company or a cluster resolves only with its own "
        "name server: compare with the machine where it works."
    )
    return row(
        endpoint.registry,
        STAGE,
        "DNS_FAILED",
        "fail",
        f"{_who(endpoint)} cannot be resolved: {reason}.",
        ms=ms,
        evidence=endpoint.evidence,
        remedy=remedy,
    )


def _timed_out(endpoint: Endpoint, timeout: float, ms: float) -> CheckRow:
    return row(
        endpoint.registry,
        STAGE,
        "DNS_FAILED",
        "fail",
        f"{_who(endpoint)} was not resolved within {timeout:g} s.",
        ms=ms,
        evidence=endpoint.evidence,
        remedy="Check this machine's name server (/etc/resolv.conf) and network.",
    )


def _who(endpoint: Endpoint) -> str:
    return f"The proxy {endpoint.host}" if endpoint.is_proxy else endpoint.host


def _count(v4: int, v6: int) -> str:
    parts = [f"{n} IPv{version}" for n, version in ((v4, 4), (v6, 6)) if n]
    return f"{' and '.join(parts)} address{'es' if v4 + v6 > 1 else ''}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
