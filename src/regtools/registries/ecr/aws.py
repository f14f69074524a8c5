"""An AWS service, asked through boto3 over our own wire.

boto3 finds the credentials (its chain: environment, profile, SSO, web identity, container,
instance), checks what is asked, signs it, tries again when AWS says to, and reads the answer by
AWS's own description. What it would send goes out through the `Api` instead: so proxies,
certificates, time-outs, the budget of requests and recordings are the same as for everything else.
The hook is botocore's event ``before-send``, whose handler may give the answer (botocore's
documentation, Event system, 2026-11).

boto3 blocks, so that it runs in worker threads; it takes long to import, so that only a question
imports it.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import anyio
from anyio import from_thread, to_thread

from regtools.errors import DeniedError, RegistryError
from regtools.registries.ecr.failure import failure, refusal
from regtools.registries.entry import Entry, odd
from regtools.registries.listing import Api, Login, Place, Rights

PAGE_SIZE: Final = 1000
"""The most that ECR and ECR Public give at once (botocore's description of both, 2026-11)."""
ATTEMPTS: Final = 6
DEFAULT_REGION: Final = "us-east-1"
"""Where neither the registry's name nor the profile says another; boto3 wants one to sign for."""

_UNSENT: Final = frozenset({"user-agent", "content-length", "expect"})
"""Headers that the wire makes itself; none of them is signed."""

# At DEBUG botocore logs whole answers, and one of them is a password. Whoever sets a level gets it.
_logger = logging.getLogger("botocore")
if _logger.level == logging.NOTSET:
    _logger.setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """What botocore reads an answer's body from."""

    data: bytes

    def stream(self) -> Iterator[bytes]:
        yield self.data


class Aws:
    """One service of AWS in one region.

    Parameters
    ----------
    api
        What requests go through.
    place
        Says where the service is and which profile's credentials sign.
    service
        ``ecr`` or ``ecr-public``: boto3's name and the one in IAM policies.
    region
        Empty: the profile's.
    vendor
        Whose answers these are, as people call it.
    """

    def __init__(self, api: Api, place: Place, *, service: str, region: str, vendor: str) -> None:
        self._api = api
        self._place = place
        self._service = service
        self._region = region
        self._vendor = vendor
        self._opened: Any = None
        self._opening = anyio.Lock()

    async def ask(self, operation: str, **asked: Any) -> Mapping[str, Any]:
        """Ask one question, such as ``DescribeImages``.

        Raises
        ------
        UnauthorizedError
            Codes ``AWS_CREDENTIALS_MISSING``, ``AWS_CREDENTIALS_EXPIRED``,
            ``AWS_CREDENTIALS_REFUSED``.
        DeniedError
            Code ``AWS_ACCESS_DENIED``, with the right that is missing.
        NotFoundError, RateLimitedError, MalformedAnswerError, RegistryError, UnreachableError
            As elsewhere.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            async with self._opening:
                if self._opened is None:
                    self._opened = await to_thread.run_sync(self._open)
            return await to_thread.run_sync(partial(self._call, operation, asked))
        except ClientError as error:
            raise refusal(f"{self._service}:{operation}", error.response) from error
        except (ResponseParserError, AttributeError, KeyError, TypeError, ValueError) as error:
            # What botocore's parser raises where an answer is not what its description says.
            raise odd(self._vendor, operation, "is not what AWS's description says") from error
        except BotoCoreError as error:
            raise failure(error, profile=self._place.profile) from error

    async def pages(self, operation: str, key: str, **asked: Any) -> AsyncIterator[object]:
        """Give the list ``key`` of every page."""
        given: set[str] = set()
        while True:
            answer = await self.ask(operation, maxResults=PAGE_SIZE, **asked)
            if key not in answer:
                raise odd(self._vendor, key, "is missing")
            yield answer[key]
            token = answer.get("nextToken")
            if not token:
                return
            if token in given:
                raise odd(self._vendor, "nextToken", "names a page that was there already")
            given.add(token)
            asked["nextToken"] = token

    async def authorization(self) -> Entry:
        """Give ``authorizationData``: a token of twelve hours for the registry, and its end."""
        data = (await self.ask("GetAuthorizationToken")).get("authorizationData")
        # ECR gives a list, for a parameter that it no longer wants; ECR Public one object.
        first = data[0] if isinstance(data, list) and data else data
        return Entry(first, vendor=self._vendor, place="authorizationData")

    async def login(self) -> Login:
        """Give the user name and the password for the registry itself."""
        text = (await self.authorization()).text("authorizationToken")
        try:
            username, colon, secret = b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            username = colon = secret = ""
        if not colon:  # What stands there may be a password: it is not shown.
            raise odd(self._vendor, "authorizationToken", "holds no user name and password")
        return Login(username=username, secret=secret)

    async def rights(self) -> Rights:
        """Give when a token that is fetched now ends, and whether repositories may be listed."""
        data = await self.authorization()
        listed: bool | None = True
        try:
            await self.ask("DescribeRepositories", maxResults=1)
        except DeniedError:
            listed = False
        except RegistryError:
            listed = None  # AWS did not tell.
        return Rights(
            expires_at=data.time("expiresAt"),
            granted={} if listed is None else {"list": listed},
            source=f"{self._service}:GetAuthorizationToken, {self._service}:DescribeRepositories",
        )

    def _open(self) -> Any:
        """Make the client; in a thread, since credentials may come from the network."""
        import boto3
        import botocore.session
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import NoCredentialsError

        unsigned = {"signature_version": UNSIGNED} if self._place.is_replayed else {}
        # "adaptive" slows all questions down once AWS throttles one; some quotas are low.
        retries = {"mode": "adaptive", "total_max_attempts": ATTEMPTS}
        core = botocore.session.Session()
        core.register_component("data_loader", _descriptions())
        session = boto3.Session(profile_name=self._place.profile or None, botocore_session=core)
        client = session.client(
            self._service,
            region_name=self._region or session.region_name or DEFAULT_REGION,
            endpoint_url=self._place.api_url,
            config=Config(retries=retries, **unsigned),
        )
        if not unsigned and session.get_credentials() is None:
            raise NoCredentialsError
        client.meta.events.register_first(f"before-send.{self._service}", self._send)
        return client

    def _call(self, operation: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        from botocore import xform_name

        answer: Mapping[str, Any] = getattr(self._opened, xform_name(operation))(**asked)
        return answer

    def _send(self, request: Any, **_: Any) -> Any:
        """Send what botocore has signed; called in the thread that waits for it."""
        from botocore.awsrequest import AWSResponse

        headers = {
            name: value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
            if name.lower() not in _UNSENT
        }
        send = partial(self._api.send, what="an answer of AWS", headers=headers, body=request.body)
        sent = from_thread.run(send)
        return AWSResponse(request.url, sent.status, dict(sent.headers), _Body(data=sent.body))


@cache
def _descriptions() -> Any:
    """Give what reads AWS's descriptions, which keeps what it has read: they are large."""
    from botocore.loaders import create_loader

    return create_loader()


async def signed(api: Api, login: Login) -> Mapping[str, str]:
    """Sign in to nothing: every request is signed by itself."""
    del api, login
    return {}
