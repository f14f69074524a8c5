"""Ask each repository whether it still holds what its manifests name.

A scan reads manifests and configs, never layers, and what it knows from before it does not read
again. So a blob that storage lost shows only when somebody pulls it, or here: one HEAD for each
blob and child manifest of each repository, since a blob in one is no use to another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from regtools.client import Distribution
from regtools.collect.each import Failures, each
from regtools.collect.scan import Progress
from regtools.errors import NotFoundError, RegtoolsError
from regtools.manifest import Descriptor
from regtools.schema import CheckRow, ProblemRow

STAGE: Final = "content"
CHECKS_AT_ONCE: Final = 64
"""Tasks. How many requests are really under way, the client limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of asking."""

    check: CheckRow
    """That it was asked, and for how much."""
    problems: Sequence[ProblemRow]


async def check_content(
    distribution: Distribution,
    content: Mapping[str, Sequence[Descriptor]],
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Checked:
    """Ask for all that repositories must hold.

    Parameters
    ----------
    content
        By repository: manifests and blobs, each once; without a size where none can be compared.

    Returns
    -------
    Checked
        Problems ``NOT_FOUND`` of manifests, ``BLOB_MISSING`` and ``BLOB_SIZE_WRONG`` of blobs;
        other codes where there was no answer.

    Raises
    ------
    UnreachableError, RateLimitedError
        The registry stopped answering.
    """
    problems: list[ProblemRow] = []
    failures = Failures()
    wanted = [(name, one) for name, listed in content.items() for one in listed]
    done = 0

    async def ask(item: tuple[str, Descriptor]) -> None:
        nonlocal done
        repository, one = item
        try:
            code, message = await _fault(distribution, repository, one)
            failures.answered()
        except RegtoolsError as error:
            failures.count(error)
            code, message = error.code, error.summary
        if code:
            problems.append(
                ProblemRow(
                    registry=distribution.registry,
                    repository=repository,
                    reference=one.digest,
                    code=code,
                    message=message,
                )
            )
        done += 1
        on_progress(
            Progress(
                unit="blobs",
                listed=len(wanted),
                listing=False,
                finished=done,
                tags=0,
                requests=distribution.requests,
                repository=repository,
            )
        )

    await each(wanted, ask, at_once=CHECKS_AT_ONCE)
    blobs = sum(not one.is_manifest for _, one in wanted)
    facts = {"blobs": blobs, "manifests": len(wanted) - blobs, "problems": len(problems)}
    check = CheckRow(
        registry=distribution.registry,
        stage=STAGE,
        code="BLOBS_CHECKED",
        status="ok",
        summary=f"Each repository was asked for what it must hold: {blobs:,} blobs and "
        f"{len(wanted) - blobs:,} manifests.",
        evidence=json.dumps(facts),
    )
    return Checked(
        check=check, problems=sorted(problems, key=lambda row: (row.repository, row.reference))
    )


async def _fault(distribution: Distribution, repository: str, one: Descriptor) -> tuple[str, str]:
    """Say what is wrong, code and sentence; two empty texts: nothing."""
    if one.is_manifest:
        # Some registries do not answer HEAD: only GET can say that it is gone.
        if await distribution.resolve(repository, one.digest) is None:
            await distribution.manifest(repository, one.digest)
        return "", ""
    try:
        size = await distribution.blob_size(repository, one.digest)
    except NotFoundError as error:
        return "BLOB_MISSING", error.summary
    if size is None or one.size is None or size == one.size:
        return "", ""
    message = f"Blob {one.digest} has {size:,} bytes; its manifest says {one.size:,}."
    return "BLOB_SIZE_WRONG", message
