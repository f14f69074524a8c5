"""The command prints what was measured, as a table, JSON or CSV."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from tests.support.command import Command
from tests.support.docker_registry import DockerRegistry

from regtools.collect.protocol.capability import MATTERS


def test_a_table_a_document_and_rows(regtools: Command, registry: DockerRegistry) -> None:
    ran = regtools("capabilities", registry.url)
    assert ran.code == 0
    assert "distribution 2 (registry:2)" in ran.out
    assert "requests." in ran.err
    document = regtools("capabilities", f"{registry.url}/team/api", "--json").document
    assert document["schema_version"] == 1
    assert document["repository"] == "team/api"
    assert [row["capability"] for row in document["capabilities"]] == list(MATTERS)
    assert set(document["capabilities"][0]) == {
        "capability",
        "answer",
        "value",
        "evidence",
        "matters",
    }
    rows = list(csv.DictReader(io.StringIO(regtools("capabilities", registry.url, "--csv").out)))
    assert [row["capability"] for row in rows] == list(MATTERS)


def test_what_does_not_answer_ends_with_three(regtools: Command) -> None:
    ran = regtools("capabilities", "127.0.0.1:1")
    assert ran.code == 3
    assert "regtools diagnose 127.0.0.1:1" in ran.err


def test_every_capability_is_on_the_page() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "capabilities.md"
    rows = [line.split("|")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert named[named.index("software") :] == list(MATTERS)
