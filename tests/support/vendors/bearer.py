"""A vendor's registry with a token server on its own host, as GHCR and Docker Hub have one."""

from __future__ import annotations

import base64
import itertools
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_registry import Answer, Seen, error
from tests.support.retention_plans import Plan
from tests.support.vendors.server import VendorServer, as_json


class BearerServer(VendorServer):
    """Lets anybody pull what is public, and its users pull everything."""

    service = "fake"

    def __init__(self, plan: Plan, *, user: str, password: str) -> None:
        super().__init__(plan)
        self.accounts = {user: password}
        self.private: set[str] = set()
        """Repositories that only users may pull."""
        self._tokens: dict[str, set[str]] = {}
        self._numbers = itertools.count()

    def _content(self, seen: Seen) -> Answer:
        parts = urlsplit(seen.path)
        if parts.path == "/token":
            return self._token(seen, parse_qs(parts.query))
        if not parts.path.startswith("/v2"):
            return super()._content(seen)
        scope = self._scope(parts.path)
        token = seen.credential.removeprefix("Bearer ")
        if token not in self._tokens or (scope and scope not in self._tokens[token]):
            return self._challenge(scope)
        return super()._content(seen)

    def _challenge(self, scope: str) -> Answer:
        asked = f',scope="{scope}"' if scope else ""
        realm = f'Bearer realm="{self.url}/token",service="{self.service}"{asked}'
        return error(401, "UNAUTHORIZED", **{"WWW-Authenticate": realm})

    def _token(self, seen: Seen, query: dict[str, list[str]]) -> Answer:
        user = ""
        if seen.credential:
            pair = base64.b64decode(seen.credential.removeprefix("Basic ")).decode()
            user, _, password = pair.partition(":")
            if self.accounts.get(user) != password:
                return as_json({"details": "incorrect username or password"}, 401)
        scopes = {one for entry in query.get("scope", []) for one in entry.split(" ")}
        token = f"bearer-{next(self._numbers)}"
        self._tokens[token] = {one for one in scopes if user or self._is_public(one)}
        return as_json({"token": token, "expires_in": 300})

    def _is_public(self, scope: str) -> bool:
        return scope.split(":")[1] not in self.private

    @staticmethod
    def _scope(path: str) -> str:
        for part in ("/manifests/", "/blobs/", "/tags/", "/referrers/"):
            if part in path:
                name = path.removeprefix("/v2/").rpartition(part)[0]
                return f"repository:{name}:pull"
        return "registry:catalog:*" if path.startswith("/v2/_catalog") else ""
