"""What each kind of registry can tell and lets people do: read from its own file, never written twice.

``docs/registries/README.md`` is `page` of it; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from regtools.registries import KINDS, RegistryKind
from regtools.registries._base import UI_ACTIONS
from regtools.registries.listing import TELLS

TOLD: Final = MappingProxyType(
    {
        "repositories": "every repository",
        "untagged": "what has no tag",
        "pushed": "when a tag was pushed",
        "pulled": "when it was pulled last",
        "pulls": "how often it was pulled",
        "visibility": "public or private",
        "size": "the vendor's own size",
        "quota": "quota or sum",
        "immutable": "tags that cannot move",
        "cleanup": "its cleanup rules",
    }
)
"""What the names in `VendorApi.tells` mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What regtools knows of one kind."""

    kind: str
    title: str
    dedup_scope: str
    lists: str
    """How its repositories are found, in words."""
    has_api: bool
    """Whether there is an API of the vendor's beside the protocol."""
    tells: tuple[str, ...]
    """What that API tells: some of `TELLS`, in their order."""
    authenticates: str
    """What opens the registry, in words."""
    credential: str
    """What opens the API, in words; empty: nothing more."""
    is_credential_needed: bool
    """Whether the API tells nothing without one."""
    pages: tuple[str, ...]
    """What has a web page: some of ``registry``, ``repository``, ``tag``."""
    ui_actions: tuple[str, ...]
    """What that page lets people do: some of `UI_ACTIONS`."""
    ui_note: str


def capabilities(kinds: Iterable[RegistryKind] = tuple(KINDS.values())) -> list[Capability]:
    """Give a row for each kind."""
    return [_capability(kind) for kind in kinds]


def _capability(kind: RegistryKind) -> Capability:
    vendor = kind.vendor
    pages = {
        "registry": kind.registry_page or kind.ui_registry_page,
        "repository": kind.page or kind.ui_page,
        "tag": kind.tag_page or kind.ui_tag_page,
    }
    return Capability(
        kind=kind.name,
        title=kind.title,
        dedup_scope=kind.dedup_scope,
        lists=kind.lists,
        has_api=vendor is not None,
        tells=tuple(one for one in TELLS if vendor is not None and one in vendor.tells),
        authenticates=kind.authenticates,
        credential=vendor.credential if vendor else "",
        is_credential_needed=vendor is not None and vendor.is_needed,
        pages=tuple(name for name, template in pages.items() if template),
        ui_actions=tuple(one for one in UI_ACTIONS if one in kind.ui_actions),
        ui_note=kind.ui_note,
    )


def page(documented: Collection[str]) -> str:
    """Write the page of all kinds, in Markdown.

    Parameters
    ----------
    documented
        Names of the kinds that have a page of their own beside it.
    """
    rows = capabilities()
    told = _table(
        ("", *(f"{TOLD[name]} (`{name}`)" for name in TELLS)),
        [
            (_linked(row, documented), *(_mark(row, name in row.tells) for name in TELLS))
            for row in rows
        ],
    )
    access = _table(
        ("", "finds repositories by", "the registry takes", "its own API takes", "dedup scope"),
        [
            (
                _linked(row, documented),
                row.lists,
                row.authenticates,
                _credential(row),
                f"`{row.dedup_scope}`",
            )
            for row in rows
        ],
    )
    pages = _table(
        ("", "links to", *UI_ACTIONS, "which page"),
        [
            (
                _linked(row, documented),
                ", ".join(row.pages),
                *("yes" if name in row.ui_actions else "" for name in UI_ACTIONS),
                row.ui_note,
            )
            for row in rows
        ],
    )
    return _PAGE.format(told=told, access=access, pages=pages)


def _linked(row: Capability, documented: Collection[str]) -> str:
    return f"[{row.title}]({row.kind}.md)" if row.kind in documented else row.title


def _mark(row: Capability, is_told: bool) -> str:
    return "yes" if is_told else "" if row.has_api else "–"


def _credential(row: Capability) -> str:
    if not row.has_api:
        return "–"
    without = "" if row.is_credential_needed else "; without it, what is public"
    return f"{row.credential}{without}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_PAGE: Final = """\
# Registries: what each can tell

Written by `make capabilities` from the files in `src/regtools/registries`; do not edit.
`regtools registries` prints the same, and `regtools registries --probe NAME` says what a registry
in your settings really answered.

## What a vendor's own API tells beyond the protocol
An empty cell: the API does not tell. –: there is no such API; the protocol tells repositories (where
its catalog is open), tags, manifests and layers, and no more.

{told}

## Finding repositories, and who may
{access}

## Web pages
Reports link to them; `ui_url` in the settings puts a page of your own in their place. What that page
lets people do, regtools never does: it only reads.

{pages}
"""
