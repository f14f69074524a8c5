"""Push: may the credential push, as far as somebody tells? Nothing is ever tried by writing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from regtools.collect.probes.stage import clean, row, skipped
from regtools.registries.listing import Rights
from regtools.schema import CheckRow

STAGE: Final = "push"


def push(
    registry: str,
    repository: str,
    *,
    granted: Collection[str] | None,
    told: Rights | None,
    needed: bool,
) -> CheckRow:
    """Say whether a push would be let in.

    Parameters
    ----------
    granted
        Rights in the registry's token; None: not told.
    told
        What the vendor's API says, which counts most.
    needed
        Whether a push is what is to work; else that it may not is no fault.
    """
    if told is not None and "push" in told.granted:
        allowed, by = told.granted["push"], clean(told.source)
    elif granted is not None:
        allowed, by = "push" in granted, "the token"
    else:
        reason = "Nobody tells: neither a token nor an API; a push alone would show it."
        return skipped(registry, STAGE, reason)
    evidence = {"told_by": by, "granted": sorted(granted or ())}
    if allowed:
        summary = f"The credential may push to {repository}, says {by}."
        return row(registry, STAGE, "PUSH_GRANTED", "ok", summary, evidence=evidence)
    return row(
        registry,
        STAGE,
        "PUSH_NOT_GRANTED",
        "fail" if needed else "ok",
        f"The credential may not push to {repository}, says {by}.",
        evidence=evidence,
        remedy="Give the user, robot account or token the right to push (write) to this repository."
        if needed
        else "",
    )
