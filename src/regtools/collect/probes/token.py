"""Token: does the token server answer, and is what it gives worth anything?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from regtools.claims import claims_of
from regtools.collect.probes.stage import clean, failed, row
from regtools.errors import RegtoolsError
from regtools.schema import CheckRow

STAGE: Final = "token"
CODES: Final = frozenset({"TOKEN_MALFORMED"})
"""Errors that mean: what the token server gave is no token."""
SKEW_SECONDS: Final = 60.0
"""What distribution forgives between two clocks (registry/auth/token, its leeway)."""
_CLOCKS: Final = (
    "Compare the clocks of the registry, the token server and this machine (`timedatectl`): "
    "tokens hold for minutes only."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A token that was given; its text is looked into and never shown."""

    server: str
    """Host of the token server."""
    service: str
    """What the registry calls itself in its challenge."""
    value: str
    is_named: bool
    """Whether a credential was shown for it."""
    ms: float | None = None


def unreachable(
    registry: str, server: str, error: RegtoolsError, cause: CheckRow | None, ms: float | None
) -> CheckRow:
    """Make the row of a token server that gives no usable answer.

    Parameters
    ----------
    cause
        What the way to it showed, where that was looked at.
    """
    if cause is None:
        return failed(registry, STAGE, error, ms=ms, evidence={"server": clean(server)})
    return row(
        registry,
        STAGE,
        cause.code,
        "fail",
        f"No token: {cause.summary}",
        ms=ms,
        evidence={"server": clean(server), "stage": cause.stage},
        remedy=f"The registry sends its clients to {clean(server)} for tokens, and that host is "
        f"ill. {cause.remedy}",
    )


def judged(
    registry: str,
    given: Given,
    *,
    accepted: bool,
    granted: Collection[str] | None,
    repository: str,
    now: datetime,
) -> CheckRow:
    """Say what a token is worth, as far as it tells.

    Parameters
    ----------
    accepted
        Whether the registry took it.
    granted
        Rights to the repository that stand in the token; None: not asked, or not told.
    """
    claims = claims_of(given.value)
    evidence: dict[str, object] = {"server": clean(given.server)}
    if claims is not None:
        evidence |= _shown(claims)
    if granted is not None:
        evidence["granted"] = sorted(granted)
    fault = None
    if claims is not None and not accepted:
        fault = _fault(claims, given, now)
    if fault is None and not accepted:
        fault = _NOT_ACCEPTED
    may_pull = granted is None or "pull" in granted
    is_for_nobody = given.is_named and (claims or {}).get("sub") in ("", "anonymous")
    if fault is None and is_for_nobody:
        fault = _FOR_NOBODY
    # Whoever may not pull without a name is told so by the next stage.
    if fault is None and given.is_named and not may_pull:
        fault = _no_right(repository)
    if fault is not None:
        code, summary, remedy = fault
        return row(
            registry,
            STAGE,
            code,
            # A public image is pulled all the same.
            "warn" if fault == _FOR_NOBODY and granted and may_pull else "fail",
            summary,
            ms=given.ms,
            evidence=evidence,
            remedy=remedy,
        )
    skew = _skew(claims or {}, now)
    if abs(skew) > SKEW_SECONDS:
        side = "behind" if skew > 0 else "ahead of"
        return row(
            registry,
            STAGE,
            "TOKEN_CLOCK_SKEW",
            "warn",
            f"This machine's clock is {abs(skew):,.0f} s {side} that of {given.server}.",
            ms=given.ms,
            evidence={**evidence, "skew_seconds": round(skew)},
            remedy=_CLOCKS,
        )
    summary = f"{clean(given.server)} gives a token, and the registry takes it."
    return row(registry, STAGE, "TOKEN_OK", "ok", summary, ms=given.ms, evidence=evidence)


_NOT_ACCEPTED: Final = (
    "TOKEN_NOT_ACCEPTED",
    "The token server gave a token, and the registry does not take it.",
    (
        "The two do not know each other: compare the registry's issuer, service and certificate "
        "(rootcertbundle) with those of the token server."
    ),
)


_FOR_NOBODY: Final = (
    "TOKEN_FOR_NOBODY",
    "The token server gave a token for nobody, though a user name and password were shown.",
    (
        "The password is wrong: this token server (Harbor's does so) answers a wrong one with a "
        "token that allows no more than anybody may."
    ),
)


def _fault(claims: Mapping[str, Any], given: Given, now: datetime) -> tuple[str, str, str] | None:
    """Find what is wrong with a token that was not taken."""
    ends, begins = _time(claims.get("exp")), _time(claims.get("nbf"))
    if ends is not None and ends <= now:
        return (
            "TOKEN_EXPIRED",
            f"The token server gave a token that had ended already, at {ends:%H:%M:%S} UTC.",
            _CLOCKS,
        )
    if begins is not None and begins > now:
        return (
            "TOKEN_NOT_YET_VALID",
            f"The token server gave a token that begins only at {begins:%H:%M:%S} UTC.",
            _CLOCKS,
        )
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if audience and given.service and given.service not in audiences:
        return (
            "TOKEN_AUDIENCE_WRONG",
            (
                f"The token is for {clean(', '.join(map(str, audiences)))}, and the registry calls "
                f"itself {clean(given.service)}."
            ),
            "Set the registry's auth.token.service and the token server's audience to the same.",
        )
    return None


def _no_right(repository: str) -> tuple[str, str, str]:
    return (
        "SCOPE_NOT_GRANTED",
        f"The token does not allow to pull {repository}.",
        (
            "Give this user (robot account, deploy token) the right to pull from this repository; "
            "or the repository does not exist: token servers do not tell the two apart."
        ),
    )


def _shown(claims: Mapping[str, Any]) -> dict[str, object]:
    """Give what may be shown of a token: times and names, never a part that signs."""
    told: dict[str, object] = {
        name: clean(claims[name]) for name in ("iss", "aud") if claims.get(name)
    }
    begins, ends = _time(claims.get("iat")), _time(claims.get("exp"))
    if ends is not None:
        told["expires_at"] = ends.isoformat(timespec="seconds")
    if begins is not None and ends is not None:
        told["lives_seconds"] = round((ends - begins).total_seconds())
    return told


def _skew(claims: Mapping[str, Any], now: datetime) -> float:
    """Seconds that the token server's clock is ahead of ours, by when it says it made the token."""
    made = _time(claims.get("iat"))
    return 0.0 if made is None else (made - now).total_seconds()


def _time(value: object) -> datetime | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
