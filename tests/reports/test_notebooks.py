"""Parameters are checked before a kernel is started."""

from __future__ import annotations

from pathlib import Path

import papermill
import pytest
from tests.support.notebooks import write_notebook

from regtools.errors import ConfigError, ReportError
from regtools.reports import _chosen, notebooks
from regtools.reports.notebooks import REPORTS, notebook_path, parameters_of, prepare, typed


def test_all_means_the_three_reports_that_need_no_rule() -> None:
    assert _chosen("all") == ["storage-growth", "cost-comparison", "health"]
    assert _chosen(["retention", "health", "all"]) == [
        "retention",
        "health",
        "storage-growth",
        "cost-comparison",
    ]


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_a_notebook(name: str) -> None:
    assert notebook_path(name).is_file()


@pytest.mark.parametrize("name", REPORTS)
def test_we_see_the_parameters_that_papermill_sees(name: str) -> None:
    path = notebook_path(name)
    assert list(parameters_of(path)) == list(papermill.inspect_notebook(path))


def test_a_wheel_is_looked_into_before_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = write_notebook(tmp_path / "health.ipynb")
    monkeypatch.setattr(notebooks, "_FOLDERS", (tmp_path, *notebooks._FOLDERS))
    assert notebook_path("health") == wheel


def test_a_missing_notebook_says_that_the_installation_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "_FOLDERS", (tmp_path,))
    with pytest.raises(ReportError, match=r"health\.ipynb") as caught:
        notebook_path("health")
    assert caught.value.code == "NOTEBOOK_MISSING"


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="forcast_days") as caught:
        prepare(["storage-growth", "health"], {"forcast_days": 3})
    assert caught.value.code == "UNKNOWN_PARAMETER"
    assert "forecast_days" in caught.value.remedy


def test_each_notebook_takes_the_parameters_it_knows() -> None:
    growth, health = prepare(["storage-growth", "health"], {"forecast_days": "30"})
    assert growth.parameters == {"forecast_days": 30}
    assert health.parameters == {}
    assert growth.values()["forecast_days"] == 30
    assert growth.values()["registry"] == ""


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        ("30", 90, 30),
        (30.0, 90, 30),
        ("1e3", 0.5, 1000.0),
        (5, 0.5, 5.0),
        ("no", True, False),
        ("TRUE", False, True),
        (2026, "", "2026"),
        ("x", "", "x"),
        (None, None, None),
        ("", None, None),
    ],
)
def test_a_value_is_read_as_the_type_of_the_default(
    value: object, default: object, expected: object
) -> None:
    read = typed("p", value, default)  # type: ignore[arg-type]
    assert read == expected
    assert type(read) is type(default)


@pytest.mark.parametrize("value", [500, 500.0, "500"])
def test_a_parameter_without_a_default_is_a_number(value: object) -> None:
    assert typed("egress_gb", value, None) == 500.0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "default"),
    [
        ("much", None),
        ("ten", 90),
        (1.5, 90),
        (True, 90),
        ("many", 0.5),
        (True, 0.5),
        ("perhaps", True),
        (True, ""),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(value: object, default: object) -> None:
    with pytest.raises(ConfigError) as caught:
        typed("p", value, default)  # type: ignore[arg-type]
    assert caught.value.code == "PARAMETER_TYPE"


@pytest.mark.parametrize(
    "value",
    [
        "https://me:CANARY@registry.example",
        "s3://key:CANARY@bucket/history",
        "https://x.example/h?X-Amz-Signature=CANARY",
        "https://x.example/h?sv=1&sig=CANARY",
        "https://x.example/h?access_token=CANARY",
    ],
)
def test_a_secret_in_a_parameter_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        prepare(["health"], {"history": value})
    assert caught.value.code == "SECRET_INLINE"
    assert "CANARY" not in f"{caught.value}{caught.value.remedy}"


@pytest.mark.parametrize("value", ["history/", "s3://bucket/prefix", "gs://b/p?region=x", "a@b"])
def test_an_ordinary_address_is_no_secret(value: str) -> None:
    (job,) = prepare(["health"], {"history": value})
    assert job.parameters == {"history": value}
