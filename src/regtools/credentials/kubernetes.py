"""Pull secrets of Kubernetes, read from a file.

A bare ``.dockerconfigjson`` (as a pod mounts it), or what ``kubectl get secret -o json`` prints: one
Secret or a List. Keys match with ``*`` in each part of the host and by prefix of the path, the
longest path first (Kubernetes documentation, Images, "Interpretation of config.json", 2026-11).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from regtools.credentials._base import (
    HUB_KEYS,
    Credential,
    SourceError,
    entry_credential,
    mapping,
    read_json,
    text,
)
from regtools.reference import DOCKER_HUB

_NEW: Final = ".dockerconfigjson"
_OLD: Final = ".dockercfg"


def from_kubernetes(file: Path, registry: str, path: str) -> tuple[Credential | None, str]:
    """Look a registry, or a repository in it, up in a pull secret.

    Raises
    ------
    SourceError
        The file holds no pull secret.
    """
    entries = [item for auths in _auths(read_json(file)) for item in auths.items()]
    matching = [(key, value) for key, value in entries if key_matches(key, registry, path)]
    # The longest path wins; among those the first.
    matching.sort(key=lambda item: len(split_key(item[0])[1]), reverse=True)
    for _, entry in matching:
        credential = entry_credential(mapping(entry), f"Kubernetes secret {file}")
        if credential is not None:
            return credential, "used"
    return None, "no entry for this registry"


def _auths(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if data.get("kind") == "List":
        for item in data.get("items") or ():
            yield from _auths(mapping(item))
        return
    if data.get("kind") == "Secret":
        held = mapping(data.get("data"))
        if _NEW in held:
            yield mapping(_decoded(held[_NEW]).get("auths"))
        elif _OLD in held:
            yield _decoded(held[_OLD])
        return
    if "auths" not in data:
        raise SourceError("is no pull secret: it has neither `auths` nor the kind Secret")
    yield mapping(data["auths"])


def _decoded(encoded: object) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(base64.b64decode(text(encoded), validate=True)))
    except ValueError as error:
        raise SourceError("its data is not base64 of JSON") from error


def key_matches(key: str, registry: str, path: str) -> bool:
    """Whether the kubelet takes a key for a repository of a registry."""
    host, prefix = split_key(key)
    names = HUB_KEYS[1:] if registry == DOCKER_HUB else (registry,)
    if not any(_host_matches(host, name) for name in names):
        return False
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def _host_matches(pattern: str, host: str) -> bool:
    """Compare part by part: ``*`` never reaches over a dot."""
    wanted, given = pattern.split("."), host.split(".")
    return len(wanted) == len(given) and all(
        fnmatchcase(part, glob) for part, glob in zip(given, wanted, strict=True)
    )


def split_key(key: str) -> tuple[str, str]:
    """Give a key's host, which may be a pattern, and its path."""
    host, _, path = key.removeprefix("https://").removeprefix("http://").partition("/")
    # Docker's own key for the Hub ends in the version of an old protocol.
    return host, "" if path.strip("/") in ("v1", "v2") else path.strip("/")
