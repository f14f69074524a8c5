"""From one registry to another: what moving would copy and cost, and whether it is all there.

Nothing is copied here. Both sides are scanned into the history, and what they hold is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from regtools import progress as progress_bars
from regtools.access import Access, Options, open_access
from regtools.analyses.migration.check import MigrationCheck, compare_sides
from regtools.analyses.migration.judgement import Room
from regtools.analyses.migration.plan import MigrationPlan, plan
from regtools.analyses.migration.sides import Side, Wanted, pattern
from regtools.copying import Mapping
from regtools.errors import ConfigError, InvalidReferenceError, NotFoundError, RegtoolsError
from regtools.history import History
from regtools.reference import parse_repository
from regtools.registries.limits import Limit, limits
from regtools.schema import SnapshotRow
from regtools.session import scan as scan_into_history


def migrate_plan(
    source: str,
    destination: str,
    *,
    rename: Sequence[str] = (),
    repository: str | None = None,
    tag: str | None = None,
    overwrite: bool = False,
    scan: bool = False,
    bytes_per_second: float | None = None,
    destination_kind: str | None = None,
    options: Options | None = None,
    on_progress: progress_bars.Bars | None = None,
) -> MigrationPlan:
    """Say what moving images would copy, how much, what it costs, and what stands against it.

    Reads only. A side whose newest scan is in the history is not scanned again, unless asked.

    Parameters
    ----------
    source, destination
        A name from the settings, ``host[:port][/namespace]`` or ``http(s)://…``.
    rename
        Rules ``FROM=TO``, repositories or prefixes of them; the most specific one holds. Without
        one, the destination's namespace takes the place of the source's; a destination without a
        namespace keeps the names.
    repository, tag
        Regular expressions that must be found in the source's names. Signatures and other
        referrers go with their images.
    overwrite
        Copy tags that name something else at the destination, too.
    scan
        Scan both again.
    bytes_per_second
        How fast it goes; left out: as the last diagnosis of the source measured it.
    destination_kind
        What the destination is, where its host does not tell.

    Raises
    ------
    ConfigError, InvalidReferenceError
        A target, a rule or a setting cannot be used.
    RegtoolsError
        The source cannot be scanned. That the destination cannot is a note: it counts as empty.
    """
    options = _for_both(options)
    there_options = replace(options, kind=destination_kind)
    settings = options.settings()
    before = open_access(source, settings, options)
    after = open_access(destination, settings, there_options)
    mapping = Mapping.between(before.target, after.target, rename)
    wanted = Wanted(named=mapping.of, repository=pattern(repository), tag=pattern(tag))
    history = History(options.history or settings.history)
    notes: list[str] = []
    own = _snapshots(history, before)
    if scan or not own:
        _scan(source, options, on_progress)
        notes.append(f"{before.target} was scanned for this.")
    else:
        notes.append(_as_of(before, own))
    theirs = _snapshots(history, after)
    if scan or not theirs:
        try:
            _scan(destination, there_options, on_progress)
            notes.append(f"{after.target} was scanned for this.")
        except NotFoundError:
            notes.append(f"{after.target} is not there yet: it counts as empty.")
        except RegtoolsError as error:
            notes.append(
                f"{after.target} could not be listed, and counts as empty: less may be to copy. "
                f"{error.summary} [{error.code}]"
            )
    else:
        notes.append(_as_of(after, theirs))
    there = _side(history, after, is_all=True)
    found = plan(
        history,
        _side(history, before),
        there,
        wanted,
        _room(limits(there.kind)),
        targets=(before.target, after.target),
        overwrite=overwrite,
        bytes_per_second=bytes_per_second,
        provider=before.kind.name if before.kind.is_host(before.target.registry) else "",
    )
    rules = limits(there.kind)
    first = tuple(_first(limit) for limit in rules if limit.rule == "first")
    if before.kind.counts_pulls:
        notes.append(
            f"{before.kind.title} counts what is read as pulls, about "
            f"{found.manifests_to_copy + found.tags_to_copy:,} of them, and limits how many there "
            "may be in six hours: regtools diagnose tells how many are left."
        )
    return replace(
        found,
        notes=(*notes, *first, *found.notes),
        copies=replace(found.copies, first=first),
        limits=tuple(asdict(limit) for limit in rules),
    )


def migrate_verify(
    source: str,
    destination: str,
    *,
    rename: Sequence[str] = (),
    repository: str | None = None,
    tag: str | None = None,
    extra: bool = True,
    scan: bool = True,
    options: Options | None = None,
    on_progress: progress_bars.Bars | None = None,
) -> MigrationCheck:
    """Compare two registries after a move: every tag's digest, what is below it, and its referrers.

    Both are scanned first; the destination is asked for every manifest, config and layer, a request
    each, since a tag may be there and what it leads to may not.

    Parameters
    ----------
    source, destination, rename, repository, tag
        As for `migrate_plan`.
    extra
        Whether what only the destination has is a difference.
    scan
        False: compare the newest scans of the history as they are.

    Raises
    ------
    ConfigError, InvalidReferenceError
        A target, a rule or a setting cannot be used.
    RegtoolsError
        A side cannot be scanned.
    """
    options = _for_both(options)
    settings = options.settings()
    before = open_access(source, settings, options)
    after = open_access(destination, settings, options)
    mapping = Mapping.between(before.target, after.target, rename)
    wanted = Wanted(named=mapping.of, repository=pattern(repository), tag=pattern(tag))
    history = History(options.history or settings.history)
    if scan or not _snapshots(history, before):
        _scan(source, options, on_progress)
    if scan or not _snapshots(history, after):
        _scan(destination, options, on_progress, check_blobs=True)
    return compare_sides(
        history, _side(history, before), _side(history, after), wanted, extra=extra
    )


def _for_both(options: Options | None) -> Options:
    """Take options that may hold for two registries."""
    options = options or Options()
    if options.username or options.password:
        raise ConfigError(
            "One user name or password would be shown to two registries.",
            remedy="Give each its own in regtools.toml, or log in with docker login.",
        )
    return replace(options, kind=None)


def _scan(
    target: str,
    options: Options,
    on_progress: progress_bars.Bars | None,
    *,
    check_blobs: bool = False,
) -> None:
    result = scan_into_history(
        target, options=options, on_progress=on_progress, check_blobs=check_blobs
    )
    for _, error in result.failed:
        raise error


def _snapshots(history: History, access: Access) -> list[SnapshotRow]:
    """Give the newest scans that tell of a target; none, where they do not cover it."""
    path = access.target.path
    found = [
        row
        for row in history.latest(registry=access.target.registry)
        if _is_below(path, row.namespace) or _is_below(row.namespace, path)
    ]
    return found if any(_is_below(path, row.namespace) for row in found) else []


def _as_of(access: Access, rows: Sequence[SnapshotRow]) -> str:
    newest = max(row.taken_at for row in rows)
    return f"{access.target} as it was at {newest:%Y-%m-%d %H:%M} UTC; --scan looks again."


def _is_below(path: str, other: str) -> bool:
    return not other or path == other or path.startswith(f"{other}/")


def _side(history: History, access: Access, *, is_all: bool = False) -> Side:
    """Give one side; of the destination all that is known, since blobs may be shared with it."""
    registry = access.target.registry
    rows = history.latest(registry=registry) if is_all else _snapshots(history, access)
    newest = max(rows, key=lambda row: row.taken_at, default=None)
    kind = newest.kind if newest and not access.is_kind_given else access.kind.name
    return Side(
        registry=registry,
        path=access.target.path,
        kind=kind,
        dedup_scope=newest.dedup_scope if newest else access.kind.dedup_scope,
        snapshots=rows,
    )


def _room(rules: Sequence[Limit]) -> Room:
    def refuses(repository: str) -> str:
        try:
            parse_repository(repository)
        except InvalidReferenceError as error:
            return error.summary
        broken = [rule for rule in rules if rule.refuses_name(repository)]
        return " ".join(rule.says for rule in broken)

    most = {rule.rule: rule for rule in rules if rule.rule in ("layer", "manifest", "images")}
    return Room(
        refuses=refuses,
        says={name: rule.says for name, rule in most.items()},
        max_layer=most["layer"].most if "layer" in most else None,
        max_manifest=most["manifest"].most if "manifest" in most else None,
        max_images=most["images"].most if "images" in most else None,
    )


def _first(limit: Limit) -> str:
    return f"First: {limit.says} ({limit.source}, {limit.checked})"
