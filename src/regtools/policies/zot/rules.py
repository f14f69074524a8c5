"""zot's retention rules, read from its configuration.

Sources, looked up 2026-11: zot's documentation, page "Configuring zot Tag Retention Policies"; the
source of project-zot/zot of August 2026 (``pkg/api/config``, ``pkg/retention``,
``pkg/storage/gc`` and the checks of ``pkg/cli/server``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from regtools.policies import re2
from regtools.policies.durations import go_duration
from regtools.policies.form import Fields, invalid, items, shown
from regtools.policies.zot import doublestar

DEFAULT_DELAY: Final = timedelta(hours=1)
_BLOCK: Final = ("dryRun", "delay", "policies")
_POLICY: Final = ("repositories", "deleteReferrers", "deleteUntagged", "keepTags", "keepUntagged")
_RULES: Final = (
    "mostRecentlyPushedCount",
    "mostRecentlyPulledCount",
    "pushedWithin",
    "pulledWithin",
)
_KEEP_TAGS: Final = ("patterns", *_RULES)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A tag, or a manifest without one, of which a rule decides."""

    name: str
    """The tag, or the digest."""
    pushed_at: datetime | None
    pulled_at: datetime | None
    tells_pulls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRule:
    """What is kept: one entry of ``keepTags``, or ``keepUntagged``."""

    place: str
    patterns: tuple[str, ...] = ()
    """RE2, found anywhere in the tag; none at all is any tag."""
    pushed_count: int = 0
    pulled_count: int = 0
    pushed_within: timedelta | None = None
    pulled_within: timedelta | None = None

    @property
    def asks_pulls(self) -> bool:
        """Whether it needs to know when something was pulled."""
        return bool(self.pulled_count) or self.pulled_within is not None

    @property
    def is_unlimited(self) -> bool:
        """Whether it keeps all that its patterns match."""
        return not (self.pushed_count or self.asks_pulls or self.pushed_within is not None)

    def named(self, names: Iterable[str]) -> set[str]:
        """Give the tags that its patterns match."""
        tags = set(names)
        if not self.patterns:
            return tags
        return set().union(*(re2.matching(pattern, tags) for pattern in self.patterns))

    def kept(self, candidates: Sequence[Candidate], now: datetime) -> set[str]:
        """Give the names of those that one of its rules keeps.

        What nobody can tell about is kept: zot keeps what it has no statistics of.
        """
        if self.is_unlimited:
            return {one.name for one in candidates}
        known = [
            one
            for one in candidates
            if one.pushed_at is not None and (one.tells_pulls or not self.asks_pulls)
        ]
        kept = {one.name for one in candidates} - {one.name for one in known}
        by_push = sorted(known, key=_pushed, reverse=True)
        by_pull = sorted(known, key=lambda one: (_pulled(one), *_pushed(one)), reverse=True)
        kept.update(one.name for one in by_push[: self.pushed_count])
        kept.update(one.name for one in by_pull[: self.pulled_count])
        if self.pushed_within is not None:
            since = now - self.pushed_within
            kept.update(one.name for one in known if _pushed(one)[0] > since)
        if self.pulled_within is not None:
            since = now - self.pulled_within
            # A push counts as well: what is new was not pulled yet.
            kept.update(one.name for one in known if max(_pulled(one), _pushed(one)[0]) > since)
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryPolicy:
    """One of ``policies``: which repositories, and what is kept there."""

    place: str
    repositories: tuple[str, ...] = ()
    """Globs; a policy without one speaks of no repository."""
    delete_referrers: bool = False
    delete_untagged: bool = True
    keep_tags: tuple[KeepRule, ...] = ()
    """A tag belongs to the first that matches it. None at all: every tag stays."""
    keep_untagged: KeepRule | None = None

    def __str__(self) -> str:
        """Name it in few words: ``policies[0] of 'infra/*'``."""
        return f"{self.place} of {shown(self.repositories[0])}" if self.repositories else self.place

    def speaks_of(self, repository: str) -> bool:
        """Say whether one of its globs matches."""
        return any(doublestar.matches(one, repository) for one in self.repositories)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What zot stores in one place: everything, or what is below a subpath."""

    prefix: str = ""
    """The first part of the repositories' names; empty: all that has no store of its own."""
    policies: tuple[RepositoryPolicy, ...] = ()
    delay: timedelta = DEFAULT_DELAY
    """How old something untagged, or a referrer, has to be."""
    gc_delay: timedelta = DEFAULT_DELAY
    is_dry_run: bool = False
    collects: bool = True
    """Whether garbage is collected there; else nothing ever goes."""

    def policy_of(self, repository: str) -> RepositoryPolicy:
        """Give the first policy that speaks of a repository, or what is done without one."""
        found = (one for one in self.policies if one.speaks_of(repository))
        return next(found, RepositoryPolicy(place="no policy"))


def is_zot(data: object) -> bool:
    """Say whether this looks like zot's configuration with retention in it, or a part of that."""
    found = _lower(data)
    storage = _lower(found.get("storage", data))
    subpaths = _lower(storage.get("subpaths"))
    blocks = [storage, *map(_lower, subpaths.values())]
    if any(isinstance(one.get("retention"), Mapping) for one in blocks):
        return True
    policies = found.get("policies")
    own = {key.lower() for key in _POLICY}
    return (
        isinstance(policies, list)
        and bool(policies)
        and all(not own.isdisjoint(_lower(one)) for one in policies)
    )


def parse_stores(data: object) -> tuple[Store, ...]:
    """Read zot's configuration, its storage, or the retention alone; first the store of all.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``, with the place and what is allowed there.
    """
    found = _lower(data)
    if "storage" in found:
        return _stores(_lower(found["storage"]), "storage.")
    if "retention" in found or "subpaths" in found:
        return _stores(found, "")
    return (_block(data, "", DEFAULT_DELAY),)


def _stores(storage: Mapping[str, Any], place: str) -> tuple[Store, ...]:
    subpaths = storage.get("subpaths", {})
    if not isinstance(subpaths, Mapping):
        raise invalid(f"{place}subPaths", f"is {shown(subpaths)}; an object is needed")
    stores = [_store(storage, place, collects=True)]
    for route, one in subpaths.items():
        where = f"{place}subPaths[{shown(str(route))}]."
        # Only the first part of a name chooses; what collects garbage has to be said.
        prefix = str(route).strip("/")
        store = _store(_lower(one), where, prefix=prefix, collects=False)
        stores.append(store)
    return tuple(stores)


def _store(storage: Mapping[str, Any], place: str, *, prefix: str = "", collects: bool) -> Store:
    known = Fields(storage, place.rstrip("."), known=tuple(storage))
    gc_delay = _duration(known, "gcdelay", "gcDelay") or DEFAULT_DELAY
    store = _block(storage.get("retention", {}), f"{place}retention", gc_delay)
    return Store(
        prefix=prefix,
        policies=store.policies,
        delay=store.delay,
        gc_delay=gc_delay,
        is_dry_run=store.is_dry_run,
        collects=known.flag("gc", default=collects),
    )


def _block(data: object, place: str, gc_delay: timedelta) -> Store:
    block = Fields(_named(data, _BLOCK, place or "the policy"), place, known=_BLOCK)
    policies = items(block.raw("policies") if "policies" in block else [], block.at("policies"))
    delay = _duration(block, "delay")
    return Store(
        policies=tuple(
            _policy(one, f"{block.at('policies')}[{at}]", f"policies[{at}]")
            for at, one in enumerate(policies)
        ),
        delay=gc_delay if delay is None else delay,
        gc_delay=gc_delay,
        is_dry_run=block.flag("dryRun", default=False),
    )


def _policy(data: object, place: str, name: str) -> RepositoryPolicy:
    policy = Fields(_named(data, _POLICY, place), place, known=_POLICY)
    globs = policy.texts("repositories")
    for at, glob in enumerate(globs):
        if not doublestar.is_valid(glob):
            where = f"{policy.at('repositories')}[{at}]"
            raise invalid(where, f"is {shown(glob)}, which is no glob: something is not closed")
    rules = items(policy.raw("keepTags") if "keepTags" in policy else [], policy.at("keepTags"))
    untagged = _keep_untagged(policy, f"{name}.keepUntagged") if "keepUntagged" in policy else None
    return RepositoryPolicy(
        place=name,
        repositories=globs,
        delete_referrers=policy.flag("deleteReferrers", default=False),
        delete_untagged=policy.flag("deleteUntagged", default=True),
        keep_tags=tuple(
            _keep_tags(one, f"{policy.at('keepTags')}[{at}]", f"{name}.keepTags[{at}]")
            for at, one in enumerate(rules)
        ),
        keep_untagged=untagged,
    )


def _keep_tags(data: object, place: str, name: str) -> KeepRule:
    rule = Fields(_named(data, _KEEP_TAGS, place), place, known=_KEEP_TAGS)
    patterns = rule.texts("patterns")
    for at, pattern in enumerate(patterns):
        if why := re2.problem(pattern):
            where = f"{rule.at('patterns')}[{at}]"
            problem = f"is {shown(pattern)}, which is no regular expression: {why}"
            raise invalid(where, problem, "The syntax is RE2's: no look-around.")
    return _keep_rule(rule, name, patterns)


def _keep_untagged(policy: Fields, name: str) -> KeepRule | None:
    place = policy.at("keepUntagged")
    rule = Fields(_named(policy.raw("keepUntagged"), _RULES, place), place, known=_RULES)
    found = _keep_rule(rule, name, ())
    return None if found.is_unlimited else found


def _keep_rule(rule: Fields, name: str, patterns: tuple[str, ...]) -> KeepRule:
    return KeepRule(
        place=name,
        patterns=patterns,
        pushed_count=rule.number("mostRecentlyPushedCount", least=0, default=0),
        pulled_count=rule.number("mostRecentlyPulledCount", least=0, default=0),
        pushed_within=_duration(rule, "pushedWithin"),
        pulled_within=_duration(rule, "pulledWithin"),
    )


def _duration(fields: Fields, key: str, name: str = "") -> timedelta | None:
    if key not in fields:
        return None
    value = fields.raw(key)
    found = go_duration(value) if isinstance(value, str) else None
    if found is None:
        place = fields.at(name or key)
        problem = f"is {shown(value)}; a duration with h, m or s is needed, such as '720h'"
        raise invalid(place, problem, "Go, and so zot, knows no days and no weeks.")
    return found


def _lower(data: object) -> dict[str, Any]:
    """Give an object with small keys: zot does not tell capital letters in keys apart."""
    if not isinstance(data, Mapping):
        return {}
    return {str(key).lower(): value for key, value in data.items()}


def _named(data: object, known: Sequence[str], place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise invalid(place, f"is {shown(data)}; an object is needed")
    spelt = {key.lower(): key for key in known}
    return {spelt.get(str(key).lower(), str(key)): value for key, value in data.items()}


def _pushed(one: Candidate) -> tuple[datetime, str]:
    return (one.pushed_at or _NEVER, one.name)


def _pulled(one: Candidate) -> datetime:
    return one.pulled_at or _NEVER
