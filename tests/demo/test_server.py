"""The sample registry speaks the distribution protocol."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest
from tests.demo.conftest import NOW
from tests.support import skopeo

from regtools.demo import USERS, Company, SampleRegistry
from regtools.demo.content import digest_of
from regtools.manifest import DOCKER_MANIFEST, MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST

ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}
READER = ("reader", USERS["reader"])


@pytest.fixture
def client(registry: SampleRegistry) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=registry.url, trust_env=False) as opened:
        yield opened


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["code"])


def pages(client: httpx.Client, path: str, key: str) -> Iterator[list[str]]:
    while path:
        answer = client.get(path)
        yield answer.json()[key]
        link = answer.links.get("next", {}).get("url", "")
        path = urljoin(path, link) if link else ""


def test_the_base_says_that_it_is_a_registry(client: httpx.Client) -> None:
    answer = client.get("/v2/")
    assert answer.status_code == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_the_catalog_comes_in_pages_that_lead_to_each_other(
    client: httpx.Client, company: Company
) -> None:
    read = list(pages(client, "/v2/_catalog?n=10", "repositories"))
    assert [len(page) for page in read] == [10, 10, 10, 6]
    assert [name for page in read for name in page] == list(company.state(NOW))


def test_tags_come_in_pages_of_100_by_themselves(client: httpx.Client, company: Company) -> None:
    read = list(pages(client, "/v2/ci/portal/tags/list", "tags"))
    assert len(read[0]) == 100
    assert [tag for page in read for tag in page] == sorted(company.state(NOW)["ci/portal"])


def test_a_repository_without_tags_has_an_empty_list(client: httpx.Client) -> None:
    answer = client.get("/v2/web/spike-maps/tags/list")
    assert answer.json() == {"name": "web/spike-maps", "tags": []}
    assert "Link" not in answer.headers


@pytest.mark.parametrize("n", ["1001", "-1", "ten", ""])
def test_a_page_size_that_is_none_is_refused(client: httpx.Client, n: str) -> None:
    answer = client.get("/v2/_catalog", params={"n": n})
    assert (answer.status_code, code(answer)) == (400, "PAGINATION_NUMBER_INVALID")


def test_a_page_of_nothing_is_empty(client: httpx.Client) -> None:
    answer = client.get("/v2/_catalog?n=0")
    assert answer.json() == {"repositories": []}
    assert "Link" not in answer.headers


def test_a_manifest_is_served_with_its_digest(client: httpx.Client) -> None:
    answer = client.get("/v2/platform/gateway/manifests/latest", headers=ACCEPT)
    digest = digest_of(answer.content)
    assert answer.headers["Docker-Content-Digest"] == digest
    assert answer.headers["Content-Type"] == OCI_INDEX == answer.json()["mediaType"]
    again = client.get(f"/v2/platform/gateway/manifests/{digest}", headers=ACCEPT)
    assert again.content == answer.content


def test_head_tells_the_same_as_get_without_the_body(client: httpx.Client) -> None:
    path = "/v2/freight/billing/manifests/latest"
    head, get = client.head(path, headers=ACCEPT), client.get(path, headers=ACCEPT)
    assert head.content == b""
    for name in ("Docker-Content-Digest", "Content-Length", "Content-Type", "Etag"):
        assert head.headers[name] == get.headers[name]


def test_a_manifest_is_not_sent_again_to_who_has_it(client: httpx.Client) -> None:
    path = "/v2/freight/billing/manifests/latest"
    etag = client.get(path, headers=ACCEPT).headers["Etag"]
    answer = client.get(path, headers={**ACCEPT, "If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("accept", ["*/*", DOCKER_MANIFEST, ""])
def test_an_oci_manifest_is_hidden_from_who_does_not_accept_it(
    client: httpx.Client, accept: str
) -> None:
    answer = client.get("/v2/freight/billing/manifests/latest", headers={"Accept": accept})
    assert (answer.status_code, code(answer)) == (404, "MANIFEST_UNKNOWN")
    assert "does not support OCI manifests" in answer.text


def test_an_index_is_not_a_manifest_to_who_accepts_only_those(client: httpx.Client) -> None:
    answer = client.get("/v2/platform/gateway/manifests/latest", headers={"Accept": OCI_MANIFEST})
    assert (answer.status_code, code(answer)) == (404, "MANIFEST_UNKNOWN")
    assert "does not support OCI indexes" in answer.text


def test_a_docker_manifest_is_served_whatever_is_accepted(client: httpx.Client) -> None:
    answer = client.get("/v2/legacy/rates-importer/manifests/latest", headers={"Accept": "*/*"})
    assert answer.headers["Content-Type"] == DOCKER_MANIFEST


def test_small_blobs_have_the_digest_of_their_bytes(client: httpx.Client) -> None:
    image = client.get("/v2/freight/billing/manifests/latest", headers=ACCEPT).json()
    small = [part for part in (image["config"], *image["layers"]) if part["size"] < 20_000_000]
    assert len(small) >= 3
    for part in small:
        answer = client.get(f"/v2/freight/billing/blobs/{part['digest']}")
        assert (len(answer.content), digest_of(answer.content)) == (part["size"], part["digest"])
        assert answer.headers["Docker-Content-Digest"] == part["digest"]


def test_a_blob_of_gigabytes_tells_its_size_and_gives_parts(client: httpx.Client) -> None:
    image = client.get("/v2/ml/eta-model/manifests/latest", headers=ACCEPT).json()
    weights = image["layers"][-1]
    path = f"/v2/ml/eta-model/blobs/{weights['digest']}"
    assert int(client.head(path).headers["Content-Length"]) == weights["size"] > 4e9
    first = client.get(path, headers={"Range": "bytes=0-1"})
    assert (first.status_code, first.content) == (206, b"\x1f\x8b")
    assert first.headers["Content-Range"] == f"bytes 0-1/{weights['size']}"
    last = client.get(path, headers={"Range": "bytes=-8"})
    rest = client.get(path, headers={"Range": f"bytes={weights['size'] - 8}-"})
    assert len(last.content) == 8
    assert last.content == rest.content


def test_a_range_beyond_the_end_is_refused(client: httpx.Client) -> None:
    image = client.get("/v2/freight/billing/manifests/latest", headers=ACCEPT).json()
    config = image["config"]
    path = f"/v2/freight/billing/blobs/{config['digest']}"
    answer = client.get(path, headers={"Range": f"bytes={config['size']}-"})
    assert (answer.status_code, code(answer)) == (416, "RANGE_INVALID")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/no/such/tags/list", "NAME_UNKNOWN"),
        ("/v2/freight/billing/manifests/no-such", "MANIFEST_UNKNOWN"),
        (f"/v2/freight/billing/manifests/sha256:{'0' * 64}", "MANIFEST_UNKNOWN"),
        (f"/v2/freight/billing/blobs/sha256:{'0' * 64}", "BLOB_UNKNOWN"),
    ],
)
def test_what_is_not_there_is_said_as_the_specification_says_it(
    client: httpx.Client, path: str, expected: str
) -> None:
    answer = client.get(path, headers=ACCEPT)
    assert (answer.status_code, code(answer)) == (404, expected)


def test_content_belongs_to_the_repositories_that_reach_it(client: httpx.Client) -> None:
    image = client.get("/v2/freight/billing/manifests/latest", headers=ACCEPT)
    digest = image.headers["Docker-Content-Digest"]
    config = image.json()["config"]["digest"]
    for path in (f"manifests/{digest}", f"blobs/{config}"):
        assert client.get(f"/v2/freight/billing/{path}", headers=ACCEPT).status_code == 200
        assert client.get(f"/v2/web/portal/{path}", headers=ACCEPT).status_code == 404


def test_there_is_no_referrers_api(client: httpx.Client) -> None:
    answer = client.get(f"/v2/freight/billing/referrers/sha256:{'0' * 64}")
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/v2/freight/billing/blobs/uploads/")
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")


@pytest.mark.parametrize("path", ["/v2/_catalog", "/v2/web/portal/tags/list"])
def test_a_list_has_no_head(client: httpx.Client, path: str) -> None:
    assert client.head(path).status_code == 405


@pytest.mark.parametrize("reference", ["platform/gateway:latest", "legacy/rates-importer:1.0.0"])
def test_skopeo_reads_the_images(
    registry: SampleRegistry, client: httpx.Client, reference: str
) -> None:
    name, _, tag = reference.partition(":")
    served = client.head(f"/v2/{name}/manifests/{tag}", headers=ACCEPT)
    found = skopeo.inspect(f"{registry.host}/{reference}")
    assert found["Digest"] == served.headers["Docker-Content-Digest"]
    assert tag in found["RepoTags"]


def test_every_third_request_can_be_one_too_many(company: Company) -> None:
    with SampleRegistry(company, at=NOW, users=None, limit_every=3) as limited:
        answers = [httpx.get(f"{limited.url}/v2/_catalog", trust_env=False) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 200, 200, 429]
    assert (code(answers[2]), answers[2].headers["Retry-After"]) == ("TOOMANYREQUESTS", "1")
    assert limited.requests == 6


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guarded(company: Company, clock: Clock) -> Iterator[httpx.Client]:
    with (
        SampleRegistry(company, at=NOW, token_seconds=60, clock=clock) as running,
        httpx.Client(base_url=running.url, trust_env=False) as opened,
    ):
        yield opened


def token(client: httpx.Client, *scopes: str, auth: tuple[str, str] | None = READER) -> str:
    answer = client.get("/token", params={"scope": scopes}, auth=auth)
    assert answer.json()["expires_in"] == 60
    return str(answer.json()["token"])


def ask(client: httpx.Client, path: str, bearer: str) -> httpx.Response:
    return client.get(path, headers={"Authorization": f"Bearer {bearer}"})


def test_who_has_no_token_is_told_where_to_get_one(guarded: httpx.Client) -> None:
    answer = guarded.get("/v2/web/portal/tags/list")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
    challenge = answer.headers["WWW-Authenticate"]
    assert f'realm="{guarded.base_url.join("/token")}"' in challenge
    assert 'scope="repository:web/portal:pull"' in challenge


def test_a_token_opens_what_it_was_asked_for_and_no_more(guarded: httpx.Client) -> None:
    bearer = token(guarded, "repository:web/portal:pull,push")
    assert ask(guarded, "/v2/", bearer).status_code == 200
    assert ask(guarded, "/v2/web/portal/tags/list", bearer).status_code == 200
    refused = ask(guarded, "/v2/web/admin/tags/list", bearer)
    assert refused.status_code == 401
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]


def test_one_token_can_hold_several_scopes(guarded: httpx.Client) -> None:
    bearer = token(guarded, "registry:catalog:*", "repository:web/admin:pull")
    assert ask(guarded, "/v2/_catalog", bearer).status_code == 200
    assert ask(guarded, "/v2/web/admin/tags/list", bearer).status_code == 200


def test_a_token_ends(guarded: httpx.Client, clock: Clock) -> None:
    bearer = token(guarded, "registry:catalog:*")
    clock.seconds += 59
    assert ask(guarded, "/v2/_catalog", bearer).status_code == 200
    clock.seconds += 1
    assert (
        'error="invalid_token"' in ask(guarded, "/v2/_catalog", bearer).headers["WWW-Authenticate"]
    )


@pytest.mark.parametrize("auth", [("reader", "wrong"), ("nobody", ""), ("reader", "")])
def test_a_wrong_password_gets_no_token(guarded: httpx.Client, auth: tuple[str, str]) -> None:
    answer = guarded.get("/token", auth=auth)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")


def test_credentials_that_cannot_be_read_get_no_token(guarded: httpx.Client) -> None:
    answer = guarded.get("/token", headers={"Authorization": "Basic ?"})
    assert answer.status_code == 401


def test_a_token_for_nobody_opens_nothing(guarded: httpx.Client) -> None:
    bearer = token(guarded, "registry:catalog:*", auth=None)
    assert ask(guarded, "/v2/_catalog", bearer).status_code == 401


def test_it_stops_with_its_block_and_says_nothing(
    company: Company, capfd: pytest.CaptureFixture[str]
) -> None:
    with SampleRegistry(company, at=NOW) as running:
        assert httpx.get(f"{running.url}/v2/", trust_env=False).status_code == 401
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.url}/v2/", trust_env=False)
    assert capfd.readouterr() == ("", "")
