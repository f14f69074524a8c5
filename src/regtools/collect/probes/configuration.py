"""Configuration: what on this machine changes the way to the registry, for us and for Docker?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from regtools.client import ConnectionOptions
from regtools.client.distribution import origin_url
from regtools.client.transport import environment_proxies, proxy_for
from regtools.collect.probes.stage import clean, row
from regtools.reference import DOCKER_HUB, Target
from regtools.schema import CheckRow

STAGE: Final = "configuration"
DAEMON_FILE: Final = Path("/etc/docker/daemon.json")
MAX_FILE: Final = 2**20
_BUNDLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def configuration(
    target: Target,
    options: ConnectionOptions,
    *,
    environ: Mapping[str, str],
    daemon_file: Path = DAEMON_FILE,
) -> CheckRow:
    """Tell the proxy, the certificates to trust, and what Docker's daemon does otherwise.

    Parameters
    ----------
    environ
        The environment's variables.
    daemon_file
        Settings of Docker's daemon, where there is one.
    """
    proxy = _proxy(target, options)
    daemon, fault = _daemon(daemon_file)
    mirrors = _texts(daemon, "registry-mirrors") if target.registry == DOCKER_HUB else []
    insecure = target.registry in _texts(daemon, "insecure-registries")
    evidence: dict[str, object] = {
        "proxy": proxy,
        "no_proxy": clean(environment_proxies(options).get("no", "")),
        "ca_file": str(options.ca_file) if options.ca_file else "",
        "ca_variables": [name for name in _BUNDLES if environ.get(name)],
        "docker_mirrors": mirrors,
        "docker_insecure": insecure,
    }
    said = [
        f"The way leads through the proxy {proxy}." if proxy else "There is no proxy in the way.",
        f"Certificates of {options.ca_file} are trusted too." if options.ca_file else "",
        f"Docker's daemon pulls through {', '.join(mirrors)}." if mirrors else "",
        "Docker's daemon takes it for insecure: it speaks to it without checks."
        if insecure
        else "",
    ]
    found = _differing(environ) or fault
    if found:
        code, summary, remedy = found
        return row(target.registry, STAGE, code, "warn", summary, evidence=evidence, remedy=remedy)
    summary = " ".join(filter(None, said))
    return row(target.registry, STAGE, "CONFIGURATION_OK", "ok", summary, evidence=evidence)


def _proxy(target: Target, options: ConnectionOptions) -> str:
    """Name the proxy by host and port only: its address often holds a password."""
    found = proxy_for(origin_url(target), environment_proxies(options))
    if not found:
        return ""
    url = httpx.URL(found)
    return f"{url.host}:{url.port}" if url.port else url.host


def _differing(environ: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Find a variable whose two spellings say two things: programs read different ones."""
    for name in ("https_proxy", "http_proxy", "no_proxy"):
        lower, upper = environ.get(name), environ.get(name.upper())
        if lower is not None and upper is not None and lower != upper:
            summary = f"{name} and {name.upper()} differ, and programs read one or the other."
            remedy = (
                "Set both to the same. curl reads http_proxy only in lower case, Go (Docker, "
                "skopeo) prefers upper case, regtools lower case."
            )
            return "PROXY_VARIABLES_DIFFER", summary, remedy
    return None


def _daemon(file: Path) -> tuple[Mapping[str, Any], tuple[str, str, str] | None]:
    try:
        with file.open(encoding="utf-8") as opened:
            found = json.loads(opened.read(MAX_FILE))
    except OSError:
        return {}, None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found, None
    return {}, (
        "DOCKER_DAEMON_UNREADABLE",
        f"{file} is no JSON object: Docker's daemon does not start with it.",
        "Mend the file: `dockerd --validate` says where it is wrong.",
    )


def _texts(daemon: Mapping[str, Any], name: str) -> list[str]:
    found = daemon.get(name)
    return (
        [clean(text) for text in found if isinstance(text, str)] if isinstance(found, list) else []
    )
