"""The hosts that credentials stand under: who looks for them, and how.

Sources: Kubernetes documentation, Images, "Interpretation of config.json"; docker/cli cli/config;
containers-auth.json(5). Read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from regtools.credentials import HUB_KEYS
from regtools.credentials.kubernetes import key_matches, split_key
from regtools.lint.finding import Finding, fail, warn
from regtools.reference import DOCKER_HUB, Reference, canonical_registry

HUB_KEY: Final = "https://index.docker.io/v1/"
_HUB_HOSTS: Final = frozenset(
    {
        "docker.io",
        "www.docker.io",
        "hub.docker.com",
        "registry-1.docker.io",
        "registry.hub.docker.com",
    }
)
READERS: Final = ("kubelet", "docker", "podman")


def lint_keys(auths: Mapping[str, Any], *, is_in_cluster: bool) -> Iterator[Finding]:
    """Look at the hosts of one configuration.

    Parameters
    ----------
    is_in_cluster
        Whether the kubelet reads it; else Docker or podman do.
    """
    seen: dict[tuple[str, str], str] = {}
    for key, entry in auths.items():
        host, path = split_key(key)
        yield from _one(key, host, path, is_in_cluster=is_in_cluster)
        place = canonical_registry(host), path
        if place in seen and auths[seen[place]] != entry:
            yield warn(
                "KEY_TWICE",
                shown(key),
                f"{shown(key)} and {shown(seen[place])} are one host with two credentials.",
                "Leave one of them: which one is taken depends on the program.",
            )
        seen.setdefault(place, key)


def _one(key: str, host: str, path: str, *, is_in_cluster: bool) -> Iterator[Finding]:
    if not host or host != host.strip() or " " in host:
        yield fail("KEY_NO_HOST", shown(key), "The key is no host.", "Write host[:port].")
        return
    if host.lower() in _HUB_HOSTS and (is_in_cluster or host.lower() != DOCKER_HUB):
        yield fail(
            "KEY_HUB_ALIAS",
            shown(key),
            f"Nobody looks for Docker Hub's credential under {shown(host)}.",
            f"The key is {HUB_KEY} (podman's is docker.io).",
        )
    elif host.lower() in _HUB_HOSTS:
        yield warn(
            "KEY_HUB_ALIAS",
            shown(key),
            "podman looks for Docker Hub's credential under docker.io; Docker does not.",
            f"For Docker the key is {HUB_KEY}.",
        )
    if host != host.lower():
        yield fail(
            "KEY_UPPERCASE",
            shown(key),
            f"{shown(host)} has capital letters, and an image's host has none.",
            "Write it in small letters.",
        )
    if host.endswith((":443", ":80")):
        yield warn(
            "KEY_DEFAULT_PORT",
            shown(key),
            f"{shown(host)} names a port that images leave out: then it is another host.",
            "Write the host as it stands in the image's name.",
        )
    if "*" in host or "?" in host or "[" in host:
        yield from _glob(key, host, is_in_cluster=is_in_cluster)
    if path and not is_in_cluster and path != "v1":
        yield warn(
            "KEY_PATH",
            shown(key),
            f"{shown(key)} names a part of a host: podman takes it for that part, Docker for all.",
            "Use the host alone where Docker reads it.",
        )


def _glob(key: str, host: str, *, is_in_cluster: bool) -> Iterator[Finding]:
    if not is_in_cluster:
        yield warn(
            "KEY_GLOB",
            shown(key),
            f"{shown(host)} is a pattern, and Docker and podman know none.",
            "Only the kubelet knows patterns: write each host.",
        )
    elif "**" in host or ("*" in host.split(".") and host.count(".") < 1):
        yield warn(
            "KEY_GLOB_NARROW",
            shown(key),
            f"A star stands for one part of a host between dots: {shown(host)} matches no host with "
            "a dot.",
            "Write as many parts as the host has: *.*.example.com.",
        )


def taken_key(auths: Mapping[str, Any], image: Reference, reader: str) -> str | None:
    """Give the key that a program takes for an image; None: it finds none."""
    names = HUB_KEYS if image.registry == DOCKER_HUB else (image.registry,)
    if reader == "kubelet":
        found = [key for key in auths if key_matches(key, image.registry, image.repository)]
        return max(found, key=lambda key: len(split_key(key)[1]), default=None)
    if reader == "docker":
        hosts = {_host(name) for name in names}
        return next((key for key in auths if _host(key) in hosts), None)
    parts = image.repository.split("/")
    wanted = ["/".join((name, *parts[:n])) for name in names for n in range(len(parts), -1, -1)]
    return next((key for key in wanted if key in auths), None)


def _host(key: str) -> str:
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def shown(text: str) -> str:
    """Give a key as it may be shown: bounded, without what moves a cursor or stands before an @."""
    text = f"…@{text.rpartition('@')[2]}" if "@" in text and "@sha" not in text else text
    cleaned = "".join(c if c.isprintable() else "�" for c in text[:120])
    return cleaned if len(text) <= 120 else f"{cleaned}…"
