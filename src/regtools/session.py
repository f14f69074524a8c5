"""From the name of a registry to a scan in the history, a diagnosis or a check of a credential.

Here the parts meet: settings, credential, client, scan, history. Async inside, plain functions
outside, so that they work in a script, in a notebook and under a running event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

import anyio.to_thread
from httpx import AsyncClient

from regtools import progress as progress_bars
from regtools.client import (
    Budget,
    Distribution,
)
from regtools.collect import diagnose as stages
from regtools.collect import scan as scanning
from regtools.collect.capability import MAX_REQUESTS, Measured, measure
from regtools.collect.content import check_content
from regtools.collect.probes import limits
from regtools.collect.probes.credentials import described
from regtools.collect.rights import Right, missing, rights
from regtools.credentials import (
    Attempt,
    expires_at,
)
from regtools.errors import (
    BudgetError,
    ConfigError,
    RegistryError,
    RegtoolsError,
    UnreachableError,
)
from regtools.registries.listing import Rights
from regtools.schema import CheckRow, ProblemRow, SnapshotRow

if TYPE_CHECKING:
    import pandas as pd

    from regtools.history import History
from regtools.access import (
    Access,
    Options,
    Vendor,
    closer_look,
    credential_shape,
    image_place,
    open_access,
    open_vendor,
    recorded,
    talk,
    with_kind_told,
    with_login,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A finished scan: its snapshot, and what it holds in numbers."""

    snapshot: SnapshotRow
    problems: Sequence[ProblemRow]
    repositories: int
    tags: int
    manifests: int
    blobs: int
    logical_bytes: int
    physical_bytes: int
    limits: str = ""
    """What is left of the quota of pulls, in words; empty: the registry told of none."""
    closer_look: str = ""
    """The command that looks closer at the first problem; empty: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What came of scanning one or more registries."""

    scanned: Sequence[Scanned]
    failed: Sequence[tuple[str, RegtoolsError]] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether every registry was read, and read whole."""
        return not self.failed and all(one.snapshot.complete for one in self.scanned)

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each scan: registry, snapshot, taken_at, complete, problems (how many),
        repositories, tags, manifests, blobs, logical_bytes, physical_bytes, requests, seconds."""
        import pandas as pd

        columns = ("repositories", "tags", "manifests", "blobs", "logical_bytes", "physical_bytes")
        return pd.DataFrame(
            {
                "registry": one.snapshot.registry,
                "snapshot": one.snapshot.snapshot,
                "taken_at": one.snapshot.taken_at,
                "complete": one.snapshot.complete,
                "problems": len(one.problems),
                **{name: getattr(one, name) for name in columns},
                "requests": one.snapshot.requests,
                "seconds": one.snapshot.seconds,
            }
            for one in self.scanned
        )

    def _repr_html_(self) -> str:
        """Show in a notebook what was read, and what could not be."""
        failed = "".join(
            f"<p>{escape(name)}: {escape(error.summary)} [{error.code}]"
            f"{_closer(error.closer_look)}</p>"
            for name, error in self.failed
        )
        closer = "".join(
            f"<p>{len(one.problems)} could not be read.{_closer(one.closer_look)}</p>"
            for one in self.scanned
            if one.closer_look
        )
        return f"{self.frame.to_html(index=False)}{failed}{closer}"


def _closer(command: str) -> str:
    return f"<br>To look closer: <code>{escape(command)}</code>" if command else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthCheck:
    """Which credential was found, where it was looked for, and what the registry made of it."""

    registry: str
    attempts: Sequence[Attempt]
    source: str
    username: str
    sort: str
    """Which sort of credential it is, in the vendor's words, as far as it shows."""
    expires_at: datetime | None
    """When it ends, where it says so itself or the vendor does."""
    lives: str
    """How long such a one lives, in words, where that is known."""
    scopes: Sequence[str]
    """What the vendor calls its rights."""
    rights: Sequence[Right]
    hint: str
    """What most often is wrong with this vendor's credentials, where this one is refused."""
    checks: Sequence[CheckRow]

    @property
    def accepted(self) -> bool:
        """Whether the registry let us in."""
        return all(check.status in ("ok", "warn") for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What one registry really tells to the credential that it is shown."""

    name: str
    """As in the settings, or as it was given."""
    kind: str
    measured: Sequence[Measured]
    requests: int


def scan(
    *targets: str,
    options: Options | None = None,
    check_blobs: bool = False,
    on_progress: progress_bars.Bars | None = None,
    on_done: Callable[[Scanned], None] = lambda _: None,
) -> ScanResult:
    """Read the inventory of registries into the history.

    Parameters
    ----------
    targets
        A name from the settings, ``host[:port][/namespace]`` or ``http(s)://…``.
    check_blobs
        Also ask each repository for every layer, config and child manifest that it must hold:
        one request each. What is missing becomes a problem; `regtools.audit` says what it breaks.
    on_progress
        Where to show progress; left out: in a notebook a bar, elsewhere nothing.
    on_done
        Called with each registry as it is finished.

    Returns
    -------
    ScanResult
        A snapshot for each registry that could be read, the error for each that could not.

    Raises
    ------
    ConfigError, InvalidReferenceError
        A target or a setting cannot be used; nothing was scanned.
    HistoryError
        The history cannot be read or written.
    """
    options = options or Options()
    settings = options.settings()
    accesses = [open_access(name, settings, options) for name in targets]
    if options.record is not None and len(accesses) != 1:
        raise ConfigError("A recording is of one target.", remedy="Name only one.")
    # What a diagnosis does not need is loaded by who does: it would take longer than its walk.
    from regtools.history import History

    history = History(options.history or settings.history)
    history.require_writable()
    bars = on_progress or progress_bars.for_notebook()
    scanned: list[Scanned] = []
    failed: list[tuple[str, RegtoolsError]] = []
    for access in accesses:
        try:
            with bars.scan(access.target.registry) as show:
                one = _scan_one(access, history, show, options, check_blobs=check_blobs)
        except RegtoolsError as error:
            failed.append((access.name, error))
        else:
            scanned.append(one)
            on_done(one)
    return ScanResult(scanned=scanned, failed=failed)


def check_auth(target: str, *, options: Options | None = None) -> AuthCheck:
    """Tell which credential would be used for a registry, whether it is accepted, and what it may do.

    Rights are read from a token or the vendor's API; nothing is tried by writing.

    Raises
    ------
    ConfigError, InvalidReferenceError
        The target, a setting or a credential source cannot be used. What the registry, or
        the way to it, says is in the checks.
    """
    options = options or Options()
    access = with_login(open_access(target, options.settings(), options), Budget())
    shape = access.kind.credential_shape(access.credential.username, access.credential.password)

    async def work(
        distribution: Distribution, client: AsyncClient
    ) -> tuple[list[CheckRow], list[Right], Rights | None]:
        checks = await stages.authentication_checks(
            distribution,
            access.target,
            access.connection,
            attempts=access.attempts,
            now=datetime.now(UTC),
        )
        if any(check.status == "fail" for check in checks):
            return checks, [], None
        vendor = open_vendor(with_kind_told(access, distribution), distribution, client, Budget())
        told = await told_rights(vendor)
        found = await rights(distribution, repository=access.target.path, told=told)
        return checks, found, told

    checks, found, told = talk(access, work)
    is_refused = bool(missing(found)) or any(check.status == "fail" for check in checks)
    ends = expires_at(access.credential.password or access.credential.identity_token)
    mistake = shape.mistake if shape else ""
    return AuthCheck(
        registry=access.target.registry,
        attempts=access.attempts,
        source=access.credential.source,
        username=access.credential.username,
        sort=(told.kind if told else "") or (shape.title if shape else ""),
        expires_at=(told.expires_at if told else None) or ends,
        lives=shape.expires_in if shape else "",
        scopes=told.scopes if told else (),
        rights=found,
        hint=mistake or (access.kind.mistake if is_refused else ""),
        checks=checks,
    )


async def told_rights(vendor: Vendor) -> Rights | None:
    """Ask the vendor's API; that it does not tell is not what is being checked."""
    if vendor.inventory is None:
        return None
    try:
        return await vendor.inventory.rights()
    except (RegistryError, UnreachableError, BudgetError):
        return None


def probe(name: str, *, options: Options | None = None) -> Probed:
    """Measure what a registry tells, in a few requests that only read.

    Raises
    ------
    ConfigError, InvalidReferenceError
        The name, a setting or a credential source cannot be used. What the registry refuses is in
        the rows.
    """
    options = options or Options()
    access = open_access(name, options.settings(), options)
    budget = Budget(MAX_REQUESTS)

    async def work(distribution: Distribution, client: AsyncClient) -> Probed:
        await stages.authentication_checks(
            distribution,
            access.target,
            access.connection,
            attempts=access.attempts,
            now=datetime.now(UTC),
        )
        known = with_kind_told(access, distribution)
        vendor = open_vendor(known, distribution, client, budget)
        measured = await measure(
            distribution, vendor.inventory, missing=vendor.missing, path=access.target.path
        )
        requests = distribution.requests + vendor.requests
        return Probed(name=name, kind=known.kind.name, measured=measured, requests=requests)

    return talk(access, work, budget=budget)


def _scan_one(
    access: Access,
    history: History,
    show: Callable[[scanning.Progress], None],
    options: Options,
    *,
    check_blobs: bool,
) -> Scanned:
    started_at = datetime.now(UTC)
    clock = time.monotonic()
    budget = Budget(options.max_requests)
    access = with_login(access, budget)
    if options.record is not None:
        access = recorded(access, options.record)
    registry, path = access.target.registry, access.target.path
    with history.draft(registry, path, now=started_at) as draft:

        async def work(distribution: Distribution, client: AsyncClient) -> SnapshotRow:
            if access.connection.replay is None:
                checks = await stages.scan_checks(
                    distribution,
                    access.target,
                    access.connection,
                    attempts=access.attempts,
                    now=started_at,
                )
            else:
                checks = await stages.authentication_checks(
                    distribution,
                    access.target,
                    access.connection,
                    attempts=access.attempts,
                    now=datetime.now(UTC),
                )
            known = with_kind_told(access, distribution)
            checks = described(checks, shape=credential_shape(known))
            vendor = open_vendor(known, distribution, client, budget)
            outcome = await scanning.scan(
                distribution,
                known.kind,
                path=path,
                ui_url=access.settings.ui_url,
                inventory=vendor.inventory,
                beside=vendor.beside,
                missing=vendor.missing,
                known=draft.known,
                known_children=lambda: history.known_children(registry),
                known_subjects=lambda: history.known_subjects(registry),
                finished=draft.finished,
                on_part=draft.add,
                on_progress=show,
            )
            left = limits.limits(registry, distribution.rate_limit)
            outcome.rest.checks.extend(
                [*checks, *([left] if left and known.kind.counts_pulls else [])]
            )
            if check_blobs:
                content = await anyio.to_thread.run_sync(draft.content, outcome.rest)
                checked = await check_content(distribution, content, on_progress=show)
                outcome.rest.checks.append(checked.check)
                outcome.rest.problems.extend(checked.problems)
            return draft.publish(
                kind=known.kind.name,
                taken_at=started_at,
                complete=outcome.complete,
                requests=access.requests + distribution.requests + vendor.requests,
                seconds=round(time.monotonic() - clock, 3),
                dedup_scope=known.kind.dedup_scope,
                rest=outcome.rest,
            )

        snapshot = talk(access, work, budget=budget, min_pulls=options.min_pulls)
    scanned = summarize(history, snapshot)
    if not scanned.problems or access.connection.replay is not None:
        return scanned
    first = scanned.problems[0]
    place = image_place(first.repository, first.reference)
    return replace(scanned, closer_look=closer_look(access, place))


def summarize(history: History, snapshot: SnapshotRow) -> Scanned:
    """Give the numbers and problems of one snapshot."""
    from regtools.analyses.usage import usage
    from regtools.engine import query

    totals = usage(history, by="registry", snapshots=[snapshot]).iloc[0]
    problems = query(history, "problems", snapshots=[snapshot])
    left = query(history, "limits_left", snapshots=[snapshot])
    return Scanned(
        snapshot=snapshot,
        problems=[
            ProblemRow(
                registry=row["registry"],
                repository=row["repository"],
                reference=row["reference"],
                code=row["code"],
                message=row["message"],
            )
            for row in problems.to_dict("records")
        ],
        repositories=int(totals["repositories"]),
        tags=int(totals["tags"]),
        manifests=int(totals["manifests"]),
        blobs=int(totals["blobs"]),
        logical_bytes=int(totals["logical_bytes"]),
        physical_bytes=int(totals["physical_bytes"]),
        limits=" ".join(left["summary"]),
    )
