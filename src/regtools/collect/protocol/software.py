"""Which software answers: a guess, with what it is made by.

Sources: the products' own answers as their documentation and source show them, 2026-11: Gitea and
Forgejo name the service ``container_registry`` as GitLab does, and their token server is below
``/v2/token``; Nexus and Artifactory name themselves; distribution 3 gives tags by pages and knows no
schema 1 any more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from regtools.collect.protocol.asking import without
from regtools.collect.protocol.capability import Capability
from regtools.registries import DISTRIBUTION, RegistryKind

_BY_HEADER: Final = (
    ("server", r"Nexus/.*", "Sonatype Nexus"),
    ("x-jfrog-version", r".+", "JFrog Artifactory"),
    ("x-artifactory-id", r".+", "JFrog Artifactory"),
    ("server", r"Artifactory/.*", "JFrog Artifactory"),
    ("x-pulp-.*", r".+", "Pulp"),
    ("server", r"(?i)kraken.*", "Kraken"),
)
_BY_HOST: Final = (
    (r".+\.jfrog\.io", "JFrog Artifactory"),
    (r"(?:.+\.)?icr\.io", "IBM Cloud Container Registry"),
    (r"(?:.+\.)?ocir\.io|ocir\..+\.oci\.oraclecloud\.com", "Oracle OCIR"),
    (r"registry\.digitalocean\.com", "DigitalOcean"),
    (r"registry\.k8s\.io", "registry.k8s.io"),
    (r".+\.aliyuncs\.com", "Alibaba Cloud"),
)
_BY_REALM: Final = (
    (r".*/v2/token", "Gitea or Forgejo"),
    (r".*/token/?", "Pulp"),
)


def software(
    kind: RegistryKind,
    registry: str,
    headers: httpx.Headers,
    realms: Sequence[str],
    rows: Mapping[str, Capability],
    secrets: Sequence[str],
) -> Capability:
    """Guess what answers.

    Parameters
    ----------
    kind
        What the host, or the user, says already.
    headers
        Of the answer at ``/v2/``.
    realms
        The token servers that the registry names.
    rows
        What was measured so far.
    """
    if kind != DISTRIBUTION:
        return _row(kind.title, "its host or its answers")
    for name, pattern, title in _BY_HEADER:
        for header, value in headers.items():
            if re.fullmatch(name, header.lower()) and re.fullmatch(pattern, value):
                return _row(title, f"{header}: {without(value, secrets)}")
    host = registry.partition(":")[0]
    for pattern, title in _BY_HOST:
        if re.fullmatch(pattern, host):
            return _row(title, "its host")
    for pattern, title in _BY_REALM:
        if any(re.fullmatch(pattern, httpx.URL(realm).path) for realm in map(_safe, realms)):
            return _row(title, "the address of its token server")
    if headers.get("docker-distribution-api-version") != "registry/2.0":
        return Capability(
            capability="software", answer="unknown", evidence="It names itself nowhere."
        )
    return _distribution(rows)


def _distribution(rows: Mapping[str, Capability]) -> Capability:
    if rows["referrers"].answer == "yes":
        # It has no such API in any version so far (2026-08).
        evidence = "It has the referrers API, and says registry/2.0 as distribution does."
        return Capability(capability="software", answer="unknown", evidence=evidence)
    if rows["schema1"].answer == "yes" or rows["tags_page_size"].answer == "no":
        return _row("distribution 2 (registry:2)", "it gives all tags at once, or schema 1")
    if rows["tags_page_size"].answer == "yes":
        return _row("distribution 3, or one like it", "it gives tags by pages")
    return _row("distribution, or one like it", "Docker-Distribution-Api-Version: registry/2.0")


def _row(title: str, evidence: str) -> Capability:
    return Capability(capability="software", answer="yes", value=title, evidence=evidence)


def _safe(address: str) -> str:
    """Give an address that can be taken apart; a stranger wrote it."""
    try:
        httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        return ""
    return address
