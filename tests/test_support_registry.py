"""The fixtures do what they say: the real registry, its corpus, and the peer skopeo."""

from __future__ import annotations

import os
import pwd
import re
import signal
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import push, skopeo
from tests.support.certificates import CertificateAuthority
from tests.support.corpus import MANY, ODD_TAGS, Corpus, push_schema1
from tests.support.docker_registry import (
    USERS,
    DockerRegistry,
    Served,
    garbage_collect,
    stored_blobs,
    stored_bytes,
)
from tests.support.processes import find_program

MANIFEST_TYPES = ", ".join(
    (push.OCI_MANIFEST, push.OCI_INDEX, push.DOCKER_MANIFEST, push.DOCKER_LIST)
)


def get(url: str, *, ca_file: Path | None = None, **keywords: Any) -> httpx.Response:
    """Ask without any help of the machine."""
    trust = ssl.create_default_context(cafile=ca_file)
    with httpx.Client(trust_env=False, verify=trust) as client:
        return client.get(url, headers={"Accept": MANIFEST_TYPES}, **keywords)


def test_the_books_equal_the_disk_to_the_byte(registry: DockerRegistry, corpus: Corpus) -> None:
    assert stored_blobs(registry.storage) == corpus.sizes
    assert stored_bytes(registry.storage) == corpus.physical_bytes()


def test_the_registry_lists_what_the_corpus_says(registry: DockerRegistry, corpus: Corpus) -> None:
    listed = get(f"{registry.url}/v2/_catalog").json()["repositories"]
    assert listed == sorted(corpus.repositories)
    for repository, tags in corpus.repositories.items():
        answer = get(f"{registry.url}/v2/{repository}/tags/list").json()
        assert sorted(answer["tags"] or []) == sorted(tags), repository


def test_every_tag_names_the_digest_of_the_books(registry: DockerRegistry, corpus: Corpus) -> None:
    for repository, tag, digest in corpus.tags:
        answer = get(f"{registry.url}/v2/{repository}/manifests/{tag}")
        assert answer.headers["docker-content-digest"] == digest == push.sha256(answer.content)
        assert len(answer.content) == corpus.manifests[digest].size


def test_skopeo_agrees_on_digests_and_layers(registry: DockerRegistry, corpus: Corpus) -> None:
    sample = [("base/debian", "12"), ("team/web", "2.0.0"), ("odd/twice", "1"), ("odd/zstd", "1")]
    assert set(sample) < set(corpus.inspectable)
    for repository, tag in sample:
        found = skopeo.inspect(f"{registry.host}/{repository}:{tag}")
        digest = corpus.repositories[repository][tag]
        images = corpus.manifests_below(digest)
        assert found["Digest"] == digest
        assert tuple(found["Layers"]) in {corpus.manifests[image].layers for image in images}


def test_the_corpus_holds_what_makes_counting_hard(corpus: Corpus) -> None:
    pushed = corpus.manifests.values()
    assert corpus.repositories["emptied/app"] == {}
    assert set(corpus.repositories["odd/tags"]) == set(ODD_TAGS)
    assert any(len(set(one.layers)) < len(one.layers) for one in pushed), "a layer listed twice"
    assert any(one.foreign for one in pushed), "a foreign layer"
    assert not set(corpus.foreign_sizes) & set(corpus.sizes), "whose bytes are not here"
    assert any(corpus.manifests[child].children for one in pushed for child in one.children), (
        "an index in an index"
    )
    assert {one.media_type for one in pushed} == set(MANIFEST_TYPES.split(", "))
    tags = corpus.repositories["signed/app"]
    assert {re.sub(r"[0-9a-f]{64}", "…", tag) for tag in tags} == {
        "1.0.0",
        "sha256-….sig",
        "sha256-…",
    }


def test_logical_exclusive_and_physical_bytes_follow_from_each_other(corpus: Corpus) -> None:
    one = corpus.logical_bytes("base/debian", "12")
    assert corpus.logical_bytes("base/debian") == 3 * one
    assert corpus.physical_bytes("base/debian") == one
    layers = corpus.manifests[corpus.repositories["base/debian"]["12"]].layers
    assert corpus.exclusive_bytes("base/debian") == one - corpus.bytes_of(layers)
    elsewhere = corpus.logical_bytes("odd/windows") - corpus.physical_bytes("odd/windows")
    assert elsewhere == sum(corpus.foreign_sizes.values()) > 0
    assert corpus.logical_bytes() == sum(map(corpus.logical_bytes, corpus.repositories))


def test_the_catalog_of_many_has_two_pages(many: tuple[DockerRegistry, Corpus]) -> None:
    registry, corpus = many
    first = get(f"{registry.url}/v2/_catalog")
    assert len(first.json()["repositories"]) == 100
    assert 'rel="next"' in first.headers["link"]
    assert len(corpus.repositories) > MANY
    assert stored_bytes(registry.storage) == corpus.physical_bytes()


def test_basic_authentication_lets_users_in_and_nobody_else(
    htpasswd_registry: DockerRegistry, corpus: Corpus
) -> None:
    url = f"{htpasswd_registry.url}/v2/_catalog"
    assert get(url).headers["www-authenticate"].startswith("Basic realm=")
    assert get(url, auth=("alice", "wrong")).status_code == 401
    for name, password in USERS.items():
        answer = get(url, auth=httpx.BasicAuth(name.encode(), password.encode()))
        assert answer.json()["repositories"] == sorted(corpus.repositories)


def test_tls_is_trusted_with_the_authority_and_only_then(
    tls_registry: DockerRegistry, authority: CertificateAuthority
) -> None:
    url = f"{tls_registry.url}/v2/"
    assert get(url, ca_file=authority.file).status_code == 200
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        get(url)


@pytest.mark.parametrize(
    ("names", "days", "complaint"),
    [
        (("localhost", "127.0.0.1"), -1, "expired"),
        (("other.example.com",), 90, "mismatch|not valid"),
    ],
)
def test_bad_certificates_are_bad_in_the_way_asked_for(
    authority: CertificateAuthority,
    start_registry: Callable[..., DockerRegistry],
    names: tuple[str, ...],
    days: int,
    complaint: str,
) -> None:
    bad = start_registry(certificate=authority.server(*names, days=days))
    with pytest.raises(httpx.ConnectError, match=complaint):
        get(f"{bad.url}/v2/", ca_file=authority.file)


def test_the_access_log_tells_every_request_once(
    start_registry: Callable[..., DockerRegistry],
) -> None:
    registry = start_registry()
    assert registry.requests() == []
    get(f"{registry.url}/v2/_catalog?n=5")
    get(f"{registry.url}/v2/a/manifests/b")
    assert registry.requests() == [
        Served(method="GET", path="/v2/_catalog?n=5", status=200),
        Served(method="GET", path="/v2/a/manifests/b", status=404),
    ]
    assert registry.requests() == []


def test_schema_1_is_accepted_with_its_signature(
    start_registry: Callable[..., DockerRegistry],
) -> None:
    registry = start_registry()
    digest, layers = push_schema1(registry)
    answer = get(f"{registry.url}/v2/legacy/app/manifests/{digest}")
    assert answer.json()["schemaVersion"] == 1
    newest_first = [entry["blobSum"] for entry in answer.json()["fsLayers"]]
    assert newest_first == [entry.digest for entry in reversed(layers)]
    assert push.sha256(answer.content) != digest, "the signatures are not part of the digest"


def test_garbage_collection_removes_what_nothing_names(
    start_registry: Callable[..., DockerRegistry],
) -> None:
    registry = start_registry()
    with push.Pusher(registry.url) as pusher:
        pusher.blob("a", b"named by no manifest")
    assert stored_bytes(registry.storage) == len(b"named by no manifest")
    garbage_collect(registry)
    assert stored_bytes(registry.storage) == 0


def test_a_registry_can_come_back_on_its_port(
    start_registry: Callable[..., DockerRegistry],
) -> None:
    first = start_registry()
    first.program.stop()
    with pytest.raises(httpx.ConnectError):
        get(f"{first.url}/v2/")
    second = start_registry(storage=first.storage, port=first.port)
    assert get(f"{first.url}/v2/").status_code == 200
    assert second.url == first.url


def test_a_registry_does_not_outlive_a_killed_test_run(tmp_path: Path) -> None:
    code = f"""
        import os, signal
        from pathlib import Path
        from tests.support.docker_registry import docker_registry
        with docker_registry(Path({str(tmp_path)!r})) as registry:
            print(registry.program.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    deadline = time.monotonic() + 5
    while not is_gone(int(done.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether the process has ended, though nobody may have reaped it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_a_missing_program_fails_with_how_to_install_it() -> None:
    with pytest.raises(pytest.fail.Exception, match="apt-get install"):
        find_program("no-such-registry")


@pytest.fixture(scope="module")
def home_of_the_module() -> Path:
    """The home that a fixture above a single test sees."""
    return Path.home()


def test_no_secret_or_proxy_of_this_machine_reaches_a_test(
    clean_environ: Path, home_of_the_module: Path
) -> None:
    assert Path.home() == clean_environ
    assert list(clean_environ.iterdir()) == []
    assert home_of_the_module != Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert [name for name in os.environ if name.lower().endswith("_proxy")] == []
