"""Which repository becomes which: rules that take one prefix of names for another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from regtools.errors import ConfigError
from regtools.reference import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """All that is `before`, or below it, is put at or below `after`; whole parts of a path."""

    before: str
    after: str

    def of(self, repository: str) -> str | None:
        """Give the new name, None where the rule says nothing of this one; it may be empty.

        Examples
        --------
        >>> rule = Rename(before="acme", after="acme/project")
        >>> rule.of("acme/app"), rule.of("acmeister")
        ('acme/project/app', None)
        """
        if not self.before:
            rest = repository
        elif repository == self.before:
            rest = ""
        elif repository.startswith(f"{self.before}/"):
            rest = repository[len(self.before) + 1 :]
        else:
            return None
        return "/".join(part for part in (self.after, rest) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """The rules of one migration; of several that fit, the most specific one holds."""

    renames: Sequence[Rename]

    def of(self, repository: str) -> str:
        """Give the new name of a repository; one that no rule names keeps its own."""
        fitting = sorted(self.renames, key=lambda rule: len(rule.before), reverse=True)
        named = (rule.of(repository) for rule in fitting)
        return next((name for name in named if name is not None), repository)

    @classmethod
    def between(cls, source: Target, destination: Target, rules: Iterable[str] = ()) -> Mapping:
        """Read rules ``FROM=TO`` for a move from one target to another.

        Where none fits, the destination's namespace takes the place of the source's. A destination
        without a namespace keeps all names.

        Parameters
        ----------
        rules
            Each side a repository or a prefix of some, with or without its registry's host; the
            left one may be empty: everything.

        Raises
        ------
        ConfigError
            Code ``MAP_INVALID``.

        Examples
        --------
        >>> ghcr = Target(scheme=None, registry="ghcr.io", path="acme")
        >>> gitlab = Target(scheme=None, registry="registry.gitlab.com", path="acme/project")
        >>> Mapping.between(ghcr, gitlab).of("acme/app")
        'acme/project/app'
        """
        own = [_read(rule, source, destination) for rule in rules]
        befores = [rename.before for rename in own]
        if len(set(befores)) < len(befores):
            twice = next(name for name in befores if befores.count(name) > 1)
            raise _invalid(f"Two rules begin with {twice!r}.", "Leave one of them out.")
        usual = (
            Rename(before=source.path, after=destination.path)
            if destination.path
            else Rename(before="", after="")
        )
        if usual.before not in befores:
            own.append(usual)
        return cls(renames=tuple(own))


def _read(rule: str, source: Target, destination: Target) -> Rename:
    before, sign, after = rule.partition("=")
    if not sign:
        raise _invalid(f"{rule!r} has no '='.")
    before, after = _path(before, source), _path(after, destination)
    path = destination.path
    if path and after != path and not after.startswith(f"{path}/"):
        raise _invalid(
            f"{rule!r} leads outside of {destination}.",
            "Name the destination without a namespace, or with one that holds all.",
        )
    return Rename(before=before, after=after)


def _path(text: str, target: Target) -> str:
    """Give the repository in ``[host/]repository``."""
    host, _, rest = text.strip().strip("/").partition("/")
    return rest if host == target.registry else text.strip().strip("/")


def _invalid(
    summary: str, remedy: str = "Write FROM=TO, two repositories or prefixes of them."
) -> ConfigError:
    return ConfigError(f"This rule cannot be used: {summary}", code="MAP_INVALID", remedy=remedy)
