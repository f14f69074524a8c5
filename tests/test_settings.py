from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from regtools.errors import ConfigError, InvalidReferenceError
from regtools.settings import Settings, load_settings, resolve_target
from regtools.thresholds import Thresholds

CONTENT = """
history = "store/"

[registries.work]
url = "registry.example.com/team"
kind = "harbor"
username = "robot"
password = "file:secrets/token"
ca_file = "ca.pem"
allowed_realms = ["login.example.com"]
"""


def settings_of(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    (folder / "regtools.toml").write_text(text)
    return load_settings(cwd=folder, environ=environ or {})


def test_the_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    settings_of(tmp_path, CONTENT)
    assert load_settings(cwd=below, environ={}).source == tmp_path / "regtools.toml"


def test_paths_in_the_file_are_meant_from_where_it_lies(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, CONTENT)
    work = settings.registries["work"]
    assert settings.history == str(tmp_path / "store")
    assert work.ca_file == tmp_path / "ca.pem"
    assert work.password == f"file:{tmp_path / 'secrets/token'}"
    assert settings.reports == "reports/"


def test_a_bucket_stays_a_bucket(tmp_path: Path) -> None:
    assert settings_of(tmp_path, 'history = "s3://b/p"').history == "s3://b/p"


def test_the_environment_stands_above_the_file(tmp_path: Path) -> None:
    environ = {"REGTOOLS_HISTORY": "elsewhere/", "REGTOOLS_CONNECTIONS": "4"}
    settings = settings_of(tmp_path, CONTENT, environ)
    assert (settings.history, settings.connections) == ("elsewhere/", 4)


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    settings = load_settings(cwd=tmp_path, environ={})
    assert (settings.history, settings.source) == ("history/", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("histori = 'x'", "'history'"),
        ("[registries.a]\nurl = 'a.example'\npasword = 'x'", "'password'"),
        ("[thresholds]\nlayer_byts = '2GB'", "'layer_bytes'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, text)
    assert said in caught.value.remedy
    assert "regtools.toml" in caught.value.summary


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("history = ", "CONFIG_INVALID"),
        ("connections = 'many'", "CONFIG_INVALID"),
        ("thresholds = 3", "CONFIG_INVALID"),
        ("[thresholds]\ntags = 'many'", "CONFIG_INVALID"),
        ("[thresholds]\nlayer_bytes = '2 elephants'", "THRESHOLD_INVALID"),
        ("[thresholds]\ntags = -1", "THRESHOLD_INVALID"),
        ("[thresholds]\ngrowth_share = inf", "THRESHOLD_INVALID"),
        ("[thresholds]\nversion_tags = ['(']", "THRESHOLD_INVALID"),
        ("[thresholds]\nsnapshot_critical_days = 1", "THRESHOLD_INVALID"),
        ("[thresholds]\ncertificate_critical_days = 40", "THRESHOLD_INVALID"),
        ("[registries.a]\nurl = 'http://x y'", "CONFIG_INVALID"),
        ("[registries.a]\nurl = 'a.example'\nkind = 'dokerhub'", "KIND_UNKNOWN"),
        ("[registries.a]\nurl = 'a.example'\npassword = 'canary-1'", "SECRET_INLINE"),
    ],
)
def test_what_cannot_be_used_is_said_with_a_code(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, text)
    assert caught.value.code == code
    assert "canary" not in str(caught.value) + caught.value.remedy


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, "[registries.a]\nurl = 'a.example'\npassword = ['canary-1']")
    assert "canary" not in str(caught.value)


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "none.toml", environ={})
    assert caught.value.code == "CONFIG_MISSING"


def test_a_name_means_its_registry_and_an_address_takes_its_settings(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, CONTENT)
    target, own = resolve_target("work", settings)
    assert (target.registry, target.path, own.kind) == ("registry.example.com", "team", "harbor")
    target, own = resolve_target("registry.example.com/other", settings)
    assert (target.path, own.kind) == ("other", "harbor")
    target, own = resolve_target("other.example.com", settings)
    assert (own.kind, own.password) == (None, None)


def test_a_misspelt_name_gets_the_nearest(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, CONTENT.replace("work]", "my_work]"))
    with pytest.raises(InvalidReferenceError) as caught:
        resolve_target("my_wrk", settings)
    assert "my_work" in caught.value.remedy


def test_only_the_given_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGTOOLS_CONNECTIONS", "7")
    assert load_settings(cwd=tmp_path, environ={}).connections == 32
    assert load_settings(cwd=tmp_path).connections == 7


def test_every_threshold_can_be_set_and_sizes_may_be_texts(tmp_path: Path) -> None:
    defaults = Thresholds()
    texts, meant = [], {}
    for field in dataclasses.fields(Thresholds):
        default = getattr(defaults, field.name)
        if isinstance(default, tuple):
            texts.append(f"{field.name} = ['live-.*']")
            meant[field.name] = ("live-.*",)
        elif field.name.endswith("_bytes"):
            texts.append(f"{field.name} = '3 GiB'")
            meant[field.name] = 3 * 2**30
        else:
            texts.append(f"{field.name} = {default * 2}")
            meant[field.name] = default * 2
    settings = settings_of(tmp_path, "\n".join(["[thresholds]", *texts]))
    assert dataclasses.asdict(settings.thresholds) == meant
    assert settings_of(tmp_path, "").thresholds == defaults


def test_a_threshold_that_cannot_be_meant_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, "[thresholds]\nquota_warning_share = 0.99")
    assert "quota_critical_share (0.95) is below quota_warning_share (0.99)" in caught.value.summary
