"""Reference: is the name one that a registry could know, and which one is meant?"""

from __future__ import annotations

from typing import Final

from regtools.collect.probes.stage import failed, row
from regtools.errors import InvalidReferenceError
from regtools.reference import DOCKER_HUB, Target
from regtools.schema import CheckRow

STAGE: Final = "reference"
LIBRARY: Final = "library/"


def reference(target: Target, given: str, *, tag: str | None) -> CheckRow:
    """Say what the name means, where that is not what it seems.

    Parameters
    ----------
    given
        The repository as the user wrote it; empty: none.
    tag
        A tag or digest; None: none was given.
    """
    means = f"{target.registry}{f'/{target.path}' if target.path else ''}"
    evidence = {
        "registry": target.registry,
        "repository": target.path,
        "reference": tag or "",
        "given": given,
    }
    if target.registry == DOCKER_HUB and target.path.startswith(LIBRARY) and LIBRARY not in given:
        summary = f"It means {means}: Docker's own images are below library/."
        return row(target.registry, STAGE, "REFERENCE_OFFICIAL", "ok", summary, evidence=evidence)
    if target.path and tag is None:
        summary = f"It means {means}; without a tag clients take `latest`."
        return row(target.registry, STAGE, "REFERENCE_OK", "ok", summary, evidence=evidence)
    return row(
        target.registry, STAGE, "REFERENCE_OK", "ok", f"It means {means}.", evidence=evidence
    )


def unreadable(registry: str, error: InvalidReferenceError) -> CheckRow:
    """Make the row of a name that the grammar refuses."""
    return failed(registry, STAGE, error)
