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
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, replace
from typing import Final

import anyio.to_thread

from regtools.client import Distribution
from regtools.collect.attached import MAX_REFERRER_DEPTH, Attached
from regtools.collect.each import Failures, each
from regtools.collect.once import Once
from regtools.collect.rows import manifest_rows
from regtools.errors import (
    DeniedError,
    MalformedAnswerError,
    NotFoundError,
    RegistryError,
    RegtoolsError,
    UnauthorizedError,
    UnreachableError,
)
from regtools.manifest import Descriptor, ImageConfig, Manifest
from regtools.reference import Digest
from regtools.registries import RegistryKind
from regtools.schema import (
    Inventory,
    ProblemRow,
    RepositoryRow,
    TagRow,
    UntaggedRow,
)

REPOSITORIES_AT_ONCE: Final = 8
TAGS_AT_ONCE: Final = 16
"""Tasks for one repository. How many requests are really under way, the client limits."""
MAX_INDEX_DEPTH: Final = 10
"""Indexes may hold indexes; nobody means it deeper than two or three."""


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
    run = _Run(distribution, kind, path, ui_url, known, attached, on_part, on_progress)
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
        self._known = known
        self._attached = attached
        self._on_part = on_part
        self._on_progress = on_progress
        self._contents: Once[Digest, tuple[Digest, ...]] = Once()
        self._configs: Once[Digest, ImageConfig] = Once()
        self._subject_of: dict[Digest, Digest] = {}
        self._pending: dict[Digest, Inventory] = {}
        self._broken: dict[tuple[str, Digest], list[RegtoolsError]] = {}
        self._partial: dict[Digest, Manifest] = {}
        self._failures = Failures()
        self._listing = True
        self._finished = 0
        self._tags_read = 0
        self.listed = 0
        self.rest = Inventory()

    async def everything(self, finished: Container[str]) -> None:
        """List the repositories and read each."""

        async def one(name: str) -> None:
            if name not in finished:
                await self._repository(name)
            self._finished += 1
            self._report(name)

        await each(self._listed_repositories(), one, at_once=REPOSITORIES_AT_ONCE)
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
        self._listing = False
        self._report()

    def _is_wanted(self, name: str) -> bool:
        return not self._path or name == self._path or name.startswith(f"{self._path}/")

    async def _repository(self, name: str) -> None:
        """Read one repository, and hand it out whole or put what there is aside."""
        part = Inventory()
        problems: list[ProblemRow] = []
        reached: dict[Digest, None] = {}

        async def one(tag: str) -> None:
            try:
                digest, below = await self._tag(name, tag)
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
                raise
            self._failures.count(error)
            problems.append(self._problem(name, "", error))
        await self._referrers(name, part, reached, problems)
        await self._subjects(name, part, reached, problems)
        await self._partly_read(name, reached)
        problems.extend(self._problems_of(name, reached))
        self._collect(reached, part)
        part.repositories.append(
            RepositoryRow(
                registry=self._registry,
                repository=name,
                web_url=self._kind.web_url(self._registry, name, self._ui_url),
                problem=problems[0].code if problems else None,
            )
        )
        if problems:
            self._put_aside(part, problems)
            return
        await anyio.to_thread.run_sync(self._on_part, part)
        for row in part.manifests:
            self._pending.pop(Digest(row.digest), None)

    async def _referrers(
        self,
        name: str,
        part: Inventory,
        reached: dict[Digest, None],
        problems: list[ProblemRow],
    ) -> None:
        """Add what has no tag but refers to what has one, as far as the registry tells."""
        tops = list(dict.fromkeys(Digest(row.digest) for row in part.tags))
        tagged = set(tops)
        try:
            for digest in await self._attached.to(name, tops, self._contents.peek):
                reached.update(dict.fromkeys(await self._reach(name, digest)))
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
                _, below = await self._tag(name, subject)
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
            told = [self._subject_of[digest] for digest in reached if digest in self._subject_of]
            fresh = await self._attached.loose_subjects(part, told, self._contents.peek) - asked
            asked |= fresh
            await each(sorted(fresh), one, at_once=TAGS_AT_ONCE)
            if not fresh:
                return

    async def _partly_read(self, repository: str, reached: Iterable[Digest]) -> None:
        """Ask here for the blobs that manifests lacked in another repository."""
        for digest in reached:
            manifest = self._partial.get(digest)
            if manifest is not None and (repository, digest) not in self._broken:
                await self._keep(repository, manifest)

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

    async def _tag(self, repository: str, tag: str) -> tuple[Digest, list[Digest]]:
        """Give the digest of a tag (or digest), and all it reaches that is not known yet."""
        may_be_known = tag in self._known if ":" in tag else bool(self._known)
        digest = await self._distribution.resolve(repository, tag) if may_be_known else None
        if digest is None:
            manifest = await self._distribution.manifest(repository, tag)
            digest = manifest.digest
            if digest not in self._known:
                await self._contents.get(digest, lambda: self._keep(repository, manifest))
        self._failures.answered()
        return digest, await self._reach(repository, digest)

    async def _reach(self, repository: str, top: Digest) -> list[Digest]:
        """Fetch what is missing below `top`; give all unknown digests from there down."""
        reached: dict[Digest, None] = {}
        level: tuple[Digest, ...] = (top,)
        for _ in range(MAX_INDEX_DEPTH + 1):
            fresh = [d for d in dict.fromkeys(level) if d not in reached and d not in self._known]
            if not fresh:
                return list(reached)
            reached.update(dict.fromkeys(fresh))
            level = tuple(
                [
                    child
                    for digest in fresh
                    for child in await self._children(repository, digest, is_top=digest == top)
                ]
            )
        self._broken[repository, top] = [
            MalformedAnswerError(
                f"Index {top} holds indexes more than {MAX_INDEX_DEPTH} deep.",
                code="INDEX_TOO_DEEP",
            )
        ]
        return list(reached)

    async def _children(
        self, repository: str, digest: Digest, *, is_top: bool
    ) -> tuple[Digest, ...]:
        async def fetch() -> tuple[Digest, ...]:
            return await self._keep(
                repository, await self._distribution.manifest(repository, digest)
            )

        try:
            return await self._contents.get(digest, fetch)
        except RegtoolsError as error:
            if is_top:
                raise
            # The index itself is readable; that a platform of it is not, is its own problem.
            self._failures.count(error)
            self._broken[repository, digest] = [error]
            return ()

    async def _keep(self, repository: str, manifest: Manifest) -> tuple[Digest, ...]:
        """Turn a manifest, with its config and the sizes it does not tell, into rows."""
        self._broken.pop((repository, manifest.digest), None)
        config = await self._config(repository, manifest)
        layers = [await self._sized(repository, layer, manifest) for layer in manifest.layers]
        self._pending[manifest.digest] = manifest_rows(manifest, config, layers)
        if manifest.subject is not None:
            self._subject_of[manifest.digest] = manifest.subject
        if (repository, manifest.digest) in self._broken:
            self._partial[manifest.digest] = manifest
        else:
            self._partial.pop(manifest.digest, None)
        return tuple(child.digest for child in manifest.children)

    async def _config(self, repository: str, manifest: Manifest) -> ImageConfig:
        descriptor = manifest.config
        if descriptor is None or not manifest.has_image_config:
            return ImageConfig()

        async def fetch() -> ImageConfig:
            return await self._distribution.image_config(repository, descriptor)

        try:
            return await self._configs.get(descriptor.digest, fetch)
        except RegtoolsError as error:
            self._break(repository, manifest.digest, error, missing="CONFIG_MISSING")
            return ImageConfig()

    async def _sized(self, repository: str, layer: Descriptor, manifest: Manifest) -> Descriptor:
        if layer.size is not None:
            return layer
        try:
            size = await self._distribution.blob_size(repository, layer.digest)
        except RegtoolsError as error:
            self._break(repository, manifest.digest, error, missing="BLOB_MISSING")
            return layer
        return replace(layer, size=size)

    def _collect(self, reached: Iterable[Digest], part: Inventory) -> None:
        """Add the rows of `reached` that no durable part holds yet."""
        for digest in reached:
            if rows := self._pending.get(digest):
                part.manifests.extend(rows.manifests)
                part.children.extend(rows.children)
                part.layers.extend(rows.layers)

    def _put_aside(self, part: Inventory, problems: list[ProblemRow]) -> None:
        self.rest.repositories.extend(part.repositories)
        self.rest.tags.extend(part.tags)
        self.rest.untagged.extend(part.untagged)
        self.rest.manifests.extend(part.manifests)
        self.rest.children.extend(part.children)
        self.rest.layers.extend(part.layers)
        self.rest.reported.extend(part.reported)
        self.rest.problems.extend(dict.fromkeys(problems))

    def _break(
        self, repository: str, manifest: Digest, error: RegtoolsError, *, missing: str
    ) -> None:
        self._failures.count(error)
        if isinstance(error, NotFoundError):
            error.code = missing
        self._broken.setdefault((repository, manifest), []).append(error)

    def _problems_of(self, repository: str, reached: Iterable[Digest]) -> list[ProblemRow]:
        return [
            self._problem(repository, manifest, error)
            for manifest in reached
            for error in self._broken.get((repository, manifest), ())
        ]

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
