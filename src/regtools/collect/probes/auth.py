"""Auth: does the registry know us, and does it want to?"""

from __future__ import annotations

from typing import Final

from regtools.client import Ping
from regtools.collect.probes.http import Answer
from regtools.collect.probes.stage import clean, row
from regtools.schema import CheckRow

STAGE: Final = "auth"


def auth(registry: str, answer: Answer, *, source: str, needed: bool) -> CheckRow:
    """Judge what the registry made of the credential.

    Parameters
    ----------
    answer
        What it said at ``/v2/``.
    source
        Where the credential comes from, in words; empty: there is none.
    needed
        Whether nothing can be read without: a named repository may be public all the same.
    """
    if not isinstance(answer, Ping):
        return _refused(registry, answer, source) if source else _required(registry, needed=needed)
    if answer.authenticated:
        return row(
            registry,
            STAGE,
            "AUTH_OK",
            "ok",
            f"The credential from {clean(source)} is accepted.",
            evidence=_evidence(answer),
        )
    if answer.status in (401, 403):
        return _required(registry, answer, needed=needed)
    return _open(registry, answer, source)


def _open(registry: str, ping: Ping, source: str) -> CheckRow:
    unused = f" The credential from {clean(source)} was not asked for." if source else ""
    return row(
        registry,
        STAGE,
        "AUTH_ANONYMOUS",
        "ok",
        f"The registry lets anybody in.{unused}",
        evidence=_evidence(ping),
    )


def _required(registry: str, ping: Ping | None = None, *, needed: bool) -> CheckRow:
    return row(
        registry,
        STAGE,
        "AUTH_REQUIRED",
        "fail" if needed else "warn",
        "The registry wants a credential, and none was found for it.",
        evidence=_evidence(ping) if ping else None,
        remedy=f"Run `docker login {registry}`, or give --username and --password env:NAME; "
        "`regtools check-auth` shows where it was looked for.",
    )


def _refused(registry: str, answer: Answer, source: str) -> CheckRow:
    return row(
        registry,
        STAGE,
        "AUTH_REFUSED",
        "fail",
        f"The registry does not accept the credential from {clean(source)}.",
        evidence={"status": answer.status},
        remedy="Check the user name and the password or token: it may have expired, or be for "
        "another registry. `regtools check-auth` shows which source was used.",
    )


def _evidence(ping: Ping) -> dict[str, object]:
    # Realms and services are addresses, not secrets; they tell which token server is meant.
    return {"challenges": [clean(challenge) for challenge in ping.challenges][:4]}
