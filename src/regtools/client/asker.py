"""What says who asks: the dance with a registry, or the headers of a vendor's API."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from regtools.client.challenge import Challenge
from regtools.errors import UnauthorizedError


class Asker(httpx.Auth):
    """Puts a credential on requests, and knows what came of it."""

    presented: bool = False
    """Whether the credential was shown."""
    challenges: Sequence[Challenge] = ()
    """What the other side asked for last."""

    @property
    def refusal(self) -> UnauthorizedError | None:
        """Why the credential was kept back, where it was."""
        return None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is shown on the wire beside the credential, and must never be shown elsewhere."""
        return ()

    @property
    def realms(self) -> list[str]:
        """Addresses of the token servers, as the registry names them."""
        return [challenge.realm for challenge in self.challenges if challenge.scheme == "bearer"]

    @property
    def services(self) -> list[str]:
        """Names of token servers in the last challenges."""
        told = (challenge.parameters.get("service", "") for challenge in self.challenges)
        return [name for name in told if name]
