"""What fails ends with the command that looks closer, and that command works as it stands."""

from __future__ import annotations

import shlex
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import Command, Ran
from tests.support.corpus import Corpus
from tests.support.docker_registry import DockerRegistry

import regtools as rt
from regtools.access import Options
from regtools.errors import UnauthorizedError

HINT = "To look closer: "


def command_of(ran: Ran) -> list[str]:
    """Give the arguments behind ``regtools`` of the command that the last line names."""
    last = ran.err.strip().splitlines()[-1].strip()
    assert last.startswith(HINT), ran.err
    program, *arguments = shlex.split(last.removeprefix(HINT))
    assert program == "regtools"
    return arguments


def test_nothing_listens(regtools: Command) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{held.getsockname()[1]}"
        arguments = command_of(regtools("scan", place))
        assert arguments == ["diagnose", place]
        ran = regtools(*arguments, "--json")
    assert ran.document["root_cause"]["code"] == "CONNECT_REFUSED"


def test_a_tag_that_cannot_be_read_is_what_is_looked_at(
    regtools: Command, corpus: Corpus, registry: DockerRegistry, start_registry: Any, tmp_path: Path
) -> None:
    storage = tmp_path / "storage"
    shutil.copytree(registry.storage, storage)
    digest = corpus.repositories["odd/zstd"]["1"]
    encoded = digest.partition(":")[2]
    (storage / f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data").unlink()
    broken = start_registry(storage=storage)
    ran = regtools("scan", broken.url)
    assert ran.code == 3
    arguments = command_of(ran)
    assert arguments == ["diagnose", f"{broken.url}/odd/zstd:1"]
    document = regtools(*arguments, "--json").document
    assert document["root_cause"]["stage"] == "manifest"


def test_a_diagnosis_does_not_name_itself(regtools: Command) -> None:
    ran = regtools("diagnose", "no such host")
    assert ran.code == 2
    assert HINT not in ran.err


def test_a_program_is_told_too(htpasswd_registry: DockerRegistry) -> None:
    locked = htpasswd_registry
    result = rt.scan(locked.url, options=Options(history="history"))
    ((_, error),) = result.failed
    assert isinstance(error, UnauthorizedError)
    assert error.closer_look == f"regtools diagnose {locked.url}"
    assert error.__notes__ == [f"{HINT}{error.closer_look}"]
    assert error.closer_look in result._repr_html_()


@pytest.mark.parametrize("name", ["a b", "x;reboot", "$(id)"])
def test_a_command_is_quoted(name: str) -> None:
    error = UnauthorizedError("No.")
    error.look_closer(f"regtools diagnose {shlex.quote(name)}")
    assert shlex.split(error.closer_look)[2:] == [name]
