"""From the name of a registry to a layer in it, stage by stage, to one root cause.

A stage is tried only if those before it went well; one that was not tried says so. So the first
failed row is the cause, and all others are its consequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import httpx

from regtools.client import ConnectionOptions, Distribution
from regtools.client.distribution import origin_url
from regtools.client.transport import environment_proxies, proxy_for, trust
from regtools.collect.diagnosis import root_cause
from regtools.collect.probes import auth, blob, connect, http, listing, manifest, resolve, tls
from regtools.collect.probes.stage import Endpoint, row, skipped
from regtools.reference import Target
from regtools.schema import CheckRow

CONNECTION_STAGES: Final = (resolve.STAGE, connect.STAGE, tls.STAGE)
REGISTRY_STAGES: Final = (http.STAGE, auth.STAGE)
STAGES: Final = (
    *CONNECTION_STAGES,
    *REGISTRY_STAGES,
    listing.STAGE,
    manifest.STAGE,
    blob.STAGE,
)
"""All stages in their order."""
_PORTS: Final = {"https": 443, "http": 80}
STAGE_SECONDS: Final = 10.0
"""Longest that one connection stage may take, where the settings do not say less."""


async def connection_checks(
    target: Target, options: ConnectionOptions, *, now: datetime
) -> list[CheckRow]:
    """Walk from the name to the TLS session, without any HTTP request.

    Parameters
    ----------
    now
        The moment to judge certificates by.
    """
    endpoint = endpoint_of(target, options)
    timeout = min(options.timeout_seconds, STAGE_SECONDS)
    resolved, addresses = await resolve.resolve(endpoint, timeout=timeout)
    rows = [resolved]
    if addresses:
        connected, alive = await connect.connect(endpoint, addresses, timeout=timeout)
        rows.append(connected)
        if alive:
            rows.append(await _tls(target, endpoint, alive[0], options, timeout, now))
    return _completed(rows, CONNECTION_STAGES)


async def scan_checks(
    distribution: Distribution, target: Target, options: ConnectionOptions, *, now: datetime
) -> list[CheckRow]:
    """Give the checks that go with a scan: the connection, and what the registry says at ``/v2/``.

    The scan itself shows whether the registry lists and reads: asking twice would cost requests.
    """
    rows = await connection_checks(target, options, now=now)
    if root_cause(rows) is None:
        rows += await authentication_checks(distribution, target)
    return _completed(rows, (*CONNECTION_STAGES, *REGISTRY_STAGES))


async def authentication_checks(distribution: Distribution, target: Target) -> list[CheckRow]:
    """Ask at ``/v2/``: does a registry answer, and what does it make of the credential?"""
    answered, answer = await http.http(distribution)
    rows = [answered]
    if answer is not None:
        rows.append(
            auth.auth(
                distribution.registry,
                answer,
                source=_source(distribution),
                needed=not target.path,
            )
        )
    return _completed(rows, REGISTRY_STAGES)


async def diagnose(
    distribution: Distribution,
    target: Target,
    options: ConnectionOptions,
    *,
    repository: str | None = None,
    reference: str | None = None,
    now: datetime,
) -> list[CheckRow]:
    """Walk the whole way; with a repository, down to a layer of an image in it.

    Parameters
    ----------
    repository, reference
        The image to look at. Without a reference any tag will do; without a repository the walk
        ends with the listing.
    now
        The moment to judge certificates by.
    """
    wanted = STAGES if repository else STAGES[: STAGES.index(listing.STAGE) + 1]
    target = replace(target, path=repository or target.path)
    rows = await scan_checks(distribution, target, options, now=now)
    if root_cause(rows) is None:
        source = _source(distribution)
        rows.append(
            await listing.listing(distribution, needed=not target.path, anonymous=not source)
        )
    if root_cause(rows) is None and repository:
        found, image = await manifest.manifest(distribution, repository, reference)
        rows.append(found)
        if image is not None:
            rows.append(await blob.blob(distribution, repository, image))
    return _completed(rows, wanted)


def endpoint_of(target: Target, options: ConnectionOptions) -> Endpoint:
    """Give the host that a client would connect to."""
    url = origin_url(target)
    proxy = proxy_for(url, environment_proxies(options))
    # Of a proxy name and port only: its address often holds a password.
    there = httpx.URL(proxy) if proxy else url
    return Endpoint(
        registry=target.registry,
        host=there.host,
        port=there.port or _PORTS.get(there.scheme, 80),
        is_proxy=proxy is not None,
    )


async def _tls(
    target: Target,
    endpoint: Endpoint,
    address: str,
    options: ConnectionOptions,
    timeout: float,
    now: datetime,
) -> CheckRow:
    if endpoint.is_proxy:
        reason = f"Not tried: the proxy {endpoint} opens the connection to the registry."
        return skipped(endpoint.registry, tls.STAGE, reason)
    if target.scheme == "http":
        return _plain_http(target)
    check = await tls.tls(endpoint, address, trust=trust(options.ca_file), timeout=timeout, now=now)
    if check.code == "TLS_NOT_SPOKEN" and target.scheme is None and target.is_loopback:
        return _plain_http(target)
    return check


def _plain_http(target: Target) -> CheckRow:
    if target.is_loopback:
        summary = "Plain HTTP, which never leaves this machine."
        return row(target.registry, tls.STAGE, "PLAIN_HTTP", "ok", summary)
    return row(
        target.registry,
        tls.STAGE,
        "PLAIN_HTTP",
        "warn",
        "Plain HTTP: everybody on the way can read and change what is sent, passwords included.",
        remedy="Give the registry a certificate, or put a proxy with TLS in front of it.",
    )


def _source(distribution: Distribution) -> str:
    """Say where the credential comes from; empty: there is none."""
    credential = distribution.credential
    return "" if credential.is_anonymous else credential.source


def _completed(rows: list[CheckRow], stages: Sequence[str]) -> list[CheckRow]:
    """Add a row for each stage that was not tried, with the reason."""
    cause = root_cause(rows)
    if cause is None:
        return rows
    done = {check.stage for check in rows}
    reason = f"Not tried, because {cause.stage} failed."
    missing = [skipped(cause.registry, stage, reason) for stage in stages if stage not in done]
    return [*rows, *missing]
