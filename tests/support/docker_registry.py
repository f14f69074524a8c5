"""Debian's docker-registry (distribution 2.8), started for a test on a free loopback port."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
import httpx
from tests.support.certificates import ServerCertificate
from tests.support.processes import Program, find_program, running

PROGRAM = "docker-registry"
USERS = {"alice": "wonder:land é", "bob": "builder"}
"""Users of the registries with authentication. The first password is an awkward one on purpose."""

_LISTENING = re.compile(r'msg="listening on [^"]*?:(\d+)(?:, tls)?"')
_ACCESS = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d{3}) ')
_MARKER = "regtools-test-marker-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request that the registry has answered, from its access log."""

    method: str
    path: str
    """With the query."""
    status: int


@dataclass(slots=True, kw_only=True)
class DockerRegistry:
    """A running registry."""

    program: Program
    scheme: str
    host: str
    """``name:port``, as it stands in a reference."""
    storage: Path
    config_file: Path
    _seen: int = field(default=0)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:40123``."""
        return f"{self.scheme}://{self.host}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.host.rpartition(":")[2])

    def requests(self) -> list[Served]:
        """Give the requests answered since the last call, as the registry itself counted them.

        All that were answered before this call are in it: a marked request of our own is sent,
        and the log is read up to it. The marked ones are left out.
        """
        marker = _MARKER + secrets.token_hex(8)
        with httpx.Client(trust_env=False, verify=False) as client:
            client.get(f"{self.url}/v2/", headers={"User-Agent": marker})
        self.program.wait_until(lambda: marker in self._access_log())
        lines = self._access_log().splitlines()
        fresh, self._seen = lines[self._seen :], len(lines)
        found = (_ACCESS.search(line) for line in fresh if _MARKER not in line)
        return [
            Served(method=m["method"], path=m["path"], status=int(m["status"])) for m in found if m
        ]

    def _access_log(self) -> str:
        return self.program.stdout.read_text(errors="replace")


@contextmanager
def docker_registry(
    folder: Path,
    *,
    storage: Path | None = None,
    auth: Mapping[str, Any] | None = None,
    certificate: ServerCertificate | None = None,
    name: str = "127.0.0.1",
    port: int = 0,
    access_log: bool = True,
    cache: bool = False,
) -> Iterator[DockerRegistry]:
    """Run a registry until the block ends.

    Parameters
    ----------
    folder
        Its own: configuration and logs.
    storage
        Where the blobs are, or will be; several registries may serve one storage.
    auth
        The ``auth`` part of its configuration: see `htpasswd` and ``TokenServer.registry_auth``.
    certificate
        Speak TLS with it.
    name
        What the registry is called in `host` and `url`; it listens on the loopback anyway.
    port
        0: a free one, chosen by the kernel, so that runs side by side never collide.
    access_log
        Needed by `DockerRegistry.requests`.
    cache
        Keep descriptors in memory, as Debian's own configuration does. Then the registry does
        not see what a garbage collection or a test changes in its storage.
    """
    storage = storage or folder / "storage"
    folder.mkdir(parents=True, exist_ok=True)
    config_file = folder / "config.yml"
    config = _config(storage, auth, certificate, port=port, access_log=access_log)
    if cache:
        config["storage"]["cache"] = {"blobdescriptor": "inmemory"}
    config_file.write_text(json.dumps(config, indent=1))  # YAML reads JSON.
    program = Program([find_program(PROGRAM), "serve", str(config_file)], folder)
    with running(program):
        program.wait_until(lambda: _port(program) is not None)
        yield DockerRegistry(
            program=program,
            scheme="https" if certificate else "http",
            host=f"{name}:{_port(program)}",
            storage=storage,
            config_file=config_file,
        )


def htpasswd(folder: Path, users: Mapping[str, str]) -> dict[str, Any]:
    """Write a bcrypt password file; give the ``auth`` part of the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "htpasswd"
    lines = [
        f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n"
        for user, password in users.items()
    ]
    file.write_text("".join(lines))
    return {"htpasswd": {"realm": "regtools test", "path": str(file)}}


def stored_bytes(storage: Path) -> int:
    """Give the bytes of all blobs (layers, configs and manifests) on disk."""
    return sum(stored_blobs(storage).values())


def stored_blobs(storage: Path) -> dict[str, int]:
    """Give digest → bytes of all blobs on disk."""
    root = storage / "docker/registry/v2/blobs"
    return {
        f"{file.parts[-4]}:{file.parts[-2]}": file.stat().st_size
        for file in root.glob("*/*/*/data")
    }


def garbage_collect(registry: DockerRegistry, *, delete_untagged: bool = False) -> str:
    """Run the registry's own garbage collection; give what it says.

    It keeps untagged manifests, as it does by default, or takes them, children of indexes too
    (distribution/distribution#3178). The registry may go on running, since
    its configuration here has no cache; nobody may push meanwhile.
    """
    done = run_garbage_collection(registry, delete_untagged=delete_untagged)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_garbage_collection(
    registry: DockerRegistry, *, delete_untagged: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the registry's own garbage collection, however it ends."""
    more = ["--delete-untagged"] if delete_untagged else []
    return subprocess.run(
        [find_program(PROGRAM), "garbage-collect", *more, str(registry.config_file)],
        capture_output=True,
        text=True,
        check=False,
    )


def _port(program: Program) -> int | None:
    found = _LISTENING.search(program.stderr.read_text(errors="replace"))
    return int(found[1]) if found else None


def _config(
    storage: Path,
    auth: Mapping[str, Any] | None,
    certificate: ServerCertificate | None,
    *,
    port: int,
    access_log: bool,
) -> dict[str, Any]:
    http: dict[str, Any] = {"addr": f"127.0.0.1:{port}", "secret": "for tests only"}
    if certificate:
        files = certificate.certificate_file, certificate.key_file
        http["tls"] = {"certificate": str(files[0]), "key": str(files[1])}
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": not access_log}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": http,
        # Without this a manifest with foreign layers is refused: "invalid url on layer".
        "validation": {"manifests": {"urls": {"allow": ["^https?://"]}}},
        "compatibility": {"schema1": {"enabled": True}},
    }
    if auth:
        config["auth"] = dict(auth)
    return config
