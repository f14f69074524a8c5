from __future__ import annotations

from pathlib import Path

from tests.support.command import Command


def test_the_demo_prints_the_page_of_three_reports(regtools: Command) -> None:
    ran = regtools("demo")
    assert ran.code == 0, ran.err
    page = Path(ran.out.strip())
    assert page == Path("demo/reports/index.html").absolute()
    assert page.read_text().count("report.json") >= 3
    listed = regtools("history", "list", "--history", "demo/history", "--json").document["rows"]
    assert len(listed) > 50
    assert regtools("history", "check", "--history", "demo/history").code == 0


def test_a_folder_with_something_else_in_it_is_left_alone(regtools: Command) -> None:
    Path("demo").mkdir()
    Path("demo/mine.txt").write_text("mine")
    ran = regtools("demo")
    assert ran.code == 2
    assert "[OUTPUT_IN_USE]" in ran.err
    assert Path("demo/mine.txt").read_text() == "mine"
