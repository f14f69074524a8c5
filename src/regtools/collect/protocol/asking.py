"""Questions to a registry where every answer is of interest, refusals included."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from regtools.client import Distribution, secrets_of
from regtools.client.answer import clean as scrubbed
from regtools.client.answer import is_cut, is_html
from regtools.collect.probes.stage import clean
from regtools.collect.protocol.capability import Answer, Capability
from regtools.errors import BudgetError, DeniedError, RegtoolsError, UnauthorizedError

MOST_BYTES: Final = 8 * 2**20
LIMIT_HEADERS: Final = (
    "ratelimit-limit",
    "ratelimit-remaining",
    "docker-ratelimit-source",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
)
_ANY_STATUS: Final = range(200, 600)
_REFUSED: Final = (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, and its answer or what kept it from coming."""

    request: str
    """Method and path, fit to be shown."""
    response: httpx.Response | None = None
    error: RegtoolsError | None = None
    secrets: tuple[str, ...] = ()
    """What must not come back in what is shown."""

    @property
    def status(self) -> int:
        """The HTTP status; 0: no answer came."""
        return self.response.status_code if self.response is not None else 0

    @property
    def ok(self) -> bool:
        """Whether it is a success, and no web page."""
        found = self.response
        return found is not None and found.is_success and not is_html(found)

    @property
    def evidence(self) -> str:
        """The request, and what came back."""
        if self.error is not None:
            return f"{self.request}: {clean(self.error.summary)}"
        page = ", a web page" if self.response is not None and is_html(self.response) else ""
        return f"{self.request} → {self.status}{page}"

    def header(self, name: str) -> str:
        """Give a header, fit to be shown; empty: it is not there."""
        if self.response is None:
            return ""
        return without(self.response.headers.get(name, ""), self.secrets)

    @property
    def body(self) -> bytes | None:
        """Give the whole body; None: it is too large, or none came."""
        if self.response is None or is_cut(self.response):
            return None
        return self.response.content

    def answered(self) -> Answer:
        """Give the answer for what is not a success."""
        if self.status in _REFUSED or isinstance(self.error, UnauthorizedError | DeniedError):
            return "refused"
        # Of a registry that is ill or in a hurry nobody learns what it can do.
        return "unknown" if self.status == 429 or self.status >= 500 or self.error else "no"

    def row(self, capability: str, answer: Answer | None = None, value: str = "") -> Capability:
        """Make a row of it; without an answer the one that its failure is."""
        return Capability(
            capability=capability,
            answer=answer or self.answered(),
            value=clean(value),
            evidence=self.evidence,
        )


class Asker:
    """Asks one registry, once each, and follows nothing."""

    def __init__(self, distribution: Distribution) -> None:
        self.distribution = distribution
        self.limits: dict[str, str] = {}
        """What answers told of limits, by header."""

    async def ask(
        self,
        method: str,
        path: str | httpx.URL,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        most: int = MOST_BYTES,
    ) -> Asked:
        """Send a request; whatever comes is the answer."""
        shown = path if isinstance(path, str) else path.raw_path.decode("ascii", "replace")
        request = clean(f"{method} {shown}")
        try:
            response = await self.distribution.exchange.ask(
                method,
                path,
                what=request,
                scope=scope,
                headers=headers,
                max_bytes=most,
                understood=_ANY_STATUS,
                follow=False,
            )
        except BudgetError:
            raise
        except RegtoolsError as error:
            return Asked(request=request, error=error)
        asked = Asked(request=request, response=response, secrets=self._secrets())
        self.limits |= {name: told for name in LIMIT_HEADERS if (told := asked.header(name))}
        return asked

    def _secrets(self) -> tuple[str, ...]:
        shown = self.distribution.credential
        return (*secrets_of(shown), *self.distribution.exchange.auth.secrets)


def without(text: str, secrets: Collection[str]) -> str:
    """Make a stranger's words fit to be shown: bounded, and without our own secrets."""
    return clean(scrubbed(text, secrets))


def unknown(capability: str, why: str) -> Capability:
    """Make the row of what could not be seen."""
    return Capability(capability=capability, answer="unknown", evidence=why)
