"""What a plan says would be copied, held against two real registries and skopeo, which copies.

    push ─▶ plan ─▶ run what it emits ─▶ the destination's disk grew by what the plan said ─▶ verify

regtools itself sends nothing but GET and HEAD.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support import push
from tests.support.command import Command
from tests.support.corpus import FIRST_DAY, Corpus, push_corpus
from tests.support.docker_registry import DockerRegistry, stored_blobs, stored_bytes
from tests.support.inventories import publish, stored
from tests.support.processes import find_program
from tests.support.push import Pusher
from tests.support.skopeo import try_copy

from regtools.access import Options
from regtools.analyses.migration.plan import MigrationPlan
from regtools.copying import emitted
from regtools.history import History
from regtools.migrate import migrate_plan
from regtools.schema import LayerRow, ManifestRow, UntaggedRow
from regtools.session import scan

Start = Callable[..., DockerRegistry]


@pytest.fixture
def target(start_registry: Start) -> DockerRegistry:
    """Where images go: empty."""
    return start_registry()


@pytest.fixture
def history(tmp_path: Path) -> str:
    return str(tmp_path / "history")


def planned(source: str, destination: str, history: str, **keywords: object) -> MigrationPlan:
    return migrate_plan(source, destination, options=Options(history=history), **keywords)


def run_script(plan: MigrationPlan, tmp_path: Path) -> None:
    script = tmp_path / "copy.sh"
    script.write_text(emitted(plan.copies, "script").files["copy.sh"])
    done = subprocess.run(
        ["sh", str(script), "--copy"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr


def run_sync(plan: MigrationPlan, tmp_path: Path) -> None:
    """Start skopeo sync as the head of each file says."""
    for name, text in emitted(plan.copies, "skopeo-sync").files.items():
        file = tmp_path / name
        file.write_text(text)
        lines = [line.removeprefix("#").strip() for line in text.splitlines()[2:4]]
        words = " ".join(lines).replace("\\", "").replace(name, str(file)).split()
        command = [find_program("skopeo"), "--insecure-policy", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr


def digests_of(corpus: Corpus, *repositories: str) -> frozenset[str]:
    return corpus.reach(
        *(digest for name in repositories for digest in corpus.repositories[name].values())
    )


def test_the_script_copies_what_was_planned_to_the_byte(
    registry: DockerRegistry,
    corpus: Corpus,
    target: DockerRegistry,
    history: str,
    tmp_path: Path,
    regtools: Command,
) -> None:
    plan = planned(registry.url, f"{target.url}/mirror", history)
    target.requests()
    registry.requests()
    run_script(plan, tmp_path)
    stored = stored_blobs(target.storage)
    assert plan.bytes_to_copy == plan.low_bytes_to_copy == sum(stored.values())
    assert stored == corpus.sizes
    assert plan.tags_to_copy == len(corpus.tags)
    assert plan.manifests_to_copy == len(corpus.manifests)
    assert plan.blobs_to_copy == len(corpus.blob_sizes)
    assert plan.complete
    ran = regtools("migrate", "verify", registry.url, f"{target.url}/mirror", "--json")
    assert ran.code == 0, ran.out
    counts = ran.document["counts"]
    # The list of referrers is judged by what it lists.
    assert counts.pop("equal") == len(corpus.tags) - 1
    assert not any(counts.values())


def test_planning_and_comparing_only_read(
    registry: DockerRegistry, target: DockerRegistry, history: str, regtools: Command
) -> None:
    registry.requests()
    target.requests()
    arguments = (registry.url, target.url, "--history", history)
    regtools("migrate", "plan", *arguments)
    regtools("migrate", "verify", *arguments)
    methods = {one.method for one in (*registry.requests(), *target.requests())}
    assert methods <= {"GET", "HEAD"}
    assert stored_bytes(target.storage) == 0


def test_without_being_told_to_the_script_copies_nothing(
    registry: DockerRegistry, target: DockerRegistry, history: str, tmp_path: Path
) -> None:
    plan = planned(registry.url, target.url, history)
    script = tmp_path / "copy.sh"
    script.write_text(emitted(plan.copies, "script").files["copy.sh"])
    done = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(plan.copies.copies)
    assert stored_bytes(target.storage) == 0


def test_a_script_that_was_run_twice_has_nothing_left_to_plan(
    registry: DockerRegistry, target: DockerRegistry, history: str, tmp_path: Path
) -> None:
    first = planned(registry.url, target.url, history)
    run_script(first, tmp_path)
    run_script(first, tmp_path)
    again = planned(registry.url, target.url, history, scan=True)
    assert set(again.rows["status"]) == {"equal"}
    assert (again.bytes_to_copy, again.manifests_to_copy, again.requests) == (0, 0, 0)
    assert again.bytes_there == first.bytes_to_copy


def test_skopeo_sync_copies_all_that_is_not_told_apart(
    registry: DockerRegistry, corpus: Corpus, target: DockerRegistry, history: str, tmp_path: Path
) -> None:
    plan = planned(registry.url, f"{target.url}/mirror", history)
    run_sync(plan, tmp_path)
    lists = [one for one in plan.copies.copies if one.is_list_only and one.tag]
    named = [one.tag for one in lists]
    assert sorted(one.destination for one in lists) == ["mirror/signed/app", "mirror/team/nested"]
    rest = [
        digest
        for _, tag, digest in corpus.tags
        if (tag not in named or digest not in {one.digest for one in lists})
    ]
    assert stored_blobs(target.storage).keys() == corpus.reach(*rest)
    (left_out,) = emitted(plan.copies, "skopeo-sync").left_out
    assert left_out.startswith("2 tags are lists that skopeo sync refuses or changes")
    # What it left is what the next plan wants, and the script copies it.
    left = planned(registry.url, f"{target.url}/mirror", history, scan=True)
    before = stored_bytes(target.storage)
    run_script(left, tmp_path)
    assert stored_bytes(target.storage) - before == left.bytes_to_copy
    assert stored_blobs(target.storage) == corpus.sizes


def test_what_the_destination_has_is_not_counted_wherever_it_lies(
    registry: DockerRegistry, corpus: Corpus, target: DockerRegistry, history: str, tmp_path: Path
) -> None:
    for source, destination in (
        ("team/web:2.0.0", "mirror/team/web:2.0.0"),
        ("team/worker:slim", "mirror/team/worker:slim"),
        ("base/debian:12", "elsewhere/debian:bookworm"),
    ):
        done = try_copy(
            f"docker://{registry.host}/{source}", f"docker://{target.host}/{destination}"
        )
        assert done.returncode == 0, done.stderr
    before = stored_bytes(target.storage)
    part = planned(registry.url, f"{target.url}/mirror", history)
    assert any("Only mirror of" in note for note in part.notes)
    plan = planned(registry.url, target.url, history, rename=["=mirror"])
    assert plan.bytes_to_copy < part.bytes_to_copy
    statuses = plan.rows.set_index("source")["status"]
    assert statuses[f"{registry.host}/team/web:2.0.0"] == "equal"
    assert statuses[f"{registry.host}/team/web:latest"] == "copy"
    assert plan.bytes_there == before
    run_script(plan, tmp_path)
    assert stored_bytes(target.storage) - before == plan.bytes_to_copy
    assert stored_blobs(target.storage) == corpus.sizes


def test_some_repositories_and_tags_take_their_referrers_along(
    registry: DockerRegistry, corpus: Corpus, target: DockerRegistry, history: str, tmp_path: Path
) -> None:
    plan = planned(
        registry.url, target.url, history, repository="^signed/|^team/api$", tag=r"1\.0\.0"
    )
    run_script(plan, tmp_path)
    api = corpus.repositories["team/api"]["v1.0.0"]
    wanted = digests_of(corpus, "signed/app") | corpus.reach(api)
    assert stored_blobs(target.storage).keys() == wanted
    assert plan.bytes_to_copy == stored_bytes(target.storage)
    assert plan.tags_to_copy == 4


def test_a_tag_that_names_something_else_is_left_alone_unless_asked(
    start_registry: Start, target: DockerRegistry, history: str, tmp_path: Path, regtools: Command
) -> None:
    source = start_registry()
    new, old = push_image(source, "app", "1", "new"), push_image(target, "app", "1", "old")
    plan = planned(source.url, target.url, history)
    assert list(plan.conflicts["why"]) == [f"The tag is there, and names {old}."]
    assert plan.bytes_to_copy == 0
    ran = regtools("migrate", "plan", source.url, target.url, "--history", history)
    assert ran.code == 1
    over = planned(source.url, target.url, history, overwrite=True)
    before = stored_bytes(target.storage)
    run_script(over, tmp_path)
    assert stored_bytes(target.storage) - before == over.bytes_to_copy
    with Pusher(target.url) as pusher:
        assert pusher.pulls_whole("app", new)


def push_image(
    registry: DockerRegistry, repository: str, tag: str, name: str, **more: object
) -> str:
    """Push an image of one layer; give its digest."""
    content = push.layer(name, 2_000)
    config = push.image_config([content], created=FIRST_DAY, name=name)
    with Pusher(registry.url) as pusher:
        for blob in (content, config):
            pusher.blob(repository, blob.data)
        made = push.manifest(config, [content.descriptor()], **more)
        return pusher.manifest(repository, tag, made)


def blob_file(registry: DockerRegistry, digest: str) -> Path:
    algorithm, _, hexadecimal = digest.partition(":")
    root = registry.storage / "docker/registry/v2/blobs"
    return root / algorithm / hexadecimal[:2] / hexadecimal / "data"


def test_a_referrer_that_only_the_api_tells_is_copied_by_its_digest(
    start_registry: Start, target: DockerRegistry, history: str, tmp_path: Path
) -> None:
    source = start_registry()
    subject = push_image(source, "app", "1", "subject")
    scan(source.url, options=Options(history=history))
    about = {"mediaType": push.OCI_MANIFEST, "digest": subject, "size": 1}
    empty = push.json_blob(push.OCI_EMPTY, {})
    statement = push.json_blob("application/spdx+json", {"name": "bill of materials"})
    artifact = push.manifest(
        empty, [statement.descriptor()], subject=about, artifactType="application/spdx+json"
    )
    with Pusher(source.url) as pusher:
        for blob in (empty, statement):
            pusher.blob("app", blob.data)
        pusher.manifest("app", artifact.digest, artifact)
    # docker-registry 2.8 has no referrers API: what one would have told is added to the scan.
    store = History(history)
    told = stored(store, store.latest()[0])
    told.untagged.append(
        UntaggedRow(registry=source.host, repository="app", digest=artifact.digest)
    )
    told.manifests.append(
        ManifestRow(
            digest=artifact.digest,
            media_type=push.OCI_MANIFEST,
            size=len(artifact.data),
            config_digest=empty.digest,
            config_size=len(empty.data),
            subject=subject,
        )
    )
    told.layers.append(
        LayerRow(
            manifest=artifact.digest,
            position=0,
            blob=statement.digest,
            size=len(statement.data),
            media_type=statement.media_type,
            foreign=False,
        )
    )
    publish(store, told, registry=source.host, taken_at=datetime.now(UTC) + timedelta(seconds=1))
    plan = planned(source.url, target.url, history)
    assert list(plan.rows["source"]) == [
        f"{source.host}/app:1",
        f"{source.host}/app@{artifact.digest}",
    ]
    run_script(plan, tmp_path)
    assert stored_bytes(target.storage) == plan.bytes_to_copy
    assert {artifact.digest, statement.digest} <= stored_blobs(target.storage).keys()
    assert emitted(plan.copies, "skopeo-sync").left_out == (
        "1 referrers have no tag: use the script.",
    )


def test_every_kind_of_drift_is_found(
    start_registry: Start, target: DockerRegistry, history: str, tmp_path: Path, regtools: Command
) -> None:
    source = start_registry()
    corpus = push_corpus(source)
    run_script(planned(source.url, target.url, history), tmp_path)
    verify = ("migrate", "verify", source.url, target.url, "--history", history, "--json")
    assert regtools(*verify).code == 0

    moved = push_image(target, "base/debian", "latest", "moved")
    push_image(target, "team/api", "v9", "only there")
    child = corpus.manifests[corpus.repositories["team/web"]["latest"]].children[1]
    blob_file(target, child).unlink()
    layer = corpus.manifests[corpus.repositories["odd/zstd"]["1"]].layers[0]
    blob_file(target, layer).unlink()
    stem = corpus.repositories["signed/app"]["1.0.0"].replace(":", "-")
    tags = target.storage / "docker/registry/v2/repositories/signed/app/_manifests/tags"
    (tags / stem / "current/link").unlink()
    (tags / f"{stem}.sig/current/link").unlink()

    ran = regtools(*verify)
    assert ran.code == 1, (ran.out, ran.err)
    rows = {row["destination"].partition("/")[2]: row for row in ran.document["rows"]}
    drift = {name: row["status"] for name, row in rows.items() if row["status"] != "equal"}
    assert drift == {
        "base/debian:latest": "different",
        "team/api:v9": "extra",
        "team/web:2.0.0": "children_missing",
        "team/web:latest": "children_missing",
        "odd/zstd:1": "children_missing",
        "signed/app:1.0.0": "referrers_missing",
        f"signed/app:{stem}.sig": "missing",
    }
    assert rows["base/debian:latest"]["digest_there"] == moved
    assert child in rows["team/web:latest"]["why"]
    assert layer in rows["odd/zstd:1"]["why"]
    assert ran.document["complete"]
    allowed = regtools(*verify, "--no-scan", "--allow-extra")
    assert allowed.code == 1
    assert allowed.document["counts"]["extra"] == 0


def test_inside_one_registry_nothing_has_to_be_sent(
    start_registry: Start, history: str, tmp_path: Path, regtools: Command
) -> None:
    shop = start_registry()
    push_image(shop, "old/app", "1", "one")
    push_image(shop, "old/app", "2", "two")
    scan(shop.url, options=Options(history=history))
    plan = planned(f"{shop.url}/old", f"{shop.url}/new", history)
    assert (plan.tags_to_copy, plan.manifests_to_copy, plan.bytes_to_copy) == (2, 2, 0)
    before = stored_bytes(shop.storage)
    run_script(plan, tmp_path)
    assert stored_bytes(shop.storage) == before
    ran = regtools("migrate", "verify", f"{shop.url}/old", f"{shop.url}/new", "--history", history)
    assert ran.code == 0


def test_a_referrer_list_that_lost_one_is_a_difference(
    start_registry: Start, target: DockerRegistry, history: str, tmp_path: Path, regtools: Command
) -> None:
    source = start_registry()
    push_corpus(source)
    run_script(planned(source.url, target.url, history, repository="^signed/"), tmp_path)
    with Pusher(target.url) as pusher:
        stem = next(
            one.tag
            for one in planned(source.url, target.url, history).copies.tagged
            if one.is_list_only and one.destination == "signed/app"
        )
        pusher.manifest("signed/app", stem, push.index([]))
    ran = regtools(
        "migrate", "verify", source.url, target.url, "--repository", "^signed/",
        "--history", history, "--json",
    )  # fmt: skip
    assert ran.code == 1
    assert ran.document["counts"]["referrers_missing"] == 1


def test_a_side_that_was_not_read_whole_ends_with_3(
    start_registry: Start, target: DockerRegistry, history: str, tmp_path: Path, regtools: Command
) -> None:
    source = start_registry()
    digest = push_image(source, "team/app", "1", "one")
    push_image(source, "team/other", "1", "two")
    file = blob_file(source, digest)
    file.write_text("{")
    ran = regtools("migrate", "plan", source.url, target.url, "--history", history, "--json")
    assert ran.code == 3
    assert not ran.document["complete"]
    assert ran.document["tags_to_copy"] == 1
    ran = regtools("migrate", "verify", source.url, target.url, "--history", history)
    assert ran.code == 3
    assert "nothing is sure" in ran.err
