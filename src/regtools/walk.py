"""From an image's name to its diagnosis."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from httpx import AsyncClient

from regtools.access import (
    Access,
    Options,
    Vendor,
    credential_shape,
    open_access,
    open_vendor,
    talk,
    with_kind_told,
    with_login,
)
from regtools.client import Budget, Distribution
from regtools.collect import diagnose as stages
from regtools.collect.capability import MAX_REQUESTS
from regtools.collect.diagnosis import Diagnosis
from regtools.collect.probes.credentials import described
from regtools.collect.probes.manifest import Wanted
from regtools.errors import (
    BudgetError,
    InvalidReferenceError,
    RegistryError,
    UnreachableError,
)
from regtools.reference import DOCKER_HUB, parse_digest, parse_tag
from regtools.registries.listing import Archive, ReportedBytes
from regtools.schema import CheckRow, DiagnosedRow
from regtools.session import told_rights
from regtools.settings import split_reference

if TYPE_CHECKING:
    from regtools.history import History


def diagnose(
    image: str,
    *,
    platform: str | None = None,
    push: bool = False,
    storage: Path | None = None,
    options: Options | None = None,
) -> Diagnosis:
    """Walk from the name to the bytes, stage by stage; stages after a failed one are skipped.

    Parameters
    ----------
    image
        ``TARGET[/repository[:tag|@digest]]``; without a repository the walk ends with the
        listing, without a tag any one will do.
    platform
        ``os/architecture[/variant]`` that must be there; left out: this machine's, and that it is
        missing is only worth a look.
    push
        Whether a push is what is to work: then the right to it is needed.
    storage
        The registry's own folder on this machine, to see whether there is room.

    Raises
    ------
    ConfigError, InvalidReferenceError
        The registry's address or a setting cannot be used.
    """
    options = options or Options()
    settings = options.settings()
    place, tag = split_reference(image, settings)
    registry, _, repository = place.rpartition("://")[2].partition("/")
    try:
        access = open_access(place, settings, options)
        wanted = _wanted(access, place in settings.registries, tag, platform)
    except InvalidReferenceError as error:
        if not repository or error.code == "TARGET_INVALID":
            raise
        found = [stages.refused_name(registry, error)]
        return Diagnosis(target=image, checks=tuple(stages.completed(found)), repository=repository)
    access = with_login(access, Budget())
    target = replace(access.target, path=wanted.repository) if wanted else access.target

    async def work(distribution: Distribution, client: AsyncClient) -> list[CheckRow]:
        async def ask_vendor() -> stages.Told:
            known = with_kind_told(access, distribution)
            vendor = open_vendor(known, distribution, client, Budget(MAX_REQUESTS))
            reported = await _told_sums(vendor)
            return stages.Told(rights=await told_rights(vendor), reported=reported)

        async def is_archived(image: Wanted) -> bool:
            known = with_kind_told(access, distribution)
            vendor = open_vendor(known, distribution, client, Budget(MAX_REQUESTS))
            archive: object = vendor.inventory
            if not isinstance(archive, Archive):
                return False
            try:
                return await archive.is_archived(image.repository, image.reference or "")
            except (RegistryError, UnreachableError, BudgetError):
                return False

        rows = await stages.diagnose(
            distribution,
            stages.Question(
                target=target, given=repository, image=wanted, push=push, folder=storage
            ),
            access.connection,
            attempts=access.attempts,
            ask_vendor=ask_vendor,
            is_archived=is_archived,
            environ=os.environ,
            now=datetime.now(UTC),
        )
        return described(rows, shape=credential_shape(with_kind_told(access, distribution)))

    checks = tuple(talk(access, work, is_patient=False))
    return Diagnosis(target=image, checks=checks, repository=wanted.repository if wanted else "")


def keep_diagnoses(history: History | str | Path, diagnoses: Sequence[Diagnosis]) -> None:
    """Add diagnoses to a history, where `checks` and `baseline` find them.

    Raises
    ------
    ConfigError, HistoryError
        The history cannot be used, or not be written.
    """
    from regtools.history import History

    store = history if isinstance(history, History) else History(history)
    rows = [
        DiagnosedRow(
            **asdict(check),
            diagnosis=f"{one.taken_at:%Y%m%dT%H%M%S.%fZ}",
            taken_at=one.taken_at,
            target=one.target,
            repository=one.repository,
        )
        for one in diagnoses
        for check in one.checks
    ]
    if rows:
        store.diagnoses.add(rows, now=datetime.now(UTC))


def _wanted(
    access: Access, is_configured: bool, tag: str | None, platform: str | None
) -> Wanted | None:
    """Give the image that is meant; None: only a registry, or a namespace of it, is."""
    path = access.target.path
    if not path or is_configured:
        return None
    if tag is not None:
        parse_digest(tag) if ":" in tag else parse_tag(tag)
    if access.target.registry == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return Wanted(repository=path, reference=tag, platform=platform)


async def _told_sums(vendor: Vendor) -> Sequence[ReportedBytes]:
    """Ask the vendor's API for its quotas; that it does not tell is not what is being checked."""
    if vendor.inventory is None:
        return ()
    try:
        return (await vendor.inventory.reported()).items
    except (RegistryError, UnreachableError, BudgetError):
        return ()
