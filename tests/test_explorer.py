"""The controls of the notebook ask the same function as everybody, and answer in words."""

from __future__ import annotations

import asyncio
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from tests.support.inventories import NOON, REGISTRY
from tests.support.what_if import DAY, HOSTILE, what_if_history

from regtools.analyses.retention import Retention, retention
from regtools.explorer import ALL, MOST_KEPT, STATIC, RetentionExplorer, explore_retention
from regtools.history import History
from regtools.policies import InUse, Rule
from regtools.policies.in_use import read_in_use

mpl.use("agg")


class Page(HTMLParser):
    """The tags and the text of a piece of markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return what_if_history(tmp_path_factory.mktemp("controls") / "history")


@pytest.fixture
def explorer(history: History) -> RetentionExplorer:
    return explore_retention(history, now=NOON)


def shown(explorer: RetentionExplorer) -> Page:
    return Page(explorer.answer.value)


def test_at_first_it_shows_the_rule_it_was_given(history: History) -> None:
    rule = Rule(keep_last=2, older_than=3 * DAY, keep_tags=("^v0$", "x"), delete_tags=("v",))
    explorer = explore_retention(history, rule, now=NOON, registry=REGISTRY)
    values = {name: control.value for name, control in explorer.controls.items()}
    assert values == {
        "registry": REGISTRY,
        "keep_last": 2,
        "older_than": "3d",
        "keep_tag": "^v0$|x",
        "delete_tag": "v",
        "untagged": False,
        "never_pulled": False,
    }
    assert explorer.found is not None
    assert explorer.found.bytes_freed == retention(history, rule, now=NOON).bytes_freed > 0


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"keep_last": 1}, Rule(keep_last=1, older_than=30 * DAY)),
        ({"older_than": ""}, Rule(keep_last=2)),
        ({"older_than": "2w"}, Rule(keep_last=2, older_than=14 * DAY)),
        ({"keep_tag": "^v1$"}, Rule(keep_last=2, older_than=30 * DAY, keep_tags=("^v1$",))),
        ({"delete_tag": "^v1$"}, Rule(keep_last=2, older_than=30 * DAY, delete_tags=("^v1$",))),
        ({"untagged": True}, Rule(keep_last=2, older_than=30 * DAY, untagged=True)),
        ({"never_pulled": True}, Rule(keep_last=2, older_than=30 * DAY, never_pulled=True)),
    ],
)
def test_a_changed_control_answers_as_the_function_does(
    history: History, change: dict[str, Any], rule: Rule
) -> None:
    explorer = explore_retention(history, Rule(keep_last=2, older_than=30 * DAY), now=NOON)
    for name, value in change.items():
        explorer.controls[name].value = value
    expected = retention(history, rule, now=NOON)
    found = explorer.found
    assert found is not None
    assert found.rule == rule
    assert (found.bytes_freed, found.tags_deleted) == (expected.bytes_freed, expected.tags_deleted)
    assert list(found.tags["tag"]) == list(expected.tags["tag"])
    assert f"{expected.tags_deleted:,} tags" in shown(explorer).text or not found.tags_deleted


def test_a_registry_can_be_chosen(explorer: RetentionExplorer) -> None:
    assert list(explorer.controls["registry"].options) == [ALL, REGISTRY]
    explorer.controls["registry"].value = REGISTRY
    assert explorer.found is not None
    assert explorer.found.registry == REGISTRY


def test_what_runs_stays(history: History, tmp_path: Path) -> None:
    running = tmp_path / "running.txt"
    running.write_text(f"{REGISTRY}/team/app1:v0\n")
    guard = InUse.of([read_in_use(running)])
    explorer = explore_retention(history, Rule(keep_last=1), in_use=guard, now=NOON)
    assert explorer.found is not None
    assert ("team/app1", "v0") not in set(
        zip(explorer.found.tags["repository"], explorer.found.tags["tag"], strict=True)
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("keep_tag", "<i>(", "'<i>(', for tags to keep, is not a regular expression"),
        ("delete_tag", "(?=x)", "not a regular expression"),
        ("older_than", "<i>soon", "'<i>soon' is not an age"),
    ],
)
def test_a_rule_that_cannot_be_used_says_why_and_the_next_one_answers(
    explorer: RetentionExplorer, name: str, value: str, words: str
) -> None:
    control = explorer.controls[name]
    before = control.value
    control.value = value
    assert explorer.found is None
    assert words in shown(explorer).text
    assert "Traceback" not in explorer.answer.value
    assert "i" not in {tag for tag, _ in shown(explorer).tags}
    control.value = before
    assert explorer.found is not None


def test_the_answer_escapes_names_loads_nothing_and_describes_its_pictures(
    explorer: RetentionExplorer,
) -> None:
    explorer.controls["keep_last"].value = 1
    page = shown(explorer)
    tags = [tag for tag, _ in page.tags]
    assert not {"b", "script", "link", "iframe"} & set(tags)
    assert HOSTILE in page.text
    images = [own for tag, own in page.tags if tag == "img"]
    assert len(images) == 2
    assert all(str(image["src"]).startswith("data:image/png;base64,") for image in images)
    assert all(len(str(image["alt"])) > 40 for image in images)
    assert not [key for _, own in page.tags for key in own if key.startswith("on")]


def test_a_slider_that_is_dragged_does_not_pile_up_work(explorer: RetentionExplorer) -> None:
    late = {
        name: control.continuous_update
        for name, control in explorer.controls.items()
        if control.has_trait("continuous_update")
    }
    assert late == dict.fromkeys(("keep_last", "older_than", "keep_tag", "delete_tag"), False)


def test_changes_that_come_fast_are_answered_once_with_the_last(history: History) -> None:
    asked: list[int | None] = []

    def ask(*, rule: Rule, registry: str | None) -> Retention:
        asked.append(rule.keep_last)
        return retention(history, rule, registry=registry, now=NOON)

    async def hurry() -> RetentionExplorer:
        controls = explore_retention(history, now=NOON).controls
        for control in controls.values():
            control.unobserve_all()
        explorer = RetentionExplorer(ask, controls)
        for number in (9, 8, 7, 2):
            controls["keep_last"].value = number
            await asyncio.sleep(0)
        assert "Counting" in explorer.status.value
        answered = asyncio.Event()
        explorer.status.observe(lambda _: answered.set(), names="value")
        await asyncio.wait_for(answered.wait(), 60)
        return explorer

    explorer = asyncio.run(hurry())
    assert asked == [10, 2]
    assert explorer.found is not None
    assert explorer.found.rule == Rule(keep_last=2, older_than=30 * DAY)


def test_the_slider_reaches_a_large_number_that_was_asked_for(history: History) -> None:
    assert explore_retention(history, now=NOON).controls["keep_last"].max == MOST_KEPT
    many = explore_retention(history, Rule(keep_last=500), now=NOON)
    assert many.controls["keep_last"].value == 500


def test_where_nothing_can_be_clicked_a_sentence_stands(explorer: RetentionExplorer) -> None:
    data = explorer._repr_mimebundle_()
    assert data["text/plain"] == STATIC
    assert STATIC in Page(data["text/html"]).text
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
