"""What runs is read from wherever people have it, and nothing is left out without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regtools.errors import ConfigError
from regtools.policies.in_use import InUse, read_in_use

SHA = "sha256:" + "a" * 64
PODS = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "kind": "Pod",
            "metadata": {"annotations": {"image": "not/an/image:annotation"}},
            "spec": {
                "initContainers": [{"name": "init", "image": "ghcr.io/acme/init:1"}],
                "containers": [
                    {
                        "name": "app",
                        "image": "registry.example.com:5000/team/app:1.2",
                        "args": ["x"],
                    }
                ],
                "ephemeralContainers": [{"name": "debug", "image": "busybox"}],
            },
            "status": {
                "containerStatuses": [
                    {
                        "image": "registry.example.com:5000/team/app:1.2",
                        "imageID": f"docker-pullable://registry.example.com:5000/team/app@{SHA}",
                    },
                    {"image": SHA, "imageID": SHA},
                    {"image": "", "imageID": ""},
                ]
            },
        }
    ],
}
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: app
          image: ghcr.io/acme/app:2
---
apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate: {spec: {template: {spec: {containers: [{name: job, image: "ghcr.io/acme/job:3"}]}}}}
"""
COMPOSE = """
services:
  web:
    image: registry.example.com/web:1
    environment:
      image: nothing/of:this
  built:
    build: .
"""
LIST = f"\ufeff# what runs\r\nghcr.io/acme/app:1\r\n\r\nghcr.io/acme/app@{SHA}   # pinned\r\nteam/app:2\n"


def rows(tmp_path: Path, text: str) -> set[tuple[str, str, str, str]]:
    file = tmp_path / "in-use"
    file.write_bytes(text.encode())
    return set(read_in_use(file).rows())


def test_pods_with_all_their_containers_and_what_really_runs(tmp_path: Path) -> None:
    assert rows(tmp_path, json.dumps(PODS)) == {
        ("ghcr.io", "acme/init", "1", ""),
        ("registry.example.com:5000", "team/app", "1.2", ""),
        ("registry.example.com:5000", "team/app", "", SHA),
        ("docker.io", "library/busybox", "latest", ""),
        ("", "busybox", "latest", ""),
    }


def test_workloads_as_yaml(tmp_path: Path) -> None:
    assert rows(tmp_path, DEPLOYMENT) == {
        ("ghcr.io", "acme/app", "2", ""),
        ("ghcr.io", "acme/job", "3", ""),
    }


def test_a_compose_file(tmp_path: Path) -> None:
    assert rows(tmp_path, COMPOSE) == {("registry.example.com", "web", "1", "")}


def test_a_list(tmp_path: Path) -> None:
    assert rows(tmp_path, LIST) == {
        ("ghcr.io", "acme/app", "1", ""),
        ("ghcr.io", "acme/app", "", SHA),
        ("docker.io", "team/app", "2", ""),
        ("", "team/app", "2", ""),
    }
    assert rows(tmp_path, '["ghcr.io/acme/app:1"]') == {("ghcr.io", "acme/app", "1", "")}


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "IN_USE_EMPTY", "names no image"),
        ("# nothing\n", "IN_USE_EMPTY", "names no image"),
        ('{"items": []}', "IN_USE_EMPTY", "names no image"),
        ("{", "IN_USE_INVALID", "not JSON"),
        ("[" * 100_000, "IN_USE_INVALID", "not JSON"),
        ("kind: [", "IN_USE_INVALID", "not YAML"),
        ("services:\n  a: &x {image: b}\n  c: *x\n", "IN_USE_INVALID", "aliases"),
        ("ghcr.io/a/b:1\nghcr.io/Acme/App\n", "IN_USE_INVALID", "line 2"),
        ("services:\n  web:\n    image: ghcr.io/a/web:${TAG}\n", "IN_USE_INVALID", "variable"),
        ("services:\n  web:\n    image: ghcr.io/a/web:$TAG\n", "IN_USE_INVALID", "variable"),
        ("a b c\n", "IN_USE_INVALID", "line 1"),
    ],
)
def test_what_would_leave_an_image_out_is_an_error(
    tmp_path: Path, text: str, code: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        rows(tmp_path, text)
    assert caught.value.code == code
    assert said in caught.value.summary


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigError) as caught:
            read_in_use(file)
        assert caught.value.code == "IN_USE_UNREADABLE"
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_in_use(tmp_path / "binary")


def test_several_guards_are_one(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "ab"]
    for file in files:
        file.write_text(f"ghcr.io/acme/{file.name}:1\n")
    guard = InUse.of(read_in_use(file) for file in files)
    assert {row[1] for row in guard.rows()} == {"acme/a", "acme/b"}
