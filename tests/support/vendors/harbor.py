"""Harbor: projects, repositories and artifacts as its own description has them."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from tests.support.fake_registry import Answer, Seen
from tests.support.retention_plans import Node, Plan
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import Description
from tests.support.vendors.server import VendorServer, as_json

DESCRIPTION = Description("harbor_v2_subset.yaml")
NEVER = "0001-01-01T00:00:00.000Z"
"""Go's zero time: what Harbor writes for something that was never pulled."""


class HarborServer(VendorServer):
    """One user sees everything; quotas are for whoever administrates."""

    catalog = False

    def __init__(self, plan: Plan, *, user: str = "robot$ci", password: str = "pw") -> None:
        super().__init__(plan)
        self.users = {user: password}
        self.public = {"acme"}
        self.page_size_most = 100
        self.pulled_at: dict[str, datetime] = {}
        self.administrates = True
        self.accessories: dict[str, list[Node]] = {}
        self.retention: dict[str, Any] | None = None
        self.immutable: list[dict[str, Any]] = []
        self.locked_tags: set[tuple[str, str]] = set()
        self.permissions: list[tuple[str, str]] = []
        self.api_down: Answer | None = None

    def attach(self, subject: Node, accessory: Node) -> None:
        """Hold something about an artifact, as Harbor does with a signature."""
        self.accessories.setdefault(subject.digest, []).append(accessory)
        for repository in self.plan.tags:
            if subject.digest in self.held(repository):
                self.hold(repository, accessory)

    def answer(self, seen: Seen) -> Answer:
        """Let anybody see what is public, as Harbor does; the rest wants a password."""
        anonymous = seen.path.startswith("/api/") and not seen.credential
        if not anonymous:
            return super().answer(seen)
        users, self.users = self.users, {}
        try:
            return super().answer(seen)
        finally:
            self.users = users

    def api(self, seen: Seen, path: str, query: dict[str, str]) -> Answer:
        if self.api_down is not None:
            return self.api_down
        path = path.removeprefix("/api/v2.0")
        if path == "/projects":
            shown = [self._project(name) for name in self._projects(seen)]
            return self._paged(seen, query, DESCRIPTION.check_list("#/definitions/Project", shown))
        if match := re.fullmatch(r"/projects/([^/]+)", path):
            if match[1] not in self._projects(seen):
                return _error(404, "NOT_FOUND", f"project {match[1]} not found")
            project = DESCRIPTION.check("#/definitions/Project", self._project(match[1]))
            return as_json(project)
        if match := re.fullmatch(r"/projects/([^/]+)/summary", path):
            return self._summary(match[1])
        if re.fullmatch(r"/projects/([^/]+)/immutabletagrules", path):
            if not self.administrates:
                return _error(403, "FORBIDDEN", "forbidden")
            rules = DESCRIPTION.check_list("#/definitions/ImmutableRule", self.immutable)
            return self._paged(seen, query, rules)
        if path == "/users/current/permissions" and query.get("relative") == "true":
            numbers = {
                f"/project/{self._project(name)['project_id']}" for name in self._projects(seen)
            }
            listed = [{"resource": what, "action": how} for what, how in self.permissions]
            shown = listed if query.get("scope") in numbers else []
            return as_json(DESCRIPTION.check_list("#/definitions/Permission", shown))
        if match := re.fullmatch(r"/projects/([^/]+)/repositories", path):
            listed = [self._repository(n) for n in sorted(self.plan.tags) if _in(n, match[1])]
            return self._paged(
                seen, query, DESCRIPTION.check_list("#/definitions/Repository", listed)
            )
        if match := re.fullmatch(r"/projects/([^/]+)/repositories/([^/]+)/artifacts", path):
            # Harbor's web server unescapes once; a slash in the name is still escaped here.
            name = f"{match[1]}/{unquote(match[2])}"
            if name not in self.plan.tags:
                return _error(404, "NOT_FOUND", f"repository {name} not found")
            return self._paged(seen, query, self._artifacts(name))
        if re.fullmatch(r"/retentions/\d+", path) and self.retention is not None:
            return as_json(DESCRIPTION.check("#/definitions/RetentionPolicy", self.retention))
        return _error(404, "NOT_FOUND", "no such path")

    def _projects(self, seen: Seen) -> list[str]:
        names = sorted({name.partition("/")[0] for name in self.plan.tags})
        return [name for name in names if name in self.public or seen.credential]

    def _project(self, name: str) -> dict[str, Any]:
        metadata = {"public": "true" if name in self.public else "false"}
        if self.retention is not None:
            metadata["retention_id"] = "5"
        return {
            "project_id": 1 + sum(name.encode()),
            "name": name,
            "owner_name": "admin",
            "creation_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z",
            "repo_count": sum(_in(repository, name) for repository in self.plan.tags),
            "metadata": metadata,
        }

    def _summary(self, project: str) -> Answer:
        if not self.administrates:
            return _error(403, "FORBIDDEN", "forbidden")
        blobs: dict[str, int] = {}
        for name in self.plan.tags:
            if _in(name, project):
                for node in self.held(name).values():
                    blobs |= {blob.digest: len(blob.data) for blob in (*node.blobs, node.content)}
        quota = {"hard": {"storage": -1}, "used": {"storage": sum(blobs.values())}}
        summary = {"repo_count": len(self.plan.tags), "quota": quota}
        return as_json(DESCRIPTION.check("#/definitions/ProjectSummary", summary))

    def _repository(self, name: str) -> dict[str, Any]:
        return {
            "id": 1 + sum(name.encode()),
            "project_id": 1,
            "name": name,
            "artifact_count": len(self.plan.tags[name]),
            "pull_count": 17,
            "creation_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z",
        }

    def _artifacts(self, repository: str) -> list[dict[str, Any]]:
        tops = [*self.plan.tags[repository].values(), *self.untagged.get(repository, ())]
        # Parts of an index are no entries of their own, and accessories stand with their subject.
        unique = {node.digest: node for node in tops}
        shown = [self._artifact(repository, node) for node in unique.values()]
        return DESCRIPTION.check_list("#/definitions/Artifact", shown)

    def _artifact(self, repository: str, node: Node) -> dict[str, Any]:
        pushed = pushed_at(node).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        pulled = self.pulled_at.get(node.digest)
        when = pulled.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if pulled else NEVER
        tags = [
            {
                "id": n,
                "name": tag,
                "push_time": pushed,
                "pull_time": when,
                "immutable": (repository, tag) in self.locked_tags,
            }
            for n, tag in enumerate(self.tags_on(repository, node.digest), start=1)
        ]
        accessories = [
            {
                "id": 1,
                "digest": one.digest,
                "size": len(one.content.data),
                "type": "signature.cosign",
                "creation_time": pushed,
            }
            for one in self.accessories.get(node.digest, ())
        ]
        # Go leaves empty lists out.
        return {
            **({"tags": tags} if tags else {}),
            **({"accessories": accessories} if accessories else {}),
            "id": 1,
            "type": "IMAGE",
            "manifest_media_type": node.content.media_type,
            "project_id": 1,
            "repository_id": 1,
            "repository_name": repository,
            "digest": node.digest,
            "size": sum(len(blob.data) for blob in node.blobs),
            "push_time": pushed,
            "pull_time": when,
        }

    def _paged(self, seen: Seen, query: dict[str, str], listed: list[Any]) -> Answer:
        size = int(query.get("page_size", "10"))
        if not 1 <= size <= self.page_size_most:
            return _error(400, "BAD_REQUEST", "page_size must be between 1 and 100")
        number = int(query.get("page", "1"))
        start = (number - 1) * size
        return as_json(listed[start : start + size], X_Total_Count=str(len(listed)))


def basic(user: str, password: str) -> str:
    """Give the header that shows a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _in(repository: str, project: str) -> bool:
    return repository.startswith(f"{project}/")


def _error(status: int, code: str, message: str) -> Answer:
    body = {"errors": [{"code": code, "message": message}]}
    return as_json(DESCRIPTION.check("#/definitions/Errors", body), status)
