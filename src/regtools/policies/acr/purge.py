"""One ``acr purge``: its options, and what it does to a repository.

Sources, looked up 2026-11: Microsoft's documentation, page ``container-registry-auto-purge``; the
README and the source of Azure/acr-cli of March 2026 (``cmd/acr/purge.go``,
``cmd/repository/image_functions.go``). Versions before that deleted untagged manifests whatever
their age.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from regtools.policies.acr.patterns import Pattern, compiled
from regtools.policies.durations import go_duration, written
from regtools.policies.form import invalid, shown, words

MOST: Final = timedelta(days=150 * 365)
"""An age above this one is read as this one."""
_FLAGS: Final = {
    "untagged": "untagged",
    "untagged-only": "untagged-only",
    "dry-run": "dry-run",
    "include-locked": "include-locked",
    "verbose": "verbose",
    "help": "help",
    "h": "help",
}
_VALUED: Final = {
    "filter": "filter",
    "f": "filter",
    "ago": "ago",
    "keep": "keep",
    "registry": "registry",
    "r": "registry",
    "username": "username",
    "u": "username",
    "password": "password",
    "p": "password",
    "config": "config",
    "c": "config",
    "concurrency": "concurrency",
    "filter-timeout-seconds": "filter-timeout-seconds",
    "repository-page-size": "repository-page-size",
}
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_BEFORE_COLON: Final = re.compile(r"(?:\(\?[imsU-]{0,5}|\[\^*)\Z")
_UNSET: Final = re.compile(r"\$[A-Za-z_{(]|\{\{|`|%[A-Za-z_]+%")
_AGO: Final = re.compile(r"(?:(\d{1,9})d)?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One ``--filter``: a regular expression of repositories, and one of tags."""

    written: str
    repository: Pattern
    """With ``^`` before and ``$`` behind, as the command adds them: ``a|b`` is ``^a|b$``."""
    tag: Pattern
    """Found anywhere in the tag."""

    def speaks_of(self, repository: str) -> bool:
        """Say whether it is about a repository."""
        return bool(self.repository.matching([repository]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """What one command says."""

    place: str
    filters: tuple[Filter, ...] = ()
    ago: timedelta = timedelta()
    keep: int = 0
    untagged: bool = False
    untagged_only: bool = False
    is_dry_run: bool = False
    includes_locked: bool = False

    def __str__(self) -> str:
        """Give the command in few words, in the vendor's own."""
        said = [f"--filter {shown(one.written)}" for one in self.filters]
        if self.ago or not self.untagged_only:
            said.append(f"--ago {written(self.ago)}")
        if self.keep:
            said.append(f"--keep {self.keep}")
        if self.untagged:
            said.append("--untagged")
        if self.untagged_only:
            said.append("--untagged-only")
        return f"acr purge {' '.join(said)}".strip()

    def filters_of(self, repository: str) -> list[Filter] | None:
        """Give the filters about a repository; None: it is left alone."""
        found = [one for one in self.filters if one.speaks_of(repository)]
        return found if found or not self.filters else None


def parse_purge(arguments: Sequence[str], place: str) -> Purge:
    """Read the arguments of ``acr purge``, as cut into words.

    Raises
    ------
    ConfigError
        Code ``POLICY_INVALID``: the command would refuse them, or would take them for something
        that nobody means, such as ``--ago 30`` for never.
    """
    values: dict[str, list[str]] = {}
    flags: dict[str, bool] = {}
    for name, value in _options(arguments, place):
        if name in _FLAGS.values():
            flags[name] = _flag(name, value, place)
        else:
            values.setdefault(name, []).append(value)
    given = values.get("filter", [])
    only = flags.get("untagged-only", False)
    if only and flags.get("untagged"):
        raise invalid(place, "has --untagged and --untagged-only; one of them is allowed")
    if not only and not given:
        raise invalid(place, "has no --filter, which is needed without --untagged-only")
    if not only and "ago" not in values:
        raise invalid(place, "has no --ago, which is needed without --untagged-only")
    return Purge(
        place=place,
        filters=tuple(_filter(text, place) for text in given),
        ago=_ago(values["ago"][-1], place) if "ago" in values else timedelta(),
        keep=_keep(values.get("keep", ["0"])[-1], place),
        untagged=flags.get("untagged", False),
        untagged_only=only,
        is_dry_run=flags.get("dry-run", False),
        includes_locked=flags.get("include-locked", False),
    )


def _options(arguments: Sequence[str], place: str) -> Iterator[tuple[str, str]]:
    """Read options as the command's library does: ``--keep 3``, ``--keep=3``, ``-f x``, ``-fx``.

    Words that belong to no option are passed over, as the command does.
    """
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return
        if not word.startswith("-") or word == "-":
            continue
        if word.startswith("--"):
            name, is_joined, value = word[2:].partition("=")
        else:
            name, value = word[1:2], word[2:].removeprefix("=")
            is_joined = "=" if word[2:] else ""
        known = _FLAGS.get(name) or _VALUED.get(name)
        if known is None or (word.startswith("--") and len(name) == 1):
            # What follows the = may be secret.
            problem = f"has the option {shown(word.partition('=')[0])}, which is not known"
            raise invalid(place, f"{problem}; known are {words(_known())}")
        if known in _FLAGS.values():
            yield known, value if is_joined else "true"
        elif is_joined:
            yield known, value
        elif waiting:
            yield known, waiting.pop(0)
        else:
            raise invalid(place, f"has --{known} without a value")


def _known() -> list[str]:
    names = dict.fromkeys((*_VALUED.values(), *_FLAGS.values()))
    return [f"--{name}" for name in names]


def _flag(name: str, value: str, place: str) -> bool:
    if value not in _TRUE | _FALSE:
        raise invalid(place, f"has --{name}={shown(value)}; true or false is needed")
    return value in _TRUE


def _keep(text: str, place: str) -> int:
    if re.fullmatch(r"\+?\d{1,18}", text, re.ASCII) is None:
        problem = f"has --keep {shown(text)}; a whole number of at least 0 is needed"
        raise invalid(place, problem, "A negative number would keep nothing: write 0.")
    return int(text)


def _ago(text: str, place: str) -> timedelta:
    _refuse_unset(text, "--ago", place)
    found = _AGO.fullmatch(text)
    days, more = (found[1], found[2]) if found is not None else (None, text)
    rest = go_duration(more) if more else timedelta()
    if not text or rest is None or (days is None and not more):
        problem = f"has --ago {shown(text)}; days, then Go's h, m and s are needed: '30d', '2d3h6m'"
        remedy = "The command would not refuse all of these: it takes 30 for never, and d for now."
        raise invalid(place, problem, remedy)
    return min(timedelta(days=min(int(days or 0), MOST.days)) + rest, MOST)


def _filter(text: str, place: str) -> Filter:
    _refuse_unset(text, "--filter", place)
    parts = _parts(text)
    if len(parts) != 2 or not all(parts):
        problem = f"has --filter {shown(text)}; a repository and a tag are needed: 'web:^dev-'"
        raise invalid(place, problem, "Write one colon between two regular expressions.")
    repository, tag = parts
    return Filter(
        written=text,
        repository=_pattern(f"^{repository}$", text, place),
        tag=_pattern(tag, text, place),
    )


def _parts(text: str) -> list[str]:
    """Cut a filter at its colons, but for those of ``(?i:`` and ``[[:alpha:]]``."""
    cuts = [
        at
        for at, sign in enumerate(text)
        if sign == ":"
        and _BEFORE_COLON.search(text, max(0, at - 8), at) is None
        and text[at + 1 : at + 2] != "]"
    ]
    starts = [0, *(at + 1 for at in cuts)]
    return [text[start:end] for start, end in zip(starts, [*cuts, len(text)], strict=True)]


def _pattern(text: str, given: str, place: str) -> Pattern:
    found = compiled(text)
    if isinstance(found, str):
        problem = f"has --filter {shown(given)}, in which {shown(text)} is no regular expression"
        raise invalid(place, f"{problem}: {found.rstrip('.')}", "Correct the expression.")
    return found


def _refuse_unset(text: str, option: str, place: str) -> None:
    if _UNSET.search(text) is not None:
        problem = f"has {option} {shown(text)}, in which something is to be filled in"
        raise invalid(place, problem, "Nothing is run here: write the value itself.")
