"""The notebooks, run on a history made by hand: what they say is what the analyses say."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.support.inventories import REGISTRY, Shelf, layer, publish

import regtools as rt
from regtools.errors import ConfigError, HistoryError
from regtools.explorer import STATIC
from regtools.history import History
from regtools.reports import REPORTS, Report, report, report_schema
from regtools.schema import CheckRow, ProblemRow
from regtools.units import format_bytes

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOSTILE = 'team/<script>alert("x")</script>$x$'
MESSAGE = '<img src="http://127.0.0.1:9/x" onerror="alert(1)">'
KEPT = "^(v1|<i>)$"
CANARY = "CANARY-7351-canary"
MB = 10**6
PARAMETERS = {
    "at": NOW.isoformat(),
    "forecast_days": "30",
    "capacity": "10GB",
    "keep_last": 3,
    "older_than": "7d",
    "keep_tag": KEPT,
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give eight weekly snapshots of a growing registry; the last one is not complete."""
    folder = tmp_path_factory.mktemp("history")
    store = History(folder)
    shelf = Shelf()
    base = layer("base", 300 * MB)
    for week in range(8):
        taken_at = NOW - timedelta(days=7 * (7 - week))
        for name, size in ((HOSTILE, 120 * MB), ("team/small", 20 * MB)):
            made = layer(f"{name}{week}", size)
            image = shelf.image(base, made, created_at=taken_at - timedelta(hours=5))
            shelf.tag(name, f"v{week}", image)
        publish(store, _seen(shelf, last=week == 7), taken_at=taken_at, complete=week < 7)
    return folder


def _seen(shelf: Shelf, *, last: bool) -> Any:
    inventory = shelf.inventory()
    expiry = json.dumps({"not_after": "2026-11-27T12:00:00+00:00", "days_left": 4})
    inventory.checks.extend(
        CheckRow(registry=REGISTRY, stage=stage, code=code, status=status, evidence=evidence)
        for stage, code, status, evidence in (
            ("resolve", "RESOLVED", "ok", ""),
            ("connect", "CONNECTED", "ok", ""),
            ("tls", "TLS_EXPIRES_SOON", "warn", expiry),
            ("auth", "AUTH_OK", "ok", ""),
            ("listing", "LISTING_OK", "ok", ""),
        )
    )
    if last:
        problem = ProblemRow(
            registry=REGISTRY, repository=HOSTILE, reference="v9", code="DENIED", message=MESSAGE
        )
        inventory.problems.append(problem)
    return inventory


@pytest.fixture(scope="module")
def reports(history: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """Run each once, side by side, with secrets in the environment."""
    output = tmp_path_factory.mktemp("published") / "reports"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGTOOLS_PASSWORD", CANARY)
        patch.setenv("REGISTRY_TOKEN", CANARY)
        made = report(
            ["all", "retention"],
            history=str(history),
            output=output,
            parameters=PARAMETERS,
            now=NOW,
        )
    return {one.name: one for one in made}


def said(one: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(one.sidecar.read_text())
    return document


@pytest.mark.parametrize("name", REPORTS)
def test_a_sidecar_is_as_its_schema_says(reports: dict[str, Report], name: str) -> None:
    schema = report_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(said(reports[name]))
    assert set(said(reports[name])) == set(schema["properties"])


def test_the_same_history_gives_the_same_bytes_elsewhere(
    reports: dict[str, Report], history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine of another place and language, and with sets in another order."""
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    again = report(
        ["all", "retention"],
        history=str(history),
        output=tmp_path / "reports",
        parameters=PARAMETERS,
        now=NOW,
    )
    for second in again:
        first = reports[second.name]
        assert first.sidecar.read_bytes() == second.sidecar.read_bytes()
        pages = [Page(one.page.read_text()) for one in (first, second)]
        pictures, others = (
            [attributes["src"] for tag, attributes in page.tags if tag == "img"] for page in pages
        )
        assert pictures == others
        assert pictures or second.name == "retention"
        assert first.page.read_bytes() == second.page.read_bytes()
    sheets = [
        (one.folder.parents[1] / "summary.html").read_bytes()
        for one in (*again[:1], reports["health"])
    ]
    assert sheets[0] == sheets[1]


def test_with_a_pdf_all_that_differs_is_that_it_is_named(
    reports: dict[str, Report], history: Path, tmp_path: Path
) -> None:
    (printed,) = report(
        "health",
        history=str(history),
        output=tmp_path / "reports",
        parameters={"at": PARAMETERS["at"]},
        now=NOW,
        pdf=True,
    )
    assert printed.pdf is not None
    assert printed.pdf.read_bytes().startswith(b"%PDF-")
    document = said(printed)
    assert document["files"].pop("pdf") == "health.pdf"
    assert document == said(reports["health"])


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_published_whole(reports: dict[str, Report], name: str) -> None:
    one = reports[name]
    files = sorted(path.name for path in one.folder.iterdir())
    assert files == sorted(["index.html", f"{name}.ipynb", "report.json"])
    assert (one.folder.parent / "latest").resolve() == one.folder.resolve()
    document = said(one)
    assert document["report"] == name
    assert [row["registry"] for row in document["snapshots"]] == [REGISTRY]
    assert document["complete"] is False
    assert document["findings"]


def test_the_storage_report_says_what_the_analyses_say(
    reports: dict[str, Report], history: Path
) -> None:
    document = said(reports["storage-growth"])
    (total,) = rt.usage(history, by="registry").to_dict("records")
    assert document["key_numbers"]["physical_bytes"] == total["physical_bytes"]
    assert document["parameters"]["forecast_days"] == 30
    codes = {finding["code"] for finding in document["findings"]}
    assert {"INCOMPLETE", "ONE_GROWER"} <= codes
    assert any(code.startswith("CAPACITY") for code in codes)


def test_the_retention_report_says_what_the_analysis_says(
    reports: dict[str, Report], history: Path
) -> None:
    document = said(reports["retention"])
    rule = rt.Rule(keep_last=3, older_than=timedelta(days=7), keep_tags=(KEPT,))
    found = rt.retention(history, rule)
    assert found.tags_deleted == 8  # v0 and v2 to v4 of both; v1 is kept
    numbers = document["key_numbers"]
    assert numbers["freed_bytes"] == found.bytes_freed_high > 4 * 140 * MB
    assert numbers["kept_bytes"] == found.bytes_kept
    assert numbers["tags_deleted"] == found.tags_deleted
    assert numbers["freed_month_usd"] == float(found.monthly_usd_freed or 0)
    assert {"INCOMPLETE", "COULD_FREE", "IN_USE_UNKNOWN"} <= {
        finding["code"] for finding in document["findings"]
    }
    text = Page(reports["retention"].page.read_text()).text
    assert "at most" in text
    assert f"--keep-last 3 --older-than 7d --keep-tag '{KEPT}'" in text
    best = found.best(12)
    assert format_bytes(int(best["total_bytes_freed"].max())) in text


def test_the_storage_report_says_what_a_rule_would_free(
    reports: dict[str, Report], history: Path
) -> None:
    document = said(reports["storage-growth"])
    found = rt.retention(history, rt.Rule(keep_last=3, older_than=timedelta(days=7)))
    assert document["key_numbers"]["freed_bytes"] == found.bytes_freed
    assert document["key_numbers"]["freed_month_usd"] == float(found.monthly_usd_freed or 0)
    (could,) = [one for one in document["findings"] if one["code"] == "COULD_FREE"]
    assert "at most" in could["summary"]
    text = Page(reports["storage-growth"].page.read_text()).text
    assert "Nothing was deleted." in text
    assert "--keep-last 3 --older-than 7d" in text


def test_controls_become_a_sentence_in_a_page_and_in_its_notebook(
    reports: dict[str, Report],
) -> None:
    one = reports["retention"]
    assert STATIC in Page(one.page.read_text()).text
    executed = json.loads(one.notebook.read_text())
    assert "widgets" not in executed["metadata"]
    (explored,) = [cell for cell in executed["cells"] if cell["id"] == "explore"]
    (output,) = explored["outputs"]
    assert sorted(output["data"]) == ["text/html", "text/plain"]


def test_the_cost_report_says_what_the_analyses_say(
    reports: dict[str, Report], history: Path
) -> None:
    document = said(reports["cost-comparison"])
    costs = rt.cost(history)
    possible = costs[costs["feasible"].astype(bool) & costs["monthly_usd"].notna()]
    assert document["key_numbers"]["possible_plans"] == len(possible)
    assert document["key_numbers"]["cheapest_usd"] == float(possible["monthly_usd"].min())


def test_the_health_report_says_what_the_analyses_say(
    reports: dict[str, Report], history: Path
) -> None:
    document = said(reports["health"])
    counts = rt.health(history, at=NOW)["severity"].value_counts()
    assert document["key_numbers"]["critical"] == counts.get("critical", 0)
    assert document["key_numbers"]["warning"] == counts.get("warning", 0)
    assert document["status"] in {"critical", "warning"}


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_reads_well_and_loads_nothing(reports: dict[str, Report], name: str) -> None:
    page = Page(reports[name].page.read_text())
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1
    assert not {"script", "link", "iframe", "object", "embed"} & set(tags)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in images)
    assert all(len(str(image["alt"])) > 40 for image in images)
    assert not [key for _, own in page.tags for key in own if key.startswith("on")]
    assert "rt.picture" not in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize("name", REPORTS)
def test_what_could_not_be_read_stands_in_the_report_as_text(
    reports: dict[str, Report], name: str
) -> None:
    page = Page(reports[name].page.read_text())
    assert MESSAGE in page.text
    assert HOSTILE in page.text
    assert "NOT read completely" in page.text


def test_no_secret_and_no_path_of_this_process_reaches_an_artifact(
    reports: dict[str, Report],
) -> None:
    output = reports["health"].folder.parent.parent
    for path in output.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert CANARY.encode() not in text, path
            assert str(output).encode() not in text, path
            assert os.fsencode(rt.__file__) not in text, path


def test_the_index_leads_to_every_report(reports: dict[str, Report]) -> None:
    output = reports["health"].folder.parent.parent
    page = Page((output / "index.html").read_text())
    links = [str(own["href"]) for tag, own in page.tags if tag == "a"]
    assert {one.page.relative_to(output).as_posix() for one in reports.values()} <= set(links)
    assert all((output / link).exists() for link in links)


def test_an_empty_history_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(HistoryError) as caught:
        report("all", history=tmp_path / "none", output=tmp_path / "reports")
    assert caught.value.code == "HISTORY_EMPTY"
    assert not (tmp_path / "reports").exists()


def test_a_registry_that_the_history_does_not_know_is_refused(
    history: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        report("health", history=history, output=tmp_path / "reports", registry="typo.example")
    assert caught.value.code == "UNKNOWN_REGISTRY"
    assert REGISTRY in caught.value.remedy
