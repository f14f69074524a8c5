"""Storage: is there room, in the vendor's quota or on the registry's own disk?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from regtools.collect.probes.stage import clean, row, skipped
from regtools.registries.listing import ReportedBytes
from regtools.schema import CheckRow
from regtools.units import format_bytes

STAGE: Final = "storage"
NEARLY: Final = 0.1
"""Share of free room below which it is worth a look."""
FULL_BYTES: Final = 64 * 2**20
"""With less than this a push of any image fails: distribution writes a layer before it is known."""


def storage(registry: str, *, folder: Path | None, reported: Sequence[ReportedBytes]) -> CheckRow:
    """Judge the room that is left.

    Parameters
    ----------
    folder
        The registry's own storage on this machine.
    reported
        What the vendor's API tells, quotas among it.
    """
    if folder is not None:
        return _disk(registry, folder)
    limited = [one for one in reported if one.limit]
    if not limited:
        reason = "Not looked at: no quota is told, and no folder was given with --storage."
        return skipped(registry, STAGE, reason)
    fullest = max(limited, key=lambda one: one.size / (one.limit or 1))
    limit = fullest.limit or 1
    free = max(0, limit - fullest.size)
    name = clean(fullest.name) or registry
    evidence = {
        "scope": fullest.scope,
        "name": name,
        "used": fullest.size,
        "limit": limit,
        "source": clean(fullest.source),
    }
    said = f"{format_bytes(fullest.size)} of the quota of {format_bytes(limit)} for {name} are used"
    if not free:
        return row(
            registry,
            STAGE,
            "QUOTA_FULL",
            "fail",
            f"{said}: pushes are refused.",
            evidence=evidence,
            remedy="Delete what nobody needs (`regtools retention` says what that frees), or have "
            "the quota raised.",
        )
    return _room(registry, free / limit, f"{said}.", evidence, "QUOTA")


def _disk(registry: str, folder: Path) -> CheckRow:
    try:
        found = os.statvfs(folder)
    except OSError as error:
        return row(
            registry,
            STAGE,
            "STORAGE_UNREADABLE",
            "warn",
            f"{folder} cannot be looked at: {(error.strerror or 'it fails').lower()}.",
            remedy="Run it where the folder is, as a user who may read it.",
        )
    size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    files, free_files = found.f_files, found.f_favail
    evidence = {"folder": str(folder), "size": size, "free": free, "free_files": free_files}
    said = f"{format_bytes(free)} of {format_bytes(size)} are free on the disk of {folder}"
    if free < min(FULL_BYTES, size * NEARLY) or (files and not free_files):
        what = said if free_files or not files else f"{folder} can take no more files"
        return row(
            registry,
            STAGE,
            "DISK_FULL",
            "fail",
            f"{what}: pushes fail with status 500.",
            evidence=evidence,
            remedy="Make room: `regtools reconcile --storage` says what a garbage collection would "
            "free, `regtools retention` which tags to delete. Or enlarge the disk.",
        )
    return _room(registry, free / size if size else 1.0, f"{said}.", evidence, "DISK")


def _room(
    registry: str, share: float, summary: str, evidence: dict[str, object], what: str
) -> CheckRow:
    if share < NEARLY:
        return row(
            registry,
            STAGE,
            f"{what}_NEARLY_FULL",
            "warn",
            summary,
            evidence=evidence,
            remedy="`regtools growth --capacity SIZE` says when it will be full, `regtools "
            "retention` what can go.",
        )
    return row(registry, STAGE, f"{what}_OK", "ok", summary, evidence=evidence)
