"""Listings: whether they are open, how many names come at once, and how they go on.

Sources: OCI distribution 1.1, "Listing Tags"; distribution's API for the catalog (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from regtools.client.page import next_link, next_page
from regtools.collect.protocol.asking import Asked, Asker, unknown
from regtools.collect.protocol.capability import Capability
from regtools.errors import RegistryError

SIZES: Final = (100_000, 1000)
"""More names than any registry gives at once; and what distribution 2.8.2 and later give at most."""


class Pages:
    """One listing, measured: its rows, and the names of its first page."""

    def __init__(self, key: str, names: list[str], rows: list[Capability]) -> None:
        self.key = key
        self.names = names
        self.rows = rows


async def pages(asker: Asker, kind: str, path: str, scope: str) -> Pages:
    """Measure a listing in four requests at most.

    Parameters
    ----------
    kind
        ``catalog`` or ``tags``: what its capabilities begin with.
    """
    key = "repositories" if kind == "catalog" else "tags"
    first = await asker.ask("GET", f"{path}?n=1", scope=scope)
    names = _names(first, key)
    if names is None:
        missing = [first.row(kind, None if not first.ok else "no", "no list of names")]
        rest = (f"{kind}_page_size", f"{kind}_most", f"{kind}_link")
        return Pages(
            key, [], [*missing, *(unknown(one, "The listing is not open.") for one in rest)]
        )
    much, many, size = await _many(asker, key, path, scope)
    every = many if many is not None else names
    rows = [
        first.row(kind, "yes", f"{len(every)} names" if many is not None else ""),
        _size(kind, first, names, every),
        _most(kind, much, many, size),
        await _link(asker, kind, first, names, every, scope),
    ]
    return Pages(key, every, rows)


async def _many(
    asker: Asker, key: str, path: str, scope: str
) -> tuple[Asked, list[str] | None, int]:
    """Ask for more than there is, or for what the project's own registry gives at most."""
    for size in SIZES:
        asked = await asker.ask("GET", f"{path}?n={size}", scope=scope)
        names = _names(asked, key)
        if names is not None or asked.answered() != "no":
            break
    return asked, names, size


async def tags(asker: Asker, repository: str) -> Pages:
    """Measure the listing of a repository's tags, and the order of it."""
    scope = f"repository:{repository}:pull"
    found = await pages(asker, "tags", f"/v2/{repository}/tags/list", scope)
    names = found.names
    if len(names) < 2:
        row = unknown("tags_order", f"{repository} has fewer than two tags.")
    else:
        is_sorted = names == sorted(names)
        value = (
            "by name" if is_sorted else "by name, capitals aside" if _is_lax(names) else "another"
        )
        row = Capability(
            capability="tags_order",
            answer="yes" if is_sorted else "no",
            value=value,
            evidence=f"{len(names)} tags of {repository}",
        )
    found.rows.append(row)
    return found


async def missing_repository(asker: Asker) -> Capability:
    """Ask for a repository that is nowhere: does the registry say so in the protocol's words?"""
    name = "regtools/no-such-repository"
    asked = await asker.ask("GET", f"/v2/{name}/tags/list?n=1", scope=f"repository:{name}:pull")
    codes = ", ".join(error_codes(asked))
    if asked.status == 404 and codes:
        return asked.row("unknown_repository", "yes", codes)
    if asked.ok:
        return asked.row("unknown_repository", "no", "an empty list")
    return asked.row("unknown_repository", None, codes)


def error_codes(asked: Asked) -> list[str]:
    """Read the codes of an error body (OCI distribution 1.1, "Error Codes")."""
    data = _json(asked)
    listed = data.get("errors") if isinstance(data, dict) else None
    entries = listed[:4] if isinstance(listed, list) else []
    return [str(one["code"])[:60] for one in entries if isinstance(one, dict) and one.get("code")]


def _size(kind: str, first: Asked, names: list[str], every: list[str]) -> Capability:
    if len(every) < 2:
        return unknown(f"{kind}_page_size", f"There are {len(every)} names: one page in any case.")
    if len(names) == 1:
        return first.row(f"{kind}_page_size", "yes", "`n` is obeyed")
    return first.row(f"{kind}_page_size", "no", f"{len(names)} names though n=1")


def _is_lax(names: list[str]) -> bool:
    return names == sorted(names, key=str.casefold)


def _most(kind: str, much: Asked, many: list[str] | None, size: int) -> Capability:
    capability = f"{kind}_most"
    if many is None:
        return much.row(capability, None, ", ".join(error_codes(much)))
    refused = f"n={SIZES[0]} is refused; " if size != SIZES[0] else ""
    if next_link(_links(much)) is None:
        return much.row(capability, "yes", f"{refused}all {len(many)} at n={size}")
    return much.row(capability, "yes", f"{refused}{len(many)} at most")


async def _link(
    asker: Asker, kind: str, first: Asked, names: list[str], every: list[str], scope: str
) -> Capability:
    capability = f"{kind}_link"
    target = next_link(_links(first))
    if target is None:
        if len(names) < len(every):
            return first.row(capability, "no", "no Link, though there is more")
        return unknown(capability, "One page holds everything.")
    form = "absolute" if "://" in target else "relative" if target.startswith("/") else "other"
    if first.response is None:
        raise AssertionError("a link came with an answer")
    try:
        url = next_page(first.response.request.url, _links(first))
    except RegistryError as error:
        return first.row(capability, "no", f"{form}; {error.summary}")
    if url is None:
        raise AssertionError("a link has a target")
    second = await asker.ask("GET", url, scope=scope)
    following = _names(second, "repositories" if kind == "catalog" else "tags")
    if following is None:
        return second.row(capability, None if not second.ok else "no", f"{form}; leads nowhere")
    if set(following) & set(names):
        return second.row(capability, "no", f"{form}; gives the same page again")
    return second.row(capability, "yes", form)


def _names(asked: Asked, key: str) -> list[str] | None:
    data = _json(asked) if asked.ok else None
    if not isinstance(data, dict) or key not in data:
        return None
    value = data[key]
    if value is None:  # Go writes an empty slice as null.
        return []
    return list(_texts(value)) if isinstance(value, list) else None


def _texts(values: list[object]) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))


def _json(asked: Asked) -> object:
    try:
        return json.loads(asked.body or b"")
    except (ValueError, RecursionError):
        return None


def _links(asked: Asked) -> list[str]:
    return asked.response.headers.get_list("link") if asked.response is not None else []
