"""Quay: namespaces, repositories and tags as its endpoints give them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_registry import Answer, Seen, error
from tests.support.retention_plans import Node, Plan
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import Description
from tests.support.vendors.server import VendorServer, as_json

DESCRIPTION = Description("quay_api.json")
PAGE = 100
TITLES = {400: "invalid_request", 401: "invalid_token", 403: "insufficient_scope", 404: "not_found"}


class QuayServer(VendorServer):
    """An organization's OAuth token sees all; a robot pulls; nobody sees what is public."""

    def __init__(
        self, plan: Plan, *, token: str, robot: str = "acme+ci", password: str = "robots"
    ) -> None:
        super().__init__(plan)
        self.token = token
        self.robots = {robot: password}
        self.public = {"acme/app"}
        self.user = "maria"
        self.reads_user = True
        self.administrates = True
        self.counts_quota = True
        self.backfill = "complete"
        self.policies: list[dict[str, Any]] = []
        self.moved: list[str] = []
        """Tags of the first repository that were deleted, and are kept for days."""
        self.api_down: Answer | None = None
        self.change: Callable[[str, Any], Any] = lambda _, data: data
        """Makes an answer odd, after it was checked: from ``tags`` or ``repositories``."""

    def answer(self, seen: Seen) -> Answer:
        """Give tokens for the registry, and let the API see only its own."""
        path = urlsplit(seen.path).path
        if path == "/v2/auth":
            self.seen.append(seen)
            return self._registry_token(seen)
        return super().answer(seen)

    def registry(self, seen: Seen, path: str) -> Answer:
        if not seen.credential.startswith("Bearer of:"):
            realm = f'Bearer realm="{self.url}/v2/auth",service="{self.host}"'
            return error(401, "UNAUTHORIZED", **{"WWW-Authenticate": realm})
        if path == "/v2/_catalog":
            return self._catalog(seen)
        name = re.split(r"/(?:manifests|tags|blobs|referrers)/", path.removeprefix("/v2/"))[0]
        if path != "/v2/" and not self._may_see(
            name, seen.credential.partition(":")[2] != "nobody"
        ):
            return error(401, "UNAUTHORIZED")
        return super().registry(seen, path)

    def _registry_token(self, seen: Seen) -> Answer:
        if not seen.credential:
            return as_json({"token": "of:nobody"})
        user, _, password = (
            base64.b64decode(seen.credential.partition(" ")[2]).decode().partition(":")
        )
        known = {**self.robots, "$oauthtoken": self.token}
        if known.get(user) != password:
            return as_json({"error": "Invalid username or password."}, 401)
        return as_json({"token": f"of:{user}"})

    def _catalog(self, seen: Seen) -> Answer:
        """Give opaque cursors; one that cannot be read is page one, as in Quay."""
        names = [n for n in sorted(self.plan.tags) if "nobody" not in seen.credential]
        query = parse_qs(urlsplit(seen.path).query)
        size = max(min(int(query.get("n", ["100"])[0]), 100), 1)
        cursor = query.get("next_page", query.get("last", [""]))[0]
        start = int(cursor[2:]) if re.fullmatch(r"gA\d+", cursor) else 0
        headers = {}
        if start + size < len(names):
            headers["Link"] = (
                f'<{self.url}/v2/_catalog?n={size}&next_page=gA{start + size}>; rel="next"'
            )
        return as_json({"repositories": names[start : start + size]}, **headers)

    def api(self, seen: Seen, path: str, query: dict[str, str]) -> Answer:
        if self.api_down is not None:
            return self.api_down
        if seen.credential not in ("", f"Bearer {self.token}"):
            return _error(401, "The access token provided was invalid.")
        known = bool(seen.credential)
        path = path.removeprefix("/api/v1")
        if path == "/repository":
            return self._repositories(query, known)
        if match := re.fullmatch(r"/repository/(.+)/tag/", path):
            return self._tags(match[1], query, known)
        if path == "/user/":
            return self._user(known)
        if match := re.fullmatch(r"/organization/([^/]+)", path):
            return self._organization(match[1], known)
        if re.fullmatch(r"/organization/[^/]+/autoprunepolicy/", path) and known:
            if not self.administrates:
                return _error(403, "Unauthorized")
            return self._checked("AutoPrunePolicies", {"policies": self.policies})
        return _error(404, "Not Found")

    def _may_see(self, repository: str, known: bool) -> bool:
        return repository in self.plan.tags and (known or repository in self.public)

    def _repositories(self, query: dict[str, str], known: bool) -> Answer:
        if not query.get("namespace"):
            return _error(400, "namespace, starred or public are required for this API call")
        names = [
            name
            for name in sorted(self.plan.tags)
            if name.startswith(f"{query['namespace']}/") and self._may_see(name, known)
        ]
        token = query.get("next_page", "")
        start = int(token[2:]) if re.fullmatch(r"gA\d+", token) else 0
        shown: dict[str, Any] = {
            "repositories": [self._repository(n) for n in names[start : start + PAGE]]
        }
        if start + PAGE < len(names):
            shown["next_page"] = f"gA{start + PAGE}"
        return self._checked("RepositoryList", shown)

    def _repository(self, full: str) -> dict[str, Any]:
        namespace, _, name = full.partition("/")
        quota = {"quota_bytes": self.stored(full), "configured_quota": None}
        return {
            "namespace": namespace,
            "name": name,
            "description": None,
            "is_public": full in self.public,
            "kind": "image",
            "state": "NORMAL",
            "is_starred": False,
            **({"quota_report": quota} if self.counts_quota else {}),
        }

    def stored(self, *names: str) -> int:
        """Give the bytes of what repositories hold, each blob once."""
        blobs = {
            blob.digest: len(blob.data)
            for name in names
            for node in self.held(name).values()
            for blob in node.blobs
        }
        return sum(blobs.values())

    def _tags(self, name: str, query: dict[str, str], known: bool) -> Answer:
        if not self._may_see(name, known):
            return _error(404, "Not Found") if known else _error(401, "Requires authentication")
        listed = [self._tag(tag, node) for tag, node in self.plan.tags[name].items()]
        if query.get("onlyActiveTags") != "true":
            gone = next(iter(self.plan.tags[name].values()))
            listed += [
                {
                    **self._tag(tag, gone),
                    "end_ts": 1_790_000_000,
                    "expiration": _mail(pushed_at(gone)),
                }
                for tag in self.moved
            ]
        size = min(int(query.get("limit", "50")), PAGE)
        number = int(query.get("page", "1"))
        shown = listed[(number - 1) * size : number * size]
        more = number * size < len(listed)
        return self._checked("TagList", {"tags": shown, "page": number, "has_additional": more})

    def _tag(self, name: str, node: Node) -> dict[str, Any]:
        moment = pushed_at(node)
        sparse = {
            "is_sparse": False,
            "child_manifest_count": len(node.children),
            "present_child_count": len(node.children),
            "child_manifests_presence": {child.digest: True for child in node.children},
        }
        return {
            "name": name,
            "reversion": False,
            "start_ts": int(moment.timestamp()),
            "manifest_digest": node.digest,
            "is_manifest_list": bool(node.children),
            "size": None if node.children else sum(len(blob.data) for blob in node.blobs),
            "last_modified": _mail(moment),
            **(sparse if node.children else {}),
        }

    def _user(self, known: bool) -> Answer:
        if not known or not self.reads_user:
            return _error(401, "Requires authentication")
        names = sorted({name.partition("/")[0] for name in self.plan.tags} - {self.user})
        organizations = [
            {"name": name, "avatar": {}, "can_create_repo": False, "public": False}
            for name in names
        ]
        user = {"anonymous": False, "username": self.user, "avatar": {}}
        return self._checked("User", {**user, "organizations": organizations})

    def _organization(self, name: str, known: bool) -> Answer:
        names = [n for n in self.plan.tags if n.startswith(f"{name}/")]
        if not names or name == self.user:
            return _error(404, "Not Found")
        shown: dict[str, Any] = {
            "name": name,
            "email": "",
            "avatar": {},
            "is_admin": self.administrates,
            "is_member": known,
        }
        if known and self.counts_quota:
            shown["quotas"] = []
            shown["quota_report"] = {
                "quota_bytes": self.stored(*names),
                "configured_quota": 10_000_000,
                "running_backfill": self.backfill,
                "backfill_status": self.backfill,
            }
        return self._checked("Organization", shown)

    def _checked(self, name: str, data: Any) -> Answer:
        checked = DESCRIPTION.check(f"#/definitions/{name}", data)
        return as_json(self.change(name, json.loads(json.dumps(checked))))


def _mail(moment: datetime) -> str:
    # What Python's formatdate writes for UTC, as Quay does.
    return format_datetime(moment).replace("+0000", "-0000")


def _error(status: int, message: str) -> Answer:
    body = {
        "detail": message,
        "error_message": message,
        "error_type": TITLES[status],
        "title": TITLES[status],
        "type": f"http://quay/api/v1/error/{TITLES[status]}",
        "status": status,
    }
    return as_json(DESCRIPTION.check("#/definitions/Error", body), status)
