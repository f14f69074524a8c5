"""From the name of a registry to a scan in the history, a diagnosis or a check of a credential.

Here the parts meet: settings, credential, client, scan, history. Async inside, plain functions
outside, so that they work in a script, in a notebook and under a running event loop.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import anyio.to_thread
from anyio.from_thread import start_blocking_portal
from httpx import AsyncClient

from regtools import progress as progress_bars
from regtools.client import (
    About,
    Budget,
    ConnectionOptions,
    Distribution,
    Recording,
    RegistryApi,
    Replay,
    VendorSession,
    open_client,
    secrets_of,
    trust,
)
from regtools.collect import diagnose as diagnosis
from regtools.collect import scan as scanning
from regtools.collect.capability import MAX_REQUESTS, Measured, measure
from regtools.collect.content import check_content
from regtools.collect.probes import limits
from regtools.collect.rights import Right, missing, rights
from regtools.credentials import (
    ANONYMOUS,
    Attempt,
    Credential,
    Login,
    expires_at,
    find_credential,
    with_google,
)
from regtools.credentials.references import is_cloud, profile_of, resolve
from regtools.errors import (
    ConfigError,
    RegistryError,
    RegtoolsError,
    UnauthorizedError,
    UnreachableError,
)
from regtools.history import History
from regtools.reference import Target, parse_target
from regtools.registries import RegistryKind, detect_kind, registry_kind
from regtools.registries.listing import Inventory, Place, Rights, basic
from regtools.registries.listing import Login as ApiLogin
from regtools.schema import CheckRow, ProblemRow, SnapshotRow
from regtools.settings import RegistrySettings, Settings, load_settings, resolve_target

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
REPLAY: Final = "replay:"
"""Before the folder of a recording, where a target's name stands."""
_NOBODY: Final = Credential(username="replay", password="replay", source="the recording")  # noqa: S106


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stands above the settings file for one call.

    `username` and `password` are references (``env:NAME``, ``file:PATH``, ``docker-config``,
    ``kubernetes:PATH``, ``aws``, ``google``), never a secret; a plain user name is one too.
    """

    config: Path | None = None
    history: str | None = None
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    kind: str | None = None
    connections: int | None = None
    max_requests: int | None = None
    """Requests that one scan may send; it goes on with the next one where it stopped."""
    record: Path | None = None
    """A new folder to write down what is asked and answered, without secrets."""
    min_pulls: int = 0
    """Pulls of a registry that counts them (Docker Hub) to leave to others."""

    def settings(self) -> Settings:
        """Read the settings file and the environment."""
        return load_settings(self.config)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """All that is needed to talk to one registry."""

    name: str
    target: Target
    kind: RegistryKind
    settings: RegistrySettings
    credential: Credential
    attempts: Sequence[Attempt]
    connection: ConnectionOptions
    api_login: ApiLogin
    """Who asks the vendor's own API."""
    is_kind_given: bool
    """Whether somebody said what kind of registry it is."""
    requests: int = 0
    """Requests sent to get the credential."""

    @property
    def profile(self) -> str:
        """Whose credentials of a cloud's own are meant; empty: the usual ones."""
        return profile_of(self.settings.api_token or "") or profile_of(self.credential.cloud)


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
            f"<p>{escape(name)}: {escape(error.summary)} [{error.code}]</p>"
            for name, error in self.failed
        )
        return f"{self.frame.to_html(index=False)}{failed}"


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
        checks = await diagnosis.authentication_checks(distribution, access.target)
        if any(check.status == "fail" for check in checks):
            return checks, [], None
        vendor = open_vendor(with_kind_told(access, distribution), distribution, client, Budget())
        told = await _told_rights(vendor)
        found = await rights(distribution, repository=access.target.path, told=told)
        return checks, found, told

    checks, found, told = _talk(access, work)
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


async def _told_rights(vendor: Vendor) -> Rights | None:
    """Ask the vendor's API; that it does not tell is not what is being checked."""
    if vendor.inventory is None:
        return None
    try:
        return await vendor.inventory.rights()
    except (RegistryError, UnreachableError):
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
        await diagnosis.authentication_checks(distribution, access.target)
        known = with_kind_told(access, distribution)
        vendor = open_vendor(known, distribution, client, budget)
        measured = await measure(
            distribution, vendor.inventory, missing=vendor.missing, path=access.target.path
        )
        requests = distribution.requests + vendor.requests
        return Probed(name=name, kind=known.kind.name, measured=measured, requests=requests)

    return _talk(access, work, budget=budget)


def diagnose(image: str, *, options: Options | None = None) -> list[CheckRow]:
    """Walk from the name to the image, stage by stage; stages after a failed one are skipped.

    Parameters
    ----------
    image
        ``TARGET[/repository[:tag|@digest]]``; without a repository the walk ends with the
        listing, without a tag any one will do.

    Raises
    ------
    ConfigError, InvalidReferenceError
        The target or a setting cannot be used.
    """
    options = options or Options()
    settings = options.settings()
    place, reference = _split_reference(image, settings)
    access = with_login(open_access(place, settings, options), Budget())

    async def work(distribution: Distribution, _: AsyncClient) -> list[CheckRow]:
        return await diagnosis.diagnose(
            distribution,
            access.target,
            access.connection,
            repository=access.target.path if place not in settings.registries else None,
            reference=reference,
            now=datetime.now(UTC),
        )

    return _talk(access, work)


def _split_reference(image: str, settings: Settings) -> tuple[str, str | None]:
    """Take the tag or digest off; put a configured name's address in its place before a path."""
    name, slash, path = image.partition("/")
    if name in settings.registries and slash:
        image = f"{settings.registries[name].url.rstrip('/')}/{path}"
    head, slash, last = image.rpartition("/")
    if not slash or head.endswith(":/"):
        return image, None
    before, at, digest = last.partition("@")
    if at:
        return f"{head}/{before.partition(':')[0]}", digest
    before, colon, tag = last.partition(":")
    return f"{head}/{before}", tag if colon else None


def open_access(name: str, settings: Settings, options: Options) -> Access:
    """Find everything that is needed to talk to a registry, without talking to it.

    Raises
    ------
    ConfigError, InvalidReferenceError
        The name, a setting or the credential's source cannot be used.
    """
    if name.startswith(REPLAY):
        return _replayed(name)
    target, own = resolve_target(name, settings)
    credential, attempts = find_credential(
        target.registry,
        path=target.path,
        logins=(
            Login(username=options.username, password=options.password, where="the command line"),
            Login(username=own.username, password=own.password, where=f"the settings of {name}"),
        ),
        environ=os.environ,
        home=Path.home(),
    )
    ca_file = options.ca_file or own.ca_file
    credential, tokens = with_google(
        credential, tls=lambda: trust(ca_file), environ=os.environ, home=Path.home()
    )
    told = options.kind or own.kind
    kind = registry_kind(told) if told else detect_kind(target.registry)
    if credential.cloud and credential.cloud.partition(":")[0] != kind.cloud:
        raise ConfigError(
            f"{credential.cloud!r} is no credential for {target.registry}: a token of that cloud "
            "is shown to nobody else.",
            code="CREDENTIAL_MISSING",
            remedy="Refer to a password of its own, or set `kind` in the registry's section.",
        )
    return Access(
        name=name,
        target=target,
        kind=kind,
        settings=own,
        credential=credential,
        attempts=attempts,
        connection=ConnectionOptions(
            ca_file=ca_file,
            connections=options.connections or settings.connections,
            timeout_seconds=settings.timeout_seconds,
        ),
        api_login=_api_login(name, own, credential, tokens),
        is_kind_given=told is not None,
    )


def _replayed(name: str) -> Access:
    """Give access to a recording, as somebody who needs no password there."""
    replay = Replay(Path(name.removeprefix(REPLAY)))
    about = replay.about
    target = parse_target(f"{about.scheme}://{about.registry}/{about.path}".rstrip("/"))
    known = about.authenticated
    return Access(
        name=name,
        target=target,
        kind=registry_kind(about.kind),
        settings=RegistrySettings(url=name, kind=about.kind, api_url=about.api_url or None),
        credential=_NOBODY if known else ANONYMOUS,
        attempts=(),
        connection=ConnectionOptions(replay=replay),
        api_login=ApiLogin(secret="replay", is_api_token=True) if known else ApiLogin(),  # noqa: S106
        is_kind_given=True,
    )


def _recorded(access: Access, folder: Path) -> Access:
    """Write down all that is asked from here on."""
    target = access.target
    login = access.api_login
    vendor = access.kind.vendor
    api_url = access.settings.api_url or (vendor.address(target.registry) if vendor else "") or ""
    about = About(
        registry=target.registry,
        scheme=target.scheme or ("http" if target.is_loopback else "https"),
        path=target.path,
        kind=access.kind.name,
        api_url=api_url if api_url.startswith("http") else "",
        authenticated=not (access.credential.is_anonymous and login.is_anonymous),
    )
    secrets = (*secrets_of(access.credential), login.secret)
    recording = Recording(folder, about, secrets=secrets)
    return replace(access, connection=replace(access.connection, recording=recording))


def _api_login(
    name: str, own: RegistrySettings, credential: Credential, tokens: Callable[[], str] | None
) -> ApiLogin:
    """Take the token that is meant for the API, else what the registry itself is shown.

    ``tokens`` gets one for the API, where it takes another than the registry.
    """
    secret = credential.password or credential.identity_token
    if own.api_token is not None and not is_cloud(own.api_token):
        where = f"api_token in the settings of {name}"
        secret, tokens = resolve(own.api_token, where=where, environ=os.environ), None
    return ApiLogin(
        username=credential.username,
        secret=secret,
        is_api_token=own.api_token is not None,
        renew=tokens,
    )


def with_kind_told(access: Access, distribution: Distribution) -> Access:
    """Say what the registry is, where its host did not tell and its first answers do."""
    if access.is_kind_given:
        return access
    kind = detect_kind(
        access.target.registry,
        headers=distribution.headers,
        services=distribution.exchange.auth.services,
        realms=distribution.exchange.auth.realms,
    )
    return replace(access, kind=kind)


def with_login(access: Access, budget: Budget) -> Access:
    """Get the registry's password by a cloud's own credentials, where the user or the host says so.

    Where nobody asked for it, a registry that is surely the cloud's by its host is still logged in
    to so, as long as no other credential was found; that it fails is then only one attempt more.

    Raises
    ------
    RegtoolsError
        The user asked for it, and there is no password to be had.
    """
    asked, vendor = access.credential.cloud, access.kind.vendor
    login = vendor.registry_login if vendor else None
    is_offered = access.credential.is_anonymous and access.kind.is_host(access.target.registry)
    if vendor is None or login is None:
        return access
    if not asked and (not is_offered or access.connection.replay is not None):
        return access
    source = access.credential.source if asked else f"{access.kind.title}'s cloud credentials"
    address = access.settings.api_url or vendor.address(access.target.registry)
    if address is None:
        raise _address_missing(access)
    place = _place(access, address.rstrip("/"))

    async def work(_: Distribution, client: AsyncClient) -> tuple[ApiLogin, int]:
        session = VendorSession(
            place.api_url, ANONYMOUS, client, sign_in=basic, login=place.login, budget=budget
        )
        return await login(session, place), session.requests

    try:
        given, requests = _talk(access, work)
    except (RegistryError, UnreachableError) as error:
        if asked:
            raise
        attempt = Attempt(source=source, outcome=error.summary)
        return replace(access, attempts=[*access.attempts, attempt])
    credential = Credential(
        username=given.username, password=given.secret, source=source, cloud=asked
    )
    attempts = (
        access.attempts if asked else [*access.attempts, Attempt(source=source, outcome="used")]
    )
    return replace(access, credential=credential, attempts=attempts, requests=requests)


def _place(access: Access, api_url: str) -> Place:
    return Place(
        registry=access.target.registry,
        path=access.target.path,
        login=access.api_login,
        api_url=api_url,
        profile=access.profile,
        archived=access.settings.archived,
        is_replayed=access.connection.replay is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """The way to a vendor's own API, or why there is none."""

    inventory: Inventory | None = None
    beside: Inventory | None = None
    """What is asked through the registry itself, should the vendor's API refuse."""
    session: VendorSession | None = None
    """What it is asked through, where that is not the registry's own way."""
    missing: RegtoolsError | None = None

    @property
    def requests(self) -> int:
        """Requests sent so far, beside those to the registry."""
        return self.session.requests if self.session else 0


def open_vendor(
    access: Access, distribution: Distribution, client: AsyncClient, budget: Budget
) -> Vendor:
    """Find the vendor's own API and who asks it, without asking."""
    vendor = access.kind.vendor
    if vendor is None:
        return Vendor()
    registry = access.target.registry
    address = access.settings.api_url or vendor.address(registry)
    place = Place(registry=registry, path=access.target.path, login=access.api_login)
    through_registry = RegistryApi(distribution.exchange)
    beside = vendor.beside(through_registry, place) if vendor.beside else None
    if address is None:
        server = distribution.exchange.auth.token_server(distribution.exchange.origin)
        address = vendor.address_by_realm(str(server.copy_with(query=None))) if server else None
    if address is None:
        return Vendor(inventory=beside, missing=_address_missing(access))
    shape = access.kind.shape_of(access.api_login)
    unseen: RegtoolsError | None = None
    if vendor.is_needed and access.api_login.is_anonymous:
        unseen = _credential_missing(access, vendor.credential)
    elif shape is not None and not shape.opens_api:
        unseen = _credential_missing(access, vendor.credential, shape.title)
    if unseen is not None:
        return Vendor(inventory=beside, missing=unseen)
    below_registry = address == "" or address.startswith("/")
    url = (f"{distribution.exchange.origin}{address}" if below_registry else address).rstrip("/")
    place = _place(access, url)
    if vendor.sign_in is None:
        return Vendor(inventory=vendor.open(through_registry, place))
    session = VendorSession(
        url,
        replace(access.credential, password=access.api_login.secret),
        client,
        sign_in=vendor.sign_in,
        login=access.api_login,
        budget=budget,
    )
    return Vendor(inventory=vendor.open(session, place), beside=beside, session=session)


def _credential_missing(access: Access, needed: str, shown: str = "") -> RegtoolsError:
    """Say what is not seen; ``shown`` is the sort of credential that opens the registry alone."""
    instead = f": its API does not take a {shown}" if shown else ""
    return UnauthorizedError(
        f"Without {needed}, {access.kind.title} does not tell which repositories and untagged "
        f"images there are{instead}. Only what the registry lists, or what was named, is read.",
        code="VENDOR_CREDENTIAL_MISSING",
        remedy=f"Give {needed}{' as api_token' if shown else ''}; the registry's page in the "
        "documentation says how.",
    )


def _address_missing(access: Access) -> RegtoolsError:
    return ConfigError(
        f"Nobody says where the API of {access.kind.title} at {access.target.registry} is: only "
        "what the registry itself tells is read.",
        code="VENDOR_ADDRESS_MISSING",
        remedy='Write api_url = "https://…" into its section of regtools.toml.',
    )


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
        access = _recorded(access, options.record)
    registry, path = access.target.registry, access.target.path
    with history.draft(registry, path, now=started_at) as draft:

        async def work(distribution: Distribution, client: AsyncClient) -> SnapshotRow:
            if access.connection.replay is None:
                checks = await diagnosis.scan_checks(
                    distribution, access.target, access.connection, now=started_at
                )
            else:
                checks = await diagnosis.authentication_checks(distribution, access.target)
            known = with_kind_told(access, distribution)
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

        snapshot = _talk(access, work, budget=budget, min_pulls=options.min_pulls)
    return summarize(history, snapshot)


def summarize(history: History, snapshot: SnapshotRow) -> Scanned:
    """Give the numbers and problems of one snapshot."""
    from regtools.analyses.usage import usage
    from regtools.engine import query

    totals = usage(history, by="registry", snapshots=[snapshot]).iloc[0]
    problems = query(history, "problems", snapshots=[snapshot])
    checks = query(history, "checks", snapshots=[snapshot])
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
        limits=" ".join(checks.loc[checks["stage"] == limits.STAGE, "summary"]),
    )


def _talk(
    access: Access,
    work: Callable[[Distribution, AsyncClient], Awaitable[T]],
    *,
    budget: Budget | None = None,
    min_pulls: int = 0,
) -> T:
    """Run async work with a client of its own, from plain code; Ctrl-C cancels it cleanly."""

    async def connected() -> T:
        async with open_client(access.connection) as client:
            return await work(
                Distribution(
                    access.target,
                    access.credential,
                    client,
                    allowed_realms=(*access.kind.realms, *access.settings.allowed_realms),
                    identity=access.kind.identity,
                    budget=budget,
                    min_pulls=min_pulls,
                ),
                client,
            )

    with start_blocking_portal() as portal:
        return portal.start_task_soon(connected).result()
