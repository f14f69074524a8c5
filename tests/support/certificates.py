"""A certificate authority for one test run, and server certificates good and bad."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """A certificate with its key, in two files a server can load."""

    certificate_file: Path
    key_file: Path
    key: PrivateKey
    certificate: x509.Certificate
    names: tuple[str, ...]

    @property
    def not_after(self) -> datetime:
        """When it expires."""
        return self.certificate.not_valid_after_utc


class CertificateAuthority:
    """Signs server certificates; `file` is what a client is given to trust."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "regtools test authority",
        signed_by: CertificateAuthority | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "regtools tests"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._build_own(signed_by or self)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def server(
        self,
        *names: str,
        days: float = 90,
        age_days: float = 1,
        now: datetime | None = None,
        key: PrivateKey | None = None,
    ) -> ServerCertificate:
        """Issue a certificate.

        Parameters
        ----------
        names
            DNS names and IP addresses; left out: all names of the loopback.
        days
            Until it expires, from now; negative: it has.
        age_days
            Since when it is valid; negative: it is not yet.
        """
        now = now or datetime.now(UTC)
        start = now - timedelta(days=age_days)
        end = now + timedelta(days=days)
        names = names or LOOPBACK_NAMES
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(key, names, min(start, end - timedelta(days=1)), end)
        stem = f"{certificate.serial_number:x}"
        files = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(private_pem(key))
        return ServerCertificate(
            certificate_file=files[0],
            key_file=files[1],
            key=key,
            certificate=certificate,
            names=tuple(names),
        )

    def intermediate(self) -> CertificateAuthority:
        """Give an authority that this one signed."""
        return CertificateAuthority(
            self._folder / "intermediate", name="regtools test intermediate", signed_by=self
        )

    def _build_own(self, signer: CertificateAuthority) -> x509.Certificate:
        now = datetime.now(UTC)
        key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(signer._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=3650))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(key_id, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer._key.public_key()), False
            )
            .sign(signer._key, hashes.SHA256())
        )

    def _sign(
        self, key: PrivateKey, names: Sequence[str], start: datetime, end: datetime
    ) -> x509.Certificate:
        # Python 3.13 verifies strictly (RFC 5280): key identifiers and usages must all be there.
        own_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([_san(n) for n in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(own_key_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def self_signed(folder: Path) -> ServerCertificate:
    """Make a server's certificate that nobody else signed."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([_san(n) for n in LOOPBACK_NAMES]), False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "self.pem", folder / "self.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(private_pem(key))
    return ServerCertificate(
        certificate_file=files[0],
        key_file=files[1],
        key=key,
        certificate=certificate,
        names=LOOPBACK_NAMES,
    )


def private_pem(key: PrivateKey) -> bytes:
    """Write a key as unencrypted PKCS 8."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
