"""Google Artifact Registry: its REST API, the registry with its token server, and Google's own."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jsonschema import Draft202012Validator
from tests.support.fake_registry import Answer, FakeRegistry, Seen, error, fake_registry
from tests.support.retention_plans import Node, Plan
from tests.support.vendors.content import pushed_at
from tests.support.vendors.description import FOLDER
from tests.support.vendors.server import VendorServer, as_json

TOKEN = "ya29.token-of-the-test"
# The generated client's description does not say which fields are lists, and of what (the API's
# reference, cloud.google.com/artifact-registry/docs/reference/rest, 2026-11).
LISTS = {"repositories": "Repository", "dockerImages": "DockerImage", "tags": "string"}


@cache
def _messages() -> dict[str, Any]:
    text = (FOLDER / "artifactregistry_v1_subset.json").read_text(encoding="utf-8")
    return json.loads(text)["messages"]


@cache
def _schema(message: str) -> dict[str, Any]:
    """Turn a message of Google's description into JSON Schema: no field but those it has."""
    fields = _messages()[message]["fields"]
    plain = {
        "StringField": {"type": "string"},
        "EnumField": {"type": "string", "pattern": "^[A-Z_]+$"},
        "BooleanField": {"type": "boolean"},
        "IntegerField": {"type": "string", "pattern": "^-?[0-9]+$"},  # int64 travels as text
        "MessageField": {"type": "object"},
    }
    properties: dict[str, Any] = {name: plain[one["type"]] for name, one in fields.items()}
    for name in properties.keys() & LISTS.keys():
        kind = LISTS[name]
        items = {"type": "string"} if kind == "string" else _schema(kind)
        properties[name] = {"type": "array", "items": items}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def check(message: str, data: Any) -> Any:
    """Give the data back, once it is such a message."""
    Draft202012Validator(_schema(message)).validate(data)
    return data


class GoogleServer(VendorServer):
    """One project's registry at one location, with the REST API below ``/v1``.

    Its plan's names are ``PROJECT/REPOSITORY/IMAGE``. Only an access token opens the API; the
    registry takes a token from ``/v2/token`` for that, or for the key of a service account.
    """

    location = "europe-west3"

    def __init__(self, plan: Plan, *, token: str = TOKEN) -> None:
        self.tokens_known = {token}
        self.keys: set[str] = set()
        self.public: set[str] = set()
        self.page_size_most = 1000
        self.api_down: Answer | None = None
        self.settings: dict[str, Any] = {}
        self.others: list[dict[str, Any]] = []
        self.permissions = {"artifactregistry.dockerimages.list"}
        self.prefix_parts = 2
        super().__init__(plan)

    @property
    def api_paths(self) -> list[str]:
        """Requests to the REST API."""
        return [seen.path for seen in self.seen if seen.path.startswith("/v1/")]

    def google_repositories(self) -> dict[str, list[str]]:
        """``PROJECT/REPOSITORY`` → the names in it."""
        found: dict[str, list[str]] = {}
        for name in self.plan.tags:
            prefix = "/".join(name.split("/")[: self.prefix_parts])
            found.setdefault(prefix, []).append(name)
        return found

    # --- the registry

    def registry(self, seen: Seen, path: str) -> Answer:
        if path == "/v2/token":
            return self._token(seen)
        if path != "/v2/" and any(path.startswith(f"/v2/{name}/") for name in self.public):
            pass
        elif not self._is_let_in(seen):
            scope = f',scope="{_scope_of(path)}"' if path != "/v2/" else ""
            challenge = f'Bearer realm="{self.url}/v2/token",service="{self.host}"{scope}'
            return error(401, "UNAUTHORIZED", **{"WWW-Authenticate": challenge})
        if path.endswith("/tags/list"):
            return self._tags_list(path.removeprefix("/v2/").removesuffix("/tags/list"))
        if path == "/v2/_catalog":
            return error(403, "DENIED")
        return super().registry(seen, path)

    def _token(self, seen: Seen) -> Answer:
        scheme, _, pair = seen.credential.partition(" ")
        user, _, secret = base64.b64decode(pair).decode().partition(":") if pair else ("", "", "")
        is_known = (user == "oauth2accesstoken" and secret in self.tokens_known) or (
            user in ("_json_key", "_json_key_base64") and secret in self.keys
        )
        if scheme and not is_known:
            return error(401, "UNAUTHORIZED")
        return as_json({"token": "registry-token" if is_known else "anonymous", "expires_in": 3600})

    def _is_let_in(self, seen: Seen) -> bool:
        return seen.credential == "Bearer registry-token"

    def _tags_list(self, name: str) -> Answer:
        below = {
            one.removeprefix(f"{name}/").partition("/")[0]
            for one in self.plan.tags
            if one.startswith(f"{name}/")
        }
        if not below and name not in self.plan.tags:
            return error(404, "NAME_UNKNOWN")
        manifest = {
            digest: {
                "imageSizeBytes": str(sum(len(blob.data) for blob in node.blobs)),
                "layerId": "",
                "mediaType": node.content.media_type,
                "tag": self.tags_on(name, digest),
                "timeCreatedMs": "1595895577054",
                "timeUploadedMs": str(round(pushed_at(node).timestamp() * 1000)),
            }
            for digest, node in self.held(name).items()
        }
        for digest in list(manifest):
            if not manifest[digest]["tag"]:
                del manifest[digest]["tag"]
        tags = list(self.plan.tags.get(name, {}))
        return as_json({"child": sorted(below), "manifest": manifest, "name": name, "tags": tags})

    # --- the API

    def api(self, seen: Seen, path: str, query: dict[str, str]) -> Answer:
        if seen.credential.removeprefix("Bearer ") not in self.tokens_known:
            return _google_error(401, "UNAUTHENTICATED", "Request had invalid credentials.")
        if self.api_down is not None:
            return self.api_down
        path = path.removeprefix("/v1")
        if match := re.fullmatch(r"/projects/([^/]+)/locations", path):
            shown = {"locationId": self.location, "name": f"{path[1:]}/{self.location}"}
            return as_json({"locations": [shown]})
        if match := re.fullmatch(r"/projects/([^/]+)/locations/([^/]+)/repositories", path):
            wanted = [p for p in self.google_repositories() if self._project(p) == match[1]]
            listed = [self._repository(prefix) for prefix in wanted] + self.others
            return self._paged(query, "repositories", "ListRepositoriesResponse", listed)
        if match := re.fullmatch(r"/(projects/.+/repositories/[^/:]+)(.*)", path):
            found = [p for p in self.google_repositories() if self._resource(p) == match[1]]
            if not found:
                return _google_error(404, "NOT_FOUND", "Requested entity was not found.")
            return self._one(seen, query, found[0], match[2])
        return _google_error(404, "NOT_FOUND", "no such path")

    def _one(self, seen: Seen, query: dict[str, str], prefix: str, rest: str) -> Answer:
        if rest == "":
            return as_json(check("Repository", self._repository(prefix)))
        if rest == "/dockerImages":
            listed = [
                image for name in self.google_repositories()[prefix] for image in self.images(name)
            ]
            return self._paged(query, "dockerImages", "ListDockerImagesResponse", listed)
        if rest == ":testIamPermissions" and seen.method == "POST":
            asked = json.loads(seen.body)["permissions"]
            held = [name for name in asked if name in self.permissions]
            return as_json({"permissions": held} if held else {})
        return _google_error(404, "NOT_FOUND", "no such path")

    def _project(self, prefix: str) -> str:
        project = prefix.split("/")[: self.prefix_parts - 1]
        return ":".join(project)

    def _resource(self, prefix: str) -> str:
        repository = prefix.rpartition("/")[2]
        return (
            f"projects/{self._project(prefix)}/locations/{self.location}/repositories/{repository}"
        )

    def _repository(self, prefix: str) -> dict[str, Any]:
        blobs = {
            blob.digest: len(blob.data)
            for name in self.google_repositories()[prefix]
            for node in self.held(name).values()
            for blob in (*node.blobs, node.content)
        }
        return {
            "name": self._resource(prefix),
            "format": "DOCKER",
            "mode": "STANDARD_REPOSITORY",
            "sizeBytes": str(sum(blobs.values())),
            "createTime": "2026-01-01T00:00:00.123456Z",
            "updateTime": "2026-11-01T00:00:00.123456Z",
            "registryUri": f"{self.location}-docker.pkg.dev/{prefix}",
            **self.settings,
        }

    def images(self, name: str) -> list[dict[str, Any]]:
        """Give a name's images as the API lists them."""
        prefix = "/".join(name.split("/")[: self.prefix_parts])
        image = quote(name.removeprefix(f"{prefix}/"), safe="")
        return [self._image(prefix, image, name, node) for node in self.held(name).values()]

    def _image(self, prefix: str, image: str, name: str, node: Node) -> dict[str, Any]:
        uploaded = pushed_at(node).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        tags = self.tags_on(name, node.digest)
        return {
            "name": f"{self._resource(prefix)}/dockerImages/{image}@{node.digest}",
            "uri": f"{self.location}-docker.pkg.dev/{prefix}/{image}@{node.digest}",
            # Protocol buffers leave empty lists out.
            **({"tags": tags} if tags else {}),
            "imageSizeBytes": str(sum(len(blob.data) for blob in node.blobs)),
            "uploadTime": uploaded,
            "updateTime": uploaded,
            "mediaType": node.content.media_type,
        }

    def _paged(
        self, query: dict[str, str], key: str, message: str, listed: list[dict[str, Any]]
    ) -> Answer:
        size = min(int(query.get("pageSize", "100")), self.page_size_most)
        start = int(query.get("pageToken", "0"))
        page: dict[str, Any] = {}
        if listed[start : start + size]:
            page[key] = listed[start : start + size]
        if start + size < len(listed):
            page["nextPageToken"] = str(start + size)
        return as_json(check(message, page))


def _scope_of(path: str) -> str:
    if path == "/v2/_catalog":
        return "registry:catalog:*"
    name = re.sub(r"/(?:tags/list|manifests/.*|blobs/.*)$", "", path.removeprefix("/v2/"))
    return f"repository:{name}:pull"


def _google_error(status: int, code: str, message: str) -> Answer:
    return as_json({"error": {"code": status, "message": message, "status": code}}, status)


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(slots=True)
class TokenMaker:
    """Google's token server: it gives access tokens for assertions that a key has signed."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: _key())
    email: str = "scanner@acme.iam.gserviceaccount.com"
    server: FakeRegistry = field(default_factory=FakeRegistry)
    given: list[str] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    expires_in: int = 3600
    refuses: Answer | None = None

    def key_file(self, **fields: str) -> dict[str, str]:
        """Give what Google gives whoever makes a key."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": "acme",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": self.email,
            "client_id": "1",
            "token_uri": f"{self.server.url}/token",
            **fields,
        }

    def answer(self, seen: Seen) -> Answer:
        """Verify an assertion as RFC 7523 has it, or a refresh token, and give a token."""
        if self.refuses is not None:
            return self.refuses
        form = {name: one[0] for name, one in parse_qs(seen.body.decode()).items()}
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            self.assertions.append(self._verified(form["assertion"]))
        elif form.get("refresh_token") != "refresh-of-the-test":
            return as_json({"error": "invalid_grant", "error_description": "no"}, 400)
        token = f"ya29.number-{len(self.given)}"
        self.given.append(token)
        return as_json(
            {"access_token": token, "expires_in": self.expires_in, "token_type": "Bearer"}
        )

    def _verified(self, assertion: str) -> dict[str, Any]:
        head, claims, signature = assertion.split(".")
        self.key.public_key().verify(
            _unpadded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        assert json.loads(_unpadded(head))["alg"] == "RS256"
        data: dict[str, Any] = json.loads(_unpadded(claims))
        assert data["iss"] == self.email
        return data


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def token_maker() -> Iterator[TokenMaker]:
    """Run Google's token server until the block ends."""
    maker = TokenMaker()
    maker.server.hook = maker.answer
    with fake_registry(fake=maker.server):
        yield maker


def write_key(file: Path, key: dict[str, str]) -> Path:
    """Write a key to a file."""
    file.write_text(json.dumps(key))
    return file
