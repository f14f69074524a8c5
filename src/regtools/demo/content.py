"""Layers of gigabytes that take no room: bytes made when they are asked for, with true digests.

A layer is a real gzip file. As many empty members as its size needs come first, which every
reader skips, then one with a small tar archive that holds the layer's name. The empty members are
all alike, so that the hash of any number of them is computed once and copied for each layer.
"""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from regtools.reference import Digest

if TYPE_CHECKING:
    from hashlib import _Hash

_GZIP_HEADER: Final = bytes.fromhex("1f8b 08 04 00000000 00 ff")  # FEXTRA, no time, unknown system
_PERIOD: Final = 1 << 16
_EXTRA: Final = _PERIOD - len(_GZIP_HEADER) - 2 - 10
_EMPTY_MEMBER: Final = (
    _GZIP_HEADER + struct.pack("<H", _EXTRA) + bytes(_EXTRA) + b"\x03\x00" + bytes(8)
)
_CHUNK: Final = 16 * _PERIOD
_PADDING: Final = _EMPTY_MEMBER * 17  # a chunk, from wherever in a period it starts
_KEPT_STATES: Final = 8192
HASHED_IN_PASSING: Final = (_KEPT_STATES + 1) * _PERIOD
"""A larger layer (512 MiB) has its digest looked up in ``large_layers.json``."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A blob whose bytes are made when they are read. Made by `layer`."""

    name: str
    size: int
    digest: Digest
    diff_id: Digest
    """Digest of the tar archive inside."""

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Give the bytes from `start` up to `stop`, in pieces of about 1 MiB."""
        end = self.size if stop is None else min(stop, self.size)
        tail = _tail(self.name, self.size)
        padded = self.size - len(tail)
        while start < min(end, padded):
            offset = start % _PERIOD
            piece = _PADDING[offset : offset + min(_CHUNK, min(end, padded) - start)]
            start += len(piece)
            yield piece
        if start < end:
            yield tail[start - padded : end - padded]


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest, config or other small thing, with its bytes."""

    media_type: str
    body: bytes = field(repr=False)
    digest: Digest

    @property
    def size(self) -> int:
        """Give the length in bytes."""
        return len(self.body)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Give the bytes from `start` up to `stop`."""
        yield self.body[start:stop]


Blob = Layer | Document


@cache
def layer(name: str, size: int) -> Layer:
    """Make a layer of exactly this size; another name gives other bytes.

    Parameters
    ----------
    name
        What the layer is, at most some hundred characters.
    size
        At least `smallest_layer` bytes.
    """
    archive = _archive(name)
    return Layer(name, size, _layer_digest(name, size), digest_of(archive))


def document(media_type: str, content: Any) -> Document:
    """Write JSON."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Document(media_type, body, digest_of(body))


def digest_of(data: bytes) -> Digest:
    """Give the sha256 digest of bytes."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def smallest_layer(name: str) -> int:
    """Give the size that a layer of this name has at least."""
    return len(_last_member(name, extra=0))


def large_layers() -> dict[str, str]:
    """Give the digests of layers too large to hash in passing, by name and size."""
    text = files("regtools.demo").joinpath("large_layers.json").read_text("utf-8")
    return dict(json.loads(text))


def hash_layer(name: str, size: int) -> Digest:
    """Compute a layer's digest, from all of its bytes in effect."""
    tail = _tail(name, size)
    state = _padding_hash((size - len(tail)) // _PERIOD)
    state.update(tail)
    return Digest(f"sha256:{state.hexdigest()}")


def _layer_digest(name: str, size: int) -> Digest:
    if size > HASHED_IN_PASSING and (known := _large().get(f"{name} {size}")):
        return Digest(known)
    return hash_layer(name, size)


@cache
def _large() -> dict[str, str]:
    return large_layers()


_states: Final[list[_Hash]] = [hashlib.sha256()]
"""The hash of n empty members at position n, as far as anybody asked."""
_states_lock: Final = threading.Lock()


def _padding_hash(members: int) -> _Hash:
    with _states_lock:
        while len(_states) <= min(members, _KEPT_STATES):
            state = _states[-1].copy()
            state.update(_EMPTY_MEMBER)
            _states.append(state)
    state = _states[min(members, _KEPT_STATES)].copy()
    for _ in range(members - _KEPT_STATES):
        state.update(_EMPTY_MEMBER)
    return state


def _tail(name: str, size: int) -> bytes:
    """Give the last member, filled up to what whole empty members leave over."""
    spare = size - smallest_layer(name)
    if spare < 0:
        raise ValueError(f"a layer named {name!r} has at least {smallest_layer(name)} bytes")
    return _last_member(name, extra=spare % _PERIOD)


def _last_member(name: str, *, extra: int) -> bytes:
    archive = _archive(name)
    # A stored block: what zlib would make of it is not the same in every version.
    block = struct.pack("<BHH", 1, len(archive), len(archive) ^ 0xFFFF) + archive
    check = struct.pack("<II", zlib.crc32(archive), len(archive))
    return _GZIP_HEADER + struct.pack("<H", extra) + bytes(extra) + block + check


def _archive(name: str) -> bytes:
    """Give a tar archive of one file with the layer's name in it."""
    content = f"{name}\n".encode()
    info = tarfile.TarInfo("usr/share/harbourline/layer")
    info.size = len(content)
    blocks = -(-len(content) // tarfile.BLOCKSIZE)
    return (
        info.tobuf(tarfile.USTAR_FORMAT)
        + content.ljust(blocks * tarfile.BLOCKSIZE, b"\0")
        + bytes(2 * tarfile.BLOCKSIZE)
    )
