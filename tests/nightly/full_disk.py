"""Three nights on a small disk of their own, which is full in the second; says what came of each.

To be run where a file system may be mounted: ``unshare --user --map-root-user --mount``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(driver: Path, shelf: Path, disk: Path) -> None:
    """Mount the disk, and run."""
    settings = (disk / "regtools.toml").read_bytes()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(disk)], check=True)
    (disk / "regtools.toml").write_bytes(settings)
    nights = [night(driver, shelf, disk)]
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    filler.write_bytes(bytes(free - free % 4096))
    nights.append(night(driver, shelf, disk))
    filler.unlink()
    nights.append(night(driver, shelf, disk))
    sys.stdout.write(json.dumps(nights))


def night(driver: Path, shelf: Path, disk: Path) -> dict[str, Any]:
    """Run once, and look at what is published."""
    command = [sys.executable, str(driver), str(shelf), "--quiet"]
    ended = subprocess.run(command, cwd=disk, capture_output=True, text=True, check=False)
    latest = disk / "reports" / "health" / "latest"
    return {
        "code": ended.returncode,
        "said": ended.stderr.strip().splitlines(),
        "latest": latest.readlink().name,
        "page": (latest / "index.html").read_text().rstrip()[-7:],
        "report": json.loads((latest / "report.json").read_text())["report"],
        "pages": [
            (disk / "reports" / name).read_text().rstrip()[-7:]
            for name in ("index.html", "summary.html")
        ],
        "left": [path.name for path in (disk / "reports").glob(".staging*")],
    }


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
