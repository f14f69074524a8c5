"""Docker's credential helpers: programs that give a credential from a keychain.

Source: docker/docker-credential-helpers, ``get``: the server on stdin, JSON on stdout (2026-11).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from regtools.credentials._base import Credential, SourceError, mapping, text

HELPER_SECONDS: Final = 10.0
"""A keychain that asks somebody who is not there must not stop a cron job."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND: Final = "credentials not found in native keychain"


def ask_helper(
    name: str,
    server: str,
    *,
    source: str,
    environ: Mapping[str, str],
    seconds: float = HELPER_SECONDS,
) -> Credential | None:
    """Ask ``docker-credential-NAME`` for a server; None if it knows none.

    Raises
    ------
    SourceError
        It is not installed, fails, or does not answer in time.
    """
    program = _find(name, environ)
    try:
        code, answer = _run(program, server, environ, seconds)
    except OSError as error:
        raise SourceError(
            f"helper docker-credential-{name} cannot be run: {error.strerror}"
        ) from error
    if code != 0:
        if _NOT_FOUND in answer:
            return None
        # What it printed is not shown: nobody knows what a failing helper prints.
        raise SourceError(f"helper docker-credential-{name} failed with exit code {code}")
    return _read(answer, name, source)


def _find(name: str, environ: Mapping[str, str]) -> str:
    program = None
    if _NAME.fullmatch(name):
        program = shutil.which(f"docker-credential-{name}", path=environ.get("PATH"))
    if program is None:
        raise SourceError(f"helper docker-credential-{name} is not installed")
    return program


def _run(program: str, server: str, environ: Mapping[str, str], seconds: float) -> tuple[int, str]:
    process = subprocess.Popen(
        [program, "get"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environ),
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(f"{server}\n".encode(), timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f"helper {Path(program).name} did not answer within {seconds:g} s"
        ) from error
    finally:
        _end(process)
    return process.returncode, out.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the helper with all it started, if it is still there."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _read(answer: str, name: str, source: str) -> Credential | None:
    try:
        data = mapping(json.loads(answer))
    except ValueError as error:
        raise SourceError(f"helper docker-credential-{name} did not answer with JSON") from error
    username, secret = text(data.get("Username")), text(data.get("Secret"))
    if not secret:
        return None
    if username == "<token>":
        return Credential(username=username, identity_token=secret, source=source)
    return Credential(username=username, password=secret, source=source)
