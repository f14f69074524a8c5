from __future__ import annotations

import http.server
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.certificates import CertificateAuthority
from tests.support.command import Command
from tests.support.corpus import Corpus
from tests.support.docker_registry import USERS, DockerRegistry

USER = next(iter(USERS))


@pytest.fixture
def web_page() -> Iterator[str]:
    """A server that answers everything with a page, as a proxy's login does."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>Sign in</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def test_asked_for_blobs_a_scan_finds_a_lost_layer_and_the_audit_ends_with_one(
    regtools: Command, corpus: Corpus, registry: DockerRegistry, start_registry: Any, tmp_path: Path
) -> None:
    storage = tmp_path / "storage"
    shutil.copytree(registry.storage, storage)
    image = corpus.manifests[corpus.repositories["odd/zstd"]["1"]]
    encoded = image.layers[0].partition(":")[2]
    (storage / f"docker/registry/v2/blobs/sha256/{encoded[:2]}/{encoded}/data").unlink()
    broken = start_registry(storage=storage)
    assert regtools("scan", broken.url).code == 0
    assert regtools("audit").code == 0
    ran = regtools("scan", broken.url, "--check-blobs")
    assert ran.code == 3
    assert "[BLOB_MISSING]" in ran.err
    ran = regtools("audit", "--json")
    assert ran.code == 1
    (row,) = ran.document["rows"]
    assert (row["code"], row["repository"], row["tag"]) == ("BLOB_MISSING", "odd/zstd", "1")
    assert row["bytes"] == corpus.blob_sizes[image.layers[0]]


def test_the_json_document_is_as_promised(
    regtools: Command, registry: DockerRegistry, corpus: Corpus
) -> None:
    ran = regtools("scan", registry.url, "--json")
    assert ran.code == 0
    assert ran.document["schema_version"] == 1
    (one,) = ran.document["snapshots"]
    assert list(one) == [
        "snapshot",
        "registry",
        "kind",
        "taken_at",
        "complete",
        "problems",
        "repositories",
        "tags",
        "manifests",
        "blobs",
        "logical_bytes",
        "physical_bytes",
        "requests",
        "seconds",
        "limits",
    ]
    assert one["registry"] == registry.host
    assert one["kind"] == "distribution"
    assert one["complete"] is True
    assert one["problems"] == []
    assert one["physical_bytes"] == corpus.physical_bytes()
    counted = ("repositories", "tags", "manifests", "blobs", "logical_bytes", "requests")
    assert all(type(one[name]) is int for name in counted)


def test_a_table_is_for_people_and_goes_to_stdout(
    regtools: Command, registry: DockerRegistry
) -> None:
    ran = regtools("scan", registry.url)
    assert registry.host in ran.out
    assert ran.err == ""


def test_usage_documents_are_as_promised(regtools: Command, registry: DockerRegistry) -> None:
    regtools("scan", registry.url)
    base = [
        "registry",
        "repository",
        "tags",
        "logical_bytes",
        "physical_bytes",
        "exclusive_bytes",
        "shared_bytes",
        "dedup_scope",
        "complete",
    ]
    by_repository = regtools("usage", "--by", "repository", "--json").document
    assert list(by_repository) == ["schema_version", "rows"]
    assert list(by_repository["rows"][0]) == [*base, "web_url"]
    by_tag = regtools("usage", "--by", "tag", "--json").document["rows"]
    assert list(by_tag[0]) == [*base, "tag", "digest", "pull_bytes", "web_url"]
    by_layer = regtools("usage", "--by", "layer", "--json").document["rows"]
    assert {"blob", "size", "repositories", "tags"} <= set(by_layer[0])
    by_registry = regtools("usage", "--by", "registry", "--json").document["rows"]
    assert len(by_registry) == 1


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("registry.invalid", "DNS_FAILED"),
        ("http://registry.invalid/team", "DNS_FAILED"),
    ],
)
def test_an_unknown_host_is_said_so(regtools: Command, target: str, code: str) -> None:
    ran = regtools("scan", target)
    assert (ran.code, ran.out) == (3, "")
    assert f"[{code}]" in ran.err
    assert "→" in ran.err


def test_a_closed_port_is_said_so(regtools: Command) -> None:
    ran = regtools("scan", f"http://127.0.0.1:{closed_port()}")
    assert ran.code == 3
    assert "[CONNECT_REFUSED]" in ran.err


def test_plain_http_where_tls_was_asked_for_is_said_so(
    regtools: Command, registry: DockerRegistry
) -> None:
    ran = regtools("scan", f"https://{registry.host}")
    assert ran.code == 3
    assert "[TLS_NOT_SPOKEN]" in ran.err
    assert "http://" in ran.err


def test_an_untrusted_certificate_is_said_so(
    regtools: Command, tls_registry: DockerRegistry, authority: CertificateAuthority
) -> None:
    ran = regtools("scan", tls_registry.url)
    assert ran.code == 3
    assert "[TLS_CERT_UNTRUSTED]" in ran.err
    assert "--ca-file" in ran.err
    assert regtools("scan", tls_registry.url, "--ca-file", authority.file).code == 0


def test_a_wrong_password_is_said_so_and_not_repeated(
    regtools: Command, htpasswd_registry: DockerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "canary-7f3a")
    ran = regtools("scan", htpasswd_registry.url, "--username", USER, "--password", "env:CANARY")
    assert ran.code == 3
    assert "[UNAUTHORIZED]" in ran.err
    assert "canary" not in ran.err + ran.out


def test_a_password_on_the_command_line_is_refused_and_not_repeated(
    regtools: Command, registry: DockerRegistry
) -> None:
    ran = regtools("scan", registry.url, "--username", USER, "--password", "canary-7f3a")
    assert ran.code == 2
    assert "[SECRET_INLINE]" in ran.err
    assert "canary" not in ran.err


def test_a_web_page_is_no_registry(regtools: Command, web_page: str) -> None:
    ran = regtools("scan", web_page)
    assert ran.code == 3
    assert "[NOT_A_REGISTRY]" in ran.err or "[ANSWER_HTML]" in ran.err
    assert not list(Path("history").glob("2*"))


def test_a_history_that_cannot_be_written_is_said_before_anything_is_asked(
    regtools: Command, registry: DockerRegistry
) -> None:
    Path("file").write_text("not a folder")
    registry.requests()
    ran = regtools("scan", registry.url, "--history", "file")
    assert ran.code in (2, 3)
    assert "[HISTORY_UNWRITABLE]" in ran.err
    assert registry.requests() == []
    assert Path("file").read_text() == "not a folder"


def test_a_bad_name_is_wrong_usage(regtools: Command) -> None:
    ran = regtools("scan", "registry.example.com/Team/App")
    assert ran.code == 2
    assert "team/app" in ran.err


def test_one_unreachable_target_does_not_stop_the_others(
    regtools: Command, registry: DockerRegistry
) -> None:
    ran = regtools("scan", f"http://127.0.0.1:{closed_port()}", registry.url, "--json")
    assert ran.code == 3
    assert [one["registry"] for one in ran.document["snapshots"]] == [registry.host]


def test_an_address_with_a_password_is_refused_and_not_repeated(regtools: Command) -> None:
    ran = regtools("scan", "https://user:canary-7f3a@registry.example.com")
    assert ran.code == 2
    assert "canary" not in ran.err


def test_json_and_csv_together_are_wrong_usage(regtools: Command) -> None:
    ran = regtools("usage", "--json", "--csv")
    assert ran.code == 2
    assert "→" in ran.err
