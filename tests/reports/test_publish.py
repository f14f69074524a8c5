"""A report appears whole or not at all; `latest` and the index follow in one step each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest

from regtools.errors import ConfigError
from regtools.reports.html import Page
from regtools.reports.notebooks import Job
from regtools.reports.pages import write_pages
from regtools.reports.publish import (
    Report,
    locked,
    publish,
    staging,
    stamp_of,
)
from regtools.reports.run import Executed

NOW = datetime(2026, 11, 23, 10, 20, 30, tzinfo=UTC)
EXECUTED = Executed(notebook=nbformat.v4.new_notebook(), seconds=1.0)


def publish_one(
    output: Path, *, name: str = "health", when: datetime = NOW, title: str = "Does it work?"
) -> Report:
    job = Job(
        name=name, notebook=Path("x.ipynb"), parameters={"at": ""}, defaults={"at": "", "n": 1}
    )
    finding = {"severity": "critical", "code": "X", "summary": title, "remedy": "", "subject": ""}
    row = {"snapshot": "s", "registry": "r.example", "taken_at": "2026-11-22T01:00:00+00:00"}
    page = Page(
        html="<h1>page</h1>",
        title=title,
        findings={"status": "critical", "findings": [finding], "key_numbers": {"tags": 3}},
        provenance={"complete": True, "snapshots": [row]},
    )
    with staging(output, stamp_of(when)) as staged:
        own = staged / name
        own.mkdir()
        (own / f"{name}.ipynb").write_text("{}")
        return publish(own, output, job=job, page=page, executed=EXECUTED, created_at=when)


def test_a_report_has_three_files_and_a_link(tmp_path: Path) -> None:
    report = publish_one(tmp_path)
    assert report.folder == tmp_path / "health" / "20261123T102030Z"
    assert sorted(path.name for path in report.folder.iterdir()) == [
        "health.ipynb",
        "index.html",
        "report.json",
    ]
    latest = tmp_path / "health" / "latest"
    assert latest.is_symlink()
    assert str(latest.readlink()) == "20261123T102030Z"


def test_the_sidecar_says_what_the_report_says(tmp_path: Path) -> None:
    report = publish_one(tmp_path)
    said = json.loads(report.sidecar.read_text())
    assert said["schema_version"] == 1
    assert said["report"] == "health"
    assert said["status"] == "critical"
    assert said["created_at"] == "2026-11-23T10:20:30+00:00"
    assert said["parameters"] == {"at": "", "n": 1}
    assert said["complete"] is True
    assert said["key_numbers"] == {"tags": 3}
    assert [one["registry"] for one in said["snapshots"]] == ["r.example"]
    assert said["files"] == {"html": "index.html", "notebook": "health.ipynb"}
    assert report.key_numbers == {"tags": 3}


def test_two_reports_in_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    first, second = publish_one(tmp_path), publish_one(tmp_path)
    assert first.folder.is_dir()
    assert second.folder.name == "20261123T102030Z-2"
    assert str((tmp_path / "health" / "latest").readlink()) == second.folder.name


def test_nothing_of_the_staging_stays(tmp_path: Path) -> None:
    publish_one(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["health"]


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".staging-old" / "health").mkdir(parents=True)
    publish_one(tmp_path)
    assert not (tmp_path / ".staging-old").exists()


def test_where_links_are_impossible_a_file_holds_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    publish_one(tmp_path)
    assert (tmp_path / "health" / "latest").read_text() == "20261123T102030Z\n"
    assert all(page.is_file() for page in write_pages(tmp_path))


def test_the_index_lists_the_newest_first_and_escapes(tmp_path: Path) -> None:
    publish_one(tmp_path, when=NOW - timedelta(days=1), title="<script>old</script>")
    publish_one(tmp_path, when=NOW, title="<script>new</script>")
    publish_one(tmp_path, name="storage-growth", when=NOW)
    page = write_pages(tmp_path)[0].read_text()
    assert "<script" not in page
    assert "&lt;script&gt;new&lt;/script&gt;" in page
    assert page.index("Storage growth") < page.index("health/20261123T102030Z/")
    assert page.index("health/20261123T102030Z/") < page.index("health/20261122T102030Z/")
    assert page.count('href="health/20261123T102030Z/index.html"') == 2
    assert "Earlier reports" in page


def test_an_index_of_nothing_says_so(tmp_path: Path) -> None:
    assert "No report yet" in write_pages(tmp_path)[0].read_text()


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(ConfigError) as caught, locked(tmp_path):
        raise AssertionError("unreachable")
    assert caught.value.code == "REPORTS_LOCKED"


def test_the_lock_falls_with_its_process(tmp_path: Path) -> None:
    source = (
        "import os, sys; from pathlib import Path; from regtools.reports.publish import locked\n"
        "with locked(Path(sys.argv[1])): os._exit(9)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", source, str(tmp_path)], check=False, env=environ)
    with locked(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught, locked(tmp_path / "file" / "reports"):
        raise AssertionError("unreachable")
    assert caught.value.code == "REPORTS_UNWRITABLE"
