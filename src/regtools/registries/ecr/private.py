"""Amazon Elastic Container Registry, the private registries of accounts.

Lists by: AWS's API (``DescribeRepositories``, ``DescribeImages``: a thousand on a page, tags and
digests together); ``_catalog`` works too. Authenticates by: Basic, user ``AWS`` and a token of 12
hours (``GetAuthorizationToken``), which the AWS credentials give. Dedup scope: the repository. Where
an account has switched on "blob mounting", layers pushed since may be shared with other repositories,
so that this is the most that can be stored (AWS documentation, Blob mounting, 2026-11).

Archived images cannot be pulled (their manifests answer 404), so that they are no part of an
inventory; their bytes are summed where the settings ask for it. An index has the size of its
largest image, so that sizes are not added up here (botocore's description, 2026-11).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import anyio

from regtools.errors import DeniedError, RegistryError, UnreachableError
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

POLICIES_AT_ONCE: Final = 8
_VENDOR: Final = "Amazon ECR"
_HOST: Final = (
    r"(?P<account>\d{12})\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?P<suffix>amazonaws\.com(?:\.cn)?|on\.aws)"
)
_IMMUTABLE: Final = {"IMMUTABLE": True, "MUTABLE": False, "MUTABLE_WITH_EXCLUSION": False}
"""With exclusions, an immutable repository has tags that can be moved: nothing is said of it."""


class EcrInventory:
    """What ECR tells of the registry of one account in one region."""

    def __init__(self, api: Api, place: Place) -> None:
        self._place = place
        self._aws = _aws(api, place)
        host = re.fullmatch(_HOST, place.registry)
        self._account = {"registryId": host["account"]} if host else {}
        self._policies_hidden = False
        self._archived: Counter[str] = Counter()

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the repositories below the path, with their lifecycle policies where allowed."""
        async for page in self._pages():
            read = read_all(page, _repository, vendor=_VENDOR, place="repositories")
            wanted = [one for one in read.items if self._place.holds(one.name)]
            yield Read(items=await self._with_policies(wanted), problems=read.problems)

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give a repository's images, tagged or not; parts of an index are among them."""
        status = "ANY" if self._place.archived else "ACTIVE"
        async for page in self._aws.pages(
            "DescribeImages",
            "imageDetails",
            repositoryName=repository.name,
            filter={"tagStatus": "ANY", "imageStatus": status},
            **self._account,
        ):
            read = read_all(page, _image, vendor=_VENDOR, place="imageDetails")
            self._archived[repository.name] += sum(one.archived for one in read.items)
            found = [one.version for one in read.items if one.version is not None]
            yield Read(items=found, problems=read.problems)

    async def reported(self) -> Read[ReportedBytes]:
        """Give the bytes of archived images, where they were asked for."""
        return Read(
            items=[
                ReportedBytes(
                    scope="repository",
                    name=name,
                    kind="archived",
                    size=size,
                    source="ecr:DescribeImages, imageStatus ARCHIVED",
                )
                for name, size in self._archived.items()
                if size
            ]
        )

    async def is_archived(self, repository: str, reference: str) -> bool:
        """Look for an image among the archived ones of its repository."""
        async for page in self._aws.pages(
            "DescribeImages",
            "imageDetails",
            repositoryName=repository,
            filter={"tagStatus": "ANY", "imageStatus": "ARCHIVED"},
            **self._account,
        ):
            read = read_all(page, _names, vendor=_VENDOR, place="imageDetails")
            if any(reference in names for names in read.items):
                return True
        return False

    async def rights(self) -> Rights | None:
        """Give when a token that is fetched now ends, and whether repositories may be listed."""
        return await self._aws.rights()

    async def _pages(self) -> AsyncIterator[object]:
        """Give all repositories; only the one named, where nobody lets us see the others."""
        try:
            async for page in self._aws.pages(
                "DescribeRepositories", "repositories", **self._account
            ):
                yield page
        except DeniedError:
            if not self._place.path:
                raise
            answer = await self._aws.ask(
                "DescribeRepositories", repositoryNames=[self._place.path], **self._account
            )
            yield answer.get("repositories")

    async def _with_policies(
        self, repositories: Sequence[ListedRepository]
    ) -> list[ListedRepository]:
        found: dict[str, str | None] = {}
        room = anyio.CapacityLimiter(POLICIES_AT_ONCE)

        async def one(name: str) -> None:
            async with room:
                found[name] = await self._policy(name)

        try:
            async with anyio.create_task_group() as group:
                for repository in repositories:
                    group.start_soon(one, repository.name)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [replace(one, cleanup_policy=found[one.name]) for one in repositories]

    async def _policy(self, name: str) -> str | None:
        """Give a repository's lifecycle policy; None where it has none, or it is hidden."""
        if self._policies_hidden:
            return None
        try:
            answer = await self._aws.ask("GetLifecyclePolicy", repositoryName=name, **self._account)
            return Entry(answer, vendor=_VENDOR, place="").optional_text("lifecyclePolicyText")
        except DeniedError:
            self._policies_hidden = True  # Nor is it likely to be shown for the next one.
        except (RegistryError, UnreachableError):
            pass
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    version: ListedVersion | None
    archived: int
    """Its bytes, where it is archived."""


def _repository(entry: Entry) -> ListedRepository:
    return ListedRepository(
        name=entry.repository("repositoryName"),
        visibility="private",
        immutable=_IMMUTABLE.get(entry.optional_text("imageTagMutability") or ""),
    )


def _image(entry: Entry) -> _Image:
    if entry.optional_text("imageStatus") == "ARCHIVED":
        return _Image(version=None, archived=entry.size("imageSizeInBytes") or 0)
    version = ListedVersion(
        digest=entry.digest("imageDigest"),
        tags=tuple(ListedTag(name=name) for name in entry.tags("imageTags")),
        pushed_at=entry.time("imagePushedAt"),
        pulled_at=entry.time("lastRecordedPullTime"),
    )
    return _Image(version=version, archived=0)


def _names(entry: Entry) -> tuple[str, ...]:
    return (entry.digest("imageDigest"), *entry.tags("imageTags"))


def _aws(api: Api, place: Place) -> Aws:
    host = re.fullmatch(_HOST, place.registry)
    region = host["region"] if host else ""
    return Aws(api, place, service="ecr", region=region, vendor=_VENDOR)


def _open(api: Api, place: Place) -> Inventory:
    return EcrInventory(api, place)


async def _login(api: Api, place: Place) -> Login:
    return await _aws(api, place).login()


def api_address(registry: str) -> str | None:
    """Give where AWS's API for a registry is (AWS documentation, ECR endpoints, 2026-11).

    Examples
    --------
    >>> api_address("123456789012.dkr.ecr.eu-central-1.amazonaws.com")
    'https://api.ecr.eu-central-1.amazonaws.com'
    >>> api_address("123456789012.dkr-ecr.eu-central-1.on.aws")
    'https://ecr.eu-central-1.api.aws'
    """
    host = re.fullmatch(_HOST, registry)
    if host is None:
        return None
    suffix = "api.aws" if host["suffix"] == "on.aws" else host["suffix"]
    name = "ecr-fips" if host["fips"] else "ecr" if suffix == "api.aws" else "api.ecr"
    return f"https://{name}.{host['region']}.{suffix}"


ECR = RegistryKind(
    name="ecr",
    title="Amazon ECR",
    dedup_scope="repository",
    hosts=(_HOST,),
    page="https://{region}.console.aws.amazon.com/ecr/repositories/private/{account}/{repository}"
    "?region={region}",
    tag_page="https://{region}.console.aws.amazon.com/ecr/repositories/private/{account}/{repository}"
    "/_/image/{digest}/details?region={region}",
    registry_page="https://{region}.console.aws.amazon.com/ecr/private-registry/repositories"
    "?region={region}",
    ui_actions=("list", "delete", "cleanup"),
    ui_note="AWS's console; a private repository stays private",
    authenticates="AWS credentials, or user AWS and the token of `aws ecr get-login-password`",
    credentials=(
        CredentialShape(
            title="IAM access key",
            username=r"(?:AKIA|ASIA)[A-Z0-9]{12,}",
            mistake="The registry takes no access keys: the user name is AWS, and the password is "
            'a token (`aws ecr get-login-password`). Write password = "aws" to have it fetched.',
        ),
        CredentialShape(title="authorization token", username="AWS", expires_in="12 hours"),
    ),
    mistake="A token of `aws ecr get-login-password` ends after 12 hours, and `docker login` keeps "
    "the old one: log in again, or use docker-credential-ecr-login. It holds for one region: that "
    "of the registry's name. Getting one needs ecr:GetAuthorizationToken on resource *.",
    lists="AWS's API, or the catalog",
    cloud="aws",
    vendor=VendorApi(
        open=_open,
        address=api_address,
        sign_in=signed,
        is_needed=False,
        registry_login=_login,
        tells=(
            "repositories",
            "untagged",
            "pushed",
            "pulled",
            "visibility",
            "immutable",
            "cleanup",
        ),
        credential="AWS credentials that may ecr:DescribeRepositories and ecr:DescribeImages",
    ),
)
