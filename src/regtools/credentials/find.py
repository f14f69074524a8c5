"""The search for a credential, in a fixed order, with a record of where it went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from regtools.credentials import docker, kubernetes, references
from regtools.credentials._base import (
    ANONYMOUS,
    Attempt,
    Credential,
    NearKeyError,
    NoSourceError,
    SourceError,
)
from regtools.errors import ConfigError

MOUNTED_SECRETS: Final = Path("/run/secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """References to a user name and a password, and where they stand."""

    username: str | None = None
    password: str | None = None
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    registry: str
    path: str
    environ: Mapping[str, str]
    home: Path
    secrets_folder: Path


_Found = tuple[str, Credential | None, str | SourceError]
"""Source, what it gave, and how that went."""


def find_credential(
    registry: str,
    *,
    path: str = "",
    logins: tuple[Login, ...] = (),
    environ: Mapping[str, str],
    home: Path,
    secrets_folder: Path = MOUNTED_SECRETS,
) -> tuple[Credential, list[Attempt]]:
    """Find the credential for a registry: the first source with an entry gives it.

    Parameters
    ----------
    registry, path
        ``host[:port]`` and the repository or namespace; podman's and Kubernetes' entries may be
        for a part of a registry.
    logins
        References from the command line and from the settings, in this order; the environment
        (``REGTOOLS_USERNAME``, ``REGTOOLS_PASSWORD``) stands between them.

    Returns
    -------
    tuple
        The credential, `ANONYMOUS` if none was found, and every place looked at.

    Raises
    ------
    ConfigError
        Codes ``SECRET_INLINE``, ``CREDENTIAL_MISSING``, ``CREDENTIAL_PARTIAL``: somebody said
        which credential to use, and it cannot be used.
    """
    search = _Search(
        registry=registry, path=path, environ=environ, home=home, secrets_folder=secrets_folder
    )
    attempts: list[Attempt] = []
    for source, credential, outcome in _sources(search, logins):
        is_broken = isinstance(outcome, SourceError) and not isinstance(outcome, NoSourceError)
        near = outcome.key if isinstance(outcome, NearKeyError) else ""
        attempts.append(
            Attempt(source=source, outcome=str(outcome), is_broken=is_broken, near_key=near)
        )
        if credential is not None:
            return credential, attempts
    return ANONYMOUS, attempts


def _sources(search: _Search, logins: tuple[Login, ...]) -> Iterator[_Found]:
    for login in _with_environment(logins, search.environ):
        yield from _login(login, search)
    yield from _mounted(search)
    yield from _docker_and_podman(search)
    if secret := search.environ.get("REGTOOLS_PULL_SECRET"):
        yield _kubernetes(Path(secret), search)


def _with_environment(logins: tuple[Login, ...], environ: Mapping[str, str]) -> Iterator[Login]:
    """Put the environment between the command line and the settings."""
    yield from logins[:1]
    yield Login(
        username="env:REGTOOLS_USERNAME" if environ.get("REGTOOLS_USERNAME") else None,
        password="env:REGTOOLS_PASSWORD" if environ.get("REGTOOLS_PASSWORD") else None,
        where="the environment (REGTOOLS_USERNAME, REGTOOLS_PASSWORD)",
    )
    yield from logins[1:]


def _login(login: Login, search: _Search) -> Iterator[_Found]:
    password = login.password
    if password is None and login.username is None:
        yield login.where, None, "not set"
        return
    if password is None or (login.username is None and _is_plain(password)):
        given, other = ("user name", "password") if password is None else ("password", "user name")
        raise ConfigError(
            f"There is a {given} but no {other} in {login.where}.",
            code="CREDENTIAL_PARTIAL",
            remedy="Give both, or none.",
        )
    references.check_reference(password, where=f"The password in {login.where}", is_secret=True)
    if password == "docker-config":  # noqa: S105  # a kind of reference
        yield from _docker_and_podman(search)
    elif password.startswith("kubernetes:"):
        yield _kubernetes(Path(password.partition(":")[2]).expanduser(), search)
    elif references.is_cloud(password):
        source = f"{password} in {login.where}"
        yield source, Credential(source=source, cloud=password), "used"
    else:
        yield login.where, _resolved(login, search.environ), "used"


def _is_plain(password: str) -> bool:
    return not (
        password.startswith("kubernetes:")
        or password == "docker-config"  # noqa: S105
        or references.is_cloud(password)
    )


def _resolved(login: Login, environ: Mapping[str, str]) -> Credential:
    return Credential(
        username=references.resolve(
            login.username or "", where=f"The user name in {login.where}", environ=environ
        ),
        password=references.resolve(
            login.password or "", where=f"The password in {login.where}", environ=environ
        ),
        source=login.where,
    )


def _mounted(search: _Search) -> Iterator[_Found]:
    files = [search.secrets_folder / f"regtools_{part}" for part in ("username", "password")]
    source = f"mounted secrets {search.secrets_folder}"
    if not all(file.is_file() for file in files):
        yield source, None, "not there"
        return
    username, password = (references.read_secret(file, where=source) for file in files)
    yield source, Credential(username=username, password=password, source=source), "used"


def _docker_and_podman(search: _Search) -> Iterator[_Found]:
    file = docker.docker_config_file(search.environ, search.home)
    try:
        yield (
            f"Docker config {file}",
            *docker.from_docker(file, search.registry, environ=search.environ),
        )
    except SourceError as error:
        yield f"Docker config {file}", None, error
    for file in docker.podman_files(search.environ, search.home):
        try:
            yield f"podman {file}", *docker.from_podman(file, search.registry, search.path)
        except SourceError as error:
            yield f"podman {file}", None, error


def _kubernetes(file: Path, search: _Search) -> _Found:
    try:
        found, outcome = kubernetes.from_kubernetes(file, search.registry, search.path)
    except SourceError as error:
        raise ConfigError(
            f"Kubernetes secret {file}: {error}.",
            code="CREDENTIAL_MISSING",
            remedy="Write it with `kubectl get secret NAME -o json`.",
        ) from error
    return f"Kubernetes secret {file}", found, outcome
