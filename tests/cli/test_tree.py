"""A diagnosis in a terminal: narrow or wide, it says what broke and what to do, and steers nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.cli.tree import MARKS, diagnosis_lines
from regtools.collect.diagnosis import Diagnosis
from regtools.schema import CheckRow

HOST = "registry.example.com"


def row(stage: str, status: str = "ok", ms: float | None = None, **more: str) -> CheckRow:
    facts = {"code": f"{stage.upper()}_CODE", "summary": f"What {stage} found.", **more}
    return CheckRow(registry=HOST, stage=stage, status=status, ms=ms, **facts)


CHECKS = (
    row("reference"),
    row("connect", ms=10.0),
    row("tls", "warn", 30.0, remedy="Renew it."),
    row(
        "http",
        "fail",
        60.0,
        remedy="Look for the proxy that answers.",
        evidence=json.dumps({"status": 502, "via": "squid", "list": [1], "empty": ""}),
    ),
    row("auth", "skipped", summary="Not tried, because http failed."),
    row("listing", "skipped", summary="Not tried, because http failed."),
    row("storage", "skipped", summary="Not looked at."),
)
FOUND = Diagnosis(target=HOST, checks=CHECKS)


def text(found: Diagnosis = FOUND, width: int = 80) -> list[str]:
    return [line.text for line in diagnosis_lines(found, width=width)]


def test_each_stage_has_a_line_with_its_mark() -> None:
    lines = text()
    assert lines[0].startswith("✓ reference")
    assert "10.0 ms" in lines[1]
    assert [line[0] for line in lines if line[0] in MARKS.values()] == list("✓✓!✗··")


def test_below_what_failed_stand_evidence_and_remedy() -> None:
    joined = " ".join(" ".join(text()).split())
    assert "What http found. [HTTP_CODE] seen: status 502, via squid → Look for the proxy" in joined
    assert "→ Renew it." in joined


def test_what_was_not_tried_for_one_reason_shares_a_line() -> None:
    lines = text()
    assert lines[-2:] == [
        "· auth, listing  Not tried, because http failed.",
        "· storage  Not looked at.",
    ]


def test_the_bars_are_a_waterfall() -> None:
    bars = [line.index("█") for line in text() if "█" in line]
    lengths = [line.count("█") for line in text() if "█" in line]
    assert bars == sorted(set(bars))
    assert lengths == [1, 4, 7]


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    long = replace(CHECKS[3], summary="word " * 60, remedy="again " * 60)
    lines = text(Diagnosis(target=HOST, checks=(*CHECKS[:3], long, *CHECKS[4:])), width)
    assert max(map(len, lines)) <= max(width, 60)


@given(st.text(), st.text(), st.floats(0, 1e6) | st.none(), st.sampled_from(list(MARKS)))
def test_foreign_words_steer_nothing(
    summary: str, remedy: str, ms: float | None, status: str
) -> None:
    check = row("http", status, ms, summary=summary, remedy=remedy)
    lines = text(Diagnosis(target=HOST, checks=(check,)))
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith(MARKS[status])
