"""A real resolver and a real full disk, in a network and a mount of the test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.docker_registry import DockerRegistry
from tests.support.own_names import in_own_network

from regtools.collect.probes.nameserver import KINDS, answer, query


@pytest.mark.parametrize(
    ("vice", "code", "status"),
    [
        ("none", "RESOLVED", "ok"),
        ("unknown", "DNS_FAILED", "fail"),
        ("silent", "DNS_FAILED", "fail"),
        ("slow", "DNS_SLOW", "warn"),
        ("ipv6-dropped", "DNS_SLOW", "warn"),
        ("overridden", "DNS_OVERRIDDEN", "warn"),
    ],
)
def test_a_name_server_with_a_vice(vice: str, code: str, status: str) -> None:
    checks = {check["stage"]: check for check in in_own_network(vice)}
    found = checks["resolve"]
    assert (found["code"], found["status"]) == (code, status)
    assert checks["blob"]["status"] == ("skipped" if status == "fail" else "ok")
    if vice == "ipv6-dropped":
        assert "IPv6 (AAAA)" in found["summary"]
    evidence = json.loads(found["evidence"])
    assert evidence["asked"] == "127.0.0.1"
    assert evidence["answered"] == {
        "unknown": {"ipv4": "NXDOMAIN", "ipv6": "NXDOMAIN"},
        "silent": {"ipv4": "no answer", "ipv6": "no answer"},
        "slow": {"ipv4": "no answer", "ipv6": "no answer"},
        "ipv6-dropped": {"ipv4": ["127.0.0.1"], "ipv6": "no answer"},
        "overridden": {"ipv4": ["127.0.0.9"], "ipv6": ""},
    }.get(vice, {"ipv4": ["127.0.0.1"], "ipv6": ""})
    if status != "fail":
        assert evidence["nameservers"] == ["127.0.0.1"]
        assert evidence["hosts_file"] == (vice == "overridden")
    else:
        words = {"unknown": "does not exist", "silent": "did not answer"}
        assert words[vice] in found["summary"]


@given(st.binary(max_size=120), st.sampled_from(sorted(KINDS.values())))
def test_no_answer_breaks_the_reader(rest: bytes, kind: int) -> None:
    for message in (rest, b"\x00\x07\x81\x80" + rest):
        try:
            said = answer(message, 7, kind)
        except ValueError:
            continue
        for address in said.addresses:
            ip_address(address)


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", ""])
def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        query(1, name, 1)


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
