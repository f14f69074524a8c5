"""TLS: is it spoken, is the certificate trusted, and until when does it hold?"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
from anyio.streams.tls import TLSAttribute, TLSStream
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from regtools.collect.probes.stage import Endpoint, clean, row, stopwatch
from regtools.schema import CheckRow

STAGE: Final = "tls"
EXPIRES_SOON_DAYS: Final = 30
"""Let's Encrypt renews 30 days before the end: closer than that, renewal has failed."""
MAX_NAMES: Final = 10

# OpenSSL's X509_V_ERR_*, x509_vfy.h of 3.0.
_VERIFY_CODES: Final = {
    9: "TLS_CERT_NOT_YET_VALID",
    10: "TLS_CERT_EXPIRED",
    18: "TLS_CERT_SELF_SIGNED",
    62: "TLS_CERT_NAME",
    64: "TLS_CERT_NAME",
}
# The issuer is not among what the server sent, nor among what is trusted here.
_ISSUER_UNKNOWN: Final = frozenset({2, 20, 21})
_OLD_PROTOCOL: Final = frozenset(
    {"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE"}
)
_REMEDIES: Final = {
    "TLS_CERT_SELF_SIGNED": "Give the certificate itself with --ca-file if it is the right one "
    "(compare its fingerprint with the server's), or have one issued by your authority.",
    "TLS_CHAIN_INCOMPLETE": "Have the server send its intermediate certificates too (nginx: the "
    "full chain in ssl_certificate). Browsers fetch what is missing; Docker and regtools do not.",
    "TLS_CERT_EXPIRED": "Renew the certificate and reload the server; a renewed one that is not "
    "loaded looks the same.",
    "TLS_CERT_NOT_YET_VALID": "Check the clocks of both machines.",
    "TLS_CERT_NAME": "Use a name that the certificate holds, or have it issued for this one.",
    "TLS_CERT_UNTRUSTED": "If your company signs its own certificates, give its authority with "
    "--ca-file (Docker: /etc/docker/certs.d/HOST/ca.crt); else somebody cuts into the connection.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a person asks of a certificate."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    organization: str = ""
    """Of the issuer."""
    is_issuer_published: bool = False
    """Whether it says where its issuer's certificate is: public authorities do, and sign by
    intermediates that the server must send."""

    def days_left(self, now: datetime) -> int:
        """Give whole days until it expires; negative once it has."""
        return (self.not_after - now).days


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """A handshake that came to its end."""

    protocol: str
    certificate: Certificate


async def tls(
    endpoint: Endpoint,
    address: str,
    *,
    trust: ssl.SSLContext,
    organizations: Collection[str] = (),
    timeout: float,
    now: datetime,
) -> CheckRow:
    """Shake hands twice at most: as a client would, and if that fails to read what is there.

    Parameters
    ----------
    trust
        What a client would verify with.
    organizations
        Names of the authorities that the user gave, see `organizations_of`: a certificate that
        one of them signed by way of an intermediate names them too.
    """
    with stopwatch() as elapsed:
        try:
            session = await _handshake(endpoint, address, trust, timeout)
        except ssl.SSLCertVerificationError as error:
            return await _distrusted(endpoint, address, error, organizations, timeout, now, elapsed)
        except ValueError:
            return _broken(endpoint, "shows a certificate that cannot be read", elapsed())
        except TimeoutError:
            return _broken(endpoint, f"did not finish within {timeout:g} s", elapsed())
        except (OSError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            return _not_spoken(endpoint, error, elapsed())
        return _trusted(endpoint, session, now, elapsed())


def organizations_of(ca_file: Path | None) -> frozenset[str]:
    """Give the organizations that the certificates of a file are for."""
    if ca_file is None:
        return frozenset()
    try:
        found = x509.load_pem_x509_certificates(ca_file.read_bytes())
    except (OSError, ValueError):
        # Whoever verifies with it says so.
        return frozenset()
    return frozenset(filter(None, (_organization(one.subject) for one in found)))


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate.

    Raises
    ------
    ValueError
        It cannot be parsed.
    """
    certificate = x509.load_der_x509_certificate(der)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(clean(name.value) for name in extension.value)
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(
        subject=_common_name(certificate.subject),
        issuer=_common_name(certificate.issuer),
        names=names,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        organization=_organization(certificate.issuer),
        is_issuer_published=_publishes_issuer(certificate),
    )


def _publishes_issuer(certificate: x509.Certificate) -> bool:
    try:
        told = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return False
    ca_issuers = AuthorityInformationAccessOID.CA_ISSUERS
    return any(entry.access_method == ca_issuers for entry in told.value)


async def _handshake(
    endpoint: Endpoint, address: str, context: ssl.SSLContext, timeout: float
) -> _Session:
    # One clock over connection and handshake: a server that drips bytes cannot stretch it.
    with anyio.fail_after(timeout):
        stream = await anyio.connect_tcp(address, endpoint.port)
        async with stream:
            wrapped = await TLSStream.wrap(
                stream, hostname=endpoint.host, ssl_context=context, standard_compatible=False
            )
            session = wrapped.extra_attributes[TLSAttribute.ssl_object]()
            der = session.getpeercert(binary_form=True) or b""
            return _Session(protocol=session.version() or "", certificate=read_certificate(der))


async def _distrusted(
    endpoint: Endpoint,
    address: str,
    error: ssl.SSLCertVerificationError,
    organizations: Collection[str],
    timeout: float,
    now: datetime,
    elapsed: Callable[[], float],
) -> CheckRow:
    code = _VERIFY_CODES.get(error.verify_code, "TLS_CERT_UNTRUSTED")
    reason = clean(error.verify_message)
    evidence: dict[str, object] = {"trusted": False, "reason": reason}
    try:
        session = await _handshake(endpoint, address, _trust_anything(), timeout)
    except (OSError, ValueError, anyio.EndOfStream, anyio.BrokenResourceError):
        details = reason
    else:
        evidence |= _evidence(session, now)
        if error.verify_code in _ISSUER_UNKNOWN and _lacks_intermediate(
            session.certificate, organizations
        ):
            code = "TLS_CHAIN_INCOMPLETE"
        details = _details(code, endpoint, session.certificate, now) or reason
    return row(
        endpoint.registry,
        STAGE,
        code,
        "fail",
        f"The certificate of {endpoint} is not trusted: {details}.",
        ms=elapsed(),
        evidence=evidence,
        remedy=_REMEDIES[code],
    )


def _lacks_intermediate(certificate: Certificate, organizations: Collection[str]) -> bool:
    """Whether the issuer is likely one that stands between the server and somebody trusted."""
    return certificate.is_issuer_published or certificate.organization in organizations


def _trusted(endpoint: Endpoint, session: _Session, now: datetime, ms: float) -> CheckRow:
    days = session.certificate.days_left(now)
    soon = days < EXPIRES_SOON_DAYS
    until = f"{session.certificate.not_after:%Y-%m-%d}"
    return row(
        endpoint.registry,
        STAGE,
        "TLS_EXPIRES_SOON" if soon else "TLS_OK",
        "warn" if soon else "ok",
        f"The certificate expires in {days} days, on {until}."
        if soon
        else f"{session.protocol}; the certificate is trusted and holds until {until}.",
        ms=ms,
        evidence={"trusted": True, **_evidence(session, now)},
        remedy="Renew it, and find out why it was not renewed by itself." if soon else "",
    )


def _not_spoken(endpoint: Endpoint, error: Exception, ms: float) -> CheckRow:
    reason = getattr(error, "reason", "") or ""
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return row(
            endpoint.registry,
            STAGE,
            "TLS_NOT_SPOKEN",
            "fail",
            f"{endpoint} answers, but not with TLS: it speaks plain HTTP, or something else.",
            ms=ms,
            remedy=f"If this network is trusted, ask for http://{endpoint.registry}; "
            "else check the port.",
        )
    if reason in _OLD_PROTOCOL:
        return row(
            endpoint.registry,
            STAGE,
            "TLS_PROTOCOL_OLD",
            "fail",
            f"{endpoint} speaks only versions of TLS that nobody should speak any more.",
            ms=ms,
            evidence={"reason": reason},
            remedy="Have TLS 1.2 and 1.3 switched on at the server; clients of today refuse 1.0 "
            "and 1.1 (RFC 8996).",
        )
    what = clean(reason.replace("_", " ").lower() or str(error) or "the connection was cut")
    return _broken(endpoint, f"failed: {what}", ms)


def _broken(endpoint: Endpoint, what: str, ms: float) -> CheckRow:
    return row(
        endpoint.registry,
        STAGE,
        "TLS_FAILED",
        "fail",
        f"The TLS handshake with {endpoint} {what}.",
        ms=ms,
        remedy="Check that the server speaks TLS 1.2 or newer on this port, and that no firewall "
        "or proxy cuts in.",
    )


def _details(code: str, endpoint: Endpoint, certificate: Certificate, now: datetime) -> str:
    match code:
        case "TLS_CERT_EXPIRED":
            return (
                f"it expired on {certificate.not_after:%Y-%m-%d}, "
                f"{(now - certificate.not_after).days} days ago"
            )
        case "TLS_CERT_NOT_YET_VALID":
            return f"it begins on {certificate.not_before:%Y-%m-%d}"
        case "TLS_CERT_SELF_SIGNED":
            return f"it is signed by itself ({certificate.subject})"
        case "TLS_CHAIN_INCOMPLETE":
            return (
                f"the server does not send the certificate of {certificate.issuer}, which signed it"
            )
        case "TLS_CERT_NAME":
            names = ", ".join(certificate.names[:MAX_NAMES]) or "no name"
            return f"it is for {names}, not for {endpoint.host}"
        case _:
            return f"nobody whom this machine trusts has signed it (issuer {certificate.issuer})"


def _evidence(session: _Session, now: datetime) -> dict[str, object]:
    certificate = session.certificate
    return {
        "not_after": certificate.not_after.astimezone(UTC).isoformat(),
        "days_left": certificate.days_left(now),
        "issuer": certificate.issuer,
        "subject": certificate.subject,
        "protocol": session.protocol,
        "names": list(certificate.names[:MAX_NAMES]),
    }


def _trust_anything() -> ssl.SSLContext:
    """Give a context that only reads: nothing but the handshake is ever sent through it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _organization(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return clean(found[0].value) if found else ""


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return clean(found[0].value if found else name.rfc4514_string())
