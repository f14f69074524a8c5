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
from regtools.collect.attached import MAX_REFERRER_DEPTH, Attached
from regtools.collect.each import Failures, each
from regtools.collect.tree import Tree
from regtools.errors import (
    DeniedError,
    NotFoundError,
    RegistryError,
    RegtoolsError,
    UnauthorizedError,
    UnreachableError,
)
from regtools.reference import Digest
from regtools.registries import RegistryKind
from regtools.registries.listing import Inventory as VendorInventory
from regtools.registries.listing import ListedRepository, ListedVersion
from regtools.schema import (
    Inventory,
    ProblemRow,
    ReportedRow,
    RepositoryRow,
    TagRow,
    UntaggedRow,
)

REPOSITORIES_AT_ONCE: Final = 8
TAGS_AT_ONCE: Final = 16
"""Tasks for one repository. How many requests are really under way, the client limits."""


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
                for problem in read.problems:
                    self._note("", "", problem, code=problem.code)
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
        part = Inventory()
        problems: list[ProblemRow] = []
        reached: dict[Digest, None] = {}
        listed = self._listed.get(name) or ListedRepository(name=name)
        alone: set[Digest] = set()
        if self._inventory is not None and listed.tells_versions:
            alone = await self._by_vendor(self._inventory, listed, part, reached, problems)
        else:
            await self._by_tags(name, part, reached, problems)
        if self._kind.vendor is None or "untagged" not in self._kind.vendor.tells:
            await self._referrers(name, part, reached, problems, alone)
            await self._subjects(name, part, reached, problems)
        await self._tree.again(name, reached)
        problems.extend(
            self._problem(name, digest, error) for digest, error in self._tree.faults(name, reached)
        )
        self._tree.collect(reached, part)
        part.repositories.append(
            RepositoryRow(
                registry=self._registry,
                repository=name,
                visibility=listed.visibility,
                vendor_bytes=listed.size,
                pulls=listed.pulls,
                web_url=listed.page or self._kind.web_url(self._registry, name, self._ui_url),
                tag_web_url=listed.tag_page
                or self._kind.tag_template(self._registry, name, self._ui_url),
                immutable=listed.immutable,
                cleanup_policy=listed.cleanup_policy,
                problem=problems[0].code if problems else None,
            )
        )
        if problems:
            self._put_aside(part, problems)
            return
        await anyio.to_thread.run_sync(self._on_part, part)
        self._tree.let_go(part)

    async def _by_vendor(
        self,
        inventory: VendorInventory,
        listed: ListedRepository,
        part: Inventory,
        reached: dict[Digest, None],
        problems: list[ProblemRow],
    ) -> set[Digest]:
        """Read what the vendor lists; manifests are fetched only where nobody knows them yet.

        Gives what nothing refers to, as far as the vendor says so.
        """
        versions: dict[Digest, ListedVersion] = {}
        tags: dict[str, TagRow] = {}
        tagged: set[Digest] = set()
        nameless: list[ListedVersion] = []

        def add(version: ListedVersion, digest: Digest) -> None:
            versions.setdefault(digest, version)
            tagged.update([digest] if version.tags else [])
            for tag in version.tags:
                tags[tag.name] = TagRow(
                    registry=self._registry,
                    repository=listed.name,
                    tag=tag.name,
                    digest=digest,
                    pushed_at=tag.pushed_at or version.pushed_at,
                    pulled_at=tag.pulled_at or version.pulled_at,
                    # What is locked by itself holds its tags.
                    locked=version.locked or tag.locked,
                    web_url=tag.page,
                )

        async def resolve(version: ListedVersion) -> None:
            for tag in version.tags:
                try:
                    add(version, await self._named(listed.name, tag.name))
                except RegtoolsError as error:
                    self._failures.count(error)
                    problems.append(self._problem(listed.name, tag.name, error))

        try:
            async for read in inventory.versions(listed):
                self._failures.answered()
                problems += [self._problem(listed.name, "", error) for error in read.problems]
                for version in read.items:
                    if version.digest is None:
                        nameless.append(version)
                    else:
                        add(version, version.digest)
                self._tags_read += sum(len(version.tags) for version in read.items)
                self._report()
        except (RegistryError, UnreachableError) as error:
            self._failures.count(error)
            problems.append(self._problem(listed.name, "", error))
        await each(nameless, resolve, at_once=TAGS_AT_ONCE)
        part.tags.extend(tags.values())
        part.untagged.extend(
            UntaggedRow(
                registry=self._registry,
                repository=listed.name,
                digest=digest,
                pushed_at=version.pushed_at,
                pulled_at=version.pulled_at,
                locked=version.locked,
            )
            for digest, version in versions.items()
            if digest not in tagged
        )

        async def one(digest: Digest) -> None:
            try:
                reached.update(dict.fromkeys(await self._tree.reach(listed.name, digest)))
                self._failures.answered()
            except RegtoolsError as error:
                self._failures.count(error)
                problems.append(self._problem(listed.name, digest, error))

        await each(versions, one, at_once=TAGS_AT_ONCE)
        return {digest for digest, one in versions.items() if one.is_referred_to is False}

    async def _named(self, repository: str, tag: str) -> Digest:
        """Give the digest of a tag; asked for alone, it is no pull (Docker Hub)."""
        digest = await self._distribution.resolve(repository, tag)
        return digest or (await self._tree.tag(repository, tag))[0]

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

    async def _by_tags(
        self,
        name: str,
        part: Inventory,
        reached: dict[Digest, None],
        problems: list[ProblemRow],
    ) -> None:
        """Read each tag that the registry lists."""

        async def one(tag: str) -> None:
            try:
                digest, below = await self._tree.tag(name, tag)
            except RegtoolsError as error:
                self._failures.count(error)
                problems.append(self._problem(name, tag, error))
                return
            part.tags.append(
                TagRow(registry=self._registry, repository=name, tag=tag, digest=digest)
            )
            reached.update(dict.fromkeys(below))
            self._tags_read += 1
            self._report()

        try:
            await each(self._tags(name), one, at_once=TAGS_AT_ONCE)
        except (RegistryError, UnreachableError) as error:
            if self._is_guess(name):
                # The vendor said it better: many a registry calls what is not there forbidden.
                is_hidden = isinstance(error, NotFoundError) or _is_refusal(error)
                raise (self._unknown if self._unknown and is_hidden else error) from None
            self._failures.count(error)
            problems.append(self._problem(name, "", error))

    async def _referrers(
        self,
        name: str,
        part: Inventory,
        reached: dict[Digest, None],
        problems: list[ProblemRow],
        alone: set[Digest],
    ) -> None:
        """Add what has no tag but refers to what has one, as far as the registry tells.

        Nothing refers to what is ``alone``: it is not asked about.
        """
        tagged = dict.fromkeys(Digest(row.digest) for row in part.tags)
        tops = [digest for digest in tagged if digest not in alone]
        try:
            for digest in await self._attached.to(name, tops, self._tree.children):
                reached.update(dict.fromkeys(await self._tree.reach(name, digest)))
                if digest not in tagged:
                    row = UntaggedRow(registry=self._registry, repository=name, digest=digest)
                    part.untagged.append(row)
        except RegtoolsError as error:
            self._failures.count(error)
            problems.append(self._problem(name, "", error))

    async def _subjects(
        self,
        name: str,
        part: Inventory,
        reached: dict[Digest, None],
        problems: list[ProblemRow],
    ) -> None:
        """Ask for what a signature or SBOM is about, where nothing that has a tag leads to it.

        No listing names it. Found, it is held without a tag; where it is not found, it is gone,
        which no guess could tell.
        """

        async def one(subject: Digest) -> None:
            try:
                _, below = await self._tree.tag(name, subject)
            except NotFoundError:
                self._failures.answered()
                return
            except RegtoolsError as error:
                self._failures.count(error)
                problems.append(self._problem(name, subject, error))
                return
            row = UntaggedRow(registry=self._registry, repository=name, digest=subject)
            part.untagged.append(row)
            reached.update(dict.fromkeys(below))

        asked: set[Digest] = set()
        for _ in range(MAX_REFERRER_DEPTH):
            told = self._tree.subjects(reached)
            fresh = await self._attached.loose_subjects(part, told, self._tree.children) - asked
            asked |= fresh
            await each(sorted(fresh), one, at_once=TAGS_AT_ONCE)
            if not fresh:
                return

    async def _tags(self, name: str) -> AsyncGenerator[str]:
        try:
            async for page in self._distribution.tags(name):
                self._failures.answered()
                for tag in page:
                    yield tag
        except NotFoundError:
            # Distribution 3 answers so for a repository whose last tag was deleted, though the
            # catalog still lists it (distribution/distribution#4324). A path that no catalog
            # listed is a name that does not exist.
            if self._is_guess(name):
                raise

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

    def _problem(self, repository: str, reference: str, error: RegtoolsError) -> ProblemRow:
        return ProblemRow(
            registry=self._registry,
            repository=repository,
            reference=reference,
            code=error.code,
            message=error.summary,
        )

    def _note(self, repository: str, reference: str, error: RegtoolsError, *, code: str) -> None:
        problem = self._problem(repository, reference, error)
        self.rest.problems.append(replace(problem, code=code))

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
