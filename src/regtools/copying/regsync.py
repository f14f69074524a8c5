"""The configuration of regclient's regsync.

Keys as in ``cmd/regsync/config.go`` of regclient 725072f6 (2026-07-01). An ``allow`` is a regular
expression that is anchored at both ends.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from regtools.copying.move import Copies
from regtools.copying.script import is_plain
from regtools.copying.written import as_yaml, one_line

_HEAD: Final = """\
# Made by regtools migrate plan: {about}.
# Log in to both registries first (regctl registry login, or docker login), then:
#   regsync check -c regsync.yml     # what would be copied
#   regsync once -c regsync.yml
# It copies tags as they are when it runs, with all platforms, referrers and signatures, and
# overwrites a tag that names something else at the destination.
"""


def regsync(copies: Copies) -> str:
    """Write the configuration: an entry for each repository, its tags by name."""
    repositories: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in copies.tagged:
        repositories[one.repository, one.destination].append(one.tag)
    targets = (copies.source, copies.destination)
    plain = [
        {"registry": target.registry, "tls": "disabled"} for target in targets if is_plain(target)
    ]
    document: dict[str, Any] = {
        "version": 1,
        **({"creds": plain} if plain else {}),
        "defaults": {"parallel": 2, "referrers": True, "digestTags": True},
        "sync": [
            {
                "source": f"{copies.source.registry}/{repository}",
                "target": f"{copies.destination.registry}/{destination}",
                "type": "repository",
                "tags": {"allow": [tag.replace(".", r"\.") for tag in tags]},
            }
            for (repository, destination), tags in repositories.items()
        ],
    }
    head = _HEAD.format(about=one_line(copies.about))
    return head + as_yaml(document)
