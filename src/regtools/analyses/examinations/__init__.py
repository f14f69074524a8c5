"""The areas of health, a function each: what was seen goes in, findings come out.

An area that finds nothing says so with an ``ok`` for each registry, so that a reader knows what
was looked at. Nothing here reads a history; `regtools.analyses.health` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from regtools.analyses.examinations.age import ages
from regtools.analyses.examinations.answers import errors, latency, pulls
from regtools.analyses.examinations.connection import expiry, freshness, reachability, unread
from regtools.analyses.examinations.content import content, schema1
from regtools.analyses.examinations.credential import credential
from regtools.analyses.examinations.found import Found, Seen
from regtools.analyses.examinations.room import capacity, disks, quotas
from regtools.analyses.examinations.storage import sizes, spikes, tag_counts, untagged
from regtools.analyses.examinations.tags import moved, never_pulled

__all__ = ["AREAS", "Found", "Seen"]

AREAS: Final[Sequence[Callable[[Seen], Iterator[Found]]]] = (
    reachability,
    expiry,
    credential,
    pulls,
    latency,
    errors,
    freshness,
    unread,
    content,
    schema1,
    quotas,
    disks,
    capacity,
    spikes,
    sizes,
    untagged,
    tag_counts,
    moved,
    never_pulled,
    ages,
)
"""In the order in which findings of one severity are told."""
