"""Is there room: in the vendor's quota, on the registry's disk, in the capacity that is given?"""

from __future__ import annotations

from collections.abc import Iterator

from regtools.analyses.examinations.checked import disk_of, facts, quota_of
from regtools.analyses.examinations.found import (
    Found,
    Seen,
    records,
    severity_above,
    severity_below,
)
from regtools.thresholds import CRITICAL, OK
from regtools.units import format_bytes


def quotas(seen: Seen) -> Iterator[Found]:
    """Judge each quota that a vendor tells; one that a check saw as well counts where it is fuller."""
    limits = seen.thresholds
    found: dict[tuple[str, str], tuple[float, int, int, str]] = {}
    for registry, name, used, limit, source in (*_scanned(seen), *_checked(seen)):
        place, told = (registry, name), (used / limit, used, limit, source)
        found[place] = max(found.get(place, told), told)
    for (registry, name), (share, used, limit, source) in sorted(found.items()):
        severity = severity_above(share, limits.quota_warning_share, limits.quota_critical_share)
        yield Found(
            severity=severity,
            finding="QUOTA_OK" if severity == OK else "QUOTA_NEARLY_USED",
            registry=registry,
            subject=name,
            summary=f"{format_bytes(used)} of the quota of {format_bytes(limit)} for "
            f"{name or registry} are used, {share:.0%}.",
            evidence={"used": used, "limit": limit, "source": source},
            remedy=""
            if severity == OK
            else "Delete what nobody needs (`regtools retention` says what that frees), or have the "
            "quota raised; when it is full, pushes are refused.",
            threshold=f"{limits.quota_warning_share:.0%} of it",
        )


def _scanned(seen: Seen) -> Iterator[tuple[str, str, int, int, str]]:
    for row in records(seen.reported[seen.reported["limit_bytes"].fillna(0) > 0]):
        yield (
            row["registry"],
            row["name"],
            int(row["bytes"]),
            int(row["limit_bytes"]),
            row["source"],
        )


def _checked(seen: Seen) -> Iterator[tuple[str, str, int, int, str]]:
    for row in records(seen.checks):
        told = quota_of(row)
        if told is not None:
            name = str(facts(row).get("name", ""))
            # The check calls the whole of it by the registry's own name.
            yield (
                row["registry"],
                "" if name == row["registry"] else name,
                *told,
                str(facts(row).get("source", "")),
            )


def disks(seen: Seen) -> Iterator[Found]:
    """Judge the room on the registry's own disk, where a diagnosis was told where that is."""
    limits = seen.thresholds
    for row in records(seen.checks):
        told = disk_of(row)
        if told is None:
            continue
        free, size = told
        severity = severity_below(
            free / size, limits.disk_free_warning_share, limits.disk_free_critical_share
        )
        # A disk can be full in other ways, such as of files.
        severity = CRITICAL if row["status"] == "fail" else severity
        yield Found(
            severity=severity,
            finding="DISK_OK" if severity == OK else "DISK_NEARLY_FULL",
            registry=row["registry"],
            subject="storage",
            summary=f"{format_bytes(free)} of {format_bytes(size)} were free on its disk at the last "
            "look.",
            evidence=facts(row),
            remedy=""
            if severity == OK
            else "`regtools reconcile --storage` says what a garbage collection would free, `regtools "
            "retention` which tags to delete. Or enlarge the disk.",
            threshold=f"{limits.disk_free_warning_share:.0%} free",
        )


def capacity(seen: Seen) -> Iterator[Found]:
    """Judge the stored bytes against the capacity, where one is given."""
    limits = seen.thresholds
    if limits.capacity_bytes is None:
        return
    for row in records(seen.registries):
        size = int(row["physical_bytes"])
        share = size / limits.capacity_bytes if limits.capacity_bytes > 0 else 1.0
        severity = severity_above(
            share, limits.capacity_warning_share, limits.capacity_critical_share
        )
        yield Found(
            severity=severity,
            finding="CAPACITY_OK" if severity == OK else "CAPACITY_NEARLY_USED",
            registry=row["registry"],
            summary=f"{format_bytes(size)} are stored, {share:.0%} of the capacity.",
            evidence={"physical_bytes": size, "capacity_bytes": limits.capacity_bytes},
            remedy="" if severity == OK else "Delete tags nobody pulls, or add storage.",
            threshold=f"{limits.capacity_warning_share:.0%} of {format_bytes(limits.capacity_bytes)}",
        )
