"""The referrers API: is it there, and does it filter?

Source: OCI distribution 1.1, "Listing Referrers": an image index, ``OCI-Filters-Applied``, and 404
only where the API is not there at all.
"""

from __future__ import annotations

import json
from typing import Final

from regtools.collect.protocol.asking import Asked, Asker
from regtools.collect.protocol.capability import Capability
from regtools.manifest import OCI_INDEX

NO_TYPE: Final = "application/vnd.regtools.nothing"


async def referrers(asker: Asker, repository: str, digest: str) -> list[Capability]:
    """Ask for what refers to a manifest, and for one kind of it that nobody makes."""
    path, scope = f"/v2/{repository}/referrers/{digest}", f"repository:{repository}:pull"
    whole = await asker.ask("GET", path, scope=scope, headers={"Accept": OCI_INDEX})
    count = _count(whole)
    if count is None:
        value = "only the fallback tag" if whole.answered() == "no" or whole.ok else ""
        first = whole.row("referrers", "no" if whole.ok else None, value)
        return [first, whole.row("referrers_filter", first.answer, "")]
    some = await asker.ask(
        "GET", f"{path}?artifactType={NO_TYPE}", scope=scope, headers={"Accept": OCI_INDEX}
    )
    applied = "artifactType" in some.header("oci-filters-applied")
    left = _count(some)
    if applied and not left:
        filtered = some.row("referrers_filter", "yes", "OCI-Filters-Applied: artifactType")
    elif left is None or (left and not applied):
        filtered = some.row("referrers_filter", "no" if some.ok else None, "not applied")
    else:
        # Nothing came, of a kind that there is nothing of: that says nothing.
        filtered = some.row("referrers_filter", "unknown" if not count else "yes", "not told")
    return [whole.row("referrers", "yes", f"{count} of this image"), filtered]


def _count(asked: Asked) -> int | None:
    try:
        data = json.loads(asked.body or b"") if asked.ok else None
    except (ValueError, RecursionError):
        return None
    listed = data.get("manifests") if isinstance(data, dict) else None
    return len(listed) if isinstance(listed, list) else None
