"""A recording plays back the same, and holds no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.docker_registry import USERS, DockerRegistry
from tests.support.vendors.content import one_of_each
from tests.support.vendors.harbor import HarborServer
from tests.support.vendors.scanning import SECRET, Seen, scan_vendor
from tests.support.vendors.server import serving

from regtools.access import Options
from regtools.client.record import About, Recording, Replay, clean_url
from regtools.errors import ConfigError
from regtools.session import Scanned, scan

ABOUT = About(registry="registry.example.com", scheme="https", path="", kind="distribution")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"


def replayed(folder: Path, history: Path) -> Seen:
    result = scan(f"replay:{folder}", options=Options(history=str(history)))
    assert result.failed == []
    return Seen(history=history, scanned=result.scanned[0])


def test_a_vendors_scan_plays_back_the_same_without_a_network(tmp_path: Path) -> None:
    plan, untagged = one_of_each()
    with serving(HarborServer(plan, user="robot$ci", password=SECRET)) as server:
        for name, nodes in untagged.items():
            server.keep_untagged(name, *nodes)
        options: dict[str, object] = {"record": tmp_path / "case"}
        first = scan_vendor(tmp_path, server, kind="harbor", username="robot$ci", options=options)
    again = replayed(tmp_path / "case", tmp_path / "again")
    for name in ("tags", "untagged", "manifests", "children", "layers", "reported"):
        left, right = first.table(name), again.table(name)
        columns = [column for column in left if column != "snapshot"]
        key = list(left.columns[1:4])
        assert left[columns].sort_values(key).reset_index(drop=True).to_json(
            date_format="iso"
        ) == right[columns].sort_values(key).reset_index(drop=True).to_json(date_format="iso")
    assert again.scanned.snapshot.complete


def test_a_real_registry_with_tokens_plays_back_and_leaks_nothing(
    token_registry: DockerRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, secret = next(iter(USERS.items()))
    monkeypatch.setenv("TEST_PASSWORD", secret)
    monkeypatch.setenv("REGTOOLS_USERNAME", user)
    monkeypatch.setenv("REGTOOLS_PASSWORD", secret)
    config = tmp_path / "regtools.toml"
    config.write_text(
        f'[registries.work]\nurl = "{token_registry.url}"\nallowed_realms = ["127.0.0.1"]\n'
    )
    first = scan_one("work", tmp_path / "first", config=config, record=tmp_path / "case")
    text = (tmp_path / "case" / "exchanges.jsonl").read_text()
    assert secret not in text
    assert "eyJ" not in text  # no token, in whatever field
    again = replayed(tmp_path / "case", tmp_path / "again").scanned
    assert (again.tags, again.manifests, again.physical_bytes) == (
        first.tags,
        first.manifests,
        first.physical_bytes,
    )


def scan_one(target: str, history: Path, **options: object) -> Scanned:
    result = scan(target, options=Options(history=str(history), **options))  # type: ignore[arg-type]
    assert result.failed == []
    return result.scanned[0]


@given(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=8, max_size=30))
def test_a_secret_is_in_no_field_of_a_recording(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    folder = tmp_path_factory.mktemp("case")
    recording = Recording(folder / "case", ABOUT, secrets=[secret])
    quoted = json.dumps(secret)[1:-1]
    recording.keep(
        "GET",
        "https://registry.example.com/v2/?page=2",
        b"",
        200,
        {"Content-Type": "application/json", "Link": f"<{secret}>; rel=next", "Set-Cookie": secret},
        f'{{"note": "{quoted}", "token": "{quoted}", "jwt": "{JWT}"}}'.encode(),
    )
    recording.close()
    kept = json.loads((folder / "case" / "exchanges.jsonl").read_text())
    for value in (kept["url"], kept["body"], *kept["headers"].values()):
        assert secret not in value
        assert JWT not in value
    assert secret not in json.loads(kept["body"])["note"]
    assert "set-cookie" not in kept["headers"]


def test_a_signed_address_loses_its_signature_and_is_found_again(tmp_path: Path) -> None:
    signed = "https://cdn.example.com/b?X-Amz-Signature=abc&X-Amz-Date=1&sig=2&page=3"
    recording = Recording(tmp_path / "case", ABOUT, secrets=[])
    recording.keep("GET", signed, b"", 307, {"Location": signed}, b"layer")
    recording.close()
    assert "abc" not in (tmp_path / "case" / "exchanges.jsonl").read_text()
    other = signed.replace("abc", "another")
    found = Replay(tmp_path / "case").find("GET", other, b"")
    assert found is not None
    assert found.headers["location"] == clean_url(signed)


def test_of_an_images_config_only_the_harmless_part_is_kept(tmp_path: Path) -> None:
    config = {
        "os": "linux",
        "architecture": "arm64",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": ["PASSWORD=hunter2"], "Cmd": ["--token", "hunter2"]},
        "history": [{"created_by": "ARG KEY=hunter2"}],
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    recording = Recording(tmp_path / "case", ABOUT, secrets=[])
    recording.keep("GET", "https://r.example.com/b", b"", 200, {}, json.dumps(config).encode())
    recording.close()
    assert "hunter2" not in (tmp_path / "case" / "exchanges.jsonl").read_text()
    found = Replay(tmp_path / "case").find("GET", "https://r.example.com/b", b"")
    assert found is not None
    assert found.reduced
    assert json.loads(found.body)["architecture"] == "arm64"


def test_what_repositories_share_is_found_through_any_of_them(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    recording = Recording(tmp_path / "case", ABOUT, secrets=[])
    recording.keep("GET", f"https://r.example.com/v2/a/blobs/{digest}", b"", 200, {}, b"shared")
    recording.close()
    replay = Replay(tmp_path / "case")
    found = replay.find("GET", f"https://r.example.com/v2/team/b/blobs/{digest}", b"")
    assert found is not None
    assert found.body == b"shared"
    other = digest.replace("a", "b")
    assert replay.find("GET", f"https://r.example.com/v2/a/blobs/{other}", b"") is None


def test_that_a_registry_knows_no_referrers_holds_for_every_repository(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    place = "https://r.example.com/v2"
    recording = Recording(tmp_path / "case", ABOUT, secrets=[])
    recording.keep("GET", f"{place}/a/referrers/{digest}", b"", 404, {}, b"no")
    recording.keep("GET", f"{place}/a/manifests/{digest}", b"", 404, {}, b"gone")
    recording.close()
    replay = Replay(tmp_path / "case")
    found = replay.find("GET", f"{place}/team/b/referrers/{digest}?artifactType=x", b"")
    assert found is not None
    assert found.status == 404
    assert replay.find("GET", f"{place}/b/manifests/{digest}", b"") is None


def test_forms_and_questions_are_told_apart_without_their_secrets(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "case", ABOUT, secrets=[])
    url = "https://auth.example.com/token"
    for scope in ("a", "b"):
        form = f"grant_type=refresh_token&refresh_token=xyz{scope}&scope={scope}".encode()
        recording.keep("POST", url, form, 200, {}, json.dumps({"n": scope}).encode())
    recording.close()
    assert "xyz" not in (tmp_path / "case" / "exchanges.jsonl").read_text()
    replay = Replay(tmp_path / "case")
    asked = b"grant_type=refresh_token&refresh_token=other&scope=b"
    found = replay.find("POST", url, asked)
    assert found is not None
    assert json.loads(found.body) == {"n": "b"}
    assert replay.find("GET", url, b"") is None


def test_an_old_recording_is_not_written_over(tmp_path: Path) -> None:
    Recording(tmp_path, ABOUT, secrets=[]).close()
    with pytest.raises(ConfigError) as caught:
        Recording(tmp_path, ABOUT, secrets=[])
    assert caught.value.code == "RECORDING_UNWRITABLE"


@pytest.mark.parametrize("text", ["", "{", '{"registry": 1}', "[]", '{"version": 99}'])
def test_what_is_no_recording_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "recording.json").write_text(text)
    (tmp_path / "exchanges.jsonl").write_text("")
    with pytest.raises(ConfigError) as caught:
        Replay(tmp_path)
    assert caught.value.code == "RECORDING_UNREADABLE"
