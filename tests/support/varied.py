"""Inventories with more variety than `shelves` draws, for what cuts across images."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from tests.support.inventories import Shelf, digest, shelves

PLATFORMS = ("linux/amd64", "linux/arm64", "unknown/unknown", None)


def varied_shelves() -> st.SearchStrategy[Shelf]:
    """Draw images of several platforms, some known only from the index around them.

    Some layers tell what they hold uncompressed, and some of those hold the same.
    """
    return shelves(unknown_sizes=True).map(_varied)


def _varied(shelf: Shelf) -> Shelf:
    # All follows from the digest: in another registry or scan, the same digest is the same thing.
    for name, row in list(shelf.manifests.items()):
        if name not in shelf.children and row.platform == "linux/amd64":
            shelf.manifests[name] = replace(row, platform=PLATFORMS[_number(name) % 4])
    for name, rows in shelf.layers.items():
        shelf.layers[name] = [replace(row, diff_id=_content(row.blob)) for row in rows]
    return shelf


def _content(blob: str) -> str | None:
    number = _number(blob) % 4
    return digest(("content", number)) if number else None


def _number(digest: str) -> int:
    return int(digest[-4:], 16)
