"""Take the inventory of a registry: repositories, tags, manifests, layers.

The first scan asks for every tag's manifest and keeps the body; a later one asks for the tag's
digest only and fetches what no earlier scan has seen. Manifests and configs never change under
their digest, so each is fetched once, whichever repositories and tags name it.

One repository that fails does not stop the others. A registry that stops answering does: what is
finished by then is already with the caller, who keeps it for the next scan.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Container,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from typing import Final

import anyio.to_thread

from regtools.client import Distribution
from regtools.collect.attached import Attached
from regtools.collect.each import Failures, each
from regtools.collect.reading import Reading, problem
from regtools.collect.tree import Tree
from regtools.errors import (
    DeniedError,
    NotFoundError,
    RegistryError,
    RegtoolsError,
    UnauthorizedError,
    UnreachableError,
)
from regtools.registries import RegistryKind
from regtools.registries.listing import Inventory as VendorInventory
from regtools.registries.listing import ListedRepository
from regtools.schema import (
    Inventory,
    ProblemRow,
    ReportedRow,
)

REPOSITORIES_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a scan is."""

    unit: str = "repositories"
    """What is counted: repositories that are read, or blobs that are asked for."""
    listed: int
    """How many were found so far."""
    listing: bool
    """Whether the catalog is still being read."""
    finished: int
    tags: int
    requests: int
    repository: str = ""
    """The one finished last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a scan that came to its end has to say beside the parts it handed out.

    `rest` holds the repositories that were not read whole, with what was read of them, and all
    `problems`. It is complete when there are none.
    """

    repositories: int
    rest: Inventory

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was read."""
        return not self.rest.problems


async def scan(
    distribution: Distribution,
    kind: RegistryKind,
    *,
    path: str = "",
    ui_url: str | None = None,
    inventory: VendorInventory | None = None,
    beside: VendorInventory | None = None,
    missing: RegtoolsError | None = None,
    known: Collection[str] = frozenset(),
    known_children: Callable[[], Mapping[str, Sequence[str]]] = dict,
    known_subjects: Callable[[], Mapping[str, str]] = dict,
    finished: Container[str] = frozenset(),
    on_part: Callable[[Inventory], None],
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Read what a registry holds.

    Parameters
    ----------
    path
        A repository or a prefix of repositories; empty: all that the catalog lists.
    ui_url
        A web page for this registry, that rows link to.
    inventory
        The vendor's own API, which lists in the catalog's place. Where it refuses, the catalog is
        asked after all, and what is missing is a problem.
    beside
        A second one, that is asked where the first one refuses, before the catalog is.
    missing
        Why the vendor's API is not asked, where it would tell more.
    known
        Manifest digests whose rows, and those of all they contain, the caller has already.
    known_children
        Gives the children of the indexes among them; asked, from a worker thread, only where
        the registry lists referrers, since any of them may have some, or where a referrer is
        about something that has no tag.
    known_subjects
        Gives what the referrers among them are about; asked, from a worker thread, at most once.
    finished
        Repositories to leave out: an interrupted scan has read them.
    on_part
        Takes the rows of each repository that was read whole, from a worker thread. It returns
        when they are safe; later parts do not repeat the manifests in it.

    Raises
    ------
    RegistryError
        The registry does not let us list, and no `path` names a repository to try instead.
    UnreachableError, RateLimitedError
        The registry stopped answering. Parts handed out stay valid.
    """
    attached = Attached(distribution, known_children, known_subjects)
    run = _Run(
        distribution, kind, path, ui_url, inventory, beside, known, attached, on_part, on_progress
    )
    if missing is not None:
        run.miss(missing)
    await run.everything(finished)
    return Outcome(repositories=run.listed, rest=run.rest)


class _Run:
    """One scan under way."""

    def __init__(
        self,
        distribution: Distribution,
        kind: RegistryKind,
        path: str,
        ui_url: str | None,
        inventory: VendorInventory | None,
        beside: VendorInventory | None,
        known: Collection[str],
        attached: Attached,
        on_part: Callable[[Inventory], None],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._distribution = distribution
        self._registry = distribution.registry
        self._kind = kind
        self._path = path
        self._ui_url = ui_url
        self._inventory = inventory
        self._beside = beside
        self._listed: dict[str, ListedRepository] = {}
        self._attached = attached
        self._on_part = on_part
        self._on_progress = on_progress
        self._failures = Failures()
        self._tree = Tree(distribution, known, self._failures)
        self._unknown: NotFoundError | None = None
        self._listing = True
        self._finished = 0
        self._tags_read = 0
        self.listed = 0
        self.rest = Inventory()

    def miss(self, error: RegtoolsError) -> None:
        """Note that the vendor's own API was not asked."""
        self._note("", "", error, code=error.code)

    async def everything(self, finished: Container[str]) -> None:
        """List the repositories and read each."""

        async def one(name: str) -> None:
            if name not in finished:
                await self._repository(name)
            self._finished += 1
            self._report(name)

        await each(self._listed_repositories(), one, at_once=REPOSITORIES_AT_ONCE)
        await self._sums()
        self.rest.problems.extend(
            ProblemRow(
                registry=self._registry,
                repository=repository,
                reference=name,
                code="NAME_REFUSED",
                message=f"The registry lists {name!r}, which breaks the grammar: it was not read.",
            )
            for repository, name in self._distribution.refused_names
        )

    async def _listed_repositories(self) -> AsyncGenerator[str]:
        while self._inventory is not None and self._listing:
            async for name in self._listed_by_vendor(self._inventory):
                yield name
        if self._inventory is None:
            async for name in self._listed_in_catalog():
                yield name
        self._listing = False
        self._report()

    async def _listed_by_vendor(self, inventory: VendorInventory) -> AsyncGenerator[str]:
        try:
            async for read in inventory.repositories():
                self._failures.answered()
                for error in read.problems:
                    self._note("", "", error, code=error.code)
                for one in read.items:
                    if self._is_wanted(one.name) and one.name not in self._listed:
                        self._listed[one.name] = one
                        self.listed += 1
                        self._report()
                        yield one.name
        except (RegistryError, UnreachableError) as error:
            self._note("", "", error, code=error.code if self.listed else "VENDOR_LISTING_REFUSED")
            if not self.listed:
                if isinstance(error, NotFoundError):
                    self._unknown = error
                # What the registry itself tells is better than nothing.
                self._inventory, self._beside = self._beside, None
                return
        self._listing = False

    async def _listed_in_catalog(self) -> AsyncGenerator[str]:
        try:
            async for page in self._distribution.repositories():
                self._failures.answered()
                for name in page:
                    if self._is_wanted(name):
                        self.listed += 1
                        self._report()
                        yield name
        except (RegistryError, UnreachableError) as error:
            if not self.listed and not (self._path and _is_refusal(error)):
                raise
            self._note("", "", error, code="CATALOG_UNREADABLE")
            if not self.listed:
                # The catalog is closed to us, but the path may itself be a repository.
                self.listed = 1
                yield self._path

    def _is_wanted(self, name: str) -> bool:
        return not self._path or name == self._path or name.startswith(f"{self._path}/")

    async def _repository(self, name: str) -> None:
        """Read one repository, and hand it out whole or put what there is aside."""
        listed = self._listed.get(name) or ListedRepository(name=name)
        reading = Reading(
            self._distribution, listed, self._tree, self._attached, self._failures, self._count
        )
        if self._inventory is not None and listed.tells_versions:
            await reading.by_vendor(self._inventory)
        else:
            try:
                await reading.by_tags(is_guess=self._is_guess(name))
            except RegtoolsError as error:
                # The vendor said it better: many a registry calls what is not there forbidden.
                is_hidden = isinstance(error, NotFoundError) or _is_refusal(error)
                raise (self._unknown if self._unknown and is_hidden else error) from None
        if self._kind.vendor is None or "untagged" not in self._kind.vendor.tells:
            await reading.referrers()
            await reading.subjects()
        await reading.close(self._kind, self._ui_url)
        if reading.problems:
            self._put_aside(reading.part, reading.problems)
            return
        await anyio.to_thread.run_sync(self._on_part, reading.part)
        self._tree.let_go(reading.part)

    def _count(self, tags: int) -> None:
        self._tags_read += tags
        self._report()

    async def _sums(self) -> None:
        """Ask for the vendor's own numbers; a scan is not less complete without them."""
        if self._inventory is None:
            return
        try:
            read = await self._inventory.reported()
        except (RegistryError, UnreachableError):
            return
        self.rest.reported.extend(
            ReportedRow(
                registry=self._registry,
                scope=one.scope,
                name=one.name,
                kind=one.kind,
                bytes=one.size,
                limit_bytes=one.limit,
                source=one.source,
            )
            for one in read.items
        )

    def _is_guess(self, name: str) -> bool:
        """Whether `name` comes from the user, since the catalog could not be read."""
        return name == self._path and any(
            problem.code == "CATALOG_UNREADABLE" for problem in self.rest.problems
        )

    def _put_aside(self, part: Inventory, problems: list[ProblemRow]) -> None:
        self.rest.repositories.extend(part.repositories)
        self.rest.tags.extend(part.tags)
        self.rest.untagged.extend(part.untagged)
        self.rest.manifests.extend(part.manifests)
        self.rest.children.extend(part.children)
        self.rest.layers.extend(part.layers)
        self.rest.reported.extend(part.reported)
        self.rest.problems.extend(dict.fromkeys(problems))

    def _note(self, repository: str, reference: str, error: RegtoolsError, *, code: str) -> None:
        row = problem(self._registry, repository, reference, error)
        self.rest.problems.append(replace(row, code=code))

    def _report(self, repository: str = "") -> None:
        self._on_progress(
            Progress(
                listed=self.listed,
                listing=self._listing,
                finished=self._finished,
                tags=self._tags_read,
                requests=self._distribution.requests,
                repository=repository,
            )
        )


def _is_refusal(error: RegtoolsError) -> bool:
    """Whether the catalog is closed to us, rather than the registry gone or broken."""
    return isinstance(error, UnauthorizedError | DeniedError | NotFoundError) or (
        isinstance(error, RegistryError) and error.code == "UNSUPPORTED"
    )
