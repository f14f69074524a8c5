from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest
from tests.client.conftest import Ask, all_of
from tests.support.fake_registry import (
    CONFIG,
    Answer,
    FakeRegistry,
    Seen,
    digest_of,
    error,
    fake_registry,
)

from regtools.client import Distribution
from regtools.client.auth import RegistryAuth
from regtools.client.challenge import parse_challenges
from regtools.client.token import Token, parse_token
from regtools.credentials import Credential
from regtools.errors import MalformedAnswerError, UnauthorizedError
from regtools.manifest import Descriptor

ME = Credential(username="me", password="canary-1", source="the test")
BASIC = f"Basic {base64.b64encode(b'me:canary-1').decode()}"


class Tokens:
    """The token side of a fake registry: gives numbered tokens, and knows the good ones."""

    def __init__(self, fake: FakeRegistry) -> None:
        self.fake = fake
        self.good: set[str] = set()
        self.requests: list[Seen] = []
        self.realm = f"{fake.url}/token"
        self.challenge = 'Bearer realm="{realm}",service="fake",scope="{scope}"'
        self.fields = {"expires_in": 300}
        self.key = "token"
        self.status = 200
        fake.hook = self.answer

    def answer(self, seen: Seen) -> Answer | None:
        if urlsplit(seen.path).path == "/token":
            return self.give(seen)
        if seen.credential.removeprefix("Bearer ") in self.good:
            return None
        challenge = self.challenge.format(realm=self.realm, scope=self.scope_of(seen))
        return error(401, "UNAUTHORIZED", **{"WWW-Authenticate": challenge})

    def give(self, seen: Seen) -> Answer:
        self.requests.append(seen)
        if self.status != 200:
            return error(self.status, "UNAUTHORIZED")
        value = f"t{len(self.requests)}"
        self.good.add(value)
        return Answer(body=json.dumps({self.key: value, **self.fields}).encode())

    @staticmethod
    def scope_of(seen: Seen) -> str:
        path = urlsplit(seen.path).path
        if path == "/v2/_catalog":
            return "registry:catalog:*"
        name = path.removeprefix("/v2/")
        for part in ("/tags/", "/manifests/", "/blobs/"):
            name = name.partition(part)[0]
        return f"repository:{name}:pull" if name else ""

    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(seen.path).query) for seen in self.requests]


@pytest.fixture
def tokens(fake: FakeRegistry) -> Tokens:
    return Tokens(fake)


@pytest.fixture
def elsewhere() -> Iterator[FakeRegistry]:
    """Another host than the registry's, though on the same machine."""
    with fake_registry() as running:
        running.url = running.url.replace("127.0.0.1", "localhost")
        yield running


def test_basic_is_shown_only_once_it_is_asked_for(fake: FakeRegistry, ask: Ask) -> None:
    fake.users = {"me": "canary-1"}

    async def work(registry: Distribution) -> bool:
        first = await registry.ping()
        await all_of(registry.tags("team/app"))
        return first.authenticated

    assert ask(fake.url, work, credential=ME)
    assert [seen.credential for seen in fake.seen] == ["", BASIC, BASIC]


def test_a_wrong_password_is_shown_once(fake: FakeRegistry, ask: Ask) -> None:
    fake.users = {"me": "another"}
    with pytest.raises(UnauthorizedError) as caught:
        ask(fake.url, lambda r: r.ping(), credential=ME)
    assert "the test" in caught.value.summary
    assert "canary" not in str(caught.value)
    assert len(fake.seen) == 2


def test_an_anonymous_caller_hears_what_is_wanted(fake: FakeRegistry, ask: Ask) -> None:
    fake.users = {"me": "canary-1"}
    ping = ask(fake.url, lambda r: r.ping())
    assert (ping.status, ping.challenges) == (401, ("basic fake",))
    with pytest.raises(UnauthorizedError):
        ask(fake.url, lambda r: all_of(r.tags("team/app")))


def test_a_token_serves_all_requests_of_its_scope(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    async def work(registry: Distribution) -> None:
        await all_of(registry.tags("team/app"))
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(registry.manifest, "team/app", "1.0")

    ask(fake.url, work, credential=ME)
    assert len(tokens.requests) == 1
    assert tokens.queries() == [{"service": ["fake"], "scope": ["repository:team/app:pull"]}]
    assert tokens.requests[0].credential == BASIC
    assert {seen.credential for seen in fake.seen[1:]} == {BASIC, "Bearer t1"}


def test_each_repository_and_the_catalog_have_their_own_token(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    fake.repositories["team/other"] = []

    async def work(registry: Distribution) -> None:
        await registry.ping()
        await all_of(registry.repositories())
        await all_of(registry.tags("team/app"))
        await all_of(registry.tags("team/other"))

    ask(fake.url, work, credential=ME)
    scopes = [query.get("scope") for query in tokens.queries()]
    assert scopes == [
        None,
        ["registry:catalog:*"],
        ["repository:team/app:pull"],
        ["repository:team/other:pull"],
    ]
    # One 401 at first; then the token is fetched before the request that needs it.
    assert len(fake.seen) == 1 + 4 + 4
    assert {seen.headers["user-agent"].partition("/")[0] for seen in fake.seen} == {"regtools"}


def test_many_tasks_that_need_one_token_ask_once(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    async def work(registry: Distribution) -> None:
        await registry.ping()
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(registry.manifest, "team/app", "1.0")

    ask(fake.url, work, credential=ME)
    assert len(tokens.requests) == 2


def test_a_token_that_ends_in_the_middle_is_replaced(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    async def work(registry: Distribution) -> None:
        await registry.manifest("team/app", "1.0")
        tokens.good.clear()
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(registry.manifest, "team/app", "1.0")

    ask(fake.url, work, credential=ME)
    assert len(tokens.requests) == 2


def test_a_token_that_gives_too_little_is_a_refusal_after_one_more_try(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    inner = tokens.answer

    def never(seen: Seen) -> Answer | None:
        answer = inner(seen)
        tokens.good.clear()
        return answer

    fake.hook = never
    with pytest.raises(UnauthorizedError):
        ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=ME)
    assert len(tokens.requests) == 1
    assert len(fake.seen) == 3


def test_access_token_is_the_same_thing(fake: FakeRegistry, tokens: Tokens, ask: Ask) -> None:
    tokens.key = "access_token"
    assert ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=ME)


def test_an_anonymous_token_is_asked_for_without_a_credential(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    assert ask(fake.url, lambda r: all_of(r.tags("team/app")))
    assert tokens.requests[0].credential == ""


def test_bearer_is_taken_before_basic(fake: FakeRegistry, tokens: Tokens, ask: Ask) -> None:
    tokens.challenge = 'Basic realm="x", Bearer realm="{realm}",service="fake",scope="{scope}"'
    ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=ME)
    assert "Bearer t1" in [seen.credential for seen in fake.seen]


def test_a_relative_realm_is_the_registrys(fake: FakeRegistry, tokens: Tokens, ask: Ask) -> None:
    tokens.realm = "/token"
    assert ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=ME)


def test_an_identity_token_is_exchanged_by_post(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    credential = Credential(username="<token>", identity_token="canary-2", source="the test")
    ask(fake.url, lambda r: all_of(r.tags("team/app")), credential=credential)
    (request,) = tokens.requests
    assert request.method == "POST"
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["canary-2"],
        "client_id": ["regtools"],
        "service": ["fake"],
        "scope": ["repository:team/app:pull"],
    }
    assert request.credential == ""


def test_a_refused_login_names_the_source_and_not_the_secret(
    fake: FakeRegistry, tokens: Tokens, ask: Ask
) -> None:
    tokens.status = 401
    with pytest.raises(UnauthorizedError) as caught:
        ask(fake.url, lambda r: r.ping(), credential=ME)
    assert "the test" in caught.value.summary
    assert "canary" not in f"{caught.value} {caught.value.url}"


def test_a_foreign_realm_never_sees_the_credential(
    fake: FakeRegistry, tokens: Tokens, elsewhere: FakeRegistry, ask: Ask
) -> None:
    tokens.realm = f"{elsewhere.url}/token"
    with pytest.raises(UnauthorizedError) as caught:
        ask(fake.url, lambda r: r.ping(), credential=ME)
    assert caught.value.code == "REALM_NOT_ALLOWED"
    assert "allowed_realms" in caught.value.remedy
    assert [seen.credential for seen in elsewhere.seen] == [""]


def test_a_foreign_realm_that_the_user_allowed_does(
    fake: FakeRegistry, tokens: Tokens, elsewhere: FakeRegistry, ask: Ask
) -> None:
    tokens.realm = f"{elsewhere.url}/token"
    elsewhere.hook = tokens.give
    ask(
        fake.url,
        lambda r: all_of(r.tags("team/app")),
        credential=ME,
        allowed_realms=["localhost"],
    )
    assert elsewhere.seen[0].credential == BASIC


@pytest.mark.parametrize(
    ("origin", "realm", "allowed"),
    [
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("https://registry.example.com:5000", "https://registry.example.com:5001/auth", True),
        ("https://registry.example.com", "http://registry.example.com/auth", False),
        ("https://registry.example.com", "https://evil.example/auth", False),
        ("https://registry.example.com", "https://registry.example.com.evil.example/", False),
        ("https://registry.example.com", "https://me@registry.example.com/", False),
        ("https://registry.example.com", "file:///etc/passwd", False),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/auth", True),
    ],
)
def test_where_a_credential_may_go(origin: str, realm: str, allowed: bool) -> None:
    """The dance driven by hand, without a network."""

    async def first_step() -> httpx.Request:
        auth = RegistryAuth(ME)
        request = httpx.Request("GET", f"{origin}/v2/")
        flow = auth.async_auth_flow(request)
        await anext(flow)
        headers = {"www-authenticate": f'Bearer realm="{realm}"'}
        try:
            return await flow.asend(httpx.Response(401, headers=headers, request=request))
        finally:
            await flow.aclose()

    if allowed:
        assert anyio.run(first_step).headers["authorization"] == BASIC
        return
    try:
        asked = anyio.run(first_step)
    except (UnauthorizedError, MalformedAnswerError):
        return
    # A foreign realm may be asked for what everybody may have.
    assert "authorization" not in asked.headers


def test_a_redirect_to_storage_gets_no_credential(
    fake: FakeRegistry, elsewhere: FakeRegistry, ask: Ask
) -> None:
    fake.users = {"me": "canary-1"}
    signed = f"{elsewhere.url}/blob?signature=canary-3"
    elsewhere.hook = lambda _: Answer(body=CONFIG)
    inner = fake._content
    fake._content = lambda seen: (  # type: ignore[method-assign]
        Answer(307, headers={"Location": signed}) if "/blobs/" in seen.path else inner(seen)
    )
    descriptor = Descriptor(media_type="x", digest=digest_of(CONFIG), size=len(CONFIG))  # type: ignore[arg-type]
    ask(fake.url, lambda r: r.image_config("team/app", descriptor), credential=ME)
    (seen,) = elsewhere.seen
    assert "authorization" not in seen.headers
    assert "canary-1" not in str(seen)


def test_an_error_of_the_storage_does_not_show_its_signed_address(
    fake: FakeRegistry, elsewhere: FakeRegistry, ask: Ask
) -> None:
    signed = f"{elsewhere.url}/blob?signature=canary-3"
    elsewhere.hook = lambda _: Answer(403, b"no", {"Content-Type": "text/plain"})
    fake.hook = lambda _: Answer(307, headers={"Location": signed})
    descriptor = Descriptor(media_type="x", digest=digest_of(CONFIG), size=len(CONFIG))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="refuses") as caught:
        ask(fake.url, lambda r: r.image_config("team/app", descriptor))
    assert "canary" not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token": 7}', b'{"token": "a\\nb"}'])
def test_an_answer_without_a_token_is_said_so(body: bytes) -> None:
    with pytest.raises(MalformedAnswerError) as caught:
        parse_token(body, now=0, server="https://a/token")
    assert caught.value.code == "TOKEN_MALFORMED"


@pytest.mark.parametrize(
    ("fields", "seconds"), [({}, 60), ({"expires_in": 10}, 60), ({"expires_in": 900}, 900)]
)
def test_a_token_lives_as_long_as_told_and_at_least_a_minute(
    fields: dict[str, int], seconds: int
) -> None:
    token = parse_token(json.dumps({"token": "x", **fields}).encode(), now=1000, server="a")
    assert token.is_fresh(1000 + seconds - 6)
    assert not token.is_fresh(1000 + seconds - 4)


def test_a_token_is_not_in_its_text() -> None:
    assert "canary" not in repr(Token(value="canary", expires_at=0))


@pytest.mark.parametrize(
    ("registry", "realm", "found"),
    [
        ("https://registry.gitlab.example.com", "https://gitlab.example.com/jwt/auth", True),
        ("https://gitlab.example.com:5050", "https://gitlab.example.com/jwt/auth", True),
        ("https://images.example.com", "https://trusted.example.org/jwt/auth", True),
        ("https://images.example.com", "https://evil.example/jwt/auth", False),
        ("https://images.example.com", "http://images.example.com/jwt/auth", False),
    ],
)
def test_a_token_server_is_told_only_where_the_credential_may_go(
    registry: str, realm: str, found: bool
) -> None:
    auth = RegistryAuth(ME, allowed_realms=["trusted.example.org"])
    assert auth.token_server(httpx.URL(registry)) is None
    auth.challenges = parse_challenges([f'Bearer realm="{realm}",service="container_registry"'])
    assert auth.token_server(httpx.URL(registry)) == (httpx.URL(realm) if found else None)
