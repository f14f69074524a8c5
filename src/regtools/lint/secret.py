"""A file with credentials for registries: a pull secret of Kubernetes, or a program's own."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import yaml

from regtools.credentials import mapping, text
from regtools.lint.entry import lint_entry
from regtools.lint.finding import Finding, fail, warn
from regtools.lint.keys import READERS, lint_keys, shown, taken_key
from regtools.reference import Reference

MOST_BYTES: Final = 2**20
"""What Kubernetes stores of one Secret at most."""
_NEW, _OLD = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
_KEYS: Final = {_NEW: ".dockerconfigjson", _OLD: ".dockercfg"}
_HELPER: Final = re.compile(r"[a-z][a-z-]{0,30}")
_CREATE: Final = (
    "Make it anew: kubectl create secret docker-registry NAME --docker-server=HOST "
    "--docker-username=USER --docker-password=…"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to work with the secret."""

    images: Sequence[Reference] = ()
    """Images that are to be pulled with it."""
    namespace: str = ""
    """Where the pods are; empty: not said."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    which: Callable[[str], str | None] = shutil.which
    """Finds a program, as a shell does."""


def lint_secret(content: str, question: Question | None = None) -> list[Finding]:
    """Find mistakes in a pull secret, or in Docker's or podman's configuration. No network.

    Parameters
    ----------
    content
        JSON or YAML: Secrets, Lists, pods and service accounts, in any number of documents; or
        a configuration with ``auths``.

    Returns
    -------
    list of Finding
        In the order of the file; empty: nothing is wrong. No finding holds a secret.
    """
    question = question or Question()
    if len(content.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        return [fail("FILE_TOO_LARGE", "", "It is larger than 1 MiB.", "Kubernetes takes no more.")]
    documents = _documents(content)
    if documents is None:
        said = "It is neither JSON nor YAML."
        return [fail("FILE_UNREADABLE", "", said, "Give the file as it was written.")]
    objects = [one for document in documents for one in _objects(document)]
    secrets = [one for one in objects if one.get("kind") == "Secret"]
    if secrets:
        found = [finding for one in secrets for finding in _secret(one, question)]
        return [*found, *_users(objects, secrets)]
    for document in documents:
        if "auths" in document or "credHelpers" in document or "credsStore" in document:
            return list(_config(document, question, is_in_cluster=False))
    said = "It holds neither a Secret nor `auths`."
    return [fail("NOT_A_SECRET", "", said, _CREATE)]


def _documents(content: str) -> list[Mapping[str, Any]] | None:
    """Read JSON, else YAML; None: it is neither. What a parser says of it may hold a secret."""
    try:
        found = [json.loads(content)]
    except RecursionError:
        return None
    except ValueError:
        try:
            if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content)):
                return None
            found = list(yaml.safe_load_all(content))
        # A date such as 2026-99-99 is a plain ValueError.
        except (yaml.YAMLError, RecursionError, ValueError):
            return None
    return [one for one in found if isinstance(one, dict)] or None


def _objects(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    items = document.get("items")
    if document.get("kind") in ("List", "SecretList", "PodList") and isinstance(items, list):
        for item in items:
            yield from _objects(mapping(item))
    else:
        yield document


def _name(one: Mapping[str, Any]) -> tuple[str, str]:
    """Give namespace and name."""
    about = mapping(one.get("metadata"))
    return text(about.get("namespace")), text(about.get("name"))


def _place(one: Mapping[str, Any]) -> str:
    namespace, name = _name(one)
    kind = shown(text(one.get("kind"))) or "object"
    return f"{kind} {shown(f'{namespace}/' if namespace else '')}{shown(name)}".strip()


def _secret(secret: Mapping[str, Any], question: Question) -> Iterator[Finding]:
    place = _place(secret)
    namespace, _ = _name(secret)
    if question.namespace and namespace and namespace != question.namespace:
        yield fail(
            "SECRET_ELSEWHERE",
            place,
            f"The pods are in {shown(question.namespace)}, and a pod reads secrets of its own "
            "namespace only.",
            f"Copy it: kubectl -n {shown(namespace)} get secret NAME -o yaml, without its "
            "namespace, then apply it there.",
        )
    kind = text(secret.get("type")) or "Opaque"
    held = {**mapping(secret.get("data")), **mapping(secret.get("stringData"))}
    known = [key for key in _KEYS.values() if key in held]
    if kind not in _KEYS:
        if not known:
            if any("docker" in key.lower() or key == "config.json" for key in held):
                yield _wrong_type(place, kind)
            return
        yield _wrong_type(place, kind)
    elif _KEYS[kind] not in held:
        there = ", ".join(shown(key) for key in held) or "nothing"
        yield fail(
            "SECRET_KEY_WRONG",
            place,
            f"Its type wants the key {_KEYS[kind]}, and it holds {there}.",
            f"Name the key {_KEYS[kind]}, with the dot. {_CREATE}",
        )
    elif kind == _OLD:
        yield warn(
            "SECRET_LEGACY", place, f"{_OLD} is a form of long ago.", f"Use {_NEW}. {_CREATE}"
        )
    for key in known:
        for finding in _data(secret, key, question):
            yield finding.within(f"{place}, {key}")


def _wrong_type(place: str, kind: str) -> Finding:
    return fail(
        "SECRET_TYPE_WRONG",
        place,
        f"Its type is {shown(kind)}: the kubelet takes no pull secret of this type.",
        f"Its type must be {_NEW}, and a type cannot be changed. {_CREATE}",
    )


def _data(secret: Mapping[str, Any], key: str, question: Question) -> Iterator[Finding]:
    """Look at what stands under a key of a Secret."""
    plain = mapping(secret.get("stringData"))
    if key in plain:
        content = text(plain[key])
        if _object(content) is None and _object(_decoded(content) or "") is not None:
            yield fail(
                "STRINGDATA_ENCODED",
                "",
                "`stringData` is base64 of the configuration: it is encoded once more when stored.",
                "Put it under `data`, or write it plainly.",
            )
            return
    else:
        decoded = _decoded(text(mapping(secret.get("data")).get(key)))
        if decoded is None:
            yield fail(
                "DATA_NOT_BASE64", "", "It is not base64.", f"`base64 -w0 config.json`. {_CREATE}"
            )
            return
        if _object(decoded) is None and _object(_decoded(decoded) or "") is not None:
            yield fail(
                "DATA_ENCODED_TWICE",
                "",
                "It is base64 of base64.",
                "Under `data` encode once; kubectl create and Terraform's `data` encode by themselves.",
            )
            return
        content = decoded
    config = _object(content)
    if config is None:
        said = "What it holds is no JSON object."
        yield fail("DATA_NOT_JSON", "", said, _CREATE)
        return
    is_new = key == _KEYS[_NEW]
    if is_new != ("auths" in config) and config:
        wanted = "has `auths` around its hosts" if is_new else "has its hosts at the top"
        yield fail("CONFIG_SHAPE", "", f"{key} {wanted}, and this one is the other form.", _CREATE)
        return
    yield from _config(config if is_new else {"auths": config}, question, is_in_cluster=True)


def _config(
    config: Mapping[str, Any], question: Question, *, is_in_cluster: bool
) -> Iterator[Finding]:
    """Look at a configuration's hosts, credentials and helpers."""
    auths = mapping(config.get("auths"))
    store = text(config.get("credsStore"))
    helpers = {**mapping(config.get("credHelpers")), **({"": store} if store else {})}
    if is_in_cluster and helpers:
        yield fail(
            "STORE_IN_CLUSTER",
            "credsStore" if store else "credHelpers",
            "It names a helper, which runs on the machine of whoever logged in, and nowhere else.",
            f"This is Docker Desktop's or a cloud's configuration. {_CREATE}",
        )
    if not is_in_cluster:
        for name in dict.fromkeys(map(text, helpers.values())):
            if name and question.which(f"docker-credential-{name}") is None:
                # Whoever put a password in the wrong place would find it here.
                program = name if _HELPER.fullmatch(name) else "…"
                yield fail(
                    "HELPER_MISSING",
                    "credsStore" if name == store else "credHelpers",
                    f"docker-credential-{program} is not on the PATH: Docker then says "
                    '"no basic auth credentials".',
                    "Install it, or take it out of the file and log in again.",
                )
    if not auths and (is_in_cluster or not helpers):
        yield fail("AUTHS_EMPTY", "auths", "It holds no host.", _CREATE)
    yield from lint_keys(auths, is_in_cluster=is_in_cluster)
    for key, entry in auths.items():
        yield from lint_entry(
            entry,
            shown(key),
            is_in_cluster=is_in_cluster,
            has_store=bool(helpers),
            now=question.now,
        )
    for image in question.images:
        for reader in READERS[:1] if is_in_cluster else READERS[1:]:
            if taken_key(auths, image, reader) is None and not helpers:
                yield fail(
                    "IMAGE_UNMATCHED",
                    shown(str(image)),
                    f"{reader} finds no credential here for this image.",
                    f"The key that it looks for is {shown(image.registry)}.",
                )


def _users(
    objects: Sequence[Mapping[str, Any]], secrets: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Look at who in the same file asks for a pull secret."""
    there = [_name(secret) for secret in secrets]
    for one in objects:
        namespace, _ = _name(one)
        for wanted in _wanted(one):
            if (namespace, wanted) in there:
                continue
            near = [name for _, name in there if name.lower() == wanted.lower()]
            elsewhere = [space for space, name in there if name == wanted]
            place, name = _place(one), shown(wanted)
            if elsewhere:
                yield fail(
                    "PULL_SECRET_ELSEWHERE",
                    place,
                    f"It asks for {name}, which is in namespace {shown(elsewhere[0]) or 'default'}.",
                    "A pod reads secrets of its own namespace only: put a copy there.",
                )
            elif near:
                yield fail(
                    "PULL_SECRET_SPELLING",
                    place,
                    f"It asks for {name}, and the secret is called {shown(near[0])}.",
                    "Write both the same.",
                )
            else:
                yield warn(
                    "PULL_SECRET_UNKNOWN",
                    place,
                    f"It asks for {name}, which is not in this file.",
                    "A missing pull secret is no error to Kubernetes: it pulls without one.",
                )


def _wanted(one: Mapping[str, Any]) -> Iterator[str]:
    """Give the pull secrets that a service account, a pod or a pod's template names."""
    spec = mapping(one.get("spec"))
    template = mapping(mapping(spec.get("template")).get("spec"))
    job = mapping(
        mapping(mapping(mapping(spec.get("jobTemplate")).get("spec")).get("template")).get("spec")
    )
    for holder in (one, spec, template, job):
        named = holder.get("imagePullSecrets")
        for entry in named if isinstance(named, list) else ():
            if name := text(mapping(entry).get("name")):
                yield name


def _object(content: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _decoded(content: str) -> str | None:
    try:
        return base64.b64decode("".join(content.split()), validate=True).decode()
    except ValueError:
        return None
