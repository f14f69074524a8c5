"""What a migration copies, costs and meets, over inventories made by hand; no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.history.test_diagnoses import keep
from tests.history.test_diagnoses import row as kept
from tests.support.inventories import Shelf, digest, fresh_history, layer, publish

from regtools.access import Options
from regtools.analyses.egress import egress
from regtools.analyses.migration.check import MigrationCheck
from regtools.analyses.migration.plan import MigrationPlan
from regtools.copying import emitted
from regtools.errors import ConfigError
from regtools.history import History
from regtools.migrate import migrate_plan, migrate_verify
from regtools.schema import ProblemRow

SOURCE = "ghcr.io"
TARGET = "registry.example.com"
GB = 10**9


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def scanned(history: History, source: Shelf, target: Shelf | None = None, **of_target: str) -> None:
    """Put a scan of each side into the history."""
    publish(
        history, source.inventory(), registry=source.registry, kind="ghcr", dedup_scope="unknown"
    )
    target = target or Shelf(registry=TARGET)
    publish(history, target.inventory(), registry=target.registry, **of_target)  # type: ignore[arg-type]


def planned(
    history: History, source: str = SOURCE, target: str = TARGET, **more: object
) -> MigrationPlan:
    return migrate_plan(source, target, options=Options(history=history.location), **more)  # type: ignore[arg-type]


def compared(history: History, source: str = SOURCE, target: str = TARGET) -> MigrationCheck:
    options = Options(history=history.location)
    return migrate_verify(source, target, options=options, scan=False)


def statuses(found: MigrationPlan | MigrationCheck) -> dict[str, str]:
    """Give the status by ``repository:tag`` at the destination."""
    rows = found.rows
    names = [name.partition("/")[2] for name in rows["destination"]]
    return dict(zip(names, rows["status"], strict=True))


def test_the_guides_example(history: History) -> None:
    """ghcr.io/acme/app becomes registry.gitlab.com/acme/project/app."""
    source, target = Shelf(registry=SOURCE), Shelf(registry="registry.gitlab.com")
    source.tag("acme/app", "1.0", source.image(layer("app", 10 * GB)))
    publish(
        history, source.inventory(), registry=SOURCE, namespace="acme", kind="ghcr",
        dedup_scope="unknown",
    )  # fmt: skip
    publish(
        history, target.inventory(), registry=target.registry, namespace="acme/project",
        kind="gitlab", dedup_scope="namespace",
    )  # fmt: skip
    plan = planned(
        history, "ghcr.io/acme", "registry.gitlab.com/acme/project", bytes_per_second=50e6
    )
    assert list(plan.rows["source"]) == ["ghcr.io/acme/app:1.0"]
    assert list(plan.rows["destination"]) == ["registry.gitlab.com/acme/project/app:1.0"]
    assert plan.bytes_to_copy == 10 * GB + 600
    assert plan.seconds == pytest.approx(200, rel=0.01)
    assert (plan.egress.low_usd, plan.egress.high_usd, plan.egress.grade) == (0, 0, "A")
    assert any("two levels below the project" in note for note in plan.notes)
    assert plan.limits


PARTS = st.sampled_from(["a", "b", "team"])
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
PREFIXES = st.lists(PARTS, max_size=2).map("/".join)


@settings(max_examples=40)
@given(
    names=st.sets(NAMES, min_size=1, max_size=6),
    rules=st.dictionaries(PREFIXES, PREFIXES, max_size=3),
)
def test_no_two_repositories_become_one_untold(names: set[str], rules: dict[str, str]) -> None:
    shelf = Shelf(registry=SOURCE)
    for name in names:
        shelf.tag(name, "1", shelf.image(layer(name, 10)))
    with fresh_history() as history:
        scanned(history, shelf)
        plan = planned(history, rename=[f"{one}={other}" for one, other in rules.items()])
    assert len(plan.rows) == len(names)
    copied = plan.rows[plan.rows["status"] == "copy"]
    assert copied["destination"].is_unique
    shared = plan.rows["destination"].duplicated(keep=False)
    assert set(plan.rows.loc[shared, "status"]) <= {"conflict", "refused"}
    empty = plan.rows["destination"] == f"{TARGET}/:1"
    assert set(plan.rows.loc[empty, "status"]) <= {"refused"}
    assert {one.destination for one in plan.copies.copies} == {
        name.partition("/")[2].partition(":")[0] for name in copied["destination"]
    }


def test_what_is_stored_once_is_counted_once_as_far_as_that_is_known(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shared = layer("shared", 1000)
    for name in ("team/a", "team/b", "other/c"):
        shelf.tag(name, "1", shelf.image(shared, name=name))
    each, base = 600, 1000
    expected = {
        "registry": (3 * each + base,) * 2,
        "namespace": (3 * each + 2 * base,) * 2,
        "repository": (3 * each + 3 * base,) * 2,
        "unknown": (3 * each + base, 3 * each + 3 * base),
    }
    for scope, (low, high) in expected.items():
        with fresh_history() as one:
            scanned(one, shelf, dedup_scope=scope)
            plan = planned(one)
            assert (plan.low_bytes_to_copy, plan.bytes_to_copy) == (low, high), scope
            assert plan.repositories["bytes_to_copy"].sum() == high
            assert any("within which bounds" in note for note in plan.notes) == (scope == "unknown")


def test_requests_follow_the_rule_that_is_stated(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    image = shelf.image(layer("one", 10), layer("two", 20))
    shelf.tag("a", "1", image)
    shelf.tag("a", "latest", image)
    shelf.tag("b", "1", image)
    scanned(history, shelf)
    plan = planned(history)
    # 3 blobs sent (config too), the same 3 mounted in the other, 2 manifests, 3 tags.
    assert (plan.blobs_to_copy, plan.manifests_to_copy, plan.tags_to_copy) == (3, 2, 3)
    assert plan.requests == 3 * 5 + 3 * 2 + 2 * 2 + 3 * 2


def test_foreign_layers_are_not_copied(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("a", "1", shelf.image(layer("windows", 5 * GB, foreign=True), layer("own", 10)))
    scanned(history, shelf)
    assert planned(history).bytes_to_copy == 610


def test_a_tag_that_is_there_whole_is_skipped_and_one_of_another_digest_is_told(
    history: History,
) -> None:
    source, target = Shelf(registry=SOURCE), Shelf(registry=TARGET)
    for name in ("same", "moved", "new"):
        source.tag("app", name, source.image(layer(name, 10)))
    target.tag("app", "same", target.image(layer("same", 10)))
    target.tag("app", "moved", target.image(layer("before", 10)))
    scanned(history, source, target)
    plan = planned(history)
    assert statuses(plan) == {"app:same": "equal", "app:moved": "conflict", "app:new": "copy"}
    assert (plan.bytes_to_copy, plan.bytes_there) == (610, 610)
    over = planned(history, overwrite=True)
    assert statuses(over)["app:moved"] == "copy"
    assert over.bytes_to_copy == 2 * 610


def test_signatures_and_attestations_go_with_their_image(history: History) -> None:
    source, target = Shelf(registry=SOURCE), Shelf(registry=TARGET)
    platforms = [
        source.image(layer(name, 100), platform=name) for name in ("linux/amd64", "linux/arm64")
    ]
    index = source.index(*platforms, attests=platforms)
    source.tag("app", "1", index)
    signature = source.artifact(layer("signature", 7), subject=index)
    source.hold("app", signature)
    source.refer("app", platforms[0], source.artifact(layer("sbom", 9)), ".sbom")
    source.tag("app", "other", source.image(layer("other", 11)))
    scanned(history, source, target)
    plan = planned(history, tag="^1$")
    tag = platforms[0].replace(":", "-") + ".sbom"
    assert statuses(plan) == {
        "app:1": "copy",
        f"app:{tag}": "copy",
        f"app@{signature}": "copy",
    }
    order = [one.digest for one in plan.copies.copies]
    assert order[0] == index
    assert order[-1] == signature
    assert plan.manifests_to_copy == 1 + 2 + 2 + 1 + 1


def test_what_the_destination_refuses_is_not_counted(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("acme/small", "1", shelf.image(layer("small", 10)))
    shelf.tag("acme/large", "1", shelf.index(shelf.image(layer("large", 10 * GB + 1))))
    shelf.tag("acme/edge", "1", shelf.image(layer("edge", 10 * GB)))
    shelf.tag("alone", "1", shelf.image(layer("alone", 10)))
    scanned(history, shelf, kind="ghcr", dedup_scope="repository")
    plan = planned(history)
    assert statuses(plan) == {
        "acme/small:1": "copy",
        "acme/large:1": "refused",
        "acme/edge:1": "copy",
        "alone:1": "refused",
    }
    why = dict(zip(plan.refused["source"], plan.refused["why"], strict=True))
    assert "has 10.0 GB. GHCR takes layers up to 10 GB" in why["ghcr.io/acme/large:1"]
    assert "wants an owner" in why["ghcr.io/alone:1"]
    assert plan.bytes_to_copy == 10 * GB + 10 + 2 * 600


def test_a_manifest_beyond_4_mib_is_refused_by_registry_2(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("app", "edge", shelf.image(layer("a", 1), size=4 * 2**20))
    shelf.tag("app", "over", shelf.image(layer("a", 1), size=4 * 2**20 + 1))
    scanned(history, shelf, kind="distribution")
    assert statuses(planned(history)) == {"app:edge": "copy", "app:over": "refused"}


def test_bytes_that_nobody_tells_make_a_lower_bound(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("app", "1", shelf.image(layer("unsized", None), layer("sized", 5)))
    scanned(history, shelf)
    plan = planned(history)
    assert plan.bytes_to_copy == 605
    assert any("lower bound" in note for note in plan.notes)


def test_time_comes_from_what_a_diagnosis_measured(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("app", "1", shelf.image(layer("a", 100 * 10**6)))
    assert_seconds(history, shelf, evidence=None, expected=None)
    with fresh_history() as other:
        assert_seconds(other, shelf, evidence={"bytes_per_second": 10**7}, expected=10.0)
    with fresh_history() as broken:
        assert_seconds(broken, shelf, evidence={"bytes_per_second": None}, expected=None)


def assert_seconds(
    history: History, shelf: Shelf, *, evidence: dict[str, object] | None, expected: float | None
) -> None:
    if evidence is not None:
        row = kept("throughput", registry=SOURCE, repository="app")
        keep(history, replace(row, evidence=json.dumps(evidence)))
    publish(history, shelf.inventory(), registry=SOURCE, kind="ghcr", dedup_scope="unknown")
    publish(history, Shelf(registry=TARGET).inventory(), registry=TARGET)
    assert planned(history).seconds == expected


def test_a_source_that_was_not_read_whole_is_told(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("app", "1", shelf.image(layer("a", 1)))
    inventory = shelf.inventory()
    inventory.problems.append(
        ProblemRow(registry=SOURCE, repository="app", reference="2", code="DENIED", message="no")
    )
    publish(history, inventory, registry=SOURCE, complete=False)
    publish(history, Shelf(registry=TARGET).inventory(), registry=TARGET)
    plan = planned(history)
    assert not plan.complete
    assert any("(DENIED): there is more to copy" in note for note in plan.notes)
    assert not compared(history).complete


def test_a_namespace_of_which_nothing_was_scanned_does_not_count_as_scanned(
    history: History,
) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("acme/app", "1", shelf.image(layer("a", 1)))
    publish(history, shelf.inventory(), registry=SOURCE)
    publish(history, Shelf(registry=TARGET).inventory(), registry=TARGET)
    assert planned(history, "ghcr.io/other").rows.empty
    plan = planned(history, "ghcr.io/acme", f"{TARGET}/mirror")
    assert statuses(plan) == {"mirror/app:1": "copy"}


def test_a_pattern_that_is_none_is_refused(history: History) -> None:
    scanned(history, Shelf(registry=SOURCE))
    with pytest.raises(ConfigError) as caught:
        planned(history, tag="(")
    assert caught.value.code == "PATTERN_INVALID"


@pytest.mark.parametrize(
    ("provider", "low", "high"),
    [
        # 150 GB: by the book 100 GiB are free; AWS does not say which GB.
        ("ecr", Decimal(150 * GB) / 2**30 * Decimal("0.09") - 9, Decimal("13.50")),
        ("ghcr", Decimal(0), Decimal(0)),
        ("dockerhub", Decimal(0), Decimal(0)),
    ],
)
def test_leaving_costs_what_the_price_book_says(provider: str, low: Decimal, high: Decimal) -> None:
    cost = egress(provider, 150 * GB, 150 * GB)
    assert cost.low_usd == low.quantize(Decimal("0.01"))
    assert cost.high_usd == high
    assert cost.source
    assert cost.checked


@pytest.mark.parametrize("provider", ["", "nobody"])
def test_what_leaving_costs_is_unknown_where_no_price_is(provider: str) -> None:
    cost = egress(provider, 1, 1)
    assert (cost.low_usd, cost.high_usd, cost.grade) == (None, None, "U")
    assert "your own network's" in cost.note


def test_the_same_files_in_another_packing_are_told(history: History) -> None:
    source, target = Shelf(registry=SOURCE), Shelf(registry=TARGET)
    files = digest("files")
    gzip, zstd = (replace(layer(name, 10), diff_id=files) for name in ("gzip", "zstd"))
    source.tag("app", "1", source.image(gzip))
    target.tag("app", "1", target.image(zstd))
    source.tag("app", "2", source.image(gzip, name="two"))
    target.tag("app", "2", target.image(replace(layer("x", 1), diff_id=digest("x"))))
    source.tag("app", "3", source.image(layer("untold", 10)))
    target.tag("app", "3", target.image(layer("untold too", 10)))
    scanned(history, source, target)
    found = compared(history)
    assert set(found.rows["status"]) == {"different"}
    assert list(found.rows["why"] != "") == [True, False, False]


def copies_with(problems: Sequence[ProblemRow], history: History, shelf: Shelf) -> MigrationCheck:
    """Compare a registry with a copy of itself that has these problems."""
    inventory = replace_registry(shelf).inventory()
    inventory.problems.extend(problems)
    publish(history, shelf.inventory(), registry=SOURCE, kind="ghcr", dedup_scope="unknown")
    publish(history, inventory, registry=TARGET, complete=not problems)
    return compared(history)


def replace_registry(shelf: Shelf) -> Shelf:
    copy = Shelf(
        registry=TARGET, manifests=shelf.manifests, children=shelf.children, layers=shelf.layers
    )
    for repository, tags in shelf.repositories.items():
        for name, row in tags.items():
            copy.tag(repository, name, row.digest)
    for repository, held in shelf.tagless.items():
        for one in held:
            copy.hold(repository, one)
    return copy


def test_what_is_missing_in_one_repository_is_not_missing_in_another(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    child = shelf.image(layer("child", 5))
    index = shelf.index(child)
    for name in ("one", "two"):
        shelf.tag(name, "1", index)
    lost = ProblemRow(
        registry=TARGET, repository="one", reference=child, code="NOT_FOUND", message="gone"
    )
    found = copies_with([lost], history, shelf)
    assert statuses(found) == {"one:1": "children_missing", "two:1": "equal"}
    assert found.complete


def test_how_a_list_of_referrers_is_kept_makes_no_difference(history: History) -> None:
    """At the source under OCI's fallback tag, at the destination behind the referrers API."""
    source, target = Shelf(registry=SOURCE), Shelf(registry=TARGET)
    subject = source.image(layer("image", 10))
    signature = source.artifact(layer("signature", 3), subject=subject)
    source.tag("app", "1", subject)
    source.refer("app", subject, source.index(signature))
    target.manifests, target.layers = source.manifests, source.layers
    target.tag("app", "1", subject)
    target.hold("app", signature)
    scanned(history, source, target)
    assert statuses(compared(history)) == {"app:1": "equal"}
    with fresh_history() as other:
        bare = Shelf(registry=TARGET, manifests=source.manifests, layers=source.layers)
        bare.tag("app", "1", subject)
        scanned(other, source, bare)
        assert statuses(compared(other)) == {"app:1": "referrers_missing"}
    with fresh_history() as other:
        # The other way round: what only the destination has is one more.
        publish(other, bare_of(target, SOURCE, subject).inventory(), registry=SOURCE)
        publish(other, target.inventory(), registry=TARGET)
        assert statuses(compared(other)) == {"app:1": "equal", f"app@{signature}": "extra"}


def bare_of(shelf: Shelf, registry: str, subject: str) -> Shelf:
    bare = Shelf(registry=registry, manifests=shelf.manifests, layers=shelf.layers)
    bare.tag("app", "1", subject)
    return bare


def test_one_password_is_not_shown_to_two_registries(history: History) -> None:
    scanned(history, Shelf(registry=SOURCE))
    options = Options(history=history.location, username="me", password="env:TOKEN")
    for ask in (migrate_plan, migrate_verify):
        with pytest.raises(ConfigError, match="two registries"):
            ask(SOURCE, TARGET, options=options)


def test_what_the_destination_wants_first_is_said_in_the_script(history: History) -> None:
    shelf = Shelf(registry=SOURCE)
    shelf.tag("acme/app", "1", shelf.image(layer("a", 1)))
    scanned(history, shelf, kind="ecr", dedup_scope="repository")
    text = emitted(planned(history).copies, "script").files["copy.sh"]
    assert "# - First: Each repository must be there before a push" in text


def test_docker_hub_counts_pulls(history: History) -> None:
    shelf = Shelf(registry="docker.io")
    shelf.tag("acme/app", "1", shelf.image(layer("a", 1)))
    scanned(history, shelf)
    assert any(
        "counts what is read as pulls, about 2" in n
        for n in planned(history, "docker.io/acme").notes
    )
