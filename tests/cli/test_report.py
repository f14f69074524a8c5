from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.docker_registry import DockerRegistry
from tests.support.notebooks import write_notebook

from regtools.reports import notebooks


def test_a_report_is_published_and_named(regtools: Command, registry: DockerRegistry) -> None:
    regtools("scan", registry.url)
    ran = regtools("report", "health", "--output", "out", "--json")
    assert ran.code == 0, ran.err
    (made,) = ran.document["reports"]
    sidecar = json.loads(Path("out/health/latest/report.json").read_text())
    assert sidecar["report"] == made["name"] == "health"
    assert sidecar["snapshots"]
    assert "out/health" in ran.err


def test_the_exit_code_tells_of_a_finding(regtools: Command, registry: DockerRegistry) -> None:
    # The corpus holds images of 2025, which a year later are a finding; plain HTTP is another.
    regtools("scan", registry.url)
    never = regtools("report", "health", "--output", "out", "--json")
    worst = never.document["reports"][0]["worst"]
    assert never.code == 0
    warned = regtools("report", "health", "--output", "out", "--fail-on", "warning")
    assert warned.code == (1 if worst in ("warning", "critical") else 0)


def test_an_unknown_parameter_is_wrong_usage_and_nothing_is_written(
    regtools: Command, registry: DockerRegistry
) -> None:
    regtools("scan", registry.url)
    ran = regtools("report", "health", "--output", "out", "-p", "certificate_dyas=3")
    assert ran.code == 2
    assert "[UNKNOWN_PARAMETER]" in ran.err
    assert "certificate_days" in ran.err
    assert not list(Path("out").rglob("*.html")) if Path("out").exists() else True


def test_an_empty_history_is_said_before_a_kernel_is_started(regtools: Command) -> None:
    ran = regtools("report", "all", "--output", "out")
    assert ran.code == 3
    assert "[HISTORY_EMPTY]" in ran.err
    assert "regtools scan" in ran.err


def test_a_notebook_reads_the_settings_that_were_named(
    regtools: Command,
    registry: DockerRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    regtools("scan", registry.url)
    config = tmp_path / "elsewhere" / "mine.toml"
    config.parent.mkdir()
    config.write_text(
        "[prices.ecr.prices.storage]\nrate = 0.07\nsource = 'Contract'\nchecked = 2026-11-01\n"
    )
    write_notebook(
        tmp_path / "health.ipynb",
        (
            "price",
            "import regtools as rt\nprice = rt.open_prices().provider('ecr').prices['storage']",
        ),
        ("say", "price.tiers[0].rate, price.source"),
        parameters='history = ""\nregistry = ""',
    )
    monkeypatch.setattr(notebooks, "_FOLDERS", (tmp_path,))
    place = ("--history", Path("history").absolute(), "--config", config)
    ran = regtools("report", "health", *place, "--output", "out")
    assert ran.code == 0, ran.err
    assert "Contract" in Path("out/health/latest/health.ipynb").read_text()


def test_the_health_report_is_judged_by_the_thresholds_of_the_settings(
    regtools: Command, registry: DockerRegistry, tmp_path: Path
) -> None:
    regtools("scan", registry.url)
    config = tmp_path / "elsewhere" / "mine.toml"
    config.parent.mkdir()
    config.write_text("[thresholds]\ntags = 0\nlayer_bytes = '1B'\n")
    place = ("--history", Path("history").absolute(), "--config", config)
    ran = regtools("report", "health", *place, "--output", "out")
    assert ran.code == 0, ran.err
    sidecar = json.loads(Path("out/health/latest/report.json").read_text())
    assert {"TAGS_MANY", "LAYER_LARGE"} <= {one["code"] for one in sidecar["findings"]}
    assert sidecar["parameters"]["certificate_days"] is None
    page = Path("out/health/latest/index.html").read_text()
    assert "0 tags" in page
    assert "1.00 GB" in page, "the default beside the threshold that was moved"
    config.write_text("[thresholds]\ntags = -1\n")
    refused = regtools("report", "health", *place, "--output", "out")
    assert refused.code == 2
    assert "[THRESHOLD_INVALID]" in refused.err
