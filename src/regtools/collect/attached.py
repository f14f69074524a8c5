"""What refers to an image without a tag of its own: signatures, SBOMs, attestations.

Only a registry with the referrers API tells (OCI distribution specification 1.1, "Listing
Referrers"); elsewhere referrers have fallback tags, which stand in the list of tags anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import anyio
import anyio.to_thread

from regtools.client import Distribution
from regtools.reference import Digest
from regtools.schema import Inventory

SUBJECTS_AT_ONCE: Final = 16
"""Tasks for one repository. How many requests are really under way, the client limits."""
MAX_REFERRER_DEPTH: Final = 5
"""A referrer may have referrers, such as the signature of an SBOM; nobody means it deeper."""
# OCI's fallback tag and cosign's. One of sha512 holds half of the digest only: it names nothing
# that could be asked for.
_SUBJECT_TAG: Final = re.compile(r"sha256-([0-9a-f]{64})(?:\.[A-Za-z0-9_.-]+)?\Z")


class Attached:
    """Asks for referrers, once the registry is known to list them.

    Parameters
    ----------
    known_children
        Gives the children of indexes that this scan does not read, since they are known.
    known_subjects
        Gives what known referrers are about.
    """

    def __init__(
        self,
        distribution: Distribution,
        known_children: Callable[[], Mapping[str, Sequence[str]]],
        known_subjects: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._distribution = distribution
        self._known_children = known_children
        self._known_subjects = known_subjects
        self._children: Mapping[str, Sequence[str]] | None = None
        self._subjects: Mapping[str, str] | None = None
        self._is_offered: bool | None = None
        self._lock = anyio.Lock()

    async def to(
        self,
        repository: str,
        tops: Sequence[Digest],
        children_of: Callable[[Digest], Sequence[Digest] | None],
    ) -> list[Digest]:
        """Give the referrers of manifests, of those inside them, and of referrers, each once.

        Parameters
        ----------
        children_of
            Gives the children that this scan has read, None for a manifest that it has not.

        Raises
        ------
        RegistryError, UnreachableError
            The registry does not answer; the first error of several.
        """
        if not tops or not await self._offered(repository, tops[0]):
            return []
        asked: set[Digest] = set()
        given: dict[Digest, None] = {}
        level: Iterable[Digest] = tops
        for _ in range(MAX_REFERRER_DEPTH):
            subjects = [d for d in await self._inside(level, children_of) if d not in asked]
            asked.update(subjects)
            found = await self._of(repository, subjects)
            level = [digest for digest in found if digest not in given]
            given.update(dict.fromkeys(level))
        return list(given)

    async def loose_subjects(
        self,
        part: Inventory,
        told: Iterable[Digest],
        children_of: Callable[[Digest], Sequence[Digest] | None],
    ) -> set[Digest]:
        """Give what referrers of a repository are about, where nothing it holds leads there.

        Parameters
        ----------
        part
            The repository's tags, and what it is known to hold without one.
        told
            What the manifests below them that this scan has read are about.
        children_of
            As in `to`.
        """
        tops = [Digest(row.digest) for row in part.tags]
        tops += [Digest(row.digest) for row in part.untagged]
        known = await self._subjects_known()
        subjects = {*told, *(Digest(known[digest]) for digest in tops if digest in known)}
        for row in part.tags:
            if about := _SUBJECT_TAG.match(row.tag):
                subjects.add(Digest(f"sha256:{about[1]}"))
        subjects.difference_update(tops)
        if subjects:
            subjects.difference_update(await self._inside(tops, children_of))
        return subjects

    async def _subjects_known(self) -> Mapping[str, str]:
        async with self._lock:
            if self._subjects is None:
                self._subjects = await anyio.to_thread.run_sync(self._known_subjects)
            return self._subjects

    async def _offered(self, repository: str, subject: Digest) -> bool:
        """Whether the registry lists referrers; asked once, however many repositories are read."""
        async with self._lock:
            if self._is_offered is None:
                self._is_offered = (
                    await self._distribution.attached(repository, subject) is not None
                )
            return self._is_offered

    async def _of(self, repository: str, subjects: Iterable[Digest]) -> list[Digest]:
        found: dict[Digest, None] = {}
        limit = anyio.Semaphore(SUBJECTS_AT_ONCE)

        async def one(subject: Digest) -> None:
            async with limit:
                for entry in await self._distribution.attached(repository, subject) or ():
                    found[entry.digest] = None

        try:
            async with anyio.create_task_group() as group:
                for subject in subjects:
                    group.start_soon(one, subject)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return list(found)

    async def _inside(
        self,
        tops: Iterable[Digest],
        children_of: Callable[[Digest], Sequence[Digest] | None],
    ) -> list[Digest]:
        found: dict[Digest, None] = {}
        waiting = list(tops)
        while waiting:
            digest = waiting.pop()
            if digest not in found:
                found[digest] = None
                below = children_of(digest)
                waiting += await self._known(digest) if below is None else below
        return list(found)

    async def _known(self, digest: Digest) -> list[Digest]:
        async with self._lock:
            if self._children is None:
                self._children = await anyio.to_thread.run_sync(self._known_children)
        return [Digest(child) for child in self._children.get(digest, ())]
