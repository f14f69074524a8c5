"""Findings stand worst first, as words, and travel as data beside the markup."""

from __future__ import annotations

import json
import math

from regtools.findings import Finding, Findings, KeyNumber
from regtools.markup import FINDINGS_MIME

INFO = Finding(severity="info", code="A", summary="<b>a</b>", remedy="do & don't")
CRITICAL = Finding(severity="critical", code="B", summary="b")
BOX = Findings(
    [INFO, CRITICAL],
    [
        KeyNumber(name="physical_bytes", value=1500.0, label="Stored"),
        KeyNumber(name="days_until_full", value=math.nan, label="Full"),
        KeyNumber(name="saved_share", value=0.25, label="Saved", note="<i>"),
    ],
)


def test_the_status_is_the_worst_severity() -> None:
    assert BOX.status == "critical"
    assert Findings([INFO]).status == "info"
    assert Findings([]).status == "ok"


def test_the_worst_comes_first() -> None:
    assert [finding.code for finding in BOX.ordered()] == ["B", "A"]


def test_markup_is_escaped_and_names_the_severity() -> None:
    markup = BOX.to_html()
    assert "<b>" not in markup
    assert "&lt;b&gt;a&lt;/b&gt;" in markup
    assert "do &amp; don&#x27;t" in markup
    assert ">Critical</span>" in markup
    assert "<i>" not in markup


def test_the_data_is_plain_json_with_the_raw_numbers() -> None:
    data = BOX._repr_mimebundle_()[FINDINGS_MIME]
    said = json.loads(json.dumps(data, allow_nan=False))
    assert said["key_numbers"] == {
        "physical_bytes": 1500,
        "days_until_full": None,
        "saved_share": 0.25,
    }
    assert said["tiles"][0] == {"label": "Stored", "value": "1.50 kB", "note": ""}
    assert [finding["code"] for finding in said["findings"]] == ["B", "A"]
    assert said["status"] == "critical"


def test_a_terminal_gets_sentences() -> None:
    assert repr(BOX) == "Critical: b\nNote: <b>a</b> do & don't"
