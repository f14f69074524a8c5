"""A line for a crontab. Source: crontab(5) of Debian's cron 3.0pl1, flock(1) of util-linux, 2026-11."""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from typing import Final

from regtools.errors import ConfigError
from regtools.scheduling.plan import Definition, Night, absolute

_LONGEST: Final = 998
"""Characters of a command; cron gives up on longer ones (MAX_COMMAND 1000 with line end and NUL)."""
_MAIL: Final = re.compile(r"[A-Za-z0-9._+-]+(@[A-Za-z0-9.-]+)?")

_TEXT: Final = """\
# {name}: regtools reads the registries and makes the reports, every night at {at:%H:%M}.
#
# Where: the crontab of the user who may read the settings and write the history.
#     crontab -e      and paste this; `crontab FILE` would replace all that is there.
# Time zone: the machine's; `date +%Z` shows it. An hour that summer time skips or repeats is
#     run once by Debian's cron.
# After downtime: cron makes up for nothing. `regtools schedule systemd` does.
# Once at a time: flock starts no second run while one holds the settings file.
# Alert: cron mails what is printed, and with --quiet a run prints only what somebody should see.
{secrets}{mail}{time} {command}
"""
_SECRETS: Final = """\
# Secrets: {names}, one NAME='value' a line, in a file that only this user can
#     read (chmod 600).
"""


def cron(
    night: Night, *, program: str, env_file: str | None = None, mail_to: str | None = None
) -> Definition:
    """Give the crontab lines.

    Parameters
    ----------
    program
        Absolute path of regtools.
    env_file
        Absolute path of a file with secrets; needed where the settings refer to the environment.
    mail_to
        Who gets what is printed; left out: the crontab's owner.

    Raises
    ------
    ConfigError
        A path is not absolute, or cron could not read it back.
    """
    # What the settings leave to its default lies beside them.
    steps = [f"cd {_quoted(str(PurePosixPath(night.config).parent))}", "umask 077"]
    if env_file:
        steps += ["set -a", f". {_quoted(env_file)}", "set +a"]
    config = _quoted(night.config)
    steps.append(f"exec flock -n -E 3 {config} {_quoted(program)} run --quiet --config {config}")
    # cron turns a bare % into a line end, in quotes too, and takes a backslash before it away.
    command = " && ".join(steps).replace("%", r"\%")
    if len(command.encode()) > _LONGEST:
        raise ConfigError(
            "The command is longer than cron takes.", remedy="Move the settings to a shorter path."
        )
    if mail_to is not None and not _MAIL.fullmatch(mail_to):
        raise ConfigError(f"{mail_to!r} is no address for mail.", remedy="Write name@example.com.")
    text = _TEXT.format(
        name=night.name,
        at=night.at,
        time=night.cron_time,
        command=command,
        secrets=_SECRETS.format(names=", ".join(night.secrets) or "whatever you need")
        if env_file
        else "",
        mail=f"MAILTO={mail_to}\n" if mail_to else "",
    )
    return Definition(place="crontab", text=text)


def _quoted(path: str) -> str:
    if "\\" in absolute(path):
        # Versions of cron differ in what they make of it.
        raise ConfigError(
            f"cron cannot be told the path {path!r}.",
            remedy="Choose one without backslashes, or use `regtools schedule systemd`.",
        )
    return shlex.quote(path)
