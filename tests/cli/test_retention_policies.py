"""`regtools retention` with vendors' policies: written, read back, and decided on one inventory."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import Command
from tests.support.inventories import NOON, Shelf, layer, publish

from regtools.history import History

DAY = timedelta(days=1)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Three images of age, the oldest an index that is signed and attested; one has two tags."""
    folder = tmp_path / "made"
    shelf = Shelf()
    images = [
        shelf.image(layer("base", 50_000_000), layer(f"own-{at}", 1_000_000), name=at)
        for at in range(4)
    ]
    index = shelf.index(images[2], images[3])
    shelf.tag("team/app", "v3", images[0], pushed_at=NOON - 1 * DAY)
    shelf.tag("team/app", "v2", images[1], pushed_at=NOON - 40 * DAY)
    shelf.tag("team/app", "v2-again", images[1], pushed_at=NOON - 2 * DAY)
    shelf.tag("team/app", "v1", index, pushed_at=NOON - 50 * DAY)
    for suffix in (".sig", ".att"):
        referrer = shelf.artifact(layer(f"about{suffix}", 70))
        shelf.refer("team/app", index, referrer, suffix)
    publish(History(folder), shelf.inventory())
    return folder


@pytest.fixture
def run(regtools: Command, history: Path, tmp_path: Path) -> Any:
    """Decide a policy as of the day of the scan, and give the answer's document."""

    def decide(policy: object) -> Any:
        file = tmp_path / "policy.json"
        file.write_text(policy if isinstance(policy, str) else json.dumps(policy))
        options = ("--history", history, "--policy", file, "--at", "2026-11-23T12:00:00Z", "--json")
        return regtools("retention", *options).document

    return decide


def gone(document: Any) -> list[str]:
    return sorted(row["tag"] for row in document["rows"] if row["tag"])


def retain(pattern: str, count: int) -> dict[str, Any]:
    selector = {"kind": "doublestar", "decoration": "matches", "pattern": pattern}
    rule = {
        "action": "retain",
        "template": "latestPushedK",
        "params": {"latestPushedK": count},
        "tag_selectors": [selector],
    }
    return {"algorithm": "or", "rules": [rule]}


def test_harbor_counts_no_signature_and_lets_it_go_with_its_image(run: Any) -> None:
    document = run(retain("**", 3))
    # To Harbor the attestation is an image like any other: the oldest, as nobody told its push.
    assert "v1" not in gone(document)
    document = run(retain("{v3,v2,*.att}", 3))
    tags = gone(document)
    assert tags[-1] == "v1"
    assert [tag.rpartition(".")[2] for tag in tags[:-1]] == ["sig"]
    sizes = [row["size"] for row in document["manifests"]]
    assert sorted(sizes) == [300, 400, 500, 500]  # the signature, the index and its two images


def test_gitlab_takes_tags_by_their_own_age(run: Any) -> None:
    policy = {"name_regex": "v.*", "name_regex_keep": "v1", "older_than": "30d"}
    document = run({"container_expiration_policy": policy})
    assert gone(document) == ["v2"]
    assert document["manifests"] == []
    assert document["bytes_freed"] == 0
    both = run({"name_regex": "v2.*"})
    assert gone(both) == ["v2", "v2-again"]
    assert both["bytes_freed"] == 1_000_600


@pytest.mark.parametrize(
    ("options", "vendor"),
    [
        (["--older-than", "30d"], "harbor"),
        (["--keep-last", "2", "--keep-tag", "^v2"], "harbor"),
        (["--delete-tag", "^v[12]"], "harbor"),
        (["--older-than", "30d", "--delete-tag", "^v", "--keep-tag", "^v2$"], "gitlab"),
    ],
)
def test_an_emitted_policy_deletes_no_image_that_the_rule_keeps(
    regtools: Command, history: Path, run: Any, options: list[str], vendor: str
) -> None:
    written = regtools("retention", *options, "--emit", vendor).out
    at = ("--history", history, "--at", "2026-11-23T12:00:00Z", "--json")
    by_rule = regtools("retention", *options, *at).document
    by_vendor = run(written)
    deleted = {row["digest"] for row in by_vendor["manifests"]}
    by_rule_too = {row["digest"]: row["size"] for row in by_rule["manifests"]}
    assert deleted
    assert deleted <= by_rule_too.keys()
    # Signatures and attestations with a tag of their own are left where their image goes.
    assert {by_rule_too[one] for one in by_rule_too.keys() - deleted} <= {300}
