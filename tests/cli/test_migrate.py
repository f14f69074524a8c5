"""`regtools migrate`, as a person and a program see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.support.command import Command, Ran
from tests.support.inventories import Shelf, layer, publish

from regtools.history import History

SOURCE, TARGET = "ghcr.io/acme", "registry.example.com/mirror"
ESC = "\x1b[31m"
Run = Callable[..., Ran]


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Scans of a source with three tags, and of a destination that has two names of them."""
    history = History(tmp_path / "history")
    source, target = Shelf(registry="ghcr.io"), Shelf(registry="registry.example.com")
    for repository, tag in (("acme/app", "1.0"), ("acme/app", "1.1"), ("acme/team/web", "7")):
        source.tag(repository, tag, source.image(layer(f"{repository}{tag}", 40_000_000)))
    target.tag("mirror/app", "1.0", target.image(layer("acme/app1.0", 40_000_000)))
    target.tag("mirror/app", "1.1", target.image(layer("another", 10)))
    publish(
        history, source.inventory(), registry="ghcr.io", namespace="acme", kind="ghcr",
        dedup_scope="unknown",
    )  # fmt: skip
    publish(history, target.inventory(), registry="registry.example.com")
    return history


@pytest.fixture
def migrate(regtools: Command, history: History) -> Run:
    def run(command: str, *arguments: str) -> Ran:
        places = () if "ghcr.io" in " ".join(arguments) else (SOURCE, TARGET)
        return regtools("migrate", command, *places, *arguments, "--history", history.location)

    return run


def test_a_plan_says_how_much_goes_where(migrate: Run) -> None:
    ran = migrate("plan", "--throughput", "4MB/s")
    assert ran.code == 1
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "mirror/team/web 1 40.0 MB 0 B" in lines
    assert "mirror/app 0 0 B 40.0 MB" in lines
    assert any(line.startswith("conflict acme/app 1 The tag is there") for line in lines)
    assert "To copy: 1 tags, 1 manifests, 2 blobs, 40.0 MB; 40.0 MB are there." in ran.err
    assert "10 s at 4.00 MB/s" in ran.err
    assert "To leave ghcr.io/acme: $0.00 [A]" in ran.err
    assert "Not copied: 1 conflict." in ran.err


def test_a_plan_as_a_document(migrate: Run) -> None:
    ran = migrate("plan", "--json")
    document = ran.document
    assert document["schema_version"] == 1
    assert (document["source"], document["destination"]) == (SOURCE, TARGET)
    assert document["complete"]
    assert document["tags_to_copy"] == 1
    assert document["bytes_to_copy"] == document["low_bytes_to_copy"] == 40_000_600
    assert document["bytes_there"] == 40_000_600
    assert document["seconds"] is None
    assert document["egress_usd"]["grade"] == "A"
    assert document["egress_usd"]["high_usd"] == 0
    assert [row["status"] for row in document["rows"]] == ["equal", "conflict", "copy"]
    assert [row["source"] for row in document["conflicts"]] == ["ghcr.io/acme/app:1.1"]
    assert document["refused"] == []
    assert {row["destination"] for row in document["repositories"]} == {
        "mirror/app",
        "mirror/team/web",
    }
    assert all(limit["checked"] and limit["source"] for limit in document["limits"])


def test_a_plan_as_csv_is_a_row_a_tag(migrate: Run) -> None:
    lines = migrate("plan", "--csv").out.splitlines()
    assert lines[0] == "source,destination,digest,status,why"
    assert len(lines) == 4


def test_without_trouble_a_plan_ends_with_0(migrate: Run) -> None:
    assert migrate("plan", "--repository", "web").code == 0
    assert migrate("plan", "--overwrite").code == 0
    assert migrate("plan", "--map", "acme/app=mirror/other", "--tag", "^1").code == 0


@pytest.mark.parametrize("form", ["script", "regsync", "skopeo-sync"])
def test_what_is_emitted_is_all_on_stdout(migrate: Run, form: str) -> None:
    ran = migrate("plan", "--emit", form, "--repository", "web")
    assert ran.code == 0
    assert "team/web" in ran.out
    assert "app:1" not in ran.out
    if form != "script":
        assert yaml.safe_load(ran.out)
    assert "To copy: 1 tags" in ran.err


def test_several_folders_need_a_place_to_write_to(migrate: Run, tmp_path: Path) -> None:
    ran = migrate("plan", "--emit", "skopeo-sync", "--overwrite")
    assert ran.code == 2
    assert "SYNC_FOLDERS" in ran.err
    folder = tmp_path / "sync"
    ran = migrate("plan", "--emit", "skopeo-sync", "--overwrite", "--output", str(folder))
    assert ran.code == 0
    assert ran.out == ""
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--emit", "script", "--json"),
        ("--output", "x"),
        ("--throughput", "0MB/s"),
        ("--throughput", "fast"),
        ("--map", "acme"),
        ("--tag", "("),
    ],
)
def test_wrong_usage_ends_with_2(migrate: Run, arguments: tuple[str, ...]) -> None:
    assert migrate("plan", *arguments).code == 2


def test_a_destination_that_is_not_there_counts_as_empty(migrate: Run) -> None:
    ran = migrate("plan", SOURCE, "127.0.0.1:1/mirror")
    assert ran.code == 0
    assert "127.0.0.1:1/mirror could not be listed, and counts as empty" in ran.err
    assert "To copy: 3 tags" in ran.err


def test_a_destination_may_be_told_what_it_is(migrate: Run) -> None:
    ran = migrate("plan", SOURCE, "127.0.0.1:1/acme", "--destination-kind", "dockerhub", "--json")
    assert ran.code == 1
    assert [row["source"] for row in ran.document["refused"]] == ["ghcr.io/acme/team/web:7"]


def test_a_difference_ends_with_1(migrate: Run) -> None:
    ran = migrate("verify", "--no-scan")
    assert ran.code == 1
    assert "missing     registry.example.com/mirror/team/web:7" in ran.out
    assert "different   registry.example.com/mirror/app:1.1" in ran.out
    assert "mirror/app:1.0" not in ran.out
    assert ran.err.splitlines()[-1] == "1 equal, 1 missing, 1 different"


def test_no_difference_ends_with_0(migrate: Run) -> None:
    ran = migrate("verify", "--no-scan", "--tag", r"^1\.0$", "--json")
    assert ran.code == 0
    assert ran.document["counts"]["equal"] == 1
    assert ran.document["complete"]
    assert migrate("verify", "--no-scan", "--tag", r"^1\.0$", "--csv").out.count("\n") == 2


def test_foreign_text_cannot_steer_a_terminal(regtools: Command, tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    source = Shelf(registry="ghcr.io")
    source.tag(f"acme/{ESC}app", f"{ESC}1", source.image(layer("a", 1)))
    publish(history, source.inventory(), registry="ghcr.io")
    publish(history, Shelf(registry="b.example").inventory(), registry="b.example")
    for command in ("plan", "verify"):
        more = ("--no-scan",) if command == "verify" else ()
        ran = regtools(
            "migrate", command, "ghcr.io", "b.example", *more, "--history", history.location
        )
        assert ran.code == 1
        assert "\x1b[31m" not in ran.out + ran.err
