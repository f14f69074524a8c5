"""What every scheduler has to be told, checked once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from pathlib import PurePath
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from regtools.errors import ConfigError

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_NAME: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "nil", "y", "n"})
"""What YAML or a scheduler takes for something else than a name."""
LONGEST_NAME: Final = 52
"""Kubernetes makes names of jobs from it and adds 11 characters (CronJob's own rule, 2026-11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """When a run starts, what it reads, and which secrets it needs."""

    name: str
    at: time
    config: str
    """The settings file, as the run will see it."""
    secrets: tuple[str, ...] = ()
    """Environment variables that the settings refer to."""
    is_history_in_bucket: bool = False
    """Whether the history keeps itself; else it is a folder that has to be kept."""

    def __post_init__(self) -> None:
        checked_name(self.name, "A name")
        checked_path(self.config)
        for secret in self.secrets:
            if not _VARIABLE.fullmatch(secret):
                raise ConfigError(
                    f"{secret!r} is no name of an environment variable.",
                    remedy="Write letters, digits and _, such as REGISTRY_TOKEN.",
                )

    @property
    def cron_time(self) -> str:
        """The time as five fields of cron."""
        return f"{self.at.minute} {self.at.hour} * * *"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A file for a scheduler."""

    place: str
    """Where it belongs."""
    text: str


def at_time(text: str) -> time:
    """Read a time of day.

    Raises
    ------
    ConfigError
        It is none.

    Examples
    --------
    >>> at_time("02:15")
    datetime.time(2, 15)
    """
    if not (found := _TIME.fullmatch(text)):
        raise ConfigError(f"{text!r} is no time of day.", remedy="Write HH:MM, such as 02:15.")
    return time(int(found[1]), int(found[2]))


def checked_name(name: str, what: str) -> str:
    """Give a name that every scheduler takes.

    Raises
    ------
    ConfigError
        Some would not.
    """
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name) or name in _WORDS:
        raise ConfigError(
            f"{what} cannot be {name!r}.",
            remedy=f"Write small letters, digits and hyphens, at most {LONGEST_NAME} of them.",
        )
    return name


def checked_zone(zone: str) -> str:
    """Give the name of a time zone.

    Raises
    ------
    ConfigError
        There is none of this name.
    """
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ConfigError(
            f"There is no time zone {zone!r}.", remedy="Write one as Europe/Berlin, or UTC."
        ) from None
    return zone


def checked_path(path: str) -> str:
    """Give a path that can stand on one line.

    Raises
    ------
    ConfigError
        It holds a control character.
    """
    if not path or not path.isprintable():
        raise ConfigError(
            f"The path {path!r} cannot stand in a definition.",
            remedy="Choose one without line ends and control characters.",
        )
    return path


def absolute(path: str) -> str:
    """Give a path that means the same in every folder.

    Raises
    ------
    ConfigError
        It does not.
    """
    if not PurePath(checked_path(path)).is_absolute():
        raise ConfigError(f"{path!r} is no absolute path.", remedy="Write it from / on.")
    return path
