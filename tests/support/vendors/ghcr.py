"""GHCR, and GitHub's API for its packages: a version for each manifest, tagged or not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from tests.support.fake_registry import Answer, Seen, error
from tests.support.retention_plans import Node, Plan
from tests.support.vendors.bearer import BearerServer
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import Description
from tests.support.vendors.server import as_json

DESCRIPTION = Description("github_packages_subset.json")
T = TypeVar("T")


class GhcrServer(BearerServer):
    """The API is below ``/api/v3``, as on a GitHub Enterprise Server."""

    service = "ghcr.io"

    def __init__(self, plan: Plan, *, user: str, password: str) -> None:
        super().__init__(plan, user=user, password=password)
        self.tokens = {password}
        self.organizations = {"acme"}
        self.whoami = user
        self.scopes: str | None = "read:packages, read:org"
        self.expires = ""
        self.down: Answer | None = None
        self.api_seen: list[Seen] = []

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return f"{self.url}/api/v3"

    def registry(self, seen: Seen, path: str) -> Answer:
        if path == "/v2/_catalog":
            return error(404, "NOT_FOUND")
        return super().registry(seen, path)

    def api(self, seen: Seen, path: str, query: dict[str, str]) -> Answer:
        self.api_seen.append(seen)
        if seen.credential.removeprefix("Bearer ") not in self.tokens:
            return _refused(401, "Bad credentials")
        if seen.headers.get("accept") != "application/vnd.github+json":
            return _refused(400, "which form?")
        if self.down is not None:
            return self.down
        # A slash in a package's name is escaped once, so the path is read as it stood.
        answer = self._asked(urlsplit(seen.path).path.removeprefix("/api/v3"), query)
        answer.headers.update(self._told())
        return answer

    def _told(self) -> dict[str, str]:
        told = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}
        if self.scopes is not None:
            told["X-OAuth-Scopes"] = self.scopes
        if self.expires:
            told["GitHub-Authentication-Token-Expiration"] = self.expires
        return told

    def _asked(self, path: str, query: dict[str, str]) -> Answer:
        match = re.fullmatch(
            r"/(?:(orgs|users)/([^/]+)|user)/packages(?:/container/([^/]+)(/versions)?)?", path
        )
        if match is None:
            return _refused(404, "Not Found")
        kind, owner, package, versions = match.groups()
        owner = owner or self.whoami
        if kind and (kind == "orgs") != (owner in self.organizations):
            return _refused(404, "Not Found")
        base = path.partition("/packages")[0]
        if package is None:
            if query.get("package_type") != "container":
                return _refused(400, "package_type is required")
            names = [name for name in sorted(self.plan.tags) if name.startswith(f"{owner}/")]
            return self._paged(path, query, names, lambda one: self._package(base, one))
        name = f"{owner}/{unquote(package)}"
        if name not in self.plan.tags:
            return _refused(404, "Package not found.")
        if versions is None:
            return as_json(self._package(base, name))
        held = list(self.held(name).values())
        return self._paged(path, query, held, lambda node: self._version(base, name, node))

    def _paged(
        self, path: str, query: dict[str, str], listed: list[T], shown: Callable[[T], Any]
    ) -> Answer:
        number, size = int(query.get("page", "1")), int(query.get("per_page", "30"))
        start = (number - 1) * min(size, 100)
        end = start + min(size, 100)
        answer = as_json([shown(one) for one in listed[start:end]])
        if end < len(listed):
            kept = "".join(f"&{key}={query[key]}" for key in ("package_type",) if key in query)
            url = f"{self.api_url}{path}?per_page={size}&page={number + 1}{kept}"
            answer.headers["Link"] = f'<{url}>; rel="next", <{url}>; rel="last"'
        return answer

    def _package(self, base: str, name: str) -> Any:
        owner, _, short = name.partition("/")
        package = {
            "id": 197,
            "name": short,
            "package_type": "container",
            "version_count": 1,
            "visibility": "private" if name in self.private else "public",
            "url": f"https://api.github.com{base}/packages/container/{quote(short, safe='')}",
            "html_url": f"https://github.com{base}/packages/container/package/{quote(short, safe='')}",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "owner": {**_ACCOUNT, "login": owner.capitalize()},
        }
        return DESCRIPTION.check(_schema("package"), package)

    def _version(self, base: str, name: str, node: Node) -> Any:
        moment = pushed_at(node)
        version = {
            "id": int(node.digest[7:14], 16),
            "name": node.digest,
            "url": f"https://api.github.com{base}/packages/container/x/versions/1",
            "package_html_url": f"https://github.com{base}/packages/container/package/x",
            "html_url": f"https://github.com{base}/packages/container/x/{int(node.digest[7:14], 16)}",
            "created_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "updated_at": (moment + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "metadata": {
                "package_type": "container",
                "container": {"tags": self.tags_on(name, node.digest)},
            },
        }
        return DESCRIPTION.check(_schema("package-version"), version)


_ACCOUNT: dict[str, Any] = {
    "id": 1,
    "node_id": "O_1",
    "gravatar_id": "",
    "type": "Organization",
    "site_admin": False,
    **dict.fromkeys(
        (
            "avatar_url",
            "url",
            "html_url",
            "followers_url",
            "following_url",
            "gists_url",
            "starred_url",
            "subscriptions_url",
            "organizations_url",
            "repos_url",
            "events_url",
            "received_events_url",
        ),
        "https://api.github.com/orgs/acme",
    ),
}


def _schema(name: str) -> str:
    return f"#/components/schemas/{name}"


def _refused(status: int, message: str) -> Answer:
    body = {
        "message": message,
        "documentation_url": "https://docs.github.com",
        "status": str(status),
    }
    return as_json(DESCRIPTION.check(_schema("basic-error"), body), status)
