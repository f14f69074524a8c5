"""A service and its timer. Sources: systemd.exec(5), systemd.service(5), systemd.timer(5),
systemd.syntax(7) of systemd 252, 2026-11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from regtools.errors import ConfigError
from regtools.scheduling.plan import Definition, Night, absolute, checked_name

_SERVICE: Final = """\
# {name}.service: regtools reads the registries and makes the reports. {name}.timer starts it.
#
#     sudo useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin {user}
#     sudo cp {name}.service {name}.timer /etc/systemd/system/
#     sudo systemctl daemon-reload && sudo systemctl enable --now {name}.timer
#     sudo systemctl start {name}.service; journalctl -u {name}.service     # try it now
#
# Alert: a finding (exit code 1) or a run that could not finish (3) makes the unit fail. Name a
# unit of yours that tells somebody in OnFailure=.
[Unit]
Description=regtools: inventory, health and reports of container registries
Documentation=man:systemd.exec(5)
Wants=network-online.target
After=network-online.target
# OnFailure=tell-somebody@%n.service
StartLimitIntervalSec=6h
StartLimitBurst=3

[Service]
Type=oneshot
ExecStart={program} run --quiet --config {config}
# A finding or a wrong setting is the same on the next try; what could not finish may be better.
Restart=on-failure
RestartPreventExitStatus=1 2
RestartSec=15min
TimeoutStartSec=6h

# What the settings leave to its default lies beside them.
WorkingDirectory={folder}
User={user}
UMask=0077
# Room for what libraries keep, as the user has no home.
CacheDirectory={name}
Environment=XDG_CACHE_HOME=%C/{name} MPLCONFIGDIR=%C/{name} IPYTHONDIR=%C/{name}/ipython
Environment=JUPYTER_RUNTIME_DIR=%C/{name}/jupyter JUPYTER_DATA_DIR=%C/{name}/jupyter
{secrets}
# Least rights: it writes its history and its reports, and speaks to the network. The folders
# have to be there, and to be {user}'s.
ProtectSystem=strict
ReadWritePaths={writes}
ProtectHome={protect_home}
PrivateTmp={private_tmp}
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
"""
_TIMER: Final = """\
# {name}.timer: starts {name}.service every night at {at:%H:%M}, {zone_words}.
# `systemctl list-timers {name}.timer` shows the next time.
[Unit]
Description=Nightly run of regtools

[Timer]
OnCalendar=*-*-* {at:%H:%M}:00{zone}
# A night on which the machine was off is made up for when it is on again.
Persistent=true
# Not all machines at once: up to so much later, the same each night on this machine.
RandomizedDelaySec=15min
FixedRandomDelay=true

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a service needs beside the night itself."""

    program: str
    """Absolute path of regtools."""
    user: str = "regtools"
    writes: Sequence[str] = ()
    """Folders that are written: history and reports."""
    env_file: str | None = None
    """A file with secrets that root reads for the service."""
    pull_secret: str | None = None
    """A Kubernetes pull secret or Docker configuration that root hands to the service."""
    zone: str | None = None


def systemd(night: Night, unit: Unit) -> list[Definition]:
    """Give the service and the timer.

    Raises
    ------
    ConfigError
        A path is not absolute, or systemd could not be told it.
    """
    checked_name(unit.user, "A user")
    if set(unit.program) & set("$'\"\\"):
        raise ConfigError(
            f"systemd cannot start {unit.program!r}.",
            remedy="Install regtools at a path without quotes, $ and backslashes.",
        )
    folder = str(PurePosixPath(night.config).parent)
    places = [unit.program, night.config, *unit.writes]
    writes = list(dict.fromkeys(unit.writes)) or [folder]
    service = _SERVICE.format(
        name=night.name,
        user=unit.user,
        folder=_line(folder),
        program=_word(unit.program),
        config=_word(night.config, is_argument=True),
        writes=" ".join(_word(path) for path in writes),
        secrets=_secrets(night, unit),
        protect_home="read-only" if _below(places, "/home", "/root", "/run/user") else "yes",
        private_tmp="no" if _below(places, "/tmp", "/var/tmp") else "yes",  # noqa: S108 - a question
    )
    timer = _TIMER.format(
        name=night.name,
        at=night.at,
        zone=f" {unit.zone}" if unit.zone else "",
        zone_words=f"in the zone {unit.zone}" if unit.zone else "in the machine's own time zone",
    )
    return [
        Definition(place=f"{night.name}.service", text=service),
        Definition(place=f"{night.name}.timer", text=timer),
    ]


def _secrets(night: Night, unit: Unit) -> str:
    lines = []
    if unit.env_file:
        names = ", ".join(night.secrets) or "secrets"
        lines += [
            f"# Secrets: {names}, one NAME='value' a line, in a file of root's (chmod 600).",
            f"EnvironmentFile={_line(unit.env_file)}",
        ]
    if unit.pull_secret:
        lines += [
            "# root reads this file; the service gets a copy that nobody else can see.",
            f"LoadCredential=pull-secret:{_line(unit.pull_secret)}",
            "Environment=REGTOOLS_PULL_SECRET=%d/pull-secret",
        ]
    return "".join(f"{line}\n" for line in lines)


def _line(path: str) -> str:
    """Write a path that is all of a line: only its specifiers are read."""
    if path != path.strip() or path.endswith("\\"):
        raise ConfigError(
            f"systemd cannot be told the path {path!r}.",
            remedy="Choose one without blanks and backslashes at its ends.",
        )
    return absolute(path).replace("%", "%%")


def _word(path: str, *, is_argument: bool = False) -> str:
    """Write a path as one word of several."""
    text = absolute(path).replace("\\", r"\\").replace('"', r"\"").replace("%", "%%")
    return f'"{text.replace("$", "$$") if is_argument else text}"'


def _below(places: Sequence[str], *folders: str) -> bool:
    return any(
        PurePosixPath(place).is_relative_to(folder) for place in places for folder in folders
    )
