"""`regtools reconcile` as a person and a script see it."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support import push
from tests.support.command import Command
from tests.support.docker_registry import DockerRegistry, docker_registry
from tests.support.push import Pusher
from tests.support.retention_plans import Plan, image, index, push_plan
from tests.support.storage_plans import files

CATEGORIES = [
    "reachable",
    "untagged_manifests",
    "orphan_blobs",
    "uploads",
    "metadata",
    "unexplained",
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage folder with two repositories, an orphan and an upload."""
    plan = Plan()
    base = push.layer("base", 2_000)
    amd, arm = (image(name, [base], platform=f"linux/{name}") for name in ("amd64", "arm64"))
    plan.tag("team/app", "1", index(amd, arm))
    plan.tag("team/web", "1", amd)
    with docker_registry(tmp_path_factory.mktemp("filled"), access_log=False) as registry:
        push_plan(registry, plan)
        with Pusher(registry.url) as pusher:
            pusher.blob("team/app", b"orphan")
            pusher.unfinished_upload("team/app", b"half of it")
    return registry.storage


@pytest.fixture
def storage(filled: Path, tmp_path: Path) -> Path:
    return shutil.copytree(filled, tmp_path / "storage")


@pytest.fixture
def registry(storage: Path, start_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    """A registry that serves it."""
    return start_registry(storage=storage, access_log=False)


def test_a_person_sees_it_on_one_screen(regtools: Command, storage: Path) -> None:
    ran = regtools("reconcile", "--storage", storage)
    assert ran.code == 0, ran.err
    assert all(name in ran.out for name in CATEGORIES)
    assert "What a garbage collection would do" in ran.out
    assert "linux/arm64" in ran.out
    assert "unfinished uploads" in ran.err
    assert "3178" in ran.err
    assert len(ran.out.splitlines()) < 40


def test_a_script_reads_one_document(regtools: Command, storage: Path) -> None:
    ran = regtools("reconcile", "--storage", storage, "--verify", "--json")
    document = ran.document
    assert ran.code == 0
    assert document["schema_version"] == 1
    assert [row["category"] for row in document["categories"]] == CATEGORIES
    there = sum(files(storage).values())
    assert sum(row["bytes"] for row in document["categories"]) == there
    assert document["storage"]["bytes"] == there
    assert document["storage"]["unexplained_bytes"] == 0
    assert document["complete"] is True
    assert document["capacity"]["total_bytes"] == shutil.disk_usage(storage).total
    runs = document["garbage_collection"]["runs"]
    assert [(run["version"], run["delete_untagged"]) for run in runs] == [
        ("2.8 and 3", False),
        ("2.8", True),
        ("3", True),
    ]
    assert runs[0]["bytes_freed"] == len(b"orphan")
    assert {row["tag"] for row in document["garbage_collection"]["broken"]} == {"1"}
    assert document["problems"] == document["reported"] == document["api"]["rows"] == []


def test_a_spreadsheet_gets_the_categories(regtools: Command, storage: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(regtools("reconcile", "--storage", storage, "--csv").out))
    )
    assert [row["category"] for row in rows] == CATEGORIES


def test_damage_ends_with_1(regtools: Command, storage: Path) -> None:
    (storage / "old.tar").write_bytes(b"\x1b[31m")
    ran = regtools("reconcile", "--storage", storage)
    assert ran.code == 1
    assert "FILE_FOREIGN" in ran.out


def test_what_cannot_be_read_ends_with_3(regtools: Command, tmp_path: Path) -> None:
    ran = regtools("reconcile", "--storage", tmp_path / "nowhere")
    assert (ran.code, ran.out) == (3, "")
    assert "STORAGE_MISSING" in ran.err


def test_nothing_to_compare_ends_with_2(regtools: Command) -> None:
    ran = regtools("reconcile")
    assert (ran.code, ran.out) == (2, "")
    assert "RECONCILE_NOTHING" in ran.err


def test_a_number_without_a_scan_ends_with_3(regtools: Command) -> None:
    ran = regtools("reconcile", "--reported", "3GB")
    assert ran.code == 3
    assert "HISTORY_EMPTY" in ran.err


def test_the_scan_and_the_disk_are_compared(
    regtools: Command, storage: Path, registry: DockerRegistry
) -> None:
    assert regtools("scan", registry.url).code == 0
    document = regtools("reconcile", registry.url, "--storage", storage, "--json").document
    assert document["registry"] == registry.host
    assert document["api"]["rows"] == []
    whats = {row["what"]: row for row in document["api"]["bytes"]}
    reachable = document["categories"][0]["bytes"]
    assert whats["in_both"]["scan_bytes"] == whats["in_both"]["disk_bytes"] == reachable
    assert whats["only_on_disk"]["disk_bytes"] == len(b"orphan")

    later = image("later", [push.layer("later", 300)])
    with Pusher(registry.url) as pusher:
        for blob in later.blobs:
            pusher.blob("team/web", blob.data)
        pusher.manifest("team/web", "1", later.content)
        pusher.manifest("team/web", "2", later.content)
    lost = push.layer("base", 2_000).digest
    encoded = lost.removeprefix("sha256:")
    (storage / f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data").unlink()
    ran = regtools("reconcile", "--storage", storage, "--json")
    assert ran.code == 1
    rows = {(row["what"], row["tag"]): row for row in ran.document["api"]["rows"]}
    assert set(rows) == {
        ("blob_only_in_scan", None),
        ("tag_names_another", "1"),
        ("tag_only_on_disk", "2"),
    }
    assert rows["blob_only_in_scan", None]["digest"] == lost
    assert rows["tag_names_another", "1"]["digest_on_disk"] == later.digest
    assert rows["tag_names_another", "1"]["since_scan"] is True


def test_a_told_number_is_compared_with_the_scan(
    regtools: Command, storage: Path, registry: DockerRegistry
) -> None:
    regtools("scan", registry.url)
    told = regtools("reconcile", "--reported", "team=1GB", "--json").document
    assert told["storage"] is None
    assert told["capacity"] is None
    assert told["categories"] == []
    (row,) = told["reported"]
    assert (row["scope"], row["name"], row["reported_bytes"]) == ("namespace", "team", 10**9)
    assert row["computed_bytes"] + row["difference_bytes"] == 10**9
    assert row["unknown_bytes"] == row["difference_bytes"]
    exact = f"{row['computed_bytes']}"
    (row,) = regtools("reconcile", "--reported", exact, "--json").document["reported"]
    assert (row["difference_bytes"], row["explanation"]) == (0, "each blob once: the same")
    ran = regtools("reconcile", "--reported", "elsewhere=1GB")
    assert ran.code == 2
    assert "REPORTED_UNKNOWN" in ran.err


def test_a_target_and_a_registry_are_one_too_many(regtools: Command, storage: Path) -> None:
    ran = regtools("reconcile", "a.example.com", "--registry", "b.example.com")
    assert ran.code == 2
