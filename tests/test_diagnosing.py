"""The form in a notebook walks as the command line does, and the newest look stands in for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import matplotlib as mpl
import pytest
from tests.history.test_diagnoses import keep, row
from tests.support.docker_registry import USERS, DockerRegistry
from tests.support.inventories import NOON
from tests.test_explorer import Page

import regtools as rt
from regtools.access import Options
from regtools.diagnosing import STATIC, diagnose_form, newest_diagnosis
from regtools.errors import ConfigError, HistoryError
from regtools.history import History

mpl.use("agg")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are written where nobody else looks."""
    monkeypatch.chdir(tmp_path)


def settings(registry: DockerRegistry, **more: str) -> Options:
    lines = [f'{name} = "{value}"' for name, value in {"url": registry.url, **more}.items()]
    Path("regtools.toml").write_text("[registries.work]\n" + "\n".join(lines) + "\n")
    return Options(config=Path("regtools.toml"))


def test_a_registry_of_the_settings_is_chosen_and_walked(registry: DockerRegistry) -> None:
    form = diagnose_form(options=settings(registry))
    assert form.registry.options == ("work",)
    assert form.registry.value == "work"
    form.image.value = "team/api:latest"
    form.run.click()
    assert form.found is not None
    assert form.found.root_cause is None
    assert form.found.repository == "team/api"
    page = Page(form.answer.value)
    assert "Manifest" in page.text
    assert next(attrs for tag, attrs in page.tags if tag == "img")["alt"].startswith("Waterfall")
    assert not form.run.disabled


def test_a_fault_is_shown_with_its_remedy(registry: DockerRegistry) -> None:
    form = diagnose_form(registry.url)
    form.image.value = "team/api:lates"
    form.run.click()
    assert form.found is not None
    assert "TAG_NOT_FOUND" in Page(form.answer.value).text
    form.platform.value = "windows/amd64"
    form.image.value = "team/api:latest"
    form.run.click()
    assert form.found.root_cause is not None
    assert form.found.root_cause.code == "PLATFORM_MISSING"


def test_no_secret_is_shown(
    htpasswd_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", USERS["alice"])
    options = settings(htpasswd_registry, username="alice", password="env:SECRET")
    form = diagnose_form(options=options)
    form.image.value = "team/api:latest"
    form.run.click()
    assert form.found is not None
    assert form.found.status == "ok"
    assert USERS["alice"] not in form.answer.value + repr(form.found)


@pytest.mark.parametrize("place", ["", "a b", "https://", "<script>alert(1)</script>"])
def test_what_is_no_registry_is_said_and_the_form_goes_on(place: str) -> None:
    form = diagnose_form(place)
    form.run.click()
    assert form.found is None
    page = Page(form.answer.value)
    assert "Warning" in page.text
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert not form.run.disabled


def test_settings_that_cannot_be_used_are_an_error() -> None:
    with pytest.raises(ConfigError):
        diagnose_form(options=Options(config=Path("none.toml")))


def test_where_nothing_can_be_clicked_a_sentence_stands() -> None:
    assert STATIC in diagnose_form("x")._repr_mimebundle_()["text/html"]


def test_the_newest_look_of_the_registry_that_needs_a_hand(tmp_path: Path) -> None:
    store = History(tmp_path / "history")
    with pytest.raises(HistoryError) as caught:
        newest_diagnosis(store)
    assert caught.value.code == "HISTORY_EMPTY"
    keep(store, row(registry="a.example"))
    keep(store, row(registry="b.example", at=NOON - timedelta(days=1), status="fail"))
    keep(store, row("listing", registry="c.example", status="warn", ms=None))
    assert newest_diagnosis(store).target == "b.example"
    assert newest_diagnosis(store, registry="a.example").status == "ok"
    assert newest_diagnosis(store, registry="c.example").checks[0].ms is None


def test_the_notebook_reads_a_kept_diagnosis(
    registry: DockerRegistry, start_registry: Callable[..., DockerRegistry], tmp_path: Path
) -> None:
    rt.keep_diagnoses(tmp_path / "h", [rt.diagnose(registry.url)])
    found = rt.newest_diagnosis(tmp_path / "h")
    assert found.registry == registry.url.removeprefix("http://")
    assert [check.stage for check in found.checks][:3] == ["reference", "configuration", "resolve"]
