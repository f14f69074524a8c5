"""One fact is one finding: whatever is wrong, it is said once, with evidence, remedy and threshold."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.inventories import NOON, REGISTRY, Shelf, layer, publish

from regtools.analyses.examinations import Seen
from regtools.analyses.health import judge, look
from regtools.history import History
from regtools.schema import CheckRow, Inventory, RepositoryRow, TagRow
from regtools.thresholds import Thresholds
from regtools.units import GB

LONG_AGO: Final = NOON - timedelta(days=200)
Fact = Callable[[Seen], Seen]


def check(stage: str, code: str, status: str = "ok", **facts: object) -> dict[str, Any]:
    row = CheckRow(
        registry=REGISTRY,
        stage=stage,
        code=code,
        status=status,
        summary=f"{stage} said {code}.",
        evidence=json.dumps(facts) if facts else "",
        remedy="" if status == "ok" else f"Mend {stage}.",
    )
    return dataclasses.asdict(row)


def checks(*rows: dict[str, Any]) -> Fact:
    """Put these checks in the place of those of the same stages."""

    def change(seen: Seen) -> Seen:
        stages = {row["stage"] for row in rows}
        kept = seen.checks[~seen.checks["stage"].isin(stages)]
        return dataclasses.replace(seen, checks=pd.concat([kept, pd.DataFrame(rows)]))

    return change


def rows(table: str, *added: dict[str, Any]) -> Fact:
    """Add rows to a table of what was seen."""

    def change(seen: Seen) -> Seen:
        frame = pd.concat([getattr(seen, table), pd.DataFrame(added)], ignore_index=True)
        return dataclasses.replace(seen, **{table: frame.astype(getattr(seen, table).dtypes)})

    return change


def both(*facts: Fact) -> Fact:
    def change(seen: Seen) -> Seen:
        for fact in facts:
            seen = fact(seen)
        return seen

    return change


def days(number: float) -> str:
    return (NOON + timedelta(days=number)).isoformat()


def problem(repository: str, reference: str, code: str) -> dict[str, Any]:
    return {
        "registry": REGISTRY,
        "repository": repository,
        "reference": reference,
        "code": code,
        "message": "It was refused.",
    }


def fault(code: str, severity: str, **fields: Any) -> dict[str, Any]:
    return {
        "registry": REGISTRY,
        "repository": "app",
        "tag": "v1",
        "digest": "",
        "code": code,
        "severity": severity,
        "what": "It is broken.",
        "affected": ["v1"],
        "bytes": None,
        "remedy": "Push it again.",
        "complete": True,
        **fields,
    }


def slow(stage: str) -> dict[str, Any]:
    return {
        "stage": stage,
        "ms": 900.0,
        "runs": 20,
        "since": LONG_AGO,
        "p50_ms": 20.0,
        "p95_ms": 40.0,
        "slower": True,
        "registry": REGISTRY,
    }


def tag(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "registry": REGISTRY,
        "repository": "web",
        "tag": name,
        "pushed_at": LONG_AGO,
        "created_at": None,
        "pulled_at": None,
        "pulls": None,
        **fields,
    }


def moved(name: str) -> Fact:
    move = {
        "registry": REGISTRY,
        "repository": "web",
        "tag": name,
        "moves": 2,
        "last_moved_at": NOON - timedelta(days=1),
        **dict.fromkeys(("kind", "first_digest", "last_digest"), ""),
        **dict.fromkeys(("returns", "digests"), 2),
        "first_moved_at": NOON - timedelta(days=2),
        "days_between": 1.0,
    }
    return both(rows("moved", move), rows("pulls", tag(name, pushed_at=NOON)))


FLAKY: Final = tuple(
    {
        "registry": REGISTRY,
        "look": f"earlier {number}",
        "taken_at": NOON - timedelta(days=number),
        "code": "READ_TIMEOUT" if number < 5 else None,
    }
    for number in range(1, 9)
)
NOT_COMPLETE: Final = both(
    lambda seen: dataclasses.replace(
        seen, snapshots=[dataclasses.replace(row, complete=False) for row in seen.snapshots]
    ),
    rows("problems", *(problem("web", name, "DENIED") for name in ("1", "2", ""))),
)
FACTS: Final[dict[str, Fact]] = {
    "CONNECT_REFUSED": checks(check("connect", "CONNECT_REFUSED", "fail")),
    "CHECKS_MISSING": lambda seen: dataclasses.replace(seen, checks=seen.checks.head(0)),
    "AUTH_REFUSED": checks(
        check("credentials", "CREDENTIAL_EXPIRED", "warn", source="a file", ends_at=days(-3)),
        check("auth", "AUTH_REFUSED", "fail", answered=401),
    ),
    "AUTH_REQUIRED": checks(
        check("credentials", "CREDENTIALS_NONE", "warn", source="none", tried=[]),
        check("auth", "AUTH_REQUIRED", "warn"),
    ),
    "AUTH_ANONYMOUS": checks(
        check("credentials", "CREDENTIALS_FOUND", source="a file", personal=True),
        check("auth", "AUTH_ANONYMOUS"),
    ),
    "CREDENTIAL_EXPIRED": checks(
        check("credentials", "CREDENTIAL_EXPIRED", "warn", source="a file", ends_at=days(-3))
    ),
    "CREDENTIAL_EXPIRES_SOON": checks(
        check("credentials", "CREDENTIALS_FOUND", source="a file", ends_at=days(5))
    ),
    "CREDENTIAL_PERSONAL": checks(
        check("credentials", "CREDENTIALS_FOUND", source="a file", sort="user", personal=True)
    ),
    "CLOCK_SKEW": checks(
        check("http", "CLOCK_SKEW", "warn", skew_seconds=90),
        check("token", "TOKEN_CLOCK_SKEW", "warn", skew_seconds=90),
    ),
    "TLS_EXPIRES_SOON": checks(check("tls", "TLS_EXPIRES_SOON", "warn", not_after=days(9))),
    "PULLS_NEARLY_USED": checks(
        check("limits", "PULLS_NEARLY_USED", "warn", limit=100, remaining=5)
    ),
    "QUOTA_NEARLY_USED": both(
        checks(check("storage", "QUOTA_NEARLY_FULL", "warn", name=REGISTRY, used=97, limit=100)),
        rows(
            "reported",
            {
                "registry": REGISTRY,
                "scope": "registry",
                "name": "",
                "kind": "quota_used",
                "bytes": 96,
                "limit_bytes": 100,
                "source": "GET /quotas",
            },
        ),
    ),
    "DISK_NEARLY_FULL": checks(
        check("storage", "DISK_FULL", "fail", folder="/srv", size=1000, free=500, free_files=0)
    ),
    "SNAPSHOT_STALE": lambda seen: dataclasses.replace(seen, now=NOON + timedelta(days=3)),
    "DENIED": NOT_COMPLETE,
    "UNAUTHORIZED": both(
        checks(check("listing", "UNAUTHORIZED", "warn")),
        rows("problems", problem("", "", "UNAUTHORIZED")),
    ),
    "CONTENT_BROKEN": rows(
        "audit",
        fault("TAG_DANGLING", "critical"),
        fault("AUDIT_INCOMPLETE", "info", affected=[]),
    ),
    "SCHEMA1": rows("audit", fault("SCHEMA1", "info")),
    "LATENCY_HIGH": rows("latency", slow("resolve"), slow("connect"), slow("http")),
    "ERRORS_MANY": rows("looks", *FLAKY),
    "UNTAGGED_MUCH": rows(
        "untagged",
        {"registry": REGISTRY, "untagged": 3, "unread": 1, "untagged_bytes": 900},
    ),
    "VERSION_MOVED": moved("v1.2.3"),
    "PRODUCTION_TAG_MOVES": moved("latest"),
    "TAGS_NEVER_PULLED": rows(
        "pulls", *(tag(f"old{number}") for number in range(3)), tag("new", pulled_at=NOON)
    ),
    "CAPACITY_NEARLY_USED": lambda seen: dataclasses.replace(
        seen, thresholds=Thresholds(capacity_bytes=1100)
    ),
}
"""What may be wrong, by the one finding that it makes."""


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Give what is seen of a registry where nothing is wrong."""
    history = History(tmp_path_factory.mktemp("fine"))
    shelf = Shelf()
    shelf.tag("app", "v1", shelf.image(layer("app", 400), created_at=NOON))
    inventory = shelf.inventory()
    stages = (("resolve", "RESOLVED"), ("connect", "CONNECTED"), ("http", "HTTP_OK"))
    inventory.checks.extend(CheckRow(**check(*stage)) for stage in (*stages, ("auth", "AUTH_OK")))
    publish(history, inventory, taken_at=NOON - timedelta(hours=9))
    return look(history, registry=None, at=None, now=NOON, thresholds=Thresholds())


def bad(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["severity"] != "ok"]


def test_where_nothing_is_wrong_nothing_is_said(fine: Seen) -> None:
    assert bad(judge(fine)).empty


@pytest.mark.parametrize("code", FACTS)
def test_one_fact_is_one_finding(fine: Seen, code: str) -> None:
    assert bad(judge(FACTS[code](fine)))["finding"].tolist() == [code]


@given(st.sets(st.sampled_from(sorted(FACTS)), min_size=1))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_facts_are_no_more_findings_than_facts(fine: Seen, codes: set[str]) -> None:
    seen = fine
    for code in sorted(codes):
        seen = FACTS[code](seen)
    frame = judge(seen)
    assert not frame.duplicated(["finding", "registry", "subject"]).any()
    found = bad(frame)
    assert len(found) <= len(codes)
    assert (found["summary"] != "").all()
    assert (found["remedy"] != "").all()
    assert (found["threshold"] != "").all()
    assert all(json.loads(text) for text in found["evidence"])


def test_a_refusal_says_what_is_wrong_with_the_credential(fine: Seen) -> None:
    (found,) = bad(judge(FACTS["AUTH_REFUSED"](fine))).to_dict("records")
    assert found["severity"] == "critical"
    assert found["summary"] == "auth said AUTH_REFUSED. credentials said CREDENTIAL_EXPIRED."
    assert found["remedy"] == "Mend credentials."


@pytest.mark.parametrize(
    ("facts", "code", "severity"),
    [
        ({"ends_at": days(15)}, "CREDENTIAL_LASTS", "ok"),
        ({"ends_at": days(13)}, "CREDENTIAL_EXPIRES_SOON", "warning"),
        ({"ends_at": days(2)}, "CREDENTIAL_EXPIRES_SOON", "critical"),
        ({"ends_at": days(-1)}, "CREDENTIAL_EXPIRED", "critical"),
        ({"ends_at": days(-1), "lives": "12 hours"}, "CREDENTIAL_LASTS", "ok"),
        ({"ends_at": days(0.1), "renewed": True}, "CREDENTIAL_LASTS", "ok"),
        ({"personal": False}, "CREDENTIAL_OF_MACHINE", "ok"),
    ],
)
def test_a_credential_is_judged_by_its_end_and_its_owner(
    fine: Seen, facts: dict[str, Any], code: str, severity: str
) -> None:
    seen = checks(check("credentials", "CREDENTIALS_FOUND", source="a file", **facts))(fine)
    frame = judge(seen).set_index("finding")
    assert frame.loc[code, "severity"] == severity


def test_a_credential_of_which_nobody_tells_is_not_judged(fine: Seen) -> None:
    frame = judge(checks(check("credentials", "CREDENTIALS_FOUND", source="a file"))(fine))
    assert frame.loc[frame["subject"] == "credentials", "finding"].tolist() == ["CREDENTIALS_FOUND"]


def test_of_a_quota_told_twice_the_fuller_number_counts(fine: Seen) -> None:
    (found,) = bad(judge(FACTS["QUOTA_NEARLY_USED"](fine))).to_dict("records")
    assert found["severity"] == "critical"
    assert json.loads(found["evidence"])["used"] == 97


def test_errors_of_a_registry_that_fails_now_are_told_by_that(fine: Seen) -> None:
    now = {"registry": REGISTRY, "look": "now", "taken_at": NOON, "code": "READ_TIMEOUT"}
    frame = judge(rows("looks", *FLAKY, now)(fine))
    assert not frame["finding"].str.startswith("ERRORS").any()


def test_a_refusal_that_stays_is_no_error_that_comes_and_goes(fine: Seen) -> None:
    denied = tuple({**look, "code": "DENIED"} for look in FLAKY)
    frame = judge(rows("looks", *denied)(fine))
    assert "ERRORS_FEW" in set(frame["finding"])


def test_patterns_of_tags_are_thresholds(fine: Seen) -> None:
    limits = Thresholds(version_tags=(), production_tags=("live-.*",))
    seen = dataclasses.replace(moved("v1.2.3")(moved("live-eu")(fine)), thresholds=limits)
    assert bad(judge(seen))["finding"].tolist() == ["PRODUCTION_TAG_MOVES"]


class TestOfAHistory:
    """What is seen of it is what the snapshots and diagnoses hold."""

    @pytest.fixture
    def history(self, tmp_path: Any) -> History:
        return History(tmp_path / "history")

    def seen(self, history: History, **limits: Any) -> Seen:
        thresholds = Thresholds(**limits)
        return look(history, registry=None, at=None, now=NOON, thresholds=thresholds)

    def test_bytes_without_a_tag_are_those_that_no_tag_reaches(self, history: History) -> None:
        shelf = Shelf()
        base = layer("base", 2 * GB)
        shelf.tag("app", "v1", shelf.image(base, size=500, config_size=100))
        shelf.hold("app", shelf.image(base, layer("gone", 1 * GB), size=500, config_size=100))
        publish(history, shelf.inventory(), taken_at=NOON)
        found = judge(self.seen(history)).set_index("finding").loc["UNTAGGED_MUCH"]
        assert json.loads(found["evidence"]) == {
            "untagged_bytes": GB + 600,
            "physical_bytes": 3 * GB + 1200,
            "manifests": 1,
            "without_a_size": 0,
        }
        assert "UNTAGGED_LITTLE" in set(judge(self.seen(history, untagged_share=0.4))["finding"])

    def test_where_nothing_is_told_of_untagged_ones_nothing_is_judged(
        self, history: History
    ) -> None:
        shelf = Shelf()
        shelf.tag("app", "v1", shelf.image())
        publish(history, shelf.inventory(), taken_at=NOON)
        assert not judge(self.seen(history))["finding"].str.startswith("UNTAGGED").any()

    def test_a_tag_that_moved_and_is_still_there_is_found(self, history: History) -> None:
        shelf = Shelf()
        for day, name in ((40, "first"), (20, "second"), (10, "third"), (1, "third")):
            for tag in ("1.0.0", "gone-1.0.0", "nightly"):
                shelf.tag("app", tag, shelf.image(name=f"{name} {tag}"))
            shelf.tag("app", "2.0.0", shelf.image(name="stays"))
            if day == 1:
                shelf.untag("app", "gone-1.0.0")
            publish(history, shelf.inventory(), taken_at=NOON - timedelta(days=day))
        found = judge(self.seen(history)).set_index("finding").loc["VERSION_MOVED"]
        assert found["subject"] == "app"
        assert json.loads(found["evidence"])["moved"] == [
            {"tag": "app:1.0.0", "moves": 2, "last_at": (NOON - timedelta(days=10)).isoformat()}
        ]
        assert "TAGS_STAY" in set(judge(self.seen(history, moved_days=5))["finding"])

    def test_tags_that_nobody_pulled_are_counted_where_the_registry_tells(
        self, history: History
    ) -> None:
        shelf = Shelf()
        for number in range(4):
            shelf.tag("app", f"v{number}", shelf.image(name=number), pushed_at=LONG_AGO)
        shelf.tag("app", "new", shelf.image(name="new"), pushed_at=NOON)
        silent = shelf.inventory()
        publish(history, silent, taken_at=NOON - timedelta(days=1))
        assert not judge(self.seen(history))["finding"].isin(["TAGS_PULLED"]).any()
        publish(history, pulled(silent, "v0"), taken_at=NOON)
        found = judge(self.seen(history)).set_index("finding").loc["TAGS_NEVER_PULLED"]
        assert json.loads(found["evidence"]) == {
            "tags": 4,
            "never_pulled": 3,
            "most_in": {"app": 3},
        }
        assert "TAGS_PULLED" in set(judge(self.seen(history, never_pulled_share=0.8))["finding"])

    def test_a_repository_that_counts_no_pull_was_never_pulled(self, history: History) -> None:
        shelf = Shelf()
        shelf.tag("app", "v1", shelf.image(), pushed_at=LONG_AGO)
        inventory = shelf.inventory()
        inventory.repositories = [RepositoryRow(registry=REGISTRY, repository="app", pulls=0)]
        publish(history, inventory, taken_at=NOON)
        assert "TAGS_NEVER_PULLED" in set(judge(self.seen(history))["finding"])

    def test_a_stage_is_slow_beside_earlier_looks(self, history: History) -> None:
        for day in range(8, -1, -1):
            inventory = Inventory()
            ms = 500.0 if day == 0 else 20.0
            inventory.checks = [
                CheckRow(registry=REGISTRY, stage="http", code="HTTP_OK", status="ok", ms=ms)
            ]
            publish(history, inventory, taken_at=NOON - timedelta(days=day))
        found = judge(self.seen(history)).set_index("finding").loc["LATENCY_HIGH"]
        assert (found["subject"], found["severity"]) == ("http", "warning")
        assert found["summary"] == "The stage http took 500 ms, where 20 ms are usual."
        assert found["threshold"] == "2 times the usual, and 100 ms over it"
        assert "LATENCY_USUAL" in set(judge(self.seen(history, latency_times=30))["finding"])

    def test_looks_that_failed_of_late_are_counted_once_each(self, history: History) -> None:
        for day in range(19, -1, -1):
            inventory = Inventory()
            bad = day in (3, 4, 16)
            inventory.checks = [
                CheckRow(
                    registry=REGISTRY,
                    stage=stage,
                    code="READ_TIMEOUT" if bad else "HTTP_OK",
                    status="fail" if bad else "ok",
                )
                for stage in ("http", "listing")
            ]
            publish(history, inventory, taken_at=NOON - timedelta(days=day))
        found = judge(self.seen(history, error_warning_share=0.1)).set_index("finding")
        told = json.loads(found.loc["ERRORS_MANY", "evidence"])
        assert (told["looks"], told["failed"], told["codes"]) == (15, 2, ["READ_TIMEOUT"])
        assert "ERRORS_FEW" in set(judge(self.seen(history))["finding"])


def pulled(inventory: Inventory, name: str) -> Inventory:
    """Give the same with a time of the last pull at one tag."""
    tags: list[TagRow] = [
        dataclasses.replace(row, pulled_at=NOON) if row.tag == name else row
        for row in inventory.tags
    ]
    return dataclasses.replace(inventory, tags=tags)
