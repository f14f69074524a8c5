"""What a credential is, and how a search for one is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

HUB_KEYS: Final = (
    "https://index.docker.io/v1/",
    "index.docker.io",
    "docker.io",
    "registry-1.docker.io",
)
"""Under which names files know Docker Hub; Docker itself writes the first."""
MAX_FILE_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Who we say we are. Its text never shows the secret."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """An OAuth2 refresh token, in place of a password (``docker login`` against ACR and others)."""
    source: str = "none"
    """Where it was found, for people."""
    cloud: str = ""
    """Reference to a cloud's own credentials (``aws``, ``google``), by which a password is still to
    be got."""
    renew: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    """Gives the password, where it lives for minutes only. It may ask a token server, and blocks."""
    odd_key: str = ""
    """The key that it stands under, where Docker itself would not look for it."""

    @property
    def is_anonymous(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.username or self.password or self.identity_token or self.cloud)


ANONYMOUS: Final = Credential()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A place that was looked at, and what came of it."""

    source: str
    outcome: str
    is_broken: bool = False
    """Whether it should have given one, and could not."""
    near_key: str = ""
    """A key that is like the registry's, and under which nobody looks for it."""


class SourceError(Exception):
    """A source that has an entry for the registry, or should have, and cannot give it."""


class NoSourceError(SourceError):
    """A source that is not there at all: nobody logged in by way of it."""


class NearKeyError(NoSourceError):
    """A source without an entry for the registry, but with one under a key that is like it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no entry for this registry; there is one for {key}")
        self.key = key


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object from a file of bounded size.

    Raises
    ------
    SourceError
        It is not there, not readable, or something else.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise NoSourceError("not there") from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}") from error
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError("is not JSON") from error
    if not isinstance(data, dict):
        raise SourceError("is not a JSON object")
    return data


def mapping(value: object) -> Mapping[str, Any]:
    """Give a JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """Give a JSON string, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def entry_credential(entry: Mapping[str, Any], source: str) -> Credential | None:
    """Read one entry of ``auths``; None where it is empty, as a credential store leaves it.

    Raises
    ------
    SourceError
        Its ``auth`` is not base64 of ``user:password``.
    """
    username, password = text(entry.get("username")), text(entry.get("password"))
    encoded = text(entry.get("auth"))
    if encoded:
        try:
            decoded = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:
            raise SourceError("its `auth` is not base64") from error
        username, colon, password = decoded.partition(":")
        if not colon:
            raise SourceError("its `auth` holds no user:password")
        password = password.rstrip("\0")  # Docker pads with NUL.
    identity = text(entry.get("identitytoken"))
    if not (username or password or identity):
        return None
    return Credential(username=username, password=password, identity_token=identity, source=source)


def world_readable(file: Path) -> bool:
    """Whether everybody on this machine may read the file."""
    return bool(file.stat().st_mode & 0o004)
