"""The wire: the only module that knows the HTTP stack under httpx.

httpx-aiohttp hands requests on as text, bounds no handshake as such, and names most errors a
time-out (0.2, read 2026-11). So its transport is kept for the session, and sending is done here:
addresses go out as they are, every step has a time-out, every body a bound, every host a limit of
requests at once.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import aiohttp
import httpx
import truststore
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from regtools.client.limit import PUSHED_BACK, Limiter
from regtools.client.record import Recording, RecordingTransport, Replay, ReplayTransport
from regtools.errors import ConfigError
from regtools.reference import is_loopback

MAX_BODY: Final = 64 * 2**20
"""No answer that an inventory needs is larger; a request may say less (``max_bytes``)."""
MAX_ERROR_BODY: Final = 64 * 2**10
CONNECT_SECONDS: Final = 10.0
"""For the name, the connection and the handshake together."""

for _name in ("httpx", "aiohttp.client", "stamina"):
    # They log whole addresses, and signed ones are secrets. Whoever sets a level gets them.
    _logger = logging.getLogger(_name)
    if _logger.level == logging.NOTSET:
        _logger.setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How to connect."""

    ca_file: Path | None = None
    """Certificates to trust beside the system's."""
    connections: int = 32
    """Requests under way at once, to one host."""
    timeout_seconds: float = 30
    """For a whole answer, once connected."""
    trust_env: bool = True
    """Whether the environment's proxies are used."""
    recording: Recording | None = None
    """Where to write down what is asked and answered."""
    replay: Replay | None = None
    """A recording to take answers from, in the network's place."""

    @property
    def connect_seconds(self) -> float:
        """For the name, the connection and the handshake together."""
        return min(CONNECT_SECONDS, self.timeout_seconds)


def open_client(options: ConnectionOptions) -> httpx.AsyncClient:
    """Make a client: no cookies, no redirects of its own, no netrc; it names itself.

    Raises
    ------
    ConfigError
        Codes ``CA_FILE_UNUSABLE`` and ``PROXY_UNUSABLE``.
    """
    return httpx.AsyncClient(
        transport=_transport(options),
        trust_env=False,
        follow_redirects=False,
        headers=_HEADERS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


def _transport(options: ConnectionOptions) -> httpx.AsyncBaseTransport:
    if options.replay is not None:
        return ReplayTransport(options.replay)
    wire = Wire(options)
    return RecordingTransport(wire, options.recording) if options.recording else wire


class Wire(AiohttpTransport):
    """Sends requests over aiohttp, directly or through the environment's proxy.

    A request may say ``max_bytes`` in its extensions: its body ends there, and the answer's
    extensions then say ``cut``.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self._trust = trust(options.ca_file)
        super().__init__(verify=self._trust, client=self._open_session)
        self._options = options
        self._proxies = environment_proxies(options)
        _check_proxies(self._proxies)
        self._limiters: dict[tuple[str, int | None], Limiter] = {}
        self._timeout = aiohttp.ClientTimeout(
            total=options.connect_seconds + options.timeout_seconds,
            connect=options.connect_seconds,
            sock_connect=options.connect_seconds,
            sock_read=options.timeout_seconds,
        )

    def limiter(self, url: httpx.URL) -> Limiter:
        """Give the limit that holds for the host of an address."""
        key = url.host, url.port
        if key not in self._limiters:
            self._limiters[key] = Limiter(self._options.connections)
        return self._limiters[key]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once there is room for it.

        Raises
        ------
        httpx.TransportError
            No answer came; `classify_error` tells why.
        """
        limiter = self.limiter(request.url)
        await limiter.acquire()
        epoch = limiter.epoch
        try:
            response = await self._send(request)
        except BaseException:
            limiter.release()
            raise
        if response.status in PUSHED_BACK:
            limiter.pushed_back(epoch)
        else:
            limiter.went_well()
        most = int(request.extensions.get("max_bytes", MAX_BODY))
        if response.status >= 400:
            most = min(most, MAX_ERROR_BODY)
        body = _Body(response, most, limiter.release)
        answer = httpx.Response(
            response.status,
            # Nothing is decompressed: digests are of the bytes as they came.
            headers=[(k, v) for k, v in response.raw_headers if k.lower() != b"content-encoding"],
            stream=body,
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )
        body.extensions = answer.extensions
        return answer

    async def _send(self, request: httpx.Request) -> aiohttp.ClientResponse:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        proxy = proxy_for(request.url, self._proxies)
        with _translated():
            return await self.client.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
                auto_decompress=False,
                timeout=self._timeout,
                proxy=proxy,
            )

    def _open_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            # The limit is kept per host, before a request counts its time.
            limit=0,
            ssl=self._trust,
            # The resolver that every other program on this machine uses.
            resolver=aiohttp.ThreadedResolver(),
            ttl_dns_cache=300,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            trust_env=False,
        )


class _Body(httpx.AsyncByteStream):
    """An answer's body up to a bound; closing it makes room for the next request."""

    def __init__(
        self, response: aiohttp.ClientResponse, most: int, release: Callable[[], None]
    ) -> None:
        self._response = response
        self._most = most
        self.extensions: dict[str, Any] = {}
        self._release: Callable[[], None] | None = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        with _translated():
            async for chunk in self._response.content.iter_any():
                if len(chunk) > left:
                    self.extensions["cut"] = True
                    yield chunk[:left]
                    return
                left -= len(chunk)
                yield chunk

    async def aclose(self) -> None:
        # A body read to its end has given its connection back; any other is not worth reading.
        self._response.close()
        if self._release is not None:
            self._release()
            self._release = None


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Make a TLS context that trusts the system's certificates, and those of a file.

    Raises
    ------
    ConfigError
        Code ``CA_FILE_UNUSABLE``.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        return context
    try:
        context.load_verify_locations(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        fault = (
            "it holds no certificates"
            if isinstance(error, ssl.SSLError) or not error.strerror
            else error.strerror.lower()
        )
        raise ConfigError(
            f"The CA file {ca_file} cannot be used: {fault}.",
            code="CA_FILE_UNUSABLE",
            remedy="Name a file with certificates in PEM form: -----BEGIN CERTIFICATE-----.",
        ) from error
    return context


def environment_proxies(options: ConnectionOptions) -> dict[str, str]:
    """Read ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, if they are wanted."""
    return urllib.request.getproxies_environment() if options.trust_env else {}


def proxy_for(url: httpx.URL, proxies: Mapping[str, str]) -> str | None:
    """Give the proxy for an address; None to connect directly.

    This machine itself is never asked through a proxy: there, its name would mean the proxy's
    machine (golang.org/x/net/http/httpproxy does the same, and with it Docker and skopeo).

    Examples
    --------
    >>> proxies = {"https": "http://proxy:3128", "no": "10.0.0.0/8,.corp.example"}
    >>> proxy_for(httpx.URL("https://ghcr.io/v2/"), proxies)
    'http://proxy:3128'
    >>> proxy_for(httpx.URL("https://registry.corp.example/v2/"), proxies) is None
    True
    """
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or is_loopback(url.host) or _is_bypassed(url, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_bypassed(url: httpx.URL, no_proxy: str) -> bool:
    """Read ``NO_PROXY`` as Go does: names with all below them, addresses, networks, ports, ``*``."""
    host, netloc = url.host.lower(), url.netloc.decode("ascii", "replace").lower()
    for entry in (part.strip().lower() for part in no_proxy.split(",")):
        name = entry.removeprefix("*").removeprefix(".")
        if entry == "*" or (name and (name in (host, netloc) or host.endswith(f".{name}"))):
            return True
        if _is_within(host, entry.strip("[]")):
            return True
    return False


def _is_within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _check_proxies(proxies: Mapping[str, str]) -> None:
    for name in ("https", "http", "all"):
        proxy = proxies.get(name, "")
        scheme = proxy.partition("://")[0].lower() if "://" in proxy else "http"
        if proxy and scheme not in ("http", "https"):
            raise ConfigError(
                f"{name.upper()}_PROXY names a proxy of a kind that is not supported.",
                code="PROXY_UNUSABLE",
                remedy="Use a proxy that speaks HTTP: http://host:port.",
            )


@contextmanager
def _translated() -> Iterator[None]:
    """Raise aiohttp's errors as the ones of httpx that they are, with the cause chained."""
    try:
        yield
    except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
        raise httpx.ProxyError("proxy") from error
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout("connect") from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError("connect") from error
    except TimeoutError as error:
        raise httpx.ReadTimeout("read") from error
    except (aiohttp.ClientResponseError, aiohttp.InvalidURL) as error:
        raise httpx.RemoteProtocolError("protocol") from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError("read") from error


def _version() -> str:
    try:
        return version("regtools")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0"


_HEADERS: Final = {
    "User-Agent": f"regtools/{_version()}",
    # Digests are of the bytes as stored; what is compressed on the way would have others.
    "Accept-Encoding": "identity",
    "Accept": "*/*",
}
