"""A network of one's own with a name server of one's own; run as a program, by `in_own_network`.

    unshare --map-root-user --mount --net python -m tests.support.own_names VICE

It starts a registry that answers at every address of the loopback, asks its diagnosis for a name
that only the server here knows, and prints the checks as JSON.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

NAME: Final = "registry.test"
A, AAAA = 1, 28
_UP = struct.pack("16sH14s", b"lo", 0x1 | 0x40, b"")
_SET_FLAGS = 0x8914


def in_own_network(vice: str) -> list[dict[str, Any]]:
    """Give the checks of a diagnosis where the name server has a vice: see `answer`."""
    unshare = shutil.which("unshare")
    assert unshare, "util-linux has it"
    command = [unshare, "--map-root-user", "--mount", "--net", sys.executable, "-m", __spec__.name]
    done = subprocess.run([*command, vice], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    checks: list[dict[str, Any]] = json.loads(done.stdout)
    return checks


def answer(vice: str, kind: int) -> list[bytes] | None:
    """Give the addresses for a question; None: no answer at all. Empty: there are none."""
    if vice == "silent" or (vice == "ipv6-dropped" and kind == AAAA):
        return None
    if vice == "slow":
        time.sleep(1.2)
    there = "127.0.0.9" if vice == "overridden" else "127.0.0.1"
    return [socket.inet_aton(there)] if kind == A else []


def main(vice: str) -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, _UP)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "resolv.conf"
        file.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
        subprocess.run(["mount", "--bind", str(file), "/etc/resolv.conf"], check=True)
        if vice == "overridden":
            hosts = Path(folder) / "hosts"
            hosts.write_text(f"127.0.0.1 {NAME}\n")
            subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        threading.Thread(target=_serve, args=(server, vice), daemon=True).start()
        _diagnose("none.test" if vice == "unknown" else NAME)


def _diagnose(name: str) -> None:
    from tests.support.fake_registry import fake_registry
    from tests.support.walks import walk

    with fake_registry() as registry:
        port = registry.host.rpartition(":")[2]
        checks = walk(
            f"http://{name}:{port}", repository="team/app", reference="latest", timeout_seconds=20
        )
    json.dump([asdict(check) for check in checks], sys.stdout)


def _serve(server: socket.socket, vice: str) -> None:
    while True:
        question, sender = server.recvfrom(512)
        threading.Thread(target=_reply, args=(server, question, sender, vice)).start()


def _reply(server: socket.socket, question: bytes, sender: Any, vice: str) -> None:
    """Answer as RFC 1035 says; a pointer to the question stands for the name."""
    end = question.index(b"\0", 12) + 5
    (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
    known = NAME.encode().split(b".")[0] in question
    found = answer(vice, kind) if known else []
    if found is None:
        return
    flags = 0x8180 if known else 0x8183
    head = question[:2] + struct.pack("!5H", flags, 1, len(found), 0, 0)
    records = [
        struct.pack("!HHHIH", 0xC00C, kind, 1, 1, len(address)) + address for address in found
    ]
    server.sendto(head + question[12:end] + b"".join(records), sender)


if __name__ == "__main__":
    main(sys.argv[1])
