"""A large corpus of small images: what a scan reads is many, what it does not read is little.

The proportions are those of a company's registry (10,000 tags in 200 repositories: 38 % of the
tags name a digest that another tag names too, every eleventh image has two platforms).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.support import push
from tests.support.push import Blob, Pusher

TAGS_A_REPOSITORY = 50
DISTINCT_OF_100 = 62
INDEX_EVERY = 11
BASE_LAYERS = 4
PUSHERS = 8
FIRST_DAY = datetime(2025, 5, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What was pushed, in numbers, and where to find it."""

    images: Sequence[str]
    """``repository:tag`` of every tag."""
    repositories: int
    digests: int
    """Distinct digests that tags name."""


def push_many(url: str, tags: int) -> Pushed:
    """Push about so many tags, several repositories at once."""
    count = max(1, tags // TAGS_A_REPOSITORY)
    shares = [tags // count + (number < tags % count) for number in range(count)]
    bases = [push.layer(f"base-{number}", 2_000) for number in range(BASE_LAYERS)]
    with Pusher(url) as pusher, ThreadPoolExecutor(PUSHERS) as pool:
        for base in bases:
            pusher.blob("base/image", base.data)
        done = list(
            pool.map(
                lambda number: _repository(pusher, number, shares[number], bases), range(count)
            )
        )
    return Pushed(
        images=[image for images, _ in done for image in images],
        repositories=count,
        digests=sum(digests for _, digests in done),
    )


def _repository(
    pusher: Pusher, number: int, tags: int, bases: Sequence[Blob]
) -> tuple[list[str], int]:
    name = f"team-{number % 7}/service-{number:04}"
    for base in bases:
        pusher.mount(name, base.digest, "base/image")
    images, digests, newest = [], 0, None
    for position in range(tags):
        if (
            newest is None
            or position * DISTINCT_OF_100 // 100 != (position - 1) * DISTINCT_OF_100 // 100
        ):
            newest = _image_or_index(pusher, name, digests, bases)
            digests += 1
        tag = f"v1.{position}.0"
        pusher.manifest(name, tag, newest)
        images.append(f"{name}:{tag}")
    return images, digests


def _image_or_index(pusher: Pusher, name: str, number: int, bases: Sequence[Blob]) -> Blob:
    if number % INDEX_EVERY:
        return _image(pusher, name, number, bases, "linux/amd64")
    children = []
    for platform in ("linux/amd64", "linux/arm64"):
        child = _image(pusher, name, number, bases, platform)
        pusher.manifest(name, child.digest, child)
        children.append(child.descriptor(platform=push.platform_of(platform)))
    return push.index(children)


def _image(pusher: Pusher, name: str, number: int, bases: Sequence[Blob], platform: str) -> Blob:
    own = push.layer(f"{name}-{number}-{platform}", 300)
    layers = (*bases, own)
    created = FIRST_DAY + timedelta(hours=8 * number)
    config = push.image_config(layers, created=created, platform=platform)
    pusher.blob(name, own.data)
    pusher.blob(name, config.data)
    return push.manifest(config, [entry.descriptor() for entry in layers])
