"""Facts are made once for all questions about the same states, and never those of others."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from tests.support.inventories import NOON, Shelf, layer, publish

import regtools as rt
from regtools import engine
from regtools.analyses.reach import ONLY_STATE, Reach, facts
from regtools.analyses.shelves import MOST_SHELVES
from regtools.engine import Workspace
from regtools.history import History

HOUR = timedelta(hours=1)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Give a history of more moments than there are shelves, each with one more tag."""
    history = History(tmp_path / "history")
    shelf = Shelf()
    for number in range(MOST_SHELVES + 1):
        shelf.tag("a", str(number), shelf.image(layer(str(number), 2**number), name=number))
        publish(history, shelf.inventory(), taken_at=NOON + number * HOUR)
    return history


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the facts that are made from now on."""
    made: list[str] = []
    table = engine.Shelf.table

    def watched(self: engine.Shelf, name: str, make: Callable[[str], object]) -> str:
        def make_and_tell(place: str) -> None:
            make(place)
            made.append(name)

        return table(self, name, make_and_tell)

    monkeypatch.setattr(engine.Shelf, "table", watched)
    return made


def kept() -> int:
    """Count the tables that are kept, after those that nobody needs have gone."""
    gc.collect()
    with Workspace(None, []) as workspace:
        sql = "SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'kept_%'"
        (count,) = engine._run(workspace._connection, sql)
    return int(count[0])


def test_questions_about_the_same_states_share_their_facts(
    history: History, made: list[str]
) -> None:
    rt.usage(history, by="repository")
    first = list(made)
    assert len(first) == len(set(first)) > 0
    rt.usage(history, by="layer")
    rt.age_profile(history)
    rt.retention(history, rt.Rule(keep_last=1))
    assert made == first


def test_questions_about_the_same_time_share_their_facts(history: History, made: list[str]) -> None:
    rt.churn(history, NOON)
    first = list(made)
    rt.tag_drift(history, NOON)
    assert made == first


def test_another_moment_has_its_own_facts(history: History) -> None:
    for number in (0, 1, 0):
        (row,) = rt.usage(history, at=NOON + number * HOUR).to_dict("records")
        assert row["tags"] == number + 1


def test_what_one_question_adds_no_other_one_sees(history: History) -> None:
    reach, other = (Reach(history, {ONLY_STATE: history.latest()}) for _ in range(2))
    reach.make("images")
    with pytest.raises(duckdb.CatalogException, match="images"):
        other.make("standing")


def test_who_knows_fewer_tags_of_referrers_has_other_facts(history: History) -> None:
    shelf = Shelf()
    image = shelf.image(layer("signed", 1))
    shelf.tag("a", "1", image)
    shelf.tag(
        "a", f"{str(image).replace(':', '-')}.sig", shelf.image(layer("signature", 1), name=2)
    )
    newest = [publish(history, shelf.inventory(), taken_at=NOON + 9 * HOUR)]
    found = {}
    for known in ("all", "none", "all"):
        with Workspace(history, newest) as workspace:
            facts(
                workspace,
                {ONLY_STATE: newest},
                ["places", "nodes", "tagged", "referrer_tags"],
                referrer_tags=known,
            )
            count = engine._run(workspace._connection, "SELECT count(*) FROM referrer_tags")
            found[known] = count[0][0]
    assert found == {"all": 1, "none": 0}


def test_who_sees_more_snapshots_has_other_facts(history: History, made: list[str]) -> None:
    newest = history.latest()
    for snapshots in (newest, history.snapshots(), newest):
        with Workspace(history, snapshots) as workspace:
            facts(workspace, {ONLY_STATE: newest}, ["places"])
    assert made == ["places", "places"]


def test_only_the_facts_of_few_states_are_kept(history: History, made: list[str]) -> None:
    for number in range(MOST_SHELVES + 1):
        rt.usage(history, at=NOON + number * HOUR)
    made.clear()
    for number in range(1, MOST_SHELVES + 1):
        rt.usage(history, at=NOON + number * HOUR)
    assert made == []
    rt.usage(history, at=NOON)
    assert made != []


def test_large_facts_go_before_others_are_made(
    history: History, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regtools.analyses.shelves._ROOM", 0)
    rt.usage(history)
    before = kept()
    first = list(made)
    rt.usage(history, at=NOON)
    assert kept() == before
    made.clear()
    rt.usage(history)
    assert made == first


def test_facts_go_with_their_history(history: History) -> None:
    before = kept()
    again = History(history.location)
    rt.usage(again)
    assert kept() > before
    del again
    assert kept() == before


def test_facts_stay_as_long_as_somebody_may_ask(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    shelf = Shelf()
    shelf.tag("a", "1", shelf.image(layer("one", 1)))
    publish(history, shelf.inventory(), taken_at=NOON)
    reach = Reach(history, {ONLY_STATE: history.latest()})
    del history
    kept()
    assert len(reach.ask("usage_by_repository")) == 1


def test_two_who_ask_at_once_share_facts_too(history: History, made: list[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda by: rt.usage(history, by=by), ("repository", "registry"))
    assert first["physical_bytes"].tolist() == second["physical_bytes"].tolist()
    assert len(made) == len(set(made))
