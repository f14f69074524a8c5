"""Docker's ``config.json`` and podman's ``auth.json``.

Sources: docker/cli cli/config (hosts are matched exactly, URLs reduced to their host; a helper of
the registry's own before the general store before inline entries); containers-auth.json(5)
(namespaced keys, the longest first). Read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from regtools.credentials._base import (
    HUB_KEYS,
    Credential,
    NearKeyError,
    entry_credential,
    mapping,
    read_json,
    text,
    world_readable,
)
from regtools.credentials.helper import ask_helper
from regtools.reference import DOCKER_HUB

_HUB_PAGES: Final = frozenset({"hub.docker.com", "registry.hub.docker.com", "www.docker.com"})


def docker_config_file(environ: Mapping[str, str], home: Path) -> Path:
    """Give where Docker's configuration lies."""
    folder = environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else home / ".docker") / "config.json"


def podman_files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Give where podman and its relatives look, in their order."""
    if named := environ.get("REGISTRY_AUTH_FILE"):
        return [Path(named)]
    runtime = environ.get("XDG_RUNTIME_DIR")
    config = environ.get("XDG_CONFIG_HOME")
    return [
        *([Path(runtime) / "containers/auth.json"] if runtime else []),
        (Path(config) if config else home / ".config") / "containers/auth.json",
    ]


def from_docker(
    file: Path, registry: str, *, environ: Mapping[str, str]
) -> tuple[Credential | None, str]:
    """Look a registry up in Docker's configuration; give what was found and how.

    Raises
    ------
    SourceError
        The file or the helper it names cannot give an answer.
    """
    data = read_json(file)
    keys = HUB_KEYS if registry == DOCKER_HUB else (registry,)
    for name, server in _helpers(data, keys):
        source = f"Docker config {file} (helper {name})"
        credential = ask_helper(name, server, source=source, environ=environ)
        if credential is not None:
            return credential, "used"
    entries = {_host_of(key): value for key, value in mapping(data.get("auths")).items()}
    hosts = [_host_of(key) for key in keys]
    credential, outcome = _first(entries, hosts, f"Docker config {file}", file)
    if credential is None:
        _tell_near_key(set(entries).difference(hosts), registry)
        return None, outcome
    key = next(host for host in hosts if host in entries)
    return replace(credential, odd_key="" if key == hosts[0] else key), outcome


def from_podman(file: Path, registry: str, path: str) -> tuple[Credential | None, str]:
    """Look a registry, or a repository in it, up in podman's ``auth.json``.

    Raises
    ------
    SourceError
        The file cannot give an answer.
    """
    entries = mapping(read_json(file).get("auths"))
    keys: list[str] = []
    for host in HUB_KEYS if registry == DOCKER_HUB else (registry,):
        parts = path.split("/") if path else []
        keys += ["/".join((host, *parts[:length])) for length in range(len(parts), 0, -1)]
        keys.append(host)
    return _first(entries, keys, f"podman {file}", file)


def _tell_near_key(keys: Iterable[str], registry: str) -> None:
    """Raise for a key that somebody may have taken for the registry's."""
    for key in sorted(keys):
        host = key.rpartition("@")[2]
        is_like = _bare(host) == _bare(registry)
        if host and (is_like or (registry == DOCKER_HUB and host.lower() in _HUB_PAGES)):
            raise NearKeyError(host[:100])


def _bare(host: str) -> str:
    """Give a host without what people get wrong: capital letters, the port."""
    return host.lower().rpartition(":")[0] or host.lower()


def _helpers(data: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Give the helpers to ask, each with the name it knows the registry by."""
    own = {_host_of(key): text(name) for key, name in mapping(data.get("credHelpers")).items()}
    for key in keys:
        if name := own.get(_host_of(key)):
            yield name, keys[0]
            return
    if store := text(data.get("credsStore")):
        yield store, keys[0]


def _first(
    entries: Mapping[str, Any], keys: list[str], source: str, file: Path
) -> tuple[Credential | None, str]:
    for key in keys:
        if key in entries:
            credential = entry_credential(mapping(entries[key]), source)
            if credential is not None:
                open_to_all = world_readable(file)
                return credential, "used; everybody may read the file" if open_to_all else "used"
    return None, "no entry for this registry"


def _host_of(key: str) -> str:
    """Reduce a key to its host, as Docker does: old versions wrote whole URLs."""
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]
