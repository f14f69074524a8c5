"""One mistake after the other, each found by its code, and never a secret in what is said."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.command import Command

from regtools.lint import Finding, Question, lint_secret
from regtools.reference import parse_reference

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SECRET = "s3cr3t-canary"
HOST = "registry.example.com"
NEW = "kubernetes.io/dockerconfigjson"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "lint-secret.md"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def entry(username: str = "robot", password: str = SECRET, **more: str) -> dict[str, str]:
    """What `kubectl create secret docker-registry` writes of a login."""
    pair = {"username": username, "password": password, "auth": b64(f"{username}:{password}")}
    return {**pair, **more}


def config(**auths: Any) -> dict[str, Any]:
    return {"auths": auths or {HOST: entry()}}


def secret(held: object = None, **more: Any) -> dict[str, Any]:
    """A Secret as kubectl makes it."""
    content = json.dumps(held if held is not None else config())
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": NEW,
        "metadata": {"name": "pull", "namespace": "apps"},
        "data": {".dockerconfigjson": b64(content)},
        **more,
    }


def found(value: object, **question: Any) -> list[Finding]:
    text = value if isinstance(value, str) else json.dumps(value)
    findings = lint_secret(text, Question(now=NOW, **question))
    for one in findings:
        assert_no_secret(repr(one))
        assert one.summary
        assert one.remedy
    return findings


def assert_no_secret(text: str) -> None:
    for form in (SECRET, SECRET[::-1], b64(SECRET), b64(f"robot:{SECRET}").rstrip("=")):
        assert form not in text


def codes(value: object, **question: Any) -> list[str]:
    return [one.code for one in found(value, **question)]


@pytest.mark.parametrize(
    "value",
    [
        secret(),
        secret(config(**{"https://index.docker.io/v1/": entry()})),
        {"kind": "List", "items": [secret(), secret(metadata={"name": "b"})]},
        config(),
        {"auths": {HOST: {}}, "credsStore": "known"},
        secret(config(**{HOST: {"auth": b64(f"robot:{SECRET}")}})),
        secret(data={}, stringData={".dockerconfigjson": json.dumps(config())}),
        yaml.safe_dump_all([secret(), {"kind": "ConfigMap"}]),
    ],
)
def test_what_is_right_has_no_finding(value: object) -> None:
    assert codes(value, which=lambda name: f"/usr/bin/{name}") == []


LEGACY = {
    "type": "kubernetes.io/dockercfg",
    "data": {".dockercfg": b64(json.dumps({HOST: entry()}))},
}
KEY = json.dumps({"type": "service_account", "private_key": SECRET})


def jwt(ends: datetime) -> str:
    claims = b64(json.dumps({"exp": int(ends.timestamp()), "canary": SECRET})).rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{claims}.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("{", "FILE_UNREADABLE"),
        ("a: &x [1]\nb: *x", "FILE_UNREADABLE"),
        (f"{SECRET}: [", "FILE_UNREADABLE"),
        ("just words", "FILE_UNREADABLE"),
        (" " * (2**20 + 1), "FILE_TOO_LARGE"),
        ({"kind": "ConfigMap"}, "NOT_A_SECRET"),
        (secret(type="Opaque"), "SECRET_TYPE_WRONG"),
        (secret(type="Opaque", data={"config.json": b64("{}")}), "SECRET_TYPE_WRONG"),
        (secret(data={"dockerconfigjson": b64(json.dumps(config()))}), "SECRET_KEY_WRONG"),
        (secret(**LEGACY), "SECRET_LEGACY"),
        (secret(data={".dockerconfigjson": "not base64!"}), "DATA_NOT_BASE64"),
        (secret(data={".dockerconfigjson": b64(b64(json.dumps(config())))}), "DATA_ENCODED_TWICE"),
        (secret(data={".dockerconfigjson": b64(f"{SECRET} [")}), "DATA_NOT_JSON"),
        (
            secret(data={}, stringData={".dockerconfigjson": b64(json.dumps(config()))}),
            "STRINGDATA_ENCODED",
        ),
        (secret({HOST: entry()}), "CONFIG_SHAPE"),
        (secret({"auths": {}}), "AUTHS_EMPTY"),
        (secret({**config(), "credsStore": "desktop"}), "STORE_IN_CLUSTER"),
        ({"auths": {HOST: {}}, "credsStore": "gone"}, "HELPER_MISSING"),
        ({"credHelpers": {HOST: "gone"}}, "HELPER_MISSING"),
        (secret(config(**{HOST: {"auth": "%%%"}})), "AUTH_NOT_BASE64"),
        (secret(config(**{HOST: {"auth": b64(b64(f"robot:{SECRET}"))}})), "AUTH_ENCODED_TWICE"),
        (secret(config(**{HOST: {"auth": b64(SECRET)}})), "AUTH_NO_COLON"),
        (secret(config(**{HOST: entry() | {"username": "other"}})), "AUTH_DIFFERS"),
        (secret(config(**{HOST: {}})), "AUTH_EMPTY"),
        (secret(config(**{HOST: entry(identitytoken=SECRET)})), "IDENTITY_TOKEN"),
        (secret(config(**{HOST: entry(password=f"{SECRET}\n")})), "LOGIN_WHITESPACE"),
        (secret(config(**{HOST: entry(username="robot ")})), "LOGIN_WHITESPACE"),
        (secret(config(**{HOST: entry(password="")})), "LOGIN_EMPTY"),
        (secret(config(**{HOST: entry(password=b64(f"robot:{SECRET}"))})), "PASSWORD_ENCODED"),
        (secret(config(**{HOST: entry("_json_key", b64(KEY))})), "GOOGLE_KEY_ENCODED"),
        (secret(config(**{HOST: entry("_json_key", SECRET)})), "GOOGLE_KEY_BROKEN"),
        (secret(config(**{HOST: entry("_json_key_base64", KEY)})), "GOOGLE_KEY_BROKEN"),
        (
            secret(config(**{HOST: entry(password=jwt(datetime(2026, 11, 1, tzinfo=UTC)))})),
            "TOKEN_ENDED",
        ),
        (
            secret(config(**{HOST: entry(password=jwt(datetime(2026, 11, 28, tzinfo=UTC)))})),
            "TOKEN_ENDS_SOON",
        ),
        (secret(config(**{HOST: entry("AWS")})), "TOKEN_ENDS_SOON"),
        (secret(config(**{HOST: entry("oauth2accesstoken")})), "TOKEN_ENDS_SOON"),
        (secret(config(**{"docker.io": entry()})), "KEY_HUB_ALIAS"),
        (secret(config(**{"hub.docker.com": entry()})), "KEY_HUB_ALIAS"),
        (config(**{"registry-1.docker.io": entry()}), "KEY_HUB_ALIAS"),
        (secret(config(**{"Registry.example.com": entry()})), "KEY_UPPERCASE"),
        (secret(config(**{f"{HOST}:443": entry()})), "KEY_DEFAULT_PORT"),
        (config(**{"*.example.com": entry()}), "KEY_GLOB"),
        (secret(config(**{"*": entry()})), "KEY_GLOB_NARROW"),
        (config(**{f"{HOST}/team": entry()}), "KEY_PATH"),
        (secret(config(**{"": entry()})), "KEY_NO_HOST"),
        (
            secret(config(**{HOST: entry(), f"https://{HOST}": entry(password="another")})),
            "KEY_TWICE",
        ),
    ],
)
def test_a_mistake_is_found(value: object, code: str) -> None:
    assert code in codes(value, which=lambda _: None)


def pod(wanted: str, namespace: str = "apps", kind: str = "Pod") -> dict[str, Any]:
    named = {"imagePullSecrets": [{"name": wanted}]}
    spec = named if kind == "Pod" else {"template": {"spec": named}}
    return {"kind": kind, "metadata": {"name": "web", "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (pod("pull"), []),
        (pod("pull", kind="Deployment"), []),
        (pod("Pull"), ["PULL_SECRET_SPELLING"]),
        (pod("pull", "default"), ["PULL_SECRET_ELSEWHERE"]),
        (pod("other", kind="Deployment"), ["PULL_SECRET_UNKNOWN"]),
        (
            {
                "kind": "ServiceAccount",
                "metadata": {"name": "default", "namespace": "web"},
                "imagePullSecrets": [{"name": "pull"}],
            },
            ["PULL_SECRET_ELSEWHERE"],
        ),
    ],
)
def test_who_asks_for_it_is_looked_at(user: dict[str, Any], expected: list[str]) -> None:
    assert codes(yaml.safe_dump_all([user, secret()])) == expected


def test_a_namespace_that_is_not_the_pods() -> None:
    assert codes(secret(), namespace="web") == ["SECRET_ELSEWHERE"]
    assert codes(secret(), namespace="apps") == []


# Kubernetes documentation, Images, "Interpretation of config.json" (read 2026-11): its table.
@pytest.mark.parametrize(
    ("key", "image", "matches"),
    [
        ("my-registry.example/images", "my-registry.example/images", True),
        ("my-registry.example/images", "my-registry.example/images/my-image", True),
        ("my-registry.example/images", "my-registry.example/another-image", False),
        ("*.my-registry.example/images", "sub.my-registry.example/images/my-image", True),
        ("*.my-registry.example/images", "a.sub.my-registry.example/images/my-image", False),
        ("*.my-registry.example/images", "my-registry.example/images/my-image", False),
        ("prefix.*.io", "prefix.registry.io/app", True),
        ("*-good.registry.io", "prefix-good.registry.io/app", True),
        ("*.registry.io:5000", "a.registry.io/app", False),
        ("https://index.docker.io/v1/", "docker.io/library/debian", True),
        ("https://index.docker.io/v1/", "debian", True),
    ],
)
def test_the_kubelets_patterns(key: str, image: str, matches: bool) -> None:
    images = [parse_reference(f"{image}:1")]
    told = codes(secret(config(**{key: entry()})), images=images)
    assert ("IMAGE_UNMATCHED" not in told) == matches


def test_docker_and_podman_look_differently() -> None:
    images = [parse_reference(f"{HOST}/team/app:1")]
    told = found(config(**{f"{HOST}/other": entry()}), images=images)
    assert [one.summary.split()[0] for one in told if one.code == "IMAGE_UNMATCHED"] == ["podman"]


def test_a_password_in_a_key_is_not_shown() -> None:
    assert codes(secret(config(**{f"https://robot:{SECRET}@{HOST}:443": entry()})))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_given_is_answered(text: str) -> None:
    lint_secret(text)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(b64(SECRET)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(held=values, kind=st.sampled_from([NEW, "kubernetes.io/dockercfg", "Opaque"]), raw=values)
def test_whatever_a_secret_holds_is_answered(held: object, kind: str, raw: object) -> None:
    for value in (
        secret(held, type=kind),
        secret(config(**{HOST: held})),
        secret(metadata=held, data=raw),
        {"auths": held, "credsStore": raw, "credHelpers": held},
        {"kind": "List", "items": held},
        [secret(), pod("pull") | {"spec": held}],
    ):
        assert_no_secret(repr(lint_secret(json.dumps(value))))


def test_the_command_prints_no_secret(regtools: Command, tmp_path: Path) -> None:
    file = tmp_path / "secret.json"
    file.write_text(json.dumps(secret(config(**{"docker.io": entry(password=f"{SECRET}\n")}))))
    for form in ((), ("--json",), ("--csv",)):
        ran = regtools("lint-secret", file, *form)
        assert ran.code == 1
        assert "KEY_HUB_ALIAS" in ran.out
        assert_no_secret(ran.out + ran.err)
    document = regtools("lint-secret", file, "--json", "--fail-on", "never")
    assert (document.code, document.document["status"]) == (0, "fail")
    assert set(document.document["findings"][0]) == {"code", "status", "where", "summary", "remedy"}
    file.write_bytes(b"\xff\xfe\x00" + SECRET.encode())
    ran = regtools("lint-secret", file)
    assert ran.code == 2
    assert_no_secret(ran.out + ran.err)
    assert regtools("lint-secret", tmp_path / "none").code == 2


def test_every_code_is_on_the_page() -> None:
    import re

    folder = Path(__file__).resolve().parents[2] / "src" / "regtools" / "lint"
    source = "\n".join(path.read_text() for path in sorted(folder.glob("*.py")))
    said = set(re.findall(r'"((?:[A-Z]+_)+[A-Z]+)"', source))
    page = set(re.findall(r"^\| `([A-Z_]+)`", PAGE.read_text(), re.MULTILINE))
    assert said == page
