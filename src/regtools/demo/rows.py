"""What a scan would have seen of a company's registry, without one."""

from __future__ import annotations

from collections.abc import Iterable

from regtools.collect.rows import manifest_rows
from regtools.demo.company import Company, State
from regtools.manifest import ImageConfig, parse_image_config, parse_manifest
from regtools.reference import Digest
from regtools.registries import RegistryKind
from regtools.schema import Inventory, RepositoryRow, TagRow


class Rows:
    """Rows of a company's content, each manifest's made once.

    Parameters
    ----------
    company
        Whose content.
    registry, kind
        As the rows should name it.
    """

    def __init__(self, company: Company, *, registry: str, kind: RegistryKind) -> None:
        self._company = company
        self._registry = registry
        self._kind = kind
        self._contents: dict[Digest, Inventory] = {}

    def listing(self, state: State, *, without: Iterable[str] = ()) -> Inventory:
        """Give the repositories and tags there are; those of some repositories left out."""
        return Inventory(
            repositories=[
                RepositoryRow(
                    registry=self._registry,
                    repository=name,
                    web_url=self._kind.web_url(self._registry, name),
                    tag_web_url=self._kind.tag_template(self._registry, name),
                )
                for name in state
                if name not in without
            ],
            tags=[
                TagRow(registry=self._registry, repository=name, tag=tag, digest=digest)
                for name, tags in state.items()
                if name not in without
                for tag, digest in tags.items()
            ],
        )

    def content(self, tops: Iterable[str], *, known: set[Digest]) -> Inventory:
        """Give the rows of manifests and all below them that are not known yet; now they are."""
        found = Inventory()
        level = {Digest(top) for top in tops} - known
        while level:
            known |= level
            below: set[Digest] = set()
            for digest in sorted(level):
                rows = self._of(digest)
                found.manifests.extend(rows.manifests)
                found.children.extend(rows.children)
                found.layers.extend(rows.layers)
                below.update(Digest(row.child) for row in rows.children)
            level = below - known
        return found

    def _of(self, digest: Digest) -> Inventory:
        if digest not in self._contents:
            self._contents[digest] = self._read(digest)
        return self._contents[digest]

    def _read(self, digest: Digest) -> Inventory:
        served = self._company.manifest(digest)
        manifest = parse_manifest(served.body, served.media_type, digest)
        config = ImageConfig()
        if manifest.config is not None and manifest.has_image_config:
            config = parse_image_config(b"".join(self._company.blob(manifest.config.digest).read()))
        return manifest_rows(manifest, config, manifest.layers)
