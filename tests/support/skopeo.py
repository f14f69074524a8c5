"""skopeo, the peer that our answers are compared with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.processes import find_program


def inspect(
    reference: str,
    *,
    tls_verify: bool = False,
    creds: str | None = None,
    certificates: Path | None = None,
) -> dict[str, Any]:
    """Give what ``skopeo inspect`` says of ``host/repository:tag``: Digest, Layers, LayersData, …

    Of an index it inspects the image for linux on this machine's architecture, but `Digest` is
    the index's.
    """
    found = json.loads(_run(reference, [], tls_verify, creds, certificates))
    assert isinstance(found, dict)
    return found


def inspect_raw(
    reference: str,
    *,
    tls_verify: bool = False,
    creds: str | None = None,
    certificates: Path | None = None,
) -> bytes:
    """Give the bytes of the manifest or index as the registry served them to skopeo."""
    return _run(reference, ["--raw"], tls_verify, creds, certificates)


def can_copy(reference: str, folder: Path, *, platform: str = "") -> bool:
    """Say whether ``skopeo copy`` brings an image home whole.

    Parameters
    ----------
    folder
        Where to; it must not exist.
    platform
        Only this, such as ``linux/arm64``; left out: everything that its index lists.
    """
    system, _, architecture = platform.partition("/")
    only = [f"--override-os={system}", f"--override-arch={architecture}"]
    command = [
        find_program("skopeo"),
        *(only if platform else []),
        "copy",
        *([] if platform else ["--all"]),
        "--quiet",
        "--src-tls-verify=false",
        f"docker://{reference}",
        f"dir:{folder}",
    ]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def copy_all(reference: str, layout: Path) -> None:
    """Pull what ``host/repository@digest`` names, all platforms, into a new OCI image layout.

    skopeo 1.9 refuses an index inside an index: such a one is looked at by `inspect_raw`, and
    its parts are pulled one by one.
    """
    options = ["--all", "--quiet", "--src-tls-verify=false"]
    command = [find_program("skopeo"), "copy", *options, f"docker://{reference}", f"oci:{layout}"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, f"skopeo copy --all {reference}: {done.stderr.decode()}"


def _run(
    reference: str, more: list[str], tls_verify: bool, creds: str | None, certificates: Path | None
) -> bytes:
    options = [f"--tls-verify={str(tls_verify).lower()}", *more]
    if creds is not None:
        options.append(f"--creds={creds}")
    if certificates is not None:
        options.append(f"--cert-dir={certificates}")
    command = [find_program("skopeo"), "inspect", *options, f"docker://{reference}"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, f"skopeo inspect {reference}: {done.stderr.decode()}"
    return done.stdout


def try_copy(source: str, destination: str) -> subprocess.CompletedProcess[str]:
    """Run ``skopeo copy --all`` over plain HTTP, however it ends: all platforms, nothing left out."""
    return subprocess.run(
        [
            find_program("skopeo"),
            *("--insecure-policy", "copy", "--all", "--quiet"),
            *("--src-tls-verify=false", "--dest-tls-verify=false"),
            *(source, destination),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
