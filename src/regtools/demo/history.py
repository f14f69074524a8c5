"""18 months of nightly scans of Harbourline's registries, written without asking anybody.

The rows are those that a scan over HTTP would have given, and a test holds the two together.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import platformdirs

from regtools.demo.company import Company
from regtools.demo.observations import Site
from regtools.demo.rows import Rows
from regtools.demo.story import HARBOURLINE, OPEN_SOURCE
from regtools.history import History
from regtools.reference import Digest
from regtools.registries import RegistryKind, registry_kind
from regtools.schema import RepositoryRow

REGISTRY: Final = "registry.harbourline.example"
"""The company's own registry; a name under ``.example`` never resolves (RFC 2606)."""
PUBLIC_REGISTRY: Final = "ghcr.io"
PUBLIC_NAMESPACE: Final = "harbourline"

_SCAN_AT: Final = time(2, 17)
_NIGHTLY_DAYS: Final = 9

Progress = Callable[[int, int], None]
"""Takes snapshots done, and all there will be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A sample registry that was scanned regularly."""

    company: Company
    registry: str
    namespace: str
    kind: RegistryKind
    site: Site


def own_registry(now: datetime, *, registry: str = REGISTRY) -> Watched:
    """Give the company's own registry, 36 repositories that grow fast."""
    company = Company(now, story=HARBOURLINE)
    site = Site(
        registry=registry,
        first_day=company.first_day,
        now=company.now,
        issuer="Harbourline Issuing CA 2",
        certificate_days=398,
        renewed_days=8,
        days_left=19,
        addresses=("192.0.2.17", "2001:db8:17::5000"),
        server="nginx",
        username="svc-registry-audit",
        ms=11.4,
        has_incidents=True,
    )
    kind = registry_kind("distribution")
    return Watched(company=company, registry=registry, namespace="", kind=kind, site=site)


def public_registry(now: datetime) -> Watched:
    """Give the small registry with the company's open source."""
    company = Company(now, story=OPEN_SOURCE)
    site = Site(
        registry=PUBLIC_REGISTRY,
        first_day=company.first_day,
        now=company.now,
        issuer="Sample Public CA",
        certificate_days=90,
        renewed_days=31,
        days_left=67,
        addresses=("198.51.100.34", "2001:db8:34::443"),
        server="",
        username="harbourline-bot",
        ms=38.0,
    )
    return Watched(
        company=company,
        registry=PUBLIC_REGISTRY,
        namespace=PUBLIC_NAMESPACE,
        kind=registry_kind("ghcr"),
        site=site,
    )


def scan_times(
    now: datetime, *, weeks_between: int = 1, nightly_days: int = _NIGHTLY_DAYS
) -> list[datetime]:
    """List the nights on which a scan ran: every so many weeks, lately every night.

    Parameters
    ----------
    now
        The last scan was in the night before.
    """
    last = datetime.combine(now.astimezone(UTC).date(), _SCAN_AT, UTC)
    if last >= now:
        last -= timedelta(days=1)
    nights = [last - timedelta(days=n) for n in range(nightly_days)]
    first = now - timedelta(days=547)
    earlier = nights[-1] - timedelta(weeks=weeks_between)
    while earlier >= first:
        nights.append(earlier)
        earlier -= timedelta(weeks=weeks_between)
    return sorted(nights)


def past_snapshots(
    history: History,
    watched: Watched,
    times: Sequence[datetime],
    *,
    progress: Progress | None = None,
) -> None:
    """Write the snapshots that scans of a registry left in the past.

    Parameters
    ----------
    history
        Where to; it should hold no snapshots of this registry yet.
    times
        When the scans ran, oldest first.

    Raises
    ------
    HistoryError
        The history cannot be written.
    """
    rows = Rows(watched.company, registry=watched.registry, kind=watched.kind)
    known: set[Digest] = set()
    for done, at in enumerate(times, start=1):
        _past_snapshot(history, watched, rows, known, at)
        if progress:
            progress(done, len(times))


def sample_history(
    folder: Path,
    *,
    now: datetime,
    weeks_between: int = 1,
    scan: Callable[[History, Watched], object] | None = None,
    progress: Progress | None = None,
) -> History:
    """Make a history of 18 months in a folder that holds none yet.

    Parameters
    ----------
    now
        When the 18 months end; everything dates from here.
    weeks_between
        How far apart the older snapshots are; the last nine are nightly.
    scan
        Makes the newest snapshot of `REGISTRY`: `live_snapshot` scans it for real. Left out,
        the newest is that of the last night.

    Raises
    ------
    HistoryError
        The folder cannot be written.
    """
    history = History(folder)
    own, public = own_registry(now), public_registry(now)
    times = scan_times(now, weeks_between=weeks_between)
    rarely = scan_times(now, weeks_between=4, nightly_days=1)
    total = len(times) + len(rarely) + (scan is not None)

    def report(before: int) -> Progress | None:
        return (lambda done, _: progress(before + done, total)) if progress else None

    past_snapshots(history, public, rarely, progress=report(0))
    past_snapshots(history, own, times, progress=report(len(rarely)))
    if scan is not None:
        scan(history, own)
        if progress:
            progress(total, total)
    return history


def default_history(
    cache: Path | None = None,
    *,
    today: datetime | None = None,
    progress: Progress | None = None,
) -> History:
    """Give the sample history that notebooks use by default; made once a month, then kept.

    It ends with the first day of this month, so that it stays believable and does not change
    from one day to the next. Another version of regtools makes its own.

    Parameters
    ----------
    cache
        Where to keep it; left out: the user's cache folder.
    today
        Some time in the month; left out: now.

    Raises
    ------
    OSError
        The cache folder cannot be written.
    """
    month = (today or datetime.now(UTC)).astimezone(UTC).replace(day=1)
    now = datetime.combine(month.date(), time(9), UTC)
    folder = cache or platformdirs.user_cache_path("regtools", appauthor=False)
    final = folder / f"sample-history-{now:%Y-%m}-{_fingerprint()}"
    if final.exists():
        return History(final)
    folder.mkdir(parents=True, exist_ok=True)
    # Reports run side by side: one of them makes it, the others wait.
    with (folder / "sample-history.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            _make_aside(final, now, progress)
    return History(final)


def _make_aside(final: Path, now: datetime, progress: Progress | None) -> None:
    """Build under another name, so that a half-built history is never taken for one."""
    hidden = Path(tempfile.mkdtemp(prefix=".sample-history-", dir=final.parent))
    try:
        sample_history(hidden, now=now, weeks_between=4, progress=progress)
        hidden.rename(final)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


@cache
def _fingerprint() -> str:
    """Give a text that changes with whatever the sample history is made by."""
    package = files("regtools")
    folders = [package.joinpath(name) for name in ("demo", "history", "registries")]
    sources = [source for folder in folders for source in folder.iterdir() if source.is_file()]
    hashed = hashlib.sha256(package.joinpath("schema.py").read_bytes())
    for source in sorted(sources, key=str):
        hashed.update(source.read_bytes())
    return hashed.hexdigest()[:12]


def _past_snapshot(
    history: History, watched: Watched, rows: Rows, known: set[Digest], at: datetime
) -> None:
    state = watched.company.state(at)
    problems = watched.site.problems(at)
    unread = {problem.repository: problem.code for problem in problems}
    rest = rows.listing(state, without=unread)
    fresh = rows.content((row.digest for row in rest.tags), known=known)
    requests = _requests(len(state), len(rest.tags), len(fresh.manifests))
    rest = replace(
        fresh,
        repositories=[
            *rest.repositories,
            *(
                RepositoryRow(registry=watched.registry, repository=name, problem=code)
                for name, code in unread.items()
            ),
        ],
        tags=rest.tags,
        checks=watched.site.checks(at),
        problems=problems,
    )
    with history.draft(watched.registry, watched.namespace, now=at) as draft:
        draft.publish(
            kind=watched.kind.name,
            taken_at=at,
            complete=not problems,
            requests=requests,
            seconds=round(requests / (30 if watched.site.is_slow(at) else 240) + 1.3, 1),
            dedup_scope=watched.kind.dedup_scope,
            rest=rest,
        )


def _requests(repositories: int, tags: int, fresh: int) -> int:
    """Count what a scan sends: pages with a token for each, tags, new manifests and configs."""
    return 2 * (repositories + 1) + tags + 2 * fresh
