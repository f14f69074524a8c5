"""What runs, and so must stay: read from Kubernetes, from a compose file, or from a plain list.

A guard that leaves an image out without a word is worse than none: what cannot be read is an
error, never skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from regtools.errors import ConfigError, InvalidReferenceError
from regtools.policies.documents import load_yaml, read_text
from regtools.reference import Reference, parse_reference

MAX_BYTES: Final = 256 * 2**20
"""All pods of a very large cluster, as JSON."""
_RESOLVE: Final = "Resolve them first: `docker compose config`, `kubectl get -o json`."
_CONTAINERS: Final = frozenset({"containers", "initContainers", "ephemeralContainers"})
_STATUSES: Final = frozenset(
    {"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"}
)
# Before containerd, the kubelet wrote where an image came from; a bare id names no repository.
_RUNTIME: Final = re.compile(r"(?:docker-pullable|docker|containerd)://")
_IMAGE_ID: Final = re.compile(r"(?:docker://)?(?:sha256:)?[0-9a-f]{64}")
_VARIABLE: Final = re.compile(r"\$(?!\$)")
_NAMED_HOST: Final = re.compile(r"(?:[^/]*[.:][^/]*|localhost)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """Images that something runs.

    A name without a registry means Docker Hub, as Docker reads it, and here any registry that has
    such a repository as well: rather one image too many is kept.
    """

    images: frozenset[tuple[str, Reference]]
    """A registry (empty: any) and a reference."""

    @classmethod
    def of(cls, guards: Iterable[InUse]) -> Self:
        """Put several together."""
        return cls(images=frozenset().union(*(guard.images for guard in guards)))

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Give (registry, repository, tag, digest); an empty registry means any, and one of tag
        and digest is empty."""
        for registry, image in sorted(self.images, key=lambda one: (one[0], str(one[1]))):
            if image.tag is not None:
                yield registry, image.repository, image.tag, ""
            if image.digest is not None:
                yield registry, image.repository, "", image.digest


def read_in_use(file: Path) -> InUse:
    """Read which images are in use.

    Parameters
    ----------
    file
        ``kubectl get pods -A -o json`` or any manifests of workloads (JSON or YAML), a compose
        file, or a list with an image a line (``#`` begins a comment).

    Raises
    ------
    ConfigError
        Codes ``IN_USE_UNREADABLE`` (no such file, too large, not text), ``IN_USE_INVALID`` (an
        image that is none; where) and ``IN_USE_EMPTY`` (no image in it).
    """
    text = read_text(file, most_bytes=MAX_BYTES, code="IN_USE_UNREADABLE")
    found = list(_images(text, file))
    if not found:
        raise ConfigError(
            f"{file} names no image, so it would guard nothing.",
            code="IN_USE_EMPTY",
            remedy="Give the output of `kubectl get pods -A -o json`, a compose file or a list.",
        )
    return InUse(images=frozenset(one for place, name in found for one in _parsed(name, place)))


def _images(text: str, file: Path) -> Iterator[tuple[str, str]]:
    """Give each image's name and where it stands."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            documents = [json.loads(text)]
        except (ValueError, RecursionError) as error:
            raise _invalid(f"{file} is not JSON: {error}.") from error
    elif re.search(r"^(?:apiVersion|kind|services|items|version|name)\s*:", text, re.MULTILINE):
        documents = load_yaml(text, file, code="IN_USE_INVALID", remedy=_RESOLVE)
    else:
        for number, line in enumerate(text.splitlines(), start=1):
            # A # stands in no image's name.
            if name := line.partition("#")[0].strip():
                yield f"{file}, line {number}", name
        return
    for document in documents:
        yield from _in_document(document, str(file))


def _in_document(document: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(document, list):
        for number, entry in enumerate(document):
            if isinstance(entry, str):
                yield f"{place}[{number}]", entry
            else:
                yield from _in_document(entry, f"{place}[{number}]")
    elif isinstance(document, dict):
        for key, value in document.items():
            inside = f"{place}, {key}"
            if key in _CONTAINERS or key in _STATUSES:
                yield from _containers(value, inside)
            elif key == "services" and isinstance(value, dict):
                yield from _services(value, inside)
            else:
                yield from _in_document_only(value, inside)


def _in_document_only(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Look further into what may hold a workload; a text alone is no image."""
    if isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(entry, dict) for entry in value)
    ):
        entries = value if isinstance(value, dict) else [e for e in value if isinstance(e, dict)]
        yield from _in_document(entries, place)


def _containers(value: Any, place: str) -> Iterator[tuple[str, str]]:
    for number, container in enumerate(value if isinstance(value, list) else ()):
        if not isinstance(container, dict):
            continue
        for key in ("image", "imageID"):
            name = container.get(key)
            if not isinstance(name, str) or not name:
                continue
            bare = _RUNTIME.sub("", name)
            if not _IMAGE_ID.fullmatch(bare):
                yield f"{place}[{number}].{key}", bare


def _services(services: dict[Any, Any], place: str) -> Iterator[tuple[str, str]]:
    for name, service in services.items():
        image = service.get("image") if isinstance(service, dict) else None
        if isinstance(image, str):
            yield f"{place}.{name}.image", image


def _parsed(name: str, place: str) -> Iterator[tuple[str, Reference]]:
    if _VARIABLE.search(name):
        raise _invalid(
            f"{place}: {name!r} has a variable in it.",
            "Resolve it first: `docker compose config > compose.resolved.yaml`.",
        )
    try:
        image = parse_reference(name)
    except InvalidReferenceError as error:
        raise _invalid(f"{place}: {error.summary}", error.remedy) from error
    yield image.registry, image
    if not _NAMED_HOST.match(name):
        path = name.partition("@")[0].partition(":")[0]
        yield (
            "",
            Reference(registry="", repository=path, tag=image.tag, digest=image.digest),
        )


def _invalid(summary: str, remedy: str = "") -> ConfigError:
    return ConfigError(summary, code="IN_USE_INVALID", remedy=remedy)
