"""Listing: does the registry tell which repositories it holds?"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from regtools.client import Distribution
from regtools.collect.probes.stage import failed, row, stopwatch
from regtools.errors import (
    DeniedError,
    NotFoundError,
    RegtoolsError,
    UnauthorizedError,
    UnsupportedError,
)
from regtools.schema import CheckRow

STAGE: Final = "listing"

_REFUSALS: Final = (UnauthorizedError, DeniedError, NotFoundError, UnsupportedError)


async def listing(distribution: Distribution, *, needed: bool, anonymous: bool) -> CheckRow:
    """Read the first page of the catalog.

    Parameters
    ----------
    needed
        Whether anything depends on it: a named repository can be read without.
    anonymous
        Whether no credential is used.
    """
    registry = distribution.registry
    with stopwatch() as elapsed:
        try:
            count = await _first_page(distribution)
        except _REFUSALS as error:
            return _denied(registry, error, elapsed(), needed=needed, anonymous=anonymous)
        except RegtoolsError as error:
            return failed(registry, STAGE, error, ms=elapsed())
        ms = elapsed()
    if count:
        summary = f"The catalog is open; its first page lists {count:,} repositories."
        evidence = {"first_page": count}
        return row(registry, STAGE, "LISTING_OK", "ok", summary, ms=ms, evidence=evidence)
    return row(
        registry,
        STAGE,
        "LISTING_EMPTY",
        "warn",
        "The catalog lists no repository.",
        ms=ms,
        evidence={"first_page": 0},
        # Harbor and Quay answer so instead of refusing.
        remedy="Some registries show an empty catalog to those who may not list: if you expect "
        "repositories, check the credential, or name a repository.",
    )


async def _first_page(distribution: Distribution) -> int:
    async with aclosing(distribution.repositories()) as pages:
        return len(await anext(pages, []))


def _denied(
    registry: str, error: RegtoolsError, ms: float, *, needed: bool, anonymous: bool
) -> CheckRow:
    who = "nobody in particular" if anonymous else "this user"
    remedy = (
        "Give a credential that may list the catalog, or name a repository or namespace."
        if anonymous
        else "Name a repository or namespace, or use a credential that may list the catalog "
        "(on many registries an administrator's)."
    )
    return row(
        registry,
        STAGE,
        "LISTING_DENIED",
        "fail" if needed else "warn",
        f"The registry does not list its repositories to {who} [{error.code}].",
        ms=ms,
        remedy=remedy,
    )
