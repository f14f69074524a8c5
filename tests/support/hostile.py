"""A registry whose every text wants to be something else: markup, a link, a formula, a command."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Final

from tests.support.inventories import NOON, REGISTRY, Shelf, layer, publish

from regtools.history import History
from regtools.schema import CheckRow, ProblemRow, RepositoryRow

MARK: Final = "PWNED"
"""An element that holds this and nothing else was made of foreign text."""
TEXTS: Final = (
    f"<script>alert(1)</script><b>{MARK}</b>",
    '"><img src=x onerror=alert(1)>',
    "</td></table></style></title><svg onload=alert(1)>",
    "<form action=http://127.0.0.1:9/form><base href=http://127.0.0.1:9/>",
    "javascript:alert(1)",
    f"[{MARK}](javascript:alert(1))",
    "![](http://127.0.0.1:9/picture)",
    f"# {MARK}",
    f"**{MARK}** <!-- ",
    "$(reboot)`reboot`;reboot|&",
    "%matplotlib {{ 7*7 }} {% raw %} {#",
    "$x^2$ \\alpha &amp;lt;",
    "https://127.0.0.1:9/page",
    "n" * 255,
)
"""As they stand in the history, and as a reader has to see them."""
INVISIBLE: Final = "\u202eexe\u202c\u2066.txt\x1b[31m\x07\x9b"
"""Signs that would turn a name around or colour a terminal: these are taken out."""
_MB: Final = 10**6
_WEEKS: Final = 5


def hostile_history(folder: Path) -> History:
    """Give five weekly snapshots of repositories, tags and messages named so; the last one failed."""
    history, shelf = History(folder), Shelf()
    base = layer("base", 300 * _MB)
    names = [text + INVISIBLE for text in TEXTS]
    for week in range(_WEEKS):
        taken_at = NOON - timedelta(days=7 * (_WEEKS - 1 - week))
        for place, name in enumerate(names):
            own = layer(f"{place} {week}", (20 + place) * _MB)
            made = taken_at - timedelta(days=200 * (place % 3), hours=5)
            image = shelf.image(base, own, created_at=made, platform=f"linux/{name}")
            # Each repository has a tag of each text, by and by.
            shelf.tag(name, names[(place + week) % len(names)] + str(week), image)
        inventory = shelf.inventory()
        inventory.repositories = [_repository(name) for name in names]
        inventory.checks = _checks(names)
        if week == _WEEKS - 1:
            inventory.problems = [
                ProblemRow(
                    registry=REGISTRY, repository=name, reference=name, code="DENIED", message=name
                )
                for name in names
            ]
        publish(history, inventory, taken_at=taken_at, complete=week < _WEEKS - 1)
    return history


def _repository(name: str) -> RepositoryRow:
    return RepositoryRow(
        registry=REGISTRY, repository=name, visibility=name, web_url=name, tag_web_url=name
    )


def _checks(names: list[str]) -> list[CheckRow]:
    """Give stages that are good, to look at and failed, all in foreign words."""
    stages = ("resolve", "connect", "tls", "http", "auth", "listing", "manifest", "blob")
    ends = {"not_after": "2026-11-27T12:00:00+00:00", "days_left": 4}
    return [
        CheckRow(
            registry=REGISTRY,
            stage=stage,
            code=name,
            status=("ok", "warn", "fail")[place % 3],
            ms=1.5,
            summary=name,
            evidence=json.dumps({"subject": name, "issuer": name, **ends}),
            remedy=name,
        )
        for place, (stage, name) in enumerate(zip(stages, names, strict=False))
    ]
