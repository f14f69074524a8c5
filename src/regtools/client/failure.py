"""Why no answer came: from an exception and its causes to one of our errors."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from regtools.errors import UnreachableError

# OpenSSL's X509_V_ERR_*, x509_vfy.h of 3.0.
_CERTIFICATES: Final = {
    9: "TLS_CERT_NOT_YET_VALID",
    10: "TLS_CERT_EXPIRED",
    18: "TLS_CERT_SELF_SIGNED",
    62: "TLS_CERT_NAME",
    64: "TLS_CERT_NAME",
}
_CERTIFICATE_WORDS: Final = {
    "TLS_CERT_NOT_YET_VALID": (
        "is not valid yet",
        "Check the clocks of both machines.",
    ),
    "TLS_CERT_EXPIRED": (
        "has expired",
        "Have it renewed and the server reloaded; check this machine's clock too.",
    ),
    "TLS_CERT_SELF_SIGNED": (
        "is signed by itself",
        "Give it with --ca-file if it is the right one, or have one issued by your authority.",
    ),
    "TLS_CERT_NAME": (
        "is for another name",
        "Use a name that the certificate holds, or have one issued for this name.",
    ),
    "TLS_CERT_UNTRUSTED": (
        "is signed by nobody whom this machine trusts",
        "Give your company's authority with --ca-file, or have the server's chain mended.",
    ),
}
# What OpenSSL calls an answer that is no TLS record: 1.1, 3.0, and 3.2 and later.
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_OLD_PROTOCOL: Final = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"})
_NO_ROUTE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


def classify_error(error: BaseException, host: str, *, scheme: str = "https") -> UnreachableError:
    """Say what kept an answer from coming.

    Parameters
    ----------
    error
        What the HTTP client raised. Its causes tell more than its own kind does.
    host
        ``host[:port]`` that was asked.
    scheme
        What it was asked with.
    """
    chain = list(_causes(error))
    if any(isinstance(cause, httpx.ProxyError) for cause in chain):
        return _proxy(chain, host)
    for cause in chain:
        if isinstance(cause, socket.gaierror):
            return _name(cause, host)
        # aiohttp's own errors are of these classes too, but do not tell the reason.
        if isinstance(cause, ssl.SSLError) and hasattr(cause, "reason"):
            return _tls(cause, host)
    if isinstance(error, httpx.ConnectError):
        return _connection(chain, host, scheme)
    return _exchange(error, chain, host, scheme)


def _proxy(chain: list[BaseException], host: str) -> UnreachableError:
    status = next((s for s in (getattr(c, "status", None) for c in chain) if s), None)
    said = f"answered {status}" if status else "cannot be reached"
    return UnreachableError(
        f"The proxy on the way to {host} {said}.",
        stage="proxy",
        host=host,
        code="PROXY_FAILED",
        remedy="Check HTTPS_PROXY and HTTP_PROXY (and the user and password in them), or list "
        "the host in NO_PROXY.",
    )


def _name(cause: socket.gaierror, host: str) -> UnreachableError:
    silent = cause.errno == socket.EAI_AGAIN
    return UnreachableError(
        f"The name server gave no answer for {host}."
        if silent
        else f"The name of {host} does not exist.",
        stage="resolve",
        host=host,
        code="DNS_FAILED",
        remedy="Check this machine's name server and network."
        if silent
        else "Check the spelling; a name inside a company resolves only in its network or VPN.",
    )


def _tls(cause: ssl.SSLError, host: str) -> UnreachableError:
    if isinstance(cause, ssl.SSLCertVerificationError):
        code = _CERTIFICATES.get(getattr(cause, "verify_code", 0), "TLS_CERT_UNTRUSTED")
        fault, remedy = _CERTIFICATE_WORDS[code]
        return UnreachableError(
            f"The certificate of {host} {fault}.", stage="tls", host=host, code=code, remedy=remedy
        )
    if cause.reason in _NO_TLS:
        return UnreachableError(
            f"{host} does not speak TLS.",
            stage="tls",
            host=host,
            code="TLS_NOT_SPOKEN",
            remedy=f"If it is a registry on plain HTTP and the network can be trusted, ask for "
            f"http://{host}.",
        )
    if cause.reason in _OLD_PROTOCOL:
        return UnreachableError(
            f"{host} speaks only versions of TLS that nobody should speak any more.",
            stage="tls",
            host=host,
            code="TLS_PROTOCOL_OLD",
            remedy="Have TLS 1.2 and 1.3 switched on at the server (RFC 8996).",
        )
    return _no_session(host, (cause.reason or "connection closed").replace("_", " ").lower())


def _no_session(host: str, why: str) -> UnreachableError:
    return UnreachableError(
        f"The TLS handshake with {host} failed: {why[:100]}.",
        stage="tls",
        host=host,
        code="TLS_FAILED",
        remedy="Check that the server speaks TLS 1.2 or newer on this port, and that no firewall "
        f"or proxy cuts in. If it is a registry on plain HTTP, ask for http://{host}.",
    )


def _connection(chain: list[BaseException], host: str, scheme: str) -> UnreachableError:
    system = next((c for c in chain if isinstance(c, OSError) and c.errno), None)
    number = system.errno if system else None
    if number == errno.ECONNREFUSED:
        return UnreachableError(
            f"Nothing listens at {host}.",
            stage="connect",
            host=host,
            code="CONNECT_REFUSED",
            remedy="Check the port, and that the registry is running.",
        )
    if number == errno.ETIMEDOUT:
        return _no_connection(host)
    if number in (errno.ECONNRESET, errno.EPIPE, None) and scheme == "https":
        # The connection stood: what was cut is the handshake.
        return _no_session(host, "the server closed the connection")
    reason = (
        "there is no route" if number in _NO_ROUTE else (system and system.strerror) or "failed"
    )
    return UnreachableError(
        f"No connection to {host}: {str(reason).lower()[:100]}.",
        stage="connect",
        host=host,
        code="CONNECT_FAILED",
        remedy="Check this machine's network and its way to the host.",
    )


def _exchange(
    error: BaseException, chain: list[BaseException], host: str, scheme: str
) -> UnreachableError:
    if isinstance(error, httpx.ConnectTimeout):
        return _no_connection(host)
    if any(isinstance(cause, httpx.TimeoutException | TimeoutError) for cause in chain):
        return UnreachableError(
            f"{host} took the request and gave no whole answer in time.",
            stage="read",
            host=host,
            code="READ_TIMEOUT",
            remedy="The registry or its storage is slow: look at its log. `timeout_seconds` says "
            "how long we wait.",
        )
    if isinstance(error, httpx.RemoteProtocolError):
        return _not_http(chain, host, scheme)
    # Many servers hang up without a word where TLS was expected.
    maybe = f" If it speaks TLS, ask for https://{host}." if scheme == "http" else ""
    return UnreachableError(
        f"{host} cut the connection before a whole answer.",
        stage="read",
        host=host,
        code="CONNECTION_CUT",
        remedy="The registry, or a proxy in front of it, gave up: look at its log, and try again."
        f"{maybe}",
    )


def _no_connection(host: str) -> UnreachableError:
    return UnreachableError(
        f"No connection to {host} came about in time.",
        stage="connect",
        host=host,
        code="CONNECT_TIMEOUT",
        remedy="Check firewalls, security groups and VPN on the way, and whether a proxy is needed "
        "(HTTPS_PROXY). `regtools diagnose` tells whether TCP or TLS hangs.",
    )


def _not_http(chain: list[BaseException], host: str, scheme: str) -> UnreachableError:
    # A TLS alert record begins with these two bytes (RFC 8446, section 5.1).
    alert = any("\\x15\\x03" in str(cause) or "\x15\x03" in str(cause) for cause in chain)
    if scheme == "http" and alert:
        return UnreachableError(
            f"{host} speaks TLS, and was asked in plain HTTP.",
            stage="tls",
            host=host,
            code="TLS_EXPECTED",
            remedy=f"Ask for https://{host} instead of http://{host}.",
        )
    return UnreachableError(
        f"What listens at {host} does not speak HTTP.",
        stage="read",
        host=host,
        code="HTTP_NOT_SPOKEN",
        remedy="Check the port: something else than a registry is there.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what caused it, the outermost first, each once."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        cause = pending.pop(0)
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        pending += [cause.__cause__, cause.__context__]
