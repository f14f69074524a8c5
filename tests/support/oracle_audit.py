"""What is broken, in plain sets, slow and obvious: what the audit's SQL must agree with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.oracle import REFERRER_TAG

from regtools.manifest import OCI_INDEX
from regtools.schema import ChildRow, Inventory


@dataclass(frozen=True, slots=True)
class Way:
    """How a tag leads to a manifest: itself, or by an index that lists it."""

    tag: str | None
    top: str
    edge: ChildRow | None

    @property
    def attests(self) -> bool:
        """Whether the index lists it as an attestation."""
        edge = self.edge
        return edge is not None and (edge.attests is not None or edge.platform == "unknown/unknown")

    @property
    def is_image(self) -> bool:
        """Whether somebody pulls it as an image."""
        return self.tag is not None and not self.attests and not is_referrer(self.tag)


def is_referrer(tag: str) -> bool:
    """Say whether a tag is OCI's fallback tag or cosign's."""
    return REFERRER_TAG.fullmatch(tag) is not None


Row = tuple[str, str, str, str, tuple[str, ...]]
"""Code, severity, repository, digest, affected."""


class AuditOracle:
    """Answers about one inventory of one registry, with its problems."""

    def __init__(self, inventory: Inventory) -> None:
        self._manifests = {row.digest: row for row in inventory.manifests}
        self._children: dict[str, list[ChildRow]] = defaultdict(list)
        for child in inventory.children:
            self._children[child.parent].append(child)
        self._blobs: dict[str, set[str]] = defaultdict(set)
        self._layers = {row.blob for row in inventory.layers}
        for layer in inventory.layers:
            self._blobs[layer.blob].add(layer.manifest)
        for manifest in inventory.manifests:
            if manifest.config_digest is not None:
                self._blobs[manifest.config_digest].add(manifest.digest)
        self._tops: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
        for tag in inventory.tags:
            self._tops[tag.repository].append((tag.tag, tag.digest))
        for held in inventory.untagged:
            self._tops[held.repository].append((None, held.digest))
        self._problems = inventory.problems
        self._repositories = [row.repository for row in inventory.repositories]

    def rows(self) -> set[Row]:
        """Give every row, but for those about what was not asked or not read."""
        return {row for name in self._repositories for row in self._of(name)}

    def _of(self, repository: str) -> Iterator[Row]:
        own = [row for row in self._problems if row.repository == repository]
        missing = {row.reference for row in own if row.code == "NOT_FOUND" and ":" in row.reference}
        for digest in missing:
            ways = list(self._ways(repository, digest))
            left = {way.top: self._images_left(way.top, missing) for way in ways if way.is_image}
            severity = "critical" if any(not images for images in left.values()) else "warning"
            yield "INDEX_CHILD_MISSING", severity, repository, digest, self._words(digest, ways)
        for row in own:
            if row.code in ("BLOB_MISSING", "BLOB_SIZE_WRONG"):
                yield self._blob(repository, row.code, row.reference)
            elif row.code == "NOT_FOUND" and ":" not in row.reference:
                severity = "warning" if is_referrer(row.reference) else "critical"
                yield "TAG_DANGLING", severity, repository, "", (row.reference,)
        unread = {row.reference for row in own if row.code == "DENIED"}
        yield from self._loose(repository, unread)
        yield from self._attestations(repository)

    def _blob(self, repository: str, code: str, digest: str) -> Row:
        words: set[str] = set()
        is_image = False
        for manifest in self._blobs[digest]:
            ways = list(self._ways(repository, manifest))
            words.update(self._words(manifest, ways))
            is_image = is_image or any(way.is_image for way in ways)
        if code == "BLOB_MISSING" and digest not in self._layers:
            code = "CONFIG_MISSING"
        severity = "critical" if is_image else "warning"
        return code, severity, repository, digest, tuple(sorted(words))

    def _loose(self, repository: str, unread: set[str]) -> Iterator[Row]:
        here = self._held(repository)
        tags: dict[str, set[str]] = defaultdict(set)
        for tag, _ in self._tops[repository]:
            if tag is not None and is_referrer(tag):
                tags[tag[:71].replace("-", ":")].add(tag)
        for digest in here:
            manifest = self._manifests.get(digest)
            if manifest is not None and manifest.subject is not None:
                ways = self._ways(repository, digest)
                tags[manifest.subject].update(way.tag for way in ways if way.tag is not None)
        for subject in tags.keys() - here:
            named = tags[subject]
            signed = any(is_referrer(tag) and len(tag) > 71 for tag in named)
            others = set(self._repositories) - {repository}
            kept_apart = any(subject in self._held(other) for other in others)
            yield (
                "SIGNATURE_WITHOUT_IMAGE" if signed else "REFERRER_WITHOUT_SUBJECT",
                "info" if kept_apart or subject in unread else "warning",
                repository,
                subject,
                tuple(sorted(named)),
            )

    def _attestations(self, repository: str) -> Iterator[Row]:
        tags: dict[str, set[str]] = defaultdict(set)
        for parent in self._held(repository):
            listed = {row.child for row in self._children[parent]}
            for row in self._children[parent]:
                if row.attests is not None and row.attests not in listed:
                    ways = self._ways(repository, parent)
                    tags[row.attests].update(way.tag for way in ways if way.tag is not None)
        for image, named in tags.items():
            yield "ATTESTATION_WITHOUT_IMAGE", "warning", repository, image, tuple(sorted(named))

    def _ways(self, repository: str, digest: str) -> Iterator[Way]:
        for tag, top in self._tops[repository]:
            if top == digest:
                yield Way(tag, top, None)
            for parent in self._below(top):
                for edge in self._children[parent]:
                    if edge.child == digest:
                        yield Way(tag, top, edge)

    def _words(self, digest: str, ways: list[Way]) -> tuple[str, ...]:
        words = set()
        for way in ways:
            if way.tag is None:
                continue
            own = self._manifests.get(digest)
            platform = (way.edge.platform if way.edge else None) or (own.platform if own else None)
            if way.edge is not None and way.attests:
                words.add(f"{way.tag} (attestation)")
            elif way.edge is not None and platform is not None:
                words.add(f"{way.tag} ({platform})")
            else:
                words.add(way.tag)
        return tuple(sorted(words))

    def _images_left(self, top: str, missing: set[str]) -> set[str]:
        left: set[str] = set()
        waiting = [top]
        while waiting:
            for edge in self._children[waiting.pop()]:
                is_image = edge.attests is None and edge.platform != "unknown/unknown"
                if is_image and edge.child not in missing | left:
                    left.add(edge.child)
                    waiting.append(edge.child)
        indexes = {d for d, row in self._manifests.items() if row.media_type == OCI_INDEX}
        return left - indexes

    def _below(self, top: str) -> set[str]:
        found: set[str] = set()
        waiting = [top]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(edge.child for edge in self._children[one])
        return found

    def _held(self, repository: str) -> set[str]:
        return {digest for _, top in self._tops[repository] for digest in self._below(top)}
