"""A policy looks at some repositories at a time; which ones come together changes nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from tests.support.inventories import NOON, Shelf, layer, publish

from regtools.analyses import simulation
from regtools.analyses.retention import Retention, retention
from regtools.history import History
from regtools.policies.ecr import parse_ecr

POLICY = parse_ecr(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "tagged",
                    "tagPatternList": ["v*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": 2,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    shelf = Shelf()
    for repository in range(7):
        for number in range(repository):
            image = shelf.image(
                layer(f"own {repository} {number}", 10),
                name=(repository, number),
                created_at=NOON - timedelta(days=number),
            )
            shelf.tag(f"app-{repository}", f"v{number}", image)
    history = History(tmp_path / "history")
    publish(history, shelf.inventory())
    return history


def ask(history: History) -> Retention:
    return retention(history, policy=POLICY, now=NOON)


@pytest.mark.parametrize("at_once", [1, 2, 3, 6])
def test_every_repository_is_judged_once(
    history: History, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = ask(history)
    assert whole.tags_deleted == sum(max(0, held - 2) for held in range(7))
    monkeypatch.setattr(simulation, "_AT_ONCE", at_once)
    parts = ask(history)
    pd.testing.assert_frame_equal(parts.tags, whole.tags)
    pd.testing.assert_frame_equal(parts.kept, whole.kept)
    assert parts.remarks == whole.remarks
