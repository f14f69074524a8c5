"""A vendor's registry: the protocol below ``/v2/``, and whatever the vendor adds beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.fake_registry import Answer, FakeRegistry, Seen, error, fake_registry
from tests.support.retention_plans import Node, Plan

S = TypeVar("S", bound="VendorServer")


class VendorServer(FakeRegistry):
    """Serves a plan; a subclass adds the vendor's own API in `api`.

    What it holds without a tag is in `untagged`: repository → nodes.
    """

    catalog = True
    """Whether ``/v2/_catalog`` is open."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.untagged: dict[str, list[Node]] = {}
        self.faults: list[Exception] = []
        self.index()

    def index(self) -> None:
        """Look up the content anew, after a test changed the plan."""
        self.repositories = {name: list(tags) for name, tags in self.plan.tags.items()}
        self._manifests: dict[tuple[str, str], Node] = {}
        self._blobs: dict[str, bytes] = {}
        for name, tags in self.plan.tags.items():
            for top in (*tags.values(), *self.untagged.get(name, ())):
                self.hold(name, top)
            self._manifests.update({(name, tag): node for tag, node in tags.items()})

    def keep_untagged(self, repository: str, *nodes: Node) -> None:
        """Hold manifests without a tag."""
        self.untagged.setdefault(repository, []).extend(nodes)
        for node in nodes:
            self.hold(repository, node)

    def hold(self, repository: str, top: Node) -> None:
        """Serve a manifest and all below it."""
        for node in top.below():
            self._manifests[repository, node.digest] = node
            self._blobs.update({blob.digest: blob.data for blob in node.blobs})

    def held(self, repository: str) -> dict[str, Node]:
        """Give every manifest that a repository holds, by digest."""
        return {
            node.digest: node
            for (name, reference), node in self._manifests.items()
            if name == repository and ":" in reference
        }

    def tags_on(self, repository: str, digest: str) -> list[str]:
        """Give the tags that name a digest."""
        tags = self.plan.tags.get(repository, {})
        return [tag for tag, node in tags.items() if node.digest == digest]

    @property
    def pulled(self) -> list[str]:
        """Paths of the manifests that were fetched whole."""
        return [s.path for s in self.seen if s.method == "GET" and "/manifests/" in s.path]

    def answer(self, seen: Seen) -> Answer:
        """Answer; a fake that would break its own description fails the test."""
        try:
            return super().answer(seen)
        except Exception as error:
            self.faults.append(error)
            raise

    def change_answers(self, ending: str, change: Callable[[Any], object]) -> None:
        """Change the JSON of each answer to a path that ends so, before it is given."""

        def hook(seen: Seen) -> Answer | None:
            if not seen.path.partition("?")[0].endswith(ending):
                return None
            answer = self._content(seen)
            body = json.loads(answer.body)
            change(body)
            return Answer(answer.status, json.dumps(body).encode(), answer.headers)

        self.hook = hook

    def api(self, seen: Seen, path: str, query: dict[str, str]) -> Answer:
        """Answer what is not the protocol's; path and query are unescaped once."""
        return error(404, "NOT_FOUND")

    def _content(self, seen: Seen) -> Answer:
        parts = urlsplit(seen.path)
        if parts.path == "/v2" or parts.path.startswith("/v2/"):
            return self.registry(seen, parts.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return self.api(seen, unquote(parts.path), query)

    def registry(self, seen: Seen, path: str) -> Answer:
        """Answer as the distribution protocol has it."""
        if path == "/v2/_catalog" and not self.catalog:
            return error(401, "UNAUTHORIZED")
        name, _, reference = path.removeprefix("/v2/").rpartition("/manifests/")
        if name:
            node = self._manifests.get((name, reference))
            if node is None:
                return error(404, "MANIFEST_UNKNOWN")
            told = {"Docker-Content-Digest": node.digest, "Content-Type": node.content.media_type}
            return Answer(body=node.content.data, headers=told)
        digest = path.rpartition("/blobs/")[2]
        if digest in self._blobs:
            return Answer(body=self._blobs[digest])
        return super()._content(seen)


def as_json(data: Any, status: int = 200, **headers: Any) -> Answer:
    """Make an answer of JSON; a name's underscores are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(data).encode(), {"Content-Type": "application/json", **named})


@contextmanager
def serving(server: S) -> Iterator[S]:
    """Run it until the block ends."""
    with fake_registry(fake=server):
        yield server
    if server.faults:
        raise server.faults[0]
