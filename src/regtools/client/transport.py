"""The wire: the only module that knows the HTTP stack under httpx.

Every request and every body goes through here, so this is where errors of sockets, names and TLS
become ours, where bodies are bounded, and where requests are counted.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn

import aiohttp
import httpx
import truststore
from httpx_aiohttp import AiohttpTransport

from regtools.errors import ConfigError, MalformedAnswerError, RegtoolsError, UnreachableError
from regtools.reference import parse_target

MAX_BODY: Final = 64 * 2**20
"""No answer that an inventory needs is larger; a request may say less."""
MAX_ERROR_BODY: Final = 64 * 2**10

# At lower levels they log whole addresses, and signed ones are secrets.
for _name in ("httpx", "aiohttp", "stamina"):
    logging.getLogger(_name).setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How to connect."""

    ca_file: Path | None = None
    """Certificates to trust beside the system's."""
    connections: int = 32
    timeout_seconds: float = 30
    """For connecting with the TLS handshake, and for each read."""
    trust_env: bool = True
    """Whether the environment's proxies are used."""


def open_client(options: ConnectionOptions) -> httpx.AsyncClient:
    """Make a client: no cookies, no redirects of its own, no netrc, names itself.

    Raises
    ------
    ConfigError
        Code ``CA_FILE_UNUSABLE``.
    """
    timeout = options.timeout_seconds
    return httpx.AsyncClient(
        transport=Wire(options),
        # To aiohttp `pool` is waiting for a free connection and making one, handshake included.
        timeout=httpx.Timeout(timeout, pool=timeout),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers=_headers(),
    )


@cache
def _headers() -> dict[str, str]:
    """Say who we are; and ask for bytes as they are stored, which is what digests are of."""
    return {"user-agent": f"regtools/{version('regtools')}", "accept-encoding": "identity"}


class Wire(httpx.AsyncBaseTransport):
    """Sends requests over aiohttp, directly or through the environment's proxy."""

    def __init__(self, options: ConnectionOptions) -> None:
        self._options = options
        self._trust = trust(options.ca_file)
        self._proxies = environment_proxies(options)
        self._transports: dict[str, AiohttpTransport] = {}
        self.requests = 0
        """Every request sent, those for tokens, of redirects and of retries included."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises
        ------
        UnreachableError
            No answer came.
        """
        self.requests += 1
        for name, value in _headers().items():
            request.headers.setdefault(name, value)
        proxy = proxy_for(request.url, self._proxies)
        try:
            response = await self._transport(proxy).handle_async_request(request)
        except RegtoolsError:
            raise
        except Exception as error:  # noqa: BLE001  # each is told apart by its causes
            _raise_classified(error, request.url, proxy)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            # Not asked for; and a few packed bytes may unfold to more than any bound.
            await response.aclose()
            raise _packed(request.url)
        response.stream = _Bounded(response, request, proxy)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()

    def _transport(self, proxy: str | None) -> AiohttpTransport:
        key = proxy or ""
        if key not in self._transports:
            self._transports[key] = AiohttpTransport(
                client=self._session, proxy=httpx.Proxy(proxy) if proxy else None
            )
        return self._transports[key]

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._options.connections, ssl=self._trust, ttl_dns_cache=300
        )
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )


class _Bounded(httpx.AsyncByteStream):
    """A body that ends with an error where it is too large, or is cut where it is itself one."""

    def __init__(self, response: httpx.Response, request: httpx.Request, proxy: str | None) -> None:
        self._stream = response.stream
        self._is_error = response.status_code >= 400
        limit = int(request.extensions.get("max_bytes", MAX_BODY))
        self._limit = MAX_ERROR_BODY if self._is_error else limit
        self._url = request.url
        self._proxy = proxy

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._stream, httpx.AsyncByteStream)  # noqa: S101  # httpx says either
        left = self._limit
        chunks = aiter(self._stream)
        while True:
            try:
                chunk = await anext(chunks, b"")
            except Exception as error:  # noqa: BLE001  # each is told apart by its causes
                _raise_classified(error, self._url, self._proxy)
            if not chunk:
                return
            if len(chunk) > left:
                if not self._is_error:
                    raise _too_large(self._url, self._limit)
                yield chunk[:left]
                return
            yield chunk
            left -= len(chunk)

    async def aclose(self) -> None:
        assert isinstance(self._stream, httpx.AsyncByteStream)  # noqa: S101
        await self._stream.aclose()


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Make a TLS context that trusts the system's certificates, and those of a file.

    Raises
    ------
    ConfigError
        Code ``CA_FILE_UNUSABLE``.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(ca_file))
        except (OSError, ssl.SSLError) as error:
            fault = error.strerror if isinstance(error, FileNotFoundError) else "no certificates"
            raise ConfigError(
                f"The CA file {ca_file} cannot be used: {fault}.",
                code="CA_FILE_UNUSABLE",
                remedy="It must hold certificates in PEM form: -----BEGIN CERTIFICATE-----.",
            ) from error
    return context


def environment_proxies(options: ConnectionOptions) -> dict[str, str]:
    """Read ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, if they are wanted."""
    return urllib.request.getproxies_environment() if options.trust_env else {}


def proxy_for(url: httpx.URL, proxies: dict[str, str]) -> str | None:
    """Give the proxy to use for an address; none for this machine itself, as Docker does it."""
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or parse_target(url.netloc.decode("ascii", "replace")).is_loopback:
        return None
    if _is_bypassed(url, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_bypassed(url: httpx.URL, no_proxy: str) -> bool:
    """Read ``NO_PROXY`` as curl and Go do: names with all below them, ``host:port``, or ``*``."""
    host, netloc = url.host.lower(), _host(url).lower()
    for entry in no_proxy.lower().split(","):
        name = entry.strip().lstrip(".").removeprefix("*.")
        if name == "*" or (name and (name in (host, netloc) or host.endswith(f".{name}"))):
            return True
    return False


def classify_error(error: BaseException, host: str, *, scheme: str = "https") -> UnreachableError:
    """Say what kept an answer from coming, from the error and its causes.

    Parameters
    ----------
    host
        ``host[:port]`` that was asked.
    scheme
        The scheme it was asked with, for the remedy.
    """
    chain = list(_causes(error))
    for cause in chain:
        found = _classified(cause, host)
        if found is not None:
            return found
    if any(isinstance(cause, TimeoutError | httpx.TimeoutException) for cause in chain):
        return _unreachable(
            "CONNECT_TIMEOUT",
            "connect",
            host,
            f"No connection to {host} in time.",
            "Check the address and the port, and that no firewall drops the packets.",
        )
    return _unreachable(
        "CONNECT_FAILED",
        "connect",
        host,
        f"No connection to {host}: {_reason(chain[-1])}.",
        f"Check the network between here and there ({scheme}).",
    )


def _classified(cause: BaseException, host: str) -> UnreachableError | None:
    if isinstance(cause, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return _unreachable(
            "PROXY_FAILED",
            "proxy",
            host,
            f"The proxy on the way to {host} did not let us through.",
            "Check HTTPS_PROXY and HTTP_PROXY, or list the host in NO_PROXY.",
        )
    if isinstance(cause, socket.gaierror | aiohttp.ClientConnectorDNSError):
        return _unreachable(
            "DNS_FAILED",
            "resolve",
            host,
            f"The name of {host} is not known.",
            "Check the spelling; inside a company the name may need its VPN or DNS server.",
        )
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, aiohttp.ClientError):
        return _tls(cause, host)  # aiohttp's own wrapper does not tell the reason.
    if isinstance(cause, ConnectionRefusedError):
        return _unreachable(
            "CONNECT_REFUSED",
            "connect",
            host,
            f"Nothing listens at {host}.",
            "Check that the registry runs, and its port.",
        )
    if isinstance(cause, aiohttp.SocketTimeoutError | httpx.ReadTimeout):
        return _unreachable(
            "READ_TIMEOUT",
            "read",
            host,
            f"{host} took the request and did not answer in time.",
            "The registry or its storage is slow; see its log. `timeout_seconds` sets how long we wait.",
        )
    if isinstance(
        cause,
        aiohttp.ServerDisconnectedError
        | aiohttp.ClientPayloadError
        | ConnectionResetError
        | BrokenPipeError,
    ):
        return _unreachable(
            "CONNECTION_CUT",
            "read",
            host,
            f"{host} closed the connection in the middle.",
            "A proxy or the registry gave up; see its log, and try again.",
        )
    if isinstance(cause, aiohttp.ClientResponseError | aiohttp.http.HttpProcessingError):
        return _unreachable(
            "HTTP_NOT_SPOKEN",
            "read",
            host,
            f"What listens at {host} does not speak HTTP.",
            "Check the port.",
        )
    return None


def _tls(cause: ssl.SSLError, host: str) -> UnreachableError:
    number = getattr(cause, "verify_code", 0)
    if number in (9, 10):
        return _unreachable(
            "TLS_CERT_EXPIRED" if number == 10 else "TLS_CERT_NOT_YET_VALID",
            "tls",
            host,
            f"The certificate of {host} is {'expired' if number == 10 else 'not valid yet'}.",
            "Have it renewed; and check this machine's clock.",
        )
    if number in (62, 64):
        return _unreachable(
            "TLS_CERT_NAME",
            "tls",
            host,
            f"The certificate of {host} is for another name.",
            "Use a name that the certificate holds, or have one made for this name.",
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _unreachable(
            "TLS_CERT_UNTRUSTED",
            "tls",
            host,
            f"The certificate of {host} is signed by nobody this machine trusts.",
            "Give the authority's certificate with --ca-file, or add it to the system's.",
        )
    if cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return _unreachable(
            "TLS_NOT_SPOKEN",
            "tls",
            host,
            f"What listens at {host} does not speak TLS.",
            f"If it is a registry on plain HTTP, write http://{host}.",
        )
    return _unreachable(
        "TLS_FAILED",
        "tls",
        host,
        f"No TLS session with {host}: {_reason(cause)}.",
        "Check which TLS versions and ciphers both sides allow.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what caused it, the outermost first; each once."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        cause = pending.pop(0)
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        pending += [cause.__cause__, cause.__context__]
        inner = [getattr(cause, name, None) for name in ("os_error", "certificate_error")]
        pending += [one for one in inner if isinstance(one, BaseException)]


def _reason(error: BaseException) -> str:
    words = getattr(error, "strerror", None) or getattr(error, "reason", None)
    return str(words or type(error).__name__)[:100]


def _raise_classified(error: BaseException, url: httpx.URL, proxy: str | None) -> NoReturn:
    if isinstance(error, asyncio.CancelledError):
        raise error
    del proxy
    raise classify_error(error, _host(url), scheme=url.scheme) from error


def _host(url: httpx.URL) -> str:
    return url.netloc.decode("ascii", "replace")


def _too_large(url: httpx.URL, limit: int) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"The answer of {_host(url)} is larger than {limit:,} bytes.",
        code="ANSWER_TOO_LARGE",
        remedy="No registry has reason to send so much here; look at what answers.",
    )


def _packed(url: httpx.URL) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"{_host(url)} sends a compressed answer that was not asked for.",
        code="ANSWER_ENCODED",
        remedy="A proxy in front of the registry compresses; have it leave /v2/ alone.",
    )


def _unreachable(code: str, stage: str, host: str, summary: str, remedy: str) -> UnreachableError:
    return UnreachableError(summary, code=code, stage=stage, host=host, remedy=remedy)
