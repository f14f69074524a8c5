"""Vendors' policies on a whole inventory: parts of indexes, referrers, untagged manifests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.inventories import NOON, REGISTRY, Shelf, fresh_history, layer, publish, shelves

from regtools.analyses.retention import Retention, retention
from regtools.history import History
from regtools.policies import Policy
from regtools.policies.acr import parse_acr
from regtools.policies.artifactregistry import parse_artifactregistry
from regtools.policies.harbor import parse_harbor
from regtools.policies.zot import parse_zot

DAY = timedelta(days=1)
OLD = NOON - 40 * DAY


class Stand:
    """A repository with an index of two images, a signature of it, and an image that stays."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.parts = [
            self.shelf.image(layer("base", 1000), layer(name, 10), name=name)
            for name in ("amd64", "arm64")
        ]
        self.index = self.shelf.index(*self.parts)
        self.signature = self.shelf.artifact(layer("signature", 70), subject=self.index)
        self.stays = self.shelf.image(layer("base", 1000), layer("new", 5), name="new")
        self.loose = self.shelf.image(layer("lost", 300), name="lost")
        self.shelf.tag("app", "v1", self.index, pushed_at=OLD)
        self.shelf.tag("app", "v2", self.stays, pushed_at=NOON - DAY)
        self.shelf.hold("app", self.signature, pushed_at=OLD)
        self.shelf.hold("app", self.loose, pushed_at=OLD)
        for part in self.parts:
            self.shelf.hold("app", part, pushed_at=OLD)


# Of an image: manifest and config beside its layers; an index has 400 bytes.
IMAGES = 2 * (500 + 100 + 10)
INDEX, SIGNATURE, LOOSE = 400, 300 + 2 + 70, 500 + 100 + 300


@pytest.fixture
def stand() -> Stand:
    return Stand()


def ask(shelf: Shelf, policy: Policy, folder: Path, **more: Any) -> Retention:
    history = History(folder / "history")
    publish(history, shelf.inventory())
    return retention(history, policy=policy, now=NOON, **more)


def zot(**more: Any) -> Policy:
    return parse_zot({"policies": [{"repositories": ["**"], **more}]})


KEEP_NEW = [{"pushedWithin": "48h"}]


def test_zot_frees_an_index_with_its_images_and_leaves_its_signature(
    stand: Stand, tmp_path: Path
) -> None:
    found = ask(stand.shelf, zot(keepTags=KEEP_NEW), tmp_path)
    gone = {stand.index, *stand.parts, stand.loose}
    assert set(found.manifests["digest"]) == gone
    assert found.bytes_freed == IMAGES + INDEX + LOOSE
    assert found.tags_deleted == 1
    kept = found.kept.set_index("digest")["reason"]
    assert kept[stand.signature] == "policies[0] of '**': deleteReferrers is false"
    assert kept[stand.stays] == "no rule deletes it"


def test_zot_frees_the_signature_too_where_referrers_are_deleted(
    stand: Stand, tmp_path: Path
) -> None:
    found = ask(stand.shelf, zot(keepTags=KEEP_NEW, deleteReferrers=True), tmp_path)
    assert found.bytes_freed == IMAGES + INDEX + LOOSE + SIGNATURE
    assert stand.signature in set(found.manifests["digest"])


def test_zot_frees_nothing_where_untagged_manifests_stay(stand: Stand, tmp_path: Path) -> None:
    found = ask(stand.shelf, zot(keepTags=KEEP_NEW, deleteUntagged=False), tmp_path)
    assert (found.tags_deleted, found.manifests_deleted, found.bytes_freed) == (1, 0, 0)
    assert "LEAVES_UNTAGGED" in {one.code for one in found.remarks}


def test_zot_takes_cosigns_tags_with_what_they_are_about(tmp_path: Path) -> None:
    shelf = Shelf()
    image = shelf.image(layer("base", 1000))
    shelf.tag("app", "v1", image, pushed_at=OLD)
    shelf.refer("app", image, shelf.artifact(layer("signature", 70)), ".sig")
    sig = next(tag for tag in shelf.repositories["app"] if tag.endswith(".sig"))
    shelf.tag("app", sig, shelf.repositories["app"][sig].digest, pushed_at=OLD)
    left = ask(shelf, zot(keepTags=KEEP_NEW), tmp_path / "left")
    assert (left.tags_deleted, left.bytes_freed) == (1, 1600)
    gone = ask(shelf, zot(keepTags=KEEP_NEW, deleteReferrers=True), tmp_path / "gone")
    assert (gone.tags_deleted, gone.bytes_freed) == (2, 1600 + SIGNATURE)


def test_acr_frees_nothing_without_untagged(stand: Stand, tmp_path: Path) -> None:
    found = ask(stand.shelf, parse_acr("acr purge --filter app:.* --ago 30d"), tmp_path)
    assert (found.tags_deleted, found.manifests_deleted, found.bytes_freed) == (1, 0, 0)
    assert list(found.tags["tag"]) == ["v1"]
    assert "LEAVES_UNTAGGED" in {one.code for one in found.remarks}


def test_acr_frees_an_index_with_all_that_hangs_on_it(stand: Stand, tmp_path: Path) -> None:
    command = "acr purge --filter app:.* --ago 30d --untagged"
    found = ask(stand.shelf, parse_acr(command), tmp_path)
    # The registry deletes what is about a manifest together with it.
    assert found.bytes_freed == IMAGES + INDEX + LOOSE + SIGNATURE
    assert found.manifests_deleted == 5


def test_acr_cleans_up_what_has_no_tag(stand: Stand, tmp_path: Path) -> None:
    for policy in (
        parse_acr("acr purge --untagged-only"),
        parse_acr({"days": 7, "status": "enabled"}),
    ):
        found = ask(stand.shelf, policy, tmp_path / str(id(policy)))
        assert set(found.manifests["digest"]) == {stand.loose}
        assert (found.tags_deleted, found.bytes_freed) == (0, LOOSE)


def test_acr_judges_each_tag_by_its_own_age(tmp_path: Path) -> None:
    shelf = Shelf()
    made = NOON - 90 * DAY
    image = shelf.image(layer("base", 1000), created_at=made)
    shelf.tag("app", "latest", image, pushed_at=NOON - DAY)
    shelf.tag("app", "v1", image, pushed_at=OLD)
    shelf.tag("app", "v0", image)  # nobody tells when: as old as the image
    found = ask(shelf, parse_acr("acr purge --filter app:.* --ago 30d --untagged"), tmp_path)
    assert sorted(found.tags["tag"]) == ["v0", "v1"]
    assert found.bytes_freed == 0


def test_to_acr_a_signatures_tag_is_one_like_any_other(tmp_path: Path) -> None:
    shelf = Shelf()
    image = shelf.image(layer("base", 1000), created_at=OLD)
    shelf.tag("app", "v1", image)
    shelf.refer("app", image, shelf.artifact(layer("signature", 70)), ".sig")
    found = ask(shelf, parse_acr("acr purge --filter app:^v --ago 30d --untagged"), tmp_path)
    assert list(found.tags["tag"]) == ["v1"]
    assert found.bytes_freed == 1600


@pytest.mark.parametrize(
    "policy",
    [
        zot(keepTags=KEEP_NEW, deleteReferrers=True),
        parse_acr("acr purge --filter .*:.* --ago 30d --untagged"),
    ],
    ids=["zot", "acr"],
)
def test_what_is_in_use_stays_and_that_is_told(
    policy: Policy, stand: Stand, tmp_path: Path
) -> None:
    running = Running((REGISTRY, "app", "v1", ""))
    found = ask(stand.shelf, policy, tmp_path, in_use=running)
    assert found.tags_deleted == 0
    assert stand.index not in set(found.manifests["digest"])
    assert set(found.manifests["digest"]).isdisjoint(stand.parts)
    assert "DELETES_IN_USE" in {one.code for one in found.remarks}


class Running:
    def __init__(self, *rows: tuple[str, str, str, str]) -> None:
        self._rows = rows

    def rows(self) -> tuple[tuple[str, str, str, str], ...]:
        return self._rows


POLICIES: list[Callable[[], Policy]] = [
    lambda: zot(keepTags=[{"patterns": ["[024]$"]}]),
    lambda: zot(keepTags=[{"mostRecentlyPushedCount": 1}], deleteReferrers=True),
    lambda: zot(keepTags=[{"mostRecentlyPushedCount": 1}], deleteUntagged=False),
    lambda: parse_acr("acr purge --filter .*:[024]$ --ago 0d --keep 1 --untagged"),
    lambda: parse_acr("acr purge --filter .*:. --ago 0d"),
    lambda: parse_acr("acr purge --untagged-only"),
]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=15)
@given(shelves(), st.sampled_from(POLICIES))
def test_what_goes_and_what_stays_add_up(shelf: Shelf, make: Callable[[], Policy]) -> None:
    with fresh_history() as history:
        publish(history, shelf.inventory())
        found = retention(history, policy=make(), now=NOON)
        counts = found.repositories
        assert len(found.tags[found.tags["tag"] != ""]) == found.tags_deleted
        told = {(name, tag) for name, rows in shelf.repositories.items() for tag in rows}
        assert int(counts["tags"].sum()) == len(told)
        gone = set(zip(found.tags["repository"], found.tags["tag"], strict=True))
        kept = set(zip(found.kept["repository"], found.kept["tag"], strict=True))
        assert {one for one in gone | kept if one[1]} == told
        assert not {one for one in gone & kept if one[1]}
        # What a tag that stays points to is never deleted.
        deleted = set(zip(found.manifests["repository"], found.manifests["digest"], strict=True))
        staying = zip(found.kept["repository"], found.kept["digest"], strict=True)
        assert deleted.isdisjoint(staying)


def test_what_is_locked_stays_under_a_policy_that_does_not_unlock(tmp_path: Path) -> None:
    shelf = Shelf()
    held, free = (shelf.image(layer(name, 1000), name=name) for name in ("held", "free"))
    bare = shelf.image(layer("bare", 500), name="bare")
    shelf.tag("app", "held", held, pushed_at=OLD, locked=True)
    shelf.tag("app", "free", free, pushed_at=OLD, locked=False)
    shelf.hold("app", bare, pushed_at=OLD, locked=True)
    command = "acr purge --filter 'app:.*' --ago 30d --untagged"
    found = ask(shelf, parse_acr(command), tmp_path / "kept")
    assert set(found.tags["tag"]) == {"free"}
    assert set(found.manifests["digest"]) == {free}
    reasons = dict(zip(found.kept["digest"], found.kept["reason"], strict=True))
    assert reasons == {held: "is locked", bare: "is locked"}
    found = ask(shelf, parse_acr(f"{command} --include-locked"), tmp_path / "unlocked")
    assert set(found.manifests["digest"]) == {held, free, bare}


def harbor() -> Policy:
    """Retain what was pushed within a day."""
    scope = {"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}
    tags = {"kind": "doublestar", "decoration": "matches", "pattern": "**"}
    rule = {
        "action": "retain",
        "template": "nDaysSinceLastPush",
        "params": {"nDaysSinceLastPush": 1},
        "tag_selectors": [tags],
        "scope_selectors": {"repository": [scope]},
    }
    return parse_harbor({"algorithm": "or", "rules": [rule]})


def artifact_registry() -> Policy:
    """Delete what is older than a day."""
    rule = {"name": "old", "action": {"type": "Delete"}, "condition": {"olderThan": "1d"}}
    return parse_artifactregistry([rule])


@pytest.mark.parametrize("policy", [harbor(), artifact_registry()], ids=lambda one: one.vendor)
def test_an_image_with_an_immutable_tag_is_not_deleted(tmp_path: Path, policy: Policy) -> None:
    shelf = Shelf()
    held, free = (shelf.image(layer(name, 1000), name=name) for name in ("held", "free"))
    for tag, digest, locked in (("a", held, True), ("b", held, False), ("c", free, False)):
        shelf.tag("project/app", tag, digest, pushed_at=OLD, locked=locked)
    found = ask(shelf, policy, tmp_path)
    assert set(found.tags["tag"]) == {"c"}
    assert set(found.manifests["digest"]) == {free}
    assert dict(zip(found.kept["tag"], found.kept["reason"], strict=True))["a"] == "is locked"
