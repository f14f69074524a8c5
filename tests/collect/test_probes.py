"""Each probe against a real socket, name or certificate that is good, bad or silent."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.certificates import CertificateAuthority, ServerCertificate
from tests.support.docker_registry import DockerRegistry

from regtools.collect.probes import connect, resolve, tls
from regtools.collect.probes.stage import Endpoint, clean
from regtools.schema import CheckRow

NOW = datetime.now(UTC)


def endpoint(port: int, host: str = "127.0.0.1", *, is_proxy: bool = False) -> Endpoint:
    return Endpoint(registry="registry.example.com", host=host, port=port, is_proxy=is_proxy)


def evidence(check: CheckRow) -> Any:
    return json.loads(check.evidence)


@contextmanager
def silent_port(*, listens: bool) -> Iterator[int]:
    """A port that refuses; or one that takes connections and never says a word."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listens:
            taken.listen()
        yield taken.getsockname()[1]


def resolved(host: str, timeout: float = 5) -> tuple[CheckRow, list[str]]:
    async def run() -> tuple[CheckRow, list[str]]:
        return await resolve.resolve(endpoint(443, host), timeout=timeout)

    return anyio.run(run)


def connected(port: int, *addresses: str, timeout: float = 5) -> tuple[CheckRow, list[str]]:
    async def run() -> tuple[CheckRow, list[str]]:
        return await connect.connect(endpoint(port), addresses, timeout=timeout)

    return anyio.run(run)


def shaken(
    port: int,
    trust: ssl.SSLContext,
    *,
    host: str = "127.0.0.1",
    timeout: float = 5,
    now: datetime = NOW,
) -> CheckRow:
    async def run() -> CheckRow:
        return await tls.tls(
            endpoint(port, host), "127.0.0.1", trust=trust, timeout=timeout, now=now
        )

    return anyio.run(run)


@pytest.fixture
def trust(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


class TestResolve:
    def test_an_address_is_not_looked_up(self) -> None:
        check, addresses = resolved("::1")
        assert (check.status, check.code, check.ms) == ("ok", "RESOLVED", None)
        assert addresses == ["::1"]
        assert evidence(check) == {"ipv4": [], "ipv6": ["::1"]}

    def test_localhost_has_an_address(self) -> None:
        check, addresses = resolved("localhost")
        assert check.status == "ok"
        assert "127.0.0.1" in addresses or "::1" in addresses
        assert check.ms is not None

    @pytest.mark.parametrize(
        ("number", "said"),
        [(socket.EAI_NONAME, "does not exist"), (socket.EAI_AGAIN, "did not answer")],
    )
    def test_a_name_that_is_missing_differs_from_a_server_that_is(
        self, monkeypatch: pytest.MonkeyPatch, number: int, said: str
    ) -> None:
        async def fail(*_: object, **__: object) -> None:
            raise socket.gaierror(number, "whatever the C library says")

        monkeypatch.setattr(anyio, "getaddrinfo", fail)
        check, addresses = resolved("registry.example.com")
        assert (check.status, check.code) == ("fail", "DNS_FAILED")
        assert said in check.summary
        assert check.remedy
        assert addresses == []

    def test_a_name_that_no_dns_can_carry_is_a_finding_and_no_crash(self) -> None:
        check, _ = resolved(f"{'a' * 64}.example.com")
        assert (check.status, check.code) == ("fail", "DNS_FAILED")

    def test_a_name_server_that_hangs_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def hang(*_: object, **__: object) -> None:
            await anyio.sleep_forever()

        monkeypatch.setattr(anyio, "getaddrinfo", hang)
        check, _ = resolved("registry.example.com", timeout=0.05)
        assert (check.status, check.code) == ("fail", "DNS_FAILED")
        assert "within 0.05 s" in check.summary

    def test_many_addresses_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def many(host: str, port: int, **_: object) -> list[Any]:
            return [(0, 0, 0, "", (f"192.0.2.{n}", port)) for n in range(200)]

        monkeypatch.setattr(anyio, "getaddrinfo", many)
        check, addresses = resolved("registry.example.com")
        assert len(addresses) == len(evidence(check)["ipv4"]) == resolve.MAX_ADDRESSES
        assert "200 IPv4" in check.summary


class TestConnect:
    def test_a_listening_port_connects(self) -> None:
        with silent_port(listens=True) as port:
            check, alive = connected(port, "127.0.0.1")
        assert (check.status, check.code) == ("ok", "CONNECTED")
        assert alive == ["127.0.0.1"]
        assert check.ms is not None

    def test_a_closed_port_refuses(self) -> None:
        with silent_port(listens=False) as port:
            check, alive = connected(port, "127.0.0.1")
        assert (check.status, check.code, alive) == ("fail", "CONNECT_REFUSED", [])
        assert f"127.0.0.1:{port}" in check.summary
        assert "port" in check.remedy

    def test_silence_is_a_timeout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def hang(*_: object, **__: object) -> None:
            await anyio.sleep_forever()

        monkeypatch.setattr(anyio, "connect_tcp", hang)
        check, _ = connected(443, "192.0.2.1", timeout=0.05)
        assert (check.status, check.code) == ("fail", "CONNECT_TIMEOUT")
        assert "firewall" in check.remedy

    def test_one_refusing_address_among_others_costs_nobody_anything(self) -> None:
        with silent_port(listens=True) as port:
            check, alive = connected(port, "127.0.0.1", "127.0.0.2")
        assert (check.status, alive) == ("ok", ["127.0.0.1"])
        assert [entry.get("error") for entry in evidence(check)["addresses"]] == [None, "refused"]

    def test_one_silent_address_among_others_is_a_warning(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        really = anyio.connect_tcp

        async def hang_at_one(address: str, port: int) -> Any:
            if address == "2001:db8::1":
                await anyio.sleep_forever()
            return await really(address, port)

        monkeypatch.setattr(anyio, "connect_tcp", hang_at_one)
        with silent_port(listens=True) as port:
            check, alive = connected(port, "2001:db8::1", "127.0.0.1", timeout=0.2)
        assert (check.status, check.code) == ("warn", "CONNECT_PARTIAL")
        assert alive == ["127.0.0.1"]
        assert "2001:db8::1" in check.summary

    def test_the_proxy_is_named_when_it_is_what_was_asked(self) -> None:
        async def run(port: int) -> CheckRow:
            proxy = endpoint(port, is_proxy=True)
            return (await connect.connect(proxy, ["127.0.0.1"], timeout=5))[0]

        with silent_port(listens=False) as port:
            check = anyio.run(run, port)
        assert check.summary.startswith(f"The proxy 127.0.0.1:{port} ")
        assert evidence(check)["proxy"] == f"127.0.0.1:{port}"
        assert check.registry == "registry.example.com"


class TestTls:
    def test_a_trusted_certificate_tells_who_signed_it_and_until_when(
        self, tls_registry: DockerRegistry, trust: ssl.SSLContext
    ) -> None:
        check = shaken(tls_registry.port, trust)
        assert (check.status, check.code) == ("ok", "TLS_OK")
        told = evidence(check)
        assert told["issuer"] == "regtools test authority"
        assert told["names"] == ["localhost", "127.0.0.1", "::1"]
        assert told["protocol"] == "TLSv1.3"
        assert told["trusted"] is True

    @pytest.mark.parametrize(
        ("days_before_end", "code", "days_left"),
        [(30.5, "TLS_OK", 30), (30, "TLS_OK", 30), (29.9, "TLS_EXPIRES_SOON", 29)],
    )
    def test_a_certificate_near_its_end_is_a_warning(
        self,
        authority: CertificateAuthority,
        start_registry: Callable[..., DockerRegistry],
        trust: ssl.SSLContext,
        days_before_end: float,
        code: str,
        days_left: int,
    ) -> None:
        certificate = authority.server()
        registry = start_registry(certificate=certificate)
        now = certificate.not_after - timedelta(days=days_before_end)
        check = shaken(registry.port, trust, now=now)
        assert check.code == code
        assert evidence(check)["days_left"] == days_left
        assert evidence(check)["not_after"] == certificate.not_after.isoformat()
        assert bool(check.remedy) == (check.status == "warn")

    @pytest.mark.parametrize(
        ("make", "code", "said"),
        [
            (lambda ca: ca.server(days=-10.5, age_days=100), "TLS_CERT_EXPIRED", "10 days ago"),
            (lambda ca: ca.server(days=90, age_days=-1), "TLS_CERT_NOT_YET_VALID", "begins on"),
            (
                lambda ca: ca.server("other.example.com"),
                "TLS_CERT_NAME",
                "for other.example.com, not for 127.0.0.1",
            ),
        ],
    )
    def test_a_bad_certificate_is_named_and_still_read(
        self,
        authority: CertificateAuthority,
        start_registry: Callable[..., DockerRegistry],
        trust: ssl.SSLContext,
        make: Callable[[CertificateAuthority], ServerCertificate],
        code: str,
        said: str,
    ) -> None:
        certificate = make(authority)
        check = shaken(start_registry(certificate=certificate).port, trust)
        assert (check.status, check.code) == ("fail", code)
        assert said in check.summary
        assert check.remedy
        told = evidence(check)
        assert told["not_after"] == certificate.not_after.isoformat()
        assert told["trusted"] is False

    def test_an_unknown_authority_is_not_trusted(self, tls_registry: DockerRegistry) -> None:
        check = shaken(tls_registry.port, ssl.create_default_context())
        assert (check.status, check.code) == ("fail", "TLS_CERT_UNTRUSTED")
        assert "regtools test authority" in check.summary
        assert "--ca-file" in check.remedy

    def test_plain_http_on_the_port_is_told_apart_from_broken_tls(
        self, registry: DockerRegistry, trust: ssl.SSLContext
    ) -> None:
        check = shaken(registry.port, trust)
        assert (check.status, check.code) == ("fail", "TLS_NOT_SPOKEN")
        assert "http://" in check.remedy

    def test_a_server_that_says_nothing_is_given_up(self, trust: ssl.SSLContext) -> None:
        with silent_port(listens=True) as port:
            check = shaken(port, trust, timeout=0.1)
        assert (check.status, check.code) == ("fail", "TLS_FAILED")
        assert "0.1 s" in check.summary

    def test_a_port_that_closed_since_is_a_finding_and_no_crash(
        self, trust: ssl.SSLContext
    ) -> None:
        with silent_port(listens=False) as port:
            check = shaken(port, trust)
        assert (check.status, check.code) == ("fail", "TLS_FAILED")

    def test_what_is_no_certificate_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"(?i)parse|asn"):
            tls.read_certificate(b"not a certificate")


@given(st.text(max_size=600), st.integers(min_value=1, max_value=300))
def test_foreign_text_is_bounded_and_cannot_move_the_cursor(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert cleaned.isprintable()
    if text.isprintable() and len(text) <= limit:
        assert cleaned == text
