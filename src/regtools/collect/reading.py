"""One repository, read tag by tag or as its vendor lists it; what fails is noted, and the rest read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import replace
from typing import Final

from regtools.client import Distribution
from regtools.collect.attached import MAX_REFERRER_DEPTH, Attached
from regtools.collect.each import Failures, each
from regtools.collect.tree import Tree
from regtools.errors import NotFoundError, RegistryError, RegtoolsError, UnreachableError
from regtools.reference import Digest
from regtools.registries import RegistryKind
from regtools.registries.listing import Inventory as VendorInventory
from regtools.registries.listing import ListedRepository, ListedTag, ListedVersion
from regtools.schema import Inventory, ProblemRow, RepositoryRow, TagRow, UntaggedRow

TAGS_AT_ONCE: Final = 16
"""Tasks for one repository. How many requests are really under way, the client limits."""


class Reading:
    """A repository that is being read.

    Parameters
    ----------
    distribution
        The registry.
    listed
        What is known of the repository beforehand.
    tree, attached, failures
        What the whole scan shares: manifests, what refers to them, and how often it was refused.
    on_tags
        Takes how many more tags were read.
    """

    def __init__(
        self,
        distribution: Distribution,
        listed: ListedRepository,
        tree: Tree,
        attached: Attached,
        failures: Failures,
        on_tags: Callable[[int], None],
    ) -> None:
        self._distribution = distribution
        self._listed = listed
        self._name = listed.name
        self._tree = tree
        self._attached = attached
        self._failures = failures
        self._on_tags = on_tags
        self._reached: dict[Digest, None] = {}
        self._alone: set[Digest] = set()
        """What nothing refers to, as far as the vendor says so: it is not asked about."""
        self.part = Inventory()
        """The rows read so far."""
        self.problems: list[ProblemRow] = []

    async def by_vendor(self, inventory: VendorInventory) -> None:
        """Read what the vendor lists; manifests are fetched only where nobody knows them yet."""
        versions: dict[Digest, ListedVersion] = {}
        tags: dict[str, TagRow] = {}
        nameless: list[ListedVersion] = []

        def add(version: ListedVersion, digest: Digest, named: Iterable[ListedTag]) -> None:
            versions.setdefault(digest, version)
            tags.update((tag.name, self._tag_row(version, digest, tag)) for tag in named)

        async def resolve(version: ListedVersion) -> None:
            for tag in version.tags:
                try:
                    add(version, await self._named(tag.name), [tag])
                except RegtoolsError as error:
                    self._failed(tag.name, error)

        try:
            async for read in inventory.versions(self._listed):
                self._failures.answered()
                self.problems += [self._problem("", error) for error in read.problems]
                for version in read.items:
                    if version.digest is None:
                        nameless.append(version)
                    else:
                        add(version, version.digest, version.tags)
                self._on_tags(sum(len(version.tags) for version in read.items))
        except (RegistryError, UnreachableError) as error:
            self._failed("", error)
        await each(nameless, resolve, at_once=TAGS_AT_ONCE)
        tagged = {row.digest for row in tags.values()}
        self.part.tags.extend(tags.values())
        self.part.untagged.extend(
            self._untagged_row(digest, version)
            for digest, version in versions.items()
            if digest not in tagged
        )

        async def one(digest: Digest) -> None:
            try:
                self._reach(await self._tree.reach(self._name, digest))
                self._failures.answered()
            except RegtoolsError as error:
                self._failed(digest, error)

        await each(versions, one, at_once=TAGS_AT_ONCE)
        self._alone = {digest for digest, one in versions.items() if one.is_referred_to is False}

    async def by_tags(self, *, is_guess: bool) -> None:
        """Read each tag that the registry lists.

        Parameters
        ----------
        is_guess
            Whether no catalog listed the repository: then it may not exist.

        Raises
        ------
        RegistryError, UnreachableError
            What was guessed cannot be listed.
        """

        async def one(tag: str) -> None:
            try:
                digest, below = await self._tree.tag(self._name, tag)
            except RegtoolsError as error:
                self._failed(tag, error)
                return
            self.part.tags.append(
                TagRow(
                    registry=self._distribution.registry,
                    repository=self._name,
                    tag=tag,
                    digest=digest,
                )
            )
            self._reach(below)
            self._on_tags(1)

        try:
            await each(self._tags(is_guess=is_guess), one, at_once=TAGS_AT_ONCE)
        except (RegistryError, UnreachableError) as error:
            if is_guess:
                raise
            self._failed("", error)

    async def referrers(self) -> None:
        """Add what has no tag but refers to what has one, as far as the registry tells."""
        tagged = dict.fromkeys(Digest(row.digest) for row in self.part.tags)
        tops = [digest for digest in tagged if digest not in self._alone]
        try:
            for digest in await self._attached.to(self._name, tops, self._tree.children):
                self._reach(await self._tree.reach(self._name, digest))
                if digest not in tagged:
                    self.part.untagged.append(self._untagged_row(digest))
        except RegtoolsError as error:
            self._failed("", error)

    async def subjects(self) -> None:
        """Ask for what a signature or SBOM is about, where nothing that has a tag leads to it.

        No listing names it. Found, it is held without a tag; where it is not found, it is gone,
        which no guess could tell.
        """

        async def one(subject: Digest) -> None:
            try:
                _, below = await self._tree.tag(self._name, subject)
            except NotFoundError:
                self._failures.answered()
                return
            except RegtoolsError as error:
                self._failed(subject, error)
                return
            self.part.untagged.append(self._untagged_row(subject))
            self._reach(below)

        asked: set[Digest] = set()
        for _ in range(MAX_REFERRER_DEPTH):
            told = self._tree.subjects(self._reached)
            loose = await self._attached.loose_subjects(self.part, told, self._tree.children)
            fresh = loose - asked
            asked |= fresh
            await each(sorted(fresh), one, at_once=TAGS_AT_ONCE)
            if not fresh:
                return

    async def close(self, kind: RegistryKind, ui_url: str | None) -> None:
        """Add the manifests reached, and the row of the repository itself."""
        registry, name, listed = self._distribution.registry, self._name, self._listed
        await self._tree.again(name, self._reached)
        self.problems.extend(
            self._problem(digest, error) for digest, error in self._tree.faults(name, self._reached)
        )
        self._tree.collect(self._reached, self.part)
        self.part.repositories.append(
            RepositoryRow(
                registry=registry,
                repository=name,
                visibility=listed.visibility,
                vendor_bytes=listed.size,
                pulls=listed.pulls,
                web_url=listed.page or kind.web_url(registry, name, ui_url),
                tag_web_url=listed.tag_page or kind.tag_template(registry, name, ui_url),
                immutable=listed.immutable,
                cleanup_policy=listed.cleanup_policy,
                problem=self.problems[0].code if self.problems else None,
            )
        )

    async def _tags(self, *, is_guess: bool) -> AsyncGenerator[str]:
        try:
            async for page in self._distribution.tags(self._name):
                self._failures.answered()
                for tag in page:
                    yield tag
        except NotFoundError:
            # Distribution 3 answers so for a repository whose last tag was deleted, though the
            # catalog still lists it (distribution/distribution#4324).
            if is_guess:
                raise

    async def _named(self, tag: str) -> Digest:
        """Give the digest of a tag; asked for alone, it is no pull (Docker Hub)."""
        digest = await self._distribution.resolve(self._name, tag)
        return digest or (await self._tree.tag(self._name, tag))[0]

    def _tag_row(self, version: ListedVersion, digest: Digest, tag: ListedTag) -> TagRow:
        return TagRow(
            registry=self._distribution.registry,
            repository=self._name,
            tag=tag.name,
            digest=digest,
            pushed_at=tag.pushed_at or version.pushed_at,
            pulled_at=tag.pulled_at or version.pulled_at,
            # What is locked by itself holds its tags.
            locked=version.locked or tag.locked,
            web_url=tag.page,
        )

    def _untagged_row(self, digest: Digest, version: ListedVersion | None = None) -> UntaggedRow:
        row = UntaggedRow(
            registry=self._distribution.registry, repository=self._name, digest=digest
        )
        if version is None:
            return row
        return replace(
            row,
            pushed_at=version.pushed_at,
            pulled_at=version.pulled_at,
            locked=version.locked,
        )

    def _reach(self, digests: Iterable[Digest]) -> None:
        self._reached.update(dict.fromkeys(digests))

    def _failed(self, reference: str, error: RegtoolsError) -> None:
        """Note what could not be read; many refusals in a row end the scan."""
        self._failures.count(error)
        self.problems.append(self._problem(reference, error))

    def _problem(self, reference: str, error: RegtoolsError) -> ProblemRow:
        return problem(self._distribution.registry, self._name, reference, error)


def problem(registry: str, repository: str, reference: str, error: RegtoolsError) -> ProblemRow:
    """Give the row that says what could not be read, and why."""
    return ProblemRow(
        registry=registry,
        repository=repository,
        reference=reference,
        code=error.code,
        message=error.summary,
    )
