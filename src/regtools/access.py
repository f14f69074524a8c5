"""From the name of a registry to all that is needed to talk to it, and the talk itself.

Here settings, credential, client and vendor meet. Nothing is asked of anybody before `talk`, but
for a password that a cloud's own credentials have to get first (`with_login`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Final, TypeVar

from anyio.from_thread import start_blocking_portal
from httpx import AsyncClient

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
from regtools.client.exchange import ATTEMPTS, MAX_WAIT_SECONDS
from regtools.credentials import (
    ANONYMOUS,
    Attempt,
    Credential,
    Login,
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
from regtools.reference import Target, parse_target
from regtools.registries import RegistryKind, detect_kind, registry_kind
from regtools.registries.listing import CredentialShape, Inventory, Place, basic
from regtools.registries.listing import Login as ApiLogin
from regtools.settings import RegistrySettings, Settings, load_settings, resolve_target

T = TypeVar("T")
REPLAY: Final = "replay:"
"""Before the folder of a recording, where a target's name stands."""
_ASKED: Final = re.compile(r"/v2/(.+)/(manifests|tags|blobs|referrers)/([^/?]+)")
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


def recorded(access: Access, folder: Path) -> Access:
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


def credential_shape(access: Access) -> CredentialShape | None:
    """Tell which sort of credential the registry is shown; None: none, or it could be anything."""
    own = access.credential
    if own.is_anonymous or access.connection.replay is not None:
        return None
    return access.kind.credential_shape(own.username, own.password)


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
        given, requests = talk(access, work)
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


def talk(
    access: Access,
    work: Callable[[Distribution, AsyncClient], Awaitable[T]],
    *,
    budget: Budget | None = None,
    min_pulls: int = 0,
    is_patient: bool = True,
) -> T:
    """Run async work with a client of its own, from plain code; Ctrl-C cancels it cleanly.

    Parameters
    ----------
    is_patient
        Whether a request that failed is sent again, and waits where the registry asks to; a
        diagnosis wants to see the failure.
    """

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
                    attempts=ATTEMPTS if is_patient else 1,
                    max_wait_seconds=MAX_WAIT_SECONDS if is_patient else 0,
                ),
                client,
            )

    try:
        with start_blocking_portal() as portal:
            return portal.start_task_soon(connected).result()
    except (RegistryError, UnreachableError) as error:
        if access.connection.replay is None:
            error.look_closer(closer_look(access, _place_of(error)))
        raise


def closer_look(access: Access, place: str = "") -> str:
    """Give the command that diagnoses the registry, or a place in it: ``team/app:1.4``."""
    scheme = f"{access.target.scheme}://" if access.target.scheme else ""
    image = f"{scheme}{access.target.registry}/{place}" if place else access.name
    return f"regtools diagnose {quote(image)}"


def image_place(repository: str, reference: str = "") -> str:
    """Write a repository, and a tag or digest in it, as they stand behind the registry."""
    if not repository or not reference:
        return repository
    return f"{repository}{'@' if ':' in reference else ':'}{reference}"


def _place_of(error: RegtoolsError) -> str:
    """Give the repository, and the tag or digest, that an answer was about; empty: none."""
    found = _ASKED.search(error.url) if isinstance(error, RegistryError) else None
    if found is None:
        return ""
    repository, kind, reference = found.groups()
    return image_place(repository, reference if kind == "manifests" else "")
