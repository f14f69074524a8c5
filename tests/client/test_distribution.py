from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import httpx
import pytest
from tests.client.conftest import Ask, all_of
from tests.support.fake_registry import (
    CONFIG,
    LAYER,
    MANIFEST,
    MANIFEST_TYPE,
    Answer,
    FakeRegistry,
    Seen,
    digest_of,
    error,
)

from regtools.client import ConnectionOptions, Distribution
from regtools.client.transport import Wire
from regtools.errors import (
    DeniedError,
    InvalidReferenceError,
    MalformedAnswerError,
    NotFoundError,
    RateLimitedError,
    RegistryError,
    UnsupportedError,
)
from regtools.manifest import MANIFEST_TYPES, OCI_INDEX, Descriptor


def config_descriptor() -> Descriptor:
    return Descriptor(media_type="x", digest=digest_of(CONFIG), size=len(CONFIG))  # type: ignore[arg-type]


def answering(path: str, *answers: Answer) -> Any:
    """Answer requests for a path one after the other, then as usual."""
    left = list(answers)
    return lambda seen: left.pop(0) if seen.path.startswith(path) and left else None


class TestPing:
    def test_a_registry_says_its_version(self, fake: FakeRegistry, ask: Ask) -> None:
        ping = ask(fake.url, lambda r: r.ping())
        assert (ping.status, ping.api_version) == (200, "registry/2.0")
        assert not ping.authenticated

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(body=b"<html>", headers={"Content-Type": "text/html"}),
            Answer(body=b'{"hello": "world"}'),
            Answer(401, b"<html>"),
        ],
    )
    def test_something_else_is_no_registry(
        self, fake: FakeRegistry, ask: Ask, answer: Answer
    ) -> None:
        fake.hook = lambda _: answer
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: r.ping())
        assert caught.value.code == "NOT_A_REGISTRY"

    def test_on_loopback_plain_http_is_found_where_tls_is_not_spoken(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        assert ask(fake.host, lambda r: r.ping()).status == 200


class TestListing:
    def test_pages_are_followed_to_the_end(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.repositories = {f"r{n:02}": [] for n in range(25)}
        fake.page_size = 10
        assert ask(fake.url, lambda r: all_of(r.repositories())) == sorted(fake.repositories)
        assert len(fake.seen) == 3

    def test_absolute_links_of_a_gateway_are_followed_at_our_address(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        fake.repositories = {"a": [], "b": []}
        fake.page_size = 1
        fake.link = lambda path: f'<https://127.0.0.1{path}>; rel="next"'
        assert ask(fake.url, lambda r: all_of(r.repositories())) == ["a", "b"]

    def test_a_page_size_above_the_registrys_own_is_asked_again_without(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        fake.hook = answering("/v2/_catalog", error(400, "PAGINATION_NUMBER_INVALID"))
        assert ask(fake.url, lambda r: all_of(r.repositories())) == ["team/app"]
        assert fake.paths == ["GET /v2/_catalog?n=1000", "GET /v2/_catalog"]

    def test_a_listing_that_goes_in_circles_is_stopped(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.repositories = {"a": [], "b": []}
        fake.page_size = 1
        fake.link = lambda _: '</v2/_catalog>; rel="next"'
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: all_of(r.repositories()))
        assert caught.value.code == "PAGE_REPEATED"
        assert len(fake.seen) <= 3

    def test_a_listing_that_gives_the_same_names_under_new_cursors_is_stopped(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        numbers = iter(range(100))

        def page(seen: Seen) -> Answer:
            body = json.dumps({"repositories": ["a"]}).encode()
            return Answer(body=body, headers={"Link": f'<?x={next(numbers)}>; rel="next"'})

        fake.hook = page
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: all_of(r.repositories()))
        assert caught.value.code == "PAGE_REPEATED"

    def test_a_page_at_another_host_is_refused(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.repositories = {"a": [], "b": []}
        fake.page_size = 1
        fake.link = lambda path: f'<https://evil.example{path}>; rel="next"'
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: all_of(r.repositories()))
        assert caught.value.code == "PAGE_FOREIGN_HOST"

    def test_a_repository_whose_tags_are_null_is_empty(self, fake: FakeRegistry, ask: Ask) -> None:
        body = b'{"name": "team/app", "tags": null}'
        fake.hook = answering("/v2/team/app/tags", Answer(body=body))
        assert ask(fake.url, lambda r: all_of(r.tags("team/app"))) == []

    def test_json_under_another_type_is_read(self, fake: FakeRegistry, ask: Ask) -> None:
        answer = Answer(body=b'{"tags": ["b", "a", "b"]}', headers={"Content-Type": "text/plain"})
        fake.hook = answering("/v2/team/app/tags", answer)
        assert ask(fake.url, lambda r: all_of(r.tags("team/app"))) == ["b", "a"]

    def test_names_that_could_climb_out_of_their_path_are_left_out(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        names = ["ok", "../../admin", "a/../b", "UPPER", "x?y", 7, None]
        fake.hook = answering(
            "/v2/_catalog", Answer(body=json.dumps({"repositories": names}).encode())
        )

        async def work(registry: Distribution) -> tuple[list[str], list[str]]:
            return await all_of(registry.repositories()), registry.warnings

        found, warnings = ask(fake.url, work)
        assert found == ["ok"]
        assert len(warnings) == 4

    def test_a_name_that_is_none_is_never_sent(self, fake: FakeRegistry, ask: Ask) -> None:
        for work in (
            lambda r: all_of(r.tags("../x")),
            lambda r: r.manifest("a/../b", "1"),
            lambda r: r.manifest("a", "1/../../x"),
            lambda r: r.blob_size("a", "sha256:../x"),
        ):
            with pytest.raises(InvalidReferenceError):
                ask(fake.url, work)
        assert fake.seen == []

    @pytest.mark.parametrize("body", [b"[]", b"{}", b'{"repositories": {}}', b"<html>", b"\xff"])
    def test_an_answer_that_is_no_listing_is_said_so(
        self, fake: FakeRegistry, ask: Ask, body: bytes
    ) -> None:
        fake.hook = answering("/v2/_catalog", Answer(body=body))
        with pytest.raises(MalformedAnswerError):
            ask(fake.url, lambda r: all_of(r.repositories()))


class TestManifest:
    def test_it_is_fetched_with_every_type_accepted(self, fake: FakeRegistry, ask: Ask) -> None:
        found = ask(fake.url, lambda r: r.manifest("team/app", "1.0"))
        assert found.digest == digest_of(MANIFEST)
        assert found.size == len(MANIFEST)
        accepted = fake.seen[0].headers["accept"]
        assert all(kind in accepted for kind in MANIFEST_TYPES)

    def test_without_a_digest_header_the_bytes_are_hashed(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        fake.tells_digest = False
        assert ask(fake.url, lambda r: r.manifest("team/app", "1.0")).digest == digest_of(MANIFEST)
        assert ask(fake.url, lambda r: r.resolve("team/app", "1.0")) is None

    @pytest.mark.parametrize("reference", ["1.0", digest_of(MANIFEST)])
    def test_other_bytes_than_the_digest_says_are_refused(
        self, fake: FakeRegistry, ask: Ask, reference: str
    ) -> None:
        headers = {"Content-Type": MANIFEST_TYPE, "Docker-Content-Digest": digest_of(MANIFEST)}
        fake.hook = lambda _: Answer(body=MANIFEST + b" ", headers=headers)
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: r.manifest("team/app", reference))
        assert caught.value.code == "DIGEST_MISMATCH"

    def test_asked_by_digest_the_header_does_not_count(self, fake: FakeRegistry, ask: Ask) -> None:
        other = MANIFEST + b" "
        headers = {"Content-Type": MANIFEST_TYPE, "Docker-Content-Digest": digest_of(other)}
        fake.hook = lambda _: Answer(body=other, headers=headers)
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: r.manifest("team/app", digest_of(MANIFEST)))
        assert caught.value.code == "DIGEST_MISMATCH"

    def test_one_above_four_mebibytes_is_cut_and_said_so(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        fake.hook = lambda _: Answer(body=b" " * (4 * 2**20 + 1))
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: r.manifest("team/app", "1.0"))
        assert caught.value.code == "MANIFEST_TOO_LARGE"

    def test_a_web_page_is_no_manifest(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = lambda _: Answer(body=b"<html>", headers={"Content-Type": "text/html"})
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: r.manifest("team/app", "1.0"))
        assert caught.value.code == "ANSWER_HTML"

    def test_the_digest_of_a_tag_costs_one_head(self, fake: FakeRegistry, ask: Ask) -> None:
        assert ask(fake.url, lambda r: r.resolve("team/app", "1.0")) == digest_of(MANIFEST)
        assert fake.paths == ["HEAD /v2/team/app/manifests/1.0"]

    @pytest.mark.parametrize("status", [401, 404, 405])
    def test_a_registry_without_head_tells_no_digest(
        self, fake: FakeRegistry, ask: Ask, status: int
    ) -> None:
        fake.hook = lambda seen: Answer(status) if seen.method == "HEAD" else None
        assert ask(fake.url, lambda r: r.resolve("team/app", "1.0")) is None


class TestBlobs:
    def test_a_config_is_read_and_verified(self, fake: FakeRegistry, ask: Ask) -> None:
        found = ask(fake.url, lambda r: r.image_config("team/app", config_descriptor()))
        assert found.created_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
        assert found.platform == "linux/amd64"

    def test_a_config_with_other_bytes_is_refused(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = lambda _: Answer(body=CONFIG + b" ")
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: r.image_config("team/app", config_descriptor()))
        assert caught.value.code == "DIGEST_MISMATCH"

    def test_a_size_costs_one_head(self, fake: FakeRegistry, ask: Ask) -> None:
        assert ask(fake.url, lambda r: r.blob_size("team/app", digest_of(LAYER))) == len(LAYER)
        assert [seen.method for seen in fake.seen] == ["HEAD"]

    def test_where_head_is_refused_one_byte_tells_the_size(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        def ranged(seen: Seen) -> Answer:
            if seen.method == "HEAD":
                return Answer(405)
            assert seen.headers["range"] == "bytes=0-0"
            return Answer(206, LAYER[:1], {"Content-Range": f"bytes 0-0/{len(LAYER)}"})

        fake.hook = ranged
        assert ask(fake.url, lambda r: r.blob_size("team/app", digest_of(LAYER))) == len(LAYER)


class TestReferrers:
    def index(self) -> Answer:
        entry = {
            "mediaType": MANIFEST_TYPE,
            "digest": digest_of(MANIFEST),
            "size": len(MANIFEST),
            "artifactType": "application/spdx+json",
        }
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        return Answer(body=json.dumps(body).encode(), headers={"Content-Type": OCI_INDEX})

    def test_the_api_is_asked_first(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = answering("/v2/team/app/referrers/", self.index())
        (found,) = ask(fake.url, lambda r: r.referrers("team/app", digest_of(LAYER)))
        assert found.artifact_type == "application/spdx+json"
        assert len(fake.seen) == 1

    def test_without_it_the_fallback_tag_is_read(self, fake: FakeRegistry, ask: Ask) -> None:
        tag = digest_of(LAYER).replace(":", "-")
        fake.hook = answering(f"/v2/team/app/manifests/{tag}", self.index())
        (found,) = ask(fake.url, lambda r: r.referrers("team/app", digest_of(LAYER)))
        assert found.digest == digest_of(MANIFEST)

    def test_with_neither_there_are_none(self, fake: FakeRegistry, ask: Ask) -> None:
        assert ask(fake.url, lambda r: r.referrers("team/app", digest_of(LAYER))) == []


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (403, "DENIED", DeniedError),
            (404, "NAME_UNKNOWN", NotFoundError),
            (405, "UNSUPPORTED", UnsupportedError),
            (400, "NAME_INVALID", RegistryError),
        ],
    )
    def test_each_status_has_its_error_with_the_registrys_code(
        self, fake: FakeRegistry, ask: Ask, status: int, code: str, kind: type[RegistryError]
    ) -> None:
        fake.hook = lambda _: error(status, code)
        with pytest.raises(kind) as caught:
            ask(fake.url, lambda r: all_of(r.tags("team/app")))
        assert caught.value.registry_codes == (code,)
        assert "told so" in caught.value.summary
        assert len(fake.seen) == 1

    def test_ecrs_plain_words_are_repeated(self, fake: FakeRegistry, ask: Ask) -> None:
        body = b"Your authorization token has expired. Reauthenticate and try again."
        fake.hook = lambda _: Answer(403, body, {"Content-Type": "text/plain; charset=utf-8"})
        with pytest.raises(DeniedError, match="token has expired"):
            ask(fake.url, lambda r: all_of(r.tags("team/app")))

    def test_a_strangers_message_is_one_clean_line(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = lambda _: error(404, "X", "a\x1b[2J\nb" + "c" * 10_000)
        with pytest.raises(NotFoundError) as caught:
            ask(fake.url, lambda r: all_of(r.tags("team/app")))
        assert caught.value.summary.isprintable()
        assert len(caught.value.summary) < 500

    def test_a_huge_error_body_is_cut(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = lambda _: Answer(404, b"x" * 5_000_000, {"Content-Type": "text/plain"})
        with pytest.raises(NotFoundError) as caught:
            ask(fake.url, lambda r: all_of(r.tags("team/app")))
        assert len(caught.value.summary) < 500

    def test_a_query_is_in_no_message(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = lambda _: error(404, "X")
        with pytest.raises(NotFoundError) as caught:
            ask(fake.url, lambda r: all_of(r.repositories()))
        assert "n=1000" not in f"{caught.value} {caught.value.url}"


class TestPatience:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 499, 522])
    def test_what_may_pass_is_tried_again(self, fake: FakeRegistry, ask: Ask, status: int) -> None:
        fake.hook = answering("/v2/", Answer(status), Answer(status))
        assert ask(fake.url, lambda r: all_of(r.tags("team/app"))) == ["1.0", "latest"]
        assert len(fake.seen) == 3

    def test_four_times_is_enough(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = lambda _: Answer(500)
        with pytest.raises(RegistryError) as caught:
            ask(fake.url, lambda r: all_of(r.tags("team/app")))
        assert caught.value.code == "SERVER_ERROR"
        assert len(fake.seen) == 4

    def test_what_will_not_pass_is_not(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = lambda _: error(404, "NAME_UNKNOWN")
        with pytest.raises(NotFoundError):
            ask(fake.url, lambda r: all_of(r.tags("team/app")))
        assert len(fake.seen) == 1

    @pytest.mark.parametrize("as_date", [False, True])
    def test_a_registry_that_wants_an_hour_gets_no_further_request(
        self, fake: FakeRegistry, ask: Ask, as_date: bool
    ) -> None:
        until = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        told = {"Retry-After": until if as_date else "3600"}
        fake.hook = lambda _: error(429, "TOOMANYREQUESTS", **told)
        with pytest.raises(RateLimitedError) as caught:
            ask(fake.url, lambda r: all_of(r.tags("team/app")))
        assert caught.value.retry_after == pytest.approx(3600, abs=60)
        assert len(fake.seen) == 1

    def test_pushing_back_lowers_how_much_is_asked_at_once(self, fake: FakeRegistry) -> None:
        fake.hook = answering("/v2/", error(429, "TOOMANYREQUESTS"))

        async def work() -> int:
            wire = Wire(ConnectionOptions(connections=32))
            async with httpx.AsyncClient(transport=wire) as client:
                await client.get(f"{fake.url}/v2/")
            return wire.limiter(httpx.URL(fake.url)).allowed

        assert anyio.run(work) == 16

    def test_a_cut_connection_is_tried_again_once_the_registry_has_answered(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        fake.hook = answering("/v2/team/app/tags", Answer(0))

        async def work(registry: Distribution) -> list[str]:
            await registry.ping()
            return await all_of(registry.tags("team/app"))

        assert ask(fake.url, work) == ["1.0", "latest"]


class TestWire:
    def test_every_request_is_counted(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = answering("/v2/team/app/tags", Answer(503))

        async def work(registry: Distribution) -> int:
            await registry.ping()
            await all_of(registry.tags("team/app"))
            return registry.requests

        assert ask(fake.url, work) == len(fake.seen) == 3

    def test_only_get_and_head_are_ever_sent(self, fake: FakeRegistry, ask: Ask) -> None:
        async def work(registry: Distribution) -> None:
            await registry.ping()
            await all_of(registry.repositories())
            await registry.manifest("team/app", "1.0")
            await registry.resolve("team/app", "1.0")
            await registry.image_config("team/app", config_descriptor())
            await registry.blob_size("team/app", digest_of(LAYER))
            await registry.referrers("team/app", digest_of(LAYER))

        ask(fake.url, work)
        assert {seen.method for seen in fake.seen} == {"GET", "HEAD"}

    def test_no_cookie_is_kept_and_we_say_who_we_are(self, fake: FakeRegistry, ask: Ask) -> None:
        fake.hook = answering("/v2/", Answer(body=b"{}", headers={"Set-Cookie": "a=b"}))

        async def work(registry: Distribution) -> None:
            await registry.ping()
            await registry.ping()

        ask(fake.url, work)
        assert "cookie" not in fake.seen[1].headers
        assert fake.seen[0].headers["user-agent"].startswith("regtools/")
        assert fake.seen[0].headers["accept-encoding"] == "identity"

    def test_a_packed_answer_is_refused_before_it_unfolds(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        bomb = gzip.compress(b" " * 50_000_000)
        fake.hook = lambda _: Answer(body=bomb, headers={"Content-Encoding": "gzip"})
        with pytest.raises(MalformedAnswerError) as caught:
            ask(fake.url, lambda r: all_of(r.repositories()))
        assert caught.value.code == "ANSWER_ENCODED"

    def test_an_encoded_cursor_arrives_as_the_registry_wrote_it(
        self, fake: FakeRegistry, ask: Ask
    ) -> None:
        cursor = "start=1&last=gAAAA-_%3D%3D"
        fake.repositories = {"a": [], "b": []}
        fake.page_size = 1
        fake.link = lambda _: f'</v2/_catalog?{cursor}>; rel="next"'
        assert ask(fake.url, lambda r: all_of(r.repositories())) == ["a", "b"]
        assert fake.seen[1].path == f"/v2/_catalog?{cursor}"

    def test_warnings_and_quotas_are_noted(self, fake: FakeRegistry, ask: Ask) -> None:
        headers = {
            "Warning": ['299 - "Moves soon"', '299 - "Moves soon"', "nonsense"],
            "RateLimit-Limit": "100;w=21600",
        }
        fake.hook = answering("/v2/", Answer(body=b"{}", headers=headers))

        async def work(registry: Distribution) -> tuple[list[str], int]:
            await registry.ping()
            assert registry.rate_limit is not None
            return registry.warnings, registry.rate_limit.limit

        assert ask(fake.url, work) == (["Moves soon"], 100)
