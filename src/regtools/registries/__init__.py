"""What is special about each registry: one file a product, this table of them, and how to tell.

To add one, write a file here, add it to `KINDS`, and give it a page in the documentation and an
entry in the price book.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from regtools.errors import ConfigError
from regtools.registries._base import RegistryKind
from regtools.registries.acr import ACR
from regtools.registries.artifactregistry import ARTIFACTREGISTRY
from regtools.registries.distribution import DISTRIBUTION
from regtools.registries.dockerhub import DOCKERHUB
from regtools.registries.ecr import ECR, ECR_PUBLIC
from regtools.registries.ghcr import GHCR
from regtools.registries.gitlab import GITLAB
from regtools.registries.harbor import HARBOR
from regtools.registries.quay import QUAY
from regtools.registries.zot import ZOT

__all__ = ["DISTRIBUTION", "KINDS", "RegistryKind", "detect_kind", "registry_kind"]

KINDS: Final[Mapping[str, RegistryKind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            DISTRIBUTION,
            GHCR,
            GITLAB,
            DOCKERHUB,
            ECR,
            ECR_PUBLIC,
            ARTIFACTREGISTRY,
            HARBOR,
            ACR,
            QUAY,
            ZOT,
        )
    }
)
"""Every kind by its name."""


def registry_kind(name: str) -> RegistryKind:
    """Give a kind by its name.

    Raises
    ------
    ConfigError
        Code ``KIND_UNKNOWN``.
    """
    if name in KINDS:
        return KINDS[name]
    near = get_close_matches(name, KINDS, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(
        f"{name!r} is no kind of registry.",
        code="KIND_UNKNOWN",
        remedy=f"{hint}Known are: {', '.join(KINDS)}.",
    )


def detect_kind(
    registry: str,
    *,
    headers: Mapping[str, str] | None = None,
    services: Iterable[str] = (),
    realms: Iterable[str] = (),
) -> RegistryKind:
    """Tell the kind from the host, else from an answer, else `distribution`.

    Parameters
    ----------
    registry
        ``host[:port]``.
    headers
        Of an answer to ``GET /v2/``; names in any case.
    services
        What its challenges name as ``service``.
    realms
        Addresses of the token servers that its challenges name.
    """
    lowered = {name.lower(): value for name, value in (headers or {}).items()}
    named = list(services)
    paths = [_path(realm) for realm in realms]
    for kind in KINDS.values():
        if kind.is_host(registry):
            return kind
    for kind in KINDS.values():
        if _is_told(kind, lowered, named) or any(path in kind.realm_paths for path in paths):
            return kind
    return DISTRIBUTION


def _path(address: str) -> str:
    """Give the path of an address that a stranger wrote, empty where it is none."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _is_told(kind: RegistryKind, headers: Mapping[str, str], services: Sequence[str]) -> bool:
    return any(
        re.fullmatch(pattern, headers[name]) for name, pattern in kind.headers if name in headers
    ) or any(re.fullmatch(pattern, name) for pattern in kind.services for name in services)
