"""Work lists say what to do, the most urgent or the largest first."""

from __future__ import annotations

from datetime import date

import pandas as pd
from tests.support.frames import (
    between_frames,
    cost_frame,
    drift_frame,
    growth_frames,
    health_frame,
    usage_frame,
)

from regtools.actions import (
    base_growth,
    choice_table,
    drift_table,
    largest_layers,
    limits_table,
    open_findings,
    plan_table,
    repository_actions,
    savings_table,
    source_table,
    threshold_table,
)
from regtools.thresholds import Thresholds


def test_each_repository_gets_advice() -> None:
    actions = repository_actions(usage_frame(), growth_frames())
    advice = list(actions["advice"])
    assert advice[0].startswith("Makes 74% of the growth")
    assert "Has 400 tags" in advice[0]
    assert advice[1].endswith("Deleting it frees little: its layers are shared.")
    assert advice[2].startswith("Has no tag")


def test_what_deleting_frees_is_what_only_it_reaches() -> None:
    actions = repository_actions(usage_frame())
    assert list(actions.columns) == ["repository", "tags", "stored_bytes", "freed_bytes", "advice"]
    assert list(actions["freed_bytes"]) == [80 * 10**9, 10 * 10**9, 0]


def test_registries_are_named_where_there_are_several() -> None:
    usage = usage_frame()
    usage.loc[0, "registry"] = "other.example"
    assert repository_actions(usage).columns[0] == "registry"


def test_the_largest_layer_comes_first() -> None:
    layers = pd.DataFrame(
        {
            "registry": "r",
            "blob": ["sha256:a", "sha256:b"],
            "size": [1, 2],
            "repositories": 1,
            "tags": 3,
            "found_in": "web",
        }
    )
    assert list(largest_layers(layers)["blob"]) == ["sha256:b", "sha256:a"]


def test_a_plan_says_what_keeps_it_from_being_chosen() -> None:
    plans = plan_table(cost_frame())
    assert list(plans["verdict"]) == [
        "Possible",
        "Not possible: private repositories",
        "Possible",
        "No price is published",
    ]
    assert list(plans["range"]) == ["$300.00 to $500.00", "", "", ""]
    assert plan_table(cost_frame().assign(high_usd=None))["range"][0] == "$300.00 or more"


def test_a_line_of_a_bill_names_its_source() -> None:
    lines = pd.DataFrame(
        {
            "provider": "P",
            "component": "storage",
            "quantity": 10.0,
            "unit": "GB",
            "unit_price_usd": [0.1, None],
            "monthly_usd": [1.0, None],
            "grade": "A",
            "checked": "2026-11-23",
            "source": "https://example.com",
        }
    )
    sources = source_table(lines)
    assert list(sources["unit_price"]) == ["$0.1", "unknown"]
    assert sources["checked"][0] == date(2026, 11, 23)


def test_a_move_says_what_it_takes() -> None:
    frame = pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "provider": ["Here", "There", "Unknown"],
            "plan": "only",
            "monthly_usd": [10.0, 4.0, 3.0],
            "three_years_usd": [360.0, 154.0, None],
            "saves_usd": [0.0, 6.0, 7.0],
            "switch_hours": [0.0, 8.25, 8.25],
            "switch_low_usd": [0.0, 9.0, None],
            "switch_high_usd": [0.0, 10.0, None],
            "pays_back_months": [None, 1.7, None],
            "grade": "A",
            "best_for": "all",
        }
    )
    table = choice_table(frame)
    assert list(table["provider"]) == ["Here (only)", "There (only)", "Unknown (only)"]
    assert list(table["move"]) == [
        "none: it is there",
        "8 h, $9.00 to $10.00; back in 1.7 months",
        "8 h, dollars unknown",
    ]


def test_what_a_measure_saves_is_a_range_or_one_number() -> None:
    frame = pd.DataFrame(
        {
            "measure": ["clean up", "zstd"],
            "provider": "P",
            "plan": "only",
            "monthly_usd": 9.0,
            "low_saved_bytes": [10**9, 10**9],
            "high_saved_bytes": [10**9, 2 * 10**9],
            "low_saved_usd": [1.0, 1.0],
            "high_saved_usd": [1.0, 2.5],
        }
    )
    table = savings_table(frame)
    assert list(table["bytes_less"]) == ["1.00 GB", "1.00 GB to 2.00 GB"]
    assert list(table["saved_a_month"]) == ["$1.00", "$1.00 to $2.50"]


def test_open_findings_leave_out_the_good_and_start_with_the_worst() -> None:
    found = open_findings(health_frame())
    assert list(found["severity"]) == ["critical", "warning", "info"]


def test_what_is_reached_when_is_told_in_words() -> None:
    frames = growth_frames(capacity=1e12, days_until_full=60.0)
    frames.limits = pd.concat(
        [frames.limits, frames.limits.assign(kind="quota", name="team", limit_bytes=2 * 10**12)]
    )
    shown = limits_table(frames)
    assert list(shown["limit"]) == ["capacity as given", "the vendor's quota (team)"]
    assert list(shown["days_until"]) == [60, 60]
    assert "registry" not in shown
    assert limits_table(growth_frames()).empty


def test_what_belongs_to_no_base_image_is_told_in_words() -> None:
    shown = base_growth(between_frames())
    assert list(shown["base"]) == ["(no base image)", "base:12"]
    assert list(shown["images"].isna()) == [True, False]
    assert shown.columns[0] == "base"


def test_a_tag_that_names_one_build_should_not_have_moved() -> None:
    shown = drift_table(drift_frame())
    assert list(shown["tag"]) == ["1.4.2", "main", "latest", "1.4"]
    advice = shown.set_index("tag")["advice"]
    assert advice["1.4.2"].startswith("Names one build")
    assert advice["main"] == "Taken back once: ask what was wrong."
    assert advice["latest"] == advice["1.4"] == "Nothing."


def test_thresholds_are_listed_and_beside_a_moved_one_its_default() -> None:
    shown = threshold_table(Thresholds(layer_bytes=3 * 10**9, untagged_share=0.5, version_tags=()))
    rows = shown.set_index("threshold")
    assert rows.loc["layer_bytes"].tolist() == ["3.00 GB", "1.00 GB"]
    assert rows.loc["untagged_share"].tolist() == ["0.5 (50%)", "0.25 (25%)"]
    assert rows.loc["capacity_bytes"].tolist() == ["not given", ""]
    assert rows.loc["version_tags", "value"] == "none"
    assert (rows["default"] != "").sum() == 3
