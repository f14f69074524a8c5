"""The analyses on the command line say what their functions say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.inventories import NOON, Shelf, layer, publish

import regtools as rt
from regtools.history import History


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Three weekly snapshots of two repositories that share a base."""
    folder = tmp_path / "made"
    for week in range(3):
        shelf = Shelf()
        base = layer("base", 50_000_000)
        for number in range(week + 1):
            own = layer(f"own-{number}", 10_000_000)
            shelf.tag("team/app", f"v{number}", shelf.image(base, own, name=f"app-{number}"))
        shelf.tag("team/web", "1", shelf.image(base, name="web"))
        taken_at = NOON.replace(day=1 + 7 * week)
        publish(History(folder), shelf.inventory(), taken_at=taken_at)
    return folder


def test_usage_is_the_functions_own_answer(regtools: Command, history: Path) -> None:
    rows = regtools("usage", "--history", history, "--json").document["rows"]
    frame = rt.usage(history)
    assert [row["repository"] for row in rows] == list(frame["repository"])
    assert [row["physical_bytes"] for row in rows] == list(frame["physical_bytes"])
    assert all(type(row["physical_bytes"]) is int for row in rows)


@pytest.mark.parametrize(("by", "names"), [("namespace", ["team"]), ("platform", ["linux/amd64"])])
def test_usage_cuts_across_repositories(
    regtools: Command, history: Path, by: str, names: list[str]
) -> None:
    rows = regtools("usage", "--history", history, "--by", by, "--json").document["rows"]
    frame = rt.usage(history, by=by)
    assert [row[by] for row in rows] == list(frame[by]) == names
    assert [list(row) for row in rows] == [list(frame.columns)]
    assert by in regtools("usage", "--history", history, "--by", by).out


def test_a_table_names_the_registry_only_where_there_are_several(
    regtools: Command, history: Path
) -> None:
    assert "registry.example.com" not in regtools("usage", "--history", history).out
    shelf = Shelf(registry="other.example.com")
    shelf.tag("app", "1", shelf.image(layer("app", 10)))
    publish(History(history), shelf.inventory(), registry="other.example.com")
    shown = regtools("usage", "--history", history).out
    assert "other.example.com" in shown
    assert "registry.example.com" in shown


def test_usage_of_the_past_and_of_the_largest_only(regtools: Command, history: Path) -> None:
    then = NOON.replace(day=1).date().isoformat()
    old = regtools("usage", "--history", history, "--by", "tag", "--at", then, "--json")
    assert {row["tag"] for row in old.document["rows"]} == {"v0", "1"}
    top = regtools("usage", "--history", history, "--by", "tag", "--top", "2", "--json")
    assert len(top.document["rows"]) == 2


def test_the_history_is_named_by_option_environment_or_settings(
    regtools: Command, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = regtools("usage", "--history", history, "--json").out
    Path("regtools.toml").write_text(f'history = "{history}"')
    assert regtools("usage", "--json").out == wanted
    Path("regtools.toml").write_text('history = "elsewhere"')
    monkeypatch.setenv("REGTOOLS_HISTORY", str(history))
    assert regtools("usage", "--json").out == wanted


@pytest.fixture
def long_history(tmp_path: Path) -> Path:
    """Nine weekly snapshots that grow, the newest of which is large."""
    folder = tmp_path / "long"
    for week in range(9):
        shelf = Shelf()
        shelf.tag("app", "v1", shelf.image(layer(f"own-{week}", 10_000_000 * (week + 1))))
        if week >= 6:
            shelf.tag("moved", "v1", shelf.image(layer("moved", 900_000_000)))
        publish(History(folder), shelf.inventory(), taken_at=NOON - timedelta(days=7 * (8 - week)))
    return folder


def test_growth_has_its_frames_in_one_document(regtools: Command, long_history: Path) -> None:
    history = long_history
    document = regtools("growth", "--history", history, "--capacity", "2GB", "--json").document
    result = rt.growth(history, capacity=2 * 10**9)
    for name in ("ahead", "steps", "limits"):
        assert len(document[name]) == len(getattr(result, name))
        assert list(document[name][0]) == list(getattr(result, name).columns)
    measured = [row for row in document["series"] if row["basis"] == "measured"]
    assert [row["physical_bytes"] for row in measured] == list(
        result.series[result.series["basis"] == "measured"]["physical_bytes"]
    )
    (forecast,) = document["forecast"]
    assert forecast["capacity_bytes"] == 2 * 10**9
    assert forecast["days_until_full"] == pytest.approx(result.forecast["days_until_full"].iloc[0])


def test_growth_is_readable_in_a_terminal(regtools: Command, long_history: Path) -> None:
    ran = regtools("growth", "--history", long_history, "--capacity", "2GB")
    assert ran.code == 0
    for title in ("What grew", "Forecast", "What is reached when", "Steps"):
        assert title in ran.out


def test_prices_are_listed_and_shown(regtools: Command) -> None:
    every = regtools("prices", "list", "--json").document["rows"]
    one = regtools("prices", "show", every[0]["provider"], "--json").document["rows"]
    assert 0 < len(one) < len(every)
    unknown = regtools("prices", "show", "nobody")
    assert unknown.code == 2
    assert "[PROVIDER_UNKNOWN]" in unknown.err


@pytest.mark.parametrize(
    "arguments",
    [("usage", "--at", "yesterday"), ("growth", "--capacity", "much"), ("usage", "--by", "colour")],
)
def test_what_cannot_be_read_is_wrong_usage(regtools: Command, arguments: tuple[str, ...]) -> None:
    ran = regtools(*arguments)
    assert ran.code == 2
    assert ran.out == ""


def test_an_incomplete_inventory_is_said_to_be_a_lower_bound(
    regtools: Command, tmp_path: Path
) -> None:
    shelf = Shelf()
    shelf.tag("team/app", "1", shelf.image(layer("own", 1000), name="app"))
    publish(History(tmp_path / "partial"), shelf.inventory(), taken_at=NOON, complete=False)
    ran = regtools("usage", "--history", tmp_path / "partial")
    assert "at least" in ran.err


def test_the_capacity_of_the_settings_counts_where_none_is_given(
    regtools: Command, long_history: Path
) -> None:
    Path("regtools.toml").write_text('[thresholds]\ncapacity_bytes = "3GB"\n')
    for given, limit in ((), 3 * 10**9), (("--capacity", "2GB"), 2 * 10**9):
        ran = regtools("growth", "--history", long_history, *given, "--json")
        assert [row["limit_bytes"] for row in ran.document["limits"]] == [limit]
