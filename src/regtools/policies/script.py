"""A shell script that deletes what a rule chose, to be read before it is run.

regtools itself never deletes. The script only shows what it would do until it is started with
``--delete``; it stops at the first refusal.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from regtools.errors import ConfigError

TOOLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "regctl": "regctl $DELETE_OPTIONS manifest delete",
        "skopeo": "skopeo delete $DELETE_OPTIONS",
        "crane": "crane delete $DELETE_OPTIONS",
    }
)
"""How each program deletes one manifest by its digest, up to the image's name."""
_PREFIXES: Final = MappingProxyType({"skopeo": "docker://"})
_SAFE: Final = re.compile(r"[A-Za-z0-9._:/@\[\]+-]+")

_HEAD: Final = """\
#!/usr/bin/env bash
# Made by regtools retention: {about}.
# Read it, then start it with --delete; without, it only shows what it would do.
# It deletes manifests by digest, with every tag on them, and stops at the first refusal. A tag that
# was moved since the scan may name one of them by now: scan again if images were pushed since.
# DELETE_OPTIONS holds more options for {tool}, such as those for a registry without TLS.
set -euo pipefail
DELETE_OPTIONS=${{DELETE_OPTIONS:-}}
really=${{1:-}}
case "$really" in
  "" | --delete) ;;
  *) echo "usage: $0 [--delete]" >&2; exit 2 ;;
esac

delete() {{
  if [ "$really" = --delete ]; then
    # shellcheck disable=SC2086  # the options are words
    {command} "{prefix}$1"
  else
    echo "would delete $1"
  fi
}}

"""
_TAIL: Final = """
# A registry of one's own (registry:2, v3) frees the bytes only now:
#   registry garbage-collect /etc/docker/registry/config.yml
# while nobody pushes, and without --delete-untagged, which in 2.x also deletes the images of
# indexes that stay.
"""


def deletion_script(
    manifests: Iterable[tuple[str, str, str]], *, tool: str, about: str = "a rule"
) -> str:
    """Write the script.

    Parameters
    ----------
    manifests
        (registry, repository, digest), what names another before it.
    tool
        ``regctl``, ``skopeo`` or ``crane``.
    about
        What is deleted and of which scan, in one line.

    Raises
    ------
    ConfigError
        Codes ``TOOL_UNKNOWN``, and ``NAME_UNSAFE``: a name that no registry would take, and that
        does not belong into a script.
    """
    if tool not in TOOLS:
        raise ConfigError(
            f"No script can be written for {tool!r}.",
            code="TOOL_UNKNOWN",
            remedy=f"Choose one of {', '.join(TOOLS)}.",
        )
    head = _HEAD.format(
        about="".join(sign if sign.isprintable() else " " for sign in about).rstrip("."),
        tool=tool,
        command=TOOLS[tool],
        prefix=_PREFIXES.get(tool, ""),
    )
    return head + "".join(f"delete {_quoted(*one)}\n" for one in manifests) + _TAIL


def _quoted(registry: str, repository: str, digest: str) -> str:
    name = f"{registry}/{repository}@{digest}"
    if not _SAFE.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name of a manifest.",
            code="NAME_UNSAFE",
            remedy="Look at where the scan found it; nothing was written.",
        )
    return shlex.quote(name)
