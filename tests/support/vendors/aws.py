"""AWS's API for ECR, in front of moto, and for ECR Public, which moto has not.

moto's server holds repositories, images and policies; it gives everything at once, so that pages,
filters and what it does not know (times of pulls, archived images) are put on here. What is asked
and answered is held against botocore's own description.
"""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import botocore.session
import httpx
from botocore.validate import ParamValidator
from moto.ecr.models import ecr_backends
from moto.server import ThreadedMotoServer
from tests.support.fake_registry import Answer, FakeRegistry, Seen
from tests.support.retention_plans import Plan
from tests.support.vendors.content import pushed_at
from tests.support.vendors.server import VendorServer, as_json

ACCOUNT = "123456789012"
REGION = "eu-central-1"
SECRET_KEY = "aws-s3cret-of-the-test"
SESSION_TOKEN = "aws-session-of-the-test"
PASSWORD = f"{ACCOUNT}-auth-token"
"""What moto gives as the registry's password."""
_LISTS = {
    "DescribeRepositories": "repositories",
    "DescribeRegistries": "registries",
    "DescribeImages": "imageDetails",
    "ListImages": "imageIds",
}


@cache
def model(service: str) -> Any:
    """Give botocore's description of a service."""
    return botocore.session.Session().get_service_model(service)


def check(shape: Any, data: Any) -> None:
    """Refuse what is not of this shape."""
    report = ParamValidator().validate(data, shape)
    assert not report.has_errors(), report.generate_report()


class AwsServer(FakeRegistry, ABC):
    """One service: every question is remembered, checked, answered, checked, and cut into pages."""

    service = ""

    def __init__(self) -> None:
        super().__init__()
        self.page_size_most = 1000
        self.denied: set[str] = set()
        self.answers: dict[str, list[Answer]] = {}
        """Operation → answers to give first, in the place of the true one."""
        self.faults: list[Exception] = []

    @property
    def asked(self) -> list[str]:
        """Operations, in the order in which they came."""
        return [seen.headers["x-amz-target"].rpartition(".")[2] for seen in self.seen]

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        try:
            return self._answer(seen)
        except Exception as error:
            self.faults.append(error)
            raise

    def _answer(self, seen: Seen) -> Answer:
        description = model(self.service)
        prefix, _, operation = seen.headers["x-amz-target"].rpartition(".")
        assert prefix == description.metadata["targetPrefix"]
        shapes = description.operation_model(operation)
        asked = json.loads(seen.body)
        check(shapes.input_shape, asked)
        if self.answers.get(operation):
            return self.answers[operation].pop(0)
        if operation in self.denied:
            return refused("AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized")
        given = self.operation(operation, asked, seen)
        if isinstance(given, Answer):
            return given
        key = _LISTS.get(operation)
        page = self._page_of(given, key, asked) if key else given
        check(shapes.output_shape, page)
        return as_json(page)

    @abstractmethod
    def operation(self, name: str, asked: dict[str, Any], seen: Seen) -> dict[str, Any] | Answer:
        """Answer one question whole."""

    def _page_of(self, given: dict[str, Any], key: str, asked: dict[str, Any]) -> dict[str, Any]:
        size = min(asked.get("maxResults", 100), self.page_size_most)
        start = int(base64.b64decode(asked.get("nextToken", "")) or b"0")
        page = {key: given[key][start : start + size]}
        if start + size < len(given[key]):
            page["nextToken"] = base64.b64encode(str(start + size).encode()).decode()
        return page


class EcrFront(AwsServer):
    """Private ECR: moto's, with pages, filters, times of pulls and an archive."""

    service = "ecr"

    def __init__(self, moto: str) -> None:
        super().__init__()
        self.moto = httpx.Client(base_url=moto, trust_env=False)
        self.pulled_at: dict[str, datetime] = {}
        self.archived: set[str] = set()

    def operation(self, name: str, asked: dict[str, Any], seen: Seen) -> dict[str, Any] | Answer:
        kept = ("x-amz-target", "authorization", "content-type", "x-amz-date")
        headers = {key: seen.headers[key] for key in kept if key in seen.headers}
        answer = self.moto.post("/", content=seen.body, headers=headers)
        if answer.status_code != 200:
            body = answer.content
            return Answer(answer.status_code, body, {"Content-Type": "application/x-amz-json-1.1"})
        data: dict[str, Any] = answer.json()
        data.pop("failures", None)  # moto's own
        if name == "DescribeImages":
            told = [self._told(image) for image in data["imageDetails"]]
            data["imageDetails"] = [one for one in told if _fits(one, asked.get("filter", {}))]
        return data

    def _told(self, image: dict[str, Any]) -> dict[str, Any]:
        digest = image["imageDigest"]
        known = {key: value for key, value in image.items() if value is not None}
        known.pop("imageScanStatus", None)
        known.pop("imageScanFindingsSummary", None)
        known["imageStatus"] = "ARCHIVED" if digest in self.archived else "ACTIVE"
        if digest in self.pulled_at:
            known["lastRecordedPullTime"] = self.pulled_at[digest].timestamp()
        return known


def _fits(image: dict[str, Any], wanted: dict[str, str]) -> bool:
    # Without a filter, archived images are left out (botocore's description of `imageStatus`).
    status = wanted.get("imageStatus", "ACTIVE")
    tagged = "TAGGED" if image.get("imageTags") else "UNTAGGED"
    return status in ("ANY", image["imageStatus"]) and (
        wanted.get("tagStatus", "ANY") in ("ANY", tagged)
    )


class EcrPublicFront(AwsServer):
    """ECR Public, as its owner sees it: what a plan holds below the owner's alias."""

    service = "ecr-public"

    def __init__(self, plan: Plan, held: VendorServer, *, alias: str = "acme") -> None:
        super().__init__()
        self.plan = plan
        self.held = held
        self.alias = alias

    def operation(self, name: str, asked: dict[str, Any], seen: Seen) -> dict[str, Any] | Answer:
        answers = {
            "DescribeRegistries": self._registries,
            "DescribeRepositories": self._repositories,
            "DescribeImages": self._images,
            "GetAuthorizationToken": self._token,
        }
        return answers[name](asked)

    def _registries(self, asked: dict[str, Any]) -> dict[str, Any]:
        alias = {
            "name": self.alias,
            "status": "ACTIVE",
            "primaryRegistryAlias": True,
            "defaultRegistryAlias": False,
        }
        registry = {
            "registryId": ACCOUNT,
            "registryArn": f"arn:aws:ecr-public::{ACCOUNT}:registry/{ACCOUNT}",
            "registryUri": f"public.ecr.aws/{self.alias}",
            "verified": False,
            "aliases": [alias],
        }
        return {"registries": [registry]}

    def _repositories(self, asked: dict[str, Any]) -> dict[str, Any]:
        names = [path.partition("/")[2] for path in self.plan.tags]
        listed = [
            {
                "repositoryArn": f"arn:aws:ecr-public::{ACCOUNT}:repository/{name}",
                "registryId": ACCOUNT,
                "repositoryName": name,
                "repositoryUri": f"public.ecr.aws/{self.alias}/{name}",
                "createdAt": 1_700_000_000.0,
            }
            for name in names
        ]
        return {"repositories": listed}

    def _images(self, asked: dict[str, Any]) -> dict[str, Any] | Answer:
        path = f"{self.alias}/{asked['repositoryName']}"
        if path not in self.plan.tags:
            return refused("RepositoryNotFoundException", "not here", status=400)
        return {
            "imageDetails": [
                {
                    "registryId": ACCOUNT,
                    "repositoryName": asked["repositoryName"],
                    "imageDigest": node.digest,
                    **({"imageTags": tags} if (tags := self.held.tags_on(path, digest)) else {}),
                    "imageSizeInBytes": sum(len(blob.data) for blob in node.blobs),
                    "imagePushedAt": pushed_at(node).timestamp(),
                    "imageManifestMediaType": node.content.media_type,
                }
                for digest, node in self.held.held(path).items()
            ]
        }

    def _token(self, asked: dict[str, Any]) -> dict[str, Any]:
        pair = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
        ends = datetime.now(UTC) + timedelta(hours=12)
        return {"authorizationData": {"authorizationToken": pair, "expiresAt": ends.timestamp()}}


class EcrPublicServer(VendorServer):
    """``public.ecr.aws``: a token for anybody, with or without a password."""

    catalog = False

    def answer(self, seen: Seen) -> Answer:
        if seen.path.startswith("/token/"):
            self.seen.append(seen)
            wanted = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
            if seen.credential not in ("", None, f"Basic {wanted}"):
                return as_json({"errors": [{"code": "DENIED", "message": "no"}]}, 401)
            return as_json({"token": "known" if seen.credential else "anybody"})
        if seen.credential not in ("Bearer known", "Bearer anybody"):
            self.seen.append(seen)
            challenge = f'Bearer realm="{self.url}/token/",service="public.ecr.aws",scope="aws"'
            return Answer(401, b"", {"WWW-Authenticate": challenge})
        return super().answer(seen)


def refused(code: str, message: str = "", *, status: int = 400) -> Answer:
    """Make an error as AWS's JSON protocol has it."""
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(status, body, {"Content-Type": "application/x-amz-json-1.1"})


@contextmanager
def moto_server() -> Iterator[str]:
    """Run moto until the block ends; give its address."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()
    forget()


def forget() -> None:
    """Take everything out of moto."""
    ecr_backends.reset()


def ecr_client(url: str) -> Any:
    """Give boto3's own client, for what a test does as an owner."""
    return boto3.client(
        "ecr",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def put(client: Any, server: VendorServer) -> None:
    """Push all that a server holds to ECR: the same manifests, with the same digests."""
    for name in server.plan.tags:
        client.create_repository(repositoryName=name)
        for digest, node in server.held(name).items():
            for tag in server.tags_on(name, digest) or [None]:
                client.put_image(
                    repositoryName=name,
                    imageManifest=node.content.data.decode(),
                    imageManifestMediaType=node.content.media_type,
                    imageDigest=node.digest,
                    **({"imageTag": tag} if tag else {}),
                )


def put_at_once(server: VendorServer) -> None:
    """The same without a request for each image."""
    backend = ecr_backends[ACCOUNT][REGION]
    for name in server.plan.tags:
        backend.create_repository(name, None, None, None, "MUTABLE", [])  # type: ignore[arg-type]
        for digest, node in server.held(name).items():
            text, media_type = node.content.data.decode(), node.content.media_type
            for tag in server.tags_on(name, digest) or [None]:
                backend.put_image(name, text, tag, media_type, digest)  # type: ignore[arg-type]
