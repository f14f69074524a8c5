"""Challenge: what does the registry want to see, and where does it send us for it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from regtools.client.challenge import Challenge
from regtools.collect.probes.stage import clean, failed, row
from regtools.errors import RegtoolsError
from regtools.schema import CheckRow

STAGE: Final = "challenge"
CODES: Final = frozenset({"CHALLENGE_MALFORMED", "REALM_NOT_ALLOWED"})
"""Errors that mean: the challenge itself is wrong."""
MAX_SHOWN: Final = 4


def challenge(
    registry: str, challenges: Sequence[Challenge], fault: RegtoolsError | None = None
) -> CheckRow:
    """Tell the ways to authenticate that the registry offers; none: it lets anybody ask.

    Parameters
    ----------
    fault
        What is wrong with the token server's address.
    """
    # Realms and services are addresses and names, not secrets.
    evidence = {
        "challenges": [
            {
                "scheme": clean(one.scheme),
                "realm": clean(one.realm),
                "service": clean(one.service),
            }
            for one in challenges[:MAX_SHOWN]
        ]
    }
    if fault is not None:
        return failed(registry, STAGE, fault, evidence=evidence)
    if not challenges:
        summary = "The registry asks for no credential at /v2/."
        return row(registry, STAGE, "CHALLENGE_NONE", "ok", summary)
    schemes = {one.scheme for one in challenges}
    ways = {
        "bearer": f"a token of {clean(_realm(challenges))}",
        "basic": "a user name and password",
    }
    wanted = [words for scheme, words in ways.items() if scheme in schemes]
    if not wanted:
        return row(
            registry,
            STAGE,
            "CHALLENGE_UNKNOWN",
            "fail",
            f"The registry wants {clean(', '.join(sorted(schemes)))}, which no client of images "
            "can give.",
            evidence=evidence,
            remedy="Something in front of the registry asks for its own login: have it let /v2/ "
            "through.",
        )
    summary = f"The registry wants {' or '.join(wanted)}."
    return row(registry, STAGE, "CHALLENGE_OK", "ok", summary, evidence=evidence)


def _realm(challenges: Sequence[Challenge]) -> str:
    return next((one.realm for one in challenges if one.scheme == "bearer"), "")
