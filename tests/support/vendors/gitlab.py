"""GitLab: its registry with ``/jwt/auth``, REST as its documentation has it, and GraphQL."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.support.fake_registry import Answer, Seen, error
from tests.support.retention_plans import Plan
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import Description
from tests.support.vendors.graphql import FieldError, GraphQlServer, cursor_of
from tests.support.vendors.server import VendorServer, as_json

REST = Description("gitlab_container_registry.json")
GRAPHQL = Description("gitlab_graphql_subset.json")
_AGES = {"7d": "SEVEN_DAYS", "30d": "THIRTY_DAYS", "90d": "NINETY_DAYS"}
_COUNTS = {1: "ONE_TAG", 5: "FIVE_TAGS", 10: "TEN_TAGS"}
_CADENCES = {"1d": "EVERY_DAY", "7d": "EVERY_WEEK"}
CREATED = "2026-01-10T13:38:57.391Z"


@dataclass(slots=True)
class Project:
    """A project; its repositories are those at and below its path."""

    path: str
    number: int
    visibility: str = "private"
    policy: dict[str, Any] | None = None
    rules: list[dict[str, Any]] = field(default_factory=list)
    access_level: str = "enabled"


@dataclass(slots=True)
class Token:
    """A token that somebody has."""

    sort: str = "access"
    """``access``, ``oauth``, ``job`` or ``deploy``."""
    scopes: tuple[str, ...] = ("read_api", "read_registry")
    username: str = ""
    """That the registry takes it with; empty: any."""
    expires_at: str | None = "2027-03-01"
    actions: tuple[str, ...] = ("pull",)
    """What it may do in the registry."""


class GitLabServer(VendorServer):
    """A GitLab and its registry at one address."""

    catalog = False

    def __init__(self, plan: Plan, projects: list[str], tokens: dict[str, Token]) -> None:
        super().__init__(plan)
        self.projects = {path: Project(path, 100 + n) for n, path in enumerate(projects)}
        self.tokens = tokens
        self._numbers = {name: 1000 + n for n, name in enumerate(sorted(plan.tags))}
        self.users_alone: set[str] = set()
        """Namespaces that are users and no groups."""
        self.maintains = True
        self.owns = True
        self.has_metadata = True
        """Whether the registry has its database: sizes and times of push are told."""
        self.tells_digests = True
        self.estimated = False
        self.broken: set[str] = set()
        """Repositories that GitLab cannot ask its registry about."""
        self.graphql = GraphQlServer(GRAPHQL.document, self._resolve)
        self.graphql_down: Answer | None = None
        self.rest_down: Answer | None = None
        self.issued: dict[str, set[tuple[str, str]]] = {}
        self.spoil: Callable[[dict[str, Any]], Any] = lambda answer: answer
        """Changes what GraphQL answers."""

    # -- whose it is -----------------------------------------------------------------------------

    def project_of(self, repository: str) -> Project:
        """Give the project that a repository lies in."""
        paths = [p for p in self.projects if repository == p or repository.startswith(f"{p}/")]
        return self.projects[max(paths, key=len)]

    def number_of(self, repository: str) -> int:
        """Give a repository's number."""
        return self._numbers.setdefault(repository, 1000 + len(self._numbers))

    def _sees(self, project: Project, token: Token | None) -> bool:
        return project.visibility == "public" or token is not None

    def _below(self, path: str, token: Token | None) -> list[str]:
        return [
            name
            for name in sorted(self.plan.tags)
            if (name == path or name.startswith(f"{path}/"))
            and self._sees(self.project_of(name), token)
        ]

    def _is_group(self, path: str, token: Token | None) -> bool:
        return path not in self.users_alone and any(
            one.path.startswith(f"{path}/") and self._sees(one, token)
            for one in self.projects.values()
        )

    # -- the registry ----------------------------------------------------------------------------

    def registry(self, seen: Seen, path: str) -> Answer:
        name = _repository_in(path)
        is_public = (
            bool(name) and name in self.plan.tags and (self.project_of(name).visibility == "public")
        )
        granted = self.issued.get(seen.credential.removeprefix("Bearer "))
        if granted is None or (name and (name, "pull") not in granted and not is_public):
            scope = f',scope="repository:{name}:pull"' if name else ""
            realm = f'Bearer realm="{self.url}/jwt/auth",service="container_registry"{scope}'
            headers = {"WWW-Authenticate": realm, "Gitlab-Container-Registry-Version": "v4.30.0"}
            return error(401, "UNAUTHORIZED", **headers)
        return super().registry(seen, path)

    def _jwt(self, seen: Seen, query: dict[str, list[str]]) -> Answer:
        token = None
        if seen.credential:
            pair = base64.b64decode(seen.credential.removeprefix("Basic ")).decode()
            username, _, secret = pair.partition(":")
            token = self.tokens.get(secret)
            if token is None or (token.username and token.username != username):
                return as_json(
                    {"errors": [{"code": "UNAUTHORIZED", "message": "access forbidden"}]}, 403
                )
        access = []
        for scope in query.get("scope", []):
            kind, _, rest = scope.partition(":")
            name, _, wanted = rest.rpartition(":")
            if kind != "repository" or name not in self.plan.tags:
                continue
            allowed = set(token.actions) if token else set()
            if self.project_of(name).visibility == "public":
                allowed.add("pull")
            actions = [action for action in wanted.split(",") if action in allowed]
            access += [{"type": kind, "name": name, "actions": actions}] if actions else []
        parts = ({"alg": "none"}, {"access": access, "n": len(self.issued)}, {"of": "nobody"})
        value = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in parts
        )
        self.issued[value] = {(one["name"], action) for one in access for action in one["actions"]}
        return as_json({"token": value})

    # -- the interfaces --------------------------------------------------------------------------

    def _content(self, seen: Seen) -> Answer:
        parts = urlsplit(seen.path)
        if parts.path == "/jwt/auth":
            return self._jwt(seen, parse_qs(parts.query))
        if parts.path == "/api/graphql":
            return self._graphql(seen)
        if parts.path.startswith("/api/v4/"):
            if self.rest_down is not None:
                return self.rest_down
            names = [unquote(part) for part in parts.path.removeprefix("/api/v4/").split("/")]
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            return self._rest(seen, names, query)
        return super()._content(seen)

    def _asker(self, seen: Seen) -> tuple[Token | None, bool]:
        """Give whose token was shown, and whether it is one that is taken."""
        shown = {
            "access": seen.headers.get("private-token", ""),
            "job": seen.headers.get("job-token", ""),
            "oauth": seen.credential.removeprefix("Bearer "),
        }
        for sort, secret in shown.items():
            if secret:
                token = self.tokens.get(secret)
                return token, token is not None and token.sort == sort
        return None, True

    def _graphql(self, seen: Seen) -> Answer:
        assert seen.method == "POST"
        if self.graphql_down is not None:
            return self.graphql_down
        token, is_taken = self._asker(seen)
        is_open = token is None or {"api", "read_api"} & set(token.scopes)
        if not is_taken or not is_open or (token and token.sort == "job"):
            return as_json({"errors": [{"message": "Invalid token"}]}, 401)
        return as_json(self.spoil(self.graphql.answer(json.loads(seen.body), token)))

    def _resolve(self, token: Token | None, kind: str, of: Any, name: str, given: Any) -> Any:
        if kind == "Query":
            return self._root(name, given, token)
        if kind == "Namespace":
            return self._namespace(of, name, token)
        if kind == "Group":
            return _numbered(self._below(of, token))
        if kind == "Project":
            return self._project(of, name, given, token)
        if kind == "ContainerRepository":
            return {
                "id": lambda: f"gid://gitlab/ContainerRepository/{self.number_of(of)}",
                "path": lambda: of,
                "project": lambda: self.project_of(of),
            }[name]()
        if kind == "ContainerRepositoryDetails":
            if of in self.broken:
                raise FieldError("Can't connect to the container registry.")
            if name == "size":
                return float(self.size_of(of)) if self.has_metadata else None
            return [(tag, (of, tag)) for tag in sorted(self.plan.tags[of])]
        if kind == "ContainerRepositoryTag":
            node = self.plan.tags[of[0]][of[1]]
            when = pushed_at(node).strftime("%Y-%m-%dT%H:%M:%SZ")
            return {
                "name": of[1],
                "digest": node.digest if self.tells_digests else None,
                "publishedAt": when if self.has_metadata else None,
            }[name]
        if kind == "RootStorageStatistics":
            return self.estimated if name.endswith("IsEstimated") else float(self.size_of(of))
        return of.get(name)

    def _root(self, name: str, given: Any, token: Token | None) -> Any:
        if name == "projects":
            assert given["membership"] is True
            seen = [one for one in self.projects.values() if token is not None]
            return [(cursor_of(one.number), one) for one in seen]
        if name == "containerRepository":
            number = int(given["id"].rpartition("/")[2])
            found = next(one for one in self.plan.tags if self.number_of(one) == number)
            return found if self._sees(self.project_of(found), token) else None
        path = given["fullPath"]
        if name == "project":
            one = self.projects.get(path)
            return one if one and self._sees(one, token) else None
        is_there = self._is_group(path, token)
        return path if is_there or (name == "namespace" and path in self.users_alone) else None

    def _namespace(self, of: str, name: str, token: Token | None) -> Any:
        if name == "rootStorageStatistics":
            return of if token is not None and self.owns and "/" not in of else None
        below = [
            one
            for one in self.projects.values()
            if one.path.startswith(f"{of}/") and self._sees(one, token)
        ]
        return [(cursor_of(one.number), one) for one in below]

    def _project(self, of: Project, name: str, given: Any, token: Token | None) -> Any:
        if name == "containerRepositories":
            if of.access_level == "disabled":
                return None
            wanted = given.get("name") or ""
            below = self._below(of.path, token)
            return _numbered([r for r in below if wanted in r.removeprefix(of.path).lstrip("/")])
        if name == "containerProtectionTagRules":
            rules = of.rules if self.maintains else []
            return [(cursor_of(n), rule) for n, rule in enumerate(rules)]
        if name in ("containerTagsExpirationPolicy", "containerExpirationPolicy"):
            is_hidden = name == "containerExpirationPolicy" and not self.maintains
            return None if of.policy is None or is_hidden else self._policy(of.policy)
        return {"fullPath": of.path, "visibility": of.visibility}[name]

    def _policy(self, policy: dict[str, Any]) -> dict[str, Any]:
        if not self.maintains:
            return {"enabled": policy["enabled"], "nextRunAt": policy["next_run_at"]}
        return {
            "cadence": _CADENCES[policy["cadence"]],
            "enabled": policy["enabled"],
            "keepN": _COUNTS.get(policy["keep_n"]),
            "olderThan": _AGES.get(policy["older_than"]),
            "nameRegex": policy["name_regex"],
            "nameRegexKeep": policy["name_regex_keep"],
            "nextRunAt": policy["next_run_at"],
        }

    def size_of(self, path: str) -> int:
        """Give the bytes of all layers at and below a path, each once."""
        names = [n for n in self.plan.tags if n == path or n.startswith(f"{path}/")]
        blobs = {
            blob.digest: len(blob.data)
            for name in names
            for node in self.held(name).values()
            for blob in node.blobs
        }
        return sum(blobs.values())

    # -- REST ------------------------------------------------------------------------------------

    def _rest(self, seen: Seen, names: list[str], query: dict[str, str]) -> Answer:
        token, is_taken = self._asker(seen)
        if not is_taken:
            return _message(401, "401 Unauthorized")
        if names == ["personal_access_tokens", "self"]:
            return self._self(token)
        if token and token.sort == "access" and not {"api", "read_api"} & set(token.scopes):
            told = "The request requires higher privileges than provided by the access token."
            body = {
                "error": "insufficient_scope",
                "error_description": told,
                "scope": "api read_api",
            }
            return as_json(REST.check("#/definitions/InsufficientScope", body), 403)
        is_registry = "registry" in names and names[0] in ("projects", "registry")
        if token and token.sort == "job" and not is_registry:
            return _message(401, "401 Unauthorized")
        return self._listing(seen, names, query, token)

    def _listing(
        self, seen: Seen, names: list[str], query: dict[str, str], token: Token | None
    ) -> Answer:
        projects = [one for one in self.projects.values() if self._sees(one, token)]
        match names:
            case ["projects"]:
                assert query["membership"] == "true"
                return self._paged(seen, query, [self._rest_project(one) for one in projects])
            case ["projects", path]:
                found = [one for one in projects if path in (one.path, str(one.number))]
                return as_json(self._rest_project(found[0])) if found else _message(404)
            case ["projects", path, "registry", "repositories"]:
                if path not in [one.path for one in projects]:
                    return _message(404, "404 Project Not Found")
                if self.projects[path].access_level == "disabled":
                    return _message(403, "403 Forbidden")
                listed = [r for r in self._below(path, token) if self.project_of(r).path == path]
                return self._paged(seen, query, [self._rest_repository(one) for one in listed])
            case ["groups" | "users" as kind, path, "projects"]:
                is_there = (
                    self._is_group(path, token) if kind == "groups" else (path in self.users_alone)
                )
                if not is_there:
                    return _message(404)
                below = [one for one in projects if one.path.startswith(f"{path}/")]
                return self._paged(seen, query, [self._rest_project(one) for one in below])
            case ["groups", path, "registry", "repositories"]:
                if not self._is_group(path, token):
                    return _message(404, "404 Group Not Found")
                listed = [self._rest_repository(one) for one in self._below(path, token)]
                return self._paged(seen, query, listed)
            case ["registry", "repositories", number]:
                name = next(n for n in self.plan.tags if self.number_of(n) == int(number))
                details = self._rest_repository(name)
                if query.get("size") == "true" and self.has_metadata:
                    details["size"] = self.size_of(name)
                return as_json(REST.check("#/definitions/Repository", details))
        return _message(404)

    def _self(self, token: Token | None) -> Answer:
        if token is None:
            return _message(401, "401 Unauthorized")
        body = {
            "id": 4,
            "name": "regtools",
            "revoked": False,
            "created_at": "2026-07-23T14:31:47.729Z",
            "description": "",
            "scopes": list(token.scopes),
            "user_id": 3,
            "last_used_at": None,
            "active": True,
            "expires_at": token.expires_at,
        }
        return as_json(REST.check("#/definitions/AccessToken", body))

    def _rest_project(self, one: Project) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": one.number,
            "path_with_namespace": one.path,
            "visibility": one.visibility,
            "container_registry_enabled": one.access_level != "disabled",
            "container_registry_access_level": one.access_level,
        }
        if one.policy is not None and self.maintains:
            body["container_expiration_policy"] = one.policy
        return dict(REST.check("#/definitions/Project", body))

    def _rest_repository(self, name: str) -> dict[str, Any]:
        project = self.project_of(name)
        body = {
            "id": self.number_of(name),
            "name": name.removeprefix(project.path).lstrip("/"),
            "path": name,
            "project_id": project.number,
            "location": f"{self.host}/{name}",
            "created_at": CREATED,
            "cleanup_policy_started_at": None,
            "status": None,
        }
        return dict(REST.check("#/definitions/Repository", body))

    def _paged(self, seen: Seen, query: dict[str, str], listed: list[Any]) -> Answer:
        # More than a hundred on a page are cut to a hundred.
        size = min(int(query.get("per_page", "20")), 100)
        number = int(query.get("page", "1"))
        start = (number - 1) * size
        headers: dict[str, Any] = {}
        if start + size < len(listed):
            path = urlsplit(seen.path).path
            following = urlencode({**query, "page": number + 1})
            headers["Link"] = f'<{self.url}{path}?{following}>; rel="next"'
        return as_json(listed[start : start + size], **headers)


def _repository_in(path: str) -> str:
    for part in ("/manifests/", "/blobs/", "/tags/list", "/referrers/"):
        name, found, _ = path.removeprefix("/v2/").rpartition(part)
        if found:
            return name
    return ""


def _numbered(repositories: list[str]) -> list[tuple[str, str]]:
    return [(cursor_of(number), name) for number, name in enumerate(repositories)]


def _message(status: int, text: str = "404 Not Found") -> Answer:
    return as_json(REST.check("#/definitions/Message", {"message": text}), status)


def graphql_queries(seen: list[Seen]) -> Iterator[dict[str, Any]]:
    """Give the bodies of the queries among requests."""
    for one in seen:
        if one.path == "/api/graphql":
            yield json.loads(one.body)
