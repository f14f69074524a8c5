"""What stands in front of a real registry and may do with its answers what proxies do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from tests.support.certificates import ServerCertificate
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_registry import Answer, FakeRegistry, Seen, fake_registry

_OF_THE_CONNECTION = frozenset({"connection", "transfer-encoding", "content-length", "host"})


class Front(FakeRegistry):
    """Passes on what its `hook` lets pass; `seen` has every request that arrived."""

    def __init__(self, behind: str) -> None:
        super().__init__()
        self._behind = behind

    def _content(self, seen: Seen) -> Answer:
        headers = {
            name: value for name, value in seen.headers.items() if name not in _OF_THE_CONNECTION
        }
        with httpx.Client(trust_env=False) as client:
            answer = client.request(
                seen.method, f"{self._behind}{seen.path}", headers=headers, content=seen.body
            )
        kept = {
            name.title(): value
            for name, value in answer.headers.items()
            if name not in _OF_THE_CONNECTION
        }
        if seen.method == "HEAD":
            kept["Content-Length"] = answer.headers.get("content-length", "0")
        return Answer(answer.status_code, answer.content, kept)


@contextmanager
def front_of(
    registry: DockerRegistry, *, certificate: ServerCertificate | None = None
) -> Iterator[Front]:
    """Stand in front of a registry until the block ends."""
    front = Front(registry.url)
    with fake_registry(certificate=certificate, fake=front):
        yield front
