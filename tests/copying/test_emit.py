"""Files for the programs that copy: ready, without credentials, and names in them are only names."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from regtools.copying import EMITTERS, Copies, Copy, emitted
from regtools.errors import ConfigError
from regtools.reference import parse_target

INDEX = "application/vnd.oci.image.index.v1+json"
DIGESTS = [f"sha256:{number:064d}" for number in range(9)]
SIMPLE = Copy(repository="acme/app", digest=DIGESTS[0], destination="acme/project/app", tag="1.0")
PART = Copy(repository="acme/app", digest=DIGESTS[1], destination="acme/project/app", is_part=True)
LIST = Copy(
    repository="acme/app",
    digest=DIGESTS[2],
    destination="acme/project/app",
    tag="nested",
    media_type=INDEX,
    is_list_only=True,
)
REFERRER = Copy(repository="acme/app", digest=DIGESTS[3], destination="acme/project/app")
COPIES = Copies(
    source=parse_target("ghcr.io/acme"),
    destination=parse_target("registry.gitlab.com/acme/project"),
    copies=(SIMPLE, PART, LIST, REFERRER),
    about="2 tags of a scan",
)


def run(tmp_path: Path, text: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess:
    """Run a script with programs that write down how they were called."""
    calls = tmp_path / "calls"
    for tool in ("skopeo", "curl"):
        fake = tmp_path / tool
        said = f"printf '%s\\n' {tool} \"$@\" -- >> {calls}"
        fake.write_text(f"#!/bin/sh\n{said}\n[ ! -e {tmp_path}/{tool}-refuses ]\n")
        fake.chmod(0o755)
    script = tmp_path / "copy.sh"
    script.write_text(text)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(script), *arguments],
        env={"PATH": path, **environ},
        capture_output=True,
        text=True,
    )


def calls(tmp_path: Path) -> list[list[str]]:
    file = tmp_path / "calls"
    text = file.read_text() if file.exists() else ""
    return [call.splitlines() for call in text.split("--\n") if call]


def script(copies: Copies = COPIES) -> str:
    return emitted(copies, "script").files["copy.sh"]


def test_unasked_the_script_only_shows_what_it_would_do(tmp_path: Path) -> None:
    done = run(tmp_path, script())
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == (
        f"would copy ghcr.io/acme/app@{DIGESTS[0]} to registry.gitlab.com/acme/project/app:1.0"
    )
    assert len(done.stdout.splitlines()) == 4
    assert calls(tmp_path) == []


def test_asked_it_copies_each_by_its_digest(tmp_path: Path) -> None:
    done = run(tmp_path, script(), "--copy", SKOPEO_OPTIONS="--retry-times 3")
    assert done.returncode == 0
    first, part, index, referrer = calls(tmp_path)
    assert first[1:] == [
        *("copy", "--all", "--preserve-digests", "--quiet", "--retry-times", "3"),
        f"docker://ghcr.io/acme/app@{DIGESTS[0]}",
        "docker://registry.gitlab.com/acme/project/app:1.0",
    ]
    assert part[-1] == f"docker://registry.gitlab.com/acme/project/app@{DIGESTS[1]}"
    assert index[1:4] == ["copy", "--multi-arch=index-only", "--preserve-digests"]
    assert referrer[-1] == f"docker://registry.gitlab.com/acme/project/app@{DIGESTS[3]}"


def test_a_list_that_skopeo_refuses_is_put_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "skopeo-refuses").touch()
    only = replace(COPIES, copies=(LIST,))
    done = run(tmp_path, script(only), "--copy", CURL_OPTIONS="--netrc")
    assert done.returncode == 0
    (put,) = (call for call in calls(tmp_path) if call[0] == "curl")
    assert "--netrc" in put
    assert put[-1] == "https://registry.gitlab.com/v2/acme/project/app/manifests/nested"
    assert f"Content-Type: {INDEX}" in put


def test_after_a_failure_it_goes_on_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "skopeo-refuses").touch()
    (tmp_path / "curl-refuses").touch()
    done = run(tmp_path, script(), "--copy")
    assert done.returncode == 1
    assert "4 of 4 failed" in done.stderr
    assert "failed: registry.gitlab.com/acme/project/app:1.0" in done.stderr


def test_another_argument_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, script(), "--delete").returncode == 2
    assert calls(tmp_path) == []


HOSTILE = ("$(touch owned)", "a;touch owned", "a'b", "a\ntouch owned", "-rf", "../../etc", "a b")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", EMITTERS)
@pytest.mark.parametrize("field", ["repository", "destination", "tag", "digest"])
def test_what_is_no_name_is_in_no_file(form: str, field: str, name: str) -> None:
    copies = replace(COPIES, copies=(replace(SIMPLE, **{field: name}),))
    with pytest.raises(ConfigError) as caught:
        emitted(copies, form)
    assert caught.value.code == "NAME_UNSAFE"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_comment_and_a_type_cannot_get_out_of_their_place(tmp_path: Path, name: str) -> None:
    copies = replace(COPIES, about=name, copies=(replace(LIST, media_type=name),))
    (tmp_path / "skopeo-refuses").touch()
    assert run(tmp_path, script(copies), "--copy").returncode == 0
    (put,) = (call for call in calls(tmp_path) if call[0] == "curl")
    assert f"Content-Type: {name}" in "\n".join(put)
    assert not list(tmp_path.rglob("owned"))
    assert not Path("owned").exists()


def test_skopeo_syncs_list_names_tags_as_texts() -> None:
    odd = [replace(SIMPLE, tag=tag) for tag in ("1.0", "1e3", "null", "on", "2026-11-01", "x")]
    made = emitted(replace(COPIES, copies=tuple(odd)), "skopeo-sync")
    (text,) = made.files.values()
    assert yaml.safe_load(text) == {
        "ghcr.io": {"images": {"acme/app": [one.tag for one in odd]}},
    }
    assert "skopeo-sync.yml registry.gitlab.com/acme/project" in text
    assert made.left_out == ()


def test_skopeo_sync_gets_a_list_for_each_folder_and_is_told_what_is_not_in_them() -> None:
    deep = Copy(
        repository="acme/team/web", digest=DIGESTS[4], destination="acme/project/team/web", tag="1"
    )
    renamed = replace(SIMPLE, repository="acme/old", destination="acme/project/new")
    made = emitted(replace(COPIES, copies=(*COPIES.copies, deep, renamed)), "skopeo-sync")
    assert list(made.files) == [
        "skopeo-sync-001-acme-project.yml",
        "skopeo-sync-002-acme-project-team.yml",
    ]
    assert [sentence.partition(" ")[0] for sentence in made.left_out] == ["1", "1", "1"]


def test_regsync_copies_exactly_these_tags_with_referrers() -> None:
    text = emitted(COPIES, "regsync").files["regsync.yml"]
    assert yaml.safe_load(text) == {
        "version": 1,
        "defaults": {"parallel": 2, "referrers": True, "digestTags": True},
        "sync": [
            {
                "source": "ghcr.io/acme/app",
                "target": "registry.gitlab.com/acme/project/app",
                "type": "repository",
                "tags": {"allow": ["1\\.0", "nested"]},
            }
        ],
    }


@pytest.mark.parametrize("form", EMITTERS)
def test_a_registry_without_tls_is_spoken_to_without(form: str) -> None:
    copies = replace(
        COPIES,
        source=parse_target("http://a.example:5000"),
        destination=parse_target("127.0.0.1:1"),
    )
    text = "".join(emitted(copies, form).files.values())
    secure = "".join(emitted(COPIES, form).files.values())
    assert "tls" in text
    assert "tls" not in secure
