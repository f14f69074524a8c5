"""Inventories with more variety than `shelves` draws, for what cuts across images."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from tests.support.inventories import Shelf, digest, shelves

PLATFORMS = ("linux/amd64", "linux/arm64", "unknown/unknown", None)


@st.composite
def varied_shelves(draw: st.DrawFn) -> Shelf:
    """Draw images of several platforms, some known only from the index around them.

    Some layers tell what they hold uncompressed, and some of those hold the same.
    """
    shelf = draw(shelves(unknown_sizes=True))
    for name, row in list(shelf.manifests.items()):
        if name not in shelf.children and row.platform == "linux/amd64":
            shelf.manifests[name] = replace(row, platform=draw(st.sampled_from(PLATFORMS)))
    blobs = sorted({row.blob for rows in shelf.layers.values() for row in rows})
    contents = {blob: digest(("diff", draw(st.integers(0, 2)))) for blob in blobs}
    for name, rows in shelf.layers.items():
        if draw(st.booleans()):
            shelf.layers[name] = [replace(row, diff_id=contents[row.blob]) for row in rows]
    return shelf
