"""`regtools retention` says what its function says, and deletes nothing."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.inventories import NOON, REGISTRY, Shelf, layer, publish

from regtools.analyses.retention import retention
from regtools.history import History
from regtools.policies import Rule

DAY = timedelta(days=1)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Four versions over one base, a day apart; v0 is the newest."""
    folder = tmp_path / "made"
    shelf = Shelf()
    for number in range(4):
        image = shelf.image(
            layer("base", 50_000_000),
            layer(f"own-{number}", 1_000_000),
            name=number,
            created_at=NOON - number * DAY,
        )
        shelf.tag("team/app", f"v{number}", image)
    publish(History(folder), shelf.inventory())
    return folder


def test_json_is_what_was_promised(regtools: Command, history: Path) -> None:
    document = regtools("retention", "--history", history, "--keep-last", 2, "--json").document
    found = retention(history, Rule(keep_last=2))
    assert document["schema_version"] == 1
    assert document["complete"] is True
    assert document["tags_deleted"] == found.tags_deleted == 2
    assert document["manifests_deleted"] == 2
    assert document["bytes_freed"] == found.bytes_freed == 2 * 1_000_600
    assert document["bytes_kept"] == found.bytes_kept
    assert [list(row) for row in document["rows"]] == [["repository", "tag", "digest", "rule"]] * 2
    assert {row["tag"] for row in document["rows"]} == {"v2", "v3"}
    assert {row["rule"] for row in document["rows"]} == {"beyond the 2 newest"}
    assert [list(row) for row in document["manifests"]] == [["repository", "digest", "size"]] * 2
    assert document["best"][0]["bytes_freed"] == 1_000_600


def test_a_terminal_shows_it_on_one_screen(regtools: Command, history: Path) -> None:
    ran = regtools("retention", "--history", history, "--keep-last", 2)
    assert ran.code == 0
    assert "team/app" in ran.out
    assert "2 tags and 2 manifests would go" in ran.err
    assert "Nothing was deleted." in ran.err


def test_what_stays_and_why_is_shown_where_that_is_asked(regtools: Command, history: Path) -> None:
    asked = ("retention", "--history", history, "--keep-last", 2)
    assert "kept" not in regtools(*asked, "--json").document
    kept = regtools(*asked, "--kept", "--json").document["kept"]
    assert [list(row) for row in kept] == [["repository", "tag", "digest", "reason"]] * 2
    assert {(row["tag"], row["reason"]) for row in kept} == {
        ("v0", "one of the 2 newest"),
        ("v1", "one of the 2 newest"),
    }
    assert "one of the 2 newest" in regtools(*asked, "--kept").out


def test_csv_has_a_row_for_each_tag(regtools: Command, history: Path) -> None:
    out = regtools("retention", "--history", history, "--older-than", "0h", "--csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sorted(row["tag"] for row in rows) == ["v0", "v1", "v2", "v3"]


def test_what_runs_stays(regtools: Command, history: Path, tmp_path: Path) -> None:
    listed = tmp_path / "running.txt"
    listed.write_text(f"{REGISTRY}/team/app:v3\n")
    ran = regtools(
        "retention", "--history", history, "--keep-last", 1, "--in-use", listed, "--json"
    )
    assert {row["tag"] for row in ran.document["rows"]} == {"v1", "v2"}


def test_a_vendors_policy_is_read_and_looked_over(
    regtools: Command, history: Path, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    selection = {"tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan"}
    dead = {**selection, "tagPatternList": ["v1*"], "countNumber": 1}
    rules = [
        {
            "rulePriority": 1,
            "selection": {**selection, "countNumber": 3},
            "action": {"type": "expire"},
        },
        {"rulePriority": 2, "selection": dead, "action": {"type": "expire"}},
    ]
    file.write_text(json.dumps({"rules": rules}))
    document = regtools("retention", "--history", history, "--policy", file, "--json").document
    assert [row["tag"] for row in document["rows"]] == ["v3"]
    assert document["rows"][0]["rule"].startswith("rule 1")
    assert document["remarks"][0]["code"] == "RULE_NEVER_FIRES"


def test_the_script_is_one_that_runs(regtools: Command, history: Path) -> None:
    out = regtools("retention", "--history", history, "--keep-last", 3, "--emit", "script").out
    done = subprocess.run(["bash", "-c", out], capture_output=True, text=True, check=True)
    digest = retention(history, Rule(keep_last=3)).manifests["digest"][0]
    assert done.stdout == f"would delete {REGISTRY}/team/app@{digest}\n"


def test_a_rule_is_printed_in_a_vendors_form(regtools: Command) -> None:
    """Without any history: a rule is a rule."""
    ran = regtools("retention", "--keep-last", 3, "--emit", "ecr")
    assert json.loads(ran.out)["rules"][0]["selection"]["countNumber"] == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "RULE_INVALID"),
        (["--keep-tag", "v1"], "RULE_INVALID"),
        (["--delete-tag", "("], "RULE_INVALID"),
        (["--policy", "missing.json"], "POLICY_UNREADABLE"),
        (["--policy", "missing.json", "--keep-last", "1"], "RULE_INVALID"),
        (["--never-pulled", "--emit", "ecr"], "EMIT_IMPOSSIBLE"),
        (["--keep-last", "1", "--in-use", "missing"], "IN_USE_UNREADABLE"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    regtools: Command, history: Path, arguments: list[str], code: str
) -> None:
    ran = regtools("retention", "--history", history, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert f"[{code}]" in ran.err
