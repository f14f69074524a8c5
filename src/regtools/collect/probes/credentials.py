"""Credentials: where were they looked for, which were taken, and do they look sound?"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from regtools.collect.probes.stage import clean, row
from regtools.credentials import HUB_KEYS, Attempt, Credential, expires_at
from regtools.reference import DOCKER_HUB
from regtools.registries.listing import CredentialShape, Rights
from regtools.schema import CheckRow

STAGE: Final = "credentials"
_PAIR: Final = re.compile(r"[^\s:]+:\S+")


def credentials(
    registry: str,
    credential: Credential,
    attempts: Sequence[Attempt],
    *,
    wanted: bool,
    now: datetime,
) -> CheckRow:
    """Judge the credential by its looks; nothing of it is shown but its source.

    Parameters
    ----------
    wanted
        Whether the registry asked for one.
    now
        The moment by which a token has ended.
    """
    evidence: dict[str, object] = {
        "source": clean(credential.source),
        "tried": [{"source": clean(a.source), "outcome": clean(a.outcome)} for a in attempts],
    }
    if credential.is_anonymous:
        return _none(registry, attempts, evidence, wanted=wanted)
    ends = expires_at(credential.password or credential.identity_token)
    if ends is not None:
        evidence["ends_at"] = _written(ends)
    if credential.renew is not None or credential.cloud:
        evidence["renewed"] = True
    fault = _fault(credential, now) or _odd_key(credential)
    if fault is not None:
        code, said, remedy = fault
        return row(
            registry,
            STAGE,
            code,
            "warn",
            f"The credential from {clean(credential.source)} {said}.",
            evidence=evidence,
            remedy=remedy,
        )
    summary = f"The credential from {clean(credential.source)} is used."
    return row(registry, STAGE, "CREDENTIALS_FOUND", "ok", summary, evidence=evidence)


def described(
    rows: Sequence[CheckRow], *, shape: CredentialShape | None = None, rights: Rights | None = None
) -> list[CheckRow]:
    """Add to the evidence what sort of credential it is, whose, and how long it lives.

    Adds ``sort`` (in the vendor's words), ``personal`` (whether it is a person's; missing: nobody
    tells), ``lives`` (in words, of a sort that lives for hours) and ``ends_at``, as far as known.

    Parameters
    ----------
    rows
        A registry's checks.
    shape
        What the credential looks like.
    rights
        What the vendor's own API says of it.
    """
    looks: dict[str, object] = {}
    told: dict[str, object] = {}
    if shape is not None:
        looks["sort"] = shape.title
        looks |= {} if shape.is_personal is None else {"personal": shape.is_personal}
        looks |= {"lives": shape.expires_in} if shape.expires_in else {}
    if rights is not None:
        told |= {"sort": clean(rights.kind)} if rights.kind else {}
        told |= {"ends_at": _written(rights.expires_at)} if rights.expires_at else {}
    return [_with(one, looks, told) if one.stage == STAGE else one for one in rows]


def _with(check: CheckRow, looks: dict[str, object], told: dict[str, object]) -> CheckRow:
    """Add facts; what the vendor tells counts more than what it looks like."""
    if check.status == "skipped" or check.code in _WITHOUT:
        return check
    return replace(check, evidence=json.dumps({**looks, **json.loads(check.evidence), **told}))


_WITHOUT: Final = ("CREDENTIALS_NONE", "CREDENTIALS_UNREADABLE")
"""Codes that say: there is none."""


def _written(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds")


def _none(
    registry: str, attempts: Sequence[Attempt], evidence: dict[str, object], *, wanted: bool
) -> CheckRow:
    broken = [one for one in attempts if one.is_broken]
    if broken:
        one = broken[0]
        return row(
            registry,
            STAGE,
            "CREDENTIALS_UNREADABLE",
            "warn",
            f"No credential: {clean(one.source)}: {clean(one.outcome)}.",
            evidence=evidence,
            remedy="Mend this source, or log in again with `docker login`; Docker itself says only "
            '"no basic auth credentials" here.',
        )
    summary = "No credential was found for it; it is asked as anybody."
    near = [one for one in attempts if one.near_key]
    if wanted and near:
        one = near[0]
        return row(
            registry,
            STAGE,
            "CREDENTIALS_KEY_WRONG",
            "warn",
            f"No credential for {clean(registry)}, but {clean(one.source)} has one for "
            f"{clean(one.near_key)}.",
            evidence=evidence,
            remedy=f"If it is meant for this registry: its key is {_key_of(registry)}. Log in again "
            f"with `docker login {clean(registry)}`.",
        )
    if not wanted:
        return row(registry, STAGE, "CREDENTIALS_NONE", "ok", summary, evidence=evidence)
    return row(
        registry,
        STAGE,
        "CREDENTIALS_NONE",
        "warn",
        summary,
        evidence=evidence,
        remedy=f"Public images need none. Else run `docker login {registry}`, or give --username "
        "and --password env:NAME.",
    )


def _fault(credential: Credential, now: datetime) -> tuple[str, str, str] | None:
    secret = credential.password or credential.identity_token
    if secret != secret.strip() or credential.username != credential.username.strip():
        return (
            "CREDENTIAL_WHITESPACE",
            "begins or ends with white space, often a newline of the file it was read from",
            "Write it without: `printf %s` instead of `echo`, and `base64 -w0` of that.",
        )
    if credential.username and _is_encoded(secret, credential.username):
        return (
            "CREDENTIAL_ENCODED",
            "is itself base64 of a user name and password: it was encoded once too often",
            (
                "Give the password as it is; `auth` in a Docker configuration is base64 of "
                "user:password, once."
            ),
        )
    if not secret:
        return "CREDENTIAL_EMPTY", "has an empty password", "Log in again."
    ends = expires_at(secret)
    if ends is not None and ends <= now:
        return (
            "CREDENTIAL_EXPIRED",
            f"is a token that ended at {ends:%Y-%m-%d %H:%M} UTC",
            "Get a new one.",
        )
    return None


def _odd_key(credential: Credential) -> tuple[str, str, str] | None:
    if not credential.odd_key:
        return None
    return (
        "CREDENTIALS_KEY_WRONG",
        f"stands under {clean(credential.odd_key)}, where Docker itself does not look for it",
        f"Its key is {HUB_KEYS[0]}: `docker login` without a host writes it.",
    )


def _key_of(registry: str) -> str:
    return HUB_KEYS[0] if registry == DOCKER_HUB else clean(registry)


def _is_encoded(secret: str, username: str) -> bool:
    try:
        text = base64.b64decode(secret, validate=True).decode()
    except ValueError:
        return False
    return bool(_PAIR.fullmatch(text)) and text.startswith(f"{username}:")
