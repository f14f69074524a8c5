"""What a rule would delete: who is chosen, what goes along, what that frees."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.inventories import (
    EPOCH,
    NOON,
    REGISTRY,
    Shelf,
    fresh_history,
    layer,
    publish,
    shelves,
)

from regtools.analyses.deletions import Step, best_steps, deletions
from regtools.analyses.retention import Retention, retention
from regtools.errors import ConfigError, HistoryError
from regtools.history import History
from regtools.policies import Rule
from regtools.schema import ProblemRow

DAY = timedelta(days=1)
IMAGE = 500 + 100
"""Bytes of an image's manifest and config on the shelf."""


class Running:
    """Images in use, as rows."""

    def __init__(self, *rows: tuple[str, str, str, str]) -> None:
        self._rows = rows

    def rows(self) -> Iterable[tuple[str, str, str, str]]:
        return self._rows


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


@pytest.fixture
def shelf() -> Shelf:
    """Give five versions, a day apart, over a base of 1,000 bytes; v0 is the newest."""
    shelf = Shelf()
    for number in range(5):
        image = shelf.image(
            layer("base", 1000),
            layer(f"own {number}", 10),
            name=number,
            created_at=NOON - number * DAY,
        )
        shelf.tag("app", f"v{number}", image)
    return shelf


def ask(history: History, shelf: Shelf, rule: Rule, **more: object) -> Retention:
    publish(history, shelf.inventory())
    return retention(history, rule, now=NOON, **more)  # type: ignore[arg-type]


def gone(found: Retention) -> list[str]:
    return sorted(found.tags["tag"])


def test_all_but_the_newest_go_and_what_they_share_stays(history: History, shelf: Shelf) -> None:
    found = ask(history, shelf, Rule(keep_last=2))
    assert gone(found) == ["v2", "v3", "v4"]
    assert (found.tags_deleted, found.manifests_deleted) == (3, 3)
    assert found.bytes_freed == 3 * (IMAGE + 10)
    assert found.bytes_kept == 1000 + 2 * (IMAGE + 10)
    assert found.complete
    assert set(found.tags["rule"]) == {"beyond the 2 newest"}
    assert set(found.kept["reason"]) == {"one of the 2 newest"}


def test_what_all_share_goes_with_the_last_of_them(history: History, shelf: Shelf) -> None:
    one_by_one = ask(history, shelf, Rule(keep_last=0, delete_tags=("v1",))).bytes_freed
    found = retention(history, Rule(keep_last=0), now=NOON)
    assert found.bytes_freed == 1000 + 5 * (IMAGE + 10) == 1000 + 5 * one_by_one
    assert found.bytes_kept == 0


def test_conditions_all_have_to_select(history: History, shelf: Shelf) -> None:
    rule = Rule(keep_last=1, older_than=2.5 * DAY, delete_tags=("v[34]",), keep_tags=("4$",))
    found = ask(history, shelf, rule)
    assert gone(found) == ["v3"]
    assert dict(zip(found.kept["tag"], found.kept["reason"], strict=True)) == {
        "v0": "its tag is not among those to delete",
        "v1": "its tag is not among those to delete",
        "v2": "its tag is not among those to delete",
        "v4": "its tag is kept",
    }


def test_an_age_is_that_of_the_push_where_it_is_told(history: History, shelf: Shelf) -> None:
    shelf.tag("app", "pushed", shelf.repositories["app"]["v4"].digest, pushed_at=NOON - DAY / 2)
    found = ask(history, shelf, Rule(older_than=1.5 * DAY))
    assert gone(found) == ["v2", "v3", "v4"]
    assert shelf.repositories["app"]["v4"].digest not in set(found.manifests["digest"])
    # And the version is as young as its youngest tag.
    assert gone(retention(history, Rule(keep_last=2), now=NOON)) == ["v1", "v2", "v3"]


@pytest.mark.parametrize(
    "made_at",
    [None, EPOCH, datetime(1980, 1, 1, tzinfo=UTC), NOON + DAY],
    ids=["unknown", "1970", "1980", "tomorrow"],
)
def test_a_date_that_cannot_be_believed_deletes_nothing(
    history: History, shelf: Shelf, made_at: datetime | None
) -> None:
    odd = shelf.image(layer("odd", 7), name="odd", created_at=made_at)
    shelf.tag("app", "odd", odd)
    found = ask(history, shelf, Rule(older_than=timedelta()))
    assert "odd" not in gone(found)
    assert found.kept.set_index("tag").loc["odd", "reason"] == "has no date to believe"
    found = retention(history, Rule(keep_last=1), now=NOON)
    # Nor does it take the place of one with a date.
    assert gone(found) == ["v1", "v2", "v3", "v4"]
    # But a name is a name.
    assert gone(retention(history, Rule(delete_tags=("odd",)), now=NOON)) == ["odd"]


def test_an_index_is_as_young_as_the_newest_image_in_it(history: History) -> None:
    shelf = Shelf()
    old, new = (
        shelf.image(layer(f"l{days}", 1), name=days, created_at=NOON - days * DAY)
        for days in (50, 1)
    )
    shelf.tag("app", "multi", shelf.index(old, new))
    shelf.tag("app", "old", old)
    assert gone(ask(history, shelf, Rule(older_than=30 * DAY))) == ["old"]


def test_two_tags_on_one_digest_are_one_version(history: History, shelf: Shelf) -> None:
    newest = shelf.repositories["app"]["v0"].digest
    shelf.tag("app", "latest", newest)
    found = ask(history, shelf, Rule(keep_last=1))
    assert gone(found) == ["v1", "v2", "v3", "v4"]
    found = retention(history, Rule(delete_tags=("latest",)), now=NOON)
    assert (found.tags_deleted, found.manifests_deleted, found.bytes_freed) == (1, 0, 0)


def test_what_an_index_that_stays_holds_stays(history: History, shelf: Shelf) -> None:
    inside = shelf.repositories["app"]["v4"].digest
    shelf.tag("app", "multi", shelf.index(inside, attests=[inside]))
    found = ask(history, shelf, Rule(delete_tags=("^v",)))
    assert "v4" in gone(found)
    assert inside not in set(found.manifests["digest"])
    assert found.bytes_freed == 4 * (IMAGE + 10)


def test_all_of_an_index_goes_with_it_what_names_another_first(history: History) -> None:
    shelf = Shelf()
    image = shelf.image(layer("l", 5))
    inner = shelf.index(image, attests=[image])
    outer = shelf.index(inner)
    shelf.tag("app", "multi", outer)
    found = ask(history, shelf, Rule(delete_tags=(".",)))
    assert list(found.manifests["digest"])[:2] == [outer, inner]
    assert found.manifests_deleted == 4
    assert found.bytes_kept == 0


class TestReferrers:
    """A signature stays and goes with what it signs."""

    @pytest.fixture(params=["fallback", "cosign", "api"])
    def signed(self, request: pytest.FixtureRequest, shelf: Shelf) -> Iterator[Shelf]:
        subject = shelf.repositories["app"]["v1"].digest
        signature = shelf.artifact(layer("signature", 77), subject=subject)
        if request.param == "fallback":
            shelf.refer("app", subject, shelf.index(signature))
        elif request.param == "cosign":
            shelf.refer("app", subject, signature, ".sig")
        else:
            shelf.hold("app", signature)
        yield shelf

    def test_it_stays(self, history: History, signed: Shelf) -> None:
        found = ask(history, signed, Rule(keep_last=2))
        assert not any(tag.startswith("sha256-") for tag in gone(found))
        signature = next(d for d, row in signed.manifests.items() if row.subject)
        assert signature not in set(found.manifests["digest"])

    def test_it_goes(self, history: History, signed: Shelf) -> None:
        found = ask(history, signed, Rule(keep_last=1))
        signature = next(d for d, row in signed.manifests.items() if row.subject)
        assert signature in set(found.manifests["digest"])
        assert found.bytes_kept == 1000 + IMAGE + 10
        referrers = found.tags[found.tags["tag"].str.startswith("sha256-")]
        assert set(referrers["rule"]) <= {"what it is about goes"}

    def test_no_pattern_takes_it(self, history: History, signed: Shelf) -> None:
        found = ask(history, signed, Rule(delete_tags=("^sha256-",)))
        assert (found.tags_deleted, found.manifests_deleted) == (0, 0)

    def test_it_is_no_untagged_manifest(self, history: History, signed: Shelf) -> None:
        assert ask(history, signed, Rule(untagged=True)).manifests_deleted == 0


def test_a_signature_of_a_signature_follows_too(history: History, shelf: Shelf) -> None:
    subject = shelf.repositories["app"]["v4"].digest
    first = shelf.artifact(layer("first", 3))
    shelf.refer("app", subject, first, ".sig")
    second = shelf.artifact(layer("second", 4))
    shelf.refer("app", first, second, ".sig")
    found = ask(history, shelf, Rule(keep_last=4))
    assert {first, second, subject} == set(found.manifests["digest"])
    assert found.tags_deleted == 3


def test_a_signature_whose_image_is_gone_is_left_to_the_audit(
    history: History, shelf: Shelf
) -> None:
    lonely = shelf.artifact(layer("lonely", 3))
    shelf.refer("app", "sha256:" + "0" * 64, lonely, ".sig")
    found = ask(history, shelf, Rule(keep_last=0, delete_tags=(".",)))
    assert lonely not in set(found.manifests["digest"])
    kept = found.kept.set_index("digest").loc[lonely, "reason"]
    assert kept == "what it is about is not here"
    assert found.curve()["versions_kept"].min() == found.repositories["versions_kept"].sum() == 0


def test_a_signature_of_an_untagged_image_goes_along_with_it(
    history: History, shelf: Shelf
) -> None:
    loose = shelf.image(layer("loose", 9), name="loose")
    shelf.hold("app", loose, pushed_at=NOON - 10 * DAY)
    signature = shelf.artifact(layer("signature", 3))
    shelf.refer("app", loose, signature, ".sig")
    found = ask(history, shelf, Rule(untagged=True))
    assert set(found.manifests["digest"]) == {loose, signature}
    assert set(found.tags["rule"]) == {"untagged", "what it is about goes"}
    found = retention(history, Rule(untagged=True, older_than=11 * DAY), now=NOON)
    assert found.kept.set_index("digest").loc[signature, "reason"] == "what it is about stays"


def test_untagged_manifests_go_alone(history: History, shelf: Shelf) -> None:
    loose = shelf.image(layer("loose", 9), name="loose")
    inside = shelf.image(layer("inside", 8), name="inside")
    index = shelf.index(inside)
    tagged_child = shelf.repositories["app"]["v0"].digest
    for digest in (loose, index, inside, tagged_child):
        shelf.hold("app", digest, pushed_at=NOON - 10 * DAY)
    found = ask(history, shelf, Rule(untagged=True, older_than=5 * DAY))
    assert set(found.manifests["digest"]) == {loose, index, inside}
    assert (found.tags_deleted, list(found.tags["tag"])) == (0, ["", ""])
    assert retention(history, Rule(untagged=True, older_than=11 * DAY), now=NOON).bytes_freed == 0


def test_never_pulled_counts_only_where_pulls_are_told(history: History, shelf: Shelf) -> None:
    rule = Rule(never_pulled=True)
    assert ask(history, shelf, rule).tags_deleted == 0
    inventory = shelf.inventory()
    first = inventory.tags[0]
    inventory.tags[0] = type(first)(
        registry=first.registry,
        repository=first.repository,
        tag=first.tag,
        digest=first.digest,
        pulled_at=NOON,
    )
    publish(history, inventory, taken_at=NOON + DAY)
    assert gone(retention(history, rule, now=NOON)) == ["v1", "v2", "v3", "v4"]


class TestInUse:
    """What runs stays, with all it needs."""

    def test_by_tag(self, history: History, shelf: Shelf) -> None:
        running = Running((REGISTRY, "app", "v4", ""), ("elsewhere.example", "app", "v3", ""))
        found = ask(history, shelf, Rule(keep_last=1), in_use=running)
        assert gone(found) == ["v1", "v2", "v3"]
        assert found.kept.set_index("tag").loc["v4", "reason"] == "in use"

    def test_by_digest_in_any_registry(self, history: History, shelf: Shelf) -> None:
        digest = shelf.repositories["app"]["v4"].digest
        shelf.tag("app", "same", digest)
        found = ask(history, shelf, Rule(keep_last=1), in_use=Running(("", "app", "", digest)))
        assert gone(found) == ["v1", "v2", "v3"]

    def test_an_index_stays_with_the_image_that_runs_and_so_do_its_own_tags(
        self, history: History, shelf: Shelf
    ) -> None:
        inside = shelf.repositories["app"]["v4"].digest
        shelf.tag("app", "multi", shelf.index(inside, shelf.repositories["app"]["v3"].digest))
        running = Running((REGISTRY, "app", "", inside))
        found = ask(history, shelf, Rule(keep_last=0, delete_tags=(".",)), in_use=running)
        assert gone(found) == ["v0", "v1", "v2", "v3"]
        assert shelf.repositories["app"]["v3"].digest not in set(found.manifests["digest"])

    @pytest.mark.parametrize("suffix", [".sig", ""])
    def test_a_referrer_that_runs_stays_where_its_subject_goes(
        self, history: History, shelf: Shelf, suffix: str
    ) -> None:
        """A chart or a model may be attached to an image, and run."""
        subject = shelf.repositories["app"]["v4"].digest
        artifact = shelf.artifact(layer("chart", 3), subject=subject)
        shelf.refer("app", subject, artifact if suffix else shelf.index(artifact), suffix)
        running = Running((REGISTRY, "app", "", artifact))
        found = ask(history, shelf, Rule(keep_last=4), in_use=running)
        assert gone(found) == ["v4"]
        assert list(found.manifests["digest"]) == [subject]
        assert "in use" in set(found.kept["reason"])
        curve = found.curve().set_index("keep_last")
        assert curve.loc[4, "bytes_freed"] == found.bytes_freed == IMAGE + 10


@pytest.mark.parametrize(
    ("scope", "freed"),
    [("registry", 610), ("namespace", 1610), ("project", 1610), ("repository", 1610)],
)
def test_a_base_is_freed_within_the_scope(history: History, scope: str, freed: int) -> None:
    shelf = Shelf()
    for team in ("a", "b"):
        shelf.tag(f"{team}/app", "1", shelf.image(layer("base", 1000), layer(team, 10), name=team))
    publish(history, shelf.inventory(), dedup_scope=scope)  # type: ignore[arg-type]
    shelf.untag("b/app", "1")
    found = retention(history, Rule(delete_tags=("1",)), in_use=Running(("", "b/app", "1", "")))
    assert found.bytes_freed == found.bytes_freed_low == found.bytes_freed_high == freed


def test_where_the_scope_is_unknown_there_are_two_bounds(history: History) -> None:
    shelf = Shelf()
    for team in ("a", "b"):
        shelf.tag(f"{team}/app", "1", shelf.image(layer("base", 1000), layer(team, 10), name=team))
    publish(history, shelf.inventory(), dedup_scope="unknown")
    found = retention(history, Rule(delete_tags=("1",)), in_use=Running(("", "b/app", "1", "")))
    assert (found.bytes_freed_low, found.bytes_freed, found.bytes_freed_high) == (610, 610, 1610)
    assert any("Nobody tells" in note for note in found.notes)


def test_an_incomplete_inventory_gives_a_bound_and_says_so(history: History, shelf: Shelf) -> None:
    inventory = shelf.inventory()
    problem = ProblemRow(
        registry=REGISTRY, repository="other", reference="", code="DENIED", message="no"
    )
    inventory.problems.append(problem)
    publish(history, inventory, complete=False)
    found = retention(history, Rule(keep_last=2), now=NOON)
    assert not found.complete
    assert (found.bytes_freed_low, found.bytes_freed_high) == (0, 3 * (IMAGE + 10))
    assert any("Not everything could be read" in note for note in found.notes)
    assert "at most" in found.describe()
    assert "Not everything could be read" in found.describe()


def test_a_tag_that_could_not_be_read_is_not_judged(history: History, shelf: Shelf) -> None:
    inventory = shelf.inventory()
    lost = inventory.manifests.pop()
    inventory.problems.append(
        ProblemRow(
            registry=REGISTRY, repository="app", reference=lost.digest, code="X", message="x"
        )
    )
    publish(history, inventory, complete=False)
    found = retention(history, Rule(delete_tags=(".",)), now=NOON)
    assert found.tags_deleted == 4
    unread = found.kept.set_index("digest").loc[lost.digest]
    assert unread["reason"] == "could not be read"
    assert found.repositories["tags"].sum() == 5


def test_layers_without_a_size_are_told(history: History, shelf: Shelf) -> None:
    shelf.tag("app", "old", shelf.image(layer("untold", None), created_at=NOON - 9 * DAY))
    found = ask(history, shelf, Rule(keep_last=5))
    assert (found.complete, found.bytes_freed, found.bytes_freed_low) == (False, IMAGE, 0)
    assert any("tell no size" in note for note in found.notes)


def test_the_curve_counts_versions_alone_and_also_where_no_byte_changes(
    history: History, shelf: Shelf
) -> None:
    for number in range(5):
        newest_first = shelf.repositories["app"][f"v{4 - number}"].digest
        shelf.tag("copy", f"v{number}", newest_first, pushed_at=NOON - number * DAY)
    shelf.refer("app", "sha256:" + "0" * 64, shelf.artifact(layer("lonely", 3)), ".sig")
    curve = ask(history, shelf, Rule(keep_last=2)).curve().set_index("keep_last")
    assert list(curve["versions_kept"]) == [0, 2, 4, 6, 8, 10]
    assert list(curve.index) == [0, 1, 2, 3, 4, 5]
    assert curve.loc[3, "bytes_freed"] == curve.loc[5, "bytes_freed"] == 0


def test_a_foreign_layer_frees_nothing(history: History) -> None:
    shelf = Shelf()
    windows = layer("windows", 10**9, foreign=True)
    shelf.tag("app", "1", shelf.image(windows, layer("own", 10)))
    assert ask(history, shelf, Rule(delete_tags=("1",))).bytes_freed == IMAGE + 10


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "[z-a]"])
def test_what_is_no_regular_expression_is_refused(
    history: History, shelf: Shelf, pattern: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        ask(history, shelf, Rule(keep_last=1, keep_tags=(pattern,)))
    assert caught.value.code == "RULE_INVALID"
    assert "RE2" in caught.value.remedy


def test_patterns_are_alternatives(history: History, shelf: Shelf) -> None:
    found = ask(history, shelf, Rule(delete_tags=("v1", "v[23]|x")))
    assert gone(found) == ["v1", "v2", "v3"]


def test_without_a_condition_nothing_goes(history: History, shelf: Shelf) -> None:
    assert ask(history, shelf, Rule(keep_tags=("x",))).tags_deleted == 0


@pytest.mark.parametrize("values", [{"keep_last": -1}, {"older_than": -DAY}])
def test_a_rule_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        Rule(**values)  # type: ignore[arg-type]
    assert caught.value.code == "RULE_INVALID"


def test_an_age_beyond_the_calendar_selects_nothing(history: History, shelf: Shelf) -> None:
    assert ask(history, shelf, Rule(older_than=timedelta(days=999_999))).tags_deleted == 0


def test_an_empty_history_is_told(history: History) -> None:
    with pytest.raises(HistoryError) as caught:
        retention(history, Rule(keep_last=1))
    assert caught.value.code == "HISTORY_EMPTY"


def test_money_is_that_of_the_registrys_own_provider(history: History) -> None:
    shelf = Shelf()
    shelf.tag("app", "1", shelf.image(layer("large", 200 * 10**9)))
    publish(history, shelf.inventory(), kind="ecr", dedup_scope="repository")
    found = retention(history, Rule(delete_tags=("1",)))
    assert found.monthly_usd_freed is not None
    # USD 0.10 a GB-month; AWS counts GB as 2^30 bytes.
    assert abs(found.monthly_usd_freed - Decimal("18.63")) <= Decimal("1.40")
    assert list(found.savings["provider"]) == ["Amazon ECR"]


RULES = st.builds(
    Rule,
    keep_last=st.none() | st.integers(0, 4),
    older_than=st.none() | st.integers(0, 3000).map(lambda days: days * DAY),
    delete_tags=st.sampled_from([(), ("v[0-3]",), ("v", "x")]),
    keep_tags=st.sampled_from([(), ("v2",)]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(shelf=shelves(), rule=RULES)
def test_frames_and_numbers_say_the_same(shelf: Shelf, rule: Rule) -> None:
    with fresh_history() as history:
        publish(history, shelf.inventory())
        found = retention(history, rule, now=NOON)
        assert found.tags_deleted == (found.tags["tag"] != "").sum()
        assert found.manifests_deleted == len(found.manifests)
        assert len(found.tags) + len(found.kept) == len(shelf.inventory().tags) + (
            (found.kept["tag"] == "").sum() + (found.tags["tag"] == "").sum()
        )
        repositories = found.repositories
        assert repositories["freed_bytes"].sum() <= found.bytes_freed
        alone = repositories["freed_with_others_bytes"].sum()
        assert found.bytes_freed <= repositories["freed_bytes"].sum() + alone
        assert repositories["tags_deleted"].sum() == found.tags_deleted
        parts = ["freed_bytes", "freed_with_others_bytes", "kept_bytes", "kept_with_others_bytes"]
        assert (repositories[parts].sum(axis=1) == repositories["physical_bytes"]).all()
        assert repositories["kept_bytes"].sum() <= found.bytes_kept
        best = found.best(100)
        if not best.empty:
            assert best["total_bytes_freed"].iloc[-1] == best["bytes_freed"].sum()
            assert best["total_bytes_freed"].iloc[-1] <= found.bytes_freed


def test_a_notebook_shows_what_goes_and_where(history: History) -> None:
    shelf = Shelf()
    for number in range(25):
        name = f"team/<b>{number}"
        shelf.tag(name, "1", shelf.image(layer(f"own {number}", 2_000_000), name=number))
    shelf.tag("team/stays", "1", shelf.image(name="stays"))
    publish(history, shelf.inventory(), complete=False)
    shown = retention(history, Rule(delete_tags=(".",), keep_tags=("stays",)))._repr_html_()
    assert "26 tags and 26 manifests" in shown
    assert "2.00 MB" in shown
    assert "team/&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert "and 6 more repositories" in shown
    assert "Not everything could be read" in shown
    nothing = retention(history, Rule(delete_tags=("^no such$",)))._repr_html_()
    assert "<table" not in nothing
    assert "0 tags and 0 manifests" in nothing


BUNDLES = st.dictionaries(
    st.frozensets(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 100), max_size=8
)


@given(bundles=BUNDLES, k=st.integers(1, 4))
def test_the_best_deletions_are_close_to_the_optimum(
    bundles: dict[frozenset[int], int], k: int
) -> None:
    units = sorted({unit for bundle in bundles for unit in bundle})
    steps = best_steps(bundles_frame({tuple(one): size for one, size in bundles.items()}), k)
    chosen = set[int]().union(*(step.units for step in steps))

    def freed(some: Iterable[int]) -> int:
        return sum(size for bundle, size in bundles.items() if bundle <= set(some))

    optimum = max(freed(some) for some in itertools.combinations(units, min(k, len(units))))
    assert len(chosen) == sum(len(step.units) for step in steps) <= k
    total = sum(step.freed_bytes for step in steps)
    assert total == freed(chosen)
    assert optimum == total if k == 1 else optimum <= k * max(total, 0)


def test_the_best_deletions_are_no_worse_than_one_by_one() -> None:
    """The pair yields more for each of its two, but then the three do not fit any more."""
    bundles = {(1,): 100, (1, 2): 110, (1, 3): 110, (4, 5): 212}
    steps = best_steps(bundles_frame(bundles), 3)
    assert [sorted(step.units) for step in steps] == [[1], [2], [3]]
    assert [step.freed_bytes for step in steps] == [100, 110, 110]


def test_the_last_deletion_of_a_step_has_its_bytes() -> None:
    names = {7: ("app", ["1", "2"]), 8: ("other", []), 9: ("app", ["3"])}
    units = pd.DataFrame(
        [
            {"unit": unit, "registry": "r", "repository": name, "tags": tags, "digest": str(unit)}
            for unit, (name, tags) in names.items()
        ]
    )
    steps = [
        Step(units=frozenset({9, 8}), freed_bytes=50),
        Step(units=frozenset({7}), freed_bytes=1),
    ]
    frame = deletions(steps, units)
    assert list(frame["digest"]) == ["8", "9", "7"]
    assert list(frame["tags"]) == [[], ["3"], ["1", "2"]]
    assert list(frame["step"]) == [1, 1, 2]
    assert list(frame["bytes_freed"]) == [0, 50, 1]
    assert list(frame["total_bytes_freed"]) == [0, 50, 51]


def bundles_frame(bundles: dict[tuple[int, ...], int]) -> pd.DataFrame:
    return pd.DataFrame({"units": list(map(list, bundles)), "size": list(bundles.values())})


def test_only_the_largest_bundles_are_weighed_and_all_within_their_versions(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pair is the largest; what its two versions free alone belongs to them all the same."""
    shelf = Shelf()
    pair = layer("of two", 9_000)
    shelf.tag("app", "1", shelf.image(pair, layer("small", 10), name="a"))
    shelf.tag("app", "2", shelf.image(pair, name="b"))
    shelf.tag("other", "1", shelf.image(layer("alone", 5_000), name="c"))
    publish(history, shelf.inventory())
    monkeypatch.setattr("regtools.analyses.retention.LARGEST", 1)
    found = retention(history, Rule(delete_tags=(".",)))
    best = found.best(2)
    assert list(best["repository"]) == ["app", "app"]
    freed = found.repositories.set_index("repository")["freed_bytes"]
    assert int(best["bytes_freed"].sum()) == freed["app"]


def test_what_the_vendor_locks_stays_and_keeps_its_digest(history: History) -> None:
    shelf = Shelf()
    both, plain = shelf.image(layer("both", 10), name="both"), shelf.image(name="plain")
    shelf.tag("app", "locked", both, locked=True)
    shelf.tag("app", "same-digest", both)
    shelf.tag("app", "told-free", plain, locked=False)
    publish(history, shelf.inventory())
    found = retention(history, Rule(delete_tags=(".",)))
    assert set(found.tags["tag"]) == {"same-digest", "told-free"}
    assert dict(zip(found.kept["tag"], found.kept["reason"], strict=True)) == {
        "locked": "is locked"
    }
    assert list(found.manifests["digest"]) == [plain]
