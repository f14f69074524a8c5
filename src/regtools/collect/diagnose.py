"""From the name of a registry to a layer in it, stage by stage, to one root cause.

A stage is tried only if those before it went well; one that was not tried says so. So the first
failed row is the cause, and all others are its consequences.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx

from regtools.client import ConnectionOptions, Distribution
from regtools.client.distribution import origin_url
from regtools.client.transport import environment_proxies, proxy_for, trust
from regtools.collect import approach
from regtools.collect.diagnosis import root_cause
from regtools.collect.probes import (
    auth,
    blob,
    configuration,
    connect,
    credentials,
    limits,
    listing,
    manifest,
    push,
    reference,
    resolve,
    storage,
    throughput,
    tls,
)
from regtools.collect.probes.stage import Endpoint, row, skipped
from regtools.credentials import Attempt
from regtools.errors import InvalidReferenceError, UnauthorizedError
from regtools.reference import Target
from regtools.registries.listing import ReportedBytes, Rights
from regtools.schema import CheckRow

CONNECTION_STAGES: Final = (resolve.STAGE, connect.STAGE, tls.STAGE)
NAMELESS_STAGES: Final = (
    reference.STAGE,
    configuration.STAGE,
    *CONNECTION_STAGES,
    *approach.STAGES,
    listing.STAGE,
    limits.STAGE,
    storage.STAGE,
)
"""Stages where no image is named, in their order."""
STAGES: Final = (
    *NAMELESS_STAGES[: NAMELESS_STAGES.index(listing.STAGE) + 1],
    manifest.STAGE,
    blob.STAGE,
    throughput.STAGE,
    limits.STAGE,
    storage.STAGE,
    push.STAGE,
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
    return completed(rows, CONNECTION_STAGES)


async def scan_checks(
    distribution: Distribution,
    target: Target,
    options: ConnectionOptions,
    *,
    attempts: Sequence[Attempt] = (),
    now: datetime,
) -> list[CheckRow]:
    """Give the checks that go with a scan: the connection, and what the registry says at ``/v2/``.

    The scan itself shows whether the registry lists and reads: asking twice would cost requests.
    """
    rows = await connection_checks(target, options, now=now)
    if root_cause(rows) is None:
        rows += await authentication_checks(
            distribution, target, options, attempts=attempts, now=now
        )
    return completed(rows, (*CONNECTION_STAGES, *approach.STAGES))


async def authentication_checks(
    distribution: Distribution,
    target: Target,
    options: ConnectionOptions,
    *,
    attempts: Sequence[Attempt] = (),
    now: datetime,
) -> list[CheckRow]:
    """Ask at ``/v2/``: does a registry answer, and what does it make of the credential?

    Parameters
    ----------
    attempts
        Where a credential was looked for.
    """
    first = _approach(distribution, target, options, "", attempts, now)
    return completed((await first.walk()).rows, approach.STAGES)


def _approach(
    distribution: Distribution,
    target: Target,
    options: ConnectionOptions,
    repository: str,
    attempts: Sequence[Attempt],
    now: datetime,
) -> approach.Approach:
    async def way(server: Target) -> list[CheckRow]:
        return await connection_checks(server, options, now=now)

    return approach.Approach(
        distribution=distribution,
        target=target,
        repository=repository,
        attempts=attempts,
        way=way,
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to work."""

    target: Target
    given: str = ""
    """The repository as the user wrote it."""
    image: manifest.Wanted | None = None
    """The image to be pulled; None: the walk ends with the listing."""
    push: bool = False
    """Whether a push is what is to work."""
    folder: Path | None = None
    """The registry's own storage on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a vendor's own API tells beside the protocol."""

    rights: Rights | None = None
    reported: Sequence[ReportedBytes] = ()


async def diagnose(
    distribution: Distribution,
    question: Question,
    options: ConnectionOptions,
    *,
    attempts: Sequence[Attempt] = (),
    ask_vendor: Callable[[], Awaitable[Told]],
    is_archived: Callable[[manifest.Wanted], Awaitable[bool]] | None = None,
    environ: Mapping[str, str],
    now: datetime,
) -> list[CheckRow]:
    """Walk the whole way; with an image, down to the bytes of its layers.

    Parameters
    ----------
    attempts
        Where a credential was looked for.
    ask_vendor
        Asks the vendor's own API, where there is one.
    is_archived
        Asks it whether an image that is missing is only put away.
    environ
        The environment's variables.
    now
        The moment to judge certificates and clocks by.
    """
    target, image = question.target, question.image
    tag = image.reference if image else None
    rows = [
        reference.reference(target, question.given, tag=tag),
        configuration.configuration(target, options, environ=environ),
        *await connection_checks(target, options, now=now),
    ]
    granted: frozenset[str] | None = None
    if root_cause(rows) is None:
        repository = image.repository if image else ""
        first = _approach(distribution, target, options, repository, attempts, now)
        approached = await first.walk()
        rows += approached.rows
        granted = approached.granted
    if root_cause(rows) is None:
        rows.append(
            await listing.listing(
                distribution,
                needed=not target.path,
                anonymous=distribution.credential.is_anonymous,
            )
        )
    if root_cause(rows) is None and image:
        rows = _with_need_proven([*rows, *await _content(distribution, image, options, now)])
        if rows[-1].code in manifest.MISSING and is_archived and await is_archived(image):
            rows[-1] = manifest.archived(rows[-1], image)
    if root_cause(rows) is None:
        told = await ask_vendor()
        rows = credentials.described(rows, rights=told.rights)
        rows += _around(distribution, question, granted, told)
    return completed(rows, STAGES if image else NAMELESS_STAGES)


def _with_need_proven(rows: list[CheckRow]) -> list[CheckRow]:
    """Blame the missing credential for an image that was refused because of it.

    Before that nobody knows: a registry that asks for a credential may still show public images.
    """
    found = {check.stage: check for check in rows}
    asked, refused = found[auth.STAGE], found[manifest.STAGE]
    if asked.code != "AUTH_REQUIRED" or refused.code != UnauthorizedError.default_code:
        return rows
    return [*rows[: rows.index(asked)], replace(asked, status="fail")]


async def _content(
    distribution: Distribution,
    image: manifest.Wanted,
    options: ConnectionOptions,
    now: datetime,
) -> list[CheckRow]:
    """Read the image's manifest and from its layers."""

    async def way(server: Target) -> list[CheckRow]:
        return await connection_checks(server, options, now=now)

    found, content = await manifest.manifest(distribution, image)
    rows = [found]
    if content is not None:
        rows.append(await blob.blob(distribution, image.repository, content, way=way))
    if content is not None and root_cause(rows) is None:
        rows.append(await throughput.throughput(distribution, image.repository, content))
    return rows


def _around(
    distribution: Distribution, question: Question, granted: frozenset[str] | None, told: Told
) -> list[CheckRow]:
    """Look at what is not on the way, and may stop somebody all the same."""
    registry = distribution.registry
    rows = [
        limits.limits(registry, distribution.rate_limit)
        or row(registry, limits.STAGE, "LIMITS_NONE", "ok", "The registry tells of no limit."),
        storage.storage(registry, folder=question.folder, reported=told.reported),
    ]
    if question.image:
        rows.append(
            push.push(
                registry,
                question.image.repository,
                granted=granted,
                told=told.rights,
                needed=question.push,
            )
        )
    return rows


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
    check = await tls.tls(
        endpoint,
        address,
        trust=trust(options.ca_file),
        organizations=tls.organizations_of(options.ca_file),
        timeout=timeout,
        now=now,
    )
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


def refused_name(registry: str, error: InvalidReferenceError) -> CheckRow:
    """Make the row of a name that the grammar refuses, with which no walk begins."""
    return reference.unreadable(registry, error)


def completed(rows: list[CheckRow], stages: Sequence[str] = STAGES) -> list[CheckRow]:
    """Add a row for each stage that was not tried, with the reason."""
    cause = root_cause(rows)
    if cause is None:
        return rows
    done = {check.stage for check in rows}
    reason = f"Not tried, because {cause.stage} failed."
    missing = [skipped(cause.registry, stage, reason) for stage in stages if stage not in done]
    return [*rows, *missing]
