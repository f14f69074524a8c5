"""Docker Hub: the registry, which counts pulls, and its API on another host."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_registry import Answer, Seen, error
from tests.support.retention_plans import Plan
from tests.support.vendors.bearer import BearerServer
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import Description
from tests.support.vendors.server import VendorServer, as_json, serving

DESCRIPTION = Description("dockerhub_subset.yaml")
NEVER = "0001-01-01T00:00:00Z"


class HubRegistry(BearerServer):
    """The registry itself. GET of a manifest is a pull, HEAD is none."""

    service = "registry.docker.io"
    catalog = False

    def __init__(self, plan: Plan, *, user: str, password: str) -> None:
        super().__init__(plan, user=user, password=password)
        self.pulls_left: int | None = 5_000
        """None: this account's pulls are not limited, and no header tells of them."""

    def registry(self, seen: Seen, path: str) -> Answer:
        if "/manifests/" not in path or self.pulls_left is None:
            return super().registry(seen, path)
        if seen.method == "GET":
            with self._lock:
                if self.pulls_left <= 0:
                    return self._no_more()
                self.pulls_left -= 1
        answer = super().registry(seen, path)
        answer.headers.update(self._limits())
        return answer

    def _limits(self) -> dict[str, str]:
        return {
            "ratelimit-limit": "5000;w=21600",
            "ratelimit-remaining": f"{self.pulls_left};w=21600",
            "docker-ratelimit-source": "192.0.2.1",
        }

    def _no_more(self) -> Answer:
        words = "You have reached your pull rate limit."
        return error(429, "TOOMANYREQUESTS", words, **self._limits())


class HubApi(VendorServer):
    """The API: tokens of its own, pages that name the next one."""

    def __init__(self, registry: HubRegistry) -> None:
        super().__init__(registry.plan)
        self.accounts = registry.accounts
        self.private = registry.private
        self.scopes: str | None = "repo:read"
        self.lists_private = True
        self.pulled_at: dict[str, datetime] = {}
        self.rules: list[str] | None = None
        self.without_digest: set[str] = set()
        """Tags whose digest is not told."""
        self.images_as_object = False
        self.down: Answer | None = None
        self.sign_ins = 0
        self._tokens: set[str] = set()

    def end_tokens(self) -> None:
        """Let ten minutes pass."""
        self._tokens.clear()

    def registry(self, seen: Seen, path: str) -> Answer:
        """Everything here is the API; it begins with ``/v2`` as well."""
        if path == "/v2/auth/token":
            return self._sign_in(seen)
        known = seen.credential.removeprefix("Bearer ")
        if seen.credential and known not in self._tokens:
            return _refused(401, "unauthorized")
        if self.down is not None:
            return self.down
        query = {
            name: int(values[-1]) for name, values in parse_qs(urlsplit(seen.path).query).items()
        }
        answer = self._asked(path, query, known=bool(seen.credential))
        answer.headers.update({"X-RateLimit-Limit": "180", "X-RateLimit-Remaining": "179"})
        return answer

    def _asked(self, path: str, query: dict[str, int], *, known: bool) -> Answer:
        base = "/v2/namespaces/([^/]+)/repositories"
        if match := re.fullmatch(base, path):
            names = [n for n in sorted(self.plan.tags) if n.startswith(f"{match[1]}/")]
            shown = [n for n in names if n not in self.private or (known and self.lists_private)]
            return self._page("list_repositories_response", path, query, shown, self._entry)
        if match := re.fullmatch(f"{base}/([^/]+)", path):
            name = f"{match[1]}/{match[2]}"
            if not self._is_seen(name, known=known):
                return _refused(404, "object not found")
            return as_json(DESCRIPTION.check(_schema("repository_info"), self._info(name)))
        if match := re.fullmatch(f"{base}/([^/]+)/tags", path):
            name = f"{match[1]}/{match[2]}"
            if not self._is_seen(name, known=known):
                return _refused(404, "object not found")
            tags = list(self.plan.tags[name])
            return self._page("paginated_tags", path, query, tags, lambda tag: self._tag(name, tag))
        return _refused(404, "no such path")

    def _is_seen(self, name: str, *, known: bool) -> bool:
        return name in self.plan.tags and (known or name not in self.private)

    def _sign_in(self, seen: Seen) -> Answer:
        asked = DESCRIPTION.check(_schema("AuthCreateTokenRequest"), json.loads(seen.body))
        if self.accounts.get(asked["identifier"]) != asked["secret"]:
            return _refused(401, "incorrect authentication credentials")
        claims = {"exp": 1_800_000_000, "jti": str(self.sign_ins)}
        claims |= {} if self.scopes is None else {"scope": self.scopes}
        parts = [{"alg": "none"}, claims]
        token = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts)
        token = f"{token}.c2lnbmF0dXJl"
        self._tokens.add(token)
        self.sign_ins += 1
        body = {"access_token": token}
        return as_json(DESCRIPTION.check(_schema("AuthCreateTokenResponse"), body))

    def _page(
        self,
        schema: str,
        path: str,
        query: dict[str, int],
        listed: list[str],
        shown: Callable[[str], Any],
    ) -> Answer:
        number, size = query.get("page", 1), query.get("page_size", 10)
        if size > 100:
            return _refused(400, "page_size is too large")
        start = (number - 1) * size
        if start and start >= len(listed):
            return _refused(404, "page is too high")
        more = start + size < len(listed)
        body = {
            "count": len(listed),
            "next": f"{self.url}{path}?page={number + 1}&page_size={size}" if more else None,
            "previous": f"{self.url}{path}?page={number - 1}&page_size={size}" if start else None,
            "results": [shown(name) for name in listed[start : start + size]],
        }
        return as_json(DESCRIPTION.check(_schema(schema), body))

    def _entry(self, name: str) -> dict[str, Any]:
        namespace, _, short = name.partition("/")
        return {
            "name": short,
            "namespace": namespace,
            "repository_type": "image",
            "status": 1,
            "status_description": "active",
            "description": "",
            "is_private": name in self.private,
            "star_count": 0,
            "pull_count": 17,
            "last_updated": "2026-11-01T10:00:00.123456Z",
            "date_registered": "2026-01-01T00:00:00Z",
            "affiliation": "",
            "media_types": [],
            "content_types": ["image"],
            "categories": [],
            "storage_size": 123_456,
        }

    def _info(self, name: str) -> dict[str, Any]:
        return {
            **self._entry(name),
            "user": name.partition("/")[0],
            "is_automated": False,
            "collaborator_count": 0,
            "has_starred": False,
            "permissions": {"read": True, "write": False, "admin": False},
            "immutable_tags_settings": {
                "enabled": self.rules is not None,
                "rules": self.rules or [".*"],
            },
        }

    def _tag(self, repository: str, tag: str) -> dict[str, Any]:
        node = self.plan.tags[repository][tag]
        pushed = _time(pushed_at(node))
        pulled = self.pulled_at.get(tag)
        when = _time(pulled) if pulled else NEVER
        images: Any = [
            {
                "architecture": "amd64",
                "features": "",
                "variant": None,
                "digest": one.digest,
                "os": "linux",
                "os_features": "",
                "os_version": None,
                "size": sum(len(blob.data) for blob in one.blobs),
                "status": "active",
                "last_pulled": when,
                "last_pushed": pushed,
            }
            for one in (node.children or (node,))
        ]
        told = {} if tag in self.without_digest else {"digest": node.digest}
        return {
            "id": 1,
            "name": tag,
            "creator": 1,
            "images": images[0] if self.images_as_object else images,
            "last_updated": pushed,
            "last_updater": 1,
            "last_updater_username": "ci",
            "repository": 1,
            "full_size": 3_400,
            "v2": True,
            "tag_status": "inactive",
            "tag_last_pulled": when,
            "tag_last_pushed": pushed,
            "media_type": node.content.media_type,
            "content_type": "image",
            **told,
        }


@contextmanager
def docker_hub(plan: Plan, *, user: str, password: str) -> Iterator[tuple[HubRegistry, HubApi]]:
    """Run both until the block ends."""
    registry = HubRegistry(plan, user=user, password=password)
    with serving(registry), serving(HubApi(registry)) as api:
        yield registry, api


def _schema(name: str) -> str:
    return f"#/components/schemas/{name}"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _refused(status: int, message: str) -> Answer:
    return as_json(DESCRIPTION.check(_schema("error"), {"detail": message}), status)
