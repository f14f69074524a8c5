"""`regtools sharing` says what its functions say, on one screen."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import Command
from tests.support.inventories import NOON, Shelf, digest, layer, publish

import regtools as rt
from regtools.history import History

BASE = replace(layer("base", 600_000_000), diff_id=digest("content"))
SMALLER = replace(layer("zstd", 500_000_000), diff_id=digest("content"))


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Two repositories that share a base, and one with the same base in another compression."""
    shelf = Shelf()
    shelf.tag("library/base", "1", shelf.image(BASE, name="base"))
    for name in ("app", "web"):
        shelf.tag(f"team/{name}", "1", shelf.image(BASE, layer(name, 1000), name=name))
    shelf.tag("team/zstd", "1", shelf.image(SMALLER, name="zstd"))
    publish(History(tmp_path / "made"), shelf.inventory(), dedup_scope="unknown")
    return tmp_path / "made"


@pytest.mark.parametrize("show", ["bases", "recompressed", "oversized", "repeated"])
def test_json_and_csv_are_the_functions_own_answer(
    regtools: Command, history: Path, show: str
) -> None:
    frame = getattr(rt, show)(history)
    rows = regtools("sharing", "--show", show, "--history", history, "--json").document["rows"]
    assert len(rows) == len(frame) > 0
    assert [list(row) for row in rows] == [list(frame.columns)] * len(frame)
    for column in ("size", "wasted_bytes", "saved_high_bytes", "digests", "chain"):
        if column in frame:
            assert [row[column] for row in rows] == list(frame[column])
    out = regtools("sharing", "--show", show, "--history", history, "--csv").out
    assert len(list(csv.DictReader(io.StringIO(out)))) == len(frame)


@pytest.mark.parametrize("show", ["bases", "recompressed", "oversized", "repeated"])
def test_a_terminal_of_100_columns_holds_a_row_in_a_line(
    regtools: Command, history: Path, show: str
) -> None:
    ran = regtools("sharing", "--show", show, "--history", history)
    assert ran.code == 0
    assert max(len(line.rstrip()) for line in ran.out.splitlines()) <= 100


def test_bases_come_first_and_say_what_they_save(regtools: Command, history: Path) -> None:
    ran = regtools("sharing", "--history", history)
    assert "library/base:1" in ran.out
    assert "1.20 GB" in ran.out  # at most: nobody knows whether repositories share
    assert "must not be added up" in ran.err


def test_a_digest_says_who_has_it(regtools: Command, history: Path) -> None:
    ran = regtools("sharing", BASE.digest[:19], "--history", history, "--json")
    rows = ran.document["rows"]
    assert [row["repository"] for row in rows] == ["library/base", "team/app", "team/web"]
    shown = regtools("sharing", BASE.digest[7:15], "--history", history, "--top", 1)
    assert "library/base" in shown.out
    assert "team/app" not in shown.out
    assert "600 MB, in 3 places of 3 repositories." in shown.err


def test_oversized_is_what_one_says_it_is(regtools: Command, history: Path) -> None:
    def sizes(*arguments: object) -> list[int]:
        ran = regtools("sharing", "--show", "oversized", "--history", history, "--json", *arguments)
        return [row["size"] for row in ran.document["rows"]]

    assert sizes() == [600_000_000, 500_000_000]
    assert sizes("--at-least", "550MB") == [600_000_000]
    assert sizes("--at-least", "1kB", "--top", 3) == [600_000_000, 500_000_000, 1000]


def test_nothing_to_show_is_said(regtools: Command, tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.tag("app", "1", shelf.image(layer("app", 10)))
    publish(History(tmp_path / "small"), shelf.inventory(), taken_at=NOON, complete=False)
    for show, words in (("repeated", "Nothing is stored twice"), ("oversized", "so large")):
        assert words in regtools("sharing", "--show", show, "--history", tmp_path / "small").err
    some = regtools(
        "sharing", "--show", "oversized", "--at-least", "1B", "--history", tmp_path / "small"
    )
    assert "at least so large" in some.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["abcdef", "--show", "bases"], "CONFIG_INVALID"),
        (["--at-least", "1GB"], "CONFIG_INVALID"),
        (["--show", "oversized", "--at-least", "much"], "CONFIG_INVALID"),
        (["abc"], "DIGEST_INVALID"),
        (["000000000000"], "DIGEST_UNKNOWN"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    regtools: Command, history: Path, arguments: list[str], code: str
) -> None:
    ran = regtools("sharing", *arguments, "--history", history)
    assert (ran.code, ran.out) == (2, "")
    assert f"[{code}]" in ran.err
