"""What the nightly scans of the sample registries noticed on their way, good and bad."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from regtools.demo.company import chance
from regtools.schema import CheckRow, ProblemRow

OUTAGE_DAY: Final = 170
"""A scan found the registry's storage stuck: some repositories did not answer."""
OUTAGE_REPOSITORIES: Final = ("freight/customs", "freight/documents", "web/portal")
SLOW_DAY: Final = 425
SLOW_DAYS: Final = 7
_SLOWNESS: Final = 9

_RENEW_SOON_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a registry stands, and what is to be seen of it.

    The addresses are those that RFC 5737 and RFC 3849 set aside for documentation.
    """

    registry: str
    first_day: datetime
    """When the story begins: incidents count from here."""
    now: datetime
    issuer: str
    certificate_days: int
    """How long a certificate lasts."""
    renewed_days: int
    """How many days before its end a certificate is replaced."""
    days_left: int
    """How long the present one has left at the end of the story."""
    addresses: tuple[str, str]
    server: str
    username: str
    ms: float
    has_incidents: bool = False

    def checks(self, at: datetime) -> list[CheckRow]:
        """Give the checks that a scan at this moment made."""
        slow = _SLOWNESS if self.is_slow(at) else 1
        v4, v6 = self.addresses
        return [
            self._check(
                "resolve",
                "RESOLVED",
                f"{self.registry} is {v4} and {v6}.",
                at,
                0.3,
                {"ipv4": [v4], "ipv6": [v6]},
            ),
            self._check(
                "connect",
                "CONNECTED",
                f"{self.registry}:443 takes connections.",
                at,
                0.5 * slow,
                {"addresses": [{"address": v4, "ms": self.ms}]},
            ),
            self._tls(at),
            self._check(
                "http",
                "HTTP_OK",
                "A registry answers at /v2/ with 200.",
                at,
                2.1 * slow,
                {"status": 200, "api_version": "registry/2.0", "server": self.server},
            ),
            self._check(
                "auth",
                "AUTH_OK",
                f"The credential of {self.username} from Docker's config.json is accepted.",
                at,
                None,
                {"status": 200, "challenges": ["Bearer"]},
            ),
        ]

    def problems(self, at: datetime) -> list[ProblemRow]:
        """Give what a scan at this moment could not read."""
        if not self._is_within(at, OUTAGE_DAY, 7):
            return []
        return [
            ProblemRow(
                registry=self.registry,
                repository=repository,
                reference="",
                code="READ_TIMEOUT",
                message=f"{self.registry}:443 did not answer within 30 s.",
            )
            for repository in OUTAGE_REPOSITORIES
        ]

    def is_slow(self, at: datetime) -> bool:
        """Tell whether this was in the week when everything took long."""
        return self._is_within(at, SLOW_DAY, SLOW_DAYS)

    def not_after(self, at: datetime) -> datetime:
        """Tell when the certificate in use at a moment ends."""
        end = self.now + timedelta(days=self.days_left, hours=5)
        used_days = self.certificate_days - self.renewed_days
        while at < end - timedelta(days=self.certificate_days):
            end -= timedelta(days=used_days)
        return end

    def _is_within(self, at: datetime, day: int, days: int) -> bool:
        start = self.first_day + timedelta(days=day)
        return self.has_incidents and start <= at < start + timedelta(days=days)

    def _tls(self, at: datetime) -> CheckRow:
        end = self.not_after(at)
        days = (end - at).days
        soon = days < _RENEW_SOON_DAYS
        return self._check(
            "tls",
            "TLS_EXPIRES_SOON" if soon else "TLS_OK",
            f"The certificate expires in {days} days, on {end:%Y-%m-%d}."
            if soon
            else f"TLSv1.3; the certificate is trusted and holds until {end:%Y-%m-%d}.",
            at,
            1.4,
            {
                "trusted": True,
                "not_after": end.isoformat(),
                "days_left": days,
                "issuer": self.issuer,
                "subject": self.registry,
                "protocol": "TLSv1.3",
                "names": [self.registry],
            },
            status="warn" if soon else "ok",
            remedy="Renew it, and find out why it was not renewed by itself." if soon else "",
        )

    def _check(
        self,
        stage: str,
        code: str,
        summary: str,
        at: datetime,
        factor: float | None,
        evidence: dict[str, str | int | bool | Sequence[object]],
        *,
        status: str = "ok",
        remedy: str = "",
    ) -> CheckRow:
        noise = 0.8 + 0.4 * chance(self.registry, stage, at.date())
        return CheckRow(
            registry=self.registry,
            stage=stage,
            code=code,
            status=status,
            ms=None if factor is None else round(self.ms * factor * noise, 1),
            summary=summary,
            evidence=json.dumps(evidence),
            remedy=remedy,
        )
