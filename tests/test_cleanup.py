"""From parameters to a rule, and from its answer to tables and commands that do it."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.inventories import NOON, REGISTRY
from tests.support.what_if import DAY, HOSTILE, MB, what_if_history

from regtools.analyses.retention import Retention, retention
from regtools.cleanup import (
    conditions,
    deletion_steps,
    first_deletions,
    freed_by_repository,
    kept_reasons,
)
from regtools.errors import ConfigError
from regtools.policies import Rule


def what_if(folder: Path, rule: Rule, kind: str = "distribution") -> Retention:
    return retention(what_if_history(folder / "history", kind=kind), rule, now=NOON)


def test_parameters_become_a_rule() -> None:
    assert conditions(keep_last=3, older_than="2w", keep_tag="^v", untagged=True) == {
        "rule": Rule(keep_last=3, older_than=timedelta(weeks=2), keep_tags=("^v",), untagged=True),
        "policy": None,
        "in_use": None,
    }
    assert conditions()["rule"] == Rule()


def test_a_policy_stands_instead_of_the_conditions(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(
        '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": '
        '"imageCountMoreThan", "countNumber": 3}, "action": {"type": "expire"}}]}'
    )
    chosen = conditions(keep_last=3, policy=str(policy))
    assert chosen["rule"] is None
    assert chosen["policy"] is not None
    assert chosen["policy"].vendor == "ecr"
    found = retention(what_if_history(tmp_path / "history"), **chosen, now=NOON)
    steps = deletion_steps(found, policy=str(policy))
    assert any(f"--policy {policy}" in command for command in steps["command"])


def test_a_file_of_what_runs_is_read(tmp_path: Path) -> None:
    running = tmp_path / "running.txt"
    running.write_text("registry.example/app:1\n")
    guard = conditions(in_use=str(running))["in_use"]
    assert guard is not None
    assert list(guard.rows()) == [("registry.example", "app", "1", "")]


@pytest.mark.parametrize("words", [{"older_than": "soon"}, {"keep_last": -1}])
def test_parameters_that_make_no_sense_are_refused(words: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        conditions(**words)  # type: ignore[arg-type]


def test_repositories_that_lose_nothing_are_not_listed(tmp_path: Path) -> None:
    frame = freed_by_repository(what_if(tmp_path, Rule(keep_last=4)))
    assert "registry" not in frame.columns
    assert set(frame["repository"]) == {HOSTILE, "team/app1"}
    assert set(frame["tags_that_go"]) == {"2 of 6"}
    assert (frame["freed_bytes"] > 200 * MB).all()


def test_deletions_that_free_only_together_stand_in_one_row(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(keep_last=4))
    frame = first_deletions(found, 3)
    assert list(frame["images"]) == [1, 1, 1]
    assert frame["total_freed_bytes"].iloc[-1] == found.best(3)["bytes_freed"].sum()
    assert frame["total_share"].iloc[-1] == pytest.approx(0.75, abs=0.01)
    assert first_deletions(what_if(tmp_path / "other", Rule(keep_last=9)), 3).empty


def test_what_stays_is_counted_by_its_reason(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(keep_last=2, older_than=20 * DAY, keep_tags=("^v0<?$",)))
    frame = kept_reasons(found).set_index("why_it_stays")
    assert frame["tags"].sum() == len(found.kept)
    assert frame.loc["its tag is kept", "tags"] == 2
    assert frame.loc["its tag is kept", "such_as"] in {f"{HOSTILE}:v0", "team/app1:v0"}
    assert frame.loc["too young", "repositories"] == 3


def test_the_commands_ask_for_the_same_rule(tmp_path: Path) -> None:
    rule = Rule(keep_last=2, older_than=DAY, delete_tags=("^v",), keep_tags=("it's;rm",))
    found = what_if(tmp_path, rule)
    steps = deletion_steps(found, history="my history/", in_use="pods.json")
    asked = next(c for c in steps["command"] if c.endswith("--json"))
    assert shlex.split(asked) == [
        *("regtools", "retention", "--history", "my history/", "--registry", REGISTRY),
        *("--keep-last", "2", "--older-than", "1d", "--delete-tag", "^v"),
        *("--keep-tag", "it's;rm", "--in-use", "pods.json", "--json"),
    ]


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (
            "distribution",
            ["Scan anew", "Read what would go", "Write a script", "Delete", "Free the bytes"],
        ),
        (
            "ecr",
            [
                *("Scan anew", "Read what would go", "Leave it to Amazon ECR"),
                *("Write a script", "Delete"),
            ],
        ),
        ("ghcr", ["Scan anew", "Read what would go", "Delete"]),
    ],
)
def test_each_registry_has_its_own_way(tmp_path: Path, kind: str, steps: list[str]) -> None:
    frame = deletion_steps(what_if(tmp_path, Rule(keep_last=2), kind))
    assert list(frame["step"]) == steps
    assert not any("--delete-untagged" in command for command in frame["command"])


def test_a_rule_that_the_vendor_cannot_say_is_not_left_to_it(tmp_path: Path) -> None:
    found = what_if(tmp_path, Rule(keep_last=2, older_than=DAY), "ecr")
    assert "Leave it to Amazon ECR" not in set(deletion_steps(found)["step"])
