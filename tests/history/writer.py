"""A writer for the tests that kill it: adds parts, publishes, and says so, again and again.

Run as ``python writer.py LOCATION TIMES``: prints each snapshot's name once it is published. It
makes its rows by hand, since importing hypothesis would double the time to its first snapshot.
"""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime

from regtools.history import Draft, History
from regtools.schema import (
    ChildRow,
    Inventory,
    LayerRow,
    ManifestRow,
    RepositoryRow,
    SnapshotRow,
    TagRow,
)

REGISTRY = "registry.example.com"
REPOSITORIES = 6


def repository(name: str) -> Inventory:
    """Make a repository with one tag: an index of one new image with two layers."""
    index, image = (f"sha256:{secrets.token_hex(32)}" for _ in range(2))
    return Inventory(
        repositories=[RepositoryRow(registry=REGISTRY, repository=name)],
        tags=[TagRow(registry=REGISTRY, repository=name, tag="1", digest=index)],
        manifests=[
            ManifestRow(digest=index, media_type="index", size=1),
            ManifestRow(digest=image, media_type="image", size=1),
        ],
        children=[ChildRow(parent=index, child=image)],
        layers=[
            LayerRow(
                manifest=image, position=n, blob=f"b{n}", size=n, media_type="layer", foreign=False
            )
            for n in range(2)
        ],
    )


def scan(draft: Draft, now: datetime) -> SnapshotRow:
    """Fill a draft as a scan does, and publish it."""
    for number in range(REPOSITORIES):
        name = f"team/r{number}"
        if name not in draft.finished:
            draft.add(repository(name))
    return draft.publish(
        kind="distribution",
        taken_at=now,
        complete=True,
        requests=1,
        seconds=0,
        dedup_scope="registry",
    )


def main(location: str, times: int) -> None:
    """Publish so many snapshots."""
    history = History(location)
    for _ in range(times):
        now = datetime.now(UTC)
        with history.draft(REGISTRY, "", now=now) as draft:
            print(scan(draft, now).snapshot, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
