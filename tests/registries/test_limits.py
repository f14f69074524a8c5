"""What each kind of registry refuses, and where that is written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from regtools.registries import KINDS
from regtools.registries.limits import ANY, limits


def refused(kind: str, name: str) -> bool:
    return any(limit.refuses_name(name) for limit in limits(kind))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("dockerhub", "acme/app", "acme/team/app"),
        ("dockerhub", "acme/ap", "acme/a"),
        ("ghcr", "acme/team/app", "app"),
        ("gitlab", "acme/project/app", "app"),
        ("ecr", "app", "a"),
        ("ecr", "a" * 255, "a"),
        ("ecr-public", "a" * 205, "a" * 206),
        ("artifactregistry", "project/repository/app", "project/app"),
        ("harbor", "project/app", "app"),
        ("quay", "acme/app", "app"),
        ("distribution", "app", "a" * 256),
    ],
)
def test_a_name_is_refused_where_its_registry_would(kind: str, good: str, bad: str) -> None:
    assert not refused(kind, good)
    assert refused(kind, bad)


@pytest.mark.parametrize("kind", KINDS)
def test_every_limit_has_its_source(kind: str) -> None:
    for limit in limits(kind):
        assert limit.kind in (kind, ANY)
        assert limit.says.endswith(".")
        assert limit.source
        assert isinstance(limit.checked, date)
        assert limit.grade in ("A", "B")
        assert bool(limit.pattern) == (limit.rule == "last")
        assert (limit.least, limit.most) != (None, None) or limit.rule in ("last", "first")


def test_layers_are_measured_as_their_vendor_does() -> None:
    most = {kind: one.most for kind in KINDS for one in limits(kind) if one.rule == "layer"}
    assert most == {
        "ghcr": 10 * 10**9,
        "ecr": 52_000 * 2**20,
        "ecr-public": 10_000 * 2**20,
        "acr": 200 * 2**30,
    }


def test_the_documentation_has_every_limit() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/migrate.md").read_text()
    missing = [
        limit.says
        for kind in KINDS
        for limit in limits(kind)
        if limit.says not in page or limit.source not in page
    ]
    assert missing == []
