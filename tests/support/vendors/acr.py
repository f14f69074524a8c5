"""Azure Container Registry: its own API and token endpoints, as Microsoft describes them."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.support.fake_registry import Answer, Seen
from tests.support.retention_plans import Node, Plan
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import Description
from tests.support.vendors.server import VendorServer, as_json

DESCRIPTION = Description("acr_dataplane.yaml")
NOBODY = "00000000-0000-0000-0000-000000000000"
TENANT = "409520d4-8100-4d1d-ad47-72432ddcc120"


def unsigned(**claims: Any) -> str:
    """Give a JSON Web Token that nobody has to believe."""
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*texts, "c2lnbmVk"])


class AcrServer(VendorServer):
    """A registry with an admin user, service principals, and people of one tenant.

    Rights are by user: a set of repositories, or None for all and the catalog.
    """

    def __init__(self, plan: Plan, *, users: dict[str, str] | None = None) -> None:
        super().__init__(plan)
        self.passwords = users or {"harbourline": "admin-password"}
        self.rights: dict[str, set[str] | None] = {}
        self.page_size = 100
        self.locked: set[str] = set()
        self.locked_tags: set[tuple[str, str]] = set()
        self.api_down: Answer | None = None
        self.capitals = False
        self.entra = unsigned(
            aud="https://containerregistry.azure.net",
            iss=f"https://sts.windows.net/{TENANT}/",
            tid=TENANT,
            exp=int(time.time()) + 3600,
        )
        self.exchanges = 0

    @property
    def refresh(self) -> str:
        """The identity token of whoever shows the Entra token."""
        actions = {"Actions" if self.capitals else "actions": ["read"]}
        return unsigned(
            iss="Azure Container Registry",
            aud=self.host,
            grant_type="refresh_token",
            sub="somebody",
            permissions=actions,
        )

    @property
    def api_paths(self) -> list[str]:
        """Requests to the API that were let in."""
        return [s.path for s in self.seen if s.path.startswith("/acr/") and s.credential]

    def answer(self, seen: Seen) -> Answer:
        """Let nobody in without a token of the scope that is needed."""
        return super().answer(seen)

    def _content(self, seen: Seen) -> Answer:
        parts = urlsplit(seen.path)
        path = unquote(parts.path)
        form = {name: one[0] for name, one in parse_qs(seen.body.decode(), True).items()}
        if path == "/oauth2/exchange" and seen.method == "POST":
            return self._exchange(form)
        if path == "/oauth2/token":
            return self._token(seen, form, parse_qs(parts.query))
        scope = _needed(path)
        if not self._is_let_in(seen, scope):
            told = f',scope="{scope}"' if scope else ""
            return _error(
                401,
                "UNAUTHORIZED",
                "authentication required, visit https://aka.ms/acr/authorization",
                WWW_Authenticate=f'Bearer realm="{self.url}/oauth2/token",service="{self.host}"{told}',
            )
        return super()._content(seen)

    def _exchange(self, form: dict[str, str]) -> Answer:
        DESCRIPTION.check("#/definitions/ExchangeForm", form)
        self.exchanges += 1
        if form["access_token"] != self.entra or form["service"] != self.host:
            return _error(401, "UNAUTHORIZED", "the token is not for this registry")
        return as_json(
            DESCRIPTION.check("#/definitions/RefreshToken", {"refresh_token": self.refresh})
        )

    def _token(self, seen: Seen, form: dict[str, str], query: dict[str, list[str]]) -> Answer:
        if seen.method == "POST":
            DESCRIPTION.check("#/definitions/TokenForm", form)
            if form["refresh_token"] != self.refresh:
                return _error(401, "UNAUTHORIZED", "the refresh token is not known")
            user, scopes = "somebody", form["scope"].split()
        else:
            pair = base64.b64decode(seen.credential.removeprefix("Basic ")).decode()
            user, _, password = pair.partition(":")
            is_identity = user == NOBODY and password == self.refresh
            if not is_identity and self.passwords.get(user) != password:
                return _error(401, "UNAUTHORIZED", "authentication failed")
            scopes = query.get("scope", [])
        names = ("Type", "Name", "Actions") if self.capitals else ("type", "name", "actions")
        access = [
            dict(zip(names, entry, strict=True))
            for scope in scopes
            if (entry := self._granted(user, scope))
        ]
        token = unsigned(iss="Azure Container Registry", sub=user, access=access, aud=self.host)
        return as_json(DESCRIPTION.check("#/definitions/AccessToken", {"access_token": token}))

    def _granted(self, user: str, scope: str) -> tuple[str, str, list[str]] | None:
        kind, _, rest = scope.partition(":")
        name, _, wanted = rest.rpartition(":")
        rights = self.rights.get(user)
        if kind == "registry":
            return (kind, name, ["*"]) if rights is None else None
        actions = [one for one in wanted.split(",") if one in ("pull", "metadata_read")]
        return (kind, name, actions) if rights is None or name in rights else None

    def _is_let_in(self, seen: Seen, scope: str) -> bool:
        scheme, _, token = seen.credential.partition(" ")
        if scheme != "Bearer":
            return False
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        kind, _, rest = scope.partition(":")
        name, _, action = rest.rpartition(":")
        granted = [list(one.values()) for one in claims["access"]]
        return not scope or any(
            one[:2] == [kind, name] and (action in one[2] or "*" in one[2]) for one in granted
        )

    def api(self, seen: Seen, path: str, query: dict[str, str]) -> Answer:
        if self.api_down is not None:
            return self.api_down
        if path == "/acr/v1/_catalog":
            names = sorted(self.plan.tags)
            page, link = self._cut(path, query, names, names)
            body = {"repositories": page}
            return as_json(DESCRIPTION.check("#/definitions/Repositories", body), **link)
        if match := re.fullmatch(r"/acr/v1/(.+)/_tags", path):
            if match[1] not in self.plan.tags:
                return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
            named = sorted(self.plan.tags[match[1]].items())
            route = f"/acr/v1/{quote(match[1])}/_tags"
            page, link = self._cut(route, query, named, [tag for tag, _ in named])
            tags = [self.tag(match[1], tag, node) for tag, node in page]
            body = {"registry": self.host, "imageName": match[1], "tags": tags}
            return as_json(DESCRIPTION.check("#/definitions/Tags", body), **link)
        if match := re.fullmatch(r"/acr/v1/(.+)/_manifests", path):
            if match[1] not in self.plan.tags:
                return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
            nodes = sorted(self.held(match[1]).values(), key=lambda node: node.digest)
            route = f"/acr/v1/{quote(match[1])}/_manifests"
            page, link = self._cut(route, query, nodes, [node.digest for node in nodes])
            listed = [self.manifest(match[1], node) for node in page]
            body = {"registry": self.host, "imageName": match[1], "manifests": listed}
            return as_json(DESCRIPTION.check("#/definitions/Manifests", body), **link)
        if match := re.fullmatch(r"/acr/v1/(.+)", path):
            if match[1] not in self.plan.tags:
                return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
            return as_json(DESCRIPTION.check("#/definitions/Repository", self._about(match[1])))
        return _error(404, "NOT_FOUND", "no such path")

    def _cut(
        self, path: str, query: dict[str, str], listed: list[Any], keys: list[str]
    ) -> tuple[list[Any], dict[str, str]]:
        """Cut a page, with the relative ``Link`` that Microsoft's documentation shows."""
        size = min(int(query.get("n", "100")), self.page_size or 100)
        start = keys.index(query["last"]) + 1 if "last" in query else 0
        page = listed[start : start + size]
        if start + size >= len(listed):
            return page, {}
        last = quote(keys[start + size - 1], safe="")
        return page, {"Link": f'<{path}?last={last}&n={size}&orderby=>; rel="next"'}

    def manifest(self, name: str, node: Node) -> dict[str, Any]:
        """Give a manifest as the API lists it."""
        tags = self.tags_on(name, node.digest)
        when = f"{pushed_at(node):%Y-%m-%dT%H:%M:%S}.9983915Z"
        parts = [
            {"digest": c.digest, "architecture": "amd64", "os": "linux"} for c in node.children
        ]
        return {
            "digest": node.digest,
            "imageSize": sum(len(blob.data) for blob in node.blobs),
            "createdTime": when,
            "lastUpdateTime": when,
            "architecture": None if parts else "amd64",
            "os": None if parts else "linux",
            "mediaType": node.content.media_type,
            **({"references": parts} if parts else {}),
            **({"tags": tags} if tags else {}),
            "changeableAttributes": self._attributes(name),
        }

    def tag(self, name: str, tag: str, node: Node) -> dict[str, Any]:
        """Give a tag as the API lists it."""
        when = f"{pushed_at(node):%Y-%m-%dT%H:%M:%S}.9983915Z"
        attributes = self._attributes(name)
        if (name, tag) in self.locked_tags:
            attributes |= {"deleteEnabled": False, "writeEnabled": False}
        return {
            "name": tag,
            "digest": node.digest,
            "createdTime": when,
            "lastUpdateTime": when,
            "changeableAttributes": attributes,
        }

    def _about(self, name: str) -> dict[str, Any]:
        return {
            "registry": self.host,
            "imageName": name,
            "createdTime": "2018-09-06T06:17:20.9531248Z",
            "lastUpdateTime": "2018-09-07T16:30:46.6583219Z",
            "manifestCount": len(self.held(name)),
            "tagCount": len(self.plan.tags[name]),
            "changeableAttributes": self._attributes(name),
        }

    def _attributes(self, name: str) -> dict[str, bool]:
        free = name not in self.locked
        return {
            "deleteEnabled": free,
            "writeEnabled": free,
            "listEnabled": True,
            "readEnabled": True,
        }


def _needed(path: str) -> str:
    """Give the scope that a path needs (recorded challenges of Microsoft's own client tests)."""
    if path.endswith("/_catalog"):
        return "registry:catalog:*"
    if match := re.fullmatch(r"/acr/v1/(.+?)(?:/_manifests|/_tags)?", path):
        return f"repository:{match[1]}:metadata_read"
    if match := re.fullmatch(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)/.+", path):
        return f"repository:{match[1]}:pull"
    return ""


def _error(status: int, code: str, message: str, **headers: Any) -> Answer:
    body = {"errors": [{"code": code, "message": message}]}
    return as_json(DESCRIPTION.check("#/definitions/Errors", body), status, **headers)
