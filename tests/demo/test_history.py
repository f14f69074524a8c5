"""The sample history is sound, tells the story, and is what scans would have found."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.demo.conftest import NOW

import regtools.demo.history as sample
from regtools.demo import Company, default_history, sample_history
from regtools.demo.history import PUBLIC_REGISTRY, REGISTRY, Watched, own_registry, scan_times
from regtools.demo.observations import OUTAGE_REPOSITORIES
from regtools.history import History
from regtools.schema import SnapshotRow


def rows(history: History, table: str, snapshot: SnapshotRow) -> list[dict[str, object]]:
    (file,) = history.files(table, [snapshot])
    return list(pq.read_table(file).to_pylist())


def own(history: History) -> list[SnapshotRow]:
    return [row for row in history.snapshots() if row.registry == REGISTRY]


def test_nothing_is_wrong_with_it(history: History) -> None:
    assert history.check(now=NOW) == []


def test_it_holds_two_registries_of_different_kinds(history: History) -> None:
    newest = {(row.registry, row.kind, row.dedup_scope) for row in history.latest()}
    assert newest == {
        (REGISTRY, "distribution", "registry"),
        (PUBLIC_REGISTRY, "ghcr", "unknown"),
    }


def test_it_spans_18_months_and_ends_last_night(history: History) -> None:
    taken = [row.taken_at for row in own(history)]
    assert taken[-1] == datetime(2026, 11, 23, 2, 17, tzinfo=UTC)
    assert timedelta(days=515) < taken[-1] - taken[0] < timedelta(days=548)


def test_the_whole_one_has_a_scan_a_week_and_lately_one_a_night() -> None:
    times = scan_times(NOW)
    gaps = [(two - one).days for one, two in pairwise(times)]
    assert gaps == [7] * 76 + [1] * 8


def test_a_scan_that_is_still_to_come_is_not_in_it() -> None:
    early = datetime(2026, 11, 23, 1, tzinfo=UTC)
    assert scan_times(early)[-1] == datetime(2026, 11, 22, 2, 17, tzinfo=UTC)


def test_a_snapshot_holds_what_the_company_had(history: History, company: Company) -> None:
    newest = own(history)[-1]
    tags = {(row["repository"], row["tag"], row["digest"]) for row in rows(history, "tags", newest)}
    state = company.state(newest.taken_at)
    assert tags == {(name, tag, d) for name, tags in state.items() for tag, d in tags.items()}
    assert {row["repository"] for row in rows(history, "repositories", newest)} == set(state)


def test_one_scan_met_an_outage_and_says_so(history: History) -> None:
    (partly,) = [row for row in history.snapshots() if not row.complete]
    problems = rows(history, "problems", partly)
    assert {row["repository"] for row in problems} == set(OUTAGE_REPOSITORIES)
    unread = {r["repository"] for r in rows(history, "repositories", partly) if r["problem"]}
    assert unread == set(OUTAGE_REPOSITORIES)
    assert not unread & {row["repository"] for row in rows(history, "tags", partly)}


def test_the_certificate_runs_out_from_snapshot_to_snapshot(history: History) -> None:
    left = []
    for row in own(history):
        (tls,) = [check for check in rows(history, "checks", row) if check["stage"] == "tls"]
        left.append(json.loads(str(tls["evidence"]))["days_left"])
        assert tls["status"] == ("warn" if left[-1] < 30 else "ok")
    assert left[-1] == 19
    assert sum(two > one for one, two in pairwise(left)) == 1


def test_one_week_was_slow() -> None:
    site = own_registry(NOW).site
    times = scan_times(NOW)
    http = [next(c.ms or 0 for c in site.checks(at) if c.stage == "http") for at in times]
    slow = [at for at, ms in zip(times, http, strict=True) if ms > 3 * sorted(http)[len(http) // 2]]
    assert len(slow) == 1
    assert site.is_slow(slow[0])


def test_a_scan_can_make_the_newest_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "scan_times", lambda *_, **__: [NOW - timedelta(hours=9)])
    scanned: list[Watched] = []
    steps: list[tuple[int, int]] = []
    history = sample_history(
        tmp_path / "history",
        now=NOW,
        scan=lambda _, watched: scanned.append(watched),
        progress=lambda done, total: steps.append((done, total)),
    )
    assert len(history.snapshots()) == 2
    assert (scanned[0].registry, scanned[0].company.now) == (REGISTRY, NOW)
    assert steps == [(1, 3), (2, 3), (3, 3)]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "scan_times", lambda now, **_: [now - timedelta(hours=7)])


@pytest.mark.usefixtures("quick")
def test_the_default_history_is_made_once_a_month(tmp_path: Path) -> None:
    first = default_history(tmp_path, today=NOW)
    again = default_history(tmp_path, today=NOW + timedelta(days=7))
    later = default_history(tmp_path, today=NOW + timedelta(days=30))
    assert first.location == again.location != later.location
    assert first.latest()[0].taken_at < datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.mark.usefixtures("quick")
def test_the_default_history_goes_to_the_users_cache(clean_environ: Path) -> None:
    made = default_history(today=NOW)
    assert Path(made.location).is_relative_to(clean_environ)
    assert "sample-history-2026-11" in made.location


def test_a_default_history_that_was_not_finished_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sample, "past_snapshots", interrupted)
    with pytest.raises(KeyboardInterrupt):
        default_history(tmp_path, today=NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["sample-history.lock"]
