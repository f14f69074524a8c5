"""The audit on inventories made by hand, and drawn ones held against a plain oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.inventories import (
    NOON,
    REGISTRY,
    Layer,
    Shelf,
    digest,
    fresh_history,
    layer,
    publish,
    shelves,
)
from tests.support.oracle_audit import AuditOracle

from regtools.analyses.audit import COLUMNS, audit
from regtools.history import History
from regtools.manifest import SCHEMA1_SIGNED
from regtools.schema import CheckRow, Inventory, ProblemRow

ASKED = CheckRow(registry=REGISTRY, stage="content", code="BLOBS_CHECKED", status="ok")
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
NOTES = ("BLOBS_UNCHECKED", "AUDIT_INCOMPLETE")


def problem(repository: str, reference: str, code: str = "NOT_FOUND") -> ProblemRow:
    return ProblemRow(
        registry=REGISTRY, repository=repository, reference=reference, code=code, message="no"
    )


def audited(shelf: Shelf, *problems: ProblemRow, checked: bool = True) -> pd.DataFrame:
    inventory = shelf.inventory()
    inventory.problems.extend(problems)
    if checked:
        inventory.checks.append(ASKED)
    with fresh_history() as history:
        publish(history, inventory, complete=not problems)
        return audit(history)


def only(frame: pd.DataFrame, code: str) -> dict[str, Any]:
    (row,) = frame[frame["code"] == code].to_dict("records")
    return {str(key): value for key, value in row.items()}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@st.composite
def broken(draw: st.DrawFn) -> Inventory:
    """Draw an inventory in which children, blobs and tags are missing, and some were refused."""
    shelf = draw(shelves())
    for parent, children in shelf.children.items():
        if draw(st.booleans()):
            # An index made anew without one of its images.
            shelf.children[parent] = children[1:]
    inventory = shelf.inventory()
    tops = {row.digest for row in (*inventory.tags, *inventory.untagged)}
    held = AuditOracle(inventory)._held
    blobs = {row.config_digest for row in inventory.manifests} | {
        row.blob for row in inventory.layers if not row.foreign
    }
    lost = set()
    for name in [row.repository for row in inventory.repositories]:
        children = sorted(held(name) - tops)
        for child in draw(st.lists(st.sampled_from(children), unique=True)) if children else []:
            code = draw(st.sampled_from(("NOT_FOUND", "NOT_FOUND", "DENIED")))
            inventory.problems.append(problem(name, child, code))
            lost.add(child)
        own = {
            blob
            for row in inventory.manifests
            for blob in (row.config_digest, *(i.blob for i in shelf.layers.get(row.digest, ())))
            if row.digest in held(name) and blob in blobs and blob is not None
        }
        for blob in draw(st.lists(st.sampled_from(sorted(own)), unique=True)) if own else []:
            code = draw(st.sampled_from(("BLOB_MISSING", "BLOB_SIZE_WRONG")))
            inventory.problems.append(problem(name, blob, code))
        if draw(st.booleans()):
            inventory.problems.append(problem(name, draw(st.sampled_from(("lost", "latest")))))
    if draw(st.booleans()):
        # What was read nowhere has no row either.
        gone = lost - tops
        inventory.manifests = [row for row in inventory.manifests if row.digest not in gone]
        inventory.children = [row for row in inventory.children if row.parent not in gone]
        inventory.layers = [row for row in inventory.layers if row.manifest not in gone]
        named = {row.config_digest for row in inventory.manifests}
        named |= {row.blob for row in inventory.layers}
        inventory.problems = [
            row
            for row in inventory.problems
            if not row.code.startswith("BLOB_") or row.reference in named
        ]
    return inventory


@settings(max_examples=20)
@given(broken())
def test_the_audit_is_what_plain_sets_say(inventory: Inventory) -> None:
    with fresh_history() as history:
        publish(history, inventory, complete=not inventory.problems)
        frame = audit(history)
    told = frame[~frame["code"].isin((*NOTES, "SIGNATURE_REPEATED"))]
    rows = [
        (row.code, row.severity, row.repository, row.digest, tuple(row.affected))
        for row in told.itertuples()
    ]
    assert len(rows) == len(set(rows))
    assert set(rows) == AuditOracle(inventory).rows()
    refused = {row.repository for row in inventory.problems if row.code == "DENIED"}
    unread = set(frame.loc[frame["code"] == "AUDIT_INCOMPLETE", "repository"])
    assert unread - {""} == refused
    assert told.loc[told["repository"].isin(refused), "complete"].sum() == 0


def test_a_sound_inventory_has_no_rows_but_a_frame(shelf: Shelf) -> None:
    shelf.tag("app", "1", shelf.image(layer("base", 10)))
    frame = audited(shelf)
    assert frame.empty
    assert dict(frame.dtypes.astype(str)) == COLUMNS


def test_whether_layers_are_there_is_not_claimed_unasked(shelf: Shelf) -> None:
    shelf.tag("app", "1", shelf.image(layer("base", 10)))
    row = only(audited(shelf, checked=False), "BLOBS_UNCHECKED")
    assert (row["severity"], row["complete"]) == ("info", False)


def test_one_missing_child_under_five_tags_is_one_row(shelf: Shelf) -> None:
    lost = shelf.image(platform="linux/arm64")
    top = shelf.index(shelf.image(), lost)
    for number in range(5):
        shelf.tag("app", f"v{number}", top)
    row = only(audited(shelf, problem("app", lost)), "INDEX_CHILD_MISSING")
    assert row["severity"] == "warning"
    assert row["tag"] == ""
    assert row["affected"] == [f"v{n} (linux/arm64)" for n in range(5)]
    assert row["what"] == (
        "linux/arm64 of app:v0, app:v1, app:v2 and 2 more cannot be pulled: "
        "the index lists it, and it is not there. Others can."
    )


def test_a_blob_that_only_another_repository_has_is_missing_here(shelf: Shelf) -> None:
    base = layer("base", 7_000_000)
    image = shelf.image(base)
    shelf.tag("a", "1", image)
    shelf.tag("b", "1", image)
    row = only(audited(shelf, problem("b", base.digest, "BLOB_MISSING")), "BLOB_MISSING")
    assert (row["repository"], row["tag"], row["bytes"]) == ("b", "1", 7_000_000)
    assert row["severity"] == "critical"
    assert "7.00 MB" in row["what"]


def test_a_config_that_the_scan_missed_and_the_check_missed_is_one_row(shelf: Shelf) -> None:
    image = shelf.image(layer("base", 10))
    shelf.tag("app", "1", image)
    config = shelf.manifests[image].config_digest
    assert config is not None
    for missed in (
        problem("app", image, "CONFIG_MISSING"),
        problem("app", config, "BLOB_MISSING"),
    ):
        row = only(audited(shelf, missed), "CONFIG_MISSING")
        assert (row["digest"], row["affected"], row["severity"]) == (config, ["1"], "critical")


def test_a_lost_layer_of_schema_1_is_told_by_its_own_digest(shelf: Shelf) -> None:
    lost = layer("old", None)
    image = shelf.image(lost, layer("sized", 5))
    _make_schema1(shelf, image)
    shelf.tag("app", "1", image)
    frame = audited(shelf, problem("app", image, "BLOB_MISSING"))
    assert only(frame, "BLOB_MISSING")["digest"] == lost.digest
    assert only(frame, "SCHEMA1")["affected"] == ["1"]


def test_images_of_schema_1_are_one_note_a_repository(shelf: Shelf) -> None:
    for name in ("a", "b"):
        image = shelf.image(name=name)
        _make_schema1(shelf, image)
        shelf.tag("app", name, image)
    row = only(audited(shelf), "SCHEMA1")
    assert (row["severity"], row["affected"]) == ("info", ["a", "b"])


def test_a_subject_held_without_a_tag_is_there(shelf: Shelf) -> None:
    image = shelf.image(layer("base", 10))
    shelf.hold("app", image)
    shelf.refer("app", image, shelf.artifact(), ".sig")
    assert audited(shelf).empty


def test_a_subject_in_another_repository_does_not_count_but_is_named(shelf: Shelf) -> None:
    image = shelf.image(layer("base", 10))
    shelf.tag("app", "1", image)
    shelf.refer("signatures", image, shelf.artifact(layer("sig", 40)), ".sig")
    row = only(audited(shelf), "SIGNATURE_WITHOUT_IMAGE")
    assert (row["repository"], row["severity"]) == ("signatures", "info")
    assert "in app only" in row["what"]


def test_a_gone_subject_is_one_row_with_the_bytes_left_over(shelf: Shelf) -> None:
    gone = digest("gone")
    shelf.tag("app", "1", shelf.image())
    shelf.refer("app", gone, shelf.artifact(layer("sig", 40)), ".sig")
    shelf.refer("app", gone, shelf.artifact(layer("sbom", 60)), ".sbom")
    row = only(audited(shelf), "SIGNATURE_WITHOUT_IMAGE")
    assert (row["severity"], row["complete"]) == ("warning", True)
    assert len(row["affected"]) == 2
    assert row["bytes"] == 2 * (300 + 2) + 40 + 60


def test_a_subject_that_was_refused_is_not_called_gone(shelf: Shelf) -> None:
    gone = digest("gone")
    shelf.tag("app", "1", shelf.artifact(subject=gone))
    row = only(audited(shelf, problem("app", gone, "DENIED")), "REFERRER_WITHOUT_SUBJECT")
    assert (row["severity"], row["complete"]) == ("info", False)
    assert "could not be read (DENIED)" in row["what"]


def test_half_a_digest_of_sha512_proves_nothing(shelf: Shelf) -> None:
    shelf.tag("app", f"sha512-{'0' * 64}.sig", shelf.artifact())
    row = only(audited(shelf), "SIGNATURE_WITHOUT_IMAGE")
    assert (row["severity"], row["complete"]) == ("info", False)


def test_the_signature_of_a_missing_child_is_not_told_again(shelf: Shelf) -> None:
    lost = shelf.image(platform="linux/arm64")
    shelf.tag("app", "1", shelf.index(shelf.image(), lost))
    shelf.refer("app", lost, shelf.artifact(), ".sig")
    assert audited(shelf, problem("app", lost))["code"].tolist() == ["INDEX_CHILD_MISSING"]


def test_an_attestation_without_its_image_is_told(shelf: Shelf) -> None:
    image = shelf.image()
    top = shelf.index(image, shelf.image(platform="linux/arm64"), attests=[image])
    shelf.children[top] = shelf.children[top][1:]
    shelf.tag("app", "1", top)
    row = only(audited(shelf), "ATTESTATION_WITHOUT_IMAGE")
    assert (row["digest"], row["tag"], row["severity"]) == (image, "1", "warning")


def test_signatures_are_counted_by_image(shelf: Shelf) -> None:
    def signed(name: str, count: int) -> None:
        image = shelf.image(name=name)
        shelf.tag("app", name, image)
        listed = [
            Layer(digest=digest(f"{name} {n}"), size=9, media_type=SIMPLE_SIGNING)
            for n in range(count)
        ]
        shelf.refer("app", image, shelf.artifact(*listed), ".sig")

    signed("once", 1)
    signed("thrice", 3)
    row = only(audited(shelf), "SIGNATURE_REPEATED")
    assert row["digest"] == shelf.repositories["app"]["thrice"].digest
    assert row["what"] == "An image in app is signed 3 times."


def test_what_timed_out_is_not_missing(shelf: Shelf) -> None:
    lost = shelf.image(platform="linux/arm64")
    shelf.tag("app", "1", shelf.index(shelf.image(), lost))
    frame = audited(
        shelf, problem("app", lost, "READ_TIMEOUT"), problem("", "", "CATALOG_UNREADABLE")
    )
    assert frame["code"].tolist() == ["AUDIT_INCOMPLETE", "AUDIT_INCOMPLETE"]
    assert not frame["complete"].any()


def test_the_newest_scan_speaks(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    shelf = Shelf()
    shelf.tag("app", "1", shelf.image())
    early = shelf.inventory()
    early.problems.append(problem("app", "2"))
    publish(history, early, taken_at=NOON.replace(day=1), complete=False)
    publish(history, shelf.inventory(), taken_at=NOON)
    assert "TAG_DANGLING" not in set(audit(history)["code"])
    then = audit(history, at=NOON.replace(day=2))
    assert only(then, "TAG_DANGLING")["tag"] == "2"
    assert audit(history, registry="other.example.com").empty


def _make_schema1(shelf: Shelf, image: str) -> None:
    shelf.manifests[image] = replace(
        shelf.manifests[image], media_type=SCHEMA1_SIGNED, config_digest=None, config_size=None
    )
