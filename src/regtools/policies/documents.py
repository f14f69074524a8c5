"""Files that somebody wrote, as text and as data: bounded, UTF-8, and no surprises of YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from regtools.errors import ConfigError


def read_text(file: Path, *, most_bytes: int, code: str) -> str:
    """Read a text file.

    Raises
    ------
    ConfigError
        With this code: no such file, larger than that, or not UTF-8 text.
    """
    try:
        if file.stat().st_size > most_bytes:
            raise _unreadable(file, f"it is larger than {most_bytes // 2**20} MiB", code)
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error), code) from error
    except UnicodeDecodeError as error:
        raise _unreadable(file, "it is not UTF-8 text", code) from error


def load_yaml(text: str, file: Path, *, code: str, remedy: str = "") -> list[Any]:
    """Give the documents of a YAML text.

    Raises
    ------
    ConfigError
        With this code: it is not YAML, or has aliases, which a few bytes can blow up.
    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise ConfigError(
                f"{file} uses aliases (*name), which are not followed here.",
                code=code,
                remedy=remedy,
            )
        return list(yaml.safe_load_all(text))
    # A date such as 2026-99-99 is a plain ValueError.
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = " ".join(str(error).split())
        raise ConfigError(f"{file} is not YAML: {message}.", code=code) from error


def _unreadable(file: Path, why: str, code: str) -> ConfigError:
    return ConfigError(f"{file} cannot be read: {why}.", code=code)
