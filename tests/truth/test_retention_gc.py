"""What a rule would delete and free, held against a real registry and its garbage collection.

A corpus is pushed to `docker-registry`, scanned and judged. Then the *test* deletes the manifests
that were listed, the registry's own `garbage-collect` runs, and the disk says who was right:

    push ─▶ scan ─▶ retention ─▶ delete what it lists ─▶ garbage-collect ─▶ bytes, and skopeo copy

regtools itself sends nothing but GET and HEAD.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from tests.support import push
from tests.support.command import Command
from tests.support.docker_registry import (
    DockerRegistry,
    docker_registry,
    garbage_collect,
    stored_blobs,
    stored_bytes,
)
from tests.support.push import Pusher
from tests.support.retention_plans import (
    FIRST_DAY,
    LAST_DAY,
    Node,
    Plan,
    artifact,
    image,
    index,
    plans,
    push_plan,
    referrer_tag,
    signature,
)
from tests.support.skopeo import copy_all, inspect_raw

from regtools.access import Options
from regtools.analyses.retention import Retention, retention
from regtools.policies import Rule
from regtools.progress import Silent
from regtools.session import scan

DAY = timedelta(days=1)
NOW = FIRST_DAY + (LAST_DAY + 1) * DAY
BASE = push.layer("base", 3_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Images in use."""

    images: Sequence[tuple[str, str, str, str]] = ()

    def rows(self) -> Iterable[tuple[str, str, str, str]]:
        return self.images


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """Run one registry for all: it keeps nothing in memory, so that its storage can be swapped."""
    with docker_registry(tmp_path_factory.mktemp("shop")) as running:
        yield running


def filled(shop: DockerRegistry, plan: Plan) -> None:
    """Put a plan, and nothing else, into the registry."""
    shutil.rmtree(shop.storage / "docker", ignore_errors=True)
    push_plan(shop, plan)
    # What the plan replaced and deleted is no business of the rule.
    garbage_collect(shop)


def judged(
    shop: DockerRegistry, folder: Path, rule: Rule, in_use: Running | None = None
) -> Retention:
    """Scan the registry, and ask what the rule would delete."""
    history = folder / "history"
    result = scan(shop.url, options=Options(history=str(history)), on_progress=Silent())
    assert result.failed == []
    assert all(one.snapshot.complete for one in result.scanned)
    return retention(history, rule, in_use=in_use, now=NOW)


def delete(shop: DockerRegistry, found: Retention) -> None:
    """Delete the listed manifests in the order in which they are listed."""
    with Pusher(shop.url) as pusher:
        for row in found.manifests.to_dict("records"):
            pusher.delete_manifest(row["repository"], row["digest"])


def hold_against_the_disk(shop: DockerRegistry, folder: Path, plan: Plan, found: Retention) -> None:
    """Delete, collect, and compare the bytes on the disk; pull what stays, miss what went."""
    before = stored_bytes(shop.storage)
    assert found.complete
    assert before == found.bytes_freed + found.bytes_kept
    delete(shop, found)
    garbage_collect(shop)
    after = stored_bytes(shop.storage)
    assert (before - after, after) == (found.bytes_freed, found.bytes_kept)
    require_whole(shop, folder, plan, found)


def require_whole(shop: DockerRegistry, folder: Path, plan: Plan, found: Retention) -> None:
    """Pull every tag whose manifest was not listed; the listed ones are gone, tags and blobs."""
    listed = {(row["repository"], row["digest"]) for row in found.manifests.to_dict("records")}
    going = {(row["repository"], row["tag"]) for row in found.tags.to_dict("records")}
    staying: dict[tuple[str, str], Node] = {}
    with httpx.Client(base_url=f"{shop.url}/v2/", trust_env=False) as client:
        for repository, tags in plan.tags.items():
            for tag, node in tags.items():
                is_listed = (repository, node.digest) in listed
                told = client.head(f"{repository}/manifests/{tag}", headers=_ACCEPT)
                assert told.status_code == (404 if is_listed else 200), (repository, tag)
                # A tag is told to go when its manifest does; one that goes alone stays for now.
                assert not is_listed or (repository, tag) in going
                if not is_listed:
                    staying[repository, node.digest] = node
        for repository, digest in listed:
            gone = client.head(f"{repository}/manifests/{digest}", headers=_ACCEPT)
            assert gone.status_code == 404, (repository, digest)
    needed = {blob.digest for node in staying.values() for blob in _blobs(node)}
    assert set(stored_blobs(shop.storage)) == needed
    # What stands in an index is pulled with it.
    parts = {
        (repository, part.digest)
        for (repository, digest), node in staying.items()
        for part in node.below()
        if part.digest != digest
    }
    layouts = folder / "pulled"
    layouts.mkdir()
    for repository, digest in staying.keys() - parts:
        pull(shop, layouts, repository, staying[repository, digest])


def pull(shop: DockerRegistry, layouts: Path, repository: str, node: Node) -> None:
    """Pull something whole, once."""
    layout = layouts / f"{repository}-{node.digest[7:]}".replace("/", "-")
    reference = f"{shop.host}/{repository}@{node.digest}"
    if layout.exists():
        return
    if any(child.children for child in node.children):
        assert inspect_raw(reference) == node.content.data
        layout.mkdir()
        for child in node.children:
            pull(shop, layouts, repository, child)
    else:
        copy_all(reference, layout)


def _blobs(node: Node) -> Iterator[push.Blob]:
    for one in node.below():
        yield one.content
        yield from one.blobs


_ACCEPT = {
    "Accept": ", ".join((push.OCI_MANIFEST, push.OCI_INDEX, push.DOCKER_MANIFEST, push.DOCKER_LIST))
}

rules = st.builds(
    Rule,
    keep_last=st.none() | st.integers(0, 3),
    older_than=st.none() | st.integers(0, LAST_DAY + 2).map(lambda days: days * DAY),
    delete_tags=st.sampled_from(((), (), ("^v",), ("pr-", "0$"), ("^sha256-",))),
    keep_tags=st.sampled_from(((), (), ("[12]$",))),
    untagged=st.sampled_from((False, False, False, True)),
)


@st.composite
def guards(draw: st.DrawFn, plan: Plan, host: str) -> Running:
    """Draw up to two images in use: by tag, or by the digest of anything in a repository."""
    images = []
    for repository in draw(st.lists(st.sampled_from(sorted(plan.tags)), max_size=2)):
        registry = draw(st.sampled_from(("", host)))
        if draw(st.booleans()):
            tag = draw(st.sampled_from(sorted(plan.tags[repository])))
            images.append((registry, repository, tag, ""))
        else:
            digest = draw(st.sampled_from(sorted(plan.nodes(repository))))
            images.append((registry, repository, "", digest))
    return Running(images=images)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data(), plan=plans(), rule=rules)
def test_the_bytes_on_the_disk_go_and_stay_as_was_told(
    shop: DockerRegistry, data: st.DataObject, plan: Plan, rule: Rule
) -> None:
    in_use = data.draw(guards(plan, shop.host), "in use")
    note(repr(plan))
    filled(shop, plan)
    with tempfile.TemporaryDirectory() as folder:
        found = judged(shop, Path(folder), rule, in_use)
        note(found.tags.to_string())
        hold_against_the_disk(shop, Path(folder), plan, found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A corpus of one repository or two, a rule, and what the issue says must come of it."""

    about: str
    plan: Plan
    rule: Rule
    goes: set[tuple[str, str]]
    """Tags, by repository."""
    stays: Sequence[Node] = ()
    """Manifests that nobody deletes anywhere."""
    in_use: Running | None = None

    def __str__(self) -> str:
        return self.about


def aged(name: str, days: int, *layers: push.Blob) -> Node:
    """Make an image over the base, this many days after the first."""
    own = push.layer(name, 500)
    return image(name, [BASE, own, *layers], created=FIRST_DAY + days * DAY)


def planned(*tags: tuple[str, str, Node]) -> Plan:
    plan = Plan()
    for repository, tag, node in tags:
        plan.tag(repository, tag, node)
    return plan


def examples() -> Iterator[Example]:
    """Give an example for each rule of what goes and what stays."""
    old, new = aged("old", 1), aged("new", 2)
    signed, bill = signature(new), index(artifact(new))
    yield Example(
        about="a signature of an image stays and goes with it",
        plan=planned(
            ("app", "v1", old),
            ("app", "v2", new),
            ("app", referrer_tag(old, ".sig"), signature(old)),
            ("app", referrer_tag(new, ".sig"), signed),
        ),
        rule=Rule(keep_last=1),
        goes={("app", "v1"), ("app", referrer_tag(old, ".sig"))},
        stays=(signed,),
    )
    yield Example(
        about="tags of referrers are no versions",
        plan=planned(
            ("app", "v2", new),
            ("app", referrer_tag(new, ".sig"), signed),
            ("app", referrer_tag(new), bill),
        ),
        rule=Rule(keep_last=1, delete_tags=(".",)),
        goes=set(),
        stays=(signed, bill, *bill.children),
    )
    over_signature = signature(signed)
    yield Example(
        about="what is about a signature goes along",
        plan=planned(
            ("app", "v2", new),
            ("app", referrer_tag(new, ".sig"), signed),
            ("app", referrer_tag(signed, ".att"), over_signature),
            ("app", referrer_tag(new), bill),
        ),
        rule=Rule(delete_tags=("v2",)),
        goes={
            ("app", "v2"),
            ("app", referrer_tag(new, ".sig")),
            ("app", referrer_tag(signed, ".att")),
            ("app", referrer_tag(new)),
        },
    )
    both = index(old, new, attested=[old, new])
    yield Example(
        about="a child of an index stays with it though its own tag goes",
        plan=planned(("app", "multi", both), ("app", "v1", old), ("app", "v2", new)),
        rule=Rule(delete_tags=("^v",)),
        goes={("app", "v1"), ("app", "v2")},
        stays=(both, *both.children),
    )
    yield Example(
        about="an attestation goes along with its index",
        plan=planned(("app", "multi", both), ("app", "v2", new)),
        rule=Rule(delete_tags=("multi",)),
        goes={("app", "multi")},
        stays=(new,),
    )
    outer = index(both, aged("third", 3))
    yield Example(
        about="an index inside one that stays is whole",
        plan=planned(("app", "outer", outer), ("app", "inner", both)),
        rule=Rule(delete_tags=("inner",)),
        goes={("app", "inner")},
        stays=tuple(outer.below()),
    )
    yield Example(
        about="two tags on one digest keep it while either stays",
        plan=planned(("app", "v1", old), ("app", "stable", old), ("app", "v2", new)),
        rule=Rule(delete_tags=("^v",)),
        goes={("app", "v1"), ("app", "v2")},
        stays=(old,),
    )
    yield Example(
        about="what two repositories hold stays while one of them does",
        plan=planned(("app", "v1", old), ("team/api", "release", old), ("app", "v2", new)),
        rule=Rule(delete_tags=("^v",)),
        goes={("app", "v1"), ("app", "v2")},
    )
    yield Example(
        about="the base goes with the last image over it",
        plan=planned(("app", "v1", old), ("team/api", "v2", new)),
        rule=Rule(delete_tags=("^v",)),
        goes={("app", "v1"), ("team/api", "v2")},
    )
    odd = [
        image(year, [BASE], created=FIRST_DAY.replace(year=year, month=1, day=1))
        for year in (1970, 1980)
    ]
    yield Example(
        about="a date that nobody believes deletes nothing",
        plan=planned(("app", "epoch", odd[0]), ("app", "zip", odd[1]), ("app", "v1", old)),
        rule=Rule(older_than=10 * DAY),
        goes={("app", "v1")},
        stays=odd,
    )
    windows = push.layer("windows", 9_000, push.DOCKER_FOREIGN_LAYER)
    yield Example(
        about="a foreign layer frees nothing",
        plan=planned(("app", "v1", image("windows", [BASE], foreign=[windows]))),
        rule=Rule(keep_last=0),
        goes={("app", "v1")},
    )
    empty = push.layer("empty", 0)
    yield Example(
        about="an empty layer listed twice is one blob",
        plan=planned(("app", "v1", aged("twice", 5, empty, empty)), ("app", "v2", new)),
        rule=Rule(delete_tags=("v1",)),
        goes={("app", "v1")},
        stays=(new,),
    )
    yield Example(
        about="what runs stays with all it needs, the index that holds it too",
        plan=planned(
            ("app", "multi", both),
            ("app", "v1", old),
            ("app", "v3", aged("third", 3)),
            ("app", referrer_tag(old, ".sig"), signature(old)),
        ),
        rule=Rule(keep_last=0),
        goes={("app", "v3")},
        stays=(both, *both.children, signature(old)),
        in_use=Running(images=[("", "app", "", old.digest)]),
    )


@pytest.mark.parametrize("example", list(examples()), ids=str)
def test_on_the_disk(shop: DockerRegistry, tmp_path: Path, example: Example) -> None:
    filled(shop, example.plan)
    found = judged(shop, tmp_path, example.rule, example.in_use)
    assert set(zip(found.tags["repository"], found.tags["tag"], strict=True)) == example.goes
    assert not {node.digest for node in example.stays} & set(found.manifests["digest"])
    hold_against_the_disk(shop, tmp_path, example.plan, found)


def test_the_script_deletes_just_that(
    shop: DockerRegistry, tmp_path: Path, regtools: Command
) -> None:
    old, new = aged("old", 1), aged("new", 2)
    plan = planned(
        ("app", "v1", index(old, attested=[old])),
        ("app", "v2", index(new, attested=[new])),
        ("app", referrer_tag(old, ".sig"), signature(old)),
        ("team/api", "v1", old),
    )
    filled(shop, plan)
    found = judged(shop, tmp_path, Rule(keep_last=1))
    before = stored_bytes(shop.storage)
    wanted = ("--history", tmp_path / "history", "--keep-last", 1)
    script = regtools("retention", *wanted, "--emit", "script", "--tool", "skopeo").out
    subprocess.run(
        ["bash", "-c", script, "delete.sh", "--delete"],
        env={**os.environ, "DELETE_OPTIONS": "--tls-verify=false"},
        check=True,
    )
    garbage_collect(shop)
    after = stored_bytes(shop.storage)
    assert found.manifests_deleted == 4
    assert (before - after, after) == (found.bytes_freed, found.bytes_kept)
    require_whole(shop, tmp_path, plan, found)


def test_what_a_moved_tag_left_behind_is_not_seen_and_may_hold_on_to_bytes(
    shop: DockerRegistry, tmp_path: Path
) -> None:
    """`registry:2` keeps the manifest without telling of it: then less is freed, never more."""
    left = aged("left", 1)
    filled(shop, planned(("app", "v1", left)))
    plan = planned(("app", "v1", aged("new", 2)))
    push_plan(shop, plan)
    found = judged(shop, tmp_path, Rule(keep_last=0))
    before = stored_bytes(shop.storage)
    assert before == found.bytes_freed + sum(len(blob.data) for blob in _blobs(left)) - len(
        BASE.data
    )
    delete(shop, found)
    garbage_collect(shop)
    assert before - stored_bytes(shop.storage) == found.bytes_freed - len(BASE.data)


def test_a_dry_run_is_dry(
    shop: DockerRegistry, regtools: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A scan only reads; what a rule would delete is asked of the history alone."""
    old, new = aged("old", 1), aged("new", 2)
    filled(shop, planned(("app", "v1", old), ("app", referrer_tag(old, ".sig"), signature(old))))
    push_plan(shop, planned(("app", "v2", index(new))))
    before = stored_blobs(shop.storage)
    shop.requests()
    assert regtools("scan", shop.url).code == 0
    methods = {served.method for served in shop.requests()}
    assert methods
    assert methods <= {"GET", "HEAD"}

    def refuse(*_: object) -> None:
        raise AssertionError("retention went to the network")

    running = tmp_path / "running.txt"
    running.write_text(f"{shop.host}/app:v2\n")
    with monkeypatch.context() as offline:
        offline.setattr("socket.socket.connect", refuse)
        offline.setattr("socket.getaddrinfo", refuse)
        for more in ([], ["--json"], ["--csv"], ["--emit", "script"], ["--in-use", running]):
            assert regtools("retention", "--keep-last", 0, *more).code == 0
    assert shop.requests() == []
    assert stored_blobs(shop.storage) == before
