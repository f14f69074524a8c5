"""How long `regtools diagnose` takes on a healthy registry, beside its limit and beside skopeo.

    .venv/bin/python benchmarks/diagnose.py --rounds 10

Starts Debian's docker-registry on the loopback, behind TLS and behind tokens, and diagnoses an image
in it, each time as a process of its own and as a call. Prints a Markdown table; fails where a
diagnosis takes two seconds or more, or more requests than it may.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.certificates import CertificateAuthority  # noqa: E402 - the root must be there
from tests.support.corpus import push_corpus  # noqa: E402
from tests.support.docker_registry import USERS, DockerRegistry, docker_registry  # noqa: E402
from tests.support.token_server import token_server  # noqa: E402

from regtools.access import Options  # noqa: E402
from regtools.walk import diagnose  # noqa: E402

IMAGE = "team/api:latest"
LIMIT_SECONDS = 2.0
MOST_REQUESTS = 12
"""Beside those for the sample of layers: three of the largest."""
SAMPLE = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    os.environ["REGTOOLS_USERNAME"], os.environ["REGTOOLS_PASSWORD"] = next(iter(USERS.items()))
    with tempfile.TemporaryDirectory(prefix="regtools-benchmark-") as name:
        folder = Path(name)
        authority = CertificateAuthority(folder)
        with (
            docker_registry(folder / "plain") as plain,
            token_server(authority, users=USERS) as tokens,
        ):
            push_corpus(plain)
            with (
                docker_registry(
                    folder / "tls", storage=plain.storage, certificate=authority.server()
                ) as secure,
                docker_registry(
                    folder / "tokens", storage=plain.storage, auth=tokens.registry_auth()
                ) as guarded,
            ):
                rows = [
                    *_measured("TLS", secure, authority.file, rounds),
                    *_measured("tokens", guarded, authority.file, rounds),
                ]
    print("| | median s | worst s | of the limit | requests |\n|---|--:|--:|--:|--:|")
    for what, times, requests in rows:
        share = f"{max(times) / LIMIT_SECONDS:.0%}" if requests else "–"
        print(f"| {what} | {median(times):.2f} | {max(times):.2f} | {share} | {requests or '–'} |")
    if any(max(times) >= LIMIT_SECONDS or n > MOST_REQUESTS + SAMPLE for _, times, n in rows):
        sys.exit("Too slow, or too many requests.")


def _measured(
    what: str, registry: DockerRegistry, ca_file: Path, rounds: int
) -> list[tuple[str, list[float], int]]:
    image = f"{registry.url}/{IMAGE}"
    program = [str(Path(sys.executable).with_name("regtools")), "diagnose", image]
    program += ["--ca-file", str(ca_file)]
    username, password = next(iter(USERS.items()))
    peer = [
        "skopeo",
        "inspect",
        "--no-creds",
        f"docker://{registry.url.partition('://')[2]}/{IMAGE}",
    ]
    if what == "tokens":
        # The demo's password of a registry that lives for this run.
        peer[2:3] = ["--creds", f"{username}:{password}"]
    peer[2:2] = ["--tls-verify=false"]

    def walk() -> None:
        found = diagnose(image, options=Options(ca_file=ca_file))
        if found.root_cause is not None:
            sys.exit(f"It is not healthy: {found.root_cause}")

    registry.requests()
    walk()
    requests = len(registry.requests())
    return [
        (f"regtools diagnose, a process ({what})", _times(lambda: _run(program), rounds), requests),
        (f"rt.diagnose, a call ({what})", _times(walk, rounds), requests),
        (f"skopeo inspect, a process ({what})", _times(lambda: _run(peer), rounds), 0),
    ]


def _times(work: Callable[[], None], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return times


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
