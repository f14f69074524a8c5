"""The script to delete with: it does nothing unasked, and foreign names cannot steer it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from regtools.errors import ConfigError
from regtools.policies import deletion_script

DIGESTS = [f"sha256:{number:064d}" for number in range(3)]
ROWS = [("registry.example.com:5000", "team/app", digest) for digest in DIGESTS]


def run(tmp_path: Path, text: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess:
    """Run the script with a program that writes down how it was called."""
    for tool in ("regctl", "skopeo", "crane"):
        fake = tmp_path / tool
        fake.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ ! -e {tmp_path}/refuse ]\n')
        fake.chmod(0o755)
    script = tmp_path / "delete.sh"
    script.write_text(text)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", str(script), *arguments],
        env={"PATH": path, **environ},
        capture_output=True,
        text=True,
    )


def calls(tmp_path: Path) -> list[str]:
    file = tmp_path / "calls"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("tool", ["regctl", "skopeo", "crane"])
def test_unasked_it_only_shows_what_it_would_do(tmp_path: Path, tool: str) -> None:
    done = run(tmp_path, deletion_script(ROWS, tool=tool))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"would delete registry.example.com:5000/team/app@{digest}" for digest in DIGESTS
    ]
    assert calls(tmp_path) == []


@pytest.mark.parametrize(
    ("tool", "call"),
    [
        ("regctl", "manifest delete registry.example.com:5000/team/app@"),
        ("skopeo", "delete docker://registry.example.com:5000/team/app@"),
        ("crane", "delete registry.example.com:5000/team/app@"),
    ],
)
def test_asked_it_deletes_each_by_its_digest(tmp_path: Path, tool: str, call: str) -> None:
    assert run(tmp_path, deletion_script(ROWS, tool=tool), "--delete").returncode == 0
    assert calls(tmp_path) == [f"{call}{digest}" for digest in DIGESTS]


def test_it_takes_more_options_for_the_tool(tmp_path: Path) -> None:
    text = deletion_script(ROWS[:1], tool="skopeo")
    run(tmp_path, text, "--delete", DELETE_OPTIONS="--tls-verify=false --debug")
    assert calls(tmp_path)[0].startswith("delete --tls-verify=false --debug docker://")


def test_it_stops_at_the_first_refusal(tmp_path: Path) -> None:
    (tmp_path / "refuse").touch()
    assert run(tmp_path, deletion_script(ROWS, tool="crane"), "--delete").returncode != 0
    assert len(calls(tmp_path)) == 1


def test_another_word_is_no_order(tmp_path: Path) -> None:
    assert run(tmp_path, deletion_script(ROWS, tool="crane"), "--yes").returncode == 2
    assert calls(tmp_path) == []


def test_what_it_is_about_stays_a_comment(tmp_path: Path) -> None:
    text = deletion_script(ROWS, tool="crane", about="x\ntouch gone\r\u2028rm {} $(rm) `rm`")
    assert run(tmp_path, text).stdout.count("would delete") == 3
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("name", ["app;rm -rf x", "app\nx", "$(rm)", "`rm`", "a b", ""])
def test_a_name_that_no_registry_takes_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        deletion_script([("r", f"app{name}'", DIGESTS[0])], tool="crane")
    assert caught.value.code == "NAME_UNSAFE"


def test_an_unknown_tool_is_refused() -> None:
    with pytest.raises(ConfigError, match="docker"):
        deletion_script(ROWS, tool="docker")
