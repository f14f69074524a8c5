"""What was asked and answered, written down without secrets, and played back without a network.

For somebody who has an account that we have not: ``regtools scan TARGET --record DIR`` writes a
folder to attach to a report, and ``replay:DIR`` as a target reads it as if it were the registry.

Written down are method, address, status, a few headers, and the body. Never written: what says who
asks (no header of a request is, but for what it accepts), tokens and passwords in bodies, cookies,
of an image's config more than its platform, date and layers, and the queries of addresses that answers point to, which are signed. Names of repositories, tags
and accounts stay: without them there is nothing to read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import httpx

from regtools.errors import ConfigError

EXCHANGES: Final = "exchanges.jsonl"
ABOUT: Final = "recording.json"
VERSION: Final = 1
SCRUBBED: Final = "scrubbed"

_SECRET: Final = re.compile(
    r"(?i)(?:access_|refresh_|id_|identity|session|security|bearer|authorization)?_?token"
    r"|pass(?:word)?|secret|authorization|signature|private_key|credentials?|auth|accesskey(?:id)?"
)
_CONTENT: Final = re.compile(r"/(?:manifests|blobs)/([a-z0-9+._-]+:[A-Za-z0-9=_-]+)$")
_REFERRERS: Final = re.compile(r"/referrers/[a-z0-9+._-]+:[A-Za-z0-9=_-]+(?:\?|$)")
"""An address of something that is the same in every repository that has it."""
_WHO: Final = frozenset({"identifier", "username", "user", "login"})
"""Who a secret beside it belongs to: a recording is played back as somebody else."""
# JSON Web Tokens, and Google's access tokens.
_JWT: Final = re.compile(rb"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?|ya29\.[\w.-]{8,}")
_HEADERS: Final = re.compile(
    r"content-type|content-range|accept-ranges|etag|link|location|retry-after|server|warning"
    r"|www-authenticate|x-total.*|x-next-page|x-page|x-per-page|x-retry-after"
    r"|x-amzn-errortype|(?:x-)?ratelimit.*|docker-.*|oci-.*|gitlab-.*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a recording is of."""

    registry: str
    scheme: str
    path: str
    kind: str
    api_url: str = ""
    authenticated: bool = False
    version: int = VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An answer from a recording."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reduced: bool
    """Whether it is an image's config, of which only the harmless part was kept."""


class Recording:
    """A folder that exchanges are written to as they happen.

    Parameters
    ----------
    folder
        Made if it is not there; one that holds a recording is refused.
    secrets
        Texts that must not stand in it, wherever they come up.

    Raises
    ------
    ConfigError
        Code ``RECORDING_UNWRITABLE``.
    """

    def __init__(self, folder: Path, about: About, *, secrets: Collection[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._secrets = sorted((form.encode() for form in forms), key=len, reverse=True)
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / ABOUT).open("x", encoding="utf-8") as file:
                json.dump(asdict(about), file, indent=2)
            self._file = (folder / EXCHANGES).open("x", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"No recording can be written to {folder}: {error.strerror}.",
                code="RECORDING_UNWRITABLE",
                remedy="Name a new folder.",
            ) from error

    def keep(
        self,
        method: str,
        url: str,
        request_body: bytes,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Write one exchange down."""
        reduced = _reduced_config(body)
        clean = self._clean(_clean_body(body) if reduced is None else reduced)
        text, packed = _as_text(clean)
        line = {
            "method": method,
            "url": self._clean(clean_url(url).encode()).decode(),
            "asked": fingerprint(request_body),
            "status": status,
            "headers": {
                name.lower(): self._clean(_clean_header(name, value).encode()).decode()
                for name, value in headers.items()
                if _HEADERS.fullmatch(name.lower())
            },
            "base64" if packed else "body": text,
            "reduced": reduced is not None,
        }
        with self._lock:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _clean(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, b"***")
        return data


class Replay:
    """Answers from a recording, in the order in which they came; the last one again and again.

    Raises
    ------
    ConfigError
        Code ``RECORDING_UNREADABLE``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.about = About(**json.loads((folder / ABOUT).read_text(encoding="utf-8")))
            lines = (folder / EXCHANGES).read_text(encoding="utf-8").splitlines()
            self._answers: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
            self._content: dict[tuple[str, str], dict[str, Any]] = {}
            self._no_referrers: dict[str, dict[str, Any]] = {}
            for line in lines:
                one = json.loads(line)
                self._answers[one["method"], one["url"], one["asked"]].append(one)
                content = _CONTENT.search(one["url"])
                if content and one["status"] == 200:
                    self._content[one["method"], content[1]] = one
                if one["status"] == 404 and _REFERRERS.search(one["url"]):
                    self._no_referrers[one["method"]] = one
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{folder} holds no recording that can be read: {error}.",
                code="RECORDING_UNREADABLE",
                remedy="Give a folder that --record has written.",
            ) from error
        if self.about.version != VERSION:
            raise ConfigError(
                f"{folder} was recorded by another version of regtools.",
                code="RECORDING_UNREADABLE",
                remedy="Record it again.",
            )

    def find(self, method: str, url: str, request_body: bytes) -> Recorded | None:
        """Give the next answer; None: this was never asked."""
        waiting = self._answers.get((method, clean_url(url), fingerprint(request_body)))
        content = _CONTENT.search(url)
        if waiting:
            one = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        elif content and (method, content[1]) in self._content:
            # What several repositories share was asked of whichever came first.
            one = self._content[method, content[1]]
        elif method in self._no_referrers and _REFERRERS.search(url):
            # A registry that knows no referrers says so to whoever comes first (distribution
            # spec 1.1: one that does never answers 404), and nobody asks again.
            one = self._no_referrers[method]
        else:
            return None
        packed = one.get("base64")
        body = base64.b64decode(packed) if packed is not None else str(one["body"]).encode()
        return Recorded(
            status=int(one["status"]),
            headers=dict(one["headers"]),
            body=body,
            reduced=bool(one["reduced"]),
        )


class RecordingTransport(httpx.AsyncBaseTransport):
    """Writes down what passes through it on the way to another transport."""

    def __init__(self, inner: httpx.AsyncBaseTransport, recording: Recording) -> None:
        self._inner = inner
        self._recording = recording

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, and keep its answer."""
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  # for the checker
        response.stream = _Kept(response, request, self._recording)
        return response

    async def aclose(self) -> None:
        """Close the other transport, and the recording."""
        await self._inner.aclose()
        self._recording.close()


class ReplayTransport(httpx.AsyncBaseTransport):
    """Answers from a recording; what was never asked fails as a host that is not there."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give the recorded answer."""
        found = self._replay.find(request.method, str(request.url), _question(request))
        if found is None:
            raise httpx.ConnectError(
                f"{request.method} {clean_url(str(request.url))} is not in the recording "
                f"{self._replay.folder}",
                request=request,
            )
        return httpx.Response(
            found.status,
            headers=found.headers,
            content=found.body,
            request=request,
            extensions={"reduced": found.reduced},
        )


class _Kept(httpx.AsyncByteStream):
    """A body on its way to the reader; whole, or as far as it came, it is written down."""

    def __init__(
        self, response: httpx.Response, request: httpx.Request, recording: Recording
    ) -> None:
        self._stream = response.stream
        self._response = response
        self._request = request
        self._recording = recording
        self._parts: list[bytes] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx.AsyncByteStream)  # noqa: S101
        async for part in self._stream:
            self._parts.append(part)
            yield part

    async def aclose(self) -> None:
        assert isinstance(self._stream, httpx.AsyncByteStream)  # noqa: S101
        await self._stream.aclose()
        self._recording.keep(
            self._request.method,
            str(self._request.url),
            _question(self._request),
            self._response.status_code,
            self._response.headers,
            b"".join(self._parts),
        )


def clean_url(url: str) -> str:
    """Give an address without user name and fragment, and without what is secret in its query.

    Examples
    --------
    >>> clean_url("https://me@cdn.example.com/b?X-Amz-Signature=1&page=2")
    'https://cdn.example.com/b?X-Amz-Signature=scrubbed&page=2'
    """
    parsed = httpx.URL(url).copy_with(username=None, password=None, fragment=None)
    pairs = parse_qsl(parsed.query.decode("ascii", "replace"), keep_blank_values=True)
    kept = [(name, SCRUBBED if _is_signing(name) else value) for name, value in pairs]
    bare = str(parsed.copy_with(query=None))
    return f"{bare}?{urlencode(kept)}" if kept else bare


def fingerprint(body: bytes) -> str:
    """Tell requests with different bodies apart, without their secrets and whose they are."""
    return hashlib.sha256(_without_who(_clean_body(body))).hexdigest()[:16] if body else ""


def _without_who(clean: bytes) -> bytes:
    if SCRUBBED.encode() not in clean or clean[:1] != b"{":
        return clean
    data = json.loads(clean)
    return json.dumps({name: one for name, one in data.items() if name not in _WHO}).encode()


def _question(request: httpx.Request) -> bytes:
    """Give what tells a request from others to the same address: AWS says in a header what it is."""
    target: str = request.headers.get("x-amz-target", "")
    return b"\n".join([target.encode(), request.content]) if target else request.content


def _forms(secret: str) -> tuple[str, ...]:
    """Give a secret as it stands by itself, in JSON, and in an address."""
    return (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
    )


def _is_signing(name: str) -> bool:
    """Whether a query's field signs it: Amazon's, Google's, Azure's and CloudFront's."""
    return bool(
        re.fullmatch(
            r"(?i)x-(?:amz|goog)-.*|sig|se|sp|sv|sr|ske?.*|st|spr|sdd|policy|key-pair-id|expires"
            r"|googleaccessid|awsaccesskeyid|verify|cf_sign.*",
            name,
        )
        or _SECRET.fullmatch(name)
    )


def _clean_header(name: str, value: str) -> str:
    return clean_url(value) if name.lower() == "location" else value


def _clean_body(body: bytes) -> bytes:
    """Take tokens and passwords out of JSON and of forms; other bodies only lose what looks so."""
    if body[:1] in (b"{", b"["):
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return _JWT.sub(SCRUBBED.encode(), body)
        clean = _clean_value(data)
        # Digests are of the bytes as they came: what holds no secret stays as it is.
        return body if clean == data else json.dumps(clean).encode()
    if re.fullmatch(rb"[\w.%+*-]+=[^&\s]*(?:&[\w.%+*-]+=[^&\s]*)*", body):
        pairs = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True)
        return urlencode([(n, SCRUBBED if _SECRET.fullmatch(n) else v) for n, v in pairs]).encode()
    return _JWT.sub(SCRUBBED.encode(), body)


def _reduced_config(body: bytes) -> bytes | None:
    """Give the harmless part of an image's config; None where it is something else.

    The rest has environment variables and commands, in which people leave passwords.
    """
    if b'"rootfs"' not in body:
        return None
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or "rootfs" not in data:
        return None
    kept = ("created", "os", "architecture", "variant", "os.version", "rootfs")
    return json.dumps({name: data[name] for name in kept if name in data}).encode()


def _clean_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: SCRUBBED
            if isinstance(one, str) and _SECRET.fullmatch(str(name))
            else _clean_value(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_clean_value(one) for one in value]
    if isinstance(value, str):
        return _JWT.sub(SCRUBBED.encode(), value.encode()).decode()
    return value


def _as_text(data: bytes) -> tuple[str, bool]:
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), True
