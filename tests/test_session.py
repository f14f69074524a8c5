"""The whole way from a real registry into the history."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tests.support.certificates import CertificateAuthority
from tests.support.corpus import Corpus, push_schema1
from tests.support.docker_registry import USERS, DockerRegistry, stored_bytes
from tests.support.skopeo import inspect, inspect_raw
from tests.support.token_server import TokenServer

import regtools as rt
from regtools.access import Options
from regtools.errors import UnauthorizedError
from regtools.session import Scanned, scan

USER, SECRET = next(iter(USERS.items()))


def scan_one(target: str, history: Path, **options: object) -> Scanned:
    result = scan(target, options=Options(history=str(history), **options))  # type: ignore[arg-type]
    if result.failed:
        raise result.failed[0][1]
    return result.scanned[0]


def table(history: Path, scanned: Scanned, name: str) -> pd.DataFrame:
    return pd.read_parquet(history / scanned.snapshot.snapshot / f"{name}.parquet")


def inventory(history: Path, scanned: Scanned) -> dict[tuple[str, str], str]:
    frame = table(history, scanned, "tags")
    return {(row.repository, row.tag): row.digest for row in frame.itertuples()}


@pytest.fixture(scope="module")
def scanned_history(
    registry: DockerRegistry, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Scanned]:
    history = tmp_path_factory.mktemp("scanned") / "history"
    return history, scan_one(registry.url, history)


def test_a_scan_finds_every_tag_and_its_digest(
    scanned_history: tuple[Path, Scanned], corpus: Corpus
) -> None:
    history, scanned = scanned_history
    assert inventory(history, scanned) == {(r, t): d for r, t, d in corpus.tags}
    assert scanned.snapshot.complete
    assert scanned.problems == []
    assert scanned.repositories == len(corpus.repositories)
    assert scanned.manifests == len(corpus.manifests)


def test_physical_bytes_are_the_bytes_on_the_registrys_disk(
    scanned_history: tuple[Path, Scanned], corpus: Corpus, registry: DockerRegistry
) -> None:
    _, scanned = scanned_history
    assert scanned.physical_bytes == stored_bytes(registry.storage) == corpus.physical_bytes()
    assert scanned.logical_bytes == corpus.logical_bytes()


def test_usage_by_repository_and_tag_is_what_was_pushed(
    scanned_history: tuple[Path, Scanned], corpus: Corpus
) -> None:
    history, _ = scanned_history
    repositories = rt.usage(history, by="repository").set_index("repository")
    assert set(repositories.index) == set(corpus.repositories)
    for name, row in repositories.iterrows():
        assert row["logical_bytes"] == corpus.logical_bytes(name)
        assert row["physical_bytes"] == corpus.physical_bytes(name)
        assert row["exclusive_bytes"] == corpus.exclusive_bytes(name)
        assert row["shared_bytes"] == row["physical_bytes"] - row["exclusive_bytes"]
    # A signature, and an SBOM under its fallback tag, count with the image they are about.
    expected = {(r, t): corpus.logical_bytes(r, t) for r, t, _ in corpus.tags}
    for repository, tag, digest in corpus.tags:
        for other in corpus.repositories[repository]:
            if other.startswith(digest.replace(":", "-")):
                expected[repository, tag] += expected[repository, other]
                expected[repository, other] = 0
    tags = rt.usage(history, by="tag")
    assert {(row.repository, row.tag): row.logical_bytes for row in tags.itertuples()} == expected
    assert set(tags.loc[tags["logical_bytes"] == 0, "subject"]) == {
        corpus.repositories["signed/app"]["1.0.0"]
    }


def test_skopeo_agrees_on_digests_and_layers(
    scanned_history: tuple[Path, Scanned], corpus: Corpus, registry: DockerRegistry
) -> None:
    history, scanned = scanned_history
    digests = inventory(history, scanned)
    layers = table(history, scanned, "layers")
    children = table(history, scanned, "children")
    for repository, tag in corpus.inspectable:
        reference = f"{registry.host}/{repository}:{tag}"
        top = digests[repository, tag]
        told = inspect(reference)
        assert told["Digest"] == top
        below = children[children["parent"] == top]
        if not below.empty:
            assert set(below["child"]) == {
                entry["digest"] for entry in json.loads(inspect_raw(reference))["manifests"]
            }
            top = below[below["platform"] == "linux/amd64"]["child"].iloc[0]
        ours = layers[layers["manifest"] == top].sort_values("position")
        assert list(ours["blob"]) == told["Layers"]


def test_a_first_scan_asks_for_each_manifest_and_config_once(
    registry: DockerRegistry, corpus: Corpus, tmp_path: Path
) -> None:
    registry.requests()
    scanned = scan_one(registry.url, tmp_path / "history")
    served = registry.requests()
    assert len(served) == scanned.snapshot.requests
    assert {request.method for request in served} <= {"GET", "HEAD"}
    manifests = Counter(r.path for r in served if "/manifests/" in r.path)
    assert max(manifests.values()) == 1
    untagged = len(corpus.manifests) - len({digest for _, _, digest in corpus.tags})
    assert len(manifests) == len(corpus.tags) + untagged
    blobs = Counter(r.path.rpartition("/")[2] for r in served if "/blobs/" in r.path)
    assert max(blobs.values()) == 1


def test_an_unchanged_registry_costs_one_head_a_tag(
    registry: DockerRegistry, corpus: Corpus, tmp_path: Path
) -> None:
    first = scan_one(registry.url, tmp_path / "history")
    registry.requests()
    second = scan_one(registry.url, tmp_path / "history")
    served = registry.requests()
    pages = sum("/tags/list" in r.path or "/_catalog" in r.path for r in served)
    assert len(served) == second.snapshot.requests <= len(corpus.tags) + pages + 2
    assert not [r for r in served if r.method == "GET" and "/manifests/" in r.path]
    assert second.physical_bytes == first.physical_bytes
    assert second.snapshot.snapshot != first.snapshot.snapshot


def test_the_result_is_a_frame_and_shows_itself_escaped(
    registry: DockerRegistry, corpus: Corpus, tmp_path: Path
) -> None:
    history = Options(history=str(tmp_path / "history"))
    result = scan(registry.url, "http://registry.invalid", options=history)
    (row,) = result.frame.to_dict("records")
    assert row["registry"] == registry.host
    assert row["physical_bytes"] == corpus.physical_bytes()
    assert not result.complete
    failed = replace(result, failed=[("<b>x</b>", result.failed[0][1])])
    shown = failed._repr_html_()
    assert registry.host in shown
    assert "DNS_FAILED" in shown
    assert "<b>" not in shown


def test_a_catalog_of_several_pages_is_read_to_its_end(
    many: tuple[DockerRegistry, Corpus], tmp_path: Path
) -> None:
    registry, corpus = many
    scanned = scan_one(registry.url, tmp_path / "history")
    assert scanned.repositories == len(corpus.repositories) > 100
    assert scanned.physical_bytes == stored_bytes(registry.storage)


def test_a_namespace_is_scanned_alone(
    registry: DockerRegistry, corpus: Corpus, tmp_path: Path
) -> None:
    scanned = scan_one(f"{registry.url}/team", tmp_path / "history")
    team = {name for name in corpus.repositories if name.startswith("team/")}
    assert scanned.repositories == len(team)
    assert scanned.snapshot.namespace == "team"


def test_behind_a_password_there_is_the_same_inventory(
    htpasswd_registry: DockerRegistry,
    corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", USER)
    monkeypatch.setenv("REGTOOLS_PASSWORD", SECRET)
    scanned = scan_one(htpasswd_registry.url, tmp_path / "history")
    assert scanned.physical_bytes == corpus.physical_bytes()
    assert scanned.snapshot.complete


def test_behind_tokens_there_is_the_same_inventory(
    token_registry: DockerRegistry,
    tokens: TokenServer,
    corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", USER)
    monkeypatch.setenv("REGTOOLS_PASSWORD", SECRET)
    scanned = scan_one(token_registry.url, tmp_path / "history")
    assert scanned.physical_bytes == corpus.physical_bytes()
    assert scanned.snapshot.complete


def test_over_tls_with_a_ca_file_there_is_the_same_inventory(
    tls_registry: DockerRegistry, authority: CertificateAuthority, corpus: Corpus, tmp_path: Path
) -> None:
    scanned = scan_one(tls_registry.url, tmp_path / "history", ca_file=authority.file)
    assert scanned.physical_bytes == corpus.physical_bytes()
    checks = table(tmp_path / "history", scanned, "checks")
    assert "tls" in set(checks["stage"])


def test_an_image_of_schema_1_gets_its_sizes_from_the_registry(
    tmp_path: Path, start_registry: Callable[..., DockerRegistry]
) -> None:
    old = start_registry()
    digest, layers = push_schema1(old)
    scanned = scan_one(old.url, tmp_path / "history")
    assert scanned.snapshot.complete
    (row,) = rt.usage(tmp_path / "history", by="tag").to_dict("records")
    assert row["digest"] == digest
    assert row["complete"]
    rows = table(tmp_path / "history", scanned, "layers").sort_values("position")
    assert list(zip(rows["blob"], rows["size"], strict=True)) == [
        (layer.digest, len(layer.data)) for layer in layers
    ]


def test_a_wrong_password_is_one_error_and_leaves_no_snapshot(
    htpasswd_registry: DockerRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGTOOLS_USERNAME", USER)
    monkeypatch.setenv("REGTOOLS_PASSWORD", "not the one")
    with pytest.raises(UnauthorizedError) as caught:
        scan_one(htpasswd_registry.url, tmp_path / "history")
    assert "not the one" not in str(caught.value)
    assert rt.open_history(tmp_path / "history").snapshots() == []


def test_one_broken_repository_leaves_the_others_whole(
    registry: DockerRegistry,
    corpus: Corpus,
    tmp_path: Path,
    start_registry: Callable[..., DockerRegistry],
) -> None:
    storage = tmp_path / "storage"
    shutil.copytree(registry.storage, storage)
    digest = corpus.repositories["charts/frontend"]["0.3.1"]
    encoded = digest.partition(":")[2]
    (storage / f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data").unlink()
    broken = start_registry(storage=storage)

    scanned = scan_one(broken.url, tmp_path / "history")

    assert not scanned.snapshot.complete
    assert [(p.repository, p.reference) for p in scanned.problems] == [("charts/frontend", "0.3.1")]
    assert scanned.tags == len(corpus.tags) - 1
    usage = rt.usage(tmp_path / "history", by="repository").set_index("repository")
    assert usage.loc["team/api", "logical_bytes"] == corpus.logical_bytes("team/api")
    # What the unread repository shares with the others is unknown, so no row is called whole.
    assert not usage["complete"].any()


def test_what_was_broken_is_asked_for_again_and_nothing_else(
    registry: DockerRegistry,
    corpus: Corpus,
    tmp_path: Path,
    start_registry: Callable[..., DockerRegistry],
) -> None:
    storage = tmp_path / "storage"
    shutil.copytree(registry.storage, storage)
    digest = corpus.repositories["charts/frontend"]["0.3.1"]
    encoded = digest.partition(":")[2]
    data = storage / f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data"
    kept = data.read_bytes()
    data.unlink()
    mended = start_registry(storage=storage)
    scan_one(mended.url, tmp_path / "history")
    data.write_bytes(kept)
    mended.requests()
    scanned = scan_one(mended.url, tmp_path / "history")
    assert scanned.snapshot.complete
    assert scanned.physical_bytes == corpus.physical_bytes()
    fetched = [r.path for r in mended.requests() if r.method == "GET" and "/manifests/" in r.path]
    assert fetched == [f"/v2/charts/frontend/manifests/{digest}"]
