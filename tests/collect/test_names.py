"""A real resolver and a real full disk, in a network and a mount of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.docker_registry import DockerRegistry
from tests.support.own_names import in_own_network


@pytest.mark.parametrize(
    ("vice", "code", "status"),
    [
        ("none", "RESOLVED", "ok"),
        ("unknown", "DNS_FAILED", "fail"),
        ("silent", "DNS_FAILED", "fail"),
        ("slow", "DNS_SLOW", "warn"),
        ("ipv6-dropped", "DNS_SLOW", "warn"),
    ],
)
def test_a_name_server_with_a_vice(vice: str, code: str, status: str) -> None:
    checks = {check["stage"]: check for check in in_own_network(vice)}
    found = checks["resolve"]
    assert (found["code"], found["status"]) == (code, status)
    assert checks["blob"]["status"] == ("skipped" if status == "fail" else "ok")
    if vice == "ipv6-dropped":
        assert "IPv6 (AAAA)" in found["summary"]
    if status != "fail":
        assert json.loads(found["evidence"])["nameservers"] == ["127.0.0.1"]
    else:
        words = {"unknown": "does not exist", "silent": "did not answer"}
        assert words[vice] in found["summary"]


def test_a_disk_that_is_full(registry: DockerRegistry, tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    assert unshare, "util-linux has it"
    fill = (
        'mount -t tmpfs -o size=1m none "$1"; head -c 2m /dev/zero > "$1/layer" 2>/dev/null;'
        ' shift; exec "$@"'
    )
    program = [sys.executable, "-c", "from regtools.cli import main; main()"]
    asked = ["diagnose", f"{registry.url}/team/api:latest", "--storage", str(tmp_path), "--json"]
    command = [unshare, "--map-root-user", "--mount", "sh", "-c", fill, "sh", str(tmp_path)]
    done = subprocess.run([*command, *program, *asked], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    cause = json.loads(done.stdout)["root_cause"]
    assert (cause["stage"], cause["code"]) == ("storage", "DISK_FULL")
