"""References to a secret: ``env:NAME``, ``file:PATH``, ``docker-config``, ``kubernetes:PATH``.

``aws``, ``aws:PROFILE`` and ``google`` refer to a cloud's own credentials, by which a password is
got.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from regtools.credentials._base import MAX_FILE_BYTES
from regtools.errors import ConfigError

_REFERENCE: Final = re.compile(
    r"(?:env:[A-Za-z_][A-Za-z0-9_]*|(?:file|kubernetes):.+|docker-config|aws(?::.+)?|google)"
)
_CLOUD: Final = re.compile(r"aws(?::(.+))?|google")
_REMEDY: Final = (
    "Write env:NAME, file:PATH, docker-config, kubernetes:PATH, aws[:PROFILE] or google."
)


def is_reference(value: str) -> bool:
    """Whether this says where to look, rather than what."""
    return _REFERENCE.fullmatch(value) is not None


def is_cloud(value: str) -> bool:
    """Whether this means a cloud's own credentials."""
    return _CLOUD.fullmatch(value) is not None


def profile_of(value: str) -> str:
    """Give the profile that ``aws:PROFILE`` names, else nothing."""
    match = _CLOUD.fullmatch(value)
    return (match[1] or "") if match else ""


def check_reference(value: str, *, where: str, is_secret: bool) -> None:
    """Refuse a secret that stands where a reference belongs. It is not repeated.

    Raises
    ------
    ConfigError
        Code ``SECRET_INLINE``.
    """
    if is_secret and not is_reference(value):
        raise ConfigError(
            f"{where} holds something that is no reference; a secret must not stand there.",
            code="SECRET_INLINE",
            remedy=_REMEDY,
        )


def resolve(value: str, *, where: str, environ: Mapping[str, str]) -> str:
    """Give what ``env:`` or ``file:`` refers to, or `value` itself if it is plain.

    Raises
    ------
    ConfigError
        Code ``CREDENTIAL_MISSING``: there is nothing, or nothing readable.
    """
    kind, colon, place = value.partition(":")
    if colon and kind == "env":
        found = environ.get(place, "")
        if not found:
            raise _missing(f"{where} refers to the environment variable {place}, which is not set.")
        return found
    if colon and kind == "file":
        return read_secret(Path(place).expanduser(), where=where)
    return value


def read_secret(file: Path, *, where: str) -> str:
    """Read a secret from a file, without its last line break.

    Raises
    ------
    ConfigError
        Code ``CREDENTIAL_MISSING``.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES).decode()
    except OSError as error:
        raise _missing(f"{where} refers to {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise _missing(f"{where} refers to {file}, which is not text.") from error
    secret = content.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise _missing(f"{where} refers to {file}, which is empty.")
    return secret


def _missing(summary: str) -> ConfigError:
    return ConfigError(
        summary, code="CREDENTIAL_MISSING", remedy="Set it, or change the reference."
    )
