"""Google Artifact Registry, and the ``gcr.io`` names that it serves since Container Registry ended.

Lists by: Artifact Registry's REST API, which tells all images of one of its repositories by the
thousand, untagged ones too; where it refuses, by Google's own extension of ``tags/list`` at the
registry. Authenticates by: a token from the registry's ``/v2/token`` for ``oauth2accesstoken`` and
an access token (an hour), or ``_json_key`` and a service account's key. Dedup scope: Google's
repository, which holds many of what everybody else calls repositories.

Sources: Artifact Registry API v1 (its description, and the pages of the client libraries: 1,000 on
a page at most; whole numbers are texts); cloud.google.com/artifact-registry, "Repository and image
names" (a project of a domain, ``example.com:app``, is ``example.com/app`` in a name) and "gcr.io
repositories" (which host is which location); looked up 2026-11. The extension: go-containerregistry,
``pkg/v1/google/list.go``.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote

from regtools.errors import (
    ConfigError,
    InvalidReferenceError,
    MalformedAnswerError,
    NotFoundError,
)
from regtools.reference import parse_digest, parse_repository, parse_tag
from regtools.registries._base import RegistryKind
from regtools.registries.entry import Entry, Read, odd, read_all
from regtools.registries.listing import (
    Api,
    CredentialShape,
    Inventory,
    ListedRepository,
    ListedTag,
    ListedVersion,
    Place,
    ReportedBytes,
    Rights,
    VendorApi,
    bearer,
)

PAGE_SIZE: Final = 1000
MOST_REPOSITORIES: Final = 100_000
"""Names that a walk through ``tags/list`` follows; a registry that has more never ends."""
PERMISSIONS: Final = {
    "list": "artifactregistry.dockerimages.list",
    "pull": "artifactregistry.repositories.downloadArtifacts",
    "push": "artifactregistry.repositories.uploadArtifacts",
    "delete": "artifactregistry.repositories.deleteArtifacts",
}
"""What Google's permissions mean here."""
GCR_LOCATIONS: Final = {
    "gcr.io": "us",
    "us.gcr.io": "us",
    "eu.gcr.io": "europe",
    "asia.gcr.io": "asia",
}
"""Where the repository with the host's own name is."""
_VENDOR: Final = "Artifact Registry"
_PKG_DEV: Final = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleName:
    """What a host and a path mean to Google; what they do not say is empty."""

    location: str = ""
    project: str = ""
    """``example.com:app`` where the project is a domain's."""
    repository: str = ""
    is_gcr: bool = False
    """Whether names have no repository: the host is it."""

    @property
    def resource(self) -> str:
        """The repository's name in the API, as far as it is known."""
        return f"/projects/{quote(self.project, safe=':')}/locations/{self.location}/repositories/{self.repository}"

    @property
    def prefix(self) -> str:
        """What the names of its images begin with."""
        project = self.project.replace(":", "/")
        return project if self.is_gcr else f"{project}/{self.repository}"


def google_name(registry: str, path: str) -> GoogleName:
    """Read what is meant by a host and a path.

    Examples
    --------
    >>> google_name("europe-west3-docker.pkg.dev", "acme/apps/api/server").resource
    '/projects/acme/locations/europe-west3/repositories/apps'
    >>> google_name("eu.gcr.io", "example.com/app/api").resource
    '/projects/example.com:app/locations/europe/repositories/eu.gcr.io'
    """
    host = registry.partition(":")[0]
    parts = path.split("/") if path else []
    project = parts.pop(0) if parts else ""
    if "." in project:
        # Only a domain has a point in it: project ids are letters, digits and hyphens.
        project = f"{project}:{parts.pop(0)}" if parts else ""
    match = _PKG_DEV.fullmatch(host)
    if host in GCR_LOCATIONS:
        return GoogleName(
            location=GCR_LOCATIONS[host], project=project, repository=host, is_gcr=True
        )
    return GoogleName(
        location=match[1] if match else "",
        project=project,
        repository=parts[0] if parts else "",
    )


class ArtifactRegistryInventory:
    """What the REST API tells of a project's repositories, or of one of them."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._name = google_name(place.registry, place.path)
        self._versions: dict[str, list[ListedVersion]] = {}
        self._sums: list[ReportedBytes] = []

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Give the images of each Docker repository; its pages tell their versions as well."""
        if not self._name.project:
            raise _project_missing(self._place.registry)
        async for page in self._google_repositories():
            if page.problems:
                yield Read(problems=page.problems)
            for entry in page.items:
                # A virtual repository holds nothing: it shows what others hold.
                if entry.text("format") == "DOCKER" and entry.optional_text("mode") != _VIRTUAL:
                    yield await self._images(entry)

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give what has come with the pages of images already."""
        yield Read(items=self._versions.pop(repository.name, []))

    async def reported(self) -> Read[ReportedBytes]:
        """Give what each repository stores: what Google bills by."""
        return Read(items=self._sums)

    async def rights(self) -> Rights | None:
        """Ask which of a few permissions the credential has on the repository."""
        resource = await self._resource()
        if resource is None:
            return None
        answer = await self._api.post(
            f"/{quote(resource, safe='/:')}:testIamPermissions",
            what="what the credential may do",
            body={"permissions": list(PERMISSIONS.values())},
        )
        held = Entry(answer.data, vendor=_VENDOR, place="").texts("permissions")
        return Rights(
            granted={action: name in held for action, name in PERMISSIONS.items()},
            scopes=held,
            source="POST …/repositories/{repository}:testIamPermissions",
        )

    async def _resource(self) -> str | None:
        """Give the API's name of the one repository that is meant, None where none is."""
        if not self._name.repository:
            return None
        if self._name.location:
            return self._name.resource.removeprefix("/")
        async for page in self._google_repositories():
            for entry in page.items:
                return entry.text("name")
        return None

    async def _google_repositories(self) -> AsyncIterator[Read[Entry]]:
        """Give the repositories that are meant."""
        name = self._name
        if name.repository and name.location:
            what = f"the repository {name.repository}"
            answer = await self._api.get(name.resource, what=what)
            yield Read(items=[Entry(answer.data, vendor=_VENDOR, place="repository")])
            return
        for location in [name.location] if name.location else await self._locations():
            path = replace(name, location=location, repository="").resource.rstrip("/")
            what = f"the repositories of {name.project} in {location}"
            async for page in self._pages(path, "repositories", what):
                read = read_all(
                    page.raw("repositories"),
                    lambda entry: entry,
                    vendor=_VENDOR,
                    place="repositories",
                )
                wanted = name.repository
                read.items = [
                    entry
                    for entry in read.items
                    if not wanted or entry.text("name").endswith(f"/{wanted}")
                ]
                yield read

    async def _locations(self) -> list[str]:
        """Give all locations: the host, an address of the user's own, does not tell which."""
        path = f"/projects/{quote(self._name.project, safe=':')}/locations"
        found: list[str] = []
        async for page in self._pages(path, "locations", f"the locations of {self._name.project}"):
            found += [entry.text("locationId") for entry in page.entries("locations")]
        if not found:
            raise odd(_VENDOR, "locations", "is missing")
        return found

    async def _images(self, repository: Entry) -> Read[ListedRepository]:
        """Read all images of one repository; a name's versions are kept until they are asked for."""
        resource = repository.text("name")
        whole = replace(self._name, repository=resource.rpartition("/")[2])
        size = repository.size("sizeBytes")
        if size is not None:
            self._sums.append(
                ReportedBytes(
                    scope="namespace",
                    name=whole.prefix,
                    kind="storage",
                    size=size,
                    source="GET /v1/projects/{p}/locations/{l}/repositories/{r}: sizeBytes",
                )
            )
        docker = repository.entry("dockerConfig")
        immutable = docker.flag("immutableTags") if docker else None
        policy = _cleanup_policy(repository)
        read: Read[ListedRepository] = Read()
        path = f"/{quote(resource, safe='/:')}/dockerImages"
        async for page in self._pages(path, "dockerImages", f"the images of {whole.prefix}"):
            images = read_all(
                page.raw("dockerImages"),
                lambda entry: _image(entry, whole.prefix, locked=immutable),
                vendor=_VENDOR,
                place="dockerImages",
            )
            read.problems += images.problems
            for name, version in images.items:
                if name not in self._versions:
                    self._versions[name] = []
                    read.items.append(
                        ListedRepository(
                            name=name, immutable=bool(immutable), cleanup_policy=policy
                        )
                    )
                self._versions[name].append(version)
        return read

    async def _pages(self, path: str, key: str, what: str) -> AsyncIterator[Entry]:
        """Give the pages of a list; one whose token comes again would never end."""
        token, seen = "", set[str]()
        while True:
            parameters: dict[str, str | int] = {"pageSize": PAGE_SIZE}
            if token:
                parameters["pageToken"] = token
            answer = await self._api.get(path, what=what, parameters=parameters)
            page = Entry(answer.data, vendor=_VENDOR, place="")
            yield page
            token = page.optional_text("nextPageToken") or ""
            if not token:
                return
            if token in seen:
                raise odd(_VENDOR, "nextPageToken", f"comes again, in {key}")
            seen.add(token)


class TagsListInventory:
    """What the registry itself tells below a name, by Google's extension of ``tags/list``.

    One request tells a name's manifests with their tags and times, and the names below it.
    """

    def __init__(self, api: Api, place: Place) -> None:
        self._api = api
        self._place = place
        self._versions: dict[str, list[ListedVersion]] = {}

    async def repositories(self) -> AsyncIterator[Read[ListedRepository]]:
        """Walk down from the path."""
        if not self._place.path:
            raise _project_missing(self._place.registry)
        waiting, seen = [self._place.path], {self._place.path}
        while waiting:
            name = waiting.pop()
            try:
                listing = await self._listing(name)
                read = _manifests(listing)
                below = list(_children(listing, name))
            except MalformedAnswerError as error:
                yield Read(problems=[error])
                continue
            new = [child for child in below if child not in seen]
            if len(seen) + len(new) > MOST_REPOSITORIES:
                raise odd(_VENDOR, "child", f"names more than {MOST_REPOSITORIES:,} repositories")
            seen.update(new)
            waiting += reversed(new)
            if read.items or read.problems:
                self._versions[name] = read.items
                yield Read(items=[ListedRepository(name=name)], problems=read.problems)

    async def versions(self, repository: ListedRepository) -> AsyncIterator[Read[ListedVersion]]:
        """Give what came with the name."""
        yield Read(items=self._versions.pop(repository.name, []))

    async def reported(self) -> Read[ReportedBytes]:
        """Nothing: only the REST API tells."""
        return Read()

    async def rights(self) -> Rights | None:
        """Nothing: only the REST API tells."""
        return None

    async def _listing(self, name: str) -> Entry:
        what = f"what is below {name}"
        scope = f"repository:{name}:pull"
        answer = await self._api.get(f"/v2/{name}/tags/list", what=what, scope=scope)
        listing = Entry(answer.data, vendor=_VENDOR, place=name)
        if "manifest" not in listing and "child" not in listing:
            if listing.texts("tags"):
                raise odd(_VENDOR, f"{name}.manifest", "is missing, though there are tags")
            if name == self._place.path:
                raise NotFoundError(f"There is no image, and no name below, at {name}.")
        return listing


_VIRTUAL: Final = "VIRTUAL_REPOSITORY"


def _cleanup_policy(repository: Entry) -> str | None:
    """Give the cleanup policies as `regtools retention --policy` reads them."""
    policies = repository.raw("cleanupPolicies")
    if not policies:
        return None
    fields = {
        "cleanupPolicies": policies,
        "cleanupPolicyDryRun": bool(repository.flag("cleanupPolicyDryRun")),
    }
    return json.dumps(fields, sort_keys=True)


def _image(entry: Entry, prefix: str, *, locked: bool | None) -> tuple[str, ListedVersion]:
    """Read ``…/dockerImages/team%2Fapi@sha256:…``: a slash in an image's name is escaped.

    ``locked``: whether the repository's tags can neither be moved nor deleted (its description of
    ``dockerConfig.immutableTags``).
    """
    whole = entry.text("name")
    image, at, digest = unquote(whole.partition("/dockerImages/")[2]).rpartition("@")
    try:
        name = parse_repository(f"{prefix}/{image}") if at and image else ""
        version = ListedVersion(
            digest=parse_digest(digest),
            tags=tuple(ListedTag(name=tag, locked=locked) for tag in entry.tags("tags")),
            pushed_at=entry.time("uploadTime"),
        )
    except InvalidReferenceError as error:
        raise _no_image(entry) from error
    if not name:
        raise _no_image(entry)
    return name, version


def _no_image(entry: Entry) -> MalformedAnswerError:
    return entry.odd("name", "the name of an image with its digest")


def _manifests(listing: Entry) -> Read[ListedVersion]:
    read: Read[ListedVersion] = Read()
    manifests = listing.entry("manifest")
    for digest in manifests.keys() if manifests else ():
        try:
            told = manifests.entry(digest) if manifests else None
            if told is None:
                continue
            read.items.append(
                ListedVersion(
                    digest=parse_digest(digest),
                    tags=tuple(ListedTag(name=parse_tag(tag)) for tag in told.texts("tag")),
                    pushed_at=told.milliseconds("timeUploadedMs"),
                )
            )
        except InvalidReferenceError:
            read.problems.append(odd(_VENDOR, "manifest", "holds a digest or a tag that is none"))
        except MalformedAnswerError as error:
            read.problems.append(error)
    return read


def _children(listing: Entry, name: str) -> Iterable[str]:
    for child in listing.texts("child"):
        try:
            yield parse_repository(f"{name}/{child}")
        except InvalidReferenceError as error:
            raise odd(_VENDOR, f"{name}.child", "holds a name that is none") from error


def _project_missing(registry: str) -> ConfigError:
    return ConfigError(
        f"{_VENDOR} lists by project, and {registry} names none.",
        code="PROJECT_MISSING",
        remedy=f"Name one: {registry}/PROJECT or {registry}/PROJECT/REPOSITORY.",
    )


def _open(api: Api, place: Place) -> Inventory:
    return ArtifactRegistryInventory(api, place)


def _beside(api: Api, place: Place) -> Inventory:
    return TagsListInventory(api, place)


ARTIFACTREGISTRY = RegistryKind(
    name="artifactregistry",
    title="Google Artifact Registry",
    dedup_scope="repository",
    hosts=(r"[a-z0-9-]+-docker\.pkg\.dev", r"(?:[a-z]+\.)?gcr\.io"),
    page="https://{registry}/{repository}",
    ui_actions=("list", "delete", "visibility", "cleanup"),
    ui_note="Google Cloud's console; visibility is who may read by IAM",
    authenticates="Google's own credentials, an access token, or a service account's key",
    credentials=(
        CredentialShape(
            title="access token", username=r"oauth2accesstoken|_token", expires_in="an hour"
        ),
        CredentialShape(title="key of a service account", username=r"_json_key", is_personal=False),
        CredentialShape(
            title="key of a service account, in base64",
            username=r"_json_key_base64",
            is_personal=False,
        ),
    ),
    mistake='An access token lives an hour: password = "google" gets new ones by itself. The host '
    "must be of the repository's location (LOCATION-docker.pkg.dev), and each is set up by itself: "
    "`gcloud auth configure-docker LOCATION-docker.pkg.dev`. A key's user is _json_key.",
    cloud="google",
    lists="Artifact Registry's own API, or Google's extension of the list of tags",
    vendor=VendorApi(
        open=_open,
        address=lambda _: "https://artifactregistry.googleapis.com/v1",
        sign_in=bearer,
        beside=_beside,
        tells=("repositories", "untagged", "pushed", "size", "immutable", "cleanup"),
        credential="an access token of somebody with the role Artifact Registry Reader",
    ),
)
