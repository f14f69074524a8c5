"""Amazon ECR Public, ``public.ecr.aws``.

Lists by: AWS's API in us-east-1, and only to the owner of what is listed; there is no catalog.
Authenticates by: bearer tokens from ``public.ecr.aws/token``, for anybody, or for user ``AWS`` and
a token of 12 hours (``GetAuthorizationToken``; needs ``sts:GetServiceBearerToken``). Dedup scope:
the repository. It tells no pulls, no time of the last one, and has no lifecycle policies (botocore's
description of ``ecr-public``, 2026-11). ``DescribeImages`` has every tag with its digest, so that
``DescribeImageTags`` is not asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from regtools.errors import DeniedError
from regtools.registries._base import RegistryKind
from regtools.registries.ecr.aws import Aws, signed
from regtools.registries.entry import Entry, Read, read_all
from regtools.registries.listing import (
    Api,
    CredentialShape,
    Inventory,
    ListedRepository,
    ListedTag,
    ListedVersion,
    Login,
    Place,
    ReportedBytes,
    Rights,
    VendorApi,
)

REGION: Final = "us-east-1"
_VENDOR: Final = "Amazon ECR Public"
_HOSTS: Final = (r"public\.ecr\.aws", r"ecr-public\.aws\.com")


class EcrPublicInventory:
    """What ECR Public tells an account of its own repositories."""

    def __init__(self, api: Api, place: Place) -> None:
        self._place = place
        self._aws = _aws(api, place)

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the account's repositories.

        Raises
        ------
        DeniedError
            Code ``AWS_NOT_OWNER``: the path is somebody else's.
        """
        await self._require_owner()
        async for page in self._aws.pages("DescribeRepositories", "repositories"):
            yield read_all(page, _repository, vendor=_VENDOR, place="repositories")

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's images, tagged or not; parts of an index are among them."""
        async for page in self._aws.pages(
            "DescribeImages", "imageDetails", repositoryName=repository.key
        ):
            yield read_all(page, _version, vendor=_VENDOR, place="imageDetails")

    async def reported(self) -> Read[ReportedBytes]:
        """Nothing: ECR Public tells no sums."""
        return Read()

    async def rights(self) -> Rights | None:
        """Give when a token that is fetched now ends, and whether repositories may be listed."""
        return await self._aws.rights()

    async def _require_owner(self) -> None:
        alias = self._place.path.partition("/")[0]
        if not alias:
            return
        async for page in self._aws.pages("DescribeRegistries", "registries"):
            read = read_all(page, _aliases, vendor=_VENDOR, place="registries")
            if any(alias in aliases for aliases in read.items):
                return
        raise DeniedError(
            f"{alias} on {self._place.registry} is not of this AWS account, and only its owner "
            "may list it.",
            code="AWS_NOT_OWNER",
            remedy="Name one repository, or use the owner's credentials.",
        )


def _aliases(entry: Entry) -> list[str]:
    return [alias.text("name") for alias in entry.entries("aliases")]


def _repository(entry: Entry) -> ListedRepository:
    # Its name lacks the alias, which is a part of the path: public.ecr.aws/ALIAS/NAME.
    path = {"path": entry.text("repositoryUri").partition("/")[2]}
    return ListedRepository(
        name=Entry(path, vendor=_VENDOR, place="repositoryUri").repository("path"),
        key=entry.text("repositoryName"),
        visibility="public",
    )


def _version(entry: Entry) -> ListedVersion:
    return ListedVersion(
        digest=entry.digest("imageDigest"),
        tags=tuple(ListedTag(name=name) for name in entry.tags("imageTags")),
        pushed_at=entry.time("imagePushedAt"),
    )


def _aws(api: Api, place: Place) -> Aws:
    return Aws(api, place, service="ecr-public", region=REGION, vendor=_VENDOR)


def _open(api: Api, place: Place) -> Inventory:
    return EcrPublicInventory(api, place)


async def _login(api: Api, place: Place) -> Login:
    return await _aws(api, place).login()


def api_address(registry: str) -> str:
    """Give where AWS's API is: in one region, for both names of the registry."""
    if registry == "ecr-public.aws.com":  # the name with IPv6
        return f"https://ecr-public.{REGION}.api.aws"
    return f"https://api.ecr-public.{REGION}.amazonaws.com"


ECR_PUBLIC = RegistryKind(
    name="ecr-public",
    title="Amazon ECR Public",
    dedup_scope="repository",
    hosts=_HOSTS,
    page="https://gallery.ecr.aws/{repository}",
    ui_actions=("list", "delete"),
    ui_note="the gallery shows, AWS's console deletes; a public repository stays public",
    authenticates="nothing; AWS credentials for more pulls and for listing",
    credentials=(
        CredentialShape(title="authorization token", username="AWS", expires_in="12 hours"),
    ),
    mistake="A token for ECR Public is another one than for ECR: `aws ecr-public "
    "get-login-password --region us-east-1`. Getting one needs ecr-public:GetAuthorizationToken "
    "and sts:GetServiceBearerToken. It ends after 12 hours; without any, public images can be "
    "pulled all the same: `docker logout public.ecr.aws`.",
    lists="AWS's API, to the owner",
    cloud="aws",
    vendor=VendorApi(
        open=_open,
        address=api_address,
        sign_in=signed,
        is_needed=False,
        registry_login=_login,
        tells=("repositories", "untagged", "pushed", "visibility"),
        credential="AWS credentials of the owner that may ecr-public:DescribeRepositories, "
        "ecr-public:DescribeRegistries and ecr-public:DescribeImages",
    ),
)
