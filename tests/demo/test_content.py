"""Layers that take no room are still what their digests say."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.demo import large_layers as large

from regtools.demo.content import digest_of, document, large_layers, layer, smallest_layer

SIZES = st.integers(smallest_layer("a layer"), 5_000_000)


@given(size=SIZES)
@settings(max_examples=30, deadline=None)
def test_a_layer_has_the_size_and_digest_of_its_bytes(size: int) -> None:
    made = layer("a layer", size)
    data = b"".join(made.read())
    assert (len(data), digest_of(data)) == (size, made.digest)


@given(size=SIZES, cut=st.tuples(st.floats(0, 1), st.floats(0, 1)))
@settings(max_examples=30, deadline=None)
def test_a_part_of_a_layer_is_that_part_of_its_bytes(size: int, cut: tuple[float, float]) -> None:
    made = layer("a layer", size)
    start, stop = sorted(round(size * share) for share in cut)
    assert b"".join(made.read(start, stop)) == b"".join(made.read())[start:stop]


def test_a_layer_is_a_gzip_file_with_a_tar_archive_and_its_diff_id() -> None:
    made = layer("usr/bin/serve", 3_141_592)
    archive = gzip.decompress(b"".join(made.read()))
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        names = opened.getnames()
    assert digest_of(archive) == made.diff_id
    assert names == ["usr/share/harbourline/layer"]


def test_layers_of_the_same_size_differ_by_their_names() -> None:
    one, other = layer("one", 70_000), layer("other", 70_000)
    assert one.digest != other.digest
    assert one.diff_id != other.diff_id


def test_a_layer_cannot_be_smaller_than_what_it_holds() -> None:
    with pytest.raises(ValueError, match="at least"):
        layer("a layer", smallest_layer("a layer") - 1)


def test_a_document_is_json_with_the_digest_of_its_bytes() -> None:
    made = document("application/json", {"name": "é"})
    body = b"".join(made.read())
    assert json.loads(body) == {"name": "é"}
    assert (made.size, made.digest) == (len(body), digest_of(body))


def test_the_digests_of_the_largest_layers_are_true() -> None:
    """They stand in a file, since hashing them takes too long. `large_layers.py` writes it."""
    assert large_layers() == large.compute(large.needed())
