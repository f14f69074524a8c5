"""How fast `regtools scan` is, beside skopeo and a bare load generator, in one run.

    .venv/bin/python benchmarks/scan.py --tags 2000

Starts Debian's docker-registry on the loopback, fills it, and prints a Markdown table. Registry
and client share the machine: compare rows of one run, not runs of two machines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.corpus import Pushed, push_many  # noqa: E402 - the root must be on the path
from tests.support import push, skopeo  # noqa: E402
from tests.support.docker_registry import DockerRegistry, docker_registry  # noqa: E402

ACCEPT = ", ".join((push.OCI_MANIFEST, push.OCI_INDEX, push.DOCKER_MANIFEST, push.DOCKER_LIST))
SKOPEO_AT_ONCE = 4
LOAD_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row of the table."""

    what: str
    seconds: float
    tags: int
    requests: int | None = None
    cpu_seconds: float | None = None


def main() -> None:
    """Measure and print."""
    options = _options()
    with (
        tempfile.TemporaryDirectory(prefix="regtools-benchmark-") as folder,
        docker_registry(Path(folder) / "registry", access_log=False, cache=True) as registry,
    ):
        started = time.perf_counter()
        pushed = push_many(registry.url, options.tags)
        _say(f"pushed {len(pushed.images):,} tags in {time.perf_counter() - started:.0f} s")
        rows = _measure(registry, pushed, Path(folder), options)
    print(report(rows, pushed))


def _measure(
    registry: DockerRegistry, pushed: Pushed, folder: Path, options: argparse.Namespace
) -> list[Measured]:
    rows = []
    if not options.without_regtools:
        for what in ("regtools scan, cold", "regtools scan, later, nothing new"):
            rows.append(_regtools(what, registry, folder / "history", options.connections))
            _say(what)
    sample = random.Random(1).sample(pushed.images, min(options.sample, len(pushed.images)))
    rows.append(_skopeo(registry, sample))
    _say("skopeo")
    rows.append(_load(registry, pushed.images, folder, options.connections))
    return rows


def _regtools(what: str, registry: DockerRegistry, history: Path, connections: int) -> Measured:
    """Run the command as a user would; its processor time is the whole process's."""
    program = [sys.executable, "-c", "from regtools.cli import main; main()"]
    command = [*program, "scan", registry.url, "--json"]
    command += ["--history", str(history), "--connections", str(connections)]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, env=_environ(), cwd=history.parent)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
        out.seek(0)
        snapshot = json.load(out)["snapshots"][0]
    return Measured(
        what=what,
        seconds=seconds,
        tags=snapshot["tags"],
        requests=snapshot["requests"],
        cpu_seconds=usage.ru_utime + usage.ru_stime,
    )


def _skopeo(registry: DockerRegistry, images: Sequence[str]) -> Measured:
    before = os.times()
    started = time.perf_counter()
    with ThreadPoolExecutor(SKOPEO_AT_ONCE) as pool:
        list(pool.map(lambda image: skopeo.inspect(f"{registry.host}/{image}"), images))
    seconds = time.perf_counter() - started
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system
    return Measured(
        what=f"skopeo inspect, {SKOPEO_AT_ONCE} at a time",
        seconds=seconds,
        tags=len(images),
        cpu_seconds=cpu - before.children_system,
    )


def _load(
    registry: DockerRegistry, images: Sequence[str], folder: Path, connections: int
) -> Measured:
    """Ask for nothing but manifests by tag, as fast as it goes: what the registry can give."""
    paths = [f"/v2/{name}/manifests/{tag}" for name, tag in (i.split(":") for i in images)]
    if shutil.which("wrk"):
        return _wrk(registry, paths, folder, connections)
    started = time.perf_counter()
    cpu = time.process_time()
    requests = asyncio.run(_aiohttp_loop(registry.url, paths, connections))
    return Measured(
        what=f"bare aiohttp loop, GET by tag, {connections} connections",
        seconds=time.perf_counter() - started,
        tags=requests,
        requests=requests,
        cpu_seconds=time.process_time() - cpu,
    )


def _wrk(
    registry: DockerRegistry, paths: Sequence[str], folder: Path, connections: int
) -> Measured:
    script = folder / "paths.lua"
    listed = ",\n".join(json.dumps(path) for path in paths)
    script.write_text(
        f"local paths = {{{listed}}}\n"
        "local position = 0\n"
        f"wrk.headers['Accept'] = {json.dumps(ACCEPT)}\n"
        "request = function()\n"
        "  position = position % #paths + 1\n"
        "  return wrk.format('GET', paths[position])\n"
        "end\n"
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{LOAD_SECONDS}s", "-s", str(script)]
    before = os.times()
    done = subprocess.run(
        [*command, registry.url], capture_output=True, text=True, check=True, env=_environ()
    )
    after = os.times()
    found = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    if found is None or "Non-2xx" in done.stdout:
        raise SystemExit(f"wrk did not get what it asked for:\n{done.stdout}")
    requests = int(found[1])
    return Measured(
        what=f"wrk, GET by tag, {connections} connections",
        seconds=float(found[2]),
        tags=requests,
        requests=requests,
        cpu_seconds=after.children_user
        - before.children_user
        + after.children_system
        - before.children_system,
    )


async def _aiohttp_loop(url: str, paths: Sequence[str], connections: int) -> int:
    import aiohttp

    deadline = time.perf_counter() + LOAD_SECONDS
    done = 0

    async def worker(session: aiohttp.ClientSession, mine: Sequence[str]) -> None:
        nonlocal done
        while True:
            for path in mine:
                if time.perf_counter() > deadline:
                    return
                async with session.get(f"{url}{path}") as answer:
                    answer.raise_for_status()
                    await answer.read()
                    done += 1

    async with aiohttp.ClientSession(headers={"Accept": ACCEPT}) as session:
        parts = [paths[n::connections] for n in range(min(connections, len(paths)))]
        await asyncio.gather(*(worker(session, part) for part in parts))
    return done


def report(rows: Sequence[Measured], pushed: Pushed) -> str:
    """Give the table, with the machine it was measured on."""
    title = (
        f"{len(pushed.images):,} tags, {pushed.digests:,} distinct digests, "
        f"{pushed.repositories:,} repositories; {machine()}; {datetime.now(UTC):%Y-%m-%d}."
    )
    lines = [
        title,
        "",
        "| | tags/s | seconds | requests | requests/s | client CPU s | CPU ms/request |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*lines, *map(_line, rows)])


def machine() -> str:
    """Name the machine: processor, memory, programs."""
    model = re.search(r"model name\s*:\s*(.+)", _read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _read("/proc/meminfo"))
    version = subprocess.run(
        ["docker-registry", "--version"], capture_output=True, text=True, check=False
    ).stdout
    return ", ".join(
        [
            f"{len(os.sched_getaffinity(0))} cores of {model[1] if model else platform.machine()}",
            f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "memory unknown",
            f"Python {platform.python_version()}",
            " ".join(version.split()[0::2]) or "docker-registry",
            "registry and client on the same machine",
        ]
    )


def _line(row: Measured) -> str:
    requests, cpu = row.requests, row.cpu_seconds
    cells = [
        row.what,
        f"{row.tags / row.seconds:,.0f}",
        f"{row.seconds:.1f}",
        f"{requests:,}" if requests is not None else "–",
        f"{requests / row.seconds:,.0f}" if requests is not None else "–",
        f"{cpu:.1f}" if cpu is not None else "–",
        f"{cpu * 1000 / requests:.2f}" if cpu is not None and requests else "–",
    ]
    return f"| {' | '.join(cells)} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tags", type=int, default=2000, help="tags to push [2000]")
    parser.add_argument("--connections", type=int, default=32, help="connections at once [32]")
    parser.add_argument("--sample", type=int, default=60, help="tags for skopeo [60]")
    parser.add_argument("--without-regtools", action="store_true", help="only the peers")
    return parser.parse_args()


def _environ() -> dict[str, str]:
    """Give the environment without proxies and settings of this machine."""
    keep = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("REGTOOLS_")
    }
    source = str(ROOT / "src")
    return keep | {"PYTHONPATH": os.pathsep.join([source, keep.get("PYTHONPATH", "")]).rstrip(":")}


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
