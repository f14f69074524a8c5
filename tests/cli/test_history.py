from __future__ import annotations

from pathlib import Path

from tests.support.command import Command
from tests.support.docker_registry import DockerRegistry


def test_snapshots_are_listed_and_pruned(regtools: Command, registry: DockerRegistry) -> None:
    for _ in range(3):
        assert regtools("scan", registry.url).code == 0
    listed = regtools("history", "list", "--json").document["rows"]
    assert [row["registry"] for row in listed] == [registry.host] * 3

    would = regtools("history", "prune", "--keep-last", "1", "--dry-run", "--json")
    assert [row["snapshot"] for row in would.document["rows"]] == [
        row["snapshot"] for row in listed[:2]
    ]
    assert len(regtools("history", "list", "--json").document["rows"]) == 3

    assert regtools("history", "prune", "--keep-last", "1").code == 0
    left = regtools("history", "list", "--json").document["rows"]
    assert [row["snapshot"] for row in left] == [listed[2]["snapshot"]]


def test_check_ends_with_one_where_a_file_is_broken(
    regtools: Command, registry: DockerRegistry
) -> None:
    regtools("scan", registry.url)
    assert regtools("history", "check").code == 0
    file = next(Path("history").glob("2*/tags.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    ran = regtools("history", "check", "--json")
    assert ran.code == 1
    assert ran.document["rows"]


def test_a_broken_file_is_a_clear_error_where_it_is_needed(
    regtools: Command, registry: DockerRegistry
) -> None:
    regtools("scan", registry.url)
    file = next(Path("history").glob("2*/tags.parquet"))
    file.write_bytes(b"")
    ran = regtools("usage")
    assert ran.code == 3
    assert "history check" in ran.err


def test_an_empty_history_has_nothing_to_list(regtools: Command) -> None:
    assert regtools("history", "list", "--json").document["rows"] == []
    assert regtools("usage", "--json").document["rows"] == []
