"""zot: the registry's own lists, and its search extension beside them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_registry import Answer, Seen, error
from tests.support.retention_plans import Node, Plan
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import Description
from tests.support.vendors.server import VendorServer, as_json

DESCRIPTION = Description("zot_search.json")
TYPES = {"ImageList": "PaginatedImagesResult", "RepoListWithNewestImage": "PaginatedReposResult"}
SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}\.sig")
NEVER = "0001-01-01T00:00:00Z"


class ZotServer(VendorServer):
    """Shows everything to whoever may log in; its search leaves signatures out, as zot's does."""

    def __init__(self, plan: Plan, *, user: str = "ci", password: str = "pw") -> None:
        super().__init__(plan)
        self.users = {user: password}
        self.search_down: Answer | None = None
        self.pulled_at: dict[str, datetime] = {}
        self.attached: dict[str, list[Node]] = {}
        self.unknown_fields: set[str] = set()
        """Fields that an older zot has not."""

    def attach(self, repository: str, subject: Node, referrer: Node) -> None:
        """Hold something without a tag that names its subject."""
        self.attached.setdefault(subject.digest, []).append(referrer)
        self.hold(repository, referrer)

    def registry(self, seen: Seen, path: str) -> Answer:
        if path == "/v2/_zot/ext/search":
            query = parse_qs(urlsplit(seen.path).query)["query"][0]
            return self.search_down or self._search(query)
        name, _, digest = path.removeprefix("/v2/").rpartition("/referrers/")
        if name:
            found = [node.descriptors[0] for node in self.attached.get(digest, ())]
            index = "application/vnd.oci.image.index.v1+json"
            return Answer(
                body=json.dumps(
                    {"schemaVersion": 2, "mediaType": index, "manifests": found}
                ).encode(),
                headers={"Content-Type": index},
            )
        return super().registry(seen, path)

    def _search(self, query: str) -> Answer:
        data: dict[str, Any] = {}
        for name, arguments, selection in _fields(query):
            unknown = self.unknown_fields & set(re.findall(r"\w+", selection))
            if name not in TYPES or unknown:
                said = f'Cannot query field "{min(unknown or {name})}" on type "ImageSummary".'
                return as_json({"errors": [{"message": said}], "data": None}, 422)
            found = self._images(arguments) if name == "ImageList" else self._summaries()
            data[name] = self._paged(name, found, arguments, selection)
        return as_json({"data": data})

    def _paged(self, name: str, found: list[Any], arguments: str, selection: str) -> Any:
        limit, offset = (int(_argument(arguments, key) or 0) for key in ("limit", "offset"))
        shown = found[offset : offset + limit] if limit or offset else found
        page = {"TotalCount": len(found), "ItemCount": len(shown)}
        asked = set(re.findall(r"\w+", selection))
        whole = DESCRIPTION.check(f"#/definitions/{TYPES[name]}", {"Page": page, "Results": shown})
        return _only(whole, asked)

    def _images(self, arguments: str) -> list[Any]:
        repo = _argument(arguments, "repo")
        return [
            self._image(name, tag, node)
            for name, tags in sorted(self.plan.tags.items())
            for tag, node in sorted(tags.items())
            if repo in ("", name) and not SIGNATURE.fullmatch(tag)
        ]

    def _image(self, repository: str, tag: str, node: Node) -> dict[str, Any]:
        pulled = self.pulled_at.get(node.digest)
        return {
            "RepoName": repository,
            "Tag": tag,
            "Digest": node.digest,
            "PushTimestamp": pushed_at(node).isoformat(),
            "LastPullTimestamp": pulled.isoformat() if pulled else NEVER,
            "IsSigned": self._is_signed(repository, node),
            "Referrers": self._referrers(node),
            "Manifests": [
                {"IsSigned": self._is_signed(repository, one), "Referrers": self._referrers(one)}
                for one in (node.children or (node,))
            ],
        }

    def _is_signed(self, repository: str, node: Node) -> bool:
        return f"{node.digest.replace(':', '-')}.sig" in self.plan.tags[repository]

    def _referrers(self, node: Node) -> list[dict[str, str]]:
        return [{"Digest": one.digest} for one in self.attached.get(node.digest, ())]

    def _summaries(self) -> list[Any]:
        return [
            {"Name": name, "Size": str(self.stored(name)), "DownloadCount": 23}
            for name, tags in sorted(self.plan.tags.items())
            if tags
        ]

    def stored(self, repository: str) -> int:
        """Give the bytes of what a repository holds, each blob once."""
        blobs = {
            blob.digest: len(blob.data)
            for node in self.held(repository).values()
            for blob in (*node.blobs, node.content)
        }
        return sum(blobs.values())


def _fields(query: str) -> list[tuple[str, str, str]]:
    """Give each question of a query: its name, its arguments, and what is wanted of it."""
    found = []
    for match in re.finditer(r"(\w+)\(((?:[^()\"]|\"(?:[^\"\\]|\\.)*\")*)\) \{", query):
        depth, end = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(query[end], 0)
            end += 1
        found.append((match[1], match[2], query[match.end() : end]))
    return found


def _argument(arguments: str, name: str) -> str:
    match = re.search(rf'{name}: (?:"((?:[^"\\]|\\.)*)"|(\w+))', arguments)
    return "" if match is None else json.loads(f'"{match[1] or match[2] or ""}"')


def _only(data: Any, asked: set[str]) -> Any:
    if isinstance(data, list):
        return [_only(one, asked) for one in data]
    if isinstance(data, dict):
        return {key: _only(value, asked) for key, value in data.items() if key in asked}
    return data


def not_there() -> Answer:
    """Give what a zot without the extension says."""
    return error(404, "NOT_FOUND")
