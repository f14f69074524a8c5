"""From a manifest to the rows it adds to the tables."""

from __future__ import annotations

from collections.abc import Sequence

from regtools.manifest import Descriptor, ImageConfig, Manifest
from regtools.schema import ChildRow, Inventory, LayerRow, ManifestRow


def manifest_rows(
    manifest: Manifest, config: ImageConfig, layers: Sequence[Descriptor]
) -> Inventory:
    """Give one row of `manifests`, and those of `children` and `layers` that belong to it.

    Parameters
    ----------
    config
        The image's config; an empty one for anything that has none.
    layers
        The manifest's layers, with sizes where it does not tell them itself.
    """
    # Artifacts and odd images carry other things than layers in order: then nothing pairs up.
    diff_ids = config.diff_ids if len(config.diff_ids) == len(layers) else ("",) * len(layers)
    return Inventory(
        manifests=[
            ManifestRow(
                digest=manifest.digest,
                media_type=manifest.media_type,
                artifact_type=manifest.artifact_type,
                size=manifest.size,
                config_digest=manifest.config.digest if manifest.config else None,
                config_size=manifest.config.size if manifest.config else None,
                created_at=config.created_at or manifest.created_at,
                platform=config.platform or manifest.platform,
                subject=manifest.subject,
            )
        ],
        children=[
            ChildRow(
                parent=manifest.digest,
                child=child.digest,
                platform=child.platform,
                attests=child.attests,
            )
            for child in manifest.children
        ],
        layers=[
            LayerRow(
                manifest=manifest.digest,
                position=position,
                blob=layer.digest,
                size=layer.size,
                media_type=layer.media_type,
                foreign=layer.is_foreign,
                diff_id=diff_id or None,
            )
            for position, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=True))
        ],
    )
