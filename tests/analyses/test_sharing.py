"""What images share and what is stored more than once is what sets say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.inventories import (
    NOON,
    REGISTRY,
    Layer,
    Shelf,
    digest,
    fresh_history,
    layer,
    merged,
    publish,
)
from tests.support.oracle import Row
from tests.support.oracle_sharing import SharingOracle
from tests.support.varied import varied_shelves

from regtools.analyses import sharing
from regtools.analyses.sharing import bases, oversized, recompressed, repeated, sharers
from regtools.errors import ConfigError, InvalidReferenceError
from regtools.history import History
from regtools.schema import DedupScope, Inventory, ProblemRow

SCOPES: tuple[DedupScope, ...] = ("registry", "namespace", "project", "repository", "unknown")
LARGE = 2**19


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def agree(frame: pd.DataFrame, keys: Iterable[Any], expected: Mapping[Any, Row]) -> None:
    """Hold each row of a frame to the oracle's; a list in a cell makes the key a tuple."""
    found = dict(zip(keys, frame.to_dict("records"), strict=True))
    assert len(found) == len(frame)
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert {column: found[key][column] for column in row} == row, key


def agree_everywhere(history: History, oracles: Mapping[str, SharingOracle]) -> None:
    """Hold every frame to the oracles' answers, each about one registry."""
    frames = [
        (bases(history), lambda one: one.bases()),
        (repeated(history), lambda one: one.repeated()),
        (recompressed(history), lambda one: one.recompressed()),
        (oversized(history, LARGE), lambda one: one.oversized(LARGE)),
    ]
    for (frame, answer), key in zip(frames, ("chain", "digest", "diff_id", "digest"), strict=True):
        for name, oracle in oracles.items():
            own = frame[frame["registry"] == name]
            keys = own[key].map(tuple) if key == "chain" else own[key]
            agree(own, keys, answer(oracle))
    for wanted in asked(oracles.values()):
        frame = sharers(history, wanted)
        for name, oracle in oracles.items():
            assert places(frame[frame["registry"] == name]) == oracle.sharers(wanted)


def asked(oracles: Iterable[SharingOracle]) -> list[str]:
    """Give a manifest, a config and a layer, of those that most manifests have."""
    inventories = [oracle.inventory for oracle in oracles]
    kinds = (
        [row.digest for one in inventories for row in one.manifests],
        [row.config_digest for one in inventories for row in one.manifests if row.config_digest],
        [row.blob for one in inventories for row in one.layers],
    )
    return [Counter(digests).most_common(1)[0][0] for digests in kinds if digests]


def places(frame: pd.DataFrame) -> set[tuple[Any, ...]]:
    """Give the rows of `sharers` as the oracle has them; each is there once."""
    columns = ["repository", "tag", "digest", "role", "position"]
    rows = [
        (*row[:-1], None if pd.isna(row[-1]) else row[-1])
        for row in frame[columns].itertuples(index=False, name=None)
    ]
    assert len(rows) == len(set(rows))
    return set(rows)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=st.lists(st.tuples(varied_shelves(), st.sampled_from(SCOPES)), min_size=4, max_size=8))
def test_every_frame_says_what_sets_say(drawn: list[tuple[Shelf, DedupScope]]) -> None:
    """Several registries in one history: each is counted as if it were alone."""
    oracles = {}
    with fresh_history() as history:
        for number, (shelf, scope) in enumerate(drawn):
            name = f"r{number}.example.com"
            publish(history, shelf.inventory(), registry=name, dedup_scope=scope)
            oracles[name] = SharingOracle(shelf.inventory(), scope)
        agree_everywhere(history, oracles)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(old=varied_shelves(), new=varied_shelves(), scope=st.sampled_from(SCOPES))
def test_two_scans_of_one_registry_are_one_inventory(
    old: Shelf, new: Shelf, scope: DedupScope
) -> None:
    """The newer one is of a namespace only: it replaces what the older one says of that."""
    before, after = old.inventory(), part(new, "team").inventory()
    together = merged([kept(before, "team"), after])
    inventory = Inventory(
        **{
            table: list(dict.fromkeys(getattr(together, table)))
            for table in Inventory.__dataclass_fields__
        }
    )
    with fresh_history() as history:
        publish(history, before, dedup_scope=scope)
        later = NOON + timedelta(hours=1)
        publish(history, after, dedup_scope=scope, namespace="team", taken_at=later)
        agree_everywhere(history, {REGISTRY: SharingOracle(inventory, scope)})


def part(shelf: Shelf, namespace: str) -> Shelf:
    """Give what a scan of one namespace would see."""
    mine = {name for name in shelf.repositories if name.startswith(f"{namespace}/")}
    return replace(
        shelf,
        repositories={name: tags for name, tags in shelf.repositories.items() if name in mine},
        tagless={name: rows for name, rows in shelf.tagless.items() if name in mine},
    )


def kept(inventory: Inventory, namespace: str) -> Inventory:
    """Give an inventory without the tags of one namespace."""
    return replace(
        inventory,
        **{
            table: [
                row
                for row in getattr(inventory, table)
                if not row.repository.startswith(f"{namespace}/")
            ]
            for table in ("repositories", "tags", "untagged")
        },
    )


@pytest.mark.parametrize("name", ["bases", "recompressed", "repeated", "oversized"])
def test_an_empty_history_gives_a_typed_empty_frame(history: History, name: str) -> None:
    frame = getattr(sharing, name)(history)
    assert frame.empty
    assert dict(frame.dtypes.astype(str)) == getattr(sharing, name.upper())


def squeezed(name: str, size: int, content: str) -> Layer:
    return replace(layer(name, size), diff_id=digest(content))


def two_teams() -> Shelf:
    """Give two applications of two teams over one base, which is an image of its own."""
    shelf = Shelf()
    base = squeezed("base", 1000, "base")
    shelf.tag("library/base", "12", shelf.image(base, name="base", created_at=NOON))
    for team, days in (("web", 1), ("ops", 2)):
        own = layer(team, 10)
        made = NOON - timedelta(days=days)
        shelf.tag(f"{team}/app", "1", shelf.image(base, own, name=team, created_at=made))
    return shelf


def test_frames_have_their_types(history: History) -> None:
    shelf = two_teams()
    shelf.tag("web/app", "2", shelf.image(squeezed("zstd", 900, "base"), name="zstd"))
    publish(history, shelf.inventory(), dedup_scope="repository")
    base = layer("base", 1000).digest
    for frame, columns in (
        (bases(history), sharing.BASES),
        (recompressed(history), sharing.RECOMPRESSED),
        (repeated(history), sharing.REPEATED),
        (oversized(history, "1kB"), sharing.OVERSIZED),
        (sharers(history, base), sharing.SHARERS),
    ):
        assert not frame.empty
        assert dict(frame.dtypes.astype(str)) == columns
        assert list(frame.index) == list(range(len(frame)))


def test_a_base_has_the_name_of_the_image_that_is_just_it(history: History) -> None:
    publish(history, two_teams().inventory())
    (row,) = bases(history).to_dict("records")
    assert row["base"] == "library/base:12"
    assert (row["images"], row["repositories"], row["size"]) == (2, 2, 1000)
    assert (row["saved_bytes"], row["verdict"]) == (2000, "pays off")
    assert (row["newest"], row["oldest"]) == ("web/app:1", "ops/app:1")
    assert row["oldest_at"] == NOON - timedelta(days=2)
    assert row["chain"] == [layer("base", 1000).digest]


def test_of_two_tagged_builds_of_a_base_the_newer_gives_the_name(history: History) -> None:
    shelf = two_teams()
    base = squeezed("base", 1000, "base")
    again = shelf.image(base, name="rebuilt", created_at=NOON + timedelta(days=-3))
    shelf.tag("library/base", "11", again)
    publish(history, shelf.inventory())
    assert list(bases(history)["base"]) == ["library/base:12"]


def test_what_images_have_in_common_is_a_base_also_without_an_image_of_its_own(
    history: History,
) -> None:
    shelf = two_teams()
    shelf.untag("library/base", "12")
    publish(history, shelf.inventory())
    (row,) = bases(history).to_dict("records")
    assert (row["base"], row["images"], row["saved_bytes"]) == ("", 2, 1000)


def test_a_base_for_one_image_among_many_is_nearly_unused(history: History) -> None:
    shelf = two_teams()
    odd = layer("odd base", 700)
    shelf.tag("library/odd", "1", shelf.image(odd, name="odd"))
    shelf.tag("ops/odd", "1", shelf.image(odd, layer("x", 1), name="x"))
    publish(history, shelf.inventory())
    verdicts = bases(history).set_index("base")["verdict"].to_dict()
    assert verdicts == {"library/base:12": "pays off", "library/odd:1": "nearly unused"}


def test_a_base_saves_nothing_where_those_who_use_it_are_stored_apart(history: History) -> None:
    publish(history, two_teams().inventory(), dedup_scope="repository")
    (row,) = bases(history).to_dict("records")
    assert (row["saved_bytes"], row["saved_high_bytes"]) == (0, 0)
    assert row["verdict"] == "saves nothing"
    assert repeated(history)["wasted_bytes"].sum() == 2000


def test_an_attestation_is_no_image_that_stands_on_a_base(history: History) -> None:
    """Attestations of one builder may begin with the same layer."""
    shelf = Shelf()
    common = layer("statement", 40)
    for name in "ab":
        image = shelf.image(layer(name, 10), name=name)
        about = shelf.image(common, layer(f"of {name}", 1), platform="unknown/unknown")
        shelf.tag("app", name, shelf.index(image, about))
    publish(history, shelf.inventory())
    assert bases(history).empty


def test_a_layer_squeezed_twice_wastes_the_larger_copy(history: History) -> None:
    shelf = two_teams()
    shelf.tag("web/app", "2", shelf.image(squeezed("zstd", 900, "base"), name="zstd"))
    publish(history, shelf.inventory())
    (row,) = recompressed(history).to_dict("records")
    assert row["digests"] == [layer("zstd", 900).digest, layer("base", 1000).digest]
    assert (row["sizes"], row["copies"], row["repositories"]) == ([900, 1000], 2, 3)
    assert (row["wasted_bytes"], row["wasted_high_bytes"]) == (1000, 1000)


def test_one_image_that_tells_what_a_layer_holds_is_enough(history: History) -> None:
    """Schema 1 has no config, and so no diff-ids."""
    shelf = two_teams()
    shelf.tag("old/app", "1", shelf.image(layer("zstd", 900), name="schema 1"))
    shelf.tag("new/app", "1", shelf.image(squeezed("zstd", 900, "base"), name="new"))
    publish(history, shelf.inventory())
    (row,) = recompressed(history).to_dict("records")
    assert (row["copies"], row["repositories"]) == (2, 5)


def test_both_copies_in_each_of_two_repositories_may_be_wasted_once_or_twice(
    history: History,
) -> None:
    shelf = Shelf()
    for name in ("a", "b"):
        copies = squeezed("gzip", 1000, "same"), squeezed("zstd", 900, "same")
        shelf.tag(name, "1", shelf.image(*copies, name=name))
    publish(history, shelf.inventory(), dedup_scope="unknown")
    (row,) = recompressed(history).to_dict("records")
    assert (row["wasted_bytes"], row["wasted_high_bytes"]) == (1000, 2000)


def test_with_an_unknown_scope_repeated_content_is_wasted_perhaps(history: History) -> None:
    publish(history, two_teams().inventory(), dedup_scope="unknown")
    (row,) = repeated(history).to_dict("records")
    assert (row["digest"], row["role"]) == (layer("base", 1000).digest, "layer")
    assert (row["copies"], row["wasted_bytes"], row["wasted_high_bytes"]) == (3, 0, 2000)


def test_a_large_layer_says_how_much_of_an_image_it_is(history: History) -> None:
    shelf = two_teams()
    windows = layer("windows", 9000, foreign=True)
    shelf.tag("win", "1", shelf.image(windows, layer("program", 2000), name="win"))
    publish(history, shelf.inventory())
    frame = oversized(history, "1kB")
    assert list(frame["size"]) == [2000, 1000]
    assert list(frame["share"]) == [2000 / 11_600, 1000 / 1600]
    assert list(frame["manifests"]) == [1, 3]
    assert list(frame["found_in"]) == ["win", "library/base"]


def test_sharers_are_found_by_the_beginning_of_a_digest(history: History) -> None:
    publish(history, two_teams().inventory())
    base = layer("base", 1000).digest
    for beginning in (base, base[:15], base.removeprefix("sha256:")[:6].upper()):
        frame = sharers(history, beginning)
        assert list(frame["repository"]) == ["library/base", "ops/app", "web/app"]
        assert set(frame["role"]) == {"layer"}
        assert list(frame["position"]) == [0, 0, 0]
        assert set(frame["size"]) == {1000}


def test_a_signature_is_shared_by_the_tag_of_what_it_signs(history: History) -> None:
    shelf = Shelf()
    image = shelf.image(layer("app", 10))
    signature = layer("signature", 7)
    shelf.tag("app", "1", image)
    shelf.refer("app", image, shelf.artifact(signature), ".sig")
    shelf.hold("app", shelf.artifact(layer("sbom", 8), subject=image))
    publish(history, shelf.inventory())
    for blob in (signature, layer("sbom", 8)):
        assert list(sharers(history, blob.digest)["tag"]) == ["1"]


def test_an_untagged_image_shares_too(history: History) -> None:
    shelf = two_teams()
    base = squeezed("base", 1000, "base")
    for name in ("one", "two"):
        shelf.hold("web/app", shelf.index(shelf.image(base, name="loose"), size=len(name)))
    shelf.hold("web/app", shelf.index(shelf.image(base, name="loose"), size=99))
    publish(history, shelf.inventory())
    found = places(sharers(history, base.digest))
    assert len({row for row in found if row[1] == ""}) == 1


def test_a_digest_that_nothing_has_names_near_ones(history: History) -> None:
    publish(history, two_teams().inventory())
    base = layer("base", 1000).digest
    mistyped = base[:20] + ("0" if base[20] != "0" else "1") + base[21:]
    with pytest.raises(ConfigError) as caught:
        sharers(history, mistyped)
    assert caught.value.code == "DIGEST_UNKNOWN"
    assert base in caught.value.remedy
    with pytest.raises(ConfigError) as caught:
        sharers(history, "sha512:" + base.removeprefix("sha256:"))
    assert caught.value.code == "DIGEST_UNKNOWN"
    with pytest.raises(ConfigError) as caught:
        sharers(history, base, registry="other.example.com")
    assert "usage --by layer" in caught.value.remedy


def test_a_beginning_that_several_have_is_refused(history: History) -> None:
    shelf = Shelf()
    twins = [replace(layer(name, 1), digest=digest("x")[:-1] + name) for name in "01234"]
    shelf.tag("app", "1", shelf.image(*twins))
    publish(history, shelf.inventory())
    with pytest.raises(ConfigError, match=twins[0].digest) as caught:
        sharers(history, digest("x")[:30])
    assert caught.value.code == "DIGEST_AMBIGUOUS"
    assert twins[4].digest not in str(caught.value)
    assert len(sharers(history, twins[3].digest)) == 1


@pytest.mark.parametrize("text", ["", "abcde", "sha256:", "latest-", "sha256:12345g", "12345_"])
def test_what_is_no_beginning_of_a_digest_is_refused(history: History, text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        sharers(history, text)
    assert caught.value.code == "DIGEST_INVALID"


def test_an_incomplete_snapshot_makes_every_row_incomplete(history: History) -> None:
    shelf = two_teams()
    shelf.tag("web/app", "2", shelf.image(squeezed("zstd", 900, "base"), name="zstd"))
    inventory = shelf.inventory()
    inventory.problems.append(
        ProblemRow(registry=REGISTRY, repository="", reference="", code="X", message="no")
    )
    publish(history, inventory, dedup_scope="repository")
    base = layer("base", 1000).digest
    for frame in (
        bases(history),
        recompressed(history),
        repeated(history),
        oversized(history, 100),
        sharers(history, base),
    ):
        assert not frame.empty
        assert not frame["complete"].any()


def test_registries_do_not_share(history: History) -> None:
    for number in range(2):
        shelf = two_teams()
        shelf.tag("web/app", "2", shelf.image(squeezed(f"zstd{number}", 900, "base"), name="z"))
        name = f"r{number}.example.com"
        publish(history, Shelf.inventory(renamed(shelf, name)), registry=name)
    for frame in (bases(history), recompressed(history)):
        assert list(frame["registry"]) == ["r0.example.com", "r1.example.com"]
    assert list(recompressed(history)["copies"]) == [2, 2]
    assert len(bases(history, registry="r0.example.com")) == 1


def renamed(shelf: Shelf, registry: str) -> Shelf:
    """Give the same in another registry."""
    copy = Shelf(registry=registry, manifests=shelf.manifests, layers=shelf.layers)
    for name, tags in shelf.repositories.items():
        for tag in tags.values():
            copy.tag(name, tag.tag, tag.digest)
    return copy


def test_at_looks_back(history: History) -> None:
    publish(history, two_teams().inventory(), taken_at=NOON)
    publish(history, Shelf().inventory(), taken_at=NOON + timedelta(days=1))
    assert bases(history).empty
    assert len(bases(history, at=NOON)) == 1
