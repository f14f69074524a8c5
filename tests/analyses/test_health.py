"""Health says what needs a hand, worst first, and what was found to be fine."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.support.inventories import NOON, REGISTRY, Shelf, layer, publish

from regtools.analyses.examinations import Seen
from regtools.analyses.health import COLUMNS, Thresholds, health, judge, look, worst
from regtools.history import History
from regtools.schema import CheckRow, ProblemRow
from regtools.units import GB

GOOD = (
    ("resolve", "RESOLVED"),
    ("connect", "CONNECTED"),
    ("http", "HTTP_OK"),
    ("auth", "AUTH_OK"),
    ("listing", "LISTING_OK"),
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def check(stage: str, code: str, status: str = "ok", **facts: object) -> CheckRow:
    return CheckRow(
        registry=REGISTRY,
        stage=stage,
        code=code,
        status=status,
        summary=f"{stage} said {code}.",
        evidence=json.dumps(facts) if facts else "",
        remedy="" if status == "ok" else "Do something.",
    )


def certificate(days: float) -> CheckRow:
    """Give a check of TLS from long ago, of a certificate with these days left at `NOON`."""
    not_after = (NOON + timedelta(days=days)).isoformat()
    return check("tls", "TLS_OK", not_after=not_after, days_left=90, issuer="CA")


def app(*, size: int = 400, tags: int = 1, made: datetime | None = NOON) -> Shelf:
    """Give a repository `app` with that many tags."""
    shelf = Shelf()
    for number in range(tags):
        image = shelf.image(layer(f"app {number}", size), name=number, created_at=made)
        shelf.tag("app", f"v{number}", image)
    return shelf


def add(
    history: History,
    shelf: Shelf | None = None,
    *checks: CheckRow,
    problems: tuple[ProblemRow, ...] = (),
    days_ago: float = 0.5,
    namespace: str = "",
) -> None:
    inventory = (shelf or app()).inventory()
    inventory.checks.extend(checks or [check(*stage) for stage in GOOD])
    inventory.problems.extend(problems)
    publish(history, inventory, taken_at=NOON - timedelta(days=days_ago), namespace=namespace)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Give what is seen of a healthy registry: two scans, the last half a day ago, 1,000 bytes."""
    history = History(tmp_path_factory.mktemp("good"))
    add(history, days_ago=1.5)
    add(history, None, *(check(*stage) for stage in GOOD), certificate(60))
    limits = Thresholds(capacity_bytes=1_000_000)
    return look(history, registry=None, at=None, now=NOON, thresholds=limits)


def with_checks(seen: Seen, *checks: CheckRow) -> pd.DataFrame:
    """Judge a registry with these checks."""
    columns = [field.name for field in dataclasses.fields(CheckRow)]
    rows = [dataclasses.asdict(row) for row in checks]
    return judge(dataclasses.replace(seen, checks=pd.DataFrame(rows, columns=columns)))


def with_limits(seen: Seen, **limits: Any) -> pd.DataFrame:
    """Judge a registry by these thresholds."""
    return judge(dataclasses.replace(seen, thresholds=Thresholds(**limits)))


def judged(history: History, **limits: Any) -> pd.DataFrame:
    return health(history, thresholds=Thresholds(**limits), now=NOON)


def one(frame: pd.DataFrame, code: str) -> dict[str, Any]:
    """Give the only finding with this code."""
    (row,) = frame[frame["finding"] == code].to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_a_healthy_registry_is_fine_in_every_area(good: Seen) -> None:
    frame = judge(good)
    assert set(frame["severity"]) == {"ok"}
    assert {code for _, code in GOOD} < set(frame["finding"])
    assert set(frame["finding"]) >= {
        "TLS_OK",
        "SNAPSHOT_FRESH",
        "SNAPSHOT_COMPLETE",
        "CONTENT_OK",
        "CAPACITY_OK",
        "GROWTH_STEADY",
        "SIZES_OK",
        "TAGS_OK",
        "AGES_OK",
    }
    assert worst(frame) == "ok"


def test_an_empty_history_gives_a_typed_empty_frame(history: History) -> None:
    frame = judged(history)
    assert frame.empty
    assert dict(frame.dtypes.astype(str)) == COLUMNS
    assert worst(frame) == "ok"


def test_the_worst_comes_first_and_each_row_is_text(history: History) -> None:
    add(
        history,
        app(tags=4),
        check("resolve", "RESOLVED"),
        check("auth", "AUTH_ANONYMOUS"),
        check("listing", "LISTING_EMPTY", "warn"),
        check("connect", "CONNECT_REFUSED", "fail"),
    )
    frame = judged(history, tags=3)
    severities = ["critical", "warning", "info", "ok"]
    assert frame["severity"].tolist() == sorted(frame["severity"], key=severities.index)
    assert set(frame["severity"]) == set(severities)
    assert worst(frame) == "critical"
    assert dict(frame.dtypes.astype(str)) == COLUMNS
    assert all(isinstance(json.loads(text), dict) for text in frame["evidence"])
    assert (frame.loc[frame["severity"].isin(["critical", "warning"]), "remedy"] != "").all()


@pytest.mark.parametrize(
    ("status", "code", "severity"),
    [
        ("fail", "AUTH_REFUSED", "critical"),
        ("fail", "DNS_FAILED", "critical"),
        ("warn", "LISTING_DENIED", "warning"),
        ("warn", "PLAIN_HTTP", "warning"),
        ("ok", "AUTH_ANONYMOUS", "info"),
        ("ok", "AUTH_OK", "ok"),
    ],
)
def test_a_check_is_judged_by_its_status(good: Seen, status: str, code: str, severity: str) -> None:
    found = one(with_checks(good, check("auth", code, status, told="x")), code)
    assert found["severity"] == severity
    assert found["subject"] == "auth"
    assert json.loads(found["evidence"]) == {"told": "x"}


def test_a_skipped_stage_is_no_finding(good: Seen) -> None:
    skipped = check("tls", "SKIPPED", "skipped")
    frame = with_checks(good, check("resolve", "DNS_FAILED", "fail"), skipped)
    assert "DNS_FAILED" in set(frame["finding"])
    assert "SKIPPED" not in set(frame["finding"])


def test_a_scan_without_checks_is_said(good: Seen) -> None:
    assert one(with_checks(good), "CHECKS_MISSING")["severity"] == "info"


@pytest.mark.parametrize(
    ("days", "severity", "code"),
    [
        (31, "ok", "TLS_OK"),
        (29, "warning", "TLS_EXPIRES_SOON"),
        (6, "critical", "TLS_EXPIRES_SOON"),
        (-2, "critical", "TLS_CERT_EXPIRED"),
    ],
)
def test_a_certificate_is_judged_from_now_and_not_from_the_check(
    good: Seen, days: int, severity: str, code: str
) -> None:
    found = one(with_checks(good, certificate(days)), code)
    assert found["severity"] == severity
    assert json.loads(found["evidence"])["days_left"] == days


def test_a_certificate_that_was_not_trusted_is_one_finding(good: Seen) -> None:
    not_after = (NOON + timedelta(days=3)).isoformat()
    frame = with_checks(good, check("tls", "TLS_CERT_NAME", "fail", not_after=not_after))
    assert frame.loc[frame["subject"] == "tls", "finding"].tolist() == ["TLS_CERT_NAME"]


@pytest.mark.parametrize(
    ("days", "severity"), [(1.9, "ok"), (2.1, "warning"), (6.9, "warning"), (7.1, "critical")]
)
def test_an_old_scan_is_stale(good: Seen, days: float, severity: str) -> None:
    later = good.snapshots[0].taken_at + timedelta(days=days)
    code = "SNAPSHOT_FRESH" if severity == "ok" else "SNAPSHOT_STALE"
    assert one(judge(dataclasses.replace(good, now=later)), code)["severity"] == severity


def test_a_scan_that_a_newer_one_covers_is_not_stale(history: History) -> None:
    shelf = Shelf()
    shelf.tag("web/app", "1", shelf.image())
    add(history, shelf, namespace="web", days_ago=100)
    add(history)
    assert "SNAPSHOT_STALE" not in set(judged(history)["finding"])


def test_what_could_not_be_read_is_one_finding_for_each_reason_and_repository(
    history: History,
) -> None:
    problems = [
        ProblemRow(registry=REGISTRY, repository=name, reference=tag, code="DENIED", message="no")
        for name, tag in (("app", "v9"), ("app", "sha256:abc"), ("app", ""), ("web", "1"))
    ]
    add(history, problems=tuple(problems))
    frame = judged(history)
    denied = frame[frame["finding"] == "DENIED"]
    assert denied["subject"].tolist() == ["app", "web:1"]
    assert denied["summary"].tolist() == ["no So it is with 2 more in app.", "no"]
    assert json.loads(denied["evidence"].iloc[0])["problems"] == 3
    assert set(denied["severity"]) == {"warning"}
    assert not frame["finding"].isin(["SNAPSHOT_INCOMPLETE", "SNAPSHOT_COMPLETE"]).any()


def test_a_scan_that_is_not_complete_and_says_not_why_is_told_as_that(good: Seen) -> None:
    snapshots = [dataclasses.replace(row, complete=False) for row in good.snapshots]
    found = one(judge(dataclasses.replace(good, snapshots=snapshots)), "SNAPSHOT_INCOMPLETE")
    assert found["severity"] == "warning"


def test_what_is_missing_is_one_finding_and_told_nowhere_else(history: History) -> None:
    shelf = app(tags=3)
    lost = shelf.image(platform="linux/arm64")
    shelf.tag("app", "many", shelf.index(shelf.image(), lost))
    problems = tuple(
        ProblemRow(registry=REGISTRY, repository="app", reference=name, code=code, message="no")
        for name, code in ((lost, "NOT_FOUND"), ("v9", "NOT_FOUND"))
    )
    add(history, shelf, problems=problems)
    frame = judged(history)
    found = one(frame, "CONTENT_BROKEN")
    assert found["severity"] == "critical"
    assert found["subject"] == "app"
    assert json.loads(found["evidence"])["codes"] == {"TAG_DANGLING": 1, "INDEX_CHILD_MISSING": 1}
    assert "`regtools audit`" in found["remedy"]
    urgent = frame.loc[frame["severity"].isin(["critical", "warning"]), "finding"]
    assert urgent.tolist() == ["CONTENT_BROKEN"]


def test_beside_what_is_missing_what_was_refused_is_told(history: History) -> None:
    problems = tuple(
        ProblemRow(registry=REGISTRY, repository="app", reference=name, code=code, message="no")
        for name, code in (("v8", "DENIED"), ("v9", "NOT_FOUND"))
    )
    add(history, problems=problems)
    urgent = judged(history)
    urgent = urgent[urgent["severity"].isin(["critical", "warning"])]
    assert sorted(urgent["finding"]) == ["CONTENT_BROKEN", "DENIED"]


@pytest.mark.parametrize(("asked", "words"), [(True, "every layer"), (False, "was not asked")])
def test_that_all_is_there_is_said_as_far_as_it_was_asked(
    history: History, asked: bool, words: str
) -> None:
    add(history, None, *([check("content", "BLOBS_CHECKED")] if asked else []))
    assert words in one(judged(history), "CONTENT_OK")["summary"]


@pytest.mark.parametrize(
    ("capacity", "severity"),
    [(2000, "ok"), (1200, "warning"), (1020, "critical"), (500, "critical")],
)
def test_stored_bytes_are_held_against_the_capacity(
    good: Seen, capacity: int, severity: str
) -> None:
    code = "CAPACITY_OK" if severity == "ok" else "CAPACITY_NEARLY_USED"
    assert one(with_limits(good, capacity_bytes=capacity), code)["severity"] == severity


def test_without_a_capacity_none_is_judged(good: Seen) -> None:
    assert not with_limits(good)["finding"].str.startswith("CAPACITY").any()


def test_large_things_are_named(history: History) -> None:
    shelf = app(size=3 * GB, tags=2)
    add(history, shelf)
    frame = judged(history, repository_bytes=5 * GB)
    assert one(frame, "REPOSITORY_LARGE")["summary"] == "app stores 6.00 GB in 2 tags."
    layers = one(frame, "LAYER_LARGE")
    assert layers["summary"] == "The largest layer, in app, has 3.00 GB; above 1.00 GB: 2 layers."
    assert len(json.loads(layers["evidence"])["largest"]) == 2
    assert "SIZES_OK" not in set(frame["finding"])


def test_an_image_is_large_beside_the_large_layers_that_are_told_already(
    history: History,
) -> None:
    shelf = Shelf()
    small = [layer(f"small {number}", GB - number) for number in range(4)]
    large = layer("large", 3 * GB)
    shelf.tag("app", "many", shelf.image(*small, large, name="many"))
    shelf.tag("app", "one", shelf.image(small[0], large, name="one"))
    add(history, shelf)
    frame = judged(history)
    assert one(frame, "LAYER_LARGE")["summary"].endswith("has 3.00 GB; above 1.00 GB: 1 layer.")
    image = one(frame, "IMAGE_LARGE")
    assert image["summary"] == "Pulling app:many transfers 7.00 GB; above 2.00 GB: 1 of its tags."
    assert "IMAGE_LARGE" not in set(judged(history, pull_bytes=5 * GB)["finding"])
    assert one(judged(history, layer_bytes=3 * GB), "IMAGE_LARGE")["summary"].endswith(
        "2 of its tags."
    )


def test_many_tags_are_named(good: Seen) -> None:
    assert one(with_limits(good, tags=0), "TAGS_MANY")["threshold"] == "0 tags"
    assert "TAGS_MANY" not in set(with_limits(good, tags=1)["finding"])


def test_a_repository_without_a_recent_image_is_unused(history: History) -> None:
    add(history, app(made=NOON - timedelta(days=400)))
    found = one(judged(history), "REPOSITORY_UNUSED")
    assert (found["severity"], found["subject"]) == ("info", "app")
    assert "2025-10-19" in found["summary"]


def test_a_date_that_cannot_be_right_makes_no_repository_unused(history: History) -> None:
    add(history, app(made=NOON.replace(year=1970)))
    assert "REPOSITORY_UNUSED" not in set(judged(history)["finding"])


def test_a_latest_that_is_not_the_latest_is_named(history: History) -> None:
    shelf = app(made=NOON - timedelta(days=1))
    old = shelf.image(name="old", created_at=NOON - timedelta(days=50))
    shelf.tag("app", "latest", old)
    add(history, shelf)
    limits = Thresholds()
    seen = look(history, registry=None, at=None, now=NOON, thresholds=limits)
    found = one(judge(seen), "LATEST_BEHIND")
    assert found["summary"] == "app:latest is 49 days older than v0."
    assert "LATEST_BEHIND" not in set(with_limits(seen, latest_behind_days=49)["finding"])


@pytest.mark.parametrize(("size", "code"), [(599, "GROWTH_STEADY"), (601, "GROWTH_SPIKE")])
def test_a_jump_between_the_last_two_scans_is_a_spike(
    history: History, size: int, code: str
) -> None:
    add(history, days_ago=1.5)  # 1,000 bytes
    add(history, app(size=size))
    found = one(judged(history), code)
    assert json.loads(found["evidence"])["grew_most"] == {"app": size - 400}


def test_an_incomplete_scan_before_makes_no_spike(history: History) -> None:
    problem = ProblemRow(registry=REGISTRY, repository="a", reference="", code="X", message="x")
    add(history, problems=(problem,), days_ago=1.5)
    add(history, app(size=9000))
    assert "GROWTH_SPIKE" not in set(judged(history)["finding"])


def test_registries_are_examined_apart(history: History) -> None:
    add(history)
    other = Shelf(registry="other.example.com")
    publish(history, other.inventory(), registry=other.registry, taken_at=NOON)
    assert set(judged(history)["registry"]) == {REGISTRY, other.registry}
    alone = health(history, registry=REGISTRY, now=NOON)
    assert set(alone["registry"]) == {REGISTRY}


def test_ages_are_counted_from_at_where_now_is_not_given(history: History) -> None:
    add(history, days_ago=30)
    at = NOON - timedelta(days=29)
    assert "SNAPSHOT_FRESH" in set(health(history, at=at)["finding"])
    assert health(history, at=at - timedelta(days=5)).empty


def test_a_time_without_a_zone_is_utc(history: History) -> None:
    add(history)
    at = NOON.replace(tzinfo=None)
    assert health(history, at=at).equals(health(history, at=NOON))
    assert health(history, now=at).equals(health(history, now=NOON))


def test_every_threshold_says_what_it_is_for() -> None:
    names = {field.name for field in dataclasses.fields(Thresholds)}
    assert "growth_share" in names
    with pytest.raises(dataclasses.FrozenInstanceError):
        Thresholds().tags = 3  # type: ignore[misc]
