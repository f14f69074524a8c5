"""Pages of a listing: the `Link` header to the next one (RFC 8288; OCI distribution 1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import httpx

from regtools.errors import MalformedAnswerError

_LINK: Final = re.compile(r'<(?P<target>[^<>]*)>(?P<parameters>(?:\s*;\s*(?:"[^"]*"|[^,"])*)*)')
_NEXT: Final = re.compile(
    r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next)\s*(?:;|$)', re.IGNORECASE
)


def next_page(url: httpx.URL, links: Iterable[str]) -> httpx.URL | None:
    """Give the address of the next page, None on the last one.

    It is read against the address that was asked, and stays there: an answer behind a gateway
    may name another scheme or port, of which only path and query are meant.

    Raises
    ------
    MalformedAnswerError
        Code ``PAGE_FOREIGN_HOST``: it points to another host. ``PAGE_MALFORMED``: to nowhere.
    """
    target = _next_target(links)
    if target is None:
        return None
    try:
        found = url.join(target)
    except (httpx.InvalidURL, ValueError) as error:
        raise MalformedAnswerError(
            f"The listing of {url.host} links to a next page that is no address.",
            code="PAGE_MALFORMED",
        ) from error
    if found.host != url.host:
        raise MalformedAnswerError(
            f"The listing of {url.host} goes on at another host, {found.host[:100]!r}.",
            code="PAGE_FOREIGN_HOST",
            remedy="A proxy in front of the registry rewrites its links; "
            "ask its operator to set the registry's own address (`http.host`).",
        )
    return url.copy_with(raw_path=found.raw_path)


def _next_target(links: Iterable[str]) -> str | None:
    for header in links:
        for link in _LINK.finditer(header):
            if _NEXT.search(link["parameters"]):
                return link["target"]
    return None
