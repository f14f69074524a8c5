"""Resolve: does the name have addresses?"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio

from regtools.collect.probes import nameserver
from regtools.collect.probes.stage import Endpoint, Evidence, clean, row, stopwatch
from regtools.schema import CheckRow

STAGE: Final = "resolve"
MAX_ADDRESSES: Final = 8
"""Addresses kept as evidence, and tried."""
SLOW_MS: Final = 1000.0
"""Longer than any healthy look-up; glibc waits 5 s for a name server before it asks the next."""
MAX_FILE: Final = 64 * 2**10
_FAMILIES: Final = {
    "both": socket.AF_UNSPEC,
    "ipv4": socket.AF_INET,
    "ipv6": socket.AF_INET6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lookup:
    """One question to the system's resolver."""

    addresses: tuple[str, ...]
    ms: float
    error: Exception | None = None

    @property
    def is_unanswered(self) -> bool:
        """Whether no name server said anything, not even that there is no such address."""
        return isinstance(self.error, TimeoutError) or (
            isinstance(self.error, socket.gaierror) and self.error.errno == socket.EAI_AGAIN
        )


async def resolve(endpoint: Endpoint, *, timeout: float) -> tuple[CheckRow, list[str]]:
    """Look the host's name up as every program on this machine would; give its addresses too.

    IPv4 (A) and IPv6 (AAAA) are asked for apart as well: often only one of them is ill. And the
    machine's first name server is asked itself, since a hosts file or a cache may say otherwise.
    """
    if _is_address(endpoint.host):
        return _found(endpoint, [endpoint.host], {}, None), [endpoint.host]
    answers: dict[str, _Lookup] = {}

    async def one(name: str, family: int) -> None:
        answers[name] = await _lookup(endpoint, family, timeout)

    system = _system(endpoint.host)
    said: dict[str, nameserver.Said] = {}

    async def told(server: str, name: str, kind: int) -> None:
        said[name] = await nameserver.ask(server, endpoint.host, kind)

    async with anyio.create_task_group() as group:
        for name, family in _FAMILIES.items():
            group.start_soon(one, name, family)
        for server in system.nameservers[:1] if _is_for_servers(endpoint.host) else ():
            for name, kind in nameserver.KINDS.items():
                group.start_soon(told, server, name, kind)
    asked = _asked(system, said)
    both, apart = answers["both"], [answers["ipv4"], answers["ipv6"]]
    addresses = both.addresses or tuple(a for answer in apart for a in answer.addresses)
    if not addresses:
        if isinstance(both.error, TimeoutError):
            return _timed_out(endpoint, timeout, both.ms), []
        return _not_found(endpoint, both.error or socket.gaierror(), both.ms, asked), []
    unique = list(dict.fromkeys(addresses))
    evidence = {
        **{f"{name}_ms": answers[name].ms for name in ("ipv4", "ipv6")},
        **system.evidence,
        **asked,
    }
    lame = [name for name in ("ipv4", "ipv6") if answers[name].is_unanswered]
    if lame or both.ms > SLOW_MS:
        return _slow(endpoint, unique, evidence, both, lame), unique[:MAX_ADDRESSES]
    theirs = [address for one in said.values() for address in one.addresses]
    if system.is_in_hosts_file and theirs and not set(theirs) & set(unique):
        return _overridden(endpoint, unique, theirs, evidence, both.ms), unique[:MAX_ADDRESSES]
    return _found(endpoint, unique, evidence, both.ms), unique[:MAX_ADDRESSES]


async def _lookup(endpoint: Endpoint, family: int, timeout: float) -> _Lookup:
    error: Exception | None = None
    found: Sequence[Any] = ()
    with stopwatch() as elapsed:
        try:
            with anyio.fail_after(timeout):
                found = await anyio.getaddrinfo(
                    endpoint.host, endpoint.port, family=family, type=socket.SOCK_STREAM
                )
        except (TimeoutError, socket.gaierror, UnicodeError) as problem:
            error = problem
        return _Lookup(addresses=tuple(str(e[4][0]) for e in found), ms=elapsed(), error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _System:
    """What decides on this machine."""

    nameservers: Sequence[str]
    search: Sequence[str]
    is_in_hosts_file: bool

    @property
    def evidence(self) -> Evidence:
        """As a row holds it."""
        return {
            "nameservers": [clean(one) for one in self.nameservers],
            "search": [clean(one) for one in self.search],
            "hosts_file": self.is_in_hosts_file,
        }


def _system(host: str) -> _System:
    lines = [line.split() for line in _lines(Path("/etc/resolv.conf"))]
    names = {name.lower() for line in _lines(Path("/etc/hosts")) for name in line.split()[1:]}
    return _System(
        nameservers=[line[1] for line in lines if line[0] == "nameserver" and line[1:]],
        search=[name for line in lines if line[0] == "search" for name in line[1:]],
        is_in_hosts_file=host.lower() in names,
    )


def _is_for_servers(host: str) -> bool:
    """Whether a name server may know it: not this machine's own name, nor one without a dot."""
    return "." in host.rstrip(".") and not host.endswith(".localhost")


def _asked(system: _System, said: Mapping[str, nameserver.Said]) -> Evidence:
    """Tell what the name server itself answered, by kind of address."""
    if not said:
        return {}
    answers = {name: list(one.addresses[:MAX_ADDRESSES]) or one.fault for name, one in said.items()}
    return {"asked": clean(system.nameservers[0]), "answered": dict(sorted(answers.items()))}


def _overridden(
    endpoint: Endpoint,
    addresses: Sequence[str],
    theirs: Sequence[str],
    evidence: Evidence,
    ms: float,
) -> CheckRow:
    return row(
        endpoint.registry,
        STAGE,
        "DNS_OVERRIDDEN",
        "warn",
        f"The hosts file says that {_who(endpoint)} is {addresses[0]}; its name server says "
        f"{theirs[0]}.",
        ms=ms,
        evidence={**endpoint.evidence, **_addresses(addresses), **evidence},
        remedy="If that is not meant (a test that was forgotten, an old server), take the line out of "
        "/etc/hosts.",
    )


def _lines(file: Path) -> list[str]:
    """Give the lines that say something; a machine without such a file has none."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")[:MAX_FILE]
    except OSError:
        return []
    said = (re.split("[#;]", line)[0].strip() for line in text.splitlines())
    return [line for line in said if line]


def _split(addresses: Sequence[str]) -> tuple[list[str], list[str]]:
    # getaddrinfo may give an IPv6 address with a zone: fe80::1%eth0.
    v6 = [address for address in addresses if ":" in address]
    return [address for address in addresses if ":" not in address], v6


def _addresses(addresses: Sequence[str]) -> Evidence:
    v4, v6 = _split(addresses)
    return {"ipv4": v4[:MAX_ADDRESSES], "ipv6": v6[:MAX_ADDRESSES]}


def _found(
    endpoint: Endpoint, addresses: Sequence[str], evidence: Evidence, ms: float | None
) -> CheckRow:
    v4, v6 = _split(addresses)
    what = "is an address" if ms is None else f"has {_count(len(v4), len(v6))}"
    return row(
        endpoint.registry,
        STAGE,
        "RESOLVED",
        "ok",
        f"{_who(endpoint)} {what}.",
        ms=ms,
        evidence={**endpoint.evidence, **_addresses(addresses), **evidence},
    )


def _slow(
    endpoint: Endpoint,
    addresses: Sequence[str],
    evidence: Evidence,
    both: _Lookup,
    lame: Sequence[str],
) -> CheckRow:
    kinds = {"ipv4": "IPv4 (A)", "ipv6": "IPv6 (AAAA)"}
    unanswered = " and ".join(kinds[name] for name in lame)
    why = f": the question for {unanswered} is not answered" if lame else ""
    return row(
        endpoint.registry,
        STAGE,
        "DNS_SLOW",
        "warn",
        f"{_who(endpoint)} was resolved only after {both.ms / 1000:.1f} s{why}.",
        ms=both.ms,
        evidence={**endpoint.evidence, **_addresses(addresses), **evidence},
        remedy="Every pull waits as long: look at the name servers in /etc/resolv.conf. Often the "
        "first of them is dead, or a firewall drops questions for IPv6 (AAAA).",
    )


def _not_found(endpoint: Endpoint, error: Exception, ms: float, asked: Evidence) -> CheckRow:
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
        evidence={**endpoint.evidence, **asked},
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
