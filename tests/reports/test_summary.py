"""The sheet over all registries: made of the newest reports, whole, escaped, and one page long."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.reports.test_publish import NOW, publish_one
from tests.support.processes import find_program

from regtools.errors import ReportError
from regtools.reports.pages import summary, write_pages
from regtools.reports.pdf import print_pdf

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def entry(
    report: str,
    *,
    registries: Sequence[Mapping[str, Any]] = (),
    findings: Sequence[tuple[str, str]] = (),
    when: datetime = NOW,
) -> dict[str, Any]:
    status = findings[0][0] if findings else "ok"
    return {
        "report": report,
        "name": report.title(),
        "folder": f"{report}/1",
        "status": status,
        "created_at": when.isoformat(),
        "moment": "then",
        "files": {"html": "index.html"},
        "registries": list(registries),
        "snapshots": [
            {"registry": row["registry"], "taken_at": "2026-11-22T01:00:00+00:00"}
            for row in registries
        ],
        "findings": [
            {"severity": severity, "summary": words, "remedy": "Do.", "code": "X", "subject": ""}
            for severity, words in findings
        ],
    }


def night() -> list[dict[str, Any]]:
    stored = {"physical_bytes": 3 * 10**9, "growth_month_bytes": 10**9, "complete": True}
    return [
        entry(
            "storage-growth",
            registries=[
                {"registry": "a", **stored, "days_until_full": 40},
                {"registry": "b", **stored, "complete": False},
            ],
            findings=[("warning", "Full soon."), ("info", "Much shared.")],
        ),
        entry(
            "cost-comparison",
            registries=[
                {"registry": "a", "monthly_usd": 2.5},
                {"registry": "b", "monthly_usd": 0.25},
            ],
        ),
        entry(
            "health",
            registries=[
                {"registry": "a", "status": "ok", "worst": ""},
                {"registry": "b", "status": "critical", "worst": "It is down."},
            ],
            findings=[("critical", "b: It is down."), ("warning", "Old."), ("warning", "Old.")],
        ),
    ]


def test_each_registry_has_a_row_put_together_from_all_reports_the_worst_first() -> None:
    said = summary(night())
    assert [row["registry"] for row in said["registries"]] == ["b", "a"]
    down, fine = said["registries"]
    assert (down["status"], down["worst"], down["complete"]) == ("critical", "It is down.", False)
    assert (fine["physical_bytes"], fine["growth_month_bytes"]) == ("3.00 GB", "1.00 GB")
    assert (fine["days_until_full"], fine["monthly_usd"]) == ("40", "$2.50")
    assert down["days_until_full"] == ""
    assert fine["scanned"] == ["22 Nov 2026", "01:00 UTC"]


def test_what_needs_a_hand_stands_once_the_worst_first() -> None:
    said = summary(night())
    assert [one["summary"] for one in said["urgent"]] == ["b: It is down.", "Old.", "Full soon."]
    assert said["urgent"][0]["entry"]["report"] == "health"
    assert said["status"] == "critical"
    assert said["words"] == (
        "2 registries, 6.00 GB stored, $2.75 a month, 1 critical finding, 2 warnings."
    )


def test_a_sum_of_which_a_part_is_unknown_is_not_told() -> None:
    reports = night()
    del reports[1]["registries"][1]
    assert summary(reports)["words"].startswith("2 registries, 6.00 GB stored, 1 critical")


def test_only_the_first_findings_fit_the_sheet() -> None:
    many = entry("health", findings=[("warning", f"Number {n}.") for n in range(9)])
    said = summary([many])
    assert (len(said["urgent"]), said["more"]) == (5, 4)


def test_what_is_missing_or_late_is_said() -> None:
    growth, _, health = night()
    growth["created_at"] = (NOW - timedelta(days=2)).isoformat()
    said = summary([growth, health, entry("retention", when=NOW - timedelta(days=90))])
    assert said["missing"] == ["Cost comparison"]
    assert [one["report"] for one in said["late"]] == ["storage-growth"]
    nothing = summary([])
    assert (nothing["status"], nothing["registries"], nothing["late"]) == ("", [], [])


def test_the_sheet_is_linked_and_escapes_what_is_foreign(tmp_path: Path) -> None:
    report = publish_one(tmp_path, title=HOSTILE)
    said = json.loads(report.sidecar.read_text())
    row = {"registry": HOSTILE, "status": "critical", "worst": HOSTILE, "physical_bytes": 7}
    report.sidecar.write_text(json.dumps({**said, "registries": [row]}))
    index, sheet = write_pages(tmp_path)
    assert 'href="summary.html"' in index.read_text()
    page = sheet.read_text()
    assert "<img" not in page
    assert "\u202e" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 3
    assert 'href="health/20261123T102030Z/index.html"' in page
    assert "default-src 'none'" in page


def test_a_report_of_an_earlier_version_has_no_row_of_its_own(tmp_path: Path) -> None:
    report = publish_one(tmp_path)
    said = json.loads(report.sidecar.read_text())
    del said["registries"]
    report.sidecar.write_text(json.dumps(said))
    _, sheet = write_pages(tmp_path)
    assert "r.example" in sheet.read_text()


@pytest.mark.parametrize("content", ["{", "[]", "7", '{"report": "health"}', "\xff"])
def test_a_sidecar_that_somebody_broke_does_not_stop_the_others(
    tmp_path: Path, content: str
) -> None:
    publish_one(tmp_path, title="The good one")
    broken = publish_one(tmp_path, when=NOW + timedelta(days=1), title="The broken one")
    broken.sidecar.write_bytes(content.encode("latin-1"))
    for page in write_pages(tmp_path):
        assert "good one" in page.read_text()
        assert "broken one" not in page.read_text()


def test_without_a_report_the_sheet_says_so(tmp_path: Path) -> None:
    _, sheet = write_pages(tmp_path)
    assert "No report yet" in sheet.read_text()


@pytest.mark.parametrize("registries", [1, 8])
def test_it_prints_on_one_page(tmp_path: Path, registries: int) -> None:
    report = publish_one(tmp_path)
    said = json.loads(report.sidecar.read_text())
    rows = [
        {
            "registry": f"registry-{number}.europe.example.com",
            "status": "warning",
            "worst": "The certificate expires in 19 days, on 2026-12-12.",
            "physical_bytes": 10**12,
            "growth_month_bytes": 10**11,
            "monthly_usd": 1234.5,
        }
        for number in range(registries)
    ]
    words = "A signature in freight/billing is about an image that is gone. 101 more such findings."
    findings = [
        {**said["findings"][0], "summary": f"{number}: {words}", "remedy": "Delete it."}
        for number in range(9)
    ]
    when = datetime(2026, 11, 22, 1, tzinfo=UTC).isoformat()
    snapshots = [{"registry": row["registry"], "taken_at": when} for row in rows]
    report.sidecar.write_text(
        json.dumps({**said, "registries": rows, "findings": findings, "snapshots": snapshots})
    )
    _, sheet = write_pages(tmp_path)
    print_pdf(str(find_program("chromium")), sheet, tmp_path / "sheet.pdf", name="summary")
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "sheet.pdf").read_bytes())) == 1


def test_a_pdf_comes_with_the_sheet_and_goes_with_the_wish_for_it(tmp_path: Path) -> None:
    publish_one(tmp_path)
    *_, pdf = write_pages(tmp_path, str(find_program("chromium")))
    assert pdf == tmp_path / "summary.pdf"
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert [path.name for path in write_pages(tmp_path)] == ["index.html", "summary.html"]
    assert not pdf.exists()


def test_a_pdf_that_cannot_be_printed_leaves_the_pages_and_nothing_else(tmp_path: Path) -> None:
    publish_one(tmp_path)
    with pytest.raises(ReportError) as caught:
        write_pages(tmp_path, str(find_program("false")))
    assert (caught.value.code, caught.value.notebook) == ("PDF_FAILED", "summary")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["health", "index.html", "summary.html"]


def test_a_row_says_whether_all_was_read_and_a_good_one_that_nothing_is_to_be_done(
    tmp_path: Path,
) -> None:
    report = publish_one(tmp_path)
    said = json.loads(report.sidecar.read_text())
    good = {"registry": "good.registry.example", "status": "ok", "worst": "", "complete": True}
    partly = {"registry": "r.example", "physical_bytes": 10**9, "complete": False}
    report.sidecar.write_text(json.dumps({**said, "registries": [good, partly]}))
    sheet = write_pages(tmp_path)[1].read_text()
    rows = sheet.split("<tr>")[2:]
    assert "good.<wbr>registry.<wbr>example" in rows[0]
    assert "Nothing needs a hand." in rows[0]
    assert ">complete</span>" in rows[0]
    assert "at least 1.00 GB" in rows[1]
    assert ">not complete</span>" in rows[1]
