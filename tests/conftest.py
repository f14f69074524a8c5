"""Fixtures that every test may use: a clean environment, and the real registry in its variants.

The corpus is pushed once a run. The variants with authentication and TLS serve the same storage,
so that all of them give the same inventory. They are for reading: a test that writes takes
`start_registry`.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tests.support.certificates import CertificateAuthority
from tests.support.command import Command
from tests.support.corpus import Corpus, push_corpus
from tests.support.docker_registry import USERS, DockerRegistry, docker_registry, htpasswd
from tests.support.token_server import TokenServer, token_server

# A busy machine is slow, not wrong.
settings.register_profile("regtools", deadline=None)
settings.load_profile("regtools")

_REMOVED = re.compile(
    r"(?i:.*_proxy)|REGTOOLS_.*|DOCKER_.*|REGISTRY_.*|KUBECONFIG|XDG_.*|NETRC"
    r"|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE"
    r"|(AWS|AZURE|ARM|GOOGLE|GCLOUD|CLOUDSDK|GCP)_.*|(GITHUB|GITLAB|GH|CI_JOB|CI_REGISTRY)_.*"
    r"|PAPERMILL_.*|JUPYTER_.*|IPYTHONDIR|COLUMNS|NO_COLOR|FORCE_COLOR"
)


@pytest.fixture(scope="session", autouse=True)
def clean_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the machine for the whole run: fixtures of a session or module must not see it either."""
    # A shell that starts the run in the background has Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if _REMOVED.fullmatch(name)]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        # One list of fonts for all homes: matplotlib takes seconds to make it.
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        yield


@pytest.fixture(autouse=True)
def clean_environ(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """No proxies, credentials, settings or cloud, and an empty home of this test, which is given."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    """A certificate authority; trust it by its `file`."""
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DockerRegistry, Corpus]]:
    """The running registry and what it holds; take `registry` and `corpus`."""
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running, push_corpus(running)


@pytest.fixture(scope="session")
def registry(filled: tuple[DockerRegistry, Corpus]) -> DockerRegistry:
    """A registry on plain HTTP without authentication, filled with `corpus`. Read only."""
    return filled[0]


@pytest.fixture(scope="session")
def corpus(filled: tuple[DockerRegistry, Corpus]) -> Corpus:
    """What `registry` and its variants hold."""
    return filled[1]


@pytest.fixture(scope="session")
def htpasswd_registry(
    registry: DockerRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DockerRegistry]:
    """The same content behind Basic authentication, for `USERS`."""
    folder = tmp_path_factory.mktemp("htpasswd")
    with docker_registry(folder, storage=registry.storage, auth=htpasswd(folder, USERS)) as running:
        yield running


@pytest.fixture(scope="session")
def tls_registry(
    registry: DockerRegistry,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DockerRegistry]:
    """The same content over TLS, with a certificate for the loopback signed by `authority`."""
    folder = tmp_path_factory.mktemp("tls")
    with docker_registry(
        folder, storage=registry.storage, certificate=authority.server()
    ) as running:
        yield running


@pytest.fixture
def tokens(authority: CertificateAuthority) -> Iterator[TokenServer]:
    """A token server for `USERS` that grants them everything; a test may change it as it runs."""
    with token_server(authority, users=USERS) as running:
        yield running


@pytest.fixture
def token_registry(
    registry: DockerRegistry, tokens: TokenServer, tmp_path: Path
) -> Iterator[DockerRegistry]:
    """The same content behind Bearer tokens from `tokens`."""
    with docker_registry(
        tmp_path / "token-registry", storage=registry.storage, auth=tokens.registry_auth()
    ) as running:
        yield running


@pytest.fixture(scope="session")
def many(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[DockerRegistry, Corpus]]:
    """A registry whose catalog has more than one page, and what it holds. Read only."""
    with docker_registry(tmp_path_factory.mktemp("many")) as running:
        yield running, push_corpus(running, many=True)


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[Callable[..., DockerRegistry]]:
    """Start registries of one's own: ``start_registry(**keywords of docker_registry)``.

    Each is empty unless `storage` is given, and stops with the test.
    """
    with ExitStack() as stack:
        started = 0

        def start(**keywords: Any) -> DockerRegistry:
            nonlocal started
            started += 1
            return stack.enter_context(docker_registry(tmp_path / f"own-{started}", **keywords))

        yield start


@pytest.fixture
def regtools(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """The command line, in an empty folder."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Command(monkeypatch, capsys)
