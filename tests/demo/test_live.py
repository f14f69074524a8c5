"""A real scan of the sample registry finds what the history was written with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.demo.conftest import NOW

from regtools.analyses.audit import audit
from regtools.demo import Company, live_snapshot, past_snapshots
from regtools.demo.history import REGISTRY, Watched, own_registry, public_registry
from regtools.demo.story import HARBOURLINE
from regtools.history import History
from regtools.schema import TABLES, SnapshotRow

SOME = (
    "platform/gateway",
    "platform/auth",
    "web/spike-maps",
    "ml/eta-model",
    "legacy/rates-importer",
)
"""Repositories with something odd in each."""


@pytest.fixture(scope="module")
def part() -> Watched:
    """A registry with some of Harbourline's services, and its bases and charts."""
    services = [one for one in HARBOURLINE.services if one.repository in SOME]
    return replace(
        own_registry(NOW), company=Company(NOW, story=replace(HARBOURLINE, services=services))
    )


def contents(history: History, snapshot: SnapshotRow) -> dict[str, list[dict[str, object]]]:
    """Read all rows of a snapshot, sorted, without its name."""
    found = {}
    for table in TABLES.keys() - {"snapshots"}:
        (file,) = history.files(table, [snapshot])
        rows = pq.read_table(file).drop_columns(["snapshot"]).to_pylist()
        found[table] = sorted(rows, key=repr)
    return found


@pytest.mark.parametrize("which", ["own", "public"])
def test_a_scan_over_http_finds_what_is_written_without_one(
    which: str, part: Watched, tmp_path: Path
) -> None:
    watched = part if which == "own" else public_registry(NOW)
    written, scanned = History(tmp_path / "written"), History(tmp_path / "scanned")
    past_snapshots(written, watched, [NOW])
    live_snapshot(scanned, watched)
    (one,), (other,) = written.snapshots(), scanned.snapshots()
    assert contents(scanned, other) == contents(written, one)
    assert other.complete
    assert (other.registry, other.namespace, other.kind, other.dedup_scope) == (
        one.registry,
        one.namespace,
        one.kind,
        one.dedup_scope,
    )


def test_a_scan_after_the_history_fetches_only_what_is_new(part: Watched, tmp_path: Path) -> None:
    history = History(tmp_path)
    past_snapshots(history, part, [NOW - timedelta(days=3)])
    snapshot = live_snapshot(history, part)
    tags = sum(len(tags) for tags in part.company.state(NOW).values())
    assert snapshot.registry == REGISTRY
    # A token and a page or two for each repository, a HEAD for each tag, the new ones, and a GET
    # for each image of which only the signature is left.
    gone = set(audit(history).loc[lambda rows: rows["code"] == "SIGNATURE_WITHOUT_IMAGE", "digest"])
    assert gone
    assert tags < snapshot.requests < tags + len(gone) + 100
